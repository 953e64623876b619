//! The palette: what can be done and who is there, found by a few letters.
//!
//! It searches the list of [`actions`](super::actions), hosts by the beginning of their address or
//! name, and takes any address that is pasted, defanged or not. The search runs when the text or
//! the hosts change, not in each frame, and stops at `HOSTS_MAX` hosts.

use std::fmt::Write as _;
use std::sync::Arc;

use egui::{Align2, Context, Id, Key, Modifiers, Order, Rect, RichText, Sense, Ui, pos2, vec2};

use super::actions::{Act, Action, shown_keys};
use super::theme::{self, Palette as Colours};
use super::widgets::band;
use crate::engine::workbench::{HostColumns, Selected, Snapshot, Verdict};
use crate::model::{Addr, Visible};

/// Hosts that are listed at once.
const HOSTS_MAX: usize = 20;

/// Width of the list in points.
const WIDTH: f32 = 560.0;

/// What the palette found.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    /// The place of an action in the list.
    Action(usize),
    /// A host of the case, by its row.
    Host(u32),
    /// An address that is not in the case.
    Address(Addr),
}

/// What a person chose.
#[derive(Clone, Copy, Debug)]
pub enum Choice {
    /// To do this.
    Act(Act),
    /// To see this.
    Select(Selected),
}

/// The palette between frames.
#[derive(Default)]
pub struct Finder {
    is_open: bool,
    text: String,
    found: Vec<Found>,
    /// The entry that Enter takes.
    at: usize,
    /// Whether that changed by keyboard in this frame: then it is brought into sight.
    moved: bool,
    /// What was searched: the text and the hosts.
    searched: Option<(String, Arc<HostColumns>)>,
}

impl Finder {
    /// Opens it with an empty field.
    pub fn open(&mut self) {
        *self = Self { is_open: true, ..Self::default() };
    }

    /// Whether it is open: other keys mean nothing then.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Draws it below `field`, the place in the top bar that opens it.
    pub fn show(
        &mut self,
        ctx: &Context,
        field: Rect,
        snapshot: &Snapshot,
        actions: &[Action],
    ) -> Option<Choice> {
        if !self.is_open {
            return None;
        }
        let chosen = self.keys(ctx);
        let mut clicked = None;
        let width = WIDTH.min(ctx.content_rect().width() - 32.0);
        let area = egui::Area::new(Id::unique("palette")).order(Order::Foreground);
        let at = pos2(field.center().x - width / 2.0, field.min.y);
        let shown = area.fixed_pos(at).constrain(true).show(ctx, |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_width(width);
                self.field_ui(ui);
                self.search(snapshot, actions);
                clicked = self.list_ui(ui, snapshot, actions);
            });
        });
        let outside = ctx.input(|input| {
            let at = input.pointer.interact_pos();
            input.pointer.any_pressed() && at.is_some_and(|at| !shown.response.rect.contains(at))
        });
        let found = clicked.or_else(|| chosen.and_then(|()| self.found.get(self.at).cloned()));
        if outside || found.is_some() {
            self.is_open = false;
        }
        match found? {
            Found::Action(number) => actions.get(number).map(|action| Choice::Act(action.act)),
            Found::Host(row) => {
                let key = snapshot.hosts.all.keys.get(row as usize)?;
                Some(Choice::Select(Selected::Host(*key)))
            }
            Found::Address(addr) => Some(Choice::Select(Selected::Address(addr))),
        }
    }

    /// Up, down, out; `Some`: the entry is taken.
    fn keys(&mut self, ctx: &Context) -> Option<()> {
        let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::Escape) {
            self.is_open = false;
        }
        let last = self.found.len().saturating_sub(1);
        let before = self.at;
        if pressed(Key::ArrowDown) {
            self.at = if self.at < last { self.at + 1 } else { 0 };
        }
        if pressed(Key::ArrowUp) {
            self.at = self.at.checked_sub(1).unwrap_or(last);
        }
        self.moved = self.at != before;
        pressed(Key::Enter).then_some(())
    }

    fn field_ui(&mut self, ui: &mut Ui) {
        let field = egui::TextEdit::singleline(&mut self.text)
            .hint_text("A command, an address, the beginning of a name")
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        field.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::SearchInput, true, "Search or command")
        });
        field.request_focus();
        if field.changed() {
            self.at = 0;
        }
    }

    fn search(&mut self, snapshot: &Snapshot, actions: &[Action]) {
        let hosts = &snapshot.hosts.all;
        let same =
            |(text, of): &(String, Arc<HostColumns>)| *text == self.text && Arc::ptr_eq(of, hosts);
        if self.searched.as_ref().is_some_and(same) {
            return;
        }
        let text = self.text.trim();
        self.found = found_hosts(hosts, text);
        // What is typed as an address is meant as one; of anything else, a command is likelier.
        let at = if self.found.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
            self.found.len()
        } else {
            0
        };
        let actions = found_actions(actions, text).into_iter().map(Found::Action);
        self.found.splice(at..at, actions);
        self.at = self.at.min(self.found.len().saturating_sub(1));
        self.searched = Some((self.text.clone(), Arc::clone(hosts)));
    }

    fn list_ui(&self, ui: &mut Ui, snapshot: &Snapshot, actions: &[Action]) -> Option<Found> {
        if self.found.is_empty() {
            let what = "Nothing is called so, and no host begins with it";
            ui.label(RichText::new(what).color(Colours::of(ui).quiet));
            return None;
        }
        let mut clicked = None;
        egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (number, found) in self.found.iter().enumerate() {
                let row = match found {
                    Found::Action(action) => match actions.get(*action) {
                        Some(action) => Row::of_action(action),
                        None => continue,
                    },
                    Found::Host(row) => Row::of_host(snapshot, *row),
                    Found::Address(addr) => Row {
                        name: format!("Look up {addr}"),
                        what: "It is not in the case; what the data say of it".to_owned(),
                        ..Row::default()
                    },
                };
                let at = if number == self.at { At::Here } else { At::Elsewhere };
                let response = row.ui(ui, at);
                if at == At::Here && self.moved {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    clicked = Some(found.clone());
                }
            }
        });
        clicked
    }
}

/// One entry as it is drawn.
#[derive(Default)]
struct Row {
    verdict: Option<Verdict>,
    name: String,
    what: String,
    keys: String,
    mono: bool,
}

impl Row {
    fn of_action(action: &Action) -> Self {
        Self {
            name: action.path(),
            what: action.what.to_owned(),
            keys: action.keys.first().copied().map(shown_keys).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn of_host(snapshot: &Snapshot, row: u32) -> Self {
        let hosts = &snapshot.hosts.all;
        let at = row as usize;
        let Some(&key) = hosts.keys.get(at) else { return Self::default() };
        let realm = snapshot.case.realm(key).map(|realm| format!("in {realm}"));
        let network = match hosts.asn[at] {
            0 => String::new(),
            asn => format!("AS{asn} {}", Visible(&hosts.as_name[at])),
        };
        let name = Visible(&hosts.name[at]).to_string();
        let what = [name, network, realm.unwrap_or_default()];
        Self {
            verdict: Some(hosts.verdict[at]),
            name: key.addr().to_string(),
            what: what.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
            mono: true,
            ..Self::default()
        }
    }

    fn ui(&self, ui: &mut Ui, at: At) -> egui::Response {
        let colours = Colours::of(ui);
        let size = vec2(ui.available_width(), theme::row(ui) + 4.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            let name = format!("{}: {}", self.name, self.what);
            egui::WidgetInfo::selected(egui::Role::MenuItem, true, at == At::Here, name)
        });
        let ground = match (at, response.hovered()) {
            (At::Here, _) => Some(colours.selected),
            (At::Elsewhere, true) => Some(colours.hovered),
            (At::Elsewhere, false) => None,
        };
        if let Some(ground) = ground {
            ui.painter().rect_filled(rect, 4.0, ground);
        }
        let painter = ui.painter().with_clip_rect(rect);
        let mut left = rect.min.x + 8.0;
        if let Some(verdict) = self.verdict {
            band::mark(&painter, colours, pos2(left + 5.0, rect.center().y), 4.5, verdict);
            left += 16.0;
        }
        let right = rect.max.x - 8.0;
        let keys = painter.text(
            pos2(right, rect.center().y),
            Align2::RIGHT_CENTER,
            &self.keys,
            theme::text(theme::HEAD),
            colours.quiet,
        );
        let font = if self.mono { theme::mono(theme::BODY) } else { theme::text(theme::BODY) };
        let name = painter.text(
            pos2(left, rect.center().y),
            Align2::LEFT_CENTER,
            &self.name,
            font,
            colours.text,
        );
        let rest = rect.with_min_x(name.max.x + 12.0).with_max_x(keys.min.x - 8.0);
        painter.with_clip_rect(rest).text(
            rest.left_center(),
            Align2::LEFT_CENTER,
            &self.what,
            theme::text(theme::HEAD + 1.0),
            colours.quiet,
        );
        response
    }
}

/// Whether an entry is the one that Enter takes.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Here,
    Elsewhere,
}

/// Actions whose name has each word of a text: those that begin with it first, then those of which
/// a word begins with it, then the others; all, where there is no text.
fn found_actions(actions: &[Action], text: &str) -> Vec<usize> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let rank = |action: &Action| {
        let (name, path) = (action.name.to_lowercase(), action.path().to_lowercase());
        let begins = |word: &str| {
            path.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word))
        };
        if !words.iter().all(|word| path.contains(word)) {
            return None;
        }
        Some(match (name.starts_with(&text), words.iter().all(|word| begins(word))) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        })
    };
    let mut found: Vec<(u8, usize)> = actions
        .iter()
        .enumerate()
        .filter_map(|(number, action)| Some((rank(action)?, number)))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, number)| number).collect()
}

/// Hosts whose address or name begins with a text, the most dangerous first; a whole address that
/// no host has is offered to be looked up.
fn found_hosts(hosts: &HostColumns, text: &str) -> Vec<Found> {
    // One letter finds nothing but noise, and costs as much as a word.
    if text.chars().count() < 2 {
        return Vec::new();
    }
    let plain = text.replace("[.]", ".").replace("[:]", ":").to_lowercase();
    if let Ok(addr) = plain.parse::<Addr>() {
        let rows = (0_u32..).zip(&hosts.keys).filter(|(_, key)| key.addr() == addr);
        let mut found: Vec<Found> = rows.take(HOSTS_MAX).map(|(row, _)| Found::Host(row)).collect();
        if found.is_empty() {
            found.push(Found::Address(addr));
        }
        return found;
    }
    let is_address = plain.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte));
    let is_ipv6 = plain.contains(':');
    let mut written = String::new();
    let mut addr_begins = |addr: Addr| {
        let may = is_address && is_ipv6 == matches!(addr, Addr::V6(_));
        written.clear();
        // A string takes whatever is written to it.
        may && write!(written, "{addr}").is_ok() && written.starts_with(&plain)
    };
    let name_begins = |name: &str| {
        let head = name.get(..plain.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(&plain))
    };
    let rows = (0_u32..).zip(&hosts.keys).zip(&hosts.name);
    rows.filter(|((_, key), name)| name_begins(name) || addr_begins(key.addr()))
        .take(HOSTS_MAX)
        .map(|((row, _), _)| Found::Host(row))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::actions::all;
    use crate::model::{HostKey, RealmId};

    fn check_actions(text: &str, first: &str) {
        let actions = all();
        let found = found_actions(&actions, text);
        let names: Vec<&str> = found.iter().map(|&number| &*actions[number].name).collect();
        assert_eq!(names.first(), Some(&first), "{text:?} finds {names:?}");
    }

    #[test]
    fn commands_are_found_by_a_few_letters_in_any_case() {
        check_actions("new", "New case");
        check_actions("exa", "Open the example");
        check_actions("theme light", "Light");
        check_actions("json", "Copy as JSON");
        check_actions("flo", "Flows");
        check_actions("by country", "By country");
        assert!(found_actions(&all(), "no such thing").is_empty());
        assert_eq!(found_actions(&all(), "").len(), all().len(), "all of them");
    }

    fn check_hosts(text: &str, wanted: &[Found]) {
        let mut hosts = HostColumns::default();
        for (addr, name) in [
            ("203.0.113.9", "shop.example.com"),
            ("203.0.113.90", ""),
            ("2001:db8::9", "Mail.example.com"),
            ("10.0.0.5", ""),
            ("10.0.0.5", ""),
        ] {
            let realm = RealmId(hosts.keys.len() as u32);
            hosts.keys.push(HostKey::new(addr.parse().unwrap(), realm));
            hosts.name.push(name.into());
        }
        assert_eq!(found_hosts(&hosts, text), wanted, "{text:?}");
    }

    #[test]
    fn hosts_are_found_by_the_beginning_of_address_or_name() {
        use Found::Host;
        check_hosts("203.0.113", &[Host(0), Host(1)]);
        check_hosts("203[.]0[.]113[.]9", &[Host(0)]);
        check_hosts("2001:DB8", &[Host(2)]);
        check_hosts("mail", &[Host(2)]);
        check_hosts("example", &[]);
        check_hosts("10.0.0.5", &[Host(3), Host(4)]);
        check_hosts("2", &[]);
    }

    #[test]
    fn an_address_that_is_not_in_the_case_is_looked_up() {
        check_hosts("198.51.100.1", &[Found::Address("198.51.100.1".parse().unwrap())]);
        check_hosts("192[.]0[.]2[.]1", &[Found::Address("192.0.2.1".parse().unwrap())]);
    }

    #[test]
    fn no_more_hosts_are_listed_than_can_be_read() {
        let mut hosts = HostColumns::default();
        for number in 0..100 {
            let addr = format!("192.0.2.{number}").parse().unwrap();
            hosts.keys.push(HostKey::new(addr, RealmId::default()));
            hosts.name.push("".into());
        }
        assert_eq!(found_hosts(&hosts, "192.0.2").len(), HOSTS_MAX);
        assert_eq!(found_hosts(&hosts, "192.0.2.9").len(), 1, "one that is written whole");
    }
}
