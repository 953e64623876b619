//! A table of any number of rows: only those in sight are laid out.
//!
//! The place in the list is counted in rows, not points: at a million rows of 22 points a 32-bit
//! offset in points no longer tells neighbours apart. Rows are asked for one cell at a time, so a
//! frame costs what is in sight (some 40 rows), whatever the length of the list. Columns are named
//! by their number in [`Table::columns`], wherever a person has put them.

mod bars;
mod heads;

pub use heads::{Arranged, columns_ui};

use std::borrow::Cow;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, Event, FontId, Id, Key, Modifiers, Rect, Response, Role, Sense, Stroke,
    TextFormat, Ui, WidgetInfo, pos2, vec2,
};

use self::heads::ColumnPlace;
use super::band;
use super::chosen::Pick;
use crate::app::theme::{self, Palette};
use crate::app::times;
use crate::engine::workbench::{Direction, Verdict};

/// Space left and right in a cell.
const PADDING: f32 = 6.0;

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
    /// Holds times: the head says in which zone.
    pub times: bool,
    /// What it means, in a sentence.
    pub help: &'static str,
}

impl Column {
    /// Text, from the left.
    pub const fn text(title: &'static str, width: f32, help: &'static str) -> Self {
        Self { title, width, right: false, grows: false, times: false, help }
    }

    /// A number, to the right.
    pub const fn number(title: &'static str, width: f32, help: &'static str) -> Self {
        Self { title, width, right: true, grows: false, times: false, help }
    }

    /// Times, from the left.
    pub const fn time(title: &'static str, help: &'static str) -> Self {
        Self { times: true, ..Self::text(title, 150.0, help) }
    }

    /// The title, with the zone of times.
    pub fn head(&self) -> Cow<'static, str> {
        match self.times {
            true => format!("{}, {}", self.title, times::zone()).into(),
            false => self.title.into(),
        }
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
    /// Goes on over the empty cells to its right: the name of a group.
    pub wide: bool,
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
    /// The columns in the person's order.
    columns: Vec<ColumnPlace>,
    /// A row that is to come into sight.
    sought: Option<usize>,
}

impl TableState {
    /// Puts the cursor on a row, and scrolls so that it is in sight.
    pub fn reveal(&mut self, row: usize) {
        if self.cursor != Some(row) {
            self.cursor = Some(row);
            self.sought = Some(row);
        }
    }
}

/// Whether the rows below a row that stands for several are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// They are.
    Open,
    /// They are not.
    Closed,
}

/// What a person did with a table in this frame.
#[derive(Debug, Default)]
pub struct TableEvents {
    /// A head was clicked: its column.
    pub sort: Option<usize>,
    /// A row was clicked or reached by keyboard.
    pub select: Option<usize>,
    /// What was done to the choice of rows.
    pub pick: Option<Pick>,
    /// A row was clicked, or Enter or Space pressed on it.
    pub activate: Option<usize>,
    /// Right or left was pressed on a row: opens or closes what it stands for.
    pub fold: Option<(usize, Fold)>,
    /// The chosen rows are to be copied.
    pub copy: bool,
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
    /// Whether a row is chosen.
    pub is_chosen: &'a dyn Fn(usize) -> bool,
}

/// Where things stand in this frame.
struct Layout {
    id: Id,
    /// Height of a row in points.
    row: f32,
    head: Rect,
    body: Rect,
    bar: Rect,
    /// Points of the columns that find no room.
    over: f32,
    /// The columns shown, from the left.
    columns: Vec<Standing>,
}

/// A column in this frame.
#[derive(Clone, Copy)]
struct Standing {
    /// Its number in [`Table::columns`].
    number: usize,
    /// Its place in the person's order.
    place: usize,
    left: f32,
    width: f32,
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
        let fit = self.heads(ui, state, &layout, &mut events);
        if let Some(column) = fit {
            self.fit(ui, state, &layout, column, cell);
        }
        self.body(ui, state, &layout, cell, menu, &mut events);
        self.bar(ui, state, &layout);
        self.sideways(ui, state, &layout);
        events
    }

    fn layout(&self, ui: &mut Ui, state: &mut TableState) -> Layout {
        heads::complete(&mut state.columns, self.columns);
        let row = theme::row(ui);
        let size = ui.available_size().max(vec2(80.0, row * 3.0));
        let (whole, _) = ui.allocate_exact_size(size, Sense::hover());
        let inner = whole.with_max_x(whole.max.x - BAR);
        let (columns, over) = self.standings(state, inner);
        // The bar below stands in no row.
        let foot = inner.max.y - if over > 0.0 { BAR } else { 0.0 };
        Layout {
            id: ui.scope_id().with(self.name),
            row,
            over,
            columns,
            head: inner.with_max_y(inner.min.y + row),
            body: inner.with_min_y(inner.min.y + row).with_max_y(foot),
            bar: whole.with_min_y(whole.min.y + row).with_min_x(inner.max.x).with_max_y(foot),
        }
    }

    fn rows_in_sight(&self, layout: &Layout) -> f64 {
        f64::from(layout.body.height() / layout.row)
    }

    fn clamp(&self, state: &mut TableState, layout: &Layout) {
        let in_sight = self.rows_in_sight(layout);
        if let Some(row) = state.sought.take() {
            // With some rows before it, as many as a low table has room for.
            state.top = row as f64 - (in_sight / 2.0 - 1.0).clamp(0.0, 5.0).floor();
        }
        let last = (self.rows as f64 - in_sight).max(0.0);
        state.top = state.top.clamp(0.0, last);
    }

    fn scroll(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
        if ui.rect_contains_pointer(layout.body) {
            let by = ui.input(|input| input.smooth_scroll_delta.y);
            state.top -= f64::from(by / layout.row);
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
            let filter = egui::EventFilter {
                vertical_arrows: true,
                horizontal_arrows: true,
                escape: true,
                ..Default::default()
            };
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
        let extends = ui.input(|input| input.modifiers.shift);
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        for (key, to) in steps {
            if pressed(Modifiers::NONE, key) {
                state.cursor = Some(to);
                events.select = Some(to);
                events.pick = Some(if extends { Pick::To(to) } else { Pick::Only(to) });
                let bottom = state.top + self.rows_in_sight(layout) - 1.0;
                if (to as f64) < state.top {
                    state.top = to as f64;
                } else if to as f64 > bottom {
                    state.top += to as f64 - bottom;
                }
            }
        }
        if pressed(Modifiers::COMMAND, Key::A) {
            events.pick = Some(Pick::All);
        }
        if pressed(Modifiers::NONE, Key::Escape) {
            events.pick = Some(Pick::Nothing);
        }
        if pressed(Modifiers::NONE, Key::Enter) || pressed(Modifiers::NONE, Key::Space) {
            events.activate = Some(at);
        }
        for (key, fold) in [(Key::ArrowRight, Fold::Open), (Key::ArrowLeft, Fold::Closed)] {
            if pressed(Modifiers::NONE, key) {
                events.fold = Some((at, fold));
            }
        }
        events.copy = ui.input(|input| input.events.contains(&Event::Copy));
        self.clamp(state, layout);
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
        let first = state.top.floor();
        let count = self.rows_in_sight(layout).ceil() as usize + 1;
        let mut top = layout.body.min.y - ((state.top - first) as f32) * layout.row;
        for row in (first as usize..self.rows).take(count) {
            let size = vec2(layout.body.width(), layout.row);
            let whole = Rect::from_min_size(pos2(layout.body.min.x, top), size);
            top += layout.row;
            let seen = whole.intersect(layout.body);
            if seen.height() <= 0.0 {
                continue;
            }
            // By Tab one comes to the table as a whole, and goes through its rows with arrows.
            let response = ui.interact(seen, layout.id.with(("row", row)), Sense::CLICK);
            let is_chosen = (self.is_chosen)(row);
            self.ground(ui, state, row, seen, &response);
            let spoken = self.row(ui, layout, row, whole, seen, cell);
            response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_chosen, &spoken));
            if response.clicked() || response.secondary_clicked() {
                self.clicked(ui, &response, row, events);
                state.cursor = Some(row);
                ui.memory_mut(|memory| memory.request_focus(layout.id));
            }
            response.context_menu(|ui| menu(ui, row));
        }
    }

    /// A click on a row, as lists everywhere understand it: alone, with Ctrl, with Shift. The other
    /// button opens the menu of all chosen rows if the row is one of them.
    fn clicked(&self, ui: &Ui, response: &Response, row: usize, events: &mut TableEvents) {
        let is_chosen = (self.is_chosen)(row);
        let modifiers = click_modifiers(ui);
        let pick = match (modifiers.shift, modifiers.command) {
            _ if response.secondary_clicked() && is_chosen => return,
            _ if response.secondary_clicked() => Pick::Only(row),
            (true, _) => Pick::To(row),
            (false, true) => Pick::Toggle(row),
            (false, false) => Pick::Only(row),
        };
        if pick == Pick::Only(row) && response.clicked() {
            events.activate = Some(row);
        }
        // A row that leaves the choice is not shown in the inspector.
        if pick != Pick::Toggle(row) || !is_chosen {
            events.select = Some(row);
        }
        events.pick = Some(pick);
    }

    fn ground(&self, ui: &Ui, state: &TableState, row: usize, seen: Rect, response: &Response) {
        let palette = Palette::of(ui);
        let ground = match ((self.is_chosen)(row), response.hovered()) {
            (true, _) => Some(palette.selected),
            (false, true) => Some(palette.hovered),
            (false, false) => None,
        };
        if let Some(ground) = ground {
            ui.painter().rect_filled(seen, 0.0, ground);
        }
        if state.cursor == Some(row) {
            // Among many chosen rows, the one that the inspector explains.
            let edge = seen.with_max_x(seen.min.x + 3.0);
            ui.painter().rect_filled(edge, 0.0, palette.accent);
        }
    }

    /// Draws the cells of a row; gives what a screen reader says of it.
    fn row<'c>(
        &self,
        ui: &Ui,
        layout: &Layout,
        row: usize,
        whole: Rect,
        seen: Rect,
        cell: &dyn Fn(usize, usize) -> Cell<'c>,
    ) -> String {
        let mut spoken = String::new();
        let mut wide: Option<(Rect, Cell<'c>, Column)> = None;
        for standing in &layout.columns {
            if standing.left > layout.body.max.x {
                break;
            }
            let Some(column) = self.columns.get(standing.number) else { continue };
            let cell = cell(row, standing.number);
            let at = pos2(standing.left, whole.min.y);
            let rect = Rect::from_min_size(at, vec2(standing.width, layout.row));
            if cell.text.is_empty() && cell.verdict.is_none() {
                if let Some((over, ..)) = &mut wide {
                    over.max.x = rect.max.x;
                }
                continue;
            }
            spoken += if spoken.is_empty() { "" } else { ", " };
            spoken += &cell.text;
            if let Some((rect, cell, column)) = wide.take() {
                self.cell(ui, rect, seen, &cell, &column);
            }
            match cell.wide {
                true => wide = Some((rect, cell, *column)),
                false => self.cell(ui, rect, seen, &cell, column),
            }
        }
        if let Some((rect, cell, column)) = wide {
            self.cell(ui, rect, seen, &cell, &column);
        }
        spoken
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
        let font = font(cell);
        let colour = if cell.quiet { palette.quiet } else { palette.text };
        paint(ui, rect, clip, &cell.text, font, colour, column.align());
    }
}

/// What was held when a button was let go: at the end of a slow frame it may not be any more.
fn click_modifiers(ui: &Ui) -> Modifiers {
    ui.input(|input| {
        let clicked = input.events.iter().rev().find_map(|event| match event {
            Event::PointerButton { pressed: false, modifiers, .. } => Some(*modifiers),
            _ => None,
        });
        clicked.unwrap_or(input.modifiers)
    })
}

fn font(cell: &Cell<'_>) -> FontId {
    match cell.mono {
        true => theme::mono(theme::BODY - 0.5),
        false => theme::text(theme::BODY),
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

/// The line that parts heads and rows.
fn hairline(ui: &Ui) -> Stroke {
    Stroke::new(1.0, Palette::of(ui).hairline)
}
