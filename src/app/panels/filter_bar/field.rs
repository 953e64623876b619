//! The field of the filter bar: written with proposals, applied after a pause, mistakes underlined.

use egui::text::CCursor;
use egui::text_edit::TextEditOutput;
use egui::{
    Button, EventFilter, FontSelection, Id, Key, LayerId, Modifiers, Popup, PopupKind, Rect,
    RectAlign, ScrollArea, Stroke, TextEdit, TextFormat, Ui, pos2, vec2,
};

use super::{FilterState, View, code, field_id, mistake_ui, named, unjoined};
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::counted;
use crate::engine::workbench::Command;
use crate::filter::{Completion, FILTER_BYTES_MAX, FieldId, Filter, FilterError, complete, parse};
use crate::model::{Visible, is_deceptive};

/// Values of a field that are proposed.
const VALUES_MAX: usize = 40;

/// Seconds without a key until what is written is applied.
const PAUSE_SECS: f64 = 0.5;

/// Height of the list of proposals.
const LIST_HEIGHT: f32 = 242.0;

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

/// Draws the field, and does what is written there.
pub(super) fn field_ui(ui: &mut Ui, view: &mut View<'_>) {
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
fn text_ui(ui: &mut Ui, text: &mut String, popup: Option<Id>) -> TextEditOutput {
    let palette = Palette::of(ui);
    let mut lay_out = |ui: &Ui, text: &dyn egui::TextBuffer, _: f32| {
        // A stranger's text can come here by a click: what would turn it round is shown as a mark.
        let seen = |character: char| if is_deceptive(character) { '\u{fffd}' } else { character };
        let shown: String = text.as_str().chars().map(seen).collect();
        let font_id = theme::mono(theme::BODY);
        let format = TextFormat { font_id, color: palette.text, ..TextFormat::default() };
        let mut job = unjoined(&shown, &format);
        job.wrap.max_width = f32::INFINITY;
        job.break_on_newline = false;
        ui.painter().layout_job(job)
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
fn underline(ui: &Ui, state: &FilterState, output: &TextEditOutput, now: f64) {
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
    let snapshot = view.snapshot;
    let hosts = &snapshot.hosts.all;
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
        FieldId::Verdict => fixed(&["malicious", "suspicious", "expected", "unsure"]),
        FieldId::Tag => {
            let mut tags: Vec<String> =
                snapshot.case.said.tags.iter().map(|tag| tag.what.clone()).collect();
            tags.sort_unstable();
            tags.dedup();
            tags
        }
        FieldId::Basis => fixed(&["content", "behaviour", "log", "list"]),
        field => {
            let usual = hosts.frequent(field, VALUES_MAX);
            usual.into_iter().map(|(text, _)| text).collect()
        }
    };
    let characters = state.text.char_indices().nth(cursor);
    let byte = characters.map_or(state.text.len(), |(byte, _)| byte);
    let asked = std::cell::Cell::new(None);
    let values = |field: FieldId| {
        asked.set(Some(field));
        values(field)
    };
    state.proposals = complete(&state.text, byte, None, &values);
    // Of values that hosts have, their number says more than what the field means.
    for (text, uses) in asked.get().iter().flat_map(|&field| hosts.frequent(field, VALUES_MAX)) {
        let written = Filter::search(&text).to_string();
        let proposal = state.proposals.iter_mut().find(|proposal| proposal.text == written);
        if let Some(proposal) = proposal {
            proposal.meaning = counted(uses.into(), "host", "hosts");
        }
    }
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
    // What is not written to its end is no mistake yet, unless it was to be applied.
    let applied = view.snapshot.filter.mistake.as_ref();
    let is_applied = applied.is_some_and(|(text, _)| *text == state.text);
    let is_open_end = |it: &FilterError| it.column > state.text.chars().count() && !is_applied;
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
                let palette = Palette::of(ui);
                let is_quiet = is_open_end(mistake);
                let colour = if is_quiet { palette.quiet } else { palette.failed };
                mistake_ui(ui, mistake, colour);
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
    let format = |font_id, color| TextFormat { font_id, color, ..TextFormat::default() };
    let mut job = code(&Visible(&proposal.text).to_string(), ui);
    let meaning = format(theme::text(theme::HEAD + 1.0), palette.quiet);
    job.append(&proposal.meaning, 16.0, meaning);
    Button::selectable(false, job).truncate().min_size(vec2(ui.available_width(), theme::ROW))
}
