//! Line formats on real logs, and on any bytes.

use std::collections::BTreeMap;

use infralock::import::{self, Line, Out, Settings, Survey, SurveyState};
use infralock::model::{Addr, ImportId, Outcome, Position, Problems, Record, RecordKind};
use proptest::prelude::*;

use crate::corpora;
use crate::fuzz::lines::read as read_any;

/// A file read as the engine reads it: detected, surveyed, parsed.
struct Read {
    format: &'static str,
    records: Vec<Record>,
    problems: Problems,
    assumed: import::Assumed,
}

fn read(data: &[u8]) -> Option<Read> {
    let lines: Vec<&[u8]> = data
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let mut head_bytes = 0;
    let in_head = |line: &&&[u8]| {
        head_bytes += line.len() + 1;
        head_bytes <= 64 << 10
    };
    let head: Vec<&[u8]> = lines.iter().take_while(in_head).copied().collect();
    let format = import::detect(&head)?;
    let (mut survey, mut state) = (Survey::default(), SurveyState::default());
    for (number, bytes) in (1..).zip(&lines) {
        format.survey(Line { number, bytes }, &mut survey, &mut state);
    }
    let not_after = "2026-06-05".parse().unwrap();
    let settings = Settings { import: ImportId(0), utc_offset_minutes: 0, not_after, survey };
    let mut parser = format.start(settings);
    let (mut problems, mut records) = (Problems::new(), Vec::new());
    let mut take = |record| records.push(record);
    let mut listed = |_, _| {};
    let mut out = Out { record: &mut take, listed: &mut listed, problems: &mut problems };
    for (number, bytes) in (1..).zip(&lines) {
        parser.line(Line { number, bytes }, &mut out);
    }
    parser.finish(&mut out);
    let assumed = parser.assumed();
    Some(Read { format: format.about().id, records, problems, assumed })
}

fn times<'a>(records: impl Iterator<Item = &'a Record>) -> u32 {
    records.map(|record| record.times).sum()
}

#[test]
fn an_authentication_log_gives_every_failure_once() {
    let Some(path) = corpora::find("corpora/weblogs/auth.log") else { return };
    let read = read(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(read.format, "syslog");
    assert!(read.problems.is_empty(), "{:?}", read.problems.rows());
    assert_eq!(read.assumed.year, Some(2026));
    assert_eq!(read.assumed.time_zone.as_deref(), Some("UTC"));
    let by = |outcome: Outcome, method: &'static str| {
        read.records.iter().filter(move |record| {
            record.kind == RecordKind::Auth
                && record.outcome == Some(outcome)
                && record.service.as_ref().is_some_and(|service| service.raw() == "sshd")
                && record
                    .method
                    .as_ref()
                    .is_some_and(|found| method.is_empty() || found.raw() == method)
        })
    };
    let failures = || by(Outcome::Failure, "password");
    assert_eq!(times(failures()), 1_038);
    let mut sources: BTreeMap<Addr, u32> = BTreeMap::new();
    for record in failures() {
        *sources.entry(record.src.unwrap()).or_default() += record.times;
    }
    assert_eq!(sources.len(), 105);
    assert_eq!(sources.values().filter(|&&count| count >= 5).count(), 102);
    assert_eq!(sources.values().max(), Some(&157));
    let empty = failures().filter(|record| record.user.as_ref().unwrap().raw().is_empty());
    assert_eq!(times(empty), 43);
    assert_eq!(times(by(Outcome::Success, "")), 226);
    // sshd stays silent about the first tries of a connection; whoever gives up by then still
    // tried. One source went through 58 user names without offering a single password.
    let unnamed = read.records.iter().filter(|record| {
        record.kind == RecordKind::Auth
            && record.outcome == Some(Outcome::Failure)
            && record.method.is_none()
    });
    let mut by_source: BTreeMap<Addr, u32> = BTreeMap::new();
    for record in unnamed.clone() {
        *by_source.entry(record.src.unwrap()).or_default() += 1;
    }
    assert_eq!(by_source.values().max(), Some(&58));
    assert!(times(unnamed) < 130);
}

#[test]
fn an_access_log_gives_every_line_but_the_broken_one() {
    let Some(path) = corpora::find("corpora/weblogs/apache_logs") else { return };
    let read = read(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(read.format, "access-log");
    assert_eq!(read.records.len(), 9_999);
    assert_eq!(read.problems.rows().len(), 1);
    assert_eq!(read.problems.rows()[0].place, Position::Line(8_899));
    let with = |status| read.records.iter().filter(|record| record.status == Some(status)).count();
    assert_eq!((with(200), with(304), with(404)), (9_125, 445, 213));
    let mut clients: Vec<Addr> = read.records.iter().filter_map(|record| record.src).collect();
    clients.sort();
    clients.dedup();
    assert_eq!(clients.len(), 1_753);
    let months = |record: &&Record| record.ts.unwrap().to_short().starts_with("2015-05-");
    assert_eq!(read.records.iter().filter(months).count(), 9_999);
    assert_eq!(read.assumed, import::Assumed::default());
}

/// How many of the tests whose answer is an address have it as the source of a record that a
/// detector could use, and which formats are not read yet.
#[test]
fn the_sources_of_many_scenarios_are_found() {
    let Some(folder) = corpora::find("corpora/crowdsec-logs") else { return };
    let text = std::fs::read_to_string(folder.join("expected-sources.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let (mut expected, mut found, mut missing) = (0, 0, Vec::new());
    for case in &cases {
        let name = case["test"].as_str().unwrap();
        let addrs: Vec<Addr> = case["ips"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|addr| addr.as_str()?.parse().ok())
            .collect();
        if addrs.is_empty() || case["n"].as_u64().is_none_or(|n| n == 0) {
            continue;
        }
        expected += 1;
        let (mut sources, mut formats) = (Vec::new(), Vec::new());
        for log in case["logs"].as_array().unwrap() {
            let data = std::fs::read(folder.join("tests").join(name).join(log.as_str().unwrap()));
            let Some(read) = data.ok().and_then(|data| read(&data)) else { continue };
            formats.push(read.format);
            sources.extend(
                read.records
                    .into_iter()
                    .filter(|record| {
                        let is_auth = record.kind == RecordKind::Auth
                            && matches!(
                                record.outcome,
                                Some(Outcome::Failure | Outcome::Blocked | Outcome::Success)
                            );
                        is_auth || !matches!(record.kind, RecordKind::Auth | RecordKind::Other)
                    })
                    .filter_map(|record| record.src),
            );
        }
        if addrs.iter().all(|addr| sources.contains(addr)) {
            found += 1;
        } else {
            missing.push(format!("{name} ({})", formats.join(", ")));
        }
    }
    println!("crowdsec-logs: {found} of {expected} tests; not yet: {}", missing.join("; "));
    assert!(expected >= 117 && found >= 113, "{found} of {expected}");
}

proptest! {
    /// Any bytes, as a file of each format: no panic, and a bounded number of results. Formats of
    /// which one line may hold several records are bounded by bytes, in `import_structured`.
    #[test]
    fn any_bytes_are_survived(data in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let ids = import::FORMATS.iter().map(|format| format.about().id);
        for id in ids.filter(|id| !matches!(*id, "json-document" | "text")) {
            read_any(id, &data);
        }
    }
}
