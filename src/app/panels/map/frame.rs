//! Where the map is, how a person moves it, and where a place lies on the screen.

use egui::{Key, Modifiers, Pos2, Rect, Ui, pos2};

use super::areas::Drawn;
use super::clusters::Clusters;
use super::labels::Labels;
use super::picture::PictureState;
use crate::engine::workbench::{Way, mercator};

/// The middle of the map at first: what the inhabited latitudes lie around.
const MIDDLE: (f64, f64) = (24.0, 10.0);

/// The part of the globe from south to north that the map shows at first, as a part of the unit
/// square: from Tasmania and Patagonia to the north of Norway, 45° south to 70° north.
const INHABITED: f64 = 0.42;

/// How often the globe goes round at most for that.
const ROUNDS_MAX: f64 = 1.15;

/// How far the map can be zoomed: at 14 a point is ten metres wide, finer than any place known.
const ZOOM_MAX: f64 = 14.0;

/// Points that a wheel turns for one step of zoom.
const WHEEL: f64 = 160.0;

/// Where the map is.
pub struct MapState {
    /// The place in the middle, in the unit square of [`mercator`].
    middle: [f64; 2],
    /// The world is 256 · 2^zoom points wide.
    pub(super) zoom: f64,
    /// Whether the person has moved it; before that it shows everything.
    moved: bool,
    /// The area that is being drawn.
    pub(super) drawn: Option<Drawn>,
    /// Whether the next drag draws a lasso.
    pub(super) lassoes: bool,
    /// What lies together on the screen, as long as zoom and hosts are the same.
    pub(super) clusters: Clusters,
    /// Names of towns, as long as the map stands still.
    pub(super) labels: Labels,
    /// The picture that is asked for.
    pub(super) picture: PictureState,
}

impl Default for MapState {
    fn default() -> Self {
        Self {
            middle: mercator(MIDDLE.0, MIDDLE.1),
            zoom: 1.0,
            moved: false,
            drawn: None,
            lassoes: false,
            clusters: Clusters::default(),
            labels: Labels::default(),
            picture: PictureState::default(),
        }
    }
}

impl MapState {
    pub(super) fn scale(&self) -> f64 {
        256.0 * self.zoom.exp2()
    }

    /// Zooms so that the place under a point of the screen stays there.
    pub(super) fn zoom_at(&mut self, by: f64, from_middle: [f64; 2]) {
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
    pub(super) fn settle(&mut self, rect: Rect) {
        if !self.moved {
            let (wide, high) = (f64::from(rect.width()), f64::from(rect.height()));
            let scale = (high / INHABITED).min(wide).max(wide / ROUNDS_MAX);
            self.zoom = (scale / 256.0).log2().clamp(0.0, ZOOM_MAX);
            self.middle = mercator(MIDDLE.0, MIDDLE.1);
        }
        self.middle = [self.middle[0].rem_euclid(1.0), self.middle[1].clamp(0.0, 1.0)];
    }

    /// What a person does with pointer, wheel and keys.
    pub(super) fn steer(&mut self, ui: &Ui, response: &egui::Response) {
        let drag = response.drag_delta();
        if response.drag_started() {
            let (held, from) = ui.input(|input| (input.modifiers, input.pointer.press_origin()));
            self.drawn = match from {
                Some(from) if held.shift => Some(Drawn::Box(from)),
                Some(from) if held.command || self.lassoes => Some(Drawn::Lasso(vec![from])),
                _ => None,
            };
            self.lassoes = false;
        }
        let held = ui.input(|input| input.modifiers);
        if response.hovered() && (held.shift || held.command || self.lassoes) {
            ui.set_cursor_icon(egui::CursorIcon::Crosshair);
        }
        if self.lassoes && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.lassoes = false;
        }
        if drag != egui::Vec2::ZERO && self.drawn.is_none() {
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

    /// Shows everything, as at first.
    pub(super) fn whole_world(&mut self) {
        self.moved = false;
    }

    /// Goes nearer to a place.
    pub(super) fn approach(&mut self, unit: [f64; 2], by: f64) {
        self.middle = unit;
        self.zoom = (self.zoom + by).clamp(0.0, ZOOM_MAX);
        self.moved = true;
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
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Home)) {
            self.whole_world();
        }
        for (key, by) in [(Key::Plus, 1.0), (Key::Equals, 1.0), (Key::Minus, -1.0)] {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                self.zoom_at(by, [0.0, 0.0]);
            }
        }
    }
}

/// From the unit square to the screen.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    /// The screen's place of the square's corner.
    origin: [f64; 2],
    /// Points on the screen that the square is wide.
    pub(super) scale: f64,
    pub(super) zoom: f64,
}

impl Frame {
    pub(super) fn new(rect: Rect, state: &MapState) -> Self {
        let (scale, centre) = (state.scale(), rect.center());
        let origin = [
            f64::from(centre.x) - state.middle[0] * scale,
            f64::from(centre.y) - state.middle[1] * scale,
        ];
        Self { rect, origin, scale, zoom: state.zoom }
    }

    pub(super) fn at(&self, [x, y]: [f64; 2], world: f64) -> Pos2 {
        let x = self.origin[0] + (x + world) * self.scale;
        let y = self.origin[1] + y * self.scale;
        pos2(x as f32, y as f32)
    }

    /// Where a point of the screen lies in the unit square; x goes on beyond it.
    pub(super) fn unit(&self, at: Pos2) -> [f64; 2] {
        let [x, y] = self.origin;
        [(f64::from(at.x) - x) / self.scale, (f64::from(at.y) - y) / self.scale]
    }

    pub(super) fn point(&self, [x, y]: [f32; 2], world: f64) -> Pos2 {
        self.at([f64::from(x), f64::from(y)], world)
    }

    /// The worlds in sight: the map goes on beyond ±180°.
    pub(super) fn worlds(&self) -> std::ops::RangeInclusive<i32> {
        let first = (f64::from(self.rect.min.x) - self.origin[0]) / self.scale;
        let last = (f64::from(self.rect.max.x) - self.origin[0]) / self.scale;
        (first.floor().max(-3.0) as i32)..=(last.floor().min(3.0) as i32)
    }

    pub(super) fn sees(&self, way: &Way, world: f64) -> bool {
        let [left, top, right, bottom] = way.bounds;
        let seen =
            Rect::from_min_max(self.point([left, top], world), self.point([right, bottom], world));
        seen.intersects(self.rect)
    }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

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
    fn home_shows_the_whole_world_again() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let mut state = MapState::default();
        state.settle(rect);
        let (middle, zoom) = (state.middle, state.zoom);
        state.zoom_at(3.0, [50.0, 20.0]);
        state.pan([100.0, 10.0]);
        state.settle(rect);
        assert_ne!((state.middle, state.zoom), (middle, zoom));
        state.whole_world();
        state.settle(rect);
        assert_eq!((state.middle, state.zoom), (middle, zoom));
    }
}
