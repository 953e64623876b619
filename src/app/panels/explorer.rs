//! Prefix explorer: which prefixes hold an address in each source, what each says, which won, why.

mod tree;

use egui::{
    Align, Button, Frame, Key, Label, Layout, Margin, RichText, Role, ScrollArea, TextEdit,
};
use egui::{Ui, WidgetInfo};

use super::absent::{Absent, absent_ui};
use super::{Panel, View, no_tools, section};
use crate::app::theme::{self, Palette, icon};
use crate::engine::workbench::{Command, DataState, Selected};
use crate::engine::{Decided, Explored};
use crate::model::{Addr, Visible, query};

/// The prefixes around an address.
pub const PANEL: Panel = Panel {
    title: "Prefix explorer",
    icon: icon::EXPLORER,
    help: "The prefixes around an address, source by source, the widest first: what each source \
           says of it, how old that is, and which one counts for place, AS and kind. A prefix is \
           the largest aligned one inside the range of which the source says the same; the range \
           itself is shown on hover. Below are the ranges before and after. What it does not know: \
           sources are merged when they are packed, so that of entries inside each other only the \
           smallest speaks.",
    ui,
    tools: no_tools,
};

const ABSENT: Absent = Absent {
    things: "prefixes",
    closed: "Type or paste an address above",
    reading: "Type or paste an address above",
    none: "Type or paste an address above",
};

/// Addresses that can be gone back to.
const PAST_MAX: usize = 100;

/// What the explorer remembers.
#[derive(Clone, Debug, Default)]
pub struct ExplorerState {
    /// What is written in the field.
    text: String,
    /// Why it is no address.
    wrong: Option<String>,
    /// Addresses that were explored, and the place after the one that is shown.
    past: Vec<Addr>,
    at: usize,
    /// Whether the field is to be written in.
    wanted: bool,
}

impl ExplorerState {
    /// Puts the cursor into the field of a view that shows nothing yet.
    pub fn write(&mut self) {
        self.wanted = self.past.is_empty();
    }

    fn visit(&mut self, addr: Addr) {
        (self.text, self.wrong) = (addr.to_string(), None);
        self.past.truncate(self.at);
        if self.past.last() != Some(&addr) {
            self.past.push(addr);
        }
        if self.past.len() > PAST_MAX {
            self.past.remove(0);
        }
        self.at = self.past.len();
    }
}

impl View<'_> {
    /// Explores the prefixes around an address, and brings them to the front.
    pub fn explore(&mut self, addr: Addr) {
        self.memory.explorer.visit(addr);
        self.memory.wanted_view = Some(PANEL.title);
        self.wish(Command::Explore(addr));
    }
}

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    field_ui(ui, view);
    let explorer = view.snapshot.explorer.clone();
    if matches!(view.snapshot.data, DataState::Failed(_)) {
        return absent_ui(ui, view, &ABSENT);
    }
    let quiet = Palette::of(ui).quiet;
    match (explorer.asked, explorer.found, &view.snapshot.data) {
        (None, _, _) => first_ui(ui, view),
        (Some(addr), Some(found), _) if found.addr == addr => found_ui(ui, view, &found),
        (Some(addr), _, DataState::Opening) => {
            ui.colored_label(quiet, format!("{addr}: the reference data are being opened"));
        }
        (Some(addr), ..) => {
            ui.colored_label(quiet, format!("Looking up {addr} …"));
        }
    }
}

/// Said before anything was asked.
fn first_ui(ui: &mut Ui, view: &mut View<'_>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(RichText::new("No prefixes yet").font(theme::strong(theme::TITLE)));
        let what = match view.snapshot.data {
            DataState::Opening => "The reference data are being opened; an address can be typed",
            _ => "Type or paste an address above, or click one in the address space",
        };
        ui.colored_label(Palette::of(ui).quiet, what);
        let selected = view.snapshot.selection.as_ref();
        let addr = selected.and_then(|it| it.host.as_ref()).map(|host| host.addr);
        if let Some(addr) = addr
            && ui.button(format!("Explore {addr}")).clicked()
        {
            view.explore(addr);
        }
    });
}

/// The field, and the way back.
fn field_ui(ui: &mut Ui, view: &mut View<'_>) {
    let frame = Frame::new().fill(Palette::of(ui).raised);
    let mut go = None;
    frame.inner_margin(Margin::symmetric(8, 4)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            let state = &mut view.memory.explorer;
            let steps = [(icon::BACK, "Address before", -1), (icon::FORWARD, "Next address", 1)];
            for (icon, name, by) in steps {
                let to = state.at.saturating_add_signed(by);
                let can = to >= 1 && to <= state.past.len();
                let button = ui.add_enabled(can, Button::new(icon).frame(false));
                button.widget_info(|| WidgetInfo::labeled(Role::Button, can, name));
                if button.on_hover_text(name).clicked() {
                    state.at = to;
                    let addr = state.past.get(to - 1).copied();
                    state.text = addr.map(|addr| addr.to_string()).unwrap_or_default();
                    state.wrong = None;
                    go = addr.map(Command::Explore);
                }
            }
            let field = TextEdit::singleline(&mut state.text)
                .hint_text("203.0.113.9 or 2001:db8::1")
                .font(egui::TextStyle::Monospace)
                .desired_width(280.0);
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Address to explore"));
            if std::mem::take(&mut state.wanted) {
                field.request_focus();
            }
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if (ui.button("Explore").clicked() || entered) && !state.text.trim().is_empty() {
                match query::parse(state.text.trim()) {
                    Ok(query) => {
                        let addr = query.addr().unwrap_or_else(|| query.range().first());
                        state.visit(addr);
                        go = Some(Command::Explore(addr));
                    }
                    Err(error) => state.wrong = Some(error.to_string()),
                }
            }
            if let Some(wrong) = &state.wrong {
                let text = format!("No address: {}", Visible(wrong));
                ui.add(Label::new(RichText::new(text).color(Palette::of(ui).failed)).truncate());
            }
        });
    });
    if let Some(command) = go {
        view.wish(command);
    }
}

fn found_ui(ui: &mut Ui, view: &mut View<'_>, found: &Explored) {
    let frame = Frame::new().inner_margin(Margin::symmetric(12, 8));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        frame.show(ui, |ui| {
            head_ui(ui, view, found);
            if found.rows.is_empty() {
                let told = "No source says anything of it";
                ui.label(RichText::new(told).font(theme::strong(theme::BODY)));
            } else {
                decided_ui(ui, found);
                section(ui, "Prefixes, the widest first");
                ui.scope(|ui| tree::tree_ui(ui, found));
            }
            section(ui, "Beside it");
            beside_ui(ui, view, found);
        });
    });
}

fn head_ui(ui: &mut Ui, view: &mut View<'_>, found: &Explored) {
    ui.horizontal(|ui| {
        let addr = found.addr.to_string();
        ui.label(RichText::new(&addr).font(theme::mono(theme::TITLE)));
        let copy = ui.button(format!("{} Copy", icon::COPY));
        copy.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Copy the address"));
        if copy.clicked() {
            ui.copy_text(addr);
        }
        if ui.button("Copy as JSON").clicked() {
            ui.copy_text(format!("{:#}", found.to_json()));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Show in the inspector").clicked() {
                let keys = &view.snapshot.hosts.all.keys;
                let host = keys.iter().find(|key| key.addr() == found.addr);
                let what = host.map_or(Selected::Address(found.addr), |key| Selected::Host(*key));
                view.select(what);
            }
        });
    });
}

/// What is believed, by whom, and why.
fn decided_ui(ui: &mut Ui, found: &Explored) {
    if found.verdicts.is_empty() {
        return;
    }
    section(ui, "What counts");
    for Decided { about, answer, sources, why } in &found.verdicts {
        ui.horizontal_wrapped(|ui| {
            let quiet = Palette::of(ui).quiet;
            ui.label(RichText::new(about.as_str()).color(quiet));
            ui.label(RichText::new(Visible(answer).to_string()).font(theme::strong(theme::BODY)));
            let by: Vec<String> = sources.iter().map(|it| Visible(it).to_string()).collect();
            if !by.is_empty() {
                ui.label(RichText::new(format!("by {}", by.join(", "))).color(quiet));
            }
            ui.label(RichText::new(why).color(quiet));
        });
    }
}

/// The ranges before and after, and a way there.
fn beside_ui(ui: &mut Ui, view: &mut View<'_>, found: &Explored) {
    let writes = ui.ctx().text_edit_focused();
    for (number, (word, key)) in
        [("Before", Key::PageUp), ("After", Key::PageDown)].into_iter().enumerate()
    {
        let Some(beside) = &found.neighbours[number] else { continue };
        let pressed = !writes
            && ui.rect_contains_pointer(ui.clip_rect())
            && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
        ui.horizontal(|ui| {
            let range = beside.range.to_string();
            let button = ui.button(word);
            let name = format!("{word}: {range}, {}", Visible(&beside.text));
            button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            let button = button.on_hover_text(format!("Explore what lies there  {}", key.name()));
            ui.label(RichText::new(range).font(theme::mono(theme::BODY - 0.5)));
            let text = RichText::new(Visible(&beside.text).to_string());
            ui.add(Label::new(text.color(Palette::of(ui).quiet)).truncate());
            if button.clicked() || pressed {
                view.explore(beside.addr());
            }
        });
    }
}
