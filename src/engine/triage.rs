//! The main job: everything read, every host ranked, every point explained.
//!
//! Packets and lines pass once. What stays is one table of hosts, what the detectors keep, and the
//! list of files. When all is read, "now" is fixed, detectors say what they found, each host gets
//! its number, and the order is made; rows with their explanation are computed when asked for.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use hashbrown::HashMap;

use super::answers::Answer;
use super::context::{Context, RunScene};
use super::fields::HostFields;
use super::files::{Consumer, Imports};
use crate::analytics::{HostStats, Hosts, NAMES_MAX, Role};
use crate::export::handover::Tlp;
use crate::export::{
    BaseMap, DetectionRow, HostRow, ImageRow, ListRow, ListedRow, NameRow, OwnFeedRow,
    ShownEvidence, SourceRow, ToolRow, Totals, TriageHead, grouped, write_report,
};
use crate::filter::Plan;
use crate::import::Listed;
use crate::intel::Detail;
use crate::model::limits::HOSTS_MAX;
use crate::model::{
    Addr, Basis, Detection, Flow, HostKey, ImportId, Position, Problem, RealmId, Record, Ref,
    Score, Timestamp, Untrusted, Visible, counted,
};
use crate::threat::Watchers;
use crate::threat::evidence::{Activity, evidence};
use crate::threat::score::score;

/// Prefixes and ranges of lists that are told: 64 MB. What they say of hosts is another matter
/// (`--list`), which has no such bound.
const LISTED_MAX: usize = 1_000_000;

/// What passes by, gathered.
pub(super) struct Gather {
    context: Arc<Context>,
    hosts: Hosts,
    activity: HashMap<HostKey, Activity>,
    watchers: Watchers,
    realms: Vec<RealmId>,
    /// At most [`LISTED_MAX`], the first of the analyst's own lists.
    listed: Vec<(Listed, ImportId, u64)>,
    listed_dropped: u64,
    /// Of [`Hosts::evicted`], how many had gone when `activity` was last cleared of them.
    evicted: u64,
    totals: Totals,
}

impl Gather {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            hosts: Hosts::new(),
            activity: HashMap::new(),
            watchers: Watchers::new(),
            realms: Vec::new(),
            listed: Vec::new(),
            listed_dropped: 0,
            evicted: 0,
            totals: Totals::default(),
        }
    }

    /// The activity of a host; only of those that [`Hosts`] keeps, which bounds both.
    fn activity(&mut self, host: HostKey) -> Option<&mut Activity> {
        if self.hosts.evicted() > self.evicted {
            self.evicted = self.hosts.evicted();
            let hosts = &self.hosts;
            self.activity.retain(|&host, _| hosts.get(host).is_some());
        }
        self.hosts.get(host)?;
        Some(self.activity.entry(host).or_default())
    }

    fn realm(&self, import: ImportId) -> RealmId {
        self.realms.get(import.0 as usize).copied().unwrap_or_default()
    }
}

impl Consumer for Gather {
    fn begin(&mut self, import: ImportId, realm: RealmId, _name: &Untrusted) {
        self.realms.resize(import.0 as usize + 1, realm);
    }

    fn flow(&mut self, flow: Flow) {
        self.flow_seen(&flow);
    }

    fn record(&mut self, record: Record) {
        self.record_seen(&record);
    }

    fn listed(&mut self, listed: Listed, import: ImportId, line: u64) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push((listed, import, line));
        } else {
            self.listed_dropped += 1;
        }
    }
}

impl Gather {
    /// Counts a flow for its hosts, and shows it to the detectors.
    pub(super) fn flow_seen(&mut self, flow: &Flow) {
        let realm = self.realm(flow.import);
        self.totals.flows += 1;
        self.totals.packets += flow.packets();
        let bytes = flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes);
        self.totals.bytes = self.totals.bytes.saturating_add(bytes);
        self.hosts.flow(flow, realm);
        for end in [flow.originator.addr, flow.responder.addr] {
            if let Some(activity) = self.activity(HostKey::new(end, realm)) {
                activity.flow(flow);
            }
        }
        let scene = RunScene { context: &self.context, realms: &self.realms };
        self.watchers.flow(flow, &scene);
    }

    /// Counts a record for its hosts, and shows it to the detectors.
    pub(super) fn record_seen(&mut self, record: &Record) {
        let realm = self.realm(record.import);
        self.hosts.record(record, realm);
        // A transaction's flow was or will be counted; a log line stands alone.
        if record.uid.is_none() {
            for end in [record.src, record.dst].into_iter().flatten() {
                if let Some(activity) = self.activity(HostKey::new(end, realm)) {
                    activity.record(record);
                }
            }
        }
        let scene = RunScene { context: &self.context, realms: &self.realms };
        self.watchers.record(record, &scene);
    }
}

/// A finished triage.
pub struct Triage {
    context: Arc<Context>,
    head: TriageHead,
    realms: Vec<Untrusted>,
    imports: Vec<Untrusted>,
    hosts: Hosts,
    activity: HashMap<HostKey, Activity>,
    detections: Vec<Detection>,
    /// Places in `detections`, by subject.
    by_subject: BTreeMap<HostKey, Vec<u32>>,
    /// Hosts from the highest score down.
    ranked: Vec<Ranked>,
}

/// A host in the order of the ranking.
#[derive(Clone, Copy)]
struct Ranked {
    host: HostKey,
    /// Unrounded.
    score: f64,
    /// Whether anything speaks for or against it, or a detection is about it.
    speaking: bool,
    /// Whether it meets the filter.
    shown: bool,
}

/// Which hosts are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut {
    /// At most so many.
    pub top: Option<usize>,
    /// Only those with this score or more.
    pub min_score: f64,
    /// Only those about which anything speaks: evidence that amounts to something, a detection.
    pub only_speaking: bool,
}

impl Triage {
    pub(super) fn conclude(gather: Gather, mut imports: Imports, shown: HostsShown) -> Self {
        let Gather {
            context,
            hosts,
            activity,
            watchers,
            realms,
            listed,
            listed_dropped,
            totals,
            ..
        } = gather;
        let now = context.at.or(imports.newest).unwrap_or_else(|| context.data_date());
        let scene = RunScene { context: &context, realms: &realms };
        let watched = watchers.finish(now, &scene, &context.profile);
        if let Some(last) = imports.rows.last_mut() {
            last.problems.extend(reached(&hosts, listed_dropped));
            last.problems.extend(watched.problems);
        }
        let names: Vec<Untrusted> = imports.rows.iter().map(|row| row.import.clone()).collect();
        let prefixes = listed
            .into_iter()
            .map(|(listed, import, line)| ListedRow {
                prefix: match listed {
                    Listed::Prefix(prefix) => prefix.to_string(),
                    Listed::Range(range) => range.to_string(),
                },
                import: names.get(import.0 as usize).cloned().unwrap_or_default(),
                line,
            })
            .collect();
        let mut by_subject: BTreeMap<HostKey, Vec<u32>> = BTreeMap::new();
        for (number, detection) in (0_u32..).zip(&watched.detections) {
            by_subject.entry(detection.subject).or_default().push(number);
        }
        let head = TriageHead {
            tool: tool(&context),
            partial: imports.partial,
            now,
            imports: imports.rows,
            totals: Totals { detections: watched.detections.len() as u64, ..totals },
            prefixes,
            notes: Vec::new(),
        };
        let mut triage = Self {
            context,
            head,
            realms: imports.realms,
            imports: names,
            hosts,
            activity,
            detections: watched.detections,
            by_subject,
            ranked: Vec::new(),
        };
        triage.rank(shown, &watched.forged);
        triage.head.notes.extend(triage.ageing());
        triage
    }

    /// A sentence, where one newer file sets "now" so late that most of what was detected has aged
    /// past the half-life of its weight.
    fn ageing(&self) -> Option<String> {
        let Context { at: None, profile, .. } = &*self.context else { return None };
        let now = self.head.now;
        let behaved = self.detections.iter().filter(|found| found.basis != Basis::List);
        let mut seen: Vec<(Timestamp, bool)> = behaved
            .filter_map(|found| {
                let half_life_days = profile.row(&found.detector)?.half_life_days?;
                let seen = found.last_seen?;
                Some((seen, now.secs_since(seen) > half_life_days * 86_400.0))
            })
            .collect();
        seen.sort_unstable();
        let aged = seen.iter().filter(|(_, is_aged)| *is_aged).count();
        let (middle, _) = *seen.get(seen.len() / 2)?;
        let sets_now = self.head.imports.iter().find(|import| import.last_seen == Some(now))?;
        (aged * 2 > seen.len()).then(|| {
            format!(
                "ages are counted from {} UTC, the newest time in {}; {aged} of {} are older than \
                 the half-life of their weight, so scores are low: --at {} judges as of then",
                now.to_short(),
                Visible(sets_now.import.raw()),
                counted(seen.len() as u64, "detection", "detections"),
                middle.plus_days(1).to_date(),
            )
        })
    }

    /// What can be said of hosts before all is read: detectors speak at the end.
    pub(super) fn preview(gather: &Gather) -> Self {
        let mut triage = Self {
            context: Arc::clone(&gather.context),
            head: TriageHead {
                tool: tool(&gather.context),
                partial: true,
                now: gather.context.at.unwrap_or_else(|| gather.context.data_date()),
                imports: Vec::new(),
                totals: gather.totals,
                prefixes: Vec::new(),
                notes: Vec::new(),
            },
            realms: Vec::new(),
            imports: Vec::new(),
            hosts: gather.hosts.clone(),
            activity: gather.activity.clone(),
            detections: Vec::new(),
            by_subject: BTreeMap::new(),
            ranked: Vec::new(),
        };
        triage.rank(HostsShown::All, &[]);
        triage
    }

    fn rank(&mut self, shown: HostsShown, forged: &[HostKey]) {
        let mut ranked: Vec<Ranked> = Vec::with_capacity(self.hosts.len());
        // A host with a detection is ranked even where the table had no room for it.
        let mut hosts = self.hosts.keys_sorted();
        hosts.extend(self.by_subject.keys());
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            if forged.binary_search(&host).is_ok() {
                self.head.totals.spoofed_hosts += 1;
                if shown == HostsShown::WithoutSpoofed {
                    continue;
                }
            }
            let judged = self.judge(host).1;
            let speaking = judged.is_known() || self.by_subject.contains_key(&host);
            ranked.push(Ranked { host, score: judged.exact, speaking, shown: true });
        }
        // By realm name, not by its number: the order of arguments must not show.
        let realm = |host: HostKey| host.realm().and_then(|id| self.realms.get(id.0 as usize));
        ranked.sort_by(|a, b| {
            let by_score = b.score.total_cmp(&a.score);
            by_score
                .then_with(|| a.host.addr().cmp(&b.host.addr()))
                .then_with(|| realm(a.host).cmp(&realm(b.host)))
        });
        self.head.totals.hosts = ranked.len() as u64;
        let public = ranked.iter().filter(|ranked| ranked.host.addr().is_public());
        self.head.totals.public_hosts = public.count() as u64;
        self.ranked = ranked;
    }

    /// What is known of a host and what it comes to.
    fn judge(&self, host: HostKey) -> (Arc<Answer>, Score) {
        let answer = self.context.answer(host.addr());
        let facts = &answer.facts;
        let numbers = self.by_subject.get(&host).map_or(&[][..], Vec::as_slice);
        let of_host: Vec<(u32, &Detection)> = numbers
            .iter()
            .filter_map(|&number| Some((number, self.detections.get(number as usize)?)))
            .collect();
        let activity = self.activity.get(&host).copied().unwrap_or_default();
        let evidence = evidence(&of_host, facts, &activity, &self.context.profile);
        let score = score(&evidence, &facts.kinds, &self.context.profile, self.head.now);
        (answer, score)
    }

    /// The unrounded scores of [`Triage::hosts`] without a cut.
    pub(super) fn exact_scores(&self) -> impl Iterator<Item = f64> + '_ {
        self.within(Cut::default()).map(|ranked| ranked.score)
    }

    /// What it was judged by.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Everything but hosts and detections.
    pub const fn head(&self) -> &TriageHead {
        &self.head
    }

    /// Sets how long it took, which only the shell knows.
    pub fn set_elapsed(&mut self, secs: f64) {
        self.head.totals.elapsed_secs = secs;
    }

    /// Shows only hosts that meet a filter; [`Self::explain`] and the detections stay as they are.
    pub fn narrow(&mut self, plan: &Plan) {
        let met: Vec<bool> = self
            .ranked
            .iter()
            .map(|ranked| plan.matches(&HostFields::new(self, ranked.host)))
            .collect();
        for (ranked, met) in self.ranked.iter_mut().zip(met) {
            ranked.shown = ranked.shown && met;
        }
    }

    /// What the table of hosts has counted of a host.
    pub(super) fn stats(&self, host: HostKey) -> Option<&HostStats> {
        self.hosts.get(host)
    }

    /// How many hosts a cut leaves.
    pub fn count(&self, cut: Cut) -> usize {
        self.within(cut).count()
    }

    fn within(&self, cut: Cut) -> impl Iterator<Item = &Ranked> {
        let enough = self.ranked.iter().take_while(move |ranked| ranked.score >= cut.min_score);
        let shown =
            enough.filter(move |ranked| ranked.shown && (ranked.speaking || !cut.only_speaking));
        shown.take(cut.top.unwrap_or(usize::MAX))
    }

    /// The busiest of the hosts about which nothing speaks, those of others before the analyst's
    /// own: at most so many.
    pub fn busiest_unknown(&self, top: usize) -> Vec<HostRow> {
        let silent = self.ranked.iter().filter(|ranked| ranked.shown && !ranked.speaking);
        let mut silent: Vec<(bool, Reverse<u64>, usize, HostKey)> = silent
            .enumerate()
            .map(|(rank, ranked)| {
                let flows = self.hosts.get(ranked.host).map_or(0, |stats| stats.flows);
                let mine = self.context.is_mine(ranked.host);
                (mine, Reverse(flows), rank, ranked.host)
            })
            .collect();
        silent.sort_unstable();
        silent.into_iter().take(top).map(|(.., host)| self.host_row(host)).collect()
    }

    /// Hosts from the highest score down, each explained when it is reached.
    pub fn hosts(&self, cut: Cut) -> impl Iterator<Item = HostRow> + '_ {
        self.within(cut).map(|ranked| self.host_row(ranked.host))
    }

    /// Hosts from the highest score down, with their keys.
    pub(super) fn keyed_rows(&self) -> impl Iterator<Item = (HostKey, HostRow)> + '_ {
        self.ranked.iter().map(|ranked| (ranked.host, self.host_row(ranked.host)))
    }

    /// How many detections have a host as their subject.
    pub(super) fn detections_about(&self, host: HostKey) -> u32 {
        self.by_subject.get(&host).map_or(0, |numbers| numbers.len() as u32)
    }

    /// The row of one host; `None`: it was not seen.
    pub(super) fn explain_host(&self, host: HostKey) -> Option<HostRow> {
        self.hosts.get(host).map(|_| self.host_row(host))
    }

    /// The host that a detection is about.
    pub(super) fn subject(&self, detection: usize) -> Option<HostKey> {
        self.detections.get(detection).map(|detection| detection.subject)
    }

    /// The rows of one address, one for each realm it was seen in; empty: it was not seen.
    pub fn explain(&self, addr: Addr) -> Vec<HostRow> {
        let of_addr = self.ranked.iter().filter(|ranked| ranked.host.addr() == addr);
        of_addr.map(|ranked| self.host_row(ranked.host)).collect()
    }

    /// Detections, the most severe first.
    pub fn detections(&self) -> impl Iterator<Item = DetectionRow> + '_ {
        self.detections.iter().map(|detection| self.detection_row(detection))
    }

    /// Writes one self-contained page about all of it.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_report(&self, out: &mut dyn Write, tlp: Tlp) -> io::Result<()> {
        let map = self.context.intel.basemap(Detail::Fine);
        let base = BaseMap { land: &map.land, lakes: &map.lakes, borders: &map.borders };
        write_report(out, &self.head, self.hosts(Cut::default()), self.detections(), base, tlp)
    }

    /// Who [`Triage::hosts`] would give.
    pub(super) fn keys(&self, cut: Cut) -> impl Iterator<Item = HostKey> + '_ {
        self.within(cut).map(|ranked| ranked.host)
    }

    fn realm_name(&self, host: HostKey) -> Option<Untrusted> {
        host.realm().and_then(|realm| self.realms.get(realm.0 as usize)).cloned()
    }

    pub(super) fn host_row(&self, host: HostKey) -> HostRow {
        let (answer, score) = self.judge(host);
        let none = HostStats::default();
        let stats = self.hosts.get(host).unwrap_or(&none);
        let roles = [
            (Role::Originator, "originator"),
            (Role::Responder, "responder"),
            (Role::Listed, "listed"),
        ];
        HostRow {
            realm: self.realm_name(host),
            mine: self.context.is_mine(host),
            names: stats
                .names
                .iter()
                .map(|name| NameRow {
                    name: name.name.clone(),
                    source: name.source.as_str(),
                    first_seen: name.first_seen,
                })
                .collect(),
            first_seen: stats.first_seen,
            last_seen: stats.last_seen,
            flows: stats.flows,
            packets: stats.packets,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            roles: roles.iter().filter(|(role, _)| stats.has(*role)).map(|(_, w)| *w).collect(),
            ..known_row(host.addr(), &answer, score, &self.imports)
        }
    }

    fn detection_row(&self, detection: &Detection) -> DetectionRow {
        DetectionRow {
            detector: detection.detector.to_string(),
            subject: detection.subject.addr(),
            subject_realm: self.realm_name(detection.subject),
            subject_role: detection.subject_role,
            peers: detection.peers.iter().map(|peer| peer.addr()).collect(),
            peer_count: detection.peer_count,
            ports: detection.ports.clone(),
            severity: self.context.profile.severity(detection),
            confidence: detection.confidence,
            basis: detection.basis,
            succeeded: detection.succeeded,
            first_seen: detection.first_seen,
            last_seen: detection.last_seen,
            count: detection.count,
            attack: detection.attack.clone(),
            what: detection.what.clone(),
            refs: detection.refs.iter().map(|at| ref_text(*at, &self.imports)).collect(),
            details: detection.details.clone(),
        }
    }
}

/// The bounds of the tables that were reached.
fn reached(hosts: &Hosts, listed_dropped: u64) -> Vec<Problem> {
    let problems = [
        (
            hosts.evicted(),
            format!(
                "more than {} hosts in all that was opened; those with the fewest flows, about \
                 which nothing was detected, are not ranked",
                grouped(HOSTS_MAX as u64)
            ),
        ),
        (
            hosts.names_dropped(),
            format!("more than {} names of hosts; no more are kept", grouped(NAMES_MAX as u64)),
        ),
        (
            listed_dropped,
            format!(
                "more than {} prefixes and ranges in lists; no more are listed",
                grouped(LISTED_MAX as u64)
            ),
        ),
    ];
    let problem = |(count, what)| Problem { place: Position::Whole, what, count };
    problems.into_iter().filter(|(count, _)| *count > 0).map(problem).collect()
}

/// Whether the sources of spoofed floods are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostsShown {
    /// All that were seen.
    All,
    /// Without forged sources that did nothing else: they are only counted.
    WithoutSpoofed,
}

/// The row of an address from what is known alone: nothing was seen of it.
pub(super) fn known_row(
    addr: Addr,
    answer: &Answer,
    score: Score,
    imports: &[Untrusted],
) -> HostRow {
    let facts = &answer.facts;
    let word = score.verdict_word();
    let band = score.band();
    let shown = |row: crate::model::EvidenceRow| {
        let refs = row.refs.iter().map(|at| ref_text(*at, imports)).collect();
        ShownEvidence { row, refs }
    };
    HostRow {
        addr,
        realm: None,
        mine: false,
        score: score.score,
        band,
        word,
        malice: score.malice,
        anonymity: score.anonymity,
        evidence_amount: score.evidence_amount,
        evidence: score.rows.into_iter().map(shown).collect(),
        place: answer.place.clone(),
        asn: facts.asn,
        as_name: facts.as_name.as_deref().map(Untrusted::new),
        prefix: facts.prefix,
        kinds: facts.kinds.clone(),
        lists: facts
            .lists
            .iter()
            .map(|list| ListRow { id: Arc::clone(&list.id), since: list.since })
            .collect(),
        names: Vec::new(),
        first_seen: None,
        last_seen: None,
        flows: 0,
        packets: 0,
        bytes_in: 0,
        bytes_out: 0,
        roles: Vec::new(),
    }
}

fn ref_text(at: Ref, imports: &[Untrusted]) -> String {
    match at {
        Ref::Flow(uid) => format!("flow:{uid}"),
        Ref::Record(import, line) => {
            let name = imports.get(import.0 as usize).map_or("", Untrusted::raw);
            format!("record:{name}#{line}")
        }
        Ref::Detection(number) => format!("detection:{number}"),
    }
}

/// What made a result.
pub(super) fn tool(context: &Context) -> ToolRow {
    let sources = context.intel.sources();
    ToolRow {
        name: "infralock",
        version: env!("CARGO_PKG_VERSION"),
        profile: context.profile.name.clone(),
        image: ImageRow {
            built: context.intel.date(),
            sources: sources
                .iter()
                .map(|source| SourceRow { id: source.id.to_string(), date: source.date.clone() })
                .collect(),
            feeds: context
                .feeds()
                .iter()
                .map(|open| OwnFeedRow {
                    id: open.row.id(),
                    date: open.row.date.map(Timestamp::to_date),
                    sha256: open.row.sha256.clone(),
                })
                .collect(),
        },
    }
}
