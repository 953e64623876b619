//! The JSON that others rely on has the keys, types and orders that INTERFACE promises.

use infralock::model::Timestamp;
use serde_json::Value;

use crate::program;

/// One object: `key type` a line. `?` allows `null`, `[type]` is an array,
/// `{Name}` another object of [`OBJECTS`].
const OBJECTS: &[(&str, &str)] = &[
    (
        "Triage",
        "tool {Tool}\npartial bool\nnow time\nnotes [text]\nimports [{Import}]\n\
         totals {Totals}\nhosts [{Host}]\nprefixes [{Listed}]\ndetections [{Detection}]",
    ),
    ("Tool", "name text\nversion text\nprofile text\nimage {Image}"),
    ("Image", "built time?\nsources [{Source}]\nfeeds [{Feed}]"),
    ("Feed", "id text\ndate text?\nsha256 text"),
    ("Source", "id text\ndate text?"),
    (
        "Import",
        "import text\nrealm text\npath text\nformat text?\nsha256 text?\nbytes int\npackets int\n\
         records int\nfirst_seen time?\nlast_seen time?\nassumed object\nproblems [{Problem}]",
    ),
    ("Problem", "place text\nwhat text\ncount int"),
    (
        "Totals",
        "hosts int\npublic_hosts int\nspoofed_hosts int\nflows int\npackets int\nbytes int\n\
         detections int\nelapsed_secs number",
    ),
    (
        "Host",
        "addr addr\nrealm text?\nmine bool\nscore number\nband text\nmalice number\n\
         anonymity number\nevidence_amount number\nevidence [{Evidence}]\nplace {Place}?\n\
         asn int?\nas_name text?\nprefix text?\nkinds [text]\nlists [{List}]\nnames [{Name}]\n\
         first_seen time?\nlast_seen time?\nflows int\npackets int\nbytes_in int\nbytes_out int\n\
         roles [text]",
    ),
    (
        "Evidence",
        "id text\nsource text\ngroup text?\ncontribution number\nx number\nllr number?\n\
         weight number?\ndecay number?\ncounted bool\ncount int?\nfirst_seen time?\n\
         last_seen time?\nwhat text?\nrefs [ref]",
    ),
    (
        "Place",
        "lat number?\nlon number?\nradius_km number?\nconfidence number?\ncity text?\n\
         region text?\ncountry_code text?\ngranularity text?\nnote text?\ncandidates [{Candidate}]",
    ),
    (
        "Candidate",
        "city text?\ncountry_code text?\nlat number?\nlon number?\nweight number\nsources [text]",
    ),
    ("List", "id text\nsince time?"),
    ("Name", "name text\nsource text\nfirst_seen time?"),
    ("Listed", "prefix text\nimport text\nline int"),
    (
        "Detection",
        "detector text\nsubject addr\nsubject_realm text?\nsubject_role text\npeers [addr]\n\
         peer_count int\nports [int]\nseverity int\nconfidence number\nbasis text\n\
         succeeded bool?\nfirst_seen time?\nlast_seen time?\ncount int\nattack [text]\nwhat text\n\
         refs [ref]\ndetails object",
    ),
    (
        "Flow",
        "ts time\nuid uid\nid.orig_h addr\nid.orig_p int\nid.resp_h addr\nid.resp_p int\n\
         proto text\nservice text?\nduration number?\norig_bytes int?\nresp_bytes int?\n\
         conn_state text\nmissed_bytes int\nhistory text?\norig_pkts int\norig_ip_bytes int\n\
         resp_pkts int\nresp_ip_bytes int\ntunnel_parents [uid]\nvlan int?\ninner_vlan int?\n\
         community_id text?\nja3 text?\nja3s text?\nja4 text?\nhassh text?\nhassh_server text?\n\
         sni text?\nalpn text?\nserver_name text?\nuser_agent text?\nos_guess text?\napps [text]\n\
         import text",
    ),
    (
        "Record",
        "ts time?\nkind text\nservice text?\noutcome text?\nsrc addr?\nsrc_port int?\ndst addr?\n\
         dst_port int?\nsrc_name text?\ndst_name text?\nuser text?\nmethod text?\nhost text?\n\
         path text?\nquery text?\nstatus int?\nuser_agent text?\nbytes int?\nline int?\nuid uid?\n\
         import text\ndetails object",
    ),
];

/// Says how `value` departs from an object of [`OBJECTS`].
fn check_object(name: &str, value: &Value, path: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return vec![format!("{path}: no object")] };
    let (_, lines) = OBJECTS.iter().find(|(known, _)| *known == name).unwrap();
    let mut wrong = Vec::new();
    let mut keys = Vec::new();
    for line in lines.lines() {
        let (key, kind) = line.trim().split_once(' ').unwrap();
        keys.push(key);
        match object.get(key) {
            Some(inner) => wrong.extend(check(kind, inner, &format!("{path}.{key}"))),
            None => wrong.push(format!("{path}: lacks {key}")),
        }
    }
    let unknown = object.keys().filter(|key| !keys.contains(&key.as_str()));
    wrong.extend(unknown.map(|key| format!("{path}: {key} is not in the schema")));
    wrong
}

fn check(kind: &str, value: &Value, path: &str) -> Vec<String> {
    if let Some(kind) = kind.strip_suffix('?') {
        return if value.is_null() { Vec::new() } else { check(kind, value, path) };
    }
    if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        let Some(items) = value.as_array() else { return vec![format!("{path}: no array")] };
        let each = items.iter().enumerate();
        return each.flat_map(|(at, item)| check(inner, item, &format!("{path}[{at}]"))).collect();
    }
    if let Some(name) = kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')) {
        return check_object(name, value, path);
    }
    let text = value.as_str().unwrap_or_default();
    let right = match kind {
        "bool" => value.is_boolean(),
        "int" => value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        // Unknown is null, never an empty word or "unknown".
        "text" => {
            let blank_allowed = path.ends_with(".place");
            value.is_string() && text != "unknown" && (!text.is_empty() || blank_allowed)
        }
        "time" => text.len() == 30 && text.ends_with('Z') && text.parse::<Timestamp>().is_ok(),
        "addr" => text.parse::<std::net::IpAddr>().is_ok_and(|addr| addr.to_string() == text),
        "uid" => infralock::model::Uid::parse(text).is_some(),
        "ref" => ["flow:C", "record:", "detection:"].iter().any(|start| text.starts_with(start)),
        other => panic!("{other}: no such type"),
    };
    if right { Vec::new() } else { vec![format!("{path}: {value} is no {kind}")] }
}

fn lines(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn triage_json_is_as_promised() {
    let output = program::on_the_shop(&["triage"], &["--json"]);
    assert!(output.status.success(), "{}", program::complained(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wrong = check_object("Triage", &document, "triage");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for host in document["hosts"].as_array().unwrap() {
        let tenths = |value: &Value| (value.as_f64().unwrap() * 10.0).round() as i64;
        let sum: i64 = host["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| tenths(&row["contribution"]))
            .sum();
        assert_eq!(sum, tenths(&host["score"]), "{}", host["addr"]);
    }
}

#[test]
fn other_lines_are_as_promised() {
    for (command, object, context) in
        [("flows", "Flow", false), ("records", "Record", true), ("detections", "Detection", true)]
    {
        let output = match context {
            true => program::on_the_shop(&[command], &["--ndjson"]),
            false => program::run(&[command, &program::shop("capture.pcap"), "--ndjson"]),
        };
        assert!(output.status.success(), "{command}: {}", program::complained(&output));
        let said = program::said(&output);
        assert!(said.lines().count() > 3, "{command} says too little");
        for line in lines(&said) {
            let wrong = check_object(object, &line, command);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
    let output = program::on_the_shop(&["triage"], &["--ndjson"]);
    for line in lines(&program::said(&output)) {
        assert_eq!(check_object("Host", &line, "host"), Vec::<String>::new());
    }
}

#[test]
fn hosts_stand_in_their_order() {
    let output = program::on_the_shop(&["triage"], &["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hosts = document["hosts"].as_array().unwrap();
    for pair in hosts.windows(2) {
        let score = |host: &Value| host["score"].as_f64().unwrap();
        assert!(score(&pair[0]) >= score(&pair[1]), "{} {}", pair[0]["addr"], pair[1]["addr"]);
    }
    let severities: Vec<u64> = document["detections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detection| detection["severity"].as_u64().unwrap())
        .collect();
    assert!(severities.is_sorted_by(|a, b| a >= b));
}
