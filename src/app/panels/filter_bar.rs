//! Filter bar: one condition for every view, typed with completion, taken apart by chips.
//!
//! While it is being written it is text; once it is in force it stands there as chips, one for each
//! condition that `&&` joins. Reading it costs microseconds, so the window reads it itself to show
//! a mistake at once; applying it is the engine's.

mod field;

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::text::{ByteIndex, CCursor, CCursorRange, LayoutJob, LayoutSection};
use egui::text_edit::TextEditState;
use egui::{
    Align, Button, Id, Key, Layout, RichText, ScrollArea, Stroke, TextEdit, TextFormat, Ui,
};

use self::field::field_ui;
use super::{View, section};
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{Command, Deed, FilterView};
use crate::filter::{Completion, Filter, FilterError, Table, parse};
use crate::model::Visible;

/// Filters that are remembered.
const HISTORY_MAX: usize = 50;

/// Characters of the name of a saved filter.
const NAME_CHARS_MAX: usize = 80;

/// Characters of a condition that its chip shows.
const CHIP_CHARS: usize = 48;

/// What the filter does, and how it is written.
pub const HELP: &str = "Shows only what meets a condition, in every view: score >= 50 && country \
     == \"NL\", addr == 10.0.0.0/8, port in {22, 8000..8999}, !(list == tor), or a word to search. \
     Conditions on hosts leave the flows, records and detections of those hosts: one host at \
     either end must meet all of them, and what is excluded takes its rows along. Conditions on \
     flows or records, such as port == 22, leave the hosts that take part in one. Up and down go \
     through earlier filters; Tab completes; Enter applies.";

/// What the bar remembers.
#[derive(Clone, Debug, Default)]
pub struct FilterState {
    /// What is written.
    text: String,
    /// The text in force when it was last looked at.
    seen: String,
    /// The text that was sent last.
    sent: String,
    /// Asked for by keyboard: the field is to be written in.
    pub wanted: bool,
    /// When something was written that is not applied yet.
    written_at: Option<f64>,
    /// Filters that were in force, the newest last.
    pub history: Vec<String>,
    /// The place in the history that is shown.
    past: Option<usize>,
    /// What is wrong with what is written.
    mistake: Option<FilterError>,
    /// The name under which the filter in force is to be saved.
    name: String,
    proposals: Vec<Completion>,
    /// The text and place in it that the proposals are for.
    proposed_for: Option<(String, usize)>,
    chosen: Option<usize>,
}

impl FilterState {
    fn remember(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.history.retain(|known| known != text);
            self.history.push(text.to_owned());
            let over = self.history.len().saturating_sub(HISTORY_MAX);
            self.history.drain(..over);
        }
        self.past = None;
    }

    /// What is written is put in the place of what was, and the cursor behind it.
    fn write(&mut self, ui: &Ui, text: String, cursor: usize) {
        self.text = text;
        self.mistake = parse(&self.text).err();
        self.chosen = None;
        let mut state = TextEditState::load(ui.ctx(), field_id()).unwrap_or_default();
        state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(cursor))));
        state.store(ui.ctx(), field_id());
    }
}

impl View<'_> {
    /// Shows only what meets this too.
    pub fn filter_by(&mut self, filter: Filter) {
        let now = self.snapshot.filter.filter();
        if now.parts().contains(&filter) {
            return;
        }
        self.set_filter(&now.and(filter));
    }

    /// Shows only what meets this.
    pub fn set_filter(&mut self, filter: &Filter) {
        let text = filter.to_string();
        self.memory.filter.remember(&text);
        self.wish(Command::Filter(text));
    }
}

/// The field's identity: keys ask for it from anywhere.
fn field_id() -> Id {
    Id::unique("filter field")
}

/// Draws the bar.
pub fn filter_bar_ui(ui: &mut Ui, view: &mut View<'_>) {
    take_over(ui, view);
    let on = std::sync::Arc::clone(&view.snapshot.filter);
    ui.horizontal(|ui| {
        ui.set_min_height(theme::ROW + 2.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let help = ui.add(Button::new(icon::HELP).frame(false));
            named(&help, "How to write a filter");
            help.on_hover_text(HELP);
            kept_ui(ui, view, &on);
            counts_ui(ui, view, &on);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new(icon::SEARCH).color(Palette::of(ui).quiet));
                let state = &view.memory.filter;
                let is_written = ui.memory(|memory| memory.has_focus(field_id())) || state.wanted;
                let is_whole = state.text == on.text && on.mistake.is_none();
                match on.is_on() && is_whole && !is_written {
                    true => chips_ui(ui, view, &on),
                    false => field_ui(ui, view),
                }
            });
        });
    });
    // While it is being written, the list below the field tells it.
    let is_written = ui.memory(|memory| memory.has_focus(field_id()));
    if let Some((text, mistake)) = &on.mistake
        && *text == view.memory.filter.text
        && !is_written
    {
        mistake_ui(ui, mistake, Palette::of(ui).failed);
    }
}

/// A filter that came from elsewhere (a click, a cleared filter) is what stands in the field.
fn take_over(ui: &Ui, view: &mut View<'_>) {
    let in_force = &view.snapshot.filter.text;
    let state = &mut view.memory.filter;
    if state.seen != *in_force {
        state.seen.clone_from(in_force);
        if !ui.memory(|memory| memory.has_focus(field_id())) {
            state.text.clone_from(in_force);
            state.mistake = None;
            state.written_at = None;
        }
    }
}

fn named(response: &egui::Response, name: &str) {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
}

/// `412 of 52,118 hosts · 51,706 hidden`, and a way to see them.
fn counts_ui(ui: &mut Ui, view: &mut View<'_>, on: &FilterView) {
    if !on.is_on() {
        return;
    }
    let clear = ui.add(Button::new(format!("{} Clear", icon::CLOSE)));
    if clear.on_hover_text("Show everything again").clicked() {
        view.set_filter(&Filter::everything());
    }
    let hosts = &view.snapshot.hosts;
    let (shown, all) = (hosts.shown.len(), hosts.all.len());
    let text = match on.is_running {
        true => "working it out …".to_owned(),
        false => format!(
            "{} of {} · {} hidden",
            grouped(shown as u64),
            counted(all as u64, "host", "hosts"),
            grouped((all - shown.min(all)) as u64)
        ),
    };
    ui.label(RichText::new(text).color(Palette::of(ui).quiet));
}

/// Filters that were used or saved.
fn kept_ui(ui: &mut Ui, view: &mut View<'_>, on: &FilterView) {
    let menu = MenuButton::new("Filters")
        .config(MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside));
    menu.ui(ui, |ui| {
        ui.set_min_width(320.0);
        let mut chosen = None;
        saved_ui(ui, view, on, &mut chosen);
        section(ui, "Used before");
        if view.memory.filter.history.is_empty() {
            ui.label(RichText::new("None yet").color(Palette::of(ui).quiet));
        }
        for text in view.memory.filter.history.iter().rev().take(20) {
            if ui.button(code(&cut(&Visible(text).to_string(), 80), ui)).clicked() {
                chosen = Some(text.clone());
            }
        }
        if let Some(text) = chosen {
            view.memory.filter.remember(&text);
            view.wish(Command::Filter(text));
            ui.close();
        }
    });
}

/// Filters that the case keeps under a name, and a name for the one in force.
fn saved_ui(ui: &mut Ui, view: &mut View<'_>, on: &FilterView, chosen: &mut Option<String>) {
    section(ui, "Saved with the case");
    let said = std::sync::Arc::clone(&view.snapshot.case.said);
    for (name, text) in &said.filters {
        ui.horizontal(|ui| {
            let shown = Visible(name).to_string();
            let delete = ui.add(Button::new(icon::CLOSE).frame(false));
            named(&delete, &format!("Delete saved filter {shown}"));
            if delete.on_hover_text("Delete; Ctrl+Z brings it back").clicked() {
                view.wish(Command::Do(Deed::Filter { name: name.clone(), text: None }));
            }
            let button = ui.button(cut(&shown, 60));
            if button.on_hover_text(Visible(text).to_string()).clicked() {
                *chosen = Some(text.clone());
            }
        });
    }
    if !on.is_on() {
        if said.filters.is_empty() {
            let what = "None yet: filter, then save it here under a name";
            ui.label(RichText::new(what).color(Palette::of(ui).quiet));
        }
        return;
    }
    ui.horizontal(|ui| {
        let name = &mut view.memory.filter.name;
        let frame = egui::Frame::new().inner_margin(4);
        let frame = frame.stroke(Stroke::new(1.0, Palette::of(ui).hairline)).corner_radius(4);
        let field = TextEdit::singleline(name).hint_text("Name").desired_width(200.0).frame(frame);
        let field = ui.add(field.char_limit(NAME_CHARS_MAX));
        field.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Name of the filter to save")
        });
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let is_named = !name.trim().is_empty();
        let save = ui.add_enabled(is_named, Button::new("Save filter"));
        if (save.clicked() || entered) && is_named {
            let name = std::mem::take(name).trim().to_owned();
            let text = Some(on.text.clone());
            view.wish(Command::Do(Deed::Filter { name, text }));
        }
    });
}

/// A filter's text with every sign as it is written: the font would join `>=` into one.
pub(super) fn code(text: &str, ui: &Ui) -> LayoutJob {
    let format = TextFormat {
        font_id: theme::mono(theme::BODY - 0.5),
        color: Palette::of(ui).text,
        ..TextFormat::default()
    };
    unjoined(text, &format)
}

/// Signs are joined within a section only, so each ends one. (`append` would merge them again.)
fn unjoined(text: &str, format: &TextFormat) -> LayoutJob {
    let mut job = LayoutJob::single_section(text.to_owned(), format.clone());
    job.sections.clear();
    let mut start = 0;
    for part in text.split_inclusive(|sign: char| "=<>!&|-.~".contains(sign)) {
        let end = start + part.len();
        job.sections.push(LayoutSection {
            leading_space: 0.0,
            byte_range: ByteIndex(start)..ByteIndex(end),
            format: format.clone(),
        });
        start = end;
    }
    job
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The conditions, each with a way to drop it; a click on one goes back to writing.
fn chips_ui(ui: &mut Ui, view: &mut View<'_>, on: &FilterView) {
    let mut dropped = None;
    let mut edited = false;
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        for (number, part) in on.parts.iter().enumerate() {
            let text = Visible(&part.to_string()).to_string();
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                let label = code(&cut(&text, CHIP_CHARS), ui);
                edited |= ui.button(label).on_hover_text("Click to edit the filter").clicked();
                let close = ui.add(Button::new(icon::CLOSE));
                named(&close, &format!("Remove {text}"));
                if close.on_hover_text("Remove this condition").clicked() {
                    dropped = Some(number);
                }
            });
        }
        let add = ui.add(Button::new(icon::PLUS).frame(false));
        named(&add, "Edit the filter");
        edited |= add.on_hover_text("Edit the filter (Ctrl+F)").clicked();
    });
    if let Some(dropped) = dropped {
        let left = on.parts.iter().enumerate().filter(|(number, _)| *number != dropped);
        let left = left.map(|(_, part)| part.clone()).fold(Filter::everything(), Filter::and);
        view.set_filter(&left);
    }
    if edited {
        view.memory.filter.wanted = true;
    }
}

/// A mistake in a sentence.
fn mistake_ui(ui: &mut Ui, mistake: &FilterError, colour: egui::Color32) {
    ui.add(egui::Label::new(RichText::new(mistake.to_string()).color(colour)).wrap());
}

/// Said where the filter hides all that a view has: never a blank.
pub fn hidden_ui(ui: &mut Ui, view: &mut View<'_>, table: Table, all: usize) {
    let on = std::sync::Arc::clone(&view.snapshot.filter);
    let (one, many) = match table {
        Table::Hosts => ("host", "hosts"),
        Table::Flows => ("flow", "flows"),
        Table::Records => ("record", "records"),
        Table::Detections => ("detection", "detections"),
    };
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        let title = match on.is_running {
            true => "Working out what passes the filter …".to_owned(),
            false => format!("0 of {} pass the filter", counted(all as u64, one, many)),
        };
        ui.label(RichText::new(title).font(theme::strong(theme::TITLE)));
        if let Some(note) = on.note(table) {
            ui.label(RichText::new(note).color(Palette::of(ui).quiet));
        }
        if ui.button("Clear filter").clicked() {
            view.set_filter(&Filter::everything());
        }
    });
}

/// How many rows of a table are shown: `412 of 52,118`, or all of them.
pub fn count_text(shown: usize, all: usize) -> String {
    match shown == all {
        true => grouped(all as u64),
        false => format!("{} of {}", grouped(shown as u64), grouped(all as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_holds_each_filter_once_the_newest_last() {
        let mut state = FilterState::default();
        for number in 0..=HISTORY_MAX {
            state.remember(&format!("score > {number}"));
        }
        state.remember(" score > 7 ");
        state.remember("");
        assert_eq!(state.history.len(), HISTORY_MAX);
        assert_eq!(state.history.last().map(String::as_str), Some("score > 7"));
        assert!(!state.history.contains(&"score > 0".to_owned()), "the oldest is forgotten");
    }

    #[test]
    fn long_conditions_are_cut_on_a_character() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äöü…");
        assert_eq!(count_text(3, 1_200), "3 of 1,200");
        assert_eq!(count_text(1_200, 1_200), "1,200");
    }
}
