//! What a person can do, in one list: menus, the palette, shortcuts and the keyboard map are all
//! made from it, so that they cannot disagree.
//!
//! A new one is a row of its menu below and, if nothing that exists does it, a variant of [`Act`]
//! with one arm in the shell.

use std::borrow::Cow;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::copy::Form;
use super::panels::PANELS;
use super::panels::marking::Mark;
use super::panels::packets::Step;
use crate::engine::workbench::{Command, GroupBy};

/// A thing that a person can do.
#[derive(Clone, Debug)]
pub struct Action {
    /// Where it stands.
    pub menu: Menu,
    /// The menu within the menu.
    pub under: Option<&'static str>,
    /// Whether a line parts it from what stands above.
    pub is_parted: bool,
    /// What it is called: "Open files …".
    pub name: Cow<'static, str>,
    /// What it does, in a sentence.
    pub what: &'static str,
    /// Its keys; the first are those that menus show.
    pub keys: Vec<KeyboardShortcut>,
    /// Whether its keys mean something else while a text is written.
    pub spares_text: bool,
    /// What happens.
    pub act: Act,
}

/// The menus, from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Files and the report.
    File,
    /// Rows.
    Edit,
    /// Views and how they look.
    View,
    /// Explanations.
    Help,
}

impl Menu {
    /// All of them, and what they are called.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::File, "File"), (Self::Edit, "Edit"), (Self::View, "View"), (Self::Help, "Help")];

    fn with(self, name: impl Into<Cow<'static, str>>, act: Act, what: &'static str) -> Action {
        Action {
            menu: self,
            under: None,
            is_parted: false,
            name: name.into(),
            what,
            keys: Vec::new(),
            spares_text: false,
            act,
        }
    }
}

impl Action {
    /// Its name and where it stands: "Theme: Dark".
    pub fn path(&self) -> String {
        match self.under {
            Some(under) => format!("{under}: {}", self.name),
            None => self.name.to_string(),
        }
    }

    fn keys(mut self, modifiers: Modifiers, key: Key) -> Self {
        self.keys.push(KeyboardShortcut::new(modifiers, key));
        self
    }

    fn sparing_text(self) -> Self {
        Self { spares_text: true, ..self }
    }

    fn under(self, name: &'static str) -> Self {
        Self { under: Some(name), ..self }
    }

    fn parted(self) -> Self {
        Self { is_parted: true, ..self }
    }
}

/// A key with Alt.
pub const fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(ALT, key)
}

/// `Ctrl+Shift+S`.
pub fn shown_keys(shortcut: KeyboardShortcut) -> String {
    let KeyboardShortcut { modifiers, logical_key } = shortcut;
    let mut text = String::new();
    for (is_held, name) in [
        (modifiers.command || modifiers.ctrl, "Ctrl+"),
        (modifiers.alt, "Alt+"),
        (modifiers.shift, "Shift+"),
    ] {
        if is_held {
            text += name;
        }
    }
    let key = match logical_key {
        Key::ArrowLeft => "←",
        Key::ArrowRight => "→",
        Key::Comma => ",",
        key => key.name(),
    };
    text + key
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Asks for files.
    OpenFiles,
    /// Asks where to save.
    SaveAs,
    /// Shows which commands changed the case.
    Log,
    /// Asks which hosts to hand over, and how.
    HandOver,
    /// Goes to the filter, to write it.
    Filter,
    /// Searches the packets that are shown.
    Find,
    /// To the next or the previous place of what is searched.
    FindStep(Step),
    /// Asks for a list to compare with the case.
    Compare,
    /// Takes back what was done last.
    Undo,
    /// Does it again.
    Redo,
    /// To what was selected before.
    Back,
    /// To what Back left.
    Forward,
    /// Asks the engine for something.
    Wish(fn() -> Command),
    /// Brings a view to the front: its number in [`PANELS`].
    Show(usize),
    /// Shows or hides a side of the window.
    Turn(Side),
    /// Gives the view that was used last the whole middle, or what it had.
    Expand,
    /// Says something of the chosen hosts.
    Mark(Mark),
    /// Copies the chosen rows of the table that was used last.
    Copy(Form),
    /// Puts the hosts together.
    Group(Option<GroupBy>),
    /// Changes the theme.
    Look(Look),
    /// Makes everything larger or smaller: percent.
    Zoom(u16),
    /// Searches what can be done and who is there.
    Palette,
    /// Shows the settings.
    Settings,
    /// Shows the keyboard map.
    Keys,
    /// Says what this is and whom to credit.
    About,
    /// Closes the window.
    Quit,
}

/// A side of the window that can be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The list of views.
    Left,
    /// The inspector.
    Right,
    /// Time and jobs.
    Bottom,
}

/// Which sides of the window are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Sides {
    /// The list of views.
    pub left: bool,
    /// The inspector.
    pub right: bool,
    /// Time and jobs.
    pub bottom: bool,
}

impl Default for Sides {
    fn default() -> Self {
        Self { left: true, right: true, bottom: true }
    }
}

impl Sides {
    /// Whether a side is shown.
    pub fn shows(&mut self, side: Side) -> &mut bool {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
            Side::Bottom => &mut self.bottom,
        }
    }
}

/// How the window looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
    /// White on black, with strong lines.
    HighContrast,
    /// As the system says.
    #[default]
    System,
}

impl Look {
    /// All of them, and what they are called.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Dark, "Dark"),
        (Self::Light, "Light"),
        (Self::HighContrast, "High contrast"),
        (Self::System, "As the system"),
    ];
}

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const NONE: Modifiers = Modifiers::NONE;

/// Everything a person can do, in the order of the menus.
pub fn all() -> Vec<Action> {
    [file(), edit(), views(), view(), help()].concat()
}

fn file() -> Vec<Action> {
    let what = "Reads captures, logs, lists and folders into the case";
    vec![
        Menu::File.with("Open files …", Act::OpenFiles, what).keys(CTRL, Key::O),
        Menu::File.with(
            "Open the example",
            Act::Wish(|| Command::OpenExample),
            "One synthetic night at a small shop",
        ),
        Menu::File
            .with(
                "New case",
                Act::Wish(|| Command::NewCase),
                "Leaves the case and begins an empty one",
            )
            .keys(CTRL, Key::N),
        Menu::File
            .with("Save case as …", Act::SaveAs, "Writes the case into one file and goes on there")
            .keys(CTRL | SHIFT, Key::S),
        Menu::File.with("Log of this case", Act::Log, "Which commands changed it, and when"),
        Menu::File
            .with(
                "Hand over …",
                Act::HandOver,
                "Hosts as a list, CSV, JSON, STIX, MISP or a report for others",
            )
            .keys(CTRL, Key::E)
            .parted(),
        Menu::File.with("Quit", Act::Quit, "Closes the window").keys(CTRL, Key::Q).parted(),
    ]
}

fn edit() -> Vec<Action> {
    let mut list = vec![
        Menu::Edit
            .with("Undo", Act::Undo, "Takes back what you said or did last")
            .keys(CTRL, Key::Z)
            .sparing_text(),
        Menu::Edit
            .with("Redo", Act::Redo, "Does again what was undone last")
            .keys(CTRL | SHIFT, Key::Z)
            .keys(CTRL, Key::Y)
            .sparing_text(),
        Menu::Edit
            .with("Back", Act::Back, "To what was selected before")
            .keys(ALT, Key::ArrowLeft)
            .parted(),
        Menu::Edit.with("Forward", Act::Forward, "To what Back left").keys(ALT, Key::ArrowRight),
    ];
    list.push(
        Menu::Edit
            .with("Filter", Act::Filter, "Shows only what meets a condition; / goes there too")
            .keys(CTRL, Key::F)
            .parted(),
    );
    let find = "Text or bytes in packets and streams; Ctrl+F in the view of packets goes there too";
    list.push(Menu::Edit.with("Find in packets …", Act::Find, find));
    for (name, step, held) in
        [("Find next", Step::Next, NONE), ("Find previous", Step::Previous, SHIFT)]
    {
        let what = "The next or the previous place of what is searched in packets";
        list.push(Menu::Edit.with(name, Act::FindStep(step), what).keys(held, Key::F3));
    }
    let what = "Which addresses of a pasted list occur in the case";
    list.push(Menu::Edit.with("Compare with a list …", Act::Compare, what));
    for (number, (mark, name, what, key)) in Mark::ALL.into_iter().enumerate() {
        let said = Menu::Edit.with(name, Act::Mark(mark), what).keys(ALT, key).sparing_text();
        let said = if mark.is_verdict() { said.under("Verdict") } else { said };
        list.push(if number == 0 { said.parted() } else { said });
    }
    for (number, (form, name, what)) in Form::ALL.into_iter().enumerate() {
        let copy = Menu::Edit.with(name, Act::Copy(form), what);
        list.push(if number == 0 { copy.parted() } else { copy });
    }
    let what = "Theme, sizes, times, own networks";
    let settings = Menu::Edit.with("Settings …", Act::Settings, what);
    list.push(settings.keys(CTRL, Key::Comma).parted());
    list
}

/// The keys of a view, by its number in [`PANELS`].
pub fn view_keys(number: usize) -> Option<KeyboardShortcut> {
    let keys = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
        // Digits are used up: G as in grid, L as browsers go to an address.
        Key::G,
        Key::L,
    ];
    keys.get(number).map(|&key| KeyboardShortcut::new(CTRL, key))
}

/// One for each view.
fn views() -> Vec<Action> {
    let show = |(number, panel): (usize, &super::panels::Panel)| {
        let what = panel.help.split_inclusive('.').next().unwrap_or_default();
        let mut show = Menu::View.with(panel.title, Act::Show(number), what).under("Views");
        show.keys.extend(view_keys(number));
        show
    };
    PANELS.iter().enumerate().map(show).collect()
}

fn view() -> Vec<Action> {
    let mut list = Vec::new();
    let by = GroupBy::ALL.map(|(by, word)| (Some(by), format!("By {word}")));
    let one_by_one = (None, "One by one".to_owned());
    for (by, name) in [one_by_one].into_iter().chain(by) {
        let what = "How the table of hosts puts them together, with sums";
        list.push(Menu::View.with(name, Act::Group(by), what).under("Group hosts"));
    }
    for (look, name) in Look::ALL {
        let what = "How the window looks";
        list.push(Menu::View.with(name, Act::Look(look), what).under("Theme"));
    }
    for percent in [100, 125, 150, 200] {
        let what = "The size of everything; Ctrl and + or - go in smaller steps";
        let size = Menu::View.with(format!("{percent} %"), Act::Zoom(percent), what).under("Size");
        list.push(if percent == 100 { size.keys(CTRL, Key::Num0) } else { size });
    }
    let expand = "The view that was used last takes the whole middle";
    list.push(
        Menu::View
            .with("Expand the view, or put it back", Act::Expand, expand)
            .keys(NONE, Key::F11)
            .parted(),
    );
    for (name, side, key, what) in [
        ("Show or hide the list of views", Side::Left, Key::B, "The left side"),
        ("Show or hide the inspector", Side::Right, Key::I, "The right side"),
        ("Show or hide time and jobs", Side::Bottom, Key::T, "The foot of the window"),
    ] {
        list.push(Menu::View.with(name, Act::Turn(side), what).keys(CTRL, key));
    }
    list
}

fn help() -> Vec<Action> {
    let palette = "What can be done and who is there, by a few letters";
    vec![
        Menu::Help.with("Search or command", Act::Palette, palette).keys(CTRL, Key::K),
        Menu::Help.with("Keyboard", Act::Keys, "All keys, and what they do").keys(NONE, Key::F1),
        Menu::Help
            .with("About and attribution", Act::About, "What this is, and whom to credit")
            .parted(),
    ]
}

/// Keys that mean something in a view alone: where, which, and what they do. They are read where
/// they are meant; the keyboard map lists them from here.
pub const IN_VIEWS: &[(&str, &str, &str)] = &[
    ("Tables", "↑ ↓ Page Home End", "Select a row"),
    ("Tables", "Shift + ↑ ↓, Shift + click", "Choose rows up to this one"),
    ("Tables", "Ctrl + click", "Choose a row too, or no longer"),
    ("Tables", "Ctrl + A", "Choose all rows"),
    ("Tables", "Ctrl + C", "Copy the chosen rows as text"),
    ("Tables", "Escape", "Choose none"),
    ("Tables", "→ ← Enter", "Unfold or fold a group"),
    ("Packets", "Ctrl + F", "Find text or bytes"),
    ("Packets", "Enter, Shift + Enter", "In the field of the search: next, previous"),
    ("Map", "← ↑ ↓ →", "Move"),
    ("Map", "+ −", "Zoom"),
    ("Map", "Home", "The whole world"),
    ("Address space", "← ↑ ↓ →", "Move the cursor"),
    ("Address space", "+ − Home", "Zoom; all of it"),
    ("Address space", "Enter", "Explore the prefix at the cursor"),
    ("Prefix explorer", "Page ↑ Page ↓", "What lies before and after"),
    ("Everywhere", "Tab, Shift + Tab", "To the next or previous control"),
    ("Everywhere", "Ctrl + + −", "Everything larger or smaller"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_keys_are_given_once_and_everything_is_explained() {
        let actions = all();
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for action in &actions {
            assert!(names.insert(action.name.clone()), "{} twice", action.name);
            assert!(action.what.len() > 8, "{}: what does it do?", action.name);
            for &shortcut in &action.keys {
                assert!(keys.insert(shown_keys(shortcut)), "{}: keys twice", action.name);
            }
        }
    }

    #[test]
    fn every_view_and_every_form_of_copying_is_in_the_list() {
        let actions = all();
        for number in 0..PANELS.len() {
            let is_it = |action: &Action| matches!(action.act, Act::Show(shown) if shown == number);
            assert_eq!(actions.iter().filter(|action| is_it(action)).count(), 1);
        }
        for (form, ..) in Form::ALL {
            let is_it = |action: &Action| matches!(action.act, Act::Copy(copied) if copied == form);
            assert_eq!(actions.iter().filter(|action| is_it(action)).count(), 1);
        }
    }

    #[test]
    fn keys_are_written_as_they_are_pressed() {
        let shortcut = KeyboardShortcut::new(CTRL | Modifiers::SHIFT, Key::S);
        assert_eq!(shown_keys(shortcut), "Ctrl+Shift+S");
        assert_eq!(shown_keys(KeyboardShortcut::new(NONE, Key::F1)), "F1");
        assert_eq!(shown_keys(KeyboardShortcut::new(ALT, Key::ArrowLeft)), "Alt+←");
    }
}
