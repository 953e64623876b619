//! Records: log lines and protocol transactions, in one shape.

use serde_json::json;

use super::absent::{Absent, absent_ui};
use super::{Panel, View, columns_tool, filter_bar, filter_menu, packets};
use crate::app::copy::Fields;
use crate::app::theme::icon;
use crate::app::widgets::chosen::Chosen;
use crate::app::widgets::list::List;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{time, visible};
use crate::engine::workbench::{Command, Direction, RecordColumn, RecordSort, Selected};
use crate::filter;
use crate::model::{Addr, Record, Untrusted};

/// Log lines and transactions.
pub const PANEL: Panel = Panel {
    title: "Records",
    icon: icon::RECORDS,
    help: "One log line or one protocol transaction (a DNS query, an HTTP request) each. Success \
           and failure are what the service said. Text that strangers wrote is shown with control \
           characters visible; secrets are never kept.",
    ui,
    tools: |ui, view| columns_tool(ui, &mut view.memory.records.table, &columns()),
};

const COLUMNS: [(RecordColumn, Column); 10] = [
    (RecordColumn::Time, Column::time("Time", "When; empty where the line has none")),
    (RecordColumn::Service, Column::text("Service", 70.0, "The program or protocol")),
    (RecordColumn::Outcome, Column::text("Outcome", 66.0, "How what was tried ended")),
    (RecordColumn::Src, Column::text("From", 130.0, "Who acted")),
    (RecordColumn::User, Column::text("User", 74.0, "User name")),
    (RecordColumn::Method, Column::text("Method", 74.0, "Of the request or login")),
    (RecordColumn::Target, Column::text("What", 200.0, "Path, query or name").growing()),
    (RecordColumn::Status, Column::number("Status", 56.0, "As the protocol numbers it")),
    (RecordColumn::Dst, Column::text("To", 130.0, "Who was acted upon")),
    (RecordColumn::Kind, Column::text("Kind", 70.0, "What it is about")),
];

const ABSENT: Absent = Absent {
    things: "records",
    closed: "Records come from logs, lists and the protocols inside captures",
    reading: "They are listed when a file is read",
    none: "Records come from logs, lists and protocols; what is open has none",
};

/// The columns in their order at first.
pub fn columns() -> [Column; COLUMNS.len()] {
    COLUMNS.map(|(_, column)| column)
}

fn ui(ui: &mut egui::Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let (all, shown) = (&snapshot.records.all, &snapshot.records.shown);
    if shown.is_empty() && !all.is_empty() {
        return filter_bar::hidden_ui(ui, view, filter::Table::Records, all.len());
    }
    if shown.is_empty() {
        return absent_ui(ui, view, &ABSENT);
    }
    let sort = snapshot.records.sort;
    let sorted = COLUMNS.iter().position(|(by, _)| *by == sort.by);
    let record = |row: usize| shown.get(row).and_then(|&row| all.get(row as usize));
    if let (true, Some(Selected::Record(place))) = (view.is_settled(), view.selected()) {
        view.memory.records.follow(place, || shown.iter().position(|&row| row == place));
    }
    let columns = columns();
    let list = List {
        name: "Records",
        columns: &columns,
        rows: shown.len(),
        sorted: sorted.map(|column| (column, sort.direction)),
        key: &|row| shown.get(row).copied(),
        cell: &|row, column| record(row).map_or_else(Cell::default, |record| cell(record, column)),
        exact: &|row| record(row).map_or_else(Vec::new, exact),
        addrs: &|row| {
            record(row).map_or_else(Vec::new, |it| it.src.into_iter().chain(it.dst).collect())
        },
    };
    let imports = &snapshot.case.imports;
    let (mut filter, mut offer) = (None, None);
    let mut menu = |ui: &mut egui::Ui, row: usize, _: &Chosen<_>| {
        let Some(record) = record(row) else { return };
        if let Some(uid) = record.uid {
            offer = packets::menu_ui(ui, 1, &|| uid.into()).or(offer.take());
            ui.separator();
        }
        if let Some(chosen) = filter_menu::filter_menus_ui(ui, &filter_menu::of_record(record)) {
            filter = Some(chosen);
        }
        ui.separator();
        let import = imports.get(record.import.0 as usize).map(|row| visible(&row.import));
        let place = match (import, record.line) {
            (Some(import), Some(line)) => format!("record:{import}#{line}"),
            (Some(import), None) => import,
            (None, _) => return,
        };
        if ui.button("Copy reference").clicked() {
            ui.copy_text(place);
            ui.close();
        }
    };
    let events = list.show(ui, &mut view.memory.records, &mut menu);
    if let Some(filter) = filter {
        view.filter_by(filter);
    }
    if let Some(offer) = offer {
        offer.take(view);
    }
    if let Some(column) = events.sort {
        let by = COLUMNS[column].0;
        let direction = if sort.by == by { sort.direction.turned() } else { Direction::Up };
        view.wish(Command::SortRecords(RecordSort { by, direction }));
    }
    if let Some(&row) = events.select.and_then(|row| shown.get(row)) {
        view.select(Selected::Record(row));
    }
}

fn cell(record: &Record, column: usize) -> Cell<'_> {
    let text = |text: &Option<Untrusted>| text.as_ref().map_or_else(Cell::default, from);
    let end = |addr: Option<Addr>, name: &Option<Untrusted>| match (addr, name) {
        (Some(addr), _) => Cell::mono(addr.to_string()),
        (None, Some(name)) => from(name),
        (None, None) => Cell::default(),
    };
    match COLUMNS[column].0 {
        RecordColumn::Time => Cell::text(time(record.ts)),
        RecordColumn::Kind => Cell::text(record.kind.as_str()),
        RecordColumn::Service => text(&record.service),
        RecordColumn::Outcome => {
            record.outcome.map_or_else(Cell::unknown, |outcome| Cell::text(outcome.as_str()))
        }
        RecordColumn::Src => end(record.src, &record.src_name),
        RecordColumn::Dst => end(record.dst, &record.dst_name),
        RecordColumn::User => text(&record.user),
        RecordColumn::Method => text(&record.method),
        RecordColumn::Target => Cell::text(target(record)),
        RecordColumn::Status => {
            record.status.map_or_else(Cell::default, |status| Cell::mono(status.to_string()))
        }
    }
}

/// A record's exact values.
fn exact(record: &Record) -> Fields {
    vec![
        ("ts", json!(record.ts)),
        ("kind", json!(record.kind)),
        ("service", json!(record.service)),
        ("outcome", json!(record.outcome)),
        ("src", json!(record.src)),
        ("src_name", json!(record.src_name)),
        ("dst", json!(record.dst)),
        ("dst_name", json!(record.dst_name)),
        ("user", json!(record.user)),
        ("method", json!(record.method)),
        ("host", json!(record.host)),
        ("path", json!(record.path)),
        ("query", json!(record.query)),
        ("status", json!(record.status)),
        ("line", json!(record.line)),
    ]
}

fn from<'a>(text: &Untrusted) -> Cell<'a> {
    Cell::text(visible(text))
}

/// `shop.example/login?next=/`, or the name asked.
fn target(record: &Record) -> String {
    let part = |text: &Option<Untrusted>| text.as_ref().map(visible).unwrap_or_default();
    let (host, path, query) = (part(&record.host), part(&record.path), part(&record.query));
    match (path.is_empty(), query.is_empty()) {
        (false, false) => format!("{host}{path}?{query}"),
        (false, true) => format!("{host}{path}"),
        (true, false) => query,
        (true, true) => part(&record.dst_name),
    }
}
