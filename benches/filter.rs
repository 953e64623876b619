//! A filter over a table of a million hosts in columns, beside two peers on the same rows: a loop
//! written by hand for the one condition, and the same plan asked row by row.
//!
//! The hosts are made here, seeded: scores of which one in ten is above 50, 200 countries, 60,000
//! AS names, IPv4 but for one in eight, up to three kinds of network.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::net::{Ipv4Addr, Ipv6Addr};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infralock::filter::{Cell, Column, Columns, Data, FieldId, Fields, parse};
use infralock::model::{Addr, Timestamp};

const ROWS: usize = 1_000_000;

struct Hosts {
    addrs: Vec<Addr>,
    scores: Vec<f32>,
    countries: Vec<u32>,
    codes: Vec<String>,
    as_names: Vec<u32>,
    names: Vec<String>,
    kinds: Vec<u32>,
    kind_offsets: Vec<u32>,
    words: Vec<String>,
    last_seen: Vec<Timestamp>,
    points: Vec<[f32; 2]>,
}

impl Hosts {
    fn made() -> Self {
        let mut seed = 7_u64;
        let mut below = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let letter = |number: u64| char::from(b'A' + (number % 26) as u8);
        let mut hosts = Self {
            addrs: Vec::new(),
            scores: Vec::new(),
            countries: Vec::new(),
            codes: (0..200).map(|at| [letter(at / 26 + 6), letter(at)].iter().collect()).collect(),
            as_names: Vec::new(),
            names: (0..60_000).map(|at| format!("Example Network {at} Ltd.")).collect(),
            kinds: Vec::new(),
            kind_offsets: vec![0],
            words: ["hosting", "isp", "vpn", "tor", "cdn"].map(String::from).to_vec(),
            last_seen: Vec::new(),
            points: Vec::new(),
        };
        for row in 0..ROWS as u64 {
            hosts.addrs.push(match below(8) {
                0 => Addr::V6(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(below(1 << 31)))),
                _ => Addr::V4(Ipv4Addr::from_bits(below(1 << 31) as u32 * 2)),
            });
            let (high, low) = (below(500), below(1_000));
            hosts.scores.push(if low < 100 { 50 + high / 10 } else { high / 10 } as f32);
            hosts.countries.push(below(200) as u32);
            hosts.as_names.push(below(60_000) as u32);
            for _ in 0..below(4) {
                hosts.kinds.push(below(5) as u32);
            }
            hosts.kind_offsets.push(hosts.kinds.len() as u32);
            let [lat, lon] = [below(11_500), below(36_000)].map(|part| part as f32 / 100.0);
            hosts.points.push([lat - 45.0, lon - 180.0]);
            hosts.last_seen.push(Timestamp::from_secs_nanos(1_780_000_000 + row as i64, 0));
        }
        hosts
    }
}

impl Columns for Hosts {
    fn rows(&self) -> usize {
        ROWS
    }

    fn column(&self, field: FieldId) -> Option<Column<'_>> {
        Some(match field {
            FieldId::Addr => Column::one(Data::Addrs(&self.addrs)),
            FieldId::Score => Column::one(Data::F32(&self.scores)),
            FieldId::Country => Column::one(Data::Texts(&self.countries, &self.codes)),
            FieldId::AsName => Column::one(Data::Texts(&self.as_names, &self.names)),
            FieldId::Kind => {
                Column::many(Data::Texts(&self.kinds, &self.words), &self.kind_offsets)
            }
            FieldId::LastSeen => Column::one(Data::Times(&self.last_seen)),
            FieldId::Point => Column::one(Data::Points(&self.points)),
            _ => return None,
        })
    }
}

struct Row<'a>(&'a Hosts, usize);

impl Fields for Row<'_> {
    fn each(&self, field: FieldId, see: &mut dyn FnMut(Cell<'_>)) {
        let Self(hosts, row) = *self;
        match field {
            FieldId::Score => see(Cell::Number(hosts.scores[row].into())),
            FieldId::Country => see(Cell::Text(&hosts.codes[hosts.countries[row] as usize])),
            _ => {}
        }
    }
}

fn filter(criterion: &mut Criterion) {
    let hosts = Hosts::made();
    let mut group = criterion.benchmark_group("filter a million hosts");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    let now = Timestamp::from_secs_nanos(1_781_000_000, 0);
    let usual = r#"score >= 50 && country == "NL""#;
    // A lasso around half of the globe, as a hand draws it.
    let corner = |step: u32| {
        let turn = f64::from(step) / 32.0 * std::f64::consts::TAU;
        let wobble = f64::from(step * 7 % 5);
        format!("{:.2}/{:.2}", 15.0 + turn.sin() * (50.0 - wobble), turn.cos() * (110.0 - wobble))
    };
    let lasso = (0..32).map(corner).collect::<Vec<_>>().join(", ");
    let around = parse(&format!("point in {{{lasso}}}")).unwrap().plan(now);
    assert!(around.rows(&hosts).count() > ROWS / 10);
    group.bench_function("point in a lasso of 32 corners", |bench| {
        bench.iter(|| around.rows(&hosts).count());
    });
    for text in [
        usual,
        r#"country == "NL" || country == "DE""#,
        r#"addr == 192.0.2.0/24 || addr in {198.51.100.1-198.51.100.9, 2001:db8::/32}"#,
        r#"kind == "tor" && last_seen >= -24h"#,
        r#"as_name contains "network 4711""#,
        r#"as_name matches "work (47|48)1\d+ ltd""#,
        "network",
        "192.0.2",
        r#"score >= 50 && "192.0.2""#,
    ] {
        let plan = parse(text).unwrap().plan(now);
        group.bench_function(text, |bench| bench.iter(|| plan.rows(&hosts).count()));
    }
    let plan = parse(usual).unwrap().plan(now);
    let wanted = plan.rows(&hosts).count();
    assert!(wanted > 100, "a filter that finds nothing measures nothing");
    group.bench_function("peer: a loop by hand, usual", |bench| {
        bench.iter(|| {
            let rows = hosts.scores.iter().zip(&hosts.countries);
            let met = rows
                .filter(|(score, id)| **score >= 50.0 && hosts.codes[**id as usize] == "NL")
                .count();
            assert_eq!(met, wanted);
            met
        });
    });
    group.bench_function("peer: row by row, usual", |bench| {
        bench.iter(|| {
            let met = (0..ROWS).filter(|row| plan.matches(&Row(&hosts, *row))).count();
            assert_eq!(met, wanted);
            met
        });
    });
    group.finish();
}

criterion_group!(benches, filter);
criterion_main!(benches);
