//! The main job whole: opening the data, and triage of the shipped example and of a long log.
//!
//! The peer of the log is the least that any program must do with it: a regular expression that
//! takes each line apart, and a count for each client.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infralock::engine::{self, Context, HostsShown, Job, Options, Silent, paths};

/// Lines of the log: enough that opening the data does not count.
const LINES: u64 = 100_000;

fn log() -> String {
    let mut log = String::new();
    for line in 0..LINES {
        let (a, b) = (line % 251, line / 251 % 3);
        let from = ["192.0.2", "198.51.100", "203.0.113"][b as usize];
        let time =
            format!("05/Jun/2026:{:02}:{:02}:{:02} +0000", line / 4167, line / 60 % 60, line % 60);
        let page = line * 7 % 4_001;
        let request = format!("\"GET /shoes/{page}?q=boots HTTP/1.1\" 200 2211");
        writeln!(log, "{from}.{a} - - [{time}] {request} \"-\" \"Mozilla/5.0\"")
            .unwrap_or_default();
    }
    log
}

fn open(criterion: &mut Criterion) {
    criterion.bench_function("triage/open data and one look-up", |bench| {
        bench.iter(|| {
            let intel = engine::open_intel().unwrap_or_default();
            black_box(intel.facts(black_box(std::net::IpAddr::from([8, 8, 8, 8]).into())))
        });
    });
}

fn example(criterion: &mut Criterion) {
    let (_, options) = engine::example();
    let context = Context::open(options, engine::open_intel().unwrap_or_default());
    let Ok(context) = context else { return };
    criterion.bench_function("triage/example", |bench| {
        bench.iter(|| {
            let job = Job { context: &context, monitor: &Silent };
            black_box(engine::triage(engine::example().0, job, HostsShown::All).head().totals)
        });
    });
}

fn access_log(criterion: &mut Criterion) {
    let text = log();
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(text.as_bytes()).is_err() {
        return;
    }
    let Ok(context) = Context::open(Options::default(), engine::open_intel().unwrap_or_default())
    else {
        return;
    };
    let mut group = criterion.benchmark_group("triage/access log");
    group.throughput(Throughput::Elements(LINES)).sample_size(10);
    group.bench_function("ours", |bench| {
        bench.iter(|| {
            let inputs = paths::expand(&[file.path().to_owned()], None).unwrap_or_default();
            let job = Job { context: &context, monitor: &Silent };
            black_box(engine::triage(inputs, job, HostsShown::All).head().totals)
        });
    });
    let form =
        r#"^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d+) (\S+) "([^"]*)" "([^"]*)"$"#;
    if let Ok(form) = regex::Regex::new(form) {
        group.bench_function("peer: a regular expression and a count", |bench| {
            bench.iter(|| {
                let mut clients: HashMap<&str, u64> = HashMap::new();
                for line in text.lines() {
                    if let Some(client) = form.captures(line).and_then(|found| found.get(1)) {
                        *clients.entry(client.as_str()).or_default() += 1;
                    }
                }
                black_box(clients.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, open, example, access_log);
criterion_main!(benches);
