//! `infralock lookup`: the shape of its JSON, its order, and what it makes of what people paste.
#![cfg(feature = "bundled-data")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn lookup(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_infralock"))
        .env("INFRALOCK_FEEDS", crate::program::NO_FEEDS)
        .arg("lookup")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    let writer = std::thread::Builder::new().spawn(move || input.write_all(&bytes)).unwrap();
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().ok();
    output
}

fn rows(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const KEYS: [&str; 11] = [
    "query", "addr", "prefix", "reserved", "asn", "as_name", "kinds", "lists", "place", "score",
    "error",
];

#[test]
fn each_line_has_its_answer_in_order_with_every_key() {
    let input = b"# comment\n8.8.8.8\n\n  192.0.2.1  \r\n10.0.0.5:8080\n8[.]8[.]4[.]4\nnot one\n\
                  192.0.2.010\n8.8.8.0/24\nfe80::1%eth0\n\xff\xfe\n2001:4860:4860::8888";
    let output = lookup(&["-", "--ndjson", "--stats"], input);
    assert!(output.status.success());
    let rows = rows(&output);
    let queries: Vec<&str> = rows.iter().map(|row| row["query"].as_str().unwrap()).collect();
    assert_eq!(
        queries,
        [
            "8.8.8.8",
            "192.0.2.1",
            "10.0.0.5:8080",
            "8[.]8[.]4[.]4",
            "not one",
            "192.0.2.010",
            "8.8.8.0/24",
            "fe80::1%eth0",
            "\u{fffd}\u{fffd}",
            "2001:4860:4860::8888",
        ]
    );
    for row in &rows {
        let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = KEYS.to_vec();
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected);
    }
    let of = |at: usize, key: &str| rows[at][key].clone();
    assert_eq!(of(0, "addr"), "8.8.8.8");
    assert_eq!(of(0, "asn"), 15_169);
    assert_eq!(of(0, "prefix"), "8.8.8.0/24");
    assert!(of(0, "kinds").as_array().unwrap().contains(&"anycast".into()));
    assert!(of(0, "score").is_number());
    assert!(of(0, "lists").as_array().unwrap().iter().all(|list| list["since"].is_null()));
    assert_eq!((of(1, "reserved"), of(1, "score")), ("documentation".into(), Value::Null));
    assert_eq!((of(2, "addr"), of(2, "reserved")), ("10.0.0.5".into(), "private".into()));
    assert_eq!(of(3, "addr"), "8.8.4.4");
    for failed in [4, 5, 8] {
        assert!(of(failed, "error").is_string() && of(failed, "addr").is_null(), "{failed}");
        assert!(of(failed, "score").is_null() && of(failed, "place").is_null());
    }
    assert!(of(5, "error").as_str().unwrap().contains("ambiguous"));
    assert_eq!((of(6, "addr"), of(6, "prefix")), (Value::Null, "8.8.8.0/24".into()));
    assert_eq!((of(6, "asn"), of(6, "score")), (15_169.into(), Value::Null));
    assert_eq!(of(7, "reserved"), "link-local");
    assert_eq!(of(9, "asn"), 15_169);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("10 queries in ") && told.contains("3 failed"), "{told}");
}

/// Answers come from several threads in batches: their order must not.
#[test]
fn many_lines_keep_their_order() {
    let mut input = String::new();
    for number in 0..30_000_u32 {
        let bits = number.wrapping_mul(2_654_435_761);
        input += &format!("{}\n", std::net::Ipv4Addr::from_bits(bits));
    }
    let output = lookup(&["-", "--ndjson", "--fields", "addr,asn"], input.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let addrs: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(r#"{"addr":""#).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(addrs, input.lines().collect::<Vec<_>>());
}

#[test]
fn people_get_a_table_and_wrong_use_a_sentence() {
    let output = lookup(&["8.8.8.8", "10.0.0.1"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().next().unwrap().starts_with("query"), "{text}");
    assert!(text.contains("Google") && text.contains("(private)"), "{text}");
    let wrong = lookup(&["nonsense"], b"");
    assert_eq!(wrong.status.code(), Some(1));
    let field = lookup(&["8.8.8.8", "--fields", "ip"], b"");
    assert_eq!(field.status.code(), Some(2));
    assert!(String::from_utf8(field.stderr).unwrap().contains("as_name"));
}

fn data(arguments: &[&str], folder: Option<&std::path::Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infralock"));
    command.env("INFRALOCK_FEEDS", crate::program::NO_FEEDS);
    command.arg("data").args(arguments);
    if let Some(folder) = folder {
        command.env("INFRALOCK_DATA", folder);
    }
    command.output().unwrap()
}

#[test]
fn the_data_say_what_they_are_and_whom_to_credit() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let status: Value =
        serde_json::from_slice(&data(&["status", "--json"], Some(&folder)).stdout).unwrap();
    let ids: Vec<&str> =
        status.as_array().unwrap().iter().map(|set| set["id"].as_str().unwrap()).collect();
    assert_eq!(ids, infralock::intel::SET_IDS);
    let credit = String::from_utf8(data(&["attribution"], None).stdout).unwrap();
    assert!(credit.contains("IP geolocation by DB-IP (https://db-ip.com)"), "{credit}");
    assert!(credit.contains("nro.net") && credit.contains("GeoNames"));
}

#[test]
fn a_damaged_or_empty_folder_of_data_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let empty = data(&["status"], Some(folder.path()));
    assert_eq!(empty.status.code(), Some(1));
    assert!(String::from_utf8(empty.stderr).unwrap().contains("holds no packed data set"));
    std::fs::write(folder.path().join("asn.pack"), b"ILPACK\x01\0\x01\0\x04meta").unwrap();
    let damaged = data(&["status"], Some(folder.path()));
    assert_eq!(damaged.status.code(), Some(1));
    let told = String::from_utf8(damaged.stderr).unwrap();
    assert!(told.contains("asn.pack@15: packed length needs 4 bytes, 0 are there"), "{told}");
}
