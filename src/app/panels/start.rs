//! The start page: drop, type a path, paste addresses, or open the example.

use std::path::PathBuf;

use egui::{Key, Label, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{View, jobs, section};
use crate::app::theme::{self, Palette};
use crate::engine::workbench::{Command, DataState, JobState};
use crate::model::Visible;

/// Files and folders opened before that find room on the page.
const RECENT_SHOWN: usize = 6;

/// What is being typed.
#[derive(Clone, Debug, Default)]
pub struct StartState {
    /// A path.
    pub path: String,
    /// Addresses.
    pub addresses: String,
    /// What was opened before, the newest first.
    pub recent: Vec<PathBuf>,
}

/// Draws the page that an empty case shows.
pub fn start_ui(ui: &mut Ui, view: &mut View<'_>) {
    let (width, above) = (ui.available_width().min(620.0), ui.available_height() * 0.1);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(above.max(16.0));
            ui.allocate_ui(vec2(width, 0.0), |ui| {
                ui.vertical(|ui| page_ui(ui, view));
            });
        });
    });
}

fn page_ui(ui: &mut Ui, view: &mut View<'_>) {
    let quiet = Palette::of(ui).quiet;
    ui.label(RichText::new("Who is behind it, and how dangerous is it?").font(theme::strong(22.0)));
    ui.label(RichText::new("Nothing leaves this machine.").color(quiet));
    ui.add_space(16.0);
    drop_zone_ui(ui, view);
    super::case::recovered_ui(ui, view);
    recent_ui(ui, view);
    section(ui, "Path of a file or folder");
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut view.memory.start.path)
            .hint_text("/var/log/auth.log")
            .font(egui::TextStyle::Monospace)
            .desired_width(ui.available_width() - 57.0);
        let field = ui.add(field);
        field.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path of a file or folder")
        });
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let path = view.memory.start.path.trim().to_owned();
        if (ui.button("Open").clicked() || entered) && !path.is_empty() {
            view.wish(Command::Open(vec![PathBuf::from(path)]));
        }
    });
    section(ui, "Addresses, one a line or in any text");
    let field = TextEdit::multiline(&mut view.memory.start.addresses)
        .hint_text("203.0.113.9\n198[.]51[.]100[.]7\n2001:db8::/32")
        .font(egui::TextStyle::Monospace)
        .desired_rows(4)
        .desired_width(f32::INFINITY);
    ui.add(field).widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, "Addresses to look at")
    });
    let typed = !view.memory.start.addresses.trim().is_empty();
    if ui.add_enabled(typed, egui::Button::new("Look at these addresses")).clicked() {
        let text = std::mem::take(&mut view.memory.start.addresses);
        view.wish(Command::Paste(text));
    }
    happened_ui(ui, view);
}

/// What went wrong, if something did.
fn happened_ui(ui: &mut Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let has_failed = snapshot.jobs.iter().any(|job| matches!(job.state, JobState::Failed(_)));
    let no_data = match &snapshot.data {
        DataState::Failed(why) => Some(why),
        DataState::Opening | DataState::Ready(_) => None,
    };
    if !has_failed && no_data.is_none() {
        return;
    }
    section(ui, "What happened");
    if let Some(why) = no_data {
        let told = format!("The reference data cannot be opened: {}", Visible(why));
        ui.add(Label::new(RichText::new(told).color(Palette::of(ui).failed)).wrap());
    }
    jobs::failures_ui(ui, view);
}

/// Where files are dropped, though all of the window takes them.
fn drop_zone_ui(ui: &mut Ui, view: &mut View<'_>) {
    let (text, quiet) = (Palette::of(ui).text, Palette::of(ui).quiet);
    let zone = egui::Frame::new().inner_margin(20).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            let title = "Drop captures, logs, address lists or folders here";
            ui.label(RichText::new(title).font(theme::strong(theme::TITLE)).color(text));
            let what = "pcap, pcapng, Zeek, logs of web servers, mail, log-ins and firewalls, CSV, \
                        JSON; packed ones too. Files are recognised by their content.";
            ui.label(RichText::new(what).color(quiet));
            ui.add_space(12.0);
            // A row as wide as its buttons can stand in the middle.
            let buttons = ui.allocate_ui(vec2(228.0, theme::row(ui)), |ui| {
                ui.horizontal(|ui| {
                    if ui.button("Open files …").clicked() {
                        super::super::shell::pick_files(ui.ctx());
                    }
                    let example = ui.button("Open the example");
                    if example.on_hover_text("One synthetic night at a small shop").clicked() {
                        view.wish(Command::OpenExample);
                    }
                });
            });
            buttons.response
        });
    });
    let border = egui::Stroke::new(1.0, quiet);
    let rect = zone.response.rect.shrink(0.5);
    let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()];
    let around = [&corners[..], &corners[..1]].concat();
    ui.painter().extend(egui::Shape::dashed_line(&around, border, 6.0, 4.0));
}

/// What was opened before, one line each.
fn recent_ui(ui: &mut Ui, view: &mut View<'_>) {
    if view.memory.start.recent.is_empty() {
        return;
    }
    section(ui, "Opened before");
    let mut opened = None;
    for path in view.memory.start.recent.iter().take(RECENT_SHOWN) {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        ui.horizontal(|ui| {
            if ui.link(Visible(&name).to_string()).clicked() {
                opened = Some(path.clone());
            }
            let folder = RichText::new(Visible(&folder).to_string()).color(Palette::of(ui).quiet);
            ui.add(egui::Label::new(folder).truncate());
        });
    }
    if let Some(path) = opened {
        view.wish(Command::Open(vec![path]));
    }
}
