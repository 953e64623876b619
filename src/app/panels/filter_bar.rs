//! Filter bar: one condition for every view, typed with completion, taken apart by chips.
//!
//! While it is being written it is text; once it is in force it stands there as chips, one for each
//! condition that `&&` joins. Reading it costs microseconds, so the window reads it itself to show
//! a mistake at once; applying it is the engine's.

use egui::text::{CCursor, CCursorRange, LayoutJob};
use egui::text_edit::TextEditState;
use egui::{
    Align, Button, EventFilter, FontSelection, Id, Key, LayerId, Layout, Modifiers, Popup,
    PopupKind, Rect, RectAlign, RichText, ScrollArea, Stroke, TextEdit, TextFormat, Ui, pos2, vec2,
};

use super::View;
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{Command, FilterView};
use crate::filter::{
    Completion, FILTER_BYTES_MAX, FieldId, Filter, FilterError, Table, complete, parse,
};
use crate::model::{Visible, is_deceptive};

/// Filters that are remembered.
const HISTORY_MAX: usize = 50;

/// Values of a field that are proposed.
const VALUES_MAX: usize = 40;

/// Seconds without a key until what is written is applied.
const PAUSE_SECS: f64 = 0.5;

/// Characters of a condition that its chip shows.
const CHIP_CHARS: usize = 48;

/// Height of the list of proposals.
const LIST_HEIGHT: f32 = 242.0;

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
            recent_ui(ui, view);
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
    if let Some((text, mistake)) = &on.mistake
        && *text == view.memory.filter.text
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

fn recent_ui(ui: &mut Ui, view: &mut View<'_>) {
    ui.menu_button("Recent", |ui| {
        ui.set_min_width(320.0);
        if view.memory.filter.history.is_empty() {
            ui.label(RichText::new("No filter was used yet").color(Palette::of(ui).quiet));
        }
        let mut chosen = None;
        for text in view.memory.filter.history.iter().rev().take(20) {
            let label = RichText::new(cut(&Visible(text).to_string(), 80)).monospace();
            if ui.button(label).clicked() {
                chosen = Some(text.clone());
                ui.close();
            }
        }
        if let Some(text) = chosen {
            view.memory.filter.remember(&text);
            view.wish(Command::Filter(text));
        }
    });
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
                let label = RichText::new(cut(&text, CHIP_CHARS)).font(theme::mono(12.0));
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

/// What the keys ask for while the field is written in.
#[derive(Default)]
struct Keys {
    by: isize,
    complete: bool,
    apply: bool,
}

fn keys(ui: &Ui, popup: Option<Id>) -> Keys {
    ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        Keys {
            by: isize::from(pressed(Key::ArrowDown)) - isize::from(pressed(Key::ArrowUp)),
            complete: popup.is_some() && pressed(Key::Tab),
            apply: pressed(Key::Enter),
        }
    })
}

fn field_ui(ui: &mut Ui, view: &mut View<'_>) {
    let had_focus = ui.memory(|memory| memory.has_focus(field_id()));
    let popup_id = field_id().with("proposals");
    let is_open = had_focus && !view.memory.filter.proposals.is_empty();
    let open = is_open.then_some(popup_id);
    let keys = if had_focus { keys(ui, open) } else { Keys::default() };
    let output = text_ui(ui, &mut view.memory.filter.text, open);
    let response = &output.response.response;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter"));
    let now = ui.input(|input| input.time);
    let state = &mut view.memory.filter;
    if std::mem::take(&mut state.wanted) {
        response.request_focus();
        let end = state.text.chars().count();
        let text = std::mem::take(&mut state.text);
        state.write(ui, text, end);
    }
    if response.changed() {
        state.mistake = parse(&state.text).err();
        (state.written_at, state.chosen) = (Some(now), None);
    }
    underline(ui, state, &output, now);
    let end = state.text.chars().count();
    let cursor = output.cursor_range.map_or(end, |range| range.primary.index.0);
    propose(view, cursor);
    if response.has_focus() {
        obey(ui, view, &keys, now);
        let popup = Popup::from_response(response).id(popup_id).kind(PopupKind::Popup);
        popup_ui(ui, view, popup, &keys, now);
    }
    apply_written(ui, view, response, now);
}

/// The field itself. A press on the list below must not take the focus from it.
fn text_ui(ui: &mut Ui, text: &mut String, popup: Option<Id>) -> egui::text_edit::TextEditOutput {
    let palette = Palette::of(ui);
    let mut lay_out = |ui: &Ui, text: &dyn egui::TextBuffer, _: f32| {
        // A stranger's text can come here by a click: what would turn it round is shown as a mark.
        let seen = |character: char| if is_deceptive(character) { '\u{fffd}' } else { character };
        let shown: String = text.as_str().chars().map(seen).collect();
        let font_id = theme::mono(theme::BODY);
        let format = TextFormat { font_id, color: palette.text, ..TextFormat::default() };
        ui.painter().layout_job(LayoutJob::single_section(shown, format))
    };
    let layer = popup.map(|popup| LayerId::new(PopupKind::Popup.order(), popup));
    let pointer = ui.ctx().pointer_interact_pos().and_then(|at| ui.ctx().layer_id_at(at));
    let is_over = layer.is_some() && pointer == layer;
    let usual = ui.ctx().options(|options| options.input_options.surrender_focus_on);
    if is_over {
        ui.ctx().options_mut(|options| {
            options.input_options.surrender_focus_on = egui::SurrenderFocusOn::Never;
        });
    }
    let keys = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        tab: popup.is_some(),
        ..EventFilter::default()
    };
    let output = TextEdit::singleline(text)
        .id(field_id())
        .font(FontSelection::FontId(theme::mono(theme::BODY)))
        .hint_text("Filter: score >= 50 && country == \"NL\", or words to search")
        .desired_width(f32::INFINITY)
        .char_limit(FILTER_BYTES_MAX)
        .event_filter(keys)
        .layouter(&mut lay_out)
        .show(ui);
    ui.ctx().options_mut(|options| options.input_options.surrender_focus_on = usual);
    output
}

/// Whether a mistake is told already: not in the midst of a word.
fn is_told(state: &FilterState, now: f64) -> bool {
    state.written_at.is_none_or(|at| now - at > PAUSE_SECS)
}

/// A line under what is wrong; where something is missing, at the end.
fn underline(ui: &Ui, state: &FilterState, output: &egui::text_edit::TextEditOutput, now: f64) {
    let Some(mistake) = state.mistake.as_ref().filter(|_| is_told(state, now)) else { return };
    let at = |index: usize| {
        let place = output.galley.pos_from_cursor(CCursor::new(index));
        place.translate(output.galley_pos.to_vec2())
    };
    let (first, last) = (mistake.column - 1, mistake.column - 1 + mistake.length);
    let (left, right) = (at(first).min.x, at(last).min.x);
    let base = at(first).max.y;
    let line = Rect::from_x_y_ranges(left..=right.max(left + 7.0), base..=base);
    let painter = ui.painter().with_clip_rect(output.text_clip_rect.expand(3.0));
    let stroke = Stroke::new(2.0, Palette::of(ui).failed);
    painter.line_segment([pos2(line.min.x, base), pos2(line.max.x, base)], stroke);
}

/// What could stand at the cursor; asked again only when text or cursor have changed.
fn propose(view: &mut View<'_>, cursor: usize) {
    let state = &mut view.memory.filter;
    let is_known = |(text, at): &(String, usize)| *text == state.text && *at == cursor;
    if state.proposed_for.as_ref().is_some_and(is_known) {
        return;
    }
    let hosts = &view.snapshot.hosts.all;
    let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let values = |field: FieldId| match field {
        FieldId::RecordKind => fixed(&[
            "auth",
            "http",
            "dns",
            "tls",
            "ssh",
            "smtp",
            "ftp",
            "firewall",
            "connection",
            "alert",
            "trap",
            "dhcp",
            "file",
            "process",
            "cloud",
            "other",
        ]),
        FieldId::Outcome => fixed(&["success", "failure", "blocked", "allowed"]),
        FieldId::Proto => fixed(&["tcp", "udp", "icmp"]),
        FieldId::ConnState => fixed(&["S0", "S1", "SF", "REJ", "RSTO", "RSTR", "SH", "OTH"]),
        FieldId::SubjectRole => fixed(&["actor", "target", "claimed"]),
        FieldId::Basis => fixed(&["content", "behaviour", "log", "list"]),
        field => hosts.frequent(field, VALUES_MAX),
    };
    let characters = state.text.char_indices().nth(cursor);
    let byte = characters.map_or(state.text.len(), |(byte, _)| byte);
    state.proposals = complete(&state.text, byte, None, &values);
    state.proposed_for = Some((state.text.clone(), cursor));
    state.chosen = None;
}

/// Whether the last word is the beginning of a field's name, and so no word to search yet.
fn is_unfinished(state: &FilterState) -> bool {
    let Some(proposal) = state.proposals.first() else { return false };
    let written = state.text.get(proposal.replace.clone()).unwrap_or_default();
    let is_begun = !written.is_empty() && proposal.text.starts_with(&written.to_lowercase());
    is_begun && proposal.text.len() > written.len()
}

fn obey(ui: &Ui, view: &mut View<'_>, keys: &Keys, now: f64) {
    let state = &mut view.memory.filter;
    let (count, is_listed) = (state.proposals.len(), !state.proposals.is_empty());
    match (keys.by, is_listed && (state.past.is_none() || state.chosen.is_some())) {
        (0, _) => {}
        // Up from the first proposal, or with none chosen, goes to earlier filters.
        (-1, _) if state.chosen.is_none() => step_back(ui, state, 1),
        (-1, _) => state.chosen = state.chosen.and_then(|at| at.checked_sub(1)),
        (_, true) => state.chosen = Some(state.chosen.map_or(0, |at| (at + 1).min(count - 1))),
        (_, false) => step_back(ui, state, -1),
    }
    if keys.complete {
        accept(ui, state, state.chosen.unwrap_or(0), now);
    } else if keys.apply {
        match state.chosen {
            Some(chosen) => accept(ui, state, chosen, now),
            None => apply(ui, view),
        }
    }
}

/// Shows an earlier or later filter of the history.
fn step_back(ui: &Ui, state: &mut FilterState, by: isize) {
    let newest = state.history.len();
    let at = state.past.unwrap_or(newest).saturating_add_signed(-by).min(newest);
    let text = state.history.get(at).cloned().unwrap_or_default();
    state.past = (at < newest).then_some(at);
    let end = text.chars().count();
    state.write(ui, text, end);
}

/// Writes a proposal where it belongs.
fn accept(ui: &Ui, state: &mut FilterState, chosen: usize, now: f64) {
    let Some(proposal) = state.proposals.get(chosen).cloned() else { return };
    let mut text = state.text.clone();
    let (from, to) = (proposal.replace.start, proposal.replace.end);
    if to > text.len() || !text.is_char_boundary(from) || !text.is_char_boundary(to) {
        return;
    }
    let space = if text.get(to..).is_some_and(|rest| rest.starts_with(' ')) { "" } else { " " };
    text.replace_range(proposal.replace, &format!("{}{space}", proposal.text));
    let end = from + proposal.text.len() + 1;
    let cursor = text.get(..end.min(text.len())).unwrap_or(&text).chars().count();
    state.write(ui, text, cursor);
    state.written_at = Some(now);
}

/// Puts in force what is written, and leaves the field.
fn apply(ui: &Ui, view: &mut View<'_>) {
    let text = view.memory.filter.text.clone();
    let state = &mut view.memory.filter;
    (state.written_at, state.past) = (None, None);
    state.sent.clone_from(&text);
    if state.mistake.is_none() {
        state.remember(&text);
        ui.memory_mut(|memory| memory.surrender_focus(field_id()));
    }
    view.wish(Command::Filter(text));
}

/// Applies what was written once nothing was typed for a while, or the field is left.
fn apply_written(ui: &Ui, view: &mut View<'_>, response: &egui::Response, now: f64) {
    let state = &mut view.memory.filter;
    let Some(at) = state.written_at else { return };
    let wait = PAUSE_SECS - (now - at);
    if wait > 0.0 && response.has_focus() {
        ui.ctx().request_repaint_after(
            std::time::Duration::try_from_secs_f64(wait).unwrap_or_default(),
        );
        return;
    }
    let is_wanted = state.mistake.is_none() && !(response.has_focus() && is_unfinished(state));
    if !is_wanted {
        return;
    }
    state.written_at = None;
    if state.text != state.sent || state.text != state.seen {
        let text = state.text.clone();
        state.sent.clone_from(&text);
        if !response.has_focus() {
            state.remember(&text);
        }
        view.wish(Command::Filter(text));
    }
}

/// The proposals below the field, with what is wrong above them.
fn popup_ui(ui: &Ui, view: &mut View<'_>, popup: Popup<'_>, keys: &Keys, now: f64) {
    let state = &mut view.memory.filter;
    let mistake = state.mistake.clone().filter(|_| is_told(state, now));
    let is_open = !state.proposals.is_empty() || mistake.is_some();
    let width = popup.get_anchor_rect().map_or(0.0, |field| field.width()).clamp(320.0, 620.0);
    let mut clicked = None;
    popup
        .open(is_open)
        .align(RectAlign::BOTTOM_START)
        .close_behavior(egui::PopupCloseBehavior::IgnoreClicks)
        .width(width)
        .show(|ui| {
            if let Some(mistake) = &mistake {
                mistake_ui(ui, mistake, Palette::of(ui).failed);
            }
            let list = ScrollArea::vertical()
                .max_height(LIST_HEIGHT)
                .min_scrolled_height(LIST_HEIGHT)
                .auto_shrink([false, true]);
            list.show(ui, |ui| {
                for (number, proposal) in state.proposals.iter().enumerate() {
                    let is_chosen = state.chosen == Some(number);
                    let row = ui.add(proposal_button(ui, proposal).selected(is_chosen));
                    named(&row, &format!("{}: {}", Visible(&proposal.text), proposal.meaning));
                    if is_chosen && keys.by != 0 {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        clicked = Some(number);
                    }
                }
            });
        });
    if let Some(clicked) = clicked {
        accept(ui, state, clicked, now);
    }
}

fn proposal_button(ui: &Ui, proposal: &Completion) -> Button<'static> {
    let palette = Palette::of(ui);
    let mut job = LayoutJob::default();
    let format = |font_id, color| TextFormat { font_id, color, ..TextFormat::default() };
    let text = Visible(&proposal.text).to_string();
    job.append(&text, 0.0, format(theme::mono(theme::BODY - 0.5), palette.text));
    let meaning = format(theme::text(theme::HEAD + 1.0), palette.quiet);
    job.append(&proposal.meaning, 16.0, meaning);
    Button::selectable(false, job).truncate().min_size(vec2(ui.available_width(), theme::ROW))
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
