//! What stands in the corners of the map: how far is far, what has no place, zoom.

use egui::{
    Align, Align2, Color32, Layout, Painter, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::frame::Frame;
use super::selection::EQUATOR_KM;
use crate::app::panels::View;
use crate::app::theme::{self, Palette, icon};
use crate::app::units;
use crate::app::widgets::text::counted;
use crate::filter::{FieldId, Filter};

/// Points that the scale bar is wide at most.
const SCALE_MAX: f64 = 110.0;

/// From this zoom on a bar is true for all of the map in sight, more or less.
const SCALE_FROM: f64 = 3.0;

/// The room that the corners take: nothing else is written there.
pub(super) fn rooms(rect: Rect) -> [Rect; 3] {
    [
        Rect::from_min_size(rect.right_top() - vec2(48.0, 0.0), vec2(48.0, 168.0)),
        Rect::from_min_size(rect.left_bottom() - vec2(0.0, 40.0), vec2(140.0, 40.0)),
        Rect::from_min_size(rect.right_bottom() - vec2(170.0, 56.0), vec2(170.0, 56.0)),
    ]
}

/// Draws the corners.
pub(super) fn corner_ui(ui: &mut Ui, view: &mut View<'_>, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    if frame.zoom >= SCALE_FROM {
        draw_scale(&painter, palette, frame);
    }
    nowhere_ui(ui, view, frame.rect);
    without_ui(ui, view, frame.rect);
    hidden_ui(ui, view, frame.rect);
    buttons_ui(ui, view, frame.rect);
}

/// Says in the middle why the map is empty.
fn nowhere_ui(ui: &Ui, view: &View<'_>, rect: Rect) {
    let (places, hosts) = (&view.snapshot.places, &view.snapshot.hosts);
    if !places.spots.is_empty() || places.without.is_empty() || hosts.shown.is_empty() {
        return;
    }
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let lines = [
        (rect.center() - vec2(0.0, 10.0), "None of these hosts has a place", palette.text),
        (
            rect.center() + vec2(0.0, 10.0),
            "Private addresses are nowhere; of others no source knows where",
            palette.quiet,
        ),
    ];
    let galleys = lines.map(|(at, text, colour)| {
        let font = theme::text(theme::BODY);
        let galley = painter.layout_no_wrap(text.to_owned(), font, colour);
        (Align2::CENTER_CENTER.anchor_size(at, galley.size()), galley)
    });
    let ground = galleys.iter().fold(Rect::NOTHING, |all, (place, _)| all.union(*place));
    painter.rect_filled(ground.expand(8.0), 4.0, palette.ground.gamma_multiply(0.85));
    for (place, galley) in galleys {
        painter.galley(place.min, galley, palette.text);
    }
}

/// A length on the ground, in the middle of the map.
fn draw_scale(painter: &Painter, palette: &Palette, frame: &Frame) {
    let middle = frame.unit(frame.rect.center())[1];
    let lat = (std::f64::consts::PI * (1.0 - 2.0 * middle)).sinh().atan();
    let km_per_point = EQUATOR_KM * lat.cos() / frame.scale;
    let km = units::km_per_unit() * round_length(km_per_point * SCALE_MAX / units::km_per_unit());
    let width = (km / km_per_point) as f32;
    let text = units::distance(km);
    let font = theme::text(theme::HEAD);
    let galley = painter.layout_no_wrap(text, font, palette.quiet);
    let left = frame.rect.min.x + 12.0;
    let foot = frame.rect.max.y - 12.0;
    let ground = Rect::from_min_max(
        pos2(left - 8.0, foot - 22.0),
        pos2(left + width.max(galley.size().x) + 8.0, foot + 4.0),
    );
    painter.rect_filled(ground, 4.0, palette.ground.gamma_multiply(0.85));
    let line = Stroke::new(1.0, palette.quiet);
    painter.hline(left..=left + width, foot, line);
    painter.vline(left, foot - 4.0..=foot, line);
    painter.vline(left + width, foot - 4.0..=foot, line);
    painter.galley(pos2(left, foot - 20.0), galley, palette.quiet);
}

/// The longest of 1, 2 and 5 times a power of ten that is no longer than this.
fn round_length(most: f64) -> f64 {
    let power = 10_f64.powf(most.log10().floor());
    let steps = [5.0, 2.0, 1.0].into_iter().map(|step| step * power);
    steps.into_iter().find(|&length| length <= most).unwrap_or(power)
}

/// How many hosts cannot be shown; a click leaves these alone.
fn without_ui(ui: &Ui, view: &mut View<'_>, rect: Rect) {
    let without = view.snapshot.places.without.len();
    if without == 0 {
        return;
    }
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let text = format!("{} without a place", counted(without as u64, "host", "hosts"));
    let at = rect.right_bottom() - vec2(8.0, 8.0);
    let font = theme::text(theme::HEAD);
    let galley = painter.layout_no_wrap(text.clone(), font, palette.quiet);
    let place = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
    let response = ui.interact(place, ui.scope_id().with("without"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, text.as_str()));
    painter.rect_filled(place.expand(4.0), 4.0, palette.ground.gamma_multiply(0.85));
    painter.galley(place.min, galley, Color32::PLACEHOLDER);
    if response.on_hover_text("Show these hosts alone").clicked() {
        view.filter_by(Filter::has(FieldId::Lat).not());
    }
}

/// How many hosts the filter hides; the bar shows them again.
fn hidden_ui(ui: &Ui, view: &View<'_>, rect: Rect) {
    let hosts = &view.snapshot.hosts;
    let hidden = hosts.all.len().saturating_sub(hosts.shown.len());
    if hidden == 0 || view.snapshot.filter.is_running {
        return;
    }
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let text = format!("{} hidden by the filter", counted(hidden as u64, "host", "hosts"));
    // Above the hosts without a place, if there are some.
    let up = if view.snapshot.places.without.is_empty() { 8.0 } else { 32.0 };
    let font = theme::text(theme::HEAD);
    let galley = painter.layout_no_wrap(text.clone(), font, palette.quiet);
    let place =
        Align2::RIGHT_BOTTOM.anchor_size(rect.right_bottom() - vec2(8.0, up), galley.size());
    let response = ui.interact(place, ui.scope_id().with("hidden"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text.as_str()));
    painter.rect_filled(place.expand(4.0), 4.0, palette.ground.gamma_multiply(0.85));
    painter.galley(place.min, galley, Color32::PLACEHOLDER);
}

/// Points of height below which a map has its buttons side by side.
const LOW: f32 = 210.0;

/// Zoom, whole world, picture.
fn buttons_ui(ui: &mut Ui, view: &mut View<'_>, rect: Rect) {
    // Below one another, where that leaves room for what stands in the corner below.
    let (size, layout) = match rect.height() < LOW {
        true => (vec2(188.0, 24.0), Layout::right_to_left(Align::Min)),
        false => (vec2(32.0, 160.0), Layout::top_down(Align::Min)),
    };
    let corner = Rect::from_min_size(rect.right_top() + vec2(-8.0 - size.x, 8.0), size);
    ui.scope_builder(egui::UiBuilder::new().max_rect(corner).layout(layout), |ui| {
        let lassoes = view.memory.map.lassoes;
        let mut clicked = |icon: &str, name: &str, keys: &str| {
            let is_on = lassoes && icon == icon::LASSO;
            let button = egui::Button::new(icon).min_size(vec2(28.0, 24.0)).selected(is_on);
            let button = ui.add(button);
            button.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
            button.on_hover_text(format!("{name}  {keys}")).clicked()
        };
        let map = &mut view.memory.map;
        if clicked(icon::PLUS, "Zoom in", "+") {
            map.zoom_at(1.0, [0.0, 0.0]);
        }
        if clicked(icon::MINUS, "Zoom out", "−") {
            map.zoom_at(-1.0, [0.0, 0.0]);
        }
        if clicked(icon::WORLD, "Whole world", "Home") {
            map.whole_world();
        }
        let lasso = "Draw around hosts, to show them alone";
        if clicked(icon::LASSO, lasso, "Ctrl+drag") {
            map.lassoes = !lassoes;
        }
        if clicked(icon::PICTURE, "Save picture of the map", "") {
            map.picture.ask();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_round() {
        for (most, length) in
            [(110.0, 100.0), (99.9, 50.0), (51.0, 50.0), (2.0, 2.0), (0.3, 0.2), (4_999.0, 2_000.0)]
        {
            let got = round_length(most);
            assert!((got - length).abs() < 1e-9, "{most}: {got}");
        }
    }
}
