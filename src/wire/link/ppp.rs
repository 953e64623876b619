//! PPP and its relatives on serial lines and in Ethernet (RFC 1661, 1662, 2516).

use super::{Carried, ethernet};
use crate::wire::fault::{Fault, skip, take};

/// PPP, with or without the HDLC-like framing `ff 03`.
///
/// # Errors
/// A header that is cut off.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    match frame {
        // Cisco HDLC: unicast or multicast address, zero control (LINKTYPE_PPP_HDLC).
        [0x0f | 0x8f, 0, rest @ ..] => by_ethertype(rest),
        [0xff, 0x03, rest @ ..] => by_protocol(rest),
        _ => by_protocol(frame),
    }
}

/// One byte of direction, then PPP.
///
/// # Errors
/// A header that is cut off.
pub fn decode_directed(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    decode(skip("PPP direction", frame, 1)?)
}

/// Cisco HDLC: address, control, EtherType.
///
/// # Errors
/// A header that is cut off, or a fault in a tag behind it.
pub fn decode_cisco(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    by_ethertype(skip("Cisco HDLC header", frame, 2)?)
}

/// PPPoE: version and type, code, session, length, PPP. Discovery is not read further.
///
/// # Errors
/// A header that is cut off.
pub fn decode_pppoe(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([version_type, code, ..], rest) = take::<6>("PPPoE header", frame)?;
    match (version_type, code) {
        (0x11, 0) => by_protocol(rest),
        _ => Ok(Carried::other(rest)),
    }
}

fn by_ethertype(bytes: &[u8]) -> Result<Carried<'_>, Fault> {
    let (kind, rest) = take::<2>("Cisco HDLC protocol", bytes)?;
    ethernet::by_type(u16::from_be_bytes(*kind), rest, [0; 2])
}

/// A protocol number of two bytes, or of one, odd, where the peers agreed to compress it.
fn by_protocol(bytes: &[u8]) -> Result<Carried<'_>, Fault> {
    let (protocol, rest) = match bytes {
        [short, rest @ ..] if short & 1 == 1 => (u16::from(*short), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Err(Fault::Short { what: "PPP protocol", needed: 2, had: bytes.len() }),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Carried::ip(rest)),
        0x0281 | 0x0283 => ethernet::mpls(rest, [0; 2]),
        _ => Ok(Carried::other(rest)),
    }
}
