//! Hosts: every address that was seen, ranked.

mod cells;
mod lines;

use egui::Ui;

pub(super) use self::cells::place;
use self::lines::{Line, Lines};
use super::absent::{Absent, absent_ui};
use super::{Panel, View, columns_tool, filter_bar};
use crate::app::theme::icon;
use crate::app::widgets::chosen::Chosen;
use crate::app::widgets::list::{List, ListState};
use crate::app::widgets::table::{Cell, Column};
use crate::app::widgets::text::counted;
use crate::engine::workbench::{
    Command, Direction, GroupBy, HostColumn, HostSort, Selected, Selection, Snapshot,
};
use crate::filter;
use crate::model::HostKey;

/// Hosts, ranked.
pub const PANEL: Panel = Panel {
    title: "Hosts",
    icon: icon::HOSTS,
    help: "Every address that was seen, the most dangerous first. The score goes from 0 to 100; a \
           dash means that too little is known to say anything. Click a head to sort, a row to see \
           why it has its score. What it does not know: who used the address, and whether the \
           address is shared by many. Ctrl and Shift choose several hosts, Ctrl+C copies them. The \
           head's other button moves, fits and hides columns.",
    ui,
    tools,
};

const COLUMNS: [(HostColumn, Column); 14] = [
    (HostColumn::Score, Column::text("Score", 66.0, "0 to 100, and the band's mark")),
    (HostColumn::Addr, Column::text("Address", 130.0, "The host")),
    (HostColumn::Name, Column::text("Name", 70.0, "The first name it was seen under").growing()),
    (HostColumn::As, Column::text("Network", 148.0, "Origin AS and its name").growing()),
    (
        HostColumn::Kinds,
        Column::text("Kind", 68.0, "What sort of network it belongs to; mine: one of your own"),
    ),
    (
        HostColumn::Place,
        Column::text("Place", 110.0, "The likeliest city; see its radius").growing(),
    ),
    (HostColumn::Detections, Column::number("Found", 54.0, "How many detections are about it")),
    (
        HostColumn::Flows,
        Column::number("Seen", 58.0, "How often: flows it took part in, log records that name it"),
    ),
    (HostColumn::BytesOut, Column::number("Sent", 64.0, "IP bytes it sent")),
    (HostColumn::BytesIn, Column::number("Received", 70.0, "IP bytes it received")),
    (HostColumn::Said, Column::text("Yours", 80.0, "Your verdict and tags")),
    (HostColumn::FirstSeen, Column::time("First seen", "The oldest sighting")),
    (HostColumn::LastSeen, Column::time("Last seen", "The newest sighting")),
    (HostColumn::Packets, Column::number("Packets", 70.0, "Packets sent and received")),
];

/// What the table of hosts remembers.
#[derive(Default)]
pub struct HostsState {
    /// Place, columns, chosen hosts.
    pub list: ListState<HostKey>,
    /// Which groups are unfolded.
    lines: Lines,
    /// The host that was last brought into sight, and where lines stood then.
    sought: Option<(Option<u32>, u64)>,
}

/// The columns in their order at first.
pub fn columns() -> [Column; COLUMNS.len()] {
    COLUMNS.map(|(_, column)| column)
}

/// Beside the tab: how hosts are grouped, which columns are shown.
fn tools(ui: &mut Ui, view: &mut View<'_>) {
    columns_tool(ui, &mut view.memory.hosts.list.table, &columns());
    let by = view.snapshot.groups.as_ref().map(|groups| groups.by);
    let text = match by {
        None => icon::GROUP.to_owned(),
        Some(by) => format!("{} By {}", icon::GROUP, by.as_str()),
    };
    let menu =
        egui::containers::menu::MenuButton::from_button(egui::Button::new(text).frame(false));
    let (button, _) = menu.ui(ui, |ui| {
        let kinds = GroupBy::ALL.map(|(by, word)| (Some(by), format!("By {word}")));
        for (other, name) in [(None, "One by one".to_owned())].into_iter().chain(kinds) {
            if ui.selectable_label(by == other, name).clicked() {
                view.wish(Command::Group(other));
                ui.close();
            }
        }
    });
    let name = match by {
        None => "Group".to_owned(),
        Some(by) => format!("By {}", by.as_str()),
    };
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    button.on_hover_text("Hosts together by what they share, with sums");
}

/// Said where there is no host at all.
pub(super) const ABSENT: Absent = Absent {
    things: "hosts",
    closed: "Open a capture, a log or a list of addresses: drop it on the window",
    reading: "They come as files are read",
    none: "What was opened names no address",
};

/// Said where no host is shown.
fn nothing_ui(ui: &mut Ui, view: &mut View<'_>) {
    match view.snapshot.hosts.all.len() {
        0 => absent_ui(ui, view, &ABSENT),
        all => filter_bar::hidden_ui(ui, view, filter::Table::Hosts, all),
    }
}

fn ui(ui: &mut Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let (all, shown) = (&snapshot.hosts.all, &snapshot.hosts.shown);
    if shown.is_empty() {
        return nothing_ui(ui, view);
    }
    view.memory.hosts.lines.follow(snapshot.groups.as_ref(), shown);
    if view.is_settled() {
        follow(snapshot.selection.as_deref(), &mut view.memory.hosts);
    }
    let HostsState { list: state, lines, .. } = &mut view.memory.hosts;
    let sort = snapshot.hosts.sort;
    let sorted = COLUMNS.iter().position(|(by, _)| *by == sort.by);
    let key = |place: usize| all.keys.get(lines.host(place)? as usize).copied();
    let columns = columns();
    let list = List {
        name: "Hosts",
        columns: &columns,
        rows: lines.len(),
        sorted: sorted.map(|column| (column, sort.direction)),
        key: &key,
        cell: &|place, column| match lines.line(place) {
            Some(Line::Host(row)) => {
                cells::host(all, &snapshot.marks, row as usize, COLUMNS[column].0)
            }
            Some(Line::Group(group, fold)) => cells::group(all, group, fold, COLUMNS[column].0),
            None => Cell::default(),
        },
        exact: &|place| {
            lines.host(place).map_or_else(Vec::new, |row| cells::exact(all, row as usize))
        },
        addrs: &|place| key(place).map(HostKey::addr).into_iter().collect(),
    };
    let (mut chosen, mut whole) = (None, None);
    let menu = &mut view.memory.host_menu;
    let events = list.show(ui, state, &mut |ui, place, picked| match lines.line(place) {
        Some(Line::Host(row)) => {
            let Some(&key) = all.keys.get(row as usize) else { return };
            let with = || chosen_with(snapshot, picked, key);
            chosen = menu.ui(ui, snapshot, key, &with).or(chosen.take());
        }
        Some(Line::Group(group, _)) => {
            let hosts = counted(u64::from(group.hosts), "host", "hosts");
            if ui.button(format!("Choose its {hosts}")).clicked() {
                whole = Some(place);
                ui.close();
            }
        }
        None => {}
    });
    if let Some(place) = whole {
        let keys = lines.hosts_of(place).iter().filter_map(|&row| all.keys.get(row as usize));
        state.chosen.choose(keys.copied());
    }
    let selected = events.select.and_then(key);
    if let Some(place) = events.activate {
        lines.turn(place);
    }
    if let Some((place, fold)) = events.fold {
        lines.fold(place, fold);
    }
    if let Some(chosen) = chosen {
        chosen.take(view);
    }
    if let Some(column) = events.sort {
        view.wish(Command::SortHosts(next_sort(sort, COLUMNS[column].0)));
    }
    if let Some(key) = selected {
        view.select(Selected::Host(key));
    }
}

/// A host, or all that are chosen if it is one of them, in the order shown.
fn chosen_with(snapshot: &Snapshot, chosen: &Chosen<HostKey>, key: HostKey) -> Vec<HostKey> {
    if !chosen.contains(key) || chosen.len() < 2 {
        return vec![key];
    }
    let hosts = &snapshot.hosts;
    let shown = hosts.shown.iter().filter_map(|&row| hosts.all.keys.get(row as usize));
    shown.copied().filter(|&key| chosen.contains(key)).collect()
}

/// Brings a host into sight that was selected elsewhere, or that went elsewhere.
fn follow(selection: Option<&Selection>, hosts: &mut HostsState) {
    let HostsState { list, lines, sought } = hosts;
    let is_new = list.chosen.follow(selection.and_then(|selection| selection.key));
    let row = selection.and_then(|selection| selection.row);
    let now = Some((row, lines.version()));
    if *sought == now {
        return;
    }
    *sought = now;
    // The cursor may stand on a group's line, or on the host in another of its groups.
    let stands = list.table.cursor.is_some_and(|place| match lines.line(place) {
        Some(Line::Host(host)) => Some(host) == row,
        Some(Line::Group(..)) => !is_new,
        None => false,
    });
    if stands {
        return;
    }
    match row.and_then(|row| lines.place_of(row)) {
        Some(place) => list.table.reveal(place),
        None => list.table.cursor = None,
    }
}

/// A second click on a head turns the order round; numbers begin with the largest.
fn next_sort(sort: HostSort, by: HostColumn) -> HostSort {
    let up_first = matches!(
        by,
        HostColumn::Addr
            | HostColumn::Name
            | HostColumn::As
            | HostColumn::Kinds
            | HostColumn::Place
            | HostColumn::FirstSeen
            | HostColumn::Said
    );
    let direction = match (sort.by == by, up_first) {
        (true, _) => sort.direction.turned(),
        (false, true) => Direction::Up,
        (false, false) => Direction::Down,
    };
    HostSort { by, direction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_turns_the_order() {
        let score = HostSort::default();
        assert_eq!(next_sort(score, HostColumn::Score).direction, Direction::Up);
        let addr = next_sort(score, HostColumn::Addr);
        assert_eq!((addr.by, addr.direction), (HostColumn::Addr, Direction::Up));
        assert_eq!(next_sort(addr, HostColumn::Flows).direction, Direction::Down);
    }
}
