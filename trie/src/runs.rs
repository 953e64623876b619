//! A table as its runs: where each stretch of equal value begins.
//!
//! Longest-prefix match gives each address one value or none, so a table is a step function over
//! the addresses in order, and this is its shortest form: adjacent prefixes of equal value, and
//! prefixes that say what their surroundings say, cost nothing. Every operation on tables is one
//! pass over the runs of those that take part.

use std::fmt;

use crate::addr::{Address, Prefix, Range};

/// The value of addresses of which nothing is said. No prefix may have it.
pub const NONE: u32 = u32::MAX;

/// Why prefixes or ranges are not a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsError {
    /// A value is [`NONE`], which means that there is none.
    Reserved {
        /// Which entry, from 0.
        index: usize,
    },
    /// A range begins at or before the end of the one before it.
    Order {
        /// Which range, from 0.
        index: usize,
    },
    /// The columns have different lengths.
    Lengths {
        /// Starts.
        starts: usize,
        /// Values.
        values: usize,
    },
}

impl fmt::Display for RunsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved { index } => {
                write!(f, "entry {index} has the value {NONE}, which stands for none")
            }
            Self::Order { index } => {
                write!(f, "range {index} does not begin after the end of the one before it")
            }
            Self::Lengths { starts, values } => {
                write!(f, "{starts} starts but {values} values; there is one value for each start")
            }
        }
    }
}

impl std::error::Error for RunsError {}

/// A table as a step function: sorted starts, and the value from each start to the next.
///
/// No two neighbours have the same value. [`NONE`] is a value like any other here; before the
/// first start there is none.
///
/// ```
/// use infralock_trie::{Prefix, Runs};
/// let prefix = |addr, len| Prefix::new(addr, len).unwrap();
/// let runs = Runs::from_prefixes(vec![
///     (prefix(0xc000_0200_u32, 25), 7),
///     (prefix(0xc000_0280, 25), 7),
///     (prefix(0xc000_0000, 16), 3),
/// ])
/// .unwrap();
/// assert_eq!(runs.get(0xc000_0280), Some(7));
/// assert_eq!(runs.get(0xc000_0300), Some(3));
/// assert_eq!(runs.len(), 4, "3, 7, 3 and none; two adjacent prefixes became one run");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs<A> {
    starts: Vec<A>,
    values: Vec<u32>,
}

impl<A> Default for Runs<A> {
    fn default() -> Self {
        Self { starts: Vec::new(), values: Vec::new() }
    }
}

impl<A: Address> Runs<A> {
    /// A table that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// From prefixes in any order; the longest around an address wins, of equal ones the later.
    ///
    /// # Errors
    /// A value is [`NONE`].
    pub fn from_prefixes(mut prefixes: Vec<(Prefix<A>, u32)>) -> Result<Self, RunsError> {
        if let Some(index) = prefixes.iter().position(|&(_, value)| value == NONE) {
            return Err(RunsError::Reserved { index });
        }
        // Stable: of equal prefixes the later stays behind, and wins below.
        if !prefixes.is_sorted_by_key(|&(prefix, _)| prefix) {
            prefixes.sort_by_key(|&(prefix, _)| prefix);
        }
        let mut runs = Self::default();
        runs.reserve(prefixes.len());
        // The prefixes around the present place, each inside the one before.
        let mut around: Vec<(Prefix<A>, u32)> = Vec::new();
        for (prefix, value) in prefixes {
            while let Some(&(open, _)) = around.last()
                && !open.covers(prefix)
            {
                runs.close(&mut around);
            }
            runs.push(prefix.first(), value);
            around.push((prefix, value));
        }
        while !around.is_empty() {
            runs.close(&mut around);
        }
        Ok(runs)
    }

    /// Ends the innermost prefix: after it, what is around it goes on.
    fn close(&mut self, around: &mut Vec<(Prefix<A>, u32)>) {
        let Some((prefix, _)) = around.pop() else { return };
        if let Some(after) = prefix.last().next() {
            self.push(after, around.last().map_or(NONE, |&(_, value)| value));
        }
    }

    /// From ranges that ascend and do not overlap.
    ///
    /// # Errors
    /// A value is [`NONE`], or a range does not begin after the one before.
    pub fn from_ranges(
        ranges: impl IntoIterator<Item = (Range<A>, u32)>,
    ) -> Result<Self, RunsError> {
        let ranges = ranges.into_iter();
        let mut runs = Self::default();
        runs.reserve(ranges.size_hint().0);
        let mut free = Some(A::MIN);
        for (index, (range, value)) in ranges.enumerate() {
            if value == NONE {
                return Err(RunsError::Reserved { index });
            }
            match free {
                Some(free) if free < range.first() => runs.push(free, NONE),
                Some(free) if free == range.first() => {}
                _ => return Err(RunsError::Order { index }),
            }
            runs.push(range.first(), value);
            free = range.last().next();
        }
        if let Some(free) = free {
            runs.push(free, NONE);
        }
        Ok(runs)
    }

    /// From two columns: where each stretch begins, and its value, which goes on to the next start;
    /// [`NONE`] says that nothing is said from there on. Starts ascend.
    ///
    /// # Errors
    /// The columns differ in length, or a start is not above the one before.
    pub fn from_columns(mut starts: Vec<A>, mut values: Vec<u32>) -> Result<Self, RunsError> {
        if starts.len() != values.len() {
            return Err(RunsError::Lengths { starts: starts.len(), values: values.len() });
        }
        if let Some(index) = starts.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(RunsError::Order { index: index + 1 });
        }
        // What says the same as what stands before it is no new run; in place, as tables are large.
        let (mut kept, mut before) = (0, NONE);
        for row in 0..starts.len() {
            if values[row] != before {
                before = values[row];
                (starts[kept], values[kept]) = (starts[row], before);
                kept += 1;
            }
        }
        starts.truncate(kept);
        values.truncate(kept);
        Ok(Self { starts, values })
    }

    pub(crate) fn reserve(&mut self, runs: usize) {
        self.starts.reserve(runs);
        self.values.reserve(runs);
    }

    /// From `start` on the value is `value`. Starts do not descend; the later of two at one start
    /// holds.
    pub(crate) fn push(&mut self, start: A, value: u32) {
        debug_assert!(self.starts.last().is_none_or(|&last| last <= start), "starts ascend");
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().unwrap_or(NONE) != value {
            self.starts.push(start);
            self.values.push(value);
        }
    }

    /// How many runs there are, those without a value included.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether nothing is said of any address.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where each run begins.
    pub fn starts(&self) -> &[A] {
        &self.starts
    }

    /// The value of each run; [`NONE`] where there is none.
    pub fn values(&self) -> &[u32] {
        &self.values
    }

    /// The run that holds `addr`, by binary search; `None` before the first start.
    fn position(&self, addr: A) -> Option<usize> {
        self.starts.partition_point(|&start| start <= addr).checked_sub(1)
    }

    /// The value of an address. To ask often, make a [`Table`](crate::Table).
    pub fn get(&self, addr: A) -> Option<u32> {
        self.values.get(self.position(addr)?).copied().filter(|&value| value != NONE)
    }

    fn range_at(&self, index: usize) -> Option<Range<A>> {
        let first = *self.starts.get(index)?;
        let last = match self.starts.get(index + 1) {
            Some(next) => next.before()?,
            None => A::MAX,
        };
        Range::new(first, last)
    }

    /// The ranges that have a value, in order.
    pub fn ranges(&self) -> impl Iterator<Item = (Range<A>, u32)> {
        self.values
            .iter()
            .enumerate()
            .filter(|&(_, &value)| value != NONE)
            .filter_map(|(index, &value)| Some((self.range_at(index)?, value)))
    }

    /// The fewest prefixes that say the same when none lies inside another, in order.
    pub fn prefixes(&self) -> impl Iterator<Item = (Prefix<A>, u32)> {
        self.ranges().flat_map(|(range, value)| range.prefixes().map(move |p| (p, value)))
    }

    /// What `f` makes of the values of two tables, address by address.
    pub fn combine(
        &self,
        other: &Self,
        mut f: impl FnMut(Option<u32>, Option<u32>) -> Option<u32>,
    ) -> Self {
        let known = |value: u32| (value != NONE).then_some(value);
        let mut runs = Self::default();
        runs.reserve(self.len().max(other.len()));
        merge([self, other], |start, [a, b]| {
            runs.push(start, f(known(a), known(b)).unwrap_or(NONE));
        });
        runs
    }

    /// What either says; where both do, this one.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |own, other| own.or(other))
    }

    /// What this one says where the other says anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |own, other| own.filter(|_| other.is_some()))
    }

    /// What this one says where the other says nothing.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |own, other| own.filter(|_| other.is_none()))
    }

    /// How many addresses have a value; of IPv6 the highest number there is instead of 2^128.
    pub fn addresses(&self) -> u128 {
        let sizes = self
            .ranges()
            .map(|(range, _)| (range.last().to_u128() - range.first().to_u128()).saturating_add(1));
        sizes.fold(0, u128::saturating_add)
    }
}

/// Walks several tables at once: `emit(start, values)` wherever any of them begins a run, and at
/// the lowest address.
pub(crate) fn merge<A: Address, const N: usize>(
    tables: [&Runs<A>; N],
    mut emit: impl FnMut(A, [u32; N]),
) {
    let mut at = [0_usize; N];
    let mut values = [NONE; N];
    let mut start = A::MIN;
    loop {
        let mut next: Option<A> = None;
        for (index, runs) in tables.iter().enumerate() {
            if runs.starts.get(at[index]) == Some(&start) {
                values[index] = runs.values[at[index]];
                at[index] += 1;
            }
            if let Some(&other) = runs.starts.get(at[index]) {
                next = Some(next.map_or(other, |next| next.min(other)));
            }
        }
        emit(start, values);
        match next {
            Some(next) => start = next,
            None => return,
        }
    }
}
