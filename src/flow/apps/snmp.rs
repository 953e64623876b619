//! SNMP versions 1 and 2c: the community, which is a password sent in clear.

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::Side;
use crate::model::{Outcome, Record, RecordKind};

/// Communities of one flow that are told apart; a guesser tries many in one flow.
const COMMUNITIES_MAX: usize = 4_096;

/// SNMP.
pub(super) struct Snmp;

impl Protocol for Snmp {
    fn about(&self) -> &'static About {
        &About {
            service: "snmp",
            reads: "communities (hashed) and whether the agent answered",
            misses: "objects and values; users of version 3",
            source: "RFC 1157, RFC 1901, RFC 3412",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if !opening.is_datagram {
            return Guess::No;
        }
        let side = opening.first;
        let Some(message) = Message::parse(opening.heads[side]) else { return Guess::No };
        // Answers and traps; a trap is sent by the agent, unasked.
        let is_answer = message.operation == 0xa2;
        Guess::Yes(if is_answer { side.other() } else { side })
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, tried: Vec::new() })
    }
}

struct Message<'a> {
    version: u8,
    community: Option<&'a [u8]>,
    operation: u8,
}

fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let tag = reader.u8()?;
    let count = match reader.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(reader.u8()?),
        0x82 => usize::from(reader.u16()?),
        0x83 => usize::try_from(reader.u24()?).ok()?,
        _ => return None,
    };
    Some((tag, Reader(reader.take(count)?)))
}

impl<'a> Message<'a> {
    fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (0x30, mut message) = element(&mut Reader(datagram))? else { return None };
        let (2, version) = element(&mut message)? else { return None };
        match version.0 {
            [version @ 0..=1] => {
                let (4, community) = element(&mut message)? else { return None };
                let operation = message.u8().filter(|kind| (0xa0..=0xa8).contains(kind))?;
                Some(Self { version: *version, community: Some(community.0), operation })
            }
            [3] => {
                // Header data, security parameters, scoped data.
                let (0x30, _) = element(&mut message)? else { return None };
                let (4, _) = element(&mut message)? else { return None };
                Some(Self { version: 3, community: None, operation: 0 })
            }
            _ => None,
        }
    }
}

struct Session {
    client: Side,
    tried: Vec<(Vec<u8>, Record)>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let Some(message) = Message::parse(bytes) else { return Next::More };
        out.confirm("snmp");
        let Some(community) = message.community else { return Next::More };
        let has_room = self.tried.len() < COMMUNITIES_MAX;
        let known = self.tried.iter_mut().find(|(tried, _)| tried == community);
        match known {
            // Agents answer only those who know the community.
            Some((_, record)) if side != self.client => record.outcome = Some(Outcome::Success),
            None if side == self.client && has_room => {
                let record = out.new_record(RecordKind::Auth, "snmp", self.client);
                let mut record = out.credential(record, "community", None, Some(community));
                let version = if message.version == 0 { "1" } else { "2c" };
                record.details.insert("version".to_owned(), version.into());
                self.tried.push((community.to_vec(), record));
            }
            _ => {}
        }
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.tried.drain(..).for_each(|(_, record)| out.emit(record));
    }
}
