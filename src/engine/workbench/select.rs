//! What is selected, with all that is known of it.

use hashbrown::HashMap;

use super::command::Selected;
use super::job::Outcome;
use super::snapshot::{Peer, Selection, TimeBin, Timeline};
use crate::model::{Addr, HostKey, RealmId, Record, Timestamp, Uid};

/// Gathers what is known of a selected thing; `None`: it is not there (any more).
pub(super) fn select(what: Selected, outcome: &Outcome) -> Option<Selection> {
    let key = key_of(what, outcome)?;
    let triage = outcome.found.triage.as_ref()?;
    let row = outcome.found.hosts.keys.iter().position(|known| *known == key);
    let host = triage.explain_host(key).map(Box::new);
    let held = &outcome.held;
    let realm_of = |import: u32| {
        held.imports.get(import as usize).map_or(RealmId::default(), |(realm, _)| *realm)
    };
    let mut peers: HashMap<HostKey, u64> = HashMap::new();
    let mut bins = Timeline {
        bins: vec![TimeBin::default(); outcome.found.timeline.bins.len()],
        ..*outcome.found.timeline
    };
    let (mut flows, mut flow_count) = (Vec::new(), 0);
    for (number, flow) in (0_u32..).zip(held.flows.iter()) {
        let realm = realm_of(flow.import.0);
        let ends = [flow.originator.addr, flow.responder.addr];
        let Some(other) = other_end(ends.map(Some), key, realm) else { continue };
        flow_count += 1;
        if flows.len() < Selection::ROWS_MAX {
            flows.push(number);
        }
        if let Some(other) = other {
            *peers.entry(other).or_default() += 1;
        }
        let bytes = flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes);
        bins.add(flow.first_seen, TimeBin { flows: 1, bytes, ..TimeBin::default() });
    }
    let (mut records, mut record_count) = (Vec::new(), 0);
    for (number, record) in (0_u32..).zip(held.records.iter()) {
        let realm = realm_of(record.import.0);
        let Some(other) = other_end([record.src, record.dst], key, realm) else { continue };
        record_count += 1;
        if records.len() < Selection::ROWS_MAX {
            records.push(number);
        }
        if record.uid.is_none() {
            if let Some(other) = other {
                *peers.entry(other).or_default() += 1;
            }
            let at = record.ts.unwrap_or(Timestamp::default());
            bins.add(at, TimeBin { records: 1, ..TimeBin::default() });
        }
    }
    let addr = key.addr();
    let detections: Vec<u32> = (0_u32..)
        .zip(outcome.found.detections.iter())
        .filter(|(_, found)| found.subject == addr || found.peers.contains(&addr))
        .map(|(number, _)| number)
        .collect();
    let mut peers: Vec<(HostKey, u64)> = peers.into_iter().collect();
    peers.sort_unstable_by_key(|&(key, count)| (std::cmp::Reverse(count), key));
    peers.truncate(Selection::PEERS_MAX);
    let sentence = sentence(addr, &detections, outcome);
    Some(Selection {
        what,
        host,
        key: Some(key),
        row: row.and_then(|row| u32::try_from(row).ok()),
        flows,
        flow_count,
        records,
        record_count,
        detections,
        peers: rows_of(&peers, outcome),
        timeline: bins,
        sentence,
    })
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
fn other_end(ends: [Option<Addr>; 2], host: HostKey, realm: RealmId) -> Option<Option<HostKey>> {
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
