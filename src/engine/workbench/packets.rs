//! The packets of a flow, of several, or of a host, fetched from their captures when a person asks.
//!
//! A case keeps no packets. The file is found again by its path (or where the person says it is
//! now), opened only if it is a regular file with the hash it had, read with the machinery that
//! carves, and taken apart with the decoders that counted it. What comes of it stays in memory
//! until others are asked for.
//!
//! Bounds: [`PACKETS_MAX`] packets and [`PACKET_BYTES_MAX`] bytes, [`STREAM_BYTES_MAX`] of the
//! stream of a flow; what is beyond is said.

mod find;
mod read;
mod rows;
mod stream;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

pub use find::{FOUND_MAX, Found, InPacket, Needle};
pub use rows::{ChosenPacket, PacketRow};
pub use stream::{StreamRow, StreamView};

use self::read::Sources;
use super::command::JobId;
use super::snapshot::JobState;
use super::state::{Engine, Message};
use crate::engine::Existing;
use crate::model::{Flow, HostKey, Timestamp, Uid, counted};
use crate::wire::Frame;

/// Packets that are listed.
pub const PACKETS_MAX: usize = 10_000;

/// Bytes of these packets that are kept.
pub const PACKET_BYTES_MAX: usize = 64 << 20;

/// Bytes of a flow's stream that are put together.
pub const STREAM_BYTES_MAX: usize = 1 << 20;

/// Whose packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketsOf {
    /// Those of a flow.
    Flow(Uid),
    /// Those of several flows.
    Flows(Arc<[Uid]>),
    /// Those of all flows of a host, in all captures.
    Host(HostKey),
}

impl From<Uid> for PacketsOf {
    fn from(uid: Uid) -> Self {
        Self::Flow(uid)
    }
}

impl PacketsOf {
    /// `192.0.2.7`, `12 flows`.
    pub fn words(&self) -> String {
        match self {
            Self::Flow(uid) => format!("flow {uid}"),
            Self::Flows(uids) => counted(uids.len() as u64, "flow", "flows"),
            Self::Host(host) => host.addr().to_string(),
        }
    }
}

/// The packets that were asked for.
#[derive(Clone, Debug)]
pub struct PacketView {
    /// Whose.
    pub of: PacketsOf,
    /// `192.0.2.7:50123 → 198.51.100.9:22 tcp`, `192.0.2.7`, `12 flows`.
    pub title: String,
    /// Where they stand.
    pub state: PacketState,
    /// The one that is taken apart.
    pub chosen: Option<Arc<ChosenPacket>>,
    /// What both sides of its flow said.
    pub stream: Option<Arc<StreamView>>,
    /// What was searched in packets and stream.
    pub found: Option<Arc<Found>>,
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

/// Packets of one flow or of several.
#[derive(Debug)]
pub struct Packets {
    /// One row a packet (or fragment): of one flow in the order of the capture, else of time.
    pub rows: Vec<PacketRow>,
    /// The flows that they belong to, in the order of their first packets.
    pub flows: Vec<Flow>,
    /// The captures that were asked, by their paths.
    pub captures: Vec<String>,
    /// What was left out, in a sentence.
    pub cut: Option<String>,
    /// Why captures could not be read.
    pub missing: Vec<String>,
    frames: Vec<Kept>,
}

/// A wish to write packets to a capture of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct SavePackets {
    /// Whose.
    pub of: PacketsOf,
    /// Where their captures are now, if they are elsewhere: a file or a folder.
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
    /// The place of its flow among those of the case, then among [`Packets::flows`].
    flow: u32,
    /// The place of its capture.
    capture: u32,
}

impl Kept {
    fn of(frame: &Frame<'_>, flow: u32, capture: u32) -> Self {
        Self {
            flow,
            capture,
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
    /// Begins to fetch packets.
    pub(super) fn show_packets(&mut self, of: PacketsOf, from: Option<PathBuf>) {
        self.stop_packets();
        let title = self.packets_title(&of);
        let detail = "looking for the file".to_owned();
        let id = self.add_job(
            format!("Reading the packets of {title}"),
            JobState::Running { part: None, detail },
        );
        let state = PacketState::Reading(id);
        let view =
            PacketView { of: of.clone(), title, state, chosen: None, stream: None, found: None };
        self.next.packets = Some(Arc::new(view.clone()));
        let sources = self.sources(of, from);
        let Some(task) = self.task(id) else { return };
        let run = move || {
            let state = match task.packets(&sources) {
                Ok(packets) => PacketState::Ready(Arc::new(packets)),
                Err((why, path)) => PacketState::Failed { why, path },
            };
            task.tell(Message::Packets(id, Box::new(PacketView { state, ..view })));
        };
        if let Err(error) = thread::Builder::new().name("job-packets".to_owned()).spawn(run) {
            self.set_job(id, JobState::Failed(error.to_string()));
        }
    }

    fn packets_title(&self, of: &PacketsOf) -> String {
        let PacketsOf::Flow(uid) = of else { return of.words() };
        let flow = self.outcome.held.flows.iter().find(|flow| flow.uid == *uid);
        flow.map_or_else(|| of.words(), rows::title)
    }

    fn sources(&self, of: PacketsOf, from: Option<PathBuf>) -> Sources {
        let held = Arc::clone(&self.outcome.held);
        Sources { of, held, rows: self.outcome.imports.rows.clone(), from }
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
        let flow_of = |place: u32| packets.rows.get(place as usize).map(|row| row.flow);
        let chosen = packets.take_apart(place).map(Arc::new);
        let before = view.chosen.as_ref().and_then(|chosen| flow_of(chosen.place));
        let stream = match (flow_of(place), &view.stream) {
            (flow, Some(stream)) if flow == before => Some(Arc::clone(stream)),
            (flow, _) => flow.map(|flow| Arc::new(packets.stream(flow))),
        };
        let found = match (&view.found, &stream) {
            (Some(found), Some(stream)) if flow_of(place) != before => {
                Some(Arc::new(Found::clone(found).in_another(Some(stream))))
            }
            (found, _) => found.clone(),
        };
        let view = PacketView { chosen, stream, found, ..PacketView::clone(view) };
        self.next.packets = Some(Arc::new(view));
    }

    /// Shows no packets any more: the case was left.
    pub(super) fn drop_packets(&mut self) {
        self.stop_packets();
        self.next.packets = None;
    }

    /// Writes packets to a capture of their own.
    pub(super) fn save_packets(&mut self, wish: SavePackets) {
        let title = format!("Saving the packets of {}", self.packets_title(&wish.of));
        let sources = self.sources(wish.of.clone(), wish.from.clone());
        self.start_writing(title, "job-save", move |task| task.save_packets(&wish, &sources));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::testing::until;
    use crate::engine::workbench::{Command, Snapshot, Workbench};
    use crate::wire::capture::pcapng_write::Writer;

    const CLIENT_PORT: u16 = 40_000;

    /// A capture of so many datagrams from 192.0.2.7 to 198.51.100.9, one in a millisecond, of
    /// flows that take turns.
    fn datagrams(count: usize, flows: u16, from_millis: i64) -> tempfile::NamedTempFile {
        let seed: &[u8] = include_bytes!("../../../tests/fuzz/packet_fields/dns");
        // Seeds begin with the link type.
        let mut bytes = seed[2..].to_vec();
        let mut file = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap();
        let mut writer = Writer::new(&mut file, "test", None).unwrap();
        for index in 0..count as u64 {
            let millis = from_millis + index as i64;
            let ts = Timestamp::from_nanos(1_780_629_164_000_000_000 + millis * 1_000_000);
            let port = CLIENT_PORT + (index % u64::from(flows)) as u16;
            bytes[34..36].copy_from_slice(&port.to_be_bytes());
            let original_bytes = bytes.len() as u32;
            let frame = Frame { index, offset: 0, ts, link_type: 1, bytes: &bytes, original_bytes };
            writer.write(&frame, None).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn opened(files: &[&tempfile::NamedTempFile], flows: usize) -> Workbench {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        workbench.send(Command::Open(files.iter().map(|file| file.path().to_owned()).collect()));
        until(&workbench, |snapshot| {
            let over = snapshot.jobs.iter().all(|job| job.state.is_over());
            snapshot.flows.all.len() == flows && over && !snapshot.case.is_growing
        });
        workbench
    }

    fn read(workbench: &Workbench, of: &PacketsOf) -> (Arc<Packets>, Arc<StreamView>) {
        workbench.send(Command::ShowPackets(of.clone(), None));
        let ready = |snapshot: &Snapshot| {
            let view = snapshot.packets.as_ref().filter(|view| view.of == *of)?;
            match (&view.state, &view.stream) {
                (PacketState::Ready(packets), Some(stream)) => {
                    Some((Arc::clone(packets), Arc::clone(stream)))
                }
                _ => None,
            }
        };
        ready(&until(workbench, |snapshot| ready(snapshot).is_some())).unwrap()
    }

    fn packets_of(count: usize) -> Arc<Packets> {
        let file = datagrams(count, 1, 0);
        let workbench = opened(&[&file], 1);
        let uid = workbench.snapshot().flows.all[0].uid;
        read(&workbench, &uid.into()).0
    }

    fn host(text: &str) -> PacketsOf {
        PacketsOf::Host(HostKey::new(text.parse().unwrap(), crate::model::RealmId(0)))
    }

    #[test]
    fn packets_of_a_host_come_from_all_captures_in_the_order_of_time() {
        let (one, other) = (datagrams(6, 3, 0), datagrams(4, 2, 2));
        let workbench = opened(&[&one, &other], 5);
        let (packets, stream) = read(&workbench, &host("198.51.100.9"));
        assert_eq!((packets.rows.len(), packets.flows.len()), (10, 5));
        assert!(packets.rows.is_sorted_by_key(|row| row.after_nanos));
        let captures: Vec<u32> = packets.rows.iter().map(|row| row.capture).collect();
        assert_eq!(captures, [0, 0, 0, 1, 0, 1, 0, 1, 0, 1]);
        for row in &packets.rows {
            let title = packets.flow_title(row);
            assert!(title.ends_with(" → 198.51.100.9:53 udp"), "{title}");
            assert_eq!(row.side, Some(crate::flow::Side::Originator));
        }
        // The stream is that of the chosen packet's flow, which has two packets in its capture.
        let question = 33;
        assert_eq!(stream.total_bytes, 2 * question);
        workbench.send(Command::ChoosePacket(3));
        let chosen = |snapshot: &Snapshot| {
            let view = snapshot.packets.clone()?;
            (view.chosen.as_ref()?.place == 3).then_some(view)
        };
        let view = chosen(&until(&workbench, |snapshot| chosen(snapshot).is_some())).unwrap();
        assert!(!Arc::ptr_eq(view.stream.as_ref().unwrap(), &stream), "another flow's");

        // Two of the flows alone, and nobody's.
        let uids: Arc<[Uid]> =
            workbench.snapshot().flows.all[..2].iter().map(|it| it.uid).collect();
        let (packets, _) = read(&workbench, &PacketsOf::Flows(uids));
        assert_eq!((packets.rows.len(), packets.flows.len()), (4, 2));
        workbench.send(Command::ShowPackets(host("203.0.113.1"), None));
        until(&workbench, |snapshot| {
            let state = snapshot.packets.as_ref().map(|view| view.state.clone());
            matches!(state, Some(PacketState::Failed { why, .. }) if why.contains("no capture"))
        });
    }

    #[test]
    fn a_capture_that_is_gone_is_said_with_what_the_others_have() {
        let (one, other) = (datagrams(6, 3, 0), datagrams(4, 2, 2));
        let workbench = opened(&[&one, &other], 5);
        let gone = other.path().file_name().unwrap().to_string_lossy().into_owned();
        other.close().unwrap();
        let (packets, _) = read(&workbench, &host("192.0.2.7"));
        assert_eq!((packets.rows.len(), packets.missing.len()), (6, 1));
        assert!(packets.missing[0].contains(&gone), "{:?}", packets.missing);
        assert_eq!(packets.cut, None);
    }

    #[test]
    fn a_capture_that_begins_after_the_last_packet_there_is_room_for_is_not_opened() {
        let (one, other) = (datagrams(PACKETS_MAX, 3, 0), datagrams(4, 2, 60_000));
        let workbench = opened(&[&one, &other], 5);
        other.close().unwrap();
        let (packets, _) = read(&workbench, &host("192.0.2.7"));
        assert_eq!((packets.rows.len(), packets.missing.len()), (PACKETS_MAX, 0));
        assert_eq!(packets.cut.as_deref(), Some("the first 10,000 of 10,004 packets"));
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
