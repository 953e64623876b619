//! What is drawn over the picture: reserved space, the grid with its names, hosts, cursor, buttons.

use egui::{
    Align, Align2, Layout, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::frame::{Frame, addr};
use crate::app::panels::View;
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::band;
use crate::engine::workbench::{SIDE, Snapshot};
use crate::model::{Addr, Prefix, RESERVED_V4};

/// Points between the lines of a hatch.
const HATCH: f32 = 9.0;

/// Points that a square of the grid has at least.
const GRID: f64 = 84.0;

/// Points from which reserved space is called by its name.
const NAMED: f32 = 64.0;

/// Hatches what is reserved.
pub(super) fn reserved(ui: &Ui, frame: &Frame) {
    let palette = Palette::of(ui);
    for (first, len, reserved) in RESERVED_V4 {
        let Some(prefix) = Prefix::new(Addr::V4(first), len) else { continue };
        let place = frame.prefix(prefix);
        let seen = place.intersect(frame.rect);
        if !seen.is_positive() || place.width() < 3.0 {
            continue;
        }
        let painter = ui.painter().with_clip_rect(seen);
        let line = Stroke::new(1.0, palette.border);
        // From one edge of what is seen to the other, falling, in step with the square.
        let shift = (seen.min.x - place.min.x + seen.min.y - place.min.y) % HATCH;
        let mut x = seen.min.x - shift;
        let mut lines = Vec::new();
        while x < seen.max.x + seen.height() {
            let ends = [pos2(x, seen.min.y), pos2(x - seen.height(), seen.max.y)];
            lines.push(Shape::line_segment(ends, line));
            x += HATCH;
        }
        painter.extend(lines);
        painter.rect_stroke(place, 0.0, line, StrokeKind::Inside);
        if seen.width().min(seen.height() * 2.0) > NAMED {
            let font = theme::text(theme::HEAD + 1.0);
            let text = reserved.as_str().to_owned();
            let galley = painter.layout_no_wrap(text, font, palette.quiet);
            let at = Align2::CENTER_CENTER.anchor_size(seen.center(), galley.size());
            painter.rect_filled(at.expand(3.0), 4.0, palette.raised.gamma_multiply(0.9));
            painter.galley(at.min, galley, palette.quiet);
        }
    }
}

/// The grid of prefixes that are large enough to be named.
pub(super) fn grid(ui: &Ui, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let cells = ((GRID / frame.cell).ceil() as u32).next_power_of_two();
    if cells >= SIDE {
        return;
    }
    let [from, to] = frame.sight();
    let line = Stroke::new(1.0, palette.hairline);
    let first = from.map(|at| at / cells * cells);
    let step = cells as usize;
    let square = frame.square([0, 0], [SIDE, SIDE]).intersect(frame.rect);
    for x in (first[0]..=to[0]).step_by(step) {
        painter.vline(frame.at([f64::from(x), 0.0]).x, square.y_range(), line);
    }
    for y in (first[1]..=to[1]).step_by(step) {
        painter.hline(square.x_range(), frame.at([0.0, f64::from(y)]).y, line);
    }
    let len = 32 - 2 * cells.ilog2() as u8;
    let font = theme::mono(theme::HEAD - 1.0);
    for y in (first[1]..=to[1]).step_by(step) {
        for x in (first[0]..=to[0]).step_by(step) {
            let Some(prefix) = Prefix::new(addr([x, y]), len) else { continue };
            let at = frame.at([f64::from(x), f64::from(y)]) + vec2(4.0, 3.0);
            let text = match len {
                32 => prefix.first().to_string(),
                _ => short(prefix),
            };
            let galley = painter.layout_no_wrap(text, font.clone(), palette.text);
            let ground = Rect::from_min_size(at, galley.size()).expand2(vec2(2.0, 1.0));
            painter.rect_filled(ground, 2.0, palette.ground.gamma_multiply(0.7));
            painter.galley(at, galley, palette.text);
        }
    }
}

/// `10/8`, `192.0.2/24`: as prefixes are written where there is little room.
fn short(prefix: Prefix) -> String {
    let text = prefix.first().to_string();
    let octets: Vec<&str> = text.split('.').collect();
    let shown = usize::from(prefix.len().div_ceil(8)).max(1);
    let shown = octets.get(..shown).unwrap_or(&octets);
    format!("{}/{}", shown.join("."), prefix.len())
}

/// The hosts shown.
pub(super) fn dots(ui: &Ui, snapshot: &Snapshot, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let half = (frame.cell / 2.0).min(6.0) as f32;
    for key in frame.tiles() {
        let mut from = Some(key);
        while let Some(there) = from {
            if let Some(dots) = snapshot.picture.dots.get(&there) {
                let place = frame.square(key.corner(), [key.side(); 2]);
                for dot in dots.iter() {
                    let at = frame.at(dot.at.map(f64::from)) + vec2(half, half);
                    // Of a coarser tile, those that lie in this one alone.
                    if place.contains(at) || there == key {
                        let more = (dot.count as f32).log10().min(3.0);
                        band::mark(&painter, palette, at, 3.5 + more, dot.worst);
                    }
                }
                break;
            }
            from = there.above();
        }
    }
}

/// The prefix under the pointer, and the one at the cursor.
pub(super) fn outlines(ui: &Ui, frame: &Frame, pointed: Option<Prefix>, cursor: Option<Prefix>) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    for (prefix, colour) in [(pointed, palette.text), (cursor, palette.accent)] {
        if let Some(prefix) = prefix {
            let place = frame.prefix(prefix);
            painter.rect_stroke(place, 0.0, Stroke::new(2.0, colour), StrokeKind::Outside);
        }
    }
}

/// Zoom, and all of it.
pub(super) fn buttons_ui(ui: &mut Ui, view: &mut View<'_>, rect: Rect) {
    let size = vec2(32.0, 90.0);
    let corner = Rect::from_min_size(rect.right_top() + vec2(-8.0 - size.x, 8.0), size);
    let layout = Layout::top_down(Align::Min);
    ui.scope_builder(UiBuilder::new().max_rect(corner).layout(layout), |ui| {
        let mut clicked = |icon: &str, name: &str, keys: &str| {
            let button = ui.add(egui::Button::new(icon).min_size(vec2(28.0, 24.0)));
            button.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
            button.on_hover_text(format!("{name}  {keys}")).clicked()
        };
        let place = &mut view.memory.space.place;
        if clicked(icon::PLUS, "Zoom in", "+") {
            place.zoom(1.0, [0.0, 0.0]);
        }
        if clicked(icon::MINUS, "Zoom out", "−") {
            place.zoom(-1.0, [0.0, 0.0]);
        }
        if clicked(icon::WORLD, "All of IPv4", "Home") {
            place.whole();
        }
    });
    // What lies under the buttons is theirs.
    ui.interact(corner, ui.scope_id().with("space buttons"), Sense::hover());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_written_short() {
        for (prefix, text) in [
            ("0.0.0.0/2", "0/2"),
            ("10.0.0.0/8", "10/8"),
            ("172.16.0.0/12", "172.16/12"),
            ("192.0.2.0/24", "192.0.2/24"),
            ("192.0.2.64/26", "192.0.2.64/26"),
        ] {
            assert_eq!(short(prefix.parse().unwrap()), text);
        }
    }
}
