//! The frame: menus above, rail left, views in the middle, inspector right, time and jobs below.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{
    Context, Frame, Id, KeyboardShortcut, Margin, Modifiers, Panel as Bar, Rect, Ui,
    ViewportCommand,
};

use super::about::{about_ui, keys_ui};
use super::actions::{self, Act, Action, Look, Sides};
use super::age;
use super::banner::banner_ui;
use super::first_frame::FirstFrame;
use super::keeper::Keeper;
use super::palette::{Choice, Finder};
use super::panels::{self, Memory, View};
use super::settings::{Density, RECENT_MAX, Settings};
use super::settings_ui::Dialog;
use super::theme::{self, Palette};
use super::times::{self, Clock};
use super::top_bar::TopBar;
use super::units;
use super::views::{Names, Views, rail_ui};
use super::widgets::list;
use super::widgets::text::counted;
use crate::engine::workbench::{Command, Snapshot, Workbench};

/// Points below which there is no room for the names of views: a small screen, or a large size.
const NARROW: f32 = 900.0;

/// The view that can be searched, by its title.
const PACKETS: &str = panels::packets::PANEL.title;

/// The view that is asked by writing into it, by its title.
const EXPLORER: &str = panels::explorer::PANEL.title;

/// The window.
pub struct Shell {
    workbench: Workbench,
    memory: Memory,
    views: Views,
    wishes: Vec<Command>,
    /// Everything a person can do.
    actions: Vec<Action>,
    /// What a person chose in this frame.
    acts: Vec<Act>,
    finder: Finder,
    settings: Settings,
    keeper: Keeper,
    dialog: Dialog,
    worn: Worn,
    /// What was said about the age of the data, once it was put away.
    age_read: Option<String>,
    about: bool,
    keys: bool,
    pub(super) first_frame: FirstFrame,
}

/// What of the settings the window wears already.
#[derive(Default)]
struct Worn {
    looks: Option<(Look, Density, Clock)>,
    /// A size that was asked for and holds from the next frame on.
    zoom_asked: bool,
    zoom_percent: Option<u16>,
}

impl Shell {
    /// A window over an engine that keeps no settings.
    pub fn new(workbench: Workbench) -> Self {
        Self::with_settings(workbench, None)
    }

    /// A window over an engine, with the settings of a file that is kept up to date.
    pub fn with_settings(workbench: Workbench, path: Option<PathBuf>) -> Self {
        let (keeper, settings) = Keeper::open(path);
        let mut memory = Memory::default();
        for (name, columns, table) in memory.tables() {
            if let Some(arranged) = settings.columns.get(name) {
                table.arrange(&columns, arranged);
            }
        }
        memory.start.recent.clone_from(&settings.recent);
        memory.filter.history.clone_from(&settings.filters);
        let mut wishes = Vec::new();
        if !settings.own_networks.is_empty() {
            wishes.push(Command::Own(settings.own()));
        }
        if settings.places_days.is_some() {
            wishes.push(Command::Retain(settings.places_days));
        }
        Self {
            workbench,
            memory,
            views: Views::laid_out(settings.views.as_ref()),
            wishes,
            actions: actions::all(),
            acts: Vec::new(),
            finder: Finder::default(),
            settings,
            keeper,
            dialog: Dialog::default(),
            worn: Worn::default(),
            age_read: None,
            about: false,
            keys: false,
            first_frame: FirstFrame::default(),
        }
    }

    /// What is set, with where everything stands now.
    fn settings_now(&mut self) -> Settings {
        let mut settings = self.settings.clone();
        settings.views = self.views.layout();
        settings.filters.clone_from(&self.memory.filter.history);
        settings.columns.clear();
        for (name, columns, table) in self.memory.tables() {
            let arranged = table.arrangement(&columns);
            if !arranged.is_empty() {
                settings.columns.insert(name.to_owned(), arranged);
            }
        }
        settings
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
        self.wear(ui.ctx());
        self.take_drops(ui.ctx());
        if !self.finder.is_open() {
            self.shortcuts(ui.ctx());
        }
        let field = self.top_ui(ui, &snapshot);
        self.banners_ui(ui, &snapshot);
        let mut view =
            View { snapshot: &snapshot, wishes: &mut self.wishes, memory: &mut self.memory };
        if snapshot.case.is_empty() {
            // An address can be looked up before anything is opened.
            if snapshot.selection.is_some() {
                inspector_ui(ui, &mut view);
            }
            let page = Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::same(16));
            egui::CentralPanel::default()
                .frame(page)
                .show(ui, |ui| panels::start::start_ui(ui, &mut view));
        } else {
            let bar = Frame::new().fill(Palette::of(ui).raised);
            let bar = bar.inner_margin(Margin::symmetric(8, 4));
            Bar::top("filter").frame(bar).resizable(false).show(ui, |ui| {
                panels::filter_bar::filter_bar_ui(ui, &mut view);
            });
            workbench_ui(ui, &mut view, &mut self.views, self.settings.sides);
        }
        panels::case::dialogs_ui(ui.ctx(), &mut view);
        panels::handover::dialog_ui(ui, &mut view);
        panels::packets::dialog_ui(ui, &mut view);
        panels::marking::dialog_ui(ui.ctx(), &mut view);
        panels::compare::compare_ui(ui.ctx(), &mut view);
        panels::log::log_ui(ui.ctx(), &mut view);
        about_ui(ui.ctx(), &mut self.about, &snapshot);
        keys_ui(ui.ctx(), &mut self.keys, &self.actions);
        self.settings_ui(ui.ctx());
        match self.finder.show(ui.ctx(), field, &snapshot, &self.actions) {
            Some(Choice::Act(act)) => self.acts.push(act),
            Some(Choice::Select(what)) => self.wishes.push(Command::Select(Some(what))),
            None => {}
        }
        drop_hint_ui(ui);
        self.acts.extend(self.memory.take_wanted_view().map(Act::Show));
        for act in std::mem::take(&mut self.acts) {
            self.perform(ui.ctx(), &snapshot, act);
        }
        self.send_wishes();
        self.memory.start.recent.clone_from(&self.settings.recent);
        let now_secs = ui.input(|input| input.time);
        if self.keeper.is_due(now_secs) {
            let settings = self.settings_now();
            self.keeper.look(now_secs, settings);
        }
    }

    /// What should be known of the whole, until it is put away.
    fn banners_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        if let Some(told) = self.keeper.told.clone()
            && banner_ui(ui, "Settings", &told)
        {
            self.keeper.told = None;
        }
        if let Some(told) = age::told(snapshot)
            && self.age_read.as_ref() != Some(&told)
            && banner_ui(ui, "Age of the data", &told)
        {
            self.age_read = Some(told);
        }
    }

    /// Sends what the person wants, and remembers what it says of the window itself.
    fn send_wishes(&mut self) {
        for wish in self.wishes.drain(..) {
            match &wish {
                Command::Select(what) => self.memory.asked = *what,
                Command::Back | Command::Forward => self.memory.asked = None,
                Command::Open(paths) => {
                    // An unsaved case is offered by itself, and its path goes when it is saved.
                    let recovered = &self.workbench.snapshot().recovered;
                    let is_named = |path: &&PathBuf| !recovered.iter().any(|it| it.path == **path);
                    let named = paths.iter().filter(is_named).take(RECENT_MAX);
                    named.for_each(|path| self.settings.opened(path));
                }
                Command::SaveAs(path, _) => self.settings.opened(path),
                _ => {}
            }
            self.workbench.send(wish);
        }
    }

    /// Puts on what is set, and takes over a size that was set by keyboard.
    fn wear(&mut self, ctx: &Context) {
        let Settings { look, density, clock, zoom_percent, .. } = self.settings;
        if self.worn.looks != Some((look, density, clock)) {
            self.worn.looks = Some((look, density, clock));
            theme::wear(ctx, look, density);
            times::set(clock);
        }
        units::set(self.settings.lengths, self.settings.sizes);
        self.memory.case.offer_days = self.settings.unsaved_days;
        let shown = (ctx.zoom_factor() * 100.0).round() as u16;
        if self.worn.zoom_percent != Some(zoom_percent) {
            self.worn.zoom_percent = Some(zoom_percent);
            self.worn.zoom_asked = shown != zoom_percent;
            ctx.set_zoom_factor(f32::from(zoom_percent) / 100.0);
        } else if shown == zoom_percent {
            self.worn.zoom_asked = false;
        } else if !self.worn.zoom_asked {
            self.settings.zoom_percent = shown;
            self.worn.zoom_percent = Some(shown);
        }
    }

    fn settings_ui(&mut self, ctx: &Context) {
        if !self.dialog.is_open {
            return;
        }
        let place = self.keeper.place();
        let kept_days = self.settings.places_days;
        let asked = self.dialog.show(ctx, &mut self.settings, &place);
        if asked.networks {
            self.wishes.push(Command::Own(self.settings.own()));
        }
        if self.settings.places_days != kept_days {
            self.wishes.push(Command::Retain(self.settings.places_days));
        }
        if asked.recent {
            self.settings.recent.clear();
        }
        if asked.places {
            self.views = Views::default();
            self.settings.sides = Sides::default();
            for (_, columns, table) in self.memory.tables() {
                table.arrange(&columns, &[]);
            }
        }
    }

    fn top_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> Rect {
        let bar = Frame::new().fill(Palette::of(ui).raised).inner_margin(Margin::symmetric(8, 4));
        let mut top = TopBar {
            snapshot,
            actions: &self.actions,
            acts: &mut self.acts,
            sides: self.settings.sides,
            look: self.settings.look,
        };
        Bar::top("menus").frame(bar).show(ui, |ui| top.ui(ui)).inner
    }

    /// Reads the keys of all actions. Those with more modifiers come first: Ctrl+Shift+Z would be
    /// taken for Ctrl+Z otherwise.
    fn shortcuts(&mut self, ctx: &Context) {
        let writes = ctx.text_edit_focused();
        // A sign that stands in texts: it is a key only where none is written.
        if !writes && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, egui::Key::Slash)) {
            self.acts.push(Act::Filter);
        }
        // Where packets are looked at, they are what is searched.
        let searches = self.views.is_used(PACKETS) && self.workbench.snapshot().packets.is_some();
        let find = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::F);
        if searches && ctx.input_mut(|input| input.consume_shortcut(&find)) {
            self.acts.push(Act::Find);
        }
        let mut keys: Vec<_> = self
            .actions
            .iter()
            .filter(|action| !(writes && action.spares_text))
            .flat_map(|action| action.keys.iter().map(|keys| (*keys, action.act)))
            .collect();
        let held = |keys: &KeyboardShortcut| {
            let Modifiers { shift, alt, command, .. } = keys.modifiers;
            [shift, alt, command].into_iter().filter(|&held| held).count()
        };
        keys.sort_by_key(|(keys, _)| std::cmp::Reverse(held(keys)));
        for (keys, act) in keys {
            if ctx.input_mut(|input| input.consume_shortcut(&keys)) {
                self.acts.push(act);
            }
        }
    }

    fn perform(&mut self, ctx: &Context, snapshot: &Snapshot, act: Act) {
        match act {
            Act::OpenFiles => pick_files(ctx),
            Act::SaveAs => self.memory.case.ask_where(),
            Act::Log => self.memory.log.is_open = !self.memory.log.is_open,
            Act::HandOver if snapshot.hosts.shown.is_empty() => {}
            Act::HandOver => {
                let (wishes, memory) = (&mut self.wishes, &mut self.memory);
                View { snapshot, wishes, memory }.hand_over();
            }
            Act::Filter => self.memory.filter.wanted = true,
            Act::Find => {
                self.views.show_titled(PACKETS);
                self.memory.packets.find();
            }
            Act::FindStep(step) if self.views.is_used(PACKETS) => {
                self.memory.packets.find_step(step);
            }
            Act::FindStep(_) => {}
            Act::Compare => self.memory.compare.open(),
            Act::Mark(mark) => {
                let (wishes, memory) = (&mut self.wishes, &mut self.memory);
                let mut view = View { snapshot, wishes, memory };
                let hosts = view.meant_hosts();
                view.mark(mark, hosts);
            }
            Act::Undo => self.ask(Command::Undo),
            Act::Redo => self.ask(Command::Redo),
            Act::Back => self.ask(Command::Back),
            Act::Forward => self.ask(Command::Forward),
            Act::Group(by) => self.ask(Command::Group(by)),
            Act::Wish(wish) => self.ask(wish()),
            Act::Show(number) => {
                self.views.show(number);
                if self.views.is_used(EXPLORER) {
                    self.memory.explorer.write();
                }
            }
            Act::Turn(side) => {
                let shown = self.settings.sides.shows(side);
                *shown = !*shown;
            }
            Act::Expand => self.views.expand(),
            Act::Copy(form) => list::ask_to_copy(ctx, form),
            Act::Look(look) => self.settings.look = look,
            Act::Zoom(percent) => self.settings.zoom_percent = percent,
            Act::Settings => self.dialog.is_open = true,
            Act::Palette => self.finder.open(),
            Act::Keys => self.keys = !self.keys,
            Act::About => self.about = true,
            Act::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    /// Files dropped on the window, and those a dialog gave.
    fn take_drops(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let mut paths: Vec<PathBuf> = dropped.iter().map(|file| file.path().to_owned()).collect();
        let picked = ctx.data_mut(|data| data.remove_temp::<Vec<PathBuf>>(picked_id()));
        paths.extend(picked.unwrap_or_default());
        if !paths.is_empty() {
            // While a feed is being added, a file that is dropped is one.
            let feed = self.memory.feeds.take_drop(&paths);
            self.wishes.push(feed.unwrap_or(Command::Open(paths)));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let settings = self.settings_now();
        self.keeper.end(&settings);
    }
}

impl eframe::App for Shell {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
        self.first_frame.is_drawn();
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

fn workbench_ui(ui: &mut Ui, view: &mut View<'_>, views: &mut Views, sides: Sides) {
    let palette = Palette::of(ui);
    if sides.bottom {
        let bar = Frame::new().fill(palette.ground).inner_margin(Margin::symmetric(8, 4));
        Bar::bottom("time").frame(bar).resizable(false).show(ui, |ui| {
            panels::timeline::timeline_ui(ui, view);
            panels::jobs::strip_ui(ui, view);
        });
    }
    if sides.right {
        inspector_ui(ui, view);
    }
    if sides.left {
        let rail = Frame::new().fill(palette.raised).inner_margin(Margin::symmetric(4, 8));
        let (rail_width, names) = match ui.ctx().content_rect().width() < NARROW {
            true => (40.0, Names::Hidden),
            false => (138.0, Names::Shown),
        };
        Bar::left("rail")
            .frame(rail)
            .resizable(false)
            .exact_size(rail_width)
            .show(ui, |ui| rail_ui(ui, views, names));
    }
    let middle = Frame::new().fill(palette.ground);
    egui::CentralPanel::default().frame(middle).show(ui, |ui| views.ui(ui, view));
}

fn inspector_ui(ui: &mut Ui, view: &mut View<'_>) {
    let side = Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::same(12));
    // What is explained never takes more than what it is about.
    let width = ui.ctx().content_rect().width();
    Bar::right("inspector")
        .frame(side)
        .default_size(320.0)
        .size_range(200.0..=(width * 0.45).clamp(200.0, 560.0))
        .show(ui, |ui| panels::inspector::inspector_ui(ui, view));
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
