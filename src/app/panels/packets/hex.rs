//! Bytes as hex and characters: offset, sixteen or eight bytes, what is printable of them.

use std::ops::Range;

use egui::{
    Align2, Painter, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::find::{Looked, Marks};
use crate::app::theme::{self, Palette};

/// Height of a row.
const ROW: f32 = 16.0;

/// Draws bytes, a range of them marked, and what was searched; gives the byte that was clicked.
pub(super) fn hex_ui(
    ui: &mut Ui,
    bytes: &[u8],
    marked: &Range<usize>,
    found: Marks<'_>,
) -> Option<usize> {
    let font = theme::mono(theme::BODY - 1.0);
    let wide = ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0'));
    // Offset and two spaces, three characters a byte, a space, a character a byte.
    let fits = |count: usize| (4 + 2 + 4 * count + 2) as f32 * wide <= ui.available_width() - 10.0;
    let in_row = if fits(16) { 16 } else { 8 };
    let rows = bytes.len().div_ceil(in_row);
    let mut clicked = None;
    let mut area = ScrollArea::vertical().id_salt("hex").auto_shrink(false);
    if let Some(place) = found.current.filter(|_| found.moved) {
        let row = (place.start / in_row) as f32;
        let step = ROW + ui.spacing().item_spacing.y;
        area = area.vertical_scroll_offset((row * step - ui.available_height() / 3.0).max(0.0));
    }
    area.show_rows(ui, ROW, rows, |ui, seen| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in seen {
            let from = row * in_row;
            let part = bytes.get(from..bytes.len().min(from + in_row)).unwrap_or_default();
            clicked = row_ui(ui, Row { from, part, in_row, wide, marked, found }).or(clicked);
        }
    });
    clicked
}

struct Row<'a> {
    from: usize,
    part: &'a [u8],
    in_row: usize,
    wide: f32,
    marked: &'a Range<usize>,
    found: Marks<'a>,
}

fn row_ui(ui: &mut Ui, row: Row<'_>) -> Option<usize> {
    let Row { from, part, in_row, wide, marked, found } = row;
    let size = vec2(ui.available_width(), 16.0 + ui.spacing().item_spacing.y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let text = in_words(from, part);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    let (palette, font) = (Palette::of(ui), theme::mono(theme::BODY - 1.0));
    let (left, middle) = (rect.min.x, rect.center().y);
    let hex_at = |at: usize| left + (6 + 3 * at) as f32 * wide;
    let text_at = |at: usize| left + (6 + 3 * in_row + 1 + at) as f32 * wide;
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let draw = |x: f32, text: String, colour| {
        painter.text(pos2(x, middle), Align2::LEFT_CENTER, text, font.clone(), colour);
    };
    draw(left, format!("{from:04x}"), palette.quiet);
    for place in found.within(&(from..from + part.len())) {
        let (first, last) = (place.start.max(from) - from, place.end.min(from + part.len()) - from);
        for (x, end) in [(hex_at(first), hex_at(last) - wide), (text_at(first), text_at(last))] {
            let rect = Rect::from_min_max(pos2(x, rect.min.y), pos2(end, rect.max.y));
            found_ui(&painter, palette, rect, found.looked(place));
        }
    }
    for (at, byte) in part.iter().enumerate() {
        if marked.contains(&(from + at)) {
            // One ground under neighbours, without gaps between them.
            let goes_on = at + 1 < part.len() && marked.contains(&(from + at + 1));
            let bytes = if goes_on { 3.0 } else { 2.0 };
            for (x, width) in [(hex_at(at), bytes * wide), (text_at(at), wide)] {
                let ground = Rect::from_min_size(pos2(x, rect.min.y), vec2(width, rect.height()));
                painter.rect_filled(ground, 0.0, palette.selected);
            }
        }
        let is_shown = matches!(byte, 0x20..=0x7e);
        let colour = if *byte == 0 { palette.quiet } else { palette.text };
        draw(hex_at(at), format!("{byte:02x}"), colour);
        let (sign, colour) = match is_shown {
            true => (char::from(*byte), palette.text),
            false => ('·', palette.quiet),
        };
        draw(text_at(at), sign.to_string(), colour);
    }
    let pointer = response.interact_pointer_pos().filter(|_| response.clicked())?;
    let place = |x: f32, each: f32| ((pointer.x - x) / (each * wide)).floor();
    let (in_hex, in_text) = (place(hex_at(0), 3.0), place(text_at(0), 1.0));
    let at = if pointer.x >= text_at(0) { in_text } else { in_hex };
    let is_in = at >= 0.0 && at < part.len() as f32;
    is_in.then_some(from + at as usize)
}

/// A place that was found: a ground and a line around it, a strong one where the person looks.
pub(super) fn found_ui(painter: &Painter, palette: &Palette, rect: Rect, looked: Looked) {
    let (ground, line) = match looked {
        Looked::Here => (palette.selected, Stroke::new(2.0, palette.accent)),
        Looked::Elsewhere => (palette.hovered, Stroke::new(1.0, palette.warned)),
    };
    painter.rect(rect, 0.0, ground, line, StrokeKind::Inside);
}

/// A row for people who cannot see it, and for tests: `0010: 45 00 "E·"`.
fn in_words(from: usize, part: &[u8]) -> String {
    let hex: Vec<String> = part.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = part
        .iter()
        .map(|byte| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '·' })
        .collect();
    format!("{from:04x}: {} \"{text}\"", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_as_words() {
        assert_eq!(in_words(16, b"E\0\x1b"), "0010: 45 00 1b \"E··\"");
    }
}
