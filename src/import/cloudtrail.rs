//! One event of AWS CloudTrail: who called which API from where. `json_lines` and `json_document`
//! meet them alone, one a line, or in the `Records` of a delivered file.
//!
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use super::Settings;
use super::fields::{Details, Fields, Val, get};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Whether an object is an event of CloudTrail.
pub(super) fn is_cloudtrail(fields: &Fields<'_>) -> bool {
    ["eventSource", "eventName", "awsRegion"].iter().all(|name| get(fields, name).is_some())
}

/// One event as a record. A console login is a try to log in, all else an API call.
pub(super) fn record(fields: &Fields<'_>, settings: &Settings, line: u64) -> Record {
    let mut record = Record::new(RecordKind::Cloud, settings.import);
    record.line = Some(line);
    let mut details = Details::new();
    for (name, value) in fields {
        match (name.as_ref(), value) {
            ("eventTime", _) => record.ts = value.time(settings.utc_offset_minutes),
            ("eventSource", _) => {
                let source = value.text().unwrap_or_default();
                let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
                record.service = Untrusted::unless_blank(service);
            }
            ("eventName", _) => record.method = value.untrusted(),
            ("sourceIPAddress", _) => match value.addr() {
                Some(addr) => record.src = Some(addr),
                // AWS's own services call by name.
                None => record.src_name = value.untrusted(),
            },
            ("userAgent", _) => record.user_agent = value.untrusted(),
            ("userIdentity", Val::Object(identity)) => {
                let named = ["userName", "arn", "principalId", "type"];
                record.user =
                    named.iter().find_map(|name| get(identity, name).and_then(Val::untrusted));
                details.put(name, value);
            }
            _ => details.put(name, value),
        }
    }
    let refused = get(fields, "errorCode").and_then(Val::text).is_some();
    record.outcome = Some(if refused { Outcome::Failure } else { Outcome::Success });
    if record.method.as_ref().is_some_and(|method| method.raw() == "ConsoleLogin") {
        record.kind = RecordKind::Auth;
        let answer = get(fields, "responseElements").and_then(Val::object);
        let said = answer.and_then(|answer| get(answer, "ConsoleLogin")).and_then(Val::text);
        if said == Some("Failure") {
            record.outcome = Some(Outcome::Failure);
        }
    }
    record.details = details.finish();
    record
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse_object;
    use super::*;

    #[test]
    fn console_logins_and_calls() {
        let read = |rest: &str| {
            let json = format!(
                r#"{{"eventSource":"signin.amazonaws.com","awsRegion":"us-east-1",
                    "eventTime":"2026-06-05T03:12:44Z",
                    "userIdentity":{{"userName":"ann"}},{rest}}}"#
            );
            let fields = parse_object(&json).unwrap();
            assert!(is_cloudtrail(&fields));
            record(&fields, &Settings::default(), 1)
        };
        let login = read(
            r#""eventName":"ConsoleLogin","sourceIPAddress":"192.0.2.1",
               "responseElements":{"ConsoleLogin":"Failure"}"#,
        );
        assert_eq!((login.kind, login.outcome), (RecordKind::Auth, Some(Outcome::Failure)));
        assert_eq!(login.user.unwrap().raw(), "ann");
        let call = read(r#""eventName":"GetObject","sourceIPAddress":"s3.amazonaws.com""#);
        assert_eq!((call.kind, call.outcome), (RecordKind::Cloud, Some(Outcome::Success)));
        assert_eq!((call.src, call.src_name.unwrap().raw()), (None, "s3.amazonaws.com"));
    }
}
