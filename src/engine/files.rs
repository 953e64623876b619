//! Files → flows and records: opened, hashed, unpacked, recognised by content, read once.
//!
//! A path whose logs lack the year is read twice: first for the times alone ([`Survey`]), so that
//! the year can be told. Standard input is then kept in a nameless temporary file.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::context::Context;
use super::paths::{self, Input, Inputs, Origin, os_sentence};
use super::progress::{Doing, Monitor, Step};
use super::read::{self, Reading, Tally};
use crate::bounded::zip::Zip;
use crate::bounded::{self, Lines, Pack, Peek};
use crate::export::{AssumedRow, ImportRow};
use crate::flow::apps::SecretKey;
use crate::import::{self, Assumed, Format, Listed, Settings, Survey};
use crate::model::{
    Addr, Flow, ImportId, Position, Problems, RealmId, Record, Timestamp, Uid, Untrusted,
};
use crate::store;
use crate::wire::{self, CaptureFormat, Frame};

/// Bytes of a file's beginning by which its format is told.
const HEAD_BYTES: usize = 64 << 10;

/// What is read and by what it is judged.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// Profile, data, own layers, "now".
    pub context: &'a Arc<Context>,
    /// Sees progress and may stop the job.
    pub monitor: &'a dyn Monitor,
}

/// Takes flows and records as they come.
pub(super) trait Consumer {
    /// A file begins.
    fn begin(&mut self, _import: ImportId, _realm: RealmId, _name: &Untrusted) {}

    /// What is known of that file before it is read: its name, path, format.
    fn begun(&mut self, _import: ImportId, _row: &ImportRow) {}

    /// All of a file was read, or what could be: its row is complete. Also of files that could not
    /// even be begun.
    fn finished(&mut self, _import: ImportId, _row: &ImportRow) {}

    /// A flow has ended.
    fn flow(&mut self, flow: Flow);

    /// A record was read.
    fn record(&mut self, record: Record);

    /// A prefix or range of a list was read.
    fn listed(&mut self, _listed: Listed, _import: ImportId, _line: u64) {}

    /// A frame was read, with what was in it.
    fn frame(&mut self, _frame: &Frame<'_>, _carried: &Carriage) {}

    /// Whether it would look at flows that have not ended yet.
    fn wants_open_flows(&self) -> bool {
        false
    }

    /// Flows that have not ended yet, by their headers alone: each comes again when it ends.
    fn open_flows(&mut self, _flows: &mut dyn Iterator<Item = Flow>) {}

    /// Whether to stop early: whoever takes the output has gone.
    fn is_done(&self) -> bool {
        false
    }
}

/// What a frame carried.
#[derive(Debug, Default)]
pub(super) struct Carriage {
    /// The packets, outermost first.
    pub(super) packets: Vec<Carried>,
    /// Frames of earlier fragments, with the place of the packet they belong to in `packets`.
    pub(super) earlier_frames: Vec<(u64, usize)>,
    /// Whether a part of it waits for other fragments.
    pub(super) holds_fragment: bool,
}

/// A packet of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried {
    pub(super) uid: Uid,
    pub(super) src: Addr,
    pub(super) dst: Addr,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// One row for each file or member, in reading order.
    pub rows: Vec<ImportRow>,
    /// Names of the realms.
    pub realms: Vec<Untrusted>,
    /// The newest plausible time of all.
    pub newest: Option<Timestamp>,
    /// Whether the job was stopped.
    pub partial: bool,
}

/// What a file turned out to be.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Capture(&'static dyn CaptureFormat),
    Log(&'static dyn Format),
    Empty,
    Unknown,
}

impl Content {
    fn of(head: &[u8]) -> Self {
        if let Some(format) = wire::sniff(head) {
            return Self::Capture(format);
        }
        match import::detect(&slices(&head_lines(head))) {
            Some(format) => Self::Log(format),
            None if head.is_empty() => Self::Empty,
            None => Self::Unknown,
        }
    }

    fn id(self) -> Option<&'static str> {
        match self {
            Self::Capture(format) => Some(format.about().id),
            Self::Log(format) => Some(format.about().id),
            Self::Empty | Self::Unknown => None,
        }
    }

    fn is_yearless(self, head: &[u8]) -> bool {
        let Self::Log(format) = self else { return false };
        format.is_yearless(&slices(&head_lines(head)))
    }
}

/// The first lines of a file, in UTF-8 whatever it is written in.
fn head_lines(head: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(head);
    let mut first = Vec::new();
    while let Some((_, line)) = lines.next_line() {
        first.push(line.to_vec());
    }
    first
}

fn slices(lines: &[Vec<u8>]) -> Vec<&[u8]> {
    lines.iter().map(Vec::as_slice).collect()
}

/// Reads all inputs and gives what they hold to `consumer`.
pub(super) fn import(inputs: Inputs, job: Job<'_>, consumer: &mut dyn Consumer) -> Imports {
    let mut importer = Importer {
        job,
        consumer,
        imports: Imports { realms: inputs.realms, ..Imports::default() },
        // A key that nobody knows and that ends with the run (`src/DESIGN.md`, secrets).
        key: SecretKey(store::random_key()),
        files: inputs.files.len(),
    };
    // Files of one argument lie side by side: its dated lines tell the year of its yearless ones.
    let mut begun = 0;
    for group in inputs.files.chunk_by(|a, b| a.realm == b.realm) {
        if importer.imports.partial {
            break;
        }
        importer.group(group, begun);
        begun += group.len();
    }
    for (import, what) in inputs.skipped {
        importer.skipped(import, what);
    }
    importer.imports
}

struct Importer<'a> {
    job: Job<'a>,
    consumer: &'a mut dyn Consumer,
    imports: Imports,
    key: SecretKey,
    files: usize,
}

impl Importer<'_> {
    /// Reads the files of one argument, the `begun` first files being done.
    fn group(&mut self, files: &[Input], begun: usize) {
        let mut opened: Vec<(usize, &Input, Source)> = Vec::new();
        for (number, input) in files.iter().enumerate() {
            match Source::open(input) {
                Ok(source) => opened.push((begun + number + 1, input, source)),
                Err(error) => self.skipped(input.import.clone(), os_sentence(&error)),
            }
        }
        // No `any`: each has to be asked before it is read for good.
        let yearless =
            opened.iter_mut().fold(false, |any, (.., source)| source.is_yearless() || any);
        let mut surveys: Vec<Vec<Survey>> = Vec::new();
        if yearless {
            surveys = opened.iter_mut().map(|(.., source)| survey(source)).collect();
        }
        let newest = surveys.iter().flatten().filter_map(|survey| survey.newest_dated).max();
        let context = self.job.context;
        let not_after = context.at.or(newest).unwrap_or_else(|| context.data_date());
        for (which, (number, input, source)) in opened.iter_mut().enumerate() {
            if !self.imports.partial {
                let surveys = surveys.get(which).map_or(&[][..], Vec::as_slice);
                self.file(Reads { input, number: *number, surveys, not_after }, source);
            }
        }
    }

    /// Reads one file with all its members.
    fn file(&mut self, file: Reads<'_>, source: &mut Source) {
        let first_row = self.imports.rows.len();
        let read = Arc::new(AtomicU64::new(0));
        let total = source.bytes();
        let mut surveys = file.surveys.iter();
        let facts = source.each_member(Purpose::ReadAll, &read, &mut |mut member| {
            let name = match &member.name {
                Some(name) => {
                    Untrusted::new(&format!("{}!{}", file.input.import.raw(), name.raw()))
                }
                None => file.input.import.clone(),
            };
            let step = || Step {
                doing: Doing::Reading,
                name: name.raw(),
                bytes: read.load(Ordering::Relaxed),
                bytes_total: total,
                file: file.number,
                files: self.files,
            };
            let monitor = self.job.monitor;
            let tick = || {
                monitor.step(&step());
                monitor.is_cancelled()
            };
            let survey = surveys.next().copied().unwrap_or_default();
            let import = ImportId(u32::try_from(self.imports.rows.len()).unwrap_or(u32::MAX));
            let settings = Settings {
                import,
                utc_offset_minutes: self.job.context.time_zone.minutes_east,
                not_after: file.not_after,
                survey,
            };
            let content = Content::of(member.head);
            self.consumer.begin(import, file.input.realm, &name);
            let known = self.empty_row(file.input, name.clone());
            self.consumer.begun(import, &ImportRow { format: content.id(), ..known });
            let mut tally = Tally::new(self.job.context.data_date());
            let mut reading = Reading {
                import,
                consumer: &mut *self.consumer,
                tally: &mut tally,
                tick: &tick,
                is_partial: false,
            };
            let assumed = read_member(content, &mut member, settings, &self.key, &mut reading);
            let partial = reading.is_partial;
            self.imports.partial |= partial;
            self.imports.newest = self.imports.newest.max(tally.newest_plausible());
            let row = self.row(file.input, name.clone(), content, assumed, tally);
            self.imports.rows.push(row);
            !partial
        });
        self.finish_file(file.input, first_row, facts);
    }

    fn row(
        &self,
        input: &Input,
        import: Untrusted,
        content: Content,
        assumed: Assumed,
        tally: Tally,
    ) -> ImportRow {
        ImportRow {
            format: content.id(),
            packets: tally.packets,
            records: tally.records,
            first_seen: tally.first_seen,
            last_seen: tally.last_seen,
            assumed: AssumedRow {
                year: assumed.year,
                time_zone: assumed.time_zone,
                notes: assumed.notes,
            },
            problems: tally.into_problems(),
            ..self.empty_row(input, import)
        }
    }

    fn empty_row(&self, input: &Input, import: Untrusted) -> ImportRow {
        let realm = self.imports.realms.get(input.realm.0 as usize).cloned().unwrap_or_default();
        let path = match &input.origin {
            Origin::File(path) => paths::path_text(path.as_os_str()),
            Origin::Stdin | Origin::Bundled(_) => input.import.clone(),
        };
        ImportRow { realm, ..empty_row(import, path) }
    }

    /// Writes size and hash of the file into the rows of its members.
    fn finish_file(&mut self, input: &Input, first_row: usize, facts: FileFacts) {
        if self.imports.rows.len() == first_row {
            // Nothing in it could even be begun: the row says why.
            let row = self.empty_row(input, input.import.clone());
            self.imports.rows.push(row);
        }
        let partial = self.imports.partial;
        let mut problems = facts.problems.into_rows();
        for row in self.imports.rows.iter_mut().skip(first_row) {
            row.bytes = facts.bytes;
            row.sha256 = facts.sha256.clone().filter(|_| !partial);
            row.problems.append(&mut problems);
        }
        for (number, row) in (0_u32..).zip(&self.imports.rows).skip(first_row) {
            self.consumer.finished(ImportId(number), row);
        }
    }

    fn skipped(&mut self, import: Untrusted, what: String) {
        let mut problems = Problems::new();
        problems.push(Position::Whole, what);
        let row = empty_row(import.clone(), import);
        let row = ImportRow { problems: problems.into_rows(), ..row };
        let number = u32::try_from(self.imports.rows.len()).unwrap_or(u32::MAX);
        self.consumer.finished(ImportId(number), &row);
        self.imports.rows.push(row);
    }
}

/// A file to be read, and what was told of its times.
struct Reads<'a> {
    input: &'a Input,
    /// From 1, for progress.
    number: usize,
    /// One for each member, if the argument was surveyed.
    surveys: &'a [Survey],
    not_after: Timestamp,
}

fn read_member(
    content: Content,
    member: &mut Member<'_>,
    settings: Settings,
    key: &SecretKey,
    reading: &mut Reading<'_>,
) -> Assumed {
    match content {
        Content::Capture(format) => {
            read::capture(format, member.head, &mut *member.reader, key, reading);
        }
        Content::Log(format) => return read::log(format, &mut *member.reader, settings, reading),
        Content::Empty => {}
        Content::Unknown => {
            reading.tally.problems.push(Position::Whole, unread(member.head));
        }
    }
    Assumed::default()
}

/// What a file is that is not read, and what to do about it.
fn unread(head: &[u8]) -> &'static str {
    // POSIX pax: the magic of a tar header stands at 257.
    if head.get(257..262) == Some(b"ustar") {
        "a tar archive, which is not opened here; unpack it, and give the folder"
    } else if head.starts_with(b"ElfFile\0") {
        "a Windows event log (EVTX), which is not read here; export it as CSV or JSON"
    } else {
        "no capture, log or list that is known here; `infralock --help` says what is read"
    }
}

fn empty_row(import: Untrusted, path: Untrusted) -> ImportRow {
    ImportRow { import, path, ..ImportRow::default() }
}

/// Where a file's bytes come from.
enum Source {
    /// A file, which can be read again.
    File(File),
    /// A stream that can be read once, and what was taken of it for a look.
    Stream(Box<Peek<Box<dyn Read + Send>>>),
}

/// What is told of a file when it was read.
#[derive(Default)]
struct FileFacts {
    bytes: u64,
    sha256: Option<String>,
    problems: Problems,
}

/// A member of an archive, or the file itself.
struct Member<'m> {
    name: Option<Untrusted>,
    head: &'m [u8],
    reader: &'m mut (dyn Read + Send),
}

impl Source {
    fn open(input: &Input) -> io::Result<Self> {
        let stream: Box<dyn Read + Send> = match &input.origin {
            Origin::Stdin => Box::new(io::stdin()),
            Origin::Bundled(bytes) => Box::new(*bytes),
            Origin::File(path) => {
                let file = File::open(path)?;
                if file.metadata()?.is_file() {
                    return Ok(Self::File(file));
                }
                Box::new(file)
            }
        };
        let peek = Peek::new(stream, HEAD_BYTES);
        // A log without years is read twice, a zip from its end: such a stream is put aside.
        let read_twice = {
            let unpacked = bounded::unpack(peek.head());
            let content = Content::of(unpacked.head());
            content.is_yearless(unpacked.head()) || unpacked.packs().contains(&Pack::Zip)
        };
        match read_twice {
            true => spooled(peek).map(Self::File),
            false => Ok(Self::Stream(Box::new(peek))),
        }
    }

    fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(file) => file.metadata().ok().map(|metadata| metadata.len()),
            Self::Stream(_) => None,
        }
    }

    /// Calls `take` with each member, in order, until it says `false`; counts packed bytes in
    /// `read`.
    fn each_member(
        &mut self,
        purpose: Purpose,
        read: &Arc<AtomicU64>,
        take: &mut dyn FnMut(Member<'_>) -> bool,
    ) -> FileFacts {
        let mut facts = FileFacts::default();
        let result = match self {
            Self::File(file) => {
                file.rewind().and_then(|()| members(file, purpose, read, take, &mut facts))
            }
            Self::Stream(stream) => {
                let mut hashing = Hashing::new(stream, purpose, Arc::clone(read));
                let mut unpacked = bounded::unpack(&mut hashing);
                let head = unpacked.head().to_vec();
                take(Member { name: None, head: &head, reader: &mut unpacked });
                drop(unpacked);
                hashing.end(&mut facts)
            }
        };
        if let Err(error) = result {
            facts.problems.push(Position::Whole, os_sentence(&error));
        }
        facts
    }

    /// Whether a log without years is in it.
    fn is_yearless(&mut self) -> bool {
        let mut yearless = false;
        if let Self::File(_) = self {
            self.each_member(Purpose::Look, &Arc::default(), &mut |member| {
                yearless |= Content::of(member.head).is_yearless(member.head);
                !yearless
            });
        }
        yearless
    }
}

/// Copies a stream into a file without a name, which ends with the run.
fn spooled(mut stream: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut stream, &mut file)?;
    Ok(file)
}

/// What a file is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// For what its members are, or their times: no further than is asked for.
    Look,
    /// For good: every byte is hashed.
    ReadAll,
}

fn members(
    file: &mut File,
    purpose: Purpose,
    read: &Arc<AtomicU64>,
    take: &mut dyn FnMut(Member<'_>) -> bool,
    facts: &mut FileFacts,
) -> io::Result<()> {
    let mut hashing = Hashing::new(&mut *file, purpose, Arc::clone(read));
    let mut unpacked = bounded::unpack(&mut hashing);
    if unpacked.packs() != [Pack::Zip] {
        let head = unpacked.head().to_vec();
        let whole = take(Member { name: None, head: &head, reader: &mut unpacked });
        drop(unpacked);
        return if whole { hashing.end(facts) } else { Ok(()) };
    }
    drop(unpacked);
    // The directory of a zip stands at its end, so hash and members are two readings.
    hashing.end(facts)?;
    read.store(0, Ordering::Relaxed);
    let mut zip = Zip::open(&mut *file)?;
    while let Some(mut member) = zip.next_member() {
        let (name, head) = (Some(member.name().clone()), member.head().to_vec());
        if !take(Member { name, head: &head, reader: &mut member }) {
            break;
        }
    }
    facts.problems.extend(zip.take_problems());
    Ok(())
}

/// A reader that counts and hashes what passes.
struct Hashing<R> {
    input: R,
    /// `None`: only looked at.
    sha256: Option<Sha256>,
    bytes: u64,
    read: Arc<AtomicU64>,
}

impl<R: Read> Hashing<R> {
    fn new(input: R, purpose: Purpose, read: Arc<AtomicU64>) -> Self {
        let sha256 = (purpose == Purpose::ReadAll).then(Sha256::new);
        Self { input, sha256, bytes: 0, read }
    }

    /// Reads what a format left unread, so that the hash is that of the whole file.
    fn end(mut self, facts: &mut FileFacts) -> io::Result<()> {
        if self.sha256.is_none() {
            return Ok(());
        }
        io::copy(&mut self, &mut io::sink())?;
        facts.bytes = self.bytes;
        let digest = self.sha256.take().unwrap_or_default().finalize();
        facts.sha256 = Some(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        Ok(())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(out)?;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(out.get(..count).unwrap_or_default());
        }
        self.bytes += count as u64;
        self.read.store(self.bytes, Ordering::Relaxed);
        Ok(count)
    }
}

/// The times of every member of a file.
fn survey(source: &mut Source) -> Vec<Survey> {
    let mut surveys = Vec::new();
    if let Source::File(_) = source {
        source.each_member(Purpose::Look, &Arc::default(), &mut |member| {
            surveys.push(match Content::of(member.head) {
                Content::Log(format) => read::survey(format, member.reader),
                _ => Survey::default(),
            });
            true
        });
    }
    surveys
}
