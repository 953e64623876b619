//! Own feeds through the whole program: kept, heard, shown, forgotten. Nothing outside a temporary
//! folder is touched.
#![cfg(feature = "bundled-data")]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program::{complained, infralock, said};

/// A folder for feeds, and files beside it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn shelf(&self) -> std::path::PathBuf {
        self.0.path().join("feeds")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        infralock(arguments).env("INFRALOCK_FEEDS", self.shelf()).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", complained(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn known(&self, addr: &str) -> Value {
        self.json(&["lookup", addr, "--ndjson"])
    }
}

fn ids(row: &Value) -> Vec<&str> {
    row["lists"].as_array().unwrap().iter().map(|list| list["id"].as_str().unwrap()).collect()
}

#[test]
fn a_feed_is_previewed_kept_heard_and_forgotten() {
    let home = Home::new();
    let list = home.file("lists/bad.txt", "# Updated: 2026-06-05\n192.0.2.7\n192.0.2.x\n");
    let shown = home.json(&["data", "add", &list, "--kind", "hostile", "--preview", "--json"]);
    assert_eq!((&shown["kept"], &shown["entries"]["v4"]), (&false.into(), &1.into()));
    assert_eq!(shown["problems"][0]["place"], ":3");
    assert!(!home.shelf().exists(), "a preview keeps nothing");
    assert_eq!(ids(&home.known("192.0.2.7")), Vec::<&str>::new());

    let add = ["data", "add", &list, "--kind", "hostile", "--half-life", "30d", "--group", "lists"];
    let kept = home.run(&add);
    assert!(kept.status.success(), "{}", complained(&kept));
    assert!(said(&kept).contains("bad: hostile, plain, 2026-06-05 (feed)"), "{}", said(&kept));
    assert_eq!(ids(&home.known("192.0.2.7")), ["feed.bad"]);
    assert_eq!(home.run(&add).status.code(), Some(1), "it is there already");

    let status = home.json(&["data", "status", "--json"]);
    let row = status.as_array().unwrap().iter().find(|row| row["id"] == "feed.bad").unwrap();
    assert_eq!((&row["date"], &row["rows"]), (&"2026-06-05".into(), &1.into()));
    assert_eq!(
        (&row["feed"]["half_life_days"], &row["feed"]["group"]),
        (&30.0.into(), &"lists".into())
    );
    assert!(status[0]["feed"].is_null(), "what is shipped is no own feed");
    assert!(said(&home.run(&["data", "status"])).contains("feed.bad"));

    let explained = home.json(&["explain", "192.0.2.7", "--json", "--at", "2026-07-05"]);
    let text = explained.to_string();
    assert!(text.contains("list.feed.bad") && text.contains("as of 2026-06-05"), "{text}");
    // Thirty days are one half-life of its own, and the group is its own too.
    let evidence = find(&explained, "list.feed.bad").unwrap();
    assert!((evidence["decay"].as_f64().unwrap() - 0.5).abs() < 1e-9, "{evidence}");
    assert_eq!(evidence["group"], "lists");
    let without = home.run(&["explain", "192.0.2.7", "--json", "--no-feeds"]);
    assert!(!said(&without).contains("feed.bad"));

    let triage = home.json(&["triage", &list, "--json"]);
    let feed = &triage["tool"]["image"]["feeds"][0];
    assert_eq!((&feed["id"], &feed["date"]), (&"feed.bad".into(), &"2026-06-05".into()));

    assert!(home.run(&["data", "remove", "bad"]).status.success());
    assert_eq!(ids(&home.known("192.0.2.7")), Vec::<&str>::new());
    assert_eq!(home.run(&["data", "remove", "bad"]).status.code(), Some(1));
}

/// The object whose `id` this is.
fn find<'v>(value: &'v Value, id: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) if map.get("id").is_some_and(|it| it == id) => Some(value),
        Value::Object(map) => map.values().find_map(|value| find(value, id)),
        Value::Array(items) => items.iter().find_map(|value| find(value, id)),
        _ => None,
    }
}

#[test]
fn places_and_owners_come_from_feeds_too() {
    let home = Home::new();
    let sites =
        home.file("sites.csv", "prefix,country,city,lat,lon\n192.0.2.0/24,NO,Oslo,59.9,10.8\n");
    let owners = home.file("owners.csv", "192.0.2.0/24,AS64500,Example Net\n");
    let tor =
        home.file("exit-addresses", "ExitNode 00\nExitAddress 192.0.2.7 2026-06-05 02:30:00\n");
    for path in [&sites, &owners, &tor] {
        let output = home.run(&["data", "add", path]);
        assert!(output.status.success(), "{path}: {}", complained(&output));
    }
    let row = home.known("192.0.2.7");
    assert_eq!((&row["asn"], &row["as_name"]), (&64_500.into(), &"Example Net".into()));
    assert_eq!((&row["place"]["city"], &row["place"]["lat"]), (&"Oslo".into(), &59.9.into()));
    assert_eq!(row["kinds"], serde_json::json!(["tor"]));
}

#[test]
fn a_case_is_judged_with_the_feeds_of_whoever_opens_it() {
    let home = Home::new();
    let log = home.file("list.txt", "192.0.2.7\n");
    let bad = home.file("bad.txt", "192.0.2.7\n");
    let case = home.0.path().join("a.infralock");
    let case = case.to_str().unwrap();
    home.json(&["triage", &log, "--case", case, "--json"]);
    home.run(&["data", "add", &bad, "--kind", "hostile"]);
    let with = home.json(&["triage", "--case", case, "--json"]);
    assert!(find(&with, "list.feed.bad").is_some());
    let without = home.json(&["triage", "--case", case, "--json", "--no-feeds"]);
    assert!(find(&without, "list.feed.bad").is_none());
}

#[test]
fn feeds_that_cannot_be_read_are_told_and_the_others_speak() {
    let home = Home::new();
    for name in ["one", "two"] {
        let path = home.file(&format!("{name}.txt"), &format!("192.0.2.7 {name}\n"));
        assert!(home.run(&["data", "add", &path, "--kind", "hostile"]).status.success());
    }
    let status = home.json(&["data", "status", "--json"]);
    let one = status.as_array().unwrap().iter().find(|row| row["id"] == "feed.one").unwrap();
    let bytes = home.shelf().join(format!("{}.zst", one["feed"]["sha256"].as_str().unwrap()));
    fs::write(&bytes, b"damaged").unwrap();
    let output = home.run(&["lookup", "192.0.2.7", "--ndjson"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ids(&row), ["feed.two"]);
    assert!(complained(&output).contains("the feed one cannot be read"), "{}", complained(&output));
    assert_eq!(home.run(&["data", "status"]).status.code(), Some(3));
}

#[test]
fn nothing_is_fetched_but_by_https_from_public_addresses_and_only_when_told() {
    let home = Home::new();
    for (url, part) in [
        ("http://feeds.example/x", "https:// addresses alone"),
        ("https://127.0.0.1/x", "no public address"),
        ("https://169.254.169.254/latest", "no public address"),
    ] {
        let output = home.run(&["data", "add", url]);
        assert_eq!(output.status.code(), Some(1));
        assert!(complained(&output).contains(part), "{url}: {}", complained(&output));
    }
    let output = home.run(&["data", "update"]);
    assert!(complained(&output).contains("nothing is fetched"), "{}", complained(&output));
    // With feeds kept, every other command still opens no socket.
    let list = home.file("bad.txt", "192.0.2.7\n");
    home.run(&["data", "add", &list, "--kind", "hostile"]);
    for arguments in [vec!["lookup", "192.0.2.7", "--ndjson"], vec!["data", "status"]] {
        let mut command = infralock(&arguments);
        command.env("INFRALOCK_FEEDS", home.shelf());
        let (status, out, _) = crate::no_socket::run_without_network(&mut command);
        assert!(status.success() && out.contains("feed.bad"), "{arguments:?} {status:?}");
    }
}

#[test]
fn the_shipped_table_of_fields_is_printed() {
    let home = Home::new();
    assert!(said(&home.run(&["data", "fields"])).contains("[kinds]"));
}

/// Lists as they are published, where they lie beside the project: every line is an entry or told.
#[test]
fn published_lists_are_understood() {
    let Some(folder) = crate::corpora::find("feeds") else { return };
    let home = Home::new();
    for (path, kind, format) in [
        ("ipsum/ipsum.txt", "hostile", "plain"),
        ("x4bnet-vpn-datacenter/vpn/ipv4.txt", "vpn", "plain"),
        ("x4bnet-vpn-datacenter/datacenter/ipv6.txt", "hosting", "plain"),
        ("tor/exits-v6.txt", "tor", "plain"),
        ("oxl-risk-db/ip/kind_proxy.txt", "proxy", "plain"),
        ("oxl-risk-db/net/kind_hosting.txt", "hosting", "plain"),
        ("anycast/anycatch-v6-prefixes.txt", "anycast", "plain"),
    ] {
        let path = Path::new(&folder).join(path);
        let shown = home.json(&["data", "add", path.to_str().unwrap(), "--preview", "--json"]);
        let row = &shown["feed"];
        assert_eq!((&row["kind"], &row["format"]), (&kind.into(), &format.into()), "{path:?}");
        assert!(row["not_understood"].as_u64().unwrap() < 10, "{path:?}: {}", shown["problems"]);
        let lines = fs::read_to_string(&path).unwrap().lines().count() as u64;
        let entries = row["entries_v4"].as_u64().unwrap() + row["entries_v6"].as_u64().unwrap();
        assert!(entries + 12 >= lines, "{path:?}: {entries} entries of {lines} lines");
    }
}
