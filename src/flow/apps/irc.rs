//! IRC: names, channels, passwords in clear, STARTTLS.

use super::read::{Lines, after_word, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, hand_over, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a line: 512 (RFC 2812 §2.3), and tags of 8,191 before it (IRCv3).
const LINE_BYTES_MAX: usize = 8_704;

/// Lines of both sides that are looked at: the registration and the first channels.
const LINES_MAX: u32 = 4_096;

/// Channels named in the record.
const CHANNELS_MAX: usize = 64;

/// IRC.
pub(super) struct Irc;

impl Protocol for Irc {
    fn about(&self) -> &'static About {
        &About {
            service: "irc",
            reads: "nick, user name, server password (hashed), channels joined, STARTTLS",
            misses: "what is said; DCC",
            source: "RFC 2812, RFC 7194",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let registers = |head: &[u8]| {
            let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let has = |word: &str| after_word(line, word).is_some();
            // USER is FTP's and POP3's too, with one word after it; IRC has four.
            let words = line.split(|&byte| byte == b' ').count();
            has("NICK ")
                || has("CAP LS")
                || has("STARTTLS")
                || (has("USER ") && words >= 5)
                || (has("PASS ")
                    && after_word(head.get(line.len() + 1..).unwrap_or_default(), "NICK ")
                        .is_some())
        };
        let serves = |head: &[u8]| {
            let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let mut words = line.split(|&byte| byte == b' ');
            line.starts_with(b":")
                && words.nth(1).is_some_and(|word| {
                    word == b"NOTICE" || (word.len() == 3 && word.iter().all(u8::is_ascii_digit))
                })
        };
        match (opening.side_where(registers), opening.side_where(serves)) {
            (Some(client), _) => Guess::Yes(client),
            (None, Some(server)) => Guess::Yes(server.other()),
            (None, None) => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            lines: line_pair(LINE_BYTES_MAX),
            count: 0,
            record: None,
            login: None,
        })
    }
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    count: u32,
    record: Option<Record>,
    login: Option<Record>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while let Some(line) = self.lines[side].next(&mut bytes) {
            self.count += 1;
            if side == self.client {
                self.command(&line, out);
            } else if self.reply(&line, out) {
                return hand_over(&mut self.lines, side, bytes);
            }
        }
        if self.count > LINES_MAX { Next::Done } else { Next::More }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        for record in [self.login.take(), self.record.take()].into_iter().flatten() {
            out.emit(record);
        }
    }
}

impl Session {
    fn command(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let (verb, rest) = split_word(line);
        let record = self
            .record
            .get_or_insert_with(|| out.new_record(RecordKind::Other, "irc", self.client));
        let word = Untrusted::from_bytes(split_word(rest).0);
        match verb.to_ascii_uppercase().as_slice() {
            b"NICK" => record.user = Some(word),
            b"USER" => {
                record.details.insert("user_name".to_owned(), word.raw().into());
            }
            b"JOIN" => {
                let list =
                    record.details.entry("channels").or_insert_with(|| Vec::<String>::new().into());
                if let Some(list) = list.as_array_mut().filter(|list| list.len() < CHANNELS_MAX) {
                    list.push(word.raw().into());
                }
            }
            b"PASS" => {
                let login = out.new_record(RecordKind::Auth, "irc", self.client);
                self.login = Some(out.credential(login, "password", None, Some(rest)));
            }
            b"OPER" => {
                let (user, secret) = split_word(rest);
                let login = out.new_record(RecordKind::Auth, "irc", self.client);
                out.emit(out.credential(login, "oper", Some(user), Some(secret)));
            }
            _ => {}
        }
    }

    /// Takes a line of the server; `true` where TLS begins.
    fn reply(&mut self, line: &[u8], out: &mut Out<'_, '_>) -> bool {
        out.confirm("irc");
        let rest = if line.starts_with(b":") { split_word(line).1 } else { line };
        let outcome = match split_word(rest).0 {
            // Welcome, password mismatch, STARTTLS agreed.
            b"001" => Outcome::Success,
            b"464" => Outcome::Failure,
            b"670" => return true,
            _ => return false,
        };
        if let Some(mut login) = self.login.take() {
            login.outcome = Some(outcome);
            login.user = self.record.as_ref().and_then(|record| record.user.clone());
            out.emit(login);
        }
        false
    }
}
