//! What the window may ask of the engine.

use std::path::PathBuf;

use super::columns::{FlowSort, HostSort, RecordSort};
use super::groups::GroupBy;
use super::handover::HandOver;
use super::packets::{PacketsOf, SavePackets};
use super::picture::PictureWish;
use crate::intel::feed::FeedKind;
use crate::model::{Addr, HostKey, Prefix, Uid};
use crate::store::{Deed, Deeds, Existing, ImportKey};

/// One wish of a person. Answers come in a later [`Snapshot`](super::Snapshot).
///
/// Each variant says which part of the snapshot it changes, and whether it can be undone.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Opens a case; reads anything else into the open case: one import, one realm a path. Changes
    /// everything; an import can be removed as a whole.
    Open(Vec<PathBuf>),
    /// Reads addresses that were pasted. As [`Open`](Self::Open).
    Paste(String),
    /// Leaves the case and opens the shipped example, with its own context.
    OpenExample,
    /// Leaves the case and begins an empty one. An unsaved case stays in the folder for such.
    NewCase,
    /// Leaves the case for good: an unsaved one is deleted.
    Discard,
    /// Deletes an unsaved case of an earlier run. Changes `recovered`.
    DiscardRecovered(PathBuf),
    /// Writes the case into a file and goes on there. A job. Changes `case`.
    SaveAs(PathBuf, Existing),
    /// Takes an import out of the case as a whole. A job. Changes everything; cannot be undone.
    RemoveImport(ImportKey),
    /// Takes one of the case's own sources out of it, by its number. A job; the case is judged
    /// again. Changes everything; cannot be undone.
    RemoveSource(i64),
    /// Forgets an address for good: its rows, what was said of it, its name in texts. A job.
    /// Changes everything; cannot be undone.
    Forget(Addr),
    /// Notes, tags, decides, bookmarks, keeps a filter, merges realms. On disk before the snapshot
    /// shows it. Changes `case` and `marks`; can be undone.
    Do(Deed),
    /// Does the same or several things to many subjects: all or none of it, undone as one. As
    /// [`Do`](Self::Do).
    DoTogether(Deeds),
    /// Undoes the newest deed that is not undone. Changes what the deed changed.
    Undo,
    /// Does again what was undone last. Changes what the deed changed.
    Redo,
    /// Says which networks are the analyst's own; the open case is judged again. A job. Changes
    /// everything.
    Own(Vec<Prefix>),
    /// Says for how many days cases keep where their hosts were said to be; `None`: for ever. From
    /// now on older sayings are deleted when a case is opened or saved, which cannot be undone.
    Retain(Option<u32>),
    /// Stops a job, which keeps what is done. Changes `jobs`.
    Cancel(JobId),
    /// Takes a finished job out of the list. Changes `jobs`.
    Dismiss(JobId),
    /// Takes all finished jobs out of the list. Changes `jobs`.
    DismissFinished,
    /// Orders the hosts. Changes `hosts`.
    SortHosts(HostSort),
    /// Puts the hosts shown together; `None`: one by one. Changes `groups`.
    Group(Option<GroupBy>),
    /// Orders the flows. Changes `flows`.
    SortFlows(FlowSort),
    /// Orders the records. Changes `records`.
    SortRecords(RecordSort),
    /// Shows only what meets a condition in the language of [`filter`](crate::filter), in every
    /// view; empty: everything. One that cannot be read changes `filter` alone, else all tables.
    Filter(String),
    /// Says which addresses, prefixes and ranges of a text occur. Changes `comparison`.
    Compare(String),
    /// Shows one thing in every view; `None`: nothing. Changes `selection`.
    Select(Option<Selected>),
    /// Selects what a reference names: `flow:<uid>`, `record:<import>#<line>`, `detection:<n>`.
    /// Changes `selection`.
    Follow(String),
    /// Goes to the selection before this one. Changes `selection`.
    Back,
    /// Goes to the selection that [`Back`](Self::Back) left. Changes `selection`.
    Forward,
    /// Writes hosts for others, into a file or for the clipboard. A job; its end changes `saved`.
    HandOver(HandOver),
    /// Fetches the packets of flows or of a host from their captures; with a path, from that file
    /// or folder: they lie elsewhere now. A job; changes `packets`.
    ShowPackets(PacketsOf, Option<PathBuf>),
    /// Takes one of these packets apart, by its place among them. Changes `packets`.
    ChoosePacket(u32),
    /// Searches text or bytes in the packets that are shown, and in the stream. Changes `packets`.
    FindInPackets(String),
    /// Writes packets to a capture of their own. A job; its end changes `saved`.
    SavePackets(SavePackets),
    /// Says which sources say what of the prefixes around an address. Changes `explorer`.
    Explore(Addr),
    /// Draws a part of IPv4 space; what was asked for before is given up. Changes `picture`.
    Picture(PictureWish),
    /// Says in a line what is known of a prefix. Changes `picture`.
    LookAt(Prefix),
    /// Reads a feed from a path or an https:// address, to be looked at; with what it is said to
    /// mean. A job; changes `feeds`.
    LookAtFeed(String, Option<FeedKind>),
    /// Keeps the feed that is looked at, or takes the newer state that was found, by its name. A
    /// job; the open case is judged again. Changes everything.
    KeepFeed(String),
    /// Leaves the feed that is looked at. Changes `feeds`.
    LeaveFeed,
    /// Forgets a feed, by its name. A job; as [`KeepFeed`](Self::KeepFeed).
    RemoveFeed(String),
    /// Looks for newer states of all feeds that are fetched: the only requests there are. A job;
    /// changes `feeds`.
    UpdateFeeds,
    /// Ends the engine; jobs are stopped.
    Quit,
}

/// Something that a person does to the case, or wants back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Do it.
    Do(Deeds),
    /// As it was.
    Undo,
    /// As it was before that.
    Redo,
}

/// A job of this run of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// What is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selected {
    /// A host.
    Host(HostKey),
    /// A flow.
    Flow(Uid),
    /// A record, by its place in the snapshot's list.
    Record(u32),
    /// A detection, by its place in the snapshot's list.
    Detection(u32),
    /// An address, whether the case has it or not: what the data say of it.
    Address(Addr),
}
