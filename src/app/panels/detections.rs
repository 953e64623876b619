//! Detections: what was found, the most severe first.

use serde_json::json;

use super::absent::{Absent, absent_ui};
use super::{Panel, View, columns_tool, filter_bar, filter_menu};
use crate::app::copy::Fields;
use crate::app::theme::icon;
use crate::app::widgets::chosen::Chosen;
use crate::app::widgets::list::List;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{grouped, time};
use crate::engine::workbench::Selected;
use crate::export::DetectionRow;
use crate::filter;
use crate::model::Visible;

/// What detectors found.
pub const PANEL: Panel = Panel {
    title: "Detections",
    icon: icon::DETECTIONS,
    help: "What detectors found, the most severe first. Severity goes from 0 to 100 and comes from \
           the profile; it says how bad the behaviour is, not how sure. \"Got in\" means that what \
           was tried worked; a dash, that it cannot be told.",
    ui,
    tools: |ui, view| columns_tool(ui, &mut view.memory.detections.table, &COLUMNS),
};

const ABSENT: Absent = Absent {
    things: "detections",
    closed: "Detectors look at whatever is opened",
    reading: "Detectors speak when all is read",
    none: "Nothing was detected in what is open",
};

/// The columns in their order at first.
pub const COLUMNS: [Column; 8] = [
    Column::number("Severity", 64.0, "0 to 100, from the profile"),
    Column::text("Detection", 150.0, "The detector"),
    Column::text("Subject", 140.0, "The host it is about"),
    Column::text("Got in", 54.0, "Whether what was tried worked"),
    Column::text("What", 320.0, "In a sentence").growing(),
    Column::number("Count", 70.0, "How many tries, requests, packets"),
    Column::time("First seen", "When it began"),
    Column::text("ATT&CK", 90.0, "MITRE ATT&CK techniques"),
];

fn ui(ui: &mut egui::Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let (all, shown) = (&snapshot.detections, &snapshot.detections_shown);
    if all.is_empty() {
        return absent_ui(ui, view, &ABSENT);
    }
    if shown.is_empty() {
        return filter_bar::hidden_ui(ui, view, filter::Table::Detections, all.len());
    }
    if let (true, Some(Selected::Detection(place))) = (view.is_settled(), view.selected()) {
        view.memory.detections.follow(place, || shown.binary_search(&place).ok());
    }
    let found = |row: usize| shown.get(row).and_then(|&row| all.get(row as usize));
    let list = List {
        name: "Detections",
        columns: &COLUMNS,
        rows: shown.len(),
        sorted: None,
        key: &|row| shown.get(row).copied(),
        cell: &|row, column| found(row).map_or_else(Cell::default, |found| cell(found, column)),
        exact: &|row| found(row).map_or_else(Vec::new, exact),
        addrs: &|row| found(row).map(|found| found.subject).into_iter().collect(),
    };
    let mut filter = None;
    let mut menu = |ui: &mut egui::Ui, row: usize, _: &Chosen<_>| {
        let Some(found) = found(row) else { return };
        if let Some(chosen) = filter_menu::filter_menus_ui(ui, &filter_menu::of_detection(found)) {
            filter = Some(chosen);
        }
        ui.separator();
        if ui.button("Copy sentence").clicked() {
            ui.copy_text(found.what.clone());
            ui.close();
        }
    };
    let events = list.show(ui, &mut view.memory.detections, &mut menu);
    if let Some(filter) = filter {
        view.filter_by(filter);
    }
    if let Some(&row) = events.select.and_then(|row| shown.get(row)) {
        view.select(Selected::Detection(row));
    }
}

fn cell(found: &DetectionRow, column: usize) -> Cell<'_> {
    match column {
        0 => Cell::mono(found.severity.to_string()),
        1 => Cell::text(found.detector.as_str()),
        2 => Cell::mono(found.subject.to_string()),
        3 => match found.succeeded {
            Some(true) => Cell::text("yes"),
            Some(false) => Cell::text("no").quiet(),
            None => Cell::unknown(),
        },
        4 => Cell::text(Visible(&found.what).to_string()),
        5 => Cell::mono(grouped(found.count)),
        6 => Cell::text(time(found.first_seen)),
        _ => Cell::text(found.attack.join(", ")),
    }
}

/// A detection's exact values.
fn exact(found: &DetectionRow) -> Fields {
    vec![
        ("detector", json!(found.detector)),
        ("subject", json!(found.subject)),
        ("severity", json!(found.severity)),
        ("confidence", json!(found.confidence)),
        ("succeeded", json!(found.succeeded)),
        ("count", json!(found.count)),
        ("first_seen", json!(found.first_seen)),
        ("last_seen", json!(found.last_seen)),
        ("attack", json!(found.attack)),
        ("what", json!(found.what)),
    ]
}
