//! No link header: the frame is an IPv4 or IPv6 packet (LINKTYPE_RAW, _IPV4, _IPV6).

use super::Carried;
use crate::wire::fault::Fault;

/// The whole frame is the packet.
///
/// # Errors
/// None: the IP decoder says what is wrong with the packet.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    Ok(Carried::ip(frame))
}
