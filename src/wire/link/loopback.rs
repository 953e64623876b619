//! BSD's pseudo interfaces: an address family in front of the packet.
//!
//! The family is a number of the system that captured, in its byte order (LINKTYPE_NULL) or in the
//! network's (LINKTYPE_LOOP): IPv4 is 2 everywhere, IPv6 is 10, 23, 24, 28 or 30.

use super::Carried;
use crate::wire::fault::{Fault, skip, take};

/// A family of four bytes, in either byte order.
///
/// # Errors
/// A frame of fewer than four bytes.
pub fn decode(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (family, rest) = take::<4>("loopback header", frame)?;
    Ok(by_family(either_order(*family), rest))
}

/// OpenBSD's enc(4): family, security parameter index, flags.
///
/// # Errors
/// A frame of fewer than twelve bytes.
pub fn decode_enc(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (family, _) = take::<4>("enc header", frame)?;
    Ok(by_family(either_order(*family), skip("enc header", frame, 12)?))
}

/// OpenBSD's pflog(4): a header that begins with its length, then the family.
///
/// # Errors
/// A frame shorter than its header.
pub fn decode_pflog(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let ([length, family], _) = take::<2>("pflog header", frame)?;
    let header_bytes = usize::from(*length).next_multiple_of(4);
    Ok(by_family(u32::from(*family), skip("pflog header", frame, header_bytes)?))
}

/// Families are small: the order in which the number is small is the right one.
fn either_order(family: [u8; 4]) -> u32 {
    u32::from_be_bytes(family).min(u32::from_le_bytes(family))
}

fn by_family(family: u32, rest: &[u8]) -> Carried<'_> {
    match family {
        2 | 10 | 23 | 24 | 28 | 30 => Carried::ip(rest),
        _ => Carried::other(rest),
    }
}
