//! The case file in the window: saving, leaving, undo; cases that were not saved.

use std::path::{Path, PathBuf};

use egui::{Context, RichText, Ui, ViewportCommand};

use super::{View, section};
use crate::app::theme::Palette;
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::path_field::PathField;
use crate::app::widgets::text::counted;
use crate::engine::workbench::{CasePlace, Command, Existing, Recovered, Snapshot};
use crate::model::Visible;

/// Unsaved cases that are listed at first.
const RECOVERED_SHOWN: usize = 3;

/// Which question is asked.
#[derive(Clone, Debug, Default)]
pub struct CaseState {
    save: Option<PathField>,
    /// The window is to be closed over a case that is not saved.
    closing: bool,
    /// Closed once what was asked for is done.
    closed: bool,
    /// Whether all unsaved cases are listed.
    shows_all: bool,
    /// Unsaved cases of so many days are offered for deletion together; `None`: none are.
    pub offer_days: Option<u32>,
}

impl CaseState {
    /// Asks where to save.
    pub fn ask_where(&mut self) {
        self.save = Some(PathField::new("case.infralock"));
    }
}

/// Where the case lies, in a few words.
pub fn place_text(snapshot: &Snapshot) -> String {
    match &snapshot.case.place {
        CasePlace::Nowhere => "nothing opened".to_owned(),
        CasePlace::Unsaved(_) => "not saved yet".to_owned(),
        CasePlace::Temporary(_) => "not saved, ends with the window".to_owned(),
        CasePlace::File(path) => format!("saved in {}", name(path)),
        CasePlace::ReadOnly(path, _) => format!("{} is read-only", name(path)),
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Visible(&name).to_string()
}

/// Why it stands so, for who asks.
pub fn place_help(snapshot: &Snapshot) -> String {
    match &snapshot.case.place {
        CasePlace::Nowhere => "Open a file to begin a case".to_owned(),
        CasePlace::Unsaved(path) => {
            format!("Kept in {} until you save it; a crash loses nothing", path.display())
        }
        CasePlace::Temporary(None) => {
            "The example is not kept; save it as a case to keep it".to_owned()
        }
        CasePlace::Temporary(Some(why)) => format!("It could not be kept: {why}"),
        CasePlace::File(path) => {
            format!("Everything is in {} when it is done", path.display())
        }
        CasePlace::ReadOnly(_, why) => why.clone(),
    }
}

/// Draws what is asked, and asks where the window is closed over an unsaved case.
pub fn dialogs_ui(ctx: &Context, view: &mut View<'_>) {
    save_ui(ctx, view);
    let wants_to_close = ctx.input(|input| input.viewport().close_requested());
    let unsaved = !view.snapshot.case.is_empty()
        && matches!(
            view.snapshot.case.place,
            CasePlace::Unsaved(_) | CasePlace::Temporary(Some(_))
        );
    if wants_to_close && unsaved && !view.memory.case.closed {
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        view.memory.case.closing = true;
    }
    if view.memory.case.closing {
        closing_ui(ctx, view);
    }
}

fn save_ui(ctx: &Context, view: &mut View<'_>) {
    let Some(field) = &mut view.memory.case.save else { return };
    let mut saved = None;
    let help = "One file holds all that was read, and all you said. Captures stay where they are.";
    let left = dialog(ctx, "Save the case as", help, |ui| {
        saved = field.ui(ui, "Path of the case file", "Save");
    });
    let cancelled = left || saved.as_ref().is_some_and(Option::is_none);
    if let Some(Some(path)) = saved {
        // The button said what it would replace.
        let existing = if path.exists() { Existing::Replace } else { Existing::Keep };
        let path = match path.extension() {
            None => path.with_extension("infralock"),
            Some(_) => path,
        };
        view.wish(Command::SaveAs(path, existing));
        view.memory.case.save = None;
    } else if cancelled {
        view.memory.case.save = None;
    }
}

fn closing_ui(ctx: &Context, view: &mut View<'_>) {
    let close = |view: &mut View<'_>, discarded: bool| {
        if discarded {
            view.wish(Command::Discard);
        }
        view.memory.case.closed = true;
        ctx.send_viewport_cmd(ViewportCommand::Close);
    };
    let help = "Kept, it is offered when the window opens next.";
    let left = dialog(ctx, "This case is not saved yet", help, |ui| {
        ui.horizontal(|ui| {
            if ui.button("Save as …").clicked() {
                view.memory.case.closing = false;
                view.memory.case.ask_where();
            }
            if ui.button("Keep for next time").clicked() {
                close(view, false);
            }
            if ui.button("Discard").clicked() {
                close(view, true);
            }
            if ui.button("Go back").clicked() {
                view.memory.case.closing = false;
            }
        });
    });
    if left {
        view.memory.case.closing = false;
    }
}

/// Unsaved cases of earlier runs, on the start page.
pub fn recovered_ui(ui: &mut Ui, view: &mut View<'_>) {
    if view.snapshot.recovered.is_empty() {
        return;
    }
    section(ui, "Not saved last time");
    let quiet = Palette::of(ui).quiet;
    let mut opened: Option<PathBuf> = None;
    let mut discarded: Option<PathBuf> = None;
    let shown = if view.memory.case.shows_all { usize::MAX } else { RECOVERED_SHOWN };
    for case in view.snapshot.recovered.iter().take(shown) {
        ui.horizontal(|ui| {
            let made = case.made_text();
            if ui.button("Open").on_hover_text(format!("Open the case of {made}")).clicked() {
                opened = Some(case.path.clone());
            }
            if ui.button("Delete").on_hover_text("Deletes it for good").clicked() {
                discarded = Some(case.path.clone());
            }
            ui.label(made);
            let what = RichText::new(Visible(&case.what).to_string()).color(quiet);
            ui.add(egui::Label::new(what).truncate());
        });
    }
    let more = view.snapshot.recovered.len().saturating_sub(shown);
    if more > 0 && ui.small_button(format!("Show {more} older")).clicked() {
        view.memory.case.shows_all = true;
    }
    old_ui(ui, view);
    if let Some(path) = opened {
        view.wish(Command::Open(vec![path]));
    }
    if let Some(path) = discarded {
        view.wish(Command::DiscardRecovered(path));
    }
}

/// Offers to delete together the unsaved cases that are older than the person wants to keep them.
fn old_ui(ui: &mut Ui, view: &mut View<'_>) {
    let Some(days) = view.memory.case.offer_days else { return };
    let cases = view.snapshot.recovered.iter();
    let is_old = |case: &&Recovered| case.age_days.is_some_and(|age| age >= days);
    let old: Vec<PathBuf> = cases.filter(is_old).map(|case| case.path.clone()).collect();
    if old.is_empty() {
        return;
    }
    let those = counted(old.len() as u64, "case", "cases");
    ui.horizontal(|ui| {
        let what = format!("{those} of {days} days or older");
        ui.label(RichText::new(what).color(Palette::of(ui).warned));
        ui.menu_button(format!("Delete {those} …"), |ui| {
            ui.label("They go for good, with what was read and said in them.");
            if ui.button(format!("Delete {those}")).clicked() {
                old.into_iter().for_each(|path| view.wish(Command::DiscardRecovered(path)));
                ui.close();
            }
        });
    });
}
