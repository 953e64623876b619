//! What the window may ask of the engine.

use std::path::PathBuf;

use super::columns::{FlowSort, HostSort, RecordSort};
use crate::model::{HostKey, Uid};

/// One wish of a person. Answers come in a later [`Snapshot`](super::Snapshot).
///
/// Each variant says which part of the snapshot it changes, and whether it can be undone.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Reads files and folders into the case: one import, one realm a path. Changes everything;
    /// the import can be removed as a whole.
    Open(Vec<PathBuf>),
    /// Reads addresses that were pasted. As [`Open`](Self::Open).
    Paste(String),
    /// Leaves the case and opens the shipped example, with its own context.
    OpenExample,
    /// Leaves the case and begins an empty one.
    NewCase,
    /// Stops a job, which keeps what is done. Changes `jobs`.
    Cancel(JobId),
    /// Takes a finished job out of the list. Changes `jobs`.
    Dismiss(JobId),
    /// Orders the hosts. Changes `hosts`.
    SortHosts(HostSort),
    /// Orders the flows. Changes `flows`.
    SortFlows(FlowSort),
    /// Orders the records. Changes `records`.
    SortRecords(RecordSort),
    /// Shows one thing in every view; `None`: nothing. Changes `selection`.
    Select(Option<Selected>),
    /// Goes to the selection before this one. Changes `selection`.
    Back,
    /// Goes to the selection that [`Back`](Self::Back) left. Changes `selection`.
    Forward,
    /// Writes the page about all of it. A job.
    Report(PathBuf),
    /// Ends the engine; jobs are stopped.
    Quit,
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
}
