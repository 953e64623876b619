//! Hosts together by what they share: network, prefix, country, list, kind.
//!
//! Computed when a person asks for it and when the hosts shown change, never in a frame. Estimate:
//! one hash and one push a host, so a million hosts take some 100 ms once.

use std::cmp::Ordering;
use std::sync::Arc;

use hashbrown::HashMap;

use super::columns::{Direction, HostColumn, HostColumns, HostSort};
use super::snapshot::Ordered;
use super::state::Engine;
use crate::model::{Prefix, Timestamp, Visible};

/// What hosts are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// Origin AS.
    As,
    /// The prefix around the address in the reference data.
    Prefix,
    /// Country of the place.
    Country,
    /// Lists that hold the address; a host of two lists stands in both groups.
    List,
    /// Kinds of network; a host of two kinds stands in both groups.
    Kind,
}

impl GroupBy {
    /// All of them, and their words.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::As, "AS"),
        (Self::Prefix, "prefix"),
        (Self::Country, "country"),
        (Self::List, "list"),
        (Self::Kind, "kind"),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(by, _)| *by == self).map_or("", |(_, word)| word)
    }

    /// What hosts are called that have none.
    pub const fn none(self) -> &'static str {
        match self {
            Self::As => "AS unknown",
            Self::Prefix => "prefix unknown",
            Self::Country => "country unknown",
            Self::List => "in no list",
            Self::Kind => "kind unknown",
        }
    }
}

/// Groups of the hosts shown.
#[derive(Clone, Debug)]
pub struct Groups {
    /// By what.
    pub by: GroupBy,
    /// The groups, ordered as the hosts are; hosts that have none stand last.
    pub groups: Vec<Group>,
    /// Rows of hosts, those of the first group first, each group in the order of the hosts.
    rows: Vec<u32>,
    /// What was grouped: as long as it is the same, so are the groups.
    of: (Arc<HostColumns>, Arc<Vec<u32>>, HostSort),
}

/// Hosts that share something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What they share, deceptive characters visible.
    pub name: String,
    /// Whether they share that it is not known.
    pub is_none: bool,
    /// Where its hosts begin among the rows.
    first: u32,
    /// How many hosts.
    pub hosts: u32,
    /// The row of the host with the highest score: the ranking's first.
    pub worst: u32,
    /// Detections about its hosts.
    pub detections: u64,
    /// Flows of its hosts; one between two of them counts twice.
    pub flows: u64,
    /// Packets of its hosts.
    pub packets: u64,
    /// Bytes its hosts received.
    pub bytes_in: u64,
    /// Bytes its hosts sent.
    pub bytes_out: u64,
    /// The oldest sighting.
    pub first_seen: Option<Timestamp>,
    /// The newest sighting.
    pub last_seen: Option<Timestamp>,
}

impl Group {
    fn add(&mut self, hosts: &HostColumns, row: u32) {
        let at = row as usize;
        self.worst = if self.hosts == 0 { row } else { self.worst.min(row) };
        self.hosts += 1;
        self.detections += u64::from(hosts.detections[at]);
        self.flows = self.flows.saturating_add(hosts.flows[at]);
        self.packets = self.packets.saturating_add(hosts.packets[at]);
        self.bytes_in = self.bytes_in.saturating_add(hosts.bytes_in[at]);
        self.bytes_out = self.bytes_out.saturating_add(hosts.bytes_out[at]);
        let times = [self.first_seen, hosts.first_seen[at]];
        self.first_seen = times.into_iter().flatten().min();
        self.last_seen = self.last_seen.max(hosts.last_seen[at]);
    }

    /// How two groups stand to each other in a column of the hosts.
    fn compare(&self, other: &Self, by: HostColumn) -> Ordering {
        match by {
            HostColumn::Score => other.worst.cmp(&self.worst),
            HostColumn::Detections => self.detections.cmp(&other.detections),
            HostColumn::Flows => self.flows.cmp(&other.flows),
            HostColumn::Packets => self.packets.cmp(&other.packets),
            HostColumn::BytesIn => self.bytes_in.cmp(&other.bytes_in),
            HostColumn::BytesOut => self.bytes_out.cmp(&other.bytes_out),
            HostColumn::FirstSeen => self.first_seen.cmp(&other.first_seen),
            HostColumn::LastSeen => self.last_seen.cmp(&other.last_seen),
            HostColumn::Addr
            | HostColumn::Name
            | HostColumn::As
            | HostColumn::Kinds
            | HostColumn::Place
            | HostColumn::Said => self.name.cmp(&other.name),
        }
    }
}

/// What a host has of the thing that is grouped by.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    None,
    As(u32),
    Prefix(Prefix),
    Country([u8; 2]),
    Word(&'a str),
}

impl Groups {
    /// Puts the hosts shown together.
    pub(super) fn new(by: GroupBy, hosts: &Ordered<HostColumns, HostSort>) -> Self {
        let (all, shown) = (&hosts.all, &hosts.shown);
        let mut numbers: HashMap<Key<'_>, u32> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut members: Vec<(u32, u32)> = Vec::with_capacity(shown.len());
        for &row in shown.iter() {
            each_key(by, all, row as usize, &mut |key| {
                let number = *numbers.entry(key.clone()).or_insert_with(|| {
                    let name = name(&key, by, all, row as usize);
                    let is_none = key == Key::None;
                    groups.push(Group { name, is_none, ..Group::default() });
                    groups.len() as u32 - 1
                });
                groups[number as usize].add(all, row);
                members.push((number, row));
            });
        }
        let mut order: Vec<u32> = (0..groups.len() as u32).collect();
        let sort = hosts.sort;
        order.sort_by(|&a, &b| {
            let (a, b) = (&groups[a as usize], &groups[b as usize]);
            let by_column = a.compare(b, sort.by);
            let by_column = match sort.direction {
                Direction::Up => by_column,
                Direction::Down => by_column.reverse(),
            };
            a.is_none.cmp(&b.is_none).then(by_column).then_with(|| a.name.cmp(&b.name))
        });
        let mut first = 0;
        for &number in &order {
            let group = &mut groups[number as usize];
            group.first = first;
            first += group.hosts;
        }
        let mut next: Vec<u32> = groups.iter().map(|group| group.first).collect();
        let mut rows = vec![0; members.len()];
        for (number, row) in members {
            let at = &mut next[number as usize];
            rows[*at as usize] = row;
            *at += 1;
        }
        groups.sort_unstable_by_key(|group| group.first);
        Self { by, groups, rows, of: (Arc::clone(all), Arc::clone(shown), sort) }
    }

    /// The hosts of a group, in the order of the hosts.
    pub fn hosts(&self, group: &Group) -> &[u32] {
        let (from, to) = (group.first as usize, (group.first + group.hosts) as usize);
        self.rows.get(from..to).unwrap_or_default()
    }

    fn is_of(&self, hosts: &Ordered<HostColumns, HostSort>) -> bool {
        let (all, shown, sort) = &self.of;
        Arc::ptr_eq(all, &hosts.all) && Arc::ptr_eq(shown, &hosts.shown) && *sort == hosts.sort
    }
}

/// Tells what a host has: one thing, several, or that it has none.
fn each_key<'a>(by: GroupBy, hosts: &'a HostColumns, row: usize, tell: &mut impl FnMut(Key<'a>)) {
    let (words, between) = match by {
        GroupBy::As => {
            return tell(match hosts.asn[row] {
                0 => Key::None,
                asn => Key::As(asn),
            });
        }
        GroupBy::Prefix => return tell(hosts.prefix[row].map_or(Key::None, Key::Prefix)),
        GroupBy::Country => {
            return tell(match hosts.country[row] {
                [0, _] => Key::None,
                code => Key::Country(code),
            });
        }
        GroupBy::List => (&hosts.lists[row], "\n"),
        GroupBy::Kind => (&hosts.kinds[row], ", "),
    };
    match words.is_empty() {
        true => tell(Key::None),
        false => words.split(between).for_each(|word| tell(Key::Word(word))),
    }
}

fn name(key: &Key<'_>, by: GroupBy, hosts: &HostColumns, row: usize) -> String {
    match key {
        Key::None => by.none().to_owned(),
        Key::As(asn) => format!("AS{asn} {}", Visible(&hosts.as_name[row])).trim_end().to_owned(),
        Key::Prefix(prefix) => prefix.to_string(),
        Key::Country(code) => String::from_utf8_lossy(code).into_owned(),
        Key::Word(word) => Visible(word).to_string(),
    }
}

impl Engine {
    /// Puts the hosts together, or shows them one by one again.
    pub(super) fn group(&mut self, by: Option<GroupBy>) {
        self.next.groups = by.map(|by| Arc::new(Groups::new(by, &self.next.hosts)));
    }

    /// Puts the hosts together anew if other ones are shown now, or in another order.
    pub(super) fn regroup(&mut self) {
        if let Some(groups) = &self.next.groups
            && !groups.is_of(&self.next.hosts)
        {
            let by = groups.by;
            self.group(Some(by));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::columns::Verdict;
    use crate::model::{Addr, HostKey, RealmId};

    /// Hosts in ranking order: address, AS, kinds, flows.
    fn hosts(rows: &[(&str, u32, &str, u64)]) -> Ordered<HostColumns, HostSort> {
        let mut all = HostColumns::default();
        for (addr, asn, kinds, flows) in rows {
            let addr: Addr = addr.parse().unwrap();
            all.keys.push(HostKey::new(addr, RealmId::default()));
            all.verdict.push(Verdict::Low);
            all.asn.push(*asn);
            all.as_name.push(Arc::from(if *asn == 64_496 { "Example\u{202e}" } else { "" }));
            all.prefix.push(None);
            all.country.push([0; 2]);
            all.lists.push(Arc::from(""));
            all.kinds.push(Arc::from(*kinds));
            all.detections.push(1);
            all.flows.push(*flows);
            all.packets.push(0);
            all.bytes_in.push(u64::MAX);
            all.bytes_out.push(10);
            all.first_seen.push(None);
            all.last_seen.push(None);
        }
        let shown = Arc::new((0..rows.len() as u32).collect());
        Ordered { all: Arc::new(all), shown, sort: HostSort::default() }
    }

    const FOUR: [(&str, u32, &str, u64); 4] = [
        ("203.0.113.9", 64_497, "vpn, hosting", 5),
        ("203.0.113.8", 0, "", 100),
        ("198.51.100.7", 64_496, "hosting", 7),
        ("203.0.113.7", 64_497, "", 1),
    ];

    fn check(by: GroupBy, sort: HostSort, expected: &[(&str, &[u32], u64)]) {
        let mut hosts = hosts(&FOUR);
        hosts.sort = sort;
        let groups = Groups::new(by, &hosts);
        let got: Vec<(&str, &[u32], u64)> = groups
            .groups
            .iter()
            .map(|group| (&*group.name, groups.hosts(group), group.flows))
            .collect();
        assert_eq!(got, expected);
        assert!(groups.is_of(&hosts));
    }

    #[test]
    fn groups_stand_as_hosts_do_with_sums_and_the_nameless_last() {
        let by = |by, direction| HostSort { by, direction };
        check(
            GroupBy::As,
            HostSort::default(),
            &[
                ("AS64497", &[0, 3], 6),
                ("AS64496 Example\\u{202e}", &[2], 7),
                ("AS unknown", &[1], 100),
            ],
        );
        check(
            GroupBy::As,
            by(HostColumn::Flows, Direction::Down),
            &[
                ("AS64496 Example\\u{202e}", &[2], 7),
                ("AS64497", &[0, 3], 6),
                ("AS unknown", &[1], 100),
            ],
        );
        check(
            GroupBy::Country,
            by(HostColumn::Addr, Direction::Up),
            &[("country unknown", &[0, 1, 2, 3], 113)],
        );
    }

    #[test]
    fn a_host_of_two_kinds_stands_in_both() {
        check(
            GroupBy::Kind,
            HostSort { by: HostColumn::Name, direction: Direction::Up },
            &[("hosting", &[0, 2], 12), ("vpn", &[0], 5), ("kind unknown", &[1, 3], 101)],
        );
    }

    #[test]
    fn sums_stop_at_what_a_number_holds() {
        let groups = Groups::new(GroupBy::List, &hosts(&FOUR));
        let [group] = &groups.groups[..] else { panic!("{:?}", groups.groups) };
        assert_eq!((group.bytes_in, group.bytes_out, group.detections), (u64::MAX, 40, 4));
        assert_eq!(group.worst, 0, "the ranking's first");
    }

    #[test]
    fn other_hosts_are_grouped_anew() {
        let hosts = hosts(&FOUR);
        let groups = Groups::new(GroupBy::As, &hosts);
        let narrowed = Ordered { shown: Arc::new(vec![1]), ..hosts.clone() };
        assert!(groups.is_of(&hosts) && !groups.is_of(&narrowed));
        assert_eq!(Groups::new(GroupBy::As, &narrowed).groups.len(), 1);
        let none = Ordered { shown: Arc::default(), ..hosts };
        assert!(Groups::new(GroupBy::As, &none).groups.is_empty());
    }
}
