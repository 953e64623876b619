//! Our tables beside MaxMind's own reader, on one file of the same ranges: ten million addresses,
//! where ranges begin and end and between.
#![cfg(feature = "bundled-data")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use infralock::intel::{BundledSets, Intel};
use infralock::model::Family;
use infralock::trie::Piece;
use infralock_trie::{Address, NONE, Range, Runs, Table};
use maxminddb::Reader;

use super::mmdb;

/// Addresses asked in all: those of the AS table's every range, and as many of the city table's.
const ADDRS: usize = 10_000_000;

/// Addresses around one range: its first and last, their neighbours outside, and one within.
const EACH: usize = 5;

/// Addresses asked at once.
const BATCH: usize = 4_096;

/// The reader, with what it decoded once.
struct Oracle {
    reader: Reader<Vec<u8>>,
    /// The value at each offset of the data.
    values: Vec<u32>,
}

impl Oracle {
    fn new(pieces: &[Piece]) -> Self {
        let row =
            |piece: &Piece| (piece.range.first().bits(), piece.range.last().bits(), piece.value);
        let rows: Vec<mmdb::Row> = pieces.iter().map(row).collect();
        let written = mmdb::write(&rows, mmdb::Width::V6, 24);
        let reader = Reader::from_source(written.bytes).unwrap();
        Self { reader, values: Vec::new() }
    }

    fn value(&mut self, addr: IpAddr) -> u32 {
        let found = self.reader.lookup(addr).unwrap();
        let Some(offset) = found.offset() else { return NONE };
        if self.values.len() <= offset {
            self.values.resize(offset + 1, NONE);
        }
        let known = &mut self.values[offset];
        if *known == NONE {
            *known = found.decode().unwrap().unwrap();
        }
        *known
    }
}

/// The addresses around a range; those outside the family are the range's own.
fn around<A: Address>(range: Range<A>, chance: &mut u64) -> [A; EACH] {
    let (first, last) = (range.first(), range.last());
    // A seeded source of chance (xorshift64*, Vigna 2016).
    *chance ^= *chance >> 12;
    *chance ^= *chance << 25;
    *chance ^= *chance >> 27;
    let any = u128::from(chance.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let count = (last.to_u128() - first.to_u128()).saturating_add(1);
    let within = A::from_u128(first.to_u128() + (any << 32 | any >> 32) % count);
    [first.before().unwrap_or(first), first, within, last, last.next().unwrap_or(last)]
}

/// Compares both at the addresses around every `step`th range; how many they were.
fn agree<A: Address>(
    oracle: &mut Oracle,
    pieces: &[Piece],
    step: usize,
    ip: fn(A) -> IpAddr,
) -> usize {
    let range = |piece: &Piece| {
        let ends = [piece.range.first(), piece.range.last()].map(|end| A::from_u128(end.bits()));
        (Range::new(ends[0], ends[1]).unwrap(), piece.value)
    };
    let ranges: Vec<(Range<A>, u32)> = pieces.iter().map(range).collect();
    let table = Table::new(&Runs::from_ranges(ranges.iter().copied()).unwrap()).unwrap();
    let mut chance = 0x9e37_79b9_7f4a_7c15;
    let drawn = ranges.iter().step_by(step).flat_map(|&(range, _)| around(range, &mut chance));
    let addrs: Vec<A> = drawn.collect();
    let mut held = 0;
    let mut values = [NONE; BATCH];
    for addrs in addrs.chunks(BATCH) {
        table.get_batch(addrs, &mut values);
        for (&addr, &ours) in addrs.iter().zip(&values) {
            assert_eq!(ours, oracle.value(ip(addr)), "{}", ip(addr));
            held += usize::from(ours != NONE);
        }
    }
    // Three of five lie in the range they were drawn at.
    assert!(held * EACH >= addrs.len() * 3, "{held} of {} are in the table", addrs.len());
    addrs.len()
}

fn v4(addr: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(addr))
}

fn v6(addr: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(addr))
}

/// Where IPv6 begins.
fn families(pieces: &[Piece]) -> (&[Piece], &[Piece]) {
    let end = pieces.partition_point(|piece| piece.range.first().family() == Family::V4);
    pieces.split_at(end)
}

/// The city table's families are asked side by side: each is as much work as all else.
#[test]
fn our_tables_agree_with_maxminds_reader() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let (systems, cities) = (intel.pieces("asn"), intel.pieces("dbip-city"));
    let step = cities.len() * EACH / (ADDRS - systems.len() * EACH);
    let (cities4, cities6) = families(&cities);
    let asked: usize = std::thread::scope(|scope| {
        let cities6 = scope.spawn(|| agree(&mut Oracle::new(cities6), cities6, step, v6));
        let cities4 = agree(&mut Oracle::new(cities4), cities4, step, v4);
        // Both families in one file, where IPv4 lies below ::/96.
        let mut oracle = Oracle::new(&systems);
        let (systems4, systems6) = families(&systems);
        let systems = agree(&mut oracle, systems4, 1, v4) + agree(&mut oracle, systems6, 1, v6);
        cities4 + systems + cities6.join().unwrap()
    });
    assert!(asked >= ADDRS, "{asked} addresses are too few");
}

/// Tables that a tree can hold only at its root, one of its deepest, and records of every width.
#[test]
fn the_writer_writes_what_the_reader_reads() {
    let end = u128::from(u32::MAX);
    for (rows, nodes) in [
        (vec![], 1),
        (vec![(0, end, 7)], 1),
        (vec![(0, 0, 0), (5, 9, 70_000), (end, end, 300)], 67),
    ] {
        for bits in [24, 28, 32] {
            let written = mmdb::write(&rows, mmdb::Width::V4, bits);
            assert_eq!((written.nodes, written.record_bits), (nodes, bits));
            let reader = Reader::from_source(written.bytes).unwrap();
            reader.verify().unwrap();
            for at in [0, 1, 4, 5, 9, 10, end - 1, end] {
                let row = rows.iter().find(|row| row.0 <= at && at <= row.1);
                let found = reader.lookup(IpAddr::V4(Ipv4Addr::from_bits(at as u32))).unwrap();
                assert_eq!(found.decode::<u32>().unwrap(), row.map(|row| row.2), "{at}");
            }
        }
    }
}
