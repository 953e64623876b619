//! Flows: who spoke with whom, with Zeek's words.

use serde_json::json;

use super::absent::{Absent, absent_ui};
use super::host_menu::{self, HostMenu};
use super::{Panel, View, columns_tool, filter_bar, filter_menu, packets};
use crate::app::copy::{Fields, wireshark_addr};
use crate::app::theme::icon;
use crate::app::widgets::chosen::Chosen;
use crate::app::widgets::list::List;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{bytes, grouped, time, visible};
use crate::engine::workbench::{
    Command, Direction, FlowColumn, FlowSort, PacketsOf, Selected, Snapshot,
};
use crate::filter::{self, Filter};
use crate::model::{Endpoint, Flow, Uid};

/// Flows of captures.
pub const PANEL: Panel = Panel {
    title: "Flows",
    icon: icon::FLOWS,
    help: "Each flow is the packets of one 5-tuple in both directions. The originator opened it. \
           States are Zeek's: S0 no answer, REJ refused, SF opened and closed, RSTO and RSTR \
           aborted by originator or responder, OTH seen from the middle. Logs have no flows; see \
           Records.",
    ui,
    tools: |ui, view| columns_tool(ui, &mut view.memory.flows.table, &columns()),
};

const COLUMNS: [(FlowColumn, Column); 12] = [
    (FlowColumn::Time, Column::time("Time", "The first packet")),
    (FlowColumn::Originator, Column::text("Originator", 162.0, "Who opened it")),
    (FlowColumn::Responder, Column::text("Responder", 122.0, "Whom it was opened to")),
    (FlowColumn::Port, Column::number("Port", 46.0, "The responder's port")),
    (FlowColumn::Proto, Column::text("Transport", 70.0, "tcp, udp, icmp")),
    (FlowColumn::Service, Column::text("Service", 64.0, "Protocol found by content")),
    (FlowColumn::State, Column::text("State", 48.0, "How it began and ended (Zeek)")),
    (FlowColumn::BytesOut, Column::number("Sent", 62.0, "IP bytes of the originator")),
    (FlowColumn::BytesIn, Column::number("Received", 70.0, "IP bytes of the responder")),
    (FlowColumn::Packets, Column::number("Packets", 66.0, "Of both directions")),
    (FlowColumn::Duration, Column::number("Seconds", 76.0, "From the first to the last packet")),
    (
        FlowColumn::ServerName,
        Column::text("Server name", 140.0, "What the client asked for: SNI, Host …").growing(),
    ),
];

const ABSENT: Absent = Absent {
    things: "flows",
    closed: "Flows come from captures: pcap and pcapng",
    reading: "They are listed when a capture is read",
    none: "Flows come from captures, pcap and pcapng; what is open has none",
};

/// The columns in their order at first.
pub fn columns() -> [Column; COLUMNS.len()] {
    COLUMNS.map(|(_, column)| column)
}

fn ui(ui: &mut egui::Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let (all, shown) = (&snapshot.flows.all, &snapshot.flows.shown);
    if shown.is_empty() && !all.is_empty() {
        return filter_bar::hidden_ui(ui, view, filter::Table::Flows, all.len());
    }
    if shown.is_empty() {
        return absent_ui(ui, view, &ABSENT);
    }
    let sort = snapshot.flows.sort;
    let sorted = COLUMNS.iter().position(|(by, _)| *by == sort.by);
    let flow = |row: usize| shown.get(row).and_then(|&row| all.get(row as usize));
    if let (true, Some(Selected::Flow(uid))) = (view.is_settled(), view.selected()) {
        let is_it = |row: &u32| all.get(*row as usize).is_some_and(|flow| flow.uid == uid);
        view.memory.flows.follow(uid, || shown.iter().position(is_it));
    }
    let columns = columns();
    let list = List {
        name: "Flows",
        columns: &columns,
        rows: shown.len(),
        sorted: sorted.map(|column| (column, sort.direction)),
        key: &|row| flow(row).map(|flow| flow.uid),
        cell: &|row, column| flow(row).map_or_else(Cell::default, |flow| cell(flow, column)),
        exact: &|row| flow(row).map_or_else(Vec::new, exact),
        addrs: &|row| {
            flow(row).map_or_else(Vec::new, |flow| vec![flow.originator.addr, flow.responder.addr])
        },
    };
    let mut asked = Asked::default();
    let host_menu = &mut view.memory.host_menu;
    let mut menu = |ui: &mut egui::Ui, row: usize, chosen: &Chosen<_>| {
        if let Some(flow) = flow(row) {
            asked.packets_ui(ui, snapshot, (flow, chosen));
            asked.menu_ui(ui, (snapshot, host_menu), flow);
        }
    };
    let events = list.show(ui, &mut view.memory.flows, &mut menu);
    asked.take(view);
    if let Some(column) = events.sort {
        let by = COLUMNS[column].0;
        let direction = if sort.by == by { sort.direction.turned() } else { Direction::Up };
        view.wish(Command::SortFlows(FlowSort { by, direction }));
    }
    if let Some(flow) = events.select.and_then(flow) {
        let uid = flow.uid;
        view.select(Selected::Flow(uid));
    }
}

/// What was chosen in the menu of a flow.
#[derive(Default)]
struct Asked {
    filter: Option<Filter>,
    offer: Option<packets::Offer>,
    host: Option<host_menu::Chosen>,
}

impl Asked {
    fn take(self, view: &mut View<'_>) {
        if let Some(filter) = self.filter {
            view.filter_by(filter);
        }
        if let Some(offer) = self.offer {
            offer.take(view);
        }
        if let Some(host) = self.host {
            host.take(view);
        }
    }

    /// The packets of a flow, or of all that are chosen with it.
    fn packets_ui(
        &mut self,
        ui: &mut egui::Ui,
        snapshot: &Snapshot,
        (flow, chosen): (&Flow, &Chosen<Uid>),
    ) {
        let many = if chosen.contains(flow.uid) { chosen.len() } else { 1 };
        let (all, shown) = (&snapshot.flows.all, &snapshot.flows.shown);
        let of = || match many {
            ..=1 => PacketsOf::Flow(flow.uid),
            _ => {
                let uids = shown.iter().filter_map(|&row| Some(all.get(row as usize)?.uid));
                PacketsOf::Flows(uids.filter(|uid| chosen.contains(*uid)).collect())
            }
        };
        self.offer = packets::menu_ui(ui, many, &of).or(self.offer.take());
        ui.separator();
    }

    fn menu_ui(
        &mut self,
        ui: &mut egui::Ui,
        (snapshot, menu): (&Snapshot, &mut HostMenu),
        flow: &Flow,
    ) {
        if let Some(chosen) = filter_menu::filter_menus_ui(ui, &filter_menu::of_flow(flow)) {
            self.filter = Some(chosen);
        }
        for (name, end) in [("Originator", flow.originator), ("Responder", flow.responder)] {
            let Some(key) = snapshot.case.host(end.addr, flow.import) else { continue };
            ui.menu_button(format!("{name} {}", end.addr), |ui| {
                self.host = menu.ui(ui, snapshot, key, &Vec::new).or(self.host.take());
            });
        }
        ui.separator();
        for (name, text) in [
            ("Copy uid", flow.uid.to_string()),
            ("Copy originator", flow.originator.addr.to_string()),
            ("Copy responder", flow.responder.addr.to_string()),
            ("Copy as Wireshark filter", wireshark(flow)),
        ] {
            if ui.button(name).clicked() {
                ui.copy_text(text);
                ui.close();
            }
        }
    }
}

fn cell(flow: &Flow, column: usize) -> Cell<'_> {
    match COLUMNS[column].0 {
        FlowColumn::Time => Cell::text(time(Some(flow.first_seen))),
        FlowColumn::Originator => Cell::mono(endpoint(flow.originator)),
        FlowColumn::Responder => Cell::mono(flow.responder.addr.to_string()),
        FlowColumn::Port => Cell::mono(flow.responder.port.to_string()),
        FlowColumn::Proto => Cell::text(flow.proto.as_str()),
        FlowColumn::Service => flow.service.as_deref().map_or_else(Cell::unknown, Cell::text),
        FlowColumn::State => Cell::mono(flow.conn_state.as_str()),
        FlowColumn::Duration => match flow.duration_nanos {
            Some(nanos) => Cell::mono(format!("{:.3}", nanos as f64 / 1e9)),
            None => Cell::unknown(),
        },
        FlowColumn::Packets => Cell::mono(grouped(flow.packets())),
        FlowColumn::BytesOut => Cell::mono(bytes(flow.orig_ip_bytes)),
        FlowColumn::BytesIn => Cell::mono(bytes(flow.resp_ip_bytes)),
        FlowColumn::ServerName => match &flow.spoken.server_name {
            Some(name) => Cell::text(visible(name)),
            None => Cell::default(),
        },
    }
}

/// A flow's exact values, with Zeek's names.
fn exact(flow: &Flow) -> Fields {
    vec![
        ("ts", json!(flow.first_seen)),
        ("uid", json!(flow.uid)),
        ("id.orig_h", json!(flow.originator.addr)),
        ("id.orig_p", json!(flow.originator.port)),
        ("id.resp_h", json!(flow.responder.addr)),
        ("id.resp_p", json!(flow.responder.port)),
        ("proto", json!(flow.proto.as_str())),
        ("service", json!(flow.service)),
        ("duration", json!(flow.duration_nanos.map(|nanos| nanos as f64 / 1e9))),
        ("orig_bytes", json!(flow.orig_bytes)),
        ("resp_bytes", json!(flow.resp_bytes)),
        ("conn_state", json!(flow.conn_state.as_str())),
        ("orig_pkts", json!(flow.orig_pkts)),
        ("orig_ip_bytes", json!(flow.orig_ip_bytes)),
        ("resp_pkts", json!(flow.resp_pkts)),
        ("resp_ip_bytes", json!(flow.resp_ip_bytes)),
        ("server_name", json!(flow.spoken.server_name)),
    ]
}

/// `192.0.2.1:443`, `[2001:db8::1]:443`.
pub(super) fn endpoint(end: Endpoint) -> String {
    std::net::SocketAddr::new(end.addr.into(), end.port).to_string()
}

fn wireshark(flow: &Flow) -> String {
    let (a, b) = (flow.originator, flow.responder);
    let hosts = format!("{} && {}", wireshark_addr(a.addr), wireshark_addr(b.addr));
    match flow.proto.as_str() {
        proto @ ("tcp" | "udp") => {
            format!("{hosts} && {proto}.port == {} && {proto}.port == {}", a.port, b.port)
        }
        _ => hosts,
    }
}
