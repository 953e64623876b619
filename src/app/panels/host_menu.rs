//! The menu of a host, wherever it stands: what to filter by, what is said of it, where its rows
//! are. In the table it is the menu of all chosen hosts, if the host is one of them.
//!
//! Who is meant, and how they stand, is gathered once when the menu opens: a frame asks nothing of
//! a million rows.

use egui::containers::menu::{MenuConfig, SubMenuButton};
use egui::{Button, Key, PopupCloseBehavior, RichText, Role, TextEdit, Ui, WidgetInfo};

use super::filter_menu;
use super::marking::{Mark, Tags, tags, tags_ui};
use super::{View, flows, records};
use crate::app::actions::{alt, shown_keys};
use crate::app::copy::wireshark_addr;
use crate::app::theme;
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{Command, PacketsOf, Put, Selected, Snapshot};
use crate::filter::{Cell, FieldId, Filter};
use crate::model::{HostKey, Visible};

/// Hosts that a filter names one by one: more are no text that anybody reads.
const FILTERED_MAX: usize = 100;

/// Hosts of a Wireshark filter: its field takes some ten thousand characters.
const WIRESHARK_MAX: usize = 500;

/// What the menu remembers while it is open.
#[derive(Clone, Debug, Default)]
pub struct HostMenu {
    about: Option<About>,
    /// A tag to come.
    tag: String,
}

/// Who is meant.
#[derive(Clone, Debug)]
struct About {
    key: HostKey,
    version: u64,
    /// The pass in which it was drawn last: one that was not drawn is gathered anew.
    pass: u64,
    hosts: Vec<HostKey>,
    /// The host's place among all.
    row: Option<usize>,
    tags: Tags,
    /// Which marks stand on all of them, in the order of [`Mark::ALL`].
    stands: [bool; Mark::ALL.len()],
}

/// What was chosen in the menu of a host.
#[derive(Clone, Debug)]
pub struct Chosen {
    hosts: Vec<HostKey>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Filter(Filter),
    /// Its rows in a view.
    Rows(&'static str),
    Packets(HostKey),
    /// The prefixes around it.
    Explore(HostKey),
    Wish(Command),
    HandOver,
    Mark(Mark),
    Tag(String, Put),
}

impl Chosen {
    /// Does what was chosen.
    pub fn take(self, view: &mut View<'_>) {
        let Self { hosts, what } = self;
        match what {
            What::Filter(filter) => view.filter_by(filter),
            What::Rows(title) => {
                let addrs = hosts.iter().map(|host| Cell::Addr(host.addr()));
                if let Some(filter) = Filter::field_in(FieldId::Addr, addrs) {
                    view.filter_by(filter);
                    view.memory.wanted_view = Some(title);
                }
            }
            What::Wish(command) => {
                if let Command::Forget(addr) = &command {
                    // Filters are kept beside the case.
                    let addr = addr.to_string();
                    view.memory.filter.history.retain(|text| !text.contains(&addr));
                }
                view.wish(command);
            }
            What::Explore(host) => view.explore(host.addr()),
            What::Packets(host) => view.show_packets(PacketsOf::Host(host)),
            What::HandOver => view.memory.handover.open_for(hosts),
            What::Mark(mark) => view.mark(mark, hosts),
            What::Tag(tag, put) => view.tag(&hosts, &tag, put),
        }
    }
}

impl HostMenu {
    /// Draws the menu of a host. `with`: those that are chosen together with it, in the order
    /// shown; asked for when the menu opens.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        snapshot: &Snapshot,
        key: HostKey,
        with: &dyn Fn() -> Vec<HostKey>,
    ) -> Option<Chosen> {
        self.follow(ui, snapshot, key, with);
        let Self { about, tag } = self;
        let about = about.as_ref()?;
        let what = about.ui(ui, snapshot, tag);
        what.map(|what| Chosen { hosts: about.hosts.clone(), what })
    }

    fn follow(
        &mut self,
        ui: &Ui,
        snapshot: &Snapshot,
        key: HostKey,
        with: &dyn Fn() -> Vec<HostKey>,
    ) {
        let pass = ui.ctx().cumulative_pass_nr();
        let is_it = |about: &&mut About| {
            about.key == key && about.version == snapshot.version && about.pass + 1 >= pass
        };
        match self.about.as_mut().filter(is_it) {
            Some(about) => about.pass = pass,
            None => {
                let is_new = self.about.as_ref().is_none_or(|about| about.pass + 1 < pass);
                if is_new {
                    self.tag.clear();
                }
                self.about = Some(About::new(snapshot, key, pass, with()));
            }
        }
    }
}

impl About {
    fn new(snapshot: &Snapshot, key: HostKey, pass: u64, hosts: Vec<HostKey>) -> Self {
        let marks = &snapshot.marks;
        let hosts = if hosts.is_empty() { vec![key] } else { hosts };
        let mut sorted = hosts.clone();
        sorted.sort_unstable();
        let stand = |mark: Mark| hosts.iter().all(|host| mark.stands(marks.get(host)));
        Self {
            key,
            version: snapshot.version,
            pass,
            row: snapshot.hosts.all.keys.iter().position(|known| *known == key),
            tags: tags(marks, |host| sorted.binary_search(&host).is_ok()),
            stands: Mark::ALL.map(|(mark, ..)| stand(mark)),
            hosts,
        }
    }

    fn ui(&self, ui: &mut Ui, snapshot: &Snapshot, tag: &mut String) -> Option<What> {
        let mut what = None;
        if self.hosts.len() > 1 {
            let hosts = counted(self.hosts.len() as u64, "host", "hosts");
            ui.label(RichText::new(hosts).font(theme::strong(theme::HEAD)));
        }
        let conditions = self.conditions(snapshot);
        what = filter_menu::filter_menus_ui(ui, &conditions).map(What::Filter).or(what);
        ui.separator();
        if entry(ui, "Show").clicked() {
            what = Some(What::Wish(Command::Select(Some(Selected::Host(self.key)))));
        }
        for (name, title) in [("Flows", flows::PANEL.title), ("Records", records::PANEL.title)] {
            let few = self.hosts.len() <= FILTERED_MAX;
            let entry = ui.add_enabled(few, Button::new(self.its(name)));
            let not = format!("Of at most {FILTERED_MAX} hosts at once");
            if entry.on_disabled_hover_text(not).clicked() {
                what = Some(What::Rows(title));
            }
        }
        what = self.packets_ui(ui, snapshot).or(what);
        if entry(ui, "Prefixes around it").clicked() {
            what = Some(What::Explore(self.key));
        }
        ui.separator();
        what = self.said_ui(ui, tag).or(what);
        ui.separator();
        if entry(ui, "Hand over …").clicked() {
            what = Some(What::HandOver);
        }
        self.copy_ui(ui, snapshot);
        if let [one] = self.hosts.as_slice() {
            ui.menu_button("Forget for good …", |ui| {
                ui.label("Its rows go, what you said of it, its name in texts. No undo.");
                if ui.button(format!("Forget {}", one.addr())).clicked() {
                    what = Some(What::Wish(Command::Forget(one.addr())));
                    ui.close();
                }
            });
        }
        what
    }

    fn packets_ui(&self, ui: &mut Ui, snapshot: &Snapshot) -> Option<What> {
        let packets = self.row.and_then(|row| snapshot.hosts.all.packets.get(row));
        let has_some = packets.is_some_and(|&packets| packets > 0);
        let can = has_some && self.hosts.len() == 1;
        let not = match has_some {
            true => "Of one host at a time",
            false => "No capture has packets of it",
        };
        let entry = ui.add_enabled(can, Button::new(self.its("Packets")));
        let is_chosen = entry.on_disabled_hover_text(not).clicked();
        is_chosen.then_some(What::Packets(self.key))
    }

    /// `Its flows`, `Their flows`.
    fn its(&self, name: &str) -> String {
        let whose = if self.hosts.len() == 1 { "Its" } else { "Their" };
        format!("{whose} {}", name.to_lowercase())
    }

    fn conditions(&self, snapshot: &Snapshot) -> Vec<Filter> {
        let mut all = match self.row {
            Some(row) => filter_menu::of_host(&snapshot.hosts.all, row),
            None => {
                Filter::field_eq(FieldId::Addr, Cell::Addr(self.key.addr())).into_iter().collect()
            }
        };
        if (2..=FILTERED_MAX).contains(&self.hosts.len()) {
            let addrs = self.hosts.iter().map(|host| Cell::Addr(host.addr()));
            all.splice(0..0, Filter::field_in(FieldId::Addr, addrs));
        }
        all
    }

    fn said_ui(&self, ui: &mut Ui, tag: &mut String) -> Option<What> {
        let mut what = None;
        ui.menu_button("Verdict", |ui| {
            for place in 0..Mark::ALL.len() {
                if Mark::ALL[place].0.is_verdict() {
                    what = self.mark_ui(ui, place).or(what.take());
                }
            }
        });
        // A tag can be written here, so a click into it does not close the menu.
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        SubMenuButton::new("Tag").config(stays).ui(ui, |ui| {
            what = self.tag_ui(ui, tag).or(what.take());
        });
        for (place, (mark, ..)) in Mark::ALL.iter().enumerate() {
            if matches!(mark, Mark::Note | Mark::Bookmark) {
                what = self.mark_ui(ui, place).or(what);
            }
        }
        what
    }

    fn mark_ui(&self, ui: &mut Ui, place: usize) -> Option<What> {
        let (mark, name, help, key) = *Mark::ALL.get(place)?;
        let stands = self.stands.get(place).copied().unwrap_or_default();
        let button = Button::selectable(stands, name).shortcut_text(shown_keys(alt(key)));
        let is_chosen = ui.add(button).on_hover_text(help).clicked();
        is_chosen.then(|| {
            ui.close();
            What::Mark(mark)
        })
    }

    fn tag_ui(&self, ui: &mut Ui, tag: &mut String) -> Option<What> {
        let turned = tags_ui(ui, &self.tags, self.hosts.len());
        let field = ui.add(TextEdit::singleline(tag).hint_text("New tag").desired_width(150.0));
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "New tag"));
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let written = Some(tag.trim()).filter(|tag| entered && !tag.is_empty());
        let written = written.map(|tag| (tag.to_owned(), Put::On));
        let (tag, put) = turned.or(written)?;
        ui.close();
        Some(What::Tag(tag, put))
    }

    fn copy_ui(&self, ui: &mut Ui, snapshot: &Snapshot) {
        let few = self.hosts.len() <= WIRESHARK_MAX;
        let button = ui.add_enabled(few, Button::new("Copy as Wireshark filter"));
        let not = format!("Of at most {} hosts at once", grouped(WIRESHARK_MAX as u64));
        if button.on_disabled_hover_text(not).clicked() {
            let all: Vec<String> = self.hosts.iter().map(|it| wireshark_addr(it.addr())).collect();
            ui.copy_text(all.join(" || "));
            ui.close();
        }
        let name = self.row.and_then(|row| snapshot.hosts.all.name.get(row));
        if let (Some(name), 1) = (name.filter(|name| !name.is_empty()), self.hosts.len())
            && entry(ui, "Copy name").clicked()
        {
            ui.copy_text(Visible(name).to_string());
        }
    }
}

fn entry(ui: &mut Ui, name: &str) -> egui::Response {
    let entry = ui.button(name);
    if entry.clicked() {
        ui.close();
    }
    entry
}
