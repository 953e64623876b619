//! A question over everything else: what it is about, air around it, closed by Escape.

use egui::{Context, Frame, Id, Margin, Modal, RichText, Ui};

use crate::app::theme::{self, Palette};

/// Points of a dialog's width.
const WIDTH: f32 = 520.0;

/// Draws a dialog. `true`: Escape was pressed, or the window beside it clicked.
pub fn dialog(ctx: &Context, title: &str, help: &str, ask: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::window(&ctx.global_style()).inner_margin(Margin::same(16));
    let modal = Modal::new(Id::unique(("dialog", title))).frame(frame).show(ctx, |ui| {
        ui.set_width(WIDTH);
        ui.label(RichText::new(title).font(theme::strong(theme::TITLE)));
        if !help.is_empty() {
            ui.label(RichText::new(help).color(Palette::of(ui).quiet));
        }
        ui.add_space(theme::SPACE);
        ask(ui);
    });
    modal.should_close()
}
