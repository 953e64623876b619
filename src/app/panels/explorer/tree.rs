//! The chain of prefixes as a tree: each prefix lies in the one above it, and its sources below it.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align2, FontId, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::text::grouped;
use crate::engine::{Explored, Said};
use crate::model::{Prefix, Visible};

/// Points that a prefix stands to the right of the one it lies in.
const STEP: f32 = 18.0;

/// Where the column of what is said begins, as a part of the room.
const SAYS: f32 = 0.4;

/// Points of the column of sources at least.
const SOURCE: f32 = 130.0;

/// Points of the column of dates.
const DATE: f32 = 84.0;

/// Points of the column that says for what a source counts.
const WON: f32 = 120.0;

/// Draws the tree.
pub(super) fn tree_ui(ui: &mut Ui, found: &Explored) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let nodes = found.rows.chunk_by(|a, b| a.prefix == b.prefix);
    let mut above: Option<Pos2> = None;
    for (depth, rows) in nodes.enumerate() {
        let Some(first) = rows.first() else { continue };
        let left = depth as f32 * STEP;
        above = Some(node_ui(ui, first.prefix, left, above));
        for row in rows {
            row_ui(ui, row, left + STEP);
        }
    }
}

/// A prefix, joined by lines to the one above; gives where lines to the next one begin.
fn node_ui(ui: &mut Ui, prefix: Prefix, left: f32, above: Option<Pos2>) -> Pos2 {
    let palette = Palette::of(ui);
    let (rect, _) =
        ui.allocate_exact_size(vec2(ui.available_width(), theme::row(ui)), Sense::hover());
    let (x, y) = (rect.min.x + left, rect.center().y);
    if let Some(above) = above {
        let line = Stroke::new(1.0, palette.border);
        ui.painter().vline(above.x, above.y..=y, line);
        ui.painter().hline(above.x..=x - 3.0, y, line);
    }
    let text = prefix.to_string();
    let at = pos2(x, y);
    let font = theme::mono(theme::BODY);
    let drawn = ui.painter().text(at, Align2::LEFT_CENTER, &text, font, palette.text);
    let copy = Rect::from_min_size(pos2(drawn.max.x + 6.0, rect.min.y), vec2(22.0, rect.height()));
    let button = ui.put(copy, egui::Button::new(icon::COPY).frame(false));
    let name = format!("Copy {text}");
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    if button.on_hover_text(&name).clicked() {
        ui.copy_text(text);
    }
    let quiet = theme::text(theme::HEAD + 1.0);
    let count = pos2(copy.max.x + 6.0, y);
    ui.painter().text(count, Align2::LEFT_CENTER, addresses(prefix), quiet, palette.quiet);
    pos2(x + 5.0, rect.max.y - 4.0)
}

/// `256 addresses`; of large IPv6 prefixes a power of two.
fn addresses(prefix: Prefix) -> String {
    let host_bits = prefix.first().family().bits() - prefix.len();
    match host_bits {
        0 => "1 address".to_owned(),
        1..=32 => format!("{} addresses", grouped(1_u64 << host_bits)),
        many => format!("2^{many} addresses"),
    }
}

/// What a source says of a prefix; a click copies it.
fn row_ui(ui: &mut Ui, row: &Said, left: f32) {
    let palette = Palette::of(ui);
    let size = vec2(ui.available_width(), theme::row(ui));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let (source, says) = (Visible(&row.source).to_string(), Visible(&row.says.text()).to_string());
    let date = row.date.map_or_else(|| "undated".to_owned(), |date| date.to_date());
    let won: Vec<&str> = row.won.iter().map(|won| won.as_str()).collect();
    let won = if won.is_empty() { String::new() } else { format!("counts: {}", won.join(", ")) };
    let name = format!("{}, {source}: {says}, {date} {won}", row.prefix);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.trim_end()));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, palette.hovered);
    }
    let (x, y) = (rect.min.x + left, rect.center().y);
    let line = Stroke::new(1.0, palette.border);
    ui.painter().circle(pos2(x + 3.0, y), 2.0, palette.quiet, line);
    let strong = theme::strong(theme::BODY);
    let plain = theme::text(theme::BODY);
    let mut right = rect.max.x - 4.0;
    let won_font = strong.clone();
    let mut column = |width: f32, text: &str, font: FontId, colour| {
        right -= width;
        cut(ui, pos2(right, y), width - 8.0, (text, font, colour));
        right
    };
    // Where there is little room, what is said stands above all.
    let mut end = rect.max.x;
    if rect.width() > 520.0 {
        column(WON, &won, won_font, palette.text);
        end = column(DATE, &date, plain.clone(), palette.quiet);
    }
    // One below the other, however deep a prefix lies.
    let says_from = (rect.min.x + (end - rect.min.x) * SAYS).max(x + SOURCE);
    let own = if row.own { format!("{source}, yours") } else { source.clone() };
    cut(ui, pos2(x + 14.0, y), says_from - x - 22.0, (&own, plain.clone(), palette.quiet));
    let font = if row.won.is_empty() { plain } else { strong };
    cut(ui, pos2(says_from, y), end - says_from - 8.0, (&says, font, palette.text));
    let told =
        format!("{source}: {}\n{}\n{says}\n{date} {won}\nClick to copy", row.title, row.range);
    if response.on_hover_text(Visible(&told).to_string()).clicked() {
        ui.copy_text(format!("{}\t{source}\t{date}\t{says}", row.range));
    }
}

/// Text on one line from a place on, cut with an ellipsis.
fn cut(ui: &Ui, at: Pos2, width: f32, (text, font, colour): (&str, FontId, egui::Color32)) {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, colour));
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(0.0));
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let top = at.y - galley.size().y / 2.0;
    ui.painter().galley(pos2(at.x, top), galley, colour);
}
