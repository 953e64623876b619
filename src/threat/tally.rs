//! What detectors share: hosts as small numbers, a sample that does not depend on the order of
//! arrival, and the plain form of a detection.

use std::borrow::Cow;

use hashbrown::HashMap;
use serde_json::Map;

use super::Watched;
use crate::model::limits::{DETECTION_PEERS_MAX, REFS_MAX};
use crate::model::{Basis, Detection, HostKey, Ref, SubjectRole, Timestamp, Untrusted};
pub(super) use crate::model::{counted, grouped};

/// Bytes of a user name or service that are kept. Linux takes 32 for a user, Windows 104.
const NAME_BYTES_MAX: usize = 128;

/// Ports named in one detection.
const PORTS_MAX: usize = 100;

/// Hosts as numbers, in the order they were met; [`Hosts::ranks`] gives the order that may show.
#[derive(Default)]
pub(super) struct Hosts {
    numbers: HashMap<HostKey, u32>,
    keys: Vec<HostKey>,
}

impl Hosts {
    /// The number of a host.
    pub(super) fn number(&mut self, host: HostKey) -> u32 {
        let next = self.keys.len() as u32;
        let number = *self.numbers.entry(host).or_insert(next);
        if number == next {
            self.keys.push(host);
        }
        number
    }

    /// Forgets all hosts but those whose numbers `visit` shows, and gives these new numbers.
    ///
    /// A sample that halved itself no longer needs the hosts of what it gave up; without this they
    /// would pile up for as long as a flood of new hosts lasts.
    pub(super) fn keep_only(&mut self, visit: impl FnOnce(&mut dyn FnMut(&mut u32))) {
        let old = std::mem::take(self);
        visit(&mut |number| *number = self.number(old.key(*number)));
    }

    /// How many have a number.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The host of a number.
    pub(super) fn key(&self, number: u32) -> HostKey {
        self.keys[number as usize]
    }

    /// For each number the place of its host among all, sorted: the same whatever came first.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by_key(|&number| self.key(number));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.into_iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        ranks
    }
}

/// At most `max` items, chosen by their hash alone: when there are too many, those whose hash has
/// one more leading zero stay (bottom-k sampling, Cohen & Kaplan 2007). So the same items remain
/// in whatever order they came, and one in `one_in` is known to be left.
pub(super) struct Sample<T> {
    items: Vec<(u64, T)>,
    level: u32,
    max: usize,
}

impl<T> Sample<T> {
    /// Nothing yet.
    pub(super) const fn new(max: usize) -> Self {
        Self { items: Vec::new(), level: 0, max }
    }

    /// Whether an item of this hash would be kept. Ask before making one: what it would need
    /// beside it (numbers of hosts, names) is then bounded by the sample too.
    pub(super) const fn takes(&self, hash: u64) -> bool {
        hash.leading_zeros() >= self.level
    }

    /// Takes an item, or not; says whether others had to go for it. Items that must stay or go
    /// together need equal hashes.
    #[must_use = "what is kept beside the items may go with them"]
    pub(super) fn push(&mut self, hash: u64, item: T) -> bool {
        if !self.takes(hash) {
            return false;
        }
        self.items.push((hash, item));
        let level = self.level;
        while self.items.len() > self.max && self.level < u64::BITS {
            self.level += 1;
            self.items.retain(|(hash, _)| hash.leading_zeros() >= self.level);
        }
        self.level > level
    }

    /// The items that are there now.
    pub(super) fn items_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().map(|(_, item)| item)
    }

    /// Tells that there were too many, if so; `items` is their name.
    pub(super) fn tell(&self, watched: &mut Watched, items: &str) {
        if self.level > 0 {
            let (max, one_in) = (grouped(self.max as u64), grouped(self.one_in()));
            watched.reached(format!(
                "more than {max} {items} in all that was opened; detectors looked at one in \
                 {one_in}, chosen by a hash"
            ));
        }
    }

    fn one_in(&self) -> u64 {
        1_u64.checked_shl(self.level).unwrap_or(u64::MAX)
    }

    /// The items that stayed, and of how many each is one: 1 if none had to go.
    pub(super) fn into_items(self) -> (Vec<T>, u64) {
        let one_in = self.one_in();
        (self.items.into_iter().map(|(_, item)| item).collect(), one_in)
    }
}

/// A hash that is the same on every machine and in every run (SplitMix64, Steele et al. 2014).
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The hash of a host.
pub(super) fn mix_host(host: HostKey) -> u64 {
    let bits = host.addr().bits();
    let realm = host.realm().map_or(0, |realm| u64::from(realm.0) + 1);
    mix(mix((bits >> 64) as u64, bits as u64), realm)
}

/// The hash of a text (FNV-1a, 64 bits, then mixed).
pub(super) fn mix_text(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold), 0)
}

/// Nanoseconds of a time; what has none sorts first and lies in one window with its like.
pub(super) fn nanos(seen: Option<Timestamp>) -> i64 {
    seen.map_or(i64::MIN, Timestamp::nanos)
}

/// Back from [`nanos`].
pub(super) fn timestamp(nanos: i64) -> Option<Timestamp> {
    (nanos != i64::MIN).then(|| Timestamp::from_nanos(nanos))
}

/// The first and last time of some, without those that are unknown.
pub(super) fn span(times: impl Iterator<Item = i64>) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut ends: Option<(i64, i64)> = None;
    for time in times.filter(|&time| time != i64::MIN) {
        let (first, last) = ends.unwrap_or((time, time));
        ends = Some((first.min(time), last.max(time)));
    }
    (ends.and_then(|(first, _)| timestamp(first)), ends.and_then(|(_, last)| timestamp(last)))
}

/// ` in 60 s` between two times; empty where they are not known or the same.
pub(super) fn in_secs(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    let (Some(first), Some(last)) = (first, last) else { return String::new() };
    let secs = last.secs_since(first);
    match secs {
        secs if secs < 0.05 => String::new(),
        secs if secs < 10.0 => format!(" in {secs:.1} s"),
        secs if secs < 180.0 => format!(" in {secs:.0} s"),
        secs if secs < 3.0 * 3_600.0 => format!(" in {:.0} min", secs / 60.0),
        secs if secs < 72.0 * 3_600.0 => format!(" in {:.1} h", secs / 3_600.0),
        secs => format!(" in {:.1} days", secs / 86_400.0),
    }
}

/// A name as it is kept beside tries: a longer one is no user's, but may be sent two million times.
/// A cut one ends in a hash of the whole, so that different ones stay different.
pub(super) fn shortened(name: &Untrusted) -> Untrusted {
    let text = name.raw();
    if text.len() <= NAME_BYTES_MAX {
        return name.clone();
    }
    let kept = &text[..text.floor_char_boundary(NAME_BYTES_MAX)];
    Untrusted::new(&format!("{kept}…{:016x}", mix_text(text)))
}

/// The hosts of a detection: sorted, at most [`DETECTION_PEERS_MAX`], with their true number.
pub(super) fn peers(mut hosts: Vec<HostKey>) -> (Vec<HostKey>, u64) {
    hosts.sort_unstable();
    hosts.dedup();
    let count = hosts.len() as u64;
    hosts.truncate(DETECTION_PEERS_MAX);
    (hosts, count)
}

/// Ports: sorted, without repeats, at most 100.
pub(super) fn ports(mut ports: Vec<u16>) -> Vec<u16> {
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(PORTS_MAX);
    ports
}

/// References in the order given, without repeats, at most [`REFS_MAX`].
pub(super) fn refs(all: impl Iterator<Item = Option<Ref>>) -> Vec<Ref> {
    let mut kept: Vec<Ref> = Vec::new();
    for reference in all.flatten() {
        if kept.len() == REFS_MAX {
            break;
        }
        if !kept.contains(&reference) {
            kept.push(reference);
        }
    }
    kept
}

/// A detection without anything but its name and subject, an actor by what it did.
pub(super) fn blank(detector: &'static str, subject: HostKey) -> Detection {
    Detection {
        detector: Cow::Borrowed(detector),
        subject,
        subject_role: SubjectRole::Actor,
        peers: Vec::new(),
        peer_count: 0,
        ports: Vec::new(),
        confidence: 0.0,
        basis: Basis::Behaviour,
        succeeded: None,
        first_seen: None,
        last_seen: None,
        count: 0,
        attack: Vec::new(),
        what: String::new(),
        refs: Vec::new(),
        details: Map::new(),
    }
}

/// Notes that a detection rests on a sample, where it does.
pub(super) fn note_sample(detection: &mut Detection, one_in: u64) {
    if one_in > 1 {
        detection.details.insert("sampled_one_in".to_owned(), one_in.into());
    }
}

/// The smallest index from which on `items` has a new key, for each run of equal keys.
pub(super) fn runs<T, K: PartialEq>(items: &[T], key: impl Fn(&T) -> K) -> Vec<&[T]> {
    items.chunk_by(|a, b| key(a) == key(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sample_does_not_depend_on_the_order(
            mut values in proptest::collection::vec(any::<u64>(), 0..200),
            max in 1..50_usize,
        ) {
            let take = |values: &[u64]| {
                let mut sample = Sample::new(max);
                for &value in values {
                    let _full = sample.push(mix(value, 1), value);
                }
                let (mut items, one_in) = sample.into_items();
                items.sort_unstable();
                (items, one_in)
            };
            let first = take(&values);
            prop_assert!(first.0.len() <= max || first.1 == u64::MAX);
            values.reverse();
            prop_assert_eq!(take(&values), first);
        }
    }

    #[test]
    fn a_sample_at_its_limit_keeps_all_and_one_above_does_not() {
        let fill = |count: u64| {
            let mut sample = Sample::new(64);
            for value in 0..count {
                let _full = sample.push(mix(value, 7), value);
            }
            sample.into_items()
        };
        assert_eq!((fill(64).0.len(), fill(64).1), (64, 1));
        assert!(fill(65).0.len() < 64 && fill(65).1 == 2);
    }

    #[test]
    fn times_read_well() {
        let at = |secs: i64| Some(Timestamp::from_secs_nanos(secs, 0));
        for (secs, expected) in [
            (0, ""),
            (7, " in 7.0 s"),
            (60, " in 60 s"),
            (6_240, " in 104 min"),
            (36_000, " in 10.0 h"),
            (864_000, " in 10.0 days"),
        ] {
            assert_eq!(in_secs(at(0), at(secs)), expected);
        }
        assert_eq!(in_secs(None, at(3)), "");
    }
}
