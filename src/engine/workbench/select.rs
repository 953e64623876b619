//! What is selected, with all that is known of it.

use hashbrown::HashMap;

use super::command::Selected;
use super::job::Outcome;
use super::snapshot::{Fingerprint, Peer, Selection, TimeBin, Timeline};
use crate::model::{Addr, Flow, HostKey, RealmId, Record, Uid, Untrusted};

/// Gathers what is known of a selected thing; `None`: it is not there (any more).
pub(super) fn select(what: Selected, outcome: &Outcome) -> Option<Selection> {
    let key = key_of(what, outcome)?;
    let triage = outcome.found.triage.as_ref()?;
    let row = outcome.found.hosts.keys.iter().position(|known| *known == key);
    let host = triage.explain_host(key).map(Box::new);
    let met = Met::of(key, outcome);
    let addr = key.addr();
    let detections: Vec<u32> = (0_u32..)
        .zip(outcome.found.detections.iter())
        .filter(|(_, found)| found.subject == addr || found.peers.contains(&addr))
        .map(|(number, _)| number)
        .collect();
    let mut peers: Vec<(HostKey, u64)> = met.peers.into_iter().collect();
    peers.sort_unstable_by_key(|&(key, count)| (std::cmp::Reverse(count), key));
    peers.truncate(Selection::PEERS_MAX);
    let sentence = sentence(addr, &detections, outcome);
    Some(Selection {
        what,
        host,
        key: Some(key),
        row: row.and_then(|row| u32::try_from(row).ok()),
        flows: met.flows,
        flow_count: met.flow_count,
        records: met.records,
        record_count: met.record_count,
        detections,
        peers: rows_of(&peers, outcome),
        fingerprints: met.prints.most_frequent(),
        timeline: met.timeline,
        placed: Vec::new(),
        placed_count: 0,
        sentence,
    })
}

/// What flows and records say of one host.
#[derive(Default)]
struct Met {
    peers: HashMap<HostKey, u64>,
    prints: Prints,
    timeline: Timeline,
    flows: Vec<u32>,
    flow_count: usize,
    records: Vec<u32>,
    record_count: usize,
}

impl Met {
    fn of(key: HostKey, outcome: &Outcome) -> Self {
        let held = &outcome.held;
        let realm_of = |import: u32| {
            held.imports.get(import as usize).map_or(RealmId::default(), |(realm, _)| *realm)
        };
        let all = &outcome.found.timeline;
        let timeline = Timeline { bins: vec![TimeBin::default(); all.bins.len()], ..**all };
        let mut met = Self { timeline, ..Self::default() };
        for (number, flow) in (0_u32..).zip(held.flows.iter()) {
            let ends = [flow.originator.addr, flow.responder.addr].map(Some);
            if let Some(other) = other_end(ends, key, realm_of(flow.import.0)) {
                met.flow(number, flow, key.addr(), other);
            }
        }
        for (number, record) in (0_u32..).zip(held.records.iter()) {
            let ends = [record.src, record.dst];
            if let Some(other) = other_end(ends, key, realm_of(record.import.0)) {
                met.record(number, record, key.addr(), other);
            }
        }
        met
    }

    fn flow(&mut self, number: u32, flow: &Flow, addr: Addr, other: Option<HostKey>) {
        self.flow_count += 1;
        if self.flows.len() < Selection::ROWS_MAX {
            self.flows.push(number);
        }
        if let Some(other) = other {
            *self.peers.entry(other).or_default() += 1;
        }
        self.prints.flow(flow, addr);
        let bytes = flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes);
        self.timeline.add(flow.first_seen, TimeBin { flows: 1, bytes, ..TimeBin::default() });
    }

    fn record(&mut self, number: u32, record: &Record, addr: Addr, other: Option<HostKey>) {
        self.record_count += 1;
        if self.records.len() < Selection::ROWS_MAX {
            self.records.push(number);
        }
        // What belongs to a flow was counted with it.
        if record.uid.is_some() {
            return;
        }
        if let Some(other) = other {
            *self.peers.entry(other).or_default() += 1;
        }
        self.prints.record(record, addr);
        if let Some(at) = record.ts {
            self.timeline.add(at, TimeBin { records: 1, ..TimeBin::default() });
        }
    }
}

/// Different fingerprints that are counted of one host: a client that makes up its user agents
/// fills no more.
const PRINTS_MAX: usize = 10_000;

/// Fingerprints of one host, counted.
#[derive(Default)]
struct Prints(HashMap<(&'static str, String), u64>);

impl Prints {
    fn add(&mut self, kind: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        let key = (kind, value.to_owned());
        if self.0.len() < PRINTS_MAX || self.0.contains_key(&key) {
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// What a flow says of the end that is asked about.
    fn flow(&mut self, flow: &Flow, addr: Addr) {
        let spoken = &flow.spoken;
        if flow.originator.addr == addr {
            self.add("JA4", spoken.ja4.as_deref());
            self.add("JA3", spoken.ja3.as_deref());
            self.add("HASSH", spoken.hassh.as_deref());
            self.add("user agent", spoken.user_agent.as_ref().map(Untrusted::raw));
        }
        if flow.responder.addr == addr {
            self.add("JA3S", spoken.ja3s.as_deref());
            self.add("HASSH server", spoken.hassh_server.as_deref());
        }
    }

    fn record(&mut self, record: &Record, addr: Addr) {
        if record.src == Some(addr) {
            self.add("user agent", record.user_agent.as_ref().map(Untrusted::raw));
        }
    }

    fn most_frequent(self) -> Vec<Fingerprint> {
        let mut prints: Vec<_> = self.0.into_iter().collect();
        prints.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        let print = |((kind, value), count): ((&'static str, String), u64)| Fingerprint {
            kind,
            value: Untrusted::new(&value),
            count,
        };
        prints.into_iter().take(Selection::FINGERPRINTS_MAX).map(print).collect()
    }
}

/// What a reference names; `None`: it is not there (any more).
pub(super) fn follow(reference: &str, outcome: &Outcome) -> Option<Selected> {
    let held = &outcome.held;
    let (kind, name) = reference.split_once(':')?;
    match kind {
        "flow" => {
            let uid = Uid::parse(name)?;
            held.flows.iter().any(|flow| flow.uid == uid).then_some(Selected::Flow(uid))
        }
        "record" => {
            // A file's name may hold the sign that parts it from the line.
            let (import, line) = name.rsplit_once('#')?;
            let line: u64 = line.parse().ok()?;
            let is_it = |record: &Record| {
                let known = held.imports.get(record.import.0 as usize);
                record.line == Some(line) && known.is_some_and(|(_, name)| name.raw() == import)
            };
            let row = held.records.iter().position(is_it)?;
            u32::try_from(row).ok().map(Selected::Record)
        }
        "detection" => {
            let row: u32 = name.parse().ok()?;
            outcome.found.detections.get(row as usize).map(|_| Selected::Detection(row))
        }
        _ => None,
    }
}

fn key_of(what: Selected, outcome: &Outcome) -> Option<HostKey> {
    let held = &outcome.held;
    let realm = |import: u32| held.imports.get(import as usize).map(|(realm, _)| *realm);
    match what {
        Selected::Host(key) => Some(key),
        Selected::Flow(uid) => {
            let flow = held.flows.iter().find(|flow| flow.uid == uid)?;
            Some(HostKey::new(flow.originator.addr, realm(flow.import.0)?))
        }
        Selected::Record(number) => {
            let record = held.records.get(number as usize)?;
            Some(HostKey::new(record.src.or(record.dst)?, realm(record.import.0)?))
        }
        Selected::Address(_) => None,
        Selected::Detection(number) => outcome.found.triage.as_ref()?.subject(number as usize),
    }
}

/// The other end of a flow or record that the host takes part in; the inner `None`: it has none.
pub(super) fn other_end(
    ends: [Option<Addr>; 2],
    host: HostKey,
    realm: RealmId,
) -> Option<Option<HostKey>> {
    let keys = ends.map(|end| end.map(|addr| HostKey::new(addr, realm)));
    match keys {
        [Some(a), b] if a == host => Some(b),
        [a, Some(b)] if b == host => Some(a),
        _ => None,
    }
}

fn rows_of(peers: &[(HostKey, u64)], outcome: &Outcome) -> Vec<Peer> {
    let mut rows: HashMap<HostKey, u32> = HashMap::with_capacity(peers.len());
    let wanted: hashbrown::HashSet<HostKey> = peers.iter().map(|(key, _)| *key).collect();
    for (row, key) in (0_u32..).zip(&outcome.found.hosts.keys) {
        if wanted.contains(key) {
            rows.insert(*key, row);
        }
    }
    let peer = |&(key, count): &(HostKey, u64)| Peer { key, row: rows.get(&key).copied(), count };
    peers.iter().map(peer).collect()
}

/// The worst that is known of a host, in a sentence.
fn sentence(addr: Addr, detections: &[u32], outcome: &Outcome) -> String {
    let found = detections.iter().filter_map(|&n| outcome.found.detections.get(n as usize));
    let about: Vec<_> = found.filter(|detection| detection.subject == addr).collect();
    let succeeded = about.iter().find(|detection| detection.succeeded == Some(true));
    match (succeeded, about.first()) {
        (Some(detection), _) | (None, Some(detection)) => detection.what.clone(),
        (None, None) => "Nothing was detected about it.".to_owned(),
    }
}
