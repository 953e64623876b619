//! What is asked of whom: the shipped tables as ranges and as prefixes, and the queries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use infralock::intel::{BundledSets, Intel};
use infralock::model::Family;
use infralock::trie::Piece;
use infralock_trie::{Image, Layer, Runs, Table};

/// An address as the number that it is.
pub(crate) trait Key: infralock_trie::Address + Into<u128> {
    /// How treebitmap writes it.
    type Ip: ip_network_table_deps_treebitmap::address::Address;
    const FAMILY: Family;
    /// Where an image of ours has such addresses.
    fn put(runs: Runs<Self>, layer: &mut Layer);
    fn table(image: &Image) -> &Table<Self>;
    fn from_bits(bits: u128) -> Self;
    fn ip(self) -> Self::Ip;
    fn any_ip(self) -> IpAddr;
    /// As DPDK reads it from a file: IPv4 in the machine's order, IPv6 in the network's.
    fn push(self, bytes: &mut Vec<u8>);
}

impl Key for u32 {
    type Ip = Ipv4Addr;
    const FAMILY: Family = Family::V4;

    fn put(runs: Runs<Self>, layer: &mut Layer) {
        layer.v4 = runs;
    }

    fn table(image: &Image) -> &Table<Self> {
        image.v4()
    }

    fn from_bits(bits: u128) -> Self {
        bits as Self
    }

    fn ip(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self)
    }

    fn any_ip(self) -> IpAddr {
        IpAddr::V4(self.ip())
    }

    fn push(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_ne_bytes());
    }
}

impl Key for u128 {
    type Ip = Ipv6Addr;
    const FAMILY: Family = Family::V6;

    fn put(runs: Runs<Self>, layer: &mut Layer) {
        layer.v6 = runs;
    }

    fn table(image: &Image) -> &Table<Self> {
        image.v6()
    }

    fn from_bits(bits: u128) -> Self {
        bits
    }

    fn ip(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self)
    }

    fn any_ip(self) -> IpAddr {
        IpAddr::V6(self.ip())
    }

    fn push(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }
}

/// One shipped table of one family.
pub(crate) struct Ranges<K> {
    pub(crate) name: &'static str,
    /// Prefixes in the file that the set was packed from: what bytes per prefix divide by.
    pub(crate) original: usize,
    /// As the packed set has it: ascending and without overlap.
    pub(crate) rows: Vec<(K, K, u32)>,
    /// The fewest prefixes that say the same: address, length, value.
    pub(crate) prefixes: Vec<(K, u8, u32)>,
}

impl<K: Key> Ranges<K> {
    pub(crate) fn shipped(name: &'static str, set: &str, original: usize) -> Self {
        let intel = Intel::from_sets(&BundledSets).unwrap();
        let mut pieces = intel.pieces(set);
        pieces.retain(|piece| piece.range.first().family() == K::FAMILY);
        let row = |piece: &Piece| {
            let (first, last) = (piece.range.first().bits(), piece.range.last().bits());
            (K::from_bits(first), K::from_bits(last), piece.value)
        };
        let rows: Vec<(K, K, u32)> = pieces.iter().map(row).collect();
        drop(pieces);
        let mut prefixes = Vec::with_capacity(rows.len() * 2);
        for &(first, last, value) in &rows {
            cut::<K>(first.into(), last.into(), |bits, len| {
                prefixes.push((K::from_bits(bits), len, value));
            });
        }
        Self { name, original, rows, prefixes }
    }

    /// The plainest look-up: the range that begins at or below the address.
    pub(crate) fn plain(&self, key: K) -> u32 {
        let at = self.rows.partition_point(|row| row.0 <= key).checked_sub(1);
        let row = at.map(|at| self.rows[at]).filter(|row| key <= row.1);
        row.map_or(super::NONE, |row| row.2)
    }
}

/// The fewest prefixes of a range, in order.
fn cut<K: Key>(first: u128, last: u128, mut each: impl FnMut(u128, u8)) {
    let mut at = first;
    loop {
        let aligned = at.trailing_zeros().min(u32::from(K::BITS));
        let left = last - at;
        // As many host bits as fit into what is left: left + 1 addresses.
        let fits = left.checked_add(1).map_or(128, |count| 127 - count.leading_zeros());
        let host_bits = aligned.min(fits);
        each(at, K::BITS - host_bits as u8);
        let next = 1_u128.checked_shl(host_bits).and_then(|size| at.checked_add(size));
        match next {
            Some(next) if next <= last => at = next,
            _ => return,
        }
    }
}

/// How the addresses of a set of queries are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// A prefix of the table, each as likely, then an address in it.
    Prefixes,
    /// All IPv4 addresses alike.
    Uniform,
    /// As `Prefixes`, where the prefix of rank r is 1/r as likely as the first (Zipf, 1949); ranks
    /// are shuffled.
    Zipf,
    /// The first address of one prefix after the other.
    Sequential,
    /// As `Prefixes`, where the next is not known before the answer to the one before.
    Dependent,
}

impl Drawn {
    pub(crate) const ALL: [Self; 5] =
        [Self::Prefixes, Self::Uniform, Self::Zipf, Self::Sequential, Self::Dependent];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prefixes => "random over its prefixes",
            Self::Uniform => "random over all addresses",
            Self::Zipf => "Zipf 1.0 over its prefixes",
            Self::Sequential => "prefix after prefix",
            Self::Dependent => "each waits for the one before",
        }
    }

    /// `count` addresses.
    pub(crate) fn keys<K: Key>(self, table: &Ranges<K>, count: usize) -> Vec<K> {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ self as u64);
        let prefixes = &table.prefixes;
        let start = chance.below(prefixes.len());
        let key = |index: usize| match self {
            Self::Uniform => K::from_bits(u128::from(chance.next() >> 32)),
            Self::Sequential => prefixes[(start + index) % prefixes.len()].0,
            Self::Zipf => {
                let rank = ((prefixes.len() + 1) as f64).powf(chance.unit()) as usize - 1;
                within(prefixes[shuffled(rank, prefixes.len())], &mut chance)
            }
            Self::Prefixes | Self::Dependent => {
                within(prefixes[chance.below(prefixes.len())], &mut chance)
            }
        };
        (0..count).map(key).collect()
    }
}

fn within<K: Key>((first, len, _): (K, u8, u32), chance: &mut Chance) -> K {
    let any = u128::from(chance.next()) << 64 | u128::from(chance.next());
    let mask = 1_u128.checked_shl(u32::from(K::BITS - len)).map_or(u128::MAX, |size| size - 1);
    K::from_bits(first.into() | (any & mask))
}

/// Another place below `count` for each place: a step that shares no divisor with `count`.
fn shuffled(place: usize, count: usize) -> usize {
    let step = 2_654_435_761_u64;
    assert!(!(count as u64).is_multiple_of(step));
    // The step is a prime: all places are met before one is met again.
    (place as u64 * step % count as u64) as usize
}

/// A seeded source of chance (xorshift64*, Vigna 2016).
pub(crate) struct Chance(pub u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
