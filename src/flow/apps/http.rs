//! HTTP/1: every request with the status of its answer; credentials sent in clear.
//!
//! Bodies are counted past, by length, chunk or the end of the connection, and never kept.

use std::collections::VecDeque;

use super::read::{Lines, after_word, decimal, split_word};
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Timestamp, Untrusted, from_base64};

/// Bytes of a request line or header line; servers refuse longer ones at 8 to 64 KiB.
const LINE_BYTES_MAX: usize = 16_384;

/// Requests that wait for an answer; a browser pipelines none, attack tools some hundreds.
const PIPELINE_MAX: usize = 512;

/// Lines that are neither request nor status where one is due, before it is not HTTP after all.
const JUNK_LINES_MAX: u32 = 64;

/// Header lines of one message; servers refuse at 100 to 200.
const HEADERS_MAX: u32 = 1_000;

/// Methods (IANA registry, those of WebDAV and the inventions of proxies and tunnels with them).
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "ACL",
    "MERGE",
    "CHECKOUT",
    "CHECKIN",
    "BCOPY",
    "BDELETE",
    "BMOVE",
    "BPROPFIND",
    "BPROPPATCH",
    "POLL",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NOTIFY",
    "M-SEARCH",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "PURGE",
    "DEBUG",
    "TRACK",
    "BREW",
    "MKWORKSPACE",
    "BASELINE-CONTROL",
    "VERSION-CONTROL",
    "MKACTIVITY",
    "LABEL",
    "UPDATE",
    "ORDERPATCH",
    "X-MS-ENUMATTS",
    "CCM_POST",
    "SMS_POST",
    "GETLIB",
];

/// HTTP/1.
pub(super) struct Http;

impl Protocol for Http {
    fn about(&self) -> &'static About {
        &About {
            service: "http",
            reads: "requests with host, path, query, user agent, referrer and the status and size \
                    of the answer; Basic, Digest and Bearer credentials; CONNECT and upgrades",
            misses: "bodies (passwords in forms among them), HTTP/2 and HTTP/3",
            source: "RFC 9110, RFC 9112, RFC 7617, RFC 7616",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if opening.is_datagram {
            return Guess::No;
        }
        let mut guess = Guess::No;
        for side in [opening.first, opening.first.other()] {
            let head = opening.heads[side].trim_ascii_start();
            match request_start(head) {
                Guess::Yes(_) => return Guess::Yes(side),
                Guess::Maybe if !head.is_empty() => guess = Guess::Maybe,
                _ => {}
            }
            if head.starts_with(b"HTTP/1.") {
                return Guess::Yes(side.other());
            }
        }
        guess
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            requests: Requests::default(),
            answers: Answers::default(),
            streams: Pair { originator: Stream::new(), responder: Stream::new() },
            depth: 0,
        })
    }
}

/// Whether text begins with a known method and a target that only HTTP has.
fn request_start(head: &[u8]) -> Guess {
    let Some(blank) = head.iter().position(|&byte| byte == b' ') else {
        let could_be = METHODS.iter().any(|method| method.as_bytes().starts_with(head));
        return if could_be { Guess::Maybe } else { Guess::No };
    };
    let (method, target) = head.split_at(blank);
    if !METHODS.iter().any(|known| known.as_bytes() == method) {
        return Guess::No;
    }
    let target = target.trim_ascii_start();
    // SIP and RTSP share methods; their targets name them.
    let is_other = after_word(target, "sip").is_some() || after_word(target, "rtsp:").is_some();
    match target.first() {
        None => Guess::Maybe,
        Some(first) if first.is_ascii_graphic() && !is_other => Guess::Yes(Side::Originator),
        Some(_) => Guess::No,
    }
}

/// What follows a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// A request or status line.
    Start,
    /// A header line, or the blank one.
    Header,
    /// So many bytes of body.
    Body(u64),
    /// Body until the end of the connection.
    BodyToEnd,
    /// The size of a chunk.
    Chunk,
    /// So many bytes of a chunk and its line end.
    ChunkBody(u64),
    /// Trailer lines.
    Trailer,
}

struct Stream {
    lines: Lines,
    due: Due,
    junk: u32,
    headers: u32,
    length: Option<u64>,
    is_chunked: bool,
    body_bytes: u64,
}

impl Stream {
    const fn new() -> Self {
        Self {
            lines: Lines::new(LINE_BYTES_MAX),
            due: Due::Start,
            junk: 0,
            headers: 0,
            length: None,
            is_chunked: false,
            body_bytes: 0,
        }
    }

    fn begin(&mut self) {
        (self.due, self.headers, self.length) = (Due::Header, 0, None);
        (self.is_chunked, self.body_bytes) = (false, 0);
    }

    /// A header that says how long the body is.
    fn framing(&mut self, key: &[u8], value: &[u8]) {
        if key.eq_ignore_ascii_case(b"content-length") {
            self.length = decimal(value);
        } else if key.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = value.to_ascii_lowercase().ends_with(b"chunked");
        }
    }
}

/// A request that waits for its answer.
struct Request {
    record: Record,
    credential: Option<Record>,
    is_head: bool,
    is_connect: bool,
}

#[derive(Default)]
struct Requests {
    /// The one whose header is being read.
    open: Option<Request>,
    waiting: VecDeque<Request>,
}

/// The answer being read.
#[derive(Default)]
struct Answers {
    ts: Option<Timestamp>,
    status: Option<u32>,
    reason: Vec<u8>,
    content_type: Option<Untrusted>,
    server: Option<Untrusted>,
    upgrade: Option<Vec<u8>>,
}

struct Session {
    client: Side,
    requests: Requests,
    answers: Answers,
    streams: Pair<Stream>,
    depth: u64,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while !bytes.is_empty() {
            let stream = &mut self.streams[side];
            match stream.due {
                Due::Body(left) | Due::ChunkBody(left) => {
                    let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    bytes = bytes.get(taken..).unwrap_or_default();
                    self.skip(side, taken as u64, out);
                }
                Due::BodyToEnd => {
                    stream.body_bytes += bytes.len() as u64;
                    return Next::More;
                }
                _ => {
                    let Some(line) = stream.lines.next(&mut bytes) else { return Next::More };
                    if let Some(next) = self.line(side, &line, bytes, out) {
                        return next;
                    }
                    if self.streams[side].junk > JUNK_LINES_MAX {
                        return Next::Done;
                    }
                }
            }
        }
        Next::More
    }

    fn gap(&mut self, side: Side, bytes: u64, out: &mut Out<'_, '_>) -> Next {
        match self.streams[side].due {
            Due::Body(left) | Due::ChunkBody(left) if bytes <= left => {
                self.skip(side, bytes, out);
            }
            Due::BodyToEnd => self.streams[side].body_bytes += bytes,
            // Somewhere in a header: wait for the next line that begins a message.
            _ => {
                self.streams[side].due = Due::Start;
                self.streams[side].lines.take_pending();
                if side == self.client {
                    self.requests.open = None;
                } else {
                    self.flush(out);
                }
            }
        }
        Next::More
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        if self.answers.status.is_some() {
            self.answered(out);
        }
        if self.requests.open.is_some() {
            self.end_request_header(out);
        }
        self.flush(out);
    }
}

impl Session {
    fn skip(&mut self, side: Side, taken: u64, out: &mut Out<'_, '_>) {
        let stream = &mut self.streams[side];
        stream.body_bytes += taken;
        match stream.due {
            Due::Body(left) if left <= taken => self.end_message(side, out),
            Due::Body(left) => stream.due = Due::Body(left - taken),
            Due::ChunkBody(left) if left <= taken => stream.due = Due::Chunk,
            Due::ChunkBody(left) => stream.due = Due::ChunkBody(left - taken),
            _ => {}
        }
    }

    /// One line of a header; `Some` where the protocol ends here.
    fn line(
        &mut self,
        side: Side,
        line: &[u8],
        rest: &[u8],
        out: &mut Out<'_, '_>,
    ) -> Option<Next> {
        let is_request = side == self.client;
        match self.streams[side].due {
            Due::Start if is_request => self.request_line(line, out),
            Due::Start => self.status_line(line, out),
            Due::Header if !line.is_empty() => self.header(side, line, out),
            Due::Header if is_request => self.end_request_header(out),
            Due::Header => return self.end_answer_header(rest, out),
            Due::Chunk => {
                let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
                let digits = std::str::from_utf8(digits.trim_ascii()).unwrap_or_default();
                let stream = &mut self.streams[side];
                stream.due = match u64::from_str_radix(digits, 16) {
                    Ok(0) => Due::Trailer,
                    // The chunk and the line end after it.
                    Ok(size) => Due::ChunkBody(size.saturating_add(2)),
                    Err(_) if line.is_empty() => Due::Chunk,
                    Err(_) => return Some(Next::Done),
                };
            }
            Due::Trailer if line.is_empty() => self.end_message(side, out),
            _ => {}
        }
        None
    }

    fn request_line(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        let (method, rest) = split_word(line);
        let (target, version) = match rest.iter().rposition(|&byte| byte == b' ') {
            Some(blank)
                if after_word(rest.get(blank + 1..).unwrap_or_default(), "HTTP/").is_some() =>
            {
                let (target, version) = rest.split_at(blank);
                (target.trim_ascii_end(), version.trim_ascii_start().get(5..))
            }
            _ => (rest, None),
        };
        let is_known = METHODS.iter().any(|known| known.as_bytes() == method);
        if target.is_empty() || (version.is_none() && !is_known) {
            self.streams[self.client].junk += u32::from(!line.is_empty());
            return;
        }
        self.depth += 1;
        out.confirm("http");
        let mut record = out.new_record(RecordKind::Http, "http", self.client);
        record.method = Some(Untrusted::from_bytes(method));
        let (authority, path) = split_target(target);
        if method == b"CONNECT" {
            record.host = Some(Untrusted::from_bytes(target));
        }
        if let Some(authority) = authority {
            record.host = Some(Untrusted::from_bytes(authority));
            record.details.insert("target".to_owned(), Untrusted::from_bytes(target).raw().into());
        }
        let mut parts = path.splitn(2, |&byte| byte == b'?');
        record.path = parts.next().map(Untrusted::from_bytes);
        record.query = parts.next().map(Untrusted::from_bytes);
        if let Some(version) = version {
            record
                .details
                .insert("version".to_owned(), Untrusted::from_bytes(version).raw().into());
        }
        record.details.insert("trans_depth".to_owned(), self.depth.into());
        self.streams[self.client].begin();
        self.requests.open = Some(Request {
            record,
            credential: None,
            is_head: method == b"HEAD",
            is_connect: method == b"CONNECT",
        });
    }

    /// A request of HTTP/0.9 has no header and no end; that an answer begins ends it.
    fn end_simple_request(&mut self, out: &mut Out<'_, '_>) {
        let is_simple = |open: &Request| !open.record.details.contains_key("version");
        if self.requests.open.as_ref().is_some_and(is_simple) {
            self.end_request_header(out);
        }
    }

    fn status_line(&mut self, line: &[u8], out: &mut Out<'_, '_>) {
        self.end_simple_request(out);
        let status = after_word(line, "HTTP/").and_then(|rest| {
            let (_, rest) = split_word(rest);
            let (status, reason) = split_word(rest);
            Some((decimal::<u32>(status)?, reason))
        });
        let Some((status, reason)) = status else {
            self.streams[self.client.other()].junk += u32::from(!line.is_empty());
            return;
        };
        out.confirm("http");
        self.streams[self.client.other()].begin();
        let reason = reason.get(..reason.len().min(LINE_BYTES_MAX)).unwrap_or_default().to_vec();
        self.answers =
            Answers { ts: Some(out.ts), status: Some(status), reason, ..Answers::default() };
    }

    fn header(&mut self, side: Side, line: &[u8], out: &mut Out<'_, '_>) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
        let (key, value) = line.split_at(colon);
        let (key, value) = (key.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
        let stream = &mut self.streams[side];
        stream.headers += 1;
        stream.framing(key, value);
        if stream.headers > HEADERS_MAX {
            return;
        }
        if side == self.client {
            self.request_header(key, value, out);
        } else {
            let text = || Some(Untrusted::from_bytes(value));
            match key.to_ascii_lowercase().as_slice() {
                b"content-type" => self.answers.content_type = text(),
                b"server" => self.answers.server = text(),
                b"upgrade" => self.answers.upgrade = Some(value.to_ascii_lowercase()),
                _ => {}
            }
        }
    }

    fn request_header(&mut self, key: &[u8], value: &[u8], out: &mut Out<'_, '_>) {
        let Some(request) = &mut self.requests.open else { return };
        let text = Untrusted::from_bytes(value);
        let record = &mut request.record;
        match key.to_ascii_lowercase().as_slice() {
            b"host" => {
                out.spoken().server_name.get_or_insert_with(|| text.clone());
                record.host = Some(text);
            }
            b"user-agent" => {
                out.spoken().user_agent.get_or_insert_with(|| text.clone());
                record.user_agent = Some(text);
            }
            b"referer" => {
                record.details.insert("referrer".to_owned(), text.raw().into());
            }
            b"x-forwarded-for" | b"forwarded" => {
                record.details.insert("forwarded".to_owned(), text.raw().into());
            }
            b"authorization" | b"proxy-authorization" => {
                request.credential = credential(value, self.client, out);
                record.user = request.credential.as_ref().and_then(|auth| auth.user.clone());
            }
            _ => {}
        }
    }

    fn end_request_header(&mut self, out: &mut Out<'_, '_>) {
        let Some(request) = self.requests.open.take() else {
            self.streams[self.client].due = Due::Start;
            return;
        };
        self.requests.waiting.push_back(request);
        if self.requests.waiting.len() > PIPELINE_MAX {
            self.emit_oldest(out);
        }
        let stream = &mut self.streams[self.client];
        stream.due = match (stream.is_chunked, stream.length) {
            (true, _) => Due::Chunk,
            (false, Some(length @ 1..)) => Due::Body(length),
            (false, _) => Due::Start,
        };
    }

    fn end_answer_header(&mut self, rest: &[u8], out: &mut Out<'_, '_>) -> Option<Next> {
        let status = self.answers.status.unwrap_or(0);
        let asked = self.requests.waiting.front();
        let is_head = asked.is_some_and(|request| request.is_head);
        let is_connect = asked.is_some_and(|request| request.is_connect);
        let stream = &mut self.streams[self.client.other()];
        if status == 101 || (is_connect && (200..300).contains(&status)) {
            let upgrade = self.answers.upgrade.take();
            self.answered(out);
            self.flush(out);
            if upgrade.is_some_and(|name| name.starts_with(b"websocket")) {
                out.spoken().apps.push("websocket");
                out.confirm("websocket");
                return Some(Next::Done);
            }
            // What the client sent ahead is the beginning of the inner protocol.
            let mut inner = Pair::<Vec<u8>>::default();
            inner[self.client] = self.streams[self.client].lines.take_pending();
            inner[self.client.other()] = rest.to_vec();
            return Some(Next::HandOver(inner));
        }
        if (100..200).contains(&status) {
            // An interim answer; the true one follows.
            stream.due = Due::Start;
            self.answers = Answers::default();
            return None;
        }
        let is_bodiless = is_head || status == 204 || status == 304;
        if is_bodiless || (!stream.is_chunked && stream.length == Some(0)) {
            self.end_message(self.client.other(), out);
            return None;
        }
        stream.due = match (stream.is_chunked, stream.length) {
            (true, _) => Due::Chunk,
            (false, Some(length)) => Due::Body(length),
            (false, None) => Due::BodyToEnd,
        };
        None
    }

    fn end_message(&mut self, side: Side, out: &mut Out<'_, '_>) {
        self.streams[side].due = Due::Start;
        if side != self.client {
            self.answered(out);
        }
    }

    /// The answer is complete, or as complete as it gets: its request is told.
    fn answered(&mut self, out: &mut Out<'_, '_>) {
        let answer = std::mem::take(&mut self.answers);
        let (Some(ts), Some(status)) = (answer.ts, answer.status) else { return };
        let mut request = self.requests.waiting.pop_front().unwrap_or_else(|| Request {
            // The request was lost or went another way: its answer still names the server.
            record: Record {
                ts: Some(ts),
                ..out.new_record(RecordKind::Http, "http", self.client)
            },
            credential: None,
            is_head: false,
            is_connect: false,
        });
        let record = &mut request.record;
        record.status = Some(status);
        record.bytes = Some(self.streams[self.client.other()].body_bytes);
        record
            .details
            .insert("status_msg".to_owned(), Untrusted::from_bytes(&answer.reason).raw().into());
        for (key, text) in [("content_type", answer.content_type), ("server", answer.server)] {
            if let Some(text) = text {
                record.details.insert(key.to_owned(), text.raw().into());
            }
        }
        if let Some(mut credential) = request.credential.take() {
            credential.outcome = match status {
                401 | 407 => Some(Outcome::Failure),
                200..=399 => Some(Outcome::Success),
                _ => None,
            };
            credential.status = Some(status);
            credential.host.clone_from(&record.host);
            credential.path.clone_from(&record.path);
            credential.user_agent.clone_from(&record.user_agent);
            out.emit(credential);
        }
        out.emit(request.record);
    }

    fn emit_oldest(&mut self, out: &mut Out<'_, '_>) {
        if let Some(request) = self.requests.waiting.pop_front() {
            request.credential.into_iter().for_each(|credential| out.emit(credential));
            out.emit(request.record);
        }
    }

    /// Emits what will not be answered any more.
    fn flush(&mut self, out: &mut Out<'_, '_>) {
        while !self.requests.waiting.is_empty() {
            self.emit_oldest(out);
        }
    }
}

/// Authority, where the target is an absolute URI, and what follows it.
fn split_target(target: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let absolute = ["http://", "https://", "ftp://"];
    let Some(rest) = absolute.iter().find_map(|scheme| after_word(target, scheme)) else {
        return (None, target);
    };
    let end = rest.iter().position(|&byte| byte == b'/' || byte == b'?').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (Some(authority), if path.is_empty() { b"/" } else { path })
}

/// The try to log in that a request makes, with its secret hashed.
fn credential(value: &[u8], client: Side, out: &Out<'_, '_>) -> Option<Record> {
    let record = out.new_record(RecordKind::Auth, "http", client);
    let (scheme, rest) = split_word(value);
    match scheme.to_ascii_lowercase().as_slice() {
        b"basic" => {
            let pair = from_base64(rest)?;
            let mut parts = pair.splitn(2, |&byte| byte == b':');
            let (user, secret) = (parts.next(), parts.next());
            Some(out.credential(record, "basic", user, secret))
        }
        b"bearer" => Some(out.credential(record, "bearer", None, Some(rest))),
        b"digest" => {
            let user = digest_user(rest)?;
            // A digest is no secret in clear: the record says who, not what.
            Some(Record { method: Some("digest".into()), user: Some(user), ..record })
        }
        _ => None,
    }
}

/// `username="…"` of a Digest header (RFC 7616 §3.4).
fn digest_user(parameters: &[u8]) -> Option<Untrusted> {
    let text = String::from_utf8_lossy(parameters);
    let (_, rest) = text.split_once("username=\"")?;
    let (user, _) = rest.split_once('"')?;
    Some(Untrusted::new(user))
}
