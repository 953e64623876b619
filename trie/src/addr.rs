//! Addresses as numbers, prefixes and ranges of them, for both families by one set of types.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::table::Packed;
use crate::v4::V4;
use crate::v6::V6;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u128 {}
}

/// An address as a number in host order: `u32` for IPv4, `u128` for IPv6.
///
/// ```
/// use std::net::Ipv4Addr;
/// let addr: u32 = Ipv4Addr::new(192, 0, 2, 1).to_bits();
/// assert_eq!(addr, 0xc000_0201);
/// ```
pub trait Address:
    sealed::Sealed + Copy + Ord + Eq + std::hash::Hash + fmt::Debug + Default + Send + Sync + 'static
{
    /// How a table of such addresses is packed.
    type Packed: Packed<Addr = Self>;

    /// Bits of an address: 32 or 128.
    const BITS: u8;
    /// The lowest address.
    const MIN: Self;
    /// The highest address.
    const MAX: Self;

    /// The number in 128 bits.
    fn to_u128(self) -> u128;
    /// The low bits of `number`.
    fn from_u128(number: u128) -> Self;
    /// The address after this one; `None` after the highest.
    fn next(self) -> Option<Self>;
    /// The address before this one; `None` before the lowest.
    fn before(self) -> Option<Self>;
    /// All bits of a prefix of `len` bits set, the rest clear.
    fn mask(len: u8) -> Self;
    /// Both.
    fn and(self, other: Self) -> Self;
    /// Either.
    fn or(self, other: Self) -> Self;
    /// The other way round.
    fn not(self) -> Self;
    /// Leading bits that both have in common, at most [`Address::BITS`].
    fn common_bits(self, other: Self) -> u8;
    /// Zero bits at the low end.
    fn trailing_zeros(self) -> u8;
    /// Whether bit `index`, counted from the highest, is set. `index` is below [`Address::BITS`].
    fn bit(self, index: u8) -> bool;
    /// From how people write it: `192.0.2.1`, `2001:db8::1`. `None`: it is no such address.
    fn parse(text: &str) -> Option<Self>;
    /// As people write it.
    ///
    /// # Errors
    /// Those of `f`.
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

macro_rules! address {
    ($number:ty, $std:ty, $packed:ty) => {
        impl Address for $number {
            type Packed = $packed;
            const BITS: u8 = <$number>::BITS as u8;
            const MIN: Self = 0;
            const MAX: Self = <$number>::MAX;

            #[inline]
            fn to_u128(self) -> u128 {
                self as u128
            }
            #[inline]
            fn from_u128(number: u128) -> Self {
                number as Self
            }
            #[inline]
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            #[inline]
            fn before(self) -> Option<Self> {
                self.checked_sub(1)
            }
            #[inline]
            fn mask(len: u8) -> Self {
                match len {
                    0 => 0,
                    _ => <$number>::MAX << (<$number>::BITS - u32::from(len).min(<$number>::BITS)),
                }
            }
            #[inline]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline]
            fn not(self) -> Self {
                !self
            }
            #[inline]
            fn common_bits(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }
            #[inline]
            fn trailing_zeros(self) -> u8 {
                <$number>::trailing_zeros(self) as u8
            }
            #[inline]
            fn bit(self, index: u8) -> bool {
                self >> (<$number>::BITS - 1 - u32::from(index)) & 1 == 1
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse::<$std>().ok().map(<$std>::to_bits)
            }
            fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&<$std>::from_bits(self), f)
            }
        }
    };
}

/// One address.
impl From<Ipv4Addr> for Prefix<u32> {
    fn from(addr: Ipv4Addr) -> Self {
        Self::host(addr.to_bits())
    }
}

/// One address.
impl From<Ipv6Addr> for Prefix<u128> {
    fn from(addr: Ipv6Addr) -> Self {
        Self::host(addr.to_bits())
    }
}

address!(u32, Ipv4Addr, V4);
address!(u128, Ipv6Addr, V6);

/// A prefix: an address whose bits after the first `len` are zero, and `len`.
///
/// Prefixes are ordered by address, then by length: a prefix comes before those it covers.
///
/// ```
/// use infralock_trie::Prefix;
/// let prefix = Prefix::<u32>::new(0xc000_0281, 24).unwrap();
/// assert_eq!(prefix.to_string(), "192.0.2.0/24");
/// assert!(prefix.contains(0xc000_02ff));
/// assert_eq!(Prefix::<u32>::new(0, 33), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Prefix<A> {
    addr: A,
    len: u8,
}

impl<A: Address> Prefix<A> {
    /// The prefix of every address.
    pub const ALL: Self = Self { addr: A::MIN, len: 0 };

    /// The prefix of `len` bits around `addr`; host bits are cleared. `None`: the family has fewer
    /// bits.
    pub fn new(addr: A, len: u8) -> Option<Self> {
        (len <= A::BITS).then(|| Self { addr: addr.and(A::mask(len)), len })
    }

    /// The prefix of one address.
    pub fn host(addr: A) -> Self {
        Self { addr, len: A::BITS }
    }

    /// The first address.
    pub fn first(self) -> A {
        self.addr
    }

    /// The last address.
    pub fn last(self) -> A {
        self.addr.or(A::mask(self.len).not())
    }

    /// Leading bits that are fixed: 0 to 32 or 128.
    #[expect(clippy::len_without_is_empty, reason = "a prefix's length is no count")]
    pub fn len(self) -> u8 {
        self.len
    }

    /// Whether the address begins with these bits.
    pub fn contains(self, addr: A) -> bool {
        addr.and(A::mask(self.len)) == self.addr
    }

    /// Whether every address of `other` is in this one.
    pub fn covers(self, other: Self) -> bool {
        self.len <= other.len && self.contains(other.addr)
    }

    /// The longest prefix that covers both.
    pub fn common(self, other: Self) -> Self {
        let len = self.addr.common_bits(other.addr).min(self.len).min(other.len);
        Self { addr: self.addr.and(A::mask(len)), len }
    }

    /// The longest aligned prefix around `addr` that lies within `range`, which holds `addr`.
    pub fn largest_inside(range: Range<A>, addr: A) -> Self {
        // The prefix of k bits lies inside if its ends do: k is one more than the bits that addr
        // shares with what lies just outside, on either side.
        let outside = [range.first.before(), range.last.next()];
        let shared = outside.into_iter().flatten().map(|outside| addr.common_bits(outside) + 1);
        let len = shared.max().unwrap_or(0).min(A::BITS);
        Self { addr: addr.and(A::mask(len)), len }
    }
}

/// Text that is no prefix of the family that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePrefixError {
    bits: u8,
}

impl fmt::Display for ParsePrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = if self.bits == 32 { "192.0.2.0/24" } else { "2001:db8::/32" };
        write!(f, "not an address, or an address, / and 0 to {} bits, as in {example}", self.bits)
    }
}

impl std::error::Error for ParsePrefixError {}

/// An address alone is the prefix of that address. Host bits are cleared, as by [`Prefix::new`].
///
/// ```
/// use infralock_trie::Prefix;
/// let prefix: Prefix<u128> = "2001:db8::1/32".parse().unwrap();
/// assert_eq!(prefix.to_string(), "2001:db8::/32");
/// assert_eq!("192.0.2.1".parse(), Ok(Prefix::host(0xc000_0201_u32)));
/// assert!("192.0.2.0/33".parse::<Prefix<u32>>().is_err());
/// ```
impl<A: Address> FromStr for Prefix<A> {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Self, ParsePrefixError> {
        let (addr, len) = match text.split_once('/') {
            Some((addr, len)) => (addr, parse_len(len)),
            None => (text, Some(A::BITS)),
        };
        let prefix = A::parse(addr).zip(len).and_then(|(addr, len)| Self::new(addr, len));
        prefix.ok_or(ParsePrefixError { bits: A::BITS })
    }
}

/// Digits alone: `parse` would take a sign too.
fn parse_len(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl<A: Address> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.write(f)?;
        write!(f, "/{}", self.len)
    }
}

impl<A: Address> fmt::Debug for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range<A> {
    first: A,
    last: A,
}

impl<A: Address> Range<A> {
    /// From `first` to `last`; `None` if `last` is lower.
    pub fn new(first: A, last: A) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The lowest address.
    pub fn first(self) -> A {
        self.first
    }

    /// The highest address.
    pub fn last(self) -> A {
        self.last
    }

    /// Whether `addr` lies in it.
    pub fn contains(self, addr: A) -> bool {
        (self.first..=self.last).contains(&addr)
    }

    /// The fewest prefixes that hold exactly these addresses, in order: at most 2 × bits − 2.
    ///
    /// ```
    /// use infralock_trie::Range;
    /// let range = Range::new(0xc000_0201_u32, 0xc000_0206).unwrap();
    /// let texts: Vec<String> = range.prefixes().map(|prefix| prefix.to_string()).collect();
    /// assert_eq!(texts, ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"]);
    /// ```
    pub fn prefixes(self) -> impl Iterator<Item = Prefix<A>> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let range = rest?;
            // It holds the first address and nothing before it, so it begins there.
            let prefix = Prefix::largest_inside(range, range.first);
            rest = prefix.last().next().and_then(|next| Self::new(next, range.last));
            Some(prefix)
        })
    }
}

impl<A: Address> From<Prefix<A>> for Range<A> {
    fn from(prefix: Prefix<A>) -> Self {
        Self { first: prefix.first(), last: prefix.last() }
    }
}

impl<A: Address> fmt::Display for Range<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.write(f)?;
        f.write_str("-")?;
        self.last.write(f)
    }
}

impl<A: Address> fmt::Debug for Range<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
