//! Hand-over: the same bytes for the same hosts, and no text of a stranger ever breaks out.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hashbrown::HashSet;
use infralock::export::handover::{FORMATS, Format, Handed, Tlp};
use infralock::export::{BaseMap, DetectionRow, HostRow, ListRow, ListedRow, NameRow, TriageHead};
use infralock::model::{SubjectRole, Untrusted, is_deceptive};
use proptest::prelude::*;
use serde_json::Value;

use crate::report::{HOSTILE, Tags, detection, head, host, night, place};

/// Two prefixes, one of them twice, a range, and what no list should hold.
fn listed() -> Vec<ListedRow> {
    let row = |prefix: &str| ListedRow { prefix: prefix.into(), import: "list".into(), line: 1 };
    let texts = [
        "192.0.2.0/25",
        "2001:db8:1::/48",
        "192.0.2.0/25",
        "198.51.100.4-198.51.100.9",
        "} drop #",
    ];
    texts.map(row).into_iter().chain([row("198.51.100.128/25")]).collect()
}

struct Given {
    tlp: Tlp,
    head: TriageHead,
    hosts: Vec<HostRow>,
    detections: Vec<DetectionRow>,
    listed: Vec<ListedRow>,
}

impl Given {
    fn night() -> Self {
        let mut hosts = night();
        // The same address in another realm, an attacked server, and one the analyst owns.
        hosts.push(HostRow { realm: Some("day".into()), mine: false, ..hosts[3].clone() });
        hosts.push(HostRow { mine: true, ..host("198.51.100.200", 88.0, 0.9, None) });
        hosts[1].roles = vec!["responder"];
        let target = detection("flood.syn", "198.51.100.72", 20, None);
        let detections = vec![
            detection("bruteforce.ssh", "203.0.113.70", 10, Some(true)),
            DetectionRow { subject_role: SubjectRole::Target, attack: vec!["T1498"], ..target },
        ];
        let head = head(hosts.len() as u64, 2);
        Self { tlp: Tlp::Amber, head, hosts, detections, listed: listed() }
    }

    fn written(&self, format: &Format) -> String {
        let mut out = Vec::new();
        let handed = Handed {
            tlp: self.tlp,
            head: &self.head,
            count: self.hosts.len() as u64,
            hosts: Box::new(self.hosts.iter().cloned()),
            detections: Box::new(self.detections.iter().cloned()),
            prefixes: &self.listed,
            base: BaseMap { land: &[], lakes: &[], borders: &[] },
        };
        (format.write)(&mut out, handed).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn by_id(&self, id: &str) -> String {
        self.written(Format::find(id).unwrap())
    }
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/handover")
}

#[test]
fn the_same_night_gives_the_same_files() {
    let given = Given::night();
    for format in FORMATS {
        let written = given.written(format);
        let path = cases().join(format.id).join(format!("expected.{}", format.extension));
        if std::env::var_os("INFRALOCK_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &written).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == expected, "{} changed: look at it, then bless it", format.id);
    }
}

#[test]
fn every_format_carries_every_marking() {
    for tlp in Tlp::ALL {
        let given = Given { tlp, ..Given::night() };
        for format in FORMATS {
            let written = given.written(format);
            let marked = written.contains(tlp.label()) || written.contains(tlp.tag());
            assert!(marked, "{} without {}", format.id, tlp.label());
            let others = Tlp::ALL.iter().filter(|other| **other != tlp);
            for other in others {
                // AMBER+STRICT contains AMBER.
                let longer = tlp.label().starts_with(other.label());
                assert!(longer || !written.contains(other.label()), "{}", format.id);
            }
        }
    }
}

#[test]
fn lists_hold_each_address_once_and_prefixes_by_their_numbers() {
    let given = Given::night();
    let lines: Vec<String> = given.by_id("list").lines().map(str::to_owned).collect();
    let entries: Vec<&String> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(entries.len(), 6 + 5, "{entries:?}");
    let defanged = given.by_id("defanged");
    assert!(defanged.contains("203[.]0[.]113[.]70\n") && defanged.contains("192[.]0[.]2[.]0/25"));
    // What is handed over can be opened again.
    for (line, shown) in entries.iter().zip(defanged.lines().filter(|l| !l.starts_with('#'))) {
        let read = infralock::model::query::parse(shown).unwrap();
        assert_eq!(read, infralock::model::query::parse(line).unwrap());
    }
}

fn objects(bundle: &str) -> Vec<Value> {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    assert_eq!(bundle["type"], "bundle");
    bundle["objects"].as_array().unwrap().clone()
}

/// The rules of STIX 2.1 that can be told without its schemas.
fn check_stix(bundle: &str, tlp: Tlp) -> Vec<Value> {
    let objects = objects(bundle);
    let mut ids = HashSet::new();
    for object in &objects {
        let (id, kind) = (object["id"].as_str().unwrap(), object["type"].as_str().unwrap());
        let (named, uuid) = id.split_once("--").unwrap();
        assert_eq!(named, kind);
        assert!(uuid.len() == 36 && uuid.as_bytes()[14].is_ascii_digit(), "{id}");
        assert_eq!(object["spec_version"], "2.1");
        assert!(ids.insert(id.to_owned()), "{id} twice");
        if !matches!(kind, "identity" | "marking-definition") {
            let marking = object["object_marking_refs"][0].as_str().unwrap();
            assert!(ids.contains(marking), "{id} is not marked");
        }
    }
    assert_eq!(objects[0]["name"], tlp.label());
    for object in &objects {
        for (key, value) in object.as_object().unwrap() {
            let refs: Vec<&Value> = match key {
                key if key.ends_with("_refs") => value.as_array().unwrap().iter().collect(),
                key if key.ends_with("_ref") => vec![value],
                _ => continue,
            };
            for id in refs {
                assert!(ids.contains(id.as_str().unwrap()), "{key} names {id}, which is not there");
            }
        }
    }
    objects
}

#[test]
fn a_bundle_has_what_it_names_and_indicators_only_for_the_high_ones_of_others() {
    let given = Given::night();
    let objects = check_stix(&given.by_id("stix"), given.tlp);
    let of = |kind: &str| -> Vec<&Value> {
        objects.iter().filter(|object| object["type"] == kind).collect()
    };
    let names: Vec<&str> =
        of("indicator").iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["203.0.113.70", "198.51.100.72"]);
    assert_eq!(of("ipv4-addr").len() + of("ipv6-addr").len(), 6 + 5);
    assert_eq!(of("autonomous-system").len(), 1, "an AS once, however many hosts");
    let techniques: Vec<&Value> = of("attack-pattern");
    assert_eq!(techniques.len(), 1, "what was done to a host is not its technique");
    assert_eq!(techniques[0]["external_references"][0]["external_id"], "T1110");
    for seen in of("observed-data") {
        assert!(seen["first_observed"].as_str() <= seen["last_observed"].as_str());
    }
    let empty = Given { hosts: vec![], listed: vec![], detections: vec![], ..given };
    assert_eq!(check_stix(&empty.by_id("stix"), empty.tlp).len(), 2);
}

#[test]
fn a_misp_event_warns_of_others_and_tells_how_bad_it_is() {
    let given = Given::night();
    let event: Value = serde_json::from_str(&given.by_id("misp")).unwrap();
    let event = &event["Event"];
    assert_eq!((&event["threat_level_id"], &event["published"]), (&"1".into(), &false.into()));
    assert_eq!(event["Tag"][0]["name"], "tlp:amber");
    let attributes = event["Attribute"].as_array().unwrap();
    let warned: Vec<&str> = attributes
        .iter()
        .filter(|attribute| attribute["to_ids"] == true)
        .map(|attribute| attribute["value"].as_str().unwrap())
        .collect();
    assert_eq!(warned, ["203.0.113.70", "198.51.100.72"]);
    let kind = |value: &str| {
        let found = attributes.iter().find(|attribute| attribute["value"] == value);
        found.unwrap()["type"].as_str().unwrap().to_owned()
    };
    assert_eq!((kind("203.0.113.70"), kind("198.51.100.72")), ("ip-src".into(), "ip-dst".into()));
    let uuids: HashSet<&str> =
        attributes.iter().map(|attribute| attribute["uuid"].as_str().unwrap()).collect();
    assert_eq!(uuids.len(), attributes.len());
    let quiet = Given { hosts: vec![host("192.0.2.14", 0.5, 0.0, None)], ..given };
    let event: Value = serde_json::from_str(&quiet.by_id("misp")).unwrap();
    assert_eq!(event["Event"]["threat_level_id"], "4");
}

/// The packet filter itself reads what we write; without it this says so and checks the rest.
#[test]
fn nft_takes_the_sets_and_never_the_analysts_own_hosts() {
    let given = Given::night();
    let with_prefixes = given.by_id("nftables");
    assert!(!with_prefixes.contains("198.51.100.200"), "the analyst's own host is not blocked");
    assert!(!with_prefixes.contains("198.51.100.128/25"), "nor by a prefix around it");
    assert!(with_prefixes.contains("left out: 2") && with_prefixes.contains("auto-merge"));
    let plain = Given { listed: vec![], ..Given::night() }.by_id("nftables");
    assert!(!plain.contains("interval"));
    let empty = Given { listed: vec![], hosts: vec![], ..given }.by_id("nftables");
    for text in [with_prefixes, plain, empty] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &text).unwrap();
        let checked = Command::new("nft").arg("-c").arg("-f").arg(file.path()).output();
        match checked {
            Err(error) => println!("nft is not here ({error}): its own check is left out"),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                // Whoever may not look at the machine's rules cannot check either.
                assert!(
                    output.status.success() || said.contains("not permitted"),
                    "{said}\n{text}"
                );
            }
        }
    }
}

/// A night in which every field that a stranger can write says `text`.
fn hostile(text: &str) -> Given {
    let foreign = Untrusted::new(text);
    let mut bad = host("203.0.113.9", 93.0, 0.9, Some(place(text, text, (-1.0, 2.0), 40.0)));
    bad.realm = Some(foreign.clone());
    bad.as_name = Some(foreign.clone());
    bad.names = vec![NameRow { name: foreign.clone(), source: "http", first_seen: None }; 3];
    bad.lists = vec![ListRow { id: text.into(), since: None }];
    bad.evidence[1].row.id = Cow::Owned(text.into());
    bad.evidence[1].row.what = Some(text.into());
    bad.evidence[1].refs = vec![text.into()];
    let mut what = detection("bruteforce.ssh", "203.0.113.9", 3, Some(true));
    (what.detector, what.what) = (text.into(), text.into());
    what.subject_realm = Some(foreign.clone());
    let mut head = head(1, 1);
    head.tool.profile = text.into();
    head.imports[0].import = foreign.clone();
    head.imports[0].sha256 = None;
    let listed = vec![ListedRow { prefix: text.into(), import: foreign, line: 1 }];
    Given { tlp: Tlp::Red, head, hosts: vec![bad], detections: vec![what], listed }
}

/// No format gives a hostile text any power; returns a sentence where one does.
fn check_hostile(text: &str) -> Result<(), TestCaseError> {
    let given = hostile(text);
    for format in FORMATS {
        let written = given.written(format);
        let tricks = written.chars().find(|&c| is_deceptive(c) && !matches!(c, '\n' | '\t' | '\r'));
        prop_assert!(tricks.is_none(), "{}: {tricks:?}", format.id);
        match format.id {
            "list" | "defanged" | "nftables" => {
                for line in written.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
                    let own = line.chars().all(|c| c.is_ascii_graphic() || c == ' ');
                    prop_assert!(own, "{}: {line}", format.id);
                }
                let (entries, lines) = match format.id {
                    "nftables" => (1, 18),
                    _ => (1, 3),
                };
                let entry = written.lines().filter(|line| line.trim().starts_with("203"));
                prop_assert_eq!(entry.count(), entries);
                prop_assert_eq!(written.lines().count(), lines, "{}", written);
                if format.id == "nftables" {
                    let comment = written.lines().filter(|line| line.contains("profile "));
                    prop_assert!(comment.into_iter().all(|line| line.starts_with("# ")));
                }
            }
            "csv" => check_csv(&written)?,
            "stix" => {
                let objects = check_stix(&written, given.tlp);
                let of = |kind: &str| objects.iter().find(|object| object["type"] == kind);
                prop_assert_eq!(
                    of("indicator").unwrap()["pattern"].as_str(),
                    Some("[ipv4-addr:value = '203.0.113.9']")
                );
                let named = of("autonomous-system").unwrap()["name"].as_str().unwrap();
                prop_assert!(named == Untrusted::new(text).raw(), "{}", named);
            }
            "json" | "misp" => {
                let parsed: Value = serde_json::from_str(&written).unwrap();
                let rows = &parsed[if format.id == "json" { "hosts" } else { "Event" }];
                prop_assert!(rows.is_array() || rows["Attribute"].as_array().unwrap().len() == 1);
            }
            _ => {
                let tags = Tags::of(&written);
                let scripts = tags.tags.iter().filter(|(name, _)| name == "script").count();
                prop_assert_eq!(scripts, 1);
                let handlers =
                    tags.tags.iter().flat_map(|(_, attributes)| attributes).any(|(name, _)| {
                        name.starts_with("on") || name == "src" || name == "style"
                    });
                prop_assert!(!handlers, "{}", text);
            }
        }
    }
    Ok(())
}

fn check_csv(written: &str) -> Result<(), TestCaseError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    prop_assert_eq!(rows.len(), 2);
    for cell in rows.iter().flatten() {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        prop_assert!(!formula || cell.parse::<f64>().is_ok(), "{}", cell);
    }
    prop_assert_eq!(&rows[1][0], "TLP:RED");
    Ok(())
}

#[test]
fn known_tricks_do_nothing() {
    let more = [
        "=HYPERLINK(\"https://example.net\")",
        "@SUM(1)\r\n+1",
        "\n203.0.113.1\n",
        "}\n}\nflush ruleset\n",
        "198.51.100.0/24 comment \"",
        "' OR ipv4-addr:value LIKE '%",
        "\",\"to_ids\":false,\"x\":\"",
        "# \\",
    ];
    for text in HOSTILE.iter().chain(&more) {
        check_hostile(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_out(
        text in "[\"'=+@\t\r\n{};#,<>&\\\\\u{202e}\u{1b}a-c0-1 /:-]{0,40}|\\PC{0,40}",
    ) {
        check_hostile(&text)?;
    }
}
