//! Hosts: every address that was seen, ranked.

use super::{Panel, View, empty_ui};
use crate::app::theme::icon;
use crate::app::widgets::table::{Cell, Column, Table};
use crate::app::widgets::text::{bytes, grouped, time};
use crate::engine::workbench::{
    Command, Direction, HostColumn, HostColumns, HostSort, Selected, Verdict,
};
use crate::model::Visible;

/// Hosts, ranked.
pub const PANEL: Panel = Panel {
    title: "Hosts",
    icon: icon::HOSTS,
    help: "Every address that was seen, the most dangerous first. The score goes from 0 to 100; a \
           dash means that too little is known to say anything. Click a head to sort, a row to see \
           why it has its score. What it does not know: who used the address, and whether the \
           address is shared by many.",
    ui,
};

const COLUMNS: [(HostColumn, Column); 13] = [
    (HostColumn::Score, Column::text("Score", 72.0, "0 to 100, and the band's mark")),
    (HostColumn::Addr, Column::text("Address", 140.0, "The host")),
    (HostColumn::Name, Column::text("Name", 90.0, "The first name it was seen under")),
    (HostColumn::As, Column::text("Network", 100.0, "Origin AS and its name").growing()),
    (HostColumn::Kinds, Column::text("Kind", 76.0, "What sort of network it belongs to")),
    (HostColumn::Place, Column::text("Place", 120.0, "The likeliest city; see its radius")),
    (HostColumn::Detections, Column::number("Found", 52.0, "How many detections are about it")),
    (HostColumn::Flows, Column::number("Flows", 64.0, "Flows, and log records that name it")),
    (HostColumn::BytesOut, Column::number("Sent", 64.0, "IP bytes it sent")),
    (HostColumn::BytesIn, Column::number("Received", 64.0, "IP bytes it received")),
    (HostColumn::FirstSeen, Column::text("First seen, UTC", 132.0, "The oldest sighting")),
    (HostColumn::LastSeen, Column::text("Last seen, UTC", 132.0, "The newest sighting")),
    (HostColumn::Packets, Column::number("Packets", 70.0, "Packets sent and received")),
];

fn ui(ui: &mut egui::Ui, view: &mut View<'_>) {
    let snapshot = view.snapshot;
    let (all, shown) = (&snapshot.hosts.all, &snapshot.hosts.shown);
    if shown.is_empty() {
        let what = "Open a capture, a log or a list of addresses: drop it on the window";
        return empty_ui(ui, view, "No hosts yet", what);
    }
    let sort = snapshot.hosts.sort;
    let sorted = COLUMNS.iter().position(|(by, _)| *by == sort.by);
    let table = Table {
        name: "Hosts",
        columns: &COLUMNS.map(|(_, column)| column),
        rows: shown.len(),
        sorted: sorted.map(|column| (column, sort.direction)),
    };
    let selected = snapshot.selection.as_ref().and_then(|selection| selection.row);
    let place = selected.and_then(|row| place_of(row, shown, sort));
    match place {
        Some(place) => view.memory.hosts.reveal(place),
        None => view.memory.hosts.cursor = None,
    }
    let cell = |row: usize, column: usize| {
        shown.get(row).map_or_else(Cell::default, |&row| cell(all, row as usize, column))
    };
    let mut wish = None;
    let mut menu = |ui: &mut egui::Ui, row: usize| {
        if let Some(&row) = shown.get(row) {
            menu_ui(ui, all, row, &mut wish);
        }
    };
    let events = table.show(ui, &mut view.memory.hosts, &cell, &mut menu);
    if let Some(command) = wish {
        view.wish(command);
    }
    if let Some(column) = events.sort {
        view.wish(Command::SortHosts(next_sort(sort, COLUMNS[column].0)));
    }
    let key = events.select.and_then(|row| all.keys.get(*shown.get(row)? as usize));
    if let Some(&key) = key {
        view.select(Selected::Host(key));
    }
}

/// Where a host stands in the order; by the ranking this needs no search.
fn place_of(row: u32, shown: &[u32], sort: HostSort) -> Option<usize> {
    match sort.by == HostColumn::Score && shown.get(row as usize) == Some(&row) {
        true => Some(row as usize),
        false => shown.iter().position(|&shown| shown == row),
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
    );
    let direction = match (sort.by == by, up_first) {
        (true, _) => sort.direction.turned(),
        (false, true) => Direction::Up,
        (false, false) => Direction::Down,
    };
    HostSort { by, direction }
}

fn cell(hosts: &HostColumns, row: usize, column: usize) -> Cell<'_> {
    let some = |text: &str| match text.is_empty() {
        true => Cell::unknown(),
        false => Cell::text(Visible(text).to_string()),
    };
    match COLUMNS[column].0 {
        HostColumn::Score => {
            let verdict = hosts.verdict[row];
            let text = match verdict {
                Verdict::Unknown => "–".to_owned(),
                _ => format!("{:.1}", hosts.score[row]),
            };
            Cell { verdict: Some(verdict), ..Cell::mono(text) }
        }
        HostColumn::Addr => {
            let addr = hosts.keys[row].addr().to_string();
            Cell::mono(if hosts.mine[row] { format!("{addr} (mine)") } else { addr })
        }
        HostColumn::Name => some(&hosts.name[row]),
        HostColumn::As => match hosts.asn[row] {
            0 => Cell::unknown(),
            asn => Cell::text(format!("AS{asn} {}", Visible(&hosts.as_name[row]))),
        },
        HostColumn::Kinds => some(&hosts.kinds[row]),
        HostColumn::Place => some(&place(hosts, row)),
        HostColumn::Detections => match hosts.detections[row] {
            0 => Cell::mono("0").quiet(),
            count => Cell::mono(count.to_string()),
        },
        HostColumn::Flows => Cell::mono(grouped(hosts.flows[row])),
        HostColumn::Packets => Cell::mono(grouped(hosts.packets[row])),
        HostColumn::BytesIn => Cell::mono(bytes(hosts.bytes_in[row])),
        HostColumn::BytesOut => Cell::mono(bytes(hosts.bytes_out[row])),
        HostColumn::FirstSeen => some(&time(hosts.first_seen[row])),
        HostColumn::LastSeen => some(&time(hosts.last_seen[row])),
    }
}

/// `Amsterdam, NL`.
pub(super) fn place(hosts: &HostColumns, row: usize) -> String {
    let code = hosts.country[row];
    let country = std::str::from_utf8(&code).unwrap_or_default().trim_matches('\0');
    match (&*hosts.city[row], country) {
        ("", country) => country.to_owned(),
        (city, "") => city.to_owned(),
        (city, country) => format!("{city}, {country}"),
    }
}

fn menu_ui(ui: &mut egui::Ui, hosts: &HostColumns, row: u32, wish: &mut Option<Command>) {
    let Some(&key) = hosts.keys.get(row as usize) else { return };
    let addr = key.addr().to_string();
    if ui.button("Show").clicked() {
        *wish = Some(Command::Select(Some(Selected::Host(key))));
        ui.close();
    }
    ui.separator();
    let copies = [
        ("Copy address", addr.clone()),
        ("Copy defanged", defanged(&addr)),
        ("Copy as Wireshark filter", wireshark(&addr)),
    ];
    for (name, text) in copies {
        if ui.button(name).clicked() {
            ui.copy_text(text);
            ui.close();
        }
    }
    let name = &hosts.name[row as usize];
    if !name.is_empty() && ui.button("Copy name").clicked() {
        ui.copy_text(Visible(name).to_string());
        ui.close();
    }
}

/// `203[.]0[.]113[.]9`: no program makes a link of it.
pub(super) fn defanged(addr: &str) -> String {
    match addr.contains(':') {
        true => addr.replace(':', "[:]"),
        false => addr.replace('.', "[.]"),
    }
}

fn wireshark(addr: &str) -> String {
    let field = if addr.contains(':') { "ipv6.addr" } else { "ip.addr" };
    format!("{field} == {addr}")
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

    #[test]
    fn addresses_are_defanged_and_filtered_by() {
        assert_eq!(defanged("203.0.113.9"), "203[.]0[.]113[.]9");
        assert_eq!(defanged("2001:db8::1"), "2001[:]db8[:][:]1");
        assert_eq!(wireshark("2001:db8::1"), "ipv6.addr == 2001:db8::1");
    }
}
