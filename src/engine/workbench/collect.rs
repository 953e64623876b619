//! What passes by is kept, and shown before the end.

use std::sync::Arc;

use super::super::context::Context;
use super::super::files::Consumer;
use super::super::triage::Gather;
use crate::clock::Stopwatch;
use crate::import::Listed;
use crate::model::{Flow, ImportId, RealmId, Record, Untrusted};

/// Flows and records between two looks at the clock.
const LOOK_EVERY: u64 = 4_096;

/// Seconds until hosts are shown first, while reading goes on.
const FIRST_SECS: f64 = 0.3;

/// Each further look comes this much later than the one before, so that looks stay a small part of
/// the work however long it takes.
const LATER_BY: f64 = 2.0;

/// Ended flows and records up to which open flows are shown beside them: all of them are gathered
/// again for each look.
const GATHERED_AGAIN_MAX: usize = 200_000;

/// What a case holds of its files; everything else is computed from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) flows: Arc<Vec<Flow>>,
    pub(super) records: Arc<Vec<Record>>,
    pub(super) listed: Vec<(Listed, ImportId, u64)>,
    /// The realm and name of each import.
    pub(super) imports: Vec<(RealmId, Untrusted)>,
}

/// Takes what is read: keeps it, and gathers what is known of hosts.
pub(super) struct Collect<'a> {
    gather: Gather,
    flows: Vec<Flow>,
    records: Vec<Record>,
    held: Held,
    context: Arc<Context>,
    begun: Vec<(ImportId, RealmId, Untrusted)>,
    seen: u64,
    watch: Stopwatch,
    next_secs: f64,
    /// Called now and then with what is there so far.
    show: &'a dyn Fn(&Gather),
}

impl<'a> Collect<'a> {
    /// Begins with what the case holds already.
    pub(super) fn new(context: &Arc<Context>, before: &Held, show: &'a dyn Fn(&Gather)) -> Self {
        let mut collect = Self {
            gather: Gather::new(context),
            flows: Vec::with_capacity(before.flows.len()),
            records: Vec::with_capacity(before.records.len()),
            held: Held::default(),
            context: Arc::clone(context),
            begun: Vec::new(),
            seen: 0,
            watch: Stopwatch::start(),
            next_secs: f64::INFINITY,
            show,
        };
        for (number, (realm, name)) in (0..).zip(&before.imports) {
            collect.begin(ImportId(number), *realm, name);
        }
        for flow in before.flows.iter() {
            collect.flow(flow.clone());
        }
        for record in before.records.iter() {
            collect.record(record.clone());
        }
        for (listed, import, line) in &before.listed {
            collect.listed(listed.clone(), *import, *line);
        }
        collect.next_secs = FIRST_SECS;
        collect
    }

    /// What is known of hosts, and what the case now holds: of these imports.
    pub(super) fn end(self, imports: Vec<(RealmId, Untrusted)>) -> (Gather, Held) {
        let (flows, records) = (Arc::new(self.flows), Arc::new(self.records));
        (self.gather, Held { flows, records, imports, ..self.held })
    }

    fn look(&mut self) {
        self.seen += 1;
        if self.seen.is_multiple_of(LOOK_EVERY) && self.watch.secs() > self.next_secs {
            (self.show)(&self.gather);
            self.next_secs = self.watch.secs() * LATER_BY;
        }
    }
}

impl Consumer for Collect<'_> {
    fn begin(&mut self, import: ImportId, realm: RealmId, name: &Untrusted) {
        self.gather.begin(import, realm, name);
        self.begun.push((import, realm, name.clone()));
    }

    fn flow(&mut self, flow: Flow) {
        self.gather.flow_seen(&flow);
        self.flows.push(flow);
        self.look();
    }

    fn wants_open_flows(&self) -> bool {
        let seen = self.flows.len() + self.records.len();
        seen < GATHERED_AGAIN_MAX && self.watch.secs() > self.next_secs
    }

    fn open_flows(&mut self, flows: &mut dyn Iterator<Item = Flow>) {
        let mut gather = Gather::new(&self.context);
        for (import, realm, name) in &self.begun {
            gather.begin(*import, *realm, name);
        }
        self.flows.iter().for_each(|flow| gather.flow_seen(flow));
        flows.for_each(|flow| gather.flow_seen(&flow));
        self.records.iter().for_each(|record| gather.record_seen(record));
        (self.show)(&gather);
        self.next_secs = self.watch.secs() * LATER_BY;
    }

    fn record(&mut self, record: Record) {
        self.gather.record_seen(&record);
        self.records.push(record);
        self.look();
    }

    fn listed(&mut self, listed: Listed, import: ImportId, line: u64) {
        self.gather.listed(listed.clone(), import, line);
        self.held.listed.push((listed, import, line));
    }
}
