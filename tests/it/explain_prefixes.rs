//! `infralock explain ADDR --prefixes`: the prefixes around an address, for people and as JSON.

use std::io::Write;

use serde_json::Value;

use crate::program::{run, said};

fn own_list() -> tempfile::NamedTempFile {
    let mut list = tempfile::Builder::new().suffix(".txt").tempfile().unwrap();
    list.write_all(b"192.0.2.0/26\n192.0.2.7\n").unwrap();
    list
}

#[test]
fn the_tree_names_each_source_and_what_won() {
    let list = own_list();
    let given = format!("ours={}:tor", list.path().display());
    let text = said(&run(&["explain", "192.0.2.9", "--prefixes", "--list", &given]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "192.0.2.9");
    let registry = lines.iter().position(|line| line.starts_with("192.0.2.0/24")).unwrap();
    let ours = lines.iter().position(|line| line.starts_with("└ 192.0.2.0/26")).unwrap();
    assert!(registry < ours, "the widest first: {text}");
    assert!(lines[ours].contains("ours") && lines[ours].contains("kind"), "{text}");
    assert!(text.contains("kind      tor by ours."), "{text}");
    assert!(text.contains("after     192.0.2.64-192.0.2.255: "), "{text}");
}

#[test]
fn the_json_is_one_object() {
    let list = own_list();
    let given = format!("ours={}:hostile", list.path().display());
    let args = ["explain", "192.0.2.9", "--prefixes", "--json", "--list", &given];
    let document: Value = serde_json::from_slice(&run(&args).stdout).unwrap();
    assert_eq!(document["addr"], "192.0.2.9");
    let said = document["said"].as_array().unwrap();
    let sources: Vec<&str> = said.iter().map(|row| row["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["iana", "ours"]);
    assert_eq!(said[0]["reserved"], "documentation");
    assert_eq!(said[1]["own"], true);
    assert_eq!(document["decided"], Value::Array(Vec::new()));
}

#[test]
fn nothing_but_an_address_is_explored() {
    let wrong = run(&["explain", "192.0.2.0/24", "--prefixes"]);
    assert_eq!(wrong.status.code(), Some(1));
    let both = run(&["explain", "192.0.2.1", "some.log", "--prefixes"]);
    assert_eq!(both.status.code(), Some(2), "of files, the score is asked");
}
