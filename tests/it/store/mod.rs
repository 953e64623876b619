//! The case file: round trips, safe opening, crashes, undo, forgetting.

mod crash;
mod derived;
mod forget;
mod open;
mod people;
mod round_trip;
mod sources;

use std::path::Path;
use std::process::{Command, Output};

use infralock::model::{Addr, ImportId, ImportRow, Record, RecordKind, Timestamp, Untrusted};
use infralock::store::{ImportKey, Item, Store};

/// A moment for what the tests do.
pub fn now() -> Timestamp {
    "2026-06-05T03:12:44Z".parse().unwrap()
}

pub fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

/// A failed log-in.
pub fn login(from: &str, user: &str) -> Record {
    Record {
        ts: Some(now()),
        src: Some(addr(from)),
        user: Some(Untrusted::new(user)),
        line: Some(1),
        ..Record::new(RecordKind::Auth, ImportId(0))
    }
}

/// A case with one import of these items.
pub fn case(path: &Path, items: &[Item]) -> (Store, ImportKey) {
    let mut store = Store::create(path, now()).unwrap();
    let key = import(&mut store, "auth.log", items);
    (store, key)
}

/// Imports these items as a file of this name.
pub fn import(store: &mut Store, name: &str, items: &[Item]) -> ImportKey {
    let realm = store.realm(&"site".into()).unwrap();
    let row = ImportRow { import: name.into(), path: name.into(), ..ImportRow::default() };
    let key = store.begin_import(&row, Some(realm), now()).unwrap();
    let admitted = |item: &Item| store.admit(key, item.clone()).unwrap();
    let admitted: Vec<Item> = items.iter().filter_map(admitted).collect();
    store.add(key, &admitted).unwrap();
    let sha256 = Some(format!("{:064x}", key.0));
    store.finish_import(key, &ImportRow { sha256, ..row }).unwrap();
    key
}

/// A triage of a case is a triage of its files, to the same byte: while it is made, from the case
/// alone, and when the files are given again.
#[test]
fn a_case_gives_what_its_files_gave() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("a.infralock");
    let case = case.to_str().unwrap();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let shop = shop.to_str().unwrap();
    let fields = |text: &str| -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["totals"]["elapsed_secs"] = serde_json::Value::Null;
        value
    };
    let direct = infralock(&["triage", shop, "--json"]);
    let direct = fields(&text(&direct.stdout));
    for arguments in [
        &["triage", shop, "--case", case, "--json"][..],
        &["triage", "--case", case, "--json"],
        &["triage", shop, "--case", case, "--json"],
    ] {
        let output = infralock(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(fields(&text(&output.stdout)) == direct, "{arguments:?}");
    }
    for (command, more) in
        [("flows", &["--ndjson"][..]), ("records", &["--ndjson"]), ("detections", &["--ndjson"])]
    {
        let files = infralock(&[&[command, shop], more].concat());
        let stored = infralock(&[&[command, "--case", case], more].concat());
        assert!(!files.stdout.is_empty());
        assert!(files.stdout == stored.stdout, "{command}");
    }
    let bad = direct["hosts"][0]["addr"].as_str().unwrap();
    let files = infralock(&["explain", bad, shop, "--json"]);
    let stored = infralock(&["explain", bad, "--case", case, "--json"]);
    assert!(files.stdout == stored.stdout && !files.stdout.is_empty());
    let led = text(&infralock(&["explain", bad, "--case", case]).stdout);
    assert!(led.contains("--case ") && led.contains("a.infralock"), "{led}");

    let verified = infralock(&["case", "verify", case]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    let info: serde_json::Value =
        serde_json::from_slice(&infralock(&["case", "info", case, "--json"]).stdout).unwrap();
    assert_eq!(info["flows"], direct["totals"]["flows"]);
    assert_eq!(info["location_events"], 0, "no source places these addresses");
    let own = Path::new(shop).join("context/geofeed.csv");
    infralock(&["triage", shop, "--case", case, "--geofeed", own.to_str().unwrap(), "--json"]);
    let info: serde_json::Value =
        serde_json::from_slice(&infralock(&["case", "info", case, "--json"]).stdout).unwrap();
    assert!(info["location_events"].as_u64().unwrap() > 0, "now one does");
    assert!(info["audit"].as_u64().unwrap() > 0, "what was imported is written down");
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    assert!(infralock(&["case", "export", case, "--out", out]).status.success());
    let again = infralock(&["case", "export", case, "--out", out]);
    assert!(text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
    let flows = std::fs::read(Path::new(out).join("flows.ndjson")).unwrap();
    assert!(flows == infralock(&["flows", shop, "--ndjson"]).stdout);

    let forgotten = infralock(&["case", "forget", case, bad, "--json"]);
    assert!(forgotten.status.success(), "{}", text(&forgotten.stderr));
    let left = infralock(&["triage", "--case", case, "--json"]);
    assert!(!text(&left.stdout).contains(&format!("\"{bad}\"")));
    std::fs::write(case, "no case").unwrap();
    assert_eq!(infralock(&["case", "verify", case]).status.code(), Some(3));
    assert_eq!(infralock(&["case", "info", case]).status.code(), Some(1));
    assert_eq!(infralock(&["case", "forget", case, "nobody"]).status.code(), Some(2));
}

/// What was done to a case can be read, newest first, and is counted.
#[test]
fn the_log_of_a_case_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("a.infralock");
    let case = case.to_str().unwrap();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    infralock(&["triage", shop.to_str().unwrap(), "--case", case, "--json"]);
    let info: serde_json::Value =
        serde_json::from_slice(&infralock(&["case", "info", case, "--json"]).stdout).unwrap();
    assert!(info["audit"].as_u64().unwrap() > 1);
    let verified = infralock(&["case", "verify", case, "--json"]);
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["commands"], info["audit"]);
    let log: serde_json::Value =
        serde_json::from_slice(&infralock(&["case", "log", case, "--json"]).stdout).unwrap();
    assert_eq!(log["commands"], info["audit"]);
    assert!(log["log"][0]["what"].as_str().unwrap().starts_with("import "), "{log}");
    let kept = infralock(&["case", "retain", case, "--places-days", "30", "--json"]);
    assert_eq!(text(&kept.stdout).trim(), r#"{"location_events_deleted":0}"#);
    assert_eq!(infralock(&["case", "retain", case]).status.code(), Some(2), "how long?");
    let newest = text(&infralock(&["case", "log", case, "--top", "1"]).stdout);
    assert!(newest.contains(" UTC  import ") && newest.contains("older command"), "{newest}");
}

/// Runs our program.
pub fn infralock(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_infralock"))
        .env("INFRALOCK_FEEDS", crate::program::NO_FEEDS)
        .args(arguments)
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
