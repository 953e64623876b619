//! What both sides of a flow said: as text with control characters visible, or as hex.

use egui::{Align2, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{arrow, part_of};
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::counted;
use crate::engine::workbench::{Side, StreamRow, StreamView};
use crate::model::Visible;

/// Height of a row.
const ROW: f32 = 17.0;

/// How the stream is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamState {
    is_hex: bool,
}

/// Draws the stream; `flow` says whose it is, where packets of several are listed.
pub(super) fn stream_ui(
    ui: &mut Ui,
    stream: &StreamView,
    flow: Option<&str>,
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
    let area = ScrollArea::vertical().id_salt(("stream", state.is_hex)).auto_shrink(false);
    area.show_rows(ui, ROW, rows.len(), |ui, seen| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in rows.get(seen).unwrap_or_default() {
            row_ui(ui, stream, row, *state);
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

fn row_ui(ui: &mut Ui, stream: &StreamView, row: &StreamRow, state: StreamState) {
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
    let at = pos2(rect.min.x + 24.0, rect.center().y);
    painter.text(at, Align2::LEFT_CENTER, text, font, ink);
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
}
