//! The case's own sources: what it keeps of what it is judged by, and how to take it out.

use egui::{Grid, Label, RichText, Ui};

use crate::app::panels::{View, section};
use crate::app::theme::Palette;
use crate::app::times;
use crate::app::widgets::text::{bytes, visible};
use crate::engine::workbench::{Command, Deed, OwnContext, StoredSource};
use crate::model::{Timestamp, Visible};

/// Letters of a text that are shown at once.
const TEXT_MAX: usize = 40;

/// Draws what the case keeps; nothing where it keeps nothing.
pub(super) fn own_ui(ui: &mut Ui, view: &mut View<'_>) {
    let own = std::sync::Arc::clone(&view.snapshot.case.own);
    if own.is_empty() {
        return;
    }
    section(ui, "This case's own sources");
    let quiet = Palette::of(ui).quiet;
    let what = "Given with its files and kept in it: whoever opens the case judges by the same.";
    ui.add(Label::new(RichText::new(what).color(quiet)).wrap());
    let mut wish = None;
    Grid::new("own sources").num_columns(5).spacing([16.0, 4.0]).show(ui, |ui| {
        for source in &own.sources {
            source_ui(ui, source, &mut wish);
            ui.end_row();
        }
        let settings = [
            ("own networks", &own.mine, OwnContext::MINE),
            ("ages counted from", &own.at, OwnContext::AT),
        ];
        for (name, value, key) in settings {
            let Some(value) = value else { continue };
            ui.label(name);
            let value = match value.parse::<Timestamp>() {
                Ok(at) => format!("{} {}", times::shown(at), times::zone()),
                Err(_) => Visible(&value.replace('\n', ", ")).to_string(),
            };
            ui.label(cut(&value)).on_hover_text(&value);
            ui.label("");
            ui.label("");
            remove_ui(ui, name, "Ctrl+Z brings it back.", || {
                let key = key.to_owned();
                wish = Some(Command::Do(Deed::Setting { key, value: None }));
            });
            ui.end_row();
        }
    });
    if let Some(wish) = wish {
        view.wish(wish);
    }
}

fn source_ui(ui: &mut Ui, source: &StoredSource, wish: &mut Option<Command>) {
    let name = visible(&source.name);
    let short = name.rsplit('/').next().unwrap_or(&name);
    let path = visible(&source.path);
    ui.label(cut(short)).on_hover_text(format!(
        "{path}\nsha256 {}\nThe path is shown, and never opened",
        source.sha256
    ));
    ui.label(match &source.meaning {
        Some(meaning) => format!("{}, {}", source.kind.word(), visible(meaning)),
        None => source.kind.word().to_owned(),
    });
    let size = bytes(source.bytes);
    match source.is_kept {
        true => ui.label(size),
        false => {
            let told = RichText::new(format!("{size}, not kept")).color(Palette::of(ui).warned);
            ui.label(told).on_hover_text(
                "It was too large for a case: hosts are judged without it. Give it again on the \
                 command line, with --case.",
            )
        }
    };
    let since = times::shown(source.added);
    let day = since.split(' ').next().unwrap_or_default();
    ui.label(RichText::new(format!("since {day}")).color(Palette::of(ui).quiet));
    let id = source.id;
    remove_ui(ui, &name, "The case is judged without it from then on. No undo.", || {
        *wish = Some(Command::RemoveSource(id));
    });
}

/// A text of a grid, whose columns are as wide as their texts; whole on hover.
fn cut(text: &str) -> String {
    match text.chars().count() {
        0..=TEXT_MAX => text.to_owned(),
        _ => text.chars().take(TEXT_MAX - 1).chain(['…']).collect(),
    }
}

fn remove_ui(ui: &mut Ui, name: &str, help: &str, remove: impl FnOnce()) {
    let button = ui.menu_button("Remove …", |ui| {
        ui.label(help);
        if ui.button("Remove").clicked() {
            remove();
            ui.close();
        }
    });
    let name = format!("Remove {name} …");
    button
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name.as_str()));
}
