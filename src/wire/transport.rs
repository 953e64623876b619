//! TCP, UDP and ICMP headers (RFC 9293, 768, 792, 4443).

use super::fault::Fault;
use super::ip::Ip;
use super::{Tcp, Transport, checksum};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP6: u8 = 58;

/// A transport header and what it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) transport: Transport,
    pub(super) payload: &'a [u8],
    pub(super) payload_bytes: u32,
    pub(super) fault: Option<Fault>,
}

/// Reads the header by the protocol number. One that is cut off or cannot be is `Other`, with the
/// fault beside it.
#[inline]
pub(super) fn parse<'a>(ip: &Ip<'a>) -> Segment<'a> {
    let read = match ip.proto {
        TCP => parse_tcp(ip),
        UDP => parse_udp(ip),
        ICMP | ICMP6 => parse_icmp(ip),
        _ => Ok(unread(ip, None)),
    };
    read.unwrap_or_else(|fault| unread(ip, Some(fault)))
}

fn unread<'a>(ip: &Ip<'a>, fault: Option<Fault>) -> Segment<'a> {
    // A header cut by the snap length is no fault of the packet.
    let fault = fault.filter(|_| ip.payload.len() >= ip.payload_bytes as usize);
    let Ip { proto, payload, payload_bytes, .. } = *ip;
    Segment { transport: Transport::Other(proto), payload, payload_bytes, fault }
}

#[inline]
fn parse_tcp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Fault> {
    let Some(header) = ip.payload.first_chunk::<20>() else {
        return Err(Fault::Short { what: "TCP header", needed: 20, had: ip.payload.len() });
    };
    #[rustfmt::skip]
    let [
        s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _,
    ] = *header;
    let header_bytes = usize::from(offset >> 4) * 4;
    let Some(options_bytes) = header_bytes.checked_sub(20) else {
        return Err(Fault::Wrong {
            what: "TCP header length",
            found: header_bytes as u64,
            right: "20 to 60 would be right",
        });
    };
    if header_bytes as u64 > u64::from(ip.payload_bytes) {
        let (needed, had) = (header_bytes, ip.payload.len());
        return Err(Fault::Short { what: "TCP header with options", needed, had });
    }
    let mut tcp = Tcp {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        window: u16::from_be_bytes([w0, w1]),
        window_scale: 255,
        ..Tcp::default()
    };
    // Only the handshake's options are asked for; other segments carry a time stamp at most.
    if options_bytes > 0 && tcp.flags & Tcp::SYN != 0 {
        let (_, rest) = ip.payload.split_at(20);
        read_options(&mut tcp, rest.get(..options_bytes).unwrap_or(rest));
    }
    Ok(Segment {
        transport: Transport::Tcp(tcp),
        payload: ip.payload.get(header_bytes..).unwrap_or_default(),
        payload_bytes: ip.payload_bytes.saturating_sub(u32::from(offset >> 4) * 4),
        fault: None,
    })
}

/// Kinds in order, maximum segment size and window scale. A broken option ends the list.
fn read_options(tcp: &mut Tcp, options: &[u8]) {
    let mut rest = options;
    let mut kinds = tcp.options.iter_mut();
    while let [kind, after @ ..] = rest {
        if *kind == 0 {
            break;
        }
        if let Some(slot) = kinds.next() {
            *slot = *kind;
        }
        if *kind == 1 {
            rest = after;
            continue;
        }
        let Some(option) = after.first().and_then(|&bytes| rest.get(..usize::from(bytes))) else {
            break;
        };
        match option {
            [2, _, high, low] => tcp.mss = u16::from_be_bytes([*high, *low]),
            [3, _, shift] => tcp.window_scale = *shift,
            // The length counts itself and the kind.
            [] | [_] => break,
            _ => {}
        }
        rest = rest.get(option.len()..).unwrap_or_default();
    }
}

#[inline]
fn parse_udp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Fault> {
    let Some((&[s0, s1, d0, d1, len_0, len_1, _, _], rest)) = ip.payload.split_first_chunk() else {
        return Err(Fault::Short { what: "UDP header", needed: 8, had: ip.payload.len() });
    };
    let length = u32::from(u16::from_be_bytes([len_0, len_1]));
    let (payload_bytes, fault) = match length {
        // Longer than 65,535 bytes (RFC 2675 §4), or left to the card.
        0 => (ip.payload_bytes.saturating_sub(8), None),
        1..8 => {
            let (found, right) = (u64::from(length), "8 or more would be right");
            let fault = Fault::Wrong { what: "UDP length", found, right };
            (ip.payload_bytes.saturating_sub(8), Some(fault))
        }
        _ if length > ip.payload_bytes => {
            let (needed, had) = (length as usize, ip.payload_bytes as usize);
            (length - 8, Some(Fault::Short { what: "UDP length", needed, had }))
        }
        _ => (length - 8, None),
    };
    Ok(Segment {
        transport: Transport::Udp {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
        },
        payload: rest.get(..payload_bytes as usize).unwrap_or(rest),
        payload_bytes,
        fault,
    })
}

fn parse_icmp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Fault> {
    let Some(&[kind, code, _, _]) = ip.payload.first_chunk() else {
        return Err(Fault::Short { what: "ICMP header", needed: 4, had: ip.payload.len() });
    };
    let transport = match ip.proto {
        ICMP => Transport::Icmp { kind, code },
        _ => Transport::Icmp6 { kind, code },
    };
    // Type, code, checksum and four bytes whose meaning the type gives.
    let payload = ip.payload.get(8..).unwrap_or_default();
    let payload_bytes = ip.payload_bytes.saturating_sub(8);
    Ok(Segment { transport, payload, payload_bytes, fault: None })
}

/// Whether the transport checksum of a wholly captured packet is wrong.
///
/// One that the sender left to its network card is not wrong, nor is a missing one of UDP.
#[inline]
pub(super) fn is_checksum_wrong(ip: &Ip<'_>) -> bool {
    if ip.is_rerouted || ip.payload.len() as u64 != u64::from(ip.payload_bytes) {
        return false;
    }
    let (field_at, bytes, has_pseudo) = match ip.proto {
        TCP => (16, ip.payload, true),
        UDP => {
            let Some(&[.., len_0, len_1, sum_0, sum_1]) = ip.payload.first_chunk::<8>() else {
                return false;
            };
            if [sum_0, sum_1] == [0, 0] {
                return false;
            }
            match usize::from(u16::from_be_bytes([len_0, len_1])) {
                0 => (6, ip.payload, true),
                length => match ip.payload.get(..length) {
                    Some(bytes) => (6, bytes, true),
                    None => return false,
                },
            }
        }
        ICMP => (2, ip.payload, false),
        ICMP6 => (2, ip.payload, true),
        _ => return false,
    };
    let Some(&field) = bytes.get(field_at..).and_then(<[u8]>::first_chunk) else { return false };
    let transport_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let pseudo_sum = if has_pseudo {
        checksum::pseudo_sum(ip.src, ip.dst, ip.proto, transport_bytes)
    } else {
        0
    };
    let is_left_to_card = has_pseudo && checksum::is_left_to_card(pseudo_sum, field);
    !is_left_to_card && !checksum::is_right(pseudo_sum, bytes)
}
