//! A box drawn with Shift, or a lasso drawn with Ctrl: the hosts inside become the filter.

use egui::{Pos2, Rect, Shape, Stroke, Ui};

use super::frame::Frame;
use crate::app::panels::View;
use crate::app::theme::Palette;
use crate::engine::workbench::Spot;
use crate::filter::{Cell, FieldId, Fields, Filter};

/// Points that an area must be wide and high.
const AREA_MIN: f32 = 4.0;

/// Hosts in an area that are named one by one in the filter.
const LISTED_MAX: usize = 20;

/// Points between two corners of a lasso while it is drawn.
const STEP: f32 = 3.0;

/// Corners of a lasso while it is drawn; then it joins its last corner to its first.
const DRAWN_MAX: usize = 4_000;

/// Corners of a lasso in the filter: few enough to be read.
const CORNERS_MAX: usize = 48;

/// What is being drawn.
pub(super) enum Drawn {
    /// From this corner to the pointer.
    Box(Pos2),
    /// Along these points.
    Lasso(Vec<Pos2>),
}

/// Draws the area that the pointer draws; when it ends, the hosts inside are left.
pub(super) fn area_ui(ui: &Ui, view: &mut View<'_>, response: &egui::Response, frame: &Frame) {
    let Some(drawn) = &mut view.memory.map.drawn else { return };
    let Some(to) = ui.input(|input| input.pointer.latest_pos()) else { return };
    let to = frame.rect.clamp(to);
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let line = Stroke::new(1.0, palette.accent);
    let bounds = match drawn {
        Drawn::Box(from) => {
            let rect = Rect::from_two_pos(*from, to).intersect(frame.rect);
            let fill = palette.accent.gamma_multiply(0.15);
            painter.rect(rect, 0.0, fill, line, egui::StrokeKind::Inside);
            rect
        }
        Drawn::Lasso(points) => {
            let is_far = points.last().is_none_or(|last| last.distance(to) >= STEP);
            if is_far && points.len() < DRAWN_MAX {
                points.push(to);
            }
            painter.add(Shape::closed_line(points.clone(), Stroke::new(2.0, palette.accent)));
            Rect::from_points(points)
        }
    };
    if response.drag_stopped()
        && let Some(drawn) = view.memory.map.drawn.take()
        && bounds.width() >= AREA_MIN
        && bounds.height() >= AREA_MIN
    {
        let area = match drawn {
            Drawn::Box(_) => box_filter(frame.unit(bounds.min), frame.unit(bounds.max)),
            Drawn::Lasso(points) => lasso_filter(&points, frame),
        };
        leave(view, frame, bounds, area);
    }
}

/// Leaves the hosts in an area: by their addresses where they are few, else by its edges.
fn leave(view: &mut View<'_>, frame: &Frame, bounds: Rect, area: Option<Filter>) {
    let Some(area) = area else { return };
    let snapshot = view.snapshot;
    let places = &snapshot.places;
    let plan = area.plan(crate::model::Timestamp::default());
    let is_inside = |spot: &&Spot| {
        let unit = spot.unit.map(f64::from);
        let is_near = |world: i32| bounds.contains(frame.at(unit, f64::from(world)));
        frame.worlds().any(is_near) && plan.matches(&Point([spot.lat, spot.lon]))
    };
    let rows = places.spots.iter().filter(is_inside).flat_map(|spot| places.hosts(spot));
    let some: Vec<u32> = rows.copied().take(LISTED_MAX + 1).collect();
    let addrs = || some.iter().filter_map(|&row| snapshot.hosts.all.addr(row)).map(Cell::Addr);
    let filter = match some.len() {
        0 => None,
        1..=LISTED_MAX => Filter::field_in(FieldId::Addr, addrs()),
        _ => Some(area),
    };
    if let Some(filter) = filter {
        view.filter_by(filter);
    }
}

/// A place on the globe, as a row that an area can be asked about.
struct Point([f32; 2]);

impl Fields for Point {
    fn each(&self, field: FieldId, see: &mut dyn FnMut(Cell<'_>)) {
        let [lat, lon] = self.0.map(f64::from);
        match field {
            FieldId::Lat => see(Cell::Number(lat)),
            FieldId::Lon => see(Cell::Number(lon)),
            FieldId::Point => see(Cell::Point([lat, lon])),
            _ => {}
        }
    }
}

/// The condition of a lasso, with so few corners that it can be read.
fn lasso_filter(points: &[Pos2], frame: &Frame) -> Option<Filter> {
    let mut within = 1.0;
    let mut corners = simplified(points, within);
    while corners.len() > CORNERS_MAX {
        within *= 1.5;
        corners = simplified(points, within);
    }
    let corner = |&at: &Pos2| {
        let [x, y] = frame.unit(at);
        [degrees_north(y), x * 360.0 - 180.0].map(|degrees| (degrees * 100.0).round() / 100.0)
    };
    let mut corners: Vec<[f64; 2]> = corners.iter().map(corner).collect();
    // The first corner lies on the globe; the others go on from it.
    let first = corners.first()?[1];
    let world = first - ((first + 180.0).rem_euclid(360.0) - 180.0);
    corners.iter_mut().for_each(|corner| corner[1] -= world);
    corners.dedup();
    Filter::field_around(FieldId::Point, &corners)
}

/// A line with fewer points, none of those left out farther from it than this (Ramer 1972, Douglas
/// and Peucker 1973).
fn simplified(points: &[Pos2], within: f32) -> Vec<Pos2> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut is_kept = vec![false; points.len()];
    (is_kept[0], is_kept[last]) = (true, true);
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let off = |at: usize| distance(points[at], points[from], points[to]);
        let farthest = (from + 1..to).max_by(|&a, &b| off(a).total_cmp(&off(b)));
        if let Some(at) = farthest.filter(|&at| off(at) > within) {
            is_kept[at] = true;
            open.extend([(from, at), (at, to)]);
        }
    }
    points.iter().zip(is_kept).filter_map(|(&point, is_kept)| is_kept.then_some(point)).collect()
}

/// How far a point lies from a stretch between two others.
fn distance(point: Pos2, from: Pos2, to: Pos2) -> f32 {
    let along = to - from;
    let part = match along.length_sq() {
        0.0 => 0.0,
        length => ((point - from).dot(along) / length).clamp(0.0, 1.0),
    };
    point.distance(from + along * part)
}

/// The latitude of a height in the unit square.
fn degrees_north(y: f64) -> f64 {
    (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan().to_degrees()
}

/// The condition of a box between two corners of the unit square, x unwrapped.
fn box_filter([left, top]: [f64; 2], [right, bottom]: [f64; 2]) -> Option<Filter> {
    let lat = degrees_north;
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
    use egui::{pos2, vec2};

    use super::super::frame::MapState;
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

    #[test]
    fn a_lasso_is_an_area_with_few_corners() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let mut map = MapState::default();
        map.settle(rect);
        let frame = Frame::new(rect, &map);
        // A hand goes round the Netherlands and comes back to where it began.
        let middle = frame.at(mercator(52.2, 5.3), 0.0);
        let hand: Vec<Pos2> = (0..400_u16)
            .map(|step| {
                let turn = f32::from(step) / 400.0 * std::f32::consts::TAU;
                middle + vec2(turn.cos(), turn.sin()) * 20.0
            })
            .collect();
        let filter = lasso_filter(&hand, &frame).unwrap();
        let text = filter.to_string();
        assert!(text.split(',').count() <= CORNERS_MAX && text.split(',').count() > 8, "{text}");
        assert_eq!(crate::filter::parse(&text).as_ref(), Ok(&filter));
        let plan = filter.plan(crate::model::Timestamp::default());
        assert!(plan.matches(&Point([52.37, 4.9])));
        assert!(!plan.matches(&Point([40.4, -3.7])) && !plan.matches(&Point([f32::NAN; 2])));
        assert_eq!(lasso_filter(&hand[..2], &frame), None, "a stroke holds nothing");
    }
}
