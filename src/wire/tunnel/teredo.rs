//! Teredo (RFC 4380): IPv6 in UDP, through address translators.
//!
//! An authentication and an origin header may stand in front (§5.1.1). On Teredo's port an IPv6
//! packet of exactly the datagram's length is enough; on any other port one of its addresses must
//! be a Teredo address (2001::/32) as well, so that no other protocol is taken for it.

use crate::wire::fault::Fault;
use crate::wire::link::Carried;

/// On Teredo's own port.
///
/// # Errors
/// None: what does not fit is not taken for Teredo.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    Ok(packet(payload).map(Carried::ip))
}

/// On any port.
#[inline]
pub(super) fn open_anywhere(payload: &[u8]) -> Option<Carried<'_>> {
    // Cheap first: most datagrams begin with neither.
    let may_be = matches!(payload, [0x60..=0x6f, ..] | [0, 0 | 1, ..]);
    let packet = if may_be { packet(payload)? } else { return None };
    const TEREDO: [u8; 4] = [0x20, 0x01, 0, 0];
    let has_prefix = |at: usize| packet.get(at..).is_some_and(|addr| addr.starts_with(&TEREDO));
    (has_prefix(8) || has_prefix(24)).then_some(Carried::ip(packet))
}

/// The IPv6 packet behind the optional headers.
fn packet(payload: &[u8]) -> Option<&[u8]> {
    let mut packet = payload;
    if let [0, 1, client_bytes, auth_bytes, rest @ ..] = packet {
        // Identifier and authentication value, then a nonce of 8 bytes and a confirmation.
        packet = rest.get(usize::from(*client_bytes) + usize::from(*auth_bytes) + 9..)?;
    }
    if let [0, 0, _, _, _, _, _, _, rest @ ..] = packet {
        packet = rest;
    }
    let header = packet.first_chunk::<40>()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    // Trailers of Teredo extensions may follow a bubble, which has no payload.
    let fits = packet.len() == 40 + length || (length == 0 && header[6] == 59);
    (header[0] >> 4 == 6 && fits).then_some(packet)
}
