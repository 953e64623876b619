//! The heads of a table: sort, widen, fit, move, hide.

use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{Cell, Column, Layout, PADDING, Standing, Table, TableEvents, TableState, hairline};
use crate::app::theme::{self, Palette, icon};
use crate::engine::workbench::Direction;

/// The narrowest a column can be made.
const WIDTH_MIN: f32 = 28.0;

/// The widest a column is made to fit its texts: longer ones are read in the inspector.
const FIT_MAX: f32 = 600.0;

/// One column where a person has put it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColumnPlace {
    /// Its number in [`Table::columns`].
    number: usize,
    /// Points wide, without what a growing column takes of the rest.
    width: f32,
    shown: bool,
}

/// A column's place, told by its title: what is kept from one run of the program to the next.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Arranged {
    /// Its title.
    pub title: String,
    /// Points wide.
    pub width: f32,
    /// Whether it is shown.
    pub shown: bool,
}

impl TableState {
    /// The columns as a person has put them; empty: as they were at first.
    pub fn arrangement(&self, columns: &[Column]) -> Vec<Arranged> {
        let mut first = Vec::new();
        complete(&mut first, columns);
        if self.columns == first {
            return Vec::new();
        }
        let arranged = |place: &ColumnPlace| {
            let title = columns.get(place.number)?.title.to_owned();
            Some(Arranged { title, width: place.width, shown: place.shown })
        };
        self.columns.iter().filter_map(arranged).collect()
    }

    /// The numbers of the columns shown, from the left.
    pub fn shown(&self, columns: &[Column]) -> Vec<usize> {
        let mut places = self.columns.clone();
        complete(&mut places, columns);
        places.iter().filter(|place| place.shown).map(|place| place.number).collect()
    }

    /// Puts the columns where they were. Titles that are not known (any more) are passed over,
    /// columns that are not named stand at the end.
    pub fn arrange(&mut self, columns: &[Column], arranged: &[Arranged]) {
        self.columns.clear();
        for wanted in arranged {
            let number = columns.iter().position(|column| column.title == wanted.title);
            let new = number.filter(|number| self.columns.iter().all(|at| at.number != *number));
            if let Some(number) = new {
                let width = if wanted.width.is_nan() { WIDTH_MIN } else { wanted.width };
                let width = width.clamp(WIDTH_MIN, FIT_MAX * 4.0);
                self.columns.push(ColumnPlace { number, width, shown: wanted.shown });
            }
        }
        complete(&mut self.columns, columns);
    }
}

/// Gives every column a place, and shows one at least.
pub(super) fn complete(places: &mut Vec<ColumnPlace>, columns: &[Column]) {
    if places.len() != columns.len() {
        places.retain(|place| place.number < columns.len());
        for (number, column) in columns.iter().enumerate() {
            if places.iter().all(|place| place.number != number) {
                places.push(ColumnPlace { number, width: column.width, shown: true });
            }
        }
    }
    if places.iter().all(|place| !place.shown)
        && let Some(first) = places.first_mut()
    {
        first.shown = true;
    }
}

/// A menu that ticks columns: the way to them by keyboard, and to those that are hidden.
pub fn columns_ui(ui: &mut Ui, state: &mut TableState, columns: &[Column]) {
    complete(&mut state.columns, columns);
    let shown = state.columns.iter().filter(|place| place.shown).count();
    for place in &mut state.columns {
        let Some(column) = columns.get(place.number) else { continue };
        // The last one stays: a table without columns could not be asked for others.
        let enabled = !place.shown || shown > 1;
        let tick = egui::Checkbox::new(&mut place.shown, column.title);
        ui.add_enabled(enabled, tick).on_hover_text(column.help);
    }
    ui.separator();
    if ui.button("Columns as at first").clicked() {
        state.columns.clear();
        ui.close();
    }
}

impl Table<'_> {
    /// Where the columns stand, and how many points find no room.
    pub(super) fn standings(&self, state: &mut TableState, inner: Rect) -> (Vec<Standing>, f32) {
        let shown = || state.columns.iter().enumerate().filter(|(_, place)| place.shown);
        let grows = |number: usize| self.columns.get(number).is_some_and(|column| column.grows);
        let fixed: f32 = shown().map(|(_, place)| place.width).sum();
        let growing = shown().filter(|(_, place)| grows(place.number)).count().max(1);
        let spare = ((inner.width() - fixed) / growing as f32).max(0.0);
        let over = (fixed - inner.width()).max(0.0);
        let scrolled = state.left.clamp(0.0, over);
        let mut left = inner.min.x - scrolled;
        let standing = |(place, at): (usize, &super::ColumnPlace)| {
            let width = if grows(at.number) { at.width + spare } else { at.width };
            left += width;
            Standing { number: at.number, place, left: left - width, width }
        };
        let standings = shown().map(standing).collect();
        state.left = scrolled;
        (standings, over)
    }

    /// Draws the heads; gives the place of a column that is to fit its texts.
    pub(super) fn heads(
        &self,
        ui: &mut Ui,
        state: &mut TableState,
        layout: &Layout,
        events: &mut TableEvents,
    ) -> Option<usize> {
        let palette = Palette::of(ui);
        ui.painter().rect_filled(layout.head, 0.0, palette.raised);
        let mut fit = None;
        for standing in &layout.columns {
            if standing.left > layout.head.max.x {
                break;
            }
            let Some(column) = self.columns.get(standing.number) else { continue };
            let at = pos2(standing.left, layout.head.min.y);
            let rect = Rect::from_min_size(at, vec2(standing.width, layout.row));
            let clip = rect.intersect(layout.head);
            let id = layout.id.with(("head", standing.number));
            let head = ui.interact(clip, id, Sense::click());
            let sorted = self.sorted.filter(|(by, _)| *by == standing.number);
            let arrow = match sorted {
                None => String::new(),
                Some((_, Direction::Up)) => format!(" {}", icon::UP),
                Some((_, Direction::Down)) => format!(" {}", icon::DOWN),
            };
            let name = format!("Sort by {}", column.title);
            head.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            let colour = match sorted.is_some() || head.hovered() || head.has_focus() {
                true => palette.text,
                false => palette.quiet,
            };
            let text = format!("{}{arrow}", column.head());
            let font = theme::text(theme::HEAD + 1.0);
            super::paint(ui, rect, clip, &text, font, colour, column.align());
            if head.clicked() {
                events.sort = Some(standing.number);
            }
            egui::Popup::context_menu(&head)
                .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| self.head_menu(ui, state, *standing, &mut fit));
            head.on_hover_text(column.help);
        }
        // Above the heads, so that a grip is hit on both sides of its edge.
        for standing in &layout.columns {
            if self.edge(ui, state, layout, *standing) {
                fit = Some(standing.place);
            }
        }
        let foot = layout.head.max.y - 0.5;
        ui.painter().hline(layout.head.x_range(), foot, hairline(ui));
        fit
    }

    fn head_menu(
        &self,
        ui: &mut Ui,
        state: &mut TableState,
        standing: Standing,
        fit: &mut Option<usize>,
    ) {
        let mut chosen = false;
        if ui.button("Fit to its texts").clicked() {
            *fit = Some(standing.place);
            chosen = true;
        }
        let places = &mut state.columns;
        let before = places.iter().take(standing.place).rposition(|place| place.shown);
        let after = places.iter().skip(standing.place + 1).position(|place| place.shown);
        let after = after.map(|steps| standing.place + 1 + steps);
        for (name, to) in [("Move left", before), ("Move right", after)] {
            let button = ui.add_enabled(to.is_some(), egui::Button::new(name));
            if let Some(to) = to.filter(|_| button.clicked()) {
                let column = places.remove(standing.place);
                places.insert(to, column);
                chosen = true;
                break;
            }
        }
        ui.separator();
        columns_ui(ui, state, self.columns);
        if chosen {
            ui.close();
        }
    }

    /// The edge by which a column is made wider; `true`: it was clicked twice, to fit.
    fn edge(&self, ui: &Ui, state: &mut TableState, layout: &Layout, standing: Standing) -> bool {
        let centre = pos2(standing.left + standing.width, layout.head.center().y);
        if !layout.head.expand(3.0).contains(centre) {
            return false;
        }
        let grip = Rect::from_center_size(centre, vec2(6.0, layout.row));
        let id = layout.id.with(("edge", standing.number));
        // Not by Tab: the head's menu fits and the window's settings keep.
        let edge = ui.interact(grip, id, Sense::CLICK | Sense::DRAG);
        if edge.hovered() || edge.dragged() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeColumn);
            ui.painter().vline(centre.x, layout.head.y_range(), hairline(ui));
        }
        let name = self.columns.get(standing.number).map_or("", |column| column.title);
        let name = format!("Width of {name}");
        edge.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, &name));
        if let Some(place) = state.columns.get_mut(standing.place).filter(|_| edge.dragged()) {
            place.width = (place.width + edge.drag_delta().x).max(WIDTH_MIN);
        }
        edge.double_clicked()
    }

    /// Makes a column as wide as its head and its widest text in sight.
    pub(super) fn fit<'c>(
        &self,
        ui: &Ui,
        state: &mut TableState,
        layout: &Layout,
        place: usize,
        cell: &dyn Fn(usize, usize) -> Cell<'c>,
    ) {
        let Some(at) = state.columns.get(place).copied() else { return };
        let Some(column) = self.columns.get(at.number) else { return };
        let width = |text: String, font| {
            ui.painter().layout_no_wrap(text, font, egui::Color32::PLACEHOLDER).size().x
        };
        // Room for the arrow of the sorted column.
        let head =
            width(format!("{} {}", column.head(), icon::DOWN), theme::text(theme::HEAD + 1.0));
        let first = state.top as usize;
        let count = self.rows_in_sight(layout).ceil() as usize + 1;
        let widest = (first..self.rows).take(count).map(|row| {
            let cell = cell(row, at.number);
            let mark = if cell.verdict.is_some() { 16.0 } else { 0.0 };
            match cell.wide {
                true => 0.0,
                false => {
                    let font = super::font(&cell);
                    mark + width(cell.text.into_owned(), font)
                }
            }
        });
        let widest = widest.fold(head, f32::max) + 2.0 * PADDING + 1.0;
        if let Some(place) = state.columns.get_mut(place) {
            place.width = widest.clamp(WIDTH_MIN, FIT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::text("Score", 70.0, ""),
        Column::text("Address", 140.0, ""),
        Column::number("Flows", 60.0, ""),
    ];

    fn shown(title: &str, width: f32) -> Arranged {
        Arranged { title: title.to_owned(), width, shown: true }
    }

    fn hidden(title: &str, width: f32) -> Arranged {
        Arranged { shown: false, ..shown(title, width) }
    }

    #[test]
    fn an_arrangement_is_kept_by_titles() {
        let mut state = TableState::default();
        state.arrange(&COLUMNS, &[]);
        assert_eq!(state.arrangement(&COLUMNS), [], "as at first: nothing to keep");
        let kept = [shown("Flows", 80.0), hidden("Score", 70.0), shown("Address", 200.0)];
        state.arrange(&COLUMNS, &kept);
        assert_eq!(state.arrangement(&COLUMNS), kept);
    }

    #[test]
    fn an_arrangement_of_another_version_is_used_as_far_as_it_goes() {
        let mut state = TableState::default();
        let kept = [shown("Flows", f32::INFINITY), shown("Gone", 50.0), shown("Flows", 90.0)];
        state.arrange(&COLUMNS, &kept);
        let now = state.arrangement(&COLUMNS);
        let titles: Vec<&str> = now.iter().map(|column| &*column.title).collect();
        assert_eq!(titles, ["Flows", "Score", "Address"]);
        assert!(now.iter().all(|column| column.width.is_finite()));
    }

    #[test]
    fn one_column_is_always_shown() {
        let mut state = TableState::default();
        let kept: Vec<Arranged> = COLUMNS.iter().map(|column| hidden(column.title, 60.0)).collect();
        state.arrange(&COLUMNS, &kept);
        assert_eq!(state.columns.iter().filter(|place| place.shown).count(), 1);
    }
}
