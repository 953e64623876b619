//! The top bar: menus, the field of the palette, what can be hidden, how things stand.

use egui::{Align, Align2, Layout, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::actions::{Act, Action, Look, Menu, Side, Sides, shown_keys};
use super::panels::case::{place_help, place_text};
use super::theme::{self, Palette, icon};
use super::widgets::text::counted;
use crate::engine::workbench::{DataState, JobState, Snapshot};
use crate::model::Visible;

/// Width of the palette's field in points.
const FIELD: f32 = 360.0;

/// Width of the words on how things stand.
const STATE: f32 = 300.0;

/// What the bar shows.
pub(super) struct TopBar<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) actions: &'a [Action],
    /// What a person chose.
    pub(super) acts: &'a mut Vec<Act>,
    pub(super) sides: Sides,
    pub(super) look: Look,
}

impl TopBar<'_> {
    /// Draws the bar; gives the place of the field, under which the palette opens.
    pub(super) fn ui(&mut self, ui: &mut Ui) -> Rect {
        let mut field = Rect::NOTHING;
        egui::MenuBar::new().ui(ui, |ui| {
            for (menu, name) in Menu::ALL {
                ui.menu_button(name, |ui| self.menu_ui(ui, menu));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.state_ui(ui);
                self.sides_ui(ui);
                field = self.field_ui(ui);
            });
        });
        field
    }

    fn menu_ui(&mut self, ui: &mut Ui, menu: Menu) {
        let actions: &[Action] = self.actions;
        let mut under = None;
        for (number, action) in actions.iter().enumerate().filter(|(_, it)| it.menu == menu) {
            if action.is_parted {
                ui.separator();
            }
            match action.under {
                None => self.entry_ui(ui, action),
                Some(name) if under == Some(name) => {}
                Some(name) => {
                    let rest = actions.get(number..).unwrap_or_default();
                    let same = |it: &&Action| it.menu == menu && it.under == Some(name);
                    ui.menu_button(name, |ui| {
                        rest.iter().filter(same).for_each(|action| self.entry_ui(ui, action));
                    });
                }
            }
            under = action.under;
        }
    }

    fn entry_ui(&mut self, ui: &mut Ui, action: &Action) {
        let standing = self.standing(action);
        let name = match standing.about {
            Some(about) => format!("{} {}", action.name, Visible(about)),
            None => action.name.to_string(),
        };
        let mut button = egui::Button::selectable(standing.is_on, name);
        if let Some(&keys) = action.keys.first() {
            button = button.shortcut_text(shown_keys(keys));
        }
        let entry = ui.add_enabled(standing.can, button);
        if entry.on_hover_text(action.what).clicked() {
            self.acts.push(action.act);
            ui.close();
        }
    }

    /// How an action stands now.
    fn standing(&self, action: &Action) -> Standing<'_> {
        let (case, history) = (&self.snapshot.case, self.snapshot.history);
        let can = |can| Standing { can, ..Standing::default() };
        let on = |is_on| Standing { is_on, can: true, ..Standing::default() };
        match action.act {
            Act::Undo => Standing { about: case.undo.as_deref(), ..can(case.undo.is_some()) },
            Act::Redo => Standing { about: case.redo.as_deref(), ..can(case.redo.is_some()) },
            Act::Back => can(history.0),
            Act::Forward => can(history.1),
            Act::SaveAs | Act::Log => can(!case.is_empty()),
            Act::HandOver => can(!self.snapshot.hosts.shown.is_empty()),
            Act::Look(look) => on(look == self.look),
            Act::Group(by) => on(by == self.snapshot.groups.as_ref().map(|groups| groups.by)),
            Act::Turn(side) => on(*self.sides.clone().shows(side)),
            _ => can(true),
        }
    }

    fn state_ui(&self, ui: &mut Ui) {
        let state = state(self.snapshot);
        let text = RichText::new(&state).color(Palette::of(ui).quiet);
        ui.scope(|ui| {
            ui.set_max_width(STATE.min(ui.available_width() * 0.4));
            let label = ui.add(egui::Label::new(text).truncate());
            label.on_hover_text(place_help(self.snapshot));
        });
    }

    /// Three buttons: which sides are shown.
    fn sides_ui(&mut self, ui: &mut Ui) {
        if self.snapshot.case.is_empty() {
            return;
        }
        let sides = [
            (Side::Bottom, icon::BOTTOM, self.sides.bottom),
            (Side::Right, icon::RIGHT, self.sides.right),
            (Side::Left, icon::LEFT, self.sides.left),
        ];
        for (side, icon, is_shown) in sides {
            let is_it = |action: &&Action| matches!(action.act, Act::Turn(it) if it == side);
            let Some(action) = self.actions.iter().find(is_it) else { continue };
            let colour = match is_shown {
                true => Palette::of(ui).text,
                false => Palette::of(ui).border,
            };
            let text = RichText::new(icon).color(colour);
            let button = ui.add(egui::Button::new(text).frame(false));
            let name = &*action.name;
            button.widget_info(|| WidgetInfo::selected(Role::Button, true, is_shown, name));
            let keys = action.keys.first().copied().map(shown_keys).unwrap_or_default();
            if button.on_hover_text(format!("{name}  {keys}")).clicked() {
                self.acts.push(action.act);
            }
        }
    }

    /// The field in the middle: looks like one, and opens the palette in its place.
    fn field_ui(&mut self, ui: &mut Ui) -> Rect {
        let palette = Palette::of(ui);
        let room = ui.available_rect_before_wrap();
        let width = FIELD.min(room.width() - 16.0).max(40.0);
        let middle = ui.ctx().content_rect().center().x;
        let left = (middle - width / 2.0).clamp(room.min.x + 8.0, room.max.x - width - 8.0);
        let rect = Rect::from_min_size(
            egui::pos2(left, room.center().y - theme::row(ui) / 2.0),
            vec2(width, theme::row(ui)),
        );
        let response = ui.interact(rect, ui.scope_id().with("palette"), Sense::click());
        response
            .widget_info(|| WidgetInfo::labeled(Role::Button, true, "Search or command, Ctrl+K"));
        let is_lit = response.hovered() || response.has_focus();
        let ground = if is_lit { palette.hovered } else { palette.ground };
        let line = Stroke::new(1.0, palette.hairline);
        ui.painter().rect(rect, 4.0, ground, line, egui::StrokeKind::Inside);
        let inner = rect.shrink2(vec2(8.0, 0.0));
        let painter = ui.painter().with_clip_rect(rect);
        let keys = painter.text(
            inner.right_center(),
            Align2::RIGHT_CENTER,
            "Ctrl+K",
            theme::text(theme::HEAD),
            palette.quiet,
        );
        painter.with_clip_rect(rect.with_max_x(keys.min.x - 4.0)).text(
            inner.left_center(),
            Align2::LEFT_CENTER,
            format!("{}  Search or command", icon::SEARCH),
            theme::text(theme::BODY),
            palette.quiet,
        );
        if response.clicked() {
            self.acts.push(Act::Palette);
        }
        rect
    }
}

/// How an action stands.
#[derive(Default)]
struct Standing<'a> {
    /// Whether it can be done now.
    can: bool,
    /// Whether it is how things are already.
    is_on: bool,
    /// What it would be about.
    about: Option<&'a str>,
}

/// What is going on, in a few words.
fn state(snapshot: &Snapshot) -> String {
    match &snapshot.data {
        DataState::Opening => return "opening reference data".to_owned(),
        DataState::Failed(why) => return why.clone(),
        DataState::Ready(_) => {}
    }
    let running = snapshot.jobs.iter().filter(|job| matches!(job.state, JobState::Running { .. }));
    match (running.count(), snapshot.case.is_empty()) {
        (0, true) => "ready".to_owned(),
        (0, false) => {
            let hosts = counted(snapshot.hosts.all.len() as u64, "host", "hosts");
            format!("{hosts} · {}", place_text(snapshot))
        }
        (1, _) => "reading".to_owned(),
        (many, _) => format!("{many} jobs run"),
    }
}
