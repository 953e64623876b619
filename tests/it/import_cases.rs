//! Runs every folder of `tests/cases/import/`: a file read as the engine reads it must give the
//! records beside it.
//!
//! `input*` is one file; `expected.ndjson` has a line for what was detected and assumed, then one
//! for each record, list entry and problem, in the order they came; `README.md` says what the case
//! is for and whence it is. `INFRALOCK_BLESS=1` writes `expected.ndjson` anew: read the difference.

use std::path::{Path, PathBuf};

use infralock::import::{self, Assumed, Line, Listed, Out, Settings, Survey, SurveyState};
use infralock::model::{ImportId, Problems, Record, Timestamp};
use serde_json::{Map, Value, json};

/// A file read as the engine reads it: detected, surveyed where it must be, parsed.
pub struct Read {
    pub format: &'static str,
    pub records: Vec<Record>,
    pub listed: Vec<(Listed, u64)>,
    pub problems: Problems,
    pub assumed: Assumed,
}

/// Lines as `bounded::Lines` cuts them; empty for an empty text.
pub fn lines(data: &[u8]) -> Vec<&[u8]> {
    let data = data.strip_suffix(b"\n").unwrap_or(data);
    let line = |line: &'_ [u8]| -> usize { line.strip_suffix(b"\r").unwrap_or(line).len() };
    data.split(|&byte| byte == b'\n').map(|bytes| &bytes[..line(bytes)]).collect()
}

/// The first lines, at most 64 KiB.
pub fn head<'a>(lines: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut bytes = 0;
    let within = |line: &&&[u8]| {
        bytes += line.len() + 1;
        bytes <= 64 << 10
    };
    lines.iter().take_while(within).copied().collect()
}

/// Reads a text of any format; `None` if none is detected.
pub fn read(data: &[u8]) -> Option<Read> {
    let lines = lines(data);
    let format = import::detect(&head(&lines))?;
    Some(read_as(format, &lines))
}

/// Reads a text as one format.
pub fn read_as(format: &dyn import::Format, lines: &[&[u8]]) -> Read {
    let (mut survey, mut state) = (Survey::default(), SurveyState::default());
    if format.is_yearless(&head(lines)) {
        for (number, bytes) in (1..).zip(lines) {
            format.survey(Line { number, bytes }, &mut survey, &mut state);
        }
    }
    let not_after: Timestamp = "2026-06-05".parse().unwrap();
    let settings = Settings { import: ImportId(0), utc_offset_minutes: 0, not_after, survey };
    let mut parser = format.start(settings);
    let (mut problems, mut records, mut listed) = (Problems::new(), Vec::new(), Vec::new());
    let mut take = |record| records.push(record);
    let mut list = |entry, line| listed.push((entry, line));
    let mut out = Out { record: &mut take, listed: &mut list, problems: &mut problems };
    for (number, bytes) in (1..).zip(lines) {
        parser.line(Line { number, bytes }, &mut out);
    }
    parser.finish(&mut out);
    let assumed = parser.assumed();
    Read { format: format.about().id, records, listed, problems, assumed }
}

/// A record as JSON with the keys of `records --ndjson`, without those that are `null`.
pub fn record_json(record: &Record) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            row.insert(name.to_owned(), value);
        }
    };
    put("ts", json!(record.ts));
    put("kind", json!(record.kind));
    put("service", json!(record.service));
    put("outcome", json!(record.outcome));
    put("src", json!(record.src));
    put("src_port", json!(record.src_port));
    put("dst", json!(record.dst));
    put("dst_port", json!(record.dst_port));
    put("src_name", json!(record.src_name));
    put("dst_name", json!(record.dst_name));
    put("user", json!(record.user));
    put("method", json!(record.method));
    put("host", json!(record.host));
    put("path", json!(record.path));
    put("query", json!(record.query));
    put("status", json!(record.status));
    put("user_agent", json!(record.user_agent));
    put("bytes", json!(record.bytes));
    put("line", json!(record.line));
    put("uid", json!(record.uid));
    put("times", if record.times == 1 { Value::Null } else { json!(record.times) });
    put("details", if record.details.is_empty() { Value::Null } else { json!(record.details) });
    Value::Object(row)
}

fn told(read: &Read) -> String {
    let notes: Vec<&str> = read.assumed.notes.iter().map(|note| note.raw()).collect();
    let head = json!({
        "format": read.format,
        "year": read.assumed.year,
        "time_zone": read.assumed.time_zone,
        "notes": notes,
    });
    let mut rows = vec![head];
    rows.extend(read.records.iter().map(record_json));
    rows.extend(read.listed.iter().map(|(entry, line)| {
        let listed = match entry {
            Listed::Prefix(prefix) => prefix.to_string(),
            Listed::Range(range) => range.to_string(),
        };
        json!({"listed": listed, "line": line})
    }));
    rows.extend(read.problems.rows().iter().map(|problem| json!({ "problem": problem })));
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn check(folder: &Path) {
    let name = folder.display();
    assert!(
        folder.join("README.md").is_file(),
        "{name}: no README.md; it says what for and whence"
    );
    let inputs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("input"))
        .collect();
    let [input] = inputs.as_slice() else { panic!("{name}: one file input* is needed") };
    let data = std::fs::read(input).unwrap();
    let read = read(&data).unwrap_or_else(|| panic!("{name}: no format was detected"));
    let told = told(&read);
    let expected = folder.join("expected.ndjson");
    if std::env::var_os("INFRALOCK_BLESS").is_some() {
        std::fs::write(&expected, &told).unwrap();
    }
    let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
    for (number, (told, wanted)) in (1..).zip(told.lines().zip(wanted.lines())) {
        let (told, wanted): (Value, Value) =
            (serde_json::from_str(told).unwrap(), serde_json::from_str(wanted).unwrap());
        assert_eq!(told, wanted, "{name}: line {number} of expected.ndjson");
    }
    assert_eq!(told.lines().count(), wanted.lines().count(), "{name}: lines of expected.ndjson");
}

#[test]
fn every_case_gives_what_stands_beside_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/import");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 10, "{} has {} cases", root.display(), folders.len());
    for folder in &folders {
        check(folder);
    }
}

/// Each format has a case of its own, so that none can be listed and never met.
#[test]
fn every_format_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/import");
    let met: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .filter_map(|entry| {
            let text =
                std::fs::read_to_string(entry.unwrap().path().join("expected.ndjson")).ok()?;
            let head: Value = serde_json::from_str(text.lines().next()?).ok()?;
            Some(head["format"].as_str()?.to_owned())
        })
        .collect();
    for format in import::FORMATS {
        let id = format.about().id;
        assert!(met.iter().any(|known| known == id), "{id}: no case in tests/cases/import");
    }
}
