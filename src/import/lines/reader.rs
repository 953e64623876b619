//! From a message in its envelope to records: what syslog files, journals and application logs
//! have in common.

use std::borrow::Cow;

use serde_json::Value;

use super::auth_messages::Says;
use super::messages::{MESSAGE_BYTES_MAX, Meaning, understand};
use super::tries::{Tries, companion};
use super::{addresses, netfilter, object, request};
use crate::import::access_log;
use crate::model::{Addr, ImportId, Outcome, Record, RecordKind, Timestamp, Untrusted};

/// A message and what is known around it.
#[derive(Clone, Copy, Debug)]
pub(in crate::import) struct Said<'a> {
    pub(in crate::import) ts: Option<Timestamp>,
    pub(in crate::import) line: u64,
    /// The machine that wrote it: the one that was asked.
    pub(in crate::import) host: Option<&'a str>,
    /// The program as written, or empty.
    pub(in crate::import) program: &'a str,
    pub(in crate::import) pid: Option<u32>,
    /// The client, where the envelope names it.
    pub(in crate::import) lead: Option<Addr>,
    pub(in crate::import) message: &'a str,
    /// The named fields beside the message.
    pub(in crate::import) fields: Option<&'a Value>,
}

/// Turns messages into records. What must wait for a later line comes with [`Reader::finish`].
pub(in crate::import) struct Reader {
    import: ImportId,
    tries: Tries,
    /// The message before, for "last message repeated 3 times".
    last_program: String,
    last_message: String,
}

impl Reader {
    pub(in crate::import) fn new(import: ImportId) -> Self {
        Self {
            import,
            tries: Tries::default(),
            last_program: String::new(),
            last_message: String::new(),
        }
    }

    /// Takes one message; one that names no address and is not known gives no record.
    pub(in crate::import) fn take(&mut self, said: Said<'_>, out: &mut dyn FnMut(Record)) {
        // Kubernetes puts the stream before the line (CRI log format).
        let inner =
            ["stdout F ", "stderr F "].iter().find_map(|stream| said.message.strip_prefix(stream));
        let said = Said { message: inner.unwrap_or(said.message), ..said };
        if said.fields.is_none()
            && let Some(object) = object_of(said.message)
        {
            let (message, fields) = (object::message(&object), Some(&object));
            let lead = object::client(&object).map(|(addr, _)| addr).or(said.lead);
            return self.take_message(Said { message, fields, lead, ..said }, out);
        }
        self.take_message(said, out);
    }

    fn take_message(&mut self, said: Said<'_>, out: &mut dyn FnMut(Record)) {
        let program = normalised(said.program);
        if let Some(times) = last_repeated(said.message) {
            let (program, message) =
                (std::mem::take(&mut self.last_program), std::mem::take(&mut self.last_message));
            let said = Said { program: &program, message: &message, ..said };
            self.take_times(said, times, out);
            (self.last_program, self.last_message) = (program, message);
            return;
        }
        let (times, message) = repeated(said.message);
        self.last_program.clear();
        self.last_message.clear();
        if message.len() <= MESSAGE_BYTES_MAX {
            self.last_program.push_str(&program);
            self.last_message.push_str(message);
        }
        self.take_times(Said { program: &program, message, ..said }, times, out);
    }

    /// Takes a message that stands for `times` equal ones.
    fn take_times(&mut self, said: Said<'_>, times: u32, out: &mut dyn FnMut(Record)) {
        let mut record = Record::new(RecordKind::Other, self.import);
        (record.ts, record.line) = (said.ts, Some(said.line));
        record.times = times;
        record.host = said.host.map(Untrusted::new);
        record.service = Untrusted::unless_blank(said.program);
        record.src = said.lead;
        if let Some(pid) = said.pid {
            record.details.insert("pid".to_owned(), pid.into());
        }
        let message = said.message;
        if said.program == "filterlog" && netfilter::put_filterlog(&mut record, message)
            || message.contains("SRC=") && netfilter::put_netfilter(&mut record, message)
        {
            record.kind = RecordKind::Firewall;
            return out(record);
        }
        // A web server that logs its accesses to syslog. Asked before the table, since clients
        // write into these lines.
        if message.contains("] \"")
            && let Ok(fields) = access_log::parse(message)
        {
            let ts = said.ts.or_else(|| fields.stamp.utc(fields.stamp.year?, 0));
            let mut access = fields.into_record(ts, said.line, self.import);
            access.service = record.service.or(access.service);
            access.times = times;
            return out(access);
        }
        let meaning = understand(said.program, message);
        if let Some(meaning) = meaning.filter(|meaning| is_worth_it(meaning, &record)) {
            if meaning.says == Says::Nothing {
                return;
            }
            put_meaning(&mut record, meaning, message);
            if let Some(fields) = said.fields {
                object::fill(&mut record, fields);
            }
            let is_sshd = meaning.service == "sshd";
            return match meaning.says {
                Says::Companion => out(companion(record)),
                says if is_sshd => self.tries.take(says, said.pid, record, out),
                _ => out(record),
            };
        }
        if let Some(fields) = said.fields
            && (object::put_request(&mut record, fields) || object::put_login(&mut record, fields))
        {
            return out(record);
        }
        put_addresses(&mut record, message);
        if record.src.is_some() {
            out(record);
        }
    }

    /// The file has ended.
    pub(in crate::import) fn finish(&mut self, out: &mut dyn FnMut(Record)) {
        self.tries.finish(out);
    }
}

/// The named fields of a message that is a JSON object or logfmt, with or without text before it.
fn object_of(message: &str) -> Option<Value> {
    let message = message.trim_ascii();
    if message.ends_with('}') {
        let at = message.find('{')?;
        // A word or an address may stand before it, a sentence is for the table.
        let is_plain = at <= 64 && !message.get(..at)?.contains("attempt");
        return is_plain
            .then(|| serde_json::from_str(message.get(at..)?).ok())
            .flatten()
            .filter(Value::is_object);
    }
    ["time=", "t=", "ts=", "level="]
        .iter()
        .any(|name| message.starts_with(name))
        .then(|| object::logfmt(message))
        .flatten()
}

/// A general row without an address says less than the addresses of the text.
fn is_worth_it(meaning: &Meaning<'_>, record: &Record) -> bool {
    let found = &meaning.found;
    !meaning.service.is_empty()
        || found.src.is_some()
        || found.src_name.is_some()
        || found.user.is_some()
        || record.src.is_some()
        || matches!(meaning.says, Says::Companion | Says::Nothing)
}

/// `message repeated 5 times: [ Failed password … ]` (rsyslog): how often, and what.
fn repeated(message: &str) -> (u32, &str) {
    let inner = message
        .strip_prefix("message repeated ")
        .and_then(|rest| rest.split_once(" times: ["))
        .and_then(|(times, rest)| {
            let inner = rest.trim_ascii_end().strip_suffix(']')?;
            Some((times.parse().ok()?, inner.trim_ascii()))
        });
    inner.filter(|&(times, _)| times >= 1).unwrap_or((1, message))
}

/// `last message repeated 3 times` (BSD syslogd): how often.
fn last_repeated(message: &str) -> Option<u32> {
    let times = message.strip_prefix("last message repeated ")?.strip_suffix(" times")?;
    times.parse().ok().filter(|&times| times >= 1)
}

/// A program's name in lower case, without its folder.
fn normalised(program: &str) -> Cow<'_, str> {
    let name = match program.strip_prefix('/') {
        Some(path) => path.rsplit('/').next().unwrap_or(path),
        None => program,
    };
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// What a row of the table says, as kind, outcome and fields.
fn put_meaning(record: &mut Record, meaning: Meaning<'_>, message: &str) {
    let found = meaning.found;
    (record.kind, record.outcome) = match meaning.says {
        Says::Failed => (RecordKind::Auth, Some(Outcome::Failure)),
        Says::Accepted => (RecordKind::Auth, Some(Outcome::Success)),
        Says::Blocked => (RecordKind::Auth, Some(Outcome::Blocked)),
        Says::Companion | Says::Opening | Says::Ending => (RecordKind::Auth, None),
        Says::Ssh => (RecordKind::Ssh, None),
        Says::MailRefused => (RecordKind::Smtp, Some(Outcome::Blocked)),
        Says::WebBlocked => (RecordKind::Http, Some(Outcome::Blocked)),
        Says::WebFailed => (RecordKind::Http, None),
        Says::Http => (RecordKind::Http, request::outcome(found.status)),
        Says::Packet => (RecordKind::Firewall, netfilter::outcome(message)),
        Says::Alert => (RecordKind::Alert, None),
        Says::Ban => (RecordKind::Alert, Some(Outcome::Blocked)),
        Says::Trap => (RecordKind::Trap, None),
        Says::DnsRefused => (RecordKind::Dns, Some(Outcome::Blocked)),
        Says::Ran => (RecordKind::Process, Some(Outcome::Success)),
        Says::Nothing => (RecordKind::Other, None),
    };
    if !meaning.service.is_empty() {
        record.service = Some(Untrusted::new(meaning.service));
    }
    record.src = found.src.or(record.src);
    (record.src_port, record.dst, record.dst_port) = (found.src_port, found.dst, found.dst_port);
    record.src_name = found.src_name.map(Untrusted::new);
    record.user = found.user.map(Untrusted::new);
    record.method = found.method.map(Untrusted::new);
    record.host = found.host.map(Untrusted::new).or(record.host.take());
    record.status = found.status;
    record.bytes = found.bytes;
    record.user_agent = found.agent.and_then(Untrusted::unless_blank);
    record.times = record.times.saturating_mul(found.times.unwrap_or(1));
    if let Some(path) = found.path {
        request::put_target(record, path);
    }
    if let Some(line) = found.request.or_else(|| quoted_request(meaning.says, message)) {
        request::put_request(record, line);
    }
    if matches!(meaning.says, Says::WebFailed | Says::Alert | Says::Ban | Says::MailRefused) {
        put_message(record, message);
    }
}

/// The request that nginx repeats at the end of an error.
fn quoted_request(says: Says, message: &str) -> Option<&str> {
    matches!(says, Says::WebFailed | Says::WebBlocked).then_some(())?;
    let (_, rest) = message.rsplit_once(", request: \"")?;
    rest.split_once('"').map(|(request, _)| request)
}

/// Keeps the text, unless it may hold a secret.
pub(in crate::import) fn put_message(record: &mut Record, message: &str) {
    let speaks_of_secrets = ["passw", "secret", "token"].iter().any(|word| {
        message.as_bytes().windows(word.len()).any(|at| at.eq_ignore_ascii_case(word.as_bytes()))
    });
    if !speaks_of_secrets {
        let text = Untrusted::new(message);
        record.details.insert("message".to_owned(), text.raw().into());
    }
}

/// The addresses of a message that no row knows: the first acted, as far as anyone can tell.
fn put_addresses(record: &mut Record, message: &str) {
    let (first, second) = addresses::first_two(message);
    if record.src.is_none() {
        (record.src, record.dst) = (first, second);
    }
    if record.src.is_some() {
        put_message(record, message);
    }
}
