//! HTTP request lines as logs quote them, and what an access log's fields become in a record.

use crate::model::{Outcome, Record, Untrusted};

/// Puts `GET /path?query HTTP/1.1` into a record.
///
/// What is no request line (TLS to port 80, random bytes) is kept as it was logged, escaped, in
/// `path`, and `method` stays `None`. Nothing is percent-decoded: detectors do that, and a report
/// must show what was sent.
pub(in crate::import) fn put_request(record: &mut Record, request: &str) {
    if request.is_empty() || request == "-" {
        return;
    }
    let Some((method, rest)) = request.split_once(' ').filter(|(method, _)| is_method(method))
    else {
        record.path = Some(Untrusted::new(request));
        return;
    };
    record.method = Some(Untrusted::new(method));
    // The target may hold spaces, so the version is looked for from the end.
    let (target, version) = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => (target, Some(version)),
        _ => (rest, None),
    };
    if let Some(version) = version.filter(|version| version.len() <= 10) {
        record.details.insert("protocol".to_owned(), version.into());
    }
    put_target(record, target);
}

/// Puts a request target (RFC 9112 §3.2) into host, path and query.
pub(in crate::import) fn put_target(record: &mut Record, target: &str) {
    let absolute = target.split_once("://").filter(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let path_and_query = match absolute {
        Some((_, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if record.host.is_none() {
                record.host = Untrusted::unless_blank(authority);
            }
            path
        }
        None => target,
    };
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    record.path = Some(Untrusted::new(path));
    record.query = query.map(Untrusted::new);
}

/// A method is a token (RFC 9110 §9.1); the registered ones are capitals, and letting small letters
/// in would make methods of garbage.
fn is_method(text: &str) -> bool {
    (1..=24).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
}

/// How a request ended, by its status: below 400 it was served, 444 is nginx's silent refusal, the
/// rest was refused or went wrong.
pub(in crate::import) const fn outcome(status: Option<u32>) -> Option<Outcome> {
    match status {
        Some(100..=399) => Some(Outcome::Success),
        Some(444) => Some(Outcome::Blocked),
        Some(400..=599) => Some(Outcome::Failure),
        _ => None,
    }
}
