//! One frame as the rows a person reads: name, value, and the bytes it stands in.
//!
//! The structure is found by the decoders of this layer (links, IP with its extensions, transport,
//! tunnels), so that what is shown is what was counted; here the headers they stepped over are
//! only named, field by field. What they could not read is a row that says why. Addresses in
//! values are canonical text; every other value is ours, never the sender's text.
//!
//! Bounds: a frame has at most [`FIELDS_MAX`] rows, tunnels are opened
//! [`TUNNEL_DEPTH_MAX`] deep.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::fault::Fault;
use super::ip::{self, Ip};
use super::link::{self, Carried, What};
use super::{Frame, Transport, transport, tunnel};
use crate::model::limits::TUNNEL_DEPTH_MAX;

/// Rows of one frame: five headers of twenty fields in five tunnels stay far below.
pub const FIELDS_MAX: usize = 512;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// How deep it is indented: 0 is a header, 1 a field of it.
    pub depth: u8,
    /// `Time to live`.
    pub name: &'static str,
    /// `64`.
    pub value: String,
    /// The bytes of the frame it stands in; they lie within it.
    pub bytes: Range<usize>,
}

/// A frame, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The rows, from the first byte on.
    pub rows: Vec<Field>,
    /// What the innermost transport header carries, as bytes of the frame.
    pub payload: Range<usize>,
}

/// Takes a frame apart. Never fails: what cannot be read is said in a row.
pub fn fields(frame: &Frame<'_>) -> Fields {
    let mut rows = Rows { frame: frame.bytes, fields: Fields::default() };
    let captured = frame.bytes.len();
    let whole = match frame.original_bytes as usize {
        original if original > captured => format!("{captured} of {original} bytes captured"),
        _ => format!("{captured} bytes"),
    };
    rows.add(0, "Frame", whole, 0..captured);
    rows.add(1, "Number", (frame.index + 1).to_string(), 0..0);
    let time = frame.ts.to_string().replace('T', " ").replace('Z', "");
    rows.add(1, "Time, UTC", time, 0..0);
    rows.add(1, "Offset in file", frame.offset.to_string(), 0..0);
    rows.link(frame);
    rows.fields
}

struct Rows<'f> {
    frame: &'f [u8],
    fields: Fields,
}

impl<'f> Rows<'f> {
    fn add(&mut self, depth: u8, name: &'static str, value: String, bytes: Range<usize>) {
        let end = bytes.end.min(self.frame.len());
        let bytes = bytes.start.min(end)..end;
        if self.fields.rows.len() < FIELDS_MAX {
            self.fields.rows.push(Field { depth, name, value, bytes });
        }
    }

    /// A big-endian field of up to 8 bytes at an offset; `None`: it was cut off.
    fn number(&self, at: usize, bytes: usize) -> Option<u64> {
        let field = self.frame.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A field with its number as it is.
    fn plain(&mut self, name: &'static str, at: usize, bytes: usize) {
        if let Some(number) = self.number(at, bytes) {
            self.add(1, name, number.to_string(), at..at + bytes);
        }
    }

    /// A field in hex, as checksums and identifications are written.
    fn hex(&mut self, name: &'static str, at: usize, bytes: usize, note: &str) {
        if let Some(number) = self.number(at, bytes) {
            let width = 2 * bytes;
            let sep = if note.is_empty() { "" } else { ", " };
            self.add(1, name, format!("0x{number:0width$x}{sep}{note}"), at..at + bytes);
        }
    }

    /// Where a part of the frame begins in it.
    fn place(&self, part: &[u8]) -> usize {
        let from = part.as_ptr().addr().saturating_sub(self.frame.as_ptr().addr());
        from.min(self.frame.len())
    }

    fn fault(&mut self, what: &'static str, fault: &Fault, bytes: Range<usize>) {
        self.add(0, what, format!("not read: {}", fault.text()), bytes);
    }

    fn link(&mut self, frame: &Frame<'f>) {
        let len = self.frame.len();
        let Some(link) = link::find(frame.link_type) else {
            let value = format!("type {}, which is not read", frame.link_type);
            return self.add(0, "Link", value, 0..len);
        };
        let carried = match (link.decode)(self.frame) {
            Ok(carried) => carried,
            Err(fault) => return self.fault(link.name, &fault, 0..len),
        };
        let end = self.place(carried.bytes);
        match frame.link_type {
            1 => self.ethernet(end),
            _ if end > 0 => self.add(0, link.name, format!("{end} bytes"), 0..end),
            _ => {}
        }
        let captured = u32::try_from(len).unwrap_or(u32::MAX);
        let missing_bytes = frame.original_bytes.saturating_sub(captured);
        self.carried(&carried, missing_bytes, 0);
    }

    fn ethernet(&mut self, end: usize) {
        let mac = |rows: &Self, at: usize| {
            let bytes = rows.frame.get(at..at + 6).unwrap_or_default();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
        };
        let (to, from) = (mac(self, 0), mac(self, 6));
        self.add(0, "Ethernet", format!("{from} → {to}"), 0..end);
        self.add(1, "Destination", to, 0..6);
        self.add(1, "Source", from, 6..12);
        let mut at = 12;
        // Tags follow each other: type, then id and priority, then the next type.
        while let Some(kind) = self.number(at, 2) {
            let name = if kind <= 1_500 { "Length" } else { "Type" };
            self.add(1, name, ether_type(kind), at..at + 2);
            at += 2;
            let is_tag = matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200);
            let Some(tag) = self.number(at, 2).filter(|_| is_tag && at + 4 <= end) else { break };
            let value = format!("id {}, priority {}", tag & 0x0fff, tag >> 13);
            self.add(1, "VLAN", value, at..at + 2);
            at += 2;
        }
        if at < end {
            self.add(1, "Tags and labels", format!("{} bytes", end - at), at..end);
        }
    }

    fn carried(&mut self, carried: &Carried<'f>, missing_bytes: u32, depth: u8) {
        let from = self.place(carried.bytes);
        let all = from..from + carried.bytes.len();
        match carried.what {
            What::Ip => self.ip(carried.bytes, missing_bytes, depth),
            What::Arp => self.arp(from),
            What::Other => {
                self.add(0, "Data", format!("{} bytes that are no IP", all.len()), all);
            }
        }
    }

    /// Address resolution of IPv4 over Ethernet (RFC 826).
    fn arp(&mut self, at: usize) {
        let operation = match self.number(at + 6, 2) {
            Some(1) => "who has it?",
            Some(2) => "it is at",
            Some(3 | 4) => "reverse",
            Some(_) => "other",
            None => "cut off",
        };
        self.add(0, "ARP", operation.to_owned(), at..at + 28);
        self.plain("Hardware type", at, 2);
        self.hex("Protocol type", at + 2, 2, "");
        self.plain("Operation", at + 6, 2);
        if self.number(at + 4, 2) != Some(0x0604) {
            return;
        }
        for (mac, addr, from) in [
            ("Sender hardware", "Sender address", at + 8),
            ("Target hardware", "Target address", at + 18),
        ] {
            if let Some(bytes) = self.frame.get(from..from + 6) {
                let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                self.add(1, mac, text.join(":"), from..from + 6);
            }
            if let Some(octets) = self.frame.get(from + 6..).and_then(<[u8]>::first_chunk::<4>) {
                let text = Ipv4Addr::from(*octets).to_string();
                self.add(1, addr, text, from + 6..from + 10);
            }
        }
    }

    fn ip(&mut self, bytes: &'f [u8], missing_bytes: u32, depth: u8) {
        let from = self.place(bytes);
        let ip = match ip::parse(bytes, missing_bytes) {
            Ok(ip) => ip,
            Err(fault) => return self.fault("IP", &fault, from..from + bytes.len()),
        };
        let end = self.place(ip.payload);
        let sides = format!("{} → {}", ip.src, ip.dst);
        match bytes.first().map(|byte| byte >> 4) {
            Some(4) => {
                self.add(0, "IPv4", sides, from..end);
                self.ipv4(from, end, if ip.bad_checksum { "wrong" } else { "" });
            }
            _ => {
                self.add(0, "IPv6", sides, from..end);
                self.ipv6(from, end);
            }
        }
        if let Some(fault) = &ip.fault {
            self.add(1, "Problem", fault.text(), from..end);
        }
        let payload = end..end + ip.payload.len();
        if let Some(fragment) = ip.fragment {
            let last = if fragment.is_last { ", the last one" } else { "" };
            let value = format!("bytes from {}{last}", fragment.offset);
            return self.add(0, "Fragment", value, payload);
        }
        self.transport(&ip, missing_bytes, depth);
    }

    fn ipv4(&mut self, at: usize, end: usize, sum: &str) {
        let header_bytes = self.number(at, 1).map_or(20, |byte| (byte & 15) as usize * 4);
        self.add(1, "Header length", format!("{header_bytes} bytes"), at..at + 1);
        self.service(at + 1, self.number(at + 1, 1));
        self.plain("Total length", at + 2, 2);
        self.hex("Identification", at + 4, 2, "");
        if let Some(flags) = self.number(at + 6, 2) {
            let mut words = Vec::new();
            words.extend((flags & 0x4000 != 0).then_some("do not fragment"));
            words.extend((flags & 0x2000 != 0).then_some("more fragments"));
            let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
            self.add(1, "Flags", words, at + 6..at + 7);
            let offset = (flags & 0x1fff) * 8;
            self.add(1, "Fragment offset", offset.to_string(), at + 6..at + 8);
        }
        self.plain("Time to live", at + 8, 1);
        self.protocol("Protocol", at + 9);
        self.hex("Header checksum", at + 10, 2, sum);
        for (name, from) in [("Source", at + 12), ("Destination", at + 16)] {
            if let Some(octets) = self.frame.get(from..).and_then(<[u8]>::first_chunk::<4>) {
                self.add(1, name, Ipv4Addr::from(*octets).to_string(), from..from + 4);
            }
        }
        self.rest("Options", at + 20, (at + header_bytes).min(end));
        self.rest("Authentication header", at + header_bytes, end);
    }

    fn ipv6(&mut self, at: usize, end: usize) {
        let words = self.number(at, 4);
        self.service(at, words.map(|words| words >> 20 & 0xff));
        if let Some(words) = words {
            self.add(1, "Flow label", format!("0x{:05x}", words & 0xf_ffff), at + 1..at + 4);
        }
        self.plain("Payload length", at + 4, 2);
        self.protocol("Next header", at + 6);
        self.plain("Hop limit", at + 7, 1);
        for (name, from) in [("Source", at + 8), ("Destination", at + 24)] {
            if let Some(octets) = self.frame.get(from..).and_then(<[u8]>::first_chunk::<16>) {
                self.add(1, name, Ipv6Addr::from(*octets).to_string(), from..from + 16);
            }
        }
        self.rest("Extension headers", at + 40, end);
    }

    /// Differentiated services and congestion notification (RFC 2474, RFC 3168).
    fn service(&mut self, at: usize, byte: Option<u64>) {
        if let Some(byte) = byte {
            self.add(1, "Service", format!("DSCP {}, ECN {}", byte >> 2, byte & 3), at..at + 1);
        }
    }

    fn protocol(&mut self, name: &'static str, at: usize) {
        if let Some(number) = self.number(at, 1) {
            let word = ip_protocol(number);
            let text =
                if word.is_empty() { number.to_string() } else { format!("{number} {word}") };
            self.add(1, name, text, at..at + 1);
        }
    }

    fn rest(&mut self, name: &'static str, from: usize, to: usize) {
        if from < to {
            self.add(1, name, format!("{} bytes", to - from), from..to);
        }
    }

    fn transport(&mut self, ip: &Ip<'f>, missing_bytes: u32, depth: u8) {
        let segment = transport::parse(ip);
        let (from, end) = (self.place(ip.payload), self.place(segment.payload));
        let sum = if transport::is_checksum_wrong(ip) { "wrong" } else { "" };
        match segment.transport {
            Transport::Tcp(tcp) => {
                let ports = format!("{} → {}", tcp.src_port, tcp.dst_port);
                self.add(0, "TCP", format!("{ports} {}", flag_words(tcp.flags)), from..end);
                self.tcp(from, end, tcp.flags, sum);
            }
            Transport::Udp { src_port, dst_port } => {
                self.add(0, "UDP", format!("{src_port} → {dst_port}"), from..from + 8);
                self.plain("Source port", from, 2);
                self.plain("Destination port", from + 2, 2);
                self.plain("Length", from + 4, 2);
                self.hex("Checksum", from + 6, 2, sum);
            }
            Transport::Icmp { kind, code } => self.icmp("ICMP", from, icmp_word(kind), code, sum),
            Transport::Icmp6 { kind, code } => {
                self.icmp("ICMPv6", from, icmp6_word(kind), code, sum);
            }
            Transport::Other(number) => {
                let value = match segment.fault {
                    Some(fault) => format!("not read: {}", fault.text()),
                    None => format!("{number} {}", ip_protocol(u64::from(number))),
                };
                self.add(0, "Protocol", value.trim_end().to_owned(), from..end);
            }
        }
        let payload = end..end + segment.payload.len();
        self.fields.payload = payload.clone();
        let on_wire = segment.payload_bytes as usize;
        if !payload.is_empty() || on_wire > 0 {
            let value = match payload.len() {
                captured if captured < on_wire => format!("{captured} of {on_wire} bytes captured"),
                captured => format!("{captured} bytes"),
            };
            self.add(0, "Payload", value, payload.clone());
        }
        match tunnel::open(&segment.transport, segment.payload) {
            Ok(Some((tunnel, carried))) if depth < TUNNEL_DEPTH_MAX => {
                let inner = self.place(carried.bytes);
                self.add(0, "Tunnel", format!("{tunnel:?}"), payload.start..inner);
                self.carried(&carried, missing_bytes, depth + 1);
            }
            Ok(Some(_)) => {
                self.add(0, "Tunnel", "too many within each other".to_owned(), payload);
            }
            Ok(None) => {}
            Err(fault) => self.fault("Tunnel", &fault, payload),
        }
    }

    fn tcp(&mut self, at: usize, end: usize, flags: u8, sum: &str) {
        self.plain("Source port", at, 2);
        self.plain("Destination port", at + 2, 2);
        self.plain("Sequence number", at + 4, 4);
        self.plain("Acknowledgement number", at + 8, 4);
        if let Some(byte) = self.number(at + 12, 1) {
            self.add(1, "Header length", format!("{} bytes", (byte >> 4) * 4), at + 12..at + 13);
        }
        self.add(1, "Flags", flag_words(flags), at + 13..at + 14);
        self.plain("Window", at + 14, 2);
        self.hex("Checksum", at + 16, 2, sum);
        self.plain("Urgent pointer", at + 18, 2);
        let mut option = at + 20;
        while let Some(kind) = self.number(option, 1).filter(|_| option < end) {
            // Kinds 0 and 1 are a byte alone; a length counts itself and the kind.
            let bytes = match kind {
                0 | 1 => 1,
                _ => self.frame.get(option + 1).copied().map_or(0, usize::from),
            };
            if bytes == 0 || (bytes == 1 && kind > 1) || option + bytes > end {
                return self.rest("Broken option", option, end);
            }
            self.tcp_option(kind, option, bytes);
            if kind == 0 {
                return self.rest("Padding", option + 1, end);
            }
            option += bytes;
        }
    }

    fn tcp_option(&mut self, kind: u64, at: usize, bytes: usize) {
        let number = |rows: &Self, from: usize, bytes: usize| rows.number(at + from, bytes);
        let value = match (kind, bytes) {
            (0, _) => "end".to_owned(),
            (1, _) => "no operation".to_owned(),
            (2, 4) => format!("maximum segment size {}", number(self, 2, 2).unwrap_or(0)),
            (3, 3) => format!("window scale {}", number(self, 2, 1).unwrap_or(0)),
            (4, 2) => "selective acknowledgement permitted".to_owned(),
            (5, _) => "selective acknowledgement".to_owned(),
            (8, 10) => {
                let (value, echo) = (number(self, 2, 4), number(self, 6, 4));
                format!("time stamp {}, echo {}", value.unwrap_or(0), echo.unwrap_or(0))
            }
            (34, _) => "fast open cookie".to_owned(),
            _ => format!("kind {kind}, {bytes} bytes"),
        };
        self.add(1, "Option", value, at..at + bytes);
    }

    fn icmp(&mut self, name: &'static str, at: usize, word: &str, code: u8, sum: &str) {
        let kind = self.number(at, 1).unwrap_or(0);
        self.add(0, name, format!("{word} (type {kind}, code {code})"), at..at + 8);
        self.add(1, "Type", format!("{kind} {word}").trim_end().to_owned(), at..at + 1);
        self.plain("Code", at + 1, 1);
        self.hex("Checksum", at + 2, 2, sum);
        self.hex("Rest of the header", at + 4, 4, "");
    }
}

/// `SYN ACK`; `none`.
pub fn flag_words(flags: u8) -> String {
    const WORDS: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = WORDS.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    let words: Vec<&str> = set.map(|(_, word)| *word).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

fn ether_type(kind: u64) -> String {
    let word = match kind {
        0..=1_500 => return format!("{kind} bytes, an 802.2 frame"),
        0x0800 => "IPv4",
        0x86dd => "IPv6",
        0x0806 => "ARP",
        0x8035 => "reverse ARP",
        0x8100 => "VLAN tag",
        0x88a8 | 0x9100 | 0x9200 => "provider VLAN tag",
        0x8847 | 0x8848 => "MPLS",
        0x8863 | 0x8864 => "PPPoE",
        0x88cc => "LLDP",
        _ => "not named here",
    };
    format!("0x{kind:04x} {word}")
}

/// Protocols by number (IANA) that an analyst meets; empty: another one.
const fn ip_protocol(number: u64) -> &'static str {
    match number {
        0 => "hop-by-hop options",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPv4 in IP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6 in IP",
        43 => "routing header",
        44 => "fragment header",
        47 => "GRE",
        50 => "ESP",
        51 => "authentication header",
        58 => "ICMPv6",
        59 => "nothing follows",
        60 => "destination options",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        _ => "",
    }
}

/// RFC 792.
pub const fn icmp_word(kind: u8) -> &'static str {
    match kind {
        0 => "echo reply",
        3 => "destination unreachable",
        5 => "redirect",
        8 => "echo request",
        9 => "router advertisement",
        10 => "router solicitation",
        11 => "time exceeded",
        12 => "parameter problem",
        13 => "timestamp request",
        14 => "timestamp reply",
        _ => "other",
    }
}

/// RFC 4443, RFC 4861.
pub const fn icmp6_word(kind: u8) -> &'static str {
    match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbour solicitation",
        136 => "neighbour advertisement",
        137 => "redirect",
        143 => "multicast listener report",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    /// `name: value [from..to]` of each row but the frame's own.
    fn shown(link_type: u16, bytes: &[u8]) -> Vec<String> {
        let frame = Frame {
            index: 6,
            offset: 24,
            ts: Timestamp::default(),
            link_type,
            bytes,
            original_bytes: u32::try_from(bytes.len()).unwrap(),
        };
        let rows = fields(&frame).rows;
        let row = |field: &Field| {
            let (from, to) = (field.bytes.start, field.bytes.end);
            format!("{}: {} [{from}..{to}]", field.name, field.value)
        };
        rows.iter().skip(4).map(row).collect()
    }

    fn bytes(name: &str) -> &'static [u8] {
        match name {
            "http-vlan" => include_bytes!("../../tests/fuzz/packet_fields/http-vlan"),
            "arp" => include_bytes!("../../tests/fuzz/packet_fields/arp"),
            "vxlan" => include_bytes!("../../tests/fuzz/packet_fields/vxlan"),
            "ipv6" => include_bytes!("../../tests/fuzz/packet_fields/ipv6"),
            "icmp" => include_bytes!("../../tests/fuzz/packet_fields/icmp"),
            _ => include_bytes!("../../tests/fuzz/packet_fields/fragment"),
        }
    }

    fn check(name: &str, expected: &[&str]) {
        // Seeds begin with the link type, Ethernet.
        let shown = shown(1, &bytes(name)[2..]);
        for line in expected {
            assert!(shown.iter().any(|row| row == line), "{name}: no {line:?} in {shown:#?}");
        }
    }

    #[test]
    fn every_field_stands_at_its_bytes() {
        check(
            "http-vlan",
            &[
                "Ethernet: 02:00:00:00:00:02 → 02:00:00:00:00:01 [0..18]",
                "VLAN: id 5, priority 1 [14..16]",
                "Type: 0x0800 IPv4 [16..18]",
                "IPv4: 192.0.2.7 → 198.51.100.9 [18..38]",
                "Flags: do not fragment [24..25]",
                "Time to live: 64 [26..27]",
                "Protocol: 6 TCP [27..28]",
                "Source: 192.0.2.7 [30..34]",
                "TCP: 40000 → 80 PSH ACK [38..78]",
                "Sequence number: 1000 [42..46]",
                "Option: maximum segment size 1460 [58..62]",
                "Option: time stamp 1, echo 0 [64..74]",
                "Option: window scale 7 [75..78]",
                "Payload: 42 bytes [78..120]",
            ],
        );
        check("arp", &["ARP: who has it? [14..42]", "Sender address: 192.0.2.7 [28..32]"]);
        check("icmp", &["ICMP: echo request (type 8, code 0) [34..42]"]);
        check("ipv6", &["IPv6: 2001:db8::7 → 2001:db8::9 [14..54]", "Hop limit: 64 [21..22]"]);
        check("fragment", &["Fragment: bytes from 0 [34..75]"]);
        check("vxlan", &["Tunnel: Vxlan [42..64]", "UDP: 40000 → 53 [84..92]"]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(shown(147, b"x"), ["Link: type 147, which is not read [0..1]"]);
        let cut = shown(1, &bytes("icmp")[2..20]);
        assert!(cut.last().unwrap().starts_with("IP: not read: "), "{cut:?}");
    }
}
