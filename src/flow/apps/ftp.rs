//! FTP's control connection: tries to log in, files, the addresses of data connections.

use std::collections::VecDeque;

use super::read::{Lines, after_word, reply, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, hand_over, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a line; a path has at most 4,096 on most systems.
const LINE_BYTES_MAX: usize = 8_192;

/// Commands that wait for a reply.
const PIPELINE_MAX: usize = 64;

/// Replies that are none, before it is not FTP after all.
const JUNK_LINES_MAX: u32 = 64;

/// Commands that become a record: files, folders, and where data goes.
const TOLD: &[&str] = &[
    "RETR", "STOR", "APPE", "STOU", "DELE", "RNFR", "RNTO", "MKD", "RMD", "SITE", "ACCT", "PORT",
    "PASV", "EPRT", "EPSV",
];

/// FTP.
pub(super) struct Ftp;

impl Protocol for Ftp {
    fn about(&self) -> &'static About {
        &About {
            service: "ftp",
            reads: "tries to log in with their outcome, file commands with their reply, addresses \
                    of data connections, AUTH TLS",
            misses: "the data connections themselves; GSSAPI",
            source: "RFC 959, RFC 2428, RFC 4217",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let greets = |head: &[u8]| {
            head.starts_with(b"220 ") || head.starts_with(b"220-") || head.starts_with(b"120 ")
        };
        let is_command = |head: &[u8]| {
            ["USER ", "AUTH ", "FEAT", "SYST", "HOST ", "CLNT ", "OPTS ", "ACCT ", "PASS "]
                .iter()
                .any(|word| after_word(head, word).is_some())
        };
        let Some(server) = opening.side_where(greets) else { return Guess::No };
        let said = opening.heads[server.other()];
        match said {
            _ if is_command(said) => Guess::Yes(server.other()),
            // A server that is never asked: its greeting may say what it is.
            _ if said.len() < 5 => Guess::Maybe,
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
            many: None,
            junk: 0,
        })
    }
}

struct Asked {
    verb: Vec<u8>,
    record: Option<Record>,
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    asked: VecDeque<Asked>,
    user: Option<Vec<u8>>,
    is_greeted: bool,
    /// The code of a reply of many lines that has not ended.
    many: Option<u32>,
    junk: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while let Some(line) = self.lines[side].next(&mut bytes) {
            if side == self.client {
                self.command(&line, out);
            } else if self.reply(&line, out) {
                return hand_over(&mut self.lines, side, bytes);
            }
            if self.junk > JUNK_LINES_MAX {
                return Next::Done;
            }
        }
        Next::More
    }

    fn gap(&mut self, side: Side, _bytes: u64, out: &mut Out<'_, '_>) -> Next {
        // Which reply belongs to which command is unknown for those in flight; later ones pair
        // again, because clients wait for each reply.
        self.lines[side].take_pending();
        self.many = None;
        self.finish(out);
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for asked in self.asked.drain(..) {
            asked.record.into_iter().for_each(|record| out.emit(record));
        }
    }
}

impl Session {
    fn command(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let (verb, rest) = split_word(line);
        let verb = verb.to_ascii_uppercase();
        let record = match verb.as_slice() {
            b"" => return,
            b"USER" => {
                self.user = Some(rest.to_vec());
                None
            }
            b"PASS" => {
                let record = out.new_record(RecordKind::Auth, "ftp", self.client);
                let user = self.user.as_deref();
                Some(out.credential(record, "password", user, Some(rest)))
            }
            told if TOLD.iter().any(|known| known.as_bytes() == told) => {
                let mut record = out.new_record(RecordKind::Ftp, "ftp", self.client);
                record.method = Some(Untrusted::from_bytes(told));
                record.user = self.user.as_deref().map(Untrusted::from_bytes);
                record.path = (!rest.is_empty()).then(|| Untrusted::from_bytes(rest));
                Some(record)
            }
            _ => None,
        };
        self.asked.push_back(Asked { verb, record });
        if self.asked.len() > PIPELINE_MAX
            && let Some(Asked { record: Some(record), .. }) = self.asked.pop_front()
        {
            out.emit(record);
        }
    }

    /// Takes a line of the server; `true` where TLS begins.
    fn reply(&mut self, line: &[u8], out: &mut Out<'_, '_>) -> bool {
        let Some((code, is_more, text)) = reply(line) else {
            // The lines of a long reply between the first and the last may be anything.
            self.junk += u32::from(self.many.is_none());
            return false;
        };
        if is_more {
            self.many.get_or_insert(code);
            return false;
        }
        if self.many.is_some_and(|first| first != code) {
            return false;
        }
        self.many = None;
        // 1xx announces; the true reply follows.
        if code < 200 {
            return false;
        }
        if !self.is_greeted && matches!(code, 220 | 421) {
            self.is_greeted = true;
            out.confirm("ftp");
            return false;
        }
        out.confirm("ftp");
        let Some(mut asked) = self.asked.pop_front() else { return false };
        let outcome = match code {
            200..=299 => Some(Outcome::Success),
            400.. => Some(Outcome::Failure),
            _ => None,
        };
        if let Some(record) = &mut asked.record {
            record.status = Some(code);
            record.outcome = outcome;
            record.details.insert("reply_msg".to_owned(), Untrusted::from_bytes(text).raw().into());
        }
        match asked.verb.as_slice() {
            // A name that needs no password, or that is refused before one is asked for.
            b"USER" if outcome.is_some() => {
                let mut record = out.new_record(RecordKind::Auth, "ftp", self.client);
                record.user = self.user.as_deref().map(Untrusted::from_bytes);
                (record.outcome, record.status) = (outcome, Some(code));
                asked.record = Some(record);
            }
            b"AUTH" if code == 234 => return true,
            _ => {}
        }
        asked.record.into_iter().for_each(|record| out.emit(record));
        false
    }
}
