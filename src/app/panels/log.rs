//! The log of the case: which commands changed it, the newest first.

use egui::{Align2, Context, RichText, vec2};
use serde_json::json;

use super::View;
use crate::app::theme::Palette;
use crate::app::times;
use crate::app::widgets::list::{List, ListState};
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{counted, grouped, time, visible};
use crate::engine::workbench::LOG_SHOWN_MAX;

/// Points of the window at first, if the screen has them.
const SIZE: [f32; 2] = [640.0, 420.0];

/// What is remembered of the log's window.
#[derive(Default)]
pub struct LogState {
    /// Whether it is shown.
    pub is_open: bool,
    /// Its table; a command is its place from the oldest.
    pub list: ListState<u64>,
}

/// The columns in their order at first.
pub const COLUMNS: [Column; 2] = [
    Column::text("When", 176.0, "When it was done, by the clock of the machine that did it"),
    Column::text("What", 420.0, "What was done; what a person wrote in notes is not repeated")
        .growing(),
];

/// Draws the window of the log.
pub fn log_ui(ctx: &Context, view: &mut View<'_>) {
    let mut is_open = view.memory.log.is_open;
    let window = egui::Window::new("Log of this case").open(&mut is_open).collapsible(false);
    let room = ctx.content_rect().size() - vec2(48.0, 96.0);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    window.default_size(vec2(SIZE[0].min(room.x), SIZE[1].min(room.y))).show(ctx, |ui| {
        let log = std::sync::Arc::clone(&view.snapshot.case.log);
        let all = match log.count {
            count if count > LOG_SHOWN_MAX as u64 => format!(
                "The newest {} of {} commands; infralock case log shows all",
                grouped(LOG_SHOWN_MAX as u64),
                grouped(count)
            ),
            count => counted(count, "command", "commands"),
        };
        let head = format!("{all} · times in {}", times::zone());
        ui.label(RichText::new(head).color(Palette::of(ui).quiet));
        let entry = |row: usize| log.newest.get(row);
        let list = List {
            name: "Log of this case",
            columns: &COLUMNS,
            rows: log.newest.len(),
            sorted: None,
            key: &|row| entry(row).map(|_| log.count - row as u64),
            cell: &|row, column| match (entry(row), column) {
                (None, _) => Cell::default(),
                (Some(entry), 0) => Cell::mono(time(Some(entry.time))),
                (Some(entry), _) => Cell::text(visible(&entry.what)),
            },
            exact: &|row| {
                let entry = entry(row);
                entry.map_or_else(Vec::new, |entry| {
                    vec![("time", json!(entry.time)), ("what", json!(entry.what))]
                })
            },
            addrs: &|_| Vec::new(),
        };
        list.show(ui, &mut view.memory.log.list, &mut |_, _, _| ());
    });
    view.memory.log.is_open = is_open;
}
