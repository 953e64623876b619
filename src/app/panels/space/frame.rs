//! Where the picture is, how a person moves it, and which cells lie where on the screen.

use std::net::Ipv4Addr;

use egui::{Key, Modifiers, Pos2, Rect, Stroke, StrokeKind, Ui, pos2};

use super::SpaceState;
use crate::app::theme::Palette;
use crate::engine::workbench::{
    LEVEL_MAX, Paint, PictureWish, SIDE, TILE_SIDE, TileKey, addr_of, square_of,
};
use crate::model::{Addr, Prefix};

/// Points of an address's cell at the nearest.
const CELL_MAX: f64 = 48.0;

/// Points that a wheel turns for twice the size.
const WHEEL: f64 = 160.0;

/// Points of the square that the pointer and the cursor name: as small as can be hit.
const POINTED: f64 = 14.0;

/// Points that a box must have to be meant.
const BOX_MIN: f32 = 8.0;

/// Points that the buttons beside the square take.
const BUTTONS: f64 = 48.0;

/// Points that the legend beside the square takes.
const LEGEND: f64 = 266.0;

/// Where the picture is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The middle of the screen, in cells.
    middle: [f64; 2],
    /// Points of one cell.
    cell: f64,
    /// Whether the person has moved it; before that it shows everything.
    moved: bool,
    /// The box that is being drawn.
    drawn: Option<Rect>,
}

impl Default for Place {
    fn default() -> Self {
        let half = f64::from(SIDE) / 2.0;
        Self { middle: [half, half], cell: 0.01, moved: false, drawn: None }
    }
}

impl Place {
    /// Keeps the middle on the square, and the square no smaller than the view.
    pub(super) fn settle(&mut self, rect: Rect) {
        let whole = whole_cell(rect);
        if !self.moved {
            let spare = f64::from(rect.width()) - whole * f64::from(SIDE);
            // In the middle, unless the legend needs more room beside it than that leaves.
            let left = (spare - BUTTONS).min(LEGEND).max(spare / 2.0);
            let middle =
                [f64::from(SIDE) / 2.0 - (left - spare / 2.0) / whole, f64::from(SIDE) / 2.0];
            *self = Self { middle, cell: whole, drawn: self.drawn, moved: false };
        }
        self.cell = self.cell.clamp(whole, CELL_MAX);
        for middle in &mut self.middle {
            *middle = middle.clamp(0.0, f64::from(SIDE));
        }
    }

    /// Shows everything, as at first.
    pub(super) fn whole(&mut self) {
        self.moved = false;
    }

    /// Makes it larger by a power of two, so that a place on the screen stays there.
    pub(super) fn zoom(&mut self, by: f64, from_middle: [f64; 2]) {
        let before = self.cell;
        self.cell = (self.cell * by.exp2()).min(CELL_MAX);
        for (middle, from) in self.middle.iter_mut().zip(from_middle) {
            *middle += from / before - from / self.cell;
        }
        self.moved = true;
    }

    fn pan(&mut self, points: [f64; 2]) {
        for (middle, by) in self.middle.iter_mut().zip(points) {
            *middle -= by / self.cell;
        }
        self.moved = true;
    }

    /// Shows a part of the screen as large as it goes.
    fn show_box(&mut self, part: Rect, rect: Rect) {
        let frame = Frame::new(rect, self);
        self.middle = frame.unit(part.center());
        let by = (rect.width() / part.width()).min(rect.height() / part.height());
        self.cell = (self.cell * f64::from(by)).min(CELL_MAX);
        self.moved = true;
    }

    /// Brings a cell into sight.
    fn follow(&mut self, cell: [u32; 2], rect: Rect) {
        let frame = Frame::new(rect, self);
        let at = frame.at(cell.map(f64::from));
        let room = rect.shrink(24.0_f32.min(rect.width().min(rect.height()) / 4.0));
        let to = pos2(at.x.clamp(room.min.x, room.max.x), at.y.clamp(room.min.y, room.max.y));
        if to != at {
            self.pan([f64::from(to.x - at.x), f64::from(to.y - at.y)]);
        }
    }

    /// What a person does with pointer and wheel.
    pub(super) fn steer(&mut self, ui: &Ui, response: &egui::Response) {
        let shift = ui.input(|input| input.modifiers.shift);
        if response.drag_started() && shift {
            let from = ui.input(|input| input.pointer.press_origin());
            self.drawn = from.map(|from| Rect::from_min_max(from, from));
        }
        if response.hovered() && shift {
            ui.set_cursor_icon(egui::CursorIcon::Crosshair);
        }
        match (&mut self.drawn, response.interact_pointer_pos()) {
            (Some(drawn), Some(at)) => drawn.max = at,
            (None, _) if response.dragged() => {
                let by = response.drag_delta();
                self.pan([f64::from(by.x), f64::from(by.y)]);
            }
            _ => {}
        }
        if response.drag_stopped()
            && let Some(drawn) = self.drawn.take()
        {
            let part = Rect::from_two_pos(drawn.min, drawn.max);
            if part.width().min(part.height()) >= BOX_MIN {
                self.show_box(part, response.rect);
            }
        }
        if let Some(at) = response.hover_pos() {
            let from = at - response.rect.center();
            let from = [f64::from(from.x), f64::from(from.y)];
            let (wheel, pinch) =
                ui.input(|input| (input.smooth_scroll_delta.y, input.zoom_delta()));
            let by = f64::from(wheel) / WHEEL + f64::from(pinch).log2();
            if by != 0.0 {
                self.zoom(by, from);
            }
        }
        if response.clicked() {
            response.request_focus();
        }
    }

    /// Draws the box that is being drawn.
    pub(super) fn draw_box(&self, ui: &Ui) {
        if let Some(drawn) = self.drawn {
            let accent = Palette::of(ui).accent;
            let part = Rect::from_two_pos(drawn.min, drawn.max);
            ui.painter().rect_filled(part, 0.0, accent.gamma_multiply(0.2));
            ui.painter().rect_stroke(part, 0.0, Stroke::new(1.0, accent), StrokeKind::Inside);
        }
    }
}

/// Points of a cell where the square just fits.
fn whole_cell(rect: Rect) -> f64 {
    let side = f64::from(rect.width().min(rect.height())).max(64.0);
    side / f64::from(SIDE)
}

impl SpaceState {
    /// Keys: arrows move the cursor, + and − zoom, Home shows everything; Enter gives the cell that
    /// is to be explored.
    pub(super) fn keys(&mut self, ui: &Ui, response: &egui::Response) -> Option<[u32; 2]> {
        if !response.has_focus() {
            return None;
        }
        let arrows = egui::EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..egui::EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let frame = Frame::new(response.rect, &self.place);
        let step = i64::from(frame.pointed_side());
        let middle = || frame.cell_at(response.rect.center()).unwrap_or([SIDE / 2; 2]);
        let cursor = self.cursor.unwrap_or_else(middle);
        for (key, by) in [
            (Key::ArrowLeft, [-step, 0]),
            (Key::ArrowRight, [step, 0]),
            (Key::ArrowUp, [0, -step]),
            (Key::ArrowDown, [0, step]),
        ] {
            if pressed(key) {
                let moved = |at: u32, by: i64| (i64::from(at) + by).clamp(0, i64::from(SIDE) - 1);
                let to = [moved(cursor[0], by[0]) as u32, moved(cursor[1], by[1]) as u32];
                self.cursor = Some(to);
                self.place.follow(to, response.rect);
            }
        }
        let at = frame.at(cursor.map(f64::from)) - response.rect.center();
        for (key, by) in [(Key::Plus, 1.0), (Key::Equals, 1.0), (Key::Minus, -1.0)] {
            if pressed(key) {
                self.cursor = Some(cursor);
                self.place.zoom(by, [f64::from(at.x), f64::from(at.y)]);
            }
        }
        if pressed(Key::Home) {
            self.place.whole();
        }
        pressed(Key::Enter).then_some(cursor)
    }
}

/// The address of a cell.
pub(super) fn addr(cell: [u32; 2]) -> Addr {
    Addr::V4(Ipv4Addr::from_bits(addr_of(cell.map(|at| at as u16))))
}

/// From cells to the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    /// The screen's place of the first cell.
    origin: [f64; 2],
    /// Points of one cell.
    pub(super) cell: f64,
}

impl Frame {
    pub(super) fn new(rect: Rect, place: &Place) -> Self {
        let centre = rect.center();
        let origin = [
            f64::from(centre.x) - place.middle[0] * place.cell,
            f64::from(centre.y) - place.middle[1] * place.cell,
        ];
        Self { rect, origin, cell: place.cell }
    }

    pub(super) fn at(&self, [x, y]: [f64; 2]) -> Pos2 {
        pos2((self.origin[0] + x * self.cell) as f32, (self.origin[1] + y * self.cell) as f32)
    }

    fn unit(&self, at: Pos2) -> [f64; 2] {
        let [x, y] = self.origin;
        [(f64::from(at.x) - x) / self.cell, (f64::from(at.y) - y) / self.cell]
    }

    /// Where a square of cells lies on the screen.
    pub(super) fn square(&self, corner: [u32; 2], sides: [u32; 2]) -> Rect {
        let far = [0, 1].map(|axis| f64::from(corner[axis]) + f64::from(sides[axis]));
        Rect::from_min_max(self.at(corner.map(f64::from)), self.at(far))
    }

    /// Where a prefix of IPv4 lies.
    pub(super) fn prefix(&self, prefix: Prefix) -> Rect {
        let (corner, sides) = square_of(super::ends(prefix).0, prefix.len());
        self.square(corner, sides)
    }

    /// The cell at a place of the screen; `None`: beside the square.
    pub(super) fn cell_at(&self, at: Pos2) -> Option<[u32; 2]> {
        let unit = self.unit(at);
        let is_inside = unit.iter().all(|at| (0.0..f64::from(SIDE)).contains(at));
        is_inside.then(|| unit.map(|at| at as u32))
    }

    /// Cells of a side of the square that pointer and cursor name.
    pub(super) fn pointed_side(&self) -> u32 {
        let cells = (POINTED / self.cell).max(1.0);
        (cells.ceil() as u32).next_power_of_two().min(SIDE)
    }

    /// The prefix that is named at a cell.
    pub(super) fn prefix_of(&self, cell: [u32; 2]) -> Prefix {
        let len = 32 - 2 * self.pointed_side().ilog2() as u8;
        let addr = addr(cell.map(|at| at.min(SIDE - 1)));
        Prefix::new(addr, len).unwrap_or_else(|| Prefix::host(addr))
    }

    /// The prefix under a place of the screen.
    pub(super) fn prefix_at(&self, at: Pos2) -> Option<Prefix> {
        self.cell_at(at).map(|cell| self.prefix_of(cell))
    }

    /// The cells in sight: first and last column and row.
    pub(super) fn sight(&self) -> [[u32; 2]; 2] {
        let clamp = |at: f64| at.clamp(0.0, f64::from(SIDE) - 1.0) as u32;
        [self.unit(self.rect.min).map(clamp), self.unit(self.rect.max).map(clamp)]
    }

    /// The level of tiles that is fine enough: a cell of theirs has about a point.
    pub(super) fn level(&self) -> u8 {
        let wanted = (self.cell * f64::from(SIDE) / TILE_SIDE as f64).log2() + 0.3;
        (wanted.floor().max(0.0) as u8).min(LEVEL_MAX)
    }

    /// The tiles in sight, those in the middle first.
    pub(super) fn tiles(&self) -> Vec<TileKey> {
        let level = self.level();
        let [from, to] = self.sight().map(|cell| TileKey::around(cell, level));
        let mut tiles: Vec<TileKey> = (from.y..=to.y)
            .flat_map(|y| (from.x..=to.x).map(move |x| TileKey { level, x, y }))
            .collect();
        let middle = [f64::from(from.x + to.x) / 2.0, f64::from(from.y + to.y) / 2.0];
        tiles.sort_by(|a, b| {
            let far = |key: &TileKey| {
                (f64::from(key.x) - middle[0]).powi(2) + (f64::from(key.y) - middle[1]).powi(2)
            };
            far(a).total_cmp(&far(b)).then(a.cmp(b))
        });
        tiles
    }

    pub(super) fn wish(&self, paint: &Paint) -> PictureWish {
        PictureWish { paint: paint.clone(), tiles: self.tiles() }
    }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    fn rect() -> Rect {
        Rect::from_min_size(pos2(100.0, 50.0), vec2(800.0, 600.0))
    }

    #[test]
    fn at_first_all_of_it_is_in_sight_and_home_brings_it_back() {
        let mut place = Place::default();
        place.settle(rect());
        let frame = Frame::new(rect(), &place);
        assert_eq!(frame.tiles()[0].level, frame.level());
        assert_eq!(frame.sight(), [[0, 0], [SIDE - 1, SIDE - 1]]);
        let square = frame.square([0, 0], [SIDE, SIDE]);
        assert!((square.height() - 600.0).abs() < 0.01, "{square:?}");
        place.zoom(6.0, [30.0, -40.0]);
        place.settle(rect());
        assert!(Frame::new(rect(), &place).level() > frame.level());
        place.whole();
        place.settle(rect());
        assert_eq!(Frame::new(rect(), &place).sight(), frame.sight());
    }

    #[test]
    fn what_is_under_the_pointer_stays_there_and_single_addresses_can_be_reached() {
        let mut place = Place::default();
        place.settle(rect());
        let at = pos2(300.0, 200.0);
        let before = Frame::new(rect(), &place).unit(at);
        let from = at - rect().center();
        for _ in 0..40 {
            place.zoom(1.0, [f64::from(from.x), f64::from(from.y)]);
            place.settle(rect());
        }
        let frame = Frame::new(rect(), &place);
        let after = frame.unit(at);
        assert!(
            (0..2).all(|axis| (before[axis] - after[axis]).abs() < 0.01),
            "{before:?} {after:?}"
        );
        assert_eq!(frame.level(), LEVEL_MAX);
        let prefix = frame.prefix_at(at).unwrap();
        assert_eq!(prefix.len(), 32, "no finer than an address");
        assert!(frame.prefix(prefix).contains(at));
        assert!(frame.tiles().len() <= 4);
    }

    #[test]
    fn a_box_fills_the_view() {
        let mut place = Place::default();
        place.settle(rect());
        let part = Rect::from_min_size(pos2(400.0, 200.0), vec2(80.0, 60.0));
        let wanted = Frame::new(rect(), &place).unit(part.center());
        place.show_box(part, rect());
        let frame = Frame::new(rect(), &place);
        let middle = frame.unit(rect().center());
        assert!((0..2).all(|axis| (wanted[axis] - middle[axis]).abs() < 1.0));
        assert!((frame.cell / whole_cell(rect()) - 10.0).abs() < 0.01);
    }

    #[test]
    fn no_more_tiles_are_in_sight_than_are_drawn_at_once() {
        let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(1_920.0, 1_080.0));
        let mut place = Place::default();
        for step in 0..60 {
            place.settle(screen);
            let frame = Frame::new(screen, &place);
            let many = frame.tiles().len();
            assert!(many <= crate::engine::workbench::TILES_ASKED_MAX, "step {step}: {many}");
            place.zoom(0.31, [0.0, 0.0]);
        }
    }
}
