//! Work that takes time: reading files, writing the report. Each runs in a thread of its own.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use hashbrown::HashMap;

use super::super::case::{self, Added};
use super::super::context::Context;
use super::super::derive;
use super::super::files::{Imports, Job};
use super::super::paths::Inputs;
use super::super::triage::{Gather, Triage};
use super::super::{Doing, HostsShown, Monitor, Silent, Step};
use super::case::OpenCase;
use super::collect::{Collect, Held};
use super::columns::{HostColumns, Words};
use super::command::JobId;
use super::shapes::mercator;
use super::snapshot::{JobState, Places, Spot, TimeBin, Timeline};
use super::state::Message;
use crate::clock::{self, Stopwatch};
use crate::export::DetectionRow;
use crate::model::{Addr, HostKey, ImportRow, Timestamp, Untrusted, Visible, counted};
use crate::store::{Existing, ImportKey, Store, StoreError, StoredImport};

/// Steps of the timeline: one for each few pixels of a wide screen.
const TIME_BINS: usize = 480;

/// Seconds between two words about progress.
const TELL_SECS: f64 = 0.1;

/// A case after a job: what it holds and all that follows from it.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    pub(super) held: Arc<Held>,
    pub(super) imports: Imports,
    /// The imports' numbers in the case.
    pub(super) keys: Vec<ImportKey>,
    pub(super) found: Found,
}

/// What follows from what a case holds.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) triage: Option<Arc<Triage>>,
    pub(super) hosts: Arc<HostColumns>,
    pub(super) places: Arc<Places>,
    pub(super) detections: Arc<Vec<DetectionRow>>,
    pub(super) timeline: Arc<Timeline>,
}

/// Work on the case. What is to be read is a `Source` while it waits, then [`Inputs`].
pub(super) enum Work<S> {
    /// Into the case.
    Read(S),
    /// A case, in the place of the open one.
    Open(PathBuf),
    /// Out of the case.
    Remove(ImportKey),
    /// One of its own sources, out of the case.
    RemoveSource(i64),
    /// An address, for good.
    Forget(Addr),
    /// Everything again.
    Judge,
    /// Elsewhere, and on from there.
    SaveAs(PathBuf, Existing),
}

impl Found {
    /// What a case keeps of the last time it was open.
    fn kept(store: &Store) -> Result<Self, StoreError> {
        let mut about: HashMap<HostKey, u32> = HashMap::new();
        for detection in store.derived_detections()? {
            let key = HostKey::new(detection.subject, detection.realm.unwrap_or_default());
            *about.entry(key).or_default() += 1;
        }
        let mut hosts = HostColumns::default();
        let mut words = Words::default();
        store.each_derived_host(&mut |_, addr, host| {
            let key = HostKey::new(addr, host.realm.unwrap_or_default());
            let detections = about.get(&key).copied().unwrap_or_default();
            hosts.push_kept(key, &host, detections, &mut words);
        })?;
        let places = Arc::new(places(&hosts));
        Ok(Self { places, hosts: Arc::new(hosts), ..Self::default() })
    }

    fn new(triage: Triage, held: &Held) -> Self {
        let mut hosts = HostColumns::default();
        let mut words = Words::default();
        for (key, row) in triage.keyed_rows() {
            hosts.push(key, &row, triage.detections_about(key), &mut words);
        }
        let detections: Vec<DetectionRow> = triage.detections().collect();
        Self {
            places: Arc::new(places(&hosts)),
            timeline: Arc::new(timeline(held, &detections)),
            hosts: Arc::new(hosts),
            detections: Arc::new(detections),
            triage: Some(Arc::new(triage)),
        }
    }
}

/// What a job needs of the engine.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) id: JobId,
    pub(super) context: Arc<Context>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) engine: SyncSender<Message>,
    /// The folder for unsaved cases.
    pub(super) recovery: Option<PathBuf>,
    /// Days for which cases keep the history of places.
    pub(super) retain_days: Option<u32>,
}

impl Task {
    pub(super) fn tell(&self, message: Message) {
        // The engine is gone when the program ends: then nobody needs to know.
        self.engine.send(message).ok();
    }

    pub(super) fn end(&self, state: JobState) {
        self.tell(Message::Job(self.id, state));
    }

    /// Does work on the case, tells what the case comes to, and ends the job.
    pub(super) fn run(&self, work: Work<Inputs>, store: Option<Store>, before: Outcome) {
        let state = match (work, store) {
            (Work::Open(path), _) => self.open(&path),
            (Work::Read(inputs), Some(mut store)) => self.import(&mut store, &before, inputs),
            (Work::Remove(key), Some(mut store)) => store
                .remove_import_of(key, clock::now())
                .map_err(|error| error.to_string())
                .and_then(|()| self.judge(&mut store)),
            (Work::RemoveSource(id), Some(mut store)) => store
                .remove_source(id, clock::now())
                .map_err(|error| error.to_string())
                .and_then(|()| self.judge(&mut store)),
            (Work::Judge, Some(mut store)) => self.judge(&mut store),
            (Work::Forget(addr), Some(mut store)) => self.forget(&mut store, addr),
            (Work::SaveAs(path, existing), Some(store)) => self.save_as(store, &path, existing),
            (_, None) => Err("there is no case".to_owned()),
        };
        self.end(state.unwrap_or_else(JobState::Failed));
    }

    /// Reads files into the case.
    fn import(
        &self,
        store: &mut Store,
        before: &Outcome,
        inputs: Inputs,
    ) -> Result<JobState, String> {
        let show = |gather: &Gather| self.preview(gather);
        let mut collect = Collect::new(&self.context, &before.held, &show);
        let watch = Stopwatch::start();
        let skipped = inputs.skipped.clone();
        let known = before.keys.len();
        let added = case::import_into(store, inputs, self.job(), &mut collect, clock::now());
        let stopped = self.is_cancelled();
        let newest = match &added {
            // What its listener was given is what the case holds, but for what went again.
            Ok(added) if added.replaced.is_empty() => {
                before.imports.newest.max(added.imports.newest)
            }
            _ => None,
        };
        let (mut imports, keys) = case::stored(store).map_err(|error| error.to_string())?;
        let is_all_there = added.as_ref().is_ok_and(|added| {
            added.replaced.is_empty() && keys.len() == known + added.imports.rows.len()
        });
        imports.newest = newest;
        if !is_all_there {
            collect = Collect::new(&self.context, &Held::default(), &show);
            let silent = Job { context: &self.context, monitor: &Silent };
            let replayed = case::replay(store, silent, &mut collect);
            imports.newest = replayed.map_err(|error| error.to_string())?.newest;
        }
        imports.partial = stopped;
        let names = imports.rows.get(known..).unwrap_or_default();
        let audited = names
            .iter()
            .try_for_each(|row| store.audit(&format!("import {}", row.import), clock::now()));
        let rows = imports.rows.clone();
        let hosts = self.conclude(store, collect, (imports, keys), watch)?;
        let added = added.map_err(|error| error.to_string())?;
        audited.map_err(|error| error.to_string())?;
        Ok(match ended(rows.get(known..).unwrap_or_default(), &added, &skipped, hosts) {
            JobState::Done(what) if stopped => {
                JobState::Stopped(format!("stopped; what was read is kept: {what}"))
            }
            state => state,
        })
    }

    /// Opens a case: what was made of it when it was last open is shown until all is judged again.
    fn open(&self, path: &Path) -> Result<JobState, String> {
        let mut case =
            OpenCase::open(path, self.recovery.as_deref()).map_err(|error| error.to_string())?;
        if let Ok(found) = Found::kept(&case.store) {
            self.tell(Message::Growing(self.id, Box::new(found)));
        }
        let retained = self.retain(&mut case.store);
        let state = self.judge(&mut case.store);
        let checked = match case.store.is_read_only() {
            true => Ok(()),
            // The first write need not wait for it.
            false => case.store.check_all().map_err(|error| error.to_string()),
        };
        self.tell(Message::Case(self.id, Box::new(case)));
        checked.and(state).and_then(|state| Ok(with_retained(state, retained?)))
    }

    /// Judges all that a case holds.
    fn judge(&self, store: &mut Store) -> Result<JobState, String> {
        self.with_kept(store)?.judge_now(store)
    }

    fn judge_now(&self, store: &mut Store) -> Result<JobState, String> {
        let watch = Stopwatch::start();
        let show = |_: &Gather| ();
        let mut collect = Collect::new(&self.context, &Held::default(), &show);
        let replayed = case::replay(store, self.job(), &mut collect);
        let replayed = replayed.map_err(|error| error.to_string())?;
        let (mut imports, keys) = case::stored(store).map_err(|error| error.to_string())?;
        (imports.newest, imports.partial) = (replayed.newest, replayed.partial);
        let stopped = replayed.partial;
        let hosts = self.conclude(store, collect, (imports, keys), watch)?;
        let hosts = counted(hosts as u64, "host", "hosts");
        Ok(match stopped {
            true => JobState::Stopped(format!("stopped: {hosts} of it; open it again for all")),
            false => JobState::Done(format!("{hosts} in the case")),
        })
    }

    /// Forgets an address, and says what cannot be reached.
    fn forget(&self, store: &mut Store, addr: Addr) -> Result<JobState, String> {
        let done = store.forget(addr, clock::now()).map_err(|error| error.to_string())?;
        self.judge(store)?;
        let rows = counted(done.flows + done.records + done.listed, "row is", "rows are");
        let left = done.cannot_reach.join("; ");
        Ok(JobState::Done(format!("{rows} gone. Not in reach: {left}")))
    }

    fn save_as(
        &self,
        mut store: Store,
        path: &Path,
        existing: Existing,
    ) -> Result<JobState, String> {
        let retained = self.retain(&mut store)?;
        store.save_as(path, existing, clock::now()).map_err(|error| error.to_string())?;
        drop(store);
        let opened = Store::open(path).map_err(|error| error.to_string())?;
        let case = OpenCase::of_file(opened.store, path);
        self.tell(Message::Case(self.id, Box::new(case)));
        let saved = JobState::Done(format!("saved as {}", path.display()));
        Ok(with_retained(saved, retained))
    }

    fn job(&self) -> Job<'_> {
        Job { context: &self.context, monitor: self }
    }

    fn preview(&self, gather: &Gather) {
        let found = Found::new(Triage::preview(gather), &Held::default());
        self.tell(Message::Growing(self.id, Box::new(found)));
    }

    /// Tells what follows from all that was gathered, then keeps it beside the case, so that it
    /// opens at once. Gives the number of hosts.
    fn conclude(
        &self,
        store: &mut Store,
        collect: Collect<'_>,
        (imports, keys): (Imports, Vec<ImportKey>),
        watch: Stopwatch,
    ) -> Result<usize, String> {
        let working = "judging hosts".to_owned();
        self.tell(Message::Job(self.id, JobState::Running { part: None, detail: working }));
        let stored = store.imports().map_err(|error| error.to_string())?;
        let of = |import: StoredImport| (import.realm.unwrap_or_default(), import.row.import);
        let (gather, held) = collect.end(stored.into_iter().map(of).collect());
        let mut triage = Triage::conclude(gather, imports.clone(), HostsShown::WithoutSpoofed);
        triage.set_elapsed(watch.secs());
        let found = Found::new(triage, &held);
        let (hosts, triage) = (found.hosts.len(), found.triage.clone());
        let is_kept = !store.is_read_only() && !imports.partial;
        let outcome = Outcome { held: Arc::new(held), imports, keys, found };
        self.tell(Message::Found(self.id, Box::new(outcome)));
        if let Some(triage) = triage.filter(|_| is_kept) {
            // What is kept for speed may be missing.
            derive::keep(store, &triage, clock::now()).ok();
        }
        Ok(hosts)
    }
}

/// The end of a job that deleted what is no longer to be kept.
fn with_retained(state: JobState, retained: Option<String>) -> JobState {
    match (state, retained) {
        (JobState::Done(what), Some(retained)) => JobState::Done(format!("{what}; {retained}")),
        (state, _) => state,
    }
}

/// What an import came to, in a sentence.
fn ended(
    new: &[ImportRow],
    added: &Added,
    skipped: &[(Untrusted, String)],
    hosts: usize,
) -> JobState {
    let hosts = format!("{} in the case", counted(hosts as u64, "host", "hosts"));
    if let Some((name, known)) = added.known.first() {
        let more = match added.known.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let (name, known) = (Visible(name.raw()).to_string(), Visible(known.raw()));
        let known = if known.to_string() == name { String::new() } else { format!(" as {known}") };
        let what = format!("{name}{more} is in the case already{known} and was not read again");
        return JobState::Done(format!("{what}; {hosts}"));
    }
    let problems: u64 = new.iter().flat_map(|row| &row.problems).map(|problem| problem.count).sum();
    let told = match problems {
        0 => String::new(),
        many => format!(", {}", counted(many, "problem", "problems")),
    };
    let read = new.iter().any(|row| row.format.is_some() || row.bytes == 0);
    if !read {
        let why = new.iter().flat_map(|row| &row.problems).map(|problem| problem.what.clone());
        let why = why.chain(skipped.iter().map(|(_, why)| why.clone())).next();
        let why = why.unwrap_or_else(|| "it is empty".to_owned());
        return JobState::Failed(format!("nothing here could be read: {why}"));
    }
    JobState::Done(format!("{hosts}{told}"))
}

/// Which file and what is done with it, since when, and how long after that it was told last.
type Told = ((usize, Doing), Stopwatch, f64);

impl Monitor for Task {
    fn step(&self, step: &Step<'_>) {
        thread_local! {
            static TOLD: Cell<Option<Told>> = const { Cell::new(None) };
        }
        let now = (step.file, step.doing);
        let (before, watch, told) =
            TOLD.get().unwrap_or_else(|| (now, Stopwatch::start(), f64::NEG_INFINITY));
        let (watch, told) = match before == now {
            true => (watch, told),
            false => (Stopwatch::start(), f64::NEG_INFINITY),
        };
        let secs = watch.secs();
        if secs - told < TELL_SECS {
            return;
        }
        TOLD.set(Some((now, watch, secs)));
        self.tell(Message::Job(self.id, running(step, secs)));
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn running(step: &Step<'_>, secs: f64) -> JobState {
    JobState::Running { part: step.part().map(|part| part as f32), detail: step.sentence(secs) }
}

/// Hosts by their coordinates.
fn places(hosts: &HostColumns) -> Places {
    let (mut rows, without): (Vec<u32>, Vec<u32>) =
        (0..hosts.len() as u32).partition(|&row| !hosts.point[row as usize][0].is_nan());
    let point = |row: u32| hosts.point[row as usize].map(f32::to_bits);
    rows.sort_by_key(|&row| (point(row), row));
    let mut spots: Vec<Spot> = Vec::new();
    for (first, &row) in (0_u32..).zip(&rows) {
        let [lat, lon] = hosts.point[row as usize];
        match spots.last_mut().filter(|spot| (spot.lat, spot.lon) == (lat, lon)) {
            Some(spot) => {
                spot.count += 1;
                spot.worst = spot.worst.max(hosts.verdict[row as usize]);
            }
            None => {
                let worst = hosts.verdict[row as usize];
                let unit = mercator(f64::from(lat), f64::from(lon)).map(|part| part as f32);
                spots.push(Spot { lat, lon, unit, worst, count: 1, first });
            }
        }
    }
    spots.sort_by_key(|spot| (spot.worst, spot.count, spot.first));
    Places { spots, rows, without }
}

/// What happened when, in equal steps from the first to the last time.
fn timeline(held: &Held, detections: &[DetectionRow]) -> Timeline {
    let flows = held.flows.iter().map(|flow| {
        let bytes = flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes);
        (flow.first_seen, TimeBin { flows: 1, bytes, ..TimeBin::default() })
    });
    let logged = held.records.iter().filter(|record| record.uid.is_none());
    let records = logged
        .filter_map(|record| Some((record.ts?, TimeBin { records: 1, ..TimeBin::default() })));
    let times = || flows.clone().chain(records.clone());
    let Some(mut bins) = Timeline::spanning(times().map(|(at, _)| at)) else {
        return Timeline::default();
    };
    for (at, what) in times() {
        bins.add(at, what);
    }
    for detection in detections {
        let (Some(first), Some(last)) = (detection.first_seen, detection.last_seen) else {
            continue;
        };
        bins.add_range(first, last);
    }
    bins
}

impl Timeline {
    /// Empty steps from the oldest to the newest plausible time; `None`: there is none.
    pub(super) fn spanning(times: impl Iterator<Item = Timestamp>) -> Option<Self> {
        let plausible = times.filter(|&at| at >= Timestamp::PLAUSIBLE_MIN);
        let (from, to) = plausible.fold(None, |range, at| match range {
            None => Some((at, at)),
            Some((from, to)) => Some((at.min(from), at.max(to))),
        })?;
        // One nanosecond more, so that the newest lies inside.
        Some(Self { from, to: to.plus_nanos(1), bins: vec![TimeBin::default(); TIME_BINS] })
    }

    fn bin(&self, at: Timestamp) -> Option<usize> {
        if at < self.from || at >= self.to {
            return None;
        }
        let part = at.nanos_since(self.from) as f64 / self.to.nanos_since(self.from).max(1) as f64;
        Some(((part * self.bins.len() as f64) as usize).min(self.bins.len() - 1))
    }

    pub(super) fn add(&mut self, at: Timestamp, what: TimeBin) {
        let Some(bin) = self.bin(at).and_then(|bin| self.bins.get_mut(bin)) else { return };
        bin.flows += what.flows;
        bin.records += what.records;
        bin.bytes = bin.bytes.saturating_add(what.bytes);
    }

    pub(super) fn add_range(&mut self, first: Timestamp, last: Timestamp) {
        let last_inside = last.min(self.to.plus_nanos(-1));
        let (Some(first), Some(last)) = (self.bin(first.max(self.from)), self.bin(last_inside))
        else {
            return;
        };
        for bin in self.bins.iter_mut().take(last + 1).skip(first) {
            bin.detections += 1;
        }
    }
}
