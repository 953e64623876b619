//! A box drawn with Shift: the hosts inside become the filter.

use egui::{Rect, Stroke, Ui};

use super::frame::Frame;
use crate::app::panels::View;
use crate::app::theme::Palette;
use crate::engine::workbench::Spot;
use crate::filter::{Cell, FieldId, Filter};

/// Points that a box must be wide and high.
const BOX_MIN: f32 = 4.0;

/// Hosts in a box that are named one by one in the filter.
const LISTED_MAX: usize = 20;

/// A drag with Shift draws a box, and leaves the hosts inside.
pub(super) fn box_ui(ui: &Ui, view: &mut View<'_>, response: &egui::Response, frame: &Frame) {
    let Some(from) = view.memory.map.boxed else { return };
    let Some(to) = ui.input(|input| input.pointer.latest_pos()) else { return };
    let drawn = Rect::from_two_pos(from, to).intersect(frame.rect);
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let line = Stroke::new(1.0, palette.accent);
    let fill = palette.accent.gamma_multiply(0.15);
    painter.rect(drawn, 0.0, fill, line, egui::StrokeKind::Inside);
    if response.drag_stopped() {
        view.memory.map.boxed = None;
        if drawn.width() >= BOX_MIN && drawn.height() >= BOX_MIN {
            leave_box(view, frame, drawn);
        }
    }
}

/// Leaves the hosts in a box: by their addresses where they are few, else by the box's edges.
fn leave_box(view: &mut View<'_>, frame: &Frame, drawn: Rect) {
    let snapshot = view.snapshot;
    let places = &snapshot.places;
    let is_inside = |spot: &&Spot| {
        let unit = spot.unit.map(f64::from);
        frame.worlds().any(|world| drawn.contains(frame.at(unit, f64::from(world))))
    };
    let rows = places.spots.iter().filter(is_inside).flat_map(|spot| places.hosts(spot));
    let some: Vec<u32> = rows.copied().take(LISTED_MAX + 1).collect();
    let addrs = || some.iter().filter_map(|&row| snapshot.hosts.all.addr(row)).map(Cell::Addr);
    let filter = match some.len() {
        0 => None,
        1..=LISTED_MAX => Filter::field_in(FieldId::Addr, addrs()),
        _ => box_filter(frame.unit(drawn.min), frame.unit(drawn.max)),
    };
    if let Some(filter) = filter {
        view.filter_by(filter);
    }
}

/// The condition of a box between two corners of the unit square, x unwrapped.
fn box_filter([left, top]: [f64; 2], [right, bottom]: [f64; 2]) -> Option<Filter> {
    let lat = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan().to_degrees();
    // A hundredth of a degree is a kilometre: finer than places are known.
    let down = |degrees: f64| (degrees * 100.0).floor() / 100.0;
    let up = |degrees: f64| (degrees * 100.0).ceil() / 100.0;
    let lats = Filter::field_within(FieldId::Lat, &[(down(lat(bottom)), up(lat(top)))])?;
    if right - left >= 1.0 {
        return Some(lats);
    }
    let lon = |x: f64| x * 360.0 - 180.0;
    let (first, width) = (left.rem_euclid(1.0), right - left);
    let spans = match first + width {
        last if last <= 1.0 => vec![(down(lon(first)), up(lon(last)))],
        last => vec![(down(lon(first)), 180.0), (-180.0, up(lon(last - 1.0)))],
    };
    Some(lats.and(Filter::field_within(FieldId::Lon, &spans)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::mercator;

    #[test]
    fn a_box_is_a_condition_on_latitude_and_longitude() {
        let (a, b) = (mercator(60.0, -10.0), mercator(40.0, 20.0));
        let text = |filter: Option<Filter>| filter.unwrap().to_string();
        let europe = text(box_filter(a, b));
        assert_eq!(europe, "lat == 39.99..60 && lon == -10..20");
        // Across the edge of the map: from 170° east to 170° west.
        let (a, b) = (mercator(10.0, 170.0), mercator(-10.0, 190.0));
        let pacific = text(box_filter(a, b));
        assert_eq!(pacific, "lat == -10..10 && lon in {170..180, -180..-170}");
        let world = text(box_filter([-0.2, 0.4], [1.1, 0.6]));
        assert!(!world.contains("lon"), "{world}");
        for filter in [europe, pacific, world] {
            assert!(crate::filter::parse(&filter).is_ok(), "{filter}");
        }
    }
}
