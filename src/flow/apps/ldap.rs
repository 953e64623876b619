//! LDAP: binds with names, passwords in clear (hashed) and their outcome.

use std::collections::BTreeMap;

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a message that is buffered; search results are longer, and nothing after them is read.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// Binds that wait for an answer.
const PENDING_MAX: usize = 32;

/// Messages of a flow that are looked at.
const MESSAGES_MAX: u32 = 1_024;

const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const EXTENDED_RESPONSE: u8 = 0x78;

/// LDAP over TCP.
pub(super) struct LdapTcp;

/// LDAP over UDP: Active Directory's "ping".
pub(super) struct LdapUdp;

impl Protocol for LdapTcp {
    fn about(&self) -> &'static About {
        &About {
            service: "ldap_tcp",
            reads: "binds: name, password (hashed), result code; STARTTLS",
            misses: "searches; SASL credentials",
            source: "RFC 4511",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        recognise(opening, false)
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        start(client, "ldap_tcp")
    }
}

impl Protocol for LdapUdp {
    fn about(&self) -> &'static About {
        &About {
            service: "ldap_udp",
            reads: "that it is spoken, and binds",
            misses: "searches",
            source: "RFC 1798, MS-ADTS §6.3.3",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        recognise(opening, true)
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        start(client, "ldap_udp")
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "which of two protocols asks")]
fn recognise(opening: &Opening<'_>, wants_datagram: bool) -> Guess {
    if opening.is_datagram != wants_datagram {
        return Guess::No;
    }
    for side in [opening.first, opening.first.other()] {
        let mut head = Reader(opening.heads[side]);
        // A SEQUENCE, a small INTEGER, an operation that clients begin with or servers answer.
        if head.u8() != Some(0x30) || length(&mut head).is_none() || head.u8() != Some(2) {
            continue;
        }
        let Some(id) = head.part8().filter(|id| (1..=4).contains(&id.0.len())) else { continue };
        let is_bind_of_version = |mut rest: Reader<'_>| {
            length(&mut rest).is_some() && matches!(rest.0, [2, 1, 2 | 3, 4, ..])
        };
        match head.u8() {
            Some(BIND_REQUEST) if is_bind_of_version(head) => return Guess::Yes(side),
            Some(0x63 | 0x77) if opening.has_port(389) || opening.has_port(3268) => {
                return Guess::Yes(side);
            }
            Some(BIND_RESPONSE) if id.0.len() == 1 => return Guess::Yes(side.other()),
            _ => {}
        }
    }
    Guess::No
}

fn start(client: Side, service: &'static str) -> Box<dyn Parse> {
    Box::new(Session {
        client,
        service,
        kept: Pair::default(),
        pending: BTreeMap::new(),
        messages: 0,
    })
}

struct Session {
    client: Side,
    service: &'static str,
    kept: Pair<Vec<u8>>,
    pending: BTreeMap<Vec<u8>, Record>,
    messages: u32,
}

/// A length in BER, definite forms only.
fn length(reader: &mut Reader<'_>) -> Option<usize> {
    Some(match reader.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(reader.u8()?),
        0x82 => usize::from(reader.u16()?),
        0x83 => usize::try_from(reader.u24()?).ok()?,
        0x84 => usize::try_from(reader.u32()?).ok()?,
        _ => return None,
    })
}

/// An element: its tag and content.
fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let tag = reader.u8()?;
    let count = length(reader)?;
    Some((tag, Reader(reader.take(count)?)))
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let mut kept = std::mem::take(&mut self.kept[side]);
        kept.extend_from_slice(bytes);
        let mut rest = Reader(&kept);
        loop {
            let mut ahead = rest;
            let Some((tag, mut message)) = element(&mut ahead) else { break };
            rest = ahead;
            self.messages += 1;
            if tag != 0x30 || self.messages > MESSAGES_MAX {
                return Next::Done;
            }
            if self.message(side, &mut message, out) == Some(true) {
                self.kept[side] = rest.0.to_vec();
                return Next::HandOver(std::mem::take(&mut self.kept));
            }
        }
        let rest = rest.0.to_vec();
        if rest.len() > MESSAGE_BYTES_MAX {
            return Next::Done;
        }
        self.kept[side] = rest;
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for (_, record) in std::mem::take(&mut self.pending) {
            out.emit(record);
        }
    }
}

impl Session {
    /// Takes one message; `Some(true)` where TLS begins.
    fn message(
        &mut self,
        side: Side,
        message: &mut Reader<'_>,
        out: &mut Out<'_, '_>,
    ) -> Option<bool> {
        let (_, id) = element(message)?;
        let (operation, mut body) = element(message)?;
        if side != self.client {
            out.confirm(self.service);
        }
        match operation {
            BIND_REQUEST => {
                element(&mut body)?;
                let (_, name) = element(&mut body)?;
                let (kind, secret) = element(&mut body)?;
                let record = out.new_record(RecordKind::Auth, "ldap", self.client);
                let record = match kind {
                    // An empty name and password is an anonymous bind, no try to log in as anyone.
                    0x80 if name.is_empty() && secret.is_empty() => {
                        Record { method: Some("anonymous".into()), ..record }
                    }
                    0x80 => out.credential(record, "simple", Some(name.0), Some(secret.0)),
                    _ => Record {
                        method: Some("sasl".into()),
                        user: Some(Untrusted::from_bytes(name.0)),
                        ..record
                    },
                };
                if self.pending.len() < PENDING_MAX {
                    self.pending.insert(id.0.to_vec(), record);
                }
            }
            BIND_RESPONSE => {
                let (_, code) = element(&mut body)?;
                let code = *code.0.first()?;
                if let Some(mut record) = self.pending.remove(id.0) {
                    record.status = Some(u32::from(code));
                    // 14 asks for more; the bind goes on.
                    record.outcome = match code {
                        0 => Some(Outcome::Success),
                        14 => None,
                        _ => Some(Outcome::Failure),
                    };
                    out.emit(record);
                }
            }
            EXTENDED_RESPONSE => {
                let (_, code) = element(&mut body)?;
                let is_tls = body.0.windows(22).any(|name| name == b"1.3.6.1.4.1.1466.20037");
                return Some(is_tls && code.0.first() == Some(&0));
            }
            _ => {}
        }
        Some(false)
    }
}
