//! Compare: which addresses, prefixes and ranges of a pasted list occur in the case.
//!
//! The text may be a list, a mail or a page: [`find_all`] finds what looks like an address in each
//! line. The hosts are sorted by address once; an entry is then a stretch of that order, its count
//! the length, its best host the smallest place in the ranking, asked of a tree of minima. A list
//! of 100,000 entries against a million hosts takes some tenths of a second, most of it sorting.

use std::sync::Arc;
use std::thread;

use hashbrown::HashSet;

use super::columns::{HostColumns, Verdict};
use super::state::{Engine, Message};
use crate::model::query::find_all;
use crate::model::{Addr, AddrRange, HostKey};

/// Entries of one list: more are left out, and counted.
pub const COMPARED_MAX: usize = 200_000;

/// A list, and what of it occurs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Its entries, each once, in their order; those that occur first.
    pub entries: Vec<Compared>,
    /// How many of them occur.
    pub found: usize,
    /// Lines with text in which no address was found.
    pub lines_without: u64,
    /// Entries that are left out because there are more than [`COMPARED_MAX`].
    pub left_out: u64,
}

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// What it stands for.
    pub range: AddrRange,
    /// Hosts inside.
    pub hosts: u32,
    /// The one with the highest score.
    pub best: Option<Best>,
}

/// The host of an entry that has the highest score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Who.
    pub key: HostKey,
    /// 0 to 100.
    pub score: f32,
    /// Its band, or unknown.
    pub verdict: Verdict,
}

/// Compares a text with the hosts.
fn compare(text: &str, hosts: &HostColumns) -> Comparison {
    let mut comparison = Comparison::default();
    let mut known: HashSet<AddrRange> = HashSet::new();
    let order = Order::new(hosts);
    for line in text.lines() {
        let mut any = false;
        for found in find_all(line.as_bytes()) {
            any = true;
            let range = found.query.range();
            if known.contains(&range) {
                continue;
            }
            if known.len() >= COMPARED_MAX {
                comparison.left_out += 1;
                continue;
            }
            known.insert(range);
            comparison.entries.push(order.compared(range, hosts));
        }
        let is_said = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        comparison.lines_without += u64::from(!any && is_said);
    }
    comparison.found = comparison.entries.iter().filter(|entry| entry.hosts > 0).count();
    comparison.entries.sort_by_key(|entry| entry.hosts == 0);
    comparison
}

/// Hosts by address, with the smallest place in the ranking of any stretch.
struct Order {
    addrs: Vec<(Addr, u32)>,
    /// A tree in an array: leaf `n` of `len` stands at `len + n`, and each node holds the smaller
    /// of its two children.
    least: Vec<u32>,
}

impl Order {
    fn new(hosts: &HostColumns) -> Self {
        let mut addrs: Vec<(Addr, u32)> =
            hosts.keys.iter().map(|key| key.addr()).zip(0..).collect();
        addrs.sort_unstable();
        let count = addrs.len();
        let mut least = vec![u32::MAX; 2 * count];
        for (leaf, (_, row)) in least.iter_mut().skip(count).zip(&addrs) {
            *leaf = *row;
        }
        for node in (1..count).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Self { addrs, least }
    }

    fn compared(&self, range: AddrRange, hosts: &HostColumns) -> Compared {
        let from = self.addrs.partition_point(|(addr, _)| *addr < range.first());
        let to = self.addrs.partition_point(|(addr, _)| *addr <= range.last()).max(from);
        let row = self.least(from, to).map(|row| row as usize);
        let best = row.and_then(|row| {
            let (key, score) = (*hosts.keys.get(row)?, *hosts.score.get(row)?);
            Some(Best { key, score, verdict: *hosts.verdict.get(row)? })
        });
        Compared { range, hosts: (to - from) as u32, best }
    }

    /// The smallest place in the ranking from one place of the order up to another.
    fn least(&self, from: usize, to: usize) -> Option<u32> {
        let count = self.addrs.len();
        let (mut left, mut right, mut least) = (from + count, to + count, u32::MAX);
        while left < right {
            if left % 2 == 1 {
                least = least.min(self.least[left]);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                least = least.min(self.least[right]);
            }
            (left, right) = (left / 2, right / 2);
        }
        (least != u32::MAX).then_some(least)
    }
}

impl Engine {
    /// Compares a pasted list with the hosts, in a thread: the list may be long.
    pub(super) fn compare(&mut self, text: String) {
        let (hosts, engine) = (Arc::clone(&self.next.hosts.all), self.inbox.clone());
        let work = move || {
            let comparison = Arc::new(compare(&text, &hosts));
            engine.send(Message::Compared(hosts, comparison)).ok();
        };
        self.next.comparison = None;
        // Without a thread there is no comparison; the next attempt may get one.
        thread::Builder::new().name("job-compare".to_owned()).spawn(work).ok();
    }

    /// Takes a comparison, unless another case is open by now.
    pub(super) fn hear_compared(&mut self, of: &Arc<HostColumns>, comparison: Arc<Comparison>) {
        if Arc::ptr_eq(of, &self.next.hosts.all) || self.next.case.is_growing {
            self.next.comparison = Some(comparison);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RealmId;

    fn hosts(addrs: &[&str]) -> HostColumns {
        let mut hosts = HostColumns::default();
        for (row, addr) in addrs.iter().enumerate() {
            hosts.keys.push(HostKey::new(addr.parse().unwrap(), RealmId(0)));
            hosts.score.push(90.0 - row as f32);
            hosts.verdict.push(Verdict::Critical);
        }
        hosts
    }

    #[test]
    fn entries_that_occur_stand_first_each_once_with_their_worst_host() {
        let hosts = hosts(&["198.51.100.7", "192.0.2.9", "192.0.2.1", "2001:db8::5"]);
        let text = "# seen by a friend\n203.0.113.1\n192[.]0[.]2[.]0/24 and 2001:db8::/32\n\
                    nothing here\n192.0.2.0/24\n\n192.0.2.1\n";
        let found = compare(text, &hosts);
        let shown: Vec<(String, u32, Option<f32>)> = found
            .entries
            .iter()
            .map(|it| (it.range.to_string(), it.hosts, it.best.map(|best| best.score)))
            .collect();
        assert_eq!(found.found, 3);
        assert_eq!(found.lines_without, 1, "comments and blank lines are none");
        assert_eq!(shown.len(), 4);
        assert_eq!((shown[0].1, shown[0].2), (2, Some(89.0)), "the worse of two: {shown:?}");
        assert_eq!((shown[1].1, shown[1].2), (1, Some(87.0)));
        assert_eq!((shown[2].1, shown[2].2), (1, Some(88.0)));
        assert_eq!((shown[3].1, shown[3].2), (0, None));
    }

    #[test]
    fn the_best_of_any_stretch_is_the_best_of_all_asked_one_by_one() {
        let addrs: Vec<String> = (0..97_u32).map(|n| format!("192.0.2.{}", n * 37 % 97)).collect();
        let hosts = hosts(&addrs.iter().map(String::as_str).collect::<Vec<_>>());
        let order = Order::new(&hosts);
        for from in 0..97 {
            for to in from..=97 {
                let plain = order.addrs[from..to].iter().map(|(_, row)| *row).min();
                assert_eq!(order.least(from, to), plain, "{from}..{to}");
            }
        }
        assert_eq!(compare("192.0.2.1", &HostColumns::default()).entries[0].hosts, 0);
    }
}
