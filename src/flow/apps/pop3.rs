//! POP3: tries to log in, STLS.

use std::collections::VecDeque;

use super::read::{Lines, after_word, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, hand_over, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted, from_base64};

/// Bytes of a line (RFC 2449 §4 allows 512); lines of mails may be longer and are cut.
const LINE_BYTES_MAX: usize = 4_096;

/// Commands that wait for an answer.
const PIPELINE_MAX: usize = 128;

/// POP3.
pub(super) struct Pop3;

impl Protocol for Pop3 {
    fn about(&self) -> &'static About {
        &About {
            service: "pop3",
            reads: "tries to log in (USER and PASS, PLAIN, LOGIN, APOP) with their outcome, STLS",
            misses: "mails",
            source: "RFC 1939, RFC 2595, RFC 5034",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let greets = |head: &[u8]| head.starts_with(b"+OK");
        let Some(server) = opening.side_where(greets) else { return Guess::No };
        let said = opening.heads[server.other()];
        let is_command = ["USER", "CAPA", "APOP", "AUTH", "STLS", "QUIT"]
            .iter()
            .any(|word| after_word(said, word).is_some());
        match said {
            _ if is_command => Guess::Yes(server.other()),
            // Redis answers "+OK" too: it is the client who tells.
            _ if said.len() < 4 => Guess::Maybe,
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            lines: line_pair(LINE_BYTES_MAX),
            asked: VecDeque::new(),
            user: None,
            is_greeted: false,
            mechanism: None,
        })
    }
}

enum Asked {
    Login(Box<Record>),
    StartTls,
    /// A mechanism that asks further questions.
    Mechanism(Box<Record>),
    /// An answer of many lines, if it is positive.
    Listing,
    Other,
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    asked: VecDeque<Asked>,
    user: Option<Vec<u8>>,
    is_greeted: bool,
    /// The mechanism being answered, and its record.
    mechanism: Option<Box<Record>>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while let Some(line) = self.lines[side].next(&mut bytes) {
            if side == self.client {
                self.command(&line, out);
            } else if self.answer(&line, out) {
                return hand_over(&mut self.lines, side, bytes);
            }
        }
        Next::More
    }

    fn gap(&mut self, side: Side, _bytes: u64, out: &mut Out<'_, '_>) -> Next {
        self.lines[side].take_pending();
        self.finish(out);
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for asked in self.asked.drain(..) {
            if let Asked::Login(record) | Asked::Mechanism(record) = asked {
                out.emit(*record);
            }
        }
        self.mechanism.take().into_iter().for_each(|record| out.emit(*record));
    }
}

impl Session {
    fn command(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        if let Some(record) = self.mechanism.take() {
            let record = self.take_secret(*record, line, out);
            return self.expect(Asked::Mechanism(Box::new(record)), out);
        }
        let (verb, rest) = split_word(line);
        let login = || Box::new(out.new_record(RecordKind::Auth, "pop3", self.client));
        let asked = match verb.to_ascii_uppercase().as_slice() {
            b"USER" => {
                self.user = Some(rest.to_vec());
                Asked::Other
            }
            b"PASS" => {
                let user = self.user.as_deref();
                Asked::Login(Box::new(out.credential(*login(), "password", user, Some(rest))))
            }
            b"APOP" => {
                let mut record = login();
                record.method = Some("apop".into());
                record.user = Some(Untrusted::from_bytes(split_word(rest).0));
                Asked::Login(record)
            }
            b"AUTH" if !rest.is_empty() => {
                let (mechanism, initial) = split_word(rest);
                let mut record = login();
                record.method = Some(Untrusted::from_bytes(&mechanism.to_ascii_lowercase()));
                if !initial.is_empty() {
                    record = Box::new(self.take_secret(*record, initial, out));
                }
                Asked::Mechanism(record)
            }
            b"STLS" => Asked::StartTls,
            b"CAPA" | b"RETR" | b"TOP" | b"AUTH" => Asked::Listing,
            b"LIST" | b"UIDL" if rest.is_empty() => Asked::Listing,
            _ => Asked::Other,
        };
        self.expect(asked, out);
    }

    fn expect(&mut self, asked: Asked, out: &mut Out<'_, '_>) {
        self.asked.push_back(asked);
        if self.asked.len() > PIPELINE_MAX
            && let Some(Asked::Login(record)) = self.asked.pop_front()
        {
            out.emit(*record);
        }
    }

    fn take_secret(&mut self, mut record: Record, line: &[u8], out: &Out<'_, '_>) -> Record {
        let Some(bytes) = from_base64(line) else { return record };
        match record.method.as_ref().map(Untrusted::raw) {
            Some("plain") => {
                let mut parts = bytes.split(|&byte| byte == 0).skip(1);
                let (user, secret) = (parts.next(), parts.next());
                out.credential(record, "plain", user, secret)
            }
            Some("login") if record.user.is_none() => {
                record.user = Some(Untrusted::from_bytes(&bytes));
                self.user = Some(bytes);
                record
            }
            Some("login") => {
                let user = self.user.take();
                out.credential(record, "login", user.as_deref(), Some(&bytes))
            }
            _ => record,
        }
    }

    /// Takes a line of the server; `true` where TLS begins.
    fn answer(&mut self, line: &[u8], out: &mut Out<'_, '_>) -> bool {
        let (is_ok, is_error) = (line.starts_with(b"+OK"), line.starts_with(b"-ERR"));
        let is_question = line == b"+" || line.starts_with(b"+ ");
        if !is_ok && !is_error && !is_question {
            // A line of a listing or of a mail.
            return false;
        }
        if !self.is_greeted && is_ok {
            self.is_greeted = true;
            return false;
        }
        out.confirm("pop3");
        let outcome = Some(if is_ok { Outcome::Success } else { Outcome::Failure });
        match self.asked.pop_front() {
            Some(Asked::Mechanism(record)) if is_question => self.mechanism = Some(record),
            Some(Asked::Login(mut record) | Asked::Mechanism(mut record)) => {
                record.outcome = outcome;
                out.emit(*record);
            }
            Some(Asked::StartTls) if is_ok => return true,
            _ => {}
        }
        false
    }
}
