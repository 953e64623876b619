//! What a person says of a host: verdict, tags, note, bookmark. Kept when it is said.

use egui::{Key, Modifiers, RichText, Role, TextEdit, Ui, WidgetInfo, vec2};

use super::{View, section};
use crate::app::theme::{self, Palette, icon};
use crate::engine::workbench::{Command, Decision, Deed, Mark, Put, Selected, Subject};
use crate::model::{HostKey, Visible};

/// What is being written.
#[derive(Clone, Debug, Default)]
pub struct SaidState {
    /// About which host.
    about: Option<HostKey>,
    /// Its note.
    note: String,
    /// A tag to come.
    tag: String,
    /// Why it is expected; `None`: not asked.
    reason: Option<String>,
}

/// Marked hosts that are listed where nothing is selected.
const MARKED_SHOWN: usize = 50;

/// Decisions that need no reason, with what they mean.
const PLAIN: [(Decision, &str); 3] = [
    (Decision::Malicious, "It did harm"),
    (Decision::Suspicious, "It may have done harm"),
    (Decision::Unsure, "Looked at, and still open"),
];

/// Draws what was said of a host, and takes what is said now.
pub fn said_ui(ui: &mut Ui, view: &mut View<'_>, host: HostKey) {
    let mark = view.snapshot.marks.get(&host).cloned().unwrap_or_default();
    turn_to(view, host, &mark);
    section(ui, "Your verdict");
    decision_ui(ui, view, host, &mark);
    tags_ui(ui, view, host, &mark);
    note_ui(ui, view, host, &mark);
}

/// Begins with another host: what was written about the one before is kept.
fn turn_to(view: &mut View<'_>, host: HostKey, mark: &Mark) {
    if view.memory.said.about == Some(host) {
        return;
    }
    if let Some(before) = view.memory.said.about {
        let kept = view.snapshot.marks.get(&before).and_then(|mark| mark.note.clone());
        keep_note(view, before, kept.as_deref());
    }
    let note = mark.note.clone().unwrap_or_default();
    view.memory.said = SaidState { about: Some(host), note, ..SaidState::default() };
}

/// Keeps the note as it is written, if it is another than the one `kept`.
fn keep_note(view: &mut View<'_>, host: HostKey, kept: Option<&str>) {
    let written = view.memory.said.note.trim_end();
    if written != kept.unwrap_or_default() {
        let text = Some(written.to_owned()).filter(|text| !text.is_empty());
        view.wish(Command::Do(Deed::Note { subject: Subject::host(host), text }));
    }
}

fn decision_ui(ui: &mut Ui, view: &mut View<'_>, host: HostKey, mark: &Mark) {
    let decide = |verdict| Command::Do(Deed::Verdict { subject: Subject::host(host), verdict });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        // All four in one line of the narrowest inspector.
        ui.spacing_mut().button_padding = vec2(5.0, 2.0);
        for (decision, help) in PLAIN {
            let chosen = mark.decision.as_ref() == Some(&decision);
            let button =
                egui::Button::selectable(chosen, decision.as_str()).frame_when_inactive(true);
            if ui.add(button).on_hover_text(help).clicked() {
                view.memory.said.reason = None;
                view.wish(decide((!chosen).then_some(decision)));
            }
        }
        let chosen = matches!(mark.decision, Some(Decision::Expected(_)));
        let button = egui::Button::selectable(chosen, "expected …").frame_when_inactive(true);
        let help = "It belongs there, for a reason that you give";
        if ui.add(button).on_hover_text(help).clicked() {
            match chosen {
                true => view.wish(decide(None)),
                false => view.memory.said.reason = Some(String::new()),
            }
        }
    });
    if let Some(Decision::Expected(reason)) = &mark.decision {
        let told = format!("Expected: {}", Visible(reason));
        ui.add(egui::Label::new(RichText::new(told).color(Palette::of(ui).quiet)).wrap());
    }
    let Some(reason) = &mut view.memory.said.reason else { return };
    let field = TextEdit::singleline(reason).hint_text("Why is it expected? Enter keeps it");
    let field = ui.add(field.desired_width(f32::INFINITY));
    field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Why it is expected"));
    if ui.input(|input| input.key_pressed(Key::Escape)) {
        view.memory.said.reason = None;
    } else if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        let reason = view.memory.said.reason.take().unwrap_or_default();
        match reason.trim() {
            "" => view.memory.said.reason = Some(String::new()),
            reason => view.wish(decide(Some(Decision::Expected(reason.to_owned())))),
        }
    } else if !field.has_focus() && reason_is_new(view) {
        field.request_focus();
    }
}

fn reason_is_new(view: &View<'_>) -> bool {
    view.memory.said.reason.as_deref() == Some("")
}

/// The hosts that a person said something of, to go back to.
pub fn marked_ui(ui: &mut Ui, view: &mut View<'_>) {
    let marks = std::sync::Arc::clone(&view.snapshot.marks);
    if marks.is_empty() {
        return;
    }
    section(ui, "Marked by you");
    for (host, mark) in marks.iter().take(MARKED_SHOWN) {
        ui.horizontal(|ui| {
            let addr = RichText::new(host.addr().to_string());
            let addr = addr.font(theme::mono(theme::BODY - 0.5));
            if ui.add(egui::Button::new(addr).frame(false)).clicked() {
                view.select(Selected::Host(*host));
            }
            let text = RichText::new(Visible(&mark.text()).to_string());
            ui.add(egui::Label::new(text.color(Palette::of(ui).quiet)).truncate());
        });
    }
    let more = marks.len().saturating_sub(MARKED_SHOWN);
    if more > 0 {
        let text = format!("… and {more} more: sort the hosts by Yours");
        ui.label(RichText::new(text).color(Palette::of(ui).quiet));
    }
}

/// Marks the host to find it again, or no more.
fn bookmark_ui(ui: &mut Ui, view: &mut View<'_>, host: HostKey, mark: &Mark) {
    let is_marked = mark.bookmark.is_some();
    let button = egui::Button::selectable(is_marked, "bookmark").frame_when_inactive(true);
    if ui.add(button).on_hover_text("Lists it where nothing is selected").clicked() {
        let name = (!is_marked).then(|| host.addr().to_string());
        view.wish(Command::Do(Deed::Bookmark { subject: Subject::host(host), name }));
    }
}

fn tags_ui(ui: &mut Ui, view: &mut View<'_>, host: HostKey, mark: &Mark) {
    let set = |tag: &str, put| {
        let subject = Subject::host(host);
        Command::Do(Deed::Tag { subject, tag: tag.to_owned(), put })
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        bookmark_ui(ui, view, host, mark);
        for tag in &mark.tags {
            let chip = ui.small_button(format!("{} {}", Visible(tag), icon::CLOSE));
            let name = format!("Remove tag {}", Visible(tag));
            chip.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if chip.on_hover_text(&name).clicked() {
                view.wish(set(tag, Put::Off));
            }
        }
        let field = TextEdit::singleline(&mut view.memory.said.tag).hint_text("Add a tag");
        let field = ui.add(field.desired_width(110.0));
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Add a tag"));
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            let tag = std::mem::take(&mut view.memory.said.tag);
            if !tag.trim().is_empty() {
                view.wish(set(tag.trim(), Put::On));
            }
            field.request_focus();
        }
    });
}

fn note_ui(ui: &mut Ui, view: &mut View<'_>, host: HostKey, mark: &Mark) {
    let field = TextEdit::multiline(&mut view.memory.said.note)
        .hint_text("A note, kept with the case")
        .desired_rows(2)
        .desired_width(f32::INFINITY);
    let field = ui.add(field);
    field.widget_info(|| WidgetInfo::labeled(Role::MultilineTextInput, true, "Note"));
    let entered = field.has_focus()
        && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter));
    if field.lost_focus() || entered {
        keep_note(view, host, mark.note.as_deref());
    } else if !field.has_focus() {
        // Undone, or changed by another window of this program.
        view.memory.said.note = mark.note.clone().unwrap_or_default();
    }
}
