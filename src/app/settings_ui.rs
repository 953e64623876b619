//! The dialog of settings. What is changed holds at once, and is kept a moment later.

use egui::{Context, RichText, Role, Slider, TextEdit, Ui, WidgetInfo};

use super::actions::Look;
use super::panels::section;
use super::settings::{Density, KEPT_DAYS, Settings, ZOOM_PERCENT};
use super::theme::Palette;
use super::times::Clock;
use super::units::{Lengths, Sizes};
use super::widgets::text::counted;
use crate::model::{Prefix, Visible};

/// The other number of days, before one is written.
const OTHER_DAYS: u32 = 180;

/// Points of the names before fields that stand below each other.
const NAME_WIDTH: f32 = 176.0;

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
            let height = ctx.content_rect().height() - 120.0;
            let scroll = egui::ScrollArea::vertical().max_height(height);
            scroll.min_scrolled_height(height).show(ui, |ui| {
                values_ui(ui, settings);
                self.networks_ui(ui, settings, &mut asked);
                kept_ui(ui, settings);
                section(ui, "Back to the beginning");
                ui.horizontal_wrapped(|ui| {
                    asked.places = ui.button("Views and columns as at first").clicked();
                    asked.recent = ui.button("Forget what was opened").clicked();
                });
                ui.add_space(8.0);
                let kept = RichText::new(kept).color(Palette::of(ui).quiet);
                ui.add(egui::Label::new(kept).wrap());
            });
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
        ui.label("Lengths");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut settings.lengths, Lengths::Km, "kilometres");
            ui.selectable_value(&mut settings.lengths, Lengths::Miles, "miles");
        });
        ui.end_row();
        ui.label("Sizes");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut settings.sizes, Sizes::Decimal, "kB, MB (1,000s)");
            ui.selectable_value(&mut settings.sizes, Sizes::Binary, "KiB, MiB (1,024s)");
        });
        ui.end_row();
    });
}

/// How long is kept what a person has not asked to keep.
fn kept_ui(ui: &mut Ui, settings: &mut Settings) {
    section(ui, "How long is kept");
    let quiet = Palette::of(ui).quiet;
    let told = |ui: &mut Ui, text: String| {
        ui.add(egui::Label::new(RichText::new(text).color(quiet)).wrap());
    };
    days_ui(ui, "History of places", "for ever", &mut settings.places_days);
    told(
        ui,
        match settings.places_days {
            None => "A case keeps where its hosts were said to be, whenever that changed. Nothing \
                     is deleted."
                .to_owned(),
            Some(days) => format!(
                "When a case is opened or saved, what was said more than {} ago of where its hosts \
                 are is deleted from it. That cannot be undone; copies, backups and exports keep \
                 it.",
                counted(u64::from(days), "day", "days")
            ),
        },
    );
    ui.add_space(4.0);
    days_ui(
        ui,
        "Cases that were not saved",
        "until deleted one by one",
        &mut settings.unsaved_days,
    );
    told(
        ui,
        match settings.unsaved_days {
            None => "They wait on the start page until you open or delete them.".to_owned(),
            Some(days) => format!(
                "Those older than {} are offered on the start page to be deleted together; none is \
                 deleted without your word.",
                counted(u64::from(days), "day", "days")
            ),
        },
    );
}

/// A number of days to choose; `None` is called `for_ever`.
fn days_ui(ui: &mut Ui, name: &str, for_ever: &str, days: &mut Option<u32>) {
    ui.horizontal(|ui| {
        let label = ui.label(name);
        // The fields of two such lines stand below each other.
        ui.add_space((NAME_WIDTH - label.rect.width()).max(0.0));
        let text = |days: Option<u32>| match days {
            None => for_ever.to_owned(),
            Some(days) => counted(u64::from(days), "day", "days"),
        };
        let chosen = egui::ComboBox::from_id_salt(name).selected_text(text(*days)).width(180.0);
        let shown = chosen.show_ui(ui, |ui| {
            for choice in [None, Some(30), Some(90), Some(365)] {
                ui.selectable_value(days, choice, text(choice));
            }
            let is_other = !matches!(days, None | Some(30 | 90 | 365));
            if ui.selectable_label(is_other, "another number").clicked() && !is_other {
                *days = Some(OTHER_DAYS);
            }
        });
        shown.response.labelled_by(label.id);
        if let Some(days) = days.as_mut().filter(|days| !matches!(days, 30 | 90 | 365)) {
            let field = egui::DragValue::new(days).range(KEPT_DAYS).suffix(" days");
            // While it is typed, a number that is not meant yet must not be heeded.
            ui.add(field.update_while_editing(false)).labelled_by(label.id);
        }
    });
}
