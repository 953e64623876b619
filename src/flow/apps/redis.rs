//! Redis: passwords in clear and their outcome; commands that take a server over.

use std::collections::VecDeque;

use super::read::{Lines, decimal};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a line or value that are looked at.
const LINE_BYTES_MAX: usize = 2_048;

/// Words of one command that are looked at.
const WORDS_MAX: usize = 8;

/// Commands that wait for an answer.
const PIPELINE_MAX: usize = 256;

/// Commands of a flow that are looked at; attacks come first, bulk work follows.
const COMMANDS_MAX: u32 = 4_096;

/// Commands that become a record: they reconfigure the server or make it run something.
const TOLD: &[&str] = &[
    "CONFIG",
    "SLAVEOF",
    "REPLICAOF",
    "MODULE",
    "EVAL",
    "FLUSHALL",
    "FLUSHDB",
    "DEBUG",
    "SAVE",
    "BGSAVE",
    "SCRIPT",
    "SHUTDOWN",
];

/// Redis.
pub(super) struct Redis;

impl Protocol for Redis {
    fn about(&self) -> &'static About {
        &About {
            service: "redis",
            reads: "AUTH and HELLO with their outcome, commands that take a server over",
            misses: "other commands, data, inline commands",
            source: "Redis serialization protocol, versions 2 and 3",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        // `*2` CR LF `$4` CR LF …
        let asks = |head: &[u8]| {
            let Some(rest) = head.strip_prefix(b"*") else { return false };
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits > 0
                && digits < 4
                && rest.get(digits..).is_some_and(|rest| rest.starts_with(b"\r\n$"))
        };
        match opening.side_where(asks) {
            Some(client) if !opening.is_datagram => Guess::Yes(client),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            lines: line_pair(LINE_BYTES_MAX),
            words: Vec::new(),
            words_due: 0,
            skip: 0,
            asked: VecDeque::new(),
            count: 0,
        })
    }
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    words: Vec<Vec<u8>>,
    /// Words of the command that have not come.
    words_due: u64,
    /// Bytes of an answer's value that have not come.
    skip: u64,
    asked: VecDeque<Option<Box<Record>>>,
    count: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while !bytes.is_empty() {
            if side != self.client && self.skip > 0 {
                let taken = bytes.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
                bytes = bytes.get(taken..).unwrap_or_default();
                self.skip -= taken as u64;
                continue;
            }
            let Some(line) = self.lines[side].next(&mut bytes) else { break };
            if side == self.client {
                self.word(&line, out);
            } else {
                self.answer(&line, out);
            }
        }
        if self.count > COMMANDS_MAX { Next::Done } else { Next::More }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.asked.drain(..).flatten().for_each(|record| out.emit(*record));
    }
}

impl Session {
    /// A line of a command: how many words, how long a word, or the word.
    fn word(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        match (self.words_due, line.split_first()) {
            (0, Some((b'*', count))) => self.words_due = decimal(count).unwrap_or(0),
            (0, _) | (_, Some((b'$', _))) => {}
            _ => {
                if self.words.len() < WORDS_MAX {
                    self.words.push(line.to_vec());
                }
                self.words_due -= 1;
                if self.words_due == 0 {
                    self.command(out);
                }
            }
        }
    }

    fn command(&mut self, out: &mut Out<'_, '_>) {
        self.count += 1;
        let words = std::mem::take(&mut self.words);
        let verb = words.first().map(|verb| verb.to_ascii_uppercase()).unwrap_or_default();
        let rest: Vec<&[u8]> = words.iter().skip(1).map(Vec::as_slice).collect();
        let record = || out.new_record(RecordKind::Other, "redis", self.client);
        let record = match (verb.as_slice(), rest.as_slice()) {
            (b"AUTH", [secret]) => Some(out.credential(record(), "password", None, Some(secret))),
            (b"AUTH", [user, secret, ..]) => {
                Some(out.credential(record(), "password", Some(user), Some(secret)))
            }
            (b"HELLO", [_, word, user, secret, ..]) if word.eq_ignore_ascii_case(b"AUTH") => {
                Some(out.credential(record(), "password", Some(user), Some(secret)))
            }
            (verb, rest) if TOLD.iter().any(|told| told.as_bytes() == verb) => {
                let mut record = record();
                record.method = Some(Untrusted::from_bytes(verb));
                record.query = Some(Untrusted::from_bytes(&rest.join(&b' ')));
                Some(record)
            }
            _ => None,
        };
        self.asked.push_back(record.map(Box::new));
        if self.asked.len() > PIPELINE_MAX
            && let Some(Some(record)) = self.asked.pop_front()
        {
            out.emit(*record);
        }
    }

    fn answer(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        out.confirm("redis");
        let outcome = match line.split_first() {
            Some((b'-', _)) => Outcome::Failure,
            Some((b'$', length)) => {
                self.skip = decimal::<u64>(length).map_or(0, |length| length.saturating_add(2));
                Outcome::Success
            }
            Some((b'+' | b':' | b'*' | b'%' | b'_' | b'#' | b'~' | b',', _)) => Outcome::Success,
            _ => return,
        };
        // An answer of several values counts for one command at its first line only; commands that
        // matter here answer with one line, so a listing before them can at worst end them early.
        if let Some(Some(mut record)) = self.asked.pop_front() {
            record.outcome = Some(outcome);
            out.emit(*record);
        }
    }
}
