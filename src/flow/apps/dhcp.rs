//! DHCP: which hardware address got which address, under which name.

use std::net::Ipv4Addr;

use super::read::{Reader, hex};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::Side;
use crate::model::{Outcome, RecordKind, Untrusted};

/// Messages of one flow that become records; a flow of DHCP is often all broadcasts of a network.
const MESSAGES_MAX: u32 = 100_000;

const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

/// DHCP.
pub(super) struct Dhcp;

impl Protocol for Dhcp {
    fn about(&self) -> &'static About {
        &About {
            service: "dhcp",
            reads: "message type, hardware address, address asked for and given, host name, server",
            misses: "other options; DHCPv6",
            source: "RFC 2131, RFC 2132",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let side = opening.first;
        let head = opening.heads[side];
        match head {
            [1 | 2, 1, 6, ..] if opening.is_datagram && head.get(236..240) == Some(&COOKIE) => {
                Guess::Yes(if head.first() == Some(&1) { side } else { side.other() })
            }
            _ => Guess::No,
        }
    }

    fn start(&self, _client: Side) -> Box<dyn Parse> {
        Box::new(Session { messages: 0 })
    }
}

struct Session {
    messages: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        self.messages += 1;
        self.message(side, bytes, out);
        if self.messages > MESSAGES_MAX { Next::Done } else { Next::More }
    }
}

impl Session {
    fn message(&self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Option<()> {
        let mut message = Reader(bytes);
        let is_request = message.u8()? == 1;
        message.take(3)?;
        let id = message.u32()?;
        message.take(4)?;
        let mut address = || -> Option<Ipv4Addr> {
            let bytes: [u8; 4] = message.take(4)?.try_into().ok()?;
            Some(Ipv4Addr::from(bytes))
        };
        let (client_address, given) = (address()?, address()?);
        message.take(8)?;
        let hardware = message.take(6)?;
        message.take(202)?;
        (message.take(4)? == COOKIE).then_some(())?;
        let client = if is_request { side } else { side.other() };
        let mut record = out.new_record(RecordKind::Dhcp, "dhcp", client);
        out.confirm("dhcp");
        let hardware: Vec<String> = hardware.iter().map(|byte| hex(&[*byte])).collect();
        record.details.insert("mac".to_owned(), hardware.join(":").into());
        record.details.insert("trans_id".to_owned(), id.into());
        for (key, address) in [("client_addr", client_address), ("assigned_addr", given)] {
            if !address.is_unspecified() {
                record.details.insert(key.to_owned(), address.to_string().into());
            }
        }
        while let Some(code) = message.u8().filter(|&code| code != 255) {
            if code == 0 {
                continue;
            }
            let option = message.part8()?;
            let text = || Untrusted::from_bytes(option.0);
            let mut put = |key: &str, value: serde_json::Value| {
                record.details.insert(key.to_owned(), value);
            };
            match (code, option.0) {
                (12, _) => record.src_name = Some(text()),
                (15, _) => put("domain", text().raw().into()),
                (50, &[a, b, c, d]) => {
                    put("requested_addr", Ipv4Addr::new(a, b, c, d).to_string().into());
                }
                (51, &[a, b, c, d]) => put("lease_secs", u32::from_be_bytes([a, b, c, d]).into()),
                (53, &[kind]) => {
                    record.method = Some(Untrusted::new(type_name(kind)));
                    record.outcome = match kind {
                        5 => Some(Outcome::Success),
                        6 => Some(Outcome::Failure),
                        _ => None,
                    };
                }
                (54, &[a, b, c, d]) => {
                    put("server_addr", Ipv4Addr::new(a, b, c, d).to_string().into());
                }
                (60, _) => record.user_agent = Some(text()),
                (81, fqdn) => {
                    let name = fqdn.get(3..).unwrap_or_default();
                    put("client_fqdn", Untrusted::from_bytes(name).raw().into());
                }
                _ => {}
            }
        }
        out.emit(record);
        Some(())
    }
}

/// Option 53 (RFC 2132 §9.6).
const fn type_name(kind: u8) -> &'static str {
    match kind {
        1 => "DISCOVER",
        2 => "OFFER",
        3 => "REQUEST",
        4 => "DECLINE",
        5 => "ACK",
        6 => "NAK",
        7 => "RELEASE",
        8 => "INFORM",
        _ => "OTHER",
    }
}
