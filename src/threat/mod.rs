//! Flows and records → evidence → score: detectors, profiles, the arithmetic.
//!
//! Detectors watch flows and records as they come, in any order, with bounded memory, and say at
//! the end what they found. A profile turns each detection into an evidence row; `score` adds
//! the rows up. No I/O, no clock: "now" is an argument.

use crate::model::{Addr, Detection, Facts, Flow, HostKey, ImportId, RealmId, Record, Timestamp};

pub mod detectors;
pub mod evidence;
pub mod profile;
pub mod score;

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
    fn finish(self: Box<Self>, now: Timestamp, scene: &dyn Scene) -> Vec<Detection>;
}
