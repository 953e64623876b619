//! Packets within packets: what a tunnel's outer packet carries.
//!
//! A tunnel is told by its IP protocol number, or by its UDP port together with a header that
//! cannot be chance. Each opener returns `None` for what is not its tunnel, so that an ordinary
//! datagram to port 4789 stays an ordinary datagram.
//!
//! **To add a tunnel**: a function of type [`Open`] and one line in [`BY_PROTOCOL`] or [`BY_PORT`].
//! `geneve.rs` is the smallest one to copy.

use super::fault::Fault;
use super::link::Carried;
use super::{Transport, Tunnel};

pub mod geneve;
pub mod gre;
pub mod gtp;
pub mod ip;
pub mod teredo;
pub mod vxlan;

/// Steps over a tunnel's header. `None`: it is not this tunnel.
pub type Open = fn(&[u8]) -> Result<Option<Carried<'_>>, Fault>;

/// Tunnels right above IP, by protocol number.
pub const BY_PROTOCOL: &[(u8, Tunnel, Open)] = &[
    (4, Tunnel::Ip, ip::open),
    (41, Tunnel::Ip, ip::open),
    (47, Tunnel::Gre, gre::open),
    (97, Tunnel::Gre, gre::open_etherip),
    (137, Tunnel::Ip, ip::open_mpls),
];

/// Tunnels in UDP, by destination port.
pub const BY_PORT: &[(u16, Tunnel, Open)] = &[
    (4_789, Tunnel::Vxlan, vxlan::open),
    (8_472, Tunnel::Vxlan, vxlan::open),
    (6_081, Tunnel::Geneve, geneve::open),
    (2_152, Tunnel::Gtp, gtp::open),
    (3_544, Tunnel::Teredo, teredo::open),
];

/// What is in a packet, if it is a tunnel's.
#[inline]
pub(super) fn open<'a>(
    transport: &Transport,
    payload: &'a [u8],
) -> Result<Option<(Tunnel, Carried<'a>)>, Fault> {
    match *transport {
        Transport::Udp { src_port, dst_port } => open_udp(src_port, dst_port, payload),
        Transport::Other(proto) => match BY_PROTOCOL.iter().find(|(number, ..)| *number == proto) {
            Some((_, tunnel, open)) => Ok(open(payload)?.map(|inner| (*tunnel, inner))),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

#[inline]
fn open_udp(
    src_port: u16,
    dst_port: u16,
    payload: &[u8],
) -> Result<Option<(Tunnel, Carried<'_>)>, Fault> {
    for (port, tunnel, open) in BY_PORT {
        // Answers of Teredo servers and of GTP come from the port.
        let is_symmetric = matches!(tunnel, Tunnel::Teredo | Tunnel::Gtp);
        if *port == dst_port || (is_symmetric && *port == src_port) {
            return Ok(open(payload)?.map(|inner| (*tunnel, inner)));
        }
    }
    // Teredo clients talk to each other on any port, but then one of the addresses is Teredo's.
    Ok(teredo::open_anywhere(payload).map(|inner| (Tunnel::Teredo, inner)))
}
