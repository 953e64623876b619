//! IMAP: tries to log in, STARTTLS.

use std::collections::BTreeMap;

use super::read::{Lines, decimal, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, hand_over, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted, from_base64};

/// Bytes of a command line; clients send long lists of message numbers, which are cut.
const LINE_BYTES_MAX: usize = 4_096;

/// Commands that wait for their tagged answer.
const PENDING_MAX: usize = 64;

/// IMAP.
pub(super) struct Imap;

impl Protocol for Imap {
    fn about(&self) -> &'static About {
        &About {
            service: "imap",
            reads: "tries to log in (LOGIN, PLAIN) with their outcome, STARTTLS",
            misses: "mails; names and passwords sent as literals of several lines are read only \
                     in the usual two steps",
            source: "RFC 9051, RFC 3501, RFC 4959",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let greets = |head: &[u8]| {
            ["* OK", "* PREAUTH", "* BYE"].iter().any(|word| head.starts_with(word.as_bytes()))
        };
        match opening.side_where(greets) {
            Some(server) if !opening.is_datagram => Guess::Yes(server.other()),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            lines: line_pair(LINE_BYTES_MAX),
            pending: BTreeMap::new(),
            due: Due::Command,
            literal: None,
        })
    }
}

enum Asked {
    Login(Box<Record>),
    StartTls,
}

/// What the client's next line is.
enum Due {
    Command,
    /// The answer to a question of AUTHENTICATE with this tag.
    Secret(Vec<u8>),
    /// The rest of a command whose line ended in a literal.
    Literal,
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    pending: BTreeMap<Vec<u8>, Asked>,
    due: Due,
    /// A command so far, with its literals as quoted words.
    literal: Option<Vec<u8>>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while let Some(line) = self.lines[side].next(&mut bytes) {
            if side == self.client {
                self.client_line(line, out);
            } else if self.answer(&line, out) {
                return hand_over(&mut self.lines, side, bytes);
            }
        }
        Next::More
    }

    fn gap(&mut self, side: Side, _bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        // Tags pair answers with commands whatever was lost between them.
        self.lines[side].take_pending();
        self.due = Due::Command;
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for (_, asked) in std::mem::take(&mut self.pending) {
            if let Asked::Login(record) = asked {
                out.emit(*record);
            }
        }
    }
}

impl Session {
    fn client_line(&mut self, line: Vec<u8>, out: &mut Out<'_, '_>) {
        match std::mem::replace(&mut self.due, Due::Command) {
            Due::Command => self.whole_or_literal(line, out),
            Due::Literal => {
                let mut whole = self.literal.take().unwrap_or_default();
                let room = LINE_BYTES_MAX.saturating_sub(whole.len());
                whole.extend_from_slice(line.get(..room).unwrap_or(&line));
                self.whole_or_literal(whole, out);
            }
            Due::Secret(tag) => {
                if let Some(Asked::Login(record)) = self.pending.remove(&tag) {
                    let record = plain(*record, &line, out);
                    self.pending.insert(tag, Asked::Login(Box::new(record)));
                }
            }
        }
    }

    /// A line that ends in `{5}` goes on with a literal of that size (RFC 9051 §4.3).
    fn whole_or_literal(&mut self, line: Vec<u8>, out: &mut Out<'_, '_>) {
        let start = line.strip_suffix(b"}").and_then(|start| {
            let brace = start.iter().rposition(|&byte| byte == b'{')?;
            let digits = start.get(brace + 1..)?;
            let digits = digits.strip_suffix(b"+").unwrap_or(digits);
            decimal::<u32>(digits)?;
            start.get(..brace)
        });
        match start {
            Some(start) if line.len() < LINE_BYTES_MAX => {
                self.literal = Some(start.to_vec());
                self.due = Due::Literal;
            }
            _ => self.command(&line, out),
        }
    }

    fn command(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let (tag, rest) = split_word(line);
        let (verb, rest) = split_word(rest);
        let record = out.new_record(RecordKind::Auth, "imap", self.client);
        let asked = match verb.to_ascii_uppercase().as_slice() {
            b"LOGIN" => {
                let (user, rest) = astring(rest);
                let (secret, _) = astring(rest);
                let record = out.credential(record, "login", Some(&user), Some(&secret));
                Asked::Login(Box::new(record))
            }
            b"AUTHENTICATE" => {
                let (mechanism, initial) = split_word(rest);
                let mut record = record;
                record.method = Some(Untrusted::from_bytes(&mechanism.to_ascii_lowercase()));
                if initial.is_empty() {
                    self.due = Due::Secret(tag.to_vec());
                } else {
                    record = plain(record, initial, out);
                }
                Asked::Login(Box::new(record))
            }
            b"STARTTLS" => Asked::StartTls,
            _ => return,
        };
        if self.pending.len() < PENDING_MAX {
            self.pending.insert(tag.to_vec(), asked);
        }
    }

    /// Takes a line of the server; `true` where TLS begins.
    fn answer(&mut self, line: &[u8], out: &mut Out<'_, '_>) -> bool {
        let (tag, rest) = split_word(line);
        let (status, _) = split_word(rest);
        let is_ok = status.eq_ignore_ascii_case(b"OK");
        if !is_ok && !status.eq_ignore_ascii_case(b"NO") && !status.eq_ignore_ascii_case(b"BAD") {
            return false;
        }
        if tag != b"*" {
            out.confirm("imap");
        }
        match self.pending.remove(tag) {
            Some(Asked::Login(mut record)) => {
                record.outcome = Some(if is_ok { Outcome::Success } else { Outcome::Failure });
                out.emit(*record);
                false
            }
            Some(Asked::StartTls) => is_ok,
            None => false,
        }
    }
}

/// SASL PLAIN (RFC 4616): three texts with zeros between.
fn plain(record: Record, line: &[u8], out: &Out<'_, '_>) -> Record {
    let is_plain = record.method.as_ref().is_some_and(|method| method.raw() == "plain");
    match from_base64(line) {
        Some(bytes) if is_plain => {
            let mut parts = bytes.split(|&byte| byte == 0).skip(1);
            let (user, secret) = (parts.next(), parts.next());
            out.credential(record, "plain", user, secret)
        }
        _ => record,
    }
}

/// A word or a quoted text, and what follows.
fn astring(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (word, rest) = split_word(text);
        return (word.to_vec(), rest);
    };
    let (mut value, mut is_escaped) = (Vec::new(), false);
    for (at, &byte) in quoted.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => {
                is_escaped = true;
                continue;
            }
            b'"' => return (value, quoted.get(at + 1..).unwrap_or_default().trim_ascii_start()),
            _ => {}
        }
        value.push(byte);
    }
    (value, &[])
}
