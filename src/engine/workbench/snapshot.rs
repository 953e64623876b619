//! What the window draws: everything at one moment, never changed, cheap to hand on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::case::CasePlace;
use super::columns::{FlowSort, HostColumns, HostSort, RecordSort, Verdict};
use super::command::{JobId, Selected};
use super::compare::Comparison;
use super::explore::Explorer;
use super::feeds::FeedsView;
use super::filters::FilterView;
use super::groups::Groups;
use super::handover::Saved;
use super::log::Log;
use super::own_sources::OwnContext;
use super::packets::PacketView;
use super::picture::PictureView;
use super::shapes::Shapes;
use super::towns::Town;
use crate::export::{DetectionRow, HostRow, ImportRow, Totals};
use crate::model::{Addr, Flow, HostKey, ImportId, RealmId, Record, Timestamp, Untrusted};
use crate::store::{ImportKey, PersonsData, Verdict as Decision};

/// All that views show.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts snapshots.
    pub version: u64,
    /// The reference data.
    pub data: DataState,
    /// What is being done and what was done, in the order in which it was asked for.
    pub jobs: Arc<Vec<JobView>>,
    /// What the case holds.
    pub case: Arc<CaseView>,
    /// Hosts in the order asked for.
    pub hosts: Ordered<HostColumns, HostSort>,
    /// How many of the hosts shown have which verdict, in the order of [`Verdict::ALL`].
    pub verdicts: [u32; 6],
    /// The hosts shown in groups, if that was asked for.
    pub groups: Option<Arc<Groups>>,
    /// Flows in the order asked for.
    pub flows: Ordered<Vec<Flow>, FlowSort>,
    /// Records in the order asked for.
    pub records: Ordered<Vec<Record>, RecordSort>,
    /// Detections, the most severe first.
    pub detections: Arc<Vec<DetectionRow>>,
    /// The detections shown, as places in `detections`.
    pub detections_shown: Arc<Vec<u32>>,
    /// Where the hosts shown are.
    pub places: Arc<Places>,
    /// What happened when.
    pub timeline: Arc<Timeline>,
    /// The same steps of time with what is shown alone.
    pub timeline_shown: Arc<Timeline>,
    /// The filter in force.
    pub filter: Arc<FilterView>,
    /// The last list that was compared with the hosts.
    pub comparison: Option<Arc<Comparison>>,
    /// What is selected, with all that is known of it.
    pub selection: Option<Arc<Selection>>,
    /// The packets of a flow, if they were asked for.
    pub packets: Option<Arc<PacketView>>,
    /// The prefixes around an address.
    pub explorer: Explorer,
    /// IPv4 space, as far as it is drawn.
    pub picture: Arc<PictureView>,
    /// How the last wish to write something ended.
    pub saved: Option<Arc<Saved>>,
    /// Whether there are selections to go back and forward to.
    pub history: (bool, bool),
    /// What a person said of hosts.
    pub marks: Arc<Marks>,
    /// Unsaved cases of earlier runs.
    pub recovered: Arc<Vec<Recovered>>,
    /// The person's own feeds.
    pub feeds: Arc<FeedsView>,
}

/// What a person said, by host.
pub type Marks = BTreeMap<HostKey, Mark>;

/// What a person said of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The verdict.
    pub decision: Option<Decision>,
    /// Tags, in their order.
    pub tags: Vec<String>,
    /// The note.
    pub note: Option<String>,
    /// The name under which it is marked.
    pub bookmark: Option<String>,
}

impl Mark {
    /// `malicious · case 7, seen before`, or that there is a note.
    pub fn text(&self) -> String {
        let tags = self.tags.join(", ");
        let decision = self.decision.as_ref().map_or("", Decision::as_str);
        match (decision, tags.as_str()) {
            ("", "") if self.note.is_some() => "note".to_owned(),
            ("", "") if self.bookmark.is_some() => "bookmark".to_owned(),
            ("", tags) => tags.to_owned(),
            (decision, "") => decision.to_owned(),
            (decision, tags) => format!("{decision} · {tags}"),
        }
    }
}

/// An unsaved case of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds, or why it cannot be opened.
    pub what: String,
    /// When it was made.
    pub made: Option<Timestamp>,
    /// Whole days since then.
    pub age_days: Option<u32>,
}

/// Whether look-ups can be answered yet.
#[derive(Clone, Debug, Default)]
pub enum DataState {
    /// Being opened: places and owners are pending.
    #[default]
    Opening,
    /// Ready.
    Ready(Arc<DataView>),
    /// Not there, and why.
    Failed(String),
}

/// Reference data as it is shown.
#[derive(Clone, Debug, Default)]
pub struct DataView {
    /// Its sets.
    pub sources: Vec<DataSource>,
    /// The base map.
    pub shapes: Arc<Shapes>,
    /// Towns, most inhabitants first; they come a moment after the rest.
    pub towns: Arc<Vec<Town>>,
}

/// A set of reference data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource {
    /// `dbip-city`.
    pub id: String,
    /// `2026-06-05`.
    pub date: Option<String>,
    /// Its licence.
    pub licence: String,
    /// What must be shown where results are shown; empty: its publisher's page.
    pub attribution: String,
}

/// The case as a whole.
#[derive(Clone, Debug, Default)]
pub struct CaseView {
    /// Where it lies.
    pub place: CasePlace,
    /// What a person said.
    pub said: Arc<PersonsData>,
    /// What "undo" would undo; `None`: nothing was done.
    pub undo: Option<String>,
    /// What "redo" would do again.
    pub redo: Option<String>,
    /// Which commands changed it.
    pub log: Arc<Log>,
    /// What it is judged by that it keeps itself.
    pub own: Arc<OwnContext>,
    /// Files read, in reading order.
    pub imports: Vec<ImportRow>,
    /// Their numbers in the case.
    pub keys: Vec<ImportKey>,
    /// Names of the realms.
    pub realms: Vec<Untrusted>,
    /// The realm of each file, in reading order.
    pub import_realms: Vec<RealmId>,
    /// Sums.
    pub totals: Totals,
    /// What ages are counted from.
    pub now: Option<Timestamp>,
    /// Whether some of it is still being read: numbers grow, detections come at the end.
    pub is_growing: bool,
}

impl CaseView {
    /// The name of a host's realm; `None`: a public address.
    pub fn realm(&self, host: HostKey) -> Option<&Untrusted> {
        host.realm().and_then(|realm| self.realms.get(realm.0 as usize))
    }

    /// Which host an address of a file is.
    pub fn host(&self, addr: Addr, import: ImportId) -> Option<HostKey> {
        let realm = self.import_realms.get(import.0 as usize)?;
        Some(HostKey::new(addr, *realm))
    }

    /// Whether nothing was opened yet.
    pub fn is_empty(&self) -> bool {
        self.imports.is_empty() && !self.is_growing
    }
}

/// Rows, and the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub struct Ordered<T, S> {
    /// All of them.
    pub all: Arc<T>,
    /// The rows shown, as places in `all`.
    pub shown: Arc<Vec<u32>>,
    /// How they are sorted.
    pub sort: S,
}

/// Points on the map: hosts at one place are one spot.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The largest spots last, so that they are drawn on top.
    pub spots: Vec<Spot>,
    /// Rows of hosts in the order of their spots.
    pub rows: Vec<u32>,
    /// Hosts without a place.
    pub without: Vec<u32>,
}

impl Places {
    /// The hosts of a spot, the highest score first.
    pub fn hosts(&self, spot: &Spot) -> &[u32] {
        let (from, to) = (spot.first as usize, (spot.first + spot.count) as usize);
        self.rows.get(from..to).unwrap_or_default()
    }
}

/// Hosts with the same coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// Degrees north.
    pub lat: f32,
    /// Degrees east.
    pub lon: f32,
    /// Where that is in the unit square of [`mercator`](super::mercator).
    pub unit: [f32; 2],
    /// The most alarming of them.
    pub worst: Verdict,
    /// How many.
    pub count: u32,
    /// Where they begin in [`Places::rows`].
    pub first: u32,
}

/// Counts in equal steps of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Where the first step begins.
    pub from: Timestamp,
    /// Where the last one ends.
    pub to: Timestamp,
    /// One for each step.
    pub bins: Vec<TimeBin>,
}

/// What happened in one step of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeBin {
    /// Flows that began in it.
    pub flows: u64,
    /// Log records.
    pub records: u64,
    /// IP bytes of the flows that began in it.
    pub bytes: u64,
    /// Detections that were going on.
    pub detections: u64,
}

/// What is selected, explained.
#[derive(Clone, Debug)]
pub struct Selection {
    /// What.
    pub what: Selected,
    /// The host, explained: that of a flow is its originator's, that of a detection its subject's.
    pub host: Option<Box<HostRow>>,
    /// Its key.
    pub key: Option<HostKey>,
    /// Its place among the hosts.
    pub row: Option<u32>,
    /// Its flows, as places among all flows; at most [`Selection::ROWS_MAX`].
    pub flows: Vec<u32>,
    /// How many flows it truly has.
    pub flow_count: usize,
    /// Its records.
    pub records: Vec<u32>,
    /// How many records it truly has.
    pub record_count: usize,
    /// Detections about it or with it as a peer.
    pub detections: Vec<u32>,
    /// The hosts it met most, with the number of flows and records.
    pub peers: Vec<Peer>,
    /// What its software says of itself, the most frequent first.
    pub fingerprints: Vec<Fingerprint>,
    /// What it did when, in the steps of the case's time.
    pub timeline: Timeline,
    /// Where it was placed, the newest last; at most [`Selection::PLACED_MAX`] of them.
    pub placed: Vec<Placed>,
    /// How often it was placed elsewhere, or otherwise, in truth.
    pub placed_count: u64,
    /// One sentence: the worst that is known of it.
    pub sentence: String,
}

/// Where a host was said to be from some time on.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Since when.
    pub time: Timestamp,
    /// `Amsterdam, NL`, as the case has it.
    pub name: Untrusted,
    /// The 90 % radius then.
    pub radius_km: Option<f64>,
    /// Who voted: `dbip-city, geofeed`.
    pub sources: Untrusted,
    /// The date of the reference data then.
    pub data_date: Option<Timestamp>,
}

/// What the software of a host says of itself, wittingly or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// `JA4`, `HASSH`, `user agent`, …
    pub kind: &'static str,
    /// As it was seen.
    pub value: Untrusted,
    /// In how many flows and records.
    pub count: u64,
}

impl Selection {
    /// Places of the past that are listed of one host.
    pub const PLACED_MAX: usize = 50;
    /// Fingerprints that are listed of one host.
    pub const FINGERPRINTS_MAX: usize = 20;
    /// Flows and records that are listed of one host.
    pub const ROWS_MAX: usize = 10_000;
    /// Peers that are listed of one host.
    pub const PEERS_MAX: usize = 100;
}

/// A host that the selected one met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peer {
    /// Who.
    pub key: HostKey,
    /// Its place among the hosts.
    pub row: Option<u32>,
    /// Flows and records that join them.
    pub count: u64,
}

/// A job as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// Which.
    pub id: JobId,
    /// "Reading access.log".
    pub title: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it began; `None`: it waits, or never did.
    pub begun: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it stands.
    pub state: JobState,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// Waits for the reference data or another job.
    Waiting,
    /// Runs.
    Running {
        /// 0 to 1; `None`: cannot tell.
        part: Option<f32>,
        /// "file 2 of 3, 120 MB of 1.1 GB, 210 MB/s, 5 s left".
        detail: String,
    },
    /// Ended, with what it came to: "52,118 hosts, 3 problems".
    Done(String),
    /// Stopped by the person; what was done is kept.
    Stopped(String),
    /// Failed, and why.
    Failed(String),
}

impl JobState {
    /// Whether it has ended.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Stopped(_) | Self::Failed(_))
    }
}
