//! Ethernet and what else is told by an EtherType or an LLC header (IEEE 802.3, 802.1Q, 802.2).
//!
//! Read through: VLAN tags (802.1Q, 802.1ad, the older 0x9100 and 0x9200), VN-Tag, MAC-in-MAC
//! (802.1ah), Cisco FabricPath, MPLS with IP or a pseudowire below the labels (RFC 3032, 4448),
//! PPPoE sessions (RFC 2516), LLC and SNAP (RFC 1042), network service headers, MACsec without
//! encryption, Arista's time stamps.

use super::{Carried, TAGS_MAX, What, ppp};
use crate::wire::fault::{Fault, skip, take};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;

/// Two addresses, then a type or a length.
///
/// # Errors
/// A header or tag that is cut off.
#[inline]
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (header, rest) = take::<14>("Ethernet header", frame)?;
    let [.., kind_0, kind_1] = *header;
    match u16::from_be_bytes([kind_0, kind_1]) {
        IPV4 | IPV6 => Ok(Carried::ip(rest)),
        kind => by_type(kind, rest, [0; 2]),
    }
}

/// FDDI: frame control, two addresses, LLC.
///
/// # Errors
/// A header that is cut off.
pub fn decode_fddi(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([control, ..], rest) = take::<13>("FDDI header", frame)?;
    // 0101rPPP is an asynchronous LLC frame; others are tokens and management.
    if control & 0xf0 == 0x50 { decode_llc(rest) } else { Ok(Carried::other(rest)) }
}

/// Token ring: access and frame control, two addresses, a route if the source says so, LLC.
///
/// # Errors
/// A header that is cut off.
pub fn decode_token_ring(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([_, control, _, _, _, _, _, _, source, ..], rest) =
        take::<14>("token ring header", frame)?;
    if control & 0xc0 != 0x40 {
        return Ok(Carried::other(rest));
    }
    if source & 0x80 == 0 {
        return decode_llc(rest);
    }
    let route_bytes = rest.first().map_or(2, |byte| usize::from(byte & 0x1f));
    decode_llc(skip("token ring route", rest, route_bytes)?)
}

/// IP over FireWire: two addresses of eight bytes and an EtherType.
///
/// # Errors
/// A header that is cut off.
pub fn decode_firewire(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([.., kind_0, kind_1], rest) = take::<18>("FireWire header", frame)?;
    by_type(u16::from_be_bytes([*kind_0, *kind_1]), rest, [0; 2])
}

/// An LLC header, with SNAP where it announces it.
///
/// # Errors
/// A header that is cut off.
pub fn decode_llc(bytes: &[u8]) -> Result<Carried<'_>, Fault> {
    llc(bytes, [0; 2])
}

fn llc(bytes: &[u8], vlans: [u16; 2]) -> Result<Carried<'_>, Fault> {
    match bytes {
        // The organisation is 0 for EtherTypes (RFC 1042), f8 for bridged ones (802.1H).
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, kind_0, kind_1, rest @ ..] => {
            by_type(u16::from_be_bytes([*kind_0, *kind_1]), rest, vlans)
        }
        // LLC's own number for IP.
        [0x06, 0x06, 0x03, rest @ ..] => Ok(Carried { what: What::Ip, bytes: rest, vlans }),
        // NLPID of IP and IPv6 (ISO/IEC TR 9577), as on ATM and frame relay.
        [0xfe, 0xfe, 0x03, 0xcc | 0x8e, rest @ ..] => {
            Ok(Carried { what: What::Ip, bytes: rest, vlans })
        }
        _ => Ok(Carried { what: What::Other, bytes, vlans }),
    }
}

/// What an EtherType (or a length) announces, through all tags and labels.
///
/// # Errors
/// A tag or label that is cut off, or more than [`TAGS_MAX`] of them.
pub fn by_type(kind: u16, bytes: &[u8], vlans: [u16; 2]) -> Result<Carried<'_>, Fault> {
    let (mut kind, mut bytes, mut vlans) = (kind, bytes, vlans);
    for _ in 0..=TAGS_MAX {
        match kind {
            IPV4 | IPV6 => return Ok(Carried { what: What::Ip, bytes, vlans }),
            0x0806 | 0x8035 => return Ok(Carried { what: What::Arp, bytes, vlans }),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let ([tag_0, tag_1, kind_0, kind_1], rest) = take::<4>("VLAN tag", bytes)?;
                add_vlan(&mut vlans, u16::from_be_bytes([*tag_0, *tag_1]) & 0x0fff);
                (kind, bytes) = (u16::from_be_bytes([*kind_0, *kind_1]), rest);
            }
            // VN-Tag: four bytes of its own, then the type.
            0x8926 => {
                let ([_, _, _, _, kind_0, kind_1], rest) = take::<6>("VN-Tag", bytes)?;
                (kind, bytes) = (u16::from_be_bytes([*kind_0, *kind_1]), rest);
            }
            // Arista's time stamps: what they are, how long, the time itself, then the type.
            0xd28b => {
                let ([_, _, _, form], rest) = take::<4>("Arista time stamp", bytes)?;
                let time_bytes = if form & 0xf0 == 0x10 { 8 } else { 6 };
                let rest = skip("Arista time stamp", rest, time_bytes)?;
                let (next, rest) = take::<2>("Arista time stamp", rest)?;
                (kind, bytes) = (u16::from_be_bytes(*next), rest);
            }
            // MACsec (IEEE 802.1AE §9): readable where it only proves integrity, bits E and C.
            0x88e5 => {
                let ([control, ..], rest) = take::<6>("MACsec tag", bytes)?;
                if control & 0x0c != 0 {
                    return Ok(Carried { what: What::Other, bytes, vlans });
                }
                let channel_bytes = if control & 0x20 != 0 { 8 } else { 0 };
                let rest = skip("MACsec tag", rest, channel_bytes)?;
                let (next, rest) = take::<2>("MACsec tag", rest)?;
                (kind, bytes) = (u16::from_be_bytes(*next), rest);
            }
            // Network service header (RFC 8300 §2): its length in words, what follows.
            0x894f => {
                let ([_, words, _, next], _) = take::<4>("network service header", bytes)?;
                let header_bytes = usize::from(words & 0x3f).max(1) * 4;
                bytes = skip("network service header", bytes, header_bytes)?;
                kind = match next {
                    1 => IPV4,
                    2 => IPV6,
                    3 => 0x6558,
                    5 => 0x8847,
                    _ => return Ok(Carried { what: What::Other, bytes, vlans }),
                };
            }
            // MAC-in-MAC and FabricPath: a tag, then a whole Ethernet header; likewise bridged
            // Ethernet, without a tag.
            0x88e7 | 0x8903 | 0x6558 => {
                let tag_bytes = match kind {
                    0x88e7 => 4,
                    0x8903 => 2,
                    _ => 0,
                };
                let inner = skip("MAC-in-MAC tag", bytes, tag_bytes)?;
                let ([.., kind_0, kind_1], rest) = take::<14>("bridged Ethernet header", inner)?;
                (kind, bytes) = (u16::from_be_bytes([*kind_0, *kind_1]), rest);
            }
            0x8847 | 0x8848 => {
                let below = labels(bytes)?;
                match below.first().map(|byte| byte >> 4) {
                    Some(4 | 6) => (kind, bytes) = (IPV4, below),
                    // A pseudowire, with a control word that begins with 0 (RFC 4385 §3) unless
                    // that is the first address of a frame.
                    Some(0) if !is_ethernet(below) => {
                        (kind, bytes) = (0x6558, skip("pseudowire word", below, 4)?);
                    }
                    _ => (kind, bytes) = (0x6558, below),
                }
            }
            0x8864 => return ppp::decode_pppoe(bytes).map(|inner| Carried { vlans, ..inner }),
            // A length, so an 802.2 frame (IEEE 802.3 §3.2.6).
            0..=1500 => return llc(bytes, vlans),
            _ => return Ok(Carried { what: What::Other, bytes, vlans }),
        }
    }
    Err(Fault::Note("more than 16 tags and labels on one frame; what is below them is not read"))
}

/// What lies below MPLS labels.
///
/// # Errors
/// A label that is cut off, or more than [`TAGS_MAX`] of them.
pub fn mpls(bytes: &[u8], vlans: [u16; 2]) -> Result<Carried<'_>, Fault> {
    by_type(0x8847, bytes, vlans)
}

/// Steps over labels up to the one that is marked as the last.
fn labels(bytes: &[u8]) -> Result<&[u8], Fault> {
    let mut rest = bytes;
    for _ in 0..TAGS_MAX {
        let ([_, _, bottom, _], below) = take::<4>("MPLS label", rest)?;
        rest = below;
        if bottom & 1 == 1 {
            return Ok(rest);
        }
    }
    Err(Fault::Note("more than 16 tags and labels on one frame; what is below them is not read"))
}

/// Whether an Ethernet header of a type that we know would begin here.
fn is_ethernet(bytes: &[u8]) -> bool {
    let kind = bytes.get(12..).and_then(<[u8]>::first_chunk).map(|kind| u16::from_be_bytes(*kind));
    matches!(kind, Some(IPV4 | IPV6 | 0x0806 | 0x8100 | 0x88a8 | 0x8847 | 0x8864))
}

/// Keeps the outermost two.
fn add_vlan(vlans: &mut [u16; 2], id: u16) {
    match vlans {
        [0, _] => vlans[0] = id,
        [_, 0] => vlans[1] = id,
        _ => {}
    }
}
