//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, up to the transport protocol.
//!
//! Lengths come from the header; where a capture was cut, the bytes that are there are kept and the
//! true length is told beside them. A total length of 0 is what network cards are handed that cut
//! segments themselves (TSO): the frame's own length stands in. A checksum of 0 in an IPv4 header
//! is left to the card in the same way and is not taken for wrong.

use crate::model::{Addr, Family};

use super::checksum;
use super::fault::Fault;

/// Extension headers of one IPv6 packet. RFC 8200 §4.1 recommends at most seven.
const EXTENSIONS_MAX: usize = 16;

/// An IP packet, or one fragment of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) ttl: u8,
    /// The protocol of `payload`.
    pub(super) proto: u8,
    /// Header and payload on the wire.
    pub(super) ip_bytes: u32,
    /// What was captured behind all IP headers.
    pub(super) payload: &'a [u8],
    /// Its length on the wire.
    pub(super) payload_bytes: u32,
    pub(super) fragment: Option<Fragment>,
    pub(super) bad_checksum: bool,
    /// Whether an option changes the addresses that checksums are made of.
    pub(super) is_rerouted: bool,
    /// What is wrong but costs nothing more than itself.
    pub(super) fault: Option<Fault>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) id: u32,
    pub(super) offset: u32,
    pub(super) is_last: bool,
}

/// Reads either version. `missing_bytes`: what the capture cut from the end of the frame.
#[inline]
pub(super) fn parse(bytes: &[u8], missing_bytes: u32) -> Result<Ip<'_>, Fault> {
    match bytes.first().map(|byte| byte >> 4) {
        Some(4) => parse_v4(bytes, missing_bytes),
        Some(6) => parse_v6(bytes, missing_bytes),
        Some(version) => Err(Fault::Wrong {
            what: "IP version",
            found: u64::from(version),
            right: "4 or 6 would be right",
        }),
        None => Err(Fault::Short { what: "IP header", needed: 20, had: 0 }),
    }
}

fn parse_v4(bytes: &[u8], missing_bytes: u32) -> Result<Ip<'_>, Fault> {
    let Some(header) = bytes.first_chunk::<20>() else {
        return Err(Fault::Short { what: "IPv4 header", needed: 20, had: bytes.len() });
    };
    #[rustfmt::skip]
    let [
        version, _, len_0, len_1, id_0, id_1, flags, offset, ttl, proto, sum_0, sum_1,
        s0, s1, s2, s3, d0, d1, d2, d3,
    ] = *header;
    let header_bytes = usize::from(version & 0x0f) * 4;
    if header_bytes < 20 {
        return Err(Fault::Wrong {
            what: "IPv4 header length",
            found: header_bytes as u64,
            right: "20 to 60 would be right",
        });
    }
    let Some((full_header, rest)) = bytes.split_at_checked(header_bytes) else {
        let (needed, had) = (header_bytes, bytes.len());
        return Err(Fault::Short { what: "IPv4 header with options", needed, had });
    };
    let total_bytes = usize::from(u16::from_be_bytes([len_0, len_1]));
    let there = Extent { what: "IPv4 total length", rest, header_bytes, missing_bytes };
    let (payload, payload_bytes, fault) = there.payload(total_bytes)?;
    let flags_offset = u16::from_be_bytes([flags, offset]);
    let is_fragment = flags_offset & 0x3fff != 0;
    let mut ip = Ip {
        src: Addr::from_v4_octets([s0, s1, s2, s3]),
        dst: Addr::from_v4_octets([d0, d1, d2, d3]),
        ttl,
        proto,
        ip_bytes: payload_bytes.saturating_add(u32::from(version & 0x0f) * 4),
        payload,
        payload_bytes,
        fragment: is_fragment.then(|| Fragment {
            id: u32::from(u16::from_be_bytes([id_0, id_1])),
            offset: u32::from(flags_offset & 0x1fff) * 8,
            is_last: flags_offset & 0x2000 == 0,
        }),
        bad_checksum: [sum_0, sum_1] != [0, 0] && !checksum::is_right(0, full_header),
        is_rerouted: false,
        fault,
    };
    if proto == AUTHENTICATION && !is_fragment {
        ip.step_over_extensions();
    }
    Ok(ip)
}

/// What is there of a packet behind its fixed header.
struct Extent<'a> {
    /// The field that gives the length.
    what: &'static str,
    rest: &'a [u8],
    header_bytes: usize,
    missing_bytes: u32,
}

impl<'a> Extent<'a> {
    /// The payload of a packet of `total_bytes`: captured bytes, length on the wire, what is wrong.
    #[inline]
    fn payload(&self, total_bytes: usize) -> Result<(&'a [u8], u32, Option<Fault>), Fault> {
        let on_wire = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        if total_bytes == 0 {
            let bytes = on_wire(self.rest.len()).saturating_add(self.missing_bytes);
            return Ok((self.rest, bytes, None));
        }
        let Some(payload_bytes) = total_bytes.checked_sub(self.header_bytes) else {
            return Err(Fault::Wrong {
                what: self.what,
                found: total_bytes as u64,
                right: "less than the header itself",
            });
        };
        if let Some(payload) = self.rest.get(..payload_bytes) {
            return Ok((payload, on_wire(payload_bytes), None));
        }
        // A capture that was cut is no fault; a frame too short for its packet is one.
        let is_cut = payload_bytes as u64 <= self.rest.len() as u64 + u64::from(self.missing_bytes);
        let (needed, had) = (total_bytes, self.header_bytes + self.rest.len());
        let fault = (!is_cut).then_some(Fault::Short { what: self.what, needed, had });
        Ok((self.rest, on_wire(payload_bytes), fault))
    }
}

fn parse_v6(bytes: &[u8], missing_bytes: u32) -> Result<Ip<'_>, Fault> {
    let Some((header, rest)) = bytes.split_first_chunk::<40>() else {
        return Err(Fault::Short { what: "IPv6 header", needed: 40, had: bytes.len() });
    };
    let [_, _, _, _, len_0, len_1, next, ttl, ..] = *header;
    let (_, addrs) = header.split_at(8);
    let (src, dst) = addrs.split_at(16);
    let octets = |bytes: &[u8]| bytes.first_chunk::<16>().copied().unwrap_or_default();
    // A length of 0 is either a jumbogram's, whose option says no more than the frame does, or
    // segmentation left to the card: in both the frame's length stands in.
    let length = usize::from(u16::from_be_bytes([len_0, len_1]));
    let total_bytes = if length == 0 && next != NO_NEXT { 0 } else { length + 40 };
    let there = Extent { what: "IPv6 payload length", rest, header_bytes: 40, missing_bytes };
    let (payload, payload_bytes, fault) = there.payload(total_bytes)?;
    let mut ip = Ip {
        src: Addr::from_v6_octets(octets(src)),
        dst: Addr::from_v6_octets(octets(dst)),
        ttl,
        proto: next,
        ip_bytes: payload_bytes.saturating_add(40),
        payload,
        payload_bytes,
        fragment: None,
        bad_checksum: false,
        is_rerouted: false,
        fault,
    };
    if matches!(next, 6 | 17 | 58) {
        return Ok(ip);
    }
    ip.step_over_extensions();
    Ok(ip)
}

const TOO_MANY: Fault = Fault::Note(
    "more than 16 extension headers in an IPv6 packet; what is behind them is not read",
);

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT: u8 = 59;
const DESTINATION: u8 = 60;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

impl Ip<'_> {
    /// Steps over IPv6 extension headers; over authentication headers in IPv4 as well.
    ///
    /// It stops at the transport protocol, at a fragment that is not whole (whose rest is not a
    /// header), or where bytes are missing: `proto` is then the number of the header that could not
    /// be read.
    pub(super) fn step_over_extensions(&mut self) {
        if self.src.family() == Family::V4 && self.proto != AUTHENTICATION {
            return;
        }
        for count in 0.. {
            let Some(&[next, length, f0, f1, i0, i1, i2, i3]) = self.payload.first_chunk() else {
                let is_extension = matches!(
                    self.proto,
                    HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | HIP | SHIM6
                );
                if is_extension && self.payload_bytes as usize <= self.payload.len() {
                    let (needed, had) = (8, self.payload.len());
                    self.fault.get_or_insert(Fault::Short {
                        what: "IPv6 extension header",
                        needed,
                        had,
                    });
                }
                return;
            };
            let header_bytes = match self.proto {
                HOP_BY_HOP | ROUTING | DESTINATION | HIP | SHIM6 => (usize::from(length) + 1) * 8,
                AUTHENTICATION => (usize::from(length) + 2) * 4,
                FRAGMENT => {
                    let offset_flags = u16::from_be_bytes([f0, f1]);
                    // Offset 0 and no more to come: an atomic fragment is whole (RFC 6946).
                    if offset_flags & 0xfff9 != 0 {
                        self.fragment = Some(Fragment {
                            id: u32::from_be_bytes([i0, i1, i2, i3]),
                            offset: u32::from(offset_flags & 0xfff8),
                            is_last: offset_flags & 1 == 0,
                        });
                    }
                    8
                }
                _ => return,
            };
            if count == EXTENSIONS_MAX {
                self.fault.get_or_insert(TOO_MANY);
                return;
            }
            let Some(rest) = self.payload.get(header_bytes..) else {
                if self.payload_bytes as usize <= self.payload.len() {
                    let (needed, had) = (header_bytes, self.payload.len());
                    let what = "IPv6 extension header";
                    self.fault.get_or_insert(Fault::Short { what, needed, had });
                }
                return;
            };
            // Routes, and home addresses of mobile hosts (RFC 6275 §11.3.1).
            self.is_rerouted |= matches!(self.proto, ROUTING | DESTINATION);
            self.proto = next;
            self.payload = rest;
            self.payload_bytes =
                self.payload_bytes.saturating_sub(u32::try_from(header_bytes).unwrap_or(u32::MAX));
            if self.fragment.is_some() {
                return;
            }
        }
    }
}
