//! CSV: the flat columns of hosts and flows.

use std::io::Write;

use super::handover::Tlp;
use super::rows::{FlowRow, HostRow};

/// A cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV
/// injection); deceptive characters are made visible.
pub(crate) fn inert(text: &str) -> String {
    let shown = crate::model::Visible(text).to_string();
    if shown.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{shown}") } else { shown }
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn text(value: Option<&str>) -> String {
    value.map_or_else(String::new, inert)
}

/// Writes hosts as CSV (RFC 4180) with a heading; unknown is an empty cell.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_hosts_csv(
    out: &mut dyn Write,
    hosts: impl Iterator<Item = HostRow>,
) -> csv::Result<()> {
    hosts_csv(out, hosts, Marked::Not)
}

/// Whether each row says how far it may be passed on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Marked {
    /// A column `tlp` comes first: CSV has no comments.
    With(Tlp),
    /// No such column.
    Not,
}

/// Hosts as CSV, marked or not.
pub(super) fn hosts_csv(
    out: &mut dyn Write,
    hosts: impl Iterator<Item = HostRow>,
    marked: Marked,
) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    if let Marked::With(_) = marked {
        writer.write_field("tlp")?;
    }
    writer.write_record(HOST_COLUMNS)?;
    for host in hosts {
        if let Marked::With(tlp) = marked {
            writer.write_field(tlp.label())?;
        }
        writer.write_record(host_cells(&host))?;
    }
    writer.flush()?;
    Ok(())
}

/// The heading of hosts.
const HOST_COLUMNS: [&str; 26] = [
    "addr",
    "realm",
    "mine",
    "score",
    "band",
    "malice",
    "anonymity",
    "evidence_amount",
    "lat",
    "lon",
    "radius_km",
    "city",
    "country_code",
    "asn",
    "as_name",
    "prefix",
    "kinds",
    "lists",
    "names",
    "first_seen",
    "last_seen",
    "flows",
    "packets",
    "bytes_in",
    "bytes_out",
    "why",
];

fn host_cells(host: &HostRow) -> [String; 26] {
    let place = host.place.as_ref();
    let join = |parts: Vec<String>| inert(&parts.join(" "));
    let why = host.evidence.iter().filter(|shown| shown.row.counted && shown.row.id != "prior");
    [
        host.addr.to_string(),
        text(host.realm.as_ref().map(|realm| realm.raw())),
        host.mine.to_string(),
        format!("{:.1}", host.score),
        host.word.to_owned(),
        host.malice.to_string(),
        host.anonymity.to_string(),
        host.evidence_amount.to_string(),
        cell(place.and_then(|place| place.lat)),
        cell(place.and_then(|place| place.lon)),
        cell(place.and_then(|place| place.radius_km)),
        text(place.and_then(|place| place.city.as_deref())),
        text(place.and_then(|place| place.country_code.as_deref())),
        cell(host.asn),
        text(host.as_name.as_ref().map(|name| name.raw())),
        cell(host.prefix),
        join(host.kinds.iter().map(|kind| kind.as_str().to_owned()).collect()),
        join(host.lists.iter().map(|list| list.id.to_string()).collect()),
        join(host.names.iter().map(|name| name.name.raw().to_owned()).collect()),
        cell(host.first_seen),
        cell(host.last_seen),
        host.flows.to_string(),
        host.packets.to_string(),
        host.bytes_in.to_string(),
        host.bytes_out.to_string(),
        join(why.map(|shown| shown.row.id.to_string()).collect()),
    ]
}

/// The heading of flows as CSV: Zeek's names.
pub(super) const FLOW_COLUMNS: [&str; 34] = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
    "vlan",
    "inner_vlan",
    "community_id",
    "ja3",
    "ja3s",
    "ja4",
    "hassh",
    "hassh_server",
    "sni",
    "alpn",
    "server_name",
    "user_agent",
    "os_guess",
    "apps",
    "import",
];

/// The cells of one flow; sets are joined by spaces.
pub(super) fn flow_cells(flow: &FlowRow) -> [String; 34] {
    let parents: Vec<String> = flow.tunnel_parents.iter().map(ToString::to_string).collect();
    [
        flow.ts.to_string(),
        flow.uid.to_string(),
        flow.orig_h.to_string(),
        flow.orig_p.to_string(),
        flow.resp_h.to_string(),
        flow.resp_p.to_string(),
        flow.proto.to_owned(),
        text(flow.service.as_deref()),
        cell(flow.duration),
        cell(flow.orig_bytes),
        cell(flow.resp_bytes),
        flow.conn_state.to_owned(),
        flow.missed_bytes.to_string(),
        text(flow.history.as_deref()),
        flow.orig_pkts.to_string(),
        flow.orig_ip_bytes.to_string(),
        flow.resp_pkts.to_string(),
        flow.resp_ip_bytes.to_string(),
        parents.join(" "),
        cell(flow.vlan),
        cell(flow.inner_vlan),
        text(flow.community_id.as_deref()),
        text(flow.ja3.as_deref()),
        text(flow.ja3s.as_deref()),
        text(flow.ja4.as_deref()),
        text(flow.hassh.as_deref()),
        text(flow.hassh_server.as_deref()),
        text(flow.sni.as_ref().map(|name| name.raw())),
        text(flow.alpn.as_ref().map(|name| name.raw())),
        text(flow.server_name.as_ref().map(|name| name.raw())),
        text(flow.user_agent.as_ref().map(|name| name.raw())),
        cell(flow.os_guess),
        flow.apps.join(" "),
        inert(flow.import.raw()),
    ]
}
