//! The person's own feeds: which are kept, and how one is added, fetched anew and removed.

use std::path::PathBuf;

use egui::{
    Button, ComboBox, Grid, Key, Label, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo,
};

use crate::app::panels::{View, section};
use crate::app::theme::Palette;
use crate::app::widgets::dialog::dialog;
use crate::app::widgets::text::counted;
use crate::engine::workbench::{Command, FeedOffer, FeedRow, FeedsView, LookedAt, Review};
use crate::intel::feed::FeedKind;
use crate::model::{Timestamp, Visible, grouped};

/// Height of what was not understood before it scrolls.
const PROBLEMS_HEIGHT: f32 = 90.0;

/// Problems that are listed; the command line has all of them.
const PROBLEMS_SHOWN: usize = 500;

/// What a feed may be said to mean, as the words of the command line; empty: as it says itself.
const KINDS: [&str; 12] = [
    "",
    "hostile",
    "benign",
    "context",
    "tor",
    "vpn",
    "proxy",
    "hosting",
    "crawler",
    "research-scanner",
    "places",
    "as",
];

const HELP: &str = "Drop the file here, or type where it is. What it says, and what of it was not \
                    understood, is shown before it is kept.";

/// A feed being added.
#[derive(Default)]
pub struct FeedsState {
    /// The path or URL being typed, while one is added.
    adding: Option<String>,
    /// The place in [`KINDS`].
    kind: usize,
}

impl FeedsState {
    /// Takes a file that was dropped, if a feed is being added: what to ask for.
    pub fn take_drop(&mut self, paths: &[PathBuf]) -> Option<Command> {
        let (adding, [path]) = (self.adding.as_mut()?, paths) else { return None };
        *adding = path.display().to_string();
        Some(Command::LookAtFeed(adding.clone(), self.kind()))
    }

    fn kind(&self) -> Option<FeedKind> {
        KINDS.get(self.kind).and_then(|word| FeedKind::parse(word).ok())
    }
}

/// Draws the feeds and what can be done with them.
pub(super) fn feeds_ui(ui: &mut Ui, view: &mut View<'_>) {
    let feeds = std::sync::Arc::clone(&view.snapshot.feeds);
    if !feeds.has_folder {
        return;
    }
    section(ui, "Own feeds");
    let quiet = Palette::of(ui).quiet;
    let what = "Lists and tables of your own that speak in every case on this machine. They are \
                not kept in cases.";
    ui.add(Label::new(RichText::new(what).color(quiet)).wrap());
    let mut wish = None;
    rows_ui(ui, &feeds, &mut wish);
    for wrong in &feeds.wrong {
        ui.colored_label(Palette::of(ui).failed, Visible(wrong).to_string());
    }
    for offer in &feeds.offers {
        offer_ui(ui, offer, &mut wish);
    }
    for told in &feeds.told {
        ui.label(RichText::new(Visible(told).to_string()).color(quiet));
    }
    ui.horizontal(|ui| {
        let state = &mut view.memory.feeds;
        if state.adding.is_none() && ui.button("Add a feed …").clicked() {
            state.adding = Some(String::new());
        }
        let help = "Fetches newer states of feeds that were added with an https:// address, and \
                    shows what is new before it is taken. Nothing is ever fetched otherwise.";
        let fetched = feeds.rows.iter().any(FeedRow::is_fetched);
        if ui.add_enabled(fetched, Button::new("Update")).on_hover_text(help).clicked() {
            wish = Some(Command::UpdateFeeds);
        }
    });
    let is_adding = view.memory.feeds.adding.is_some();
    let state = &mut view.memory.feeds;
    let mut ask = |ui: &mut Ui| {
        adding_ui(ui, state, &feeds, &mut wish);
        if let Some(looked_at) = &feeds.looked_at {
            looked_at_ui(ui, looked_at, state, &mut wish);
        }
    };
    if is_adding {
        // A dialog: what was not understood must not lie below the edge of a small view.
        if dialog(ui.ctx(), "Add a feed", HELP, ask) {
            view.memory.feeds.adding = None;
            wish = Some(Command::LeaveFeed);
        }
    } else {
        ask(ui);
    }
    if let Some(wish) = wish {
        view.wish(wish);
    }
}

fn rows_ui(ui: &mut Ui, feeds: &FeedsView, wish: &mut Option<Command>) {
    Grid::new("own feeds").num_columns(5).spacing([16.0, 4.0]).show(ui, |ui| {
        for row in &feeds.rows {
            let source = Visible(&row.source).to_string();
            let licence = row.licence.as_deref().unwrap_or("no licence noted");
            let hover = format!("{source}\nsha256 {}\n{}", row.sha256, Visible(licence));
            ui.label(&row.name).on_hover_text(hover);
            ui.label(&row.kind);
            ui.label(row.date.map_or("undated".to_owned(), Timestamp::to_date));
            let entries = counted(row.entries_v4 + row.entries_v6, "entry", "entries");
            ui.label(format!("{entries}, {}", row.format));
            let button = ui.menu_button("Remove …", |ui| {
                ui.label("Hosts are judged without it from then on. No undo.");
                if ui.button("Remove").clicked() {
                    *wish = Some(Command::RemoveFeed(row.name.clone()));
                    ui.close();
                }
            });
            let name = format!("Remove the feed {} …", row.name);
            button.response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.as_str()));
            ui.end_row();
        }
    });
}

fn offer_ui(ui: &mut Ui, offer: &FeedOffer, wish: &mut Option<Command>) {
    let (row, it) = (&offer.review.row, offer.difference);
    ui.horizontal(|ui| {
        let date = row.date.map_or("undated".to_owned(), Timestamp::to_date);
        ui.label(format!(
            "{}: a newer one of {date}: {} new, {} gone, {} entries now",
            row.name,
            grouped(it.added),
            grouped(it.removed),
            grouped(it.after)
        ));
        let name = format!("Take the newer {}", row.name);
        if ui.button(name).clicked() {
            *wish = Some(Command::KeepFeed(row.name.clone()));
        }
    });
}

fn adding_ui(ui: &mut Ui, state: &mut FeedsState, feeds: &FeedsView, wish: &mut Option<Command>) {
    let kind = state.kind();
    let mut chosen = state.kind;
    let Some(text) = &mut state.adding else { return };
    let mut leaves = false;
    let name = "A file or an https:// address";
    let field = TextEdit::singleline(text).font(egui::TextStyle::Monospace).hint_text(name);
    let field = ui.add(field.desired_width(f32::INFINITY));
    field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    ui.horizontal(|ui| {
        let shown = |at: usize| match KINDS.get(at) {
            Some(&"") | None => "as it says itself",
            Some(word) => word,
        };
        let combo = ComboBox::from_id_salt("feed kind").selected_text(shown(chosen));
        let combo = combo.show_ui(ui, |ui| {
            for at in 0..KINDS.len() {
                ui.selectable_value(&mut chosen, at, shown(at));
            }
        });
        combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "What it says"));
        let ready = !text.trim().is_empty();
        let pressed = ui.add_enabled(ready, Button::new("Look at it")).clicked();
        if pressed || entered && ready {
            *wish = Some(Command::LookAtFeed(text.trim().to_owned(), kind));
        }
        if ui.button("Cancel").clicked() {
            leaves = true;
        }
    });
    let changed = chosen != state.kind;
    state.kind = chosen;
    if changed && feeds.looked_at.is_some() {
        let source = state.adding.clone().unwrap_or_default();
        *wish = Some(Command::LookAtFeed(source.trim().to_owned(), state.kind()));
    }
    if leaves {
        state.adding = None;
        *wish = Some(Command::LeaveFeed);
    }
}

fn looked_at_ui(
    ui: &mut Ui,
    looked_at: &LookedAt,
    state: &mut FeedsState,
    wish: &mut Option<Command>,
) {
    let review = match &looked_at.review {
        Ok(review) => review,
        Err(why) => {
            ui.colored_label(Palette::of(ui).failed, Visible(why).to_string());
            return;
        }
    };
    review_ui(ui, review);
    match review.refusal() {
        Some(refusal) => {
            ui.colored_label(Palette::of(ui).failed, refusal);
        }
        None => {
            if ui.button(format!("Keep {}", review.row.name)).clicked() {
                *wish = Some(Command::KeepFeed(review.row.name.clone()));
                state.adding = None;
            }
        }
    }
}

fn review_ui(ui: &mut Ui, review: &Review) {
    let row = &review.row;
    let by = row.dated_by.as_deref().map(|by| format!(" ({by})")).unwrap_or_default();
    let date = row.date.map_or("undated".to_owned(), Timestamp::to_date);
    ui.label(format!("{}: {}, {}, {date}{by}", row.name, row.kind, row.format));
    ui.label(format!(
        "{} and {} of IPv6",
        counted(row.entries_v4, "entry of IPv4", "entries of IPv4"),
        grouped(row.entries_v6)
    ));
    for example in &review.examples {
        let text = format!("{}  {}", example.addresses(), example.what);
        ui.label(RichText::new(text).monospace());
    }
    for note in &review.notes {
        ui.add(Label::new(Visible(note).to_string()).wrap());
    }
    if review.problems.is_empty() {
        ui.label("All of it was understood");
        return;
    }
    let wrong = counted(row.not_understood, "thing was", "things were");
    ui.colored_label(Palette::of(ui).warned, format!("{wrong} not understood"));
    let area = ScrollArea::vertical().id_salt("feed problems").max_height(PROBLEMS_HEIGHT);
    area.show(ui, |ui| {
        for problem in review.problems.iter().take(PROBLEMS_SHOWN) {
            ui.label(format!("{} {}", problem.place, Visible(&problem.what)));
        }
        let rest = review.problems.len().saturating_sub(PROBLEMS_SHOWN);
        if rest > 0 {
            ui.label(format!("… and {rest} more; infralock data add --preview lists them all"));
        }
    });
}
