//! The flow, record or detection that is selected, above the host it is about.

use egui::{Grid, Label, RichText, Ui};

use crate::app::panels::{View, packets, section};
use crate::app::theme::{self, Palette};
use crate::app::widgets::text::{bytes, grouped, time, visible};
use crate::engine::workbench::{Selected, Selection};
use crate::model::{Endpoint, Flow, Record, Untrusted, Visible};

/// Fields of a format's own that are shown.
const DETAILS_SHOWN: usize = 12;

/// Draws what is selected, where it is not a host.
pub(super) fn item_ui(ui: &mut Ui, view: &mut View<'_>, selection: &Selection) {
    let snapshot = view.snapshot;
    let (title, rows) = match selection.what {
        Selected::Host(_) | Selected::Address(_) => return,
        Selected::Flow(uid) => {
            let mut flows = selection.flows.iter();
            let flow = flows.find_map(|&row| {
                snapshot.flows.all.get(row as usize).filter(|flow| flow.uid == uid)
            });
            ("This flow", flow.map(flow_rows).unwrap_or_default())
        }
        Selected::Record(row) => {
            let record = snapshot.records.all.get(row as usize);
            ("This record", record.map(record_rows).unwrap_or_default())
        }
        Selected::Detection(row) => {
            let found = snapshot.detections.get(row as usize);
            let rows = found.map(|found| {
                vec![
                    ("detector", found.detector.clone()),
                    ("what", Visible(&found.what).to_string()),
                    ("ATT&CK", found.attack.join(", ")),
                ]
            });
            ("This detection", rows.unwrap_or_default())
        }
    };
    section(ui, title);
    let quiet = Palette::of(ui).quiet;
    Grid::new("item").num_columns(2).spacing([16.0, 2.0]).show(ui, |ui| {
        for (key, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
            ui.label(RichText::new(key).color(quiet));
            let text = RichText::new(&value).font(theme::text(theme::BODY));
            ui.add(Label::new(text).truncate()).on_hover_text(&value);
            ui.end_row();
        }
    });
    packets::selected_ui(ui, view);
    ui.add_space(theme::SPACE);
    ui.separator();
}

type Rows = Vec<(&'static str, String)>;

fn flow_rows(flow: &Flow) -> Rows {
    let spoken = &flow.spoken;
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let strange = |text: &Option<Untrusted>| text.as_ref().map(visible).unwrap_or_default();
    vec![
        ("from", end(flow.originator)),
        ("to", end(flow.responder)),
        ("began, UTC", time(Some(flow.first_seen))),
        ("state", format!("{} {}", flow.conn_state.as_str(), flow.history)),
        ("service", own(&flow.service)),
        ("packets", format!("{} →, {} ←", grouped(flow.orig_pkts), grouped(flow.resp_pkts))),
        ("bytes", format!("{} →, {} ←", bytes(flow.orig_ip_bytes), bytes(flow.resp_ip_bytes))),
        ("server name", strange(&spoken.server_name)),
        ("user agent", strange(&spoken.user_agent)),
        ("JA4", own(&spoken.ja4)),
        ("JA3", own(&spoken.ja3)),
        ("HASSH", own(&spoken.hassh)),
        ("uid", flow.uid.to_string()),
    ]
}

fn end(end: Endpoint) -> String {
    match end.port {
        0 => end.addr.to_string(),
        port => format!("{} port {port}", end.addr),
    }
}

fn record_rows(record: &Record) -> Rows {
    let strange = |text: &Option<Untrusted>| text.as_ref().map(visible).unwrap_or_default();
    let number = |value: Option<u64>| value.map(grouped).unwrap_or_default();
    let addr = |value: Option<crate::model::Addr>| value.map(|addr| addr.to_string());
    let details = record.details.iter().take(DETAILS_SHOWN);
    let details: Vec<String> =
        details.map(|(key, value)| Visible(&format!("{key}={value}")).to_string()).collect();
    vec![
        ("time, UTC", time(record.ts)),
        ("kind", record.kind.as_str().to_owned()),
        ("service", strange(&record.service)),
        ("outcome", record.outcome.map(|outcome| outcome.as_str().to_owned()).unwrap_or_default()),
        ("from", addr(record.src).unwrap_or_else(|| strange(&record.src_name))),
        ("to", addr(record.dst).unwrap_or_else(|| strange(&record.dst_name))),
        ("user", strange(&record.user)),
        ("method", strange(&record.method)),
        ("host", strange(&record.host)),
        ("path", strange(&record.path)),
        ("query", strange(&record.query)),
        ("status", record.status.map(|status| status.to_string()).unwrap_or_default()),
        ("user agent", strange(&record.user_agent)),
        ("bytes", number(record.bytes)),
        ("line", number(record.line)),
        ("details", details.join(", ")),
    ]
}
