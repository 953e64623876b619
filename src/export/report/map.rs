//! The map: our own equirectangular drawing, as SVG in the page.

use std::collections::BTreeMap;

use super::html::Html;
use super::mark;
use crate::export::{HostRow, counted, grouped};
use crate::geo::circle;
use crate::model::{Band, Place};

/// Shapes to draw under the hosts: lines of `(lat, lon)` in degrees.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaseMap<'a> {
    /// Closed rings of land; a ring inside another is water. A ring may cross ±180°.
    pub land: &'a [Vec<(f64, f64)>],
    /// Closed rings of lakes.
    pub lakes: &'a [Vec<(f64, f64)>],
    /// Open lines between countries.
    pub borders: &'a [Vec<(f64, f64)>],
}

/// Units of the drawing.
const WIDTH: f64 = 1000.0;

/// More is drawn on both sides, so that a mark at ±180° is whole.
const MARGIN: f64 = 10.0;

/// Rarely is anything farther south or north than this.
const SOUTH: f64 = -58.0;
const NORTH: f64 = 82.0;

/// The narrowest stretch of longitude shown: closer in, the outlines have nothing more to say.
const SPAN_MIN: f64 = 50.0;

/// Marks drawn; with more, those of the lowest scores are only counted.
const MARKS_MAX: usize = 2_000;

/// Places in one cell of this many units share a mark: a mark is 14 wide.
const CELL: f64 = 15.0;

/// Few places may overlap: then they are told apart rather than kept apart.
const CELL_OF_FEW: f64 = 4.0;
const FEW: usize = 80;

/// With more marks than this, only the named ones say how many hosts they stand for.
const COUNTS_MAX: usize = 60;

/// Hosts whose radius is drawn.
const CIRCLES_MAX: usize = 8;

/// Marks with the address beside them.
const LABELS_MAX: usize = 8;

/// Along a meridian.
const KM_PER_DEGREE: f64 = 111.195;

/// Corners of a circle.
const CORNERS: u32 = 72;

/// Hosts of one place, or of several so close together that their marks would cover one another.
#[derive(Clone)]
struct Mark {
    point: (f64, f64),
    word: &'static str,
    score: f64,
    addr: String,
    /// City and country of the highest host.
    where_is: String,
    radius_km: Option<f64>,
    hosts: u64,
}

/// What is collected for the map while hosts pass.
#[derive(Default)]
pub(super) struct Marks {
    /// By place in hundredths of a degree: about 1 km.
    places: BTreeMap<(i32, i32), Mark>,
    placed: u64,
    unplaced: u64,
}

impl Marks {
    /// Takes a host; hosts come ranked, so the first of a place is its highest.
    pub(super) fn add(&mut self, host: &HostRow) {
        let point = host.place.as_ref().and_then(|place| place.lat.zip(place.lon));
        let Some((place, (lat, lon))) = host.place.as_ref().zip(point) else {
            self.unplaced += 1;
            return;
        };
        self.placed += 1;
        let hundredths = |degrees: f64| libm::round(degrees * 100.0) as i32;
        let mark = self.places.entry((hundredths(lat), hundredths(lon))).or_insert_with(|| Mark {
            point: (lat, lon),
            word: mark::word_of(host),
            score: host.score,
            addr: host.addr.to_string(),
            where_is: where_is(place),
            radius_km: place.radius_km,
            hosts: 0,
        });
        mark.hosts += 1;
    }

    /// Draws the map and its legend; where nothing has a place, says so.
    pub(super) fn write(&self, base: BaseMap<'_>, page: &mut Html) {
        if self.placed == 0 {
            page.markup("<p>No host has a single known place.</p>");
            return;
        }
        let mut places: Vec<&Mark> = self.places.values().collect();
        // The sort is stable and the map ordered by place: equal scores stay in a fixed order.
        places.sort_by(|a, b| b.score.total_cmp(&a.score));
        let view = View::around(&places);
        let mut marks = view.binned(&places);
        let hidden: u64 = marks.iter().skip(MARKS_MAX).map(|mark| mark.hosts).sum();
        marks.truncate(MARKS_MAX);
        page.markup("<svg class=\"map world\" role=\"img\" viewBox=\"")
            .number(-MARGIN)
            .markup(" 0 ");
        page.number(WIDTH + 2.0 * MARGIN)
            .markup(" ")
            .number(view.height)
            .markup("\" aria-label=\"World map: ");
        page.text(counted(self.placed, "host has a place", "hosts have a place")).markup("\">");
        view.layer("<path class=\"land\" d=\"", base.land, End::Closed, page);
        view.layer("<path class=\"lake\" d=\"", base.lakes, End::Closed, page);
        view.layer("<path class=\"borders\" d=\"", base.borders, End::Open, page);
        let circles = view.circles(&marks, page);
        for mark in marks.iter().rev() {
            view.mark(mark, page);
        }
        view.labels(&marks, page);
        page.markup("</svg>");
        self.legend(circles, hidden, page);
    }

    fn legend(&self, circles: usize, hidden: u64, page: &mut Html) {
        page.markup("<p class=\"muted\">Places close together share a mark; its shape and colour ");
        page.markup("are those of the highest score there, × is how many hosts it stands for. ");
        if circles > 0 {
            page.markup("A circle should hold the host nine times out of ten; it is drawn for ");
            page.text(if circles == 1 { "the highest one. " } else { "the highest ones. " });
        }
        if self.unplaced > 0 {
            page.text(counted(self.unplaced, "host has", "hosts have"));
            page.markup(" no single place and ");
            page.text(if self.unplaced == 1 { "is" } else { "are" }).markup(" not on the map. ");
        }
        if hidden > 0 {
            page.text(counted(hidden, "host of a low score is", "hosts of low scores are"));
            page.markup(" not drawn, to keep the page small. ");
        }
        page.markup("</p>");
    }
}

/// `Amsterdam, NL`.
pub(super) fn where_is(place: &Place) -> String {
    let city = place.city.as_deref().or(place.region.as_deref());
    match (city, place.country_code.as_deref()) {
        (Some(city), Some(country)) => format!("{city}, {country}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => String::new(),
    }
}

/// The part of the world that is drawn.
struct View {
    west: f64,
    north: f64,
    per_degree: f64,
    height: f64,
}

impl View {
    /// Around the marks with some air; the whole world where they are spread or absent.
    fn around(marks: &[&Mark]) -> Self {
        let ends = |axis: fn(&Mark) -> f64| {
            let values = marks.iter().map(|mark| axis(mark));
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (south, north) = ends(|mark| mark.point.0);
        let (west, east) = ends(|mark| mark.point.1);
        if marks.is_empty() || east - west > 200.0 {
            return Self::between(-180.0, 180.0, SOUTH, NORTH);
        }
        let span = ((east - west) * 1.3).max((north - south) * 2.4).clamp(SPAN_MIN, 360.0);
        let middle = (west + east) / 2.0;
        let west = (middle - span / 2.0).clamp(-180.0, 180.0 - span);
        // Half as high as wide, moved so that no pole is shown needlessly.
        let tall = (span / 2.0).min(NORTH - SOUTH);
        let south = ((south + north - tall) / 2.0).clamp(SOUTH, NORTH - tall);
        Self::between(west, west + span, south, south + tall)
    }

    fn between(west: f64, east: f64, south: f64, north: f64) -> Self {
        let per_degree = WIDTH / (east - west);
        Self { west, north, per_degree, height: libm::round((north - south) * per_degree) }
    }

    fn project(&self, (lat, lon): (f64, f64)) -> (f64, f64) {
        ((lon - self.west) * self.per_degree, (self.north - lat) * self.per_degree)
    }

    /// Places of one cell of the drawing share the mark of the highest; `places` come ranked.
    fn binned(&self, places: &[&Mark]) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        let mut cells: BTreeMap<(i32, i32), usize> = BTreeMap::new();
        let side = if places.len() <= FEW { CELL_OF_FEW } else { CELL };
        for place in places {
            let (x, y) = self.project(place.point);
            let cell = (libm::floor(x / side) as i32, libm::floor(y / side) as i32);
            let at = *cells.entry(cell).or_insert(marks.len());
            match marks.get_mut(at) {
                Some(mark) => mark.hosts += place.hosts,
                None => marks.push((*place).clone()),
            }
        }
        marks
    }

    /// All lines of one kind as one path, each once for each turn of the Earth that shows it.
    fn layer(&self, open: &'static str, lines: &[Vec<(f64, f64)>], end: End, page: &mut Html) {
        page.markup(open);
        for line in lines {
            let unwrapped = match end {
                End::Closed => closed(line),
                End::Open => unwrapped(line.iter().copied()).0,
            };
            for turn in [-360.0, 0.0, 360.0] {
                let points: Vec<(f64, f64)> =
                    unwrapped.iter().map(|&(lat, lon)| self.project((lat, lon + turn))).collect();
                if self.shows(&points) {
                    outline(&simplified(&points), end, page);
                }
            }
        }
        page.markup("\"/>");
    }

    fn shows(&self, points: &[(f64, f64)]) -> bool {
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (left, right) = ends(&mut points.iter().map(|point| point.0));
        let (top, bottom) = ends(&mut points.iter().map(|point| point.1));
        right >= -MARGIN && left <= WIDTH + MARGIN && bottom >= 0.0 && top <= self.height
    }

    /// The radius of the highest hosts that have one; how many were drawn.
    fn circles(&self, marks: &[Mark], page: &mut Html) -> usize {
        let mut drawn = 0;
        for mark in marks.iter().filter(|mark| !matches!(mark.word, "none" | "unknown")) {
            // One that the mark covers would only be claimed.
            let is_seen = |radius_km: &f64| radius_km / KM_PER_DEGREE * self.per_degree > 8.0;
            let Some(radius_km) = mark.radius_km.filter(is_seen) else { continue };
            if drawn == CIRCLES_MAX {
                break;
            }
            drawn += 1;
            page.markup("<g class=\"circle ").text(mark.word).markup("\">");
            let corners = circle(mark.point, radius_km, CORNERS);
            self.layer("<path d=\"", &[corners], End::Closed, page);
            page.markup("</g>");
        }
        drawn
    }

    fn mark(&self, mark: &Mark, page: &mut Html) {
        let (x, y) = self.project(mark.point);
        page.markup("<g class=\"halo ").text(mark.word).markup("\" transform=\"translate(");
        page.number(x).markup(" ").number(y).markup(")\"><title>").text(&mark.addr);
        page.markup(" · ").text(mark.word).markup(" ").text(format!("{:.1}", mark.score));
        page.markup(" · ").text(&mark.where_is);
        if let Some(radius_km) = mark.radius_km {
            page.markup(" ±").text(format!("{radius_km:.0} km"));
        }
        if mark.hosts > 1 {
            page.markup(" · ").text(counted(mark.hosts, "host", "hosts")).markup(" here");
        }
        page.markup("</title><use href=\"#m-").text(mark.word).markup("\"/></g>");
    }

    /// Addresses and counts beside the highest marks, where they do not cover one another.
    fn labels(&self, marks: &[Mark], page: &mut Html) {
        let mut taken: Vec<[f64; 4]> = marks
            .iter()
            .map(|mark| self.project(mark.point))
            .map(|(x, y)| [x - 7.0, y - 7.0, x + 7.0, y + 7.0])
            .collect();
        let mut named = 0;
        for mark in marks {
            let is_named = named < LABELS_MAX && !matches!(mark.word, "none" | "unknown" | "low");
            let is_counted = mark.hosts > 1 && (is_named || marks.len() <= COUNTS_MAX);
            let count = is_counted.then(|| format!("×{}", grouped(mark.hosts)));
            let label = match (is_named, count) {
                (true, Some(count)) => format!("{} {count}", mark.addr),
                (true, None) => mark.addr.clone(),
                (false, Some(count)) => count,
                (false, None) => continue,
            };
            let (x, y) = self.project(mark.point);
            // A digit of the label's bold 13 px type is about 8.2 px wide in a wide face.
            let wide = 8.2 * label.chars().count() as f64;
            let middle = x - wide / 2.0;
            let sides = [
                (x + 10.0, y + 4.5),
                (x - 10.0 - wide, y + 4.5),
                (middle, y - 12.0),
                (middle, y + 20.0),
            ];
            let free = sides
                .into_iter()
                .map(|(left, base)| (left, base, [left, base - 11.0, left + wide, base + 3.0]));
            let mut free = free.filter(|(left, base, space)| {
                *left >= 0.0
                    && left + wide <= WIDTH
                    && (11.0..=self.height - 3.0).contains(base)
                    && !taken.iter().any(|other| overlap(other, space))
            });
            let Some((left, base, space)) = free.next() else { continue };
            taken.push(space);
            named += usize::from(is_named);
            page.markup("<text class=\"label halo\" x=\"").number(left).markup("\" y=\"");
            page.number(base).markup("\">").text(label).markup("</text>");
        }
    }
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// How a line ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Where it began.
    Closed,
    /// Anywhere.
    Open,
}

/// A line without jumps, longitudes running on past ±180°, and how far they ran.
fn unwrapped(line: impl Iterator<Item = (f64, f64)>) -> (Vec<(f64, f64)>, f64) {
    let mut turn = 0.0;
    let mut before: Option<f64> = None;
    let step = |(lat, lon): (f64, f64)| {
        turn += match before.map_or(0.0, |before| lon - before) {
            step if step > 180.0 => -360.0,
            step if step < -180.0 => 360.0,
            _ => 0.0,
        };
        before = Some(lon);
        (lat, lon + turn)
    };
    (line.map(step).collect(), turn)
}

/// A ring without jumps. One that goes round a pole does not close: it is led over the pole.
fn closed(ring: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (mut points, turn) = unwrapped(ring.iter().chain(ring.first()).copied());
    if turn != 0.0 {
        let north = points.iter().map(|point| point.0).sum::<f64>() > 0.0;
        let pole = if north { 90.0 } else { -90.0 };
        let ends = points.last().zip(points.first()).map(|(last, first)| (last.1, first.1));
        if let Some((last, first)) = ends {
            points.extend([(pole, last), (pole, first)]);
        }
    }
    points
}

/// How far a point must stray from its line to be kept, in units of the drawing.
const STRAY_MIN: f64 = 0.45;

/// Fewer points of the same shape (Douglas and Peucker 1973), without recursion.
fn simplified(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[last] = true;
    // A closed ring has no chord of its own: it is cut at its farthest point first.
    let far = (0..=last)
        .max_by(|&a, &b| distance(points[a], points[0]).total_cmp(&distance(points[b], points[0])));
    let far = far.unwrap_or(0);
    keep[far] = true;
    let mut stretches = vec![(0, far), (far, last)];
    while let Some((from, to)) = stretches.pop() {
        let inner = from + 1..to;
        let stray = |at: usize| stray(points[at], points[from], points[to]);
        let Some(at) = inner.max_by(|&a, &b| stray(a).total_cmp(&stray(b))) else { continue };
        if stray(at) > STRAY_MIN {
            keep[at] = true;
            stretches.extend([(from, at), (at, to)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(&point, _)| point).collect()
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    libm::sqrt((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1))
}

/// Distance of a point from the stretch between two others.
fn stray(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let square = along_x * along_x + along_y * along_y;
    if square == 0.0 {
        return distance(point, from);
    }
    let share = ((point.0 - from.0) * along_x + (point.1 - from.1) * along_y) / square;
    let share = share.clamp(0.0, 1.0);
    distance(point, (from.0 + share * along_x, from.1 + share * along_y))
}

/// Path data with relative steps in tenths, each from where the rounded ones before it ended.
fn outline(points: &[(f64, f64)], end: End, page: &mut Html) {
    let tenths = |value: f64| libm::round(value * 10.0);
    let mut at: Option<(f64, f64)> = None;
    for &(x, y) in points {
        let here = (tenths(x), tenths(y));
        match at {
            None => page.markup("M").number(here.0 / 10.0).markup(" ").number(here.1 / 10.0),
            Some(before) if before == here => continue,
            Some(before) => {
                page.markup("l").number((here.0 - before.0) / 10.0);
                page.markup(" ").number((here.1 - before.1) / 10.0)
            }
        };
        at = Some(here);
    }
    page.markup(match end {
        End::Closed => "Z",
        End::Open => "",
    });
}

/// The mark of a severity, for detections.
pub(super) fn severity_word(severity: u8) -> &'static str {
    Band::of(f64::from(severity)).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(view: &View, ring: &[(f64, f64)]) -> String {
        let mut page = Html::default();
        view.layer("<path d=\"", &[ring.to_vec()], End::Closed, &mut page);
        page.finish()
    }

    #[test]
    fn a_ring_across_the_date_line_is_drawn_on_both_sides() {
        let world = View::between(-180.0, 180.0, SOUTH, NORTH);
        let fiji = [(-16.0, 179.0), (-16.0, -179.0), (-19.0, -179.0), (-19.0, 179.0)];
        let drawn = path(&world, &fiji);
        assert_eq!(drawn.matches('M').count(), 2, "{drawn}");
        assert!(drawn.contains("M997.22") || drawn.contains("M997.2 "), "{drawn}");
    }

    #[test]
    fn a_circle_round_the_pole_closes_over_it() {
        let points = closed(&circle((85.0, 0.0), 1_500.0, 36));
        assert!(points.iter().any(|point| point.0 == 90.0));
        let round = closed(&circle((52.0, 179.0), 500.0, 36));
        assert!(round.iter().all(|point| point.0 < 60.0));
    }

    #[test]
    fn simple_shapes_stay_and_straight_lines_lose_their_middle() {
        let square = [(0.0, 0.0), (5.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)];
        assert_eq!(simplified(&square).len(), 5);
        assert_eq!(simplified(&[]), []);
    }

    proptest! {
        #[test]
        fn no_dropped_point_strays(
            points in proptest::collection::vec((0.0..100.0_f64, 0.0..100.0_f64), 0..60)
        ) {
            let kept = simplified(&points);
            for &point in &points {
                let nearest = kept.windows(2).map(|pair| stray(point, pair[0], pair[1]));
                let nearest = nearest.fold(f64::INFINITY, f64::min);
                prop_assert!(kept.len() < 2 || nearest <= STRAY_MIN + 1e-9);
            }
        }

        #[test]
        fn every_mark_is_inside_the_view(
            points in proptest::collection::vec((-55.0..80.0_f64, -180.0..180.0_f64), 1..20)
        ) {
            let mark = |&point: &(f64, f64)| Mark {
                point, word: "low", score: 1.0, addr: String::new(), where_is: String::new(),
                radius_km: None, hosts: 1,
            };
            let marks: Vec<Mark> = points.iter().map(mark).collect();
            let view = View::around(&marks.iter().collect::<Vec<_>>());
            for point in points {
                let (x, y) = view.project(point);
                prop_assert!((-0.01..=WIDTH + 0.01).contains(&x), "{x}");
                prop_assert!((-1.0..=view.height + 1.0).contains(&y), "{y} of {}", view.height);
            }
        }
    }
}
