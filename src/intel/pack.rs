//! The packed file of one data set: named sections, each compressed and checksummed by itself.
//!
//! ```text
//! magic "ILPACK", version u16           8 bytes
//! number of sections u16
//! each: length of name u8, name, packed bytes u32, unpacked bytes u32, checksum 16 bytes
//! checksum of all before                16 bytes
//! the sections' bytes, zstd, in order, nothing after them
//! ```
//!
//! Numbers are little-endian; a checksum is the first 16 bytes of BLAKE3. Sections are apart so
//! that a run that meets IPv4 alone never unpacks IPv6. [`Pack::open`] proves that a file is whole;
//! what a section holds is decoded by whoever asks for it, with [`Columns`].
//!
//! Files may come from a folder of the analyst's, so they are strangers' bytes: every length is
//! checked before it is believed, and no section unpacks to more than [`SECTION_BYTES_MAX`].

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Unpacked bytes of one section. The largest shipped one has 15 MB; eight times that is room to
/// grow, and more is a lie or another program's file.
pub const SECTION_BYTES_MAX: usize = 128 << 20;

/// Sections of one file. The richest set has 14.
pub const SECTIONS_MAX: usize = 64;

const MAGIC: &[u8; 6] = b"ILPACK";
const VERSION: u16 = 1;
const CHECKSUM_BYTES: usize = 16;

/// What is wrong with a packed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    /// The file's name, `dbip-city.pack`; empty until the opener adds it.
    pub file: String,
    /// Where: the section's name, or the byte offset in the head.
    pub place: String,
    /// What was wrong; what would be right.
    pub what: String,
}

impl PackError {
    fn new(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self { file: String::new(), place: place.to_string(), what: what.to_string() }
    }

    /// A file that is there and cannot be read.
    pub(super) fn unreadable(file: &str, what: String) -> Self {
        Self { file: file.to_owned(), place: String::new(), what }
    }

    /// The same with the file named.
    pub fn in_file(mut self, file: &str) -> Self {
        self.file = file.to_owned();
        self
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.file, self.place, self.what)
    }
}

impl std::error::Error for PackError {}

#[derive(Clone, Debug)]
struct Section {
    name: String,
    packed: Range<usize>,
    raw_bytes: usize,
}

/// An opened packed file: all checksums were right.
#[derive(Clone, Debug)]
pub struct Pack {
    bytes: Cow<'static, [u8]>,
    sections: Vec<Section>,
}

impl Pack {
    /// Reads the head and checks every section's checksum; unpacks nothing.
    ///
    /// # Errors
    /// The bytes are no packed file, of another version, cut off or damaged.
    pub fn open(bytes: Cow<'static, [u8]>) -> Result<Self, PackError> {
        let sections = read_head(&bytes)?;
        Ok(Self { bytes, sections })
    }

    /// The checksum of the head, which holds the checksums of all sections: two files with the same
    /// one hold the same.
    pub fn head_checksum(&self) -> [u8; CHECKSUM_BYTES] {
        let end = self.sections.first().map_or(self.bytes.len(), |section| section.packed.start);
        let head = self.bytes.get(..end).and_then(<[u8]>::last_chunk);
        head.copied().unwrap_or_default()
    }

    /// Bytes of the file.
    pub fn packed_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The names of the sections, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// Unpacks a section.
    ///
    /// # Errors
    /// There is no such section, or it does not unpack to the length it claims.
    pub fn section(&self, name: &str) -> Result<Columns, PackError> {
        let section = self.sections.iter().find(|section| section.name == name);
        let section =
            section.ok_or_else(|| PackError::new(place(name), "missing; pack the set again"))?;
        let packed = self.bytes.get(section.packed.clone()).unwrap_or_default();
        let raw = zstd::bulk::decompress(packed, section.raw_bytes).map_err(|error| {
            PackError::new(place(name), format_args!("does not unpack ({error}); fetch it again"))
        })?;
        if raw.len() != section.raw_bytes {
            let (had, claimed) = (raw.len(), section.raw_bytes);
            return Err(PackError::new(
                place(name),
                format_args!("unpacks to {had} bytes where the head says {claimed}"),
            ));
        }
        Ok(Columns { name: name.to_owned(), bytes: raw, at: 0 })
    }
}

fn place(section: &str) -> String {
    format!("[{section}]")
}

fn read_head(bytes: &[u8]) -> Result<Vec<Section>, PackError> {
    let mut at = 0_usize;
    let mut take = |length: usize, what: &str| {
        let end = at.checked_add(length).filter(|&end| end <= bytes.len());
        let Some(end) = end else {
            let left = bytes.len() - at;
            return Err(PackError::new(
                format_args!("@{at}"),
                format_args!("{what} needs {length} bytes, {left} are there; the file is cut off"),
            ));
        };
        let part = bytes.get(at..end).unwrap_or_default();
        at = end;
        Ok(part)
    };
    if take(MAGIC.len(), "magic")? != MAGIC {
        return Err(PackError::new("@0", "not a packed data set; one begins with ILPACK"));
    }
    let version = le(take(2, "version")?);
    if version != usize::from(VERSION) {
        return Err(PackError::new(
            "@6",
            format_args!("version {version}; this program reads version {VERSION}"),
        ));
    }
    let count = le(take(2, "number of sections")?);
    if count > SECTIONS_MAX {
        return Err(PackError::new("@8", format_args!("{count} sections; at most {SECTIONS_MAX}")));
    }
    let mut listed = Vec::with_capacity(count);
    for _ in 0..count {
        let name_bytes = le(take(1, "length of a section's name")?);
        let name = String::from_utf8_lossy(take(name_bytes, "a section's name")?).into_owned();
        let packed_bytes = le(take(4, "packed length")?);
        let raw_bytes = le(take(4, "unpacked length")?);
        let checksum = take(CHECKSUM_BYTES, "checksum")?;
        if raw_bytes > SECTION_BYTES_MAX {
            return Err(PackError::new(
                place(&name),
                format_args!("claims {raw_bytes} bytes; at most {SECTION_BYTES_MAX} are unpacked"),
            ));
        }
        listed.push((name, packed_bytes, raw_bytes, checksum));
    }
    let head_checksum = take(CHECKSUM_BYTES, "checksum of the head")?;
    let mut offset = at;
    let head = bytes.get(..offset - CHECKSUM_BYTES).unwrap_or_default();
    if checksum(head) != head_checksum {
        return Err(PackError::new("@0", "the head's checksum is wrong; the file is damaged"));
    }
    let mut sections = Vec::with_capacity(count);
    for (name, packed_bytes, raw_bytes, expected) in listed {
        let packed = offset..offset.saturating_add(packed_bytes);
        let Some(body) = bytes.get(packed.clone()) else {
            return Err(PackError::new(place(&name), "cut off; the file is incomplete"));
        };
        if checksum(body) != expected {
            return Err(PackError::new(place(&name), "checksum is wrong; the file is damaged"));
        }
        offset = packed.end;
        sections.push(Section { name, packed, raw_bytes });
    }
    if offset != bytes.len() {
        let extra = bytes.len() - offset;
        return Err(PackError::new(
            format_args!("@{offset}"),
            format_args!("{extra} bytes after the last section; nothing belongs there"),
        ));
    }
    Ok(sections)
}

/// A little-endian number of at most 4 bytes.
fn le(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Writes a packed file; the packer's half.
#[derive(Clone, Debug, Default)]
pub struct PackWriter {
    sections: Vec<(String, Vec<u8>)>,
}

impl PackWriter {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a section; order is kept.
    pub fn section(&mut self, name: &str, raw: Vec<u8>) {
        self.sections.push((name.to_owned(), raw));
    }

    /// The file's bytes: the same for the same sections, always.
    ///
    /// # Errors
    /// A section or its name is too long, there are too many, or zstd refuses.
    pub fn finish(self, level: i32) -> Result<Vec<u8>, PackError> {
        let too_much = || PackError::new("", "too many sections for one file");
        let count = u16::try_from(self.sections.len()).map_err(|_| too_much())?;
        let (mut head, mut bodies) = (Vec::new(), Vec::new());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&count.to_le_bytes());
        for (name, raw) in &self.sections {
            let packed = zstd::bulk::compress(raw, level)
                .map_err(|error| PackError::new(place(name), error))?;
            let too_long = |_| PackError::new(place(name), "too long for one section");
            let raw_bytes = u32::try_from(raw.len()).map_err(too_long)?;
            let packed_bytes = u32::try_from(packed.len()).map_err(too_long)?;
            head.push(u8::try_from(name.len()).map_err(too_long)?);
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(&packed_bytes.to_le_bytes());
            head.extend_from_slice(&raw_bytes.to_le_bytes());
            head.extend_from_slice(&checksum(&packed));
            bodies.extend_from_slice(&packed);
        }
        let head_checksum = checksum(&head);
        head.extend_from_slice(&head_checksum);
        head.extend_from_slice(&bodies);
        Ok(head)
    }
}

/// An unpacked section, read from front to back.
#[derive(Clone, Debug)]
pub struct Columns {
    name: String,
    bytes: Vec<u8>,
    at: usize,
}

impl Columns {
    /// An error at the present place.
    pub fn error(&self, what: impl fmt::Display) -> PackError {
        PackError::new(format_args!("[{}]@{}", self.name, self.at), what)
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A number of 7 bits a byte, lowest first, the top bit saying that more follow (LEB128).
    ///
    /// # Errors
    /// The section ends inside, or the number does not fit 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, PackError> {
        // Most numbers are gaps between neighbours: one or two bytes.
        if let Some(&byte) = self.bytes.get(self.at).filter(|&&byte| byte < 0x80) {
            self.at += 1;
            return Ok(u64::from(byte));
        }
        self.varint_slow()
    }

    fn varint_slow(&mut self) -> Result<u64, PackError> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.error("ends inside a number"));
            };
            self.at += 1;
            let bits = u64::from(byte & 0x7f);
            if shift >= 64 || (bits << shift) >> shift != bits {
                return Err(self.error("a number of more than 64 bits"));
            }
            number |= bits << shift;
            shift += 7;
            if byte < 0x80 {
                return Ok(number);
            }
        }
    }

    /// A varint that fits 32 bits.
    ///
    /// # Errors
    /// As [`Columns::varint`], or it does not fit.
    #[inline]
    pub fn varint32(&mut self) -> Result<u32, PackError> {
        let number = self.varint()?;
        u32::try_from(number).map_err(|_| self.error("a number of more than 32 bits"))
    }

    /// A signed difference: zigzag, then varint.
    ///
    /// # Errors
    /// As [`Columns::varint`].
    #[inline]
    pub fn zigzag(&mut self) -> Result<i64, PackError> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A count of things that take at least `least_bytes` each of what is left.
    ///
    /// # Errors
    /// As [`Columns::varint`], or that many cannot follow.
    pub fn count(&mut self, least_bytes: usize) -> Result<usize, PackError> {
        let claimed = self.varint()?;
        let left = self.left();
        let count = usize::try_from(claimed).ok();
        count
            .filter(|count| count.checked_mul(least_bytes).is_some_and(|bytes| bytes <= left))
            .ok_or_else(|| self.error(format_args!("claims {claimed} rows, {left} bytes are left")))
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn bytes(&mut self, length: usize) -> Result<&[u8], PackError> {
        if length > self.left() {
            let left = self.left();
            return Err(self.error(format_args!("needs {length} bytes, {left} are left")));
        }
        let from = self.at;
        self.at += length;
        Ok(self.bytes.get(from..self.at).unwrap_or_default())
    }

    /// A length and that many bytes of UTF-8.
    ///
    /// # Errors
    /// Fewer bytes are left, or they are no UTF-8.
    pub fn text(&mut self) -> Result<String, PackError> {
        let length = self.count(1)?;
        let text = self.bytes(length)?.to_vec();
        String::from_utf8(text).map_err(|_| self.error("text that is not UTF-8"))
    }

    /// All that is left, as text.
    ///
    /// # Errors
    /// It is no UTF-8.
    pub fn rest_as_text(mut self) -> Result<String, PackError> {
        let rest = self.bytes.split_off(self.at);
        String::from_utf8(rest)
            .map_err(|_| PackError::new(place(&self.name), "text that is not UTF-8"))
    }

    /// Says that nothing may be left.
    ///
    /// # Errors
    /// Something is.
    pub fn end(&self) -> Result<(), PackError> {
        if self.left() == 0 {
            return Ok(());
        }
        Err(self.error(format_args!("{} bytes more than the rows need", self.left())))
    }
}

/// Writes the columns of a section; the packer's half of [`Columns`].
#[derive(Clone, Debug, Default)]
pub struct ColumnsWriter {
    bytes: Vec<u8>,
}

impl ColumnsWriter {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// See [`Columns::varint`].
    pub fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// See [`Columns::zigzag`].
    pub fn zigzag(&mut self, number: i64) {
        self.varint((number << 1).cast_unsigned() ^ (number >> 63).cast_unsigned());
    }

    /// See [`Columns::text`].
    pub fn text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// See [`Columns::bytes`].
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The section's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
