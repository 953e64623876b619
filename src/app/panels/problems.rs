//! Problems: what could not be read, where, and what would be right.

use serde_json::json;

use super::absent::{Absent, absent_ui};
use super::{Panel, View, columns_tool};
use crate::app::theme::icon;
use crate::app::widgets::list::List;
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{grouped, visible};
use crate::model::Visible;

/// What could not be read.
pub const PANEL: Panel = Panel {
    title: "Problems",
    icon: icon::PROBLEMS,
    help: "What could not be read of each file: the line or byte offset, what was wrong, how \
           often. The rest of the file was read.",
    ui,
    tools: |ui, view| columns_tool(ui, &mut view.memory.problems.table, &COLUMNS),
};

const ABSENT: Absent = Absent {
    things: "problems",
    closed: "Nothing has been opened",
    reading: "What cannot be read is listed when a file is read",
    none: "Everything that was opened could be read",
};

/// The columns in their order at first.
pub const COLUMNS: [Column; 4] = [
    Column::text("File", 260.0, "The file or member"),
    Column::text("Place", 100.0, ":line of a text, @offset of bytes"),
    Column::text("What", 400.0, "What was wrong").growing(),
    Column::number("Times", 70.0, "How often"),
];

fn ui(ui: &mut egui::Ui, view: &mut View<'_>) {
    let imports = &view.snapshot.case.imports;
    let all: Vec<_> = imports
        .iter()
        .flat_map(|import| import.problems.iter().map(move |problem| (import, problem)))
        .collect();
    if all.is_empty() {
        return absent_ui(ui, view, &ABSENT);
    }
    let list = List {
        name: "Problems",
        columns: &COLUMNS,
        rows: all.len(),
        sorted: None,
        key: &|row| (row < all.len()).then_some(row),
        cell: &|row, column| match all.get(row) {
            None => Cell::default(),
            Some((import, problem)) => match column {
                0 => Cell::text(visible(&import.import)),
                1 => Cell::mono(problem.place.to_string()),
                2 => Cell::text(Visible(&problem.what).to_string()),
                _ => Cell::mono(grouped(problem.count)),
            },
        },
        exact: &|row| {
            all.get(row).map_or_else(Vec::new, |(import, problem)| {
                vec![
                    ("import", json!(import.import)),
                    ("place", json!(problem.place)),
                    ("what", json!(problem.what)),
                    ("count", json!(problem.count)),
                ]
            })
        },
        addrs: &|_| Vec::new(),
    };
    list.show(ui, &mut view.memory.problems, &mut |_, _, _| ());
}
