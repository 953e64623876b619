//! Our tables beside MaxMind's own reader, on one file of the same ranges: ten million addresses,
//! where ranges begin and end and between.
#![cfg(feature = "bundled-data")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use infralock::intel::{BundledSets, Intel};
use infralock::model::{Addr, Family};
use infralock::trie::{LongestMatch, Piece, Table};
use maxminddb::Reader;

use super::mmdb;

/// Addresses asked in all: those of the AS table's every range, and as many of the city table's.
const ADDRS: usize = 10_000_000;

/// Addresses around one range: its first and last, their neighbours outside, and one within.
const EACH: usize = 5;

const NONE: u32 = u32::MAX;

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

/// The addresses around a range, as numbers; those outside the family are the range's own.
fn around(piece: &Piece, chance: &mut u64) -> [u128; EACH] {
    let (first, last) = (piece.range.first().bits(), piece.range.last().bits());
    let end = u128::MAX >> (128 - u32::from(piece.range.first().family().bits()));
    // A seeded source of chance (xorshift64*, Vigna 2016).
    *chance ^= *chance >> 12;
    *chance ^= *chance << 25;
    *chance ^= *chance >> 27;
    let any = u128::from(chance.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let within = first + (any << 32 | any >> 32) % (last - first).saturating_add(1).max(1);
    [first.saturating_sub(1), first, within, last, last.saturating_add(1).min(end)]
}

/// Compares both at the addresses around every `step`th range; how many they were.
fn agree(set: &str, pieces: &[Piece], step: usize) -> usize {
    let mut oracle = Oracle::new(pieces);
    let table = Table::from_pieces(pieces);
    let (mut asked, mut held) = (0, 0);
    let mut chance = 0x9e37_79b9_7f4a_7c15;
    for piece in pieces.iter().step_by(step) {
        let family = piece.range.first().family();
        for bits in around(piece, &mut chance) {
            let (ip, addr) = match family {
                Family::V4 => {
                    let ip = Ipv4Addr::from_bits(bits as u32);
                    (IpAddr::V4(ip), Addr::V4(ip))
                }
                Family::V6 => {
                    let ip = Ipv6Addr::from_bits(bits);
                    (IpAddr::V6(ip), Addr::V6(ip))
                }
            };
            let (ours, theirs) = (table.get(addr).unwrap_or(NONE), oracle.value(ip));
            assert_eq!(ours, theirs, "{set}: {ip}");
            asked += 1;
            held += usize::from(ours != NONE);
        }
    }
    // Three of five lie in the range they were drawn at.
    assert!(held * 5 >= asked * 3, "{set}: {held} of {asked} are in the table");
    asked
}

/// The city table's families are asked side by side: each is as much work as all else.
#[test]
fn our_tables_agree_with_maxminds_reader() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let (systems, cities) = (intel.pieces("asn"), intel.pieces("dbip-city"));
    let step = cities.len() * EACH / (ADDRS - systems.len() * EACH);
    let v4_end = cities.partition_point(|piece| piece.range.first().family() == Family::V4);
    let (v4, v6) = cities.split_at(v4_end);
    let asked: usize = std::thread::scope(|scope| {
        let v6 = scope.spawn(|| agree("dbip-city", v6, step));
        let here = agree("dbip-city", v4, step) + agree("asn", &systems, 1);
        here + v6.join().unwrap()
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
