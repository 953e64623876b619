//! A triage → what a case keeps of it, so that it opens at once, and where its hosts are.

use super::triage::{Cut, Triage};
use serde::Serialize;

use crate::export::{DetectionRow, HostRow, ShownEvidence, to_json as write_json};
use crate::model::{Place, RealmId, Timestamp, Untrusted};
use crate::store::{
    DerivedDetection, DerivedEvidence, DerivedFrom, DerivedHost, DerivedPlace, Store, StoreError,
    StoredRealm,
};

/// Puts a triage of a whole case beside it.
pub(super) fn keep(store: &mut Store, triage: &Triage, now: Timestamp) -> Result<(), StoreError> {
    let from = derived_from(store, triage)?;
    let realms = store.realms()?;
    store.derive(&from, now, |deriving| {
        for (row, exact) in triage.hosts(Cut::default()).zip(triage.exact_scores()) {
            let evidence: Vec<DerivedEvidence> = row.evidence.iter().map(evidence).collect();
            let host = DerivedHost { exact, ..host(&row, &realms) };
            deriving.host(row.addr, &host, &evidence)?;
        }
        triage.detections().try_for_each(|row| deriving.detection(&detection(&row, &realms)))
    })
}

/// Everything that a triage of a case depends on.
fn derived_from(store: &Store, triage: &Triage) -> Result<DerivedFrom, StoreError> {
    let head = triage.head();
    let imports: Vec<(u32, u64)> = store
        .imports()?
        .iter()
        .map(|import| {
            let counts = import.counts;
            (import.key.0, counts.flows + counts.records + counts.listed + counts.left_out)
        })
        .collect();
    let realms = store.realms()?;
    let context = triage.context();
    let mut hasher = blake3::Hasher::new();
    hasher.update(to_json(&head.tool).as_bytes());
    hasher.update(format!("{:?}", context.profile).as_bytes());
    // Kind, half-life and group of a feed weigh as much as its bytes.
    context.feeds().iter().for_each(|open| {
        hasher.update(format!("{:?}", open.row).as_bytes());
    });
    hasher.update(format!("{:?} {imports:?} {realms:?} {:?}", head.now, context.mine()).as_bytes());
    Ok(DerivedFrom {
        key: hasher.finalize().to_hex().to_string(),
        profile: head.tool.profile.clone(),
        data_date: head.tool.image.built,
    })
}

fn realm(name: Option<&Untrusted>, realms: &[StoredRealm]) -> Option<RealmId> {
    let name = name?;
    realms.iter().find(|realm| realm.name == *name).map(|realm| realm.id)
}

fn host(row: &HostRow, realms: &[StoredRealm]) -> DerivedHost {
    let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.as_str()).collect();
    DerivedHost {
        realm: realm(row.realm.as_ref(), realms),
        mine: row.mine,
        exact: row.score,
        score: row.score,
        word: row.word.to_owned(),
        malice: row.malice,
        anonymity: row.anonymity,
        evidence_amount: row.evidence_amount,
        asn: row.asn,
        as_name: row.as_name.as_ref().map(|name| name.raw().to_owned()),
        prefix: row.prefix.map(|prefix| prefix.to_string()),
        kinds: kinds.join(","),
        lists: to_json(&row.lists),
        names: to_json(&row.names),
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        flows: row.flows,
        packets: row.packets,
        bytes_in: row.bytes_in,
        bytes_out: row.bytes_out,
        roles: row.roles.join(","),
        place: row.place.as_ref().map(place),
    }
}

fn place(place: &Place) -> DerivedPlace {
    let mut inputs: Vec<&str> = place
        .candidates
        .iter()
        .flat_map(|candidate| candidate.sources.iter().map(|source| &**source))
        .collect();
    inputs.sort_unstable();
    inputs.dedup();
    DerivedPlace {
        lat: place.lat,
        lon: place.lon,
        radius_km: place.radius_km,
        confidence: place.confidence,
        city: place.city.as_deref().map(str::to_owned),
        region: place.region.as_deref().map(str::to_owned),
        country_code: place.country_code.clone(),
        granularity: place.granularity.map(|granularity| word(&to_json(&granularity))),
        note: place.note.map(str::to_owned),
        candidates: to_json(&place.candidates),
        inputs: to_json(&inputs),
    }
}

/// JSON as the command line writes it.
fn to_json(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    // Memory takes whatever is written.
    write_json(&mut out, value).ok();
    String::from_utf8(out).unwrap_or_default()
}

/// A word of JSON without its quotes.
fn word(json: &str) -> String {
    json.trim_matches('"').to_owned()
}

fn evidence(shown: &ShownEvidence) -> DerivedEvidence {
    let row = &shown.row;
    DerivedEvidence {
        id: row.id.to_string(),
        source: row.source.to_owned(),
        group: row.group.clone(),
        contribution: row.contribution,
        x: row.x,
        llr: row.llr,
        weight: row.weight,
        decay: row.decay,
        counted: row.counted,
        count: row.count,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        what: row.what.clone(),
        refs: to_json(&shown.refs),
    }
}

fn detection(row: &DetectionRow, realms: &[StoredRealm]) -> DerivedDetection {
    DerivedDetection {
        detector: row.detector.clone(),
        subject: row.subject,
        realm: realm(row.subject_realm.as_ref(), realms),
        severity: row.severity,
        confidence: row.confidence,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        row: to_json(row),
    }
}
