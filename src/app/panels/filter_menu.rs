//! "Filter by …" and "Exclude …" in menus of rows: what a row says, as conditions.
//!
//! Values are a stranger's as often as not, so conditions are made as values and printed by
//! [`filter`](crate::filter), which quotes them; nothing is pasted together from text.

use egui::Ui;

use super::filter_bar::code;
use crate::engine::workbench::{HostColumns, Verdict};
use crate::export::{DetectionRow, HostRow};
use crate::filter::{Cell, FieldId, Filter};
use crate::model::{Addr, Band, Flow, Record, Untrusted, Visible};

/// Characters of a value that a menu shows.
const SHOWN_CHARS: usize = 60;

/// Both menus; the condition that was chosen is to be joined to the filter in force.
pub fn filter_menus_ui(ui: &mut Ui, conditions: &[Filter]) -> Option<Filter> {
    let mut chosen = None;
    for (name, is_wanted) in [("Filter by", true), ("Exclude", false)] {
        ui.menu_button(name, |ui| {
            for condition in conditions {
                let text = Visible(&condition.to_string()).to_string();
                let label = match text.char_indices().nth(SHOWN_CHARS) {
                    Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                    None => text.clone(),
                };
                let button = ui.button(code(&label, ui));
                let name = format!("{name} {text}");
                button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                if button.clicked() {
                    let condition = condition.clone();
                    chosen = Some(if is_wanted { condition } else { condition.not() });
                    ui.close();
                }
            }
        });
    }
    chosen
}

/// Conditions in the order they were added, each once.
#[derive(Default)]
struct Conditions(Vec<Filter>);

impl Conditions {
    fn add(&mut self, field: FieldId, value: Option<Cell<'_>>) {
        let made = value.and_then(|value| Filter::field_eq(field, value));
        if let Some(condition) = made.filter(|made| !self.0.contains(made)) {
            self.0.push(condition);
        }
    }

    fn addr(&mut self, field: FieldId, addr: Option<Addr>) {
        self.add(field, addr.map(Cell::Addr));
    }

    fn number(&mut self, field: FieldId, number: Option<u64>) {
        self.add(field, number.map(|number| Cell::Number(number as f64)));
    }

    fn text(&mut self, field: FieldId, text: Option<&str>) {
        self.add(field, text.filter(|text| !text.is_empty()).map(Cell::Text));
    }

    fn foreign(&mut self, field: FieldId, text: Option<&Untrusted>) {
        self.text(field, text.map(Untrusted::raw));
    }
}

/// Of a host in the table.
pub fn of_host(hosts: &HostColumns, row: usize) -> Vec<Filter> {
    let mut all = Conditions::default();
    all.addr(FieldId::Addr, hosts.addr(row as u32));
    let prefix = hosts.prefix.get(row).copied().flatten();
    all.0.extend(prefix.and_then(|prefix| Filter::field_inside(FieldId::Addr, prefix.into())));
    all.text(FieldId::Name, hosts.name.get(row).map(|name| &**name));
    let asn = hosts.asn.get(row).copied().filter(|&asn| asn > 0);
    all.number(FieldId::Asn, asn.map(u64::from));
    let country = hosts.country.get(row).map(|code| std::str::from_utf8(code).unwrap_or_default());
    all.text(FieldId::Country, country.map(|code| code.trim_matches('\0')));
    all.text(FieldId::City, hosts.city.get(row).map(|city| &**city));
    for kind in hosts.kinds.get(row).iter().flat_map(|kinds| kinds.split(", ")) {
        all.text(FieldId::Kind, Some(kind));
    }
    let band = hosts.verdict.get(row).and_then(|verdict| band(*verdict));
    all.add(FieldId::Band, band.map(Cell::Band));
    all.0
}

/// Of a verdict: its band, or that a host has none.
pub fn of_verdict(verdict: Verdict) -> Filter {
    let band = band(verdict).and_then(|band| Filter::field_eq(FieldId::Band, Cell::Band(band)));
    band.unwrap_or_else(|| Filter::has(FieldId::Band).not())
}

const fn band(verdict: Verdict) -> Option<Band> {
    Some(match verdict {
        Verdict::Unknown => return None,
        Verdict::None => Band::None,
        Verdict::Low => Band::Low,
        Verdict::Medium => Band::Medium,
        Verdict::High => Band::High,
        Verdict::Critical => Band::Critical,
    })
}

/// Of an explained host.
pub fn of_explained(host: &HostRow) -> Vec<Filter> {
    let mut all = Conditions::default();
    all.addr(FieldId::Addr, Some(host.addr));
    if let Some(prefix) = host.prefix {
        all.0.extend(Filter::field_inside(FieldId::Addr, prefix.into()));
    }
    all.number(FieldId::Asn, host.asn.map(u64::from));
    let place = host.place.as_ref();
    all.text(FieldId::Country, place.and_then(|place| place.country_code.as_deref()));
    all.text(FieldId::City, place.and_then(|place| place.city.as_deref()));
    host.kinds.iter().for_each(|kind| all.text(FieldId::Kind, Some(kind.as_str())));
    host.lists.iter().for_each(|list| all.text(FieldId::List, Some(&*list.id)));
    host.names.iter().take(4).for_each(|name| all.foreign(FieldId::Name, Some(&name.name)));
    let counted = host.evidence.iter().map(|shown| &shown.row).filter(|row| row.counted);
    let told = counted.filter(|row| row.id != "prior" && row.id != "cap");
    told.take(6).for_each(|row| all.text(FieldId::Evidence, Some(row.id.as_ref())));
    all.0
}

/// Of a flow.
pub fn of_flow(flow: &Flow) -> Vec<Filter> {
    let mut all = Conditions::default();
    all.addr(FieldId::Addr, Some(flow.originator.addr));
    all.addr(FieldId::Addr, Some(flow.responder.addr));
    all.number(FieldId::DstPort, Some(flow.responder.port.into()));
    all.text(FieldId::Proto, Some(flow.proto.as_str()));
    for service in flow.service.iter().flat_map(|services| services.split(',')) {
        all.text(FieldId::Service, Some(service));
    }
    all.text(FieldId::ConnState, Some(flow.conn_state.as_str()));
    all.foreign(FieldId::ServerName, flow.spoken.server_name.as_ref());
    all.foreign(FieldId::UserAgent, flow.spoken.user_agent.as_ref());
    all.text(FieldId::Ja4, flow.spoken.ja4.as_deref());
    all.0
}

/// Of a record.
pub fn of_record(record: &Record) -> Vec<Filter> {
    let mut all = Conditions::default();
    all.addr(FieldId::Addr, record.src);
    all.addr(FieldId::Addr, record.dst);
    all.text(FieldId::RecordKind, Some(record.kind.as_str()));
    all.foreign(FieldId::Service, record.service.as_ref());
    all.text(FieldId::Outcome, record.outcome.map(|outcome| outcome.as_str()));
    all.foreign(FieldId::User, record.user.as_ref());
    all.foreign(FieldId::Method, record.method.as_ref());
    all.foreign(FieldId::Host, record.host.as_ref());
    all.foreign(FieldId::Path, record.path.as_ref());
    all.foreign(FieldId::DstName, record.dst_name.as_ref());
    all.number(FieldId::Status, record.status.map(u64::from));
    all.number(FieldId::DstPort, record.dst_port.map(u64::from));
    all.foreign(FieldId::UserAgent, record.user_agent.as_ref());
    all.0
}

/// Of a detection.
pub fn of_detection(found: &DetectionRow) -> Vec<Filter> {
    let mut all = Conditions::default();
    all.addr(FieldId::Addr, Some(found.subject));
    all.text(FieldId::Detector, Some(found.detector.as_str()));
    found.attack.iter().for_each(|attack| all.text(FieldId::Attack, Some(attack)));
    found.ports.iter().take(4).for_each(|port| all.number(FieldId::Port, Some((*port).into())));
    all.add(FieldId::Succeeded, found.succeeded.map(Cell::Flag));
    all.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;
    use crate::model::{ImportId, RecordKind};

    #[test]
    fn strangers_values_are_quoted_so_that_they_cannot_end_their_condition() {
        let mut record = Record::new(RecordKind::Http, ImportId(0));
        let hostile = "x\" || score >= 0 || \"\\";
        record.user = Some(Untrusted::new(hostile));
        record.user_agent = Some(Untrusted::new("\u{202e}evil\n&& mine"));
        for condition in of_record(&record) {
            let read = parse(&condition.to_string());
            assert_eq!(read, Ok(condition.clone()), "{condition}");
            assert_eq!(condition.parts().len(), 1);
        }
        let user = of_record(&record).into_iter().find(|it| it.to_string().starts_with("user =="));
        let names: Vec<_> = user.unwrap().fields().iter().map(|field| field.name).collect();
        assert_eq!(names, ["user"], "the whole of it is one value");
    }

    #[test]
    fn a_value_that_stands_twice_is_offered_once() {
        let mut record = Record::new(RecordKind::Auth, ImportId(0));
        record.src = "192.0.2.7".parse().ok();
        record.dst = record.src;
        let offered: Vec<String> = of_record(&record).iter().map(ToString::to_string).collect();
        assert_eq!(offered, ["addr == 192.0.2.7", "record_kind == \"auth\""]);
    }
}
