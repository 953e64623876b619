//! What both sides of a flow said: as text with control characters visible, or as hex.

use std::ops::Range;

use egui::text::CCursor;
use egui::{
    Align2, Rect, RichText, Role, ScrollArea, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::find::{Looked, Marks};
use super::hex::found_ui;
use super::{arrow, part_of};
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::counted;
use crate::engine::workbench::{Side, StreamRow, StreamView};
use crate::model::Visible;

/// Height of a row.
const ROW: f32 = 17.0;

/// Where the signs of sixteen bytes begin in a row of hex, behind their pairs.
const HEX_SIGNS_AT: usize = 16 * 3 + 1;

/// How the stream is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamState {
    is_hex: bool,
    /// The form that was shown last.
    shown: Option<bool>,
}

/// Draws the stream, and what was found in it; `flow` says whose it is, where packets of several
/// are listed.
pub(super) fn stream_ui(
    ui: &mut Ui,
    stream: &StreamView,
    (flow, found): (Option<&str>, Marks<'_>),
    state: &mut StreamState,
) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.add_space(theme::SPACE);
        ui.selectable_value(&mut state.is_hex, false, "As text");
        ui.selectable_value(&mut state.is_hex, true, "As hex");
        for (side, name) in [(Side::Originator, "originator"), (Side::Responder, "responder")] {
            let text = format!("{} {name}", arrow(Some(side)));
            ui.label(RichText::new(text).color(colour(palette, side)));
        }
        let shown = part_of(stream.bytes.len() as u64, stream.total_bytes);
        let told = if stream.is_cut() { palette.warned } else { palette.quiet };
        ui.label(RichText::new(shown).color(told));
        if let Some(flow) = flow {
            let text = RichText::new(flow).font(theme::mono(theme::BODY - 0.5));
            let what = "The flow of the chosen packet, as far as its packets are listed";
            ui.add(egui::Label::new(text).truncate()).on_hover_text(what);
        }
    });
    let rows = if state.is_hex { &stream.hex } else { &stream.text };
    if rows.is_empty() {
        ui.vertical_centered(|ui| {
            ui.add_space(ui.available_height() * 0.3);
            ui.label("Neither side said anything: these packets carry no payload");
        });
        return;
    }
    let mut area = ScrollArea::vertical().id_salt(("stream", state.is_hex)).auto_shrink(false);
    // The other form of the same bytes is scrolled to the same place.
    let turned = state.shown.replace(state.is_hex) != Some(state.is_hex);
    if let Some(place) = found.current.filter(|_| found.moved || turned) {
        let row = rows.partition_point(|row| row.to as usize <= place.start) as f32;
        let step = ROW + ui.spacing().item_spacing.y;
        area = area.vertical_scroll_offset((row * step - ui.available_height() / 3.0).max(0.0));
    }
    area.show_rows(ui, ROW, rows.len(), |ui, seen| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in rows.get(seen).unwrap_or_default() {
            row_ui(ui, stream, (row, found), *state);
        }
    });
}

/// Who says it: the mark says the same without colour.
const fn colour(palette: &Palette, side: Side) -> egui::Color32 {
    match side {
        Side::Originator => palette.text,
        Side::Responder => palette.amount,
    }
}

fn row_ui(
    ui: &mut Ui,
    stream: &StreamView,
    (row, found): (&StreamRow, Marks<'_>),
    state: StreamState,
) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let (text, ink) = match (row.missing, state.is_hex) {
        (0, false) => (text(stream.row(row)), colour(palette, row.side)),
        (0, true) => (hex(stream.row(row)), colour(palette, row.side)),
        (missing, _) => {
            let missing = counted(u64::from(missing), "byte", "bytes");
            (format!("{missing} missing: the capture does not have them"), palette.warned)
        }
    };
    let mark = arrow(Some(row.side));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{mark} {text}")));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let font = theme::mono(theme::BODY - 1.0);
    let side = colour(palette, row.side);
    let gutter = rect.min.x + 10.0;
    match row.begins {
        true => {
            let at = pos2(gutter, rect.center().y);
            painter.text(at, Align2::CENTER_CENTER, mark, font.clone(), side);
        }
        // The same side goes on.
        false => {
            painter.vline(gutter, rect.y_range(), egui::Stroke::new(1.0, palette.hairline));
        }
    }
    let galley = painter.layout_no_wrap(text, font, ink);
    let at = pos2(rect.min.x + 24.0, rect.center().y - galley.size().y / 2.0);
    let bytes = stream.row(row);
    let (from, to) = (row.from as usize, row.to as usize);
    for place in found.within(&(from..to)) {
        let part = place.start.max(from) - from..place.end.min(to) - from;
        let looked = found.looked(place);
        let parts = match state.is_hex {
            true => hex_columns(&part).to_vec(),
            false => Vec::from([text_columns(bytes, &part)]),
        };
        for part in parts {
            let x = |at: usize| galley.pos_from_cursor(CCursor::new(at)).min.x;
            let [left, right] = [x(part.start), x(part.end)].map(|x| at.x + x);
            let (from, to) = (pos2(left - 1.0, rect.min.y), pos2(right + 1.0, rect.max.y));
            found_ui(&painter, palette, Rect::from_min_max(from, to), looked);
        }
        if looked == Looked::Here {
            // A mark beside the row, for who cannot tell the lines apart.
            let mark = pos2(rect.min.x + 20.0, rect.center().y);
            let tip = [vec2(-4.0, -5.0), vec2(3.0, 0.0), vec2(-4.0, 5.0)].map(|to| mark + to);
            painter.add(Shape::convex_polygon(tip.to_vec(), palette.accent, Stroke::NONE));
        }
    }
    painter.galley(at, galley, ink);
}

/// Which characters of a row of hex show some of its bytes: the pairs, and the signs behind them.
fn hex_columns(part: &Range<usize>) -> [Range<usize>; 2] {
    let pairs = part.start * 3..(part.end * 3).saturating_sub(1);
    [pairs, HEX_SIGNS_AT + part.start..HEX_SIGNS_AT + part.end]
}

/// Which characters of a line show some of its bytes; its end is not shown.
fn text_columns(bytes: &[u8], part: &Range<usize>) -> Range<usize> {
    let whole = text(bytes).chars().count();
    let width = |end: usize| text(bytes.get(..end).unwrap_or(bytes)).chars().count().min(whole);
    width(part.start)..width(part.end)
}

/// A line; its end is told by the next row, every other control character by its number.
fn text(bytes: &[u8]) -> String {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Visible(&String::from_utf8_lossy(line)).to_string()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(66);
    for at in 0..16 {
        match bytes.get(at) {
            Some(byte) => text.push_str(&format!("{byte:02x} ")),
            None => text.push_str("   "),
        }
    }
    text.push(' ');
    let sign = |byte: &u8| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '·' };
    text.extend(bytes.iter().map(sign));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_not_shown_and_tricks_are() {
        assert_eq!(text(b"GET / HTTP/1.1\r\n"), "GET / HTTP/1.1");
        assert_eq!(text("a\u{202e}b\u{1b}[2J\rc\n".as_bytes()), "a\\u{202e}b\\u{1b}[2J\\u{d}c");
        assert_eq!(hex(b"A\0"), format!("41 00 {}A·", " ".repeat(14 * 3 + 1)));
    }

    #[test]
    fn places_are_marked_where_their_characters_stand() {
        let bytes = "a\u{1b}é=x\r\n".as_bytes();
        let shown = text(bytes);
        let marked = |part: Range<usize>| {
            let part = text_columns(bytes, &part);
            shown.chars().skip(part.start).take(part.len()).collect::<String>()
        };
        assert_eq!((marked(1..2), marked(2..4)), ("\\u{1b}".to_owned(), "é".to_owned()));
        assert_eq!((marked(5..6), marked(5..8)), ("x".to_owned(), "x".to_owned()));
        let row = hex(b"host: a");
        let parts = hex_columns(&(1..3)).into_iter();
        let marked: Vec<String> =
            parts.map(|part| row.chars().skip(part.start).take(part.len()).collect()).collect();
        assert_eq!(marked, ["6f 73", "os"]);
    }
}
