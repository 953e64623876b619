//! Banners: what a person should know of the whole, until it is put away.

use egui::{Frame, Margin, Panel as Bar, Role, Ui, WidgetInfo};

use super::theme::{Palette, icon};

/// Draws a line across the window; `true`: it was put away.
pub(super) fn banner_ui(ui: &mut Ui, name: &'static str, text: &str) -> bool {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.hovered).inner_margin(Margin::symmetric(12, 6));
    let shown = Bar::top(name).frame(frame).resizable(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.colored_label(palette.warned, icon::WARNING);
            let close = ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let close = ui.add(egui::Button::new(icon::CLOSE).frame(false));
                let what = format!("Put away: {name}");
                close.widget_info(|| WidgetInfo::labeled(Role::Button, true, &what));
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(text).wrap());
                });
                close.on_hover_text("Put away").clicked()
            });
            close.inner
        })
        .inner
    });
    shown.inner
}
