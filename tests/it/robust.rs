//! Broken and hostile input through the whole program: no panic, no hang, bounded memory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fuzz::{Chance, mutate};
use crate::program::complained;
use crate::{corpora, fuzz};

/// Address space that a run may have. The program and its data take 50 MB of it.
const MEMORY_KIB: u64 = 1 << 20;

/// The program under a limit of memory; what it cannot have ends it.
fn run_limited(arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"")])
        .env("INFRALOCK_FEEDS", crate::program::NO_FEEDS)
        .arg(env!("CARGO_BIN_EXE_infralock"))
        .args(arguments);
    command.output().unwrap()
}

fn check(folder: &Path, captures_min: usize) {
    let output = run_limited(&["triage", folder.to_str().unwrap(), "--json", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}: {}", folder.display(), complained(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let imports = document["imports"].as_array().unwrap();
    let captures = imports
        .iter()
        .filter(|import| import["format"].as_str().is_some_and(|f| f.contains("pcap")));
    let captures = captures.count();
    assert!(captures >= captures_min, "{}: {captures} captures", folder.display());
    let hosts = document["hosts"].as_array().unwrap().len();
    println!("{}: {captures} captures, {hosts} hosts", folder.display());
}

#[test]
fn broken_captures_of_others_are_read_as_far_as_they_go() {
    for (set, captures_min) in [
        ("corpora/tcpdump-malformed", 800),
        ("corpora/pcapng-suite", 26),
        ("corpora/zeek-traces/Traces", 780),
    ] {
        if let Some(folder) = corpora::find(set) {
            check(&folder, captures_min);
        }
    }
}

/// Captures of at most 64 KiB below a folder, sorted.
fn small_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.metadata().is_ok_and(|metadata| metadata.len() <= 64 << 10) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn ten_thousand_mutations_of_captures_harm_nothing() {
    let mut seeds = fuzz::seeds("capture");
    for set in ["corpora/tcpdump-malformed/tests", "corpora/zeek-traces/Traces"] {
        if let Some(folder) = corpora::find(set) {
            seeds.extend(small_files(&folder).iter().map(|path| std::fs::read(path).unwrap()));
        }
    }
    let run = fuzz::TARGETS.iter().find(|target| target.name == "capture").unwrap().run;
    // Without the corpora there are few seeds, and fewer rounds say as much.
    let rounds = if seeds.len() > 100 { 10_000 } else { 1_000 };
    for round in 0..rounds {
        let data = mutate(&seeds, &mut Chance::seeded(round));
        let begun = Instant::now();
        run(&data);
        assert!(begun.elapsed() < Duration::from_secs(10), "round {round} hangs");
    }
    println!("{rounds} mutations of {} captures", seeds.len());
}

#[test]
fn bombs_long_lines_and_odd_texts_end_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let line =
        b"203.0.113.9 - - [05/Jun/2026:01:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n";
    // Half a gigabyte of nothing: a thousand to one.
    let file = std::fs::File::create(folder.path().join("bomb.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    gzip.write_all(line).unwrap();
    let block = vec![b'\n'; 1 << 20];
    for _ in 0..512 {
        gzip.write_all(&block).unwrap();
    }
    gzip.finish().unwrap();
    let mut long = line.repeat(3);
    long.extend(vec![b'x'; 100 << 20]);
    long.push(b'\n');
    long.extend(line.repeat(2));
    write("long.log", &long);
    let wide: Vec<u8> = [0xfffe_u16.swap_bytes()]
        .into_iter()
        .chain(String::from_utf8_lossy(&line.repeat(5)).encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    write("utf16.log", &wide);
    write("empty.log", b"");
    write("latin1.log", &[&line.repeat(2)[..], b"203.0.113.7 caf\xe9 \xff\xfe\n"].concat());
    let mut cut = Vec::new();
    let mut gzip = flate2::write::GzEncoder::new(&mut cut, flate2::Compression::fast());
    gzip.write_all(&line.repeat(5_000)).unwrap();
    gzip.finish().unwrap();
    write("cut.log.gz", &cut[..cut.len() / 2]);

    let output = run_limited(&["triage", folder.path().to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let import = |name: &str| -> Value {
        let all = document["imports"].as_array().unwrap();
        let found = all.iter().find(|row| row["import"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("{name}")).clone()
    };
    let records = |name: &str| import(name)["records"].as_u64().unwrap();
    let problem = |name: &str| import(name)["problems"][0]["what"].to_string();
    assert!(problem("bomb.gz").contains("200"), "{}", problem("bomb.gz"));
    assert_eq!(records("long.log"), 5);
    assert_eq!(import("long.log")["problems"][0]["place"], ":4");
    assert_eq!(records("utf16.log"), 5);
    assert!(records("latin1.log") >= 2);
    assert!(records("cut.log.gz") > 1_000, "{}", records("cut.log.gz"));
    assert!(!problem("cut.log.gz").is_empty());
    assert_eq!(import("empty.log")["format"], Value::Null);
}
