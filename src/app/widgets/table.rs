//! A table of any number of rows: only those in sight are laid out.
//!
//! The place in the list is counted in rows, not points: at a million rows of 22 points a 32-bit
//! offset in points no longer tells neighbours apart. Rows are asked for one cell at a time, so a
//! frame costs what is in sight (some 40 rows), whatever the length of the list.

use std::borrow::Cow;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, FontId, Id, Key, Modifiers, Rect, Response, Role, Sense, TextFormat, Ui,
    WidgetInfo, pos2, vec2,
};

use super::band;
use crate::app::theme::{self, Palette, ROW};
use crate::engine::workbench::{Direction, Verdict};

/// Space left and right in a cell.
const PADDING: f32 = 6.0;

/// The narrowest a column can be made.
const WIDTH_MIN: f32 = 28.0;

/// Width of the scroll bar.
const BAR: f32 = 10.0;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Head, with the unit.
    pub title: &'static str,
    /// Points wide at first.
    pub width: f32,
    /// Numbers stand right.
    pub right: bool,
    /// Takes what is left of the width.
    pub grows: bool,
    /// What it means, in a sentence.
    pub help: &'static str,
}

impl Column {
    /// Text, from the left.
    pub const fn text(title: &'static str, width: f32, help: &'static str) -> Self {
        Self { title, width, right: false, grows: false, help }
    }

    /// A number, to the right.
    pub const fn number(title: &'static str, width: f32, help: &'static str) -> Self {
        Self { title, width, right: true, grows: false, help }
    }

    const fn align(&self) -> Align2 {
        match self.right {
            true => Align2::RIGHT_CENTER,
            false => Align2::LEFT_CENTER,
        }
    }

    /// Takes what is left of the width.
    pub const fn growing(self) -> Self {
        Self { grows: true, ..self }
    }
}

/// What stands in one place.
#[derive(Clone, Debug, Default)]
pub struct Cell<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// In the family of addresses and numbers.
    pub mono: bool,
    /// Comes second.
    pub quiet: bool,
    /// A band's mark before it.
    pub verdict: Option<Verdict>,
}

impl<'a> Cell<'a> {
    /// Text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An address, a hash, a number.
    pub fn mono(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), mono: true, ..Self::default() }
    }

    /// What is not known.
    pub fn unknown() -> Self {
        Self { text: "–".into(), quiet: true, ..Self::default() }
    }

    /// The same, in the second place.
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }
}

/// What a table remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct TableState {
    /// The first row in sight, with its part that is scrolled away.
    top: f64,
    /// Points that are scrolled away to the left.
    left: f32,
    /// The row the keyboard stands on.
    pub cursor: Option<usize>,
    widths: Vec<f32>,
}

impl TableState {
    /// Puts the cursor on a row, and scrolls so that it is in sight.
    pub fn reveal(&mut self, row: usize) {
        if self.cursor != Some(row) {
            self.cursor = Some(row);
            self.top = row as f64 - 5.0;
        }
    }
}

/// What a person did with a table in this frame.
#[derive(Debug, Default)]
pub struct TableEvents {
    /// A head was clicked: its column.
    pub sort: Option<usize>,
    /// A row was clicked or reached by keyboard.
    pub select: Option<usize>,
}

/// A table about to be drawn.
pub struct Table<'a> {
    /// Its name, for people who cannot see it too.
    pub name: &'static str,
    /// Columns from the left.
    pub columns: &'a [Column],
    /// How many rows there are.
    pub rows: usize,
    /// The sorted column.
    pub sorted: Option<(usize, Direction)>,
}

/// Where the columns stand in this frame.
struct Layout {
    id: Id,
    head: Rect,
    body: Rect,
    bar: Rect,
    /// Points of the columns that find no room.
    over: f32,
    /// The left edge and width of each column.
    columns: Vec<(f32, f32)>,
}

impl Table<'_> {
    /// Draws the rows in sight. `cell` gives what stands in a row and column, `menu` fills the menu
    /// of a row that is clicked with the other button.
    pub fn show<'c>(
        &self,
        ui: &mut Ui,
        state: &mut TableState,
        cell: &dyn Fn(usize, usize) -> Cell<'c>,
        menu: &mut dyn FnMut(&mut Ui, usize),
    ) -> TableEvents {
        let mut events = TableEvents::default();
        let layout = self.layout(ui, state);
        let area = ui.interact(layout.body, layout.id, Sense::click_and_drag());
        let name = format!("{}, {} rows", self.name, self.rows);
        area.widget_info(|| WidgetInfo::labeled(Role::Grid, true, &name));
        self.scroll(ui, state, &layout);
        self.keys(ui, state, &layout, &area, &mut events);
        self.heads(ui, state, &layout, &mut events);
        self.body(ui, state, &layout, cell, menu, &mut events);
        self.bar(ui, state, &layout);
        self.sideways(ui, state, &layout);
        events
    }

    fn layout(&self, ui: &mut Ui, state: &mut TableState) -> Layout {
        if state.widths.len() != self.columns.len() {
            state.widths = self.columns.iter().map(|column| column.width).collect();
        }
        let size = ui.available_size().max(vec2(80.0, ROW * 3.0));
        let (whole, _) = ui.allocate_exact_size(size, Sense::hover());
        let inner = whole.with_max_x(whole.max.x - BAR);
        let fixed: f32 = state.widths.iter().sum();
        let growing = self.columns.iter().filter(|column| column.grows).count().max(1);
        let spare = ((inner.width() - fixed) / growing as f32).max(0.0);
        let over = (fixed - inner.width()).max(0.0);
        state.left = state.left.clamp(0.0, over);
        let mut left = inner.min.x - state.left;
        let columns = self.columns.iter().zip(&state.widths).map(|(column, &width)| {
            let width = if column.grows { width + spare } else { width };
            left += width;
            (left - width, width)
        });
        Layout {
            id: ui.scope_id().with(self.name),
            over,
            columns: columns.collect(),
            head: inner.with_max_y(inner.min.y + ROW),
            body: inner.with_min_y(inner.min.y + ROW),
            bar: whole.with_min_y(whole.min.y + ROW).with_min_x(inner.max.x),
        }
    }

    fn rows_in_sight(&self, layout: &Layout) -> f64 {
        f64::from(layout.body.height() / ROW)
    }

    fn clamp(&self, state: &mut TableState, layout: &Layout) {
        let last = (self.rows as f64 - self.rows_in_sight(layout)).max(0.0);
        state.top = state.top.clamp(0.0, last);
    }

    fn scroll(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
        if ui.rect_contains_pointer(layout.body) {
            let by = ui.input(|input| input.smooth_scroll_delta.y);
            state.top -= f64::from(by / ROW);
            state.left -= ui.input(|input| input.smooth_scroll_delta.x);
        }
        self.clamp(state, layout);
    }

    fn keys(
        &self,
        ui: &Ui,
        state: &mut TableState,
        layout: &Layout,
        area: &Response,
        events: &mut TableEvents,
    ) {
        if area.clicked() {
            area.request_focus();
        }
        if !area.has_focus() || self.rows == 0 {
            return;
        }
        ui.memory_mut(|memory| {
            let filter = egui::EventFilter { vertical_arrows: true, ..Default::default() };
            memory.set_focus_lock_filter(layout.id, filter);
        });
        let page = self.rows_in_sight(layout) as usize;
        let last = self.rows - 1;
        let at = state.cursor.unwrap_or(0).min(last);
        let steps: [(Key, usize); 6] = [
            (Key::ArrowDown, state.cursor.map_or(0, |at| (at + 1).min(last))),
            (Key::ArrowUp, at.saturating_sub(1)),
            (Key::PageDown, (at + page).min(last)),
            (Key::PageUp, at.saturating_sub(page)),
            (Key::Home, 0),
            (Key::End, last),
        ];
        for (key, to) in steps {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                state.cursor = Some(to);
                events.select = Some(to);
                let bottom = state.top + self.rows_in_sight(layout) - 1.0;
                if (to as f64) < state.top {
                    state.top = to as f64;
                } else if to as f64 > bottom {
                    state.top += to as f64 - bottom;
                }
            }
        }
        self.clamp(state, layout);
    }

    fn heads(
        &self,
        ui: &mut Ui,
        state: &mut TableState,
        layout: &Layout,
        events: &mut TableEvents,
    ) {
        let palette = Palette::of(ui);
        ui.painter().rect_filled(layout.head, 0.0, palette.raised);
        for (number, column) in self.columns.iter().enumerate() {
            let (left, width) = layout.columns[number];
            if left > layout.head.max.x {
                break;
            }
            let rect = Rect::from_min_size(pos2(left, layout.head.min.y), vec2(width, ROW));
            let clip = rect.intersect(layout.head);
            let head = ui.interact(clip, layout.id.with(("head", number)), Sense::click());
            let sorted = self.sorted.filter(|(by, _)| *by == number);
            let arrow = match sorted {
                None => "",
                Some((_, Direction::Up)) => " \u{f13c}",
                Some((_, Direction::Down)) => " \u{f136}",
            };
            let name = format!("Sort by {}", column.title);
            head.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            let colour = match sorted.is_some() || head.hovered() {
                true => palette.text,
                false => palette.quiet,
            };
            let text = format!("{}{arrow}", column.title);
            paint(ui, rect, clip, &text, theme::text(theme::HEAD + 1.0), colour, column.align());
            if head.clicked() {
                events.sort = Some(number);
            }
            head.on_hover_text(column.help);
            self.edge(ui, state, layout, number);
        }
        let line = egui::Stroke::new(1.0, palette.hairline);
        ui.painter().hline(layout.head.x_range(), layout.head.max.y - 0.5, line);
    }

    /// The edge by which a column is made wider.
    fn edge(&self, ui: &Ui, state: &mut TableState, layout: &Layout, number: usize) {
        let (left, width) = layout.columns[number];
        let centre = pos2(left + width, layout.head.center().y);
        let grip = Rect::from_center_size(centre, vec2(6.0, ROW));
        let edge = ui.interact(grip, layout.id.with(("edge", number)), Sense::drag());
        if edge.hovered() || edge.dragged() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeColumn);
        }
        if edge.dragged() {
            let width = &mut state.widths[number];
            *width = (*width + edge.drag_delta().x).max(WIDTH_MIN);
        }
    }

    fn body<'c>(
        &self,
        ui: &mut Ui,
        state: &mut TableState,
        layout: &Layout,
        cell: &dyn Fn(usize, usize) -> Cell<'c>,
        menu: &mut dyn FnMut(&mut Ui, usize),
        events: &mut TableEvents,
    ) {
        let palette = Palette::of(ui);
        let first = state.top.floor();
        let count = self.rows_in_sight(layout).ceil() as usize + 1;
        let mut top = layout.body.min.y - ((state.top - first) as f32) * ROW;
        for row in (first as usize..self.rows).take(count) {
            let whole =
                Rect::from_min_size(pos2(layout.body.min.x, top), vec2(layout.body.width(), ROW));
            top += ROW;
            let seen = whole.intersect(layout.body);
            if seen.height() <= 0.0 {
                continue;
            }
            let response = ui.interact(seen, layout.id.with(("row", row)), Sense::click());
            let ground = match (state.cursor == Some(row), response.hovered()) {
                (true, _) => Some(palette.selected),
                (false, true) => Some(palette.hovered),
                (false, false) => None,
            };
            if let Some(ground) = ground {
                ui.painter().rect_filled(seen, 0.0, ground);
            }
            let mut spoken = String::new();
            for (number, column) in self.columns.iter().enumerate() {
                let (left, width) = layout.columns[number];
                if left > layout.body.max.x {
                    break;
                }
                let cell = cell(row, number);
                if !cell.text.is_empty() {
                    spoken += if spoken.is_empty() { "" } else { ", " };
                    spoken += &cell.text;
                }
                let rect = Rect::from_min_size(pos2(left, whole.min.y), vec2(width, ROW));
                self.cell(ui, rect, seen, &cell, column);
            }
            response.widget_info(|| {
                WidgetInfo::selected(Role::Row, true, state.cursor == Some(row), &spoken)
            });
            if response.clicked() || response.secondary_clicked() {
                state.cursor = Some(row);
                events.select = Some(row);
                ui.memory_mut(|memory| memory.request_focus(layout.id));
            }
            response.context_menu(|ui| menu(ui, row));
        }
    }

    fn cell(&self, ui: &Ui, rect: Rect, clip: Rect, cell: &Cell<'_>, column: &Column) {
        let palette = Palette::of(ui);
        let clip = clip.intersect(rect);
        let mut rect = rect;
        if let Some(verdict) = cell.verdict {
            let at = pos2(rect.min.x + 12.0, rect.center().y);
            band::mark(&ui.painter().with_clip_rect(clip), palette, at, 4.5, verdict);
            rect.min.x += 16.0;
        }
        let font = match cell.mono {
            true => theme::mono(theme::BODY - 0.5),
            false => theme::text(theme::BODY),
        };
        let colour = if cell.quiet { palette.quiet } else { palette.text };
        paint(ui, rect, clip, &cell.text, font, colour, column.align());
    }

    /// A bar at the foot where the columns are wider than the table.
    fn sideways(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
        if layout.over <= 0.0 {
            return;
        }
        let foot = layout.body.with_min_y(layout.body.max.y - BAR);
        let bar = ui.interact(foot, layout.id.with("sideways"), Sense::click_and_drag());
        let name = format!("Scroll {} sideways", self.name);
        bar.widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, &name));
        let width = foot.width();
        let handle = width * width / (width + layout.over);
        if let Some(pointer) = bar.interact_pointer_pos() {
            let at = (pointer.x - foot.min.x - handle / 2.0) / (width - handle);
            state.left = (at * layout.over).clamp(0.0, layout.over);
        }
        let left = foot.min.x + state.left / layout.over * (width - handle);
        let at = pos2(left, foot.min.y + 3.0);
        let palette = Palette::of(ui);
        let colour = if bar.hovered() || bar.dragged() { palette.quiet } else { palette.border };
        ui.painter().rect_filled(Rect::from_min_size(at, vec2(handle, BAR - 4.0)), 3.0, colour);
    }

    fn bar(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
        let in_sight = self.rows_in_sight(layout);
        let rows = self.rows as f64;
        if rows <= in_sight {
            return;
        }
        let bar = ui.interact(layout.bar, layout.id.with("bar"), Sense::click_and_drag());
        let name = format!("Scroll {}", self.name);
        bar.widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, &name));
        let height = f64::from(layout.bar.height());
        let handle = (height * in_sight / rows).max(24.0);
        let last = rows - in_sight;
        if let Some(pointer) = bar.interact_pointer_pos() {
            let at = f64::from(pointer.y - layout.bar.min.y) - handle / 2.0;
            state.top = at / (height - handle).max(1.0) * last;
            self.clamp(state, layout);
        }
        let top = (state.top / last) * (height - handle);
        let handle = Rect::from_min_size(
            pos2(layout.bar.min.x + 2.0, layout.bar.min.y + top as f32),
            vec2(BAR - 4.0, handle as f32),
        );
        let palette = Palette::of(ui);
        let colour = if bar.hovered() || bar.dragged() { palette.quiet } else { palette.border };
        ui.painter().rect_filled(handle, 3.0, colour);
    }
}

/// One line of text in a cell, cut with an ellipsis.
fn paint(
    ui: &Ui,
    rect: Rect,
    clip: Rect,
    text: &str,
    font: FontId,
    colour: Color32,
    align: Align2,
) {
    let width = (rect.width() - 2.0 * PADDING).max(0.0);
    let format = TextFormat { font_id: font, color: colour, ..TextFormat::default() };
    let mut job = LayoutJob::single_section(text.to_owned(), format);
    job.wrap = TextWrapping::truncate_at_width(width);
    let galley = ui.painter().layout_job(job);
    let at = align.align_size_within_rect(galley.size(), rect.shrink2(vec2(PADDING, 0.0))).min;
    ui.painter().with_clip_rect(clip).galley(at, galley, colour);
}
