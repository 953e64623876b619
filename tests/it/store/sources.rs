//! The analyst's own sources in a case: kept, bounded, checked, forgotten line by line.

use infralock::model::limits::{KEPT_SOURCE_BYTES_MAX, KEPT_SOURCES_MAX};
use infralock::store::{NewSource, SourceKind, Store};
use rusqlite::Connection;

use super::{addr, infralock, now, text};

fn list<'a>(name: &'a str, content: &'a [u8]) -> NewSource<'a> {
    let (kind, meaning) = (SourceKind::List, Some("hostile"));
    NewSource { kind, name, meaning, path: "lists/bad.txt", content }
}

fn contents(store: &Store) -> Vec<(String, String)> {
    let read = |source: &infralock::store::StoredSource| {
        let content = store.source_content(source).unwrap().unwrap();
        (source.name.raw().to_owned(), text(&content))
    };
    store.own_sources().unwrap().iter().map(read).collect()
}

#[test]
fn a_source_is_kept_once_replaced_by_name_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    store.keep_source(&list("bad", b"192.0.2.1\n"), now()).unwrap();
    store.keep_source(&list("bad", b"192.0.2.1\n"), now()).unwrap();
    store.keep_source(&list("worse", b"192.0.2.1\n"), now()).unwrap();
    assert_eq!(store.own_sources().unwrap().len(), 2);
    store.keep_source(&list("bad", b"192.0.2.2\n"), now()).unwrap();
    let feed = |path, content| NewSource {
        kind: SourceKind::Geofeed,
        name: path,
        meaning: None,
        path,
        content,
    };
    store.keep_source(&feed("a/feed.csv", b"192.0.2.0/24,NL,,,\n"), now()).unwrap();
    store.keep_source(&feed("moved/feed.csv", b"192.0.2.0/24,NL,,,\n"), now()).unwrap();
    store.close().unwrap();
    let mut store = Store::open(&path).unwrap().store;
    let kept = contents(&store);
    let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["worse", "bad", "a/feed.csv"], "the newest last, the same content once");
    assert_eq!(kept[1].1, "192.0.2.2\n");
    let id = store.own_sources().unwrap()[0].id;
    store.remove_source(id, now()).unwrap();
    assert!(store.remove_source(id, now()).is_err());
    assert_eq!(store.info().unwrap().own_sources, 2);
    let newest = store.newest_commands(1).unwrap()[0].what.clone();
    assert_eq!(newest.raw(), "removal of own list worse");
}

/// What came with files is no deed: undo leaves it alone.
#[test]
fn settings_that_came_with_files_are_kept_and_not_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    for _ in 0..2 {
        store.keep_setting("mine", "192.0.2.0/24\n2001:db8::/32", now()).unwrap();
    }
    assert_eq!(store.undo(now()).unwrap(), None);
    assert_eq!(store.settings().unwrap()[0].1, "192.0.2.0/24\n2001:db8::/32");
    let log = store.audit_log().unwrap();
    let log: Vec<&str> = log.iter().map(|entry| entry.what.raw()).collect();
    assert_eq!(log, ["own networks: 192.0.2.0/24, 2001:db8::/32"], "written once");
}

#[test]
fn what_is_too_large_is_named_and_too_many_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    let fits = vec![b'x'; KEPT_SOURCE_BYTES_MAX];
    store.keep_source(&list("fits", &fits), now()).unwrap();
    let large = vec![b'x'; KEPT_SOURCE_BYTES_MAX + 1];
    store.keep_source(&list("large", &large), now()).unwrap();
    let sources = store.own_sources().unwrap();
    let kept: Vec<bool> = sources.iter().map(|source| source.is_kept).collect();
    assert_eq!(kept, [true, false]);
    assert_eq!(store.source_content(&sources[1]).unwrap(), None);
    assert_eq!(sources[1].bytes, large.len() as u64);
    for number in 2..KEPT_SOURCES_MAX {
        let name = format!("l{number}");
        store.keep_source(&list(&name, name.as_bytes()), now()).unwrap();
    }
    let error = store.keep_source(&list("one-more", b"x"), now()).unwrap_err();
    assert!(error.to_string().contains("100 own sources"), "{error}");
    store.keep_source(&list("l2", b"another text"), now()).unwrap();
}

/// A stranger's case that says one thing and holds another is refused when it is read, with a
/// sentence; nothing is unpacked beyond what it says.
#[test]
fn a_source_that_is_not_what_it_says_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    for (sql, said) in [
        ("UPDATE own_source SET sha256 = zeroblob(32)", "not what it was"),
        ("UPDATE own_source SET bytes = 3", "own list bad"),
        ("UPDATE own_source SET bytes = 99", "not what it was"),
        ("UPDATE own_source SET bytes = -1", "larger than a case keeps"),
        ("UPDATE own_source SET packed = x'00'", "own list bad"),
        ("UPDATE own_source SET packed = zeroblob(9000000)", "own list bad"),
    ] {
        let mut store = Store::create(&path, now()).unwrap();
        store.keep_source(&list("bad", b"192.0.2.1\n192.0.2.2\n"), now()).unwrap();
        store.close().unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let store = Store::open_read_only(&path).unwrap();
        let sources = store.own_sources();
        let read = sources.and_then(|all| store.source_content(&all[0]));
        let error = read.unwrap_err().to_string();
        assert!(error.contains(said), "{sql}: {error}");
        assert!(!store.verify().unwrap().wrong.is_empty(), "{sql}");
        drop(store);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_forgotten_address_leaves_the_lists_too_and_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    let content = b"192.0.2.1\r\n203.0.113.9 seen\nhost 203[.]0[.]113[.]9\n192.0.2.2";
    store.keep_source(&list("bad", content), now()).unwrap();
    store.forget(addr("203.0.113.9"), now()).unwrap();
    assert_eq!(contents(&store)[0].1, "192.0.2.1\r\n192.0.2.2");
    store.keep_source(&list("again", b"203.0.113.9\n192.0.2.3\n"), now()).unwrap();
    assert_eq!(contents(&store)[1].1, "192.0.2.3\n");
    assert_eq!(store.verify().unwrap().wrong, [""; 0]);
}

/// What a case was judged by is in it: opened again, after the files are gone, it gives the same.
#[test]
fn a_case_is_judged_alike_when_what_it_was_given_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("a.infralock");
    let case = case.to_str().unwrap();
    let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let copied = folder.path().join("context");
    std::fs::create_dir(&copied).unwrap();
    for name in ["crawlers.txt", "tor-relays.txt", "geofeed.csv", "as-table.csv"] {
        std::fs::copy(shop.join("context").join(name), copied.join(name)).unwrap();
    }
    let at = |name: &str| copied.join(name).to_str().unwrap().to_owned();
    let crawlers = format!("crawlers={}:crawler", at("crawlers.txt"));
    let tor = format!("tor-relays={}:tor", at("tor-relays.txt"));
    let (feed, table) = (at("geofeed.csv"), at("as-table.csv"));
    let log = shop.join("auth.log");
    let context = ["--mine", "192.0.2.0/24", "--list", &crawlers, "--list", &tor, "--geofeed"];
    let more = [&feed, "--as-table", &table, "--at", "2026-06-20", "--json"];
    let log = log.to_str().unwrap();
    let given = infralock(&[&["triage", log, "--case", case][..], &context, &more].concat());
    assert!(given.status.success(), "{}", text(&given.stderr));
    let json = |stdout: &[u8]| -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_slice(stdout).unwrap();
        value["totals"]["elapsed_secs"] = serde_json::Value::Null;
        value
    };
    let first = json(&given.stdout);
    assert_eq!(first["hosts"][0]["place"]["city"], "Sao Paulo");
    std::fs::remove_dir_all(&copied).unwrap();
    let again = infralock(&["triage", "--case", case, "--json"]);
    assert!(json(&again.stdout) == first, "{}", text(&again.stderr));
    let host = first["hosts"][0]["addr"].as_str().unwrap();
    let explained = infralock(&["explain", host, "--case", case]);
    assert!(text(&explained.stdout).contains("Sao Paulo"), "{}", text(&explained.stderr));
    let info = text(&infralock(&["case", "info", case]).stdout);
    assert!(info.contains("4 own lists and feeds that it keeps"), "{info}");

    // A list of the same name takes its place, for one look without files.
    let none = folder.path().join("none.txt");
    std::fs::write(&none, "").unwrap();
    let none = format!("crawlers={}:crawler", none.to_str().unwrap());
    let looked = infralock(&["triage", "--case", case, "--list", &none, "--json"]);
    assert!(looked.status.success());
    assert_eq!(text(&infralock(&["case", "info", case]).stdout), info, "nothing was changed");
}

/// A profile is kept too; `default`, said aloud, takes its place.
#[test]
fn a_case_keeps_its_profile_until_another_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("a.infralock");
    let case = case.to_str().unwrap();
    let profile = folder.path().join("mild.toml");
    let shipped = infralock::threat::profile::DEFAULT_TOML;
    let mild = shipped.replacen("prior = 0.005", "prior = 0.001", 1);
    assert_ne!(mild, shipped);
    std::fs::write(&profile, mild).unwrap();
    let log = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/auth.log");
    let log = log.to_str().unwrap();
    let score = |arguments: &[&str]| -> f64 {
        let output = infralock(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        value["hosts"][0]["score"].as_f64().unwrap()
    };
    let plain = score(&["triage", log, "--json"]);
    let profile = profile.to_str().unwrap();
    let mild = score(&["triage", log, "--case", case, "--profile", profile, "--json"]);
    assert!(mild < plain, "{mild} {plain}");
    std::fs::remove_file(profile).unwrap();
    assert_eq!(score(&["triage", "--case", case, "--json"]), mild);
    let looked = &["triage", "--case", case, "--profile", "default", "--json"];
    assert_eq!(score(looked), plain);
    assert_eq!(score(&["triage", "--case", case, "--json"]), mild, "a look changes nothing");
    score(&["triage", log, "--case", case, "--profile", "default", "--json"]);
    assert_eq!(score(&["triage", "--case", case, "--json"]), plain);
}
