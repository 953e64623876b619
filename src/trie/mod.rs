//! Longest-prefix look-up: from an address to a number, for tables of millions of ranges.
//!
//! In come address ranges with values, nested or not; [`flatten`] cuts them into pieces that do not
//! overlap, where the smallest range around an address wins (longest match, RFC 1812 §5.2.4.3).
//! The pieces become two sorted columns, one of starts and one of values, and a small index.
//! `intel` asks by the trait [`LongestMatch`] and gives the values their meaning; nothing here
//! knows what a value stands for, and nothing here does I/O.
//!
//! # Estimate
//!
//! The largest table has 4.3 million IPv6 pieces: 35 MB of starts and 17 MB of values, past any
//! L2. Plain binary search takes 22 steps, of which the last 6 or so miss the cache: 300 ns, 3
//! million look-ups a second. IPv4 (3.7 million pieces, 15 MB of starts) has an index by the
//! first 16 bits, 262 kB: one step into it leaves about 60 starts, so two to three misses and 50 to
//! 100 ns. IPv6 has no such even spread (all of it lies in 2000::/3), so its index is every 64th
//! start, 540 kB: 16 cheap steps, then 6 inside 512 neighbouring bytes. Twice these times is fine,
//! ten times a bug.
//!
//! Measured by `benches/lookup.rs` on a shared two-core machine with other work: 6.4 M look-ups a
//! second in the largest IPv4 table and 2.7 M in the largest IPv6 one, 3.9 and 4.7 times plain
//! binary search in the same run. A profile of the first form, with starts and values in columns
//! apart, had a third of an IPv4 look-up wait for the value's cache line: now they lie together.

mod flatten;
mod ranges;

pub use flatten::{Piece, flatten, flatten_sets};
pub use ranges::{GAP, RangesV4, RangesV6, StartsError};

use crate::model::{Addr, AddrRange};

/// A table from addresses to numbers, where the longest match is meant.
pub trait LongestMatch {
    /// The value of the piece that holds `addr`, with that piece; `None`: nothing is said of it.
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)>;

    /// The value alone.
    fn get(&self, addr: Addr) -> Option<u32> {
        self.get_range(addr).map(|(_, value)| value)
    }

    /// The values of many addresses, in their order. `values` is cleared first.
    fn get_batch(&self, addrs: &[Addr], values: &mut Vec<Option<u32>>) {
        values.clear();
        values.extend(addrs.iter().map(|&addr| self.get(addr)));
    }
}

/// Both families of one table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// IPv4.
    pub v4: RangesV4,
    /// IPv6.
    pub v6: RangesV6,
}

impl Table {
    /// From pieces as [`flatten`] gives them: sorted, without overlap.
    pub fn from_pieces(pieces: &[Piece]) -> Self {
        Self { v4: RangesV4::from_pieces(pieces), v6: RangesV6::from_pieces(pieces) }
    }
}

impl LongestMatch for Table {
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)> {
        match addr {
            Addr::V4(_) => self.v4.get_range(addr),
            Addr::V6(_) => self.v6.get_range(addr),
        }
    }

    fn get(&self, addr: Addr) -> Option<u32> {
        match addr {
            Addr::V4(addr) => self.v4.value(addr.to_bits()),
            Addr::V6(addr) => self.v6.value(addr.to_bits()),
        }
    }
}
