//! Telnet: what was typed at the prompts for a name and a password, and whether it opened the door.
//!
//! There is no protocol for logging in: prompts are known by their words, the outcome is a guess
//! from what the server writes next, and the record says so (`inferred`).

use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind};

/// Bytes of the server's newest text that are looked at for prompts.
const TEXT_BYTES_MAX: usize = 512;

/// Bytes typed at a prompt.
const TYPED_BYTES_MAX: usize = 256;

/// Bytes of both sides after which no prompt is expected any more.
const LOGIN_BYTES_MAX: u64 = 65_536;

/// Bytes of options that wait for their end.
const OPTION_BYTES_MAX: usize = 256;

const IAC: u8 = 255;
const SUBNEGOTIATION: u8 = 250;
const SUBNEGOTIATION_END: u8 = 240;

/// Telnet.
pub(super) struct Telnet;

impl Protocol for Telnet {
    fn about(&self) -> &'static About {
        &About {
            service: "telnet",
            reads: "names and passwords (hashed) typed at prompts, and a guess at the outcome",
            misses: "prompts in other words, sessions without option negotiation",
            source: "RFC 854",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let negotiates =
            |head: &[u8]| matches!(head, [IAC, 251..=254, 0..=50, ..] | [IAC, 250, 0..=50, ..]);
        match opening.side_where(negotiates) {
            Some(_) if !opening.is_datagram => Guess::Yes(Side::Originator),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            options: Pair::default(),
            text: Vec::new(),
            typed: Vec::new(),
            stage: Stage::Quiet,
            user: None,
            login: None,
            bytes: 0,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Quiet,
    Name,
    Password,
    /// The password was typed; the server's next words tell.
    Judgement,
}

struct Session {
    client: Side,
    /// An option whose end has not come.
    options: Pair<Vec<u8>>,
    text: Vec<u8>,
    typed: Vec<u8>,
    stage: Stage,
    user: Option<Vec<u8>>,
    login: Option<Record>,
    bytes: u64,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        self.bytes += bytes.len() as u64;
        let text = self.without_options(side, bytes);
        if side == self.client {
            self.types(&text, out);
        } else {
            out.confirm("telnet");
            self.shows(&text, out);
        }
        if self.bytes > LOGIN_BYTES_MAX { Next::Done } else { Next::More }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.login.take().into_iter().for_each(|login| out.emit(login));
    }
}

impl Session {
    fn without_options(&mut self, side: Side, bytes: &[u8]) -> Vec<u8> {
        let option = &mut self.options[side];
        let mut text = Vec::new();
        for &byte in bytes {
            if option.is_empty() && byte != IAC {
                text.push(byte);
                continue;
            }
            option.push(byte);
            let is_whole = match option.as_slice() {
                [_] | [_, 251..=254] => false,
                [_, SUBNEGOTIATION, ..] => option.ends_with(&[IAC, SUBNEGOTIATION_END]),
                _ => true,
            };
            if is_whole || option.len() > OPTION_BYTES_MAX {
                option.clear();
            }
        }
        text
    }

    fn types(&mut self, text: &[u8], out: &mut Out<'_, '_>) {
        if self.stage == Stage::Quiet || self.stage == Stage::Judgement {
            return;
        }
        for &byte in text {
            match byte {
                b'\r' | b'\n' if self.typed.is_empty() => {}
                b'\r' | b'\n' => self.enter(out),
                8 | 127 => {
                    self.typed.pop();
                }
                0..=31 => {}
                _ if self.typed.len() < TYPED_BYTES_MAX => self.typed.push(byte),
                _ => {}
            }
        }
    }

    fn enter(&mut self, out: &mut Out<'_, '_>) {
        let typed = std::mem::take(&mut self.typed);
        match self.stage {
            Stage::Name => {
                self.user = Some(typed);
                self.stage = Stage::Quiet;
            }
            Stage::Password => {
                let record = out.new_record(RecordKind::Auth, "telnet", self.client);
                let user = self.user.as_deref();
                let mut record = out.credential(record, "password", user, Some(&typed));
                record.details.insert("inferred".to_owned(), true.into());
                self.login = Some(record);
                self.stage = Stage::Judgement;
            }
            Stage::Quiet | Stage::Judgement => {}
        }
        self.text.clear();
    }

    fn shows(&mut self, text: &[u8], out: &mut Out<'_, '_>) {
        self.text.extend_from_slice(text);
        let excess = self.text.len().saturating_sub(TEXT_BYTES_MAX);
        self.text.drain(..excess);
        let words = String::from_utf8_lossy(&self.text).to_ascii_lowercase();
        let end = words.trim_end();
        let is_name = ["login:", "username:", "user name:", "user:", "account:"]
            .iter()
            .any(|prompt| end.ends_with(prompt));
        let is_password =
            ["password:", "passwd:", "passcode:"].iter().any(|prompt| end.ends_with(prompt));
        if self.stage == Stage::Judgement {
            let is_refused =
                ["incorrect", "fail", "denied", "invalid", "bad password", "wrong", "try again"]
                    .iter()
                    .any(|word| words.contains(word));
            let is_shell = end.ends_with(['$', '#', '>', '%'])
                || ["last login", "welcome"].iter().any(|word| words.contains(word));
            let outcome = match () {
                () if is_refused || is_name || is_password => Outcome::Failure,
                () if is_shell => Outcome::Success,
                () => return,
            };
            if let Some(mut login) = self.login.take() {
                login.outcome = Some(outcome);
                out.emit(login);
            }
            self.stage = Stage::Quiet;
        }
        if is_name {
            (self.stage, self.typed) = (Stage::Name, Vec::new());
        } else if is_password {
            (self.stage, self.typed) = (Stage::Password, Vec::new());
        }
    }
}
