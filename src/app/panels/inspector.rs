//! Inspector: one host, from one sentence down to its flows and lines.

mod item;
mod placed;
mod why;

use egui::{RichText, ScrollArea, Sense, Ui, vec2};

use super::{View, filter_menu, said, section};
use crate::app::theme::{self, Palette, icon};
use crate::app::times;
use crate::app::widgets::band;
use crate::app::widgets::text::{bytes, counted, distance, grouped, time, visible};
use crate::engine::workbench::{Command, Selected, Selection, Verdict};
use crate::export::HostRow;
use crate::model::{HostKey, Visible};

/// What a place's confidence is about (INTERFACE: `confidence`).
const NEAR_KM: f64 = 40.0;

/// Peers that are listed at once.
const PEERS_SHOWN: usize = 12;

/// Draws what is selected.
pub fn inspector_ui(ui: &mut Ui, view: &mut View<'_>) {
    let (back, forward) = view.snapshot.history;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Inspector").font(theme::strong(theme::BODY)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let forward = ui.add_enabled(forward, egui::Button::new(icon::FORWARD).frame(false));
            if named(forward, "Forward").clicked() {
                view.wish(Command::Forward);
            }
            let back = ui.add_enabled(back, egui::Button::new(icon::BACK).frame(false));
            if named(back, "Back").clicked() {
                view.wish(Command::Back);
            }
        });
    });
    ui.separator();
    let Some(selection) = view.snapshot.selection.clone() else {
        ui.add_space(24.0);
        let what = "Click a host, a flow, a record or a detection to see what is known of it.";
        ui.label(RichText::new(what).color(Palette::of(ui).quiet));
        if !view.snapshot.case.is_empty() && !view.snapshot.case.is_growing {
            section(ui, "What happened");
            let worst: Vec<u32> = (0..view.snapshot.detections.len() as u32).take(8).collect();
            match worst.is_empty() {
                true => {
                    ui.label(RichText::new("Nothing was detected.").color(Palette::of(ui).quiet));
                }
                false => detection_links_ui(ui, view, &worst),
            }
        }
        said::marked_ui(ui, view);
        return;
    };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| match &selection.host {
        Some(host) => host_ui(ui, view, &selection, host),
        None => {
            ui.label("It is not among the hosts: broadcast and multicast addresses are peers only");
        }
    });
}

fn named(response: egui::Response, name: &'static str) -> egui::Response {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response.on_hover_text(name)
}

fn host_ui(ui: &mut Ui, view: &mut View<'_>, selection: &Selection, host: &HostRow) {
    if view.snapshot.case.is_growing {
        let told = "Still being read: more may come, and detections come at the end.";
        ui.add(egui::Label::new(RichText::new(told).color(Palette::of(ui).warned)).wrap());
    }
    item::item_ui(ui, view, selection);
    head_ui(ui, view, host, selection.key);
    let sentence = Visible(&selection.sentence).to_string();
    ui.add(egui::Label::new(sentence).wrap());
    why::why_ui(ui, view, host);
    where_ui(ui, host);
    placed::placed_ui(ui, selection, host);
    if let Some(key) = selection.key {
        said::said_ui(ui, view, key);
    }
    facts_ui(ui, selection, host);
    fingerprints_ui(ui, selection);
    detections_ui(ui, view, selection);
    peers_ui(ui, view, selection);
}

fn head_ui(ui: &mut Ui, view: &mut View<'_>, host: &HostRow, key: Option<HostKey>) {
    let palette = Palette::of(ui);
    let verdict = Verdict::of(host);
    ui.horizontal(|ui| {
        let addr = host.addr.to_string();
        let size = if addr.len() > 22 { theme::BODY } else { theme::TITLE };
        let label = ui.label(RichText::new(&addr).font(theme::mono(size)));
        let label = label.on_hover_text("Click to copy").interact(Sense::click());
        label.context_menu(|ui| menu_ui(ui, view, host, key));
        if label.clicked() {
            ui.copy_text(addr);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let number = match verdict {
                Verdict::Unknown => "–".to_owned(),
                _ => format!("{:.0}", host.score),
            };
            ui.label(RichText::new(number).font(theme::strong(theme::NUMBER)));
            let (mark, _) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
            band::mark(ui.painter(), palette, mark.center(), 7.0, verdict);
        });
    });
    let network = match (host.asn, &host.as_name) {
        (Some(asn), Some(name)) => format!("AS{asn} {}", visible(name)),
        (Some(asn), None) => format!("AS{asn}"),
        (None, _) => "network unknown".to_owned(),
    };
    let mut parts = vec![host.word.to_owned(), network];
    parts.extend(host.kinds.iter().map(|kind| kind.as_str().to_owned()));
    if host.mine {
        parts.push("mine".to_owned());
    }
    if let Some(realm) = &host.realm {
        parts.push(format!("in {}", visible(realm)));
    }
    ui.add(egui::Label::new(RichText::new(parts.join(" · ")).color(palette.quiet)).wrap());
    let name = if key.is_some() { "Do with it" } else { "Filter" };
    ui.menu_button(format!("{name} {}", icon::DOWN), |ui| menu_ui(ui, view, host, key));
    ui.add_space(4.0);
}

/// What can be done with a host; with an address that the case does not have, filters alone.
fn menu_ui(ui: &mut Ui, view: &mut View<'_>, host: &HostRow, key: Option<HostKey>) {
    if let Some(key) = key {
        let chosen = view.memory.host_menu.ui(ui, view.snapshot, key, &Vec::new);
        if let Some(chosen) = chosen {
            chosen.take(view);
        }
        return;
    }
    if ui.button("Prefixes around it").clicked() {
        view.explore(host.addr);
        ui.close();
    }
    if let Some(chosen) = filter_menu::filter_menus_ui(ui, &filter_menu::of_explained(host)) {
        view.filter_by(chosen);
    }
}

fn where_ui(ui: &mut Ui, host: &HostRow) {
    section(ui, "Where");
    let Some(place) = &host.place else {
        ui.label(RichText::new("No place is known").color(Palette::of(ui).quiet));
        return;
    };
    let country = place.country_code.as_deref().unwrap_or("country unknown");
    let name = match &place.city {
        Some(city) => format!("{city}, {country}"),
        None => country.to_owned(),
    };
    match (place.radius_km, place.confidence) {
        (Some(radius), Some(confidence)) => {
            ui.label(format!("{name}, within {} with 90 %", distance(radius)));
            let near = distance(NEAR_KM);
            let within = format!("{:.0} % that it lies within {near}", confidence * 100.0);
            ui.label(RichText::new(within).color(Palette::of(ui).quiet));
        }
        (Some(radius), None) => {
            ui.label(format!("{name}, within {}", distance(radius)));
        }
        (None, _) => {
            ui.label(name);
        }
    }
    if let Some(note) = place.note {
        ui.add(egui::Label::new(RichText::new(note).color(Palette::of(ui).quiet)).wrap());
    }
    // What rounds to nothing only takes room.
    let likely = place.candidates.iter().filter(|candidate| candidate.weight >= 0.005);
    for candidate in likely.take(4) {
        let city = candidate.city.as_deref().or(candidate.country_code.as_deref());
        let sources: Vec<&str> = candidate.sources.iter().map(|source| &**source).collect();
        let line = format!(
            "{:.0} % {} ({})",
            candidate.weight * 100.0,
            city.unwrap_or("?"),
            sources.join(", ")
        );
        ui.add(egui::Label::new(RichText::new(line).color(Palette::of(ui).quiet)).wrap());
    }
}

fn facts_ui(ui: &mut Ui, selection: &Selection, host: &HostRow) {
    section(ui, "Seen");
    activity_ui(ui, selection);
    egui::Grid::new("seen").num_columns(2).spacing([16.0, 2.0]).show(ui, |ui| {
        let mut row = |key: &str, value: String| {
            if !value.is_empty() {
                ui.label(RichText::new(key).color(Palette::of(ui).quiet));
                ui.add(egui::Label::new(value).truncate());
                ui.end_row();
            }
        };
        row(&format!("first, {}", times::zone()), time(host.first_seen));
        row(&format!("last, {}", times::zone()), time(host.last_seen));
        row("in", seen_in(selection));
        // Logs do not count packets, and few count bytes: that is unknown, not zero.
        let amount =
            |count: u64| if host.packets + count == 0 { String::new() } else { bytes(count) };
        row("sent", amount(host.bytes_out));
        row("received", amount(host.bytes_in));
        row("prefix", host.prefix.map(|prefix| prefix.to_string()).unwrap_or_default());
        let names: Vec<String> =
            host.names.iter().take(8).map(|name| visible(&name.name)).collect();
        row("names", names.join(", "));
        let lists: Vec<&str> = host.lists.iter().map(|list| &*list.id).collect();
        row("lists", lists.join(", "));
    });
}

/// What its software says of itself.
fn fingerprints_ui(ui: &mut Ui, selection: &Selection) {
    if selection.fingerprints.is_empty() {
        return;
    }
    section(ui, "Fingerprints");
    for print in &selection.fingerprints {
        let value = visible(&print.value);
        ui.horizontal(|ui| {
            let head = format!("{} ×{}", print.kind, grouped(print.count));
            ui.label(RichText::new(head).color(Palette::of(ui).quiet));
            let text = RichText::new(&value).font(theme::mono(theme::BODY - 0.5));
            let line = egui::Label::new(text).truncate().sense(Sense::click());
            if ui.add(line).on_hover_text(format!("{value}\nClick to copy")).clicked() {
                ui.copy_text(value);
            }
        });
    }
}

fn detections_ui(ui: &mut Ui, view: &mut View<'_>, selection: &Selection) {
    if selection.detections.is_empty() {
        return;
    }
    section(ui, "Detections");
    let some: Vec<u32> = selection.detections.iter().copied().take(20).collect();
    detection_links_ui(ui, view, &some);
}

/// Detections, one line each; a click shows it.
fn detection_links_ui(ui: &mut Ui, view: &mut View<'_>, numbers: &[u32]) {
    for &number in numbers {
        let Some(found) = view.snapshot.detections.get(number as usize) else { continue };
        let text = format!("{} {}", found.detector, Visible(&found.what));
        let line = egui::Button::new(text.as_str()).frame(false).wrap();
        if ui.add(line).on_hover_text(&text).clicked() {
            view.select(Selected::Detection(number));
        }
    }
}

/// Steps of time in the inspector: few enough for a bar to be seen.
const ACTIVITY_BARS: usize = 48;

/// What it did when, over the time of the case.
fn activity_ui(ui: &mut Ui, selection: &Selection) {
    let times = &selection.timeline;
    let per_bar = times.bins.len().div_ceil(ACTIVITY_BARS).max(1);
    let counts: Vec<u64> = times
        .bins
        .chunks(per_bar)
        .map(|bins| bins.iter().map(|bin| bin.flows + bin.records).sum())
        .collect();
    let most = counts.iter().max().copied().unwrap_or(0);
    // One bar says no more than the times below do.
    if counts.iter().filter(|&&count| count > 0).count() < 2 {
        return;
    }
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let width = rect.width() / counts.len() as f32;
    for (number, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = ((count as f32 / most as f32).sqrt() * rect.height()).max(2.0);
        let left = rect.min.x + number as f32 * width;
        let min = egui::pos2(left, rect.max.y - height);
        let bar = egui::Rect::from_min_size(min, vec2((width - 1.0).max(1.0), height));
        ui.painter().rect_filled(bar, 0.0, palette.amount);
    }
    ui.painter().hline(rect.x_range(), rect.max.y, egui::Stroke::new(1.0, palette.border));
    let name = format!(
        "Activity from {} to {}, up to {} flows and records a bar",
        time(Some(times.from)),
        time(Some(times.to)),
        grouped(most)
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    response.on_hover_text(name);
}

/// `9 flows, 126 records`.
fn seen_in(selection: &Selection) -> String {
    let (flows, records) = (selection.flow_count as u64, selection.record_count as u64);
    match (flows, records) {
        (_, 0) => counted(flows, "flow", "flows"),
        (0, _) => counted(records, "record", "records"),
        _ => format!(
            "{}, {}",
            counted(flows, "flow", "flows"),
            counted(records, "record", "records")
        ),
    }
}

/// The hosts it met most.
fn peers_ui(ui: &mut Ui, view: &mut View<'_>, selection: &Selection) {
    if selection.peers.is_empty() {
        return;
    }
    section(ui, "Peers");
    for peer in selection.peers.iter().take(PEERS_SHOWN) {
        ui.horizontal(|ui| {
            let button = egui::Button::new(
                RichText::new(peer.key.addr().to_string()).font(theme::mono(theme::BODY - 0.5)),
            );
            if ui.add(button.frame(false)).clicked() {
                view.select(Selected::Host(peer.key));
            }
            let count = RichText::new(grouped(peer.count)).color(Palette::of(ui).quiet);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(count);
            });
        });
    }
    let more = selection.peers.len().saturating_sub(PEERS_SHOWN);
    if more > 0 {
        ui.label(RichText::new(format!("… and {more} more")).color(Palette::of(ui).quiet));
    }
}
