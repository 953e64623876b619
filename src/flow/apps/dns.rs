//! DNS over UDP and TCP, and its kin on the link (mDNS, LLMNR, NetBIOS names): each question
//! with its answers.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a name (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 255;

/// A 255-byte name holds at most 127 labels (RFC 1035 §2.3.4): more jumps than that are a loop.
const JUMPS_MAX: u32 = 127;

/// Answers kept of one message. A full UDP message of 4,096 bytes holds about 250 addresses.
const ANSWERS_MAX: usize = 256;

/// Questions of one message that become records; servers answer only the first.
const QUESTIONS_MAX: u16 = 8;

/// Questions of one flow that wait for an answer; then the oldest goes on without.
const PENDING_MAX: usize = 64;

/// Bytes of one message over TCP that are buffered: the length field allows no more.
const MESSAGE_BYTES_MAX: usize = 65_535;

/// Ports on which a message may be odd and still be DNS: DNS, NetBIOS names, mDNS, LLMNR.
const PORTS: [u16; 4] = [53, 137, 5353, 5355];

/// DNS.
pub(super) struct Dns;

impl Protocol for Dns {
    fn about(&self) -> &'static About {
        &About {
            service: "dns",
            reads: "questions, answers (A, AAAA, CNAME, NS, PTR, MX, SRV, TXT), response codes, \
                    over UDP and TCP; mDNS, LLMNR and NetBIOS names",
            misses: "DNS over TLS, HTTPS or QUIC; signatures and other rare record types, which \
                     are counted only",
            source: "RFC 1035, RFC 3596, RFC 6762, RFC 4795, RFC 1002",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let is_usual = PORTS.iter().any(|&port| opening.has_port(port));
        for side in [opening.first, opening.first.other()] {
            let head = opening.heads[side];
            if opening.is_datagram {
                if let Some(message) = Message::parse(head)
                    && message.is_plausible(is_usual)
                {
                    return Guess::Yes(if message.is_answer { side.other() } else { side });
                }
                continue;
            }
            let mut stream = Reader(head);
            let Some(length) = stream.u16() else { continue };
            // Over TCP a whole first message is wanted: two bytes of length prove little.
            match Message::parse(stream.0.get(..usize::from(length)).unwrap_or_default()) {
                Some(message) if message.is_plausible(is_usual) => {
                    return Guess::Yes(if message.is_answer { side.other() } else { side });
                }
                _ if is_usual && head.len() < 512 && length < 512 => return Guess::Maybe,
                _ => {}
            }
        }
        Guess::No
    }

    fn start(&self, _client: Side) -> Box<dyn Parse> {
        Box::new(Session { pending: VecDeque::new(), streams: Pair::default(), mode: None })
    }
}

struct Session {
    pending: VecDeque<(Key, Record)>,
    streams: Pair<Vec<u8>>,
    /// Whether messages come in a stream, after their length; known from the first one.
    mode: Option<Framing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Datagram,
    Stream,
}

/// What joins an answer to its question.
#[derive(PartialEq, Eq)]
struct Key {
    id: u16,
    name: String,
    kind: u16,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let mode = *self.mode.get_or_insert_with(|| {
            if Message::parse(bytes).is_some() { Framing::Datagram } else { Framing::Stream }
        });
        if mode == Framing::Datagram {
            if let Some(message) = Message::parse(bytes) {
                self.message(side, message, out);
            }
            return Next::More;
        }
        let mut stream = std::mem::take(&mut self.streams[side]);
        stream.extend_from_slice(bytes);
        let mut rest = Reader(&stream);
        loop {
            let mut next = rest;
            let Some(part) = next.part16() else { break };
            rest = next;
            if let Some(message) = Message::parse(part.0) {
                self.message(side, message, out);
            }
        }
        let rest = rest.0.to_vec();
        if rest.len() > MESSAGE_BYTES_MAX + 2 {
            return Next::Done;
        }
        self.streams[side] = rest;
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        while let Some((_, record)) = self.pending.pop_front() {
            out.emit(record);
        }
    }
}

impl Session {
    fn message(&mut self, side: Side, message: Message, out: &mut Out<'_, '_>) {
        // As Zeek: a question that parses whole is enough, answered or not.
        out.confirm("dns");
        if message.is_answer {
            self.answer(side, message, out);
        } else {
            self.ask(side, &message, out);
        }
    }

    fn ask(&mut self, side: Side, message: &Message, out: &mut Out<'_, '_>) {
        out.confirm("dns");
        for question in &message.questions {
            let record = new_record(message, question, side, out);
            let key = Key { id: message.id, name: question.name.clone(), kind: question.kind };
            // A question asked again is the same question.
            if self.pending.iter().any(|(known, _)| *known == key) {
                continue;
            }
            self.pending.push_back((key, record));
        }
        while self.pending.len() > PENDING_MAX {
            if let Some((_, record)) = self.pending.pop_front() {
                out.emit(record);
            }
        }
    }

    fn answer(&mut self, side: Side, message: Message, out: &mut Out<'_, '_>) {
        // mDNS answers without a question: the first answer's name stands for it.
        let unasked = message.answers.first().map_or_else(Question::default, |answer| Question {
            name: answer.name.clone(),
            kind: answer.kind,
            class: 1,
        });
        let question = message.questions.first().unwrap_or(&unasked);
        let found = self.pending.iter().position(|(key, _)| {
            key.id == message.id
                && ((message.questions.is_empty() && message.id != 0)
                    || (key.name == question.name && key.kind == question.kind))
        });
        let mut record = match found.and_then(|place| self.pending.remove(place)) {
            Some((_, record)) => record,
            None if message.answers.is_empty() && message.questions.is_empty() => return,
            None => new_record(&message, question, side.other(), out),
        };
        record.status = Some(u32::from(message.rcode));
        record.outcome = Some(if message.rcode == 0 { Outcome::Success } else { Outcome::Failure });
        if let Some(asked) = record.ts.filter(|&asked| asked < out.ts) {
            record.details.insert("rtt".to_owned(), out.ts.secs_since(asked).into());
        }
        describe_answers(&message, &mut record);
        out.emit(record);
    }
}

fn new_record(message: &Message, asked: &Question, client: Side, out: &Out<'_, '_>) -> Record {
    let mut record = out.new_record(RecordKind::Dns, "dns", client);
    if !asked.name.is_empty() || asked.kind != 0 {
        record.query = Some(Untrusted::new(&asked.name));
        record.dst_name.clone_from(&record.query);
        record.method = Some(Untrusted::new(&kind_name(asked.kind)));
        record.details.insert("qclass".to_owned(), asked.class.into());
    }
    record.details.insert("trans_id".to_owned(), message.id.into());
    if message.opcode != 0 {
        record.details.insert("opcode".to_owned(), message.opcode.into());
    }
    record
}

fn describe_answers(message: &Message, record: &mut Record) {
    let texts: Vec<Value> =
        message.answers.iter().map(|answer| answer.text.clone().into()).collect();
    let ttls: Vec<Value> = message.answers.iter().map(|answer| answer.ttl.into()).collect();
    // Which name each address belongs to: the end of a chain of aliases is not the name asked.
    let names: Vec<Value> =
        message.answers.iter().map(|answer| answer.name.clone().into()).collect();
    record.details.insert("answers".to_owned(), texts.into());
    record.details.insert("answer_names".to_owned(), names.into());
    record.details.insert("ttls".to_owned(), ttls.into());
    if message.is_truncated {
        record.details.insert("truncated".to_owned(), true.into());
    }
    if message.answers_left > 0 {
        record.details.insert("answers_left_out".to_owned(), message.answers_left.into());
    }
}

#[derive(Default)]
struct Question {
    name: String,
    kind: u16,
    class: u16,
}

struct Answer {
    name: String,
    kind: u16,
    ttl: u32,
    text: String,
}

struct Message {
    id: u16,
    is_answer: bool,
    is_truncated: bool,
    opcode: u8,
    rcode: u8,
    /// Bits that must be zero.
    reserved: u16,
    questions: Vec<Question>,
    answers: Vec<Answer>,
    answers_left: usize,
    counts: [u16; 4],
    /// Whether all sections were read, and nothing was left.
    is_whole: bool,
}

impl Message {
    /// Reads header, questions and answers; `None` where not even the questions can be read.
    fn parse(message: &[u8]) -> Option<Self> {
        let mut rest = Reader(message);
        let id = rest.u16()?;
        let flags = rest.u16()?;
        let counts = [rest.u16()?, rest.u16()?, rest.u16()?, rest.u16()?];
        let [question_count, answer_count, authority_count, additional_count] = counts;
        let [_, low] = flags.to_be_bytes();
        let mut questions = Vec::new();
        for _ in 0..question_count.min(QUESTIONS_MAX) {
            let name = name(message, &mut rest)?;
            questions.push(Question { name, kind: rest.u16()?, class: rest.u16()? });
        }
        let mut parsed = Self {
            id,
            is_answer: flags & 0x8000 != 0,
            is_truncated: flags & 0x0200 != 0,
            opcode: u8::try_from(flags >> 11 & 0x0f).unwrap_or(0),
            rcode: low & 0x0f,
            reserved: flags & 0x0040,
            questions,
            answers: Vec::new(),
            answers_left: 0,
            counts,
            is_whole: false,
        };
        if question_count > QUESTIONS_MAX {
            return Some(parsed);
        }
        for _ in 0..answer_count {
            let Some(answer) = answer(message, &mut rest) else { return Some(parsed) };
            if parsed.answers.len() < ANSWERS_MAX {
                parsed.answers.push(answer);
            } else {
                parsed.answers_left += 1;
            }
        }
        for _ in 0..u32::from(authority_count) + u32::from(additional_count) {
            if answer(message, &mut rest).is_none() {
                return Some(parsed);
            }
        }
        parsed.is_whole = rest.is_empty();
        Some(parsed)
    }

    /// Whether this is DNS and not another protocol whose bytes happen to parse.
    #[expect(clippy::fn_params_excessive_bools, reason = "one fact about the ports")]
    fn is_plausible(&self, is_usual_port: bool) -> bool {
        let [question_count, answer_count, authority_count, _] = self.counts;
        // Opcode 5 is update, 6 DSO, and NetBIOS goes to 8.
        let has_sane_header = self.opcode <= 8 && question_count <= QUESTIONS_MAX;
        if is_usual_port {
            return has_sane_header && (question_count > 0 || self.is_answer || answer_count > 0);
        }
        has_sane_header
            && self.is_whole
            && self.opcode <= 5
            && self.reserved == 0
            && question_count == 1
            && (self.is_answer || (answer_count == 0 && authority_count == 0))
            && self.questions.iter().all(|asked| {
                let class = asked.class & 0x7fff;
                !kind_name(asked.kind).starts_with("TYPE") && (class <= 4 || class == 255)
            })
    }
}

/// A name, lower-case, its labels joined by dots; the root is empty. Bounded by its
/// 255 bytes and by the number of jumps, so that a loop ends.
fn name<'a>(message: &'a [u8], rest: &mut Reader<'a>) -> Option<String> {
    let (mut text, mut used) = (String::new(), 0);
    let (mut labels, mut jumps) = (*rest, 0);
    loop {
        let length = labels.u8()?;
        match length {
            0 => {
                if jumps == 0 {
                    *rest = labels;
                }
                return Some(text);
            }
            1..=63 => {
                let label = labels.take(usize::from(length))?;
                used += label.len() + 1;
                if used > NAME_BYTES_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
            }
            0xc0..=0xff => {
                let target = usize::from(length & 0x3f) << 8 | usize::from(labels.u8()?);
                if jumps == 0 {
                    *rest = labels;
                }
                jumps += 1;
                if jumps > JUMPS_MAX {
                    return None;
                }
                labels = Reader(message.get(target..)?);
            }
            _ => return None,
        }
    }
}

fn answer<'a>(message: &'a [u8], rest: &mut Reader<'a>) -> Option<Answer> {
    let owner = name(message, rest)?;
    let kind = rest.u16()?;
    rest.u16()?;
    let ttl = rest.u32()?;
    let data = rest.part16()?;
    let text = data_text(message, kind, data).unwrap_or_else(|| format!("<{}>", kind_name(kind)));
    Some(Answer { name: owner, kind, ttl, text })
}

fn data_text<'a>(message: &'a [u8], kind: u16, mut data: Reader<'a>) -> Option<String> {
    Some(match kind {
        1 => {
            let bytes: [u8; 4] = data.0.try_into().ok()?;
            Ipv4Addr::from(bytes).to_string()
        }
        28 => {
            let bytes: [u8; 16] = data.0.try_into().ok()?;
            Ipv6Addr::from(bytes).to_string()
        }
        2 | 5 | 12 | 39 => name(message, &mut data)?,
        15 => {
            data.u16()?;
            name(message, &mut data)?
        }
        6 => name(message, &mut data)?,
        33 => {
            data.take(4)?;
            let port = data.u16()?;
            format!("{}:{port}", name(message, &mut data)?)
        }
        16 | 99 => {
            let parts = std::iter::from_fn(|| data.part8());
            let parts: Vec<String> =
                parts.map(|part| String::from_utf8_lossy(part.0).into_owned()).collect();
            Untrusted::new(&parts.join(" ")).raw().to_owned()
        }
        _ => return None,
    })
}

/// The name of a record type (IANA DNS parameters), `TYPE65534` for others.
fn kind_name(kind: u16) -> String {
    let name = match kind {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        24 => "SIG",
        25 => "KEY",
        28 => "AAAA",
        29 => "LOC",
        30 => "NXT",
        // NetBIOS names share the protocol and give two numbers another meaning (RFC 1002).
        32 => "NB",
        33 => "SRV",
        35 => "NAPTR",
        36 => "KX",
        37 => "CERT",
        39 => "DNAME",
        41 => "OPT",
        43 => "DS",
        44 => "SSHFP",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        59 => "CDS",
        61 => "OPENPGPKEY",
        64 => "SVCB",
        65 => "HTTPS",
        99 => "SPF",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        other => return format!("TYPE{other}"),
    };
    name.to_owned()
}
