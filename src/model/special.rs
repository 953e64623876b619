//! Addresses with a meaning of their own: the IANA special-purpose registries.
//!
//! Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, as of 2025-10), RFC
//! 5771 and RFC 4291 for multicast. "Public" is "globally reachable" there, N/A counting as no.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

use super::{Addr, Prefix};

/// Why an address is not an ordinary public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reserved {
    /// 0.0.0.0/8 or `::` (RFC 791, RFC 4291).
    Unspecified,
    /// RFC 1918.
    Private,
    /// 100.64.0.0/10, carrier-grade NAT (RFC 6598).
    Shared,
    /// 127.0.0.0/8 or `::1` (RFC 1122, RFC 4291).
    Loopback,
    /// 169.254.0.0/16 or fe80::/10 (RFC 3927, RFC 4291).
    LinkLocal,
    /// fc00::/7 (RFC 4193).
    UniqueLocal,
    /// 192.0.2.0/24 and kin, 2001:db8::/32, 3fff::/20 (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// 198.18.0.0/15, 2001:2::/48 (RFC 2544, RFC 5180).
    Benchmarking,
    /// 224.0.0.0/4, ff00::/8 (RFC 5771, RFC 4291).
    Multicast,
    /// 255.255.255.255 (RFC 919).
    Broadcast,
    /// IETF protocol assignments that are not globally reachable.
    Protocol,
    /// Set aside for the future, or outside what is handed out (240.0.0.0/4, not 2000::/3).
    Future,
}

impl Reserved {
    /// The word of the JSON and of the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique-local",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Protocol => "protocol",
            Self::Future => "reserved",
        }
    }
}

impl Serialize for Reserved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The entries of the IPv4 registry that are not ordinary public addresses, those inside others
/// last: first address, length, purpose.
pub const RESERVED_V4: [(Ipv4Addr, u8, Reserved); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, Reserved::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Reserved::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Reserved::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Reserved::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Reserved::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Reserved::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved::Protocol),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reserved::Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved::Protocol),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Reserved::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reserved::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reserved::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reserved::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Reserved::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved::Future),
    (Ipv4Addr::new(255, 255, 255, 255), 32, Reserved::Broadcast),
];

impl Addr {
    /// The registry's entry around an address with a special purpose, and the purpose.
    pub fn reserved_prefix(self) -> Option<(Prefix, Reserved)> {
        let reserved = self.reserved()?;
        let prefix = match self {
            Self::V4(_) => {
                let entries = RESERVED_V4.iter().rev();
                let mut entries =
                    entries.filter_map(|&(first, len, _)| Prefix::new(Self::V4(first), len));
                entries.find(|prefix| prefix.contains(self))
            }
            // The largest prefix whose ends are as reserved as the address.
            Self::V6(_) => (0..=128).filter_map(|len| Prefix::new(self, len)).find(|prefix| {
                [prefix.first(), prefix.last()].iter().all(|end| end.reserved() == Some(reserved))
            }),
        };
        Some((prefix.unwrap_or_else(|| Prefix::host(self)), reserved))
    }

    /// The special purpose, or `None` for ordinary globally reachable unicast.
    pub fn reserved(self) -> Option<Reserved> {
        match self {
            Self::V4(addr) => reserved_v4(addr),
            Self::V6(addr) => reserved_v6(addr),
        }
    }

    /// Globally reachable unicast, or a documentation address, which stands in for one.
    pub fn is_public(self) -> bool {
        matches!(self.reserved(), None | Some(Reserved::Documentation))
    }

    /// Whether it can be a host: unicast and not unspecified.
    pub fn is_host(self) -> bool {
        !matches!(
            self.reserved(),
            Some(Reserved::Unspecified | Reserved::Multicast | Reserved::Broadcast)
        )
    }

    /// Whether it is ours unless the analyst says otherwise: private, shared, link-local, loopback
    /// or unique local (INTERFACE, `mine`).
    pub fn is_mine_by_default(self) -> bool {
        matches!(
            self.reserved(),
            Some(
                Reserved::Private
                    | Reserved::Shared
                    | Reserved::LinkLocal
                    | Reserved::Loopback
                    | Reserved::UniqueLocal
            )
        )
    }
}

fn reserved_v4(addr: Ipv4Addr) -> Option<Reserved> {
    let octets = addr.octets();
    Some(match octets {
        [0, ..] => Reserved::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reserved::Private,
        [100, 64..=127, ..] => Reserved::Shared,
        [127, ..] => Reserved::Loopback,
        [169, 254, ..] => Reserved::LinkLocal,
        // 192.0.0.9 (PCP anycast) and 192.0.0.10 (TURN anycast) are globally reachable.
        [192, 0, 0, 9 | 10] => return None,
        [192, 0, 0, _] => Reserved::Protocol,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reserved::Documentation,
        // 192.88.99.0/24, deprecated 6to4 relay anycast: N/A counts as no.
        [192, 88, 99, _] => Reserved::Protocol,
        [198, 18 | 19, ..] => Reserved::Benchmarking,
        [224..=239, ..] => Reserved::Multicast,
        [255, 255, 255, 255] => Reserved::Broadcast,
        [240..=255, ..] => Reserved::Future,
        _ => return None,
    })
}

fn reserved_v6(addr: Ipv6Addr) -> Option<Reserved> {
    let segments = addr.segments();
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reserved::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Reserved::Loopback,
        // 64:ff9b::/96 (RFC 6052) is globally reachable, 64:ff9b:1::/48 (RFC 8215) is not.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => return None,
        [0x64, 0xff9b, 1, ..] => Reserved::Protocol,
        [0xfc00..=0xfdff, ..] => Reserved::UniqueLocal,
        [0xfe80..=0xfebf, ..] => Reserved::LinkLocal,
        [0xff00..=0xffff, ..] => Reserved::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reserved::Documentation,
        [0x2001, second @ 0..=0x1ff, third, ..] => return reserved_ietf_v6(second, third, addr),
        // 6to4, 2002::/16: N/A counts as no.
        [0x2002, ..] => Reserved::Protocol,
        [0x2000..=0x3fff, ..] => return None,
        _ => Reserved::Future,
    })
}

/// Inside 2001::/23, the IETF's block, some assignments are globally reachable.
fn reserved_ietf_v6(second: u16, third: u16, addr: Ipv6Addr) -> Option<Reserved> {
    match (second, third) {
        // 2001:1::1, ::2, ::3: PCP, TURN and DNS-SD anycast.
        (1, 0) if matches!(addr.segments(), [_, _, 0, 0, 0, 0, 0, 1..=3]) => None,
        // AMT, AS112-v6, ORCHIDv2, drone remote ID.
        (3, _) | (4, 0x112) | (0x20..=0x2f, _) | (0x30..=0x3f, _) => None,
        (2, 0) => Some(Reserved::Benchmarking),
        _ => Some(Reserved::Protocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registries_row_by_row() {
        for (text, expected) in [
            ("0.0.0.0", Some("unspecified")),
            ("10.0.0.1", Some("private")),
            ("172.31.255.255", Some("private")),
            ("172.32.0.0", None),
            ("192.168.1.1", Some("private")),
            ("100.64.0.1", Some("shared")),
            ("100.128.0.1", None),
            ("127.0.0.1", Some("loopback")),
            ("169.254.9.9", Some("link-local")),
            ("192.0.0.1", Some("protocol")),
            ("192.0.0.9", None),
            ("192.88.99.1", Some("protocol")),
            ("192.0.2.1", Some("documentation")),
            ("198.51.100.1", Some("documentation")),
            ("203.0.113.1", Some("documentation")),
            ("198.19.0.1", Some("benchmarking")),
            ("224.0.0.1", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("broadcast")),
            ("8.8.8.8", None),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::2", Some("reserved")),
            ("fe80::1", Some("link-local")),
            ("fd00::1", Some("unique-local")),
            ("ff02::1", Some("multicast")),
            ("2001:db8::1", Some("documentation")),
            ("3fff:fff::1", Some("documentation")),
            ("3fff:1000::1", None),
            ("2001::1", Some("protocol")),
            ("2001:2::1", Some("benchmarking")),
            ("2001:3::1", None),
            ("2001:4:112::1", None),
            ("2001:200::1", None),
            ("2002:c000:201::1", Some("protocol")),
            ("64:ff9b::c000:201", None),
            ("64:ff9b:1::1", Some("protocol")),
            ("2a00::1", None),
            ("4000::1", Some("reserved")),
        ] {
            let addr: Addr = text.parse().unwrap();
            assert_eq!(addr.reserved().map(Reserved::as_str), expected, "{text}");
        }
    }

    #[test]
    fn entries_of_the_registry_are_what_addresses_at_their_ends_say() {
        for (first, len, reserved) in RESERVED_V4 {
            let prefix = Prefix::new(Addr::V4(first), len).unwrap();
            assert_eq!(prefix.first(), Addr::V4(first), "{prefix} has no host bits");
            assert_eq!(prefix.first().reserved(), Some(reserved), "{prefix}");
            let above = Addr::from_bits(crate::model::Family::V4, prefix.last().bits() + 1);
            assert_ne!(above.and_then(Addr::reserved), Some(reserved), "after {prefix}");
            assert_eq!(prefix.first().reserved_prefix(), Some((prefix, reserved)));
        }
        for (addr, prefix) in [
            ("10.9.8.7", "10.0.0.0/8"),
            ("255.255.255.255", "255.255.255.255/32"),
            ("255.255.255.254", "240.0.0.0/4"),
            ("2001:db8:9::1", "2001:db8::/32"),
            ("fd12::1", "fc00::/7"),
            ("fe80::1", "fe80::/10"),
            ("::1", "::1/128"),
        ] {
            let found = addr.parse::<Addr>().unwrap().reserved_prefix();
            assert_eq!(found.map(|(prefix, _)| prefix.to_string()).as_deref(), Some(prefix));
        }
        assert_eq!("192.0.0.9".parse::<Addr>().unwrap().reserved_prefix(), None);
        assert_eq!("2a00::1".parse::<Addr>().unwrap().reserved_prefix(), None);
    }

    #[test]
    fn documentation_addresses_stand_in_for_public_ones() {
        let documentation: Addr = "203.0.113.9".parse().unwrap();
        assert!(documentation.is_public() && !documentation.is_mine_by_default());
        let private: Addr = "192.168.0.1".parse().unwrap();
        assert!(!private.is_public() && private.is_mine_by_default() && private.is_host());
    }
}
