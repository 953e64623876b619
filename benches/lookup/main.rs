//! Look-ups in the shipped tables, beside everything else that people use for it.
//!
//! ```text
//! cargo bench --bench lookup                    all tables, all peers: some ten minutes, 12 GB
//! cargo bench --bench lookup -- "IPv4 AS"       the tables whose name holds this
//! cargo bench --bench lookup -- NONE            one line for each shipped set, ours alone
//! INFRALOCK_DPDK=1 cargo bench …                with DPDK's rte_fib, see dpdk.rs
//! INFRALOCK_BENCH_SVG=lookup.svg cargo bench …  draws the table too
//! ```
//!
//! Every engine gets the same ranges of the same packed sets: those that know ranges as they are,
//! the others as the fewest prefixes that say the same. A number is the median of 7 rounds; in a
//! round every engine is asked the same 2²⁰ addresses, one engine after the other, and each round
//! begins with another one; stretches in which another process had the processor are left out.
//! Before the rounds all answers of all engines are compared with plain binary search. Bytes per
//! prefix divide by the prefixes of the files that the sets were packed from, for everyone. Tables
//! in memory lie on huge pages for everyone: the bench starts itself again with malloc told so.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may stop")]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and tells")]
#![allow(unsafe_code, reason = "the peers map files")]

mod dpdk;
mod engine;
#[path = "../../tests/it/mmdb.rs"]
mod mmdb;
mod opening;
mod ours;
mod output;
mod peers;
mod quick;
mod rounds;
mod tables;

use std::path::Path;
use std::process::Command;

use self::engine::{Engine, Here, NONE};
use self::output::Measured;
use self::tables::{Key, Ranges};

/// Queries of a round: more answers than any second cache holds.
const QUERIES: usize = 1 << 20;

const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` does not pass it: then there is nothing to measure.
    if !wanted.iter().any(|arg| arg == "--bench") {
        return;
    }
    wanted.retain(|arg| arg != "--bench");
    if wanted.iter().any(|name| name == "NONE") {
        quick::table_of_all();
        return;
    }
    if std::env::var_os(HUGE_PAGES.0).is_none() {
        let program = std::env::current_exe().unwrap();
        let status = Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(HUGE_PAGES.0, HUGE_PAGES.1)
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path(), wanted, dpdk: dpdk::program(folder.path()) };
    let mut measured = Vec::new();
    measured.extend(bench.table::<u32>("IPv4 AS", "asn", 564_579));
    measured.extend(bench.table::<u32>("IPv4 city", "dbip-city", 6_324_784));
    measured.extend(bench.table::<u128>("IPv6 AS", "asn", 167_903));
    measured.extend(bench.table::<u128>("IPv6 city", "dbip-city", 8_434_235));
    output::ratios(&measured);
    if let Some(path) = std::env::var_os("INFRALOCK_BENCH_SVG") {
        std::fs::write(path, output::svg(&measured)).unwrap();
    }
}

struct Bench<'a> {
    folder: &'a Path,
    wanted: Vec<String>,
    dpdk: Option<std::path::PathBuf>,
}

impl Bench<'_> {
    /// Builds everything for one table and measures it; `None`: it was not asked for.
    fn table<K: Key>(&self, name: &'static str, set: &str, original: usize) -> Option<Measured>
    where
        (K, u8): prefix_trie::Prefix<R = K>,
    {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|wanted| name.contains(wanted)) {
            return None;
        }
        let table = Ranges::<K>::shipped(name, set, original);
        println!(
            "\n{name}: {original} prefixes in the file; packed as {} ranges, which are {} prefixes",
            table.rows.len(),
            table.prefixes.len()
        );
        let files = opening::Files::write(self.folder, &table);
        let archive = peers::on_huge_pages(&std::fs::read(&files.archive).unwrap());
        let mut engines = self.engines(&table, &files, &archive);
        let measured = rounds::measure(&table, &mut engines);
        drop(engines);
        output::table(&measured);
        opening::measure(&table, &files);
        Some(measured)
    }

    fn engines<'a, K: Key>(
        &self,
        table: &Ranges<K>,
        files: &opening::Files,
        archive: &'a [u8],
    ) -> Vec<Box<dyn Engine<K> + 'a>>
    where
        (K, u8): prefix_trie::Prefix<R = K>,
    {
        let mut engines: Vec<Box<dyn Engine<K> + 'a>> = ours::engines(table);
        if let Some(program) = &self.dpdk {
            match dpdk::open(program, self.folder, table) {
                Ok(fibs) => engines.extend(fibs.map(|fib| Box::new(fib) as Box<dyn Engine<K>>)),
                Err(why) => println!("no rte_fib: {why}"),
            }
        }
        engines.push(Box::new(Here {
            name: "prefix-trie 0.10, archive",
            build_secs: files.archive_secs,
            table: peers::Archive::<K>::open(archive),
        }));
        engines.push(Box::new(Here::build("prefix-trie 0.10, heap", || peers::prefix_map(table))));
        engines.push(Box::new(Here::build("treebitmap 0.5", || peers::tree_bitmap(table))));
        let mmdb = std::fs::read(&files.mmdb).unwrap();
        for (name, bytes) in [
            ("maxminddb 0.32, huge pages", peers::on_huge_pages(&mmdb)),
            ("maxminddb 0.32, mmap", peers::mapped(&files.mmdb)),
        ] {
            let reader = peers::MaxMind::open(bytes).decoded(table);
            engines.push(Box::new(Here { name, build_secs: files.mmdb_secs, table: reader }));
        }
        engines.push(Box::new(Here::build("binary search", || peers::Starts::new(table))));
        engines
    }
}
