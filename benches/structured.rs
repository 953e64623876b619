//! Structured logs and lists to records, and addresses in free text; beside each what a program
//! would do at least: split the cells, parse the JSON into a tree, parse each address, match a
//! regular expression.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench of our own inputs")]

use std::hint::black_box;
use std::net::IpAddr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infralock::import::{self, Line, Out, Settings};
use infralock::model::{Problems, query};
use regex::bytes::Regex;

const LINES: usize = 20_000;

fn peer_addr(at: usize) -> String {
    format!("198.51.{}.{}", at / 250 % 100, at % 250)
}

fn zeek_tsv() -> Vec<String> {
    let head = "#separator \\x09\n#path\tconn\n\
        #fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t\
        orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t\
        orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n\
        #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\t\
        string\t\
        bool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]";
    let row = |at: usize| {
        format!(
            "1780629{:03}.{:06}\tCbench{at}\t{}\t{}\t203.0.113.5\t443\ttcp\tssl\t0.{:06}\t{}\t{}\t\
             SF\tT\tF\t0\tShADadfF\t{}\t{}\t{}\t{}\t(empty)",
            at / 100,
            at,
            peer_addr(at),
            1_024 + at % 60_000,
            at * 7,
            at,
            at * 9,
            at % 90,
            at * 3,
            at % 70,
            at * 11,
        )
    };
    head.lines().map(str::to_owned).chain((0..LINES).map(row)).collect()
}

fn zeek_json() -> Vec<String> {
    let row = |at: usize| {
        format!(
            concat!(
                r#"{{"ts":1780629{:03}.5,"uid":"Cbench{at}","id.orig_h":"{}","id.orig_p":{},"#,
                r#""id.resp_h":"203.0.113.5","id.resp_p":443,"proto":"tcp","service":"ssl","#,
                r#""duration":0.25,"orig_bytes":{at},"resp_bytes":{},"conn_state":"SF","#,
                r#""local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadfF","#,
                r#""orig_pkts":{},"orig_ip_bytes":{},"resp_pkts":{},"resp_ip_bytes":{}}}"#,
            ),
            at / 100,
            peer_addr(at),
            1_024 + at % 60_000,
            at * 9,
            at % 90,
            at * 3,
            at % 70,
            at * 11,
            at = at,
        )
    };
    (0..LINES).map(row).collect()
}

fn any_json() -> Vec<String> {
    let row = |at: usize| {
        format!(
            concat!(
                r#"{{"@timestamp":"2026-06-05T03:{:02}:{:02}.123Z","level":"info","#,
                r#""source":{{"ip":"{}","port":{}}},"http":{{"request":{{"method":"GET"}},"#,
                r#""response":{{"status_code":200}}}},"url":{{"path":"/shop/item-{at}"}},"#,
                r#""user":{{"name":"guest{at}"}},"message":"request served","duration_ms":{}}}"#,
            ),
            at / 600 % 60,
            at / 10 % 60,
            peer_addr(at),
            1_024 + at % 60_000,
            at % 900,
            at = at,
        )
    };
    (0..LINES).map(row).collect()
}

fn list() -> Vec<String> {
    (0..LINES).map(|at| format!("{}\t{}", peer_addr(at), at % 9)).collect()
}

fn text() -> String {
    let line = |at: usize| {
        format!(
            "2026-06-05 03:{:02}:{:02} gate kernel: [{at}.5] eth0 from 02:00:5e:00:53:01 {} to \
             203.0.113.5:443 by Chrome/137.0.0.0 took 0.{at} s, v1.2.3.4\n",
            at / 600 % 60,
            at / 10 % 60,
            peer_addr(at),
        )
    };
    (0..LINES).map(line).collect()
}

fn records(id: &str, lines: &[String]) -> usize {
    let mut parser = import::by_id(id).unwrap().start(Settings::default());
    let (mut problems, mut count) = (Problems::new(), 0);
    let mut record = |record| {
        black_box(&record);
        count += 1;
    };
    let mut listed = |_, _| {};
    let mut out = Out { record: &mut record, listed: &mut listed, problems: &mut problems };
    for (number, line) in (1..).zip(lines) {
        parser.line(Line { number, bytes: line.as_bytes() }, &mut out);
    }
    parser.finish(&mut out);
    assert!(problems.is_empty(), "{:?}", problems.rows().first());
    count
}

fn formats(criterion: &mut Criterion) {
    let split = |lines: &[String]| -> usize {
        lines
            .iter()
            .map(|line| line.split('\t').map(|cell| black_box(cell).len()).sum::<usize>())
            .sum()
    };
    let tree = |lines: &[String]| -> usize {
        lines.iter().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count()
    };
    let parse = |lines: &[String]| -> usize {
        let addr = |line: &&String| line.split('\t').next()?.parse::<IpAddr>().ok();
        lines.iter().filter(|line| addr(line).is_some()).count()
    };
    type Peer<'a> = &'a dyn Fn(&[String]) -> usize;
    let cases: [(&str, Vec<String>, &str, Peer<'_>); 4] = [
        ("zeek-tsv", zeek_tsv(), "split", &split),
        ("zeek-json", zeek_json(), "serde_json tree", &tree),
        ("json-lines", any_json(), "serde_json tree", &tree),
        ("address-list", list(), "std parse", &parse),
    ];
    for (id, lines, peer, plain) in &cases {
        let mut group = criterion.benchmark_group(*id);
        group.throughput(Throughput::Elements(LINES as u64));
        group.bench_function("ours", |bench| {
            bench.iter(|| assert_eq!(records(id, lines), LINES));
        });
        group.bench_function(*peer, |bench| bench.iter(|| plain(lines)));
        group.finish();
    }
}

fn free_text(criterion: &mut Criterion) {
    let text = text();
    let regex = Regex::new(r"\b(?:\d{1,3}\.){3}\d{1,3}\b").unwrap();
    let mut group = criterion.benchmark_group("find-all");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("ours", |bench| {
        bench.iter(|| {
            let found = text.lines().flat_map(|line| query::find_all(line.as_bytes()));
            assert_eq!(found.count(), 2 * LINES);
        });
    });
    group.bench_function("regex, IPv4 alone", |bench| {
        bench.iter(|| {
            let found = text.lines().flat_map(|line| regex.find_iter(line.as_bytes()));
            black_box(found.count())
        });
    });
    group.finish();
}

criterion_group!(benches, formats, free_text);
criterion_main!(benches);
