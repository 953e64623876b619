//! A notation for tests: what happened in a line of words, and what should be said of it.
//!
//! ```text
//! 8 s: 192.0.2.7 -> 198.51.100.1-20 tcp/22 S0           flows, spread over 8 s
//! 8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-30 S0 x2         every port twice
//! 60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x6
//! 60 s: drop 192.0.2.7 -> 198.51.100.1-20 tcp/23 SYN
//! 1 s: http 192.0.2.7 GET /a?b=c 200 1234 sqlmap/1.0
//! ```
//!
//! A line begins where the one before ended. `check` runs all detectors forwards, backwards and
//! shuffled, wants the same each time, and compares with `slug subject key=value …` lines.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::profile::Profile;
use super::{Detection, Scene, Watched, Watchers};
use crate::model::{
    Addr, ConnState, Endpoint, Facts, Flow, HostKey, ImportId, Kind, ListMeaning, ListMembership,
    Outcome, Proto, RealmId, Record, RecordKind, Spoken, Timestamp, Uid, Untrusted,
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Flow(Box<Flow>),
    Record(Box<Record>),
}

/// Private addresses are ours; 203.0.113.0/24 is known: .1 a research scanner, .2 Tor, .3 a VPN,
/// .4 a proxy, .5 on the analyst's list `bad`, .6 a crawler.
pub(crate) struct Stage;

impl Scene for Stage {
    fn realm(&self, _import: ImportId) -> RealmId {
        RealmId(0)
    }

    fn is_mine(&self, host: HostKey) -> bool {
        host.addr().is_mine_by_default()
    }

    fn facts(&self, addr: Addr) -> Facts {
        let list = |id: &str, meaning| ListMembership {
            id: id.into(),
            since: None,
            date: Some("2026-01-01".parse().unwrap()),
            meaning,
            terms: None,
        };
        let kind = |kind: Kind| Facts {
            kinds: vec![kind],
            lists: vec![list("test:kinds", ListMeaning::Kind(kind))],
            ..Facts::default()
        };
        match addr.to_string().as_str() {
            "203.0.113.1" => kind(Kind::ResearchScanner),
            "203.0.113.2" => kind(Kind::Tor),
            "203.0.113.3" => kind(Kind::Vpn),
            "203.0.113.4" => kind(Kind::Proxy),
            "203.0.113.5" => {
                Facts { lists: vec![list("bad", ListMeaning::Hostile)], ..Facts::default() }
            }
            "203.0.113.6" => kind(Kind::Crawler),
            _ => Facts::default(),
        }
    }
}

const START_NANOS: i64 = 1_780_000_000 * 1_000_000_000;

/// `198.51.100.1-20` or one address of either family.
fn addrs(text: &str) -> Vec<Addr> {
    if let Some((first, last)) = text.split_once('-')
        && let Ok(first) = first.parse::<Ipv4Addr>()
    {
        let (start, last): (u32, u32) = (first.to_bits(), last.parse().unwrap());
        let end = (start & !0xff) + last;
        return (start..=end.max(start)).map(|bits| Addr::V4(Ipv4Addr::from_bits(bits))).collect();
    }
    vec![text.parse().unwrap_or_else(|_| panic!("address {text}"))]
}

fn numbers(text: &str) -> Vec<u16> {
    match text.split_once('-') {
        Some((first, last)) => (first.parse().unwrap()..=last.parse().unwrap()).collect(),
        None => vec![text.parse().unwrap_or_else(|_| panic!("port {text}"))],
    }
}

fn history(state: ConnState) -> &'static str {
    match state {
        ConnState::S0 => "S",
        ConnState::Rej => "Sr",
        ConnState::Rstos0 => "SR",
        ConnState::Sh => "SF",
        ConnState::Rsto => "ShR",
        ConnState::Oth => "F",
        ConnState::Rstrh => "^hr",
        ConnState::Shr => "^hf",
        _ => "ShADadFf",
    }
}

pub(crate) fn flow(from: Addr, to: Addr, service: &str, state: &str) -> Flow {
    let (proto, port) = service.split_once('/').unwrap();
    let (state, bytes) = state.split_once('=').unwrap_or((state, ""));
    let proto = match proto {
        "tcp" => Proto::Tcp,
        "udp" => Proto::Udp,
        _ => Proto::Icmp,
    };
    use ConnState::{Oth, Rej, Rsto, Rstos0, Rstr, Rstrh, S0, S1, S2, S3, Sf, Sh, Shr};
    let all = [S0, S1, S2, S3, Sf, Rej, Rsto, Rstr, Rstos0, Rstrh, Sh, Shr, Oth];
    let conn_state = all.into_iter().find(|known| known.as_str() == state).unwrap();
    let says = matches!(conn_state, Sf | S1 | S2 | S3 | Rstr);
    let (orig, resp) =
        bytes.split_once(':').unwrap_or(if says { ("300", "900") } else { ("0", "0") });
    Flow {
        uid: Uid::from_hash([0; 12]),
        import: ImportId(0),
        first_seen: Timestamp::default(),
        duration_nanos: None,
        originator: Endpoint { addr: from, port: if proto == Proto::Icmp { 8 } else { 40_000 } },
        responder: Endpoint { addr: to, port: port.parse().unwrap() },
        proto,
        service: None,
        orig_bytes: orig.parse().ok(),
        resp_bytes: resp.parse().ok(),
        conn_state,
        missed_bytes: 0,
        history: history(conn_state).to_owned(),
        orig_pkts: 1,
        orig_ip_bytes: 40,
        resp_pkts: u64::from(!matches!(conn_state, S0 | Rstos0 | Sh | Oth)),
        resp_ip_bytes: 0,
        tunnel_parents: Vec::new(),
        vlan: None,
        inner_vlan: None,
        spoken: Box::new(Spoken::default()),
    }
}

fn flows_of(words: &[&str]) -> Vec<Event> {
    let (froms, tos) = (addrs(words[0]), addrs(words[2]));
    let (proto, ports) = words[3].split_once('/').unwrap();
    let service = words.get(5).and_then(|word| word.strip_prefix("is:"));
    let mut events = Vec::new();
    for from in froms {
        for &to in &tos {
            for port in numbers(ports) {
                let mut flow = flow(from, to, &format!("{proto}/{port}"), words[4]);
                flow.service = service.map(str::to_owned);
                events.push(Event::Flow(Box::new(flow)));
            }
        }
    }
    events
}

fn outcome(word: &str) -> Option<Outcome> {
    match word {
        "success" => Some(Outcome::Success),
        "failure" => Some(Outcome::Failure),
        "blocked" => Some(Outcome::Blocked),
        "allowed" => Some(Outcome::Allowed),
        _ => None,
    }
}

/// `auth A -> B service user[,user…] outcome [detail=value …]`; `users:N` makes N users.
fn auths_of(words: &[&str]) -> Vec<Event> {
    let users: Vec<String> = match words[5].strip_prefix("users:") {
        Some(count) => (0..count.parse().unwrap()).map(|n: u32| format!("user{n}")).collect(),
        None => words[5].split(',').map(str::to_owned).collect(),
    };
    let mut events = Vec::new();
    for from in addrs(words[1]) {
        for user in &users {
            let mut record = Record::new(RecordKind::Auth, ImportId(0));
            record.src = Some(from);
            record.dst = words[3].parse().ok();
            record.service = Some(words[4].into());
            record.user = Untrusted::unless_blank(user);
            record.outcome = outcome(words[6]);
            for (key, value) in words[7..].iter().filter_map(|word| word.split_once('=')) {
                let value = match value.parse::<i64>() {
                    Ok(number) => Value::from(number),
                    Err(_) if value == "true" => Value::from(true),
                    Err(_) => Value::from(value),
                };
                record.details.insert(key.to_owned(), value);
            }
            events.push(Event::Record(Box::new(record)));
        }
    }
    events
}

/// `drop A -> B proto/ports [flags]`.
fn drops_of(words: &[&str]) -> Vec<Event> {
    let (proto, ports) = words[4].split_once('/').unwrap();
    let mut events = Vec::new();
    for to in addrs(words[3]) {
        for port in numbers(ports) {
            let mut record = Record::new(RecordKind::Firewall, ImportId(0));
            (record.src, record.dst) = (words[1].parse().ok(), Some(to));
            (record.src_port, record.dst_port) = (Some(40_000), Some(port));
            record.outcome = Some(Outcome::Blocked);
            record.details.insert("proto".to_owned(), proto.into());
            if let Some(flags) = words.get(5) {
                record.details.insert("flags".to_owned(), flags.replace('+', " ").into());
            }
            events.push(Event::Record(Box::new(record)));
        }
    }
    events
}

/// A request of an access log. `{n}` in the target counts up with `x`.
pub(crate) fn http(from: &str, method: &str, target: &str, status: u32) -> Record {
    let mut record = Record::new(RecordKind::Http, ImportId(0));
    record.src = from.parse().ok();
    record.method = Some(method.into());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    record.path = Some(path.into());
    record.query = Untrusted::unless_blank(query);
    record.status = Some(status);
    record
}

/// `http A METHOD target status bytes [user agent, _ for spaces]`.
fn https_of(words: &[&str]) -> Vec<Event> {
    let mut record = http(words[1], words[2], words[3], words[4].parse().unwrap());
    record.bytes = words.get(5).and_then(|bytes| bytes.parse().ok());
    record.user_agent = words.get(6).map(|agent| Untrusted::new(&agent.replace('_', " ")));
    vec![Event::Record(Box::new(record))]
}

/// All that a text in the notation says.
pub(crate) fn events(text: &str) -> Vec<Event> {
    let (mut all, mut start) = (Vec::new(), START_NANOS);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (secs, what) =
            line.split_once(" s: ").unwrap_or_else(|| panic!("no `N s: ` in {line}"));
        let nanos = (secs.trim().parse::<f64>().unwrap() * 1e9) as i64;
        let mut words: Vec<&str> = what.split_whitespace().collect();
        let times = words.last().and_then(|word| word.strip_prefix('x')?.parse::<usize>().ok());
        words.truncate(words.len() - usize::from(times.is_some()));
        let mut events = Vec::new();
        for n in 0..times.unwrap_or(1) {
            let counted = what.replace("{n}", &n.to_string());
            let mut words: Vec<&str> = counted.split_whitespace().take(words.len()).collect();
            words.truncate(words.len());
            events.extend(match words[0] {
                "auth" => auths_of(&words),
                "drop" => drops_of(&words),
                "http" => https_of(&words),
                _ => flows_of(&words),
            });
        }
        let step = nanos / (events.len().max(2) as i64 - 1);
        for (at, mut event) in events.into_iter().enumerate() {
            let time = Timestamp::from_nanos(start + step * at as i64);
            let number = all.len() as u32 + 1;
            match &mut event {
                Event::Flow(flow) => {
                    flow.first_seen = time;
                    let mut hash = [0; 12];
                    hash[8..].copy_from_slice(&number.to_be_bytes());
                    flow.uid = Uid::from_hash(hash);
                }
                Event::Record(record) => {
                    (record.ts, record.line) = (Some(time), Some(u64::from(number)));
                }
            }
            all.push(event);
        }
        start += nanos;
    }
    all
}

/// What all detectors say of the events, in the order given.
pub(crate) fn watch(events: &[Event]) -> Watched {
    let mut watchers = Watchers::new();
    for event in events {
        match event {
            Event::Flow(flow) => watchers.flow(flow, &Stage),
            Event::Record(record) => watchers.record(record, &Stage),
        }
    }
    watchers.finish(Timestamp::from_nanos(START_NANOS), &Stage, &Profile::default())
}

/// The value of a key of a detection, or of its details.
fn value(detection: &Detection, key: &str) -> String {
    match key {
        "peer_count" => detection.peer_count.to_string(),
        "count" => detection.count.to_string(),
        "ports" => detection.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(","),
        "role" => format!("{:?}", detection.subject_role).to_lowercase(),
        "basis" => format!("{:?}", detection.basis).to_lowercase(),
        "succeeded" => format!("{:?}", detection.succeeded),
        "refs" => detection.refs.len().to_string(),
        key => match detection.details.get(key) {
            Some(Value::String(text)) => text.replace(' ', "_"),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        },
    }
}

/// The one check of the area: `expected` has a line `slug subject key=value …` for each detection,
/// in any order, and there are no others.
pub(crate) fn check(text: &str, expected: &str) {
    let mut events = events(text);
    let watched = watch(&events);
    events.reverse();
    assert_eq!(watch(&events), watched, "backwards: {text}");
    let half = events.len() / 2;
    let riffled: Vec<Event> = (0..half.max(events.len() - half))
        .flat_map(|at| [events.get(at + half), events.get(at).filter(|_| at < half)])
        .flatten()
        .cloned()
        .collect();
    assert_eq!(riffled.len(), events.len());
    assert_eq!(watch(&riffled), watched, "shuffled: {text}");

    let mut wanted: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut others = Vec::new();
    for detection in &watched.detections {
        let fits = |line: &&str| {
            let mut words = line.split_whitespace();
            words.next() == Some(detection.detector.as_ref())
                && words.next() == Some(detection.subject.addr().to_string().as_str())
                && words.all(|word| {
                    let (key, wanted) = word.split_once('=').unwrap();
                    value(detection, key) == wanted
                })
        };
        match wanted.iter().position(fits) {
            Some(at) => {
                wanted.remove(at);
            }
            None => others.push(detection),
        }
        sane(detection);
    }
    assert!(
        wanted.is_empty() && others.is_empty(),
        "{text}\nwanted and missing: {wanted:#?}\nnot wanted: {others:#?}"
    );
}

/// What holds for every detection.
pub(crate) fn sane(detection: &Detection) {
    assert!((0.0..=1.0).contains(&detection.confidence), "{detection:?}");
    assert!(detection.confidence > 0.0 && !detection.what.is_empty(), "{detection:?}");
    assert!(detection.peers.len() <= 100 && detection.refs.len() <= 20, "{detection:?}");
    assert!(detection.peers.is_sorted() && detection.ports.is_sorted(), "{detection:?}");
    assert!(detection.peer_count >= detection.peers.len() as u64, "{detection:?}");
    assert!(detection.first_seen <= detection.last_seen, "{detection:?}");
    let known = super::detectors::DETECTORS.iter().flat_map(|detector| {
        let about = detector.about();
        about.ids.iter().copied()
    });
    let family = detection.detector.split('.').next().unwrap_or_default();
    assert!(
        known.into_iter().any(|id| id == detection.detector || id == format!("{family}.*")),
        "{} is in no detector's list",
        detection.detector
    );
}
