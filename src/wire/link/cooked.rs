//! Linux "cooked" captures, as `tcpdump -i any` writes them (LINKTYPE_LINUX_SLL, _SLL2).

use super::{Carried, ethernet};
use crate::wire::fault::{Fault, take};

/// ARPHRD_NETLINK, ARPHRD_IPGRE, ARPHRD_IEEE80211_RADIOTAP, ARPHRD_FRAD: the protocol field then
/// is no EtherType.
const NO_ETHERTYPE: [u16; 4] = [824, 778, 803, 770];

/// Version 1: 16 bytes, the protocol last.
///
/// # Errors
/// A header that is cut off, or a fault in a tag behind it.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (header, rest) = take::<16>("Linux cooked header", frame)?;
    let [_, _, hw_0, hw_1, .., kind_0, kind_1] = *header;
    by_hardware([hw_0, hw_1], [kind_0, kind_1], rest)
}

/// Version 2: 20 bytes, the protocol first.
///
/// # Errors
/// A header that is cut off, or a fault in a tag behind it.
pub fn decode_2(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (header, rest) = take::<20>("Linux cooked 2 header", frame)?;
    let [kind_0, kind_1, _, _, _, _, _, _, hw_0, hw_1, ..] = *header;
    by_hardware([hw_0, hw_1], [kind_0, kind_1], rest)
}

fn by_hardware(hardware: [u8; 2], kind: [u8; 2], rest: &[u8]) -> Result<Carried<'_>, Fault> {
    if NO_ETHERTYPE.contains(&u16::from_be_bytes(hardware)) {
        return Ok(match u16::from_be_bytes(kind) {
            // GRE interfaces do give the EtherType of what they carry.
            ethernet::IPV4 | ethernet::IPV6 => Carried::ip(rest),
            _ => Carried::other(rest),
        });
    }
    match u16::from_be_bytes(kind) {
        // 802.2 frames begin with their LLC header.
        4 => ethernet::decode_llc(rest),
        kind => ethernet::by_type(kind, rest, [0; 2]),
    }
}
