//! The dialog of settings. What is changed holds at once, and is kept a moment later.

use egui::{Context, RichText, Role, Slider, TextEdit, Ui, WidgetInfo};

use super::actions::Look;
use super::panels::section;
use super::settings::{Density, Settings, ZOOM_PERCENT};
use super::theme::Palette;
use super::times::Clock;
use crate::model::{Prefix, Visible};

/// What is being written in the dialog.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialog {
    /// Whether it is shown.
    pub(super) is_open: bool,
    /// The own networks as they are written; `None`: as they are set.
    networks: Option<String>,
}

/// What a person asked for that is more than a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Other own networks are set.
    pub(super) networks: bool,
    /// Views and columns are to stand as at first.
    pub(super) places: bool,
    /// What was opened is to be forgotten.
    pub(super) recent: bool,
}

impl Dialog {
    /// Draws it; `kept` says where the settings lie.
    pub(super) fn show(&mut self, ctx: &Context, settings: &mut Settings, kept: &str) -> Asked {
        let mut asked = Asked::default();
        let mut is_open = self.is_open;
        let window = egui::Window::new("Settings").open(&mut is_open).collapsible(false);
        let window = window.resizable(false).pivot(egui::Align2::CENTER_CENTER);
        window.default_pos(ctx.content_rect().center()).show(ctx, |ui| {
            ui.set_width(460.0);
            egui::ScrollArea::vertical().max_height(ctx.content_rect().height() - 80.0).show(
                ui,
                |ui| {
                    values_ui(ui, settings);
                    self.networks_ui(ui, settings, &mut asked);
                    section(ui, "Back to the beginning");
                    ui.horizontal_wrapped(|ui| {
                        asked.places = ui.button("Views and columns as at first").clicked();
                        asked.recent = ui.button("Forget what was opened").clicked();
                    });
                    ui.add_space(8.0);
                    let kept = RichText::new(kept).color(Palette::of(ui).quiet);
                    ui.add(egui::Label::new(kept).wrap());
                },
            );
        });
        if !is_open {
            self.networks = None;
        }
        self.is_open = is_open;
        asked
    }

    fn networks_ui(&mut self, ui: &mut Ui, settings: &mut Settings, asked: &mut Asked) {
        section(ui, "Own networks");
        let what = "One prefix a line: hosts within are yours, and stand apart in the score. \
                    Without any, private addresses are.";
        ui.add(egui::Label::new(RichText::new(what).color(Palette::of(ui).quiet)).wrap());
        let mut text = self.networks.clone().unwrap_or_else(|| settings.own_networks.join("\n"));
        let field = TextEdit::multiline(&mut text)
            .hint_text("192.0.2.0/24")
            .font(egui::TextStyle::Monospace)
            .desired_rows(3)
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        field.widget_info(|| {
            WidgetInfo::labeled(Role::MultilineTextInput, true, "Own networks, one a line")
        });
        if field.changed() {
            self.networks = Some(text.clone());
        }
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
        let wrong = lines.iter().find_map(|line| {
            let error = line.parse::<Prefix>().err()?;
            Some(format!("{}: {error}", Visible(line)))
        });
        if let Some(wrong) = &wrong {
            ui.label(RichText::new(wrong).color(Palette::of(ui).failed));
        }
        let is_other = lines != settings.own_networks;
        let apply = egui::Button::new("Use these networks");
        if ui.add_enabled(is_other && wrong.is_none(), apply).clicked() {
            settings.own_networks = lines.into_iter().map(str::to_owned).collect();
            self.networks = None;
            asked.networks = true;
        }
    }
}

fn values_ui(ui: &mut Ui, settings: &mut Settings) {
    egui::Grid::new("settings").num_columns(2).spacing([24.0, 8.0]).show(ui, |ui| {
        ui.label("Theme");
        ui.horizontal(|ui| {
            for (look, name) in Look::ALL {
                ui.selectable_value(&mut settings.look, look, name);
            }
        });
        ui.end_row();
        let label = ui.label("Size");
        let mut percent = settings.zoom_percent;
        // The rail stands on the ground of a dialog.
        ui.visuals_mut().widgets.inactive.bg_fill = Palette::of(ui).border;
        let slider = Slider::new(&mut percent, ZOOM_PERCENT).suffix(" %").step_by(5.0);
        let slider = ui.add(slider).labelled_by(label.id);
        // While it is dragged the slider would move away under the pointer.
        if !slider.dragged() || slider.drag_stopped() {
            settings.zoom_percent = percent;
        }
        ui.end_row();
        ui.label("Rows");
        ui.horizontal(|ui| {
            for (density, name) in Density::ALL {
                ui.selectable_value(&mut settings.density, density, name);
            }
        });
        ui.end_row();
        ui.label("Times");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut settings.clock, Clock::Utc, "UTC");
            ui.selectable_value(&mut settings.clock, Clock::Local, "local");
        });
        ui.end_row();
    });
}
