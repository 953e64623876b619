//! PostgreSQL: who logs in to which database, how, and whether it works; the switch to TLS.

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a message of the start-up; PostgreSQL itself refuses more than 10,000.
const MESSAGE_BYTES_MAX: usize = 10_000;

/// Messages until the start-up must be over.
const MESSAGES_MAX: u32 = 64;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const PROTOCOL_3: u32 = 196_608;

/// PostgreSQL.
pub(super) struct Postgresql;

impl Protocol for Postgresql {
    fn about(&self) -> &'static About {
        &About {
            service: "postgresql",
            reads: "user, database, password in clear (hashed), outcome of the login, switch to \
                    TLS",
            misses: "statements",
            source: "PostgreSQL documentation, frontend/backend protocol 3",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let starts = |head: &[u8]| {
            let mut head = Reader(head);
            match head.u32().zip(head.u32()) {
                Some((8, SSL_REQUEST | GSS_REQUEST)) => true,
                Some((9..=10_000, PROTOCOL_3)) => head.0.starts_with(b"user\0"),
                _ => false,
            }
        };
        Guess::from_client(opening.side_where(starts))
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            kept: Pair::default(),
            stage: Stage::Start,
            login: None,
            messages: 0,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The client's first message, which has no type.
    Start,
    /// One letter says whether TLS begins.
    Asked,
    Login,
}

struct Session {
    client: Side,
    kept: Pair<Vec<u8>>,
    stage: Stage,
    login: Option<Record>,
    messages: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        self.kept[side].extend_from_slice(bytes);
        loop {
            let kept = std::mem::take(&mut self.kept[side]);
            let mut rest = Reader(&kept);
            let next = if side == self.client {
                self.client_message(&mut rest, out)
            } else {
                self.server_message(&mut rest, out)
            };
            self.kept[side] = rest.0.to_vec();
            self.messages += 1;
            match next {
                Some(Next::More) if self.messages < MESSAGES_MAX => {}
                Some(Next::HandOver(_)) => return Next::HandOver(std::mem::take(&mut self.kept)),
                None if self.kept[side].len() <= MESSAGE_BYTES_MAX => return Next::More,
                _ => return Next::Done,
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.login.take().into_iter().for_each(|login| out.emit(login));
    }
}

/// A message after its type: its length counts itself.
fn message<'a>(rest: &mut Reader<'a>) -> Option<Reader<'a>> {
    let length = usize::try_from(rest.u32()?).ok()?;
    rest.take(length.checked_sub(4)?).map(Reader)
}

impl Session {
    /// `None` until a message is whole.
    fn client_message(&mut self, rest: &mut Reader<'_>, out: &mut Out<'_, '_>) -> Option<Next> {
        let mut ahead = *rest;
        if self.stage != Stage::Login {
            let mut body = message(&mut ahead)?;
            *rest = ahead;
            if matches!(body.u32()?, SSL_REQUEST | GSS_REQUEST) {
                self.stage = Stage::Asked;
                return Some(Next::More);
            }
            self.stage = Stage::Login;
            let mut words = body.0.split(|&byte| byte == 0);
            let mut login = out.new_record(RecordKind::Auth, "postgresql", self.client);
            while let (Some(key), Some(value)) = (words.next(), words.next()) {
                match key {
                    b"user" => login.user = Some(Untrusted::from_bytes(value)),
                    b"application_name" => login.user_agent = Some(Untrusted::from_bytes(value)),
                    b"database" => {
                        let name = Untrusted::from_bytes(value);
                        login.details.insert("database".to_owned(), name.raw().into());
                    }
                    _ => {}
                }
            }
            self.login = Some(login);
            return Some(Next::More);
        }
        let kind = ahead.u8()?;
        let body = message(&mut ahead)?;
        *rest = ahead;
        if kind == b'p'
            && let Some(login) = self.login.take()
        {
            let is_clear = login.method.as_ref().is_some_and(|method| method.raw() == "password");
            let secret = body.0.strip_suffix(b"\0").unwrap_or(body.0);
            let user = login.user.as_ref().map(|user| user.raw().as_bytes().to_vec());
            self.login = Some(if is_clear {
                out.credential(login, "password", user.as_deref(), Some(secret))
            } else {
                login
            });
        }
        Some(Next::More)
    }

    fn server_message(&mut self, rest: &mut Reader<'_>, out: &mut Out<'_, '_>) -> Option<Next> {
        let mut ahead = *rest;
        let kind = ahead.u8()?;
        if self.stage == Stage::Asked {
            *rest = ahead;
            out.confirm("postgresql");
            self.stage = Stage::Start;
            return Some(if kind == b'S' { Next::HandOver(Pair::default()) } else { Next::More });
        }
        let mut body = message(&mut ahead)?;
        *rest = ahead;
        out.confirm("postgresql");
        let Some(mut login) = self.login.take() else { return Some(Next::Done) };
        match kind {
            b'R' => {
                match body.u32()? {
                    0 => login.outcome = Some(Outcome::Success),
                    3 => login.method = Some("password".into()),
                    5 => login.method = Some("md5".into()),
                    7 => login.method = Some("gssapi".into()),
                    10 => login.method = Some("sasl".into()),
                    _ => {}
                }
                if login.outcome.is_none() {
                    self.login = Some(login);
                    return Some(Next::More);
                }
            }
            b'E' => {
                login.outcome = Some(Outcome::Failure);
                let code = body.0.split(|&byte| byte == 0).find_map(|f| f.strip_prefix(b"C"));
                if let Some(code) = code {
                    let code = Untrusted::from_bytes(code);
                    login.details.insert("sqlstate".to_owned(), code.raw().into());
                }
            }
            _ => {
                self.login = Some(login);
                return Some(Next::More);
            }
        }
        out.emit(login);
        Some(Next::Done)
    }
}
