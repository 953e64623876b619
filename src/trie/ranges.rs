//! Sorted starts and values: the packed form of a table, and the search in it.
//!
//! A piece begins at its start and ends before the next one; a stretch of which nothing is said
//! has the value [`GAP`]. So a piece costs a start and a value, and no ends are stored.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{LongestMatch, Piece};
use crate::model::{Addr, AddrRange, Family};

/// The value of a stretch of which nothing is said.
pub const GAP: u32 = u32::MAX;

/// Why two columns are not a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartsError {
    /// The columns have different lengths.
    Lengths {
        /// Starts.
        starts: usize,
        /// Values.
        values: usize,
    },
    /// A start is not above the one before it.
    Order {
        /// Its place in the column, from 0.
        index: usize,
    },
    /// More pieces than a 32-bit index can count.
    Count,
}

impl fmt::Display for StartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lengths { starts, values } => {
                write!(f, "{starts} starts but {values} values; there is one value for each start")
            }
            Self::Order { index } => {
                write!(f, "start {index} is not above the one before it; starts ascend")
            }
            Self::Count => f.write_str("more than 4,294,967,294 pieces in one table"),
        }
    }
}

impl std::error::Error for StartsError {}

fn check<K: Ord>(starts: &[K], values: &[u32]) -> Result<(), StartsError> {
    if starts.len() != values.len() {
        return Err(StartsError::Lengths { starts: starts.len(), values: values.len() });
    }
    if u32::try_from(starts.len()).is_err() {
        return Err(StartsError::Count);
    }
    match starts.windows(2).position(|pair| pair[0] >= pair[1]) {
        Some(index) => Err(StartsError::Order { index: index + 1 }),
        None => Ok(()),
    }
}

/// IPv6 pieces with starts of type `K`.
#[derive(Clone, Debug)]
struct Column<K> {
    starts: Vec<K>,
    values: Vec<u32>,
}

impl<K> Default for Column<K> {
    fn default() -> Self {
        Self { starts: Vec::new(), values: Vec::new() }
    }
}

impl<K: Copy + Ord> Column<K> {
    fn new(starts: Vec<K>, values: Vec<u32>) -> Result<Self, StartsError> {
        check(&starts, &values)?;
        Ok(Self { starts, values })
    }

    /// The value of piece `index`, its start and the next piece's start (`None`: it is the last).
    fn piece(&self, index: usize) -> Option<(K, Option<K>, u32)> {
        let value = self.values.get(index).copied().filter(|&value| value != GAP)?;
        Some((*self.starts.get(index)?, self.starts.get(index + 1).copied(), value))
    }
}

/// The IPv4 half of a table: an index by the first 16 bits, then binary search.
///
/// A start lies beside its value, so that the search ends in the cache line it needs: apart, the
/// value cost a third of a look-up.
#[derive(Clone, Debug, Default)]
pub struct RangesV4 {
    rows: Vec<(u32, u32)>,
    /// For each first 16 bits, how many starts lie below; one more at the end. Empty: no pieces.
    root: Vec<u32>,
}

const ROOT_BITS: u32 = 16;

impl RangesV4 {
    /// From sorted columns; a value of [`GAP`] says that nothing is known from that start on.
    ///
    /// # Errors
    /// The columns differ in length or the starts do not ascend.
    pub fn new(starts: Vec<u32>, values: Vec<u32>) -> Result<Self, StartsError> {
        check(&starts, &values)?;
        let mut root = Vec::new();
        if !starts.is_empty() {
            root.reserve_exact((1 << ROOT_BITS) + 1);
            let mut below = 0_usize;
            for high in 0..=(1_u64 << ROOT_BITS) {
                let border = high << (32 - ROOT_BITS);
                while starts.get(below).is_some_and(|&start| u64::from(start) < border) {
                    below += 1;
                }
                // `check` has counted them.
                root.push(u32::try_from(below).unwrap_or(u32::MAX));
            }
        }
        Ok(Self { rows: starts.into_iter().zip(values).collect(), root })
    }

    /// From sorted pieces without overlap; IPv6 ones are passed over.
    pub fn from_pieces(pieces: &[Piece]) -> Self {
        let (mut starts, mut values) = (Vec::new(), Vec::new());
        push_pieces(pieces, Family::V4, |start, value| {
            if let Ok(start) = u32::try_from(start) {
                starts.push(start);
                values.push(value);
            }
        });
        Self::new(starts, values).unwrap_or_default()
    }

    /// How many starts there are, gaps included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is said of any address.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The value at an address.
    pub fn value(&self, bits: u32) -> Option<u32> {
        let &(_, value) = self.rows.get(self.find(bits)?)?;
        (value != GAP).then_some(value)
    }

    /// The columns as they are, gaps included.
    pub fn rows(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.rows.iter().copied()
    }

    /// All pieces that say something, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        (0..self.rows.len()).filter_map(|index| self.piece(index))
    }

    fn find(&self, bits: u32) -> Option<usize> {
        let high = (bits >> (32 - ROOT_BITS)) as usize;
        let (low, up) = (*self.root.get(high)? as usize, *self.root.get(high + 1)? as usize);
        let bucket = self.rows.get(low..up)?;
        (low + bucket.partition_point(|&(start, _)| start <= bits)).checked_sub(1)
    }

    fn piece(&self, index: usize) -> Option<Piece> {
        let &(start, value) = self.rows.get(index).filter(|&&(_, value)| value != GAP)?;
        let last = self.rows.get(index + 1).map_or(u32::MAX, |&(next, _)| next - 1);
        let addr = |bits| Addr::V4(Ipv4Addr::from_bits(bits));
        Some(Piece { range: AddrRange::new(addr(start), addr(last))?, value })
    }
}

impl LongestMatch for RangesV4 {
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)> {
        let Addr::V4(addr) = addr else { return None };
        self.find(addr.to_bits()).and_then(|at| self.piece(at)).map(|p| (p.range, p.value))
    }

    fn get(&self, addr: Addr) -> Option<u32> {
        let Addr::V4(addr) = addr else { return None };
        self.value(addr.to_bits())
    }
}

/// The IPv6 half of a table: every 64th start as an index, then binary search.
///
/// Where all pieces begin at a /64, as they do where a provider's data end there, the starts are
/// the upper halves of the addresses alone.
#[derive(Clone, Debug)]
pub struct RangesV6 {
    starts: StartsV6,
}

#[derive(Clone, Debug)]
enum StartsV6 {
    Networks { column: Column<u64>, sample: Vec<u64> },
    Addresses { column: Column<u128>, sample: Vec<u128> },
}

/// 64 starts of 8 bytes are 8 cache lines; the index of 4.3 million starts is then 540 kB.
const STRIDE: usize = 64;

fn sample<K: Copy>(starts: &[K]) -> Vec<K> {
    starts.iter().step_by(STRIDE).copied().collect()
}

/// The last start at or below `key`.
fn find<K: Copy + Ord>(starts: &[K], sample: &[K], key: K) -> Option<usize> {
    let block = sample.partition_point(|&start| start <= key).checked_sub(1)?;
    let low = block * STRIDE;
    let up = (low + STRIDE).min(starts.len());
    let within = starts.get(low..up)?.partition_point(|&start| start <= key);
    (low + within).checked_sub(1)
}

impl Default for RangesV6 {
    fn default() -> Self {
        Self { starts: StartsV6::Networks { column: Column::default(), sample: Vec::new() } }
    }
}

impl RangesV6 {
    /// From the upper halves of the starts, where every piece begins at a /64.
    ///
    /// # Errors
    /// As [`RangesV4::new`].
    pub fn from_networks(starts: Vec<u64>, values: Vec<u32>) -> Result<Self, StartsError> {
        let column = Column::new(starts, values)?;
        let sample = sample(&column.starts);
        Ok(Self { starts: StartsV6::Networks { column, sample } })
    }

    /// From whole addresses.
    ///
    /// # Errors
    /// As [`RangesV4::new`].
    pub fn from_addresses(starts: Vec<u128>, values: Vec<u32>) -> Result<Self, StartsError> {
        let column = Column::new(starts, values)?;
        let sample = sample(&column.starts);
        Ok(Self { starts: StartsV6::Addresses { column, sample } })
    }

    /// From sorted pieces without overlap; IPv4 ones are passed over.
    pub fn from_pieces(pieces: &[Piece]) -> Self {
        let (mut starts, mut values) = (Vec::new(), Vec::new());
        push_pieces(pieces, Family::V6, |start, value| {
            starts.push(start);
            values.push(value);
        });
        let upper = |&start: &u128| u64::try_from(start >> 64).unwrap_or(u64::MAX);
        // Truncation is the test: a start whose lower half is zero is a network.
        if starts.iter().all(|start| start.trailing_zeros() >= 64) {
            let networks = starts.iter().map(upper).collect();
            Self::from_networks(networks, values).unwrap_or_default()
        } else {
            Self::from_addresses(starts, values).unwrap_or_default()
        }
    }

    /// How many starts there are, gaps included.
    pub fn len(&self) -> usize {
        match &self.starts {
            StartsV6::Networks { column, .. } => column.starts.len(),
            StartsV6::Addresses { column, .. } => column.starts.len(),
        }
    }

    /// Whether nothing is said of any address.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at an address.
    pub fn value(&self, bits: u128) -> Option<u32> {
        let index = self.find(bits)?;
        let values = match &self.starts {
            StartsV6::Networks { column, .. } => &column.values,
            StartsV6::Addresses { column, .. } => &column.values,
        };
        values.get(index).copied().filter(|&value| value != GAP)
    }

    /// The columns as they are, gaps included.
    pub fn rows(&self) -> impl Iterator<Item = (u128, u32)> + '_ {
        (0..self.len()).filter_map(|index| match &self.starts {
            StartsV6::Networks { column, .. } => {
                Some((u128::from(*column.starts.get(index)?) << 64, *column.values.get(index)?))
            }
            StartsV6::Addresses { column, .. } => {
                Some((*column.starts.get(index)?, *column.values.get(index)?))
            }
        })
    }

    /// All pieces that say something, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        (0..self.len()).filter_map(|index| self.piece(index))
    }

    fn find(&self, bits: u128) -> Option<usize> {
        match &self.starts {
            StartsV6::Networks { column, sample } => {
                find(&column.starts, sample, u64::try_from(bits >> 64).unwrap_or(u64::MAX))
            }
            StartsV6::Addresses { column, sample } => find(&column.starts, sample, bits),
        }
    }

    fn piece(&self, index: usize) -> Option<Piece> {
        let (first, next, value) = match &self.starts {
            StartsV6::Networks { column, .. } => {
                let (start, next, value) = column.piece(index)?;
                (u128::from(start) << 64, next.map(|next| u128::from(next) << 64), value)
            }
            StartsV6::Addresses { column, .. } => column.piece(index)?,
        };
        let last = next.map_or(u128::MAX, |next| next - 1);
        let addr = |bits| Addr::V6(Ipv6Addr::from_bits(bits));
        Some(Piece { range: AddrRange::new(addr(first), addr(last))?, value })
    }
}

impl LongestMatch for RangesV6 {
    fn get_range(&self, addr: Addr) -> Option<(AddrRange, u32)> {
        let Addr::V6(addr) = addr else { return None };
        self.find(addr.to_bits()).and_then(|at| self.piece(at)).map(|p| (p.range, p.value))
    }

    fn get(&self, addr: Addr) -> Option<u32> {
        let Addr::V6(addr) = addr else { return None };
        self.value(addr.to_bits())
    }
}

/// Calls `push` with each start of one family, and with a [`GAP`] where a piece is followed by
/// nothing.
fn push_pieces(pieces: &[Piece], family: Family, mut push: impl FnMut(u128, u32)) {
    let last_bits = Addr::from_bits(family, u128::MAX >> (128 - u32::from(family.bits())));
    let mut open_end: Option<u128> = None;
    for piece in pieces.iter().filter(|piece| piece.range.first().family() == family) {
        let first = piece.range.first().bits();
        if let Some(end) = open_end.filter(|&end| end != first) {
            push(end, GAP);
        }
        push(first, piece.value);
        let is_last = Some(piece.range.last()) == last_bits;
        open_end = if is_last { None } else { piece.range.last().bits().checked_add(1) };
    }
    if let Some(end) = open_end {
        push(end, GAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Prefix;
    use crate::trie::{Table, flatten};
    use proptest::prelude::*;

    fn table(entries: &[(&str, u32)]) -> Table {
        let entries: Vec<_> = entries
            .iter()
            .map(|&(text, value)| (AddrRange::from(text.parse::<Prefix>().unwrap()), value))
            .collect();
        Table::from_pieces(&flatten(&entries))
    }

    #[test]
    fn the_longest_prefix_wins_and_gaps_say_nothing() {
        let table = table(&[
            ("192.0.2.0/24", 1),
            ("192.0.2.128/25", 2),
            ("255.255.255.255", 3),
            ("0.0.0.0", 4),
            ("2001:db8::/32", 5),
            ("2001:db8:1::/64", 6),
            ("ffff:ffff:ffff:ffff::/64", 7),
        ]);
        for (text, expected) in [
            ("192.0.1.255", None),
            ("192.0.2.0", Some(1)),
            ("192.0.2.127", Some(1)),
            ("192.0.2.128", Some(2)),
            ("192.0.2.255", Some(2)),
            ("192.0.3.0", None),
            ("0.0.0.0", Some(4)),
            ("0.0.0.1", None),
            ("255.255.255.254", None),
            ("255.255.255.255", Some(3)),
            ("2001:db7:ffff::", None),
            ("2001:db8::1", Some(5)),
            ("2001:db8:1::9", Some(6)),
            ("2001:db8:1:1::9", Some(5)),
            ("2001:db9::", None),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(7)),
        ] {
            let addr: Addr = text.parse().unwrap();
            assert_eq!(table.get(addr), expected, "{text}");
            let (range, value) = table.get_range(addr).unzip();
            assert_eq!(value, expected, "{text}");
            assert!(range.is_none_or(|range| range.contains(addr)), "{text}");
        }
        let mut values = vec![Some(9)];
        table.get_batch(&["192.0.2.1".parse().unwrap(), "::1".parse().unwrap()], &mut values);
        assert_eq!(values, [Some(1), None]);
    }

    #[test]
    fn an_empty_table_knows_nothing() {
        let table = Table::default();
        assert_eq!(table.get("192.0.2.1".parse().unwrap()), None);
        assert_eq!(table.get_range("2001:db8::1".parse().unwrap()), None);
        assert!(table.v4.is_empty() && table.v6.is_empty());
    }

    #[test]
    fn wrong_columns_are_refused() {
        assert_eq!(
            RangesV4::new(vec![1, 1], vec![0, 0]).unwrap_err(),
            StartsError::Order { index: 1 }
        );
        assert_eq!(
            RangesV6::from_networks(vec![1], vec![]).unwrap_err(),
            StartsError::Lengths { starts: 1, values: 0 }
        );
    }

    proptest! {
        #[test]
        fn tables_answer_as_their_pieces_do(
            starts in prop::collection::btree_set(any::<u32>(), 0..400),
            values in prop::collection::vec(prop_oneof![3 => 0_u32..9, 1 => Just(GAP)], 400),
            probes in prop::collection::vec(any::<u32>(), 64),
        ) {
            let starts: Vec<u32> = starts.into_iter().collect();
            let values = values[..starts.len()].to_vec();
            let v4 = RangesV4::new(starts.clone(), values.clone()).unwrap();
            let wide = starts.iter().map(|&start| u64::from(start) << 32).collect();
            let v6 = RangesV6::from_networks(wide, values.clone()).unwrap();
            let full = starts.iter().map(|&start| u128::from(start) << 96).collect();
            let v6_full = RangesV6::from_addresses(full, values.clone()).unwrap();
            for probe in probes.into_iter().chain(starts.iter().copied()) {
                let plain = starts.iter().rposition(|&start| start <= probe).map(|at| values[at]);
                let plain = plain.filter(|&value| value != GAP);
                prop_assert_eq!(v4.value(probe), plain);
                let probe = u128::from(probe) << 96 | 5;
                prop_assert_eq!(v6.value(probe), plain);
                prop_assert_eq!(v6_full.value(probe), plain);
            }
            let pieces: Vec<Piece> = v4.pieces().collect();
            let again: Vec<Piece> = Table::from_pieces(&pieces).v4.pieces().collect();
            prop_assert_eq!(again, pieces);
        }
    }
}
