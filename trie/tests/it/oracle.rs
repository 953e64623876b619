//! Longest match by trying every length: slow, and too plain to be wrong. And tables to try.

use std::collections::{BTreeMap, BTreeSet};

use infralock_trie::{Address, NONE, Prefix, Range};
use proptest::prelude::*;

pub(crate) type Entries<A> = Vec<(Prefix<A>, u32)>;

/// A table as it was given: prefixes and values; of two equal prefixes the later holds.
pub(crate) struct Oracle<A> {
    prefixes: BTreeMap<Prefix<A>, u32>,
    /// Which lengths there are, the longest first.
    lens: Vec<u8>,
}

impl<A: Address> Oracle<A> {
    pub(crate) fn new(entries: &[(Prefix<A>, u32)]) -> Self {
        let lens: BTreeSet<u8> = entries.iter().map(|(prefix, _)| prefix.len()).collect();
        Self { prefixes: entries.iter().copied().collect(), lens: lens.into_iter().rev().collect() }
    }

    pub(crate) fn longest(&self, addr: A) -> Option<(Prefix<A>, u32)> {
        self.lens.iter().find_map(|&len| {
            let prefix = Prefix::new(addr, len).unwrap();
            self.prefixes.get(&prefix).map(|&value| (prefix, value))
        })
    }

    pub(crate) fn get(&self, addr: A) -> Option<u32> {
        self.longest(addr).map(|(_, value)| value)
    }

    /// Where an answer can change: each prefix's first, last, before and after, and the ends.
    pub(crate) fn borders(&self) -> Vec<A> {
        let mut borders = BTreeSet::from([A::MIN, A::MAX]);
        for prefix in self.prefixes.keys() {
            let (first, last) = (prefix.first(), prefix.last());
            borders.extend(
                [Some(first), Some(last), first.before(), last.next()].into_iter().flatten(),
            );
        }
        borders.into_iter().collect()
    }

    /// All addresses as stretches of equal answers, the longest there are.
    pub(crate) fn runs(&self) -> Vec<(Range<A>, Option<u32>)> {
        let mut starts: Vec<(A, Option<u32>)> = Vec::new();
        for addr in self.borders() {
            let value = self.get(addr);
            if starts.last().is_none_or(|&(_, before)| before != value) {
                starts.push((addr, value));
            }
        }
        let end = |index: usize| match starts.get(index + 1) {
            Some((next, _)) => next.before().unwrap(),
            None => A::MAX,
        };
        let runs = starts.iter().enumerate();
        runs.map(|(index, &(first, value))| (Range::new(first, end(index)).unwrap(), value))
            .collect()
    }
}

/// The answer of a list of runs.
pub(crate) fn run_of<A: Address>(runs: &[(Range<A>, Option<u32>)], addr: A) -> usize {
    runs.partition_point(|(range, _)| range.first() <= addr) - 1
}

pub(crate) fn value_or_none(value: Option<u32>) -> u32 {
    value.unwrap_or(NONE)
}

/// A small, seeded source of chance (xorshift64*, Vigna 2016).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn addr<A: Address>(&mut self) -> A {
        A::from_u128(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    pub(crate) fn prefix<A: Address>(&mut self) -> Prefix<A> {
        let len = self.below(usize::from(A::BITS) + 1) as u8;
        Prefix::new(self.addr(), len).unwrap()
    }
}

/// Places where tables have corners: the ends of the family, and of its halves and quarters.
fn base<A: Address>(index: u8) -> A {
    let bits = u32::from(A::BITS);
    match index % 7 {
        0 => A::MIN,
        1 => A::MAX,
        2 => A::from_u128(1 << (bits - 1)),
        3 => A::from_u128((1 << (bits - 1)) - 1),
        // The documentation's own.
        4 => A::from_u128(if bits == 32 { 0xc000_0200 } else { 0x2001_0db8 << 96 }),
        // The last /24 or /64 of a /16 or /48, and the first.
        5 => A::from_u128(if bits == 32 { 0xc633_ff00 } else { 0x2001_0db8_0001_ffff << 64 }),
        _ => A::from_u128(if bits == 32 { 0xcb00_0000 } else { 0x2001_0db8_0002_0000 << 64 }),
    }
}

/// A prefix near a corner, with neighbours, siblings, parents and itself likely to come again.
fn prefix<A: Address>() -> impl Strategy<Value = Prefix<A>> {
    let bits = A::BITS;
    let len = prop_oneof![
        4 => 0..=bits,
        2 => bits - 10..=bits,
        2 => bits / 2 - 4..=bits / 2 + 10,
        1 => Just(bits),
    ];
    (0..7_u8, len, 0..9_u32, 0..40_u32).prop_map(move |(at, len, low, jump)| {
        let host = u32::from(bits - len);
        let number = base::<A>(at).to_u128();
        let near = (u128::from(low).checked_shl(host)).unwrap_or(0);
        let far = 1_u128.checked_shl(jump).unwrap_or(0) * u128::from(jump % 3 == 0);
        Prefix::new(A::from_u128(number ^ near ^ far), len).unwrap()
    })
}

/// Values that need from 1 to 32 bits, and few enough to be equal often.
fn values() -> impl Strategy<Value = fn(u32) -> u32> {
    prop_oneof![
        4 => Just((|seed| seed % 3) as fn(u32) -> u32),
        1 => Just((|_| 0) as fn(u32) -> u32),
        2 => Just((|seed| seed % 700) as fn(u32) -> u32),
        2 => Just((|seed| seed) as fn(u32) -> u32),
        1 => Just((|seed| seed % (1 << (1 + seed % 31))) as fn(u32) -> u32),
    ]
}

/// A table with nested, adjacent, equal, default and host routes.
pub(crate) fn entries<A: Address>(most: usize) -> impl Strategy<Value = Entries<A>> {
    let most = if cfg!(miri) { most.min(12) } else { most };
    let rows = proptest::collection::vec((prefix::<A>(), 0..=1_u32 << 31), 0..=most);
    (rows, values()).prop_map(|(rows, value)| {
        rows.into_iter().map(|(prefix, seed)| (prefix, value(seed))).collect()
    })
}
