//! The command line as scripts see it: exit status, streams, same input same output.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::no_socket::run_without_network;
use crate::program::{complained, infralock, on_the_shop, run, run_with, said, shop};

/// The document without what may differ between two runs.
fn settled(json: &[u8]) -> Value {
    let mut document: Value = serde_json::from_slice(json).unwrap();
    document["totals"]["elapsed_secs"] = Value::Null;
    document["imports"] = Value::Null;
    // Another packing is another path: references name it.
    fn blank(value: &mut Value) {
        match value {
            Value::String(text) if text.starts_with("record:") => {
                *text = text.rsplit('#').next().unwrap_or_default().to_owned();
            }
            Value::Array(items) => items.iter_mut().for_each(blank),
            Value::Object(map) => {
                if map.contains_key("realm") {
                    map["realm"] = Value::Null;
                }
                map.values_mut().for_each(blank);
            }
            _ => {}
        }
    }
    blank(&mut document);
    document
}

#[test]
fn two_runs_agree_to_the_last_byte() {
    let runs = [1, 2].map(|_| {
        let mut document: Value =
            serde_json::from_slice(&on_the_shop(&["triage"], &["--json"]).stdout).unwrap();
        document["totals"]["elapsed_secs"] = Value::Null;
        serde_json::to_string(&document).unwrap()
    });
    assert!(runs[0] == runs[1]);
}

#[test]
fn packed_piped_and_plain_captures_agree() {
    let plain = std::fs::read(shop("capture.pcap")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("capture.bin");
    let mut gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), Default::default());
    gzip.write_all(&plain).unwrap();
    gzip.finish().unwrap();
    let of_file = settled(&run(&["triage", &shop("capture.pcap"), "--json"]).stdout);
    let of_gzip = settled(&run(&["triage", packed.to_str().unwrap(), "--json"]).stdout);
    let of_pipe = settled(&run_with(&["triage", "-", "--json"], &plain).stdout);
    assert_eq!(of_file, of_gzip);
    assert_eq!(of_file, of_pipe);
    let flows = |arguments: &[&str], stdin: &[u8]| said(&run_with(arguments, stdin));
    let uids =
        |text: &str| -> Vec<String> { text.lines().map(|line| line[..70].to_owned()).collect() };
    let file = flows(&["flows", &shop("capture.pcap"), "--ndjson"], b"");
    let pipe = flows(&["flows", "-", "--ndjson"], &plain);
    assert_eq!(uids(&file), uids(&pipe));
}

#[test]
fn a_log_without_years_reads_the_same_from_a_pipe() {
    let log = std::fs::read(shop("auth.log")).unwrap();
    let file = settled(&run(&["triage", &shop("auth.log"), "--json"]).stdout);
    let pipe = settled(&run_with(&["triage", "-", "--json"], &log).stdout);
    assert_eq!(file, pipe);
}

#[test]
fn exit_status_says_how_it_ended() {
    assert_eq!(run(&["--version"]).status.code(), Some(0));
    assert_eq!(run(&["triage"]).status.code(), Some(2), "wrong usage");
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
    let missing = run(&["triage", "no-such-file"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(
        complained(&missing),
        "infralock: cannot open no-such-file: there is no such file or folder\n"
    );
    let noise = run_with(&["triage", "-"], &[0x93, 0x01, 0xfe, 0x00].repeat(100));
    assert_eq!(noise.status.code(), Some(1), "{}", said(&noise));
}

#[test]
fn a_broken_file_keeps_its_good_part_and_says_where_it_broke() {
    let mut capture = std::fs::read(shop("capture.pcap")).unwrap();
    capture.truncate(capture.len() / 2);
    let output = run_with(&["triage", "-", "--json"], &capture);
    assert_eq!(output.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["imports"][0]["packets"].as_u64().unwrap() > 50);
    let problem = &document["imports"][0]["problems"][0];
    assert!(problem["place"].as_str().unwrap().starts_with('@'), "{problem}");
    assert!(complained(&output).starts_with("-@"), "{}", complained(&output));
}

#[test]
fn an_existing_file_is_not_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("out.html");
    let arguments = ["triage", &shop("access.log"), "--report", report.to_str().unwrap()];
    assert_eq!(run(&arguments).status.code(), Some(0));
    let refused = run(&arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complained(&refused).contains("--force"), "{}", complained(&refused));
    let mut forced = arguments.to_vec();
    forced.push("--force");
    assert_eq!(run(&forced).status.code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
}

#[test]
fn a_full_disk_is_told_and_a_closed_pipe_is_no_error() {
    if Path::new("/dev/full").exists() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = infralock(&["flows", &shop("capture.pcap"), "--ndjson"]);
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(complained(&output).contains("could not write the output"));
    }
    let mut command = infralock(&["flows", &shop("capture.pcap"), "--ndjson"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), complained(&output).as_str()), (Some(0), ""));
}

#[test]
fn an_interrupt_keeps_what_is_done() {
    let mut command = infralock(&["triage", "-", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let line =
        "203.0.113.9 - - [05/Jun/2026:01:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n";
    // More than what is read before the next look at the signal, and then nothing: the program
    // waits in the middle of its input.
    pipe.write_all(line.repeat(20_000).as_bytes()).unwrap();
    pipe.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    // What comes after the signal wakes the reader.
    pipe.write_all(line.repeat(20_000).as_bytes()).ok();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", complained(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["partial"], true);
    assert_eq!(document["imports"][0]["sha256"], Value::Null);
    assert!(document["imports"][0]["records"].as_u64().unwrap() >= 4_096);
}

#[test]
fn carved_packets_are_those_of_the_flow_or_host() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let flows = said(&run(&["flows", &shop("capture.pcap"), "--ndjson"]));
    let held: Value = flows
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|flow| flow["id.resp_p"] == 4444)
        .unwrap();
    let (uid, file) = (held["uid"].as_str().unwrap(), out("flow.pcapng"));
    let carved = run(&["carve", &shop("capture.pcap"), "--flow", uid, "--out", &file]);
    assert_eq!(carved.status.code(), Some(0), "{}", complained(&carved));
    let again = said(&run(&["flows", &file, "--ndjson"]));
    let again: Value = serde_json::from_str(again.trim()).unwrap();
    for key in ["id.orig_h", "orig_pkts", "resp_pkts", "orig_bytes", "duration", "history"] {
        assert_eq!(again[key], held[key], "{key}");
    }
    let file = out("host.pcapng");
    run(&["carve", &shop("capture.pcap"), "--addr", "203.0.113.66", "--out", &file]);
    assert_eq!(said(&run(&["flows", &file, "--ndjson"])).lines().count(), 60);
    let none = run(&["carve", &shop("capture.pcap"), "--addr", "192.0.2.250", "--out", &out("n")]);
    assert_eq!(none.status.code(), Some(1));
    assert!(!folder.path().join("n").exists());
}

#[test]
fn no_command_opens_a_socket() {
    let (capture, auth) = (shop("capture.pcap"), shop("auth.log"));
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("r.html");
    for arguments in [
        vec!["triage", &capture, &auth, "--report", report.to_str().unwrap()],
        vec!["detections", &auth],
        vec!["records", &capture],
        vec!["flows", &capture],
        vec!["explain", "198.51.100.23", &auth],
        vec!["explain", "192.0.2.1"],
    ] {
        let (status, _, stderr) = run_without_network(&mut infralock(&arguments));
        assert_eq!(status.code(), Some(0), "{arguments:?}: {stderr}");
    }
    let (status, stdout, stderr) = run_without_network(infralock(&[]).current_dir(folder.path()));
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(
        stdout.contains("Open your own") && folder.path().join("infralock-example.html").exists()
    );
}

#[test]
fn the_example_tells_its_story() {
    let document: Value =
        serde_json::from_slice(&on_the_shop(&["triage"], &["--json"]).stdout).unwrap();
    let host = |addr: &str| -> Value {
        let hosts = document["hosts"].as_array().unwrap();
        hosts.iter().find(|host| host["addr"] == addr).unwrap_or_else(|| panic!("{addr}")).clone()
    };
    let score = |addr: &str| host(addr)["score"].as_f64().unwrap();
    let found = |detector: &str, subject: &str| -> Value {
        let all = document["detections"].as_array().unwrap();
        let mut found = all.iter().filter(|detection| {
            detection["detector"] == detector && detection["subject"] == subject
        });
        found.next().unwrap_or_else(|| panic!("{detector} {subject}")).clone()
    };
    found("scan.horizontal", "203.0.113.66");
    assert_eq!(found("bruteforce.ssh", "198.51.100.23")["succeeded"], true);
    found("web.sqli", "2001:db8:66::7");
    found("anonymity.tor", "203.0.113.180");
    for hostile in ["203.0.113.66", "198.51.100.23", "2001:db8:66::7"] {
        assert!(score(hostile) >= 50.0, "{hostile} {}", score(hostile));
    }
    for harmless in ["198.51.100.200", "203.0.113.180", "203.0.113.9"] {
        assert!(score(harmless) < 2.0, "{harmless} {}", score(harmless));
    }
    assert!(host("203.0.113.180")["anonymity"].as_f64().unwrap() > 0.5);
    let unknown = host("203.0.113.9");
    assert!(unknown["evidence_amount"].as_f64().unwrap() < 0.1);
    assert_eq!(host("198.51.100.23")["place"]["city"], "Sao Paulo");
    let assumed = &document["imports"][1]["assumed"];
    assert_eq!((&assumed["year"], &assumed["time_zone"]), (&Value::from(2026), &"UTC".into()));
}

#[test]
fn what_explain_refers_to_can_be_followed_down() {
    let story = said(&on_the_shop(&["explain", "198.51.100.23"], &[]));
    let reference = story.split("--ref ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(reference.starts_with("record:"), "{story}");
    let record = run(&["records", &shop("auth.log"), "--ref", reference, "--ndjson"]);
    let record: Value = serde_json::from_str(said(&record).trim()).unwrap();
    assert_eq!(record["src"], "198.51.100.23");
    let line = reference.rsplit_once('#').unwrap().1;
    assert_eq!(record["line"].to_string(), line);

    let of_addr = |command: &str, file: &str, addr: &str| {
        said(&run(&[command, &shop(file), "--addr", addr, "--ndjson"]))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    let flows = of_addr("flows", "capture.pcap", "203.0.113.66");
    assert_eq!(flows.len(), 60);
    let uid = flows[0]["uid"].as_str().unwrap();
    let named = format!("flow:{uid}");
    let one = said(&run(&["flows", &shop("capture.pcap"), "--flow", &named, "--ndjson"]));
    let one: Vec<Value> = one.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(one, flows[..1]);
    let records = of_addr("records", "auth.log", "198.51.100.23");
    assert!(records.len() > 10 && records.iter().all(|record| record["src"] == "198.51.100.23"));

    for absent in [
        vec!["flows", "--addr", "192.0.2.250"],
        vec!["records", "--ref", "record:elsewhere.log#1"],
        vec!["records", "--flow", "C00000000000000001"],
    ] {
        let (shop, mut arguments) = (shop("capture.pcap"), absent.clone());
        arguments.insert(1, &shop);
        let none = run(&arguments);
        assert_eq!((none.status.code(), said(&none).lines().count() <= 1), (Some(1), true));
        assert!(complained(&none).contains("no such"), "{absent:?}: {}", complained(&none));
    }
    assert_eq!(run(&["records", "x", "--ref", "auth.log"]).status.code(), Some(2));
}

#[test]
fn the_first_screen_is_about_hosts_of_which_something_is_known() {
    let mut log = String::new();
    for host in 1..=60 {
        log += &format!("203.0.113.{host}\n");
    }
    let listed = said(&run_with(&["triage", "-"], log.as_bytes()));
    assert_eq!(listed.matches("◌ unknown").count(), 10, "{listed}");
    assert!(listed.contains("… and 50 hosts about which nothing speaks: --top N"), "{listed}");
    let all = said(&run_with(&["triage", "-", "--top", "100"], log.as_bytes()));
    assert_eq!(all.matches("◌ unknown").count(), 60, "{all}");

    let story = said(&on_the_shop(&["triage"], &[]));
    let words: Vec<&str> = story.lines().filter_map(|line| line.split(['▲', '◌']).nth(1)).collect();
    assert!(words.first().is_some_and(|word| word.starts_with(" critical")), "{story}");
    assert!(!story.contains(" @shop"), "one realm needs no name: {story}");
    let got_in = story.lines().find(|line| line.starts_with("Got in: 198.51.100.23 (")).unwrap();
    for part in ["Sao Paulo", "AS", "score", "[bruteforce.ssh]"] {
        assert!(got_in.contains(part), "{part}: {got_in}");
    }
}

#[test]
fn tables_fit_the_width_that_is_asked_for() {
    for (width, command) in
        [100, 120, 200].into_iter().flat_map(|width| ["triage", "explain"].map(|c| (width, c)))
    {
        let mut arguments = vec![command];
        if command == "explain" {
            arguments.push("198.51.100.23");
        }
        let auth = shop("auth.log");
        arguments.push(&auth);
        let output = infralock(&arguments).env("COLUMNS", width.to_string()).output().unwrap();
        let said = said(&output);
        // What is to be copied into a shell is never broken.
        for line in said.lines().filter(|line| !line.contains("infralock ")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        assert!(said.contains("bruteforce.ssh"), "{said}");
    }
}

#[test]
fn folders_of_other_things_are_told_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let empty = run(&["triage", &path]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(complained(&empty).contains("no file in this folder"), "{}", complained(&empty));
    for name in ["LICENSE", "README", "notes"] {
        std::fs::write(folder.path().join(name), "Words, and no more than words.\n").unwrap();
    }
    std::fs::write(folder.path().join("list"), "203.0.113.9\n").unwrap();
    let output = run(&["triage", &path]);
    let told = complained(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("LICENSE and 2 other files: no address found in this text"), "{told}");
    assert!(said(&output).starts_with("4 files, of which 3 gave nothing · 1 host"));
    let output = run(&["triage", &format!("{path}/notes")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("infralock: no address found in "));
}

#[test]
fn archives_that_are_not_opened_are_named() {
    let mut tar = vec![0_u8; 1_024];
    tar[..8].copy_from_slice(b"auth.log");
    tar[257..262].copy_from_slice(b"ustar");
    let output = run_with(&["triage", "-"], &tar);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).starts_with("-: a tar archive"), "{}", complained(&output));
    let output = run_with(&["triage", "-"], &[b"ElfFile\0".as_slice(), &[0_u8; 512]].concat());
    assert!(complained(&output).contains("Windows event log"), "{}", complained(&output));
}

#[test]
fn an_export_on_one_line_is_read_member_by_member() {
    let member = |n: usize, pad: usize| {
        let (third, fourth) = (n / 250 % 250, n % 250);
        let source = format!(r#""source":{{"ip":"198.18.{third}.{fourth}"}}"#);
        let note = "x".repeat(pad);
        format!(r#"{{"@timestamp":"2026-05-01T10:00:00Z",{source},"note":"{note}"}}"#)
    };
    let many: Vec<String> = (0..30_000).map(|n| member(n, 20)).collect();
    let plain = format!("[{}]", many.join(","));
    let search = format!(
        r#"{{"took":3,"hits":{{"total":30000,"hits":[{}]}}}}"#,
        many.iter().map(|one| format!(r#"{{"_source":{one}}}"#)).collect::<Vec<_>>().join(",")
    );
    // One member is longer than a line may be: it alone is left out.
    let long = format!("[{},{},{}]", member(1, 9), member(2, (1 << 20) + 9), member(3, 9));
    for (text, expected, left_out) in [(plain, 30_000, 0), (search, 30_000, 0), (long, 2, 1)] {
        assert!(text.len() > 1 << 20 && !text.contains('\n'));
        let output = run_with(&["triage", "-", "--json"], text.as_bytes());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let import = &document["imports"][0];
        assert_eq!(import["format"], "json-document");
        assert_eq!(import["records"], expected);
        assert_eq!(import["problems"].as_array().unwrap().len(), left_out, "{import}");
    }
}

#[test]
fn one_new_file_that_ages_all_others_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let refused = "2024-03-07T02:00:00Z gate sshd[7]: Failed password for root from 203.0.113.9 \
                   port 40000 ssh2\n";
    std::fs::write(folder.path().join("old.log"), refused.repeat(9)).unwrap();
    let alone = run(&["triage", &path]);
    assert!(!complained(&alone).contains("ages are counted"), "{}", complained(&alone));
    let newer = refused.replace("2024-03-07", "2026-01-02").replace("Failed", "Accepted");
    std::fs::write(folder.path().join("new.log"), newer).unwrap();
    let output = run(&["triage", &path]);
    let told = complained(&output);
    for part in ["2026-01-02 02:00:00 UTC", "new.log", "1 of 1 detection", "--at 2024-03-08"] {
        assert!(told.contains(part), "{told}");
    }
    let advised = run(&["triage", &path, "--at", "2024-03-08"]);
    assert!(!complained(&advised).contains("ages are counted"), "{}", complained(&advised));
}

#[test]
fn many_hosts_of_one_list_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("exits.txt").to_str().unwrap().to_owned();
    let told = |hosts: u8| {
        let addresses: String = (1..=hosts).map(|n| format!("198.51.100.{n}\n")).collect();
        std::fs::write(&list, addresses).unwrap();
        let output = run(&["detections", "--list", &format!("t={list}:tor"), &list]);
        said(&output).lines().filter(|line| line.contains("anonymity.tor")).count()
    };
    assert_eq!((told(5), told(6), told(200)), (5, 1, 1));
}

#[test]
fn without_a_display_the_window_names_the_terminal_instead() {
    let folder = tempfile::tempdir().unwrap();
    let output = infralock(&[]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(complained(&output).contains("no display") || cfg!(not(feature = "gui")));
    assert!(said(&output).contains("The shipped example"));

    let log = folder.path().join("a.log");
    std::fs::write(&log, "192.0.2.7 said hello\n").unwrap();
    for arguments in [&["open", "a.log"][..], &["a.log"]] {
        let output = infralock(arguments).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(complained(&output).contains("infralock triage"), "{}", complained(&output));
    }
    let output = infralock(&["open", "nothing.log"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("nothing.log"), "{}", complained(&output));
}

#[test]
fn addresses_side_by_side_are_all_read() {
    for text in [
        "192.0.2.7 and 2001:db8::9\n",
        "192.0.2.7, 2001:db8::9\n",
        "192.0.2.7, 198.51.100.2, 2001:db8::9\n",
        "192[.]0[.]2[.]7 198.51.100.2 2001:db8::9\n",
    ] {
        let output = run_with(&["triage", "-", "--ndjson"], text.as_bytes());
        let (first, last) = ("\"addr\":\"192.0.2.7\"", "\"addr\":\"2001:db8::9\"");
        let said = said(&output);
        assert!(said.contains(first) && said.contains(last), "{text}: {said}");
    }
}

#[test]
fn hosts_are_handed_over_as_filtered_and_never_over_a_file_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts.json");
    let to = path.to_str().unwrap();
    let args = ["--hand-over", "misp", "--tlp", "amber+strict", "--top", "3", "--out", to];
    assert!(said(&on_the_shop(&["triage"], &args)).contains("3 hosts, TLP:AMBER+STRICT, to "));
    let event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(event["Event"]["Attribute"].as_array().unwrap().len(), 3);
    assert_eq!(event["Event"]["Tag"][0]["name"], "tlp:amber+strict");
    let again = on_the_shop(&["triage"], &args);
    assert_eq!(again.status.code(), Some(1));
    assert!(complained(&again).contains("exists; --force replaces it"));

    let high = ["--hand-over", "list", "--filter", "score >= 75"];
    let list = said(&on_the_shop(&["triage"], &high));
    assert!(list.starts_with("# TLP:AMBER: "), "{list}");
    assert!(list.contains("198.51.100.23\n") && !list.contains("192.0.2.10\n"), "{list}");
    let both = run(&["triage", &shop("auth.log"), "--hand-over", "list", "--json"]);
    assert_eq!(both.status.code(), Some(2));
}
