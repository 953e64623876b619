//! Protocols that are recognised and not read: their first bytes give them a name.
//!
//! **To add one**: one constant with its signature here, one line in `PROTOCOLS`.

use super::read::{Reader, after_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::Side;

/// A protocol of which only the name matters.
pub(super) struct Known {
    about: &'static About,
    carrier: Carrier,
    /// Who says what only this protocol says; `None`: it is another.
    test: fn(&[u8], &Opening<'_>) -> Option<Speaker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// Datagrams: sure at once.
    Datagram,
    /// A stream: sure once the other side has spoken too.
    Stream,
}

#[derive(Clone, Copy)]
enum Speaker {
    Client,
    Server,
}

use Speaker::{Client, Server};

impl Protocol for Known {
    fn about(&self) -> &'static About {
        self.about
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram != (self.carrier == Carrier::Datagram) {
            return Guess::No;
        }
        let sides = [opening.first, opening.first.other()];
        Guess::from_client(sides.into_iter().find_map(|side| {
            Some(match (self.test)(opening.heads[side], opening)? {
                Client => side,
                Server => side.other(),
            })
        }))
    }

    fn start(&self, _client: Side) -> Box<dyn Parse> {
        let is_datagram = self.carrier == Carrier::Datagram;
        Box::new(Waiting { service: self.about.service, is_sure: is_datagram, first: None })
    }
}

struct Waiting {
    service: &'static str,
    is_sure: bool,
    first: Option<Side>,
}

impl Parse for Waiting {
    fn bytes(&mut self, side: Side, _bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        if self.is_sure || *self.first.get_or_insert(side) != side {
            out.confirm(self.service);
            return Next::Done;
        }
        Next::More
    }

    fn gap(&mut self, _side: Side, _bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        Next::More
    }
}

const fn about(service: &'static str, reads: &'static str, source: &'static str) -> About {
    About { service, reads, misses: "everything but the name", source }
}

/// Network time.
pub(super) const NTP: Known = Known {
    about: &about("ntp", "that a clock is asked", "RFC 5905"),
    carrier: Carrier::Datagram,
    test: |head, opening| {
        let first = *head.first()?;
        let (version, mode) = (first >> 3 & 0x07, first & 0x07);
        // Modes 6 and 7 are control messages of any length, the rest has 48 bytes and extensions.
        let is_ntp = opening.has_port(123)
            && (1..=4).contains(&version)
            && (matches!(mode, 1..=5) && head.len() >= 48
                || matches!(mode, 6 | 7) && head.len() >= 8);
        is_ntp.then_some(if matches!(mode, 2 | 4) { Server } else { Client })
    },
};

fn is_sip(head: &[u8]) -> Option<Speaker> {
    if head.starts_with(b"SIP/2.0 ") {
        return Some(Server);
    }
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let is_request = line.ends_with(b" SIP/2.0") && line.first()?.is_ascii_uppercase();
    is_request.then_some(Client)
}

/// Telephony signalling over UDP.
pub(super) const SIP: Known = Known {
    about: &about("sip", "that calls are set up", "RFC 3261"),
    carrier: Carrier::Datagram,
    test: |head, _| is_sip(head),
};

/// Telephony signalling over TCP.
pub(super) const SIP_TCP: Known = Known {
    about: &about("sip", "that calls are set up", "RFC 3261"),
    carrier: Carrier::Stream,
    test: |head, _| is_sip(head),
};

/// A message of Kerberos: its application tag, a length that fits, version 5.
fn is_kerberos(message: &[u8]) -> Option<Speaker> {
    let mut rest = Reader(message);
    let tag = rest.u8()?;
    let length = match rest.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(rest.u8()?),
        0x82 => usize::from(rest.u16()?),
        _ => return None,
    };
    let is_fit = length >= rest.0.len().min(64) && rest.u8()? == 0x30;
    let has_version = rest.0.windows(5).take(8).any(|w| matches!(w, [0xa0 | 0xa1, 3, 2, 1, 5]));
    match tag {
        _ if !is_fit || !has_version => None,
        0x6a | 0x6c | 0x6e => Some(Client),
        0x6b | 0x6d | 0x6f | 0x7e => Some(Server),
        _ => None,
    }
}

/// Kerberos over UDP.
pub(super) const KRB: Known = Known {
    about: &about("krb", "that tickets are asked for", "RFC 4120"),
    carrier: Carrier::Datagram,
    test: |head, _| is_kerberos(head),
};

/// Kerberos over TCP: each message after its length.
pub(super) const KRB_TCP: Known = Known {
    about: &about("krb_tcp", "that tickets are asked for", "RFC 4120 §7.2.2"),
    carrier: Carrier::Stream,
    test: |head, _| is_kerberos(head.strip_prefix(&[0, 0])?.get(2..)?),
};

/// Remote framebuffer, VNC.
pub(super) const RFB: Known = Known {
    about: &about("rfb", "that a screen is shared", "RFC 6143"),
    carrier: Carrier::Stream,
    test: |head, opening| {
        let is_version = head.starts_with(b"RFB 00") && head.get(11) == Some(&b'\n');
        // Both sides say the same; the server says it first.
        let is_first = std::ptr::eq(opening.heads[opening.first].as_ptr(), head.as_ptr());
        is_version.then_some(if is_first { Server } else { Client })
    },
};

/// MQTT.
pub(super) const MQTT: Known = Known {
    about: &about("mqtt", "that messages are published", "OASIS MQTT 3.1.1 and 5.0"),
    carrier: Carrier::Stream,
    test: |head, _| {
        let rest = head.strip_prefix(&[0x10])?;
        // A length of one to four bytes, then the name of the protocol.
        let names: [&[u8]; 2] = [b"\0\x04MQTT", b"\0\x06MQIsdp"];
        let is_connect = (1..=4).any(|digits| {
            rest.get(digits..).is_some_and(|rest| names.iter().any(|name| rest.starts_with(name)))
        });
        is_connect.then_some(Client)
    },
};

/// System log messages over UDP.
pub(super) const SYSLOG: Known = Known {
    about: &about("syslog", "that log lines are sent", "RFC 3164, RFC 5424"),
    carrier: Carrier::Datagram,
    test: |head, opening| {
        let rest = head.strip_prefix(b"<")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_line = (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>');
        (is_line || opening.has_port(514) && head.first()?.is_ascii_graphic()).then_some(Client)
    },
};

/// Modbus over TCP.
pub(super) const MODBUS: Known = Known {
    about: &about("modbus", "that controllers are read or written", "Modbus over TCP/IP 1.0b"),
    carrier: Carrier::Stream,
    test: |head, opening| {
        let mut rest = Reader(head);
        rest.u16()?;
        let is_header = rest.u16()? == 0 && (2..=254).contains(&rest.u16()?);
        let side = if opening.ports[opening.first] == 502 { Server } else { Client };
        (is_header && opening.has_port(502)).then_some(side)
    },
};

/// DCE/RPC over TCP.
pub(super) const DCE_RPC: Known = Known {
    about: &about("dce_rpc", "that remote procedures are called", "C706, MS-RPCE"),
    carrier: Carrier::Stream,
    test: |head, _| match head {
        // Version 5.0, a bind or its answer, data representation 0x10 0 0 0.
        [5, 0, 11, _, 0x10, 0, 0, 0, ..] => Some(Client),
        [5, 0, 12 | 13, _, 0x10, 0, 0, 0, ..] => Some(Server),
        _ => None,
    },
};

/// DNP3 over TCP.
pub(super) const DNP3_TCP: Known = Known {
    about: &about("dnp3_tcp", "that controllers are read or written", "IEEE 1815"),
    carrier: Carrier::Stream,
    test: |head, opening| match head {
        [0x05, 0x64, length, control, ..] if *length >= 5 && opening.has_port(20_000) => {
            Some(if control & 0x80 != 0 { Client } else { Server })
        }
        _ => None,
    },
};

/// RADIUS.
pub(super) const RADIUS: Known = Known {
    about: &about("radius", "that logins are checked", "RFC 2865"),
    carrier: Carrier::Datagram,
    test: |head, opening| {
        let mut rest = Reader(head);
        let kind = rest.u8()?;
        rest.u8()?;
        let length = usize::from(rest.u16()?);
        let is_port = [1812, 1813, 1645, 1646].iter().any(|&port| opening.has_port(port));
        match kind {
            _ if !is_port || length < 20 || length > head.len() => None,
            1 | 4 | 12 => Some(Client),
            2 | 3 | 5 | 11 | 13 => Some(Server),
            _ => None,
        }
    },
};

/// Teredo: IPv6 in UDP.
pub(super) const TEREDO: Known = Known {
    about: &about("teredo", "that IPv6 is carried in UDP", "RFC 4380"),
    carrier: Carrier::Datagram,
    test: |head, _| {
        let mut rest = Reader(head);
        // Authentication, then origin, both optional.
        if rest.0.starts_with(&[0, 1]) {
            rest.take(2)?;
            let (id, value) = (rest.u8()?, rest.u8()?);
            rest.take(usize::from(id) + usize::from(value) + 9)?;
        }
        if rest.0.starts_with(&[0, 0]) {
            rest.take(8)?;
        }
        let is_inner = rest.0.first()? >> 4 == 6;
        let payload = rest.0.get(4..6).and_then(<[u8]>::first_chunk::<2>)?;
        let is_whole = rest.0.len() >= 40 + usize::from(u16::from_be_bytes(*payload));
        (is_inner && is_whole).then_some(Client)
    },
};

/// Mobile tunnels.
pub(super) const GTPV1: Known = Known {
    about: &about("gtpv1", "that IP is carried for mobile phones", "3GPP TS 29.281, TS 29.060"),
    carrier: Carrier::Datagram,
    test: |head, opening| {
        let mut rest = Reader(head);
        let flags = rest.u8()?;
        rest.u8()?;
        let length = usize::from(rest.u16()?);
        let is_gtp = flags >> 5 == 1 && flags & 0x10 != 0 && length + 8 == head.len();
        (is_gtp && (opening.has_port(2152) || opening.has_port(2123))).then_some(Client)
    },
};

/// VXLAN.
pub(super) const VXLAN: Known = Known {
    about: &about("vxlan", "that Ethernet is carried in UDP", "RFC 7348"),
    carrier: Carrier::Datagram,
    test: |head, opening| match head {
        [0x08, 0, 0, 0, _, _, _, 0, ..] if opening.has_port(4789) => Some(Client),
        _ => None,
    },
};

/// Geneve.
pub(super) const GENEVE: Known = Known {
    about: &about("geneve", "that Ethernet or IP is carried in UDP", "RFC 8926"),
    carrier: Carrier::Datagram,
    test: |head, opening| match head {
        [0..=0x3f, _, 0x65, 0x58, ..]
        | [0..=0x3f, _, 0x08, 0, ..]
        | [0..=0x3f, _, 0x86, 0xdd, ..]
            if opening.has_port(6081) =>
        {
            Some(Client)
        }
        _ => None,
    },
};

/// Remote desktop over UDP.
pub(super) const RDPEUDP: Known = Known {
    about: &about("rdpeudp", "that a desktop is controlled", "MS-RDPEUDP"),
    carrier: Carrier::Datagram,
    test: |head, _| match head {
        // No packet acknowledged yet, SYN set; padded to a full packet.
        [0xff, 0xff, 0xff, 0xff, _, _, _, flags, ..] if flags & 1 == 1 && head.len() >= 1_000 => {
            Some(Client)
        }
        _ => None,
    },
};

/// Trivial file transfer.
pub(super) const TFTP: Known = Known {
    about: &about("tftp", "that a file is asked for", "RFC 1350"),
    carrier: Carrier::Datagram,
    test: |head, _| {
        let [0, 1 | 2, rest @ ..] = head else { return None };
        let mut words = rest.split(|&byte| byte == 0);
        let is_name = words.next()?.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let mode = words.next()?;
        let is_mode = ["octet", "netascii", "mail"].iter().any(|m| after_word(mode, m).is_some());
        (is_name && is_mode).then_some(Client)
    },
};

/// Traversal of address translation.
pub(super) const STUN: Known = Known {
    about: &about("stun", "that a way through address translation is looked for", "RFC 8489"),
    carrier: Carrier::Datagram,
    test: |head, _| {
        let mut rest = Reader(head);
        let kind = rest.u16()?;
        let length = usize::from(rest.u16()?);
        let is_stun = kind < 0x4000 && rest.u32()? == 0x2112_a442 && length + 20 == head.len();
        is_stun.then_some(if kind & 0x0100 == 0 { Client } else { Server })
    },
};

/// BitTorrent between peers.
pub(super) const BITTORRENT: Known = Known {
    about: &about("bittorrent", "that files are shared", "BEP 3"),
    carrier: Carrier::Stream,
    test: |head, _| head.starts_with(b"\x13BitTorrent protocol").then_some(Client),
};

#[cfg(test)]
mod tests {
    use super::super::{Context, Conversation, PROTOCOLS, SecretKey, Sink, Transport};
    use crate::flow::Pair;
    use crate::model::{Endpoint, ImportId, Timestamp, Uid};

    /// What a client's first bytes to a port, and any answer, are called.
    fn named(transport: Transport, port: u16, asks: &[u8], answers: &[u8]) -> Vec<&'static str> {
        let ports = Pair { originator: 40_000, responder: port };
        let context = Context {
            originator: Endpoint { addr: "192.0.2.7".parse().unwrap(), port: 40_000 },
            responder: Endpoint { addr: "198.51.100.9".parse().unwrap(), port },
            uid: Uid::from_hash([1; 12]),
            import: ImportId(0),
        };
        let mut sink =
            Sink { context: &context, key: &SecretKey([7; 32]), record: &mut |_record| {} };
        let mut talk = Conversation::new(transport, ports);
        talk.bytes(super::Side::Originator, Timestamp::default(), asks, &mut sink);
        talk.bytes(super::Side::Responder, Timestamp::default(), answers, &mut sink);
        talk.finish(&mut sink).services
    }

    /// A first message of each, made by hand after its specification.
    #[test]
    fn each_is_named_by_its_first_bytes_alone() {
        use Transport::{Datagrams, Stream};
        let padded = |head: &[u8], bytes: usize| {
            let mut message = head.to_vec();
            message.resize(bytes, 0);
            message
        };
        // IPv6 without payload, next header "none".
        let inner = padded(&[0x60, 0, 0, 0, 0, 0, 59, 64], 40);
        let ticket = [0x6a, 7, 0x30, 5, 0xa1, 3, 2, 1, 5];
        let rfb = b"RFB 003.008\n".as_slice();
        let table: &[(&str, Transport, u16, &[u8])] = &[
            ("ntp", Datagrams, 123, &padded(&[0x23], 48)),
            ("sip", Datagrams, 5060, b"OPTIONS sip:example.com SIP/2.0\r\n\r\n"),
            ("sip", Stream, 5060, b"REGISTER sip:example.com SIP/2.0\r\n\r\n"),
            ("krb", Datagrams, 88, &ticket),
            ("krb_tcp", Stream, 88, &[&[0, 0, 0, 9], &ticket[..]].concat()),
            ("mqtt", Stream, 1883, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd"),
            ("dce_rpc", Stream, 135, &padded(&[5, 0, 11, 3, 0x10, 0, 0, 0, 72], 72)),
            ("dnp3_tcp", Stream, 20_000, &[5, 0x64, 5, 0xc9, 1, 0, 0, 4, 0xe9, 0x21]),
            ("radius", Datagrams, 1812, &padded(&[1, 7, 0, 20], 20)),
            ("gtpv1", Datagrams, 2152, &[0x30, 0xff, 0, 4, 0, 0, 0, 1, 0x45, 0, 0, 4]),
            ("vxlan", Datagrams, 4789, &padded(&[8, 0, 0, 0, 0, 0, 1, 0], 22)),
            ("geneve", Datagrams, 6081, &padded(&[0, 0, 0x65, 0x58, 0, 0, 1, 0], 22)),
            ("teredo", Datagrams, 3544, &inner),
            ("teredo", Datagrams, 3544, &[&[0, 0, 1, 2, 3, 4, 5, 6], &inner[..]].concat()),
            ("rdpeudp", Datagrams, 3389, &padded(&[255, 255, 255, 255, 0, 64, 0, 1], 1_132)),
            ("stun", Datagrams, 3478, &padded(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], 20)),
            ("tftp", Datagrams, 69, b"\0\x01boot.img\0octet\0"),
            ("bittorrent", Stream, 6881, &padded(b"\x13BitTorrent protocol", 68)),
            ("syslog", Datagrams, 514, b"<34>Oct 11 22:14:15 host su: hello"),
            ("modbus", Stream, 502, &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1]),
        ];
        for (service, transport, port, asks) in table {
            let answer = if *transport == Stream { *asks } else { &[] };
            assert_eq!(named(*transport, *port, asks, answer), [*service], "{service}");
            // Cut at half, it is nobody's, or at least not another's by mistake.
            let half = asks.get(..asks.len() / 2).unwrap();
            let found = named(*transport, *port, half, &[]);
            assert!(found.is_empty() || found == [*service], "half of {service}: {found:?}");
        }
        // A screen is shared by whoever says so first: the server.
        assert_eq!(named(Stream, 5900, rfb, rfb), ["rfb"]);
        let met = |name: &str| name == "rfb" || table.iter().any(|(service, ..)| *service == name);
        for protocol in PROTOCOLS.iter().map(|protocol| protocol.about()) {
            let is_named_only = protocol.misses == "everything but the name";
            assert!(!is_named_only || met(protocol.service), "{}: no row here", protocol.service);
        }
    }
}
