//! Logs and lists → records: one file per format, a list, and detection by content.
//!
//! The engine opens a file, unpacks it and hands its lines to the format that detection chose by
//! the first bytes, never by the name. A format turns each line into records, prefixes or a
//! problem, and goes on: a broken line costs only itself.
//!
//! **To add a format**: one file with a type that implements [`Format`], one line in `FORMATS`,
//! one fuzz target. `address_list.rs` is the smallest one to copy.
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::cast_possible_truncation)]

pub mod access_log;
mod address_list;
pub mod app_log;
pub mod as_table;
mod cloudtrail;
mod cowrie;
mod eve;
mod fields;
mod free_text;
pub mod journald;
mod json_document;
mod json_lines;
pub mod json_log;
mod lines;
pub mod list;
mod roles;
pub mod syslog;
mod table;
pub mod w3c;
pub(crate) mod when;
mod zeek;
mod zeek_json;
mod zeek_tsv;

use crate::model::{AddrRange, ImportId, Prefix, Problems, Record, Timestamp, Untrusted};

/// All formats. Where two are equally sure of a file, the one that stands first reads it: so the
/// special ones come first, free text last.
pub const FORMATS: &[&dyn Format] = &[
    &zeek_tsv::ZeekTsv,
    &zeek_json::ZeekJson,
    &eve::Eve,
    &cowrie::Cowrie,
    &access_log::AccessLog,
    &syslog::Syslog,
    &app_log::AppLog,
    &json_log::JsonLog,
    &journald::JournaldExport,
    &journald::JournaldJson,
    &w3c::W3c,
    &json_lines::JsonLines,
    &json_document::JsonDocument,
    &table::Table,
    &address_list::AddressList,
    &free_text::FreeText,
];

/// The format whose [`Format::detect`] is surest of these first lines; `None`: nothing can be read.
///
/// Takes the lines without their ends; a file of one long line may come as that line cut.
pub fn detect(head: &[&[u8]]) -> Option<&'static dyn Format> {
    let mut best = (Sureness::No, None);
    for &format in FORMATS {
        let sureness = format.detect(head);
        if sureness > best.0 {
            best = (sureness, Some(format));
        }
    }
    best.1
}

/// The format with this id, for the tests and for an analyst who knows better.
pub fn by_id(id: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.about().id == id)
}

/// One line without its end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// From 1, in the unpacked text.
    pub number: u64,
    /// Its bytes, at most [`LINE_BYTES_MAX`](crate::model::limits::LINE_BYTES_MAX).
    pub bytes: &'a [u8],
}

/// What a format is, for the help, the README table and the tests.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The name in JSON: `zeek-tsv`.
    pub id: &'static str,
    /// What it reads, in a few words: `Zeek logs, tab-separated`.
    pub reads: &'static str,
    /// What of it is not read.
    pub misses: &'static str,
    /// Where the format is specified.
    pub source: &'static str,
}

/// How sure a format is that a file is its own; the surest wins, ties go to the first in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// It is not.
    No,
    /// Some of it could be read: free text, a table with an address somewhere.
    Fallback,
    /// Most lines have its form.
    Likely,
    /// It says so itself: a header, a magic line.
    Certain,
}

/// What a format needs to know beside the lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// The file, for the records.
    pub import: ImportId,
    /// Minutes east of UTC for times without a zone.
    pub utc_offset_minutes: i32,
    /// For RFC 3164 lines, which have no year: no line is dated after this.
    pub not_after: Timestamp,
    /// For RFC 3164 lines: what [`Format::survey`] found in the whole file.
    pub survey: Survey,
}

/// What a first reading of a file tells about its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The newest time that is fully dated.
    pub newest_dated: Option<Timestamp>,
    /// For lines without a year: how often the file steps from December to January.
    pub new_years: u32,
    /// The newest (month, day, second of day) after the last such step.
    pub newest_yearless: Option<(u8, u8, u32)>,
    /// After how many such steps a 29 February was met: that year is a leap year.
    pub leap_day: Option<u32>,
}

/// An entry of a list that is not a single address.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// A prefix.
    Prefix(Prefix),
    /// A range.
    Range(AddrRange),
}

/// Where a format puts what it read.
pub struct Out<'a> {
    /// Takes each record.
    pub record: &'a mut dyn FnMut(Record),
    /// Takes each prefix or range of a list, with its line.
    pub listed: &'a mut dyn FnMut(Listed, u64),
    /// Takes what could not be read.
    pub problems: &'a mut Problems,
}

/// What a parser took for granted, for `assumed` in the JSON; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assumed {
    /// The year of the newest line without one.
    pub year: Option<i16>,
    /// The time zone of times without one, `UTC` or `+02:00`.
    pub time_zone: Option<String>,
    /// Further assumptions in words, such as which column holds the address.
    pub notes: Vec<Untrusted>,
}

/// A log or list format.
pub trait Format: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Looks at the first lines of a file (at most 64 KiB, the last line whole or cut).
    fn detect(&self, head: &[&[u8]]) -> Sureness;

    /// Whether the times may lack a year, so that the file must be surveyed before it is read.
    fn is_yearless(&self, _head: &[&[u8]]) -> bool {
        false
    }

    /// Takes one line into the survey of times; called for every line before parsing begins, where
    /// this file or another of the same path needs it.
    fn survey(&self, _line: Line<'_>, _survey: &mut Survey, _state: &mut SurveyState) {}

    /// Whether a record may stand anywhere in a line, and many in one: then the file comes in
    /// pieces ([`Parse::piece`]), and no line is too long.
    fn takes_pieces(&self) -> bool {
        false
    }

    /// Begins a file.
    fn start(&self, settings: Settings) -> Box<dyn Parse>;
}

/// What a survey keeps between lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct SurveyState {
    /// The (month, day, second of day) of the line before.
    pub last_yearless: Option<(u8, u8, u32)>,
}

/// A file being read.
pub trait Parse {
    /// Takes one line.
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>);

    /// Takes the next bytes of the text, where the format [takes pieces](Format::takes_pieces):
    /// their ends of line included, `number` being the line in which they begin.
    fn piece(&mut self, piece: Line<'_>, out: &mut Out<'_>) {
        self.line(piece, out);
    }

    /// The file has ended: what was kept back comes now.
    fn finish(&mut self, _out: &mut Out<'_>) {}

    /// What was taken for granted.
    fn assumed(&self) -> Assumed {
        Assumed::default()
    }
}
