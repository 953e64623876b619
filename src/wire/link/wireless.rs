//! 802.11, alone or behind one of the headers that capture drivers put in front.
//!
//! Only data frames in clear carry an IP packet that can be read; encrypted ones, management and
//! control are counted as not IP.

use super::{Carried, ethernet};
use crate::wire::fault::{Fault, skip, take};

/// An 802.11 frame.
///
/// # Errors
/// A data frame that is shorter than its header.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    decode_aligned(frame, 1)
}

/// A frame whose header is padded to a multiple of `align` bytes, as Atheros cards give it.
fn decode_aligned(frame: &[u8], align: usize) -> Result<Carried<'_>, Fault> {
    let ([control, flags], _) = take::<2>("802.11 header", frame)?;
    let (kind, subtype) = ((control >> 2) & 3, control >> 4);
    let is_data = kind == 2 && control & 3 == 0;
    // Subtypes with bit 2 have no data; flag 0x40: encrypted.
    if !is_data || subtype & 4 != 0 || flags & 0x40 != 0 {
        return Ok(Carried::other(frame));
    }
    let mut header_bytes = 24_usize;
    // From one access point to another: a fourth address.
    if flags & 3 == 3 {
        header_bytes += 6;
    }
    let mut is_aggregate = false;
    if subtype & 8 != 0 {
        is_aggregate = frame.get(header_bytes).is_some_and(|qos| qos & 0x80 != 0);
        header_bytes += 2;
        // The order flag announces the HT control field.
        if flags & 0x80 != 0 {
            header_bytes += 4;
        }
    }
    let body = skip("802.11 header", frame, header_bytes.next_multiple_of(align))?;
    if !is_aggregate {
        return ethernet::decode_llc(body);
    }
    // The first frame of an aggregate: two addresses and a length in front of the LLC header.
    ethernet::decode_llc(skip("802.11 aggregate header", body, 14)?)
}

/// Radiotap: version, pad, length, a bit field, fields (radiotap.org).
///
/// # Errors
/// A header that is cut off.
pub fn decode_radiotap(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([_, _, len_0, len_1, present @ ..], _) = take::<8>("radiotap header", frame)?;
    let header_bytes = usize::from(u16::from_le_bytes([*len_0, *len_1]));
    let inner = skip("radiotap header", frame, header_bytes.max(8))?;
    // Flags stand behind the timer, if there is one: 0x20 says that the header is padded to 4.
    let present = u32::from_le_bytes(*present);
    let mut at = 8;
    let mut words = present;
    while words & 0x8000_0000 != 0 {
        let (word, _) = take::<4>("radiotap bit field", frame.get(at..).unwrap_or_default())?;
        words = u32::from_le_bytes(*word);
        at += 4;
    }
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & 2 != 0 { frame.get(at).copied().unwrap_or(0) } else { 0 };
    decode_aligned(inner, if flags & 0x20 == 0 { 1 } else { 4 })
}

/// The Prism monitor header: 144 bytes, or AVS behind the same number.
///
/// # Errors
/// A header that is cut off.
pub fn decode_prism(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (version, _) = take::<4>("Prism header", frame)?;
    if u32::from_be_bytes(*version) & 0xffff_f000 == 0x8021_1000 {
        return decode_avs(frame);
    }
    decode(skip("Prism header", frame, 144)?)
}

/// The AVS header: version, length.
///
/// # Errors
/// A header that is cut off.
pub fn decode_avs(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([_, _, _, _, length @ ..], _) = take::<8>("AVS header", frame)?;
    let header_bytes = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    decode(skip("AVS header", frame, header_bytes.max(8))?)
}

/// Per-packet information: version, flags, length, and the link type of what follows.
///
/// # Errors
/// A header that is cut off.
pub fn decode_ppi(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([_, _, len_0, len_1, link_type @ ..], _) = take::<8>("PPI header", frame)?;
    let header_bytes = usize::from(u16::from_le_bytes([*len_0, *len_1]));
    let inner = skip("PPI header", frame, header_bytes.max(8))?;
    match u32::from_le_bytes(*link_type) {
        105 => decode(inner),
        1 => ethernet::decode(inner),
        127 => decode_radiotap(inner),
        _ => Ok(Carried::other(inner)),
    }
}
