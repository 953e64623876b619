//! Lines that name their fields: JSON objects of web servers and applications, and logfmt.
//!
//! One table for each field lists where the programs we know put it, most specific first, as JSON
//! pointers (RFC 6901). The address of the connection comes before those that a header claims.

use serde_json::{Map, Value};

use super::pattern::leading_address;
use super::time::{self, Stamp};
use super::{request, years};
use crate::model::{Addr, Outcome, Record, RecordKind, Timestamp, Untrusted};

const ADDRS: &[&str] = &[
    "/request/remote_ip",
    "/request/remote_addr",
    "/ClientHost",
    "/ClientAddr",
    "/remote_addr",
    "/remoteAddr",
    "/RemoteAddr",
    "/remoteAddress",
    "/remote_ip",
    "/req/remoteAddress",
    "/client_ip",
    "/clientIp",
    "/clientIP",
    "/client.ip",
    "/client/ip",
    "/source.ip",
    "/source/ip",
    "/httpRequest/remoteIp",
    "/httpRequest/clientIp",
    "/addr.remote",
    "/attr/remote",
    "/visitor_ip",
    "/meta.remote_ip",
    "/ipAddress",
    "/ip_address",
    "/src_ip",
    "/ip",
    "/client",
    "/remote",
];
const METHODS: &[&str] = &[
    "/request/method",
    "/RequestMethod",
    "/request_method",
    "/requestMethod",
    "/http.request.method",
    "/http/request/method",
    "/httpRequest/requestMethod",
    "/http_method",
    "/verb",
    "/method",
];
const TARGETS: &[&str] = &[
    "/request/uri",
    "/RequestPath",
    "/request_uri",
    "/requestUri",
    "/uri",
    "/url.original",
    "/url/original",
    "/url.path",
    "/url/path",
    "/httpRequest/requestUrl",
    "/http_path",
    "/req/url",
    "/url",
    "/path",
];
const STATUSES: &[&str] = &[
    "/status",
    "/DownstreamStatus",
    "/response_status",
    "/status_code",
    "/statusCode",
    "/http.response.status_code",
    "/http/response/status_code",
    "/httpRequest/status",
    "/http_status",
    "/httpStatus",
];
const HOSTS: &[&str] = &[
    "/request/host",
    "/RequestHost",
    "/http_host",
    "/vhost",
    "/server_name",
    "/url.domain",
    "/url/domain",
    "/req/headers/host",
    "/host",
];
const AGENTS: &[&str] = &[
    "/request/headers/User-Agent/0",
    "/request_User-Agent",
    "/http_user_agent",
    "/user_agent.original",
    "/user_agent/original",
    "/request_user_agent",
    "/httpRequest/userAgent",
    "/req/headers/user-agent",
    "/user_agent",
    "/userAgent",
    "/agent",
];
const BYTES: &[&str] = &[
    "/size",
    "/DownstreamContentSize",
    "/body_bytes_sent",
    "/bytes_sent",
    "/bytes",
    "/responseSize",
];
const REFERRERS: &[&str] = &[
    "/http_referer",
    "/http_referrer",
    "/request/headers/Referer/0",
    "/request_Referer",
    "/referer",
];
const PROTOCOLS: &[&str] =
    &["/request/proto", "/RequestProtocol", "/server_protocol", "/request_protocol"];
const USERS: &[&str] = &[
    "/user_id",
    "/ClientUsername",
    "/remote_user",
    "/username",
    "/user_name",
    "/attr/principalName",
    "/user/username",
    "/user",
    "/login",
    "/email",
];
const TIMES: &[&str] = &[
    "/StartUTC",
    "/time_iso8601",
    "/@timestamp",
    "/t/$date",
    "/timestamp",
    "/time_local",
    "/time",
    "/ts",
    "/msec",
    "/date",
];
const MESSAGES: &[&str] = &["/message", "/msg", "/MESSAGE"];
const EVENTS: &[&str] = &["/event", "/action", "/type"];

/// The first of these that is there and not empty.
fn first<'v>(object: &'v Value, pointers: &[&str]) -> Option<&'v Value> {
    pointers.iter().filter_map(|pointer| object.pointer(pointer)).find(|value| match value {
        Value::String(text) => !text.is_empty() && text != "-",
        Value::Number(_) | Value::Bool(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    })
}

fn text<'v>(object: &'v Value, pointers: &[&str]) -> Option<&'v str> {
    first(object, pointers)?.as_str()
}

/// A number, or a text that is one.
fn number(object: &Value, pointers: &[&str]) -> Option<u64> {
    let value = first(object, pointers)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// When, as a log writes it: a date in text, or seconds, milliseconds, microseconds or nanoseconds
/// since the epoch.
pub(in crate::import) enum When {
    /// A date.
    Dated(Stamp),
    /// A moment.
    Moment(Timestamp),
}

/// The time of an object.
pub(in crate::import) fn when(object: &Value) -> Option<When> {
    let value = first(object, TIMES)?;
    if let Some((stamp, _)) = value.as_str().and_then(|text| time::any(text.as_bytes())) {
        return Some(When::Dated(stamp));
    }
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    epoch(&digits).map(When::Moment)
}

/// A count since the epoch in the unit that makes it a plausible time.
pub(in crate::import) fn epoch(digits: &str) -> Option<Timestamp> {
    let whole = digits.split('.').next()?;
    let unit = match whole.len() {
        0..=10 => return Timestamp::from_epoch_text(digits),
        11..=13 => 1_000_000,
        14..=16 => 1_000,
        17..=19 => 1,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(unit).map(Timestamp::from_nanos)
}

/// The moment of an object, by the rules for lines without a zone.
pub(in crate::import) fn ts(object: &Value, years: &mut years::Years) -> Option<Timestamp> {
    match when(object)? {
        When::Dated(stamp) => years.utc(stamp),
        When::Moment(moment) => Some(moment),
    }
}

/// The client and its port.
pub(in crate::import) fn client(object: &Value) -> Option<(Addr, Option<u16>)> {
    ADDRS.iter().filter_map(|pointer| object.pointer(pointer)?.as_str()).find_map(|text| {
        let (addr, rest) = leading_address(text)?;
        let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
        (rest.is_empty() || port.is_some()).then_some((addr, port))
    })
}

/// What the object says in words; empty where it does not.
pub(in crate::import) fn message(object: &Value) -> &str {
    text(object, MESSAGES).unwrap_or("")
}

/// The program's own line inside an object of Docker's `json-file` driver.
pub(in crate::import) fn inner_line(object: &Value) -> Option<&str> {
    object.get("stream")?;
    object.get("log")?.as_str()
}

/// Puts a request into the record; false: the object speaks of none.
pub(in crate::import) fn put_request(record: &mut Record, object: &Value) -> bool {
    let line = text(object, &["/request"]).filter(|line| line.contains(' '));
    let status = number(object, STATUSES).and_then(|status| u32::try_from(status).ok());
    let (method, target) = (text(object, METHODS), text(object, TARGETS));
    if line.is_none() && (target.is_none() || method.is_none() && status.is_none()) {
        return false;
    }
    record.kind = RecordKind::Http;
    record.service.get_or_insert_with(|| Untrusted::new("http"));
    record.host = text(object, HOSTS).map(Untrusted::new).or(record.host.take());
    if let Some(line) = line {
        request::put_request(record, line);
    }
    if let Some(target) = target.filter(|_| line.is_none()) {
        request::put_target(record, target);
    }
    if let Some(method) = method.filter(|_| line.is_none()) {
        record.method = Some(Untrusted::new(&method.to_ascii_uppercase()));
    }
    record.status = status;
    record.outcome = request::outcome(status);
    record.bytes = number(object, BYTES);
    record.user_agent = text(object, AGENTS).map(Untrusted::new);
    record.user = text(object, USERS).filter(|user| *user != "--").map(Untrusted::new);
    for (name, pointers) in [("protocol", PROTOCOLS), ("referrer", REFERRERS)] {
        if let Some(value) = text(object, pointers) {
            record.details.insert(name.to_owned(), Untrusted::new(value).raw().into());
        }
    }
    true
}

/// Puts a login into the record, where the object names the event; false: it names none.
pub(in crate::import) fn put_login(record: &mut Record, object: &Value) -> bool {
    let Some(event) = text(object, EVENTS) else { return false };
    let event = event.to_ascii_lowercase();
    let succeeded = object.get("success").and_then(Value::as_bool);
    let failed = event.contains("login_failed")
        || event.contains("login_error")
        || event.contains("invalid_login")
        || event == "invalid_identifier";
    record.outcome = match (failed, event.as_str(), succeeded) {
        (true, ..) | (_, "user.login", Some(false)) => Some(Outcome::Failure),
        (_, "user.login", Some(true)) | (_, "login" | "login_success", _) => Some(Outcome::Success),
        _ => return false,
    };
    record.kind = RecordKind::Auth;
    record.user = text(object, USERS).map(Untrusted::new);
    record.method = text(object, &["/method"]).map(Untrusted::new);
    true
}

/// Adds what the message left open: the user, and for a request its status and agent.
pub(in crate::import) fn fill(record: &mut Record, object: &Value) {
    if record.user.is_none() {
        record.user = text(object, USERS).filter(|user| *user != "--").map(Untrusted::new);
    }
    if record.kind == RecordKind::Http && record.status.is_none() {
        record.status = number(object, STATUSES).and_then(|status| u32::try_from(status).ok());
        record.outcome = record.outcome.or(request::outcome(record.status));
        record.user_agent = text(object, AGENTS).map(Untrusted::new);
    }
}

/// Fields of a logfmt line at most: programs write about twenty.
const LOGFMT_FIELDS_MAX: usize = 256;

/// `time="…" level=warning msg="a \"b\"" remote_ip=192.0.2.1` as an object of texts; `None`: the
/// line is none, since it does not begin with a name and a value.
pub(in crate::import) fn logfmt(line: &str) -> Option<Value> {
    let mut fields = Map::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() && fields.len() < LOGFMT_FIELDS_MAX {
        let (name, after) = rest.split_once('=')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
            break;
        }
        let (value, following) = match after.strip_prefix('"') {
            Some(inside) => unquoted(inside)?,
            None => {
                let (value, following) = after.split_once(' ').unwrap_or((after, ""));
                (value.to_owned(), following)
            }
        };
        fields.insert(name.to_owned(), Value::String(value));
        rest = following.trim_ascii_start();
    }
    (fields.len() >= 2).then_some(Value::Object(fields))
}

/// The text up to the next quote that is not escaped, unescaped, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match signs.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImportId;

    fn check(line: &str, expected: &str) {
        let object = serde_json::from_str(line).ok().or_else(|| logfmt(line)).unwrap();
        let mut record = Record::new(RecordKind::Other, ImportId(0));
        let is_known = put_request(&mut record, &object) || put_login(&mut record, &object);
        let part =
            |part: &Option<Untrusted>| part.as_ref().map_or("-", |text| text.raw()).to_owned();
        let shown = format!(
            "{} {} {} {} {} {} {} {}",
            client(&object).map_or("-".to_owned(), |(addr, _)| addr.to_string()),
            if is_known { format!("{:?}", record.kind) } else { "-".to_owned() },
            record.outcome.map_or("-".to_owned(), |outcome| format!("{outcome:?}")),
            part(&record.method),
            part(&record.host),
            part(&record.path),
            record.status.map_or("-".to_owned(), |status| status.to_string()),
            part(&record.user),
        );
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn objects_of_many_programs() {
        for (line, expected) in [
            (
                r#"{"request":{"remote_ip":"192.0.2.1","method":"GET","host":"example.com",
                    "uri":"/a?b","headers":{"User-Agent":["x"]}},"status":404,"size":3}"#,
                "192.0.2.1 Http Failure GET example.com /a 404 -",
            ),
            (
                r#"{"ClientHost":"192.0.2.1","ClientUsername":"-","DownstreamStatus":200,
                    "RequestMethod":"GET","RequestPath":"/x","RequestHost":"example.com"}"#,
                "192.0.2.1 Http Success GET example.com /x 200 -",
            ),
            (
                r#"{"remote_addr":"2001:db8::1","remote_user":"bob",
                    "request":"POST /x?y HTTP/1.1","status":"401"}"#,
                "2001:db8::1 Http Failure POST - /x 401 bob",
            ),
            (
                r#"{"event":"user.login","success":false,"user":"bob",
                    "addr.remote":"192.0.2.1:34204"}"#,
                "192.0.2.1 Auth Failure - - - - bob",
            ),
            (
                r#"time="2026-06-05" msg="a \"b\"" httpStatus=401 remoteAddr=192.0.2.1 url=/x"#,
                "192.0.2.1 Http Failure - - /x 401 -",
            ),
            (r#"{"level":"info","status":200}"#, "- - - - - - - -"),
        ] {
            check(line, expected);
        }
    }

    #[test]
    fn units_since_the_epoch() {
        for digits in [
            "1780629164",
            "1780629164.000",
            "1780629164000",
            "1780629164000000",
            "1780629164000000000",
        ] {
            assert_eq!(epoch(digits).unwrap().nanos(), 1_780_629_164_000_000_000, "{digits}");
        }
        assert_eq!(epoch("yesterday"), None);
        assert_eq!(epoch(&"9".repeat(40)), None);
    }
}
