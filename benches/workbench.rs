//! What a person waits for: from asking the engine to seeing the answer.
//!
//! Waiting times with their spread, not throughput: each is taken a few times and all are printed.
//! `INFRALOCK_BENCH_CAPTURE` names a large file to read; without it a log is made here.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench stops at an error and prints what it found"
)]

mod big_case;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use infralock::engine::workbench::{
    Command, DataState, Direction, HostColumn, HostSort, Snapshot, Workbench,
};

const ROUNDS: usize = 5;
const LINES: u32 = 500_000;
const HOSTS: u32 = 1_000_000;

fn until(workbench: &Workbench, done: impl Fn(&Snapshot) -> bool) -> Duration {
    let begun = Instant::now();
    while !done(&workbench.snapshot()) {
        std::thread::sleep(Duration::from_micros(200));
    }
    begun.elapsed()
}

fn ready() -> (Workbench, Duration) {
    let workbench = Workbench::start(Arc::new(|| ())).unwrap();
    let waited = until(&workbench, |snapshot| matches!(snapshot.data, DataState::Ready(_)));
    (workbench, waited)
}

fn over(snapshot: &Snapshot) -> bool {
    !snapshot.jobs.is_empty() && snapshot.jobs.iter().all(|job| job.state.is_over())
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let mut line = format!("{what:<46}");
    for time in times {
        write!(line, " {:8.1}", time.as_secs_f64() * 1e3).unwrap();
    }
    println!("{line} ms");
}

/// Peak memory of this process in MB, as Linux tells it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() / 1_000
}

fn open_case(folder: &Path) {
    let path = folder.join("case.infralock");
    let mut store = big_case::write(&path);
    big_case::derive(&mut store);
    store.close().unwrap();
    let (mut data, mut hosts, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (workbench, waited) = ready();
        data.push(waited);
        workbench.send(Command::Open(vec![path.clone()]));
        let first = until(&workbench, |snapshot| !snapshot.hosts.shown.is_empty());
        hosts.push(first);
        all.push(first + until(&workbench, over));
    }
    told("start to reference data", data);
    told("case of 50,000 hosts: opened to hosts", hosts);
    told("case of 50,000 hosts: all judged again", all);
    println!("peak memory {} MB", peak_mb());
}

fn import(path: &Path) {
    let (mut hosts, mut all, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (workbench, _) = ready();
        workbench.send(Command::Open(vec![path.to_owned()]));
        let first = until(&workbench, |snapshot| !snapshot.hosts.shown.is_empty());
        hosts.push(first);
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        let sorts = [HostColumn::Addr, HostColumn::Score].into_iter().cycle();
        for by in sorts {
            if over(&workbench.snapshot()) {
                break;
            }
            let sort = HostSort { by, direction: Direction::Up };
            workbench.send(Command::SortHosts(sort));
            slowest = slowest.max(until(&workbench, |snapshot| snapshot.hosts.sort == sort));
            std::thread::sleep(Duration::from_millis(20));
        }
        answers.push(slowest);
        all.push(first + begun.elapsed());
    }
    told("large file: opened to first hosts", hosts);
    told("large file: all read and judged", all);
    told("while reading: slowest answer to a command", answers);
    println!("peak memory {} MB", peak_mb());
}

/// An sshd log of many addresses.
fn log(folder: &Path) -> PathBuf {
    let mut text = String::new();
    for n in 0..LINES {
        let (hour, minute, second) = (n / 36_000 % 24, n / 600 % 60, n / 10 % 60);
        let (c, d) = (n / 7 % 250, n % 250);
        writeln!(
            text,
            "2026-06-05T{hour:02}:{minute:02}:{second:02}Z web sshd[{n}]: Failed password for u{n} \
             from 100.{}.{c}.{d} port {} ssh2",
            n % 64,
            1_024 + n % 60_000
        )
        .unwrap();
    }
    let path = folder.join("auth.log");
    std::fs::write(&path, text).unwrap();
    path
}

/// A list of a million addresses.
fn list(folder: &Path) -> PathBuf {
    let mut text = String::new();
    for n in 0..HOSTS {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        writeln!(text, "{}.{b}.{c}.{d}", 1 + a % 223).unwrap();
    }
    let path = folder.join("addresses.txt");
    std::fs::write(&path, text).unwrap();
    path
}

/// From the command to the snapshot with what passes, in every table.
fn filter(path: &Path, texts: &[&str]) {
    let (workbench, _) = ready();
    workbench.send(Command::Open(vec![path.to_owned()]));
    until(&workbench, over);
    let snapshot = workbench.snapshot();
    let [hosts, flows, records] =
        [snapshot.hosts.all.len(), snapshot.flows.all.len(), snapshot.records.all.len()];
    println!("filters over {hosts} hosts, {flows} flows, {records} records");
    for text in texts {
        let mut times = Vec::new();
        let mut shown = 0;
        for _ in 0..ROUNDS {
            workbench.send(Command::Filter(String::new()));
            until(&workbench, |snapshot| !snapshot.filter.is_on());
            workbench.send(Command::Filter((*text).to_owned()));
            times.push(until(&workbench, |now| now.filter.text == *text && !now.filter.is_running));
            shown = workbench.snapshot().hosts.shown.len();
        }
        told(&format!("{text} ({shown} hosts)"), times);
    }
    println!("peak memory {} MB", peak_mb());
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    open_case(folder.path());
    let mixed = ["score >= 50", "country == \"NL\"", "dst_port == 443", "bytes > 1MB && kind"];
    filter(&folder.path().join("case.infralock"), &mixed);
    let of_hosts = ["country == \"US\"", "kind == hosting", "amsterdam", "192.0"];
    filter(&list(folder.path()), &of_hosts);
    let large = std::env::var_os("INFRALOCK_BENCH_CAPTURE").map(PathBuf::from);
    import(&large.unwrap_or_else(|| log(folder.path())));
}
