//! RDP: the user name that clients send ahead of the handshake; then TLS.

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of the first packet of each side.
const PACKET_BYTES_MAX: usize = 2_048;

const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;

/// RDP.
pub(super) struct Rdp;

impl Protocol for Rdp {
    fn about(&self) -> &'static About {
        &About {
            service: "rdp",
            reads: "the user name in the cookie, the security protocol chosen, TLS after it",
            misses: "the login itself, which is encrypted: a try has no outcome",
            source: "MS-RDPBCGR §2.2.1, RFC 2126",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let asks = |head: &[u8]| matches!(head, [3, 0, _, _, _, CONNECTION_REQUEST, 0, 0, ..]);
        match opening.side_where(asks) {
            Some(client) if !opening.is_datagram => Guess::Yes(client),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, kept: Pair::default(), record: None })
    }
}

struct Session {
    client: Side,
    kept: Pair<Vec<u8>>,
    record: Option<Record>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let mut kept = std::mem::take(&mut self.kept[side]);
        kept.extend_from_slice(bytes);
        let mut rest = Reader(&kept);
        let packet = packet(&mut rest);
        let is_too_much = kept.len() > PACKET_BYTES_MAX;
        match packet {
            Some(packet) if side == self.client && self.record.is_none() => {
                self.record = Some(self.request(packet, out));
                self.kept[side] = rest.0.to_vec();
                Next::More
            }
            Some([_, CONNECTION_CONFIRM, _, _, _, _, _, chosen @ ..]) if side != self.client => {
                out.confirm("rdp");
                let is_encrypted = self.answer(chosen, out);
                self.kept[side] = rest.0.to_vec();
                if is_encrypted {
                    Next::HandOver(std::mem::take(&mut self.kept))
                } else {
                    Next::Done
                }
            }
            _ if is_too_much => Next::Done,
            _ => {
                self.kept[side] = kept;
                Next::More
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.record.take().into_iter().for_each(|record| out.emit(record));
    }
}

/// One TPKT (RFC 2126 §4.3): version, a zero, its whole length.
fn packet<'a>(rest: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut ahead = *rest;
    ahead.take(2)?;
    let body = ahead.u16()?.checked_sub(4)?;
    let body = ahead.take(usize::from(body))?;
    *rest = ahead;
    Some(body)
}

impl Session {
    fn request(&self, packet: &[u8], out: &Out<'_, '_>) -> Record {
        let text = String::from_utf8_lossy(packet);
        let user = text.split_once("mstshash=").map(|(_, rest)| rest);
        let user = user.and_then(|rest| rest.split("\r\n").next());
        // A name that is sent is a try to log in; without one nobody tried yet.
        let kind = if user.is_some() { RecordKind::Auth } else { RecordKind::Other };
        let mut record = out.new_record(kind, "rdp", self.client);
        record.user = user.map(Untrusted::new);
        record
    }

    /// Takes the server's choice; whether TLS follows.
    fn answer(&mut self, chosen: &[u8], out: &mut Out<'_, '_>) -> bool {
        let (protocol, is_refused) = match chosen {
            [2, _, 8, 0, protocol, ..] => (*protocol, false),
            [3, ..] => (0, true),
            _ => (0, false),
        };
        if let Some(mut record) = self.record.take() {
            let name = match protocol {
                0 => "rdp",
                1 => "tls",
                2 | 8 => "credssp",
                _ => "other",
            };
            record.details.insert("security_protocol".to_owned(), name.into());
            record.outcome = is_refused.then_some(Outcome::Failure);
            out.emit(record);
        }
        protocol != 0
    }
}
