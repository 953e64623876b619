//! Geneve (RFC 8926): eight bytes, options, then what an EtherType says.

use crate::wire::fault::Fault;
use crate::wire::link::{Carried, ethernet};

/// Steps over the header and its options. The version must be 0 and what is reserved zero.
///
/// # Errors
/// None so far: a frame within that cannot be read is not taken for Geneve.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    let [version, flags, kind_0, kind_1, _, _, _, 0, rest @ ..] = payload else { return Ok(None) };
    if version & 0xc0 != 0 || flags & 0x3f != 0 {
        return Ok(None);
    }
    let options_bytes = usize::from(version & 0x3f) * 4;
    let Some(inner) = rest.get(options_bytes..) else { return Ok(None) };
    let kind = u16::from_be_bytes([*kind_0, *kind_1]);
    Ok(ethernet::by_type(kind, inner, [0; 2]).ok())
}
