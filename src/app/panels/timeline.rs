//! Timeline: what happened when, and when the selected host was at work.

use egui::{Align2, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::{counted, time};
use crate::engine::workbench::Timeline;
use crate::model::Timestamp;

/// Draws flows and records over time, the selected host's on top.
pub fn timeline_ui(ui: &mut Ui, view: &mut View<'_>) {
    let palette = Palette::of(ui);
    let all = &view.snapshot.timeline;
    let size = vec2(ui.available_width(), 46.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let name = format!("Timeline from {} to {}, UTC", time(Some(all.from)), time(Some(all.to)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    let painter = ui.painter().with_clip_rect(rect);
    if all.bins.is_empty() {
        let what = "Nothing that is open has a time";
        let font = theme::text(theme::BODY);
        painter.text(rect.center(), Align2::CENTER_CENTER, what, font, palette.quiet);
        return;
    }
    let plot = Rect::from_min_max(rect.min + vec2(8.0, 2.0), rect.max - vec2(8.0, 16.0));
    let most = all.bins.iter().map(|bin| bin.flows + bin.records).max().unwrap_or(1).max(1);
    bars(&painter, plot, all, most, palette.amount);
    if let Some(selection) = &view.snapshot.selection {
        bars(&painter, plot, &selection.timeline, most, palette.accent);
    }
    let width = plot.width() / all.bins.len() as f32;
    for (number, bin) in all.bins.iter().enumerate() {
        if bin.detections > 0 {
            let left = plot.min.x + number as f32 * width;
            let mark = Rect::from_min_size(pos2(left, plot.max.y), vec2(width.max(1.0), 2.0));
            painter.rect_filled(mark, 0.0, palette.band(crate::engine::workbench::Verdict::High));
        }
    }
    let font = theme::text(theme::HEAD);
    let below = rect.max.y - 1.0;
    for (part, anchor) in
        [(0.0, Align2::LEFT_BOTTOM), (0.5, Align2::CENTER_BOTTOM), (1.0, Align2::RIGHT_BOTTOM)]
    {
        let at = pos2(plot.min.x + plot.width() * part, below);
        let label = format!("{} UTC", time(Some(at_part(all, f64::from(part)))));
        painter.text(at, anchor, label, font.clone(), palette.quiet);
    }
    if let Some(pointer) = response.hover_pos().filter(|at| plot.x_range().contains(at.x)) {
        let part = (pointer.x - plot.min.x) / plot.width();
        painter.vline(pointer.x, plot.y_range(), Stroke::new(1.0, palette.quiet));
        let number = (part * all.bins.len() as f32) as usize;
        let bin = all.bins.get(number).copied().unwrap_or_default();
        let told = format!(
            "{} UTC · {} · {} · {}",
            time(Some(at_part(all, f64::from(part)))),
            counted(bin.flows, "flow", "flows"),
            counted(bin.records, "record", "records"),
            counted(bin.detections, "detection going on", "detections going on"),
        );
        response.on_hover_text_at_pointer(told);
    }
}

fn at_part(all: &Timeline, part: f64) -> Timestamp {
    let nanos = all.to.nanos_since(all.from) as f64 * part;
    all.from.plus_nanos(nanos as i64)
}

/// Heights grow with the square root, so that one flow beside a flood is still seen.
fn bars(painter: &egui::Painter, plot: Rect, all: &Timeline, most: u64, colour: egui::Color32) {
    let width = plot.width() / all.bins.len().max(1) as f32;
    for (number, bin) in all.bins.iter().enumerate() {
        let count = bin.flows + bin.records;
        if count == 0 {
            continue;
        }
        let height = ((count as f32 / most as f32).sqrt() * plot.height()).max(1.5);
        let left = plot.min.x + number as f32 * width;
        let min = pos2(left, plot.max.y - height);
        let size = vec2((width - 0.5).max(1.0), height);
        painter.rect_filled(Rect::from_min_size(min, size), 0.0, colour);
    }
}
