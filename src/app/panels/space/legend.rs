//! What the colours mean, how much there is of each, and the same in words.

use std::collections::BTreeMap;

use egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::canvas::colour;
use super::frame::Frame;
use super::{ends, is_of, name};
use crate::app::panels::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{
    Paint, Snapshot, Tile, TileKey, Top, Verdict, cell_of, country_name, kind_name,
};
use crate::model::{Prefix, Visible};

/// Lines of the legend.
const LINES: usize = 7;

/// Points that a legend is wide.
const WIDTH: std::ops::RangeInclusive<f32> = 150.0..=250.0;

/// What is in sight of each class, the most first, and how many addresses that are all of them.
fn in_sight(snapshot: &Snapshot, frame: &Frame) -> (Vec<Top>, u64) {
    let mut all: BTreeMap<u32, Top> = BTreeMap::new();
    let mut whole = 0_u64;
    for key in frame.tiles() {
        let Some(tile) = snapshot.picture.tiles.get(&key) else { continue };
        whole += 1 << (32 - 2 * u32::from(key.level));
        for top in &tile.tops {
            let known = all.entry(top.class).or_insert_with(|| Top { count: 0, ..top.clone() });
            known.count += top.count;
        }
    }
    let mut tops: Vec<Top> = all.into_values().collect();
    tops.sort_by(|a, b| b.count.cmp(&a.count).then(a.class.cmp(&b.class)));
    (tops, whole)
}

/// `34 %`, `0.02 %`.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    match share {
        share if share >= 10.0 => format!("{share:.0} %"),
        share if share >= 0.1 => format!("{share:.1} %"),
        share if share >= 0.001 => format!("{share:.3} %"),
        _ if part == 0 => "none".to_owned(),
        _ => format!("{} of {}", grouped(part), grouped(whole)),
    }
}

/// How much there is, in the unit of the paint.
fn amount(paint: &Paint, top: &Top, whole: u64) -> String {
    match paint.is_of_hosts() {
        true => counted(top.count, "host", "hosts"),
        false => percent(top.count, whole),
    }
}

/// Draws the legend into the lower left corner.
pub(super) fn legend_ui(ui: &Ui, view: &View<'_>, frame: &Frame) {
    let palette = Palette::of(ui);
    let (snapshot, paint) = (view.snapshot, &view.memory.space.paint);
    if frame.rect.height() < 200.0 || frame.rect.width() < 320.0 {
        return;
    }
    let (tops, whole) = in_sight(snapshot, frame);
    let rows = if paint.is_amount() { 2 } else { tops.len().clamp(1, LINES) };
    let line = theme::row(ui) - 4.0;
    // Beside the square, if there is room.
    let beside = frame.square([0, 0], [1, 1]).min.x - frame.rect.min.x - 16.0;
    let width = match WIDTH.contains(&beside) {
        true => beside,
        false => *WIDTH.end(),
    };
    let size = vec2(width, line * (rows as f32 + 1.0) + 12.0);
    let corner = frame.rect.left_bottom() + vec2(8.0, -8.0 - size.y);
    let rect = Rect::from_min_size(corner, size);
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 4.0, palette.ground.gamma_multiply(0.9));
    let response = ui.interact(rect, ui.scope_id().with("legend"), Sense::hover());
    let head = match (is_of(snapshot, paint), snapshot.picture.missing) {
        (true, 0) => format!("{}, in sight", name(paint)),
        (true, many) => {
            format!("{}, {} to come", name(paint), counted(many as u64, "tile", "tiles"))
        }
        (false, _) => format!("{} …", name(paint)),
    };
    let font = theme::text(theme::HEAD + 1.0);
    let at = |row: f32| rect.min + vec2(8.0, 6.0 + line * (row + 0.5));
    let strong = theme::strong(theme::HEAD + 1.0);
    painter.text(at(0.0), Align2::LEFT_CENTER, &head, strong, palette.text);
    if paint.is_amount() {
        scale_ui(
            ui,
            palette,
            paint,
            Rect::from_center_size(
                at(1.0) + vec2(width / 2.0 - 10.0, 0.0),
                vec2(width - 20.0, 8.0),
            ),
        );
        let text = match tops.first() {
            Some(top) => format!("{} {}", amount(paint, top, whole), Visible(&top.name)),
            None => "none in sight".to_owned(),
        };
        painter.text(at(2.0), Align2::LEFT_CENTER, text, font.clone(), palette.quiet);
    } else if tops.is_empty() {
        let text = if is_of(snapshot, paint) { "nothing is known here" } else { "drawing …" };
        painter.text(at(1.0), Align2::LEFT_CENTER, text, font.clone(), palette.quiet);
    }
    let shown = if paint.is_amount() { 0 } else { LINES };
    for (row, top) in tops.iter().take(shown).enumerate() {
        let at = at(row as f32 + 1.0);
        let ground = colour(palette, paint, &snapshot.picture.ranked, top.class);
        painter.rect_filled(
            Rect::from_center_size(at + vec2(5.0, 0.0), vec2(10.0, 10.0)),
            2.0,
            ground,
        );
        let share = amount(paint, top, whole);
        let right = pos2(rect.max.x - 8.0, at.y);
        let drawn = painter.text(right, Align2::RIGHT_CENTER, share, font.clone(), palette.quiet);
        let room = rect.with_max_x(drawn.min.x - 8.0);
        let text = Visible(&top.name).to_string();
        let named = painter.with_clip_rect(room);
        named.text(at + vec2(18.0, 0.0), Align2::LEFT_CENTER, text, font.clone(), palette.text);
    }
    let told = format!("Legend: {head}: {}", words(paint, &tops, whole));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
}

/// The scale of amounts with its ends.
fn scale_ui(ui: &Ui, palette: &Palette, paint: &Paint, rect: Rect) {
    let (least, most) = match paint {
        Paint::Hosts => ("1 host", "1,000"),
        _ => ("0 %", "100 %"),
    };
    let font = theme::text(theme::HEAD);
    let painter = ui.painter();
    let left =
        painter.text(rect.left_center(), Align2::LEFT_CENTER, least, font.clone(), palette.quiet);
    let right = painter.text(rect.right_center(), Align2::RIGHT_CENTER, most, font, palette.quiet);
    let bar = rect.with_min_x(left.max.x + 6.0).with_max_x(right.min.x - 6.0);
    let steps = 24_u8;
    let width = bar.width() / f32::from(steps);
    for step in 0..steps {
        let x = bar.min.x + f32::from(step) * width;
        let part = Rect::from_min_size(pos2(x, bar.min.y), vec2(width + 0.5, bar.height()));
        let amount = (u16::from(step) * 255 / u16::from(steps - 1)) as u8;
        painter.rect_filled(part, 0.0, palette.scaled(amount));
    }
}

/// `US 34 %, CN 8 %`.
fn words(paint: &Paint, tops: &[Top], whole: u64) -> String {
    let parts = tops.iter().take(LINES);
    let parts: Vec<String> =
        parts.map(|top| format!("{} {}", Visible(&top.name), amount(paint, top, whole))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// The whole view in words, for who cannot see it.
pub(super) fn summary(view: &View<'_>, frame: &Frame, cursor: Option<Prefix>) -> String {
    let (snapshot, paint) = (view.snapshot, &view.memory.space.paint);
    let [from, to] = frame.sight();
    let whole = from == [0, 0] && to.iter().all(|&at| at + 1 >= crate::engine::workbench::SIDE);
    let seen = match whole {
        true => "all of IPv4".to_owned(),
        false => format!("around {}", frame.prefix_of([0, 1].map(|it| from[it].midpoint(to[it])))),
    };
    let colours = match (is_of(snapshot, paint), &snapshot.picture.failed) {
        (_, Some(why)) => format!("it cannot be drawn: {}", Visible(why)),
        (true, None) => {
            let (tops, whole) = in_sight(snapshot, frame);
            words(paint, &tops, whole)
        }
        (false, None) => "being drawn".to_owned(),
    };
    let hosts = snapshot.picture.dots.get(&TileKey::ROOT);
    let hosts: u64 = hosts.map_or(0, |dots| dots.iter().map(|dot| u64::from(dot.count)).sum());
    let cursor = cursor.map_or_else(String::new, |prefix| {
        format!("; cursor at {}", told(view, frame, prefix).replace('\n', ", "))
    });
    let hosts = counted(hosts, "IPv4 host", "IPv4 hosts");
    format!("Address space, {seen}, coloured by {}: {colours}; {hosts}{cursor}", name(paint))
}

/// What is known of a prefix, in lines.
pub(super) fn told(view: &View<'_>, frame: &Frame, prefix: Prefix) -> String {
    let (snapshot, paint) = (view.snapshot, &view.memory.space.paint);
    let (first, last) = ends(prefix);
    let count = counted(u64::from(last - first) + 1, "address", "addresses");
    let range = match prefix.len() {
        32 => format!("{} · {count}", prefix.first()),
        _ => format!("{prefix} · {} to {} · {count}", prefix.first(), prefix.last()),
    };
    let mut lines = vec![range];
    lines.extend(class_text(snapshot, paint, frame, first));
    let looked = snapshot.picture.looked.as_ref().filter(|looked| looked.prefix == prefix);
    if let Some(looked) = looked {
        let text = Visible(&looked.text).to_string();
        lines.push(match looked.is_whole {
            true => text,
            false => format!("at its beginning: {text}"),
        });
    }
    lines.join("\n")
}

/// What the picture's cell at an address says.
fn class_text(snapshot: &Snapshot, paint: &Paint, frame: &Frame, addr: u32) -> Option<String> {
    if !is_of(snapshot, paint) {
        return None;
    }
    let key = TileKey::around(cell_of(addr).map(u32::from), frame.level());
    let tile: &Tile = snapshot.picture.tiles.get(&key)?;
    let place = key.place((addr - key.ends().0) >> key.cell_bits());
    let (class, share) = (*tile.classes.get(place)?, *tile.shares.get(place)?);
    let cell = 32 - key.cell_bits();
    let share = format!("{:.0} % of its /{cell}", f32::from(share) / 2.55);
    Some(match paint {
        _ if class == 0 => format!("{}: nothing is known", name(paint)),
        Paint::Country => format!("{}, {share}", country_name(class)),
        Paint::System => {
            let top = tile.tops.iter().find(|top| top.class == class);
            let text = top.map_or_else(|| format!("AS{class}"), |top| top.name.clone());
            format!("{}, {share}", Visible(&text))
        }
        Paint::Kinds => format!("{}, {share}", kind_name(class)),
        Paint::Kind(_) | Paint::List(_) => format!("{}: {share}", name(paint)),
        Paint::Bands => {
            let band = Verdict::ALL.get((class as usize).saturating_sub(1));
            format!("the worst host: {}", band.map_or("unknown", |band| band.as_str()))
        }
        Paint::Hosts => "hosts of the case are here".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_as_fine_as_they_are() {
        for (part, text) in [
            (1 << 31, "50 %"),
            (1 << 27, "3.1 %"),
            (1 << 22, "0.098 %"),
            (0, "none"),
            (256, "256 of 4,294,967,296"),
        ] {
            assert_eq!(percent(part, 1 << 32), text);
        }
    }
}
