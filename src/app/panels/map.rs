//! Map: where hosts are, as honestly as open data can say.

mod areas;
mod clusters;
mod corner;
mod frame;
mod ground;
mod labels;
mod legend;
mod picture;
mod selection;

use egui::{Rect, Sense, Ui};

pub use self::frame::MapState;

use self::frame::Frame;
use super::absent::absent_ui;
use super::{Panel, View, hosts};
use crate::app::theme::icon;
use crate::engine::workbench::DataState;

/// Hosts on a map.
pub const PANEL: Panel = Panel {
    title: "Map",
    icon: icon::MAP,
    help: "Hosts at their likeliest place. Shape and colour tell the highest band at a place, the \
           number how many hosts are there; the words above count all that are shown, and show \
           those of a band alone on a click. Of the selected host, a ring holds it with 90 %, \
           circles are all places that sources claim, and lines lead to its peers. Drag to move, \
           wheel to zoom, click to select; drag with Shift to show the hosts in a box alone, with \
           Ctrl those in a lasso. What it does not know: addresses behind anycast and \
           satellites have no single place; they are counted in the corner. Borders are de \
           facto (Natural Earth) and no statement on disputes.",
    ui,
    tools: legend::tools,
};

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    if snapshot.hosts.all.is_empty() {
        return absent_ui(ui, view, &hosts::ABSENT);
    }
    let size = ui.available_size();
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| {
        let places = &snapshot.places;
        let name = format!("Map, {} hosts at {} places", places.rows.len(), places.spots.len());
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    let state = &mut view.memory.map;
    state.settle(rect);
    state.steer(ui, &response);
    state.settle(rect);
    let frame = Frame::new(rect, state);
    ground::draw(ui, snapshot, &frame);
    state.clusters.follow(&snapshot.places, &frame);
    let seen = state.clusters.seen(&frame);
    let rooms: Vec<Rect> = seen.iter().map(|mark| mark.room()).collect();
    if let DataState::Ready(data) = &snapshot.data {
        let taken = [&rooms[..], &corner::rooms(rect)].concat();
        state.labels.draw(ui, &frame, &data.towns, taken);
    }
    selection::draw(ui, snapshot, &frame, rooms);
    clusters::draw(ui, rect, &seen);
    if let Some(mark) = response.hover_pos().and_then(|at| clusters::nearest(&seen, at)) {
        clusters::tooltip(ui, snapshot, mark.cluster);
    }
    let clicked = response.interact_pointer_pos().filter(|_| response.clicked());
    let chosen = clicked.and_then(|at| clusters::nearest(&seen, at));
    if let Some(cluster) = chosen.map(|mark| mark.cluster.clone()) {
        clusters::choose(view, &cluster);
    }
    areas::area_ui(ui, view, &response, &frame);
    corner::corner_ui(ui, view, &frame);
    view.memory.map.picture.ui(ui.ctx(), rect);
}
