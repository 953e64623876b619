//! GRE (RFC 2784, 2890), with PPTP's version (RFC 2637), ERSPAN and bridged Ethernet (RFC 7637).

use crate::wire::fault::{Fault, skip, take};
use crate::wire::link::{Carried, ethernet, ppp, wireless};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGED: u16 = 0x0080;

/// Steps over the header, by its version.
///
/// # Errors
/// A header that is cut off, or routed in the manner of RFC 1701, which nobody sends any more.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    let ([flags_0, flags_1, kind_0, kind_1], rest) = take::<4>("GRE header", payload)?;
    let flags = u16::from_be_bytes([*flags_0, *flags_1]);
    let kind = u16::from_be_bytes([*kind_0, *kind_1]);
    if flags & ROUTING != 0 {
        return Err(Fault::Note("GRE packet with a source route (RFC 1701) is not opened"));
    }
    let words = |bits: u16| (flags & bits).count_ones() as usize;
    let (version, more) = match flags & 7 {
        0 => (0, words(CHECKSUM | KEY | SEQUENCE)),
        1 => (1, words(KEY | SEQUENCE | ACKNOWLEDGED)),
        _ => return Ok(None),
    };
    let inner = skip("GRE header", rest, more * 4)?;
    if version == 1 {
        // An acknowledgement alone carries nothing.
        let is_data = flags & SEQUENCE != 0 && !inner.is_empty();
        return if is_data { ppp::decode(inner).map(Some) } else { Ok(None) };
    }
    match kind {
        0x880b => ppp::decode(inner).map(Some),
        // ERSPAN type II has a header of its own, type I, without sequence numbers, has none.
        0x88be if flags & SEQUENCE == 0 => ethernet::decode(inner).map(Some),
        0x88be => ethernet::decode(skip("ERSPAN header", inner, 8)?).map(Some),
        0x22eb => {
            let ([.., last], rest) = take::<12>("ERSPAN header", inner)?;
            let subheader_bytes = if last & 1 == 1 { 8 } else { 0 };
            ethernet::decode(skip("ERSPAN subheader", rest, subheader_bytes)?).map(Some)
        }
        // Aruba access points: 802.11 frames.
        0x8200..=0x8210 | 0x9000 => wireless::decode(inner).map(Some),
        // WCCP: a word of its own in front of the packet, in version 2.
        0x883e => match inner.first().map(|byte| byte >> 4) {
            Some(4) => Ok(Some(Carried::ip(inner))),
            _ => Ok(Some(Carried::ip(skip("WCCP header", inner, 4)?))),
        },
        0x6558 => ethernet::decode(inner).map(Some),
        _ => ethernet::by_type(kind, inner, [0; 2]).map(Some),
    }
}

/// EtherIP (RFC 3378): version 3 and a reserved byte, then Ethernet.
///
/// # Errors
/// A header that is cut off.
pub fn open_etherip(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    match payload {
        [0x30, 0, frame @ ..] => ethernet::decode(frame).map(Some),
        _ => Ok(None),
    }
}
