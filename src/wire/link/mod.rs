//! Link headers: from the first byte of a frame to the IP packet in it.
//!
//! One file for each family of link types, and [`LINKS`], the list by number in the tcpdump.org
//! registry. A link decoder only steps over headers; it never copies and never recurses.
//!
//! **To add a link type**: a function of type [`Decode`] and one line in [`LINKS`]. `raw.rs` is the
//! smallest one to copy.

use super::fault::Fault;

pub mod cooked;
pub mod ethernet;
pub mod loopback;
pub mod nflog;
pub mod ppp;
pub mod raw;
pub mod tagged;
pub mod wireless;

/// Tags and labels on one frame. Provider networks stack two tags and up to six labels.
pub const TAGS_MAX: usize = 16;

/// Steps over the link headers of a frame.
pub type Decode = fn(&[u8]) -> Result<Carried<'_>, Fault>;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried<'a> {
    /// What it is.
    pub what: What,
    /// Its bytes, with the padding of the link if there is any.
    pub bytes: &'a [u8],
    /// VLAN ids, outer first; 0 for none.
    pub vlans: [u16; 2],
}

/// The protocol above the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// IPv4 or IPv6; the first four bits say which.
    Ip,
    /// Address resolution (RFC 826) or its reverse.
    Arp,
    /// Anything else: spanning tree, discovery, frames of management.
    Other,
}

impl<'a> Carried<'a> {
    /// An IP packet without tags.
    pub(super) const fn ip(bytes: &'a [u8]) -> Self {
        Self { what: What::Ip, bytes, vlans: [0; 2] }
    }

    /// Nothing that is read further.
    pub(super) const fn other(bytes: &'a [u8]) -> Self {
        Self { what: What::Other, bytes, vlans: [0; 2] }
    }
}

/// A link type.
#[derive(Debug)]
pub struct Link {
    /// Its numbers in the registry.
    pub types: &'static [u16],
    /// Its name, for the list of what is read.
    pub name: &'static str,
    /// Steps over its headers.
    pub decode: Decode,
}

/// Every link type that is read.
pub static LINKS: &[Link] = &[
    Link { types: &[1], name: "Ethernet", decode: ethernet::decode },
    Link { types: &[12, 14, 101, 228, 229], name: "raw IP", decode: raw::decode },
    Link { types: &[0, 108], name: "BSD loopback", decode: loopback::decode },
    Link { types: &[109], name: "OpenBSD enc", decode: loopback::decode_enc },
    Link { types: &[117], name: "OpenBSD pflog", decode: loopback::decode_pflog },
    Link { types: &[113], name: "Linux cooked", decode: cooked::decode },
    Link { types: &[276], name: "Linux cooked 2", decode: cooked::decode_2 },
    Link { types: &[9, 50], name: "PPP", decode: ppp::decode },
    Link { types: &[51], name: "PPPoE", decode: ppp::decode_pppoe },
    Link { types: &[166, 204], name: "PPP with direction", decode: ppp::decode_directed },
    Link { types: &[104], name: "Cisco HDLC", decode: ppp::decode_cisco },
    Link { types: &[105], name: "802.11", decode: wireless::decode },
    Link { types: &[127], name: "802.11 with radiotap", decode: wireless::decode_radiotap },
    Link { types: &[119], name: "802.11 with Prism", decode: wireless::decode_prism },
    Link { types: &[163], name: "802.11 with AVS", decode: wireless::decode_avs },
    Link { types: &[192], name: "802.11 with PPI", decode: wireless::decode_ppi },
    Link { types: &[10], name: "FDDI", decode: ethernet::decode_fddi },
    Link { types: &[6], name: "token ring", decode: ethernet::decode_token_ring },
    Link { types: &[100], name: "LLC over ATM", decode: ethernet::decode_llc },
    Link { types: &[138], name: "IP over FireWire", decode: ethernet::decode_firewire },
    Link { types: &[107], name: "frame relay", decode: tagged::decode_frame_relay },
    Link { types: &[281, 284], name: "Marvell and Broadcom DSA", decode: tagged::decode_dsa },
    Link { types: &[285], name: "Marvell EDSA", decode: tagged::decode_edsa },
    Link { types: &[282], name: "Broadcom DSA in front", decode: tagged::decode_brcm_prepended },
    Link { types: &[242], name: "IP over InfiniBand", decode: tagged::decode_infiniband },
    Link { types: &[226], name: "Solaris ipnet", decode: tagged::decode_ipnet },
    Link { types: &[8], name: "SLIP", decode: tagged::decode_slip },
    Link { types: &[258], name: "Apple PKTAP", decode: tagged::decode_pktap },
    Link { types: &[239], name: "Linux nflog", decode: nflog::decode },
];

/// The decoder of a link type.
pub fn find(link_type: u16) -> Option<&'static Link> {
    LINKS.iter().find(|link| link.types.contains(&link_type))
}
