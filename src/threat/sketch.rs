//! Counts and marks of more keys than can be kept.
//!
//! A table that is full has to refuse the newest or forget the oldest, and then an attacker who
//! sends junk first, or last, decides what is known of an attack. So both of these are exact up to
//! a number of keys, and beyond that a sum over a fixed array: what a key comes to does not
//! depend on the order in which all came, and nothing can be pushed out.

use std::hash::Hash;

use hashbrown::HashMap;

use super::tally::mix;

/// Rows of the estimate: the median of four is wrong by far once in a few hundred keys.
const ROWS: usize = 4;

/// Cells of a row: 1 M, 16 MB for all rows.
const ROW_CELLS: usize = 1 << 20;

/// Bits of the marks: 8 MB. With 4 M keys one stranger in 500 is taken for marked.
const MARK_BITS: usize = 1 << 26;

/// Bits set for each key.
const MARK_HASHES: u64 = 4;

/// How much each key comes to: exact for at most `max` keys, then estimated.
///
/// Estimated as the smallest of a few shared sums (count-min, Cormode & Muthukrishnan 2005), or,
/// where that is less, their median without what others add to a cell on average (count-mean-min,
/// Deng & Rafiei 2007): a flood of other keys then makes nobody look busy.
pub(super) struct Counts<K> {
    exact: HashMap<K, u32>,
    max: usize,
    hash: fn(&K) -> u64,
    /// Row after row; empty as long as the table holds all.
    cells: Vec<u32>,
    total: u64,
}

impl<K: Eq + Hash> Counts<K> {
    /// Nothing yet; `hash` must mix well and be the same in every run.
    pub(super) fn new(max: usize, hash: fn(&K) -> u64) -> Self {
        Self { exact: HashMap::new(), max, hash, cells: Vec::new(), total: 0 }
    }

    /// Adds to a key.
    pub(super) fn add(&mut self, key: K, count: u32) {
        if self.is_exact() {
            let known = self.exact.entry(key).or_insert(0);
            *known = known.saturating_add(count);
            if self.exact.len() > self.max {
                self.fold();
            }
        } else {
            self.add_to_cells((self.hash)(&key), count);
        }
    }

    /// What a key comes to.
    pub(super) fn get(&self, key: &K) -> u32 {
        if self.is_exact() {
            return self.exact.get(key).copied().unwrap_or(0);
        }
        let hash = (self.hash)(key);
        let mut counts = [0_u32; ROWS];
        let mut without_others = [0_u32; ROWS];
        for row in 0..ROWS {
            let count = self.cells.get(cell(hash, row)).copied().unwrap_or(0);
            let others = self.total.saturating_sub(u64::from(count)) / (ROW_CELLS as u64 - 1);
            counts[row] = count;
            without_others[row] = count.saturating_sub(u32::try_from(others).unwrap_or(u32::MAX));
        }
        without_others.sort_unstable();
        let median = without_others[ROWS / 2 - 1].midpoint(without_others[ROWS / 2]);
        counts.into_iter().min().unwrap_or(0).min(median)
    }

    /// Whether nothing had to be estimated.
    pub(super) const fn is_exact(&self) -> bool {
        self.cells.is_empty()
    }

    fn fold(&mut self) {
        self.cells = vec![0; ROWS * ROW_CELLS];
        // In any order: sums that stay at the largest come to the same.
        std::mem::take(&mut self.exact)
            .into_iter()
            .for_each(|(key, count)| self.add_to_cells((self.hash)(&key), count));
    }

    fn add_to_cells(&mut self, hash: u64, count: u32) {
        self.total = self.total.saturating_add(u64::from(count));
        for row in 0..ROWS {
            if let Some(known) = self.cells.get_mut(cell(hash, row)) {
                *known = known.saturating_add(count);
            }
        }
    }
}

/// The cell of a hash in a row.
const fn cell(hash: u64, row: usize) -> usize {
    row * ROW_CELLS + (mix(hash, row as u64) % ROW_CELLS as u64) as usize
}

/// Which keys were met, and how often: exact for at most `max` keys. Then only whether, in a
/// Bloom filter (Bloom 1970): a key that was met is never denied, some others are taken for met.
pub(super) struct Marks<K> {
    exact: HashMap<K, u32>,
    max: usize,
    hash: fn(&K) -> u64,
    /// Empty as long as the table holds all.
    bits: Vec<u64>,
}

/// How often a key was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Never,
    Times(u32),
    /// At least once, as far as is still known.
    Likely,
}

impl<K: Eq + Hash> Marks<K> {
    /// Nothing yet; `hash` must mix well and be the same in every run.
    pub(super) fn new(max: usize, hash: fn(&K) -> u64) -> Self {
        Self { exact: HashMap::new(), max, hash, bits: Vec::new() }
    }

    /// Marks a key.
    pub(super) fn add(&mut self, key: K) {
        if !self.is_exact() {
            return self.set_bits((self.hash)(&key));
        }
        let known = self.exact.entry(key).or_insert(0);
        *known = known.saturating_add(1);
        if self.exact.len() > self.max {
            self.bits = vec![0; MARK_BITS / 64];
            std::mem::take(&mut self.exact)
                .into_keys()
                .for_each(|key| self.set_bits((self.hash)(&key)));
        }
    }

    /// How often a key was met.
    pub(super) fn get(&self, key: &K) -> Met {
        if self.is_exact() {
            return self.exact.get(key).map_or(Met::Never, |&times| Met::Times(times));
        }
        let hash = (self.hash)(key);
        let is_set =
            |bit: usize| self.bits.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0);
        if bits(hash).all(is_set) { Met::Likely } else { Met::Never }
    }

    /// Whether every answer is certain.
    pub(super) const fn is_exact(&self) -> bool {
        self.bits.is_empty()
    }

    fn set_bits(&mut self, hash: u64) {
        for bit in bits(hash) {
            if let Some(word) = self.bits.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }
}

/// The bits of a hash.
fn bits(hash: u64) -> impl Iterator<Item = usize> {
    (0..MARK_HASHES).map(move |number| (mix(hash, number) % MARK_BITS as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: &u32) -> u64 {
        mix(u64::from(*key), 7)
    }

    #[derive(PartialEq)]
    enum Junk {
        First,
        Last,
    }

    /// `junk` keys of one each and one key of `heavy`.
    fn counts(max: usize, junk: u32, heavy: u32, comes: Junk) -> Counts<u32> {
        let mut counts = Counts::new(max, hash);
        let add_junk = |counts: &mut Counts<u32>| (1..=junk).for_each(|key| counts.add(key, 1));
        if comes == Junk::First {
            add_junk(&mut counts);
        }
        (0..heavy).for_each(|_| counts.add(0, 1));
        if comes == Junk::Last {
            add_junk(&mut counts);
        }
        counts
    }

    #[test]
    fn counts_at_the_limit_are_exact_and_one_above_estimated() {
        let at = counts(100, 99, 7, Junk::First);
        assert!(at.is_exact() && at.get(&0) == 7 && at.get(&1) == 1 && at.get(&1_000) == 0);
        let above = counts(100, 100, 7, Junk::First);
        assert!(!above.is_exact() && above.get(&0) == 7 && above.get(&1_000) == 0);
    }

    #[test]
    fn a_flood_of_junk_before_or_after_changes_nothing() {
        let before = counts(1_000, 500_000, 40, Junk::First);
        let after = counts(1_000, 500_000, 40, Junk::Last);
        assert_eq!(before.cells, after.cells);
        // A stranger to every other cell: the estimate stays within a few.
        assert!((38..=44).contains(&before.get(&0)), "{}", before.get(&0));
        let strangers = (3_000_000..3_010_000).filter(|key| before.get(key) > 2).count();
        assert!(strangers < 20, "{strangers} of 10,000 look busy");
    }

    #[test]
    fn marks_at_the_limit_count_and_one_above_only_know() {
        let marks = |keys: u32| {
            let mut marks = Marks::new(100, hash);
            (0..keys).for_each(|key| marks.add(key));
            marks.add(3);
            marks
        };
        assert_eq!(marks(100).get(&3), Met::Times(2));
        assert_eq!(marks(100).get(&100), Met::Never);
        assert_eq!(marks(101).get(&3), Met::Likely);
        let many = marks(500_000);
        assert!((0..500_000).all(|key| many.get(&key) == Met::Likely));
        let strangers = (1_000_000..1_100_000).filter(|key| many.get(key) != Met::Never).count();
        assert!(strangers < 20, "{strangers} of 100,000 strangers");
    }
}
