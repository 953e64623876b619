//! Why a host has its score: each row of evidence, and what is behind it.

use egui::{Align2, Label, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::app::panels::{View, detections, flows, records, section};
use crate::app::theme::{self, Palette};
use crate::engine::workbench::Command;
use crate::export::{HostRow, ShownEvidence};
use crate::model::Visible;

/// References that are listed of one row.
const REFS_SHOWN: usize = 8;

/// The score as a waterfall: each row's bar goes on where the one before ended, to the right, or to
/// the left with a minus. All of a bar's room is a hundred points, whatever the host.
pub(super) fn why_ui(ui: &mut Ui, view: &mut View<'_>, host: &HostRow) {
    section(ui, &format!("Why {}", if host.is_unknown() { "unknown" } else { "this score" }));
    let mut sum = 0.0;
    for row in &host.evidence {
        let from = sum;
        sum += if row.row.counted { row.row.contribution } else { 0.0 };
        evidence_ui(ui, view, row, (from, sum));
    }
    let amounts =
        format!("evidence {:.2} · anonymity {:.2} (0 to 1)", host.evidence_amount, host.anonymity);
    ui.label(RichText::new(amounts).font(theme::text(theme::HEAD)).color(Palette::of(ui).quiet));
}

/// One row, which brings the score from one number to another.
fn evidence_ui(ui: &mut Ui, view: &mut View<'_>, shown: &ShownEvidence, (from, to): (f64, f64)) {
    let palette = Palette::of(ui);
    let row = &shown.row;
    let size = vec2(ui.available_width(), theme::ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let is_open = view.memory.evidence.as_deref() == Some(&*row.id);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 2.0, palette.hovered);
    }
    let colour = if row.counted { palette.text } else { palette.quiet };
    let painter = ui.painter().with_clip_rect(rect);
    let at = rect.left_center();
    painter.text(at, Align2::LEFT_CENTER, &row.id, theme::text(theme::BODY), colour);
    let points = match row.counted {
        true => format!("{:+.1}", row.contribution),
        false => "not counted".to_owned(),
    };
    let bar_width = (rect.width() * 0.3).clamp(60.0, 140.0);
    let bar = Rect::from_min_max(
        pos2(rect.max.x - bar_width, rect.min.y + 6.0),
        rect.max - vec2(0.0, 6.0),
    );
    let number = pos2(bar.min.x - 8.0, rect.center().y);
    painter.text(number, Align2::RIGHT_CENTER, &points, theme::mono(theme::BODY - 0.5), colour);
    let x = |points: f64| bar.min.x + bar.width() * (points / 100.0).clamp(0.0, 1.0) as f32;
    let (left, right) = (x(from.min(to)), x(from.max(to)));
    painter.hline(bar.x_range(), bar.max.y, egui::Stroke::new(1.0, palette.hairline));
    if row.counted {
        let fill = if row.contribution < 0.0 { palette.quiet } else { palette.amount };
        // Little is still something.
        let filled = Rect::from_x_y_ranges(left..=right.max(left + 1.5), bar.y_range());
        painter.rect_filled(filled, 0.0, fill);
    }
    let what = row.what.as_deref().map(|what| Visible(what).to_string()).unwrap_or_default();
    response.widget_info(|| {
        let name = format!("{} {points}: {what}", row.id);
        WidgetInfo::selected(Role::Button, true, is_open, name)
    });
    if response.clicked() {
        view.memory.evidence = (!is_open).then(|| row.id.to_string());
    }
    if is_open {
        ui.indent(("evidence", &row.id), |ui| behind_ui(ui, view, shown, &what));
    } else {
        response.on_hover_text(if what.is_empty() { "What it is about" } else { &what });
    }
}

/// What an evidence row is about, how it was weighed, and the way to what was seen.
fn behind_ui(ui: &mut Ui, view: &mut View<'_>, shown: &ShownEvidence, what: &str) {
    let quiet = Palette::of(ui).quiet;
    let row = &shown.row;
    ui.add(Label::new(what).wrap());
    let mut weighed = Vec::new();
    if let (Some(llr), Some(weight), Some(decay)) = (row.llr, row.weight, row.decay) {
        weighed
            .push(format!("{:+.2} nats = {llr:+.2} × weight {weight} × decay {decay:.2}", row.x));
    }
    if let Some(group) = &row.group {
        weighed.push(format!("of group {group} the largest counts"));
    }
    weighed.push(format!("from {}", row.source));
    ui.add(Label::new(RichText::new(weighed.join("; ")).color(quiet)).wrap());
    for at in shown.refs.iter().take(REFS_SHOWN) {
        let text = Visible(at).to_string();
        let link = egui::Button::new(RichText::new(&text).font(theme::mono(theme::BODY - 0.5)));
        if ui.add(link.frame(false).truncate()).on_hover_text("Show it").clicked() {
            view.wish(Command::Follow(at.clone()));
            view.memory.wanted_view = place_of(at);
        }
    }
    let more = shown.refs.len().saturating_sub(REFS_SHOWN);
    if more > 0 {
        ui.label(RichText::new(format!("… and {more} more")).color(quiet));
    }
}

/// The view that shows what a reference names.
fn place_of(reference: &str) -> Option<&'static str> {
    match reference.split_once(':')?.0 {
        "flow" => Some(flows::PANEL.title),
        "record" => Some(records::PANEL.title),
        "detection" => Some(detections::PANEL.title),
        _ => None,
    }
}
