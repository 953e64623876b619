//! Work that takes time: reading files, writing the report. Each runs in a thread of its own.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use super::super::context::Context;
use super::super::files::{self, Imports, Job};
use super::super::paths::Inputs;
use super::super::triage::{Gather, Triage};
use super::super::{HostsShown, Monitor, Step};
use super::collect::{Collect, Held};
use super::columns::{HostColumns, Words};
use super::command::JobId;
use super::snapshot::{JobState, Places, Spot, TimeBin, Timeline};
use super::state::Message;
use crate::clock::Stopwatch;
use crate::export::DetectionRow;
use crate::model::{Timestamp, counted};

/// Steps of the timeline: one for each few pixels of a wide screen.
const TIME_BINS: usize = 480;

/// Seconds between two words about progress.
const TELL_SECS: f64 = 0.1;

/// A case after a job: what it holds and all that follows from it.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    pub(super) held: Arc<Held>,
    pub(super) imports: Imports,
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

impl Found {
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
pub(super) struct Task {
    pub(super) id: JobId,
    pub(super) context: Arc<Context>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) engine: SyncSender<Message>,
}

impl Task {
    fn tell(&self, message: Message) {
        // The engine is gone when the program ends: then nobody needs to know.
        self.engine.send(message).ok();
    }

    pub(super) fn end(&self, state: JobState) {
        self.tell(Message::Job(self.id, state));
    }

    /// Reads files into what the case holds.
    pub(super) fn import(&self, before: &Outcome, inputs: Inputs) {
        let show = |gather: &Gather| {
            let preview = Triage::preview(gather);
            self.tell(Message::Growing(Box::new(Found::new(preview, &Held::default()))));
        };
        let mut collect = Collect::new(&self.context, &before.held, &show);
        let job = Job { context: &self.context, monitor: self };
        let watch = Stopwatch::start();
        let known = before.imports.rows.len();
        let imports = files::import_more(before.imports.clone(), inputs, job, &mut collect);
        let stopped = self.is_cancelled();
        let working = "judging hosts".to_owned();
        self.tell(Message::Job(self.id, JobState::Running { part: None, detail: working }));
        let (gather, held) = collect.end();
        let mut triage = Triage::conclude(gather, imports.clone(), HostsShown::WithoutSpoofed);
        triage.set_elapsed(watch.secs());
        let found = Found::new(triage, &held);
        let state = match ended(&imports, known, found.hosts.len()) {
            JobState::Done(what) if stopped => {
                JobState::Stopped(format!("stopped; what was read is kept: {what}"))
            }
            state => state,
        };
        let outcome = Outcome { held: Arc::new(held), imports, found };
        self.tell(Message::Imported(Box::new(outcome)));
        self.end(state);
    }

    /// Writes the page about all of it.
    pub(super) fn report(&self, triage: &Triage, path: &Path) {
        let written = write_report(triage, path);
        self.end(match written {
            Ok(()) => JobState::Done(format!("written to {}", path.display())),
            Err(error) => JobState::Failed(format!("cannot write {}: {error}", path.display())),
        });
    }
}

/// Beside its final name first, so that a full disk leaves no half page.
fn write_report(triage: &Triage, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let mut out = io::BufWriter::new(&mut file);
    triage.write_report(&mut out)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path).map(|_: File| ()).map_err(|error| error.error)
}

fn ended(imports: &Imports, known: usize, hosts: usize) -> JobState {
    let new = imports.rows.get(known..).unwrap_or_default();
    let problems: u64 = new.iter().flat_map(|row| &row.problems).map(|problem| problem.count).sum();
    let told = match problems {
        0 => String::new(),
        many => format!(", {}", counted(many, "problem", "problems")),
    };
    let read = new.iter().any(|row| row.format.is_some() || row.bytes == 0);
    if !read {
        let why = new.iter().flat_map(|row| &row.problems).next();
        let why = why.map_or_else(|| "it is empty".to_owned(), |why| why.what.clone());
        return JobState::Failed(format!("nothing here could be read: {why}"));
    }
    JobState::Done(format!("{} in the case{told}", counted(hosts as u64, "host", "hosts")))
}

impl Monitor for Task {
    fn step(&self, step: &Step<'_>) {
        thread_local! {
            static TOLD: Cell<Option<(usize, Stopwatch, f64)>> = const { Cell::new(None) };
        }
        let (file, watch, told) =
            TOLD.get().unwrap_or_else(|| (step.file, Stopwatch::start(), f64::NEG_INFINITY));
        let (watch, told) = match file == step.file {
            true => (watch, told),
            false => (Stopwatch::start(), f64::NEG_INFINITY),
        };
        let secs = watch.secs();
        if secs - told < TELL_SECS {
            return;
        }
        TOLD.set(Some((step.file, watch, secs)));
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
                spots.push(Spot { lat, lon, worst, count: 1, first });
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

    fn add_range(&mut self, first: Timestamp, last: Timestamp) {
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
