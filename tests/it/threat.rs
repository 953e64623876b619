//! Detectors, evidence and score on real data, where it is at hand.

use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowEvent, FlowTable, Options};
use infralock::import::{self, Line, Out, Settings, Survey, SurveyState};
use infralock::model::{Addr, Facts, HostKey, ImportId, Problems, RealmId, Record, SubjectRole};
use infralock::threat::evidence::{Activity, evidence};
use infralock::threat::profile::Profile;
use infralock::threat::{Scene, Watched, Watchers};

use crate::corpora;
use crate::wire::{bytes_of, read_bytes};

/// A scene without reference data: private addresses are ours, all files are of one realm.
pub struct Stage;

impl Scene for Stage {
    fn realm(&self, _import: ImportId) -> RealmId {
        RealmId(0)
    }

    fn is_mine(&self, host: HostKey) -> bool {
        host.addr().is_mine_by_default()
    }

    fn facts(&self, _addr: Addr) -> Facts {
        Facts::default()
    }
}

/// Everything a capture holds: its flows, and what was heard in them.
fn watch_capture(bytes: &[u8], watchers: &mut Watchers) {
    let mut out = |event| match event {
        FlowEvent::Flow(flow) => watchers.flow(&flow, &Stage),
        FlowEvent::Record(record) => watchers.record(&record, &Stage),
    };
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([7; 32])));
    read_bytes(bytes, &mut |packet| {
        table.push(packet, &mut out);
    });
    table.finish(&mut out);
}

/// Everything a log holds; `false`: no format knows it.
fn watch_log(bytes: &[u8], watchers: &mut Watchers) -> bool {
    let lines: Vec<&[u8]> = bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let head: Vec<&[u8]> = lines.iter().take(200).copied().collect();
    let Some(format) = import::detect(&head) else { return false };
    let (mut survey, mut state) = (Survey::default(), SurveyState::default());
    for (number, bytes) in (1..).zip(&lines) {
        format.survey(Line { number, bytes }, &mut survey, &mut state);
    }
    let not_after = "2026-06-05".parse().unwrap();
    let settings = Settings { import: ImportId(0), utc_offset_minutes: 0, not_after, survey };
    let mut parser = format.start(settings);
    let mut problems = Problems::new();
    let mut take = |record: Record| watchers.record(&record, &Stage);
    let mut listed = |_, _| {};
    let mut out = Out { record: &mut take, listed: &mut listed, problems: &mut problems };
    for (number, bytes) in (1..).zip(&lines) {
        parser.line(Line { number, bytes }, &mut out);
    }
    parser.finish(&mut out);
    true
}

fn finish(watchers: Watchers) -> Watched {
    watchers.finish("2026-06-05".parse().unwrap(), &Stage, &Profile::default())
}

fn capture(inside: &str) -> Option<Watched> {
    let path = corpora::find(inside)?;
    let mut watchers = Watchers::new();
    watch_capture(&bytes_of(&path), &mut watchers);
    Some(finish(watchers))
}

fn log(inside: &str) -> Option<Watched> {
    let path = corpora::find(inside)?;
    let mut watchers = Watchers::new();
    assert!(watch_log(&std::fs::read(path).unwrap(), &mut watchers), "{inside}: no format");
    Some(finish(watchers))
}

/// `slug subject` of every detection, sorted.
fn said(watched: &Watched) -> Vec<String> {
    let mut said: Vec<String> = watched
        .detections
        .iter()
        .map(|detection| format!("{} {}", detection.detector, detection.subject.addr()))
        .collect();
    said.sort();
    said
}

/// Runs one capture and compares all that is said of it.
fn check_capture(inside: &str, expected: &[&str]) {
    if let Some(watched) = capture(inside) {
        assert_eq!(said(&watched), expected, "{inside}: {:#?}", watched.detections);
    }
}

#[test]
fn scans_are_found_with_their_kind_and_backscatter_is_none() {
    for (name, expected) in [
        ("445_scan.pcap", "scan.horizontal 176.192.150.3"),
        ("multiport_scan.pcap", "scan.horizontal 125.27.226.209"),
        ("port_scan.pcap", "scan.vertical 192.168.2.154"),
        ("scan_with_zero_windows.pcap", "scan.horizontal 10.0.0.1"),
    ] {
        check_capture(&format!("corpora/scan-ncsa/testing/pcaps/{name}"), &[expected]);
    }
    check_capture("corpora/scan-ncsa/testing/pcaps/backscatter.trace", &[]);
}

#[test]
fn ordinary_browsing_is_quiet() {
    for name in ["http.pcap", "sumstat.pcap"] {
        check_capture(&format!("corpora/zeek-training/{name}"), &[]);
    }
}

#[test]
fn the_sources_of_a_spoofed_flood_are_counted_and_not_blamed() {
    let Some(watched) = capture("corpora/stopddos/pkt.TCP.synflood.spoofed.pcap") else { return };
    assert_eq!(said(&watched), ["flood.syn 10.10.10.10"]);
    assert_eq!(watched.detections[0].subject_role, SubjectRole::Target);
    assert_eq!(watched.detections[0].peer_count, 37_623);
    assert_eq!(watched.forged.len(), 37_623);
    let evidence = evidence(
        &[(0, &watched.detections[0])],
        &Facts::default(),
        &Activity::default(),
        &Profile::default(),
    );
    assert!(evidence.is_empty(), "the target gains nothing: {evidence:?}");
}

#[test]
fn an_authentication_log_names_its_guessers() {
    let Some(watched) = log("corpora/weblogs/auth.log") else { return };
    let guessers = watched.detections.iter().filter(|d| d.detector == "bruteforce.ssh").count();
    println!("auth.log: {guessers} guessers, {} detections", watched.detections.len());
    // 105 sources failed at all; 102 of them five times or more, as the data guide counts.
    assert!((98..=105).contains(&guessers), "{guessers}");
    let most = watched.detections.iter().max_by_key(|detection| detection.count).unwrap();
    assert_eq!((most.subject.addr().to_string().as_str(), most.count), ("24.151.103.17", 157));
}

#[test]
fn an_ordinary_access_log_raises_next_to_nothing() {
    let Some(watched) = log("corpora/weblogs/apache_logs") else { return };
    for detection in &watched.detections {
        println!("apache_logs: {} {}", detection.detector, detection.what);
    }
    assert!(watched.detections.len() <= 5, "{:#?}", said(&watched));
}
