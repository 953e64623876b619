//! Zip archives (PKWARE APPNOTE 6.3): members one after another, in the order of the directory.
//!
//! The directory is walked, never loaded: a member of the same name as another is read like any
//! other, and memory does not grow with the number of members. Members are unpacked as streams
//! ([`unpack`](super::unpack)); one that is packed itself (`access.log.gz`) is opened, an archive
//! within the archive is not. Encrypted members, methods that are not read and symbolic links are
//! reported, and the next member follows. Read are stored, deflated, bzip2, zstd and xz members,
//! and zip64.
//!
//! Where the directory is missing, as in an archive that was cut off, the members are found by the
//! headers in front of them, as far as those tell their lengths.
//!
//! **Bombs**: beside the ratio of each member, all members together may unpack to
//! [`UNPACK_RATIO_MAX`] times the archive, since members may share bytes (Fifield 2019).

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

use crate::model::limits::{MEMBERS_MAX, UNPACK_BYTES_MAX, UNPACK_FREE_BYTES, UNPACK_RATIO_MAX};
use crate::model::{Position, Problems, Untrusted};

use super::unpack::{Budget, Codec, Members, UnpackError, Unpacked, unpack_at};
use super::whole::read_all;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";

/// The end record and the longest comment behind it.
const END_BYTES_MAX: u64 = 22 + 65_535;

/// A zip archive.
pub struct Zip<R> {
    input: R,
    archive_bytes: u64,
    walk: Walk,
    members: usize,
    /// What all members together may still unpack to.
    budget: Budget,
    problems: Problems,
}

/// Where the next header is.
#[derive(Clone, Copy, Debug)]
enum Walk {
    /// In the central directory; `shift`: bytes in front of the archive that offsets do not count.
    Directory {
        at: u64,
        shift: u64,
    },
    /// In front of the members, for lack of a directory.
    Locals {
        at: u64,
    },
    Ended,
}

/// One header, from the directory or from in front of a member.
struct Entry {
    name: Untrusted,
    flags: u16,
    method: u16,
    packed_bytes: u64,
    unpacked_bytes: u64,
    crc: Option<u32>,
    is_link: bool,
    /// Where the header in front of the member stands.
    local_at: u64,
}

/// A member of an archive, read by its `Read`.
pub struct Member<'z> {
    name: Untrusted,
    unpacked: Unpacked<'z>,
}

impl Member<'_> {
    /// Its name as the archive gives it: never to be used as a path.
    pub fn name(&self) -> &Untrusted {
        &self.name
    }

    /// Its first bytes, unpacked.
    pub fn head(&self) -> &[u8] {
        self.unpacked.head()
    }
}

impl Read for Member<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.unpacked.read(out)
    }
}

impl<R: Read + Seek + Send> Zip<R> {
    /// Finds the directory.
    ///
    /// # Errors
    /// What the reader says, and neither a directory nor a member at the beginning.
    pub fn open(input: R) -> Result<Self> {
        let mut input = input;
        let archive_bytes = input.seek(SeekFrom::End(0))?;
        let bytes = UNPACK_FREE_BYTES
            .saturating_add(archive_bytes.saturating_mul(UNPACK_RATIO_MAX))
            .min(UNPACK_BYTES_MAX);
        let mut problems = Problems::new();
        let walk = match find_directory(&mut input, archive_bytes)? {
            Some(walk) => walk,
            None if bytes_at(&mut input, 0, 4)? == LOCAL => {
                let what = "zip archive without a directory at its end: cut off here; members are \
                            read as far as they go";
                problems.push(Position::Offset(archive_bytes), what);
                Walk::Locals { at: 0 }
            }
            None => {
                let what = "not a zip archive: neither a directory nor a first member";
                return Err(Error::new(ErrorKind::InvalidData, what));
            }
        };
        let budget = Budget { bytes, limit_bytes: bytes };
        Ok(Self { input, archive_bytes, walk, members: 0, budget, problems })
    }

    /// The next member that can be read; `None` at the end.
    pub fn next_member(&mut self) -> Option<Member<'_>> {
        loop {
            let (place, entry) = match self.next_entry() {
                Ok(entry) => entry?,
                Err(error) => {
                    self.problems.push(self.place(), error.to_string());
                    self.walk = Walk::Ended;
                    return None;
                }
            };
            let is_folder = entry.name.raw().ends_with('/') && entry.unpacked_bytes == 0;
            if is_folder {
                continue;
            }
            match self.locate(&entry) {
                // Built again outside of the loop's borrow.
                Ok(data_at) => return self.member(entry, data_at, place),
                Err(what) => {
                    self.problems.push(place, format!("{what}: member {}", entry.name));
                }
            }
        }
    }

    /// What went wrong so far; leaves none.
    pub fn take_problems(&mut self) -> Problems {
        std::mem::take(&mut self.problems)
    }

    fn place(&self) -> Position {
        match self.walk {
            Walk::Directory { at, .. } | Walk::Locals { at } => Position::Offset(at),
            Walk::Ended => Position::Whole,
        }
    }

    /// Steps to the next header.
    fn next_entry(&mut self) -> Result<Option<(Position, Entry)>> {
        let place = self.place();
        let (entry, next) = match self.walk {
            Walk::Ended => return Ok(None),
            Walk::Directory { at, shift } => match read_central(&mut self.input, at, shift)? {
                Some((entry, bytes)) => (entry, Walk::Directory { at: at + bytes, shift }),
                None => return Ok(None),
            },
            Walk::Locals { at } => match read_local(&mut self.input, at)? {
                Some((entry, data_at)) => {
                    // With its length behind it, nobody knows where the next one begins.
                    let end = data_at.checked_add(entry.packed_bytes);
                    let is_known = entry.flags & 8 == 0 || entry.packed_bytes > 0;
                    let next = end.filter(|_| is_known);
                    if next.is_none() {
                        let what = "the length of a zip member stands behind it, so that what \
                                    follows is not found without a directory";
                        self.problems.push(place, what);
                    }
                    (entry, next.map_or(Walk::Ended, |at| Walk::Locals { at }))
                }
                None => return Ok(None),
            },
        };
        self.members += 1;
        if self.members > MEMBERS_MAX {
            let what = format!("more than {MEMBERS_MAX} members; the rest is not read");
            return Err(Error::new(ErrorKind::FileTooLarge, what));
        }
        self.walk = next;
        Ok(Some((place, entry)))
    }

    /// Where the data of a member begins, if we read such members.
    fn locate(&mut self, entry: &Entry) -> std::result::Result<u64, String> {
        if entry.flags & 1 != 0 {
            return Err("encrypted; unpack it with its password first".into());
        }
        if entry.is_link {
            return Err("symbolic links are not followed".into());
        }
        if entry.method != 0 && Codec::of_zip_method(entry.method).is_none() {
            return Err(format!("packed by method {}, which is not read", entry.method));
        }
        let header = bytes_at(&mut self.input, entry.local_at, 30).map_err(|e| e.to_string())?;
        match (header.starts_with(&LOCAL), u16_at(&header, 26), u16_at(&header, 28)) {
            (true, Some(name), Some(extra)) => {
                Ok(entry.local_at + 30 + u64::from(name) + u64::from(extra))
            }
            _ => Err(format!("header at byte {} is missing", entry.local_at)),
        }
    }

    fn member(&mut self, entry: Entry, data_at: u64, place: Position) -> Option<Member<'_>> {
        if let Err(error) = self.input.seek(SeekFrom::Start(data_at)) {
            self.problems.push(place, error.to_string());
            return None;
        }
        let left = self.archive_bytes.saturating_sub(data_at);
        // A member whose length stands behind it ends by itself.
        let is_open = entry.packed_bytes == 0 && entry.flags & 8 != 0 && entry.method != 0;
        let packed_bytes = if is_open { left } else { entry.packed_bytes };
        let part = Part { input: (&mut self.input).take(packed_bytes), left: packed_bytes };
        let budget = self.budget;
        let plain: Box<dyn Read + Send + '_> = match Codec::of_zip_method(entry.method) {
            Some(codec) => Box::new(Members::new(part, codec, None, budget)),
            None => Box::new(part),
        };
        let checked = Checked {
            input: plain,
            budget: &mut self.budget,
            crc: flate2::Crc::new(),
            expected: entry.crc,
            is_ended: false,
        };
        let unpacked = unpack_at(Box::new(checked), 1);
        Some(Member { name: entry.name, unpacked })
    }
}

/// The packed bytes of a member. An archive that ends inside them is told.
struct Part<R> {
    input: std::io::Take<R>,
    left: u64,
}

impl<R: Read> Read for Part<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = self.input.read(out)?;
        self.left -= read as u64;
        if read == 0 && self.left > 0 && !out.is_empty() {
            let what =
                format!("zip archive ends early: {} bytes of a member are missing", self.left);
            self.left = 0;
            return Err(Error::new(ErrorKind::UnexpectedEof, what));
        }
        Ok(read)
    }
}

/// Counts against the archive's budget, and compares the checksum at the end.
struct Checked<'z> {
    input: Box<dyn Read + Send + 'z>,
    budget: &'z mut Budget,
    crc: flate2::Crc,
    expected: Option<u32>,
    is_ended: bool,
}

impl Read for Checked<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let room = usize::try_from(self.budget.bytes).unwrap_or(usize::MAX).min(out.len());
        let mut probe = [0];
        let out = match out.get_mut(..room) {
            Some(out) if room > 0 || self.budget.bytes > 0 => out,
            _ => &mut probe,
        };
        if out.is_empty() || self.is_ended {
            return Ok(0);
        }
        // After an error only the end may come, not a second error about the checksum.
        self.is_ended = true;
        let read = self.input.read(out)?;
        if read as u64 > self.budget.bytes {
            return Err(UnpackError::TooLong { limit_bytes: self.budget.limit_bytes }.into());
        }
        self.is_ended = read == 0;
        self.budget.bytes -= read as u64;
        self.crc.update(out.get(..read).unwrap_or_default());
        if self.is_ended {
            let found = self.crc.sum();
            if let Some(expected) = self.expected.filter(|&expected| expected != found) {
                let what =
                    format!("zip member's checksum is {found:08x}; {expected:08x} would be right");
                return Err(Error::new(ErrorKind::InvalidData, what));
            }
        }
        Ok(read)
    }
}

fn bytes_at(input: &mut (impl Read + Seek), at: u64, bytes: u64) -> Result<Vec<u8>> {
    input.seek(SeekFrom::Start(at))?;
    let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
    read_all(input.take(bytes), limit)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Looks for the end record, from the end, and for the directory it names.
fn find_directory(input: &mut (impl Read + Seek), archive_bytes: u64) -> Result<Option<Walk>> {
    let tail_at = archive_bytes.saturating_sub(END_BYTES_MAX + 20);
    let tail = bytes_at(input, tail_at, END_BYTES_MAX + 20)?;
    let mut before = tail.as_slice();
    while let Some(at) = memchr::memmem::rfind(before, &END) {
        let record = tail.get(at..).unwrap_or_default();
        if let (Some(bytes), Some(offset)) = (u32_at(record, 12), u32_at(record, 16)) {
            let (mut bytes, mut offset) = (u64::from(bytes), u64::from(offset));
            let mut end = tail_at + at as u64;
            let locator = at.checked_sub(20).and_then(|at| tail.get(at..)).unwrap_or_default();
            if locator.starts_with(&END_64_LOCATOR) {
                let record = bytes_at(input, u64_at(locator, 8).unwrap_or(0), 56)?;
                let sizes = (u64_at(&record, 40), u64_at(&record, 48));
                if let (true, (Some(long_bytes), Some(long_offset))) =
                    (record.starts_with(&END_64), sizes)
                {
                    (bytes, offset) = (long_bytes, long_offset);
                    end = u64_at(locator, 8).unwrap_or(end);
                }
            }
            // The directory ends where the end record begins; where that is further on than it
            // says, something (a self-extractor) stands in front of the archive.
            let directory_at = end.checked_sub(bytes);
            if let Some((at, shift)) =
                directory_at.and_then(|at| Some((at, at.checked_sub(offset)?)))
                && (bytes == 0 || bytes_at(input, at, 4)? == CENTRAL)
            {
                return Ok(Some(Walk::Directory { at, shift }));
            }
        }
        before = before.get(..at).unwrap_or_default();
    }
    Ok(None)
}

/// One header of the directory and its length; `None` at the end of the directory.
fn read_central(
    input: &mut (impl Read + Seek),
    at: u64,
    shift: u64,
) -> Result<Option<(Entry, u64)>> {
    let header = bytes_at(input, at, 46)?;
    if !header.starts_with(&CENTRAL) {
        let is_end = [END, END_64, *b"PK\x05\x05"].iter().any(|end| header.starts_with(end));
        let what = "zip directory is broken here: a header or its end would be right";
        return if is_end { Ok(None) } else { Err(Error::new(ErrorKind::InvalidData, what)) };
    }
    let short = || Error::new(ErrorKind::UnexpectedEof, "zip directory ends early");
    let field = |at| u16_at(&header, at).ok_or_else(short);
    let long = |at| u32_at(&header, at).ok_or_else(short);
    let (name_bytes, extra_bytes) = (u64::from(field(28)?), u64::from(field(30)?));
    let comment_bytes = u64::from(field(32)?);
    let rest = read_all(input.take(name_bytes + extra_bytes), 2 * 65_535)?;
    let (name, extra) = usize::try_from(name_bytes)
        .ok()
        .and_then(|at| rest.split_at_checked(at))
        .ok_or_else(short)?;
    let (packed, unpacked, offset) = (long(20)?, long(24)?, long(42)?);
    let mut wide = Wide::of(extra);
    // Those that do not fit stand in the zip64 field, in this order.
    let unpacked_bytes = wide.take(unpacked);
    let packed_bytes = wide.take(packed);
    let local_at = wide.take(offset).saturating_add(shift);
    let made_on_unix = field(4)? >> 8 == 3;
    let entry = Entry {
        name: Untrusted::from_bytes(name),
        flags: field(8)?,
        method: field(10)?,
        packed_bytes,
        unpacked_bytes,
        crc: Some(long(16)?),
        is_link: made_on_unix && (long(38)? >> 16) & 0o170_000 == 0o120_000,
        local_at,
    };
    Ok(Some((entry, 46 + name_bytes + extra_bytes + comment_bytes)))
}

/// The header in front of a member and where its data begins; `None` if there is none.
fn read_local(input: &mut (impl Read + Seek), at: u64) -> Result<Option<(Entry, u64)>> {
    let header = bytes_at(input, at, 30)?;
    if !header.starts_with(&LOCAL) {
        return Ok(None);
    }
    let field = |at| u16_at(&header, at).unwrap_or(0);
    let (name_bytes, extra_bytes) = (u64::from(field(26)), u64::from(field(28)));
    let rest = read_all(input.take(name_bytes + extra_bytes), 2 * 65_535)?;
    let Some((name, extra)) =
        usize::try_from(name_bytes).ok().and_then(|at| rest.split_at_checked(at))
    else {
        return Ok(None);
    };
    let mut wide = Wide::of(extra);
    let unpacked_bytes = wide.take(u32_at(&header, 22).unwrap_or(0));
    let packed_bytes = wide.take(u32_at(&header, 18).unwrap_or(0));
    let flags = field(6);
    let entry = Entry {
        name: Untrusted::from_bytes(name),
        flags,
        method: field(8),
        packed_bytes,
        unpacked_bytes,
        crc: u32_at(&header, 14).filter(|_| flags & 8 == 0),
        is_link: false,
        local_at: at,
    };
    Ok(Some((entry, at + 30 + name_bytes + extra_bytes)))
}

/// The zip64 field of a header: numbers that do not fit 32 bits.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(extra: &'a [u8]) -> Self {
        let mut rest = extra;
        while let (Some(kind), Some(bytes)) = (u16_at(rest, 0), u16_at(rest, 2)) {
            let end = 4 + usize::from(bytes);
            if kind == 1 {
                return Self(rest.get(4..end).unwrap_or_default());
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        Self(&[])
    }

    /// The number itself, or the next of the field where it says that it does not fit.
    fn take(&mut self, number: u32) -> u64 {
        match (number, self.0.split_first_chunk()) {
            (u32::MAX, Some((wide, rest))) => {
                self.0 = rest;
                u64::from_le_bytes(*wide)
            }
            _ => u64::from(number),
        }
    }
}
