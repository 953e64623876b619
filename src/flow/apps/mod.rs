//! Application protocols: recognised by content, never by port alone, and read as far as the
//! responder to an incident needs.
//!
//! A flow makes one [`Conversation`] when its first payload comes and hands it the bytes of each
//! direction in order. The conversation keeps the first bytes of both sides until one entry of
//! [`PROTOCOLS`] says "mine", then gives all bytes to that protocol's parser, which emits records
//! (a request with its answer, a try to log in) and facts (server name, fingerprints). A parser
//! may hand over to what it carries: SOCKS, `CONNECT` and STARTTLS begin recognition anew.
//!
//! ```text
//! bytes of a side ─► heads (≤ 1 KiB a side) ─► recognise ─► parser ─► Record, Spoken, service
//!                                                  ▲            │
//!                                                  └─ hand over ┘
//! ```
//!
//! What it costs: a protocol looks at a few bytes at fixed places, so a flow that nobody knows
//! costs some comparisons for each of its first segments and nothing after. Bytes that no parser
//! wants (bodies, ciphertext) are counted, not kept; [`Conversation::wants_more`] tells the flow
//! when to stop reassembling.
//!
//! **To add a protocol**: one file with a type that implements [`Protocol`], one line in
//! [`PROTOCOLS`]; `xmpp.rs` is a small one to copy, `known.rs` has those that are only named.
//! Deliberately absent: bodies, files and mail texts; answers to "who is worse", which is
//! `threat`'s.

use crate::flow::{Pair, Side};
use crate::model::{Endpoint, ImportId, Record, RecordKind, Spoken, Timestamp, Uid, Untrusted};

pub mod hello;
mod dhcp;
mod dns;
mod ftp;
mod http;
mod imap;
mod irc;
mod known;
mod ldap;
mod mysql;
mod pop3;
mod postgresql;
mod quic;
mod rdp;
mod read;
mod redis;
mod smb;
mod smtp;
mod snmp;
mod socks;
mod ssh;
mod telnet;
mod tls;
mod x509;
mod xmpp;

/// Bytes of one side that recognition may look at. The longest first messages that decide late
/// (an SMTP greeting with its notice lines, then EHLO) stay below this.
const HEAD_BYTES_MAX: usize = 1_024;

/// Bytes of a side after which it has said enough: no signature here needs more than 64.
const HEAD_BYTES_ENOUGH: usize = 64;

/// Datagrams of a flow that recognition looks at; further ones are not examined.
const DATAGRAM_TRIES_MAX: u32 = 6;

/// Segments of a flow that recognition looks at. A banner sent byte by byte still fits.
const SEGMENT_TRIES_MAX: u32 = 64;

/// Protocols within protocols: TLS in CONNECT in SOCKS is three.
const NESTING_MAX: usize = 4;

/// All protocols, in the order in which they are asked. Ambiguous signatures stand last.
pub const PROTOCOLS: &[&dyn Protocol] = &[
    &tls::Tls,
    &http::Http,
    &dns::Dns,
    &quic::Quic,
    &ssh::Ssh,
    &smtp::Smtp,
    &ftp::Ftp,
    &socks::Socks,
    &pop3::Pop3,
    &imap::Imap,
    &irc::Irc,
    &telnet::Telnet,
    &mysql::Mysql,
    &postgresql::Postgresql,
    &redis::Redis,
    &ldap::LdapTcp,
    &ldap::LdapUdp,
    &snmp::Snmp,
    &dhcp::Dhcp,
    &rdp::Rdp,
    &xmpp::Xmpp,
    &smb::Smb,
    &known::NTP,
    &known::SIP,
    &known::SIP_TCP,
    &known::KRB,
    &known::KRB_TCP,
    &known::RFB,
    &known::MQTT,
    &known::DCE_RPC,
    &known::DNP3_TCP,
    &known::RADIUS,
    &known::GTPV1,
    &known::VXLAN,
    &known::GENEVE,
    &known::TEREDO,
    &known::RDPEUDP,
    &known::STUN,
    &known::TFTP,
    &known::BITTORRENT,
    &known::SYSLOG,
    &known::MODBUS,
];

/// Words in [`Spoken::apps`](crate::model::Spoken) that are no protocol of their own list: what an
/// HTTP connection was upgraded to.
const UPGRADES: &[&str] = &["websocket"];

/// The program's own word for a protocol that is written so; `None`: no such word is known. Gives
/// a stored flow its words back.
pub fn known_app(word: &str) -> Option<&'static str> {
    let protocols = PROTOCOLS.iter().map(|protocol| protocol.about().service);
    protocols.chain(UPGRADES.iter().copied()).find(|known| *known == word)
}

/// What a protocol is, for the help, the README table and the tests.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Zeek's name of the service: `ssl`, `dns`, `krb_tcp`.
    pub service: &'static str,
    /// What is read.
    pub reads: &'static str,
    /// What of it is not read.
    pub misses: &'static str,
    /// Where the protocol is specified.
    pub source: &'static str,
}

/// A key for hashes of secrets, made once a run. Equal secrets have equal hashes within the run,
/// and nobody without the key can test a guess against one.
#[derive(Clone, Copy)]
pub struct SecretKey(pub [u8; 32]);

/// Hex digits kept of a secret's hash: 64 bits tell a run's secrets apart.
const SECRET_HASH_DIGITS: usize = 16;

impl SecretKey {
    /// The keyed hash of a secret (BLAKE3 in keyed mode), as hex digits.
    pub fn hash(&self, secret: &[u8]) -> String {
        let hash = blake3::keyed_hash(&self.0, secret).to_hex();
        hash.get(..SECRET_HASH_DIGITS).unwrap_or_default().to_owned()
    }
}

/// Whose conversation it is; written into every record.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Who opened the flow.
    pub originator: Endpoint,
    /// Whom it was opened to.
    pub responder: Endpoint,
    /// The flow.
    pub uid: Uid,
    /// The file.
    pub import: ImportId,
}

/// Where a conversation puts its records.
pub struct Sink<'a> {
    /// Whose they are.
    pub context: &'a Context,
    /// For hashes of secrets.
    pub key: &'a SecretKey,
    /// Takes each record.
    pub record: &'a mut dyn FnMut(Record),
}

/// What a parser writes to.
pub struct Out<'a, 'b> {
    sink: &'a mut Sink<'b>,
    heard: &'a mut Heard,
    /// When the bytes at hand were captured.
    pub ts: Timestamp,
}

impl Out<'_, '_> {
    /// A new record of this flow, with `client` as the one who acts.
    pub fn new_record(&self, kind: RecordKind, service: &'static str, client: Side) -> Record {
        let context = self.sink.context;
        let (src, dst) = match client {
            Side::Originator => (context.originator, context.responder),
            Side::Responder => (context.responder, context.originator),
        };
        Record {
            ts: Some(self.ts),
            service: Some(Untrusted::new(service)),
            src: Some(src.addr),
            src_port: Some(src.port),
            dst: Some(dst.addr),
            dst_port: Some(dst.port),
            uid: Some(context.uid),
            ..Record::new(kind, context.import)
        }
    }

    /// Hands a record on.
    pub fn emit(&mut self, record: Record) {
        (self.sink.record)(record);
    }

    /// A try to log in with a secret that was sent in clear: the record gets the secret's length
    /// and keyed hash, never the secret.
    pub fn credential(
        &self,
        mut record: Record,
        method: &'static str,
        user: Option<&[u8]>,
        secret: Option<&[u8]>,
    ) -> Record {
        record.kind = RecordKind::Auth;
        record.method = Some(Untrusted::new(method));
        record.user = user.map(Untrusted::from_bytes);
        record.details.insert("cleartext".to_owned(), true.into());
        if let Some(secret) = secret {
            record.details.insert("secret_bytes".to_owned(), secret.len().into());
            record.details.insert("secret_hash".to_owned(), self.sink.key.hash(secret).into());
        }
        record
    }

    /// What the flow is known to say so far.
    pub fn spoken(&mut self) -> &mut Spoken {
        &mut self.heard.spoken
    }

    /// Both sides have shown that they speak this: it becomes part of the flow's `service`.
    pub fn confirm(&mut self, service: &'static str) {
        if !self.heard.services.contains(&service) {
            self.heard.services.push(service);
        }
    }
}

/// What a conversation said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Names, fingerprints, protocols.
    pub spoken: Spoken,
    /// Confirmed services in the order of their confirmation, Zeek's names.
    pub services: Vec<&'static str>,
}

impl Heard {
    /// Zeek's `service`: the confirmed services joined by `,`; `None`: none.
    pub fn service(&self) -> Option<String> {
        (!self.services.is_empty()).then(|| self.services.join(","))
    }
}

/// What recognition may look at.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Whether these are datagrams; else the beginnings of two streams.
    pub is_datagram: bool,
    /// The first bytes of each side; a datagram stands alone, on the side that sent it.
    pub heads: Pair<&'a [u8]>,
    /// The side that spoke first.
    pub first: Side,
    /// The ports, for signatures so weak that the port must agree.
    pub ports: Pair<u16>,
}

impl Opening<'_> {
    /// The first side, in the order in which they spoke, whose bytes pass a test.
    pub fn side_where(&self, test: impl Fn(&[u8]) -> bool) -> Option<Side> {
        [self.first, self.first.other()].into_iter().find(|&side| test(self.heads[side]))
    }

    /// Whether one of the ports is this.
    pub fn has_port(&self, port: u16) -> bool {
        self.ports.originator == port || self.ports.responder == port
    }
}

/// How sure a protocol is of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// Not mine.
    No,
    /// Perhaps: more bytes will tell.
    Maybe,
    /// Mine, with this side as the client.
    Yes(Side),
}

impl Guess {
    /// `Yes` where there is a client.
    pub fn from_client(client: Option<Side>) -> Self {
        client.map_or(Self::No, Self::Yes)
    }
}

/// An application protocol.
pub trait Protocol: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Looks at the first bytes of both sides.
    fn recognise(&self, opening: &Opening<'_>) -> Guess;

    /// Begins to read; the bytes that were recognised come again.
    fn start(&self, client: Side) -> Box<dyn Parse>;
}

/// What a parser wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// To go on.
    More,
    /// Nothing: all that matters was read, or it is not this protocol after all.
    Done,
    /// That recognition begins anew on the bytes that follow, after these.
    HandOver(Pair<Vec<u8>>),
}

/// A protocol being read. State is bounded by constants beside each parser.
pub trait Parse: Send {
    /// Takes the next bytes of a side, or one datagram.
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next;

    /// Whether further bytes of a side can tell something. Once `false`, always `false`.
    fn wants_more(&self, _side: Side) -> bool {
        true
    }

    /// Bytes of a side were lost by the capture.
    fn gap(&mut self, _side: Side, _bytes: u64, _out: &mut Out<'_, '_>) -> Next {
        Next::Done
    }

    /// The flow has ended: what waited for an answer is emitted without one.
    fn finish(&mut self, _out: &mut Out<'_, '_>) {}
}

/// The bytes that recognition works on.
#[derive(Default)]
struct Opened {
    heads: Pair<Vec<u8>>,
    /// Bytes of each side that came after its head was full, or were lost.
    skipped: Pair<u64>,
    first: Option<Side>,
    tries: u32,
}

enum Stage {
    Opening(Opened),
    Speaking(Box<dyn Parse>),
    Silent,
}

/// What one flow says, from its first payload to its end.
pub struct Conversation {
    transport: Transport,
    ports: Pair<u16>,
    stage: Stage,
    nesting: usize,
    last_ts: Timestamp,
    heard: Heard,
}

impl Conversation {
    /// A flow whose first payload is about to come.
    pub fn new(transport: Transport, ports: Pair<u16>) -> Self {
        Self {
            transport,
            ports,
            stage: Stage::Opening(Opened::default()),
            nesting: 0,
            last_ts: Timestamp::default(),
            heard: Heard::default(),
        }
    }

    /// A flow that is known to speak a protocol: for tests of its parser.
    pub fn begun(protocol: &dyn Protocol, client: Side, transport: Transport) -> Self {
        let stage = Stage::Speaking(protocol.start(client));
        Self { stage, ..Self::new(transport, Pair::default()) }
    }

    /// Whether further bytes of a side can still tell something. Once `false`, always `false`.
    pub fn wants_more(&self, side: Side) -> bool {
        match &self.stage {
            Stage::Silent => false,
            Stage::Opening(opened) => {
                self.transport == Transport::Datagrams || opened.skipped[side] == 0
            }
            Stage::Speaking(parser) => parser.wants_more(side),
        }
    }

    /// Takes the next bytes of a stream's side.
    pub fn bytes(&mut self, side: Side, ts: Timestamp, bytes: &[u8], sink: &mut Sink<'_>) {
        self.last_ts = ts;
        match &mut self.stage {
            Stage::Silent => {}
            Stage::Opening(_) => self.open(side, bytes, sink),
            Stage::Speaking(_) => self.speak(side, bytes, sink),
        }
    }

    /// Takes one datagram's payload.
    pub fn datagram(&mut self, side: Side, ts: Timestamp, payload: &[u8], sink: &mut Sink<'_>) {
        self.bytes(side, ts, payload, sink);
    }

    /// Bytes of a side were lost.
    pub fn gap(&mut self, side: Side, ts: Timestamp, bytes: u64, sink: &mut Sink<'_>) {
        self.last_ts = ts;
        let next = match &mut self.stage {
            Stage::Silent => return,
            Stage::Opening(opened) => {
                opened.skipped[side] = opened.skipped[side].saturating_add(bytes);
                return;
            }
            Stage::Speaking(parser) => {
                parser.gap(side, bytes, &mut Out { sink, heard: &mut self.heard, ts })
            }
        };
        self.follow(next, sink);
    }

    /// The flow has ended.
    pub fn finish(mut self, sink: &mut Sink<'_>) -> Heard {
        if let Stage::Speaking(parser) = &mut self.stage {
            parser.finish(&mut Out { sink, heard: &mut self.heard, ts: self.last_ts });
        }
        self.heard
    }

    fn speak(&mut self, side: Side, bytes: &[u8], sink: &mut Sink<'_>) {
        let Stage::Speaking(parser) = &mut self.stage else { return };
        let mut out = Out { sink, heard: &mut self.heard, ts: self.last_ts };
        let next = parser.bytes(side, bytes, &mut out);
        self.follow(next, sink);
    }

    fn follow(&mut self, next: Next, sink: &mut Sink<'_>) {
        match next {
            Next::More => {}
            Next::Done => self.fall_silent(sink),
            Next::HandOver(rest) => {
                self.fall_silent(sink);
                self.hand_over(rest, sink);
            }
        }
    }

    /// Ends the parser: it tells what it still has.
    fn fall_silent(&mut self, sink: &mut Sink<'_>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Silent);
        if let Stage::Speaking(mut parser) = stage {
            parser.finish(&mut Out { sink, heard: &mut self.heard, ts: self.last_ts });
        }
    }

    fn hand_over(&mut self, rest: Pair<Vec<u8>>, sink: &mut Sink<'_>) {
        self.nesting += 1;
        if self.nesting >= NESTING_MAX {
            return;
        }
        self.stage = Stage::Opening(Opened::default());
        for side in Side::BOTH {
            let bytes = &rest[side];
            if !bytes.is_empty() {
                match self.stage {
                    Stage::Opening(_) => self.open(side, bytes, sink),
                    Stage::Speaking(_) => self.speak(side, bytes, sink),
                    Stage::Silent => {}
                }
            }
        }
    }

    fn open(&mut self, side: Side, bytes: &[u8], sink: &mut Sink<'_>) {
        let Stage::Opening(opened) = &mut self.stage else { return };
        if bytes.is_empty() {
            return;
        }
        opened.first.get_or_insert(side);
        opened.tries += 1;
        let is_datagram = self.transport == Transport::Datagrams;
        // A datagram is judged alone, and whole; of a stream only the head is kept.
        let rest = if is_datagram { &[][..] } else { opened.keep(side, bytes) };
        let opening = Opening {
            is_datagram,
            heads: opened.view(is_datagram.then_some((side, bytes))),
            first: if is_datagram { side } else { opened.first.unwrap_or(side) },
            ports: self.ports,
        };
        let mut is_open = false;
        let found = PROTOCOLS.iter().find_map(|&protocol| match protocol.recognise(&opening) {
            Guess::Yes(client) => Some((protocol, client)),
            guess => {
                is_open |= guess == Guess::Maybe;
                None
            }
        });
        if let Some((protocol, client)) = found {
            self.begin(protocol, client, (side, bytes, rest), sink);
        } else if opened.is_exhausted(self.transport)
            || (!is_datagram && !is_open && opened.is_heard())
        {
            self.stage = Stage::Silent;
        } else {
            opened.skipped[side] = opened.skipped[side].saturating_add(rest.len() as u64);
        }
    }

    /// Starts a parser and gives it what was kept, the first speaker's bytes first.
    fn begin(
        &mut self,
        protocol: &dyn Protocol,
        client: Side,
        (side, bytes, rest): (Side, &[u8], &[u8]),
        sink: &mut Sink<'_>,
    ) {
        let service = protocol.about().service;
        if !self.heard.spoken.apps.contains(&service) {
            self.heard.spoken.apps.push(service);
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Speaking(protocol.start(client)));
        let Stage::Opening(opened) = stage else { return };
        if self.transport == Transport::Datagrams {
            return self.speak(side, bytes, sink);
        }
        let first = opened.first.unwrap_or(side);
        for earlier in [first, first.other()] {
            if matches!(self.stage, Stage::Speaking(_)) && !opened.heads[earlier].is_empty() {
                self.speak(earlier, &opened.heads[earlier], sink);
            }
            if opened.skipped[earlier] > 0 {
                self.gap(earlier, self.last_ts, opened.skipped[earlier], sink);
            } else if earlier == side && !rest.is_empty() {
                self.bytes(side, self.last_ts, rest, sink);
            }
        }
    }
}

impl Opened {
    /// Keeps what still fits of a side's head; gives back what does not.
    fn keep<'a>(&mut self, side: Side, bytes: &'a [u8]) -> &'a [u8] {
        if self.skipped[side] > 0 {
            return bytes;
        }
        let head = &mut self.heads[side];
        let (kept, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES_MAX - head.len()));
        head.extend_from_slice(kept);
        rest
    }

    fn view<'a>(&'a self, datagram: Option<(Side, &'a [u8])>) -> Pair<&'a [u8]> {
        let mut view = Pair::<&[u8]>::default();
        match datagram {
            Some((side, bytes)) => view[side] = bytes,
            None => Side::BOTH.into_iter().for_each(|side| view[side] = &self.heads[side]),
        }
        view
    }

    /// Whether enough was seen of it to give up.
    fn is_exhausted(&self, transport: Transport) -> bool {
        match transport {
            Transport::Stream => self.tries >= SEGMENT_TRIES_MAX,
            Transport::Datagrams => self.tries >= DATAGRAM_TRIES_MAX,
        }
    }

    /// Whether each side of a stream has said all that a signature needs.
    fn is_heard(&self) -> bool {
        Side::BOTH
            .into_iter()
            .all(|side| self.heads[side].len() >= HEAD_BYTES_ENOUGH || self.skipped[side] > 0)
    }
}

/// How a flow's payload comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// As an ordered stream: TCP.
    Stream,
    /// As messages: UDP.
    Datagrams,
}

/// Two lines in the making, one for each side.
fn line_pair(limit: usize) -> Pair<read::Lines> {
    Pair { originator: read::Lines::new(limit), responder: read::Lines::new(limit) }
}

/// Ends a dialogue of lines at a switch to another protocol: `rest` of a side and what the other
/// has sent ahead are its first bytes.
fn hand_over(lines: &mut Pair<read::Lines>, side: Side, rest: &[u8]) -> Next {
    let mut inner = Pair::<Vec<u8>>::default();
    inner[side] = rest.to_vec();
    inner[side.other()] = lines[side.other()].take_pending();
    Next::HandOver(inner)
}
