//! Targets for pasted text, lists and structured logs.

use infralock::import::{self, Line, Out, Settings, list};
use infralock::model::{ImportId, Problems, query};

pub fn fuzz_zeek_tsv(data: &[u8]) {
    read("zeek-tsv", data);
}

pub fn fuzz_zeek_json(data: &[u8]) {
    read("zeek-json", data);
}

pub fn fuzz_eve(data: &[u8]) {
    read("suricata-eve", data);
}

pub fn fuzz_cowrie(data: &[u8]) {
    read("cowrie-json", data);
}

pub fn fuzz_json_lines(data: &[u8]) {
    read("json-lines", data);
}

pub fn fuzz_json_document(data: &[u8]) {
    read("json-document", data);
}

pub fn fuzz_table(data: &[u8]) {
    read("csv", data);
}

pub fn fuzz_free_text(data: &[u8]) {
    read("text", data);
}

/// A list to look at and a list of one's own hold the same entries.
pub fn fuzz_address_list(data: &[u8]) {
    let (records, listed) = read("address-list", data);
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let (entries, problems) = list::read_entries(lines.iter().copied());
    assert_eq!(records + listed, entries.len());
    assert!(entries.len() + problems.total() as usize <= lines.len());
}

/// Reads any bytes as one format; says how many records and list entries came. What comes is
/// bounded by what was given.
pub fn read(id: &str, data: &[u8]) -> (usize, usize) {
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let format = import::by_id(id).unwrap();
    format.detect(&lines);
    let (mut problems, mut records, mut entries) = (Problems::new(), 0_usize, 0_usize);
    let mut take = |_| records += 1;
    let mut listed = |_, _| entries += 1;
    let mut out = Out { record: &mut take, listed: &mut listed, problems: &mut problems };
    let mut parser = format.start(Settings { import: ImportId(0), ..Settings::default() });
    for (number, bytes) in (1..).zip(&lines) {
        parser.line(Line { number, bytes }, &mut out);
    }
    parser.finish(&mut out);
    parser.assumed();
    assert!(records + entries <= data.len() && problems.total() as usize <= data.len() + 1);
    (records, entries)
}

/// One text as a query and as a line of prose; each line alone too.
pub fn fuzz_query(data: &[u8]) {
    for line in data.split(|&byte| byte == b'\n').chain([data]) {
        let mut end = 0;
        for found in query::find_all(line) {
            assert!(end <= found.at.start && found.at.end <= line.len());
            end = found.at.end;
        }
        if let Ok(query) = query::parse(&String::from_utf8_lossy(line)) {
            assert_eq!(query::parse(&query.to_string()), Ok(query));
        }
    }
}
