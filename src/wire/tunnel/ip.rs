//! IP in IP, of either family (RFC 2003, 4213, 2473), and MPLS in IP (RFC 4023).

use crate::wire::fault::Fault;
use crate::wire::link::{Carried, ethernet};

/// The payload is an IP packet.
///
/// # Errors
/// None: the IP decoder says what is wrong with the packet.
pub fn open(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    Ok((!payload.is_empty()).then_some(Carried::ip(payload)))
}

/// The payload is a stack of labels.
///
/// # Errors
/// A label that is cut off.
pub fn open_mpls(payload: &[u8]) -> Result<Option<Carried<'_>>, Fault> {
    ethernet::mpls(payload, [0; 2]).map(Some)
}
