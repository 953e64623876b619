//! TLS and SSL 3 over TCP: both hellos, the server's certificate where it is sent in clear.

use std::mem;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hello::{Carrier, ClientHello, ServerHello, version_name};
use super::read::{Reader, hex};
use super::x509::Certificate;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Timestamp, Untrusted};

/// Bytes of one handshake message. Chains of certificates stay below 20 kB, a ClientHello with
/// post-quantum keys below 4 kB.
const HANDSHAKE_BYTES_MAX: usize = 65_536;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// TLS, Zeek's `ssl`.
pub(super) struct Tls;

impl Protocol for Tls {
    fn about(&self) -> &'static About {
        &About {
            service: "ssl",
            reads: "client and server hello (names, versions, ALPN, JA3, JA3S, JA4), certificates \
                    in clear, alerts, heartbeats that ask for more than they hold",
            misses: "what is encrypted, certificates of TLS 1.3 among it; SSL 2 hellos",
            source: "RFC 8446, RFC 5246, RFC 6066, RFC 7301, RFC 6520",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let mut guess = Guess::No;
        for side in [opening.first, opening.first.other()] {
            let head = opening.heads[side];
            match head {
                [HANDSHAKE, 3, 0..=4, _, _, 1, ..] => return Guess::Yes(side),
                [HANDSHAKE, 3, 0..=4, _, _, 2, ..] => return Guess::Yes(side.other()),
                [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, 0..=4] => guess = Guess::Maybe,
                [HANDSHAKE, 3, 0..=4, ..] if head.len() < 6 => guess = Guess::Maybe,
                _ => {}
            }
        }
        guess
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, streams: Pair::default(), seen: Seen::default() })
    }
}

/// What the handshake has shown so far; DTLS collects the same.
#[derive(Default)]
pub(super) struct Seen {
    ts: Option<Timestamp>,
    client: Option<ClientHello>,
    server: Option<ServerHello>,
    certificate: Option<Certificate>,
    details: serde_json::Map<String, Value>,
    hellos: u32,
    is_established: bool,
    is_refused: bool,
}

struct Session {
    client: Side,
    streams: Pair<Stream>,
    seen: Seen,
}

#[derive(Default)]
struct Stream {
    /// The record header, as far as it has come.
    header: Vec<u8>,
    /// Bytes of the record still to come.
    left: usize,
    content: u8,
    /// A message of which the end has not come yet.
    message: Vec<u8>,
    /// A change of cipher came, but the other side's choice of TLS 1.3 or less was not seen.
    is_doubtful: bool,
    /// Nothing more can be read.
    is_closed: bool,
}

impl Stream {
    /// Whether a handshake record after a doubtful change of cipher is no second ClientHello.
    fn is_ciphertext(&self, part: &[u8]) -> bool {
        let mut start = Reader(part);
        let is_hello = start.u8() == Some(1)
            && start.u24().and_then(|length| usize::try_from(length).ok())
                == Some((part.len() + self.left).saturating_sub(4));
        self.is_doubtful && self.message.is_empty() && !is_hello
    }
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while !bytes.is_empty() && !self.streams[side].is_closed {
            let stream = &mut self.streams[side];
            if stream.left > 0 {
                let (part, rest) = bytes.split_at(stream.left.min(bytes.len()));
                stream.left -= part.len();
                bytes = rest;
                self.content(side, part, out);
                continue;
            }
            let (part, rest) = bytes.split_at((5 - stream.header.len()).min(bytes.len()));
            stream.header.extend_from_slice(part);
            bytes = rest;
            if let &[content, major, _, high, low] = stream.header.as_slice() {
                stream.header.clear();
                stream.content = content;
                stream.left = usize::from(u16::from_be_bytes([high, low]));
                stream.is_closed =
                    major != 3 || !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content);
                self.begins_record(side);
            }
        }
        self.next()
    }

    fn gap(&mut self, side: Side, _bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        self.streams[side].is_closed = true;
        self.next()
    }

    fn wants_more(&self, side: Side) -> bool {
        !self.streams[side].is_closed
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.seen.emit(self.client, Carrier::Tcp, out);
    }
}

impl Session {
    fn next(&self) -> Next {
        let is_over = Side::BOTH.into_iter().all(|side| self.streams[side].is_closed);
        if is_over { Next::Done } else { Next::More }
    }

    /// Notes where a side turns to ciphertext.
    fn begins_record(&mut self, side: Side) {
        let stream = &mut self.streams[side];
        // After a request for another hello, TLS 1.3 sends a change of cipher that changes nothing.
        let is_turning = match stream.content {
            APPLICATION_DATA => true,
            CHANGE_CIPHER_SPEC if self.seen.server.is_none() => {
                stream.is_doubtful = true;
                false
            }
            CHANGE_CIPHER_SPEC => true,
            _ => false,
        };
        if is_turning {
            stream.is_closed = true;
            self.seen.is_established =
                Side::BOTH.into_iter().all(|side| self.streams[side].is_closed);
        }
    }

    fn content(&mut self, side: Side, part: &[u8], out: &mut Out<'_, '_>) {
        let content = self.streams[side].content;
        match content {
            ALERT => self.seen.alert(part),
            HEARTBEAT => self.seen.heartbeat(part, self.streams[side].left, side == self.client),
            HANDSHAKE if self.streams[side].is_ciphertext(part) => {
                self.streams[side].is_closed = true;
            }
            HANDSHAKE => {
                let mut message = mem::take(&mut self.streams[side].message);
                message.extend_from_slice(part);
                let mut rest = Reader(&message);
                loop {
                    let mut ahead = rest;
                    let Some((kind, length)) = ahead.u8().zip(ahead.u24()) else { break };
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    if length > HANDSHAKE_BYTES_MAX {
                        self.streams[side].is_closed = true;
                        return;
                    }
                    let Some(body) = ahead.take(length) else { break };
                    self.seen.message(kind, body, Carrier::Tcp, out);
                    rest = ahead;
                }
                // Most records end with their message: then nothing is copied.
                let left = rest.0.len();
                message.drain(..message.len() - left);
                self.streams[side].message = message;
            }
            _ => {}
        }
    }
}

impl Seen {
    /// Takes a whole handshake message.
    pub(super) fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        carrier: Carrier,
        out: &mut Out<'_, '_>,
    ) {
        match kind {
            1 => {
                if let Some(hello) = ClientHello::parse(body, carrier) {
                    self.client_hello(hello, carrier, out);
                }
            }
            2 => {
                if let Some(hello) = ServerHello::parse(body) {
                    self.server_hello(hello, out);
                }
            }
            11 => self.certificates(body),
            _ => {}
        }
    }

    pub(super) fn client_hello(
        &mut self,
        hello: ClientHello,
        carrier: Carrier,
        out: &mut Out<'_, '_>,
    ) {
        self.ts.get_or_insert(out.ts);
        self.hellos += 1;
        let (ja3, ja4) = (hello.ja3(), hello.ja4(carrier));
        if self.hellos > 1 {
            // A second hello, after a retry; a third is no TLS, and changes nothing.
            for (key, text) in [
                ("ja4_second", ja4.ja4),
                ("ja4_r_second", ja4.ja4_r),
                ("ja4_o_second", ja4.ja4_o),
                ("ja4_ro_second", ja4.ja4_ro),
            ] {
                self.details.entry(key).or_insert_with(|| text.into());
            }
            return;
        }
        for (key, text) in [
            ("ja3", &ja3),
            ("ja4", &ja4.ja4),
            ("ja4_r", &ja4.ja4_r),
            ("ja4_o", &ja4.ja4_o),
            ("ja4_ro", &ja4.ja4_ro),
        ] {
            self.details.insert(key.to_owned(), text.as_str().into());
        }
        let spoken = out.spoken();
        spoken.ja3.get_or_insert(ja3);
        spoken.ja4.get_or_insert(ja4.ja4);
        if let Some(name) = &hello.server_name {
            let name = Untrusted::from_bytes(name);
            spoken.sni.get_or_insert_with(|| name.clone());
            spoken.server_name.get_or_insert(name);
        }
        if let Some(offered) = hello.alpn.first() {
            spoken.alpn.get_or_insert_with(|| Untrusted::from_bytes(offered));
        }
        self.client = Some(hello);
    }

    pub(super) fn server_hello(&mut self, hello: ServerHello, out: &mut Out<'_, '_>) {
        self.ts.get_or_insert(out.ts);
        out.confirm("ssl");
        if hello.is_retry {
            return;
        }
        let ja3s = hello.ja3s();
        self.details.insert("ja3s".to_owned(), ja3s.as_str().into());
        let spoken = out.spoken();
        spoken.ja3s.get_or_insert(ja3s);
        if let Some(chosen) = &hello.alpn {
            spoken.alpn = Some(Untrusted::from_bytes(chosen));
        }
        self.server = Some(hello);
    }

    fn certificates(&mut self, body: &[u8]) {
        let mut body = Reader(body);
        let Some(mut list) = body.part24() else { return };
        if let Some(leaf) = list.part24().filter(|_| self.certificate.is_none()) {
            let hash = hex(&Sha256::digest(leaf.0));
            self.details.insert("cert_sha256".to_owned(), hash.into());
            self.certificate = Certificate::parse(leaf.0);
        }
    }

    pub(super) fn alert(&mut self, part: &[u8]) {
        // Longer ones are encrypted.
        if let &[level, description] = part {
            self.is_refused |= level == 2;
            let alert = json!({"level": level, "description": description});
            self.details.entry("alert").or_insert(alert);
        }
    }

    /// A heartbeat request that claims more payload than its record holds reads the other's memory
    /// (CVE-2014-0160); an answer follows only where it worked.
    #[expect(clippy::fn_params_excessive_bools, reason = "one caller, one question")]
    fn heartbeat(&mut self, part: &[u8], left: usize, from_client: bool) {
        let mut body = Reader(part);
        let Some((kind, claimed)) = body.u8().zip(body.u16()) else { return };
        if kind == 1 && usize::from(claimed) > body.0.len() + left {
            let who = if from_client { "client" } else { "server" };
            self.details.entry("heartbeat_overread").or_insert_with(|| who.into());
        } else if kind == 2 && self.details.contains_key("heartbeat_overread") {
            let bytes = part.len() + left;
            self.details.entry("heartbeat_answer_bytes").or_insert_with(|| bytes.into());
        }
    }

    /// Writes the record, once, if any hello was read.
    pub(super) fn emit(&mut self, client: Side, carrier: Carrier, out: &mut Out<'_, '_>) {
        let Some(ts) = self.ts.take() else { return };
        let service = if carrier == Carrier::Quic { "quic" } else { "ssl" };
        let mut record =
            Record { ts: Some(ts), ..out.new_record(RecordKind::Tls, service, client) };
        record.details = mem::take(&mut self.details);
        let mut put = |key: &str, value: Value| {
            record.details.insert(key.to_owned(), value);
        };
        if let Some(hello) = &self.server {
            put("version", version_name(hello.version).into());
            put("cipher", format!("0x{:04x}", hello.cipher).into());
            if let Some(chosen) = &hello.alpn {
                put("next_protocol", Untrusted::from_bytes(chosen).raw().into());
            }
        }
        if let Some(certificate) = self.certificate.take() {
            certificate.describe(&mut put);
        }
        // The end of a QUIC handshake is encrypted.
        if carrier == Carrier::Tcp {
            put("established", self.is_established.into());
        }
        if let Some(hello) = &self.client {
            record.host = hello.server_name.as_deref().map(Untrusted::from_bytes);
            record.dst_name = record.host.clone();
        }
        record.outcome = match (self.is_established, self.is_refused) {
            (true, _) => Some(Outcome::Success),
            (false, true) => Some(Outcome::Failure),
            (false, false) => None,
        };
        out.emit(record);
    }
}
