//! Bytes → packets: capture formats, link types, network headers, tunnels.
//!
//! A capture reader turns a byte stream into [`Frame`]s; the decoder turns a frame into one
//! [`Packet`] for each IP layer it carries, outermost first, so that a tunnel shows both its outer
//! and its inner packet. `flow` takes packets from here. What is broken becomes a `Problem` with
//! its offset; the rest goes on.
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::cast_possible_truncation)]

use crate::model::{Addr, Proto, Timestamp};

pub mod capture;
mod checksum;
mod decode;
mod fault;
pub mod fields;
mod fragment;
mod ip;
pub mod link;
mod transport;
pub mod tunnel;

pub use capture::{Capture, CaptureFormat, sniff};
pub use decode::{Checksums, Counts, DecodeOptions, Decoder};
pub use fault::Fault;
pub use fragment::{DATAGRAM_BYTES_MAX, DATAGRAMS_MAX, FRAGMENT_AGE_NANOS_MAX, FRAGMENT_BYTES_MAX};

/// One captured frame, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its place among the frames of its capture, from 0.
    pub index: u64,
    /// Offset of its first captured byte in the unpacked file.
    pub offset: u64,
    /// When it was captured.
    pub ts: Timestamp,
    /// Which header it begins with (tcpdump.org LINKTYPE registry).
    pub link_type: u16,
    /// The bytes that were kept.
    pub bytes: &'a [u8],
    /// Its length on the wire; more than `bytes.len()` where a snap length cut it.
    pub original_bytes: u32,
}

/// One IP packet of a frame, defragmented.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// When its (last) frame was captured.
    pub ts: Timestamp,
    /// The (last) frame's place in its capture, from 0.
    pub frame_index: u64,
    /// The places of the frames before it that carried its other fragments, in order; empty for a
    /// packet in one piece.
    pub earlier_frames: &'a [u64],
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Length of the IP packet with its header, as the header says; of all fragments together.
    pub ip_bytes: u32,
    /// VLAN ids, outer first; 0 for none.
    pub vlans: [u16; 2],
    /// How many tunnels were opened to reach it; 0 is the outermost packet.
    pub tunnel_depth: u8,
    /// The tunnel that carried it.
    pub tunnel: Option<Tunnel>,
    /// Whether the transport checksum was verified as wrong.
    pub bad_checksum: bool,
    /// The transport header.
    pub transport: Transport,
    /// What follows the transport header, as far as it was captured.
    pub payload: &'a [u8],
    /// Its length on the wire; more than `payload.len()` where the capture cut it.
    pub payload_bytes: u32,
}

impl Packet<'_> {
    /// The transport protocol.
    pub const fn proto(&self) -> Proto {
        match self.transport {
            Transport::Tcp(_) => Proto::Tcp,
            Transport::Udp { .. } => Proto::Udp,
            Transport::Icmp { .. } => Proto::Icmp,
            Transport::Icmp6 { .. } => Proto::Icmp6,
            Transport::Other(number) => Proto::Other(number),
        }
    }
}

/// What carried an inner packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunnel {
    /// Generic routing encapsulation (RFC 2784), with PPTP's and ERSPAN's variants.
    Gre,
    /// IP in IP, either family (RFC 2003, RFC 4213, RFC 2473).
    Ip,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// Teredo (RFC 4380).
    Teredo,
    /// GTP-U (3GPP TS 29.281).
    Gtp,
}

/// The transport header, and for ICMP what Zeek puts in the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp(Tcp),
    /// UDP (RFC 768).
    Udp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
    },
    /// ICMP (RFC 792).
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// ICMPv6 (RFC 4443).
    Icmp6 {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// Another protocol, or a header that was cut off: the IANA number.
    Other(u8),
}

/// A TCP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags: the low 8 bits, FIN first ([`Tcp::SYN`] …).
    pub flags: u8,
    /// Receive window, unscaled.
    pub window: u16,
    /// Option kinds in order, 0 for the rest, at most eight: enough for a guess of the system.
    pub options: [u8; 8],
    /// Maximum segment size offered; 0: none.
    pub mss: u16,
    /// Window scale offered; 255: none.
    pub window_scale: u8,
}

impl Tcp {
    /// No more data from the sender.
    pub const FIN: u8 = 1;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 2;
    /// Reset.
    pub const RST: u8 = 4;
    /// Push.
    pub const PSH: u8 = 8;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 16;
    /// Urgent.
    pub const URG: u8 = 32;

    /// Whether all of these flags are set.
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}
