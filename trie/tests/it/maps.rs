//! The table that changes, against a `BTreeMap`.

use std::collections::BTreeMap;

use infralock_trie::{Address, Prefix, PrefixMap, Runs};
use proptest::prelude::*;

use crate::oracle::{Chance, Entries, Oracle, entries};
use crate::{cases, times};

type Plain<A> = BTreeMap<Prefix<A>, u32>;

fn row<A: Copy>((&prefix, &value): (&Prefix<A>, &u32)) -> (Prefix<A>, u32) {
    (prefix, value)
}

/// Every question about one prefix.
fn ask<A: Address>(map: &PrefixMap<A>, plain: &Plain<A>, prefix: Prefix<A>) {
    assert_eq!(map.get(prefix), plain.get(&prefix).copied(), "{prefix}");
    let covering = plain.iter().map(row).filter(|(known, _)| known.covers(prefix));
    let covering: Vec<_> = covering.collect();
    assert!(map.covering(prefix).eq(covering.iter().copied()), "covering {prefix}");
    let chain = map.covering(Prefix::host(prefix.first())).last();
    assert_eq!(map.longest_match(prefix.first()), chain);
    let covered = plain.iter().map(row).filter(|(known, _)| prefix.covers(*known));
    assert!(map.covered(prefix).eq(covered), "covered by {prefix}");
    let before = plain.range(..prefix).next_back().map(row);
    let after = plain.range(prefix..).map(row).find(|&(known, _)| known != prefix);
    assert_eq!(map.neighbours(prefix), [before, after], "around {prefix}");
}

fn check<A: Address>(entries: &Entries<A>, seed: u64) {
    let mut chance = Chance::seeded(seed);
    let (mut map, mut plain) = (PrefixMap::new(), Plain::new());
    for &(prefix, value) in entries {
        match chance.below(3) {
            0 => {
                // One that is there, more often than not.
                let keys: Vec<Prefix<A>> = plain.keys().copied().collect();
                let gone = keys.get(chance.below(keys.len() + 1)).copied().unwrap_or(prefix);
                assert_eq!(map.remove(gone), plain.remove(&gone), "{gone}");
            }
            _ => assert_eq!(map.insert(prefix, value), plain.insert(prefix, value), "{prefix}"),
        }
        assert_eq!((map.len(), map.is_empty()), (plain.len(), plain.is_empty()));
        ask(&map, &plain, prefix);
        ask(&map, &plain, chance.prefix());
    }
    assert!(map.iter().eq(plain.iter().map(row)));
    for &(prefix, _) in entries {
        ask(&map, &plain, prefix);
        let around = prefix.len().checked_sub(1).and_then(|len| Prefix::new(prefix.first(), len));
        ask(&map, &plain, around.unwrap_or(prefix));
    }
    for &(prefix, _) in entries {
        assert_eq!(map.remove(prefix), plain.remove(&prefix));
    }
    assert_eq!(map.iter().next(), None);
    assert_eq!(map.longest_match(A::MIN), None);
}

/// How many prefixes there were, and how many are left.
fn check_aggregate<A: Address>(entries: &Entries<A>) -> [usize; 2] {
    let map: PrefixMap<A> = entries.iter().copied().collect();
    let smaller = map.aggregate();
    let (before, after) = (Oracle::new(entries), Oracle::new(&smaller.iter().collect::<Vec<_>>()));
    for addr in before.borders().into_iter().chain(after.borders()) {
        assert_eq!(before.get(addr), after.get(addr), "{}", Prefix::host(addr));
        assert_eq!(smaller.longest_match(addr), after.longest(addr));
    }
    assert_eq!(Runs::from(&smaller), Runs::from(&map));
    assert!(smaller.len() <= map.len());
    assert!(smaller.aggregate().iter().eq(smaller.iter()), "once is enough");
    // No two halves of equal value, and none that its surroundings say, are left.
    for (prefix, value) in &smaller {
        let around = smaller.covering(prefix).filter(|&(known, _)| known != prefix).last();
        assert_ne!(around.map(|(_, value)| value), Some(value), "{prefix}");
        let whole = prefix.len().checked_sub(1).and_then(|len| Prefix::new(prefix.first(), len));
        let halves = whole.into_iter().flat_map(|whole| smaller.covered(whole));
        let halves = halves.filter(|&(half, known)| half.len() == prefix.len() && known == value);
        assert!(halves.count() <= 1, "{prefix}");
    }
    [map.len(), smaller.len()]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn v4_maps_answer_as_a_plain_one(entries in entries::<u32>(120), seed: u64) {
        check(&entries, seed);
    }

    #[test]
    fn v6_maps_answer_as_a_plain_one(entries in entries::<u128>(120), seed: u64) {
        check(&entries, seed);
    }

    #[test]
    fn aggregation_changes_no_answer(v4 in entries::<u32>(200), v6 in entries::<u128>(200)) {
        check_aggregate(&v4);
        check_aggregate(&v6);
    }
}

#[test]
fn aggregation_says_what_it_saves() {
    // Places of /24s as they are given: mostly as their neighbours', and a default around all.
    let mut chance = Chance::seeded(11);
    let mut entries = vec![(Prefix::<u32>::ALL, 0)];
    let mut value = 0;
    for index in 0..times(20_000, 40) as u32 {
        if chance.below(5) == 0 {
            value = chance.below(9) as u32;
        }
        entries.push((Prefix::new(0xc000_0000 + (index << 8), 24).unwrap(), value));
    }
    let [before, after] = check_aggregate(&entries);
    println!("{before} prefixes became {after}");
    assert!(cfg!(miri) || after * 2 < before, "{before} prefixes became {after}");
}

#[test]
fn halves_join_around_what_lies_in_them() {
    let prefix = |text: &str| text.parse::<Prefix<u32>>().unwrap();
    let rows = [
        ("192.0.2.0/24", 9),
        ("192.0.2.0/25", 5),
        ("192.0.2.16/28", 6),
        ("192.0.2.128/26", 5),
        ("192.0.2.192/26", 5),
    ];
    let map: PrefixMap<u32> = rows.iter().map(|&(text, value)| (prefix(text), value)).collect();
    let left = [(prefix("192.0.2.0/24"), 5), (prefix("192.0.2.16/28"), 6)];
    assert_eq!(map.aggregate().iter().collect::<Vec<_>>(), left);
    assert_eq!(format!("{:?}", map.aggregate()), "{192.0.2.0/24: 5, 192.0.2.16/28: 6}");
}

#[test]
fn freed_nodes_are_used_again() {
    let mut map = PrefixMap::new();
    for round in 0..3 {
        for index in 0..100_u32 {
            assert_eq!(map.insert(Prefix::host(index * 7), round), None);
        }
        for index in 0..100_u32 {
            assert_eq!(map.remove(Prefix::host(index * 7)), Some(round));
        }
    }
    assert!(map.is_empty());
    // The value that stands for none cannot be kept.
    map.insert(Prefix::ALL, 1);
    assert_eq!(map.insert(Prefix::ALL, infralock_trie::NONE), Some(1));
    assert!(map.is_empty());
}
