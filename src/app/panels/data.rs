//! Data: what addresses are judged by, how old it is, whom to credit.

mod feeds;
mod own;

use egui::{RichText, ScrollArea, Ui, vec2};
use serde_json::json;

use super::absent::{Absent, absent_ui};
use super::{Panel, View, columns_tool, section};
pub use feeds::FeedsState;

use crate::app::age;
use crate::app::copy::Fields;
use crate::app::theme::{Palette, icon};
use crate::app::widgets::chosen::Chosen;
use crate::app::widgets::list::List;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{bytes, counted, visible};
use crate::engine::workbench::{CaseView, Command, DataState, Deed};
use crate::model::{ImportRow, Untrusted, Visible};

/// Files read and reference data.
pub const PANEL: Panel = Panel {
    title: "Data",
    icon: icon::DATA,
    help: "The files of this case with their hashes, and the reference data with dates and \
           licences. No request leaves this machine unless you add or update a feed by its \
           address: all else is in the program.",
    ui,
    tools: |ui, view| columns_tool(ui, &mut view.memory.files.table, &COLUMNS),
};

const ABSENT: Absent = Absent {
    things: "files",
    closed: "Drop captures, logs, lists or folders on the window",
    reading: "A file is listed when it is read",
    none: "The case holds none",
};

/// The columns of the files in their order at first.
pub const COLUMNS: [Column; 5] = [
    Column::text("File", 280.0, "The file, or the member of an archive").growing(),
    Column::text("Format", 110.0, "Told by content"),
    Column::number("Size", 70.0, "Bytes as given, packed"),
    Column::text("Held", 200.0, "What was read of it"),
    Column::text("sha256", 160.0, "Of the bytes as given; the menu copies it whole"),
];

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let imports = &view.snapshot.case.imports;
    let sources = 330.0_f32.min(ui.available_height() * 0.6);
    ui.allocate_ui(vec2(ui.available_width(), ui.available_height() - sources), |ui| {
        if imports.is_empty() && !matches!(view.snapshot.data, DataState::Failed(_)) {
            return absent_ui(ui, view, &ABSENT);
        }
        let list = List {
            name: "Files",
            columns: &COLUMNS,
            rows: imports.len(),
            sorted: None,
            key: &|row| (row < imports.len()).then_some(row),
            cell: &|row, column| {
                imports.get(row).map_or_else(Cell::default, |import| cell(import, column))
            },
            exact: &|row| imports.get(row).map_or_else(Vec::new, exact),
            addrs: &|_| Vec::new(),
        };
        let mut wish = None;
        let mut menu = |ui: &mut Ui, row: usize, _: &Chosen<_>| {
            if let Some(import) = imports.get(row) {
                realm_menu_ui(ui, &view.snapshot.case, &import.realm, &mut wish);
            }
            if let Some(key) = view.snapshot.case.keys.get(row) {
                ui.menu_button("Remove from the case …", |ui| {
                    ui.label("Its flows and records go; what you said stays. No undo.");
                    if ui.button("Remove").clicked() {
                        wish = Some(Command::RemoveImport(*key));
                        ui.close();
                    }
                });
            }
            let hash = imports.get(row).and_then(|import| import.sha256.clone());
            if let Some(hash) = hash
                && ui.button("Copy sha256").clicked()
            {
                ui.copy_text(hash);
                ui.close();
            }
        };
        list.show(ui, &mut view.memory.files, &mut menu);
        if let Some(wish) = wish {
            view.wish(wish);
        }
    });
    sources_ui(ui, view);
}

/// Private addresses of two files are other hosts unless a person says that it is one network.
fn realm_menu_ui(ui: &mut Ui, case: &CaseView, realm: &Untrusted, wish: &mut Option<Command>) {
    let number = |name: &Untrusted| case.realms.iter().position(|known| known == name);
    let Some(own) = number(realm).filter(|_| case.realms.len() > 1) else { return };
    ui.menu_button("Same network as", |ui| {
        ui.label("Private addresses of both become the same hosts. Ctrl+Z parts them again.");
        for (other, name) in case.realms.iter().enumerate().filter(|(other, _)| *other != own) {
            if ui.button(visible(name)).clicked() {
                let (realm, into) = (own as u32, Some(other as u32));
                *wish = Some(Command::Do(Deed::MergeRealm { realm, into }));
                ui.close();
            }
        }
    });
}

fn cell(import: &ImportRow, column: usize) -> Cell<'_> {
    match column {
        0 => Cell::text(visible(&import.import)),
        1 => import.format.map_or_else(|| Cell::text("not read").quiet(), Cell::text),
        2 => Cell::mono(bytes(import.bytes)),
        3 => {
            let records = counted(import.records, "record", "records");
            Cell::text(match import.packets {
                0 => records,
                packets => format!("{}, {records}", counted(packets, "packet", "packets")),
            })
        }
        _ => match &import.sha256 {
            Some(hash) => Cell::mono(shortened(hash)),
            None => Cell::text("not read to its end").quiet(),
        },
    }
}

fn exact(import: &ImportRow) -> Fields {
    vec![
        ("import", json!(import.import)),
        ("format", json!(import.format)),
        ("bytes", json!(import.bytes)),
        ("packets", json!(import.packets)),
        ("records", json!(import.records)),
        ("sha256", json!(import.sha256)),
    ]
}

fn sources_ui(ui: &mut Ui, view: &mut View<'_>) {
    // In line with the table above.
    let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(6, 0));
    frame.show(ui, |ui| all_sources_ui(ui, view));
}

fn all_sources_ui(ui: &mut Ui, view: &mut View<'_>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        own::own_ui(ui, view);
        feeds::feeds_ui(ui, view);
        section(ui, "Reference data");
        match &view.snapshot.data {
            DataState::Opening => {
                ui.label("Opening the reference data …");
            }
            DataState::Failed(why) => {
                let failed = Palette::of(ui).failed;
                ui.colored_label(failed, "The reference data cannot be opened:");
                ui.colored_label(failed, Visible(why).to_string());
            }
            DataState::Ready(data) => {
                egui::Grid::new("sources").num_columns(3).spacing([16.0, 4.0]).show(ui, |ui| {
                    for source in &data.sources {
                        ui.label(&source.id);
                        let date = source.date.as_deref();
                        match date.filter(|date| age::is_stale(view.snapshot, date)) {
                            Some(date) => {
                                let text = RichText::new(format!("{date}, stale"));
                                ui.label(text.color(Palette::of(ui).warned)).on_hover_text(
                                    "Older than what is open: what came since is missing",
                                );
                            }
                            None => {
                                ui.label(date.unwrap_or("undated"));
                            }
                        }
                        ui.label(&source.licence);
                        ui.end_row();
                    }
                });
                ui.add_space(8.0);
                ui.label("IP geolocation by DB-IP, https://db-ip.com");
            }
        }
    });
}

/// A hash cut in its middle.
fn shortened(hash: &str) -> String {
    match (hash.get(..8), hash.get(hash.len().saturating_sub(8)..)) {
        (Some(head), Some(tail)) if hash.len() == 64 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}
