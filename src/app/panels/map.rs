//! Map: where hosts are, as honestly as open data can say.

use egui::epaint::{Mesh, PathShape, Vertex, WHITE_UV};
use egui::{Align2, Color32, Key, Modifiers, Pos2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::{Panel, View, empty_ui, no_tools};
use crate::app::theme::{self, Palette, icon};
use crate::app::widgets::band;
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{
    DataState, Level, Places, Selected, Snapshot, Spot, Verdict, Way, mercator,
};
use crate::filter::{Cell, FieldId, Filter};

/// Hosts on a map.
pub const PANEL: Panel = Panel {
    title: "Map",
    icon: icon::MAP,
    help: "Hosts at their likeliest place. Shape and colour tell the highest band at a place, the \
           number how many hosts are there. A ring around the selected host holds it with 90 %. \
           Drag to move, wheel to zoom, click to select; drag with Shift to show the hosts in a \
           box alone. What it does not know: addresses behind \
           anycast and satellites have no single place; they are counted in the corner. Borders \
           are de facto (Natural Earth) and no statement on disputes.",
    ui,
    tools: no_tools,
};

/// Points on the screen within which spots are drawn as one.
const CLUSTER: f32 = 26.0;

/// From this zoom on, the finer shapes are drawn.
const FINE_FROM: f64 = 2.6;

/// Kilometres around the equator.
const EQUATOR_KM: f64 = 40_075.017;

/// The middle of the map at first: what the inhabited latitudes lie around.
const MIDDLE: (f64, f64) = (24.0, 10.0);

/// How far the map can be zoomed: at 14 a point is ten metres wide, finer than any place known.
const ZOOM_MAX: f64 = 14.0;

/// Points that a box must be wide and high.
const BOX_MIN: f32 = 4.0;

/// Hosts in a box that are named one by one in the filter.
const LISTED_MAX: usize = 20;

/// Points that a wheel turns for one step of zoom.
const WHEEL: f64 = 160.0;

/// Where the map is.
pub struct MapState {
    /// The place in the middle, in the unit square of [`mercator`].
    middle: [f64; 2],
    /// The world is 256 · 2^zoom points wide.
    zoom: f64,
    /// Whether the person has moved it; before that it shows everything.
    moved: bool,
    /// The corner where a box was begun.
    boxed: Option<Pos2>,
}

impl Default for MapState {
    fn default() -> Self {
        Self { middle: mercator(MIDDLE.0, MIDDLE.1), zoom: 1.0, moved: false, boxed: None }
    }
}

impl MapState {
    fn scale(&self) -> f64 {
        256.0 * self.zoom.exp2()
    }

    /// Zooms so that the place under a point of the screen stays there.
    fn zoom_at(&mut self, by: f64, from_middle: [f64; 2]) {
        let before = self.scale();
        self.zoom = (self.zoom + by).clamp(0.0, ZOOM_MAX);
        let after = self.scale();
        for (middle, from) in self.middle.iter_mut().zip(from_middle) {
            *middle += from / before - from / after;
        }
        self.moved = true;
    }

    fn pan(&mut self, points: [f64; 2]) {
        let scale = self.scale();
        for (middle, by) in self.middle.iter_mut().zip(points) {
            *middle -= by / scale;
        }
        self.moved = true;
    }

    /// Keeps the middle on the globe; east and west go round.
    fn settle(&mut self, rect: Rect) {
        if !self.moved {
            self.zoom = f64::from(rect.width() / 256.0).log2().clamp(0.0, ZOOM_MAX);
            self.middle = mercator(MIDDLE.0, MIDDLE.1);
        }
        self.middle = [self.middle[0].rem_euclid(1.0), self.middle[1].clamp(0.0, 1.0)];
    }

    /// What a person does with pointer, wheel and keys.
    fn steer(&mut self, ui: &Ui, response: &egui::Response) {
        let drag = response.drag_delta();
        if response.drag_started() {
            let (is_box, from) =
                ui.input(|input| (input.modifiers.shift, input.pointer.press_origin()));
            self.boxed = from.filter(|_| is_box);
        }
        if drag != egui::Vec2::ZERO && self.boxed.is_none() {
            self.pan([f64::from(drag.x), f64::from(drag.y)]);
        }
        if let Some(at) = response.hover_pos() {
            let from = at - response.rect.center();
            let from = [f64::from(from.x), f64::from(from.y)];
            let (wheel, pinch) =
                ui.input(|input| (input.smooth_scroll_delta.y, input.zoom_delta()));
            let by = f64::from(wheel) / WHEEL + f64::from(pinch).log2();
            if by != 0.0 {
                self.zoom_at(by, from);
            }
            if response.double_clicked() {
                self.zoom_at(1.0, from);
            }
        }
        if response.clicked() {
            response.request_focus();
        }
        if response.has_focus() {
            self.keys(ui, response);
        }
    }

    fn keys(&mut self, ui: &Ui, response: &egui::Response) {
        let arrows = egui::EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..egui::EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let step = f64::from(response.rect.width()) / 8.0;
        for (key, by) in [
            (Key::ArrowLeft, [step, 0.0]),
            (Key::ArrowRight, [-step, 0.0]),
            (Key::ArrowUp, [0.0, step]),
            (Key::ArrowDown, [0.0, -step]),
        ] {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                self.pan(by);
            }
        }
        for (key, by) in [(Key::Plus, 1.0), (Key::Equals, 1.0), (Key::Minus, -1.0)] {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                self.zoom_at(by, [0.0, 0.0]);
            }
        }
    }
}

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    if snapshot.hosts.all.is_empty() && !snapshot.case.is_growing {
        return empty_ui(ui, view, "No hosts yet", "Drop captures, logs or lists on the window");
    }
    let size = ui.available_size();
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| {
        let places = &snapshot.places;
        let name = format!("Map, {} hosts at {} places", places.rows.len(), places.spots.len());
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    let state = &mut view.memory.map;
    state.settle(rect);
    state.steer(ui, &response);
    state.settle(rect);
    let frame = Frame::new(rect, state);
    draw(ui, snapshot, &frame);
    let clusters = clusters(&snapshot.places, &frame);
    draw_selection(ui, snapshot, &frame);
    draw_clusters(ui, rect, &clusters);
    if let Some(cluster) = response.hover_pos().and_then(|at| nearest(&clusters, at)) {
        tooltip(ui, snapshot, cluster);
    }
    let clicked = response.interact_pointer_pos().filter(|_| response.clicked());
    if let Some(cluster) = clicked.and_then(|at| nearest(&clusters, at)) {
        choose(view, cluster);
    }
    box_ui(ui, view, &response, &frame);
    corner_ui(ui, view, rect);
}

/// A drag with Shift draws a box, and leaves the hosts inside.
fn box_ui(ui: &Ui, view: &mut View<'_>, response: &egui::Response, frame: &Frame) {
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
        let unit = mercator(f64::from(spot.lat), f64::from(spot.lon));
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

/// A click on one host selects it; on several, it goes nearer until they part.
fn choose(view: &mut View<'_>, cluster: &Cluster) {
    let hosts = &view.snapshot.hosts.all;
    let map = &mut view.memory.map;
    if cluster.spots > 1 && map.zoom < 9.0 {
        map.middle = mercator(cluster.lat, cluster.lon);
        map.zoom += 2.0;
        map.moved = true;
    }
    if let Some(&key) = hosts.keys.get(cluster.best as usize) {
        view.select(Selected::Host(key));
    }
}

/// From the unit square to the screen.
struct Frame {
    rect: Rect,
    /// The screen's place of the square's corner.
    origin: [f64; 2],
    /// Points on the screen that the square is wide.
    scale: f64,
    zoom: f64,
}

impl Frame {
    fn new(rect: Rect, state: &MapState) -> Self {
        let (scale, centre) = (state.scale(), rect.center());
        let origin = [
            f64::from(centre.x) - state.middle[0] * scale,
            f64::from(centre.y) - state.middle[1] * scale,
        ];
        Self { rect, origin, scale, zoom: state.zoom }
    }

    fn at(&self, [x, y]: [f64; 2], world: f64) -> Pos2 {
        let x = self.origin[0] + (x + world) * self.scale;
        let y = self.origin[1] + y * self.scale;
        pos2(x as f32, y as f32)
    }

    /// Where a point of the screen lies in the unit square; x goes on beyond it.
    fn unit(&self, at: Pos2) -> [f64; 2] {
        let [x, y] = self.origin;
        [(f64::from(at.x) - x) / self.scale, (f64::from(at.y) - y) / self.scale]
    }

    fn point(&self, [x, y]: [f32; 2], world: f64) -> Pos2 {
        self.at([f64::from(x), f64::from(y)], world)
    }

    /// The worlds in sight: the map goes on beyond ±180°.
    fn worlds(&self) -> std::ops::RangeInclusive<i32> {
        let first = (f64::from(self.rect.min.x) - self.origin[0]) / self.scale;
        let last = (f64::from(self.rect.max.x) - self.origin[0]) / self.scale;
        (first.floor().max(-3.0) as i32)..=(last.floor().min(3.0) as i32)
    }

    fn sees(&self, way: &Way, world: f64) -> bool {
        let [left, top, right, bottom] = way.bounds;
        let seen =
            Rect::from_min_max(self.point([left, top], world), self.point([right, bottom], world));
        seen.intersects(self.rect)
    }
}

fn draw(ui: &Ui, snapshot: &Snapshot, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    painter.rect_filled(frame.rect, 0.0, palette.water);
    let DataState::Ready(data) = &snapshot.data else { return };
    let level = if frame.zoom < FINE_FROM { &data.shapes.coarse } else { &data.shapes.fine };
    for world in frame.worlds() {
        let world = f64::from(world);
        draw_level(&painter, frame, level, world, palette);
    }
}

fn draw_level(
    painter: &egui::Painter,
    frame: &Frame,
    level: &Level,
    world: f64,
    palette: &Palette,
) {
    let coast = Stroke::new(0.8, palette.border);
    for (areas, colour) in [(&level.land, palette.land), (&level.water, palette.water)] {
        for area in areas.iter().filter(|area| frame.sees(&area.outline, world)) {
            let points: Vec<Pos2> =
                area.outline.points.iter().map(|&point| frame.point(point, world)).collect();
            let vertices = points.iter().map(|&pos| Vertex { pos, uv: WHITE_UV, color: colour });
            let mesh = Mesh {
                indices: area.triangles.clone(),
                vertices: vertices.collect(),
                ..Mesh::default()
            };
            painter.add(Shape::mesh(mesh));
            painter.add(Shape::Path(PathShape::closed_line(points, coast)));
        }
    }
    let border = Stroke::new(0.5, palette.border);
    for way in level.borders.iter().filter(|way| frame.sees(way, world)) {
        let points = way.points.iter().map(|&point| frame.point(point, world)).collect();
        painter.add(Shape::Path(PathShape::line(points, border)));
    }
}

/// Spots that lie together on the screen.
#[derive(Clone, Debug)]
struct Cluster {
    at: Pos2,
    lat: f64,
    lon: f64,
    count: u64,
    spots: u32,
    worst: Verdict,
    /// The row of the host with the highest score.
    best: u32,
}

/// Joins spots in cells of the screen; the cells hang on the world, so that they do not dance while
/// the map is moved.
fn clusters(places: &Places, frame: &Frame) -> Vec<Cluster> {
    let mut cells: std::collections::BTreeMap<(i64, i64), Cluster> =
        std::collections::BTreeMap::new();
    let grid = frame.scale / f64::from(CLUSTER);
    let near = frame.rect.expand(CLUSTER);
    for spot in &places.spots {
        let unit = mercator(f64::from(spot.lat), f64::from(spot.lon));
        let Some(&best) = places.hosts(spot).first() else { continue };
        for world in frame.worlds() {
            let at = frame.at(unit, f64::from(world));
            if !near.contains(at) {
                continue;
            }
            let cell = (
                ((unit[0] + f64::from(world)) * grid).floor() as i64,
                (unit[1] * grid).floor() as i64,
            );
            let new = Cluster {
                at,
                lat: f64::from(spot.lat),
                lon: f64::from(spot.lon),
                count: u64::from(spot.count),
                spots: 1,
                worst: spot.worst,
                best,
            };
            let joined = cells.entry(cell);
            joined
                .and_modify(|known| {
                    // The place of the largest stands for all.
                    if (new.worst, new.count) > (known.worst, known.count) {
                        (known.at, known.lat, known.lon) = (new.at, new.lat, new.lon);
                    }
                    known.count += new.count;
                    known.spots += 1;
                    known.worst = known.worst.max(new.worst);
                    known.best = known.best.min(new.best);
                })
                .or_insert(new);
        }
    }
    let mut clusters: Vec<Cluster> = cells.into_values().collect();
    clusters.sort_by_key(|cluster| (cluster.worst, cluster.count));
    clusters
}

fn size(cluster: &Cluster) -> f32 {
    4.0 + (cluster.count as f32).log10() * 2.5
}

fn draw_clusters(ui: &Ui, rect: Rect, clusters: &[Cluster]) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    for cluster in clusters {
        let radius = size(cluster);
        // A ring of the ground, so that marks stand out on each other.
        painter.circle_filled(cluster.at, radius + 2.0, palette.ground.gamma_multiply(0.7));
        band::mark(&painter, palette, cluster.at, radius, cluster.worst);
        if cluster.count > 1 {
            let at = cluster.at + vec2(radius + 3.0, 0.0);
            let text = grouped(cluster.count);
            let font = theme::text(theme::HEAD);
            painter.text(at, Align2::LEFT_CENTER, text, font, palette.text);
        }
    }
}

fn nearest(clusters: &[Cluster], at: Pos2) -> Option<&Cluster> {
    let within = clusters.iter().filter(|cluster| cluster.at.distance(at) < size(cluster) + 6.0);
    within.min_by(|a, b| a.at.distance(at).total_cmp(&b.at.distance(at)))
}

fn tooltip(ui: &Ui, snapshot: &Snapshot, cluster: &Cluster) {
    let hosts = &snapshot.hosts.all;
    let row = cluster.best as usize;
    let Some(key) = hosts.keys.get(row) else { return };
    let place = super::hosts::place(hosts, row);
    let text = match cluster.count {
        1 => format!("{}\n{place}\n{}", key.addr(), cluster.worst.as_str()),
        count => format!(
            "{} near {place}\nthe highest: {} ({})",
            counted(count, "host", "hosts"),
            key.addr(),
            cluster.worst.as_str()
        ),
    };
    egui::Tooltip::always_open(
        ui.ctx().clone(),
        ui.layer_id(),
        egui::Id::unique("map tooltip"),
        egui::PopupAnchor::Pointer,
    )
    .show(|ui| ui.label(text));
}

/// The ring that holds the selected host with 90 %, and arcs to its peers.
fn draw_selection(ui: &Ui, snapshot: &Snapshot, frame: &Frame) {
    let Some(selection) = &snapshot.selection else { return };
    let hosts = &snapshot.hosts.all;
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let place = |row: u32| {
        let [lat, lon] = *hosts.point.get(row as usize)?;
        (!lat.is_nan()).then_some((f64::from(lat), f64::from(lon)))
    };
    let Some((row, (lat, lon))) = selection.row.and_then(|row| Some((row, place(row)?))) else {
        return;
    };
    let from = frame.at(mercator(lat, lon), 0.0);
    let faint = Stroke::new(1.0, palette.accent.gamma_multiply(0.5));
    for peer in selection.peers.iter().filter_map(|peer| place(peer.row?)) {
        let to = frame.at(mercator(peer.0, peer.1), 0.0);
        painter.add(Shape::line(arc(from, to), faint));
    }
    let radius = f64::from(hosts.radius_km.get(row as usize).copied().unwrap_or(f32::NAN));
    if !radius.is_nan() {
        let ring = Stroke::new(1.5, palette.accent);
        for part in ring_points(lat, lon, radius, frame) {
            painter.add(Shape::line(part, ring));
        }
    }
    painter.circle_stroke(from, 9.0, Stroke::new(2.0, palette.accent));
}

/// A bow between two points: a quarter of their distance high.
fn arc(from: Pos2, to: Pos2) -> Vec<Pos2> {
    let middle = from.lerp(to, 0.5);
    let height = from.distance(to) * 0.25;
    let top = middle - vec2(0.0, height);
    let steps = 24_u8;
    (0..=steps)
        .map(|step| {
            let t = f32::from(step) / f32::from(steps);
            from.lerp(top, t).lerp(top.lerp(to, t), t)
        })
        .collect()
}

/// Points at a distance on the globe, by the direct formula on a sphere: on this map a circle is
/// not one, least of all near the poles. Cut where it crosses ±180°.
fn ring_points(lat: f64, lon: f64, radius_km: f64, frame: &Frame) -> Vec<Vec<Pos2>> {
    let (phi, distance) = (lat.to_radians(), radius_km / (EQUATOR_KM / std::f64::consts::TAU));
    let mut parts: Vec<Vec<Pos2>> = vec![Vec::new()];
    let mut last: Option<f64> = None;
    for step in 0..=180_u16 {
        let bearing = f64::from(step) / 180.0 * std::f64::consts::TAU;
        let sin = phi.sin() * distance.cos() + phi.cos() * distance.sin() * bearing.cos();
        let to = sin.clamp(-1.0, 1.0).asin();
        let east =
            (bearing.sin() * distance.sin() * phi.cos()).atan2(distance.cos() - phi.sin() * sin);
        let lon = (lon + east.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
        if last.is_some_and(|last| (lon - last).abs() > 180.0) {
            parts.push(Vec::new());
        }
        last = Some(lon);
        if let Some(part) = parts.last_mut() {
            part.push(frame.at(mercator(to.to_degrees(), lon), 0.0));
        }
    }
    parts
}

/// What has no place, zoom, and what the marks mean.
fn corner_ui(ui: &mut Ui, view: &mut View<'_>, rect: Rect) {
    let palette = Palette::of(ui);
    let without = view.snapshot.places.without.len();
    let painter = ui.painter().with_clip_rect(rect);
    let font = theme::text(theme::HEAD);
    let words = Verdict::ALL.map(|verdict| {
        (verdict, painter.layout_no_wrap(verdict.as_str().to_owned(), font.clone(), palette.quiet))
    });
    let width: f32 = words.iter().map(|(_, word)| word.size().x + 28.0).sum();
    let corner = rect.left_bottom() - vec2(-8.0, 30.0);
    let legend = Rect::from_min_size(corner, vec2(width + 4.0, 22.0));
    painter.rect_filled(legend, 4.0, palette.ground.gamma_multiply(0.85));
    let mut x = legend.min.x + 12.0;
    for (verdict, word) in words {
        band::mark(&painter, palette, pos2(x, legend.center().y), 4.5, verdict);
        let next = x + word.size().x + 28.0;
        let at = pos2(x + 9.0, legend.center().y - word.size().y / 2.0);
        painter.galley(at, word, palette.quiet);
        x = next;
    }
    if without > 0 {
        let text = format!("{} without a place", counted(without as u64, "host", "hosts"));
        let at = rect.right_bottom() - vec2(8.0, 8.0);
        let font = theme::text(theme::HEAD);
        let galley = painter.layout_no_wrap(text.clone(), font, palette.quiet);
        let place = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
        let response = ui.interact(place, ui.scope_id().with("without"), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, text.as_str()));
        painter.rect_filled(place.expand(4.0), 4.0, palette.ground.gamma_multiply(0.85));
        painter.galley(place.min, galley, Color32::PLACEHOLDER);
        if response.on_hover_text("Show these hosts alone").clicked() {
            view.filter_by(Filter::has(FieldId::Lat).not());
        }
    }
    zoom_ui(ui, view, rect);
}

fn zoom_ui(ui: &mut Ui, view: &mut View<'_>, rect: Rect) {
    let corner = Rect::from_min_size(rect.right_top() + vec2(-40.0, 8.0), vec2(32.0, 96.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(corner), |ui| {
        for (icon, name, by) in [
            (icon::PLUS, "Zoom in", 1.0),
            (icon::MINUS, "Zoom out", -1.0),
            (icon::WORLD, "Whole world", 0.0),
        ] {
            let button = ui.add(egui::Button::new(icon).min_size(vec2(28.0, 24.0)));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
            if button.on_hover_text(name).clicked() {
                let map = &mut view.memory.map;
                map.zoom_at(by, [0.0, 0.0]);
                map.moved = by != 0.0;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_under_the_pointer_stays_there_when_zoomed() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let mut state = MapState { moved: true, ..MapState::default() };
        let oslo = mercator(59.91, 10.75);
        let before = Frame::new(rect, &state).at(oslo, 0.0);
        let from = before - rect.center();
        state.zoom_at(2.5, [f64::from(from.x), f64::from(from.y)]);
        let after = Frame::new(rect, &state).at(oslo, 0.0);
        assert!(before.distance(after) < 0.01, "{before} {after}");
    }

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
    fn a_ring_around_the_pole_is_cut_at_the_edge_of_the_map() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let frame = Frame::new(rect, &MapState::default());
        let parts = ring_points(70.0, 179.0, 500.0, &frame);
        assert!(parts.len() > 1);
        let widest = |part: &Vec<Pos2>| {
            part.windows(2).map(|ends| ends[0].distance(ends[1])).fold(0.0, f32::max)
        };
        assert!(parts.iter().map(widest).fold(0.0, f32::max) < 60.0, "no line across the map");
    }
}
