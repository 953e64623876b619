//! Packets: those of a flow, of several or of a host, listed, taken apart, and put together to what
//! both sides said.
//!
//! They are read from the capture when a person asks for them; the engine holds them until others
//! are asked for. Which packet is taken apart is the engine's to know, which field is marked
//! is the panel's.

mod find;
mod hex;
mod stream;

use std::path::PathBuf;

use serde_json::json;

use egui::{Margin, Panel as Bar, ProgressBar, RichText, TextEdit, Ui};

pub use self::find::Step;
use self::find::{FindState, find_ui};
use self::hex::hex_ui;
use self::stream::{StreamState, stream_ui};
use super::flows::endpoint;
use super::handover::Answers;
use super::{Panel, View, empty_ui, no_tools};
use crate::app::copy::Fields;
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::list::{List, ListState};
use crate::app::widgets::path_field::PathField;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{bytes, counted, grouped};
use crate::engine::Existing;
use crate::engine::workbench::{
    ChosenPacket, Command, Found, JobId, JobState, PacketRow, PacketState, PacketView, Packets,
    PacketsOf, SavePackets, Selected, Side,
};
use crate::model::{Addr, Endpoint, Flow, Visible};

/// The packets of flows or of a host.
pub const PANEL: Panel = Panel {
    title: "Packets",
    icon: icon::PACKETS,
    help: "The packets of a flow, of the chosen flows or of a host in all its captures, read when \
           you ask: choose Packets in the menu of a flow, or Its packets in that of a host. Below, \
           the chosen packet field by field and byte by byte; Stream shows what \
           both sides said, in order, with control characters visible. What the capture lost is \
           said, not guessed. The file is opened only if it is the one that was read.",
    ui,
    tools: no_tools,
};

/// What the panel remembers.
#[derive(Clone, Debug, Default)]
pub struct PacketsState {
    /// One for each kind of list: they have other columns.
    lists: [ListState<u32>; 3],
    fields: ListState<usize>,
    /// The marked field, as its place among them, and of which packet.
    field: Option<(u32, usize)>,
    shows_stream: bool,
    stream: StreamState,
    /// Where the person says that the file is now.
    elsewhere: String,
    /// The dialog that saves packets, and whose.
    saving: Option<(PacketsOf, PathField)>,
    answers: Answers,
    find: FindState,
}

impl PacketsState {
    /// Opens the field that searches.
    pub fn find(&mut self) {
        self.find.open();
    }

    /// Goes to the next or the previous place of what is searched.
    pub fn find_step(&mut self, step: Step) {
        self.find.step(step);
    }

    /// Asks where packets are to be saved.
    pub fn save(&mut self, of: PacketsOf) {
        self.saving = Some((of, PathField::new("infralock-packets.pcapng")));
        self.answers.forget();
    }
}

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Number,
    Seconds,
    Way,
    Port,
    Peer,
    Flow,
    Bytes,
    Proto,
    Info,
    Capture,
}

/// The columns of a list, and which of the lists it is.
fn columns(of: &PacketsOf, packets: &Packets) -> (usize, Vec<(What, Column)>) {
    let (list, way, who) = match of {
        PacketsOf::Flow(_) => (0, "→ the originator sent it, ← the responder", Vec::new()),
        PacketsOf::Flows(_) => {
            let flow = Column::text("Flow", 250.0, "Its originator and its responder");
            (1, "→ the originator sent it, ← the responder", vec![(What::Flow, flow)])
        }
        PacketsOf::Host(_) => {
            let port = Column::number("Port", 50.0, "The host's own port");
            let peer = Column::text("Peer", 150.0, "The other end of the flow, with its port");
            (
                2,
                "→ the host sent it, ← it received it",
                vec![(What::Port, port), (What::Peer, peer)],
            )
        }
    };
    let mut all = vec![
        (What::Number, Column::number("No.", 64.0, "Its place in the capture, from 1")),
        (What::Seconds, Column::number("Seconds", 84.0, "Since the first packet listed")),
        (What::Way, Column::text("Way", 40.0, way)),
    ];
    all.extend(who);
    let info = "Flags, numbers from the first of a side, first words";
    all.extend([
        (What::Bytes, Column::number("Bytes", 60.0, "On the wire")),
        (What::Proto, Column::text("Protocol", 70.0, "Found by content, else the transport")),
        (What::Info, Column::text("What it says", 300.0, info).growing()),
    ]);
    if packets.captures.len() > 1 {
        let capture = Column::text("Capture", 140.0, "The file that the packet is from");
        all.push((What::Capture, capture));
    }
    (list, all)
}

const FIELDS: [Column; 3] = [
    Column::text("Field", 150.0, "In the order of the packet"),
    Column::text("Value", 150.0, "As it is read").growing(),
    Column::text("At", 64.0, "Where it stands: the first and last byte, from 0"),
];

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let shown = view.snapshot.packets.clone();
    let other = asked(view).filter(|of| shown.as_ref().is_none_or(|it| it.of != *of));
    let Some(shown) = shown else {
        let what = "Choose Packets in the menu of a flow or a host: they are read from its capture";
        empty_ui(ui, view, "No packets yet", what);
        ui.vertical_centered(|ui| {
            ui.add_space(theme::SPACE);
            other_ui(ui, view, other);
        });
        return;
    };
    if other.is_some() {
        ui.horizontal(|ui| {
            ui.add_space(theme::SPACE);
            other_ui(ui, view, other);
        });
    }
    match &shown.state {
        PacketState::Reading(id) => reading_ui(ui, view, &shown, *id),
        PacketState::Failed { why, path } => failed_ui(ui, view, &shown.of, (why, path)),
        PacketState::Ready(packets) => ready_ui(ui, view, &shown, packets),
    }
}

/// Offers the packets of what is selected.
fn other_ui(ui: &mut Ui, view: &mut View<'_>, other: Option<PacketsOf>) {
    let Some(other) = other else { return };
    let show = match &other {
        PacketsOf::Host(host) => format!("Show the packets of {}", host.addr()),
        PacketsOf::Flow(_) | PacketsOf::Flows(_) => {
            "Show the packets of the selected flow".to_owned()
        }
    };
    if ui.button(show).clicked() {
        view.show_packets(other);
    }
}

/// The selected flow, the one of a selected record, or a selected host that captures have.
fn asked(view: &View<'_>) -> Option<PacketsOf> {
    match view.selected()? {
        Selected::Flow(uid) => Some(uid.into()),
        Selected::Record(row) => Some(view.snapshot.records.all.get(row as usize)?.uid?.into()),
        Selected::Host(key) => {
            let row = view.snapshot.selection.as_ref()?.row? as usize;
            let packets = view.snapshot.hosts.all.packets.get(row)?;
            (*packets > 0).then_some(PacketsOf::Host(key))
        }
        Selected::Detection(_) | Selected::Address(_) => None,
    }
}

/// What the menu of a flow offers about its packets.
#[derive(Clone, Debug)]
pub(super) enum Offer {
    Show(PacketsOf),
    Save(PacketsOf),
}

impl Offer {
    /// Does what was chosen.
    pub(super) fn take(self, view: &mut View<'_>) {
        match self {
            Self::Show(of) => view.show_packets(of),
            Self::Save(of) => view.memory.packets.save(of),
        }
    }
}

/// The offers in the menu of a flow, of so many flows, or of a record that came from one.
pub(super) fn menu_ui(ui: &mut Ui, flows: usize, of: &dyn Fn() -> PacketsOf) -> Option<Offer> {
    let whose =
        if flows > 1 { format!(" of {} flows", grouped(flows as u64)) } else { String::new() };
    let mut chosen = None;
    if ui.button(format!("Packets{whose}")).clicked() {
        chosen = Some(Offer::Show(of()));
    }
    if ui.button(format!("Save packets{whose} …")).clicked() {
        chosen = Some(Offer::Save(of()));
    }
    if chosen.is_some() {
        ui.close();
    }
    chosen
}

/// The same as buttons, where a flow or a record of one is selected.
pub(super) fn selected_ui(ui: &mut Ui, view: &mut View<'_>) {
    let Some(of) = asked(view) else { return };
    let chosen = ui.horizontal(|ui| menu_ui(ui, 1, &|| of.clone())).inner;
    if let Some(offer) = chosen {
        offer.take(view);
    }
}

fn reading_ui(ui: &mut Ui, view: &mut View<'_>, shown: &PacketView, id: JobId) {
    // What comes is searched anew.
    view.memory.packets.find.forget_answer();
    let job = view.snapshot.jobs.iter().find(|job| job.id == id);
    let (part, detail) = match job.map(|job| &job.state) {
        Some(JobState::Running { part, detail }) => (part.unwrap_or(0.0), detail.clone()),
        _ => (0.0, String::new()),
    };
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(format!("Reading the packets of {}", shown.title));
        ui.add(ProgressBar::new(part).desired_width(320.0).desired_height(4.0));
        ui.label(RichText::new(detail).color(Palette::of(ui).quiet));
        if ui.button("Stop").clicked() {
            view.wish(Command::Cancel(id));
        }
    });
}

fn failed_ui(ui: &mut Ui, view: &mut View<'_>, of: &PacketsOf, (why, path): (&str, &str)) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.25);
        let title = "The packets cannot be read";
        ui.label(RichText::new(title).font(theme::strong(theme::TITLE)));
        ui.label(RichText::new(Visible(why).to_string()).color(Palette::of(ui).failed));
        if !path.is_empty() {
            let was = format!("It was read from {}. If it lies elsewhere now:", Visible(path));
            ui.label(RichText::new(was).color(Palette::of(ui).quiet));
        }
        let field = TextEdit::singleline(&mut view.memory.packets.elsewhere)
            .hint_text("/evidence/capture.pcap")
            .font(egui::TextStyle::Monospace)
            .desired_width(420.0);
        let name = "Path of the capture";
        ui.add(field).widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, name));
        let typed = view.memory.packets.elsewhere.trim().to_owned();
        ui.add_space(4.0);
        if ui.add_enabled(!typed.is_empty(), egui::Button::new("Look there")).clicked() {
            view.wish(Command::ShowPackets(of.clone(), Some(PathBuf::from(typed))));
        }
        if ui.button("Try again").clicked() {
            view.wish(Command::ShowPackets(of.clone(), None));
        }
    });
}

fn ready_ui(ui: &mut Ui, view: &mut View<'_>, shown: &PacketView, packets: &Packets) {
    head_ui(ui, view, shown, packets);
    find_ui(ui, view, shown, packets);
    for why in &packets.missing {
        let why = Visible(why).to_string();
        ui.horizontal(|ui| {
            ui.add_space(theme::SPACE);
            let text = RichText::new(&why).color(Palette::of(ui).warned);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(&why);
        });
    }
    if let (true, Some(stream)) = (view.memory.packets.shows_stream, &shown.stream) {
        let row = shown.chosen.as_ref().and_then(|it| packets.rows.get(it.place as usize));
        let flow = row.filter(|_| packets.flows.len() > 1).map(|row| packets.flow_title(row));
        let state = &mut view.memory.packets;
        let marks = state.find.in_stream(shown.found.as_deref());
        return stream_ui(ui, stream, (flow.as_deref(), marks), &mut state.stream);
    }
    let Some(chosen) = &shown.chosen else { return list_ui(ui, view, shown, packets) };
    let below = egui::Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::ZERO);
    let height = ui.available_height();
    Bar::bottom("packet apart")
        .frame(below)
        .resizable(true)
        .default_size(height * 0.55)
        .size_range(80.0..=(height - 80.0).max(81.0))
        .show(ui, |ui| apart_ui(ui, view, chosen, shown.found.as_deref()));
    egui::CentralPanel::default().frame(below).show(ui, |ui| {
        list_ui(ui, view, shown, packets);
    });
}

fn head_ui(ui: &mut Ui, view: &mut View<'_>, shown: &PacketView, packets: &Packets) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.add_space(theme::SPACE);
        let state = &mut view.memory.packets;
        ui.selectable_value(&mut state.shows_stream, false, "Packets");
        ui.selectable_value(&mut state.shows_stream, true, "Stream");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(theme::SPACE);
            if ui.button("Save packets …").clicked() {
                state.save(shown.of.clone());
            }
            let find = ui.button("Find …").on_hover_text("Text or bytes in these packets  Ctrl+F");
            if find.clicked() {
                state.find();
            }
            let count = match &packets.cut {
                Some(cut) => cut.clone(),
                None => counted(packets.rows.len() as u64, "packet", "packets"),
            };
            let count = match packets.flows.len() {
                1 => count,
                many => format!("{count} · {}", counted(many as u64, "flow", "flows")),
            };
            let colour = if packets.cut.is_some() { palette.warned } else { palette.quiet };
            ui.label(RichText::new(count).color(colour));
            let title = RichText::new(&shown.title).font(theme::mono(theme::BODY - 0.5));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(title).truncate())
                    .on_hover_text(packets.captures.join("\n"));
            });
        });
    });
}

fn list_ui(ui: &mut Ui, view: &mut View<'_>, shown: &PacketView, packets: &Packets) {
    let row = |place: usize| packets.rows.get(place);
    let (list, what) = columns(&shown.of, packets);
    let columns: Vec<Column> = what.iter().map(|(_, column)| *column).collect();
    let Some(state) = view.memory.packets.lists.get_mut(list) else { return };
    if let Some(chosen) = &shown.chosen {
        state.follow(chosen.place, || Some(chosen.place as usize));
    }
    let host = match shown.of {
        PacketsOf::Host(host) => Some(host.addr()),
        PacketsOf::Flow(_) | PacketsOf::Flows(_) => None,
    };
    let ends = |row: &PacketRow| {
        packets.flows.get(row.flow as usize).map(|flow| Ends::of(flow, row.side, host))
    };
    let list = List {
        name: "Packets",
        columns: &columns,
        rows: packets.rows.len(),
        sorted: None,
        key: &|place| u32::try_from(place).ok(),
        cell: &|place, column| match (row(place), what.get(column)) {
            (Some(row), Some((what, _))) => cell(packets, row, ends(row), *what),
            _ => Cell::default(),
        },
        exact: &|place| row(place).map_or_else(Vec::new, |row| exact(packets, row)),
        addrs: &|place| {
            let flow = row(place).and_then(|row| packets.flows.get(row.flow as usize));
            flow.map_or_else(Vec::new, |flow| vec![flow.originator.addr, flow.responder.addr])
        },
    };
    let events = list.show(ui, state, &mut |_, _, _| ());
    if let Some(place) = events.select.and_then(|place| u32::try_from(place).ok()) {
        view.wish(Command::ChoosePacket(place));
    }
}

/// The ends of a packet's flow, as the list tells them.
struct Ends {
    own: Endpoint,
    other: Endpoint,
    /// Whether the own end sent it.
    sent: Option<bool>,
}

impl Ends {
    /// Seen from a host, else from the originator.
    fn of(flow: &Flow, side: Option<Side>, host: Option<Addr>) -> Self {
        let is_turned = host.is_some_and(|host| flow.originator.addr != host);
        let (own, other) = match is_turned {
            true => (flow.responder, flow.originator),
            false => (flow.originator, flow.responder),
        };
        let sent = side.map(|side| (side == Side::Originator) != is_turned);
        Self { own, other, sent }
    }
}

fn cell<'a>(packets: &'a Packets, row: &'a PacketRow, ends: Option<Ends>, what: What) -> Cell<'a> {
    match what {
        What::Number => Cell::mono(grouped(row.number)),
        What::Seconds => Cell::mono(format!("{:.6}", row.after_nanos as f64 / 1e9)),
        What::Way => Cell::mono(match ends.and_then(|ends| ends.sent) {
            Some(true) => "→",
            Some(false) => "←",
            None => "–",
        }),
        What::Port => ends.map_or_else(Cell::default, |ends| Cell::mono(ends.own.port.to_string())),
        What::Peer => ends.map_or_else(Cell::default, |ends| Cell::mono(endpoint(ends.other))),
        What::Flow => ends.map_or_else(Cell::default, |ends| {
            Cell::mono(format!("{} → {}", endpoint(ends.own), endpoint(ends.other)))
        }),
        What::Bytes => Cell::mono(grouped(u64::from(row.original_bytes))),
        What::Proto => Cell::text(row.proto),
        What::Info => Cell::mono(row.info.as_str()),
        What::Capture => packets
            .captures
            .get(row.capture as usize)
            .map_or_else(Cell::default, |path| Cell::text(file_name(path))),
    }
}

/// The end of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn exact(packets: &Packets, row: &PacketRow) -> Fields {
    let side = row.side.map(|side| match side {
        Side::Originator => "originator",
        Side::Responder => "responder",
    });
    vec![
        ("number", json!(row.number)),
        ("seconds", json!(row.after_nanos as f64 / 1e9)),
        ("side", json!(side)),
        ("bytes", json!(row.original_bytes)),
        ("captured_bytes", json!(row.captured_bytes)),
        ("proto", json!(row.proto)),
        ("info", json!(row.info)),
        ("uid", json!(packets.flows.get(row.flow as usize).map(|flow| flow.uid))),
        ("capture", json!(packets.captures.get(row.capture as usize))),
    ]
}

/// The mark of a side: a picture that needs no colour.
fn arrow(side: Option<Side>) -> &'static str {
    match side {
        Some(Side::Originator) => "→",
        Some(Side::Responder) => "←",
        None => "–",
    }
}

/// One packet: fields left, bytes right.
fn apart_ui(ui: &mut Ui, view: &mut View<'_>, chosen: &ChosenPacket, found: Option<&Found>) {
    let marked = view.memory.packets.field.filter(|(place, _)| *place == chosen.place);
    let range = marked
        .and_then(|(_, field)| chosen.fields.get(field))
        .map(|field| field.bytes.clone())
        .unwrap_or_default();
    let frame = egui::Frame::new().fill(Palette::of(ui).ground).inner_margin(Margin::same(4));
    // Room for sixteen bytes a row where there is much, else for eight, and the rest for fields.
    let width = if ui.available_width() > 960.0 { 560.0 } else { 320.0 };
    let (mut met, mut places) = (None, Vec::new());
    let marks = view.memory.packets.find.in_packet(found, chosen.place, &mut places);
    Bar::right("packet bytes").frame(frame).resizable(true).default_size(width).show(ui, |ui| {
        met = hex_ui(ui, &chosen.bytes, &range, marks);
    });
    if let Some(at) = met {
        view.memory.packets.field = innermost(chosen, at).map(|field| (chosen.place, field));
    }
    let frame = egui::Frame::new().fill(Palette::of(ui).ground);
    egui::CentralPanel::default().frame(frame).show(ui, |ui| fields_ui(ui, view, chosen));
}

fn fields_ui(ui: &mut Ui, view: &mut View<'_>, chosen: &ChosenPacket) {
    let field = |place: usize| chosen.fields.get(place);
    let marked = view.memory.packets.field.filter(|(place, _)| *place == chosen.place);
    match marked {
        Some((_, marked)) => view.memory.packets.fields.follow(marked, || Some(marked)),
        None => view.memory.packets.fields = ListState::default(),
    }
    let list = List {
        name: "Fields",
        columns: &FIELDS,
        rows: chosen.fields.len(),
        sorted: None,
        key: &Some,
        cell: &|place, column| match (field(place), column) {
            (None, _) => Cell::default(),
            (Some(field), 0) => {
                let text = format!("{:1$}{2}", "", usize::from(field.depth) * 4, field.name);
                Cell::text(text)
            }
            (Some(field), 1) => Cell::mono(Visible(&field.value).to_string()),
            (Some(field), _) => match (field.bytes.start, field.bytes.end) {
                (from, to) if from == to => Cell::default(),
                (from, to) if to - from == 1 => Cell::mono(from.to_string()).quiet(),
                (from, to) => Cell::mono(format!("{from}–{}", to - 1)).quiet(),
            },
        },
        exact: &|place| {
            let Some(field) = field(place) else { return Vec::new() };
            vec![
                ("field", json!(field.name)),
                ("value", json!(field.value)),
                ("from", json!(field.bytes.start)),
                ("bytes", json!(field.bytes.len())),
            ]
        },
        addrs: &|_| Vec::new(),
    };
    let events = list.show(ui, &mut view.memory.packets.fields, &mut |_, _, _| ());
    if let Some(place) = events.select {
        view.memory.packets.field = Some((chosen.place, place));
    }
}

/// The smallest field that a byte stands in, the deeper of equals.
fn innermost(chosen: &ChosenPacket, at: usize) -> Option<usize> {
    let fields = chosen.fields.iter().enumerate();
    let around = fields.filter(|(_, field)| field.bytes.contains(&at));
    around
        .min_by_key(|(_, field)| (field.bytes.len(), std::cmp::Reverse(field.depth)))
        .map(|(place, _)| place)
}

/// Draws the dialog that saves packets, if it is open.
pub fn dialog_ui(ui: &mut Ui, view: &mut View<'_>) {
    let mut state = std::mem::take(&mut view.memory.packets);
    if let Some((of, mut field)) = state.saving.take() {
        state.answers.hear(ui, view.snapshot);
        let mut wish = None;
        let mut is_open = true;
        let help = match &of {
            PacketsOf::Flow(_) => {
                "All packets of the flow, as a capture of their own (pcapng)".into()
            }
            many => format!("All packets of {}, as a capture of their own (pcapng)", many.words()),
        };
        let left = dialog(ui.ctx(), "Save packets", &help, |ui| {
            if state.answers.ui(ui) {
                wish = Some((field.path(), Existing::Replace));
            }
            match field.ui(ui, "File for the packets", "Save") {
                Some(Some(path)) => {
                    // The button said so.
                    let exists = path.exists();
                    wish = Some((path, if exists { Existing::Replace } else { Existing::Keep }));
                }
                Some(None) => is_open = false,
                None => {}
            }
        });
        is_open &= !left;
        if let Some((path, existing)) = wish {
            state.answers.expect(view.snapshot);
            let from = Some(state.elsewhere.trim()).filter(|from| !from.is_empty());
            let from = from.map(PathBuf::from);
            view.wish(Command::SavePackets(SavePackets { of: of.clone(), from, path, existing }));
        }
        state.saving = is_open.then_some((of, field));
    }
    view.memory.packets = state;
}

/// `1.2 kB of 3.4 MB`, for the stream's head.
fn part_of(part: u64, whole: u64) -> String {
    match part == whole {
        true => bytes(whole),
        false => format!("the first {} of {}", bytes(part), bytes(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::Field;

    #[test]
    fn a_byte_belongs_to_the_smallest_field_around_it() {
        let field = |depth, bytes| Field { depth, name: "x", value: String::new(), bytes };
        let fields = vec![field(0, 0..60), field(0, 0..14), field(1, 12..14), field(1, 0..0)];
        let chosen = ChosenPacket { place: 0, fields, bytes: vec![0; 60].into() };
        assert_eq!(innermost(&chosen, 13), Some(2));
        assert_eq!(innermost(&chosen, 3), Some(1));
        assert_eq!(innermost(&chosen, 59), Some(0));
        assert_eq!(innermost(&chosen, 60), None);
    }
}
