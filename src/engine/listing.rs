//! Flows and records as they come, straight to a writer: nothing is kept.

use std::io::{self, Write};

use super::case::Material;
use super::fields::{FlowFields, RecordFields};
use super::files::{Consumer, Imports, Job};
use crate::export::{FlowRow, FlowWriter, JsonLines, RecordRow};
use crate::filter::Plan;
use crate::flow::community_id::community_id;
use crate::model::{Addr, Flow, ImportId, RealmId, Record, Uid, Untrusted};

/// How flows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowFormat {
    /// For people, in lines of so many characters.
    Table(usize),
    /// One object a line.
    NdJson,
    /// Flat columns.
    Csv,
    /// Zeek's conn.log.
    Zeek,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// For people, in lines of so many characters.
    Table(usize),
    /// One object a line.
    NdJson,
}

/// Which flows and records are written: those to which all that is set applies.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// An address at either end.
    pub addr: Option<Addr>,
    /// A flow, or the transactions in it.
    pub flow: Option<Uid>,
    /// A line of an import: the record that stands there.
    pub line: Option<(String, u64)>,
    /// Those that meet a filter.
    pub filter: Option<Plan>,
}

impl Sought {
    /// Whether anything is set: all is written otherwise.
    pub fn is_narrow(&self) -> bool {
        self.addr.is_some() || self.flow.is_some() || self.line.is_some() || self.filter.is_some()
    }

    fn has_flow(&self, flow: &Flow, import: &Untrusted) -> bool {
        let ends = [flow.originator.addr, flow.responder.addr];
        self.addr.is_none_or(|addr| ends.contains(&addr))
            && self.flow.is_none_or(|uid| flow.uid == uid)
            && self.filter.as_ref().is_none_or(|plan| plan.matches(&FlowFields { flow, import }))
    }

    fn has_record(&self, record: &Record, import: &Untrusted) -> bool {
        let ends = [record.src, record.dst];
        let line =
            |(name, line): &(String, u64)| name == import.raw() && record.line == Some(*line);
        self.addr.is_none_or(|addr| ends.contains(&Some(addr)))
            && self.flow.is_none_or(|uid| record.uid == Some(uid))
            && self.line.as_ref().is_none_or(line)
            && self.filter.as_ref().is_none_or(|it| it.matches(&RecordFields { record, import }))
    }
}

/// Writes the flows of captures or of a case that are sought; says how many there were.
///
/// # Errors
/// The output cannot be written.
pub fn flows<'m>(
    material: impl Into<Material<'m>>,
    job: Job<'_>,
    sought: &Sought,
    format: FlowFormat,
    out: &mut dyn Write,
) -> io::Result<(Imports, u64)> {
    let writer: Box<dyn FlowWriter + '_> = match format {
        FlowFormat::Table(width) => Box::new(crate::export::FlowLines::new(out, width)),
        FlowFormat::NdJson => Box::new(JsonLines::new(out)),
        FlowFormat::Csv => Box::new(crate::export::FlowCsv::new(out)),
        FlowFormat::Zeek => Box::new(crate::export::ZeekConn::new(out)),
    };
    let mut listing = FlowListing { writer, sought, written: 0, names: Vec::new(), failed: None };
    let begun = listing.writer.begin();
    listing.failed = begun.err();
    let imports = material.into().pass(job, &mut listing);
    match listing.failed.map_or_else(|| listing.writer.end(), Err) {
        Ok(()) => Ok((imports, listing.written)),
        Err(error) => Err(error),
    }
}

struct FlowListing<'a> {
    writer: Box<dyn FlowWriter + 'a>,
    sought: &'a Sought,
    written: u64,
    names: Vec<Untrusted>,
    failed: Option<io::Error>,
}

impl Consumer for FlowListing<'_> {
    fn begin(&mut self, _import: ImportId, _realm: RealmId, name: &Untrusted) {
        self.names.push(name.clone());
    }

    fn flow(&mut self, flow: Flow) {
        if self.failed.is_some() {
            return;
        }
        let import = self.names.get(flow.import.0 as usize).cloned().unwrap_or_default();
        if self.sought.has_flow(&flow, &import) {
            self.written += 1;
            self.failed = self.writer.write(&flow_row(flow, import)).err();
        }
    }

    fn record(&mut self, _record: Record) {}

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}

/// A flow with Zeek's names.
pub(super) fn flow_row(flow: Flow, import: Untrusted) -> FlowRow {
    let community_id = Some(community_id(&flow));
    let spoken = *flow.spoken;
    FlowRow {
        ts: flow.first_seen,
        uid: flow.uid,
        orig_h: flow.originator.addr,
        orig_p: flow.originator.port,
        resp_h: flow.responder.addr,
        resp_p: flow.responder.port,
        proto: flow.proto.as_str(),
        service: flow.service,
        duration: flow.duration_nanos.map(|nanos| nanos as f64 / 1e9),
        orig_bytes: flow.orig_bytes,
        resp_bytes: flow.resp_bytes,
        conn_state: flow.conn_state.as_str(),
        missed_bytes: flow.missed_bytes,
        history: Some(flow.history).filter(|history| !history.is_empty()),
        orig_pkts: flow.orig_pkts,
        orig_ip_bytes: flow.orig_ip_bytes,
        resp_pkts: flow.resp_pkts,
        resp_ip_bytes: flow.resp_ip_bytes,
        tunnel_parents: flow.tunnel_parents,
        vlan: flow.vlan,
        inner_vlan: flow.inner_vlan,
        community_id,
        ja3: spoken.ja3,
        ja3s: spoken.ja3s,
        ja4: spoken.ja4,
        hassh: spoken.hassh,
        hassh_server: spoken.hassh_server,
        sni: spoken.sni,
        alpn: spoken.alpn,
        server_name: spoken.server_name,
        user_agent: spoken.user_agent,
        os_guess: spoken.os_guess,
        apps: spoken.apps,
        import,
    }
}

/// Writes log records and protocol transactions that are sought; says how many there were.
///
/// # Errors
/// The output cannot be written.
pub fn records<'m>(
    material: impl Into<Material<'m>>,
    job: Job<'_>,
    sought: &Sought,
    format: RecordFormat,
    out: &mut dyn Write,
) -> io::Result<(Imports, u64)> {
    let mut listing =
        RecordListing { out, format, sought, written: 0, names: Vec::new(), failed: None };
    let imports = material.into().pass(job, &mut listing);
    match listing.failed {
        None => Ok((imports, listing.written)),
        Some(error) => Err(error),
    }
}

struct RecordListing<'a> {
    out: &'a mut dyn Write,
    format: RecordFormat,
    sought: &'a Sought,
    written: u64,
    names: Vec<Untrusted>,
    failed: Option<io::Error>,
}

impl Consumer for RecordListing<'_> {
    fn begin(&mut self, _import: ImportId, _realm: RealmId, name: &Untrusted) {
        self.names.push(name.clone());
    }

    fn flow(&mut self, _flow: Flow) {}

    fn record(&mut self, record: Record) {
        if self.failed.is_some() {
            return;
        }
        let import = self.names.get(record.import.0 as usize).cloned().unwrap_or_default();
        if !self.sought.has_record(&record, &import) {
            return;
        }
        self.written += 1;
        let row = record_row(record, import);
        let written = match self.format {
            RecordFormat::NdJson => JsonLines::new(&mut *self.out).write(&row),
            RecordFormat::Table(width) => writeln!(self.out, "{}", row.to_line(width)),
        };
        self.failed = written.err();
    }

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}

/// A record as it is written.
pub(super) fn record_row(record: Record, import: Untrusted) -> RecordRow {
    let mut details = record.details;
    if record.times > 1 {
        details.insert("times".to_owned(), record.times.into());
    }
    RecordRow {
        ts: record.ts,
        kind: record.kind,
        service: record.service,
        outcome: record.outcome,
        src: record.src,
        src_port: record.src_port,
        dst: record.dst,
        dst_port: record.dst_port,
        src_name: record.src_name,
        dst_name: record.dst_name,
        user: record.user,
        method: record.method,
        host: record.host,
        path: record.path,
        query: record.query,
        status: record.status,
        user_agent: record.user_agent,
        bytes: record.bytes,
        line: record.line,
        uid: record.uid,
        import,
        details,
    }
}
