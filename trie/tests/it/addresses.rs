//! Prefixes and ranges.

use infralock_trie::{Address, Prefix, Range};
use proptest::prelude::*;

use crate::cases;
use crate::oracle::Chance;

fn range<A: Address>(seed: u64) -> Range<A> {
    let mut chance = Chance::seeded(seed);
    let (first, second) = (chance.addr::<A>(), chance.addr::<A>());
    // Often near each other, and near the ends.
    let mask = A::mask(chance.below(usize::from(A::BITS) + 1) as u8);
    let second = match chance.below(8) {
        0 => A::MIN,
        1 => A::MAX,
        _ => first.and(mask).or(second.and(mask.not())),
    };
    Range::new(first.min(second), first.max(second)).unwrap()
}

/// Cut at the largest block that fits, from the start, by counting up: CIDR as anyone would do it.
fn plain_prefixes<A: Address>(range: Range<A>) -> Vec<Prefix<A>> {
    let mut prefixes = Vec::new();
    let mut at = Some(range.first());
    while let Some(first) = at.filter(|&first| first <= range.last()) {
        let fits = |len: &u8| {
            let prefix = Prefix::new(first, *len).unwrap();
            prefix.first() == first && prefix.last() <= range.last()
        };
        let prefix = Prefix::new(first, (0..=A::BITS).find(fits).unwrap()).unwrap();
        prefixes.push(prefix);
        at = prefix.last().next();
    }
    prefixes
}

fn check_range<A: Address>(seed: u64) {
    let range = range::<A>(seed);
    let prefixes: Vec<Prefix<A>> = range.prefixes().collect();
    assert_eq!(prefixes, plain_prefixes(range), "{range}");
    assert!(prefixes.len() <= 2 * usize::from(A::BITS) - 2 || prefixes.len() == 1);
    // No two of them are the halves of one prefix: there are no fewer.
    for pair in prefixes.windows(2) {
        assert!(
            pair[0].len() != pair[1].len() || pair[0].common(pair[1]).len() + 1 != pair[0].len()
        );
    }
    for addr in [range.first(), range.last()] {
        let inside = Prefix::largest_inside(range, addr);
        let is_inside = |prefix: Prefix<A>| {
            prefix.contains(addr)
                && prefix.first() >= range.first()
                && prefix.last() <= range.last()
        };
        assert!(is_inside(inside), "{inside} in {range}");
        let wider = inside.len().checked_sub(1).and_then(|len| Prefix::new(addr, len));
        assert!(!wider.is_some_and(is_inside), "{inside} in {range}");
    }
    // Nonsense in, but no prefix longer than the family: an address that is not in the range.
    assert!(
        Prefix::largest_inside(range, range.last().next().unwrap_or_default()).len() <= A::BITS
    );
}

fn check_prefix<A: Address>(seed: u64) {
    let mut chance = Chance::seeded(seed);
    let (a, b) = (chance.prefix::<A>(), chance.prefix::<A>());
    assert_eq!(a.to_string().parse(), Ok(a));
    assert_eq!(format!("{a:?}"), a.to_string());
    assert!(a.contains(a.first()) && a.contains(a.last()) && a.covers(a));
    assert!(!a.first().before().is_some_and(|addr| a.contains(addr)));
    assert!(!a.last().next().is_some_and(|addr| a.contains(addr)));
    let common = a.common(b);
    assert!(common.covers(a) && common.covers(b) && common == b.common(a));
    let longer = Prefix::new(a.first(), common.len() + 1);
    assert!(!longer.is_some_and(|longer| longer.covers(a) && longer.covers(b)));
    assert_eq!(a.covers(b), a.first() <= b.first() && b.last() <= a.last());
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn ranges_are_the_fewest_prefixes(seed: u64) {
        check_range::<u32>(seed);
        check_range::<u128>(seed);
    }

    #[test]
    fn prefixes_cover_from_first_to_last(seed: u64) {
        check_prefix::<u32>(seed);
        check_prefix::<u128>(seed);
    }
}

#[test]
fn the_widest_ranges() {
    let all = Range::from(Prefix::<u32>::ALL);
    assert_eq!(all.prefixes().collect::<Vec<_>>(), [Prefix::ALL]);
    let all_but_ends = Range::new(1, u128::MAX - 1).unwrap();
    assert_eq!(all_but_ends.prefixes().count(), 254, "2 x bits - 2");
    assert_eq!(Range::new(2_u32, 1), None);
}

#[test]
fn texts_that_are_no_prefix() {
    let cases = [
        "",
        "/",
        "/8",
        "192.0.2.0/",
        "192.0.2.0/+8",
        "192.0.2.0/-1",
        "192.0.2.0/33",
        "192.0.2.0/256",
        "192.0.2/24",
        "192.0.2.0 /24",
        "192.0.2.0/24/24",
        "2001:db8::/32",
    ];
    for text in cases {
        let error = text.parse::<Prefix<u32>>().unwrap_err();
        assert!(error.to_string().contains("192.0.2.0/24"), "{text}: {error}");
    }
    assert!("2001:db8::/129".parse::<Prefix<u128>>().is_err());
    assert!("192.0.2.0/24".parse::<Prefix<u128>>().is_err());
    assert_eq!(
        "192.0.2.77/24".parse(),
        Prefix::new(0xc000_0200_u32, 24).ok_or(()).map_err(|()| unreachable!())
    );
    assert_eq!(Prefix::from(std::net::Ipv6Addr::LOCALHOST), Prefix::host(1));
    assert_eq!(Prefix::from(std::net::Ipv4Addr::BROADCAST), Prefix::host(u32::MAX));
}
