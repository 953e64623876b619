//! How long it takes until a table in a file answers: the file is in the page cache, as it is for
//! whoever starts a program twice, but the map is new and every page of it is met the first time.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::engine::LookUp;
use super::tables::{Drawn, Key, Ranges};
use super::{mmdb, ours, peers};

/// Look-ups that follow the opening.
const LOOK_UPS: usize = 10_000;

/// Times that each is opened.
const TIMES: usize = 21;

/// The files of one table, and how long it took to make their bytes.
pub(crate) struct Files {
    pub(crate) mmdb: PathBuf,
    pub(crate) mmdb_secs: f64,
    pub(crate) archive: PathBuf,
    pub(crate) archive_secs: f64,
    pub(crate) ours: PathBuf,
}

impl Files {
    pub(crate) fn write<K: Key>(folder: &Path, table: &Ranges<K>) -> Self
    where
        (K, u8): prefix_trie::Prefix<R = K>,
    {
        let rows: Vec<mmdb::Row> = table
            .rows
            .iter()
            .map(|&(first, last, value)| (first.into(), last.into(), value))
            .collect();
        let width = if K::BITS == 32 { mmdb::Width::V4 } else { mmdb::Width::V6 };
        let start = Instant::now();
        let written = mmdb::write(&rows, width, 24);
        let mmdb_secs = start.elapsed().as_secs_f64();
        println!(
            "MaxMind DB file: {} nodes of {} bits, {} bytes",
            written.nodes,
            2 * written.record_bits,
            written.bytes.len()
        );
        let start = Instant::now();
        let map = peers::prefix_map(table);
        let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&map).unwrap();
        let archive_secs = start.elapsed().as_secs_f64();
        let file = |ending: &str, bytes: &[u8]| {
            let path = folder.join(format!("table.{ending}"));
            std::fs::write(&path, bytes).unwrap();
            path
        };
        Self {
            mmdb: file("mmdb", &written.bytes),
            mmdb_secs,
            archive: file("rkyv", &bytes),
            archive_secs,
            ours: file("ours", &ours::file(table)),
        }
    }
}

/// Opens each file again and again and asks it.
pub(crate) fn measure<K: Key>(table: &Ranges<K>, files: &Files)
where
    (K, u8): prefix_trie::Prefix<R = K>,
{
    let keys = Drawn::Prefixes.keys(table, LOOK_UPS);
    let rows = [
        time("ours", &keys, |asked| ours::opened::<K>(&files.ours, asked)),
        time("maxminddb 0.32, mmap", &keys, |asked| {
            let reader = peers::MaxMind::open(peers::mapped(&files.mmdb));
            asked(&reader)
        }),
        time("prefix-trie 0.10, archive", &keys, |asked| {
            let map = peers::mapped(&files.archive);
            let archive = peers::Archive::<K>::open(&map);
            asked(&archive)
        }),
    ];
    println!("{:28} {:>10} {:>22}", "opened from a file", "µs", "and 10,000 asked, µs");
    for (name, open, asked) in rows {
        println!("{name:28} {open:>10.1} {asked:>22.1}");
    }
}

/// What is done with an opened table: the time is taken, the queries are asked.
pub(crate) type Asked<'a, K> = &'a mut dyn FnMut(&dyn LookUp<K>);

/// Median microseconds until it is open, and until it has answered.
fn time<K: Key>(
    name: &'static str,
    keys: &[K],
    open: impl Fn(Asked<'_, K>),
) -> (&'static str, f64, f64) {
    let (mut opened, mut answered) = (Vec::new(), Vec::new());
    let junk = vec![1_u8; 64 << 20];
    for _ in 0..TIMES {
        // Whatever the processor still holds of the last time is pushed out of its own caches.
        black_box(junk.iter().step_by(64).map(|&byte| u64::from(byte)).sum::<u64>());
        let start = Instant::now();
        open(&mut |table| {
            opened.push(start.elapsed().as_secs_f64() * 1e6);
            let mut answers = vec![0; keys.len()];
            table.look_up(keys, &mut answers);
            black_box(&answers);
            answered.push(start.elapsed().as_secs_f64() * 1e6);
        });
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    (name, median(&mut opened), median(&mut answered))
}
