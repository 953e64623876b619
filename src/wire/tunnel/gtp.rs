//! GTP-U of mobile networks (3GPP TS 29.281): the packets of one subscriber each.

use crate::wire::fault::Fault;
use crate::wire::link::Carried;

/// Extension headers of one packet. Five kinds are defined.
pub const EXTENSIONS_MAX: usize = 8;

/// Steps over the header of a packet that carries data (message 255, version 1). Its length must
/// be that of the datagram, and an IP packet must follow.
///
/// # Errors
/// None so far: what does not fit is not taken for GTP.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    Ok(inner(payload).map(Carried::ip))
}

fn inner(payload: &[u8]) -> Option<&[u8]> {
    let [flags, 0xff, len_0, len_1, _, _, _, _, rest @ ..] = payload else { return None };
    let length = usize::from(u16::from_be_bytes([*len_0, *len_1]));
    if flags & 0xf8 != 0x30 || length < rest.len() {
        return None;
    }
    let mut inner = rest;
    // Any of the three flags brings all three fields.
    if flags & 7 != 0 {
        let [_, _, _, first, after @ ..] = inner else { return None };
        let mut next = if flags & 4 == 0 { 0 } else { *first };
        inner = after;
        for _ in 0..EXTENSIONS_MAX {
            if next == 0 {
                break;
            }
            let bytes = usize::from(*inner.first()?).checked_mul(4).filter(|&bytes| bytes > 0)?;
            next = *inner.get(bytes - 1)?;
            inner = inner.get(bytes..)?;
        }
        if next != 0 {
            return None;
        }
    }
    matches!(inner.first()? >> 4, 4 | 6).then_some(inner)
}
