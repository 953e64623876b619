//! Hand over: which hosts, in which form, how far it may go, and where to.
//!
//! The engine writes; its answer comes with a later snapshot and stands in the dialog, which stays
//! open so that one can see what happened and hand over in a second form.

use egui::{Align, ComboBox, Grid, Label, Layout, RichText, Spinner, Ui};

use super::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::path_field::PathField;
use crate::app::widgets::text::counted;
use crate::engine::Existing;
use crate::engine::workbench::{Command, HandOver, HostSet, SavedOutcome, Snapshot, Target};
use crate::export::handover::{FORMATS, Tlp};
use crate::model::{HostKey, Visible};

/// What the dialog remembers; closed, it keeps format and marking for the next time.
#[derive(Clone, Debug, Default)]
pub struct HandOverState {
    is_open: bool,
    which: Which,
    /// Hosts that were chosen before it was opened.
    chosen: Vec<HostKey>,
    /// Place in [`FORMATS`].
    format: usize,
    tlp: Tlp,
    file: PathField,
    /// The name in the field unless another was typed: it follows the format.
    proposed: String,
    answers: Answers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    Shown,
    Chosen,
}

impl HandOverState {
    /// Opens the dialog for all hosts shown; `chosen` are offered beside them.
    pub fn open(&mut self, chosen: Vec<HostKey>) {
        self.show(Which::Shown, chosen);
    }

    /// Opens the dialog for these hosts.
    pub fn open_for(&mut self, chosen: Vec<HostKey>) {
        self.show(Which::Chosen, chosen);
    }

    fn show(&mut self, which: Which, chosen: Vec<HostKey>) {
        (self.is_open, self.which, self.chosen) = (true, which, chosen);
        self.answers.forget();
    }
}

/// What the engine said about the last wish of a dialog that writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// The newest answer when the wish was sent.
    before: u32,
    is_waiting: bool,
    outcome: Option<SavedOutcome>,
}

impl Answers {
    /// A wish was sent: the next answer is its.
    pub(super) fn expect(&mut self, snapshot: &Snapshot) {
        self.before = snapshot.saved.as_ref().map_or(0, |saved| saved.number);
        (self.is_waiting, self.outcome) = (true, None);
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes the answer if it has come; a text goes to the clipboard at once.
    pub(super) fn hear(&mut self, ui: &Ui, snapshot: &Snapshot) {
        let Some(saved) = snapshot.saved.as_ref().filter(|_| self.is_waiting) else { return };
        if saved.number <= self.before {
            return;
        }
        if let SavedOutcome::Text(text, _) = &saved.outcome {
            ui.copy_text(text.to_string());
        }
        (self.is_waiting, self.outcome) = (false, Some(saved.outcome.clone()));
    }

    /// Draws where it stands; `true`: the person wants the file replaced that is there.
    pub(super) fn ui(&self, ui: &mut Ui) -> bool {
        let palette = Palette::of(ui);
        let mut is_replaced = false;
        ui.horizontal_wrapped(|ui| match &self.outcome {
            None if self.is_waiting => {
                ui.add(Spinner::new().size(theme::BODY));
                ui.label(RichText::new("writing").color(palette.quiet));
            }
            None => {}
            Some(SavedOutcome::Written(what) | SavedOutcome::Text(_, what)) => {
                ui.label(first_upper(what));
            }
            Some(SavedOutcome::Exists(path)) => {
                let path = path.display().to_string();
                let there = format!("{} is there already.", Visible(&path));
                ui.label(RichText::new(there).color(palette.warned));
                is_replaced = ui.button("Replace it").clicked();
            }
            Some(SavedOutcome::Failed(why)) => {
                ui.label(RichText::new(first_upper(why)).color(palette.failed));
            }
        });
        is_replaced
    }
}

fn first_upper(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Draws the dialog, if it is open.
pub fn dialog_ui(ui: &mut Ui, view: &mut View<'_>) {
    if !view.memory.handover.is_open {
        return;
    }
    let mut state = std::mem::take(&mut view.memory.handover);
    state.answers.hear(ui, view.snapshot);
    let left = dialog(ui.ctx(), "Hand over", "", |ui| {
        let grid = Grid::new("hand over").num_columns(2).spacing([16.0, 10.0]);
        grid.min_col_width(56.0).show(ui, |ui| rows_ui(ui, view.snapshot, &mut state));
        ui.add_space(theme::SPACE);
        targets_ui(ui, view, &mut state);
    });
    if left {
        state.is_open = false;
    }
    view.memory.handover = state;
}

fn rows_ui(ui: &mut Ui, snapshot: &Snapshot, state: &mut HandOverState) {
    let quiet = Palette::of(ui).quiet;
    // Beside the first line of what is asked, which may have two.
    let head = |ui: &mut Ui, text: &str| {
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
            ui.add_space(3.0);
            ui.add(Label::new(RichText::new(text).color(quiet)).extend());
        });
    };
    head(ui, "Hosts");
    ui.vertical(|ui| {
        let shown = counted(snapshot.hosts.shown.len() as u64, "host", "hosts");
        ui.radio_value(&mut state.which, Which::Shown, format!("All shown: {shown}"));
        let chosen = match state.chosen.as_slice() {
            [] => return,
            [one] => format!("Only {}", one.addr()),
            many => format!("The {} selected", counted(many.len() as u64, "host", "hosts")),
        };
        ui.radio_value(&mut state.which, Which::Chosen, chosen);
    });
    ui.end_row();

    head(ui, "Format");
    ui.vertical(|ui| {
        let name = FORMATS.get(state.format).map_or("", |format| format.name);
        ComboBox::from_id_salt("format").selected_text(name).width(220.0).show_ui(ui, |ui| {
            for (number, format) in FORMATS.iter().enumerate() {
                ui.selectable_value(&mut state.format, number, format.name)
                    .on_hover_text(format.what);
            }
        });
        let what = FORMATS.get(state.format).map_or("", |format| format.what);
        ui.label(RichText::new(what).color(quiet));
    });
    ui.end_row();

    head(ui, "Marking");
    ui.vertical(|ui| {
        ui.horizontal(|ui| {
            for tlp in Tlp::ALL {
                ui.selectable_value(&mut state.tlp, tlp, tlp.label());
            }
        });
        ui.label(RichText::new(first_upper(state.tlp.meaning())).color(quiet));
    });
    ui.end_row();
}

/// `infralock-hosts.json`: a name until the person types another.
fn proposed(format: usize) -> String {
    let Some(format) = FORMATS.get(format) else { return String::new() };
    let name = match format.id {
        "stix" | "misp" => format!("hosts.{}", format.id),
        _ => "hosts".to_owned(),
    };
    format!("infralock-{name}.{}", format.extension)
}

fn targets_ui(ui: &mut Ui, view: &mut View<'_>, state: &mut HandOverState) {
    let quiet = Palette::of(ui).quiet;
    let proposed = proposed(state.format);
    if state.proposed != proposed && state.file.path().as_os_str() == state.proposed.as_str() {
        state.file = PathField::new(&proposed);
        state.proposed = proposed;
    }
    let mut wish = None;
    if state.answers.ui(ui) {
        wish = Some(Target::File(state.file.path(), Existing::Replace));
    }
    ui.horizontal(|ui| {
        let is_text = FORMATS.get(state.format).is_some_and(|format| format.is_text);
        if ui.add_enabled(is_text, egui::Button::new("Copy")).clicked() {
            wish = Some(Target::Clipboard);
        }
        let what = if is_text { "to the clipboard, or write a file:" } else { "Write a file:" };
        ui.label(RichText::new(what).color(quiet));
    });
    match state.file.ui(ui, "File to write", "Save") {
        Some(Some(path)) => {
            // The button said so.
            let existing = if path.exists() { Existing::Replace } else { Existing::Keep };
            wish = Some(Target::File(path, existing));
        }
        Some(None) => state.is_open = false,
        None => {}
    }
    let wish = wish.filter(|_| !state.answers.is_waiting);
    let (Some(to), Some(&format)) = (wish, FORMATS.get(state.format)) else { return };
    let hosts = match state.which {
        Which::Shown => HostSet::Shown,
        Which::Chosen => HostSet::These(state.chosen.clone()),
    };
    state.answers.expect(view.snapshot);
    view.wish(Command::HandOver(HandOver { format, tlp: state.tlp, hosts, to }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_name_tells_what_is_in_the_file() {
        let names: Vec<String> = (0..FORMATS.len()).map(proposed).collect();
        assert!(names.contains(&"infralock-hosts.stix.json".to_owned()), "{names:?}");
        assert!(names.contains(&"infralock-hosts.nft".to_owned()), "{names:?}");
    }
}
