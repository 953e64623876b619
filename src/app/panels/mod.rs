//! Views: one file each, and one line in [`PANELS`].
//!
//! A panel draws a [`Snapshot`] and puts [`Command`]s into [`View::wishes`]; what is its alone
//! (scroll position, zoom, text being typed) stands in [`Memory`]. The smallest one to copy is
//! [`problems`].

pub mod absent;
pub mod case;
pub mod compare;
pub mod data;
pub mod detections;
pub mod explorer;
pub mod filter_bar;
pub mod filter_menu;
pub mod flows;
pub mod handover;
pub mod host_menu;
pub mod hosts;
pub mod inspector;
pub mod jobs;
pub mod log;
pub mod map;
pub mod marking;
pub mod packets;
pub mod problems;
pub mod records;
pub mod said;
pub mod space;
pub mod start;
pub mod timeline;

use egui::{RichText, Ui};

use super::theme::{self, Palette, icon};
use super::widgets::list::ListState;
use super::widgets::table::{Column, TableState, columns_ui};
use crate::engine::workbench::{Command, PacketsOf, Selected, Snapshot};
use crate::model::{HostKey, Uid};

/// What a panel is.
pub struct Panel {
    /// Its name on the tab and the rail.
    pub title: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// What it shows, how to read it, what it does not know.
    pub help: &'static str,
    /// Draws it.
    pub ui: fn(&mut Ui, &mut View<'_>),
    /// Draws what stands beside its tab, from the right; [`no_tools`]: nothing.
    pub tools: fn(&mut Ui, &mut View<'_>),
}

/// All views of the middle, in the order of the rail.
pub const PANELS: &[Panel] = &[
    map::PANEL,
    hosts::PANEL,
    flows::PANEL,
    records::PANEL,
    detections::PANEL,
    problems::PANEL,
    data::PANEL,
    packets::PANEL,
    jobs::PANEL,
    space::PANEL,
    explorer::PANEL,
];

/// What a panel sees in a frame.
pub struct View<'a> {
    /// Everything as it is now.
    pub snapshot: &'a Snapshot,
    /// What the person wants done.
    pub wishes: &'a mut Vec<Command>,
    /// What panels remember.
    pub memory: &'a mut Memory,
}

impl View<'_> {
    /// Asks for something.
    pub fn wish(&mut self, command: Command) {
        self.wishes.push(command);
    }

    /// Shows a thing in every view.
    pub fn select(&mut self, what: Selected) {
        self.wish(Command::Select(Some(what)));
    }

    /// What every view shows.
    pub fn selected(&self) -> Option<Selected> {
        self.snapshot.selection.as_ref().map(|selection| selection.what)
    }

    /// Whether the snapshot shows what was asked for last. While it does not, tables stay where the
    /// person is: on holding an arrow key, the answers come some rows behind.
    pub fn is_settled(&self) -> bool {
        match (self.memory.asked, &self.snapshot.selection) {
            (Some(asked), Some(selection)) => selection.what == asked,
            (None, _) | (_, None) => true,
        }
    }

    /// Opens the dialog that hands hosts over: those shown, or those chosen.
    pub fn hand_over(&mut self) {
        let chosen = self.chosen_hosts();
        self.memory.handover.open(chosen);
    }

    /// The chosen hosts in the order shown.
    fn chosen_hosts(&self) -> Vec<HostKey> {
        let (hosts, chosen) = (&self.snapshot.hosts, &self.memory.hosts.list.chosen);
        if chosen.is_empty() {
            return Vec::new();
        }
        let shown = hosts.shown.iter().filter_map(|&row| hosts.all.keys.get(row as usize));
        shown.copied().filter(|key| chosen.contains(*key)).collect()
    }

    /// Fetches packets and brings them to the front.
    pub fn show_packets(&mut self, of: PacketsOf) {
        self.wish(Command::ShowPackets(of, None));
        self.memory.wanted_view = Some(packets::PANEL.title);
    }

    /// Whether this is what every view shows.
    pub fn is_selected(&self, what: Selected) -> bool {
        self.snapshot.selection.as_ref().is_some_and(|selection| selection.what == what)
    }
}

impl Memory {
    /// The view that is to come to the front: its number in [`PANELS`].
    pub fn take_wanted_view(&mut self) -> Option<usize> {
        let wanted = self.wanted_view.take()?;
        PANELS.iter().position(|panel| panel.title == wanted)
    }
}

/// What panels remember between frames.
#[derive(Default)]
pub struct Memory {
    /// The map's place and zoom.
    pub map: map::MapState,
    /// The table of hosts.
    pub hosts: hosts::HostsState,
    /// The table of flows.
    pub flows: ListState<Uid>,
    /// The table of records; each is its place in the snapshot's list.
    pub records: ListState<u32>,
    /// The table of detections; each is its place in the snapshot's list.
    pub detections: ListState<u32>,
    /// The table of files.
    pub files: ListState<usize>,
    /// The table of problems.
    pub problems: ListState<usize>,
    /// What was selected last, if it was a thing and not a step back or forward.
    pub asked: Option<Selected>,
    /// The packets of a flow.
    pub packets: packets::PacketsState,
    /// A view that is to come to the front, by its title.
    pub wanted_view: Option<&'static str>,
    /// The feed being added.
    pub feeds: data::FeedsState,
    /// The dialog that hands hosts over.
    pub handover: handover::HandOverState,
    /// The filter being written, and those before it.
    pub filter: filter_bar::FilterState,
    /// The list that is compared with the case.
    pub compare: compare::CompareState,
    /// The stretch of time being drawn.
    pub timeline: timeline::TimelineState,
    /// Paths and addresses being typed.
    pub start: start::StartState,
    /// What is asked about the case file.
    pub case: case::CaseState,
    /// The window of the case's log.
    pub log: log::LogState,
    /// What is being said of a host.
    pub said: said::SaidState,
    /// What is asked about hosts before it is said.
    pub marking: marking::MarkingState,
    /// The picture of IPv4 space.
    pub space: space::SpaceState,
    /// The prefix explorer.
    pub explorer: explorer::ExplorerState,
    /// The menu of a host that is open.
    pub host_menu: host_menu::HostMenu,
    /// The evidence row that is open in the inspector.
    pub evidence: Option<String>,
}

impl Memory {
    /// All tables with their names and columns, for who keeps how columns are arranged.
    pub fn tables(&mut self) -> Vec<(&'static str, Vec<Column>, &mut TableState)> {
        vec![
            ("Hosts", hosts::columns().to_vec(), &mut self.hosts.list.table),
            ("Flows", flows::columns().to_vec(), &mut self.flows.table),
            ("Records", records::columns().to_vec(), &mut self.records.table),
            ("Detections", detections::COLUMNS.to_vec(), &mut self.detections.table),
            ("Files", data::COLUMNS.to_vec(), &mut self.files.table),
            ("Problems", problems::COLUMNS.to_vec(), &mut self.problems.table),
            ("Log of this case", log::COLUMNS.to_vec(), &mut self.log.list.table),
        ]
    }
}

/// For [`Panel::tools`]: nothing.
pub fn no_tools(_: &mut Ui, _: &mut View<'_>) {}

/// The menu of a table's columns, for [`Panel::tools`].
pub fn columns_tool(ui: &mut Ui, table: &mut TableState, columns: &[Column]) {
    let button = egui::Button::new(icon::COLUMNS).frame(false);
    let menu = egui::containers::menu::MenuButton::from_button(button).config(
        egui::containers::menu::MenuConfig::new()
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside),
    );
    let (button, _) = menu.ui(ui, |ui| columns_ui(ui, table, columns));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Columns"));
    button.on_hover_text("Which columns are shown; move and fit them by their heads");
}

/// Said where there is nothing to show: what to do, and the example.
pub fn empty_ui(ui: &mut Ui, view: &mut View<'_>, title: &str, what: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(RichText::new(title).font(theme::strong(theme::TITLE)));
        ui.label(RichText::new(what).color(Palette::of(ui).quiet));
        if view.snapshot.case.is_empty() && ui.button("Open the example").clicked() {
            view.wish(Command::OpenExample);
        }
    });
}

/// A section's head: small, quiet, in capitals.
pub fn section(ui: &mut Ui, title: &str) {
    ui.add_space(theme::SPACE);
    let text = RichText::new(title.to_uppercase()).font(theme::strong(theme::HEAD));
    ui.label(text.color(Palette::of(ui).quiet));
}
