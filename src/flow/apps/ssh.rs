//! SSH: both banners, the algorithms on offer, and from the sizes of encrypted packets whether
//! somebody got in.
//!
//! After NEWKEYS only lengths are left. Zeek's analyzer (`src/analyzer/protocol/ssh`) reads them:
//! the server's first encrypted segment accepts the service and has a known plain size; a success
//! is 16 bytes shorter than that; the first other answer is the refusal of the method `none`, and
//! each later one of the same size is a refused try. With compression the sizes say nothing.

use std::mem;

use md5::Md5;
use sha2::{Digest, Sha256};

use super::read::{Lines, Reader, hex};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Timestamp, Untrusted, base64};

/// Bytes of a line before the key exchange (RFC 4253 §4.2 allows 255 for the banner).
const LINE_BYTES_MAX: usize = 1_024;

/// Lines a server may send before its banner (RFC 4253 §4.2 sets no limit).
const LINES_BEFORE_BANNER_MAX: u32 = 64;

/// Bytes of a packet in clear (RFC 4253 §6.1: 35,000).
const PACKET_BYTES_MAX: usize = 35_000;

/// The server's encrypted segments that are looked at. Six tries, the usual limit of a server,
/// need about ten.
const ENCRYPTED_SEGMENTS_MAX: u32 = 512;

/// A first answer this much longer than the acceptance of the service is a banner (Zeek).
const BANNER_BYTES_MIN: usize = 256;

/// The acceptance of the service has 16 bytes more than a success.
const SUCCESS_BYTES_LESS: usize = 16;

/// Length, padding length, message number.
const PACKET_BYTES_MIN: usize = 6;

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const KEX_REPLY: u8 = 31;
const GROUP_EXCHANGE_REPLY: u8 = 33;

/// SSH.
pub(super) struct Ssh;

impl Protocol for Ssh {
    fn about(&self) -> &'static About {
        &About {
            service: "ssh",
            reads: "banners, algorithms, HASSH of both sides, host key, tries to log in and their \
                    outcome inferred from packet sizes",
            misses: "user names and methods, which are encrypted; the outcome where data is \
                     compressed or segments are merged",
            source: "RFC 4253, RFC 4252; HASSH (Salesforce 2018); Zeek's SSH analyzer",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let is_banner = |head: &[u8]| head.starts_with(b"SSH-1.") || head.starts_with(b"SSH-2.");
        // Without both banners, the port tells who serves; else who opened the flow asks.
        match opening.side_where(is_banner) {
            Some(_) if !opening.is_datagram => Guess::Yes(Side::Originator),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            streams: Pair { originator: Stream::new(), responder: Stream::new() },
            ts: None,
            sizes: Sizes::default(),
            attempts: 0,
            outcome: None,
            host_key: None,
            is_decided: false,
            has_lost_sizes: false,
        })
    }
}

struct Session {
    client: Side,
    streams: Pair<Stream>,
    ts: Option<Timestamp>,
    sizes: Sizes,
    attempts: u32,
    outcome: Option<Outcome>,
    host_key: Option<String>,
    is_decided: bool,
    /// Lost bytes make every later size doubtful, of either side.
    has_lost_sizes: bool,
}

struct Stream {
    lines: Lines,
    lines_before: u32,
    banner: Option<Untrusted>,
    packet: Vec<u8>,
    offer: Option<Offer>,
    is_encrypted: bool,
    is_lost: bool,
}

impl Stream {
    const fn new() -> Self {
        Self {
            lines: Lines::new(LINE_BYTES_MAX),
            lines_before: 0,
            banner: None,
            packet: Vec::new(),
            offer: None,
            is_encrypted: false,
            is_lost: false,
        }
    }
}

/// What decides about success, all in bytes of the server's segments.
#[derive(Default)]
struct Sizes {
    has_client_spoken: bool,
    service_accept: Option<usize>,
    failure: Option<usize>,
    is_banner_skipped: bool,
    segments: u32,
}

/// The algorithms of a KEXINIT (RFC 4253 §7.1): names joined by commas, in order of preference.
#[derive(Default)]
struct Offer {
    kex: String,
    host_key: String,
    /// To the server, to the client.
    cipher: [String; 2],
    mac: [String; 2],
    compression: [String; 2],
}

impl Offer {
    fn parse(body: &[u8]) -> Option<Self> {
        let mut body = Reader(body);
        body.take(16)?;
        let mut list = || Some(String::from_utf8_lossy(body.part32()?.0).into_owned());
        Some(Self {
            kex: list()?,
            host_key: list()?,
            cipher: [list()?, list()?],
            mac: [list()?, list()?],
            compression: [list()?, list()?],
        })
    }

    /// HASSH: what it offers for what it sends. A client's is for the way to the server.
    fn hassh(&self, way: usize) -> Option<String> {
        let text = format!(
            "{};{};{};{}",
            self.kex,
            self.cipher.get(way)?,
            self.mac.get(way)?,
            self.compression.get(way)?
        );
        Some(hex(&Md5::digest(text)))
    }
}

/// The first of the client's names that the server also has (RFC 4253 §7.1).
fn agreed(client: &str, server: &str) -> Option<String> {
    let has = |name: &&str| server.split(',').any(|offered| offered == *name);
    client.split(',').find(has).map(str::to_owned)
}

fn agreed_both(client: &[String; 2], server: &[String; 2]) -> Option<String> {
    let [to_server, to_client] = client;
    let [server_in, server_out] = server;
    let (there, back) = (agreed(to_server, server_in)?, agreed(to_client, server_out)?);
    Some(if there == back { there } else { format!("To server: {there}, to client: {back}") })
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        self.ts.get_or_insert(out.ts);
        if self.streams[side].is_lost {
            return Next::More;
        }
        while self.streams[side].banner.is_none() {
            let Some(line) = self.streams[side].lines.next(&mut bytes) else { return Next::More };
            self.line(side, &line, out);
            if self.streams[side].lines_before > LINES_BEFORE_BANNER_MAX {
                return Next::Done;
            }
        }
        if !self.streams[side].is_encrypted {
            bytes = self.packets(side, bytes, out);
        }
        if self.streams[side].is_encrypted && !bytes.is_empty() {
            self.encrypted(side, bytes.len(), out);
        }
        let is_over = self.is_decided || self.sizes.segments > ENCRYPTED_SEGMENTS_MAX;
        if is_over { Next::Done } else { Next::More }
    }

    fn gap(&mut self, side: Side, _bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        self.streams[side].is_lost = true;
        self.has_lost_sizes = true;
        if self.streams[side.other()].is_lost || self.streams[side.other()].is_encrypted {
            Next::Done
        } else {
            Next::More
        }
    }

    fn wants_more(&self, side: Side) -> bool {
        !self.streams[side].is_lost
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        let Some(ts) = self.ts.take() else { return };
        let mut record =
            Record { ts: Some(ts), ..out.new_record(RecordKind::Ssh, "ssh", self.client) };
        self.describe(&mut record);
        record.outcome = self.outcome;
        out.emit(record);
    }
}

impl Session {
    fn line(&mut self, side: Side, line: &[u8], out: &mut Out<'_, '_>) {
        let stream = &mut self.streams[side];
        if !line.starts_with(b"SSH-") {
            stream.lines_before += 1;
            return;
        }
        let banner = Untrusted::from_bytes(line);
        stream.banner = Some(banner.clone());
        if side == self.client {
            out.spoken().user_agent.get_or_insert(banner);
        }
        if Side::BOTH.into_iter().all(|side| self.streams[side].banner.is_some()) {
            out.confirm("ssh");
        }
    }

    /// Takes packets in clear; gives back what follows NEWKEYS.
    fn packets<'a>(&mut self, side: Side, mut bytes: &'a [u8], out: &mut Out<'_, '_>) -> &'a [u8] {
        // SSH 1 packs otherwise, and nobody sane speaks it: its banner is all that is read.
        let is_old = |banner: &Untrusted| {
            banner.raw().starts_with("SSH-1.") && !banner.raw().starts_with("SSH-1.99")
        };
        if Side::BOTH.into_iter().any(|side| self.streams[side].banner.as_ref().is_some_and(is_old))
        {
            self.streams[side].is_lost = true;
            return &[];
        }
        while !bytes.is_empty() {
            let packet = &mut self.streams[side].packet;
            let wanted = match Reader(packet).u32() {
                None => 4 - packet.len(),
                Some(length) => {
                    let whole = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(4);
                    if !(PACKET_BYTES_MIN..=PACKET_BYTES_MAX).contains(&whole) {
                        self.streams[side].is_lost = true;
                        return &[];
                    }
                    whole - packet.len()
                }
            };
            let (part, rest) = bytes.split_at(wanted.min(bytes.len()));
            packet.extend_from_slice(part);
            bytes = rest;
            if part.len() == wanted && packet.len() > 4 {
                let packet = mem::take(packet);
                self.packet(side, &packet, out);
                if self.streams[side].is_encrypted {
                    return bytes;
                }
            }
        }
        bytes
    }

    fn packet(&mut self, side: Side, packet: &[u8], out: &mut Out<'_, '_>) {
        let Some((&kind, body)) = packet.get(5..).and_then(<[u8]>::split_first) else { return };
        match kind {
            KEXINIT => {
                let Some(offer) = Offer::parse(body) else { return };
                if side == self.client {
                    out.spoken().hassh = offer.hassh(0);
                } else {
                    out.spoken().hassh_server = offer.hassh(1);
                }
                self.streams[side].offer = Some(offer);
            }
            NEWKEYS => self.streams[side].is_encrypted = true,
            KEX_REPLY | GROUP_EXCHANGE_REPLY if side != self.client => {
                if let Some(key) = Reader(body).part32().filter(|key| key.0.len() > 16) {
                    let hash = base64(&Sha256::digest(key.0));
                    // OpenSSH writes fingerprints without the padding.
                    self.host_key = Some(format!("SHA256:{}", hash.trim_end_matches('=')));
                }
            }
            _ => {}
        }
    }

    fn is_compressed(&self) -> bool {
        self.agreed_compression().is_some_and(|name| name.starts_with("zlib"))
    }

    fn agreed_compression(&self) -> Option<String> {
        let (client, server) = self.offers()?;
        agreed_both(&client.compression, &server.compression)
    }

    fn offers(&self) -> Option<(&Offer, &Offer)> {
        let of = |side: Side| self.streams[side].offer.as_ref();
        of(self.client).zip(of(self.client.other()))
    }

    fn encrypted(&mut self, side: Side, length: usize, out: &mut Out<'_, '_>) {
        if self.is_decided || self.has_lost_sizes {
            return;
        }
        if side == self.client {
            self.sizes.has_client_spoken = true;
            return;
        }
        self.sizes.segments += 1;
        if let Some(outcome) = self.sizes.judge(length)
            && !self.is_compressed()
        {
            self.attempts += 1;
            self.outcome = Some(outcome);
            self.is_decided = outcome == Outcome::Success;
            self.emit_attempt(outcome, out);
        }
    }

    fn emit_attempt(&self, outcome: Outcome, out: &mut Out<'_, '_>) {
        let mut record = out.new_record(RecordKind::Auth, "ssh", self.client);
        record.outcome = Some(outcome);
        record.user_agent = self.streams[self.client].banner.clone();
        record.details.insert("attempt".to_owned(), self.attempts.into());
        record.details.insert("inferred".to_owned(), true.into());
        out.emit(record);
    }

    fn describe(&self, record: &mut Record) {
        record.user_agent = self.streams[self.client].banner.clone();
        let mut put = |key: &str, text: Option<&str>| {
            if let Some(text) = text {
                record.details.insert(key.to_owned(), Untrusted::new(text).raw().into());
            }
        };
        let server = self.client.other();
        put("client", self.streams[self.client].banner.as_ref().map(Untrusted::raw));
        put("server", self.streams[server].banner.as_ref().map(Untrusted::raw));
        put("host_key_fingerprint", self.host_key.as_deref());
        if let Some((client, server)) = self.offers() {
            put("kex_alg", agreed(&client.kex, &server.kex).as_deref());
            put("host_key_alg", agreed(&client.host_key, &server.host_key).as_deref());
            put("cipher_alg", agreed_both(&client.cipher, &server.cipher).as_deref());
            put("mac_alg", agreed_both(&client.mac, &server.mac).as_deref());
            put("compression_alg", self.agreed_compression().as_deref());
        }
        let offer_of = |side: Side| self.streams[side].offer.as_ref();
        put("hassh", offer_of(self.client).and_then(|offer| offer.hassh(0)).as_deref());
        put("hassh_server", offer_of(server).and_then(|offer| offer.hassh(1)).as_deref());
        record.details.insert("auth_attempts".to_owned(), self.attempts.into());
        let success = self.outcome.map(|outcome| outcome == Outcome::Success);
        record.details.insert("auth_success".to_owned(), success.into());
    }
}

impl Sizes {
    /// What a server's encrypted segment says of a try to log in; `None`: nothing.
    fn judge(&mut self, length: usize) -> Option<Outcome> {
        if !self.has_client_spoken {
            return None;
        }
        let Some(accept) = self.service_accept else {
            self.service_accept = Some(length);
            return None;
        };
        let is_success = length + SUCCESS_BYTES_LESS == accept;
        let Some(failure) = self.failure else {
            if is_success {
                return Some(Outcome::Success);
            }
            if !self.is_banner_skipped && length > accept + BANNER_BYTES_MIN {
                self.is_banner_skipped = true;
            } else {
                self.failure = Some(length);
            }
            return None;
        };
        if length == failure {
            return Some(Outcome::Failure);
        }
        is_success.then_some(Outcome::Success)
    }
}
