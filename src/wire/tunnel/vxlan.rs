//! VXLAN (RFC 7348): eight bytes, then an Ethernet frame.

use crate::wire::fault::Fault;
use crate::wire::link::{Carried, ethernet};

/// Steps over the header. Only the flag that says "the network identifier is valid" may be set,
/// and what is reserved must be zero.
///
/// # Errors
/// None so far: a frame within that cannot be read is not taken for VXLAN.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    match payload {
        [0x08, 0, 0, 0, _, _, _, 0, frame @ ..] => Ok(ethernet::decode(frame).ok()),
        _ => Ok(None),
    }
}
