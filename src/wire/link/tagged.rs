//! Headers that hardware or a driver puts around a frame: switch chips, tunnels of the kernel,
//! process information, serial lines. Layouts: the tcpdump.org LINKTYPE registry.

use super::{Carried, ethernet, find, ppp};
use crate::wire::fault::{Fault, skip, take};

/// LINKTYPE_PKTAP, which may not hold itself.
const PKTAP: u32 = 258;

/// Marvell DSA and Broadcom: two addresses, a tag of four bytes, an EtherType.
///
/// # Errors
/// A header that is cut off.
pub fn decode_dsa(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    by_type_at(frame, 16)
}

/// Marvell's DSA with an EtherType of its own: the tag has eight bytes.
///
/// # Errors
/// A header that is cut off.
pub fn decode_edsa(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    by_type_at(frame, 20)
}

/// Broadcom's tag in front of the Ethernet header.
///
/// # Errors
/// A header that is cut off.
pub fn decode_brcm_prepended(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    ethernet::decode(skip("Broadcom tag", frame, 4)?)
}

/// IP over InfiniBand: a route header of 40 bytes, an EtherType, two reserved bytes.
///
/// # Errors
/// A header that is cut off.
pub fn decode_infiniband(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (header, rest) = take::<44>("InfiniBand header", frame)?;
    let [.., kind_0, kind_1, _, _] = *header;
    ethernet::by_type(u16::from_be_bytes([kind_0, kind_1]), rest, [0; 2])
}

/// Solaris' ipnet: 24 bytes, of which the second is the family.
///
/// # Errors
/// A header that is cut off.
pub fn decode_ipnet(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([_, family, ..], rest) = take::<24>("ipnet header", frame)?;
    Ok(if matches!(family, 2 | 26) { Carried::ip(rest) } else { Carried::other(rest) })
}

/// A serial line: direction and a compressed header in 16 bytes, then the packet.
///
/// # Errors
/// A header that is cut off.
pub fn decode_slip(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    skip("SLIP header", frame, 16).map(Carried::ip)
}

/// Frame relay: an address of two to four bytes, then RFC 2427 or an EtherType (Cisco).
///
/// # Errors
/// A header that is cut off.
pub fn decode_frame_relay(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    // The last byte of the address has its lowest bit set.
    let address_bytes = frame.iter().take(4).position(|byte| byte & 1 == 1).map_or(4, |at| at + 1);
    match skip("frame relay address", frame, address_bytes)? {
        // Unnumbered information, the network layer's number, perhaps a pad in between.
        [0x03, 0xcc | 0x8e, rest @ ..] | [0x03, 0, 0xcc | 0x8e, rest @ ..] => Ok(Carried::ip(rest)),
        [0x03, 0x80, 0, 0, 0, kind_0, kind_1, rest @ ..]
        | [0x03, 0, 0x80, 0, 0, 0, kind_0, kind_1, rest @ ..] => {
            ethernet::by_type(u16::from_be_bytes([*kind_0, *kind_1]), rest, [0; 2])
        }
        [0x03, 0xcf, rest @ ..] => ppp::decode(rest),
        [kind_0, kind_1, rest @ ..] => {
            ethernet::by_type(u16::from_be_bytes([*kind_0, *kind_1]), rest, [0; 2])
        }
        rest => Ok(Carried::other(rest)),
    }
}

/// Apple's process information: the header's length, a record type, the link type of the rest.
///
/// # Errors
/// A header that is cut off, or a fault of what follows.
pub fn decode_pktap(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([l0, l1, l2, l3, _, _, _, _, t0, t1, t2, t3], _) = take::<12>("PKTAP header", frame)?;
    let header_bytes = usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3]));
    let inner = skip("PKTAP header", frame, header_bytes.unwrap_or(usize::MAX).max(12))?;
    let link_type = u32::from_le_bytes([*t0, *t1, *t2, *t3]);
    match u16::try_from(link_type).ok().filter(|_| link_type != PKTAP).and_then(find) {
        Some(link) => (link.decode)(inner),
        None => Ok(Carried::other(inner)),
    }
}

fn by_type_at(frame: &[u8], at: usize) -> Result<Carried<'_>, Fault> {
    let (kind, rest) = take::<2>("switch tag", skip("switch tag", frame, at)?)?;
    ethernet::by_type(u16::from_be_bytes(*kind), rest, [0; 2])
}
