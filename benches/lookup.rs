//! Look-ups in the shipped tables, beside plain binary search over the same ranges.
//!
//! Run with `cargo bench --bench lookup`. Addresses are drawn over each table's own ranges, a
//! million of them, in an order that no cache guesses. The table that comes first holds every
//! shipped table and family; `cargo bench --bench lookup -- NONE` prints it alone.
//!
//! The peer is the standard library: no database in MaxMind's format is shipped or at hand, so its
//! reader is not measured.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may stop")]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and tells")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use infralock::intel::{BundledSets, Intel, SET_IDS};
use infralock::model::{Addr, Family};
use infralock::trie::{LongestMatch, Piece, Table};
use std::hint::black_box;
use std::time::Instant;

const ADDRS: usize = 1_000_000;

/// A seeded source of chance (xorshift64*, Vigna 2016).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

fn drawn(pieces: &[Piece], family: Family) -> Vec<Addr> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let draw = |_| {
        let range = pieces[(chance.next() % pieces.len() as u64) as usize].range;
        let (first, last) = (range.first().bits(), range.last().bits());
        let bits = first + u128::from(chance.next()) % (last - first).saturating_add(1).max(1);
        Addr::from_bits(family, bits).unwrap()
    };
    (0..ADDRS).map(draw).collect()
}

/// The peer: the last range that begins at or below the address, by the standard library.
fn plain(starts: &[u128], pieces: &[Piece], addr: Addr) -> Option<u32> {
    let at = starts.partition_point(|&start| start <= addr.bits()).checked_sub(1)?;
    let piece = pieces.get(at)?;
    (addr <= piece.range.last()).then_some(piece.value)
}

fn tables(criterion: &mut Criterion) {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    for &id in SET_IDS {
        let pieces = intel.pieces(id);
        if pieces.is_empty() {
            continue;
        }
        let table = Table::from_pieces(&pieces);
        let v4_end = pieces.partition_point(|piece| piece.range.first().family() == Family::V4);
        let halves = [(Family::V4, &pieces[..v4_end]), (Family::V6, &pieces[v4_end..])];
        for (family, pieces) in halves {
            let addrs = drawn(pieces, family);
            let starts: Vec<u128> = pieces.iter().map(|piece| piece.range.first().bits()).collect();
            let mut group = criterion.benchmark_group(format!("{id}/{family:?}"));
            group.throughput(Throughput::Elements(ADDRS as u64)).sample_size(10);
            group.bench_function("ours", |bench| {
                let mut values = Vec::with_capacity(ADDRS);
                bench.iter(|| table.get_batch(black_box(&addrs), &mut values));
            });
            group.bench_function("peer: partition_point", |bench| {
                bench.iter(|| {
                    let found = addrs.iter().filter_map(|&addr| plain(&starts, pieces, addr));
                    black_box(found.map(u64::from).sum::<u64>())
                });
            });
            group.finish();
        }
    }
}

/// One line for each table and family: the best of three passes over its own ranges.
fn table_of_all(_: &mut Criterion) {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    println!("look-ups on one core, in millions a second:");
    println!("{:24} {:>10} {:>8} {:>10} {:>8}", "table", "IPv4", "M/s", "IPv6", "M/s");
    for &id in SET_IDS {
        let pieces = intel.pieces(id);
        let table = Table::from_pieces(&pieces);
        let v4_end = pieces.partition_point(|piece| piece.range.first().family() == Family::V4);
        let mut line = format!("{id:24}");
        for (family, pieces) in [(Family::V4, &pieces[..v4_end]), (Family::V6, &pieces[v4_end..])] {
            if pieces.is_empty() {
                line += &format!(" {:>10} {:>8}", "–", "–");
                continue;
            }
            let addrs = drawn(pieces, family);
            let mut values = Vec::with_capacity(ADDRS);
            let pass = |_| {
                let start = Instant::now();
                table.get_batch(black_box(&addrs), &mut values);
                assert!(values.iter().all(Option::is_some), "{id}: drawn from its own ranges");
                ADDRS as f64 / 1e6 / start.elapsed().as_secs_f64()
            };
            let best = (0..3).map(pass).fold(0.0, f64::max);
            line += &format!(" {:>10} {best:>8.1}", pieces.len());
        }
        if !pieces.is_empty() {
            println!("{line}");
        }
    }
}

fn opening(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    group.bench_function("IPv4: first answer", |bench| {
        bench.iter_batched(
            || (),
            |()| Intel::from_sets(&BundledSets).unwrap().facts("8.8.8.8".parse().unwrap()),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("everything", |bench| {
        bench.iter(|| Intel::from_sets(&BundledSets).unwrap().decode_all());
    });
    group.finish();
}

criterion_group!(benches, table_of_all, tables, opening);
criterion_main!(benches);
