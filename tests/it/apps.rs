//! Application protocols against other people's captures and their labels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use infralock::flow::apps::{Conversation, SecretKey, Transport};
use infralock::flow::{FlowEvent, FlowTable, Options, Pair};
use infralock::model::{Flow, ImportId, Outcome, Record, RecordKind, Uid};
use infralock::wire::{Checksums, DecodeOptions, Decoder, sniff};

use crate::corpora;

/// What one flow said.
pub struct Said {
    pub flow: Flow,
    pub records: Vec<Record>,
}

const KEY: SecretKey = SecretKey([7; 32]);

/// All that the flows of a capture say, in the order in which they ended.
pub fn listen(path: &Path, checksums: Checksums) -> Vec<Said> {
    let bytes = std::fs::read(path).unwrap();
    let mut table = FlowTable::new(Options::new(ImportId::default(), KEY));
    let mut said: Vec<Said> = Vec::new();
    let mut records: BTreeMap<Uid, Vec<Record>> = BTreeMap::new();
    let mut take = |event| match event {
        FlowEvent::Record(record) => records.entry(record.uid.unwrap()).or_default().push(record),
        FlowEvent::Flow(flow) => {
            let records = records.remove(&flow.uid).unwrap_or_default();
            said.push(Said { flow, records });
        }
    };
    let format = sniff(&bytes[..bytes.len().min(12)]).unwrap();
    let mut capture = format.open(Box::new(bytes.as_slice()));
    let mut decoder = Decoder::new(DecodeOptions { checksums });
    while let Some(frame) = capture.next_frame() {
        decoder.decode(&frame, &mut |packet| {
            table.push(packet, &mut take);
        });
    }
    table.finish(&mut take);
    said
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Expected by a rule older than today's specification (an ALPN that is not alphanumeric).
const JA4_OLDER_RULE: &str = "tls-non-ascii-alpn.pcapng";

#[test]
fn ja4_is_exact_in_all_four_forms() {
    let Some(corpus) = corpora::find("corpora/ja4") else { return };
    let (mut right, mut wrong) = (0, Vec::new());
    for path in captures(&corpus.join("pcap")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected = corpus.join("expected").join(format!("{name}.json"));
        let Ok(expected) = std::fs::read_to_string(expected) else { continue };
        let streams: Vec<BTreeMap<String, serde_json::Value>> =
            serde_json::from_str(&expected).unwrap();
        let mut wanted: Vec<(String, String)> = Vec::new();
        for stream in &streams {
            let text = |key: &str| stream.get(key).and_then(|value| value.as_str());
            let from = format!("{} {}", text("src").unwrap_or("?"), text("srcport").unwrap_or("?"));
            for (key, value) in stream {
                let form = key.split('.').next().unwrap();
                if ["JA4", "JA4_r", "JA4_o", "JA4_ro"].contains(&form) {
                    let value = value.as_str().unwrap();
                    wanted.push((format!("{from} {key}"), value.to_owned()));
                }
            }
        }
        let mut found: Vec<(String, String)> = Vec::new();
        // Its addresses were rewritten without their checksums.
        for said in listen(&path, Checksums::Ignore) {
            for record in &said.records {
                let (Some(src), Some(port)) = (record.src, record.src_port) else { continue };
                for (key, value) in &record.details {
                    let Some(form) = key.strip_prefix("ja4") else { continue };
                    let (form, nth) = form.strip_suffix("_second").map_or((form, 1), |f| (f, 2));
                    found.push((
                        format!("{src} {port} JA4{form}.{nth}"),
                        value.as_str().unwrap().to_owned(),
                    ));
                }
            }
        }
        wanted.sort();
        found.sort();
        for want in &wanted {
            if found.contains(want) {
                right += 1;
            } else {
                wrong.push((name.clone(), want.clone()));
            }
        }
        let extra = found.iter().filter(|have| !wanted.contains(have)).count();
        println!("{name}: {} labels, {} more than labelled", wanted.len(), extra);
    }
    let (older, wrong): (Vec<_>, Vec<_>) =
        wrong.into_iter().partition(|(name, _)| name == JA4_OLDER_RULE);
    println!("JA4: {right} right, {} by the older rule, {} wrong", older.len(), wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(older.len(), 4, "{older:#?}");
}

fn text(value: Option<&infralock::model::Untrusted>) -> String {
    value.map_or_else(|| "-".to_owned(), |text| text.raw().to_owned())
}

fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn detail(record: &Record, key: &str) -> String {
    match record.details.get(key) {
        None | Some(serde_json::Value::Null) => "-".to_owned(),
        Some(serde_json::Value::String(text)) if text.is_empty() => "(empty)".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Bool(true)) => "T".to_owned(),
        Some(serde_json::Value::Bool(false)) => "F".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn uri(record: &Record) -> String {
    if record.details.contains_key("target") {
        return detail(record, "target");
    }
    match &record.query {
        Some(query) => format!("{}?{}", text(record.path.as_ref()), query.raw()),
        None => text(record.path.as_ref()),
    }
}

/// A log of Zeek, the columns compared, and our row for a record of the same kind.
struct Compared {
    log: &'static str,
    columns: &'static [&'static str],
    ours: fn(&Record) -> Option<Vec<String>>,
    /// The share of Zeek's rows that must be found, in percent.
    floor_percent: usize,
}

fn only(record: &Record, service: &str, kind: RecordKind) -> Option<()> {
    let is_it =
        record.kind == kind && record.service.as_ref().is_some_and(|name| name.raw() == service);
    is_it.then_some(())
}

const COMPARED: &[Compared] = &[
    Compared {
        log: "http.log",
        columns: &["method", "host", "uri", "user_agent", "status_code"],
        ours: |record| {
            only(record, "http", RecordKind::Http)?;
            let host = record.details.get("host_header");
            let host =
                host.map_or_else(|| text(record.host.as_ref()), |_| detail(record, "host_header"));
            let agent = text(record.user_agent.as_ref());
            Some(vec![
                text(record.method.as_ref()),
                host,
                uri(record),
                agent,
                number(record.status),
            ])
        },
        floor_percent: 80,
    },
    Compared {
        log: "dns.log",
        columns: &["query", "qtype_name", "rcode"],
        ours: |record| {
            only(record, "dns", RecordKind::Dns)?;
            Some(vec![
                text(record.query.as_ref()),
                text(record.method.as_ref()),
                number(record.status),
            ])
        },
        floor_percent: 80,
    },
    Compared {
        log: "ssl.log",
        columns: &["version", "server_name"],
        ours: |record| {
            (record.kind == RecordKind::Tls).then_some(())?;
            Some(vec![detail(record, "version"), text(record.host.as_ref())])
        },
        floor_percent: 80,
    },
    Compared {
        log: "ssh.log",
        columns: &["client", "server", "auth_success", "auth_attempts", "cipher_alg", "kex_alg"],
        ours: |record| {
            only(record, "ssh", RecordKind::Ssh)?;
            Some(
                ["client", "server", "auth_success", "auth_attempts", "cipher_alg", "kex_alg"]
                    .map(|key| detail(record, key))
                    .to_vec(),
            )
        },
        floor_percent: 100,
    },
    Compared {
        log: "ftp.log",
        columns: &["user", "command", "reply_code"],
        ours: |record| {
            only(record, "ftp", RecordKind::Ftp)?;
            Some(vec![
                text(record.user.as_ref()),
                text(record.method.as_ref()),
                number(record.status),
            ])
        },
        floor_percent: 90,
    },
    Compared {
        log: "smtp.log",
        columns: &["helo", "mailfrom", "subject", "last_reply"],
        ours: |record| {
            only(record, "smtp", RecordKind::Smtp)?;
            Some(
                ["helo", "mailfrom", "subject", "last_reply"]
                    .map(|key| detail(record, key))
                    .to_vec(),
            )
        },
        floor_percent: 70,
    },
    Compared {
        log: "socks.log",
        columns: &["version", "request_p"],
        ours: |record| {
            only(record, "socks", RecordKind::Other)?;
            Some(vec![detail(record, "version"), detail(record, "target_port")])
        },
        floor_percent: 100,
    },
];

#[derive(serde::Deserialize)]
struct BaselineOf {
    baseline: String,
    traces: Vec<String>,
    logs: Vec<String>,
}

/// Rows of a Zeek log, each as column → value. Rows may follow `#close`.
fn zeek_rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = std::fs::read(path).unwrap();
    let log = String::from_utf8_lossy(&bytes);
    let mut names: Vec<&str> = Vec::new();
    let mut rows = Vec::new();
    for line in log.lines() {
        if let Some(fields) = line.strip_prefix("#fields\t") {
            names = fields.split('\t').collect();
        } else if !line.starts_with('#') && !names.is_empty() {
            let values = line.split('\t').map(str::to_owned);
            rows.push(names.iter().map(|name| (*name).to_owned()).zip(values).collect());
        }
    }
    rows
}

#[test]
fn transactions_agree_with_zeek() {
    let Some(corpus) = corpora::find("corpora/zeek-traces") else { return };
    let list = std::fs::read(corpus.join("trace-to-baseline.json")).unwrap();
    let list: Vec<BaselineOf> = serde_json::from_slice(&list).unwrap();
    let mut heard: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    let mut short = Vec::new();
    for compared in COMPARED {
        let (mut found_rows, mut zeek_total, mut our_total) = (0, 0, 0);
        for entry in &list {
            let [trace] = entry.traces.as_slice() else { continue };
            if !entry.logs.iter().any(|log| log == compared.log) {
                continue;
            }
            let trace_path = corpus.join("Traces").join(trace);
            let log_path = corpus.join("Baseline").join(&entry.baseline).join(compared.log);
            if !trace_path.exists() || trace.ends_with(".gz") || !log_path.exists() {
                continue;
            }
            let said = heard
                .entry(trace.clone())
                .or_insert_with(|| listen(&trace_path, Checksums::Verify));
            let mut ours: Vec<(String, Vec<String>)> = said
                .iter()
                .flat_map(|said| &said.records)
                .filter_map(|record| Some((port_of(record), (compared.ours)(record)?)))
                .collect();
            our_total += ours.len();
            for row in zeek_rows(&log_path) {
                let wanted: Option<Vec<String>> =
                    compared.columns.iter().map(|column| row.get(*column).cloned()).collect();
                let (Some(wanted), Some(port)) = (wanted, row.get("id.orig_p")) else { continue };
                zeek_total += 1;
                // Zeek decodes percent signs in a URI; without a question the type is `-`.
                let is_same = |row: &[String]| {
                    row.iter().zip(&wanted).all(|(ours, zeeks)| {
                        ours == zeeks
                            || (zeeks == "-" && compared.log == "dns.log")
                            || undecorated(ours) == undecorated(zeeks)
                    })
                };
                match ours.iter().position(|(from, row)| from == port && is_same(row)) {
                    Some(at) => {
                        ours.swap_remove(at);
                        found_rows += 1;
                    }
                    None => {
                        let near = ours.iter().find(|(from, _)| from == port);
                        let near = near.map(|(_, row)| row.join(" | "));
                        println!(
                            "  {} {}: {port} {}\n      ours: {near:?}",
                            compared.log,
                            entry.baseline,
                            wanted.join(" | ")
                        );
                    }
                }
            }
        }
        let log = compared.log;
        println!("{log:10} {found_rows:4} of {zeek_total:4} rows of Zeek; ours {our_total}");
        if found_rows * 100 < zeek_total * compared.floor_percent {
            short.push(format!("{log}: {found_rows} of {zeek_total}"));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

/// A text without percent signs and without Zeek's own words for what is unknown.
fn undecorated(text: &str) -> String {
    let text = match text {
        "*" => "ANY",
        "query-65534" => "TYPE65534",
        "unknown-32257" => "0x7e01",
        "TLSv13-draft23" => "0x7f17",
        other => other,
    };
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii() => plain.push(char::from(byte)),
            Some(byte) => plain.push_str(&format!("\\x{byte:02x}")),
            None => plain.push('%'),
        }
        let is_code = after.get(..2).is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok());
        rest = if is_code { &after[2..] } else { after };
    }
    plain + rest
}

fn port_of(record: &Record) -> String {
    number(record.src_port)
}

fn dialogue(service: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/apps");
    std::fs::read(folder.join(service)).unwrap()
}

/// What a hand-written dialogue must give: services, then `kind outcome user` of each record.
fn check(service: &str, transport: Transport, services: &[&str], records: &[&str]) {
    let ports = Pair { originator: 40_000, responder: 4_000 };
    let conversation = Conversation::new(transport, ports);
    let (found, heard) = crate::fuzz::apps::converse(&dialogue(service), conversation);
    assert_eq!(heard, services, "{service}");
    let found: Vec<String> = found
        .iter()
        .map(|record| {
            let outcome = record.outcome.map(|outcome| format!("{outcome:?}").to_lowercase());
            let kind = format!("{:?}", record.kind).to_lowercase();
            let text = format!("{record:?}");
            assert!(!text.contains("secret\"") && !text.contains("se\\\"cret"), "{text}");
            format!("{kind} {} {}", number(outcome), text_of(record))
        })
        .collect();
    assert_eq!(found, records, "{service}");
}

fn text_of(record: &Record) -> String {
    text(record.user.as_ref().or(record.host.as_ref()).or(record.query.as_ref()))
}

#[test]
fn dialogues_give_their_records() {
    let tls = "tls success www.example.com";
    let stream = |service, services: &[&str], records: &[&str]| {
        check(service, Transport::Stream, services, records);
    };
    let datagrams = |service, services: &[&str], records: &[&str]| {
        check(service, Transport::Datagrams, services, records);
    };
    stream("ssl", &["ssl"], &[tls]);
    stream(
        "http",
        &["http", "ssl"],
        &[
            "auth failure user",
            "http - user",
            "http - www.example.com",
            "http - www.example.com:443",
            tls,
        ],
    );
    datagrams("dns", &["dns"], &["dns success www.example.com"]);
    stream("ssh", &["ssh"], &["auth failure -", "auth success -", "ssh success -"]);
    stream(
        "smtp",
        &["smtp", "ssl"],
        &["auth failure user", "auth success user", "smtp success a@example.com", tls],
    );
    stream(
        "ftp",
        &["ftp", "ssl"],
        &[
            "auth failure guest",
            "auth success guest",
            "ftp success guest",
            "ftp success guest",
            tls,
        ],
    );
    stream(
        "socks",
        &["socks", "ssl"],
        &["auth success user", "other success www.example.com", tls],
    );
    stream("pop3", &["pop3", "ssl"], &["auth failure user", "auth success user", tls]);
    stream(
        "imap",
        &["imap", "ssl"],
        &["auth failure user", "auth success user", "auth success user", tls],
    );
    stream("irc", &["irc", "ssl"], &["auth success guest", "other - guest", tls]);
    stream("telnet", &["telnet"], &["auth failure root", "auth success root"]);
    stream("mysql", &["mysql"], &["auth failure user"]);
    stream("postgresql", &["postgresql"], &["auth failure user"]);
    stream("redis", &["redis"], &["auth failure -", "other success SET dir /tmp"]);
    stream("ldap_tcp", &["ldap_tcp"], &["auth failure cn=admin,dc=example,dc=org"]);
    datagrams("ldap_udp", &["ldap_udp"], &["auth failure cn=admin,dc=example,dc=org"]);
    datagrams("snmp", &["snmp"], &["auth success -"]);
    datagrams("dhcp", &["dhcp"], &["dhcp - -", "dhcp - -", "dhcp - -", "dhcp success -"]);
    stream("rdp", &["rdp", "ssl"], &["auth - user", tls]);
    stream("xmpp", &["xmpp", "ssl"], &[tls]);
    stream("smb", &["smb"], &["auth failure guest"]);
}

/// Services of Zeek's that are not read, each with its reason.
const UNREAD_SERVICES: [(&str, &str); 6] = [
    ("ftp-data", "named by the control connection, another flow"),
    ("irc-dcc-data", "named by the control connection, another flow"),
    ("gridftp", "FTP under GSSAPI"),
    ("gridftp-data", "FTP under GSSAPI"),
    ("ayiya", "a tunnel that nobody runs any more"),
    ("-ftp", "Zeek's mark for a protocol it gave up"),
];

#[test]
fn services_agree_with_zeek() {
    let Some(corpus) = corpora::find("corpora/zeek-traces") else { return };
    let list = std::fs::read(corpus.join("trace-to-baseline.json")).unwrap();
    let list: Vec<BaselineOf> = serde_json::from_slice(&list).unwrap();
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let unread = |name: &str| UNREAD_SERVICES.iter().any(|(unread, _)| *unread == name);
    for entry in list.iter().filter(|entry| entry.logs.iter().any(|log| log == "conn.log")) {
        let [trace] = entry.traces.as_slice() else { continue };
        let trace_path = corpus.join("Traces").join(trace);
        let log_path = corpus.join("Baseline").join(&entry.baseline).join("conn.log");
        if !trace_path.exists() || trace.ends_with(".gz") || !log_path.exists() {
            continue;
        }
        let rows = zeek_rows(&log_path);
        if !rows.iter().any(|row| row.get("service").is_some_and(|service| service != "-")) {
            continue;
        }
        let said = listen(&trace_path, Checksums::Verify);
        for row in rows {
            let of = |key: &str| row.get(key).cloned().unwrap_or_default();
            let mut wanted: Vec<String> =
                of("service").split(',').filter(|name| !unread(name)).map(str::to_owned).collect();
            wanted.sort();
            if wanted.is_empty() || wanted == ["-"] {
                continue;
            }
            let flow = said.iter().map(|said| &said.flow).find(|flow| {
                flow.originator.addr.to_string() == of("id.orig_h")
                    && flow.originator.port.to_string() == of("id.orig_p")
                    && flow.responder.port.to_string() == of("id.resp_p")
            });
            let mut ours: Vec<String> = flow
                .and_then(|flow| flow.service.clone())
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default();
            ours.sort();
            let (right, all) = tally.entry(wanted.join(",")).or_default();
            *all += 1;
            if ours == wanted {
                *right += 1;
            } else {
                println!(
                    "  {}: {} wanted {wanted:?}, ours {ours:?}",
                    entry.baseline,
                    if flow.is_some() { "flow" } else { "no such flow," }
                );
            }
        }
    }
    for (service, (right, all)) in &tally {
        println!("{service:12} {right:3} of {all:3}");
    }
    let (right, all) = tally.values().fold((0, 0), |(right, all), (r, a)| (right + r, all + a));
    println!("services: {right} of {all}");
    assert!(right * 100 >= all * 94, "{right} of {all}");
}

/// Tries to log in by one address, from what a capture says.
fn tries(path: &Path, src: &str, service: &str) -> (usize, usize) {
    let said = listen(path, Checksums::Verify);
    let records = said.iter().flat_map(|said| &said.records).filter(|record| {
        record.kind == RecordKind::Auth
            && record.src.is_some_and(|addr| addr.to_string() == src)
            && text(record.service.as_ref()) == service
    });
    records.fold((0, 0), |(failed, worked), record| match record.outcome {
        Some(Outcome::Failure) => (failed + 1, worked),
        Some(Outcome::Success) => (failed, worked + 1),
        _ => (failed, worked),
    })
}

#[test]
fn guessers_show_as_failed_tries() {
    for (path, src, service, failed_min) in [
        ("corpora/zeek-traces/Traces/ssh/sshguess.pcap", "192.168.56.1", "ssh", 20),
        ("corpora/zeek-traces/Traces/ftp/bruteforce.pcap", "192.168.56.1", "ftp", 20),
        ("corpora/zeek-training/ssh.pcap", "172.16.238.1", "ssh", 20),
    ] {
        let Some(path) = corpora::find(path) else { return };
        let (failed, worked) = tries(&path, src, service);
        println!("{}: {failed} tries failed, {worked} worked", path.display());
        assert!(failed >= failed_min, "{}: {failed}", path.display());
    }
}
