//! Timeline: what happened when, and when the selected host was at work.

use egui::{Align2, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::View;
use crate::app::theme::{self, Palette};
use crate::app::times;
use crate::app::widgets::text::{bytes, counted, grouped, time};
use crate::engine::workbench::{TimeBin, Timeline, Verdict};
use crate::filter::{FieldId, Filter};
use crate::model::Timestamp;

/// What the timeline remembers.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimelineState {
    /// Where a drag began, as a part of the time shown.
    from: Option<f64>,
    /// What the bars are high of.
    measure: Measure,
}

/// What the bars of the timeline are high of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Measure {
    /// Flows and records.
    #[default]
    Count,
    /// IP bytes of flows.
    Bytes,
}

impl Measure {
    const fn of(self, bin: &TimeBin) -> u64 {
        match self {
            Self::Count => bin.flows + bin.records,
            Self::Bytes => bin.bytes,
        }
    }

    /// `up to 602 flows and records`.
    fn legend(self, most: u64) -> String {
        match self {
            Self::Count => format!("up to {} flows and records", grouped(most)),
            Self::Bytes => format!("up to {} of flows", bytes(most)),
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Count => Self::Bytes,
            Self::Bytes => Self::Count,
        }
    }
}

/// Points that a drag must go to mean a stretch of time.
const DRAG_MIN: f32 = 3.0;

/// Draws flows and records over time, the selected host's on top; a drag leaves a stretch of it.
pub fn timeline_ui(ui: &mut Ui, view: &mut View<'_>) {
    let palette = Palette::of(ui);
    let all = &view.snapshot.timeline;
    let size = vec2(ui.available_width(), 46.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let range = range_in_force(view);
    let zone = times::zone();
    let name = match range {
        _ if all.bins.is_empty() => format!("Timeline: {}", nothing(view)),
        None => format!("Timeline from {} to {}, {zone}", time(Some(all.from)), time(Some(all.to))),
        Some((from, to)) => {
            format!("Timeline, shown from {} to {}, {zone}", time(Some(from)), time(Some(to)))
        }
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    let painter = ui.painter().with_clip_rect(rect);
    if all.bins.is_empty() {
        let font = theme::text(theme::BODY);
        painter.text(rect.center(), Align2::CENTER_CENTER, nothing(view), font, palette.quiet);
        return;
    }
    let plot = Rect::from_min_max(rect.min + vec2(8.0, 2.0), rect.max - vec2(8.0, 16.0));
    let measure = view.memory.timeline.measure;
    let most = all.bins.iter().map(|bin| measure.of(bin)).max().unwrap_or(1).max(1);
    let bars = |shown: &Timeline, colour| bars(&painter, plot, shown, (measure, most), colour);
    if let Some((from, to)) = range {
        let [from, to] = [from, to].map(|at| part_of(all, at));
        painter.rect_filled(stretch(plot, from, to), 0.0, palette.selected);
    }
    let shown = &view.snapshot.timeline_shown;
    if view.snapshot.filter.is_on() {
        bars(all, palette.border);
    }
    bars(shown, palette.amount);
    if let Some(selection) = &view.snapshot.selection {
        bars(&selection.timeline, palette.accent);
    }
    brush(ui, view, &response, plot);
    let width = plot.width() / all.bins.len() as f32;
    for (number, bin) in shown.bins.iter().enumerate() {
        if bin.detections > 0 {
            let left = plot.min.x + number as f32 * width;
            let mark = Rect::from_min_size(pos2(left, plot.max.y), vec2(width.max(1.0), 2.0));
            painter.rect_filled(mark, 0.0, palette.band(Verdict::High));
        }
    }
    let font = theme::text(theme::HEAD);
    let below = rect.max.y - 1.0;
    for (part, anchor) in
        [(0.0, Align2::LEFT_BOTTOM), (0.5, Align2::CENTER_BOTTOM), (1.0, Align2::RIGHT_BOTTOM)]
    {
        let at = pos2(plot.min.x + plot.width() * part, below);
        let label = format!("{} {zone}", time(Some(at_part(all, f64::from(part)))));
        painter.text(at, anchor, label, font.clone(), palette.quiet);
    }
    legend_ui(ui, view, rect, most);
    hover_ui(ui, all, &response, plot);
}

/// Said where there is no time to draw.
fn nothing(view: &View<'_>) -> &'static str {
    match view.snapshot.case.is_growing {
        true => "Times come when the first file is read",
        false => "Nothing that is open has a time",
    }
}

/// Says what happened under the pointer.
fn hover_ui(ui: &Ui, all: &Timeline, response: &egui::Response, plot: Rect) {
    let Some(pointer) = response.hover_pos().filter(|at| plot.x_range().contains(at.x)) else {
        return;
    };
    let part = (pointer.x - plot.min.x) / plot.width();
    let line = Stroke::new(1.0, Palette::of(ui).quiet);
    ui.painter().vline(pointer.x, plot.y_range(), line);
    let number = (part * all.bins.len() as f32) as usize;
    let bin = all.bins.get(number).copied().unwrap_or_default();
    let told = format!(
        "{} {} · {} of {} · {} · {}",
        time(Some(at_part(all, f64::from(part)))),
        times::zone(),
        counted(bin.flows, "flow", "flows"),
        bytes(bin.bytes),
        counted(bin.records, "record", "records"),
        counted(bin.detections, "detection going on", "detections going on"),
    );
    response.clone().on_hover_text_at_pointer(told);
}

/// Points from the left that the first time takes, and from the middle that the second does.
const TIME: f32 = 180.0;

/// Between the times: what the bars mean, how high the highest is, what the line below them is. A
/// click changes what they are high of.
fn legend_ui(ui: &mut Ui, view: &mut View<'_>, rect: Rect, most: u64) {
    let palette = Palette::of(ui);
    let room = Rect::from_min_max(
        pos2(rect.min.x + TIME, rect.max.y - 15.0),
        pos2(rect.center().x - TIME / 2.0, rect.max.y),
    );
    let timeline = &view.snapshot.timeline;
    let measure = view.memory.timeline.measure;
    let painter = ui.painter().with_clip_rect(rect);
    let layout =
        |text: String| painter.layout_no_wrap(text, theme::text(theme::HEAD), palette.quiet);
    let mut x = room.min.x;
    let heights = layout(measure.legend(most));
    let place = Rect::from_min_size(pos2(x, room.min.y), heights.size() + vec2(14.0, 0.0));
    if place.max.x > room.max.x {
        return;
    }
    let has_bytes = timeline.bins.iter().any(|bin| bin.bytes > 0);
    let sense = if has_bytes { Sense::click() } else { Sense::hover() };
    let response = ui.interact(place, ui.scope_id().with("measure"), sense);
    let name = format!("Bars: {}", measure.legend(most));
    let role = if has_bytes { egui::Role::Button } else { egui::Role::Label };
    response.widget_info(|| egui::WidgetInfo::labeled(role, true, &name));
    let colour = if response.hovered() && has_bytes { palette.text } else { palette.quiet };
    let mark = Rect::from_min_size(pos2(x, room.center().y - 5.0), vec2(8.0, 8.0));
    painter.rect_filled(mark, 0.0, palette.amount);
    x = place.max.x + 16.0;
    painter.galley_with_override_text_color(pos2(mark.max.x + 6.0, room.min.y), heights, colour);
    let what = "A bar's height grows with the square root of its number, so that little is still \
                seen beside much.";
    let click = if has_bytes { " Click to count bytes or flows and records." } else { "" };
    if response.on_hover_text(format!("{what}{click}")).clicked() {
        view.memory.timeline.measure = measure.other();
    }
    let detections = layout("detections".to_owned());
    if timeline.bins.iter().any(|bin| bin.detections > 0)
        && x + detections.size().x + 18.0 <= room.max.x
    {
        let mark = Rect::from_min_size(pos2(x, room.center().y - 2.0), vec2(12.0, 2.0));
        painter.rect_filled(mark, 0.0, palette.band(Verdict::High));
        painter.galley(pos2(mark.max.x + 6.0, room.min.y), detections, palette.quiet);
    }
}

/// The stretch of time that the filter leaves.
fn range_in_force(view: &View<'_>) -> Option<(Timestamp, Timestamp)> {
    view.snapshot.filter.parts.iter().find_map(|part| part.between(FieldId::Ts))
}

fn stretch(plot: Rect, from: f64, to: f64) -> Rect {
    let x = |part: f64| plot.min.x + plot.width() * part.clamp(0.0, 1.0) as f32;
    Rect::from_x_y_ranges(x(from)..=x(to).max(x(from) + 1.0), plot.y_range())
}

/// A drag leaves a stretch of time; a double click or Escape shows all of it again.
fn brush(ui: &Ui, view: &mut View<'_>, response: &egui::Response, plot: Rect) {
    let palette = Palette::of(ui);
    let part = |at: egui::Pos2| f64::from(((at.x - plot.min.x) / plot.width()).clamp(0.0, 1.0));
    if response.hovered() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::Text);
    }
    let pointer = ui.input(|input| input.pointer.latest_pos());
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin());
        view.memory.timeline.from = origin.or(pointer).map(part);
    }
    let dragged = view.memory.timeline.from.zip(pointer.map(part));
    if let Some((from, to)) = dragged {
        let rect = stretch(plot, from.min(to), from.max(to));
        let line = Stroke::new(1.0, palette.accent);
        ui.painter().rect_filled(rect, 0.0, palette.accent.gamma_multiply(0.25));
        ui.painter().vline(rect.min.x, plot.y_range(), line);
        ui.painter().vline(rect.max.x, plot.y_range(), line);
        if response.drag_stopped() {
            view.memory.timeline.from = None;
            if rect.width() >= DRAG_MIN {
                leave(view, from.min(to), from.max(to));
            }
        }
    }
    let is_escape = response.hovered() && ui.input(|input| input.key_pressed(egui::Key::Escape));
    if (is_escape || response.double_clicked()) && range_in_force(view).is_some() {
        view.memory.timeline.from = None;
        view.set_filter(&others(view));
    }
}

/// The filter in force without its stretch of time.
fn others(view: &View<'_>) -> Filter {
    let parts = view.snapshot.filter.parts.iter();
    let others = parts.filter(|part| part.between(FieldId::Ts).is_none());
    others.cloned().fold(Filter::everything(), Filter::and)
}

/// Leaves what happened in a part of the time shown.
fn leave(view: &mut View<'_>, from: f64, to: f64) {
    let all = &view.snapshot.timeline;
    let (from, to) = rounded(at_part(all, from), at_part(all, to));
    if let Some(range) = Filter::field_between(FieldId::Ts, from, to) {
        let filter = others(view).and(range);
        view.set_filter(&filter);
    }
}

/// Whole seconds, where the stretch has several: a text that can be read aloud.
fn rounded(from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
    const SECOND: i64 = 1_000_000_000;
    if to.secs_since(from) < 10.0 {
        return (from, to);
    }
    let first = from.plus_nanos(-from.nanos().rem_euclid(SECOND));
    let last = to.plus_nanos(SECOND - 1 - to.nanos().rem_euclid(SECOND));
    (first, last)
}

fn part_of(all: &Timeline, at: Timestamp) -> f64 {
    let whole = all.to.secs_since(all.from).max(1e-9);
    at.secs_since(all.from) / whole
}

fn at_part(all: &Timeline, part: f64) -> Timestamp {
    let nanos = all.to.nanos_since(all.from) as f64 * part;
    all.from.plus_nanos(nanos as i64)
}

/// Heights grow with the square root, so that one flow beside a flood is still seen.
fn bars(
    painter: &egui::Painter,
    plot: Rect,
    all: &Timeline,
    (measure, most): (Measure, u64),
    colour: egui::Color32,
) {
    let width = plot.width() / all.bins.len().max(1) as f32;
    for (number, bin) in all.bins.iter().enumerate() {
        let count = measure.of(bin);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brushed_stretch_is_whole_seconds_and_reads_back() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, to) = rounded(at("2026-06-05T03:12:44.5Z"), at("2026-06-05T03:20:01.25Z"));
        let filter = Filter::field_between(FieldId::Ts, from, to).unwrap();
        assert_eq!(filter.to_string(), "ts == 2026-06-05T03:12:44Z..2026-06-05T03:20:01Z");
        let read = crate::filter::parse(&filter.to_string()).unwrap();
        assert_eq!(read, filter);
        assert_eq!(read.between(FieldId::Ts), Some((from, to)));
        let short = (at("2026-06-05T03:12:44.5Z"), at("2026-06-05T03:12:44.75Z"));
        assert_eq!(rounded(short.0, short.1), short, "a stretch of moments stays exact");
    }
}
