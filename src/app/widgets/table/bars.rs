//! The scroll bars of a table: by rows down, by points sideways.

use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{BAR, Layout, Table, TableState};
use crate::app::theme::Palette;

impl Table<'_> {
    /// A bar at the foot where the columns are wider than the table.
    pub(super) fn sideways(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
        if layout.over <= 0.0 {
            return;
        }
        let foot = Rect::from_x_y_ranges(
            layout.body.x_range(),
            layout.body.max.y..=layout.body.max.y + BAR,
        );
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

    pub(super) fn bar(&self, ui: &Ui, state: &mut TableState, layout: &Layout) {
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
