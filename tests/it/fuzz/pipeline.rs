//! The whole way: of a capture to detections, of a log to the finished document.

use std::borrow::Cow;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use infralock::engine::paths::{Input, Origin};
use infralock::engine::{
    Context, Cut, HostsShown, Inputs, Job, Options as Judging, Silent, triage,
};
use infralock::export::write_triage_json;
use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowEvent, FlowTable, Options};
use infralock::import::as_table;
use infralock::intel::{Intel, Sets};
use infralock::model::{ImportId, RealmId, Timestamp, Untrusted};
use infralock::threat::Watchers;
use infralock::threat::profile::Profile;
use infralock::wire::{self, Decoder};

use super::stage::Stage;

pub fn fuzz_capture(data: &[u8]) {
    let Some(format) = wire::sniff(data) else { return };
    let mut capture = format.open(Box::new(data));
    let mut decoder = Decoder::default();
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([7; 32])));
    let mut watchers = Watchers::new();
    let mut take = |event| match event {
        FlowEvent::Flow(flow) => watchers.flow(&flow, &Stage),
        FlowEvent::Record(record) => watchers.record(&record, &Stage),
    };
    while let Some(frame) = capture.next_frame() {
        decoder.decode(&frame, &mut |packet| {
            table.push(packet, &mut take);
        });
    }
    table.finish(&mut take);
    watchers.finish(Timestamp::default(), &Stage, &Profile::default());
}

/// No reference data: what is judged is what was seen.
struct NoData;

impl Sets for NoData {
    fn open(&self, _file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        Ok(None)
    }
}

static CONTEXT: LazyLock<Arc<Context>> = LazyLock::new(|| {
    Context::open(Judging::default(), Intel::from_sets(&NoData).unwrap()).unwrap()
});

/// A file as `triage --json` reads it: unpacked, detected, parsed, watched, judged, ranked,
/// written. The document is JSON, scores are scores, and the highest comes first.
pub fn fuzz_judged_log(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(data).unwrap();
    let inputs = Inputs {
        files: vec![Input {
            origin: Origin::File(file.path().to_owned()),
            import: Untrusted::new("any"),
            realm: RealmId(0),
        }],
        realms: vec![Untrusted::new("any")],
        skipped: Vec::new(),
    };
    let job = Job { context: &CONTEXT, monitor: &Silent };
    let triage = triage(inputs, job, HostsShown::All);
    let mut json = Vec::new();
    let (hosts, detections) = (triage.hosts(Cut::default()), triage.detections());
    write_triage_json(&mut json, triage.head(), hosts, detections).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let hosts = document["hosts"].as_array().unwrap();
    let scores: Vec<f64> = hosts.iter().map(|host| host["score"].as_f64().unwrap()).collect();
    assert!(scores.iter().all(|score| (0.0..=100.0).contains(score)));
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(document["totals"]["hosts"], hosts.len());
}

pub fn fuzz_as_table(data: &[u8]) {
    let (rows, problems) = as_table::read(data);
    assert!(rows.len() as u64 + problems.total() <= data.len() as u64 + 1);
}
