//! The field that searches packets and stream, and where the person stands among what was found.

use std::ops::Range;
use std::sync::Arc;

use egui::{Align, Button, Key, Layout, Modifiers, RichText, Role, TextEdit, Ui, WidgetInfo};

use super::View;
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::text::grouped;
use crate::engine::workbench::{Command, FOUND_MAX, Found, Needle, PacketView, Packets};

/// What is searched, and which of the places is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct FindState {
    pub(super) is_open: bool,
    /// The field is to be written in.
    is_wanted: bool,
    text: String,
    /// What was asked of the engine last, and in which packets: by where they lie in memory.
    asked: Option<(usize, String)>,
    /// The answer that is gone through.
    seen: Option<Arc<Found>>,
    /// The place that is looked at, of those in packets and of those in the stream.
    at: [usize; 2],
    step: Option<Step>,
    /// Whether the place is to be brought into sight.
    moved: bool,
}

/// To the next or the previous place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Towards the end, then from the beginning again.
    Next,
    /// The other way.
    Previous,
}

/// Places in bytes, for who draws them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks<'a> {
    pub(super) places: &'a [Range<usize>],
    /// The one that is looked at.
    pub(super) current: Option<&'a Range<usize>>,
    /// Whether it is to be brought into sight.
    pub(super) moved: bool,
}

/// Whether a place is the one that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Here,
    Elsewhere,
}

impl<'a> Marks<'a> {
    /// Whether it is the place that is looked at.
    pub(super) fn looked(&self, place: &Range<usize>) -> Looked {
        if self.current == Some(place) { Looked::Here } else { Looked::Elsewhere }
    }

    /// Those of the places that reach into `part`.
    pub(super) fn within(&self, part: &Range<usize>) -> impl Iterator<Item = &'a Range<usize>> {
        let (from, to) = (part.start, part.end);
        let first = self.places.partition_point(|place| place.end <= from);
        let rest = self.places.get(first..).unwrap_or_default();
        rest.iter().take_while(move |place| place.start < to)
    }
}

impl FindState {
    /// Opens the field, to be written in.
    pub(super) fn open(&mut self) {
        (self.is_open, self.is_wanted) = (true, true);
    }

    /// Other packets come: what was asked of these is asked again.
    pub(super) fn forget_answer(&mut self) {
        self.asked = None;
    }

    /// Goes on; opens the field if it is not.
    pub(super) fn step(&mut self, step: Step) {
        match self.is_open {
            true => self.step = Some(step),
            false => self.open(),
        }
    }

    /// The places in the stream.
    pub(super) fn in_stream<'a>(&self, found: Option<&'a Found>) -> Marks<'a> {
        let Some(found) = found.filter(|_| self.is_open) else { return Marks::default() };
        let current = found.in_stream.get(self.at[1]);
        Marks { places: &found.in_stream, current, moved: self.moved }
    }

    /// The places in a packet, written into `places`.
    pub(super) fn in_packet<'a>(
        &self,
        found: Option<&Found>,
        packet: u32,
        places: &'a mut Vec<Range<usize>>,
    ) -> Marks<'a> {
        let Some(found) = found.filter(|_| self.is_open) else { return Marks::default() };
        let first = found.in_packets.partition_point(|place| place.packet < packet);
        let its = found.in_packets.iter().skip(first).take_while(|it| it.packet == packet);
        places.extend(its.map(|it| it.bytes.clone()));
        let current = self.at[0].checked_sub(first).and_then(|at| places.get(at));
        Marks { places, current, moved: self.moved }
    }

    /// Takes a new answer: the search begins at what is shown.
    fn hear(&mut self, view: &PacketView) {
        let is_known = match (&self.seen, &view.found) {
            (Some(seen), Some(found)) => Arc::ptr_eq(seen, found),
            (seen, found) => seen.is_none() && found.is_none(),
        };
        if is_known {
            return;
        }
        let is_same_word = match (&self.seen, &view.found) {
            (Some(seen), Some(found)) => Arc::ptr_eq(&seen.in_packets, &found.in_packets),
            _ => false,
        };
        self.seen.clone_from(&view.found);
        self.at[1] = 0;
        if !is_same_word && let Some(found) = &view.found {
            let chosen = view.chosen.as_ref().map_or(0, |chosen| chosen.place);
            let first = found.in_packets.partition_point(|place| place.packet < chosen);
            self.at[0] = if first < found.in_packets.len() { first } else { 0 };
        }
        self.moved = true;
    }
}

/// Draws the field, if it is open; asks the engine for what is written, and goes from place to
/// place.
pub(super) fn find_ui(ui: &mut Ui, view: &mut View<'_>, shown: &PacketView, packets: &Packets) {
    let in_stream = view.memory.packets.shows_stream;
    let state = &mut view.memory.packets.find;
    if !state.is_open {
        return;
    }
    state.moved = false;
    state.hear(shown);
    let found = shown.found.clone().filter(|found| found.text == state.text);
    let places = found.as_ref().map_or(0, |found| match in_stream {
        true => found.in_stream.len(),
        false => found.in_packets.len(),
    });
    let at = state.at[usize::from(in_stream)];
    let step = bar_ui(ui, state, (found.as_deref(), at, places)).or(state.step.take());
    let asked = (std::ptr::from_ref(packets).addr(), state.text.clone());
    if state.is_open && state.asked.as_ref() != Some(&asked) {
        state.asked = Some(asked);
        let text = state.text.clone();
        view.wish(Command::FindInPackets(text));
    } else if let (Some(step), 1..) = (step, places) {
        let to = match step {
            Step::Next => (at + 1) % places,
            Step::Previous => at.checked_sub(1).unwrap_or(places - 1),
        };
        state.at[usize::from(in_stream)] = to;
        state.moved = true;
        let place = found.as_ref().filter(|_| !in_stream).and_then(|it| it.in_packets.get(to));
        let chosen = shown.chosen.as_ref().map(|chosen| chosen.place);
        if let Some(place) = place.filter(|place| chosen != Some(place.packet)) {
            view.wish(Command::ChoosePacket(place.packet));
        }
    }
}

/// Field, count and buttons; gives where to go.
fn bar_ui(
    ui: &mut Ui,
    state: &mut FindState,
    (found, at, places): (Option<&Found>, usize, usize),
) -> Option<Step> {
    let palette = Palette::of(ui);
    let mut step = None;
    ui.horizontal(|ui| {
        ui.add_space(theme::SPACE);
        ui.label(RichText::new(icon::SEARCH).color(palette.quiet));
        let field = TextEdit::singleline(&mut state.text)
            .hint_text("Text, or bytes: de ad, 0xdead")
            .font(egui::TextStyle::Monospace)
            .desired_width(220.0);
        let field = ui.add(field);
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Find in packets"));
        if std::mem::take(&mut state.is_wanted) {
            field.request_focus();
        }
        let pressed =
            |modifiers| ui.input(|it| it.key_pressed(Key::Enter) && it.modifiers == modifiers);
        if field.lost_focus() && pressed(Modifiers::NONE) {
            step = Some(Step::Next);
        } else if field.lost_focus() && pressed(Modifiers::SHIFT) {
            step = Some(Step::Previous);
        }
        if step.is_some() {
            field.request_focus();
        }
        let escaped = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape));
        for (name, icon, to) in [
            ("Previous place", icon::BACK, Step::Previous),
            ("Next place", icon::FORWARD, Step::Next),
        ] {
            let button = ui.add_enabled(places > 0, Button::new(icon).frame(false));
            button.widget_info(|| WidgetInfo::labeled(Role::Button, places > 0, name));
            let keys = if to == Step::Next { "F3" } else { "Shift+F3" };
            if button.on_hover_text(format!("{name}  {keys}")).clicked() {
                step = Some(to);
            }
        }
        let (text, is_none) = count(found, at, places);
        let colour = if is_none { palette.warned } else { palette.text };
        ui.label(RichText::new(text).color(colour));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(theme::SPACE);
            let close = ui.add(Button::new(icon::CLOSE).frame(false));
            close.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Close the search"));
            if close.on_hover_text("Close the search  Escape").clicked() || escaped {
                (state.is_open, state.asked) = (false, None);
            }
        });
    });
    step
}

/// `3 of 17`, `not found`; and whether it is not.
fn count(found: Option<&Found>, at: usize, places: usize) -> (String, bool) {
    let as_bytes = match found.and_then(|found| found.needle.as_ref()) {
        None => return (String::new(), false),
        Some(Needle::Bytes(_)) => " as bytes",
        Some(Needle::Text(_)) => "",
    };
    match places {
        0 => (format!("not found{as_bytes}"), true),
        FOUND_MAX => {
            let most = grouped(FOUND_MAX as u64);
            (format!("{} of the first {most}{as_bytes}", grouped(at as u64 + 1)), false)
        }
        _ => {
            let (at, places) = (grouped(at as u64 + 1), grouped(places as u64));
            (format!("{at} of {places}{as_bytes}"), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_within_a_row_are_those_that_reach_into_it() {
        let places = [0..2, 4..8, 8..9, 20..22];
        let marks = Marks { places: &places, ..Marks::default() };
        let within =
            |part: Range<usize>| marks.within(&part).map(|it| it.start).collect::<Vec<_>>();
        assert_eq!(within(0..4), [0]);
        assert_eq!(within(5..9), [4, 8]);
        assert_eq!(within(9..20), [0; 0]);
        assert_eq!(within(21..99), [20]);
    }

    #[test]
    fn how_many_is_said_and_that_there_is_none() {
        let found = |text: &str| Found { needle: Needle::read(text), ..Found::default() };
        assert_eq!(count(Some(&found("x")), 2, 17), ("3 of 17".to_owned(), false));
        assert_eq!(count(Some(&found("0xff")), 0, 0), ("not found as bytes".to_owned(), true));
        assert_eq!(count(Some(&found("")), 0, 0), (String::new(), false));
        let most = "1 of the first 10,000".to_owned();
        assert_eq!(count(Some(&found("x")), 0, FOUND_MAX), (most, false));
    }
}
