//! All detectors over an access log's requests, beside libinjection asked about every query.
//!
//! The requests are made here, seeded: a shop with 40,000 pages, 2,000 visitors, 300 browsers, one
//! request in ten with a search, one in a thousand an attack.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infralock::model::{ImportId, Record, RecordKind, Timestamp, Untrusted};
use infralock::threat::Watchers;
use infralock::threat::profile::Profile;
use stage::Stage;

#[path = "../tests/it/fuzz/stage.rs"]
mod stage;

const REQUESTS: u64 = 100_000;

fn requests() -> Vec<Record> {
    let mut seed = 7_u64;
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    (0..REQUESTS)
        .map(|at| {
            let mut record = Record::new(RecordKind::Http, ImportId(0));
            record.src = format!("198.18.{}.{}", below(8), below(250)).parse().ok();
            record.ts =
                Some(Timestamp::from_nanos(1_780_000_000_000_000_000 + at as i64 * 9_000_000));
            record.line = Some(at + 1);
            record.method = Some("GET".into());
            record.path = Some(Untrusted::new(&format!("/shop/item/{}/view.html", below(40_000))));
            record.query = match below(1_000) {
                0 => Some("id=1%27+union+select+1,2,3--".into()),
                1..100 => Some(Untrusted::new(&format!("q=a+red+{}+(large)&p=1", below(9_999)))),
                100..300 => Some(Untrusted::new(&format!("utm_source=x&sid={}", below(99_999)))),
                _ => None,
            };
            record.user_agent = Some(Untrusted::new(&format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/{}.0.0.0 Safari/537.36",
                below(300)
            )));
            record.status = Some(if below(50) == 0 { 404 } else { 200 });
            record.bytes = Some(below(90_000));
            record
        })
        .collect()
}

fn detect(criterion: &mut Criterion) {
    let requests = requests();
    let mut group = criterion.benchmark_group("detect");
    group.throughput(Throughput::Elements(REQUESTS)).sample_size(10);
    group.bench_function("all detectors", |bench| {
        bench.iter(|| {
            let mut watchers = Watchers::new();
            for record in &requests {
                watchers.record(record, &Stage);
            }
            watchers.finish(Timestamp::default(), &Stage, &Profile::default()).detections.len()
        });
    });
    group.bench_function("peer: libinjection on every path and query", |bench| {
        bench.iter(|| {
            let is_attack = |text: &Untrusted| {
                let text = text.raw().as_bytes();
                libinjectionrs::detect_sqli(text).is_injection()
                    || libinjectionrs::detect_xss(text).is_injection()
            };
            let attacks = requests.iter().filter(|record| {
                record.path.as_ref().is_some_and(is_attack)
                    || record.query.as_ref().is_some_and(is_attack)
            });
            attacks.count()
        });
    });
    group.finish();
}

criterion_group!(benches, detect);
criterion_main!(benches);
