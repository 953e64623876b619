//! What is known and what was detected of a host → evidence, one row per id.
//!
//! In come the detections of a run, the facts that reference data holds of the address and how
//! much ordinary traffic it had; out go statements for [`score`](super::score). Here stand the
//! rules of who may be blamed: the target of an attack never, a forged source never, a research
//! scanner not for scanning. A country is never evidence.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::profile::Profile;
use crate::model::limits::REFS_MAX;
use crate::model::{
    Basis, Detection, Evidence, Facts, Flow, Kind, ListMeaning, ListMembership, Outcome, Record,
    RecordKind, Ref, SubjectRole, Timestamp, Weighing, grouped,
};

/// Exchanges from which on traffic is called ordinary: fewer say nothing of a host's habits.
pub const ORDINARY_MIN: u64 = 20;

/// The row for what worked.
const SUCCEEDED: &str = "succeeded";

/// Refusals before a log-in from which on it was guessed: a known user is granted no more either.
const GUESSED_FAILURES_MIN: u64 = 20;

/// The same for different names: people have one, administrators two.
const GUESSED_USERS_MIN: u64 = 3;

/// Characters of one sentence after merging; the rest is in the detections.
const WHAT_CHARS_MAX: usize = 400;

/// How much of what a host did was ordinary: both sides did what the protocol is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Exchanges.
    pub ordinary: u64,
    /// The first of them.
    pub first_seen: Option<Timestamp>,
    /// The newest of them.
    pub last_seen: Option<Timestamp>,
}

impl Activity {
    /// Counts a flow if it was ordinary: established, data in both directions.
    pub fn flow(&mut self, flow: &Flow) {
        let both = flow.orig_bytes.unwrap_or(0) > 0 && flow.resp_bytes.unwrap_or(0) > 0;
        if both && flow.conn_state.is_established() {
            self.add(1, Some(flow.first_seen));
        }
    }

    /// Counts a record if it was ordinary: a request that was answered with what it asked for.
    pub fn record(&mut self, record: &Record) {
        let answered = matches!(record.status, Some(200..=399));
        let ordinary = match record.kind {
            RecordKind::Http => answered,
            RecordKind::Dns | RecordKind::Tls | RecordKind::Smtp => {
                record.outcome == Some(Outcome::Success)
            }
            _ => false,
        };
        if ordinary {
            self.add(u64::from(record.times.max(1)), record.ts);
        }
    }

    /// Counts exchanges at one moment.
    pub fn add(&mut self, exchanges: u64, seen: Option<Timestamp>) {
        self.ordinary = self.ordinary.saturating_add(exchanges);
        self.first_seen = earliest(self.first_seen, seen);
        self.last_seen = self.last_seen.max(seen);
    }
}

/// Everything that speaks for or against one host, one row per id, in ascending id.
///
/// `detections` are those with this host as subject, each with its place in the sorted list of the
/// run (for references).
pub fn evidence(
    detections: &[(u32, &Detection)],
    facts: &Facts,
    activity: &Activity,
    profile: &Profile,
) -> Vec<Evidence> {
    let mut rows: Vec<Evidence> = Vec::new();
    for &(number, detection) in detections {
        rows.extend(of_detection(number, detection, facts));
        rows.extend(of_success(number, detection));
    }
    rows.extend(facts.lists.iter().filter_map(of_own_list));
    rows.extend(facts.kinds.iter().filter_map(|&kind| of_kind(kind, facts, profile)));
    // The tries of an attack are exchanges too: whoever acted is not excused by their number.
    let acted = detections.iter().any(|(_, detection)| {
        detection.subject_role == SubjectRole::Actor
            && detection.basis != Basis::List
            && explained(&detection.detector, facts).is_none()
    });
    if !acted {
        rows.extend(of_activity(activity));
    }
    merge(rows)
}

fn of_detection(number: u32, detection: &Detection, facts: &Facts) -> Option<Evidence> {
    if detection.subject_role != SubjectRole::Actor {
        return None;
    }
    let id = detection.detector.clone();
    // Own lists have rows of their own below: the detection says the same once more.
    if id.starts_with("list.") {
        return None;
    }
    let (weighing, explanation) = match explained(&id, facts) {
        Some((row, why)) => (Weighing::InsteadBy(row), why),
        None => (Weighing::ById, ""),
    };
    Some(Evidence {
        id,
        weighing,
        source: "detector",
        count: detection.count,
        first_seen: detection.first_seen,
        last_seen: detection.last_seen,
        what: format!("{}{explanation}", detection.what),
        refs: refs_of(number, detection),
        terms: None,
    })
}

/// A harmless explanation for what was detected, from what the address is known to be.
fn explained(id: &str, facts: &Facts) -> Option<(&'static str, &'static str)> {
    let scanner = facts.is(Kind::ResearchScanner);
    match id {
        "scan.horizontal" | "scan.vertical" | "scan.block" | "scan.address-sweep" if scanner => {
            Some(("explained.scan", "; expected of a research scanner that says who it is"))
        }
        "web.probing" | "web.scanner" if scanner => {
            Some(("explained.web", "; expected of a research scanner that says who it is"))
        }
        "web.probing" if facts.is(Kind::Crawler) => {
            Some(("explained.web", "; expected of a crawler, verified by its range"))
        }
        _ => None,
    }
}

fn of_success(number: u32, detection: &Detection) -> Option<Evidence> {
    let worked = detection.succeeded == Some(true) && detection.subject_role == SubjectRole::Actor;
    let id = match was_guessed(detection) {
        true => "succeeded.guessing",
        false => SUCCEEDED,
    };
    worked.then(|| Evidence {
        id: Cow::Borrowed(id),
        // A profile that weighs success without a row for each sort of it.
        weighing: Weighing::ElseBy(SUCCEEDED),
        source: "detector",
        count: 1,
        first_seen: detection.first_seen,
        last_seen: detection.last_seen,
        what: format!("What {} saw succeeded: {}", detection.detector, detection.what),
        refs: refs_of(number, detection),
        terms: None,
    })
}

/// Whether a log-in came after more refusals or more names than a person has in them.
fn was_guessed(detection: &Detection) -> bool {
    let before = |key: &str| detection.details.get(key).and_then(Value::as_u64).unwrap_or(0);
    before("failures_before") >= GUESSED_FAILURES_MIN || before("users_before") >= GUESSED_USERS_MIN
}

/// The detection itself first, then its flows and lines.
fn refs_of(number: u32, detection: &Detection) -> Vec<Ref> {
    let refs = detection.refs.iter().copied();
    std::iter::once(Ref::Detection(number)).chain(refs).take(REFS_MAX).collect()
}

/// Membership in a list of the analyst's: it decays from the list's own date.
fn of_own_list(list: &ListMembership) -> Option<Evidence> {
    let (row, word) = match list.meaning {
        ListMeaning::Hostile => ("list.hostile", "hostile"),
        ListMeaning::Benign => ("list.benign", "harmless"),
        ListMeaning::Kind(_) | ListMeaning::Context => return None,
    };
    Some(Evidence {
        id: Cow::Owned(format!("list.{}", list.id)),
        weighing: Weighing::ElseBy(row),
        source: "list",
        count: 1,
        first_seen: list.since,
        last_seen: list.date.or(list.since),
        what: match &list.terms {
            Some(terms) => {
                let (feed, dated) = (&terms.feed, dated(list.date));
                format!("In the feed of {word} addresses {feed:?}{dated}")
            }
            None => {
                format!("In your list of {word} addresses{}: {}", dated(list.date), list.id)
            }
        },
        refs: Vec::new(),
        terms: list.terms.clone(),
    })
}

/// A kind that the profile weighs. Of several lists that give it, the newest one dates it.
///
/// Tor, VPN and proxy are detections of their own (`anonymity.*`) and not said twice.
fn of_kind(kind: Kind, facts: &Facts, profile: &Profile) -> Option<Evidence> {
    let id = format!("kind.{}", kind.as_str());
    profile.row(&id)?;
    let lists: Vec<&ListMembership> =
        facts.lists.iter().filter(|list| list.meaning == ListMeaning::Kind(kind)).collect();
    let date = lists.iter().filter_map(|list| list.date).max();
    // As long as the newest of them holds, so does the kind.
    let newest = lists.iter().rev().max_by_key(|list| list.date);
    let names: Vec<&str> = lists.iter().map(|list| list.id.as_ref()).collect();
    let by = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    Some(Evidence {
        id: Cow::Owned(id),
        weighing: Weighing::ById,
        source: "list",
        count: lists.len().max(1) as u64,
        first_seen: None,
        last_seen: date,
        what: format!("{}{}{by}", kind_sentence(kind), dated(date)),
        refs: Vec::new(),
        terms: newest.and_then(|list| list.terms.clone()),
    })
}

const fn kind_sentence(kind: Kind) -> &'static str {
    match kind {
        Kind::Crawler => "Known crawler, verified by its published range",
        Kind::ResearchScanner => "Known research scanner that says who it is",
        Kind::PublicResolver => "Known public DNS resolver",
        Kind::Cdn => "Edge of a content delivery network",
        Kind::Sinkhole => "Known sinkhole of a researcher",
        Kind::Hosting => "Rented server or cloud",
        _ => "Known kind of network",
    }
}

/// Says that membership ages from the date of the list.
fn dated(date: Option<Timestamp>) -> String {
    match date {
        Some(date) => format!(", as of {} and ageing from there", date.to_date()),
        None => String::new(),
    }
}

fn of_activity(activity: &Activity) -> Option<Evidence> {
    (activity.ordinary >= ORDINARY_MIN).then(|| Evidence {
        id: Cow::Borrowed("activity.ordinary"),
        weighing: Weighing::ById,
        source: "activity",
        count: activity.ordinary,
        first_seen: activity.first_seen,
        last_seen: activity.last_seen,
        what: format!("{} exchanges in which both sides did the usual", grouped(activity.ordinary)),
        refs: Vec::new(),
        terms: None,
    })
}

/// One row per id, in ascending id, whatever the order of the input.
///
/// Counts add, first and last times widen, references join (at most [`REFS_MAX`], detections
/// first). The sentence is that of the row with the largest count; a joined row says so. If rows of
/// one id are weighed differently, the one weighed by its own id wins: a scan that is not explained
/// is not excused by one that is.
pub fn merge(rows: Vec<Evidence>) -> Vec<Evidence> {
    let mut by_id: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
    for row in rows {
        by_id.entry(row.id.to_string()).or_default().push(row);
    }
    by_id.into_values().filter_map(merge_one).collect()
}

fn merge_one(mut same: Vec<Evidence>) -> Option<Evidence> {
    same.sort_by(|a, b| {
        let rank = |row: &Evidence| (weighing_rank(&row.weighing), std::cmp::Reverse(row.count));
        rank(a).cmp(&rank(b)).then_with(|| a.what.cmp(&b.what))
    });
    let others = same.len().saturating_sub(1);
    let mut all = same.into_iter();
    let mut merged = all.next()?;
    for other in all {
        merged.count = merged.count.saturating_add(other.count);
        merged.first_seen = earliest(merged.first_seen, other.first_seen);
        merged.last_seen = merged.last_seen.max(other.last_seen);
        merged.refs.extend(other.refs);
    }
    if let Some((cut, _)) = merged.what.char_indices().nth(WHAT_CHARS_MAX) {
        merged.what.truncate(cut);
        merged.what.push('…');
    }
    if others > 0 {
        let more = if others == 1 {
            "once more".into()
        } else {
            format!("{} times more", grouped(others as u64))
        };
        merged.what = format!("{} ({more} like it)", merged.what);
    }
    merged.refs.sort_by_key(|reference| (!matches!(reference, Ref::Detection(_)), *reference));
    merged.refs.dedup();
    merged.refs.truncate(REFS_MAX);
    Some(merged)
}

const fn weighing_rank(weighing: &Weighing) -> (u8, &'static str) {
    match weighing {
        Weighing::ById => (0, ""),
        Weighing::ElseBy(row) => (1, row),
        Weighing::InsteadBy(row) => (2, row),
    }
}

/// The earlier of two times, where unknown is no time at all.
pub(super) fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Addr;
    use crate::threat::Scene;
    use crate::threat::detectors::DETECTORS;
    use crate::threat::notation::{Stage, events, watch};
    use crate::threat::score::score;

    use super::*;

    /// The score of `host` after `text` (in the notation of the detectors' tests).
    fn scored(text: &str, host: &str, exchanges: u64) -> (f64, String) {
        let addr: Addr = host.parse().unwrap();
        let watched = watch(&events(text));
        let own: Vec<(u32, &Detection)> =
            (0..).zip(&watched.detections).filter(|(_, d)| d.subject.addr() == addr).collect();
        let mut activity = Activity::default();
        activity.add(exchanges, None);
        let (facts, profile) = (Stage.facts(addr), Profile::default());
        let rows = evidence(&own, &facts, &activity, &profile);
        // As of the list's own date and the events' first day, so that nothing has aged much.
        let score = score(&rows, &facts.kinds, &profile, "2026-05-28".parse().unwrap());
        let ids = score.rows.iter().filter(|row| row.counted).map(|row| row.id.as_ref());
        (score.score, ids.collect::<Vec<_>>().join(" "))
    }

    fn check(text: &str, host: &str, exchanges: u64, low: f64, high: f64, ids: &str) {
        let (score, found) = scored(text, host, exchanges);
        assert_eq!(found, ids, "{host} after {text}");
        assert!((low..=high).contains(&score), "{host} has {score} after {text}");
    }

    const SCAN: &str = "8 s: HOST -> 198.51.100.1-20 tcp/22 S0";

    #[test]
    fn who_is_blamed_and_who_is_not() {
        let scan = |host: &str| SCAN.replace("HOST", host);
        check(&scan("192.0.2.7"), "192.0.2.7", 0, 90.0, 94.0, "prior scan.horizontal");
        // The targets of a scan have done nothing.
        check(&scan("192.0.2.7"), "198.51.100.3", 0, 0.5, 0.5, "prior");
        // A research scanner is known to scan.
        let explained = "prior kind.research-scanner scan.horizontal";
        check(&scan("203.0.113.1"), "203.0.113.1", 0, 0.0, 0.5, explained);
        // The target of a flood gains nothing, nor do its forged sources.
        let flood = "5 s: 192.0.2.7 -> 192.0.2.80 tcp/443 S0 x600";
        check(flood, "192.0.2.80", 0, 0.5, 0.5, "prior");
        check(flood, "192.0.2.7", 0, 0.5, 0.5, "prior");
        // Tor hides; that is no malice.
        check(
            "9 s: http 203.0.113.2 GET / 200 9",
            "203.0.113.2",
            0,
            0.5,
            0.5,
            "prior anonymity.tor",
        );
        // A list of one's own says what it says, five months ago: 7.5 nats became 4.3.
        check("9 s: http 203.0.113.5 GET / 200 9", "203.0.113.5", 0, 26.2, 26.2, "prior list.bad");
        // Ordinary traffic lowers, from twenty exchanges on, and not by much.
        check("", "192.0.2.9", 19, 0.5, 0.5, "prior");
        check("", "192.0.2.9", 5_000, 0.1, 0.4, "prior activity.ordinary");
        // It excuses nobody who attacked: the tries of an attack are exchanges too.
        check(&scan("192.0.2.7"), "192.0.2.7", 5_000, 90.0, 94.0, "prior scan.horizontal");
    }

    #[test]
    fn what_succeeded_is_a_row_of_its_own() {
        let text = "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x8
                    9 s: auth 192.0.2.7 -> 198.51.100.5 sshd root success";
        check(text, "192.0.2.7", 0, 90.0, 95.0, "prior bruteforce.ssh succeeded");
        // After twenty refusals, or three names, it was guessed.
        let ids = "prior bruteforce.ssh succeeded.guessing";
        check(&text.replace("x8", "x20"), "192.0.2.7", 0, 98.0, 99.9, ids);
        check(&text.replace("root failure x8", "users:5 failure"), "192.0.2.7", 0, 98.0, 99.9, ids);
        check(
            &text.replace("x8", "x19"),
            "192.0.2.7",
            0,
            90.0,
            95.0,
            "prior bruteforce.ssh succeeded",
        );
    }

    #[test]
    fn who_mistypes_is_not_accused() {
        for tries in 1..=4 {
            let text = format!(
                "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd anna failure x{tries}
                 9 s: auth 192.0.2.7 -> 198.51.100.5 sshd anna success"
            );
            check(&text, "192.0.2.7", 0, 0.5, 0.5, "prior");
        }
    }

    #[test]
    fn who_got_in_ranks_above_who_failed_for_the_length_of_an_incident() {
        let profile = Profile::default();
        let exact = |text: &str, days: i64| {
            let watched = watch(&events(text));
            let own: Vec<(u32, &Detection)> = (0..).zip(&watched.detections).collect();
            let newest = watched.detections.iter().filter_map(|d| d.last_seen).max().unwrap();
            let rows = evidence(&own, &Facts::default(), &Activity::default(), &profile);
            score(&rows, &[], &profile, newest.plus_days(days)).exact
        };
        let failed = "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x90";
        let last_night = exact(failed, 0);
        for (text, days) in
            [("root failure x8", 30), ("root failure x20", 90), ("users:5 failure", 90)]
        {
            let entered = format!(
                "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd {text}
                 9 s: auth 192.0.2.7 -> 198.51.100.5 sshd root success"
            );
            let then = exact(&entered, days);
            assert!(then > last_night, "{text}: {then} after {days} days, {last_night} failed");
        }
    }

    #[test]
    fn rows_of_one_id_merge_in_any_order() {
        let row = |count: u64, day: i64, what: &str, weighing| Evidence {
            id: "scan.vertical".into(),
            weighing,
            source: "detector",
            count,
            first_seen: Some(Timestamp::default().plus_days(day)),
            last_seen: Some(Timestamp::default().plus_days(day)),
            what: what.to_owned(),
            refs: (0..15).map(|n| Ref::Detection(n + count as u32)).collect(),
            terms: None,
        };
        let mut rows = vec![
            row(3, 5, "small", Weighing::ById),
            row(9, 2, "large", Weighing::ById),
            row(50, 9, "excused", Weighing::InsteadBy("explained.scan")),
        ];
        let merged = merge(rows.clone());
        rows.reverse();
        assert_eq!(merge(rows), merged);
        let [one] = merged.as_slice() else { panic!("{merged:?}") };
        assert_eq!((one.count, one.weighing.clone()), (62, Weighing::ById));
        assert_eq!(one.what, "large (2 times more like it)");
        assert_eq!(one.first_seen, Some(Timestamp::default().plus_days(2)));
        assert_eq!(one.last_seen, Some(Timestamp::default().plus_days(9)));
        assert_eq!(one.refs.len(), REFS_MAX);
    }

    #[test]
    fn every_detector_has_a_row_in_the_profile_and_a_sound_text() {
        let profile = Profile::default();
        for detector in DETECTORS {
            let about = detector.about();
            assert!(!about.finds.is_empty() && !about.misses.is_empty());
            assert!(!about.source.is_empty() && !about.attack.is_empty());
            for id in about.ids.iter().filter(|id| !id.ends_with(".*")) {
                let row = profile.row(id).unwrap_or_else(|| panic!("{id} is not weighed"));
                assert!(row.severity > 0, "{id} has no severity");
            }
        }
    }
}
