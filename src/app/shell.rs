//! The frame: menus above, rail left, views in the middle, inspector right, time and jobs below.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Context, Frame, Id, Key, Margin, Modifiers, Panel as Bar, RichText, Ui, vec2};
use egui_tiles::{SimplificationOptions, Tile, TileId, Tiles, Tree, UiResponse};

use super::panels::{self, Memory, PANELS, View};
use super::theme::{self, Palette, icon};
use super::widgets::text::counted;
use crate::engine::workbench::{Command, DataState, JobState, Snapshot, Workbench};

/// The window.
pub struct Shell {
    workbench: Workbench,
    memory: Memory,
    /// Which views are where: numbers in [`PANELS`].
    tree: Tree<usize>,
    wishes: Vec<Command>,
    about: bool,
}

impl Shell {
    /// A window over an engine.
    pub fn new(workbench: Workbench) -> Self {
        Self {
            workbench,
            memory: Memory::default(),
            tree: tree(),
            wishes: Vec::new(),
            about: false,
        }
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.workbench.snapshot()
    }

    /// Asks the engine for something, as a person would.
    pub fn ask(&mut self, command: Command) {
        self.wishes.push(command);
    }

    /// Draws a frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let snapshot = self.workbench.snapshot();
        self.take_drops(ui.ctx());
        self.keys(ui.ctx(), &snapshot);
        let mut view =
            View { snapshot: &snapshot, wishes: &mut self.wishes, memory: &mut self.memory };
        let bar = Frame::new().fill(Palette::of(ui).raised).inner_margin(Margin::symmetric(8, 4));
        Bar::top("menus").frame(bar).show(ui, |ui| menus_ui(ui, &mut view, &mut self.about));
        if snapshot.case.is_empty() {
            let page = Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::same(16));
            egui::CentralPanel::default()
                .frame(page)
                .show(ui, |ui| panels::start::start_ui(ui, &mut view));
        } else {
            workbench_ui(ui, &mut view, &mut self.tree);
        }
        let mut view =
            View { snapshot: &snapshot, wishes: &mut self.wishes, memory: &mut self.memory };
        panels::case::dialogs_ui(ui.ctx(), &mut view);
        panels::handover::dialog_ui(ui, &mut view);
        about_ui(ui.ctx(), &mut self.about);
        drop_hint_ui(ui);
        for wish in self.wishes.drain(..) {
            match &wish {
                Command::Select(what) => self.memory.asked = *what,
                Command::Back | Command::Forward => self.memory.asked = None,
                _ => {}
            }
            self.workbench.send(wish);
        }
    }

    /// Files dropped on the window, and those a dialog gave.
    fn take_drops(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let mut paths: Vec<PathBuf> = dropped.iter().map(|file| file.path().to_owned()).collect();
        let picked = ctx.data_mut(|data| data.remove_temp::<Vec<PathBuf>>(picked_id()));
        paths.extend(picked.unwrap_or_default());
        if !paths.is_empty() {
            self.wishes.push(Command::Open(paths));
        }
    }

    fn keys(&mut self, ctx: &Context, snapshot: &Snapshot) {
        let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
        if pressed(Modifiers::COMMAND, Key::O) {
            pick_files(ctx);
        }
        if pressed(Modifiers::COMMAND, Key::N) {
            self.wishes.push(Command::NewCase);
        }
        if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::S) {
            self.memory.case.ask_where();
        }
        // A text being written has an undo of its own.
        if !ctx.text_edit_focused() {
            // With Shift first: without, it would be taken for the other.
            if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z)
                || pressed(Modifiers::COMMAND, Key::Y)
            {
                self.wishes.push(Command::Redo);
            }
            if pressed(Modifiers::COMMAND, Key::Z) {
                self.wishes.push(Command::Undo);
            }
        }
        if pressed(Modifiers::COMMAND, Key::E) && !snapshot.hosts.shown.is_empty() {
            let (wishes, memory) = (&mut self.wishes, &mut self.memory);
            View { snapshot, wishes, memory }.hand_over();
        }
        if pressed(Modifiers::ALT, Key::ArrowLeft) {
            self.wishes.push(Command::Back);
        }
        if pressed(Modifiers::ALT, Key::ArrowRight) {
            self.wishes.push(Command::Forward);
        }
        for (number, key) in (0..PANELS.len()).zip([
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
        ]) {
            if pressed(Modifiers::COMMAND, key) {
                show_panel(&mut self.tree, number);
            }
        }
    }
}

impl eframe::App for Shell {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

fn picked_id() -> Id {
    Id::unique("picked files")
}

/// Asks for files in a thread of its own, so that the window goes on; they arrive in a later frame.
pub fn pick_files(ctx: &Context) {
    let ctx = ctx.clone();
    let ask = move || {
        // `None` is "nothing chosen", or no portal to ask: the path field is always there.
        if let Some(paths) = rfd::FileDialog::new().set_title("Open files").pick_files() {
            ctx.data_mut(|data| data.insert_temp(picked_id(), paths));
            ctx.request_repaint();
        }
    };
    std::thread::Builder::new().name("file-dialog".to_owned()).spawn(ask).ok();
}

/// The first arrangement: the map above the tables.
fn tree() -> Tree<usize> {
    let mut tiles = Tiles::default();
    let panes: Vec<TileId> = (0..PANELS.len()).map(|number| tiles.insert_pane(number)).collect();
    let (above, below) = panes.split_at(1.min(panes.len()));
    let above = tiles.insert_tab_tile(above.to_vec());
    let below = tiles.insert_tab_tile(below.to_vec());
    let root = tiles.insert_vertical_tile(vec![above, below]);
    Tree::new(Id::unique("views"), root, tiles)
}

/// Brings a view to the front.
fn show_panel(tree: &mut Tree<usize>, number: usize) {
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == number));
}

struct Views<'a, 'b> {
    view: &'a mut View<'b>,
}

impl egui_tiles::Behavior<usize> for Views<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut usize) -> UiResponse {
        if let Some(panel) = PANELS.get(*pane) {
            (panel.ui)(ui, self.view);
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &usize) -> egui::WidgetText {
        let Some(panel) = PANELS.get(*pane) else { return "".into() };
        let snapshot = self.view.snapshot;
        let count = match panel.title {
            "Hosts" => snapshot.hosts.shown.len(),
            "Flows" => snapshot.flows.shown.len(),
            "Records" => snapshot.records.shown.len(),
            "Detections" => snapshot.detections.len(),
            _ => 0,
        };
        let count = match count {
            0 => String::new(),
            count => format!("  {}", super::widgets::text::grouped(count as u64)),
        };
        format!("{} {}{count}", panel.icon, panel.title).into()
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<usize>,
        ui: &mut Ui,
        _: TileId,
        tabs: &egui_tiles::Tabs,
        _: &mut f32,
    ) {
        let active = tabs.active.and_then(|tile| tiles.get_pane(&tile));
        if let Some(panel) = active.and_then(|pane| PANELS.get(*pane)) {
            let help = ui.add(egui::Button::new(icon::HELP).frame(false));
            let name = format!("What {} shows", panel.title);
            help.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
            help.on_hover_text(panel.help);
            (panel.tools)(ui, self.view);
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

fn workbench_ui(ui: &mut Ui, view: &mut View<'_>, tree: &mut Tree<usize>) {
    let bar = Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::symmetric(8, 4));
    Bar::bottom("time").frame(bar).resizable(false).show(ui, |ui| {
        panels::timeline::timeline_ui(ui, view);
        panels::jobs::jobs_ui(ui, view);
    });
    let side = Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::same(12));
    Bar::right("inspector")
        .frame(side)
        .default_size(320.0)
        .size_range(240.0..=560.0)
        .show(ui, |ui| panels::inspector::inspector_ui(ui, view));
    let rail = Frame::new().fill(Palette::of(ui).raised).inner_margin(Margin::symmetric(4, 8));
    Bar::left("rail").frame(rail).resizable(false).exact_size(112.0).show(ui, |ui| {
        let shown = tree.active_tiles();
        let is_shown =
            |number: usize| shown.iter().any(|tile| tree.tiles.get_pane(tile) == Some(&number));
        let mut chosen = None;
        ui.with_layout(egui::Layout::top_down_justified(egui::Align::LEFT), |ui| {
            for (number, panel) in PANELS.iter().enumerate() {
                let text = format!("{}  {}", panel.icon, panel.title);
                let button = egui::Button::selectable(is_shown(number), text)
                    .min_size(vec2(0.0, theme::ROW + 4.0));
                if ui.add(button).on_hover_text(format!("Ctrl+{}", number + 1)).clicked() {
                    chosen = Some(number);
                }
            }
        });
        if let Some(number) = chosen {
            show_panel(tree, number);
        }
    });
    let views = Frame::new().fill(Palette::of(ui).ground);
    egui::CentralPanel::default().frame(views).show(ui, |ui| {
        tree.ui(&mut Views { view }, ui);
    });
}

fn menus_ui(ui: &mut Ui, view: &mut View<'_>, about: &mut bool) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| file_menu_ui(ui, view));
        ui.menu_button("Edit", |ui| panels::case::edit_menu_ui(ui, view));
        ui.menu_button("View", view_menu_ui);
        ui.menu_button("Help", |ui| {
            if ui.button("About and attribution").clicked() {
                *about = true;
                ui.close();
            }
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let state = RichText::new(state(view.snapshot)).color(Palette::of(ui).quiet);
            ui.label(state).on_hover_text(panels::case::place_help(view.snapshot));
        });
    });
}

fn file_menu_ui(ui: &mut Ui, view: &mut View<'_>) {
    if ui.button("Open files …  Ctrl+O").clicked() {
        pick_files(ui.ctx());
        ui.close();
    }
    if ui.button("Open the example").clicked() {
        view.wish(Command::OpenExample);
        ui.close();
    }
    if ui.button("New case  Ctrl+N").clicked() {
        view.wish(Command::NewCase);
        ui.close();
    }
    panels::case::file_menu_ui(ui, view);
    ui.separator();
    let some = !view.snapshot.hosts.shown.is_empty();
    if ui.add_enabled(some, egui::Button::new("Hand over …  Ctrl+E")).clicked() {
        view.hand_over();
        ui.close();
    }
    ui.separator();
    if ui.button("Quit").clicked() {
        ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
    }
}

fn view_menu_ui(ui: &mut Ui) {
    for (name, theme) in [
        ("Dark", egui::ThemePreference::Dark),
        ("Light", egui::ThemePreference::Light),
        ("As the system", egui::ThemePreference::System),
    ] {
        if ui.button(name).clicked() {
            ui.ctx().set_theme(theme);
            ui.close();
        }
    }
    ui.separator();
    for percent in [100_u8, 125, 150, 200] {
        if ui.button(format!("{percent} %")).clicked() {
            ui.ctx().set_zoom_factor(f32::from(percent) / 100.0);
            ui.close();
        }
    }
}

/// What is going on, in a few words.
fn state(snapshot: &Snapshot) -> String {
    match &snapshot.data {
        DataState::Opening => return "opening reference data".to_owned(),
        DataState::Failed(why) => return why.clone(),
        DataState::Ready(_) => {}
    }
    let running = snapshot.jobs.iter().filter(|job| matches!(job.state, JobState::Running { .. }));
    match (running.count(), snapshot.case.is_empty()) {
        (0, true) => "ready".to_owned(),
        (0, false) => {
            let hosts = counted(snapshot.hosts.all.len() as u64, "host", "hosts");
            format!("{hosts} · {}", panels::case::place_text(snapshot))
        }
        (1, _) => "reading".to_owned(),
        (many, _) => format!("{many} jobs run"),
    }
}

fn about_ui(ctx: &Context, open: &mut bool) {
    egui::Window::new("About").open(open).collapsible(false).resizable(false).show(ctx, |ui| {
        ui.label(RichText::new("InfraLock Workbench").font(theme::strong(theme::TITLE)));
        ui.label(format!("version {}", env!("CARGO_PKG_VERSION")));
        ui.add_space(8.0);
        ui.label("IP geolocation by DB-IP, https://db-ip.com (CC BY 4.0)");
        ui.label("AS data by RouteViews and DB-IP (CC BY 4.0); registries' data by nro.net");
        ui.label("Places by GeoNames (CC BY 4.0); map by Natural Earth (public domain)");
        ui.label("Inter and JetBrains Mono (SIL OFL 1.1), Phosphor icons (MIT)");
        ui.label("All of it: infralock data attribution");
    });
}

/// Says what will happen while files hang over the window.
fn drop_hint_ui(ui: &Ui) {
    let hovered = ui.ctx().input(|input| input.raw.hovered_files.len());
    if hovered == 0 {
        return;
    }
    let what = format!("Drop to read {}", counted(hovered as u64, "file", "files"));
    let painter = ui
        .ctx()
        .layer_painter(egui::LayerId::new(egui::Order::Foreground, Id::unique("drop hint")));
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, Palette::of(ui).ground.gamma_multiply(0.8));
    let font = theme::strong(theme::TITLE);
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, what, font, Palette::of(ui).text);
}
