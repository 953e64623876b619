//! MISP: one event in the core format, an attribute for each address.
//!
//! `to_ids` is set for hosts that score high or critical and are not the analyst's own. The event
//! is a draft (`published` false, distribution 0: your organisation only): whoever imports it
//! decides; the TLP tag tells how far it may go.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json::rows;
use super::uuid::OURS;
use super::{Format, Handed, Met, is_indicator, millis, sentence};
use crate::export::rows::{HostRow, ImportRow};
use crate::export::to_json;
use crate::model::Timestamp;

/// One event.
pub(super) static MISP: Format = Format {
    id: "misp",
    name: "MISP event",
    extension: "json",
    what: "An unpublished event with an attribute for each address, for sharing communities.",
    source: "draft-dulaunoy-misp-core-format",
    is_text: true,
    write,
};

fn write(out: &mut dyn Write, handed: Handed<'_>) -> io::Result<()> {
    let head = handed.head;
    let event = OURS.of(&format!("misp event {} {}", identity(&handed), head.now)).to_string();
    let at = seconds(head.now);
    let listed = handed.listed();
    out.write_all(b"{\"Event\":{\"Attribute\":")?;
    let (mut met, mut worst) = (Met::default(), 4_u8);
    let hosts = handed.hosts.filter(|host| met.is_new(host.addr)).map(|host| {
        worst = worst.min(threat_level(&host));
        attribute(&host, &event, head.now)
    });
    let prefixes = listed.iter().map(|prefix| {
        let mut attribute = base("ip-dst", &prefix.to_string(), &event, head.now);
        attribute["comment"] = json!("prefix of a list that was opened");
        attribute
    });
    rows(out, hosts.chain(prefixes))?;
    for (key, value) in [
        (
            "Orgc",
            json!({"name": "InfraLock Workbench", "uuid": OURS.of("organisation").to_string()}),
        ),
        ("Tag", json!([{"name": handed.tlp.tag(), "colour": handed.tlp.colours().0}])),
        ("analysis", json!("1")),
        ("date", json!(head.now.to_date())),
        ("distribution", json!("0")),
        ("info", json!(format!("InfraLock triage of {}", about(head.imports.iter())))),
        ("published", json!(false)),
        ("publish_timestamp", json!("0")),
        ("threat_level_id", json!(worst.to_string())),
        ("timestamp", json!(at)),
        ("uuid", json!(event)),
    ] {
        write!(out, ",\n\"{key}\":")?;
        to_json(out, &value)?;
    }
    out.write_all(b"}}\n")
}

/// What the event is of: files by their content, so that the same files give the same event.
fn identity(handed: &Handed<'_>) -> String {
    let known = |row: &ImportRow| row.sha256.clone().unwrap_or_else(|| row.import.raw().to_owned());
    handed.head.imports.iter().map(known).collect::<Vec<_>>().join(" ")
}

fn about<'a>(mut imports: impl ExactSizeIterator<Item = &'a ImportRow>) -> String {
    let more = imports.len().saturating_sub(1);
    let first = imports.next().map(|row| row.import.to_string()).unwrap_or_default();
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// 1 high, 2 medium, 3 low, 4 undefined.
fn threat_level(host: &HostRow) -> u8 {
    match host.word {
        _ if host.mine => 4,
        "critical" | "high" => 1,
        "medium" => 2,
        "low" => 3,
        _ => 4,
    }
}

fn seconds(at: Timestamp) -> String {
    (at.nanos().div_euclid(1_000_000_000)).to_string()
}

fn attribute(host: &HostRow, event: &str, now: Timestamp) -> Value {
    // "A source address of the attacker"; what was only answered or listed is a destination.
    let kind = if host.roles.contains(&"originator") { "ip-src" } else { "ip-dst" };
    let value = host.addr.to_string();
    let mut attribute = base(kind, &value, event, now);
    attribute["to_ids"] = json!(is_indicator(host));
    attribute["comment"] = json!(sentence(host));
    if let Some(first) = host.first_seen {
        attribute["first_seen"] = json!(millis(first));
    }
    if let Some(last) = host.last_seen {
        attribute["last_seen"] = json!(millis(last));
    }
    attribute
}

fn base(kind: &str, value: &str, event: &str, now: Timestamp) -> Value {
    json!({
        "uuid": OURS.of(&format!("misp attribute {event} {value}")).to_string(),
        "type": kind,
        "category": "Network activity",
        "value": value,
        "to_ids": false,
        "comment": "",
        "deleted": false,
        "disable_correlation": false,
        "distribution": "5",
        "timestamp": seconds(now),
    })
}
