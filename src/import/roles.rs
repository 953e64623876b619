//! What a field of a format nobody told us about most likely means, by its name and content.
//!
//! Logs of applications, tables and cloud exports name the same things differently: `src_ip`,
//! `source.ip` (ECS), `ClientIP`, `remote_addr`, `sourceIPAddress`. A name is compared without
//! case and marks, whole first, then its last parts: `event.src_ip` is `src_ip`. Where no name is
//! known, the first field that holds an address is the one who acted.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use hashbrown::HashMap;

use super::Settings;
use super::fields::{Details, Fields, Val};
use super::lines::request;
use crate::model::{Addr, Outcome, Record, RecordKind, Timestamp, Untrusted, query};

/// Leaves of one object that are looked at; all of them stay in the details, within their bounds.
const LEAVES_MAX: usize = 256;

/// Names whose meaning is remembered while a file is read; a file has a few dozen.
const NAMES_MAX: usize = 4_096;

/// What a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Time,
    Src,
    SrcPort,
    Dst,
    DstPort,
    User,
    Method,
    Host,
    Path,
    Query,
    Status,
    UserAgent,
    Bytes,
    Service,
    Outcome,
    /// Words about what happened.
    Message,
}

const ROLES: usize = 16;

/// Names in order of preference: of two fields with one role, the earlier name wins.
const NAMES: [(Role, &[&str]); ROLES] = [
    (
        Role::Time,
        &[
            "timestamp",
            "ts",
            "eventtime",
            "time",
            "datetime",
            "date",
            "createdat",
            "logtime",
            "eventcreated",
            "starttime",
            "start",
            "firstseen",
            "lastseen",
            "timegenerated",
            "t",
            "tdate",
            "seen",
            "detectiontime",
            "timestampns",
            "timereported",
            "requesttime",
        ],
    ),
    (
        Role::Src,
        &[
            "srcip",
            "sourceip",
            "sourceaddress",
            "srcaddr",
            "sourceaddr",
            "sourceipaddress",
            "src",
            "clientip",
            "clientaddress",
            "clientaddr",
            "clienthost",
            "cip",
            "client",
            "remoteip",
            "remoteaddr",
            "remoteaddress",
            "remotehost",
            "remote",
            "peerip",
            "peeraddr",
            "peeraddress",
            "peer",
            "callerip",
            "calleripaddress",
            "attackerip",
            "attacker",
            "visitorip",
            "userip",
            "originip",
            "origh",
            "fromip",
            "ipaddress",
            "ipaddr",
            "ip",
            "ipsrc",
            "addr",
            "address",
            "hostip",
            "indicator",
            "source",
        ],
    ),
    (
        Role::SrcPort,
        &["srcport", "sourceport", "spt", "sport", "clientport", "remoteport", "peerport", "origp"],
    ),
    (
        Role::Dst,
        &[
            "dstip",
            "destip",
            "destinationip",
            "dstaddr",
            "destaddr",
            "destinationaddress",
            "destinationaddr",
            "dst",
            "dest",
            "serverip",
            "serveraddr",
            "serveraddress",
            "sip",
            "targetip",
            "localip",
            "localaddr",
            "resph",
            "toip",
            "ipdst",
            "destination",
        ],
    ),
    (
        Role::DstPort,
        &[
            "dstport",
            "destport",
            "destinationport",
            "dpt",
            "dport",
            "serverport",
            "targetport",
            "localport",
            "respp",
            "port",
        ],
    ),
    (
        Role::User,
        &[
            "username",
            "user",
            "userid",
            "login",
            "account",
            "accountname",
            "targetusername",
            "targetuser",
            "principalname",
            "principal",
            "csusername",
            "clientusername",
            "actor",
            "email",
            "userprincipalname",
            "remoteuser",
        ],
    ),
    (
        Role::Method,
        &["httpmethod", "requestmethod", "method", "verb", "csmethod", "httprequestmethod"],
    ),
    (
        Role::Host,
        &[
            "httphost",
            "vhost",
            "virtualhost",
            "requesthost",
            "servername",
            "host",
            "hostname",
            "urldomain",
            "cshost",
            "domain",
            "authority",
        ],
    ),
    (
        Role::Path,
        &[
            "requesturi",
            "requestpath",
            "httppath",
            "uri",
            "url",
            "urlpath",
            "urioriginal",
            "urloriginal",
            "path",
            "csuristem",
            "requesturl",
            "httpurl",
        ],
    ),
    (Role::Query, &["querystring", "urlquery", "csuriquery", "query"]),
    (
        Role::Status,
        &[
            "statuscode",
            "httpstatus",
            "httpstatuscode",
            "responsestatus",
            "downstreamstatus",
            "responsecode",
            "httpresponsestatuscode",
            "scstatus",
            "status",
            "response",
        ],
    ),
    (
        Role::UserAgent,
        &["useragent", "httpuseragent", "useragentoriginal", "agent", "csuseragent", "ua"],
    ),
    (
        Role::Bytes,
        &[
            "bytes",
            "bodybytessent",
            "bytessent",
            "responsebytes",
            "responsesize",
            "size",
            "scbytes",
            "contentlength",
            "downstreamcontentsize",
            "networkbytes",
            "httpresponsebytes",
        ],
    ),
    (
        Role::Service,
        &["service", "program", "application", "app", "appname", "servicename", "processname"],
    ),
    (
        Role::Outcome,
        &[
            "outcome",
            "eventoutcome",
            "result",
            "success",
            "verdict",
            "disposition",
            "action",
            "eventaction",
            "event",
            "eventtype",
            "loginresult",
            "decision",
        ],
    ),
    (Role::Message, &["message", "msg", "log", "description", "reason", "error", "text"]),
];

/// What a name means and how good a match it is; smaller is better.
type Rank = (Role, u16);

/// The role of a name, whole or by its last parts.
pub(super) fn role_of(name: &str) -> Option<Rank> {
    static RANKS: LazyLock<HashMap<&'static str, Rank>> = LazyLock::new(|| {
        let rank = |&(role, names): &(Role, &'static [&'static str])| {
            names.iter().zip(0_u16..).map(move |(&name, rank)| (name, (role, rank)))
        };
        NAMES.iter().flat_map(rank).collect()
    });
    let mut rest = name.get(..96).unwrap_or(name);
    let mut penalty = 0;
    loop {
        let plain: String = rest
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_lowercase())
            .collect();
        if let Some(&(role, rank)) = RANKS.get(plain.as_str()) {
            return Some((role, rank + penalty));
        }
        rest = rest.split_once(['.', ' ', '/']).map(|(_, rest)| rest)?;
        penalty += 100;
    }
}

/// Meanings of the names of one file.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<String, Option<Rank>>,
}

impl Names {
    fn rank(&mut self, name: &str) -> Option<Rank> {
        if let Some(rank) = self.known.get(name) {
            return *rank;
        }
        let rank = role_of(name);
        if self.known.len() < NAMES_MAX {
            self.known.insert(name.to_owned(), rank);
        }
        rank
    }
}

/// The scalar fields of an object with dotted names, depth first, in the order of the line.
fn leaves<'v, 'a>(fields: &'v Fields<'a>) -> Vec<(Cow<'v, str>, &'v Val<'a>)> {
    fn walk<'v, 'a>(
        prefix: &str,
        fields: &'v Fields<'a>,
        leaves: &mut Vec<(Cow<'v, str>, &'v Val<'a>)>,
        depth: usize,
    ) {
        for (name, value) in fields {
            if leaves.len() >= LEAVES_MAX {
                return;
            }
            let path = if prefix.is_empty() {
                Cow::Borrowed(name.as_ref())
            } else {
                // Thrice as fast as `format!`, and asked of every nested field.
                let mut path = String::with_capacity(prefix.len() + 1 + name.len());
                path.push_str(prefix);
                path.push('.');
                path.push_str(name);
                Cow::Owned(path)
            };
            match value {
                Val::Object(inner) if depth < 6 => walk(&path, inner, leaves, depth + 1),
                Val::Object(_) | Val::Null => {}
                _ => leaves.push((path, value)),
            }
        }
    }
    let mut found = Vec::with_capacity(fields.len());
    walk("", fields, &mut found, 0);
    found
}

/// A record from an object of any shape. `src` is the field of the address where it is known.
pub(super) fn record(
    fields: &Fields<'_>,
    src: Option<usize>,
    names: &mut Names,
    settings: &Settings,
    line: u64,
) -> Record {
    let leaves = leaves(fields);
    let mut best: [Option<(u16, usize)>; ROLES] = [None; ROLES];
    for (index, (name, value)) in leaves.iter().enumerate() {
        let Some((role, rank)) = names.rank(name) else { continue };
        let Some(slot) = best.get_mut(role as usize) else { continue };
        let better = slot.is_none_or(|(known, _)| rank < known);
        if better && fits(role, value, settings) {
            *slot = Some((rank, index));
        }
    }
    if let Some(slot) = best.get_mut(Role::Src as usize).filter(|_| src.is_some()) {
        *slot = src.map(|index| (0, index));
    }
    let of = |role: Role| {
        let (_, index) = (*best.get(role as usize)?)?;
        leaves.get(index).map(|(_, value)| *value)
    };
    let mut record = Record::new(RecordKind::Other, settings.import);
    record.line = Some(line);
    fill(&mut record, &of, settings);
    if record.ts.is_none() {
        let dated = leaves.iter().filter(|(_, value)| value.text().is_some_and(is_dated));
        record.ts = dated.filter_map(|(_, value)| plausible_time(value, settings)).next();
    }
    if record.src.is_none() && record.src_name.is_none() {
        let content = leaves.iter().filter(|(_, value)| of(Role::Dst) != Some(value));
        let found = content.filter_map(|(_, value)| value.endpoint()).next();
        let said = || of(Role::Message).and_then(Val::text).and_then(first_addr);
        if let Some((addr, port)) = found.or_else(said) {
            (record.src, record.src_port) = (Some(addr), record.src_port.or(port));
        }
    }
    judge(&mut record, &of, &leaves);
    record.details = details(fields, &leaves, &best);
    record
}

fn first_addr(text: &str) -> Option<(Addr, Option<u16>)> {
    query::find_all(text.as_bytes()).find_map(|found| match found.query {
        query::Query::Addr { addr, port, .. } => Some((addr, port)),
        _ => None,
    })
}

/// Whether a value can have the meaning its name suggests.
fn fits(role: Role, value: &Val<'_>, settings: &Settings) -> bool {
    match role {
        Role::Time => plausible_time(value, settings).is_some(),
        Role::Src | Role::Dst => value.endpoint().is_some() || value.text().is_some_and(is_name),
        Role::SrcPort | Role::DstPort => value.port().is_some(),
        Role::Status => value.small().is_some_and(|status| (100..=999).contains(&status)),
        Role::Bytes => value.uint().is_some(),
        Role::Outcome => value.truth().is_some() || value.text().is_some(),
        Role::Path => value.text().is_some_and(|text| text.contains('/')),
        Role::User => value.text().is_some_and(|text| text != "--"),
        _ => value.text().is_some(),
    }
}

/// Numbers such as durations stand under names such as `time`: a time lies between 1990 and 2100.
fn plausible_time(value: &Val<'_>, settings: &Settings) -> Option<Timestamp> {
    const YEAR_2100: Timestamp = Timestamp::from_secs_nanos(4_102_444_800, 0);
    let time = value.time(settings.utc_offset_minutes)?;
    (Timestamp::PLAUSIBLE_MIN..YEAR_2100).contains(&time).then_some(time)
}

/// Whether a text begins as an ISO date does.
fn is_dated(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1' | b'2', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-' | b'/', ..])
}

/// A host name: labels of letters, digits and hyphens with at least one dot.
fn is_name(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn fill<'v, 'a: 'v>(
    record: &mut Record,
    of: &impl Fn(Role) -> Option<&'v Val<'a>>,
    settings: &Settings,
) {
    let text = |role: Role| of(role).and_then(Val::untrusted);
    let name = |value: &Val<'_>| value.text().filter(|text| is_name(text)).map(Untrusted::new);
    record.ts = of(Role::Time).and_then(|value| plausible_time(value, settings));
    record.src_port = of(Role::SrcPort).and_then(Val::port);
    record.dst_port = of(Role::DstPort).and_then(Val::port);
    if let Some(value) = of(Role::Src) {
        match value.endpoint() {
            Some((addr, port)) => {
                (record.src, record.src_port) = (Some(addr), record.src_port.or(port));
            }
            None => record.src_name = name(value),
        }
    }
    if let Some(value) = of(Role::Dst) {
        match value.endpoint() {
            Some((addr, port)) => {
                (record.dst, record.dst_port) = (Some(addr), record.dst_port.or(port));
            }
            None => record.dst_name = name(value),
        }
    }
    record.user = text(Role::User);
    record.method = text(Role::Method);
    record.host = text(Role::Host);
    record.user_agent = text(Role::UserAgent);
    record.status = of(Role::Status).and_then(Val::small);
    record.bytes = of(Role::Bytes).and_then(Val::uint);
    record.query = text(Role::Query);
    let service = of(Role::Service).and_then(Val::text);
    record.service = service.map(|service| Untrusted::new(&service.to_lowercase()));
    if let Some(uri) = of(Role::Path).and_then(Val::text) {
        let query = record.query.take();
        request::put_target(record, uri);
        record.query = record.query.take().or(query);
    }
}

/// Kind and outcome, by what is there and by the words that programs use.
fn judge<'v, 'a: 'v>(
    record: &mut Record,
    of: &impl Fn(Role) -> Option<&'v Val<'a>>,
    leaves: &[(Cow<'_, str>, &Val<'_>)],
) {
    let words = [Role::Message, Role::Outcome, Role::Method];
    let said = words.into_iter().find_map(|role| of(role).and_then(Val::text).and_then(login));
    let told = of(Role::Outcome).and_then(outcome_of);
    let about_login = said.is_some() || leaves.iter().any(|(name, value)| is_login(name, value));
    let is_http = record.method.as_ref().is_some_and(|method| is_http_method(method.raw()))
        && (record.path.is_some() || record.status.is_some());
    if about_login {
        record.kind = RecordKind::Auth;
        record.outcome = said.or(told);
    } else if let Some(outcome) = of(Role::Message).and_then(Val::text).and_then(web_firewall) {
        (record.kind, record.outcome) = (RecordKind::Alert, outcome);
    } else if is_http {
        record.kind = RecordKind::Http;
        record.outcome = request::outcome(record.status).or(told);
    } else if record.src.is_some() && record.dst.is_some() {
        let filtered = matches!(told, Some(Outcome::Blocked | Outcome::Allowed));
        record.kind = if filtered { RecordKind::Firewall } else { RecordKind::Connection };
        record.outcome = told;
    } else {
        record.outcome = told;
    }
}

/// What ModSecurity and Coraza say of a request: an alert, and whether they refused it.
fn web_firewall(text: &str) -> Option<Option<Outcome>> {
    let speaks = text.contains("ModSecurity: ") || text.contains("Coraza: ");
    let refused = text.contains("Access denied").then_some(Outcome::Blocked);
    speaks.then_some(refused)
}

fn is_http_method(method: &str) -> bool {
    const METHODS: [&str; 9] =
        ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    METHODS.iter().any(|known| method.eq_ignore_ascii_case(known))
}

/// ECS says `event.category: authentication`, others `event: user.login`.
fn is_login(name: &str, value: &Val<'_>) -> bool {
    const WORDS: [&str; 5] = ["authentication", "user.login", "user_login", "login", "logon"];
    let text = match value {
        Val::List(list) => list.first().and_then(Val::text),
        _ => value.text(),
    };
    let tells = name.starts_with("event") || name == "action" || name == "type";
    tells && text.is_some_and(|text| WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Whether words speak of a login, and how it ended.
pub(super) fn login(text: &str) -> Option<Outcome> {
    /// Failures first: "login failed" also in "could not log in: login failed".
    const PHRASES: [&str; 35] = [
        "login failed",
        "logondenied",
        "logon denied",
        "authfailed",
        "login_failed",
        "login failure",
        "login attempt failed",
        "failed login",
        "failed_login",
        "failed log in",
        "failed to log in",
        "failed to login",
        "failed logon",
        "logon failure",
        "logon failed",
        "authentication failed",
        "authentication failure",
        "authentication error",
        "failed authentication",
        "failed to authenticate",
        "auth failed",
        "auth failure",
        "failed auth",
        "invalid credentials",
        "bad credentials",
        "invalid username or password",
        "invalid login",
        "incorrect password",
        "wrong password",
        "login successful",
        "login succeeded",
        "successful login",
        "login success",
        "authentication successful",
        "authentication succeeded",
    ];
    const FAILURES: usize = 29;
    static WORDS: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(PHRASES).ok());
    let found = WORDS.as_ref()?.find(text)?;
    let failed = found.pattern().as_usize() < FAILURES;
    Some(if failed { Outcome::Failure } else { Outcome::Success })
}

/// The outcome that one word (or truth value) states.
pub(super) fn outcome_of(value: &Val<'_>) -> Option<Outcome> {
    if let Some(truth) = value.truth() {
        return super::zeek::done_or_refused(Some(truth));
    }
    let text = value.text()?.to_ascii_lowercase();
    Some(match text.as_str() {
        "success" | "succeeded" | "successful" | "ok" | "granted" => Outcome::Success,
        "failure" | "failed" | "fail" | "error" | "unauthorized" | "invalid" => Outcome::Failure,
        "blocked" | "block" | "drop" | "dropped" | "deny" | "denied" | "reject" | "rejected"
        | "discard" | "refused" => Outcome::Blocked,
        "allowed" | "allow" | "accept" | "accepted" | "pass" | "passed" | "permit"
        | "permitted" => Outcome::Allowed,
        _ => return None,
    })
}

/// All fields but those at the top that went whole into the record.
fn details(
    fields: &Fields<'_>,
    leaves: &[(Cow<'_, str>, &Val<'_>)],
    best: &[Option<(u16, usize)>; ROLES],
) -> serde_json::Map<String, serde_json::Value> {
    let whole = [
        Role::Time,
        Role::SrcPort,
        Role::DstPort,
        Role::User,
        Role::Method,
        Role::Host,
        Role::Query,
        Role::Status,
        Role::UserAgent,
        Role::Bytes,
        Role::Path,
    ];
    // An address that was written in another form is kept as it was written.
    let is_plain = |value: &Val<'_>| {
        value.addr().is_some_and(|addr| value.text() == Some(addr.to_string().as_str()))
    };
    let taken = |value: &Val<'_>| {
        let ends = [Role::Src, Role::Dst].into_iter().filter(|_| is_plain(value));
        whole.into_iter().chain(ends).any(|role| {
            let index = best.get(role as usize).copied().flatten().map(|(_, index)| index);
            let leaf = index.and_then(|index| leaves.get(index));
            leaf.is_some_and(|(_, leaf)| std::ptr::eq(*leaf, value))
        })
    };
    let mut details = Details::new();
    for (name, value) in fields {
        if !taken(value) {
            details.put(name, value);
        }
    }
    details.finish()
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse_object;
    use super::*;

    fn check(json: &str, expected: &str) {
        let fields = parse_object(json).unwrap();
        let record = record(&fields, None, &mut Names::default(), &Settings::default(), 1);
        let end = |addr: Option<Addr>, port: Option<u16>| match (addr, port) {
            (Some(addr), Some(port)) => {
                query::Query::Addr { addr, port: Some(port), zone: None }.to_string()
            }
            (Some(addr), None) => addr.to_string(),
            _ => "-".to_owned(),
        };
        let said = format!(
            "{:?} {:?} {} {} {}",
            record.kind,
            record.outcome,
            end(record.src, record.src_port),
            end(record.dst, record.dst_port),
            record.user.as_ref().map_or("-", Untrusted::raw)
        );
        assert_eq!(said, expected, "{json}");
    }

    #[test]
    fn shapes_of_many_programs() {
        for (json, expected) in [
            (r#"{"src_ip":"192.0.2.1","x":1}"#, "Other None 192.0.2.1 - -"),
            (
                r#"{"source":{"ip":"192.0.2.1","port":5},"destination":{"ip":"192.0.2.2"}}"#,
                "Connection None 192.0.2.1:5 192.0.2.2 -",
            ),
            (r#"{"ClientIP":"192.0.2.1"}"#, "Other None 192.0.2.1 - -"),
            (r#"{"remote_addr":"192.0.2.1:4711"}"#, "Other None 192.0.2.1:4711 - -"),
            (r#"{"odd":"x","odder":["2001:db8::1"]}"#, "Other None 2001:db8::1 - -"),
            (
                r#"{"src":"192.0.2.1","dst":"192.0.2.2","action":"deny"}"#,
                "Firewall Some(Blocked) 192.0.2.1 192.0.2.2 -",
            ),
            (
                r#"{"message":"Login failed: bob (Remote IP: 192.0.2.1)","user":"bob"}"#,
                "Auth Some(Failure) 192.0.2.1 - bob",
            ),
            (
                r#"{"event":{"category":["authentication"],"outcome":"success"},
                    "source":{"ip":"192.0.2.1"},"user":{"name":"ann"}}"#,
                "Auth Some(Success) 192.0.2.1 - ann",
            ),
            (
                r#"{"attr":{"remote":"192.0.2.1:4071","principalName":"root"},
                    "msg":"Authentication failed"}"#,
                "Auth Some(Failure) 192.0.2.1:4071 - root",
            ),
            (
                r#"{"client_ip":"192.0.2.1","method":"GET","path":"/a","status":403}"#,
                "Http Some(Failure) 192.0.2.1 - -",
            ),
            (r#"{"time":0.25,"note":"no address"}"#, "Other None - - -"),
        ] {
            check(json, expected);
        }
    }
}
