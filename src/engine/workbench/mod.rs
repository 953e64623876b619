//! The engine of the window: one thread that owns the case, takes commands, publishes snapshots.
//!
//! Views hold a [`Workbench`]: they read [`Workbench::snapshot`], an `Arc` that never changes, and
//! [`send`](Workbench::send) commands. The thread `engine` applies commands in order and swaps the
//! next snapshot in; long work runs in a thread `job-…`, which reads what the engine shares with
//! it, tells how it goes on, and hands its result back as a message. So the engine is the only
//! writer, and nobody ever waits for it.

mod asked;
mod case;
mod collect;
mod columns;
mod command;
mod compare;
mod explore;
mod feeds;
mod filters;
mod groups;
mod handover;
mod hilbert;
mod job;
mod jobs;
mod keep;
mod known;
mod log;
mod own;
mod own_sources;
mod packets;
mod passing;
mod picture;
mod select;
mod shapes;
mod snapshot;
mod state;
mod tiles;
mod towns;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;

pub use case::{CasePlace, recovery_folder};
pub use columns::{
    Direction, FlowColumn, FlowSort, HostColumn, HostColumns, HostSort, RecordColumn, RecordSort,
    Verdict,
};
pub use command::{Command, JobId, Selected};
pub use compare::{Best, COMPARED_MAX, Compared, Comparison};
pub use explore::Explorer;
pub use feeds::{FeedOffer, FeedsView, LookedAt};
pub use filters::FilterView;
pub use groups::{Group, GroupBy, Groups};
pub use handover::{CLIPBOARD_BYTES_MAX, HandOver, HostSet, Saved, SavedOutcome, Target};
pub use hilbert::{LEVEL_MAX, SIDE, TILE_SIDE, TileKey, addr_of, cell_of, square_of};
pub use log::{LOG_SHOWN_MAX, Log};
pub use own_sources::OwnContext;
pub use packets::{
    ChosenPacket, FOUND_MAX, Found, InPacket, Needle, PACKET_BYTES_MAX, PACKETS_MAX, PacketRow,
    PacketState, PacketView, Packets, PacketsOf, STREAM_BYTES_MAX, SavePackets, StreamRow,
    StreamView,
};
pub use picture::{Looked, PictureView, PictureWish, TILES_ASKED_MAX};
pub use shapes::{Area, LAT_MAX, Level, Shapes, Way, mercator};
pub use snapshot::{
    CaseView, DataSource, DataState, DataView, Fingerprint, JobState, JobView, Mark, Marks,
    Ordered, Peer, Placed, Places, Recovered, Selection, Snapshot, Spot, TimeBin, Timeline,
};
pub use tiles::{Dot, Paint, Tile, Top, country_name, kind_name};
pub use towns::Town;

pub use super::{Difference, FeedRow, Review, Shelf};
pub use crate::store::{
    Audited, Deed, Deeds, Existing, ImportKey, PersonsData, Put, Said, SourceKind, StoredSource,
    Subject, TOGETHER_MAX, Verdict as Decision,
};

pub use crate::flow::Side;
pub use crate::wire::fields::Field;
use state::{Engine, Message};

/// Messages that may wait for the engine. A person gives a few in a second.
const QUEUE_MAX: usize = 1_024;

/// What a thread that has something new calls: the window then draws a frame.
pub type Repaint = Arc<dyn Fn() + Send + Sync>;

/// The window's end of the engine.
pub struct Workbench {
    messages: SyncSender<Message>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    thread: Option<JoinHandle<()>>,
}

impl Workbench {
    /// Starts the engine, which opens the reference data at once. What is not saved ends with it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(repaint: Repaint) -> io::Result<Self> {
        Self::start_in(repaint, None)
    }

    /// As [`start`](Self::start); unsaved cases are kept in this folder, and offered again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_in(repaint: Repaint, recovery: Option<PathBuf>) -> io::Result<Self> {
        Self::start_with(repaint, recovery, None)
    }

    /// As [`start_in`](Self::start_in); the person's own feeds lie in this shelf, and speak.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_with(
        repaint: Repaint,
        recovery: Option<PathBuf>,
        shelf: Option<Shelf>,
    ) -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE_MAX);
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let mut engine = Engine::new(Arc::clone(&snapshot), messages.clone(), repaint);
        engine.recovery = recovery;
        engine.shelf = shelf;
        let run = move || engine.run(&inbox);
        let thread = thread::Builder::new().name("engine".to_owned()).spawn(run)?;
        Ok(Self { messages, snapshot, thread: Some(thread) })
    }

    /// A window's end without an engine, which shows this and answers nothing: for measuring and
    /// testing what is drawn.
    pub fn showing(snapshot: Snapshot) -> Self {
        let (messages, _) = sync_channel(1);
        Self { messages, snapshot: Arc::new(ArcSwap::from_pointee(snapshot)), thread: None }
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Asks for something. `false`: the engine has a thousand wishes to fulfil first, or is gone.
    pub fn send(&self, command: Command) -> bool {
        self.messages.try_send(Message::Command(command)).is_ok()
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        // A full queue empties: jobs only wait for the engine, never the engine for a job.
        self.messages.send(Message::Command(Command::Quit)).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

#[cfg(test)]
mod testing {
    use super::*;

    /// Waits until the snapshot is as wanted; the engine answers in milliseconds, a loaded machine
    /// in seconds.
    pub(super) fn until(workbench: &Workbench, done: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        for _ in 0..6_000 {
            let snapshot = workbench.snapshot();
            if done(&snapshot) {
                return snapshot;
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
        let snapshot = workbench.snapshot();
        panic!("the engine did not get there: {:?} {:?}", snapshot.jobs, snapshot.filter);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::until;
    use super::*;

    fn over(snapshot: &Snapshot) -> bool {
        !snapshot.jobs.is_empty() && snapshot.jobs.iter().all(|job| job.state.is_over())
    }

    #[test]
    fn the_example_opens_is_sorted_selected_and_left() {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        assert!(workbench.send(Command::OpenExample));
        let snapshot = until(&workbench, |snapshot| over(snapshot) && !snapshot.case.is_growing);
        assert!(snapshot.hosts.all.len() > 10);
        assert_eq!(snapshot.hosts.shown.len(), snapshot.hosts.all.len());
        assert!(!snapshot.flows.all.is_empty() && !snapshot.records.all.is_empty());
        assert!(!snapshot.detections.is_empty() && !snapshot.timeline.bins.is_empty());
        let placed: u32 = snapshot.places.spots.iter().map(|spot| spot.count).sum();
        let without = snapshot.places.without.len();
        assert_eq!(placed as usize + without, snapshot.hosts.all.len());

        let sort = HostSort { by: HostColumn::Addr, direction: Direction::Up };
        workbench.send(Command::SortHosts(sort));
        let snapshot = until(&workbench, |snapshot| snapshot.hosts.sort == sort);
        let addrs: Vec<_> =
            snapshot.hosts.shown.iter().map(|&row| snapshot.hosts.all.keys[row as usize]).collect();
        assert!(addrs.is_sorted());

        let worst = snapshot.hosts.all.keys[0];
        workbench.send(Command::Select(Some(Selected::Host(worst))));
        let snapshot = until(&workbench, |snapshot| snapshot.selection.is_some());
        let selection = snapshot.selection.as_ref().unwrap();
        let host = selection.host.as_ref().unwrap();
        let sum: f64 = host.evidence.iter().map(|row| row.row.contribution).sum();
        assert!((sum - host.score).abs() < 0.05, "{sum} {}", host.score);
        assert!(selection.flow_count + selection.record_count > 0);

        workbench.send(Command::NewCase);
        let snapshot = until(&workbench, |snapshot| snapshot.case.is_empty());
        assert!(snapshot.hosts.all.is_empty() && snapshot.selection.is_none());
    }

    #[test]
    fn what_cannot_be_opened_is_a_failed_job_with_a_sentence() {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        workbench.send(Command::Open(vec!["no/such/file.pcap".into()]));
        let snapshot = until(&workbench, over);
        let JobState::Failed(why) = &snapshot.jobs[0].state else { panic!("{:?}", snapshot.jobs) };
        assert!(why.contains("no/such/file.pcap"), "{why}");
    }

    #[test]
    fn pasted_addresses_are_hosts() {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        workbench.send(Command::Paste("192[.]0[.]2[.]7 and 2001:db8::9".to_owned()));
        let snapshot = until(&workbench, over);
        assert_eq!(snapshot.hosts.all.len(), 2, "{:?}", snapshot.jobs);
        workbench.send(Command::Paste("198.51.100.3\n192.0.2.7".to_owned()));
        let snapshot = until(&workbench, |snapshot| snapshot.case.imports.len() == 2);
        assert_eq!(snapshot.hosts.all.len(), 3);
    }
}
