//! Flows: the packets of one 5-tuple in both directions, with Zeek's words and meanings.

use serde::{Serialize, Serializer};

use super::{Addr, ImportId, Timestamp, Uid, Untrusted};

/// An address and a port. For ICMP the ports hold type and code, as Zeek's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address.
    pub addr: Addr,
    /// The port; 0 where the protocol has none.
    pub port: u16,
}

/// The transport protocol of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// TCP, protocol 6.
    Tcp,
    /// UDP, protocol 17.
    Udp,
    /// ICMP, protocol 1.
    Icmp,
    /// ICMPv6, protocol 58; `icmp` in Zeek's words too.
    Icmp6,
    /// Any other protocol, by its IANA number.
    Other(u8),
}

impl Proto {
    /// The IANA protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Icmp => 1,
            Self::Icmp6 => 58,
            Self::Other(number) => number,
        }
    }

    /// From the IANA protocol number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            1 => Self::Icmp,
            58 => Self::Icmp6,
            other => Self::Other(other),
        }
    }

    /// Zeek's word: `tcp udp icmp unknown_transport`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp | Self::Icmp6 => "icmp",
            Self::Other(_) => "unknown_transport",
        }
    }
}

impl Serialize for Proto {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a flow began and ended (Zeek, conn.log `conn_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConnState {
    /// Attempt seen, no answer.
    S0,
    /// Established, not ended.
    S1,
    /// Established, the originator wants to end, no answer.
    S2,
    /// Established, the responder wants to end, no answer.
    S3,
    /// Established and ended.
    Sf,
    /// Attempt refused.
    Rej,
    /// Established, the originator aborted.
    Rsto,
    /// The responder aborted.
    Rstr,
    /// The originator sent SYN and RST, the responder nothing.
    Rstos0,
    /// The responder sent SYN-ACK and RST, the originator's SYN was not seen.
    Rstrh,
    /// The originator sent SYN and FIN, the responder nothing ("half open").
    Sh,
    /// The responder sent SYN-ACK and FIN, the originator's SYN was not seen.
    Shr,
    /// No SYN seen: midstream traffic.
    Oth,
}

impl ConnState {
    /// Zeek's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Sf => "SF",
            Self::Rej => "REJ",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }

    /// Whether both sides took part: a handshake completed, or data went both ways.
    pub const fn is_established(self) -> bool {
        matches!(self, Self::S1 | Self::S2 | Self::S3 | Self::Sf | Self::Rsto | Self::Rstr)
    }
}

/// One flow, ended or cut off by the end of the input.
///
/// Bytes without `ip` are payload (from sequence numbers for TCP), with it they include IP headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Identity, the same for live, replayed and packed input.
    pub uid: Uid,
    /// The file it was read from.
    pub import: ImportId,
    /// The first packet's time.
    pub first_seen: Timestamp,
    /// From the first to the last packet, in nanoseconds; `None` for a single packet, as Zeek.
    pub duration_nanos: Option<u64>,
    /// Who opened it.
    pub originator: Endpoint,
    /// Whom it was opened to.
    pub responder: Endpoint,
    /// The transport protocol.
    pub proto: Proto,
    /// Application protocols recognised by content, Zeek's names, joined by `,`; `None`: none.
    pub service: Option<String>,
    /// Payload bytes of the originator; `None`: cannot tell.
    pub orig_bytes: Option<u64>,
    /// Payload bytes of the responder.
    pub resp_bytes: Option<u64>,
    /// How it began and ended.
    pub conn_state: ConnState,
    /// Payload bytes that the capture lost.
    pub missed_bytes: u64,
    /// Zeek's history letters, capitals for the originator, `^` where the direction was flipped.
    pub history: String,
    /// Packets of the originator.
    pub orig_pkts: u64,
    /// IP bytes of the originator.
    pub orig_ip_bytes: u64,
    /// Packets of the responder.
    pub resp_pkts: u64,
    /// IP bytes of the responder.
    pub resp_ip_bytes: u64,
    /// The flows that carried this one, outermost first.
    pub tunnel_parents: Vec<Uid>,
    /// Outer VLAN id.
    pub vlan: Option<u16>,
    /// Inner VLAN id (802.1ad).
    pub inner_vlan: Option<u16>,
    /// What the first bytes of each direction say.
    pub spoken: Box<Spoken>,
}

impl Flow {
    /// The last packet's time.
    pub fn last_seen(&self) -> Timestamp {
        let nanos = i64::try_from(self.duration_nanos.unwrap_or(0)).unwrap_or(i64::MAX);
        self.first_seen.plus_nanos(nanos)
    }

    /// Packets of both directions.
    pub fn packets(&self) -> u64 {
        self.orig_pkts + self.resp_pkts
    }
}

/// What the first bytes of each direction of a flow said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    /// Protocols found by content, outermost first.
    pub apps: Vec<&'static str>,
    /// JA3 of the TLS client (Salesforce 2017): 32 hex digits.
    pub ja3: Option<String>,
    /// JA3S of the TLS server.
    pub ja3s: Option<String>,
    /// JA4 of the TLS or QUIC client (FoxIO 2023).
    pub ja4: Option<String>,
    /// HASSH of the SSH client (Salesforce 2018).
    pub hassh: Option<String>,
    /// HASSH of the SSH server.
    pub hassh_server: Option<String>,
    /// Server name the TLS client asked for (RFC 6066 §3).
    pub sni: Option<Untrusted>,
    /// Protocol chosen, else the first offered (RFC 7301).
    pub alpn: Option<Untrusted>,
    /// Server name from any protocol: SNI, HTTP Host, SMTP banner …
    pub server_name: Option<Untrusted>,
    /// Client software as it names itself: HTTP User-Agent, SSH version …
    pub user_agent: Option<Untrusted>,
    /// Operating system guessed from TTL, window and options of the SYN; a guess.
    pub os_guess: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_numbers_are_reversible() {
        for number in 0..=255 {
            assert_eq!(Proto::from_number(number).number(), number);
        }
    }
}
