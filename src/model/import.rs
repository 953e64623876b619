//! Imports: one row for each file read, as the JSON shows it and a case keeps it.

use serde::Serialize;

use super::{Problem, Timestamp, Untrusted};

/// One file read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImportRow {
    /// The path as given joined with the part below a folder; an archive's member after `!`.
    pub import: Untrusted,
    /// The realm of its addresses that are not public.
    pub realm: Untrusted,
    /// The file that was opened.
    pub path: Untrusted,
    /// `pcapng`, `zeek-tsv` …; `null`: nothing in it could be read.
    pub format: Option<&'static str>,
    /// Of the bytes as given (packed), lower-case hex; `null` when the import is partial.
    pub sha256: Option<String>,
    /// Bytes as given.
    pub bytes: u64,
    /// Packets read.
    pub packets: u64,
    /// Records read.
    pub records: u64,
    /// The oldest time in it.
    pub first_seen: Option<Timestamp>,
    /// The newest time in it.
    pub last_seen: Option<Timestamp>,
    /// What was taken for granted.
    pub assumed: AssumedRow,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// What was taken for granted about a file; absent keys were not needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AssumedRow {
    /// The year of the newest line without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i16>,
    /// The zone of times without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Anything else, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Untrusted>,
}
