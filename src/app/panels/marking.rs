//! What a person says of hosts, of one or of many at once: verdict, tag, note, bookmark.
//!
//! [`Mark::ALL`] is the one list: menus, keys and the palette are made from it. What needs words (a
//! tag, a note, a reason) is asked for in a dialog; the rest is done at once. Whatever is said of
//! many hosts is one step to undo.

use std::collections::BTreeMap;

use egui::{Context, Key, Modifiers, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{
    Command, Decision, Deed, Deeds, Mark as Said, Marks, Put, Snapshot, Subject, TOGETHER_MAX,
};
use crate::model::{HostKey, Visible};

/// Tags of the case that are offered.
const TAGS_SHOWN: usize = 20;

/// Something that can be said of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// They did harm.
    Malicious,
    /// They may have.
    Suspicious,
    /// They belong there, for a reason.
    Expected,
    /// Looked at, and still open.
    Unsure,
    /// No verdict any more.
    Undecided,
    /// A tag.
    Tag,
    /// A note.
    Note,
    /// To find them again, or no more.
    Bookmark,
}

impl Mark {
    /// All of them: what they are called, what they mean, their key with Alt.
    pub const ALL: [(Self, &'static str, &'static str, Key); 8] = [
        (Self::Malicious, "Malicious", "The chosen hosts did harm", Key::Num1),
        (Self::Suspicious, "Suspicious", "The chosen hosts may have done harm", Key::Num2),
        (Self::Expected, "Expected …", "They belong there, for a reason that you give", Key::Num3),
        (Self::Unsure, "Unsure", "Looked at, and still open", Key::Num4),
        (Self::Undecided, "No verdict", "Takes your verdict on the chosen hosts back", Key::Num0),
        (Self::Tag, "Tag …", "Puts a tag to the chosen hosts, or takes it away", Key::T),
        (Self::Note, "Note …", "Writes a note on the chosen hosts", Key::N),
        (Self::Bookmark, "Bookmark", "Lists the chosen hosts beside the case, or no more", Key::B),
    ];

    /// Whether it is one of the verdicts.
    pub const fn is_verdict(self) -> bool {
        !matches!(self, Self::Tag | Self::Note | Self::Bookmark)
    }

    /// Whether it stands so on a host.
    pub fn stands(self, said: Option<&Said>) -> bool {
        let decision = said.and_then(|said| said.decision.as_ref());
        match self {
            Self::Malicious => decision == Some(&Decision::Malicious),
            Self::Suspicious => decision == Some(&Decision::Suspicious),
            Self::Expected => matches!(decision, Some(Decision::Expected(_))),
            Self::Unsure => decision == Some(&Decision::Unsure),
            Self::Undecided => decision.is_none(),
            Self::Tag => said.is_some_and(|said| !said.tags.is_empty()),
            Self::Note => said.is_some_and(|said| said.note.is_some()),
            Self::Bookmark => said.is_some_and(|said| said.bookmark.is_some()),
        }
    }
}

/// What is being asked about hosts.
#[derive(Clone, Debug, Default)]
pub struct MarkingState(Option<Asked>);

/// A dialog that waits for words.
#[derive(Clone, Debug)]
struct Asked {
    mark: Mark,
    hosts: Vec<HostKey>,
    text: String,
    /// What stands under the field: how it is now.
    told: String,
    /// Tags of the case.
    tags: Tags,
    /// Whether the cursor was put into the field.
    begun: bool,
}

/// The tags of a case in their order, and how many of some hosts have each.
pub type Tags = Vec<(String, usize)>;

/// Counts the tags of a case among some hosts.
pub fn tags(marks: &Marks, is_one: impl Fn(HostKey) -> bool) -> Tags {
    let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
    for (&host, mark) in marks {
        let has_it = usize::from(is_one(host));
        mark.tags.iter().for_each(|tag| *tags.entry(tag).or_default() += has_it);
    }
    tags.into_iter().map(|(tag, count)| (tag.to_owned(), count)).collect()
}

impl View<'_> {
    /// Says something of hosts, or asks for the words.
    pub fn mark(&mut self, mark: Mark, hosts: Vec<HostKey>) {
        let decision = match mark {
            Mark::Malicious => Some(Decision::Malicious),
            Mark::Suspicious => Some(Decision::Suspicious),
            Mark::Unsure => Some(Decision::Unsure),
            Mark::Undecided => None,
            Mark::Bookmark if !hosts.is_empty() => return self.bookmark(&hosts),
            Mark::Expected | Mark::Tag | Mark::Note | Mark::Bookmark => {
                self.memory.marking.0 = Some(Asked::new(mark, hosts, self.snapshot));
                return;
            }
        };
        match hosts.is_empty() {
            true => self.memory.marking.0 = Some(Asked::new(mark, hosts, self.snapshot)),
            false => self.decide(&hosts, decision.as_ref()),
        }
    }

    fn decide(&mut self, hosts: &[HostKey], verdict: Option<&Decision>) {
        self.say(hosts, |subject, _| Deed::Verdict { subject, verdict: verdict.cloned() });
    }

    /// Puts a tag to hosts, or takes it away.
    pub fn tag(&mut self, hosts: &[HostKey], tag: &str, put: Put) {
        self.say(hosts, |subject, _| Deed::Tag { subject, tag: tag.to_owned(), put });
    }

    /// Marks those that are not marked; if all are, none any more.
    fn bookmark(&mut self, hosts: &[HostKey]) {
        let marks = &self.snapshot.marks;
        let are_all = hosts.iter().all(|host| Mark::Bookmark.stands(marks.get(host)));
        self.say(hosts, |subject, host| {
            let name = (!are_all).then(|| host.addr().to_string());
            Deed::Bookmark { subject, name }
        });
    }

    fn say(&mut self, hosts: &[HostKey], deed: impl Fn(Subject, HostKey) -> Deed) {
        let deeds: Deeds = hosts.iter().map(|&host| deed(Subject::host(host), host)).collect();
        self.wish(Command::DoTogether(deeds));
    }

    /// The hosts that keys are about: those chosen in the table, else the one in the inspector.
    pub fn meant_hosts(&self) -> Vec<HostKey> {
        let chosen = self.chosen_hosts();
        let selected = self.snapshot.selection.as_ref().and_then(|selection| selection.key);
        match chosen.is_empty() {
            true => selected.into_iter().collect(),
            false => chosen,
        }
    }
}

impl Asked {
    fn new(mark: Mark, hosts: Vec<HostKey>, snapshot: &Snapshot) -> Self {
        let mut sorted = hosts.clone();
        sorted.sort_unstable();
        let tags = tags(&snapshot.marks, |host| sorted.binary_search(&host).is_ok());
        let said = |host: &HostKey| snapshot.marks.get(host);
        let (mut text, mut told) = (String::new(), String::new());
        if mark == Mark::Note {
            let note = |host| said(host).and_then(|said| said.note.as_deref());
            let noted = hosts.iter().filter(|host| note(host).is_some()).count();
            let first = hosts.first().and_then(note);
            match hosts.iter().all(|host| note(host) == first) {
                true => text = first.unwrap_or_default().to_owned(),
                false => {
                    let noted = counted(noted as u64, "host has a note", "hosts have notes");
                    told = format!("{noted}, which this one replaces");
                }
            }
        }
        Self { mark, hosts, text, told, tags, begun: false }
    }

    fn title(&self) -> String {
        let about = match self.hosts.as_slice() {
            [one] => one.addr().to_string(),
            many => counted(many.len() as u64, "host", "hosts"),
        };
        match self.mark {
            _ if self.hosts.is_empty() => "No host is chosen".to_owned(),
            Mark::Tag => format!("Tag {about}"),
            Mark::Note => format!("Note on {about}"),
            _ if self.hosts.len() == 1 => format!("Why is {about} expected?"),
            _ => format!("Why are {about} expected?"),
        }
    }

    const fn field(&self) -> (&'static str, &'static str) {
        match self.mark {
            Mark::Tag => ("New tag", "A tag; Enter puts it to them"),
            Mark::Note => ("Note for hosts", "Kept with the case; Ctrl+Enter keeps it"),
            _ => ("Reason", "Our own scanner, an authorised test …; Enter keeps it"),
        }
    }

    /// Draws the field and what can be done. `Some(true)`: it is said; `Some(false)`: it is not.
    fn ui(&mut self, ui: &mut Ui) -> Option<bool> {
        let (name, hint) = self.field();
        let is_note = self.mark == Mark::Note;
        let field = match is_note {
            true => TextEdit::multiline(&mut self.text).desired_rows(4),
            false => TextEdit::singleline(&mut self.text),
        };
        let entered = match is_note {
            true => ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter)),
            false => ui.input(|input| input.key_pressed(Key::Enter)),
        };
        let field = ui.add(field.hint_text(hint).desired_width(f32::INFINITY));
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
        if !std::mem::replace(&mut self.begun, true) {
            field.request_focus();
        }
        if !self.told.is_empty() {
            ui.label(RichText::new(&self.told).color(Palette::of(ui).warned));
        }
        let is_empty = self.text.trim().is_empty();
        let (verb, ready) = match (is_note, is_empty) {
            (true, true) => ("Remove the note", self.told.is_empty()),
            (true, false) => ("Keep the note", true),
            (false, _) if self.mark == Mark::Tag => ("Put the tag", !is_empty),
            (false, _) => ("Keep the verdict", !is_empty),
        };
        let mut answer = None;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let pressed = ui.add_enabled(ready, egui::Button::new(verb)).clicked();
            if pressed || (entered && ready) {
                answer = Some(true);
            }
            if ui.button("Cancel").clicked() {
                answer = Some(false);
            }
        });
        answer
    }
}

/// Draws the dialog, if something is asked.
pub fn dialog_ui(ctx: &Context, view: &mut View<'_>) {
    let Some(mut asked) = view.memory.marking.0.take() else { return };
    let mut answer = None;
    let mut turned = None;
    let left = dialog(ctx, &asked.title(), "", |ui| {
        if asked.hosts.is_empty() || asked.hosts.len() > TOGETHER_MAX {
            answer = refused_ui(ui, asked.hosts.len());
            return;
        }
        answer = asked.ui(ui);
        if asked.mark == Mark::Tag && !asked.tags.is_empty() {
            ui.add_space(theme::SPACE);
            ui.label(RichText::new("Tags of this case").color(Palette::of(ui).quiet));
            ScrollArea::vertical().max_height(220.0).show(ui, |ui| {
                turned = tags_ui(ui, &asked.tags, asked.hosts.len());
            });
        }
    });
    if let Some((tag, put)) = turned {
        view.tag(&asked.hosts, &tag, put);
        return;
    }
    match answer {
        Some(true) => tell(view, &asked),
        Some(false) => {}
        None if left => {}
        None => view.memory.marking.0 = Some(asked),
    }
}

/// Says why nothing can be said, and waits until that is read.
fn refused_ui(ui: &mut Ui, hosts: usize) -> Option<bool> {
    let what = match hosts {
        0 => "Click a host first, or choose several with Ctrl and Shift.".to_owned(),
        _ => format!("At most {} can be marked as one.", grouped(TOGETHER_MAX as u64)),
    };
    ui.label(what);
    ui.button("Close").clicked().then_some(false)
}

fn tell(view: &mut View<'_>, asked: &Asked) {
    let text = asked.text.trim();
    match asked.mark {
        Mark::Tag => view.tag(&asked.hosts, text, Put::On),
        Mark::Note => {
            let text = Some(asked.text.trim_end()).filter(|text| !text.is_empty());
            let text = text.map(str::to_owned);
            view.say(&asked.hosts, |subject, _| Deed::Note { subject, text: text.clone() });
        }
        _ => view.decide(&asked.hosts, Some(&Decision::Expected(text.to_owned()))),
    }
}

/// The tags of a case as a list to turn on and off for so many hosts; gives the one that is turned.
pub fn tags_ui(ui: &mut Ui, tags: &Tags, hosts: usize) -> Option<(String, Put)> {
    let mut turned = None;
    for (tag, count) in tags.iter().take(TAGS_SHOWN) {
        let shown = Visible(tag).to_string();
        let (mut on, is_some) = (*count == hosts, *count > 0 && *count < hosts);
        let text = match is_some {
            true => format!("{shown}  on {} of {}", grouped(*count as u64), grouped(hosts as u64)),
            false => shown.clone(),
        };
        let button = ui.add(egui::Checkbox::new(&mut on, text).indeterminate(is_some));
        let name = format!("Tag {shown}");
        button.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, *count == hosts, &name));
        if button.clicked() {
            let put = if *count == hosts { Put::Off } else { Put::On };
            turned = Some((tag.clone(), put));
        }
    }
    let more = tags.len().saturating_sub(TAGS_SHOWN);
    if more > 0 {
        let text = format!("… and {more} more: write it");
        ui.label(RichText::new(text).color(Palette::of(ui).quiet));
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RealmId;

    #[test]
    fn tags_are_counted_among_the_hosts_that_are_meant() {
        let host = |n: u8| HostKey::new(format!("192.0.2.{n}").parse().unwrap(), RealmId(0));
        let said = |tags: &[&str]| Said {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Said::default()
        };
        let marks: Marks = [(host(1), said(&["a", "b"])), (host(2), said(&["b"]))].into();
        let counted = tags(&marks, |key| key == host(2) || key == host(3));
        assert_eq!(counted, [("a".to_owned(), 0), ("b".to_owned(), 1)]);
    }

    #[test]
    fn a_verdict_stands_alone() {
        let said = Said { decision: Some(Decision::Expected("ours".into())), ..Said::default() };
        let stand = |said| Mark::ALL.map(|(mark, ..)| mark.stands(said));
        let [_, _, expected, ..] = stand(Some(&said));
        assert!(expected && stand(Some(&said)).into_iter().filter(|&it| it).count() == 1);
        assert!(Mark::Undecided.stands(None));
    }
}
