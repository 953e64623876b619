//! What rows answer to a filter: hosts, flows, records, detections.

use std::cell::OnceCell;

use super::triage::Triage;
use crate::export::{DetectionRow, HostRow};
use crate::filter::{Cell, FieldId, Fields};
use crate::flow::community_id::community_id;
use crate::model::{Endpoint, Flow, HostKey, Outcome, Record, Timestamp, Untrusted};

/// Takes the values of a field.
type See<'s> = &'s mut dyn FnMut(Cell<'_>);

fn number(see: See<'_>, value: Option<u64>) {
    value.into_iter().for_each(|value| see(Cell::Number(value as f64)));
}

fn real(see: See<'_>, value: Option<f64>) {
    value.into_iter().for_each(|value| see(Cell::Number(value)));
}

fn text<'t>(see: See<'_>, values: impl IntoIterator<Item = &'t str>) {
    values.into_iter().for_each(|value| see(Cell::Text(value)));
}

fn foreign<'t>(see: See<'_>, values: impl IntoIterator<Item = &'t Untrusted>) {
    values.into_iter().for_each(|value| see(Cell::Text(value.raw())));
}

fn time(see: See<'_>, value: Option<Timestamp>) {
    value.into_iter().for_each(|value| see(Cell::Time(value)));
}

/// A flow and the name of the file it was read from.
pub(super) struct FlowFields<'a> {
    pub(super) flow: &'a Flow,
    pub(super) import: &'a Untrusted,
}

impl Fields for FlowFields<'_> {
    fn each(&self, field: FieldId, see: See<'_>) {
        let flow = self.flow;
        let Flow { originator, responder, .. } = flow;
        let ends = |see: See<'_>, of: fn(&Endpoint) -> Cell<'static>| {
            [originator, responder].into_iter().for_each(|end| see(of(end)));
        };
        let port = |end: &Endpoint| Cell::Number(end.port.into());
        match field {
            FieldId::Addr => ends(see, |end| Cell::Addr(end.addr)),
            FieldId::Src => see(Cell::Addr(originator.addr)),
            FieldId::Dst => see(Cell::Addr(responder.addr)),
            FieldId::Port => ends(see, port),
            FieldId::SrcPort => see(port(originator)),
            FieldId::DstPort => see(port(responder)),
            FieldId::Ts | FieldId::FirstSeen => see(Cell::Time(flow.first_seen)),
            FieldId::LastSeen => see(Cell::Time(flow.last_seen())),
            FieldId::Duration => real(see, flow.duration_nanos.map(|nanos| nanos as f64 / 1e9)),
            FieldId::Packets => number(see, Some(flow.packets())),
            FieldId::Bytes => {
                number(see, Some(flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes)));
            }
            FieldId::BytesIn => number(see, Some(flow.resp_ip_bytes)),
            FieldId::BytesOut => number(see, Some(flow.orig_ip_bytes)),
            FieldId::OrigBytes => number(see, flow.orig_bytes),
            FieldId::RespBytes => number(see, flow.resp_bytes),
            FieldId::OrigPkts => number(see, Some(flow.orig_pkts)),
            FieldId::RespPkts => number(see, Some(flow.resp_pkts)),
            FieldId::MissedBytes => number(see, Some(flow.missed_bytes)),
            FieldId::Vlan => {
                let tags = [flow.vlan, flow.inner_vlan].into_iter().flatten();
                tags.for_each(|tag| see(Cell::Number(tag.into())));
            }
            other => self.said(other, see),
        }
    }
}

impl FlowFields<'_> {
    /// Its texts.
    fn said(&self, field: FieldId, see: See<'_>) {
        let Self { flow, import } = *self;
        let spoken = &flow.spoken;
        match field {
            FieldId::Proto => text(see, [flow.proto.as_str()]),
            FieldId::Service => {
                let named = flow.service.iter().flat_map(|services| services.split(','));
                text(see, named.chain(spoken.apps.iter().copied()));
            }
            FieldId::ConnState => text(see, [flow.conn_state.as_str()]),
            FieldId::History => {
                text(see, Some(flow.history.as_str()).filter(|history| !history.is_empty()));
            }
            FieldId::CommunityId => text(see, [community_id(flow).as_str()]),
            FieldId::Ja3 => text(see, spoken.ja3.as_deref()),
            FieldId::Ja3s => text(see, spoken.ja3s.as_deref()),
            FieldId::Ja4 => text(see, spoken.ja4.as_deref()),
            FieldId::Hassh => text(see, spoken.hassh.as_deref()),
            FieldId::HasshServer => text(see, spoken.hassh_server.as_deref()),
            FieldId::OsGuess => text(see, spoken.os_guess),
            FieldId::Sni => foreign(see, &spoken.sni),
            FieldId::Alpn => foreign(see, &spoken.alpn),
            FieldId::ServerName => foreign(see, &spoken.server_name),
            FieldId::Name => foreign(see, spoken.sni.iter().chain(&spoken.server_name)),
            FieldId::UserAgent => foreign(see, &spoken.user_agent),
            FieldId::Uid => text(see, [flow.uid.to_string().as_str()]),
            FieldId::Import => foreign(see, [import]),
            _ => {}
        }
    }
}

/// A record and the name of the file it was read from.
pub(super) struct RecordFields<'a> {
    pub(super) record: &'a Record,
    pub(super) import: &'a Untrusted,
}

impl Fields for RecordFields<'_> {
    fn each(&self, field: FieldId, see: See<'_>) {
        let Self { record, import } = *self;
        let port = |port: u16| Cell::Number(port.into());
        match field {
            FieldId::Addr => {
                record.src.into_iter().chain(record.dst).for_each(|addr| see(Cell::Addr(addr)));
            }
            FieldId::Src => record.src.into_iter().for_each(|addr| see(Cell::Addr(addr))),
            FieldId::Dst => record.dst.into_iter().for_each(|addr| see(Cell::Addr(addr))),
            FieldId::Port => {
                record.src_port.into_iter().chain(record.dst_port).for_each(|it| see(port(it)));
            }
            FieldId::SrcPort => record.src_port.into_iter().for_each(|it| see(port(it))),
            FieldId::DstPort => record.dst_port.into_iter().for_each(|it| see(port(it))),
            FieldId::Ts | FieldId::FirstSeen | FieldId::LastSeen => time(see, record.ts),
            FieldId::Bytes => number(see, record.bytes),
            FieldId::Status => number(see, record.status.map(u64::from)),
            FieldId::Line => number(see, record.line),
            FieldId::RecordKind => text(see, [record.kind.as_str()]),
            FieldId::Outcome => text(see, record.outcome.map(Outcome::as_str)),
            FieldId::Proto => {
                let keys = ["proto", "protocol"];
                text(see, keys.iter().filter_map(|key| record.details.get(*key)?.as_str()));
            }
            FieldId::Service => foreign(see, &record.service),
            FieldId::SrcName => foreign(see, &record.src_name),
            FieldId::DstName => foreign(see, &record.dst_name),
            FieldId::Name => {
                foreign(see, record.src_name.iter().chain(&record.dst_name).chain(&record.host));
            }
            FieldId::User => foreign(see, &record.user),
            FieldId::Method => foreign(see, &record.method),
            FieldId::Host => foreign(see, &record.host),
            FieldId::Path => foreign(see, &record.path),
            FieldId::Query => foreign(see, &record.query),
            FieldId::Uri => match (&record.path, &record.query) {
                (Some(path), Some(query)) => {
                    text(see, [format!("{}?{}", path.raw(), query.raw()).as_str()]);
                }
                (path, _) => foreign(see, path),
            },
            FieldId::UserAgent => foreign(see, &record.user_agent),
            FieldId::Uid => {
                let uid = record.uid.map(|uid| uid.to_string());
                text(see, uid.as_deref());
            }
            FieldId::Import => foreign(see, [import]),
            _ => {}
        }
    }
}

impl Fields for DetectionRow {
    fn each(&self, field: FieldId, see: See<'_>) {
        match field {
            FieldId::Addr => {
                let all = [self.subject].into_iter().chain(self.peers.iter().copied());
                all.for_each(|addr| see(Cell::Addr(addr)));
            }
            FieldId::Subject => see(Cell::Addr(self.subject)),
            FieldId::Peer => self.peers.iter().for_each(|addr| see(Cell::Addr(*addr))),
            FieldId::PeerCount => number(see, Some(self.peer_count)),
            FieldId::Port => {
                self.ports.iter().for_each(|port| see(Cell::Number((*port).into())));
            }
            FieldId::Severity => number(see, Some(self.severity.into())),
            FieldId::Confidence => real(see, Some(self.confidence)),
            FieldId::Count => number(see, Some(self.count)),
            FieldId::FirstSeen => time(see, self.first_seen),
            FieldId::LastSeen => time(see, self.last_seen),
            FieldId::Succeeded => self.succeeded.into_iter().for_each(|it| see(Cell::Flag(it))),
            FieldId::Detector => text(see, [self.detector.as_str()]),
            FieldId::SubjectRole => text(see, [self.subject_role.as_str()]),
            FieldId::Basis => text(see, [self.basis.as_str()]),
            FieldId::Attack => text(see, self.attack.iter().copied()),
            FieldId::What => text(see, [self.what.as_str()]),
            FieldId::Realm => foreign(see, &self.subject_realm),
            _ => {}
        }
    }
}

/// A host of a triage. What the table of hosts knows is answered from there; only what needs facts,
/// score and place makes the whole row, once.
pub(super) struct HostFields<'t> {
    triage: &'t Triage,
    host: HostKey,
    row: OnceCell<HostRow>,
}

impl<'t> HostFields<'t> {
    pub(super) const fn new(triage: &'t Triage, host: HostKey) -> Self {
        Self { triage, host, row: OnceCell::new() }
    }
}

impl Fields for HostFields<'_> {
    fn each(&self, field: FieldId, see: See<'_>) {
        let stats = self.triage.stats(self.host);
        match (field, stats) {
            (FieldId::Addr, _) => see(Cell::Addr(self.host.addr())),
            (FieldId::Flows, Some(stats)) => number(see, Some(stats.flows)),
            (FieldId::Packets, Some(stats)) => number(see, Some(stats.packets)),
            (FieldId::Bytes, Some(stats)) => {
                number(see, Some(stats.bytes_in.saturating_add(stats.bytes_out)));
            }
            (FieldId::BytesIn, Some(stats)) => number(see, Some(stats.bytes_in)),
            (FieldId::BytesOut, Some(stats)) => number(see, Some(stats.bytes_out)),
            (FieldId::FirstSeen, Some(stats)) => time(see, stats.first_seen),
            (FieldId::LastSeen, Some(stats)) => time(see, stats.last_seen),
            (FieldId::Name, Some(stats)) => {
                foreign(see, stats.names.iter().map(|name| &name.name));
            }
            _ => self.row.get_or_init(|| self.triage.host_row(self.host)).each(field, see),
        }
    }
}

impl Fields for HostRow {
    fn each(&self, field: FieldId, see: See<'_>) {
        let place = self.place.as_ref();
        match field {
            FieldId::Addr => see(Cell::Addr(self.addr)),
            FieldId::Realm => foreign(see, &self.realm),
            FieldId::Mine => see(Cell::Flag(self.mine)),
            // An unknown host has neither: it is not among those that score little.
            FieldId::Score | FieldId::Band if self.is_unknown() => {}
            FieldId::Score => real(see, Some(self.score)),
            FieldId::Band => see(Cell::Band(self.band)),
            FieldId::Malice => real(see, Some(self.malice)),
            FieldId::Anonymity => real(see, Some(self.anonymity)),
            FieldId::EvidenceAmount => real(see, Some(self.evidence_amount)),
            FieldId::Evidence | FieldId::Detector => {
                let rows = self.evidence.iter().map(|shown| &shown.row);
                let told = rows.filter(|row| match field {
                    FieldId::Detector => row.source == "detector",
                    _ => row.counted && row.id != "prior" && row.id != "cap",
                });
                text(see, told.map(|row| row.id.as_ref()));
            }
            FieldId::Asn => number(see, self.asn.map(u64::from)),
            FieldId::AsName => foreign(see, &self.as_name),
            FieldId::Country => text(see, place.and_then(|it| it.country_code.as_deref())),
            FieldId::Region => text(see, place.and_then(|it| it.region.as_deref())),
            FieldId::City => text(see, place.and_then(|it| it.city.as_deref())),
            FieldId::Lat => real(see, place.and_then(|it| it.lat)),
            FieldId::Lon => real(see, place.and_then(|it| it.lon)),
            FieldId::Point => {
                let point = place.and_then(|it| Some([it.lat?, it.lon?]));
                point.into_iter().for_each(|point| see(Cell::Point(point)));
            }
            FieldId::RadiusKm => real(see, place.and_then(|it| it.radius_km)),
            FieldId::PlaceConfidence => real(see, place.and_then(|it| it.confidence)),
            FieldId::Kind => text(see, self.kinds.iter().map(|kind| kind.as_str())),
            FieldId::List => text(see, self.lists.iter().map(|list| &*list.id)),
            FieldId::Name => foreign(see, self.names.iter().map(|name| &name.name)),
            FieldId::Role => text(see, self.roles.iter().copied()),
            FieldId::Flows => number(see, Some(self.flows)),
            FieldId::Packets => number(see, Some(self.packets)),
            FieldId::Bytes => number(see, Some(self.bytes_in.saturating_add(self.bytes_out))),
            FieldId::BytesIn => number(see, Some(self.bytes_in)),
            FieldId::BytesOut => number(see, Some(self.bytes_out)),
            FieldId::FirstSeen => time(see, self.first_seen),
            FieldId::LastSeen => time(see, self.last_seen),
            // Tags, verdicts and notes are a case's, which has its own rows.
            _ => {}
        }
    }
}
