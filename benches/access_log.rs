//! Lines to records: a combined access log beside a regular expression that finds the same fields
//! without making records of them, and a file of sshd's lines.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench of our own inputs")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infralock::import::{self, Line, Out, Settings, Survey};
use infralock::model::{ImportId, Problems, Record};
use regex::bytes::Regex;

const LINES: usize = 20_000;

/// Lines as a small shop writes them: 223 bytes on average, few of them equal.
fn access_log() -> Vec<String> {
    (0..LINES)
        .map(|at| {
            format!(
                "198.51.{}.{} - - [05/Jun/2026:03:{:02}:{:02} +0200] \"GET /shop/item-{at}?from=li \
                 HTTP/1.1\" {} {} \"https://www.example.com/shop/list?page={}\" \"Mozilla/5.0 \
                 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 \
                 Safari/537.36\"",
                at / 250 % 100,
                at % 250,
                at / 600 % 60,
                at / 10 % 60,
                [200, 304, 404][at % 3],
                at * 7,
                at % 90,
            )
        })
        .collect()
}

/// What sshd writes while somebody guesses.
fn auth_log() -> Vec<String> {
    (0..LINES)
        .map(|at| {
            let (src, port) = (format!("198.51.100.{}", at % 250), 1_024 + at % 60_000);
            let said = match at % 3 {
                0 => format!("Invalid user guest{at} from {src} port {port}"),
                1 => format!("Failed password for root from {src} port {port} ssh2"),
                _ => format!("Received disconnect from {src} port {port}:11: Bye Bye [preauth]"),
            };
            format!("Jun  5 03:{:02}:{:02} web sshd[{at}]: {said}", at / 600 % 60, at / 10 % 60)
        })
        .collect()
}

fn records(id: &str, lines: &[String]) -> usize {
    let not_after = "2026-06-06".parse().unwrap();
    let settings = Settings {
        import: ImportId(0),
        utc_offset_minutes: 0,
        not_after,
        survey: Survey::default(),
    };
    let mut parser = import::by_id(id).unwrap().start(settings);
    let (mut problems, mut count) = (Problems::new(), 0);
    let mut take = |record: Record| {
        black_box(&record);
        count += 1;
    };
    let mut out = Out { record: &mut take, listed: &mut |_, _| {}, problems: &mut problems };
    for (number, line) in (1..).zip(lines) {
        parser.line(Line { number, bytes: line.as_bytes() }, &mut out);
    }
    parser.finish(&mut out);
    count
}

fn bench(criterion: &mut Criterion) {
    let lines = access_log();
    let mut group = criterion.benchmark_group("access_log");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(20);
    group.bench_function("ours", |bench| {
        bench.iter(|| assert_eq!(records("access-log", &lines), LINES));
    });
    let peer = Regex::new(
        &[
            r#"^(\S+) (\S+) ([^\[]*) \[([^\]]+)\] "(\S+) ([^ "]*) ?([^"]*)""#,
            r#" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)""#,
        ]
        .concat(),
    )
    .unwrap();
    let mut captures = peer.capture_locations();
    group.bench_function("peer: regex captures, no records", |bench| {
        bench.iter(|| {
            let found =
                |line: &&String| peer.captures_read(&mut captures, line.as_bytes()).is_some();
            assert_eq!(lines.iter().filter(found).count(), LINES);
        });
    });
    group.finish();

    let lines = auth_log();
    let mut group = criterion.benchmark_group("syslog");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(20);
    group.bench_function("ours", |bench| {
        bench.iter(|| assert_eq!(records("syslog", &lines), LINES));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
