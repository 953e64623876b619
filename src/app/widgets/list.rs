//! A table whose rows are chosen and copied: what the tables of all views share.

use std::hash::Hash;

use egui::{Align2, Context, Id, Rect, Ui, vec2};

use super::chosen::{CHOSEN_MAX, Chosen};
use super::table::{Cell, Column, Table, TableEvents, TableState};
use super::text::grouped;
use crate::app::copy::{self, Fields, Form, Rows};
use crate::app::theme::{self, Palette};
use crate::engine::workbench::Direction;
use crate::model::Addr;

/// What a list remembers between frames.
#[derive(Clone, Debug)]
pub struct ListState<K> {
    /// Place, columns, cursor.
    pub table: TableState,
    /// The chosen rows.
    pub chosen: Chosen<K>,
}

impl<K> Default for ListState<K> {
    fn default() -> Self {
        Self { table: TableState::default(), chosen: Chosen::default() }
    }
}

impl<K: Copy + Eq + Hash> ListState<K> {
    /// Chooses a row that was selected elsewhere, and brings it into sight. `place` searches it.
    pub fn follow(&mut self, selected: K, place: impl FnOnce() -> Option<usize>) {
        if self.chosen.follow(Some(selected))
            && let Some(place) = place()
        {
            self.table.reveal(place);
        }
    }
}

/// A list about to be drawn: each function is asked for the rows in sight, and for those that are
/// copied.
pub struct List<'a, K> {
    /// Its name, for people who cannot see it too.
    pub name: &'static str,
    /// Columns, in the order at first.
    pub columns: &'a [Column],
    /// How many rows there are.
    pub rows: usize,
    /// The sorted column.
    pub sorted: Option<(usize, Direction)>,
    /// What a row is, wherever it stands; `None`: nothing that can be chosen.
    pub key: &'a dyn Fn(usize) -> Option<K>,
    /// What stands in a row and column.
    pub cell: &'a dyn Fn(usize, usize) -> Cell<'a>,
    /// The exact values of a row, the same names in each.
    pub exact: &'a dyn Fn(usize) -> Fields,
    /// The addresses that a row is about.
    pub addrs: &'a dyn Fn(usize) -> Vec<Addr>,
}

impl<K: Copy + Eq + Hash> List<'_, K> {
    /// Draws it, and does what a person does to the choice of rows. `menu` fills the menu of a row,
    /// which is that of all chosen rows if it is one of them.
    pub fn show(
        &self,
        ui: &mut Ui,
        state: &mut ListState<K>,
        menu: &mut dyn FnMut(&mut Ui, usize, &Chosen<K>),
    ) -> TableEvents {
        let ListState { table: place, chosen } = state;
        let table = Table {
            name: self.name,
            columns: self.columns,
            rows: self.rows,
            sorted: self.sorted,
            is_chosen: &|row| (self.key)(row).is_some_and(|key| chosen.contains(key)),
        };
        let mut form = None;
        let whole = ui.available_rect_before_wrap();
        let events = table.show(ui, place, self.cell, &mut |ui, row| {
            menu(ui, row, chosen);
            if (self.key)(row).is_some() {
                ui.separator();
                form = copy::menu_ui(ui, &(self.addrs)(row)).or(form);
            }
        });
        if let Some(pick) = &events.pick {
            chosen.pick(pick, self.rows, self.key);
            ui.ctx().data_mut(|data| data.insert_temp(used_id(), self.name));
        }
        let form = form.or(events.copy.then_some(Form::Text));
        if let Some(form) = form.or_else(|| asked_to_copy(ui.ctx(), self.name)) {
            let rows = chosen.rows(self.rows, place.cursor, self.key);
            if !rows.is_empty() {
                ui.copy_text(self.copied(place, &rows, form));
            }
        }
        foot(ui, whole, chosen);
        events
    }

    fn copied(&self, place: &TableState, rows: &[usize], form: Form) -> String {
        let columns = place.shown(self.columns);
        let heads: Vec<_> = columns.iter().map(|&number| self.columns[number].head()).collect();
        let heads: Vec<&str> = heads.iter().map(|head| &**head).collect();
        let shown = |row: usize, at: usize| {
            let column = columns.get(at).copied().unwrap_or_default();
            (self.cell)(row, column).text.into_owned()
        };
        let rows =
            Rows { rows, heads: &heads, shown: &shown, exact: self.exact, addrs: self.addrs };
        rows.write(form)
    }
}

/// The table that was used last, by name: what the Edit menu's copies are of.
fn used_id() -> Id {
    Id::unique("list used last")
}

fn asked_id() -> Id {
    Id::unique("list asked to copy")
}

/// Asks the table that was used last to copy its chosen rows, in the next frame.
pub fn ask_to_copy(ctx: &Context, form: Form) {
    ctx.data_mut(|data| data.insert_temp(asked_id(), form));
    ctx.request_repaint();
}

/// What a list was asked for, if it is the one that was used last.
fn asked_to_copy(ctx: &Context, name: &'static str) -> Option<Form> {
    let is_used = ctx.data(|data| data.get_temp::<&'static str>(used_id())) == Some(name);
    is_used.then(|| ctx.data_mut(|data| data.remove_temp(asked_id()))).flatten()
}

/// Says how many rows are chosen, once that cannot be seen at a glance.
fn foot<K: Copy + Eq + Hash>(ui: &Ui, whole: Rect, chosen: &Chosen<K>) {
    let text = match (chosen.len(), chosen.is_cut()) {
        (0 | 1, _) => return,
        (count, false) => format!("{} chosen", grouped(count as u64)),
        (_, true) => format!("only the first {} chosen", grouped(CHOSEN_MAX as u64)),
    };
    let palette = Palette::of(ui);
    let galley = ui.painter().layout_no_wrap(text, theme::text(theme::HEAD), palette.text);
    let at = whole.right_bottom() - vec2(24.0, 16.0);
    let place = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
    ui.painter().rect_filled(place.expand2(vec2(8.0, 4.0)), 4.0, palette.hovered);
    ui.painter().galley(place.min, galley, palette.text);
}
