//! Where a host was placed before: as other data had it, or another profile.

use egui::{CollapsingHeader, Label, RichText, Ui};

use crate::app::theme::Palette;
use crate::app::times;
use crate::app::widgets::text::{counted, distance, visible};
use crate::engine::workbench::{Placed, Selection};
use crate::export::HostRow;

/// The history of a host's places, folded; nothing where it was never placed otherwise.
pub(super) fn placed_ui(ui: &mut Ui, selection: &Selection, host: &HostRow) {
    // The newest saying is what stands above, if anything does.
    let now = u64::from(host.place.is_some());
    let before = selection.placed_count.saturating_sub(now);
    if before == 0 {
        return;
    }
    let quiet = Palette::of(ui).quiet;
    let head = match before {
        1 => "Placed otherwise once before".to_owned(),
        many => format!("Placed otherwise {} before", counted(many, "time", "times")),
    };
    CollapsingHeader::new(head).id_salt("placed before").show(ui, |ui| {
        let more = selection.placed_count.saturating_sub(selection.placed.len() as u64);
        if more > 0 {
            let more = format!("… {} before these", counted(more, "place", "places"));
            ui.label(RichText::new(more).color(quiet));
        }
        for (number, then) in (1..).zip(&selection.placed) {
            let since = times::shown(then.time);
            let day = since.split(' ').next().unwrap_or_default();
            let is_now = now == 1 && number == selection.placed.len();
            let still = if is_now { ", until now" } else { "" };
            ui.add(Label::new(format!("{day}  {}{still}", place(then))).wrap());
            let by = RichText::new(format!("{}{}", visible(&then.sources), data_of(then)));
            ui.indent(("placed by", number), |ui| ui.add(Label::new(by.color(quiet)).wrap()));
        }
    });
}

/// `Amsterdam, NL ±62 km`
fn place(then: &Placed) -> String {
    match then.radius_km {
        Some(radius_km) => format!("{} ±{}", visible(&then.name), distance(radius_km)),
        None => visible(&then.name),
    }
}

/// `, data of 2026-05`
fn data_of(then: &Placed) -> String {
    let date = then.data_date.map(|date| date.to_short().chars().take(7).collect::<String>());
    date.map(|date| format!(", data of {date}")).unwrap_or_default()
}
