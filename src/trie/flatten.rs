//! Ranges that nest → pieces that do not: the smallest range around an address wins.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::model::{Addr, AddrRange, Family};

/// A stretch of addresses with one value; pieces never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// From where to where.
    pub range: AddrRange,
    /// What is said of it.
    pub value: u32,
}

/// Cuts ranges into pieces, in order; neighbours of equal value become one.
///
/// Where ranges overlap, the one with the fewest addresses wins; of two equal ones the later in
/// `entries`. For prefixes that is the longest match.
///
/// ```
/// use infralock::trie::flatten;
/// use infralock::model::{AddrRange, Prefix};
/// let entry = |text: &str, value| (AddrRange::from(text.parse::<Prefix>().unwrap()), value);
/// let pieces = flatten(&[entry("192.0.2.0/24", 1), entry("192.0.2.64/26", 2)]);
/// let texts: Vec<String> = pieces.iter().map(|p| format!("{}={}", p.range, p.value)).collect();
/// assert_eq!(texts, [
///     "192.0.2.0-192.0.2.63=1", "192.0.2.64-192.0.2.127=2", "192.0.2.128-192.0.2.255=1",
/// ]);
/// ```
pub fn flatten(entries: &[(AddrRange, u32)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for family in [Family::V4, Family::V6] {
        sweep(entries, family, |first, last, covering| {
            // The set is ordered by size, then by lateness: its first one wins.
            let winner = covering.first().and_then(|&(_, Reverse(index))| entries.get(index));
            if let (Some(&(_, value)), Some(range)) = (winner, range(family, first, last)) {
                push_merged(&mut pieces, Piece { range, value });
            }
        });
    }
    pieces
}

/// Cuts ranges into pieces whose value is an index into the returned sets: all values that cover
/// the piece, sorted, without repeats. Equal sets are stored once.
pub fn flatten_sets(entries: &[(AddrRange, u32)]) -> (Vec<Piece>, Vec<Vec<u32>>) {
    let (mut pieces, mut sets) = (Vec::new(), indexed::IndexedSets::default());
    for family in [Family::V4, Family::V6] {
        sweep(entries, family, |first, last, covering| {
            let mut set: Vec<u32> = covering
                .iter()
                .filter_map(|&(_, Reverse(index))| entries.get(index).map(|&(_, value)| value))
                .collect();
            set.sort_unstable();
            set.dedup();
            let value = sets.index_of(set);
            if let Some(range) = range(family, first, last) {
                push_merged(&mut pieces, Piece { range, value });
            }
        });
    }
    (pieces, sets.into_sets())
}

type Covering = BTreeSet<(u128, Reverse<usize>)>;

/// Goes once over all borders of one family and calls `emit(first, last, covering)` for every
/// stretch that something covers.
fn sweep(
    entries: &[(AddrRange, u32)],
    family: Family,
    mut emit: impl FnMut(u128, u128, &Covering),
) {
    let mut opening: Vec<(u128, usize)> = Vec::new();
    let mut closing: Vec<(u128, usize)> = Vec::new();
    for (index, (range, _)) in entries.iter().enumerate() {
        if range.first().family() == family {
            opening.push((range.first().bits(), index));
            closing.push((range.last().bits(), index));
        }
    }
    opening.sort_unstable();
    closing.sort_unstable();
    let key = |index: usize| {
        let (range, _) = entries[index];
        (range.last().bits() - range.first().bits(), Reverse(index))
    };
    let mut covering = Covering::new();
    let (mut opening, mut closing) =
        (opening.into_iter().peekable(), closing.into_iter().peekable());
    let mut at = 0_u128;
    // Every range that opened must close, so the closing borders alone drive the walk.
    while let Some(&(end, _)) = closing.peek() {
        match opening.peek() {
            Some(&(start, index)) if start <= end => {
                if !covering.is_empty() && at < start {
                    emit(at, start - 1, &covering);
                }
                at = start;
                covering.insert(key(index));
                opening.next();
            }
            _ => {
                // `at` is past `end` only where another range closed at the same address.
                if at <= end && !covering.is_empty() {
                    emit(at, end, &covering);
                }
                while let Some((_, index)) = closing.next_if(|&(other, _)| other == end) {
                    covering.remove(&key(index));
                }
                // The last address of the family has no successor, and nothing opens after it.
                at = end.saturating_add(1);
            }
        }
    }
}

fn range(family: Family, first: u128, last: u128) -> Option<AddrRange> {
    AddrRange::new(Addr::from_bits(family, first)?, Addr::from_bits(family, last)?)
}

fn push_merged(pieces: &mut Vec<Piece>, piece: Piece) {
    if let Some(before) = pieces.last_mut().filter(|before| {
        before.value == piece.value
            && before.range.last().family() == piece.range.first().family()
            && before.range.last().bits().checked_add(1) == Some(piece.range.first().bits())
    }) && let Some(joined) = AddrRange::new(before.range.first(), piece.range.last())
    {
        before.range = joined;
        return;
    }
    pieces.push(piece);
}

mod indexed {
    use std::collections::HashMap;

    /// Sets in the order they were met first.
    #[derive(Default)]
    pub(super) struct IndexedSets {
        index: HashMap<Vec<u32>, u32>,
        sets: Vec<Vec<u32>>,
    }

    impl IndexedSets {
        pub(super) fn index_of(&mut self, set: Vec<u32>) -> u32 {
            if let Some(&index) = self.index.get(&set) {
                return index;
            }
            let index = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
            self.index.insert(set.clone(), index);
            self.sets.push(set);
            index
        }

        pub(super) fn into_sets(self) -> Vec<Vec<u32>> {
            self.sets
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(first: u128, last: u128, value: u32) -> (AddrRange, u32) {
        (range(Family::V6, first, last).unwrap(), value)
    }

    /// Longest match by asking every range: slow, and too plain to be wrong.
    fn golden(entries: &[(AddrRange, u32)], addr: Addr) -> Option<u32> {
        let size = |range: AddrRange| range.last().bits() - range.first().bits();
        let covering = entries.iter().enumerate().filter(|(_, (range, _))| range.contains(addr));
        covering.min_by_key(|&(index, &(range, _))| (size(range), Reverse(index))).map(|(_, e)| e.1)
    }

    #[test]
    fn the_ends_of_the_family_are_kept() {
        let pieces = flatten(&[entry(0, u128::MAX, 1), entry(u128::MAX, u128::MAX, 2)]);
        let ends: Vec<(u128, u128, u32)> = pieces
            .iter()
            .map(|p| (p.range.first().bits(), p.range.last().bits(), p.value))
            .collect();
        assert_eq!(ends, [(0, u128::MAX - 1, 1), (u128::MAX, u128::MAX, 2)]);
    }

    proptest! {
        #[test]
        fn pieces_say_what_the_ranges_say(
            ranges in prop::collection::vec((0_u128..64, 0_u128..64, 0_u32..4), 0..12),
        ) {
            let entries: Vec<_> =
                ranges.iter().map(|&(a, b, value)| entry(a.min(b), a.max(b), value)).collect();
            let pieces = flatten(&entries);
            for pair in pieces.windows(2) {
                prop_assert!(pair[0].range.last() < pair[1].range.first());
            }
            let (set_pieces, sets) = flatten_sets(&entries);
            for at in 0..64 {
                let addr = Addr::from_bits(Family::V6, at).unwrap();
                let of = |pieces: &[Piece]| {
                    pieces.iter().find(|piece| piece.range.contains(addr)).map(|piece| piece.value)
                };
                prop_assert_eq!(of(&pieces), golden(&entries, addr), "at {}", at);
                let mut all: Vec<u32> =
                    entries.iter().filter(|(r, _)| r.contains(addr)).map(|e| e.1).collect();
                all.sort_unstable();
                all.dedup();
                let found = of(&set_pieces).map_or(Vec::new(), |set| sets[set as usize].clone());
                prop_assert_eq!(found, all, "at {}", at);
            }
        }
    }
}
