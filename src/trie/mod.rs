//! Longest-prefix look-up: from an address to a number, for tables of millions of ranges.
//!
//! The engine is the crate `infralock_trie`, which knows numbers of 32 and 128 bits and nothing of
//! this program. Here it meets the addresses of the model: ranges with values, nested or not, are
//! cut by [`flatten`] into pieces that do not overlap, where the smallest range around an address
//! wins (longest match, RFC 1812 §5.2.4.3), and a [`Table`] of both families answers.

mod flatten;

pub use flatten::{Piece, flatten, flatten_sets};
pub use infralock_trie::{
    Address, BuildError, Builder, Built, Image, ImageError, Layer, LayerInfo, NONE, Prefix, Range,
    Records, Runs, RunsError, SectionInfo, explain_bus_errors,
};

use crate::model::{Addr, AddrRange, Family};

/// A table from addresses to numbers, where the longest match is meant.
pub trait LongestMatch {
    /// The value of the piece that holds `addr`, with that piece; `None`: nothing is said of it.
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)>;

    /// The value alone.
    fn get(&self, addr: Addr) -> Option<u32> {
        self.get_range(addr).map(|(_, value)| value)
    }
}

/// Both families of one table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// IPv4.
    pub v4: infralock_trie::Table<u32>,
    /// IPv6.
    pub v6: infralock_trie::Table<u128>,
}

impl Table {
    /// From pieces as [`flatten`] gives them: sorted, without overlap. Pieces that overlap all the
    /// same make a table that says nothing.
    pub fn from_pieces(pieces: &[Piece]) -> Self {
        let (v4, v6) = (runs_v4(pieces), runs_v6(pieces));
        Self {
            v4: infralock_trie::Table::new(&v4).unwrap_or_default(),
            v6: infralock_trie::Table::new(&v6).unwrap_or_default(),
        }
    }
}

/// The IPv4 pieces as runs.
pub fn runs_v4(pieces: &[Piece]) -> Runs<u32> {
    let pieces =
        pieces.iter().filter_map(|piece| match (piece.range.first(), piece.range.last()) {
            (Addr::V4(first), Addr::V4(last)) => {
                Some((Range::new(first.to_bits(), last.to_bits())?, piece.value))
            }
            _ => None,
        });
    Runs::from_ranges(pieces).unwrap_or_default()
}

/// The IPv6 pieces as runs.
pub fn runs_v6(pieces: &[Piece]) -> Runs<u128> {
    let pieces =
        pieces.iter().filter_map(|piece| match (piece.range.first(), piece.range.last()) {
            (Addr::V6(first), Addr::V6(last)) => {
                Some((Range::new(first.to_bits(), last.to_bits())?, piece.value))
            }
            _ => None,
        });
    Runs::from_ranges(pieces).unwrap_or_default()
}

/// The runs of both families as pieces, IPv4 first.
pub fn pieces(v4: &Runs<u32>, v6: &Runs<u128>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(v4.len() + v6.len());
    let piece = |family, first, last, value| {
        let (first, last) = (Addr::from_bits(family, first)?, Addr::from_bits(family, last)?);
        Some(Piece { range: AddrRange::new(first, last)?, value })
    };
    pieces.extend(v4.ranges().filter_map(|(range, value)| {
        piece(Family::V4, range.first().into(), range.last().into(), value)
    }));
    pieces.extend(
        v6.ranges()
            .filter_map(|(range, value)| piece(Family::V6, range.first(), range.last(), value)),
    );
    pieces
}

impl LongestMatch for Table {
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)> {
        let (first, last, value) = match addr {
            Addr::V4(addr) => {
                let (range, value) = self.v4.get_range(addr.to_bits());
                (range.first().into(), range.last().into(), value?)
            }
            Addr::V6(addr) => {
                let (range, value) = self.v6.get_range(addr.to_bits());
                (range.first(), range.last(), value?)
            }
        };
        let bound = |bits| Addr::from_bits(addr.family(), bits);
        Some((AddrRange::new(bound(first)?, bound(last)?)?, value))
    }

    fn get(&self, addr: Addr) -> Option<u32> {
        match addr {
            Addr::V4(addr) => self.v4.get(addr.to_bits()),
            Addr::V6(addr) => self.v6.get(addr.to_bits()),
        }
    }
}
