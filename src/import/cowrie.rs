//! Cowrie's JSON log, alone or as T-Pot collects it: logins, inputs and downloads of a honeypot.

use super::fields::{Details, Fields, Val, get};
use super::json_lines::{ObjectLines, detect_objects};
use super::{About, Format, Parse, Settings, Sureness};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// The format.
pub(super) struct Cowrie;

impl Format for Cowrie {
    fn about(&self) -> &'static About {
        &About {
            id: "cowrie-json",
            reads: "Cowrie honeypot logs as JSON, also as T-Pot collects them",
            misses: "terminal recordings; passwords are kept as their length only",
            source: "https://docs.cowrie.org/en/latest/OUTPUT.html",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        detect_objects(head, is_cowrie)
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        ObjectLines::boxed(settings, record)
    }
}

/// Whether an object is an event of Cowrie.
pub(super) fn is_cowrie(fields: &Fields<'_>) -> bool {
    let event = get(fields, "eventid").and_then(Val::text);
    event.is_some_and(|event| event.starts_with("cowrie."))
}

/// One event as a record. A login that the honeypot let in is a success of the visitor's.
pub(super) fn record(fields: &Fields<'_>, settings: &Settings, line: u64) -> Record {
    let offset = settings.utc_offset_minutes;
    let event = get(fields, "eventid").and_then(Val::text).unwrap_or_default();
    let (kind, outcome) = match event {
        "cowrie.login.success" => (RecordKind::Auth, Some(Outcome::Success)),
        "cowrie.login.failed" => (RecordKind::Auth, Some(Outcome::Failure)),
        _ => (RecordKind::Trap, None),
    };
    let mut record = Record::new(kind, settings.import);
    (record.line, record.outcome) = (Some(line), outcome);
    let mut details = Details::new();
    for (name, value) in fields {
        match name.as_ref() {
            "timestamp" => record.ts = value.time(offset),
            "src_ip" if value.addr().is_some() => record.src = value.addr(),
            "src_port" => record.src_port = value.port(),
            "dst_ip" if value.addr().is_some() => record.dst = value.addr(),
            "dst_port" => record.dst_port = value.port(),
            "protocol" => record.service = value.untrusted(),
            "username" => record.user = value.untrusted(),
            // SSH's version banner of the visitor.
            "version" => record.user_agent = value.untrusted(),
            "url" => record.path = value.untrusted(),
            // Repeats the password in words.
            "message" if kind == RecordKind::Auth => {}
            _ => details.put(name, value),
        }
    }
    if kind == RecordKind::Auth {
        record.method = get(fields, "password").map(|_| Untrusted::new("password"));
    }
    record.details = details.finish();
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_keeps_the_user_and_not_the_password() {
        let fields = crate::import::fields::parse_object(
            r#"{"eventid":"cowrie.login.failed","username":"root","password":"hunter2",
                "message":"login attempt [root/hunter2] failed","src_ip":"192.0.2.1",
                "timestamp":"2026-06-05T03:12:44.000000Z","session":"abc","protocol":"ssh"}"#,
        )
        .unwrap();
        assert!(is_cowrie(&fields));
        let record = record(&fields, &Settings::default(), 1);
        assert_eq!((record.kind, record.outcome), (RecordKind::Auth, Some(Outcome::Failure)));
        assert_eq!(record.user.unwrap().raw(), "root");
        assert_eq!(record.details["secret_bytes"], 7);
        assert!(!serde_json::to_string(&record.details).unwrap().contains("hunter2"));
    }
}
