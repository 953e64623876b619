//! kill -9 at any moment of an import: the case opens with every finished batch.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use infralock::model::{ImportId, Record};
use infralock::store::{ImportState, Store};
use rusqlite::{Connection, OpenFlags};

use crate::fuzz::Chance;

const LINES: u32 = 40_000;

fn log() -> String {
    let line = |n: u32| {
        let (minute, second) = (n / 60 % 60, n % 60);
        format!(
            "2026-06-05T03:{minute:02}:{second:02}Z web sshd[{n}]: Failed password for u{n} from \
             203.0.113.{} port {} ssh2\n",
            n % 250,
            1_024 + n % 60_000
        )
    };
    (0..LINES).map(line).collect()
}

fn records(store: &Store) -> Vec<Record> {
    let mut read = Vec::new();
    for import in store.imports().unwrap() {
        let mut take = |record| {
            read.push(record);
            true
        };
        store.each_record(import.key, ImportId(0), &mut take).unwrap();
    }
    read
}

/// What a reader beside the writer sees.
fn seen(path: &Path) -> u64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let count = Connection::open_with_flags(path, flags)
        .and_then(|db| db.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, i64>(0)));
    count.map_or(0, |count| count as u64)
}

/// `INFRALOCK_KILLS` kills, 10 unless set.
#[test]
fn killed_at_any_moment_a_case_opens_with_every_finished_batch() {
    let kills = std::env::var("INFRALOCK_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: u64 = kills.unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("auth.log");
    fs::write(&source, log()).unwrap();
    let program = |case: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infralock"));
        command.env("INFRALOCK_FEEDS", crate::program::NO_FEEDS);
        command.arg("triage").arg(&source).arg("--case").arg(case).arg("--json");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let whole = folder.path().join("whole.infralock");
    let begun = std::time::Instant::now();
    assert!(program(&whole).status().unwrap().success());
    let took = begun.elapsed();
    let expected = records(&Store::open_read_only(&whole).unwrap());
    assert_eq!(expected.len(), LINES as usize);

    let (mut midway, mut whole_ones) = (0, 0);
    for number in 0..kills {
        let path = folder.path().join(format!("{number}.infralock"));
        let mut chance = Chance::seeded(number);
        let mut child = program(&path).spawn().unwrap();
        // Squared: more of them in the import than in what follows it.
        let part = chance.below(1_000) as f64 / 1_000.0;
        let after = took.mul_f64(part * part);
        std::thread::sleep(after);
        let before = seen(&path);
        std::thread::sleep(Duration::from_micros(chance.below(3_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(opened) = Store::open(&path) else {
            // Killed before the file was a case: there was nothing to lose.
            assert_eq!(before, 0, "kill {number} after {after:?}");
            continue;
        };
        let store = opened.store;
        let read = records(&store);
        assert!(read.len() as u64 >= before, "kill {number}: {} of {before}", read.len());
        assert!(read == expected[..read.len()], "kill {number}: another beginning");
        let states: Vec<_> = store.imports().unwrap().iter().map(|import| import.state).collect();
        assert!(!states.contains(&ImportState::Running));
        assert_eq!(store.verify().unwrap().wrong, [""; 0], "kill {number}");
        match read.len() {
            0 => {}
            len if len < LINES as usize => midway += 1,
            _ => whole_ones += 1,
        }
        drop(store);
        if number == 0 {
            // The same command goes on to the end, and no line is there twice.
            assert!(program(&path).status().unwrap().success());
            assert_eq!(records(&Store::open_read_only(&path).unwrap()), expected);
        }
    }
    println!("{kills} kills: {midway} midway, {whole_ones} after the last batch");
}
