//! Packed tables and runs against the oracle.

use std::sync::atomic::{AtomicUsize, Ordering};

use infralock_trie::{Address, Kernel, NONE, Prefix, Range, Runs, RunsError, Table};
use proptest::prelude::*;

use crate::oracle::{Chance, Entries, Oracle, entries, run_of, value_or_none};
use crate::{cases, times};

/// Lengths of batches around those that the kernels count in.
const LENS: [usize; 14] = [0, 1, 7, 8, 9, 31, 32, 33, 127, 128, 129, 255, 257, 1000];

/// Queries asked in this process, to say that they were enough.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// A table by every kernel that there is.
fn with_kernels<A: Address>(table: &Table<A>) -> Vec<Table<A>> {
    let kernels = Kernel::ALL.into_iter().filter(|kernel| kernel.is_available());
    kernels.map(|kernel| table.clone().with_kernel(kernel)).collect()
}

/// Asks these in batches of all lengths, and one by one.
fn ask<A: Address>(table: &Table<A>, addrs: &[A], expected: &[u32]) {
    for (&addr, &value) in addrs.iter().zip(expected) {
        assert_eq!(value_or_none(table.get(addr)), value, "{}", Prefix::host(addr));
    }
    for table in with_kernels(table) {
        let mut values = vec![7; addrs.len()];
        let (mut at, mut lens) = (0, LENS.iter().cycle());
        while at < addrs.len() {
            let end = (at + lens.next().unwrap()).min(addrs.len());
            table.get_batch(&addrs[at..end], &mut values[at..end]);
            at = end;
        }
        let wrong = values.iter().zip(expected).position(|(value, expected)| value != expected);
        if let Some(wrong) = wrong {
            let (addr, value) = (Prefix::host(addrs[wrong]), values[wrong]);
            panic!("{:?}: {addr} is {value}, expected {}", table.kernel(), expected[wrong]);
        }
        ASKED.fetch_add(addrs.len(), Ordering::Relaxed);
    }
    ASKED.fetch_add(addrs.len(), Ordering::Relaxed);
}

/// Every method of a table, where its answers can change.
fn check_walks<A: Address>(table: &Table<A>, expected: &[(Range<A>, Option<u32>)], addrs: &[A]) {
    let known = |&(range, value): &(Range<A>, Option<u32>)| value.map(|value| (range, value));
    let ranges: Vec<(Range<A>, u32)> = expected.iter().filter_map(known).collect();
    assert!(table.ranges().eq(ranges.iter().copied()), "ranges");
    let runs = table.runs();
    assert!(runs.ranges().eq(ranges.iter().copied()), "runs");
    for &addr in addrs {
        let index = run_of(expected, addr);
        let (range, value) = expected[index];
        assert_eq!(table.get_range(addr), (range, value), "{}", Prefix::host(addr));
        let before = index.checked_sub(1).map(|before| expected[before]);
        assert_eq!(table.neighbours(addr), [before, expected.get(index + 1).copied()]);
        let prefix = value.map(|value| (Prefix::largest_inside(range, addr), value));
        assert_eq!(table.get_with_prefix(addr), prefix);
        assert_eq!(runs.get(addr), value);
    }
}

fn check_covered<A: Address>(
    table: &Table<A>,
    expected: &[(Range<A>, Option<u32>)],
    prefix: Prefix<A>,
) {
    let cut = expected.iter().filter_map(|&(range, value)| {
        let (first, last) = (range.first().max(prefix.first()), range.last().min(prefix.last()));
        Some((Range::new(first, last)?, value?))
    });
    assert!(table.covered(prefix).eq(cut), "covered by {prefix}");
}

/// A whole table: borders, chance, and every method.
fn check<A: Address>(entries: &Entries<A>, random: usize) {
    let oracle = Oracle::new(entries);
    let expected = oracle.runs();
    let runs = Runs::from_prefixes(entries.clone()).unwrap();
    let table = Table::new(&runs).unwrap();
    let borders = oracle.borders();
    let values: Vec<u32> = borders.iter().map(|&addr| value_or_none(oracle.get(addr))).collect();
    ask(&table, &borders, &values);

    let mut chance = Chance::seeded(entries.len() as u64);
    let mut near = || {
        let addr: A = chance.addr();
        // Half of them anywhere, half around a border.
        if chance.below(2) == 0 {
            return addr;
        }
        let mask = A::mask((usize::from(A::BITS) - chance.below(20)) as u8);
        let border = borders[chance.below(borders.len())];
        border.and(mask).or(addr.and(mask.not()))
    };
    let addrs: Vec<A> = (0..random).map(|_| near()).collect();
    let answers = addrs.iter().map(|&addr| value_or_none(expected[run_of(&expected, addr)].1));
    let answers: Vec<u32> = answers.collect();
    ask(&table, &addrs, &answers);

    let few = borders.len().div_ceil(500);
    let sample: Vec<A> =
        borders.iter().step_by(few).chain(addrs.iter().take(50)).copied().collect();
    check_walks(&table, &expected, &sample);
    for &(prefix, _) in entries.iter().step_by(entries.len().div_ceil(30).max(1)) {
        check_covered(&table, &expected, prefix);
        let around = prefix.len().checked_sub(3).and_then(|len| Prefix::new(prefix.first(), len));
        check_covered(&table, &expected, around.unwrap_or(Prefix::ALL));
        check_covered(&table, &expected, Prefix::host(prefix.last()));
    }
    let again = Runs::from_ranges(runs.ranges()).unwrap();
    assert_eq!(Runs::from_prefixes(again.prefixes().collect()).unwrap(), again);
    assert_eq!(table.runs(), again);
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn small_v4_tables_answer_as_the_oracle(entries in entries::<u32>(60)) {
        check(&entries, times(4_000, 20));
    }

    #[test]
    fn small_v6_tables_answer_as_the_oracle(entries in entries::<u128>(60)) {
        check(&entries, times(4_000, 20));
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn v4_tables_answer_as_the_oracle(entries in entries::<u32>(1_500)) {
        check(&entries, times(30_000, 20));
    }

    #[test]
    fn v6_tables_answer_as_the_oracle(entries in entries::<u128>(1_500)) {
        check(&entries, times(30_000, 20));
    }
}

/// As many prefixes as `count` says, of `len` bits, from `first` on.
fn row<A: Address>(first: u128, len: u8, count: u32, value: impl Fn(u32) -> u32) -> Entries<A> {
    let step = 1_u128.checked_shl(u32::from(A::BITS - len)).unwrap_or(0);
    let addr = |index: u32| A::from_u128(first.wrapping_add(u128::from(index) * step));
    (0..count).map(|index| (Prefix::new(addr(index), len).unwrap(), value(index))).collect()
}

const V4: u128 = 0xc000_0000;
const V6: u128 = 0x2001_0db8_0000_0000_0000_0000_0000_0000;

#[test]
fn a_16_of_distinct_24s() {
    check(&row::<u32>(V4, 24, times(256, 20) as u32, |index| index), times(100_000, 20));
    check(&row::<u32>(0, 24, times(2_000, 20) as u32, |index| index), times(100_000, 20));
}

#[test]
fn a_24_of_distinct_addresses() {
    // From the first, the second and the last: 255 and 254 keys, and the ends of the family.
    for first in [V4, V4 + 1, 0, 1, 0xffff_ff00, 0xffff_ff01] {
        let count = 256 - (first & 0xff) as u32;
        check(&row::<u32>(first, 32, count, |index| index), times(20_000, 20));
    }
    // Every count of keys up to where the walk for few of them ends, and after.
    for count in 1..12 {
        check(&row::<u32>(V4 + 3, 32, count, |index| index * 5), times(2_000, 20));
    }
}

#[test]
fn many_24s_of_many_addresses() {
    let mut entries = Entries::new();
    for net in 0..times(300, 2) as u128 {
        let count = (net * 7 % 256) as u32;
        entries.extend(row::<u32>(V4 + net * 256 + 1, 32, count, |index| index * 3 + net as u32));
    }
    check(&entries, times(200_000, 20));
}

#[test]
fn a_64_and_a_48_of_many_prefixes() {
    for len in [128, 127, 96, 72, 65] {
        check(&row::<u128>(V6, len, times(120, 9) as u32, |index| index), times(20_000, 20));
    }
    for (len, count) in [(64, 2_000), (60, 2_000), (56, 256), (52, 16)] {
        check(&row::<u128>(V6, len, times(count, 9) as u32, |index| index), times(50_000, 20));
    }
    // The last networks there are: first halves of all bits set.
    for len in [64, 65, 80, 128] {
        let count = times(300, 9) as u32;
        let first = u128::MAX << (128 - u32::from(len)) << 8;
        check(&row::<u128>(first, len, 256, |index| index / 2), times(20_000, 20));
        check(&row::<u128>(0, len, count, |index| index / 2), times(20_000, 20));
    }
}

#[test]
fn values_of_every_width() {
    for width in 1..=31 {
        let high = |index: u32| (1_u32 << width) - 1 - index % 2;
        check(&row::<u32>(V4, 25, 40, high), times(500, 20));
        check(&row::<u128>(V6, 65, 40, high), times(500, 20));
    }
    // The highest that there may be, with and without a split.
    let host = |len| vec![(Prefix::new(V4 as u32, len).unwrap(), u32::MAX - 2)];
    check(&host(24), times(100, 9));
    check(&vec![(Prefix::new(V6, 64).unwrap(), u32::MAX - 2)], times(100, 9));
    for (len, value) in [(24, u32::MAX - 1), (32, u32::MAX - 2)] {
        let runs =
            Runs::from_prefixes(vec![(Prefix::new(V4 as u32, len).unwrap(), value)]).unwrap();
        let error = Table::new(&runs).unwrap_err();
        assert!(error.to_string().contains("smaller values"));
        let runs =
            Runs::from_prefixes(vec![(Prefix::new(V6, len + 32 + len / 32 * 64).unwrap(), value)]);
        assert_eq!(
            Table::new(&runs.unwrap()).err(),
            (len + 32 > 64 || value > u32::MAX - 2).then_some(error)
        );
    }
}

#[test]
fn networks_far_apart_and_near() {
    // Distances that need keys of 1, 2 and 4 bytes, and more than fit a leaf at all.
    for shift in 0..60 {
        let first = 1_u128 << (64 + shift);
        let mut entries = row::<u128>(first, 64, 3, |index| index);
        entries.extend(row::<u128>(first << 1, 64, 3, |index| index + 3));
        entries.extend(row::<u128>(first | 1 << 64, 63, 2, |index| index));
        check(&entries, times(500, 5));
    }
}

#[test]
fn only_a_default_route_or_nothing() {
    check(&vec![(Prefix::<u32>::ALL, 5)], times(1_000, 9));
    check(&vec![(Prefix::<u128>::ALL, 5)], times(1_000, 9));
    check(&Entries::<u32>::new(), times(1_000, 9));
    check(&Entries::<u128>::new(), times(1_000, 9));
    assert_eq!(Table::<u32>::default().get(0), None);
    assert_eq!(Table::<u128>::default().ranges().count(), 0);
    let (range, value) = Table::<u32>::default().get_range(9);
    assert_eq!((range, value), (Prefix::ALL.into(), None));
}

#[test]
fn large_tables_of_chance() {
    let mut chance = Chance::seeded(5);
    let mut entries = Entries::new();
    for _ in 0..times(100_000, 30) {
        let len = [8, 12, 16, 18, 20, 22, 23, 24, 24, 24, 24, 26, 28, 30, 32][chance.below(15)];
        // A third of the family: the rest has gaps.
        let addr = chance.addr::<u32>() % 0x5555_5555;
        entries.push((Prefix::new(addr, len).unwrap(), chance.below(50_000) as u32));
    }
    check(&entries, times(2_000_000, 20));
    let mut entries = Entries::new();
    for _ in 0..times(50_000, 30) {
        let len = [24, 28, 32, 36, 40, 44, 48, 48, 48, 48, 56, 64, 64, 72, 128][chance.below(15)];
        let addr = 0x2000_u128 << 112 | chance.addr::<u128>() >> 16 >> (chance.below(3) * 12);
        entries.push((Prefix::new(addr, len).unwrap(), chance.below(50_000) as u32));
    }
    check(&entries, times(1_000_000, 20));
    let asked = ASKED.load(Ordering::Relaxed);
    assert!(cfg!(miri) || asked >= 10_000_000, "{asked} queries");
}

#[test]
fn the_shorter_slice_counts() {
    let table = Table::new(&Runs::from_prefixes(row::<u32>(V4, 24, 4, |i| i)).unwrap()).unwrap();
    let mut values = [7; 3];
    table.get_batch(&[V4 as u32; 2], &mut values);
    assert_eq!(values, [0, 0, 7]);
    table.get_batch(&[V4 as u32; 5], &mut values[..1]);
    assert_eq!(values, [0, 0, 7]);
}

fn check_sets<A: Address>(a: &Entries<A>, b: &Entries<A>) {
    let (one, other) = (Oracle::new(a), Oracle::new(b));
    let tables =
        [a, b].map(|rows| Table::new(&Runs::from_prefixes(rows.clone()).unwrap()).unwrap());
    let runs = tables.clone().map(|table| table.runs());
    let results = [
        tables[0].union(&tables[1]),
        tables[0].intersection(&tables[1]),
        tables[0].difference(&tables[1]),
    ];
    let results = results.map(Result::unwrap);
    let sums = runs[0].combine(&runs[1], |a, b| Some(a? % 8 + b? % 8));
    let mut said = 0;
    let addrs = one.borders().into_iter().chain(other.borders());
    for addr in addrs {
        let (a, b) = (one.get(addr), other.get(addr));
        let expected = [a.or(b), a.filter(|_| b.is_some()), a.filter(|_| b.is_none())];
        assert_eq!(results.each_ref().map(|table| table.get(addr)), expected);
        assert_eq!(sums.get(addr), a.zip(b).map(|(a, b)| a % 8 + b % 8));
        said += usize::from(expected[1].is_some());
    }
    // Both parts of one table together are all of it.
    let [_, both, alone] = results.map(|table| table.runs());
    assert_eq!(both.union(&alone), runs[0]);
    assert_eq!(both.addresses().saturating_add(alone.addresses()), runs[0].addresses());
    assert_eq!(said == 0, both.is_empty());
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn set_operations_are_those_of_every_address(
        v4 in [entries::<u32>(40), entries::<u32>(40)],
        v6 in [entries::<u128>(40), entries::<u128>(40)],
    ) {
        check_sets(&v4[0], &v4[1]);
        check_sets(&v6[0], &v6[1]);
    }
}

#[test]
fn rows_that_are_no_table_say_which() {
    let prefix = Prefix::new(V4 as u32, 24).unwrap();
    let error = Runs::from_prefixes(vec![(prefix, 1), (prefix, NONE)]).unwrap_err();
    assert_eq!(error, RunsError::Reserved { index: 1 });
    assert!(error.to_string().contains("entry 1"));
    let range = |first, last| Range::new(first, last).unwrap();
    let reserved = Runs::<u32>::from_ranges([(range(1, 2), NONE)]);
    assert_eq!(reserved, Err(RunsError::Reserved { index: 0 }));
    for second in [range(1, 5), range(3, 4), range(5, 5), range(0, 0)] {
        let error = Runs::<u32>::from_ranges([(range(3, 5), 1), (second, 1)]).unwrap_err();
        assert_eq!(error, RunsError::Order { index: 1 });
        assert!(error.to_string().contains("range 1"));
    }
    let past_the_end = Runs::<u32>::from_ranges([(range(3, u32::MAX), 1), (range(9, 9), 1)]);
    assert_eq!(past_the_end, Err(RunsError::Order { index: 1 }));
}

#[test]
fn equal_neighbours_are_one_run() {
    let rows = row::<u32>(V4, 24, 256, |_| 4);
    let runs = Runs::from_prefixes(rows.clone()).unwrap();
    assert_eq!(runs.len(), 2, "a value and none");
    assert_eq!(runs.prefixes().collect::<Vec<_>>(), [(Prefix::new(V4 as u32, 16).unwrap(), 4)]);
    assert_eq!(runs.addresses(), 65_536);
    let all = Runs::from_prefixes(vec![(Prefix::<u128>::ALL, 1)]).unwrap();
    assert_eq!(all.addresses(), u128::MAX, "one less than there are");
}
