//! MySQL and MariaDB: version, who logs in and whether it works, the switch to TLS.

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a packet of the handshake; names and challenges stay far below.
const PACKET_BYTES_MAX: usize = 4_096;

/// Packets until the handshake must be over: greeting, answer, two switches of method.
const PACKETS_MAX: u32 = 16;

const CLIENT_SSL: u16 = 0x0800;

/// MySQL.
pub(super) struct Mysql;

impl Protocol for Mysql {
    fn about(&self) -> &'static About {
        &About {
            service: "mysql",
            reads: "server version, user name, outcome of the login, switch to TLS",
            misses: "statements; passwords, which are sent as proofs",
            source: "MySQL client/server protocol, connection phase",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        // Length, number 0, protocol 10, a version in digits and dots.
        let greets = |head: &[u8]| {
            matches!(head, [_, _, 0, 0, 10, first @ b'0'..=b'9', ..]
                if first.is_ascii_digit())
                && head.iter().skip(5).take(64).any(|&byte| byte == 0)
        };
        Guess::from_client(opening.side_where(greets).map(Side::other))
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, kept: Pair::default(), login: None, version: None, packets: 0 })
    }
}

struct Session {
    client: Side,
    kept: Pair<Vec<u8>>,
    login: Option<Record>,
    version: Option<Untrusted>,
    packets: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        self.kept[side].extend_from_slice(bytes);
        loop {
            let kept = std::mem::take(&mut self.kept[side]);
            let mut rest = Reader(&kept);
            let Some(body) = packet(&mut rest) else {
                let is_too_much = kept.len() > PACKET_BYTES_MAX;
                self.kept[side] = kept;
                return if is_too_much { Next::Done } else { Next::More };
            };
            self.kept[side] = rest.0.to_vec();
            self.packets += 1;
            let next =
                if side == self.client { self.answer(body, out) } else { self.server(body, out) };
            match next {
                Next::More if self.packets < PACKETS_MAX => {}
                Next::HandOver(_) => return Next::HandOver(std::mem::take(&mut self.kept)),
                _ => return Next::Done,
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.login.take().into_iter().for_each(|login| out.emit(login));
    }
}

fn packet<'a>(rest: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut ahead = *rest;
    let (low, middle, high) = (ahead.u8()?, ahead.u8()?, ahead.u8()?);
    ahead.u8()?;
    let length = u32::from_le_bytes([low, middle, high, 0]);
    let body = ahead.take(usize::try_from(length).ok()?)?;
    *rest = ahead;
    Some(body)
}

impl Session {
    fn answer(&mut self, body: &[u8], out: &mut Out<'_, '_>) -> Next {
        if self.login.is_some() {
            // Another proof, for another method.
            return Next::More;
        }
        let flags = match body {
            [low, high, ..] => u16::from_le_bytes([*low, *high]),
            _ => return Next::Done,
        };
        out.confirm("mysql");
        // A request for TLS is the answer cut off before the name.
        if flags & CLIENT_SSL != 0 && body.len() == 32 {
            return Next::HandOver(Pair::default());
        }
        let name = body.get(32..).unwrap_or_default();
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let mut login = out.new_record(RecordKind::Auth, "mysql", self.client);
        login.user = Some(Untrusted::from_bytes(name));
        if let Some(version) = &self.version {
            login.details.insert("server_version".to_owned(), version.raw().into());
        }
        self.login = Some(login);
        Next::More
    }

    fn server(&mut self, body: &[u8], out: &mut Out<'_, '_>) -> Next {
        let Some(mut login) = self.login.take() else {
            // An error in place of a greeting: too many connections, host not allowed.
            let version = body.get(1..).unwrap_or_default();
            let version = version.split(|&byte| byte == 0).next().unwrap_or_default();
            self.version = Some(Untrusted::from_bytes(version));
            return Next::More;
        };
        match body.first() {
            Some(0) => login.outcome = Some(Outcome::Success),
            Some(0xff) => {
                login.outcome = Some(Outcome::Failure);
                if let Some(&[low, high]) = body.get(1..).and_then(<[u8]>::first_chunk::<2>) {
                    login.status = Some(u32::from(u16::from_le_bytes([low, high])));
                }
            }
            _ => {
                self.login = Some(login);
                return Next::More;
            }
        }
        out.emit(login);
        Next::Done
    }
}
