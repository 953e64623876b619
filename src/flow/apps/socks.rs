//! SOCKS 4, 4a and 5: who asked for which target, with which name and password; then whatever
//! is spoken inside.

use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of one side before the proxy's answer: names and passwords have at most 255 each.
const DIALOGUE_BYTES_MAX: usize = 2_048;

/// Methods by which a client of SOCKS 5 may offer to log in; honest ones offer two or three.
const METHODS_MAX: usize = 10;

/// SOCKS.
pub(super) struct Socks;

impl Protocol for Socks {
    fn about(&self) -> &'static About {
        &About {
            service: "socks",
            reads: "target, user name, password (hashed), the proxy's answer; what is spoken \
                    inside is recognised anew",
            misses: "GSSAPI, datagrams that are relayed",
            source: "RFC 1928, RFC 1929; SOCKS 4 and 4a (Lee, NEC)",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        for side in [opening.first, opening.first.other()] {
            let (asked, answered) = (opening.heads[side], opening.heads[side.other()]);
            if !begins_version_5(asked) && !begins_version_4(asked) {
                continue;
            }
            // Two bytes prove nothing: the proxy's answer has to fit.
            return match (asked.first(), answered) {
                (_, []) => Guess::Maybe,
                (Some(5), [5]) | (Some(4), [0]) => Guess::Maybe,
                (Some(5), [5, 0..=2 | 0xff, ..]) => Guess::Yes(side),
                (Some(4), [0, 0x5a..=0x5d, ..]) => Guess::Yes(side),
                _ => Guess::No,
            };
        }
        Guess::No
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            kept: Pair::default(),
            stage: Stage::Greeting,
            record: None,
            auth: None,
        })
    }
}

fn begins_version_5(head: &[u8]) -> bool {
    let [5, count, methods @ ..] = head else { return false };
    (1..=METHODS_MAX).contains(&usize::from(*count)) && methods.len() >= usize::from(*count)
}

fn begins_version_4(head: &[u8]) -> bool {
    matches!(head, [4, 1 | 2, _, _, _, _, _, _, rest @ ..] if rest.contains(&0))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The client's first message.
    Greeting,
    /// SOCKS 5: the proxy chooses how to log in.
    Choice,
    /// SOCKS 5: name and password (RFC 1929).
    Login,
    /// SOCKS 5: what became of them.
    LoginAnswer,
    /// SOCKS 5: the target.
    Request,
    /// The proxy's answer, of SOCKS 4 or 5.
    Answer(u8),
}

struct Session {
    client: Side,
    kept: Pair<Vec<u8>>,
    stage: Stage,
    record: Option<Record>,
    auth: Option<Record>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let room = DIALOGUE_BYTES_MAX.saturating_sub(self.kept[side].len());
        // More than fits is the inner protocol running ahead; its head is enough.
        self.kept[side].extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        loop {
            let speaker = match self.stage {
                Stage::Greeting | Stage::Login | Stage::Request => self.client,
                _ => self.client.other(),
            };
            let kept = mem::take(&mut self.kept[speaker]);
            let mut rest = Reader(&kept);
            match self.step(&mut rest, out) {
                Some(Step::On(stage)) => self.stage = stage,
                Some(Step::Open) => {
                    self.kept[speaker] = rest.0.to_vec();
                    return Next::HandOver(mem::take(&mut self.kept));
                }
                Some(Step::Over) => return Next::Done,
                None => {
                    self.kept[speaker] = kept;
                    let is_full = self.kept[speaker].len() >= DIALOGUE_BYTES_MAX;
                    return if is_full { Next::Done } else { Next::More };
                }
            }
            self.kept[speaker] = rest.0.to_vec();
        }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for record in [self.auth.take(), self.record.take()].into_iter().flatten() {
            out.emit(record);
        }
    }
}

enum Step {
    On(Stage),
    /// The way is open: what follows is the inner protocol.
    Open,
    Over,
}

impl Session {
    /// One message of whoever's turn it is; `None` until it is whole.
    fn step(&mut self, rest: &mut Reader<'_>, out: &mut Out<'_, '_>) -> Option<Step> {
        Some(match self.stage {
            Stage::Greeting => {
                let mut message = *rest;
                if message.u8()? == 4 {
                    self.record = Some(self.request_4(&mut message, out)?);
                    *rest = message;
                    Step::On(Stage::Answer(4))
                } else {
                    message.part8()?;
                    *rest = message;
                    Step::On(Stage::Choice)
                }
            }
            Stage::Choice => {
                out.confirm("socks");
                let mut message = *rest;
                message.u8()?;
                let choice = message.u8()?;
                *rest = message;
                match choice {
                    0 => Step::On(Stage::Request),
                    2 => Step::On(Stage::Login),
                    _ => Step::Over,
                }
            }
            Stage::Login => {
                let mut message = *rest;
                message.u8()?;
                let (user, secret) = (message.part8()?, message.part8()?);
                let record = out.new_record(RecordKind::Auth, "socks", self.client);
                self.auth = Some(out.credential(record, "password", Some(user.0), Some(secret.0)));
                *rest = message;
                Step::On(Stage::LoginAnswer)
            }
            Stage::LoginAnswer => {
                let mut message = *rest;
                message.u8()?;
                let is_right = message.u8()? == 0;
                *rest = message;
                if let Some(mut auth) = self.auth.take() {
                    auth.outcome = Some(if is_right { Outcome::Success } else { Outcome::Failure });
                    out.emit(auth);
                }
                if is_right { Step::On(Stage::Request) } else { Step::Over }
            }
            Stage::Request => {
                let mut message = *rest;
                self.record = Some(self.request_5(&mut message, out)?);
                *rest = message;
                Step::On(Stage::Answer(5))
            }
            Stage::Answer(version) => {
                let mut message = *rest;
                let (status, success) = answer(&mut message, version)?;
                *rest = message;
                out.confirm("socks");
                if let Some(mut record) = self.record.take() {
                    record.status = Some(u32::from(status));
                    record.outcome =
                        Some(if status == success { Outcome::Success } else { Outcome::Failure });
                    out.emit(record);
                }
                if status == success { Step::Open } else { Step::Over }
            }
        })
    }

    fn request_4(&self, message: &mut Reader<'_>, out: &Out<'_, '_>) -> Option<Record> {
        let (command, port) = (message.u8()?, message.u16()?);
        let address: [u8; 4] = message.take(4)?.try_into().ok()?;
        let user = text_to_zero(message)?;
        // 0.0.0.x asks the proxy to resolve the name that follows (SOCKS 4a).
        let host = match address {
            [0, 0, 0, last] if last != 0 => Untrusted::from_bytes(text_to_zero(message)?),
            _ => Untrusted::new(&Ipv4Addr::from(address).to_string()),
        };
        let mut record = self.record(4, command, host, port, out);
        record.user = (!user.is_empty()).then(|| Untrusted::from_bytes(user));
        Some(record)
    }

    fn request_5(&self, message: &mut Reader<'_>, out: &Out<'_, '_>) -> Option<Record> {
        message.u8()?;
        let command = message.u8()?;
        message.u8()?;
        let host = address_5(message)?;
        let port = message.u16()?;
        Some(self.record(5, command, host, port, out))
    }

    fn record(
        &self,
        version: u8,
        command: u8,
        host: Untrusted,
        port: u16,
        out: &Out<'_, '_>,
    ) -> Record {
        let mut record = out.new_record(RecordKind::Other, "socks", self.client);
        let method = match command {
            1 => "CONNECT",
            2 => "BIND",
            3 => "UDP ASSOCIATE",
            _ => "unassigned",
        };
        record.method = Some(Untrusted::new(method));
        record.host = Some(host);
        record.details.insert("version".to_owned(), version.into());
        record.details.insert("target_port".to_owned(), port.into());
        record
    }
}

/// The proxy's status, and the status that means success.
fn answer(message: &mut Reader<'_>, version: u8) -> Option<(u8, u8)> {
    message.u8()?;
    let status = message.u8()?;
    if version == 4 {
        message.take(6)?;
        return Some((status, 0x5a));
    }
    message.u8()?;
    address_5(message)?;
    message.u16()?;
    Some((status, 0))
}

fn address_5(message: &mut Reader<'_>) -> Option<Untrusted> {
    Some(match message.u8()? {
        1 => {
            let address: [u8; 4] = message.take(4)?.try_into().ok()?;
            Untrusted::new(&Ipv4Addr::from(address).to_string())
        }
        4 => {
            let address: [u8; 16] = message.take(16)?.try_into().ok()?;
            Untrusted::new(&Ipv6Addr::from(address).to_string())
        }
        _ => Untrusted::from_bytes(message.part8()?.0),
    })
}

fn text_to_zero<'a>(message: &mut Reader<'a>) -> Option<&'a [u8]> {
    let end = message.0.iter().position(|&byte| byte == 0)?;
    let text = message.take(end)?;
    message.u8()?;
    Some(text)
}
