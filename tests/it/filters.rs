//! `--filter` on the shipped example: what it keeps is what the JSON says, and how a mistake is
//! shown.

use serde_json::Value;

use crate::program::{complained, on_the_shop, run, run_with, said, shop};

/// The objects of a command's NDJSON.
fn rows(command: &[&str], further: &[&str]) -> Vec<Value> {
    let mut options = vec!["--ndjson"];
    options.extend(further);
    let output = match command[0] {
        "flows" => {
            let capture = shop("capture.pcap");
            run(&[command, &[&capture], &options].concat())
        }
        _ => on_the_shop(command, &options),
    };
    said(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `--filter` keeps what `keep` keeps of all rows: some, and not all.
fn check(command: &str, filter: &str, keep: impl Fn(&Value) -> bool) {
    check_of(&rows(&[command], &[]), command, filter, keep);
}

fn check_of(all: &[Value], command: &str, filter: &str, keep: impl Fn(&Value) -> bool) {
    let wanted: Vec<&Value> = all.iter().filter(|row| keep(row)).collect();
    let found = rows(&[command], &["--filter", filter]);
    assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{command} --filter '{filter}'");
    assert!(!found.is_empty() && found.len() < all.len(), "{command} '{filter}': tests nothing");
}

#[test]
fn hosts_that_meet_a_filter_are_those_of_the_json() {
    let all = rows(&["triage"], &[]);
    let check = |filter: &str, keep: &dyn Fn(&Value) -> bool| {
        check_of(&all, "triage", filter, keep);
    };
    let number = |value: &Value| value.as_f64().unwrap();
    check("score >= 50", &|host| number(&host["score"]) >= 50.0);
    check("not mine and flows > 2", &|host| host["mine"] == false && number(&host["flows"]) > 2.0);
    check("country in {RO, br}", &|host| {
        ["RO", "BR"].contains(&host["place"]["country_code"].as_str().unwrap_or_default())
    });
    check("kind == tor || list == tor-relays", &|host| {
        host["kinds"].as_array().unwrap().iter().any(|kind| kind == "tor")
    });
    check("ip.addr == 192.0.2.0/24", &|host| {
        host["addr"].as_str().unwrap().starts_with("192.0.2.")
    });
    check("detector matches '^scan'", &|host| {
        let evidence = host["evidence"].as_array().unwrap();
        evidence.iter().any(|row| row["id"].as_str().unwrap().starts_with("scan"))
    });
}

#[test]
fn flows_records_and_detections_are_filtered_as_they_come() {
    check("flows", "tcp.dstport == 22", |flow| flow["proto"] == "tcp" && flow["id.resp_p"] == 22);
    check("flows", "!(conn_state == SF)", |flow| flow["conn_state"] != "SF");
    check("records", "kind == auth and outcome == success", |record| {
        record["kind"] == "auth" && record["outcome"] == "success"
    });
    check("records", "http.response.code in {400..499}", |record| {
        record["status"].as_u64().is_some_and(|status| (400..500).contains(&status))
    });
    check("detections", "succeeded", |found| found["succeeded"] == true);
    check("detections", "subject == 198.51.100.23 && detector contains SSH", |found| {
        found["subject"] == "198.51.100.23" && found["detector"] == "bruteforce.ssh"
    });
}

#[test]
fn the_table_says_how_many_of_all_meet_the_filter() {
    let output = said(&on_the_shop(&["triage"], &["--filter", "score >= 50"]));
    let line = output.lines().find(|line| line.starts_with("Filter: ")).unwrap();
    let count = rows(&["triage"], &["--filter", "score >= 50"]).len();
    assert!(line.starts_with(&format!("Filter: {count} of ")), "{line}");
    let none = said(&on_the_shop(&["triage"], &["--filter", "score > 100"]));
    assert!(none.contains("Filter: 0 of ") && none.contains("No host to show."), "{none}");
    let none = said(&on_the_shop(&["detections"], &["--filter", "severity > 100"]));
    assert_eq!(none, "Nothing that was detected meets the filter.\n");
}

#[test]
fn a_mistake_is_wrong_usage_with_a_caret_below_it() {
    for (command, filter, column, what) in [
        ("triage", "mine && scor > 5", 9, "there is no field `scor`; `score` could stand here"),
        ("flows", "port == http", 9, "`http` is not a number"),
        ("records", "score > 5", 1, "records have no field `score`, only hosts have"),
        ("detections", "(what", 6, "the bracket of column 1 is not closed"),
    ] {
        let output = run(&[command, &shop("capture.pcap"), "--filter", filter]);
        assert_eq!(output.status.code(), Some(2), "{filter}");
        let said = complained(&output);
        assert!(said.contains(&format!("column {column}: {what}")), "{said}");
        let caret = format!("\n  {filter}\n  {:>column$}\n", "^");
        assert!(said.contains(&caret), "{said}");
        assert!(output.stdout.is_empty());
    }
    let relative = run(&["flows", &shop("capture.pcap"), "--filter", "ts > -1h"]);
    assert_eq!(relative.status.code(), Some(2));
    assert!(complained(&relative).contains("counts back from now"), "{}", complained(&relative));
    let at = ["--at", "2026-06-06", "--filter", "ts >= -99w"];
    assert!(!rows(&["records"], &at).is_empty(), "with --at, now is known");
}

#[test]
fn carved_by_a_filter_are_the_packets_of_its_flows() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let (capture, out) = (shop("capture.pcap"), out.to_str().unwrap());
    let filter = "tcp.port == 22 && orig_pkts > 1";
    let carved = run(&["carve", &capture, "--filter", filter, "--out", out]);
    assert_eq!(carved.status.code(), Some(0), "{}", complained(&carved));
    let uids = |path: &str, further: &[&str]| -> Vec<Value> {
        let output = run(&[&["flows", path, "--ndjson"], further].concat());
        let lines = said(&output);
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
    };
    let wanted = uids(&capture, &["--filter", filter]);
    let kept = uids(out, &[]);
    let shape = |flows: &[Value]| -> Vec<String> {
        let keys = ["id.orig_h", "id.orig_p", "id.resp_p", "orig_pkts", "resp_pkts", "orig_bytes"];
        let shown = flows.iter().map(|flow| keys.map(|key| flow[key].to_string()).join(" "));
        // What follows a flow decides when it ends, and so where it stands.
        let mut shown: Vec<String> = shown.collect();
        shown.sort();
        shown
    };
    assert_eq!(shape(&kept), shape(&wanted));
    assert!(!kept.is_empty() && kept.len() < uids(&capture, &[]).len());

    let none = folder.path().join("none.pcapng");
    let none = none.to_str().unwrap();
    let nothing = run(&["carve", &capture, "--filter", "port == 1", "--out", none]);
    assert_eq!(nothing.status.code(), Some(1));
    let piped = run_with(&["carve", "-", "--filter", "port == 22", "--out", none], b"");
    assert_eq!(piped.status.code(), Some(2));
    assert!(complained(&piped).contains("which a pipe cannot be"), "{}", complained(&piped));
}
