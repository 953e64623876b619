//! Which captures hold the wanted packets, and reading them: each once, whatever the number of
//! flows.
//!
//! Of several captures each gives its first packets, and the earliest of all are kept, in the order
//! of their times; one that begins after the last packet there is room for is not opened.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};

use super::{Kept, PACKET_BYTES_MAX, PACKETS_MAX, Packets, PacketsOf, SavePackets};
use crate::engine::carve::{FlowSet, carve_to};
use crate::engine::files::Job;
use crate::engine::hash::{sha256_of, sha256_of_bytes};
use crate::engine::paths::{Input, Inputs, Origin, os_sentence};
use crate::engine::workbench::collect::Held;
use crate::engine::workbench::handover::SavedOutcome;
use crate::engine::workbench::job::Task;
use crate::engine::workbench::select::other_end;
use crate::engine::{Monitor, Wanted, example};
use crate::export::ImportRow;
use crate::model::{RealmId, Timestamp, Uid, Untrusted, Visible, counted, grouped};
use crate::wire::capture::pcapng_write::Writer;

/// Why packets cannot be read, and the path of their file, if it is one.
pub(super) type Failure = (String, String);

/// What a job reads from: the case as it was when it was asked.
pub(super) struct Sources {
    pub(super) of: PacketsOf,
    pub(super) held: Arc<Held>,
    pub(super) rows: Vec<ImportRow>,
    /// Where the person says that the captures are now: a file, or a folder.
    pub(super) from: Option<PathBuf>,
}

/// A capture, and which of its flows are wanted.
struct Capture<'a> {
    row: &'a ImportRow,
    /// Their places among all flows.
    flows: HashMap<Uid, u32>,
    packets: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

impl Sources {
    /// The captures in the order of their first wanted packets.
    fn captures(&self) -> Vec<Capture<'_>> {
        let set: HashSet<Uid> = match &self.of {
            PacketsOf::Flows(uids) => uids.iter().copied().collect(),
            PacketsOf::Flow(_) | PacketsOf::Host(_) => HashSet::new(),
        };
        let mut captures: BTreeMap<u32, Capture<'_>> = BTreeMap::new();
        for (place, flow) in (0_u32..).zip(self.held.flows.iter()) {
            let is_wanted = match &self.of {
                PacketsOf::Flow(uid) => flow.uid == *uid,
                PacketsOf::Flows(_) => set.contains(&flow.uid),
                PacketsOf::Host(host) => {
                    let ends = [flow.originator.addr, flow.responder.addr].map(Some);
                    let realm = self.held.imports.get(flow.import.0 as usize);
                    realm.is_some_and(|(realm, _)| other_end(ends, *host, *realm).is_some())
                }
            };
            let row = self.rows.get(flow.import.0 as usize);
            let Some(row) = row.filter(|_| is_wanted) else { continue };
            let capture = captures.entry(flow.import.0).or_insert_with(|| Capture {
                row,
                flows: HashMap::new(),
                packets: 0,
                first_seen: flow.first_seen,
                last_seen: flow.last_seen(),
            });
            capture.flows.insert(flow.uid, place);
            capture.packets += flow.packets();
            capture.first_seen = capture.first_seen.min(flow.first_seen);
            capture.last_seen = capture.last_seen.max(flow.last_seen());
        }
        let mut captures: Vec<_> = captures.into_values().collect();
        captures.sort_by_key(|capture| capture.first_seen);
        captures
    }

    fn nothing(&self) -> &'static str {
        match self.of {
            PacketsOf::Flow(_) => "the case has no such flow any more",
            PacketsOf::Flows(_) => "the case has none of these flows any more",
            PacketsOf::Host(_) => "no capture of the case has packets of it",
        }
    }

    /// Where a capture is now, and what it is called: where it was, or where the person says.
    fn found(&self, row: &ImportRow, monitor: &dyn Monitor) -> Result<(Inputs, String), String> {
        let Some(from) = &self.from else { return found_again(row, None, monitor) };
        let was = PathBuf::from(row.path.raw());
        let moved = match (from.is_dir(), was.file_name()) {
            (true, Some(name)) => from.join(name),
            _ => from.clone(),
        };
        found_again(row, Some(&moved), monitor)
            .or_else(|why| found_again(row, None, monitor).map_err(|_| why))
    }
}

impl Task {
    /// Reads the packets; what cannot be read of several captures is said with the rest.
    pub(super) fn packets(&self, sources: &Sources) -> Result<Packets, Failure> {
        let captures = sources.captures();
        let first = captures.first().ok_or((sources.nothing().to_owned(), String::new()))?;
        let is_one = captures.len() == 1 && first.flows.len() == 1;
        let mut reading = Reading::default();
        for (number, capture) in (0_u32..).zip(&captures) {
            if reading.has_enough_before(capture.first_seen) {
                reading.is_cut = true;
            } else if let Err(why) = self.read(sources, (number, capture), &mut reading) {
                reading.missing.push((why, Visible(capture.row.path.raw()).to_string()));
            }
            if !is_one {
                reading.sort();
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        let is_stopped = self.stop.load(Ordering::Relaxed);
        if reading.frames.is_empty() {
            let missing = reading.missing.into_iter().next();
            let nothing = || match is_one {
                true => "the file has no packet of this flow".to_owned(),
                false => "the captures have no packet of these flows".to_owned(),
            };
            return Err(missing.unwrap_or_else(|| (nothing(), String::new())));
        }
        let all: u64 = captures.iter().map(|capture| capture.packets).sum();
        let shown = grouped(reading.frames.len() as u64);
        let cut = match (is_stopped, reading.is_cut) {
            (true, _) => Some(format!("stopped at {shown} of {}", packets_text(all))),
            (false, true) => Some(format!("the first {shown} of {}", packets_text(all))),
            (false, false) => None,
        };
        let missing = reading.missing.into_iter().map(|(why, _)| why).collect();
        let paths = captures.iter().map(|it| Visible(it.row.path.raw()).to_string()).collect();
        Ok(Packets::new(reading.frames, &sources.held.flows, paths, (cut, missing)))
    }

    /// Reads what is wanted of one capture.
    fn read(
        &self,
        sources: &Sources,
        (number, capture): (u32, &Capture<'_>),
        reading: &mut Reading,
    ) -> Result<(), String> {
        let (inputs, _) = sources.found(capture.row, self)?;
        let (mut frames, mut bytes, mut is_cut) = (Vec::new(), 0_usize, false);
        let wanted = Wanted::Flows(capture.flows.keys().copied().collect::<FlowSet>());
        let job = Job { context: &self.context, monitor: self };
        let name = Some(&capture.row.import);
        let read = carve_to(inputs, job, wanted, name, &mut |frame, uid| {
            let Some(&flow) = uid.and_then(|uid| capture.flows.get(&uid)) else {
                return Ok(ControlFlow::Continue(()));
            };
            bytes += frame.bytes.len();
            is_cut = frames.len() >= PACKETS_MAX || bytes > PACKET_BYTES_MAX;
            if is_cut {
                return Ok(ControlFlow::Break(()));
            }
            frames.push(Kept::of(frame, flow, number));
            // The rest of a capture of gigabytes need not be read.
            let are_all = frames.len() as u64 >= capture.packets && frame.ts >= capture.last_seen;
            Ok(if are_all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        read.map_err(|error| os_sentence(&error))?;
        reading.is_cut |= is_cut;
        reading.frames.append(&mut frames);
        Ok(())
    }

    /// Writes the packets of all captures, one capture after the other.
    pub(super) fn save_packets(&self, wish: &SavePackets, sources: &Sources) {
        let captures = sources.captures();
        let found: Result<Vec<_>, String> =
            captures.iter().map(|it| Ok((it, sources.found(it.row, self)?.0))).collect();
        let outcome = match found {
            Err(why) => SavedOutcome::Failed(why),
            Ok(found) if found.is_empty() => SavedOutcome::Failed(sources.nothing().to_owned()),
            Ok(found) => {
                let write = |out: &mut dyn io::Write| {
                    let mut out = self.stoppable(out);
                    let application = concat!("infralock ", env!("CARGO_PKG_VERSION"));
                    let comment = format!("packets of {}", sources.of.words());
                    let mut writer = Writer::new(&mut out, application, Some(&comment))?;
                    let mut frames = 0;
                    for (capture, inputs) in found {
                        frames += self.carve_into(&mut writer, capture, inputs)?;
                    }
                    writer.finish()?;
                    match frames {
                        0 => Err(io::Error::other("the captures have no packet of it")),
                        frames => Ok(frames),
                    }
                };
                self.write_file(wish.path.clone(), wish.existing, write, packets_text)
            }
        };
        self.saved(outcome);
    }

    fn carve_into<W: io::Write>(
        &self,
        writer: &mut Writer<W>,
        capture: &Capture<'_>,
        inputs: Inputs,
    ) -> io::Result<u64> {
        let job = Job { context: &self.context, monitor: self };
        let wanted = Wanted::Flows(capture.flows.keys().copied().collect::<FlowSet>());
        let mut frames = 0;
        carve_to(inputs, job, wanted, Some(&capture.row.import), &mut |frame, _| {
            frames += 1;
            writer.write(frame, None).map(ControlFlow::Continue)
        })?;
        Ok(frames)
    }
}

fn packets_text(count: u64) -> String {
    counted(count, "packet", "packets")
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    frames: Vec<Kept>,
    is_cut: bool,
    missing: Vec<Failure>,
}

impl Reading {
    /// Whether all that there is room for came before a time.
    fn has_enough_before(&self, time: Timestamp) -> bool {
        self.frames.len() >= PACKETS_MAX && self.frames.last().is_some_and(|last| last.ts <= time)
    }

    /// Puts frames of several flows and captures in the order of time, and keeps the earliest.
    fn sort(&mut self) {
        self.frames.sort_by_key(|frame| frame.ts);
        let mut bytes = 0;
        let mut fits = |frame: &Kept| {
            bytes += frame.bytes.len();
            bytes <= PACKET_BYTES_MAX
        };
        let kept = self.frames.iter().take(PACKETS_MAX).take_while(|it| fits(it)).count();
        self.is_cut |= kept < self.frames.len();
        self.frames.truncate(kept);
    }
}

/// The file of an import, if it is still the one that was read; also its path as it is shown.
fn found_again(
    row: &ImportRow,
    from: Option<&Path>,
    monitor: &dyn Monitor,
) -> Result<(Inputs, String), String> {
    let Some(sha256) = row.sha256.as_deref() else {
        let why = "reading this file was stopped before its end, so there is no hash to know it \
                   by; open it again";
        return Err(why.to_owned());
    };
    let path = from.map_or_else(|| PathBuf::from(row.path.raw()), Path::to_owned);
    let shown = Visible(&path.display().to_string()).to_string();
    let origin = match fs::metadata(&path) {
        Err(_) if let Some(bytes) = bundled(row, sha256) => Origin::Bundled(bytes),
        Err(error) => return Err(format!("{shown}: {}", os_sentence(&error))),
        Ok(found) if !found.is_file() => {
            return Err(format!("{shown} is no regular file, so it is not opened"));
        }
        Ok(_) => {
            let hash = sha256_of(&path, row.path.raw(), monitor);
            let hash = hash.map_err(|error| os_sentence(&error))?;
            if hash.ok_or("reading was stopped")? != sha256 {
                let why = "has changed since it was read: its hash is another";
                return Err(format!("{shown} {why}"));
            }
            Origin::File(path)
        }
    };
    // Members of archives are named after their file.
    let whole = row.import.raw();
    let file = match whole.strip_prefix(row.path.raw()) {
        Some(member) if member.starts_with('!') => row.path.clone(),
        _ => Untrusted::new(whole),
    };
    let input = Input { origin, import: file, realm: RealmId(0) };
    let realms = vec![row.realm.clone()];
    Ok((Inputs { files: vec![input], realms, skipped: Vec::new() }, shown))
}

/// A file of the shipped example, which lies in the program.
fn bundled(row: &ImportRow, sha256: &str) -> Option<&'static [u8]> {
    example().0.files.into_iter().find_map(|file| match file.origin {
        Origin::Bundled(bytes) if file.import == row.import && sha256_of_bytes(bytes) == sha256 => {
            Some(bytes)
        }
        _ => None,
    })
}
