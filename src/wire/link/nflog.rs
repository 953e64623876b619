//! Linux netfilter's log: a list of attributes, one of which is the packet (LINKTYPE_NFLOG).

use super::Carried;
use crate::wire::fault::{Fault, take};

/// NFULA_PAYLOAD.
const PAYLOAD: u16 = 9;

/// Finds the packet among the attributes. Their lengths are in the byte order of the machine that
/// captured; the order in which the first one fits is taken.
///
/// # Errors
/// A header that is cut off, or an attribute that is longer than the frame.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([family, ..], attributes) = take::<4>("nflog header", frame)?;
    let (first, _) = take::<2>("nflog attribute", attributes)?;
    let is_little = u16::from_le_bytes(*first) <= u16::from_be_bytes(*first);
    let number = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
    let mut rest = attributes;
    while !rest.is_empty() {
        let ([len_0, len_1, kind_0, kind_1], _) = take::<4>("nflog attribute", rest)?;
        let bytes = usize::from(number([*len_0, *len_1]));
        if bytes < 4 {
            let (found, right) = (bytes as u64, "4 or more would be right");
            return Err(Fault::Wrong { what: "nflog attribute length", found, right });
        }
        let Some(value) = rest.get(4..bytes) else {
            return Err(Fault::Short { what: "nflog attribute", needed: bytes, had: rest.len() });
        };
        if number([*kind_0, *kind_1]) & 0x7fff == PAYLOAD {
            // AF_INET and AF_INET6 of Linux; bridges and ARP have others.
            let is_ip = matches!(family, 0 | 2 | 10);
            return Ok(if is_ip { Carried::ip(value) } else { Carried::other(value) });
        }
        rest = rest.get(bytes.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Carried::other(rest))
}
