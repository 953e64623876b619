//! IPv4 space as runs of addresses of which one thing is said: what the picture of it is made of.
//!
//! Each function gives runs in order, without overlap, between two addresses. Shipped sets never
//! speak of reserved addresses; the analyst's own layers may, and win.

use std::sync::Arc;

use super::meanings::{ANYCAST_PREFIXES, SATELLITE_SYSTEMS};
use super::{Intel, PICTURED_COUNTRIES, compiled};
use crate::model::{Addr, Kind, ListMeaning, Prefix, RESERVED_V4};
use crate::trie::Range;

/// A run of addresses: first, last, and what is said of them.
pub type Run = (u32, u32, u32);

/// Addresses between two that some lists hold: the runs overlap as lists do.
type Held = Vec<(u32, u32)>;

impl Intel {
    /// What the shipped sets say between two addresses: runs of the joined table in order, each
    /// with the number of its record.
    fn recorded(&self, first: u32, last: u32) -> impl Iterator<Item = Run> {
        let table = self.image().v4();
        let prefixes = Range::new(first, last).into_iter().flat_map(|range| range.prefixes());
        prefixes
            .flat_map(|prefix| table.covered(prefix))
            .map(|(range, record)| (range.first(), range.last(), record))
    }

    /// Runs of one layer, each with what its row means.
    fn layer_runs(
        &self,
        (first, last): (u32, u32),
        layer: usize,
        value: impl Fn(usize) -> Option<u32>,
    ) -> Vec<Run> {
        let records = self.image().v4_records();
        let mut runs: Vec<Run> = Vec::new();
        // Neighbours often have one row: what it means is found once.
        let mut known = None;
        for (from, to, record) in self.recorded(first, last) {
            let Some(row) = records.get(record, layer) else { continue };
            let said = match known {
                Some((same, said)) if same == row => said,
                _ => value(row as usize),
            };
            known = Some((row, said));
            let Some(said) = said else { continue };
            match runs.last_mut() {
                Some((_, end, value)) if *value == said && end.checked_add(1) == Some(from) => {
                    *end = to;
                }
                _ => runs.push((from, to, said)),
            }
        }
        runs
    }

    /// Countries by [`PICTURED_COUNTRIES`]; the value is the code's two bytes, big-endian.
    pub fn country_runs(&self, first: u32, last: u32) -> Vec<Run> {
        let set = self.countries.iter().find(|(_, id, _)| **id == *PICTURED_COUNTRIES);
        let shipped = set.map(|(layer, id, set)| {
            let countries = set.dictionary();
            self.layer_runs((first, last), *layer, |row| {
                let code = countries.claim(id, row)?.country_code?;
                Some(u32::from(u16::from_be_bytes(code)))
            })
        });
        let own = self.own.claim_pieces_v4().filter_map(|((from, to), claim)| {
            Some((from, to, u32::from(u16::from_be_bytes(claim.country_code?))))
        });
        over(cut(shipped.unwrap_or_default(), &reserved()), own.collect(), first, last)
    }

    /// Origins; the value is the AS number.
    pub fn system_runs(&self, first: u32, last: u32) -> Vec<Run> {
        let shipped = self.systems.as_ref().map(|set| {
            let systems = set.dictionary();
            let asn = |row: usize| systems.get(row).map(|(asn, _)| asn);
            self.layer_runs((first, last), compiled::SYSTEM, asn)
        });
        let own = self.own.system_pieces_v4().collect();
        over(cut(shipped.unwrap_or_default(), &reserved()), own, first, last)
    }

    /// Addresses in a list, or in any where none is named.
    pub fn listed_runs(&self, list: Option<&str>, first: u32, last: u32) -> Vec<Run> {
        let is_it = |id: &str| list.is_none_or(|list| list == id);
        let mut chosen = Vec::new();
        for (layer, set) in &self.lists {
            let lists = set.dictionary();
            let has = |row: usize| lists.memberships(row).any(|(it, _)| is_it(&it.id));
            chosen.push((*layer, (0..lists.rows()).map(has).map(u16::from).collect()));
        }
        if let Some(set) = &self.regions {
            let regions = set.dictionary();
            let has = |row: usize| regions.name(row).is_some_and(|name| is_it(name));
            chosen.push((compiled::REGION, (0..regions.rows()).map(has).map(u16::from).collect()));
        }
        let services = vec![u16::from(is_it("anycast-services")); ANYCAST_PREFIXES.len()];
        chosen.push((compiled::ANYCAST, services));
        let [held] = self.chosen((first, last), &chosen);
        let own = self.own.list_pieces_v4(list).collect();
        joined(held, own, first, last)
    }

    /// Addresses of each kind, in the order of [`Kind::ALL`].
    pub fn kind_runs(&self, first: u32, last: u32) -> [Vec<Run>; Kind::ALL.len()] {
        let bit = |kind: Kind| 1_u16 << kind as u16;
        let of_meaning = |meaning: ListMeaning| match meaning {
            ListMeaning::Kind(kind) => bit(kind),
            ListMeaning::Hostile | ListMeaning::Benign | ListMeaning::Context => 0,
        };
        let if_anycast = |is_it: bool| if is_it { bit(Kind::Anycast) } else { 0 };
        let mut chosen: Vec<(usize, Vec<u16>)> = Vec::new();
        for (layer, set) in &self.lists {
            let lists = set.dictionary();
            let kinds = |row: usize| {
                let memberships = lists.memberships(row);
                memberships.fold(0, |all, (it, rule)| {
                    all | of_meaning(it.meaning) | if_anycast(rule.anycast)
                })
            };
            chosen.push((*layer, (0..lists.rows()).map(kinds).collect()));
        }
        if let Some(set) = &self.regions {
            let regions = set.dictionary();
            let kinds = |row: usize| {
                bit(Kind::Hosting) | if_anycast(matches!(regions.claim(row), Some(None)))
            };
            chosen.push((compiled::REGION, (0..regions.rows()).map(kinds).collect()));
        }
        let services = ANYCAST_PREFIXES.iter();
        let services = services.map(|(_, kind)| bit(Kind::Anycast) | kind.map_or(0, bit)).collect();
        chosen.push((compiled::ANYCAST, services));
        if let Some(set) = &self.systems {
            let systems = set.dictionary();
            let kinds = |row: usize| match systems.get(row) {
                Some((asn, _)) if SATELLITE_SYSTEMS.contains(&asn) => bit(Kind::Satellite),
                _ => 0,
            };
            chosen.push((compiled::SYSTEM, (0..systems.rows()).map(kinds).collect()));
        }
        let mut held: [Held; Kind::ALL.len()] = self.chosen((first, last), &chosen);
        Kind::ALL.map(|kind| {
            let of_kind = self.own.list_meanings();
            let of_kind = of_kind.filter(|(_, meaning)| *meaning == ListMeaning::Kind(kind));
            let own = of_kind.flat_map(|(id, _)| self.own.list_pieces_v4(Some(id))).collect();
            joined(std::mem::take(&mut held[kind as usize]), own, first, last)
        })
    }

    /// Addresses by bit: each layer's rows have the bits of what they belong to.
    fn chosen<const BITS: usize>(
        &self,
        (first, last): (u32, u32),
        layers: &[(usize, Vec<u16>)],
    ) -> [Held; BITS] {
        let records = self.image().v4_records();
        let mut held = [(); BITS].map(|()| Held::new());
        for (from, to, record) in self.recorded(first, last) {
            let bits = layers.iter().fold(0, |all, (layer, rows)| {
                let row = records.get(record, *layer);
                all | row.and_then(|row| rows.get(row as usize)).copied().unwrap_or_default()
            });
            if bits == 0 {
                continue;
            }
            for (bit, held) in held.iter_mut().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1) {
                debug_assert!(bit < 16, "as many as a row has bits");
                match held.last_mut() {
                    Some((_, end)) if end.checked_add(1) == Some(from) => *end = to,
                    _ => held.push((from, to)),
                }
            }
        }
        held
    }

    /// The name of an AS, where a set has it.
    pub fn system_name(&self, asn: u32) -> Option<Arc<str>> {
        self.own.system_name(asn).or_else(|| self.systems.as_ref()?.dictionary().name_of(asn))
    }

    /// The ids of all lists, shipped ones first, the analyst's own last.
    pub fn all_list_ids(&self) -> Vec<Arc<str>> {
        let shipped = self.list_ids().into_iter().map(Arc::from);
        shipped.chain(self.own.list_meanings().map(|(id, _)| Arc::clone(id))).collect()
    }
}

fn v4_ends(prefix: Prefix) -> Option<(u32, u32)> {
    match (prefix.first(), prefix.last()) {
        (Addr::V4(first), Addr::V4(last)) => Some((first.to_bits(), last.to_bits())),
        _ => None,
    }
}

/// Reserved space in ascending order.
fn reserved() -> Vec<Run> {
    let entries = RESERVED_V4.iter().filter_map(|&(first, len, _)| {
        let (from, to) = v4_ends(Prefix::new(Addr::V4(first), len)?)?;
        Some((from, to, 0))
    });
    joined_runs(entries.map(|(from, to, _)| (from, to)).collect())
}

/// What shipped lists hold outside of reserved space, and what own ones hold.
fn joined(held: Held, own: Held, first: u32, last: u32) -> Vec<Run> {
    let shipped = cut(joined_runs(held), &reserved());
    let mut all = own;
    all.extend(shipped.into_iter().map(|(from, to, _)| (from, to)));
    clipped(joined_runs(all), first, last)
}

/// Runs that touch or overlap become one.
fn joined_runs(mut held: Held) -> Vec<Run> {
    held.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    for (from, to) in held {
        match runs.last_mut() {
            Some((_, end, _)) if from <= end.saturating_add(1) => *end = (*end).max(to),
            _ => runs.push((from, to, 1)),
        }
    }
    runs
}

fn clipped(runs: Vec<Run>, first: u32, last: u32) -> Vec<Run> {
    let inside = runs.into_iter().filter(|&(from, to, _)| from <= last && to >= first);
    inside.map(|(from, to, value)| (from.max(first), to.min(last), value)).collect()
}

/// Runs without the addresses of others; both are sorted and do not overlap.
fn cut(runs: Vec<Run>, holes: &[Run]) -> Vec<Run> {
    if holes.is_empty() {
        return runs;
    }
    let (mut left, mut at) = (Vec::with_capacity(runs.len()), 0);
    for (mut from, to, value) in runs {
        while holes.get(at).is_some_and(|&(_, end, _)| end < from) {
            at += 1;
        }
        let mut next = at;
        let mut is_over = false;
        while let Some(&(hole, end, _)) = holes.get(next).filter(|(hole, ..)| *hole <= to) {
            if from < hole {
                left.push((from, hole - 1, value));
            }
            match end.checked_add(1).filter(|&after| after <= to) {
                Some(after) => from = after,
                None => {
                    is_over = true;
                    break;
                }
            }
            next += 1;
        }
        if !is_over {
            left.push((from, to, value));
        }
    }
    left
}

/// Runs with those of one's own laid over them. Own ones that overlap: the one that begins first.
fn over(runs: Vec<Run>, mut own: Vec<Run>, first: u32, last: u32) -> Vec<Run> {
    if own.is_empty() {
        return runs;
    }
    own.sort_unstable();
    let mut apart: Vec<Run> = Vec::with_capacity(own.len());
    for (from, to, value) in own {
        let from = apart.last().map_or(from, |&(_, end, _)| from.max(end.saturating_add(1)));
        if from <= to {
            apart.push((from, to, value));
        }
    }
    let apart = clipped(apart, first, last);
    let mut all = cut(runs, &apart);
    all.extend(apart);
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{AddrRange, Timestamp};

    fn range(text: &str) -> AddrRange {
        text.parse::<Prefix>().unwrap().into()
    }

    fn bits(text: &str) -> u32 {
        let Addr::V4(addr) = text.parse().unwrap() else { panic!("{text}") };
        addr.to_bits()
    }

    #[test]
    fn own_lists_and_tables_are_in_the_picture_reserved_or_not() {
        let mut intel = Intel::default();
        let none: Option<Timestamp> = None;
        let tor = ListMeaning::Kind(Kind::Tor);
        intel.add_list("list.tor", &[(range("192.0.2.0/25"), none)], tor, None);
        let bad = [(range("192.0.2.64/26"), none), (range("192.0.2.192/26"), none)];
        intel.add_list("list.bad", &bad, ListMeaning::Hostile, None);
        intel.add_as_table(&[(range("192.0.2.0/24"), 64_500, Some(Arc::from("Example")))]);
        let (first, last) = (bits("192.0.2.0"), bits("192.0.2.223"));
        let listed = intel.listed_runs(None, first, last);
        let whole = (bits("192.0.2.0"), bits("192.0.2.127"), 1);
        assert_eq!(listed, [whole, (bits("192.0.2.192"), last, 1)], "joined, and cut at the end");
        let kinds = intel.kind_runs(first, last);
        assert_eq!(kinds[Kind::Tor as usize], [whole]);
        assert_eq!(kinds[Kind::Vpn as usize], []);
        assert_eq!(intel.listed_runs(Some("list.tor"), first, last), [whole]);
        assert_eq!(intel.system_runs(first, last), [(first, last, 64_500)]);
        assert_eq!(intel.system_name(64_500).as_deref(), Some("Example"));
        assert_eq!(intel.all_list_ids().len(), 2);
    }

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        proptest::collection::vec((0_u32..40, 1_u32..9, 1_u32..4), 0..6).prop_map(|steps| {
            let mut at = 0;
            let mut runs = Vec::new();
            for (gap, len, value) in steps {
                runs.push((at + gap, at + gap + len - 1, value));
                at += gap + len;
            }
            runs
        })
    }

    fn value(runs: &[Run], at: u32) -> Option<u32> {
        runs.iter().find(|&&(from, to, _)| from <= at && at <= to).map(|&(.., value)| value)
    }

    proptest! {
        #[test]
        fn cutting_and_laying_over_agree_with_asking_address_by_address(
            below in runs(), above in runs(),
        ) {
            let cut = cut(below.clone(), &above);
            let over = over(below.clone(), above.clone(), 0, 999);
            for at in 0..320 {
                let plain = value(&below, at).filter(|_| value(&above, at).is_none());
                prop_assert_eq!(value(&cut, at), plain);
                prop_assert_eq!(value(&over, at), value(&above, at).or(value(&below, at)));
            }
            prop_assert!(over.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
