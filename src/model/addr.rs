//! Addresses, prefixes and ranges: values that cannot hold a wrong state.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One IPv4 or IPv6 address. IPv4 sorts before IPv6, then numerically.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) becomes the IPv4 address it
/// stands for on the way in, so that one host has one key.
///
/// ```
/// use infralock::model::Addr;
/// let mapped: Addr = "::ffff:192.0.2.1".parse().unwrap();
/// assert_eq!(mapped, "192.0.2.1".parse().unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Addr {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address that is not an IPv4-mapped one.
    V6(Ipv6Addr),
}

/// The two address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 32-bit addresses.
    V4,
    /// 128-bit addresses.
    V6,
}

impl Family {
    /// Bits in an address: 32 or 128.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// Why a text is not an address, prefix or range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddrError {
    /// What was wrong and what would be right, in a sentence without the text itself.
    pub what: &'static str,
}

impl fmt::Display for AddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for AddrError {}

impl Addr {
    /// From 16 bytes as in an IPv6 header; an IPv4-mapped address becomes IPv4.
    pub fn from_v6_octets(octets: [u8; 16]) -> Self {
        Self::from(IpAddr::V6(Ipv6Addr::from(octets)))
    }

    /// From 4 bytes as in an IPv4 header.
    pub fn from_v4_octets(octets: [u8; 4]) -> Self {
        Self::V4(Ipv4Addr::from(octets))
    }

    /// The family.
    pub const fn family(self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }

    /// The address as a number: 32 bits of it for IPv4, 128 for IPv6.
    pub fn bits(self) -> u128 {
        match self {
            Self::V4(addr) => u128::from(addr.to_bits()),
            Self::V6(addr) => addr.to_bits(),
        }
    }

    /// The address with this number; `None` if it does not fit the family.
    pub fn from_bits(family: Family, bits: u128) -> Option<Self> {
        match family {
            Family::V4 => u32::try_from(bits).ok().map(|bits| Self::V4(Ipv4Addr::from_bits(bits))),
            // Kept as it is: a prefix may begin inside ::ffff:0:0/96.
            Family::V6 => Some(Self::V6(Ipv6Addr::from_bits(bits))),
        }
    }

    /// 16 bytes, an IPv4 address in its IPv4-mapped form: the order of flow keys.
    pub fn to_v6_octets(self) -> [u8; 16] {
        match self {
            Self::V4(addr) => addr.to_ipv6_mapped().octets(),
            Self::V6(addr) => addr.octets(),
        }
    }
}

impl From<IpAddr> for Addr {
    fn from(addr: IpAddr) -> Self {
        match addr.to_canonical() {
            IpAddr::V4(addr) => Self::V4(addr),
            IpAddr::V6(addr) => Self::V6(addr),
        }
    }
}

impl From<Addr> for IpAddr {
    fn from(addr: Addr) -> Self {
        match addr {
            Addr::V4(addr) => Self::V4(addr),
            Addr::V6(addr) => Self::V6(addr),
        }
    }
}

impl FromStr for Addr {
    type Err = AddrError;

    /// Plain text only; see `model::query` for ports, zones and defanged forms.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        text.parse::<IpAddr>().map(Self::from).map_err(|_| AddrError {
            what: "not an IPv4 or IPv6 address; write 192.0.2.1 or 2001:db8::1",
        })
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(addr) => addr.fmt(f),
            Self::V6(addr) => addr.fmt(f),
        }
    }
}

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An address and a length with all host bits zero (RFC 4632, RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    first: Addr,
    len: u8,
}

impl Prefix {
    /// The prefix of `len` bits that holds `addr`; host bits are cleared. `None`: `len` too long.
    ///
    /// ```
    /// use infralock::model::Prefix;
    /// let prefix = Prefix::new("192.0.2.77".parse().unwrap(), 24).unwrap();
    /// assert_eq!(prefix.to_string(), "192.0.2.0/24");
    /// assert!(Prefix::new("192.0.2.77".parse().unwrap(), 33).is_none());
    /// ```
    pub fn new(addr: Addr, len: u8) -> Option<Self> {
        let family = addr.family();
        if len > family.bits() {
            return None;
        }
        let host_bits = u32::from(family.bits() - len);
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Addr::from_bits(family, addr.bits() & mask).map(|first| Self { first, len })
    }

    /// The prefix that holds this address alone.
    pub fn host(addr: Addr) -> Self {
        Self { first: addr, len: addr.family().bits() }
    }

    /// The first address.
    pub const fn first(self) -> Addr {
        self.first
    }

    /// The last address.
    pub fn last(self) -> Addr {
        let family = self.first.family();
        let host_bits = u32::from(family.bits() - self.len);
        let host_mask = u128::MAX.checked_shl(host_bits).map_or(u128::MAX, |mask| !mask);
        Addr::from_bits(family, self.first.bits() | host_mask).unwrap_or(self.first)
    }

    /// The number of leading bits that are fixed.
    #[expect(clippy::len_without_is_empty, reason = "the length of a prefix, not of a container")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// Whether `addr` lies inside.
    pub fn contains(self, addr: Addr) -> bool {
        addr.family() == self.first.family() && Self::new(addr, self.len) == Some(self)
    }

    /// The largest aligned prefix around `addr` that lies inside `range`.
    ///
    /// A prefix of `h` host bits around `addr` holds another address if and only if the two differ
    /// in the lowest `h` bits alone. So it stays off the neighbours of the range while `h` is at
    /// most the place of the highest bit in which `addr` differs from them.
    pub fn largest_inside(range: AddrRange, addr: Addr) -> Self {
        if !range.contains(addr) {
            return Self::host(addr);
        }
        let (family, bits) = (addr.family(), addr.bits());
        let apart = |neighbour: u128| 127 - (bits ^ neighbour).leading_zeros();
        let whole = u32::from(family.bits());
        let below = range.first.bits().checked_sub(1).map_or(whole, apart);
        let above = range.last.bits().checked_add(1).map_or(whole, apart);
        let host_bits = below.min(above).min(whole);
        let len = family.bits() - u8::try_from(host_bits).unwrap_or(0);
        Self::new(addr, len).unwrap_or_else(|| Self::host(addr))
    }
}

impl FromStr for Prefix {
    type Err = AddrError;

    /// `192.0.2.0/24`; a bare address is a host prefix; host bits are cleared.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        let Some((addr, len)) = text.split_once('/') else { return text.parse().map(Self::host) };
        let raw: IpAddr = addr
            .parse()
            .map_err(|_| AddrError { what: "not a prefix; write 192.0.2.0/24 or 2001:db8::/32" })?;
        let digits = !len.is_empty() && len.len() <= 3 && len.bytes().all(|b| b.is_ascii_digit());
        let len: Option<u8> = if digits { len.parse().ok() } else { None };
        // A mapped prefix, ::ffff:192.0.2.0/120, is the IPv4 prefix 96 bits shorter.
        let addr = Addr::from(raw);
        let mapped = raw.is_ipv6() && addr.family() == Family::V4;
        let len = if mapped { len.and_then(|len| len.checked_sub(96)) } else { len };
        len.and_then(|len| Self::new(addr, len)).ok_or(AddrError {
            what: "prefix length out of range; IPv4 has 0 to 32, IPv6 0 to 128",
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.len)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Any first and last address of one family, both included; equals one prefix only by luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddrRange {
    first: Addr,
    last: Addr,
}

impl AddrRange {
    /// `None` if the families differ or `first` comes after `last`.
    pub fn new(first: Addr, last: Addr) -> Option<Self> {
        (first.family() == last.family() && first <= last).then_some(Self { first, last })
    }

    /// The first address.
    pub const fn first(self) -> Addr {
        self.first
    }

    /// The last address.
    pub const fn last(self) -> Addr {
        self.last
    }

    /// Whether `addr` lies inside.
    pub fn contains(self, addr: Addr) -> bool {
        addr.family() == self.first.family() && self.first <= addr && addr <= self.last
    }

    /// The fewest prefixes that together are exactly this range, in order (at most 254).
    ///
    /// ```
    /// use infralock::model::AddrRange;
    /// let (a, b) = ("192.0.2.1".parse().unwrap(), "192.0.2.4".parse().unwrap());
    /// let prefixes: Vec<String> =
    ///     AddrRange::new(a, b).unwrap().prefixes().iter().map(ToString::to_string).collect();
    /// assert_eq!(prefixes, ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/32"]);
    /// ```
    pub fn prefixes(self) -> Vec<Prefix> {
        let family = self.first.family();
        let (mut at, last) = (self.first.bits(), self.last.bits());
        let mut prefixes = Vec::new();
        loop {
            // The longest run of host bits that is aligned at `at` and does not pass `last`.
            let aligned = at.trailing_zeros().min(u32::from(family.bits()));
            let host_bits = (0..=aligned)
                .rev()
                .find(|&bits| {
                    let span = u128::MAX.checked_shl(bits).map_or(u128::MAX, |mask| !mask);
                    at.checked_add(span).is_some_and(|end| end <= last)
                })
                .unwrap_or(0);
            let len = family.bits() - u8::try_from(host_bits).unwrap_or(0);
            let Some(prefix) = Addr::from_bits(family, at).and_then(|addr| Prefix::new(addr, len))
            else {
                break;
            };
            prefixes.push(prefix);
            match prefix.last().bits().checked_add(1) {
                Some(next) if next <= last => at = next,
                _ => break,
            }
        }
        prefixes
    }
}

impl From<Prefix> for AddrRange {
    fn from(prefix: Prefix) -> Self {
        Self { first: prefix.first(), last: prefix.last() }
    }
}

impl fmt::Display for AddrRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_clear_host_bits_and_refuse_wrong_lengths() {
        for (text, canonical) in [
            ("192.0.2.9/24", "192.0.2.0/24"),
            ("192.0.2.9", "192.0.2.9/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::9/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.9/120", "192.0.2.0/24"),
        ] {
            assert_eq!(prefix(text).to_string(), canonical);
        }
        for text in ["192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/+8", "x/8", "/8"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn whole_families_have_ends() {
        assert_eq!(prefix("0.0.0.0/0").last().to_string(), "255.255.255.255");
        assert_eq!(prefix("::/0").last().bits(), u128::MAX);
        assert_eq!(AddrRange::from(prefix("::/0")).prefixes(), [prefix("::/0")]);
        assert_eq!(AddrRange::from(prefix("0.0.0.0/0")).prefixes(), [prefix("0.0.0.0/0")]);
    }

    #[test]
    fn ipv4_sorts_before_ipv6() {
        let (v4, v6): (Addr, Addr) = ("255.255.255.255".parse().unwrap(), "::".parse().unwrap());
        assert!(v4 < v6);
    }

    proptest! {
        #[test]
        fn a_range_is_exactly_its_prefixes(a in any::<u32>(), b in any::<u32>()) {
            let (first, last) = (a.min(b), a.max(b));
            let addr = |bits: u32| Addr::V4(Ipv4Addr::from_bits(bits));
            let prefixes = AddrRange::new(addr(first), addr(last)).unwrap().prefixes();
            prop_assert_eq!(prefixes.first().unwrap().first(), addr(first));
            prop_assert_eq!(prefixes.last().unwrap().last(), addr(last));
            for pair in prefixes.windows(2) {
                prop_assert_eq!(pair[0].last().bits() + 1, pair[1].first().bits());
            }
        }

        #[test]
        fn the_largest_prefix_inside_cannot_grow(mut ends in any::<[u32; 3]>()) {
            ends.sort_unstable();
            let addr = |bits: u32| Addr::V4(Ipv4Addr::from_bits(bits));
            let range = AddrRange::new(addr(ends[0]), addr(ends[2])).unwrap();
            let inside = Prefix::largest_inside(range, addr(ends[1]));
            prop_assert!(range.contains(inside.first()) && range.contains(inside.last()));
            prop_assert!(inside.contains(addr(ends[1])));
            if inside.len() > 0 {
                let wider = Prefix::new(addr(ends[1]), inside.len() - 1).unwrap();
                prop_assert!(!(range.contains(wider.first()) && range.contains(wider.last())));
            }
        }
    }
}
