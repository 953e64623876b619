//! The packets of one flow, fetched from its capture when a person asks for them.
//!
//! A case keeps no packets. The file is found again by its path (or where the person says it is
//! now), opened only if it is a regular file with the hash it had, read with the machinery that
//! carves, and taken apart with the decoders that counted it. What comes of it stays in memory
//! until the next flow is asked for.
//!
//! Bounds: [`PACKETS_MAX`] packets and [`PACKET_BYTES_MAX`] bytes of one flow, [`STREAM_BYTES_MAX`]
//! of its stream; what is beyond is said.

mod rows;
mod stream;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

pub use rows::{ChosenPacket, PacketRow};
pub use stream::{StreamRow, StreamView};

use super::command::JobId;
use super::handover::SavedOutcome;
use super::job::Task;
use super::snapshot::JobState;
use super::state::{Engine, Message};
use crate::engine::carve::{carve_named, carve_to};
use crate::engine::files::Job;
use crate::engine::hash::{sha256_of, sha256_of_bytes};
use crate::engine::paths::{Input, Inputs, Origin, os_sentence};
use crate::engine::{Existing, Monitor, Wanted, example};
use crate::export::ImportRow;
use crate::model::{Flow, RealmId, Timestamp, Uid, Untrusted, Visible, counted, grouped};
use crate::wire::Frame;

/// Packets of one flow that are listed.
pub const PACKETS_MAX: usize = 10_000;

/// Bytes of one flow's packets that are kept.
pub const PACKET_BYTES_MAX: usize = 64 << 20;

/// Bytes of a flow's stream that are put together.
pub const STREAM_BYTES_MAX: usize = 1 << 20;

/// The packets that were asked for.
#[derive(Clone, Debug)]
pub struct PacketView {
    /// Of which flow.
    pub uid: Uid,
    /// Who spoke with whom: `192.0.2.7:50123 → 198.51.100.9:22 tcp`.
    pub title: String,
    /// Where they stand.
    pub state: PacketState,
    /// The one that is taken apart.
    pub chosen: Option<Arc<ChosenPacket>>,
}

/// Where packets that were asked for stand.
#[derive(Clone, Debug)]
pub enum PacketState {
    /// A job reads the file.
    Reading(JobId),
    /// The file is gone, another, or unreadable: why, and where it was.
    Failed {
        /// A sentence.
        why: String,
        /// Its path as the case has it.
        path: String,
    },
    /// Here they are.
    Ready(Arc<Packets>),
}

/// The packets of one flow.
#[derive(Debug)]
pub struct Packets {
    /// One row a packet (or fragment), in the order of the capture.
    pub rows: Vec<PacketRow>,
    /// What they say, both directions in order.
    pub stream: StreamView,
    /// What was left out, in a sentence.
    pub cut: Option<String>,
    /// The file they were read from.
    pub path: String,
    frames: Vec<Kept>,
    flow: Flow,
}

/// A wish to write the packets of a flow to a capture of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct SavePackets {
    /// Of which flow.
    pub uid: Uid,
    /// Where the capture is now, if it is elsewhere.
    pub from: Option<PathBuf>,
    /// The pcapng file.
    pub path: PathBuf,
    /// What becomes of a file that is there.
    pub existing: Existing,
}

/// A frame that is kept.
#[derive(Debug)]
struct Kept {
    index: u64,
    offset: u64,
    ts: Timestamp,
    link_type: u16,
    original_bytes: u32,
    bytes: Arc<[u8]>,
}

impl Kept {
    fn of(frame: &Frame<'_>) -> Self {
        Self {
            index: frame.index,
            offset: frame.offset,
            ts: frame.ts,
            link_type: frame.link_type,
            original_bytes: frame.original_bytes,
            bytes: frame.bytes.into(),
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            index: self.index,
            offset: self.offset,
            ts: self.ts,
            link_type: self.link_type,
            bytes: &self.bytes,
            original_bytes: self.original_bytes,
        }
    }
}

impl Engine {
    /// Begins to fetch the packets of a flow.
    pub(super) fn show_packets(&mut self, uid: Uid, from: Option<PathBuf>) {
        self.stop_packets();
        let Some((flow, row)) = self.flow_and_import(uid) else {
            let why = "the case has no such flow any more".to_owned();
            let state = PacketState::Failed { why, path: String::new() };
            let view = PacketView { uid, title: uid.to_string(), state, chosen: None };
            self.next.packets = Some(Arc::new(view));
            return;
        };
        let title = rows::title(&flow);
        let detail = "looking for the file".to_owned();
        let id = self.add_job(
            format!("Reading the packets of {title}"),
            JobState::Running { part: None, detail },
        );
        let state = PacketState::Reading(id);
        let view = PacketView { uid, title, state, chosen: None };
        self.next.packets = Some(Arc::new(view.clone()));
        let Some(task) = self.task(id) else { return };
        let run = move || {
            let path = Visible(row.path.raw()).to_string();
            let state = match task.packets(&flow, &row, from.as_deref()) {
                Ok(packets) => PacketState::Ready(Arc::new(packets)),
                Err(why) => PacketState::Failed { why, path },
            };
            task.tell(Message::Packets(id, Box::new(PacketView { state, ..view })));
        };
        if let Err(error) = thread::Builder::new().name("job-packets".to_owned()).spawn(run) {
            self.set_job(id, JobState::Failed(error.to_string()));
        }
    }

    /// Takes the packets a job has fetched; the job has nothing more to say.
    pub(super) fn take_packets(&mut self, id: JobId, view: PacketView) {
        self.forget_job(id);
        if self.awaited_packets() == Some(id) {
            self.next.packets = Some(Arc::new(view));
            self.choose_packet(0);
        }
    }

    /// Takes one of the packets apart.
    pub(super) fn choose_packet(&mut self, place: u32) {
        let Some(view) = &self.next.packets else { return };
        let PacketState::Ready(packets) = &view.state else { return };
        let chosen = packets.take_apart(place).map(Arc::new);
        self.next.packets = Some(Arc::new(PacketView { chosen, ..PacketView::clone(view) }));
    }

    /// Shows no packets any more: the case was left.
    pub(super) fn drop_packets(&mut self) {
        self.stop_packets();
        self.next.packets = None;
    }

    /// Writes the packets of a flow to a capture of their own.
    pub(super) fn save_packets(&mut self, wish: SavePackets) {
        let title = "Saving packets".to_owned();
        let Some((flow, row)) = self.flow_and_import(wish.uid) else {
            return self.refuse(title, "the case has no such flow any more");
        };
        let title = format!("Saving the packets of {}", rows::title(&flow));
        self.start_writing(title, "job-save", move |task| task.save_packets(&wish, &row));
    }

    fn awaited_packets(&self) -> Option<JobId> {
        match self.next.packets.as_ref()?.state {
            PacketState::Reading(id) => Some(id),
            PacketState::Failed { .. } | PacketState::Ready(_) => None,
        }
    }

    fn stop_packets(&mut self) {
        if let Some(id) = self.awaited_packets() {
            self.cancel(id);
            self.forget_job(id);
        }
    }
}

impl Task {
    fn packets(
        &self,
        flow: &Flow,
        row: &ImportRow,
        from: Option<&Path>,
    ) -> Result<Packets, String> {
        let (inputs, path) = found_again(row, from, self)?;
        let (mut frames, mut bytes, mut is_cut) = (Vec::new(), 0_usize, false);
        let last = flow.last_seen();
        let job = Job { context: &self.context, monitor: self };
        let read = carve_to(inputs, job, Wanted::Flow(flow.uid), Some(&row.import), &mut |frame| {
            bytes += frame.bytes.len();
            is_cut = frames.len() >= PACKETS_MAX || bytes > PACKET_BYTES_MAX;
            if is_cut {
                return Ok(ControlFlow::Break(()));
            }
            frames.push(Kept::of(frame));
            // The rest of a capture of gigabytes need not be read.
            let are_all = frames.len() as u64 >= flow.packets() && frame.ts >= last;
            Ok(if are_all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        read.map_err(|error| os_sentence(&error))?;
        if self.stop.load(Ordering::Relaxed) {
            return Err("reading was stopped".to_owned());
        }
        if frames.is_empty() {
            return Err("the file has no packet of this flow".to_owned());
        }
        let all = flow.packets();
        let cut = is_cut.then(|| {
            let shown = grouped(frames.len() as u64);
            format!("the first {shown} of {}", counted(all, "packet", "packets"))
        });
        Ok(Packets::new(flow.clone(), frames, cut, path))
    }

    fn save_packets(&self, wish: &SavePackets, row: &ImportRow) {
        let outcome = match found_again(row, wish.from.as_deref(), self) {
            Err(why) => SavedOutcome::Failed(why),
            Ok((inputs, _)) => {
                let job = Job { context: &self.context, monitor: self };
                let write = |out: &mut dyn std::io::Write| {
                    let wanted = Wanted::Flow(wish.uid);
                    let mut out = self.stoppable(out);
                    let (_, frames) =
                        carve_named(inputs, job, wanted, Some(&row.import), &mut out)?;
                    match frames {
                        0 => Err(std::io::Error::other("the file has no packet of this flow")),
                        frames => Ok(frames),
                    }
                };
                let what = |count: u64| counted(count, "packet", "packets");
                self.write_file(wish.path.clone(), wish.existing, write, what)
            }
        };
        self.saved(outcome);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::testing::until;
    use crate::engine::workbench::{Command, Snapshot, Workbench};
    use crate::wire::capture::pcapng_write::Writer;

    /// A capture of so many datagrams of one flow.
    fn datagrams(count: usize) -> tempfile::NamedTempFile {
        let seed: &[u8] = include_bytes!("../../../tests/fuzz/packet_fields/dns");
        // Seeds begin with the link type.
        let bytes = &seed[2..];
        let mut file = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap();
        let mut writer = Writer::new(&mut file, "test", None).unwrap();
        for index in 0..count as u64 {
            let ts = Timestamp::from_nanos(1_780_629_164_000_000_000 + index as i64 * 1_000_000);
            let original_bytes = bytes.len() as u32;
            let frame = Frame { index, offset: 0, ts, link_type: 1, bytes, original_bytes };
            writer.write(&frame, None).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn packets_of(count: usize) -> Arc<Packets> {
        let (file, workbench) = (datagrams(count), Workbench::start(Arc::new(|| ())).unwrap());
        workbench.send(Command::Open(vec![file.path().to_owned()]));
        let read = |snapshot: &Snapshot| {
            snapshot.flows.all.iter().any(|flow| flow.packets() == count as u64)
                && snapshot.jobs.iter().all(|job| job.state.is_over())
        };
        let uid = until(&workbench, read).flows.all[0].uid;
        workbench.send(Command::ShowPackets(uid, None));
        let ready = |snapshot: &Snapshot| match snapshot.packets.as_ref().map(|it| &it.state) {
            Some(PacketState::Ready(packets)) => Some(Arc::clone(packets)),
            _ => None,
        };
        ready(&until(&workbench, |snapshot| ready(snapshot).is_some())).unwrap()
    }

    #[test]
    fn so_many_packets_are_listed_and_one_more_is_said() {
        let all = packets_of(PACKETS_MAX);
        assert_eq!((all.rows.len(), &all.cut), (PACKETS_MAX, &None));
        assert_eq!(all.rows[1].after_nanos, 1_000_000);
        let info = &all.rows[0].info;
        assert!(info.contains("www.example.com"), "{info}");
        let cut = packets_of(PACKETS_MAX + 1);
        assert_eq!(cut.rows.len(), PACKETS_MAX);
        assert_eq!(cut.cut.as_deref(), Some("the first 10,000 of 10,001 packets"));
        assert!(cut.take_apart(PACKETS_MAX as u32).is_none());
    }
}
