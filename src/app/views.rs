//! The middle of the window: views in tiles, which of them is in front, one that takes it all.

use egui::{Align, Frame, Id, Layout as Flow, Margin, Ui};
use egui_tiles::{SimplificationOptions, Tile, TileId, Tiles, Tree, UiResponse};

use super::actions;
use super::layout::Layout;
use super::panels::filter_bar::count_text;
use super::panels::{PANELS, Panel, View};
use super::theme::{self, Palette, icon};

/// Where the views are.
pub(super) struct Views {
    /// Numbers in [`PANELS`].
    tree: Tree<usize>,
    /// The view that takes the whole middle.
    expanded: Option<usize>,
    /// The view that was used last.
    used: usize,
    /// Whether the middle is too low for two views.
    is_low: bool,
}

/// Points of height below which one view takes the whole middle: a map and a table below each other
/// would both be strips.
const LOW: f32 = 330.0;

impl Default for Views {
    /// The map above the tables.
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let panes: Vec<TileId> =
            (0..PANELS.len()).map(|number| tiles.insert_pane(number)).collect();
        let (above, below) = panes.split_at(1.min(panes.len()));
        let above = tiles.insert_tab_tile(above.to_vec());
        let below = tiles.insert_tab_tile(below.to_vec());
        let root = tiles.insert_vertical_tile(vec![above, below]);
        // The first table is what most questions begin with.
        Self {
            tree: Tree::new(Id::unique("views"), root, tiles),
            expanded: None,
            used: 1,
            is_low: false,
        }
    }
}

impl Views {
    /// Puts the views where they were.
    pub(super) fn laid_out(layout: Option<&Layout>) -> Self {
        let tree = layout.and_then(|layout| layout.tree(&titles()));
        match tree {
            Some(tree) => Self { tree, ..Self::default() },
            None => Self::default(),
        }
    }

    /// Where the views are; `None`: as at first.
    pub(super) fn layout(&self) -> Option<Layout> {
        let titles = titles();
        let layout = Layout::of(&self.tree, &titles);
        (layout != Layout::of(&Self::default().tree, &titles)).then_some(layout)
    }

    /// Brings a view to the front.
    pub(super) fn show(&mut self, number: usize) {
        self.used = number;
        if self.expanded.is_some() {
            self.expanded = Some(number);
        }
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == number));
    }

    /// Brings the view of a title to the front.
    pub(super) fn show_titled(&mut self, title: &str) {
        if let Some(number) = PANELS.iter().position(|panel| panel.title == title) {
            self.show(number);
        }
    }

    /// Whether the view of a title is in front, and was used last.
    pub(super) fn is_used(&self, title: &str) -> bool {
        let is_it = PANELS.get(self.used).is_some_and(|panel| panel.title == title);
        is_it && self.shows(self.used)
    }

    /// Whether a view is in front.
    pub(super) fn shows(&self, number: usize) -> bool {
        match self.alone() {
            Some(alone) => alone == number,
            None => {
                let active = self.tree.active_tiles();
                active.iter().any(|tile| self.tree.tiles.get_pane(tile) == Some(&number))
            }
        }
    }

    /// The view that has the whole middle.
    fn alone(&self) -> Option<usize> {
        self.expanded.or(self.is_low.then_some(self.used))
    }

    /// Gives the view that was used last the whole middle, or puts it back.
    pub(super) fn expand(&mut self) {
        self.expanded = match self.expanded {
            Some(_) => None,
            None => Some(self.used),
        };
    }

    /// Draws them.
    pub(super) fn ui(&mut self, ui: &mut Ui, view: &mut View<'_>) {
        let mut expands = None;
        self.is_low = ui.available_height() < LOW;
        match self.alone().and_then(|number| Some((number, PANELS.get(number)?))) {
            Some((number, panel)) => expanded_ui(ui, view, (number, panel), &mut expands),
            None => {
                let mut tiles = Behavior { view, used: &mut self.used, expands: &mut expands };
                self.tree.ui(&mut tiles, ui);
            }
        }
        if let Some(number) = expands {
            self.used = number;
            self.expand();
        }
    }
}

fn titles() -> Vec<&'static str> {
    PANELS.iter().map(|panel| panel.title).collect()
}

/// The one view that has the whole middle, under a head like a tab.
fn expanded_ui(
    ui: &mut Ui,
    view: &mut View<'_>,
    (number, panel): (usize, &Panel),
    expands: &mut Option<usize>,
) {
    let head = Frame::new().fill(Palette::of(ui).raised).inner_margin(Margin::symmetric(8, 0));
    head.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(title(panel, view));
            ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
                tools_ui(ui, view, (number, panel), (icon::SHRINK, "Put it back"), expands);
            });
        });
    });
    (panel.ui)(ui, view);
}

/// Help, expand and what the panel has of its own.
fn tools_ui(
    ui: &mut Ui,
    view: &mut View<'_>,
    (number, panel): (usize, &Panel),
    (icon, what): (&str, &str),
    expands: &mut Option<usize>,
) {
    ui.add_space(4.0);
    let help = ui.add(egui::Button::new(icon::HELP).frame(false));
    let name = format!("What {} shows", panel.title);
    help.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    help.on_hover_text(panel.help);
    let expand = ui.add(egui::Button::new(icon).frame(false));
    let name = format!("{what}: {}", panel.title);
    expand.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    if expand.on_hover_text(format!("{what}  F11")).clicked() {
        *expands = Some(number);
    }
    (panel.tools)(ui, view);
}

/// Icon, name and how much there is.
fn title(panel: &Panel, view: &View<'_>) -> String {
    let snapshot = view.snapshot;
    let (shown, all) = match panel.title {
        "Hosts" => (snapshot.hosts.shown.len(), snapshot.hosts.all.len()),
        "Flows" => (snapshot.flows.shown.len(), snapshot.flows.all.len()),
        "Records" => (snapshot.records.shown.len(), snapshot.records.all.len()),
        "Detections" => (snapshot.detections_shown.len(), snapshot.detections.len()),
        _ => (0, 0),
    };
    let count = match all {
        0 => String::new(),
        all => format!("  {}", count_text(shown, all)),
    };
    format!("{} {}{count}", panel.icon, panel.title)
}

struct Behavior<'a, 'b> {
    view: &'a mut View<'b>,
    used: &'a mut usize,
    expands: &'a mut Option<usize>,
}

impl egui_tiles::Behavior<usize> for Behavior<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut usize) -> UiResponse {
        let is_used = ui.rect_contains_pointer(ui.max_rect())
            && ui.input(|input| input.pointer.any_pressed());
        if is_used {
            *self.used = *pane;
        }
        if let Some(panel) = PANELS.get(*pane) {
            (panel.ui)(ui, self.view);
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &usize) -> egui::WidgetText {
        let title = PANELS.get(*pane).map(|panel| title(panel, self.view));
        title.unwrap_or_default().into()
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<usize>,
        ui: &mut Ui,
        _: TileId,
        tabs: &egui_tiles::Tabs,
        _: &mut f32,
    ) {
        let active = tabs.active.and_then(|tile| tiles.get_pane(&tile)).copied();
        if let Some((number, panel)) = active.and_then(|pane| Some((pane, PANELS.get(pane)?))) {
            let expand = (icon::EXPAND, "Expand");
            tools_ui(ui, self.view, (number, panel), expand, self.expands);
        }
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..Default::default() }
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        visuals.extreme_bg_color
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        1.0
    }
}

/// Whether there is room for the names of views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// There is.
    Shown,
    /// Icons alone; names on hover and for who cannot see them.
    Hidden,
}

/// The rail: every view by name.
pub(super) fn rail_ui(ui: &mut Ui, views: &mut Views, names: Names) {
    ui.with_layout(Flow::top_down_justified(Align::LEFT), |ui| {
        for (number, panel) in PANELS.iter().enumerate() {
            let text = match names {
                Names::Shown => format!("{}  {}", panel.icon, panel.title),
                Names::Hidden => panel.icon.to_owned(),
            };
            let size = egui::vec2(0.0, theme::row(ui) + 4.0);
            let is_shown = views.shows(number);
            let button = ui.add(egui::Button::selectable(is_shown, text).min_size(size));
            button.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::Button, true, is_shown, panel.title)
            });
            let hover = match actions::view_keys(number) {
                Some(keys) => format!("{}  {}", panel.title, actions::shown_keys(keys)),
                None => panel.title.to_owned(),
            };
            if button.on_hover_text(hover).clicked() {
                views.show(number);
            }
        }
    });
}
