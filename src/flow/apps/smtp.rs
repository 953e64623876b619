//! SMTP: who writes to whom in which words, tries to log in, STARTTLS.

use std::collections::VecDeque;

use serde_json::Value;

use super::read::{Lines, after_word, decimal, reply, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol, hand_over, line_pair};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted, from_base64};

/// Bytes of a line: RFC 5321 §4.5.3.1.6 allows 1,000, authentication 12,288 (RFC 4954 §4).
const LINE_BYTES_MAX: usize = 12_288;

/// Commands that wait for a reply (RFC 2920).
const PIPELINE_MAX: usize = 256;

/// Recipients named in one record; `rcpt_count` is true.
const RECIPIENTS_MAX: usize = 100;

/// Replies that are none, before it is not SMTP after all.
const JUNK_LINES_MAX: u32 = 32;

/// SMTP.
pub(super) struct Smtp;

impl Protocol for Smtp {
    fn about(&self) -> &'static About {
        &About {
            service: "smtp",
            reads: "HELO, sender, recipients, subject and software of each mail, tries to log in \
                    (PLAIN, LOGIN) with their outcome, STARTTLS",
            misses: "the mails themselves; what follows a gap",
            source: "RFC 5321, RFC 4954, RFC 3207",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let is_hello = |head: &[u8]| {
            ["EHLO", "HELO", "LHLO"].iter().any(|word| {
                after_word(head, word)
                    .is_some_and(|rest| rest.first().is_none_or(|byte| byte.is_ascii_whitespace()))
            })
        };
        if let Some(client) = opening.side_where(is_hello) {
            return Guess::Yes(client);
        }
        let greets = |head: &[u8]| {
            let text = String::from_utf8_lossy(head).to_ascii_lowercase();
            head.starts_with(b"220") && (text.contains("smtp") || text.contains("mail"))
        };
        // A greeting that names the protocol counts once the client has said something.
        match opening.side_where(greets) {
            Some(server) if opening.heads[server.other()].len() >= 4 => Guess::No,
            Some(_) => Guess::Maybe,
            None => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            lines: line_pair(LINE_BYTES_MAX),
            asked: VecDeque::new(),
            due: Due::Command,
            mail: None,
            greeting: None,
            helo: None,
            login: None,
            junk: 0,
        })
    }
}

/// What the client's next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Command,
    /// The header of a mail.
    Header,
    /// The rest of a mail, until a line with one dot.
    Text,
    /// So many bytes of a mail (RFC 3030).
    Chunk(u64),
    /// An answer to a question of authentication.
    Secret,
}

/// What a reply will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Greeting,
    Mail,
    Recipient,
    Data,
    EndOfData,
    StartTls,
    Auth,
    Quit,
    Other,
}

struct Login {
    record: Record,
    mechanism: Vec<u8>,
    user: Option<Vec<u8>>,
}

struct Session {
    client: Side,
    lines: Pair<Lines>,
    asked: VecDeque<Asked>,
    due: Due,
    mail: Option<Record>,
    greeting: Option<Untrusted>,
    helo: Option<Untrusted>,
    login: Option<Login>,
    junk: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while !bytes.is_empty() {
            if side == self.client
                && let Due::Chunk(left) = self.due
            {
                let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                bytes = bytes.get(taken..).unwrap_or_default();
                let left = left.saturating_sub(taken as u64);
                self.due = if left == 0 { Due::Command } else { Due::Chunk(left) };
                continue;
            }
            let Some(line) = self.lines[side].next(&mut bytes) else { break };
            if side == self.client {
                self.client_line(&line, out);
            } else if self.reply(&line, out) {
                return hand_over(&mut self.lines, side, bytes);
            }
            if self.junk > JUNK_LINES_MAX {
                return Next::Done;
            }
        }
        Next::More
    }

    fn gap(&mut self, side: Side, bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        match self.due {
            Due::Chunk(left) if side == self.client && bytes <= left => {
                self.due = if bytes == left { Due::Command } else { Due::Chunk(left - bytes) };
                Next::More
            }
            // Within a mail, a lost part costs nothing but the dot if that was in it.
            Due::Text if side == self.client => Next::More,
            // Else the replies in flight cannot be paired; later ones can.
            _ => {
                self.lines[side].take_pending();
                self.asked.clear();
                Next::More
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        if let Some(login) = self.login.take() {
            out.emit(login.record);
        }
        if let Some(mail) = self.mail.take() {
            out.emit(mail);
        }
    }
}

impl Session {
    fn mail<'a>(&'a mut self, out: &Out<'_, '_>) -> &'a mut Record {
        let (client, helo, greeting) = (self.client, &self.helo, &self.greeting);
        self.mail.get_or_insert_with(|| {
            let mut record = out.new_record(RecordKind::Smtp, "smtp", client);
            record.src_name.clone_from(helo);
            record.dst_name.clone_from(greeting);
            if let Some(helo) = helo {
                record.details.insert("helo".to_owned(), helo.raw().into());
            }
            record
        })
    }

    fn client_line(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        match self.due {
            Due::Command => self.command(line, out),
            Due::Secret => self.secret(line, out),
            Due::Header | Due::Text if line == b"." => {
                self.due = Due::Command;
                self.expect(Asked::EndOfData);
            }
            Due::Header if line.is_empty() => self.due = Due::Text,
            Due::Header => self.header(line, out),
            Due::Text | Due::Chunk(_) => {}
        }
    }

    fn expect(&mut self, asked: Asked) {
        if self.asked.len() < PIPELINE_MAX {
            self.asked.push_back(asked);
        }
    }

    fn command(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let (verb, rest) = split_word(line);
        let asked = match verb.to_ascii_uppercase().as_slice() {
            b"EHLO" | b"HELO" | b"LHLO" => {
                // A second hello begins a new mail, as after STARTTLS.
                self.emit_mail(out);
                self.helo = Some(Untrusted::from_bytes(rest));
                self.mail(out);
                Asked::Other
            }
            b"MAIL" => {
                if self.mail.as_ref().is_some_and(|mail| mail.details.contains_key("mailfrom")) {
                    self.emit_mail(out);
                }
                let from = Untrusted::from_bytes(mailbox(rest));
                let mail = self.mail(out);
                mail.ts = Some(out.ts);
                mail.details.insert("mailfrom".to_owned(), from.raw().into());
                mail.user = Some(from);
                Asked::Mail
            }
            b"RCPT" => {
                let to = Untrusted::from_bytes(mailbox(rest));
                let details = &mut self.mail(out).details;
                let count = details.get("rcpt_count").and_then(Value::as_u64).unwrap_or(0) + 1;
                details.insert("rcpt_count".to_owned(), count.into());
                let list = details.entry("rcptto").or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut().filter(|l| l.len() < RECIPIENTS_MAX) {
                    list.push(to.raw().into());
                }
                Asked::Recipient
            }
            b"DATA" => {
                // The mail follows only after a 354, which a capture of one side does not show.
                self.due = Due::Header;
                Asked::Data
            }
            b"BDAT" => {
                self.due = Due::Chunk(decimal(split_word(rest).0).unwrap_or(0));
                Asked::EndOfData
            }
            b"STARTTLS" | b"X-ANONYMOUSTLS" => Asked::StartTls,
            b"AUTH" => {
                self.begin_login(rest, out);
                Asked::Auth
            }
            b"QUIT" => Asked::Quit,
            _ => Asked::Other,
        };
        self.expect(asked);
    }

    fn begin_login(&mut self, rest: &[u8], out: &Out<'_, '_>) {
        let (mechanism, initial) = split_word(rest);
        let mechanism = mechanism.to_ascii_uppercase();
        let mut record = out.new_record(RecordKind::Auth, "smtp", self.client);
        record.method = Some(Untrusted::from_bytes(&mechanism.to_ascii_lowercase()));
        self.login = Some(Login { record, mechanism, user: None });
        if !initial.is_empty() && initial != b"=" {
            self.take_secret(initial, out);
        }
    }

    fn secret(&mut self, line: &[u8], out: &Out<'_, '_>) {
        self.due = Due::Command;
        self.take_secret(line, out);
        self.expect(Asked::Auth);
    }

    fn take_secret(&mut self, text: &[u8], out: &Out<'_, '_>) {
        let (Some(login), Some(bytes)) = (&mut self.login, from_base64(text)) else { return };
        match login.mechanism.as_slice() {
            b"PLAIN" => {
                let mut parts = bytes.split(|&byte| byte == 0).skip(1);
                let (user, secret) = (parts.next(), parts.next());
                login.record = out.credential(login.record.clone(), "plain", user, secret);
            }
            b"LOGIN" => match login.user.take() {
                None => {
                    login.record.user = Some(Untrusted::from_bytes(&bytes));
                    login.user = Some(bytes);
                }
                Some(user) => {
                    let record = login.record.clone();
                    login.record = out.credential(record, "login", Some(&user), Some(&bytes));
                }
            },
            b"CRAM-MD5" => login.record.user = Some(Untrusted::from_bytes(split_word(&bytes).0)),
            _ => {}
        }
    }

    fn header(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
        let (key, value) = line.split_at(colon);
        let name = match key.to_ascii_lowercase().as_slice() {
            b"from" => "from",
            b"to" => "to",
            b"subject" => "subject",
            b"date" => "date",
            b"message-id" => "msg_id",
            b"user-agent" | b"x-mailer" => "user_agent",
            b"x-originating-ip" => "x_originating_ip",
            _ => return,
        };
        let value = Untrusted::from_bytes(value.get(1..).unwrap_or_default().trim_ascii());
        let mail = self.mail(out);
        if name == "user_agent" {
            mail.user_agent.get_or_insert(value);
        } else {
            mail.details.entry(name).or_insert_with(|| value.raw().into());
        }
    }

    /// Takes a line of the server; `true` where TLS begins.
    fn reply(&mut self, line: &[u8], out: &mut Out<'_, '_>) -> bool {
        let Some((code, is_more, text)) = reply(line) else {
            self.junk += 1;
            return false;
        };
        if is_more {
            return false;
        }
        let is_greeting = self.greeting.is_none() && matches!(code, 220 | 421 | 554);
        let asked = if is_greeting {
            Asked::Greeting
        } else {
            self.asked.pop_front().unwrap_or(Asked::Other)
        };
        if let Some(mail) = &mut self.mail {
            mail.status = Some(code);
            mail.details.insert("last_reply".to_owned(), Untrusted::from_bytes(line).raw().into());
        }
        match asked {
            Asked::Greeting => {
                let name = Untrusted::from_bytes(split_word(text).0);
                out.spoken().server_name.get_or_insert_with(|| name.clone());
                self.greeting = Some(name);
            }
            Asked::StartTls if code == 220 => return true,
            Asked::Data if code != 354 => self.due = Due::Command,
            Asked::EndOfData => {
                let mail = self.mail(out);
                mail.outcome = Some(if code < 400 { Outcome::Success } else { Outcome::Failure });
                self.emit_mail(out);
            }
            Asked::Recipient | Asked::Mail if code >= 400 => {
                self.mail(out).outcome = Some(Outcome::Failure);
            }
            Asked::Auth => self.end_login(code, out),
            _ => {}
        }
        out.confirm("smtp");
        false
    }

    fn end_login(&mut self, code: u32, out: &mut Out<'_, '_>) {
        if code == 334 {
            self.due = Due::Secret;
            return;
        }
        if let Some(mut login) = self.login.take() {
            login.record.outcome = match code {
                235 => Some(Outcome::Success),
                400.. => Some(Outcome::Failure),
                _ => None,
            };
            login.record.status = Some(code);
            out.emit(login.record);
        }
    }

    fn emit_mail(&mut self, out: &mut Out<'_, '_>) {
        if let Some(mail) = self.mail.take() {
            out.emit(mail);
        }
    }
}

/// The address in `FROM:<a@example.org> SIZE=1`.
fn mailbox(rest: &[u8]) -> &[u8] {
    let after = rest.splitn(2, |&byte| byte == b':').nth(1).unwrap_or(rest).trim_ascii();
    match after.strip_prefix(b"<") {
        Some(inner) => inner.split(|&byte| byte == b'>').next().unwrap_or(inner),
        None => split_word(after).0,
    }
}
