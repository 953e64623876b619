//! A case of 50,000 hosts, 150,000 flows and five rows of evidence a host: writing it, "save as",
//! opening it to its hosts, and passing all of it through the pipeline's door again.
//!
//! The peer of "save as" is a plain copy of the file; that of opening is reading all its bytes.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench stops at an error")]

mod big_case;

use std::hint::black_box;

use big_case::{HOSTS, derive, write};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use infralock::model::{ImportId, Timestamp};
use infralock::store::{Existing, Item, Store};

fn case(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.infralock");
    let mut group = criterion.benchmark_group("case");
    group.sample_size(10);
    group.bench_function("import 150,000 flows", |bench| {
        let other = folder.path().join("other.infralock");
        bench.iter_batched(
            || std::fs::remove_file(&other).ok(),
            |_| black_box(write(&other)),
            BatchSize::PerIteration,
        );
    });
    let mut store = write(&path);
    group.bench_function("derive 50,000 hosts", |bench| bench.iter(|| derive(&mut store)));
    let copy = folder.path().join("copy.infralock");
    let now = Timestamp::from_nanos(1_780_000_000_000_000_000);
    group.bench_function("save as", |bench| {
        bench.iter(|| store.save_as(&copy, Existing::Replace, now).unwrap());
    });
    store.close().unwrap();
    group.bench_function("save as/peer: copy and sync", |bench| {
        bench.iter(|| {
            std::fs::copy(&path, &copy).unwrap();
            std::fs::File::open(&copy).unwrap().sync_all().unwrap();
        });
    });
    group.bench_function("open to hosts", |bench| {
        bench.iter(|| {
            let store = Store::open(&path).unwrap().store;
            let mut hosts = Vec::with_capacity(HOSTS as usize);
            store.each_derived_host(&mut |_, addr, host| hosts.push((addr, host))).unwrap();
            assert_eq!(hosts.len(), HOSTS as usize);
            black_box((store, hosts))
        });
    });
    group.bench_function("open to hosts/peer: read the file", |bench| {
        bench.iter(|| black_box(std::fs::read(&path).unwrap().len()));
    });
    group.bench_function("replay 150,000 flows", |bench| {
        let store = Store::open_read_only(&path).unwrap();
        let key = store.imports().unwrap()[0].key;
        bench.iter(|| {
            let mut bytes = 0;
            let mut take = |item| {
                if let Item::Flow(flow) = item {
                    bytes += flow.resp_ip_bytes;
                }
                true
            };
            store.each_item(key, ImportId(0), &mut take).unwrap();
            black_box(bytes)
        });
    });
}

criterion_group!(benches, case);
criterion_main!(benches);
