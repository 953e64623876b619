//! What stands in the rows of hosts and of groups, shown and exact.

use serde_json::{Value, json};

use crate::app::copy::Fields;
use crate::app::theme::icon;
use crate::app::widgets::table::{Cell, Fold};
use crate::app::widgets::text::{bytes, counted, grouped, time};
use crate::engine::workbench::{Group, HostColumn, HostColumns, Marks, Verdict};
use crate::model::Visible;

/// What a host shows in a column.
pub(super) fn host<'a>(
    hosts: &'a HostColumns,
    marks: &Marks,
    row: usize,
    column: HostColumn,
) -> Cell<'a> {
    let some = |text: &str| match text.is_empty() {
        true => Cell::unknown(),
        false => Cell::text(Visible(text).to_string()),
    };
    match column {
        HostColumn::Score => score(hosts, row),
        HostColumn::Addr => Cell::mono(hosts.keys[row].addr().to_string()),
        HostColumn::Name => some(&hosts.name[row]),
        HostColumn::As => match hosts.asn[row] {
            0 => Cell::unknown(),
            asn => Cell::text(format!("AS{asn} {}", Visible(&hosts.as_name[row]))),
        },
        HostColumn::Kinds => match (hosts.mine[row], &*hosts.kinds[row]) {
            (true, "") => Cell::text("mine"),
            (true, kinds) => Cell::text(format!("mine, {kinds}")),
            (false, kinds) => some(kinds),
        },
        HostColumn::Place => some(&place(hosts, row)),
        HostColumn::Detections => match hosts.detections[row] {
            0 => Cell::mono("0").quiet(),
            count => Cell::mono(count.to_string()),
        },
        HostColumn::Flows => Cell::mono(grouped(hosts.flows[row])),
        HostColumn::Packets => amount(hosts, row, hosts.packets[row], grouped),
        HostColumn::BytesIn => amount(hosts, row, hosts.bytes_in[row], bytes),
        HostColumn::BytesOut => amount(hosts, row, hosts.bytes_out[row], bytes),
        HostColumn::FirstSeen => some(&time(hosts.first_seen[row])),
        HostColumn::LastSeen => some(&time(hosts.last_seen[row])),
        HostColumn::Said => match marks.get(&hosts.keys[row]) {
            Some(mark) => Cell::text(Visible(&mark.text()).to_string()),
            None => Cell::default(),
        },
    }
}

/// How much of it: a log that counts none says nothing of it, and that is not zero.
fn amount(
    hosts: &HostColumns,
    row: usize,
    amount: u64,
    written: impl Fn(u64) -> String,
) -> Cell<'static> {
    match amount {
        0 if hosts.packets[row] == 0 => Cell::unknown(),
        amount => Cell::mono(written(amount)),
    }
}

/// `Amsterdam, NL`.
pub(in crate::app::panels) fn place(hosts: &HostColumns, row: usize) -> String {
    let code = hosts.country[row];
    let country = std::str::from_utf8(&code).unwrap_or_default().trim_matches('\0');
    match (&*hosts.city[row], country) {
        ("", country) => country.to_owned(),
        (city, "") => city.to_owned(),
        (city, country) => format!("{city}, {country}"),
    }
}

fn score(hosts: &HostColumns, row: usize) -> Cell<'static> {
    let verdict = hosts.verdict[row];
    let text = match verdict {
        Verdict::Unknown => "–".to_owned(),
        _ => format!("{:.1}", hosts.score[row]),
    };
    Cell { verdict: Some(verdict), ..Cell::mono(text) }
}

/// What a group shows in a column: the highest score, its name, sums.
pub(super) fn group<'a>(
    hosts: &HostColumns,
    group: &Group,
    fold: Fold,
    column: HostColumn,
) -> Cell<'a> {
    match column {
        HostColumn::Score => match (group.worst as usize) < hosts.len() {
            true => score(hosts, group.worst as usize),
            false => Cell::unknown(),
        },
        HostColumn::Addr => {
            let mark = match fold {
                Fold::Open => icon::DOWN,
                Fold::Closed => icon::FORWARD,
            };
            let count = counted(u64::from(group.hosts), "host", "hosts");
            Cell { wide: true, ..Cell::text(format!("{mark} {} · {count}", group.name)) }
        }
        HostColumn::Name
        | HostColumn::As
        | HostColumn::Kinds
        | HostColumn::Place
        | HostColumn::Said => Cell::default(),
        HostColumn::Detections => Cell::mono(grouped(group.detections)),
        HostColumn::Flows => Cell::mono(grouped(group.flows)),
        HostColumn::Packets => Cell::mono(grouped(group.packets)),
        HostColumn::BytesIn => Cell::mono(bytes(group.bytes_in)),
        HostColumn::BytesOut => Cell::mono(bytes(group.bytes_out)),
        HostColumn::FirstSeen => Cell::text(time(group.first_seen)),
        HostColumn::LastSeen => Cell::text(time(group.last_seen)),
    }
}

/// A host's exact values.
pub(super) fn exact(hosts: &HostColumns, row: usize) -> Fields {
    let some = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let verdict = hosts.verdict[row];
    let score = match verdict {
        Verdict::Unknown => Value::Null,
        // From the one decimal that is kept, not from the nearest 32-bit number.
        _ => json!((f64::from(hosts.score[row]) * 10.0).round() / 10.0),
    };
    let [lat, lon] = hosts.point[row].map(|degrees| json!(degrees));
    let kinds: Vec<&str> = hosts.kinds[row].split(", ").filter(|kind| !kind.is_empty()).collect();
    let lists: Vec<&str> = hosts.lists[row].lines().collect();
    let code = std::str::from_utf8(&hosts.country[row]).unwrap_or_default();
    vec![
        ("addr", json!(hosts.keys[row].addr())),
        ("mine", json!(hosts.mine[row])),
        ("score", score),
        ("band", json!(verdict.as_str())),
        ("name", some(&hosts.name[row])),
        ("asn", Some(hosts.asn[row]).filter(|&asn| asn > 0).map_or(Value::Null, Value::from)),
        ("as_name", some(&hosts.as_name[row])),
        ("prefix", json!(hosts.prefix[row])),
        ("kinds", json!(kinds)),
        ("lists", json!(lists)),
        ("country_code", some(code.trim_matches('\0'))),
        ("city", some(&hosts.city[row])),
        ("lat", lat),
        ("lon", lon),
        ("radius_km", json!(hosts.radius_km[row])),
        ("detections", json!(hosts.detections[row])),
        ("flows", json!(hosts.flows[row])),
        ("packets", json!(hosts.packets[row])),
        ("bytes_in", json!(hosts.bytes_in[row])),
        ("bytes_out", json!(hosts.bytes_out[row])),
        ("first_seen", json!(hosts.first_seen[row])),
        ("last_seen", json!(hosts.last_seen[row])),
    ]
}
