//! Data: what addresses are judged by, how old it is, whom to credit.

use egui::{RichText, ScrollArea, Ui};

use super::{Panel, View, section};
use crate::app::theme::{Palette, icon};
use crate::app::widgets::text::{bytes, grouped, visible};
use crate::engine::workbench::DataState;

/// Files read and reference data.
pub const PANEL: Panel = Panel {
    title: "Data",
    icon: icon::DATA,
    help: "The files of this case with their hashes, and the reference data with dates and \
           licences. No request leaves this machine: all of it is in the program.",
    ui,
};

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        section(ui, "Files");
        let imports = &view.snapshot.case.imports;
        if imports.is_empty() {
            ui.label(RichText::new("No file was opened yet").color(Palette::of(ui).quiet));
        }
        egui::Grid::new("files").striped(false).num_columns(5).spacing([16.0, 4.0]).show(
            ui,
            |ui| {
                for import in imports {
                    ui.label(visible(&import.import));
                    ui.label(import.format.unwrap_or("not read"));
                    ui.label(bytes(import.bytes));
                    let (packets, records) = (grouped(import.packets), grouped(import.records));
                    ui.label(match import.packets {
                        0 => format!("{records} records"),
                        _ => format!("{packets} packets, {records} records"),
                    });
                    let hash = import.sha256.as_deref().unwrap_or("not read to its end");
                    ui.label(RichText::new(shortened(hash)).monospace())
                        .on_hover_text(format!("sha256 {hash}"));
                    ui.end_row();
                }
            },
        );
        section(ui, "Reference data");
        match &view.snapshot.data {
            DataState::Opening => {
                ui.label("Opening …");
            }
            DataState::Failed(why) => {
                ui.label(RichText::new(why).color(Palette::of(ui).failed));
            }
            DataState::Ready(data) => {
                egui::Grid::new("sources").num_columns(3).spacing([16.0, 4.0]).show(ui, |ui| {
                    for source in &data.sources {
                        ui.label(&source.id);
                        ui.label(source.date.as_deref().unwrap_or("undated"));
                        ui.label(&source.credit);
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
