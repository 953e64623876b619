//! A packed table of either family: the same questions, answered by [`v4`](crate::v4) or
//! [`v6`](crate::v6).

use std::fmt;

use crate::addr::{Address, Prefix, Range};
use crate::kernel::{self, Kernel};
use crate::runs::{NONE, Runs};
use crate::v4::V4;
use crate::v6::V6;

/// More values than one table can tell apart: some four thousand million, less one for each /24 or
/// /64 that is split further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyValues;

impl fmt::Display for TooManyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values and split networks together pass 4,294,967,294; use smaller values")
    }
}

impl std::error::Error for TooManyValues {}

/// What a packed form of one family can do.
pub trait Packed: Clone + fmt::Debug + Send + Sync + Sized {
    /// Its addresses.
    type Addr: Address<Packed = Self>;

    #[doc(hidden)]
    fn from_runs(runs: &Runs<Self::Addr>) -> Result<Self, TooManyValues>;
    #[doc(hidden)]
    fn value(&self, addr: Self::Addr) -> u32;
    #[doc(hidden)]
    fn batch(&self, kernel: Kernel, addrs: &[Self::Addr], values: &mut [u32]);
    /// The most stretches that one run is told in.
    #[doc(hidden)]
    const JOINED_MAX: usize;
    /// The most stretches that all addresses are told in.
    #[doc(hidden)]
    fn stretches_max(&self) -> usize;
    /// A stretch around `addr` that has one value, and the value. It may end where another begins
    /// that has the same.
    #[doc(hidden)]
    fn stretch(&self, addr: Self::Addr) -> (Self::Addr, Self::Addr, u32);
    #[doc(hidden)]
    fn bytes(&self) -> usize;
}

impl Packed for V4 {
    type Addr = u32;

    fn from_runs(runs: &Runs<u32>) -> Result<Self, TooManyValues> {
        V4::from_runs(runs)
    }

    #[inline]
    fn value(&self, addr: u32) -> u32 {
        V4::value(self, addr)
    }

    fn batch(&self, kernel: Kernel, addrs: &[u32], values: &mut [u32]) {
        kernel::v4(kernel, self, addrs, values);
    }

    // The rest of a split /24 and of its /16 at either end, and the /16s between.
    const JOINED_MAX: usize = 5;

    fn stretches_max(&self) -> usize {
        V4::stretches_max(self)
    }

    fn stretch(&self, addr: u32) -> (u32, u32, u32) {
        V4::stretch(self, addr)
    }

    fn bytes(&self) -> usize {
        8 * (self.root.len() + self.bitmaps.len()) + self.codes.len() + self.blocks.len()
    }
}

impl Packed for V6 {
    type Addr = u128;

    fn from_runs(runs: &Runs<u128>) -> Result<Self, TooManyValues> {
        V6::from_runs(runs)
    }

    #[inline]
    fn value(&self, addr: u128) -> u32 {
        V6::value(self, addr)
    }

    fn batch(&self, kernel: Kernel, addrs: &[u128], values: &mut [u32]) {
        kernel::v6(kernel, self, addrs, values);
    }

    // The rest of a split /64 at either end, and the entry between.
    const JOINED_MAX: usize = 3;

    fn stretches_max(&self) -> usize {
        V6::stretches_max(self)
    }

    fn stretch(&self, addr: u128) -> (u128, u128, u32) {
        V6::stretch(self, addr)
    }

    fn bytes(&self) -> usize {
        8 * self.index.len() + self.leaves.len() + self.blocks.len()
    }
}

/// An immutable table of longest-prefix match, packed for look-up.
///
/// It is made from [`Runs`], or lies in an [`Image`](crate::Image). Cloning it is cheap: clones
/// share their memory, and keep a mapped file open.
///
/// ```
/// use infralock_trie::{NONE, Prefix, Runs, Table};
/// let prefix = |addr, len| Prefix::new(addr, len).unwrap();
/// let runs = Runs::from_prefixes(vec![
///     (prefix(0x2001_0db8_u128 << 96, 32), 1),
///     (prefix(0x2001_0db8_0001_u128 << 80, 48), 2),
/// ])
/// .unwrap();
/// let table = Table::new(&runs).unwrap();
/// let addr = 0x2001_0db8_0001_u128 << 80 | 1;
/// assert_eq!(table.get(addr), Some(2));
/// let mut values = [0; 2];
/// table.get_batch(&[addr, 0], &mut values);
/// assert_eq!(values, [2, NONE]);
/// ```
#[derive(Clone)]
pub struct Table<A: Address> {
    packed: A::Packed,
    kernel: Kernel,
}

impl<A: Address> Default for Table<A> {
    fn default() -> Self {
        // No value, so there cannot be too many.
        #[expect(clippy::expect_used, reason = "an empty table always packs; a test holds it")]
        Self::new(&Runs::new()).expect("an empty table")
    }
}

impl<A: Address> Table<A> {
    /// Packs a table. Values should be dense numbers from 0: they are kept in as few bits as the
    /// highest needs.
    ///
    /// # Errors
    /// Values and splits are more than 32 bits can tell apart.
    pub fn new(runs: &Runs<A>) -> Result<Self, TooManyValues> {
        A::Packed::from_runs(runs).map(Self::from_packed)
    }

    pub(crate) fn from_packed(packed: A::Packed) -> Self {
        Self { packed, kernel: Kernel::best() }
    }

    /// The same table, with batches looked up another way; all ways give the same answers. One
    /// that this processor does not have is replaced by [`Kernel::Portable`].
    #[must_use]
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// How batches are looked up.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The value of an address.
    #[inline]
    pub fn get(&self, addr: A) -> Option<u32> {
        let value = self.packed.value(addr);
        (value != NONE).then_some(value)
    }

    /// The values of many addresses, [`NONE`] where there is none: several times as fast as one by
    /// one. As many are answered as the shorter of the two slices has.
    pub fn get_batch(&self, addrs: &[A], values: &mut [u32]) {
        let len = addrs.len().min(values.len());
        self.packed.batch(self.kernel, &addrs[..len], &mut values[..len]);
    }

    /// The value of an address, and all the addresses around it that have the same without a gap.
    /// What has no value is such a stretch as well.
    pub fn get_range(&self, addr: A) -> (Range<A>, Option<u32>) {
        let (mut first, mut last, value) = self.packed.stretch(addr);
        // No honest table joins more; a hostile one could go on for as long as there are addresses.
        for _ in 1..A::Packed::JOINED_MAX {
            let Some(before) = first.before() else { break };
            let (start, _, other) = self.packed.stretch(before);
            if other != value {
                break;
            }
            first = start;
        }
        for _ in 1..A::Packed::JOINED_MAX {
            let Some(after) = last.next() else { break };
            let (_, end, other) = self.packed.stretch(after);
            if other != value {
                break;
            }
            last = end;
        }
        let range = Range::new(first, last).unwrap_or_else(|| Prefix::host(addr).into());
        (range, (value != NONE).then_some(value))
    }

    /// The value of an address, and the longest-lived statement one can make of it: the largest
    /// aligned prefix around the address in which every address has the same value.
    ///
    /// The prefixes that the table was made of are not kept: adjacent ones of equal value became
    /// one run, and a [`PrefixMap`](crate::PrefixMap) knows the chain of prefixes around an
    /// address.
    pub fn get_with_prefix(&self, addr: A) -> Option<(Prefix<A>, u32)> {
        let (range, value) = self.get_range(addr);
        Some((Prefix::largest_inside(range, addr), value?))
    }

    /// The runs before and after the one around `addr`, with their values.
    pub fn neighbours(&self, addr: A) -> [Option<(Range<A>, Option<u32>)>; 2] {
        let (range, _) = self.get_range(addr);
        let at = |addr: Option<A>| addr.map(|addr| self.get_range(addr));
        [at(range.first().before()), at(range.last().next())]
    }

    /// The runs inside a prefix that have a value, in order; those that reach beyond it are cut.
    pub fn covered(&self, prefix: Prefix<A>) -> impl Iterator<Item = (Range<A>, u32)> {
        let end = prefix.last();
        // No honest table has more; a hostile one could go on for as long as there are addresses.
        let mut left = self.packed.stretches_max();
        let mut stretch = move |first: A| {
            left = left.checked_sub(1)?;
            let (_, last, value) = self.packed.stretch(first);
            Some((first, last, value))
        };
        let mut ahead = stretch(prefix.first());
        std::iter::from_fn(move || {
            loop {
                let (first, mut last, value) = ahead.take()?;
                while let Some(after) = last.next().filter(|&after| after <= end) {
                    ahead = stretch(after);
                    match ahead {
                        Some((_, to, other)) if other == value => last = to,
                        _ => break,
                    }
                    ahead = None;
                }
                if value != NONE {
                    return Some((Range::new(first, last.min(end))?, value));
                }
            }
        })
    }

    /// All runs that have a value, in order.
    pub fn ranges(&self) -> impl Iterator<Item = (Range<A>, u32)> {
        self.covered(Prefix::ALL)
    }

    /// The table as runs, for operations on tables.
    pub fn runs(&self) -> Runs<A> {
        // They ascend and none is `NONE`.
        Runs::from_ranges(self.ranges()).unwrap_or_default()
    }

    /// What either table says; where both do, this one.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn union(&self, other: &Self) -> Result<Self, TooManyValues> {
        Self::new(&self.runs().union(&other.runs()))
    }

    /// What this table says where the other says anything.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn intersection(&self, other: &Self) -> Result<Self, TooManyValues> {
        Self::new(&self.runs().intersection(&other.runs()))
    }

    /// What this table says where the other says nothing.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn difference(&self, other: &Self) -> Result<Self, TooManyValues> {
        Self::new(&self.runs().difference(&other.runs()))
    }

    /// Bytes of memory, or of the file.
    pub fn bytes(&self) -> usize {
        self.packed.bytes()
    }
}

impl<A: Address> fmt::Debug for Table<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("bytes", &self.bytes()).field("kernel", &self.kernel).finish()
    }
}
