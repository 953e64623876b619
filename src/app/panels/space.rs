//! Address space: all IPv4 addresses along a Hilbert curve, coloured by what they are.
//!
//! Each frame draws the tiles that are there and says which ones are in sight; the engine draws
//! those in a thread, the coarsest first. Until a tile comes, a coarser one stands in its place.

mod canvas;
mod frame;
mod legend;
mod marks;

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{ComboBox, Sense, TextureHandle, Ui, WidgetInfo};

use self::frame::Frame;
use super::absent::{Absent, absent_ui};
use super::{Panel, View};
use crate::app::theme::icon;
use crate::engine::workbench::{Command, DataState, Paint, PictureWish, Snapshot, Tile, TileKey};
use crate::model::{Addr, Kind, Prefix};

/// IPv4 space as a picture.
pub const PANEL: Panel = Panel {
    title: "Address space",
    icon: icon::SPACE,
    help: "All IPv4 addresses on a Hilbert curve, from 0.0.0.0 in the upper left to \
           255.255.255.255 in the upper right: neighbours lie side by side, and each prefix is a \
           square or two. A cell has the colour of what most of its addresses are; the paler, the \
           fewer. Dots are the hosts shown. Hatched space is reserved (IANA's registry). Drag to \
           move, wheel or + and - to zoom down to single addresses, drag with Shift to zoom into \
           a box; a click explores a prefix, arrows move the cursor, Enter explores it. What it \
           does not know: IPv6 is too large to be drawn; plain ground means that no source \
           speaks.",
    ui,
    tools,
};

const ABSENT: Absent = Absent { things: "picture", closed: "", reading: "", none: "" };

/// Kinds and lists beyond what is worth a line each in the menu.
const LISTS_SHOWN: usize = 400;

/// What was asked of the engine, and about which hosts.
type Asked = (PictureWish, usize);

/// A tile as the graphics card has it, and of what it was made.
type Hung = (Arc<Tile>, u64, TextureHandle);

/// What the picture remembers.
pub struct SpaceState {
    place: frame::Place,
    paint: Paint,
    /// Whether hosts are shown as dots.
    has_dots: bool,
    /// The cell at which the keyboard is; `None`: not used yet.
    cursor: Option<[u32; 2]>,
    asked: Option<Asked>,
    looked: Option<Prefix>,
    hung: BTreeMap<TileKey, Hung>,
}

impl Default for SpaceState {
    fn default() -> Self {
        Self {
            place: frame::Place::default(),
            paint: Paint::Country,
            has_dots: true,
            cursor: None,
            asked: None,
            looked: None,
            hung: BTreeMap::new(),
        }
    }
}

/// What a paint is called.
fn name(paint: &Paint) -> String {
    match paint {
        Paint::Country => "Country".to_owned(),
        Paint::System => "AS".to_owned(),
        Paint::Kinds => "Kind of network".to_owned(),
        Paint::Kind(kind) => format!("Kind: {}", kind.as_str()),
        Paint::List(None) => "In any list".to_owned(),
        Paint::List(Some(list)) => format!("List: {list}"),
        Paint::Bands => "Band of the hosts".to_owned(),
        Paint::Hosts => "Number of hosts".to_owned(),
    }
}

/// Beside the tab: by what it is coloured, and whether hosts are shown.
fn tools(ui: &mut Ui, view: &mut View<'_>) {
    let lists = Arc::clone(&view.snapshot.picture.lists);
    let state = &mut view.memory.space;
    let combo = ComboBox::from_id_salt("paint").selected_text(name(&state.paint)).width(180.0);
    let shown = combo.show_ui(ui, |ui| {
        ui.set_min_width(220.0);
        let mut choice = |ui: &mut Ui, paint: Paint| {
            let text = name(&paint);
            ui.selectable_value(&mut state.paint, paint, text);
        };
        for paint in [Paint::Country, Paint::System, Paint::Kinds, Paint::List(None)] {
            choice(ui, paint);
        }
        for paint in [Paint::Bands, Paint::Hosts] {
            choice(ui, paint);
        }
        ui.separator();
        for kind in Kind::ALL {
            choice(ui, Paint::Kind(kind));
        }
        ui.separator();
        for list in lists.iter().take(LISTS_SHOWN) {
            choice(ui, Paint::List(Some(Arc::clone(list))));
        }
    });
    shown.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::ComboBox, true, "Colour by");
        info.current_text_value = Some(name(&view.memory.space.paint));
        info
    });
    ui.checkbox(&mut view.memory.space.has_dots, "Hosts")
        .on_hover_text("The hosts shown, as dots in the shape of their band");
}

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    if matches!(view.snapshot.data, DataState::Failed(_)) {
        return absent_ui(ui, view, &ABSENT);
    }
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let state = &mut view.memory.space;
    state.place.settle(rect);
    state.place.steer(ui, &response);
    let chosen = state.keys(ui, &response);
    state.place.settle(rect);
    let frame = Frame::new(rect, &state.place);
    let snapshot = view.snapshot;
    canvas::draw(ui, snapshot, state, &frame);
    marks::reserved(ui, &frame);
    marks::grid(ui, &frame);
    if state.has_dots {
        marks::dots(ui, snapshot, &frame);
    }
    let pointed = response.hover_pos().and_then(|at| frame.prefix_at(at));
    let cursor = state.cursor.map(|cell| frame.prefix_of(cell));
    marks::outlines(ui, &frame, pointed, cursor.filter(|_| response.has_focus()));
    state.place.draw_box(ui);
    let wish = frame.wish(&state.paint);
    ask(view, wish);
    look(view, pointed.or(cursor));
    legend::legend_ui(ui, view, &frame);
    marks::buttons_ui(ui, view, rect);
    let label = legend::summary(view, &frame, cursor);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &label));
    let clicked = response.clicked().then(|| response.interact_pointer_pos()).flatten();
    let addr = clicked.and_then(|at| frame.cell_at(at));
    if let Some(cell) = addr {
        view.memory.space.cursor = Some(cell);
        view.explore(frame::addr(cell));
    } else if let Some(cell) = chosen {
        view.explore(frame.prefix_of(cell).first());
    }
    if let Some(prefix) = pointed {
        let text = legend::told(view, &frame, prefix);
        response.on_hover_ui_at_pointer(|ui| {
            ui.set_max_width(420.0);
            ui.label(text);
        });
    }
}

/// Says which tiles are in sight, if that has changed.
fn ask(view: &mut View<'_>, wish: PictureWish) {
    let shown = Arc::as_ptr(&view.snapshot.hosts.shown).addr();
    let asked = Some((wish, shown));
    if view.memory.space.asked != asked {
        view.memory.space.asked.clone_from(&asked);
        if let Some((wish, _)) = asked {
            view.wish(Command::Picture(wish));
        }
    }
}

/// Asks what is known of the prefix under the pointer or the cursor.
fn look(view: &mut View<'_>, prefix: Option<Prefix>) {
    if let Some(prefix) = prefix
        && view.memory.space.looked != Some(prefix)
    {
        view.memory.space.looked = Some(prefix);
        view.wish(Command::LookAt(prefix));
    }
}

/// Whether the snapshot shows what is asked for.
fn is_of(snapshot: &Snapshot, paint: &Paint) -> bool {
    snapshot.picture.paint.as_ref() == Some(paint)
}

/// First and last address of a prefix of IPv4.
fn ends(prefix: Prefix) -> (u32, u32) {
    let bits = |addr: Addr| u32::try_from(addr.bits()).unwrap_or(u32::MAX);
    (bits(prefix.first()), bits(prefix.last()))
}
