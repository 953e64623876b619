//! Compare: paste a list, see which of it occurs in the case.

use egui::{Align, Context, Layout, RichText, TextEdit, Ui, vec2};

use serde_json::json;

use super::View;
use crate::app::copy::Fields;
use crate::app::theme::{self, Palette};
use crate::app::widgets::list::{List, ListState};
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{COMPARED_MAX, Command, Compared, Comparison, Selected, Verdict};
use crate::filter::{FILTER_BYTES_MAX, FieldId, Filter};
use crate::model::AddrRange;

const COLUMNS: [Column; 4] = [
    Column::text("Entry", 230.0, "Address, prefix or range of the list").growing(),
    Column::number("Hosts", 64.0, "Hosts of the case inside it"),
    Column::text("Highest", 80.0, "The highest score among them"),
    Column::text("Host", 170.0, "The host that has it"),
];

/// What the dialog remembers.
#[derive(Clone, Debug, Default)]
pub struct CompareState {
    /// Whether it is shown.
    is_open: bool,
    /// Whether it was opened just now: the list is written first.
    is_new: bool,
    text: String,
    list: ListState<AddrRange>,
    /// Whether an answer is awaited.
    is_waiting: bool,
}

impl CompareState {
    /// Opens the dialog.
    pub fn open(&mut self) {
        (self.is_open, self.is_new) = (true, true);
    }
}

/// Draws the dialog, if it is open.
pub fn compare_ui(ctx: &Context, view: &mut View<'_>) {
    let mut open = view.memory.compare.is_open;
    let window = egui::Window::new("Compare with a list")
        .open(&mut open)
        .collapsible(false)
        .pivot(egui::Align2::CENTER_CENTER)
        .default_pos(ctx.content_rect().center())
        .default_size([620.0, 520.0])
        .min_size([420.0, 320.0]);
    window.show(ctx, |ui| page_ui(ui, view));
    // A choice inside may have closed it, too.
    view.memory.compare.is_open &= open;
}

fn page_ui(ui: &mut Ui, view: &mut View<'_>) {
    let quiet = Palette::of(ui).quiet;
    let what = "Paste addresses, prefixes and ranges, one a line or in any text. Nothing is added \
                to the case.";
    ui.label(RichText::new(what).color(quiet));
    let field = TextEdit::multiline(&mut view.memory.compare.text)
        .hint_text("203.0.113.9\n198.51.100.0/24\n2001:db8::1")
        .font(egui::TextStyle::Monospace)
        .desired_rows(5)
        .desired_width(f32::INFINITY);
    egui::ScrollArea::vertical().id_salt("list").max_height(110.0).show(ui, |ui| {
        let field = ui.add(field);
        field.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, "List to compare")
        });
        if std::mem::take(&mut view.memory.compare.is_new) {
            field.request_focus();
        }
    });
    let is_written = !view.memory.compare.text.trim().is_empty();
    if ui.add_enabled(is_written, egui::Button::new("Compare")).clicked() {
        view.memory.compare.is_waiting = true;
        let text = view.memory.compare.text.clone();
        view.wish(Command::Compare(text));
    }
    let Some(comparison) = view.snapshot.comparison.clone() else {
        if view.memory.compare.is_waiting {
            ui.label(RichText::new("Comparing …").color(quiet));
        }
        return;
    };
    view.memory.compare.is_waiting = false;
    result_ui(ui, view, &comparison);
}

fn result_ui(ui: &mut Ui, view: &mut View<'_>, comparison: &Comparison) {
    ui.separator();
    ui.horizontal(|ui| {
        ui.label(RichText::new(sentence(comparison)).font(theme::strong(theme::BODY)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let filter = filter_of(comparison);
            let is_short =
                filter.as_ref().is_none_or(|it| it.to_string().len() <= FILTER_BYTES_MAX);
            let can = filter.is_some() && is_short;
            let button = ui.add_enabled(can, egui::Button::new("Filter by these"));
            let button = match is_short {
                true => button,
                false => button.on_disabled_hover_text("These are too many for one filter"),
            };
            if let Some(filter) = filter.filter(|_| button.clicked()) {
                view.filter_by(filter);
                view.memory.compare.is_open = false;
            }
        });
    });
    for note in notes(comparison) {
        ui.label(RichText::new(note).color(Palette::of(ui).quiet));
    }
    if comparison.entries.is_empty() {
        return;
    }
    let entry = |row: usize| comparison.entries.get(row);
    let list = List {
        name: "Entries of the list",
        columns: &COLUMNS,
        rows: comparison.entries.len(),
        sorted: None,
        key: &|row| entry(row).map(|entry| entry.range),
        cell: &|row, column| entry(row).map_or_else(Cell::default, |entry| cell(entry, column)),
        exact: &|row| entry(row).map_or_else(Vec::new, exact),
        addrs: &|row| entry(row).map(|entry| entry.range.first()).into_iter().collect(),
    };
    let size = vec2(ui.available_width(), ui.available_height().max(160.0));
    let state = &mut view.memory.compare.list;
    let events = ui.allocate_ui(size, |ui| list.show(ui, state, &mut |_, _, _| ())).inner;
    let chosen = events.select.and_then(|row| comparison.entries.get(row)?.best);
    if let Some(best) = chosen {
        view.select(Selected::Host(best.key));
    }
}

fn sentence(comparison: &Comparison) -> String {
    let all = comparison.entries.len() as u64;
    match all {
        0 => "No address was found in this text".to_owned(),
        all => format!(
            "{} of {} in this case",
            grouped(comparison.found as u64),
            counted(all, "entry occurs", "entries occur")
        ),
    }
}

fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    if comparison.lines_without > 0 {
        let lines = counted(comparison.lines_without, "line holds", "lines hold");
        notes.push(format!("{lines} no address"));
    }
    if comparison.left_out > 0 {
        let left = grouped(comparison.left_out);
        let most = grouped(COMPARED_MAX as u64);
        notes.push(format!("{left} more were left out; {most} are compared at once"));
    }
    notes
}

/// The hosts inside the entries that occur.
fn filter_of(comparison: &Comparison) -> Option<Filter> {
    let found = comparison.entries.iter().take(comparison.found);
    Filter::field_inside_any(FieldId::Addr, found.map(|entry| entry.range))
}

/// An entry as it is written in a filter.
fn written(range: AddrRange) -> String {
    let filter = Filter::field_inside_any(FieldId::Addr, [range]);
    let text = filter.map_or_else(String::new, |filter| filter.to_string());
    text.trim_start_matches("addr == ").to_owned()
}

/// An entry's exact values.
fn exact(entry: &Compared) -> Fields {
    let host = entry.best.map(|best| best.key.addr());
    let score = entry.best.filter(|best| best.verdict != Verdict::Unknown).map(|best| best.score);
    vec![
        ("entry", json!(written(entry.range))),
        ("hosts", json!(entry.hosts)),
        ("score", json!(score)),
        ("host", json!(host)),
    ]
}

fn cell(entry: &Compared, column: usize) -> Cell<'static> {
    match (column, entry.best) {
        (0, best) => {
            let cell = Cell::mono(written(entry.range));
            if best.is_some() { cell } else { cell.quiet() }
        }
        (1, Some(_)) => Cell::mono(grouped(entry.hosts.into())),
        (1, None) => Cell::text("none").quiet(),
        (_, None) => Cell::default(),
        (2, Some(best)) => {
            let text = match best.verdict {
                Verdict::Unknown => "–".to_owned(),
                _ => format!("{:.1}", best.score),
            };
            Cell { verdict: Some(best.verdict), ..Cell::mono(text) }
        }
        (_, Some(best)) => Cell::mono(best.key.addr().to_string()),
    }
}
