//! Structured logs and lists: on real ones, and on any bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use infralock::import::list;
use infralock::model::{Record, RecordKind};
use proptest::prelude::*;
use serde_json::Value;

use crate::corpora;
use crate::fuzz::structured as any;
use crate::import_cases::{self, Read, record_json};

/// A file as text; what a corrupt gzip gives before it ends counts.
fn text(path: &Path) -> Vec<u8> {
    let packed = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return packed;
    }
    let mut plain = Vec::new();
    let mut unpacked = infralock::bounded::unpack(std::io::Cursor::new(packed));
    let mut chunk = [0; 64 << 10];
    while let Ok(read @ 1..) = unpacked.read(&mut chunk) {
        plain.extend_from_slice(&chunk[..read]);
    }
    plain
}

fn read(path: &Path) -> Read {
    import_cases::read(&text(path)).unwrap_or_else(|| panic!("{}: not detected", path.display()))
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Numbers to six decimals, which is what Zeek's TSV has, and no line number: what two writings of
/// one log have in common.
fn common(record: &Record) -> Value {
    fn rounded(value: &mut Value) {
        match value {
            Value::Number(number) if number.is_f64() => {
                *value = Value::String(format!("{:.6}", number.as_f64().unwrap()));
            }
            Value::Array(list) => list.iter_mut().for_each(rounded),
            Value::Object(map) => map.values_mut().for_each(rounded),
            _ => {}
        }
    }
    let mut value = record_json(record);
    value.as_object_mut().unwrap().remove("line");
    rounded(&mut value);
    value
}

#[test]
fn zeek_as_json_and_as_tsv_give_the_same_records() {
    let Some(root) = corpora::find("corpora/zed-zeek-logs") else { return };
    let (mut kinds, mut rows) = (0, 0);
    for path in files(&root.join("zeek-default")) {
        let name = path.file_name().unwrap().to_string_lossy().replace(".log.gz", "");
        let tsv = read(&path);
        let json = read(&root.join(format!("zeek-json/{name}.json.gz")));
        assert_eq!((tsv.format, json.format), ("zeek-tsv", "zeek-json"), "{name}");
        assert!(tsv.problems.is_empty(), "{name}: {:?}", tsv.problems.rows());
        assert!(json.problems.is_empty(), "{name}: {:?}", json.problems.rows());
        assert_eq!(tsv.records.len(), json.records.len(), "{name}");
        // The two were written by two runs: the order may differ, the rows may not.
        let sorted = |records: &[Record]| {
            let mut rows: Vec<String> =
                records.iter().map(|record| common(record).to_string()).collect();
            rows.sort();
            rows
        };
        for (tsv, json) in sorted(&tsv.records).iter().zip(&sorted(&json.records)) {
            assert_eq!(tsv, json, "{name}");
        }
        kinds += 1;
        rows += tsv.records.len();
    }
    assert_eq!(kinds, 30);
    println!("zed-zeek-logs: {kinds} kinds, {rows} rows equal in both writings");
}

#[test]
fn zat_logs_are_read_to_their_last_good_row() {
    let Some(root) = corpora::find("corpora/zat-zeek-logs") else { return };
    let rows = |name: &str| {
        let read = read(&root.join(name));
        (read.format, read.records.len(), read.problems.total())
    };
    assert_eq!(rows("conn.log"), ("zeek-tsv", 360, 0));
    assert_eq!(rows("http.log"), ("zeek-tsv", 150, 0));
    assert_eq!(rows("http_empty.log"), ("zeek-tsv", 0, 0));
    assert_eq!(rows("tor_ssl.log"), ("zeek-tsv", 733, 0));
    assert_eq!(rows("conn_date_issue.log").1, 3);
    assert_eq!(rows("http.log.gz"), rows("http.log"));
    let (format, kept, _) = rows("http.log.corrupt.gz");
    assert!(format == "zeek-tsv" && kept > 0 && kept <= 150, "{kept} rows of a corrupt gzip");
    for path in files(&root.join("json")) {
        let read = read(&path);
        // Its one field, a name, could be anybody's.
        let nameless = path.ends_with("loaded_scripts.log");
        let format = if nameless { "json-lines" } else { "zeek-json" };
        assert_eq!(read.format, format, "{}", path.display());
        assert_eq!(read.problems.total(), 0, "{}", path.display());
    }
    let tor = read(&root.join("tor_ssl.log"));
    let links: Vec<&Record> = tor.records.iter().filter(|record| is_tor(record)).collect();
    assert_eq!(links.len(), 54);
    assert!(links.iter().all(|record| record.src == "10.0.0.126".parse().ok()));
    assert_eq!(links.iter().filter(|record| record.dst_port == Some(9001)).count(), 20);
}

/// Tor's certificates of 2013: `CN=www.<random>.net` issued by `CN=www.<random>.com`.
fn is_tor(record: &Record) -> bool {
    let name = |key: &str, end: &str| {
        let text = record.details.get(key).and_then(Value::as_str).unwrap_or_default();
        text.strip_prefix("CN=www.")
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    name("subject", ".net") && (name("issuer", ".com") || name("issuer_subject", ".com"))
}

#[test]
fn a_day_of_an_intrusion_as_zeek_json() {
    let Some(path) = corpora::find("corpora/apt29-zeek/day1_combined_zeek.json") else { return };
    let read = read(&path);
    assert_eq!((read.format, read.records.len(), read.problems.total()), ("zeek-json", 2_140, 0));
    let control = |record: &&Record| {
        record.kind == RecordKind::Connection
            && record.src == "10.0.1.6".parse().ok()
            && record.dst == "192.168.0.4".parse().ok()
            && record.dst_port == Some(8443)
    };
    assert_eq!(read.records.iter().filter(control).count(), 376);
    assert!(read.records.iter().all(|record| record.ts.is_some()));
}

#[test]
fn baselines_of_zeek_are_read_with_rows_after_close() {
    let Some(root) = corpora::find("corpora/vpn-corelight") else { return };
    let (mut logs, mut rows) = (0, 0);
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "log") {
                continue;
            }
            let text = text(&path);
            let data = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
            let expected = import_cases::lines(&text).into_iter().filter(|line| data(line)).count();
            let read = read(&path);
            if read.format == "zeek-tsv" {
                assert_eq!(read.records.len(), expected, "{}", path.display());
                logs += 1;
                rows += expected;
            }
        }
    }
    assert!(logs >= 11, "{logs} logs");
    println!("vpn-corelight: {logs} baselines, {rows} rows");
}

#[test]
fn every_line_of_ipsum_is_an_address() {
    let Some(root) = corpora::find("corpora/ipsum") else { return };
    for (level, count) in [(3, 14_217), (4, 5_354), (5, 1_413), (6, 318), (7, 70), (8, 23)] {
        let read = read(&root.join(format!("{level}.txt")));
        assert_eq!(read.format, "address-list");
        assert_eq!((read.records.len(), read.problems.total()), (count, 0), "{level}.txt");
        assert!(read.records.iter().all(|record| record.src.is_some()));
    }
}

#[test]
fn feeds_have_the_entries_their_guide_counts() {
    let Some(root) = corpora::find("feeds") else { return };
    for (file, count, distinct, dated) in [
        ("ipsum/ipsum.txt", 120_430, 120_430, Some("2026-08-22")),
        ("x4bnet-vpn-datacenter/vpn/ipv4.txt", 10_862, 0, None),
        ("x4bnet-vpn-datacenter/vpn/ipv6.txt", 498, 0, None),
        ("x4bnet-vpn-datacenter/datacenter/ipv4.txt", 42_566, 0, None),
        ("x4bnet-vpn-datacenter/datacenter/ipv6.txt", 8_752, 0, None),
        ("tor/exits-v4.txt", 0, 1_250, Some("2026-04-30")),
        ("tor/exits-v6.txt", 0, 750, Some("2026-04-30")),
        ("tor/guards.txt", 0, 4_767, Some("2026-04-30")),
        ("tor/relays-v4.txt", 0, 7_265, Some("2026-04-30")),
        ("tor/relays-v6.txt", 0, 2_955, Some("2026-04-30")),
        ("open-proxies/proxies.txt", 492, 456, None),
        ("anycast/anycatch-v4-prefixes.txt", 4_152, 0, None),
        ("anycast/anycatch-v6-prefixes.txt", 1_611, 0, None),
        ("oxl-risk-db/ip/kind_vpn.txt", 38_749, 0, None),
        ("oxl-risk-db/ip/kind_crawler.txt", 32_341, 0, None),
        ("oxl-risk-db/net/kind_dynamic.txt", 98_795, 0, None),
        ("oxl-risk-db/net/kind_hosting.txt", 97_803, 0, None),
    ] {
        let text = std::fs::read(root.join(file)).unwrap();
        let (entries, problems) = list::read_entries(import_cases::lines(&text));
        assert_eq!(problems.total(), 0, "{file}: {:?}", problems.rows().first());
        let unlike: BTreeSet<_> = entries.iter().map(|(range, _)| *range).collect();
        if count > 0 {
            assert_eq!(entries.len(), count, "{file}");
        }
        if distinct > 0 {
            assert_eq!(unlike.len(), distinct, "{file}");
        }
        let since = entries[0].1.map(|since| since.to_date());
        assert_eq!(since.as_deref(), dated, "{file}");
    }
}

#[test]
fn logs_of_many_programs_are_recognised_or_named() {
    let Some(root) = corpora::find("corpora/crowdsec-logs/tests") else { return };
    let mut by_format: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for folder in std::fs::read_dir(root).unwrap() {
        for path in files(&folder.unwrap().path()) {
            let text = text(&path);
            let is_json =
                text.first() == Some(&b'{') && path.extension().is_some_and(|e| e == "log");
            if !is_json {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let read = import_cases::read(&text).unwrap();
            let placed = read.records.iter().filter(|record| record.src.is_some()).count();
            println!(
                "{name}: {}, {} records, {placed} with an address, {} problems",
                read.format,
                read.records.len(),
                read.problems.total()
            );
            assert!(!read.records.is_empty(), "{name}");
            by_format.entry(read.format).or_default().push(name);
        }
    }
    let recognised: usize = by_format.values().map(Vec::len).sum();
    assert!(recognised >= 10, "{by_format:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_read_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..600)) {
        for format in infralock::import::FORMATS {
            any::read(format.about().id, &data);
        }
        any::fuzz_address_list(&data);
    }

    #[test]
    fn rows_written_as_zeek_tsv_are_read_back(
        text in "[ -~]{1,40}",
        (number, truth) in any::<(u64, bool)>(),
    ) {
        // As Zeek's writer does: backslashes doubled, what would read as unset or empty escaped.
        let cell = match text.as_str() {
            "-" => r"\x2d".to_owned(),
            "(empty)" => r"\x28empty)".to_owned(),
            text => text.replace('\\', r"\\"),
        };
        let truth_cell = if truth { 'T' } else { 'F' };
        let log = format!(
            "#separator \\x09\n#fields\tb\ta\tc\n#types\tcount\tstring\tbool\n\
             {number}\t{cell}\t{truth_cell}\n"
        );
        let read = import_cases::read(log.as_bytes()).unwrap();
        let details = &read.records[0].details;
        prop_assert_eq!(details["a"].as_str(), Some(text.as_str()));
        prop_assert_eq!(details["b"].as_u64(), Some(number));
        prop_assert_eq!(details["c"].as_bool(), Some(truth));
    }

    #[test]
    fn lists_written_are_read_back(
        bits in prop::collection::vec((any::<u32>(), 8_u8..=32), 1..50),
    ) {
        let prefixes: Vec<infralock::model::Prefix> = bits
            .iter()
            .map(|&(bits, len)| {
                let addr = infralock::model::Addr::V4(std::net::Ipv4Addr::from_bits(bits));
                infralock::model::Prefix::new(addr, len).unwrap()
            })
            .collect();
        let text: String = prefixes.iter().map(|prefix| format!("{prefix}\n")).collect();
        let (entries, problems) = list::read_entries(text.lines().map(str::as_bytes));
        let ranges: Vec<infralock::model::AddrRange> =
            prefixes.iter().map(|&prefix| prefix.into()).collect();
        let read: Vec<_> = entries.into_iter().map(|(range, _)| range).collect();
        prop_assert_eq!(read, ranges);
        prop_assert!(problems.is_empty());
    }
}
