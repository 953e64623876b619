//! Two windows that only tell: what this is and whom to credit; all keys.

use egui::{Align2, Context, RichText, ScrollArea, Ui};

use super::actions::{Action, IN_VIEWS, shown_keys};
use super::theme::{self, Palette};
use crate::engine::workbench::{DataState, Snapshot};

/// Whom to credit for what is in the window itself.
const OWN: [(&str, &str); 3] = [
    ("Inter", "Rasmus Andersson, SIL Open Font License 1.1"),
    ("JetBrains Mono", "JetBrains, SIL Open Font License 1.1"),
    ("Phosphor Icons", "MIT"),
];

/// Draws the window about the program and its data.
pub(super) fn about_ui(ctx: &Context, open: &mut bool, snapshot: &Snapshot) {
    let window = egui::Window::new("About").open(open).collapsible(false);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    window.resizable(false).show(ctx, |ui| {
        ui.set_width(560.0);
        ui.label(RichText::new("InfraLock Workbench").font(theme::strong(theme::TITLE)));
        ui.label(format!("version {}, MIT or Apache-2.0", env!("CARGO_PKG_VERSION")));
        let what = "It opens no connection: all data below are in the program.";
        ui.label(RichText::new(what).color(Palette::of(ui).quiet));
        ui.separator();
        let height = (ui.ctx().content_rect().height() - 240.0).clamp(120.0, 420.0);
        ScrollArea::vertical().auto_shrink(false).max_height(height).show(ui, |ui| {
            match &snapshot.data {
                DataState::Opening => {
                    ui.label("The reference data are being opened …");
                }
                DataState::Failed(why) => {
                    ui.label(RichText::new(why).color(Palette::of(ui).failed));
                }
                DataState::Ready(data) => {
                    for source in &data.sources {
                        let date = source.date.as_deref().unwrap_or("undated");
                        credit_ui(ui, &format!("{}, {date}", source.id), &source.attribution);
                    }
                }
            }
            for (name, credit) in OWN {
                credit_ui(ui, name, credit);
            }
        });
    });
}

fn credit_ui(ui: &mut Ui, name: &str, credit: &str) {
    ui.label(RichText::new(name).font(theme::strong(theme::BODY)));
    ui.add(egui::Label::new(RichText::new(credit).color(Palette::of(ui).quiet)).wrap());
    ui.add_space(4.0);
}

/// Draws the keyboard map, from the same list as menus and palette.
pub(super) fn keys_ui(ctx: &Context, open: &mut bool, actions: &[Action]) {
    let window = egui::Window::new("Keyboard").open(open).collapsible(false);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    window.resizable(false).show(ctx, |ui| {
        ui.set_width(480.0);
        let height = (ui.ctx().content_rect().height() - 140.0).max(120.0);
        ScrollArea::vertical().auto_shrink(false).max_height(height).show(ui, |ui| {
            egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
                for action in actions.iter().filter(|action| !action.keys.is_empty()) {
                    let keys: Vec<String> = action.keys.iter().copied().map(shown_keys).collect();
                    key_ui(ui, &keys.join(", "), &action.path());
                }
                let mut place = "";
                for (where_, keys, what) in IN_VIEWS {
                    if *where_ != place {
                        ui.label(RichText::new(*where_).font(theme::strong(theme::HEAD)));
                        ui.end_row();
                        place = where_;
                    }
                    key_ui(ui, keys, what);
                }
            });
        });
    });
}

fn key_ui(ui: &mut Ui, keys: &str, what: &str) {
    ui.label(RichText::new(keys).font(theme::mono(theme::BODY - 0.5)));
    ui.label(what);
    ui.end_row();
}
