//! Addresses in columns: inside spans of them, or a part of their written form.

use std::fmt::{self, Write};
use std::net::Ipv6Addr;

use super::plan::{Order, is_within};
use super::text::Needle;
use crate::model::{Addr, AddrRange, query};

/// Inside any of some ranges, each family compared as the number it is.
#[derive(Clone, Debug)]
pub(super) struct AddrTest {
    v4: Spans<u32>,
    v6: Spans<u128>,
}

impl AddrTest {
    pub(super) fn new(ranges: &[AddrRange]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match (range.first(), range.last()) {
                (Addr::V4(first), Addr::V4(last)) => v4.push((first.to_bits(), last.to_bits())),
                (first, last) => v6.push((first.bits(), last.bits())),
            }
        }
        Self { v4: Spans::new(v4, (1, 0)), v6: Spans::new(v6, (1, 0)) }
    }

    #[inline]
    pub(super) fn holds(&self, addr: Addr) -> bool {
        match addr {
            Addr::V4(addr) => self.v4.hold(addr.to_bits()),
            Addr::V6(addr) => self.v6.hold(addr.to_bits()),
        }
    }
}

/// Spans of numbers, and the one span around them all, which turns most numbers away: in a table
/// of a million addresses nothing else is asked of most.
#[derive(Clone, Debug)]
struct Spans<T> {
    around: (T, T),
    /// Empty where the one around says it all.
    each: Vec<(T, T)>,
}

impl<T: PartialOrd + Copy> Spans<T> {
    /// `nothing` is a span that holds no number.
    fn new(spans: Vec<(T, T)>, nothing: (T, T)) -> Self {
        let each = Order::disjoint(spans);
        match &each[..] {
            [] => Self { around: nothing, each },
            [only] => Self { around: *only, each: Vec::new() },
            [first, .., last] => Self { around: (first.0, last.1), each },
        }
    }

    #[inline]
    fn hold(&self, number: T) -> bool {
        let may_be = (self.around.0 <= number) & (number <= self.around.1);
        may_be && (self.each.is_empty() || is_within(&self.each, number))
    }
}

/// What a bare word asks of addresses: those inside, if it names some, else those in whose written
/// form it stands.
#[derive(Clone, Debug)]
pub(super) enum AddrSearch {
    Inside(AddrTest),
    Written {
        v4: Option<QuadPart>,
        /// Whether all of it can stand in an IPv6 address.
        may_be_v6: bool,
    },
}

impl AddrSearch {
    pub(super) fn new(word: &str) -> Self {
        if let Ok(query) = query::parse(word) {
            return Self::Inside(AddrTest::new(&[query.range()]));
        }
        let may_be_v6 = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        Self::Written { v4: QuadPart::new(word), may_be_v6 }
    }

    /// Whether no address can be found.
    pub(super) const fn is_hopeless(&self) -> bool {
        matches!(self, Self::Written { v4: None, may_be_v6: false })
    }

    pub(super) fn holds(&self, needle: &Needle, addr: Addr) -> bool {
        match (self, addr) {
            (Self::Inside(test), addr) => test.holds(addr),
            (Self::Written { v4: Some(part), .. }, Addr::V4(addr)) => part.is_in(addr.octets()),
            (Self::Written { may_be_v6: true, .. }, Addr::V6(addr)) => {
                needle.is_in_folded(Written::of(addr).bytes())
            }
            _ => false,
        }
    }
}

/// A part of a dotted quad, such as `2.0.19`, found without writing any address out: its dots stand
/// on the address's dots, so that an octet must end with the first of its numbers, equal those
/// between, and begin with the last.
#[derive(Clone, Debug)]
pub(super) struct QuadPart(Vec<Octets>);

/// A bit for each octet that fits a place.
type Octets = [u64; 4];

impl QuadPart {
    /// `None`: it holds something else than digits and dots, or more dots than an address.
    fn new(word: &str) -> Option<Self> {
        if !word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        let numbers: Vec<&str> = word.split('.').collect();
        let last = numbers.len() - 1;
        let fitting = |(place, number): (usize, &&str)| -> Octets {
            let mut octets = [0; 4];
            for octet in 0..=u8::MAX {
                let written = octet.to_string();
                let fits = match (place == 0, place == last) {
                    (true, true) => written.contains(number),
                    (true, false) => written.ends_with(number),
                    (false, true) => written.starts_with(number),
                    (false, false) => written == *number,
                };
                octets[usize::from(octet) / 64] |= u64::from(fits) << (octet % 64);
            }
            octets
        };
        (last < 4).then(|| Self(numbers.iter().enumerate().map(fitting).collect()))
    }

    fn is_in(&self, octets: [u8; 4]) -> bool {
        octets.windows(self.0.len()).any(|octets| {
            let mut places = octets.iter().zip(&self.0);
            places.all(|(octet, fits)| fits[usize::from(*octet) / 64] >> (octet % 64) & 1 == 1)
        })
    }
}

/// An IPv6 address written out on the stack.
struct Written {
    text: [u8; 48],
    end: usize,
}

impl Written {
    fn of(addr: Ipv6Addr) -> Self {
        let mut written = Self { text: [0; 48], end: 0 };
        // The longest has 45 bytes; nothing else can fail.
        write!(written, "{addr}").ok();
        written
    }

    fn bytes(&self) -> &[u8] {
        self.text.get(..self.end).unwrap_or_default()
    }
}

impl Write for Written {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.end + part.len();
        self.text.get_mut(self.end..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.end = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_is_found_as_if_the_address_were_written(
            v4 in any::<[u8; 4]>(),
            small in prop::array::uniform4(0_u8..12),
            v6 in any::<u128>(),
            part in "[0-9.]{1,5}|[0-9a-f:]{1,4}",
            at in 0_usize..15,
        ) {
            let sparse = v6 & 0xffff_0000_0000_0000_0000_0000_0000_ff0f;
            let addrs = [
                Addr::from_v4_octets(v4),
                Addr::from_v4_octets(small),
                Addr::V6(v6.into()),
                Addr::V6(sparse.into()),
            ];
            for addr in addrs {
                let written = addr.to_string();
                let cut: String = written.chars().skip(at).take(5).collect();
                for part in [&part, &cut] {
                    let search = AddrSearch::new(part);
                    if matches!(search, AddrSearch::Written { .. }) {
                        let found = search.holds(&Needle::new(part), addr);
                        prop_assert_eq!(found, written.contains(part), "{} in {}", part, written);
                    }
                }
            }
        }
    }

    #[test]
    fn the_longest_addresses_fit() {
        let longest: Ipv6Addr = "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd".parse().unwrap();
        assert_eq!(Written::of(longest).bytes(), longest.to_string().as_bytes());
        let mapped = Ipv6Addr::from(0xffff_ffff_ffff_u128);
        assert_eq!(Written::of(mapped).bytes(), b"::ffff:255.255.255.255");
    }
}
