//! Packets → flows, against Zeek's own conn.log and the Community ID baselines.

use std::collections::BTreeMap;
use std::path::Path;

use infralock::flow::apps::{PROTOCOLS, SecretKey};
use infralock::flow::{FlowEvent, FlowTable, Options, community_id};
use infralock::model::{Addr, Flow, ImportId, Proto};
use serde_json::Value;

use crate::corpora;
use crate::wire::{bytes_of, read_bytes};

/// All flows of a capture, in the order in which they ended.
pub fn flows_of(path: &Path) -> Vec<Flow> {
    flows_of_bytes(&bytes_of(path))
}

fn flows_of_bytes(bytes: &[u8]) -> Vec<Flow> {
    let mut flows = Vec::new();
    let mut out = |event| {
        if let FlowEvent::Flow(flow) = event {
            flows.push(flow);
        }
    };
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([7; 32])));
    read_bytes(bytes, &mut |packet| {
        table.push(packet, &mut out);
    });
    table.finish(&mut out);
    flows
}

/// The columns of Zeek's conn.log that are compared.
type Row = BTreeMap<String, String>;

/// Rows of a Zeek log with a `#fields` line; `None` without one.
fn zeek_rows(text: &str) -> Option<Vec<Row>> {
    let fields = text.lines().find_map(|line| line.strip_prefix("#fields\t"))?;
    let names: Vec<&str> = fields.split('\t').collect();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    Some(
        rows.map(|line| {
            let values = line.split('\t').map(str::to_owned);
            names.iter().map(|&name| name.to_owned()).zip(values).collect()
        })
        .collect(),
    )
}

fn text_or_dash(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// A flow in Zeek's columns.
fn zeek_row(flow: &Flow) -> Row {
    let duration = flow.duration_nanos.map(|nanos| {
        // Zeek computes with microseconds and prints six digits.
        let micros = (nanos + 500) / 1_000;
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    });
    [
        ("id.orig_h", flow.originator.addr.to_string()),
        ("id.orig_p", flow.originator.port.to_string()),
        ("id.resp_h", flow.responder.addr.to_string()),
        ("id.resp_p", flow.responder.port.to_string()),
        ("proto", flow.proto.as_str().to_owned()),
        ("service", text_or_dash(flow.service.clone())),
        ("duration", text_or_dash(duration)),
        ("orig_bytes", text_or_dash(flow.orig_bytes.map(|bytes| bytes.to_string()))),
        ("resp_bytes", text_or_dash(flow.resp_bytes.map(|bytes| bytes.to_string()))),
        ("conn_state", flow.conn_state.as_str().to_owned()),
        ("missed_bytes", flow.missed_bytes.to_string()),
        ("history", text_or_dash(Some(flow.history.clone()))),
        ("orig_pkts", flow.orig_pkts.to_string()),
        ("orig_ip_bytes", flow.orig_ip_bytes.to_string()),
        ("resp_pkts", flow.resp_pkts.to_string()),
        ("resp_ip_bytes", flow.resp_ip_bytes.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

const TUPLE: [&str; 5] = ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto"];
const AMOUNTS: [&str; 6] =
    ["orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes", "orig_bytes", "resp_bytes"];

fn same(columns: &[&str], ours: &Row, theirs: &Row) -> bool {
    columns.iter().all(|&column| ours.get(column) == theirs.get(column))
}

fn show(columns: &[&str], row: &Row) -> String {
    let values = columns.iter().map(|&name| row.get(name).map_or("?", String::as_str));
    values.collect::<Vec<_>>().join(" ")
}

/// The flow that is most like a row of Zeek's, taken out of `ours`.
fn take_match(ours: &mut Vec<Row>, theirs: &Row) -> Option<Row> {
    let likeness = |row: &Row| {
        let columns = AMOUNTS.iter().chain(&["conn_state", "history", "duration"]);
        columns.filter(|&&column| row.get(column) == theirs.get(column)).count()
    };
    let (at, _) = ours
        .iter()
        .enumerate()
        .filter(|(_, row)| same(&TUPLE, row, theirs))
        .max_by_key(|&(at, row)| (likeness(row), std::cmp::Reverse(at)))?;
    Some(ours.remove(at))
}

/// Why a log of Zeek's differs from what is in its trace, by class.
const FILTERED: &str = "Zeek saw only part of the trace";
const UNCHECKED: &str = "Zeek ran without checksums, or skipped datagrams that we count";
const BARE: &str =
    "Zeek ran without its list of likely ports, or turned the flow round in a script";
const UNREAD_TUNNEL: &str = "a tunnel that is not read";
const SKIPPED: &str = "Zeek gave up and wrote X, which we never do";
const PADDING: &str = "IPv6 with length 0: the padding of the frame is counted";

/// Logs that may differ, and why; all others must agree in everything but the service.
const EXCEPTIONS: [(&str, &str); 24] = [
    ("core.cisco-fabric-path", PADDING),
    ("core.local-flip", BARE),
    ("core.mpls-in-vlan", UNCHECKED),
    ("core.pcap.dynamic-filter", FILTERED),
    ("core.tcp-padding", UNCHECKED),
    ("core.tcp.flip-without-syn", BARE),
    ("core.tunnels.ayiya", UNREAD_TUNNEL),
    ("core.tunnels.ayiya-large-identity", UNREAD_TUNNEL),
    ("core.tunnels.geneve-many-options", UNCHECKED),
    ("core.tunnels.gre-aruba-amsdu", UNREAD_TUNNEL),
    ("core.tunnels.gre-over-udp", UNREAD_TUNNEL),
    ("core.tunnels.gtp.different_dl_and_ul", UNCHECKED),
    ("core.tunnels.gtp.outer_ip_frag", UNCHECKED),
    ("core.tunnels.vxlan", SKIPPED),
    ("core.tunnels.vxlan-unknown-internal-packet", UNCHECKED),
    ("core.vlan-mpls", UNCHECKED),
    ("core.vntag-in-vlan", FILTERED),
    ("scripts.base.frameworks.logging.field-extension", BARE),
    ("scripts.base.frameworks.logging.field-extension-complex", BARE),
    ("scripts.base.frameworks.logging.field-extension-optional", BARE),
    ("scripts.base.frameworks.netcontrol.packetfilter", FILTERED),
    ("scripts.base.protocols.ftp.ftp-max-command-length", SKIPPED),
    ("scripts.base.protocols.ftp.gridftp", FILTERED),
    ("scripts.base.protocols.ntp.misordered-ntp", BARE),
];

/// Rows of Zeek's and how many of them agree, column by column.
#[derive(Default)]
struct Agreement {
    rows: usize,
    right: BTreeMap<&'static str, usize>,
    /// Rows that differ, by the reason.
    reasons: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
    /// Flows whose service Zeek names and we read; of these, those that agree.
    services: (usize, usize),
}

/// The parts of a service, sorted: Zeek's order is that of its tables.
fn parts(row: &Row) -> Vec<&str> {
    let mut parts: Vec<&str> = row["service"].split(',').filter(|part| *part != "-").collect();
    parts.sort_unstable();
    parts
}

impl Agreement {
    /// One more row where these agreed.
    fn right(&mut self, what: &'static str) {
        *self.right.entry(what).or_default() += 1;
    }

    /// A row that differs.
    fn wrong(&mut self, name: &str, what: String) {
        match EXCEPTIONS.iter().find(|(listed, _)| *listed == name) {
            Some((_, reason)) => *self.reasons.entry(reason).or_default() += 1,
            None => self.unexplained.push(format!("{name}: {what}")),
        }
    }

    fn service(&mut self, name: &str, ours: &Row, theirs: &Row) {
        let (found, wanted) = (parts(ours), parts(theirs));
        let is_read = |part: &&str| PROTOCOLS.iter().any(|known| known.about().service == *part);
        let is_compared = !wanted.is_empty() && wanted.iter().all(is_read);
        self.services.0 += usize::from(is_compared);
        self.services.1 += usize::from(is_compared && found == wanted);
        if found != wanted {
            let note = if is_compared { "" } else { " (not compared)" };
            println!("{name}: {}: service {found:?} zeek {wanted:?}{note}", show(&TUPLE, theirs));
        }
    }

    fn share(&self, what: &str) -> f64 {
        self.right.get(what).copied().unwrap_or(0) as f64 / self.rows.max(1) as f64
    }
}

#[test]
fn flows_agree_with_zeek() {
    let Some(folder) = corpora::find("corpora/zeek-traces") else { return };
    let list = bytes_of(&folder.join("trace-to-baseline.json"));
    let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
    let mut all = Agreement::default();
    let mut logs = 0;
    for entry in &list {
        let name = entry["baseline"].as_str().unwrap();
        let path = folder.join("Baseline").join(name).join("conn.log");
        if !path.exists() {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes_of(&path)).into_owned();
        let Some(theirs) = zeek_rows(&text) else { continue };
        if !theirs.iter().all(|row| row.contains_key("id.orig_h")) {
            continue;
        }
        logs += 1;
        let traces = entry["traces"].as_array().unwrap();
        let mut ours: Vec<Row> = Vec::new();
        for trace in traces {
            let trace = folder.join("Traces").join(trace.as_str().unwrap());
            ours.extend(flows_of(&trace).iter().map(zeek_row));
        }
        for row in &theirs {
            compare(name, &mut ours, row, &mut all);
        }
    }
    println!("{logs} logs, {} flows", all.rows);
    for what in all.right.keys() {
        println!("  {what:<18} {:5.1} %", 100.0 * all.share(what));
    }
    for (reason, count) in &all.reasons {
        println!("  {count:3} rows differ: {reason}");
    }
    assert_eq!(all.unexplained, Vec::<String>::new());
    let (compared, right) = all.services;
    println!("  service            {right} of {compared} that Zeek names and we read");
    assert!(right as f64 >= 0.95 * compared as f64);
    assert!(logs >= 100, "{logs}");
    assert!(all.share("tuple and amounts") >= 0.90);
    assert!(all.share("conn_state") >= 0.90);
}

/// Zeek's times are floats: a microsecond more or less is rounding.
fn is_next_micro(ours: &Row, theirs: &Row) -> bool {
    let micros = |row: &Row| row["duration"].parse::<f64>().map(|secs| (secs * 1e6).round());
    micros(ours).is_ok_and(|ours| micros(theirs).is_ok_and(|theirs| (ours - theirs).abs() <= 1.0))
}

fn compare(name: &str, ours: &mut Vec<Row>, theirs: &Row, all: &mut Agreement) {
    all.rows += 1;
    let Some(found) = take_match(ours, theirs) else {
        return all.wrong(name, format!("no flow {}", show(&TUPLE, theirs)));
    };
    all.right("tuple");
    all.service(name, &found, theirs);
    let mut differing = Vec::new();
    if same(&AMOUNTS, &found, theirs) {
        all.right("tuple and amounts");
    } else {
        differing.extend(AMOUNTS);
    }
    for column in ["conn_state", "history", "duration", "missed_bytes"] {
        let is_right = found.get(column) == theirs.get(column)
            || (column == "duration" && is_next_micro(&found, theirs));
        if is_right {
            all.right(column);
        } else {
            differing.push(column);
        }
    }
    if differing.is_empty() {
        return all.right("all of these");
    }
    let (tuple, ours) = (show(&TUPLE, theirs), show(&differing, &found));
    all.wrong(
        name,
        format!("{tuple}: {differing:?} ours {ours} zeek {}", show(&differing, theirs)),
    );
}

#[test]
fn community_ids_agree_with_the_specification() {
    let Some(folder) = corpora::find("corpora/community-id") else { return };
    let mut count = 0;
    for (file, seed) in [("deflt", 0), ("seed1", 1)] {
        let path = folder.join(format!("baseline/baseline_{file}.json"));
        let rows: Vec<Value> = serde_json::from_slice(&bytes_of(&path)).unwrap();
        for row in rows {
            let number = |key: &str| row[key].as_u64().map(|number| u16::try_from(number).unwrap());
            let addr = |key: &str| row[key].as_str().unwrap().parse::<Addr>().unwrap();
            let proto = Proto::from_number(u8::try_from(number("proto").unwrap()).unwrap());
            let ports = number("sport").zip(number("dport"));
            let id = community_id::with_seed(seed, proto, addr("saddr"), addr("daddr"), ports);
            assert_eq!(id, row["communityid"].as_str().unwrap(), "{row}");
            count += 1;
        }
    }
    assert_eq!(count, 46, "the third baseline is the same hash without base64");
}
