//! Flows and records → evidence → score: detectors, profiles, the arithmetic.
//!
//! Detectors watch flows and records as they come, in any order, with bounded memory, and say at
//! the end what they found. A profile turns each detection into an evidence row; `score` adds
//! the rows up. No I/O, no clock: "now" is an argument.

use profile::Profile;

use crate::model::{
    Addr, Detection, Facts, Flow, HostKey, ImportId, Position, Problem, RealmId, Record, Timestamp,
};

pub mod detectors;
pub mod evidence;
pub mod profile;
pub mod score;
#[cfg(test)]
mod notation;
mod sketch;
pub mod strings;
mod tally;

/// What detectors may ask while they watch.
pub trait Scene {
    /// The realm of a file's addresses that are not public.
    fn realm(&self, import: ImportId) -> RealmId;

    /// Whether a host is the analyst's own.
    fn is_mine(&self, host: HostKey) -> bool;

    /// What reference data says of an address; a look-up, so ask once a host, not once a flow.
    fn facts(&self, addr: Addr) -> Facts;

    /// The host of an address of a file.
    fn host(&self, addr: Addr, import: ImportId) -> HostKey {
        HostKey::new(addr, self.realm(import))
    }
}

/// What a detector is, for the help, the README table and the tests.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The slugs it may report, `family.kind`.
    pub ids: &'static [&'static str],
    /// What it finds.
    pub finds: &'static str,
    /// What it misses.
    pub misses: &'static str,
    /// The paper, RFC or tool the method is from.
    pub source: &'static str,
    /// MITRE ATT&CK techniques.
    pub attack: &'static [&'static str],
}

/// Looks for one family of behaviour.
pub trait Detector: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Begins a run.
    fn start(&self) -> Box<dyn Watch>;
}

/// A detector at work. Every method may be called in any order of time; the same flows and records
/// in another order must give the same detections.
pub trait Watch {
    /// A flow has ended.
    fn flow(&mut self, _flow: &Flow, _scene: &dyn Scene) {}

    /// A log line or transaction was read.
    fn record(&mut self, _record: &Record, _scene: &dyn Scene) {}

    /// Everything has been seen: says what was found.
    fn finish(self: Box<Self>, now: Timestamp, scene: &dyn Scene) -> Watched;
}

/// What a detector saw, or all of them together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// The detections.
    pub detections: Vec<Detection>,
    /// Hosts that are nothing but the forged source of a flood, sorted: they did nothing else in
    /// all that was opened, so they are counted and not listed (INTERFACE, `spoofed_hosts`).
    pub forged: Vec<HostKey>,
    /// Bounds that were reached, and what that did to the answer.
    pub problems: Vec<Problem>,
}

impl From<Vec<Detection>> for Watched {
    fn from(detections: Vec<Detection>) -> Self {
        Self { detections, ..Self::default() }
    }
}

impl Watched {
    /// Tells that a bound was reached.
    fn reached(&mut self, what: String) {
        self.problems.push(Problem { place: Position::Whole, what, count: 1 });
    }
}

/// All detectors at work on one run.
///
/// ```
/// use infralock::model::{Addr, Facts, HostKey, ImportId, RealmId, Timestamp};
/// use infralock::threat::{Scene, Watchers, profile::Profile};
///
/// struct Plain;
/// impl Scene for Plain {
///     fn realm(&self, _: ImportId) -> RealmId {
///         RealmId(0)
///     }
///     fn is_mine(&self, host: HostKey) -> bool {
///         host.addr().is_mine_by_default()
///     }
///     fn facts(&self, _: Addr) -> Facts {
///         Facts::default()
///     }
/// }
/// let watched = Watchers::new().finish(Timestamp::default(), &Plain, &Profile::default());
/// assert!(watched.detections.is_empty());
/// ```
pub struct Watchers(Vec<Box<dyn Watch>>);

impl Default for Watchers {
    fn default() -> Self {
        Self::new()
    }
}

impl Watchers {
    /// Starts every detector of [`detectors::DETECTORS`].
    pub fn new() -> Self {
        Self(detectors::DETECTORS.iter().map(|detector| detector.start()).collect())
    }

    /// Shows a flow to each of them.
    pub fn flow(&mut self, flow: &Flow, scene: &dyn Scene) {
        for watch in &mut self.0 {
            watch.flow(flow, scene);
        }
    }

    /// Shows a record to each of them.
    pub fn record(&mut self, record: &Record, scene: &dyn Scene) {
        for watch in &mut self.0 {
            watch.record(record, scene);
        }
    }

    /// Ends the run. Detections are sorted by severity (down), confidence (down), first time,
    /// then name, subject and sentence, so that the list is the same whatever came first.
    pub fn finish(self, now: Timestamp, scene: &dyn Scene, profile: &Profile) -> Watched {
        let mut all = Watched::default();
        for watch in self.0 {
            let watched = watch.finish(now, scene);
            all.detections.extend(watched.detections);
            all.forged.extend(watched.forged);
            all.problems.extend(watched.problems);
        }
        all.detections.sort_by(|a, b| {
            let severity = profile.severity(b).cmp(&profile.severity(a));
            severity
                .then_with(|| b.confidence.total_cmp(&a.confidence))
                .then_with(|| (a.first_seen, &a.detector).cmp(&(b.first_seen, &b.detector)))
                .then_with(|| (a.subject, &a.what).cmp(&(b.subject, &b.what)))
        });
        all.forged.sort_unstable();
        all.forged.dedup();
        all
    }
}
