//! A file that is looked up in as it lies on disk.
//!
//! ```text
//! head      "ILTRIE\r\n", version u32, sections u32, bytes of the file u64,
//!           blake3 of the section table (32 bytes)                                  64 bytes
//! table     each section: name (24 bytes, zeros at the end), offset u64, length u64,
//!           blake3 of its bytes (32)                                                72 bytes each
//! sections  each at a multiple of 64 bytes, zeros between
//! ```
//!
//! Numbers are little-endian. Opening maps the file, reads head and table, and checks every bound
//! and the table's checksum: microseconds, whatever the size. A section that its owner asks for by
//! name is checked against its checksum the first time; [`Image::verify`] checks all. Look-ups
//! need no checksum to be safe: every read of a walk is inside its section, so a damaged or
//! hostile file gives wrong answers at worst, never a read outside the map.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::bytes::{LINE_BYTES, Owner};
use crate::layers::{LAYERS_MAX, Layer, LayerInfo, Records, merge};
use crate::table::{Table, TooManyValues};
use crate::{v4, v6};

const MAGIC: &[u8; 8] = b"ILTRIE\r\n";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Sections of one file: 8 of its own and those of whoever made it.
pub const SECTIONS_MAX: usize = 256;

const HEAD_BYTES: usize = 64;
const NAME_BYTES: usize = 24;
const ENTRY_BYTES: usize = NAME_BYTES + 8 + 8 + 32;

/// What is wrong with an image.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImageError {
    /// The file cannot be opened or mapped.
    Io(io::Error),
    /// Something in it is not as it should be.
    Bad {
        /// The section, or `head`.
        section: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// What was found and what would be right.
        what: String,
    },
}

impl ImageError {
    fn bad(section: &str, offset: usize, what: impl fmt::Display) -> Self {
        Self::Bad { section: section.to_owned(), offset: offset as u64, what: what.to_string() }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Bad { section, offset, what } => write!(f, "[{section}]@{offset}: {what}"),
        }
    }
}

impl std::error::Error for ImageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Bad { .. } => None,
        }
    }
}

impl From<io::Error> for ImageError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why an image could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// Whoever watched the progress said stop.
    Stopped,
    /// More combinations of values than 32 bits can tell apart.
    TooManyValues(TooManyValues),
    /// More layers than [`LAYERS_MAX`], or more sections than [`SECTIONS_MAX`].
    TooMany(&'static str),
    /// A section's name is empty, longer than 24 bytes, taken, or has a zero in it.
    Name(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::TooManyValues(error) => error.fmt(f),
            Self::TooMany(what) => write!(f, "more {what} than an image holds"),
            Self::Name(name) => write!(
                f,
                "a section cannot be called {name:?}; a name has 1 to {NAME_BYTES} bytes and is \
                 given once"
            ),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<TooManyValues> for BuildError {
    fn from(error: TooManyValues) -> Self {
        Self::TooManyValues(error)
    }
}

/// Layers and sections, to be built into an [`Image`].
///
/// ```
/// use infralock_trie::{Builder, Image, Layer, Prefix, Runs};
/// let prefix = |addr, len| Prefix::<u32>::new(addr, len).unwrap();
/// let mut builder = Builder::new();
/// let countries = Runs::from_prefixes(vec![(prefix(0xc000_0200, 24), 31)]).unwrap();
/// let lists = Runs::from_prefixes(vec![(prefix(0xc000_0210, 28), 0)]).unwrap();
/// builder.insert(Layer { name: "country".into(), v4: countries, ..Layer::default() });
/// builder.insert(Layer { name: "listed".into(), v4: lists, ..Layer::default() });
/// let image = Image::from_built(&builder.build(|_, _| true).unwrap()).unwrap();
/// let record = image.v4().get(0xc000_0211).unwrap();
/// assert_eq!(image.v4_records().values(record).collect::<Vec<_>>(), [Some(31), Some(0)]);
/// let record = image.v4().get(0xc000_0201).unwrap();
/// assert_eq!(image.v4_records().values(record).collect::<Vec<_>>(), [Some(31), None]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    layers: Vec<Layer>,
    sections: Vec<(String, Vec<u8>)>,
}

impl Builder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer behind the others, or replaces the one of its name, which is returned.
    pub fn insert(&mut self, layer: Layer) -> Option<Layer> {
        match self.layers.iter_mut().find(|known| known.name == layer.name) {
            Some(known) => Some(std::mem::replace(known, layer)),
            None => {
                self.layers.push(layer);
                None
            }
        }
    }

    /// Takes a layer out.
    pub fn remove(&mut self, name: &str) -> Option<Layer> {
        let index = self.layers.iter().position(|layer| layer.name == name)?;
        Some(self.layers.remove(index))
    }

    /// The layers in their order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Adds bytes of the caller's, such as what the values mean; they are found again by name.
    pub fn section(&mut self, name: &str, bytes: Vec<u8>) {
        self.sections.push((name.to_owned(), bytes));
    }

    /// Builds the image, with a thread for each family. `progress` is told from both how many runs
    /// are done and of about how many, now and then and when a family's are, and stops the work by
    /// returning `false`. Layers cut each other's runs, and share borders: the last word may be
    /// less than all of them.
    ///
    /// # Errors
    /// The work was stopped, or there is too much of something.
    pub fn build(
        self,
        progress: impl Fn(usize, usize) -> bool + Sync,
    ) -> Result<Built, BuildError> {
        if self.layers.len() > LAYERS_MAX {
            return Err(BuildError::TooMany("layers"));
        }
        let Self { layers, sections } = self;
        let total = layers.iter().map(|layer| layer.v4.len() + layer.v6.len()).sum::<usize>();
        let done = std::sync::atomic::AtomicUsize::new(0);
        let tick = |runs: usize| {
            let done = done.fetch_add(runs, std::sync::atomic::Ordering::Relaxed) + runs;
            progress(done.min(total), total)
        };
        let infos = layers.iter().map(|layer| LayerInfo {
            name: layer.name.clone(),
            note: layer.note.clone(),
            runs: [layer.v4.ranges().count() as u64, layer.v6.ranges().count() as u64],
        });
        let infos: Vec<LayerInfo> = infos.collect();
        // Each family's runs go as soon as they are merged: they are most of the memory.
        let (v4s, v6s): (Vec<_>, Vec<_>) =
            layers.into_iter().map(|layer| (layer.v4, layer.v6)).unzip();
        let (v4, v6) = std::thread::scope(|scope| {
            let v4 = scope.spawn(|| build_family(v4s, tick, "v4.records", pack_v4));
            let v6 = build_family(v6s, tick, "v6.records", pack_v6);
            // A panic there is the caller's own: progress is all of it that can.
            (v4.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), v6)
        });
        let (v4, v6) = (v4?, v6?);
        let mut built = Built { sections: Vec::new() };
        built.push("layers", shape_bytes(&infos, &v4.shape, &v6.shape))?;
        for (name, bytes) in v4.sections.into_iter().chain(v6.sections) {
            built.push(name, bytes)?;
        }
        for (name, bytes) in sections {
            built.push(&name, bytes)?;
        }
        Ok(built)
    }
}

/// What one family became.
struct Family {
    sections: Vec<(&'static str, Vec<u8>)>,
    /// Records, widths of their columns, then the two numbers of the table's shape.
    shape: FamilyShape,
}

#[derive(Clone, Debug, Default)]
struct FamilyShape {
    records: u32,
    widths: Vec<u32>,
    table: [u32; 2],
}

/// Parts of a packed table by name, and the two numbers of its shape.
type PackedTable = (Vec<(&'static str, Vec<u8>)>, [u32; 2]);

/// Merges the layers of one family, and packs the table and its records.
fn build_family<A: crate::Address>(
    layers: Vec<crate::Runs<A>>,
    tick: impl Fn(usize) -> bool,
    records_name: &'static str,
    pack: impl Fn(&crate::Runs<A>) -> Result<PackedTable, TooManyValues>,
) -> Result<Family, BuildError> {
    let merged = merge(&layers.iter().collect::<Vec<_>>(), tick).ok_or(BuildError::Stopped)?;
    drop(layers);
    let widths = merged.widths();
    let records = merged.pack(&widths);
    let (mut sections, table) = pack(&merged.runs)?;
    let count = u32::try_from(merged.records()).map_err(|_| TooManyValues)?;
    sections.push((records_name, records));
    Ok(Family { sections, shape: FamilyShape { records: count, widths, table } })
}

fn pack_v4(runs: &crate::Runs<u32>) -> Result<PackedTable, TooManyValues> {
    let parts = v4::pack(runs)?;
    let names = ["v4.root", "v4.bitmaps", "v4.codes", "v4.blocks"];
    let sections = names.into_iter().zip(parts.slices().map(<[u8]>::to_vec));
    Ok((sections.collect(), [parts.shape.width, parts.shape.split]))
}

fn pack_v6(runs: &crate::Runs<u128>) -> Result<PackedTable, TooManyValues> {
    let parts = v6::pack(runs)?;
    let names = ["v6.index", "v6.leaves", "v6.blocks"];
    let sections = names.into_iter().zip(parts.slices().map(<[u8]>::to_vec));
    Ok((sections.collect(), [parts.shape.split, parts.shape.leaves]))
}

/// A built image, to be written to a file or kept in memory.
#[derive(Clone, Debug)]
pub struct Built {
    sections: Vec<(String, Vec<u8>)>,
}

impl Built {
    fn push(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), BuildError> {
        let fits = (1..=NAME_BYTES).contains(&name.len()) && !name.contains('\0');
        if !fits || self.sections.iter().any(|(known, _)| known == name) {
            return Err(BuildError::Name(name.to_owned()));
        }
        if self.sections.len() == SECTIONS_MAX {
            return Err(BuildError::TooMany("sections"));
        }
        self.sections.push((name.to_owned(), bytes));
        Ok(())
    }

    /// Head and section table.
    fn head(&self) -> Vec<u8> {
        let mut table = Vec::with_capacity(self.sections.len() * ENTRY_BYTES);
        let mut at = HEAD_BYTES + self.sections.len() * ENTRY_BYTES;
        for (name, bytes) in &self.sections {
            at = at.next_multiple_of(LINE_BYTES);
            let mut padded = [0; NAME_BYTES];
            padded[..name.len()].copy_from_slice(name.as_bytes());
            table.extend_from_slice(&padded);
            table.extend_from_slice(&(at as u64).to_le_bytes());
            table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            table.extend_from_slice(blake3::hash(bytes).as_bytes());
            at += bytes.len();
        }
        let mut head = Vec::with_capacity(HEAD_BYTES + table.len());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        head.extend_from_slice(&(at as u64).to_le_bytes());
        head.extend_from_slice(blake3::hash(&table).as_bytes());
        head.resize(HEAD_BYTES, 0);
        head.extend_from_slice(&table);
        head
    }

    /// Writes the file: the same bytes for the same layers, always.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let head = self.head();
        out.write_all(&head)?;
        let mut at = head.len();
        for (_, bytes) in &self.sections {
            let gap = at.next_multiple_of(LINE_BYTES) - at;
            out.write_all(&[0; LINE_BYTES][..gap])?;
            out.write_all(bytes)?;
            at += gap + bytes.len();
        }
        out.flush()
    }
}

/// Shapes and layers as the section `layers` has them.
fn shape_bytes(layers: &[LayerInfo], v4: &FamilyShape, v6: &FamilyShape) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut number = |number: u32| bytes.extend_from_slice(&number.to_le_bytes());
    number(layers.len() as u32);
    for shape in [v4, v6] {
        number(shape.records);
        shape.table.iter().chain(&shape.widths).for_each(|&value| number(value));
    }
    for layer in layers {
        for text in [&layer.name, &layer.note] {
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        for runs in layer.runs {
            bytes.extend_from_slice(&runs.to_le_bytes());
        }
    }
    bytes
}

/// A part of the file.
#[derive(Debug)]
struct Part {
    name: String,
    bytes: Range<usize>,
    checksum: [u8; 32],
    is_whole: OnceLock<bool>,
}

/// A name, place and size of one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// The name.
    pub name: String,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// A built image: one table and its records for each family, and the sections of whoever made it.
///
/// Cloning is cheap; clones share the map, which is given back when the last one goes.
#[derive(Clone, Debug)]
pub struct Image {
    owner: Owner,
    parts: Arc<[Part]>,
    layers: Arc<[LayerInfo]>,
    v4: Table<u32>,
    v4_records: Records,
    v6: Table<u128>,
    v6_records: Records,
    id: [u8; 32],
}

impl Image {
    /// Maps a file.
    ///
    /// The file must stay as it is while it is mapped: replace it by writing another and renaming
    /// that, as [`Built::write_to`] into a temporary file allows; the old one lives on until its
    /// last reader goes. If another process cuts it, the system ends this one with `SIGBUS` at the
    /// next look-up into what is gone: nothing that a library does could give an answer there.
    /// [`Image::read`] takes a copy instead, which nobody can cut.
    ///
    /// # Errors
    /// The file cannot be opened or mapped, or is no image, of another version, cut off or
    /// damaged where it can be seen without reading all of it.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        Self::from_owner(Owner::map(&File::open(path)?)?)
    }

    /// Reads a file into memory, in huge pages where the system has them.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        Self::from_owner(Owner::read(&File::open(path)?)?)
    }

    /// From the bytes of a file.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        Self::from_owner(Owner::copy(bytes))
    }

    /// From what a builder made, without a file.
    ///
    /// # Errors
    /// None that a builder's own work could cause; as [`Image::open`].
    pub fn from_built(built: &Built) -> Result<Self, ImageError> {
        let mut bytes = Vec::new();
        built.write_to(&mut bytes)?;
        Self::from_bytes(&bytes)
    }

    fn from_owner(owner: Owner) -> Result<Self, ImageError> {
        let bytes = owner.bytes();
        let parts = read_head(bytes)?;
        let id = bytes.get(24..56).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        let find = |name: &str| {
            let part = parts.iter().find(|part| part.name == name);
            part.ok_or_else(|| ImageError::bad(name, 0, "missing; build the image again"))
        };
        let layers = find("layers")?;
        // Small, and everything below rests on it.
        check(bytes, layers)?;
        let mut reader =
            Reader { bytes: &bytes[layers.bytes.clone()], at: 0, offset: layers.bytes.start };
        let count = reader.number()? as usize;
        if count > LAYERS_MAX {
            return Err(reader.bad(format_args!("{count} layers; at most {LAYERS_MAX}")));
        }
        let (v4_shape, v6_shape) = (reader.shape(count)?, reader.shape(count)?);
        let infos = (0..count).map(|_| reader.layer()).collect::<Result<Vec<_>, _>>()?;
        let place = |name: &str| find(name).map(|part| (part.bytes.start, part.bytes.len()));
        let v4_places =
            [place("v4.root")?, place("v4.bitmaps")?, place("v4.codes")?, place("v4.blocks")?];
        let [width, split] = v4_shape.table;
        let shape = v4::Shape { width, split };
        let v4 = v4::V4::from_sections(&owner, v4_places, shape);
        let unlike = |name: &str, offset| ImageError::bad(name, offset, UNLIKE);
        let v4 = v4.ok_or_else(|| unlike("v4.root", v4_places[0].0))?;
        let v6_places = [place("v6.index")?, place("v6.leaves")?, place("v6.blocks")?];
        let [split, leaves] = v6_shape.table;
        let v6 = v6::V6::from_sections(&owner, v6_places, v6::Shape { split, leaves });
        let v6 = v6.ok_or_else(|| unlike("v6.index", v6_places[0].0))?;
        let records = |name: &str, shape: &FamilyShape| {
            let (offset, len) = place(name)?;
            let section = owner.section(offset, len);
            let records =
                section.and_then(|bytes| Records::new(bytes, &shape.widths, shape.records));
            records.ok_or_else(|| unlike(name, offset))
        };
        let v4_records = records("v4.records", &v4_shape)?;
        let v6_records = records("v6.records", &v6_shape)?;
        Ok(Self {
            parts: parts.into(),
            layers: infos.into(),
            v4: Table::from_packed(v4),
            v4_records,
            v6: Table::from_packed(v6),
            v6_records,
            id,
            owner,
        })
    }

    /// The IPv4 table, whose values are records of [`Image::v4_records`].
    pub fn v4(&self) -> &Table<u32> {
        &self.v4
    }

    /// The IPv6 table, whose values are records of [`Image::v6_records`].
    pub fn v6(&self) -> &Table<u128> {
        &self.v6
    }

    /// What the layers say of IPv4.
    pub fn v4_records(&self) -> &Records {
        &self.v4_records
    }

    /// What the layers say of IPv6.
    pub fn v6_records(&self) -> &Records {
        &self.v6_records
    }

    /// The layers in their order, which is that of a record's values.
    pub fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }

    /// The number of a layer.
    pub fn layer(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name == name)
    }

    /// The bytes that the builder was given under this name, checked the first time they are asked
    /// for. `Ok(None)`: there is no such section.
    ///
    /// # Errors
    /// They are not those that were written.
    pub fn section(&self, name: &str) -> Result<Option<&[u8]>, ImageError> {
        let Some(part) = self.parts.iter().find(|part| part.name == name) else {
            return Ok(None);
        };
        check(self.owner.bytes(), part)?;
        Ok(self.owner.bytes().get(part.bytes.clone()))
    }

    /// All sections in the order of the file.
    pub fn sections(&self) -> impl Iterator<Item = SectionInfo> {
        self.parts.iter().map(|part| SectionInfo {
            name: part.name.clone(),
            offset: part.bytes.start as u64,
            len: part.bytes.len() as u64,
        })
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> usize {
        self.owner.bytes().len()
    }

    /// What tells two images apart: the checksum of the section table, which has the checksums of
    /// all sections.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Checks every section against its checksum; returns what is wrong.
    pub fn verify(&self) -> Vec<ImageError> {
        let checks = self.parts.iter().map(|part| check(self.owner.bytes(), part));
        checks.filter_map(Result::err).collect()
    }
}

const UNLIKE: &str = "its size is not what the section [layers] says; build the image again";

fn check(bytes: &[u8], part: &Part) -> Result<(), ImageError> {
    let body = bytes.get(part.bytes.clone()).unwrap_or_default();
    match part.is_whole.get_or_init(|| *blake3::hash(body).as_bytes() == part.checksum) {
        true => Ok(()),
        false => {
            let what = "the checksum is wrong; the file is damaged, build it again";
            Err(ImageError::bad(&part.name, part.bytes.start, what))
        }
    }
}

fn read_head(bytes: &[u8]) -> Result<Vec<Part>, ImageError> {
    let bad = |offset, what: fmt::Arguments<'_>| ImageError::bad("head", offset, what);
    let had = bytes.len();
    let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
        return Err(bad(0, format_args!("{had} bytes; a head alone has {HEAD_BYTES}")));
    };
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if !head.starts_with(MAGIC) {
        return Err(bad(0, format_args!("no image; one begins with ILTRIE")));
    }
    let version = number(8);
    if version != VERSION {
        let age = if version > VERSION { "newer" } else { "older" };
        return Err(bad(
            8,
            format_args!("version {version} is {age}; this program reads version {VERSION}"),
        ));
    }
    let count = number(12) as usize;
    if count > SECTIONS_MAX {
        return Err(bad(12, format_args!("{count} sections; at most {SECTIONS_MAX}")));
    }
    let claimed = u64::from_le_bytes(std::array::from_fn(|at| head[16 + at]));
    if claimed != had as u64 {
        let cut = if claimed > had as u64 { "it is cut off" } else { "nothing belongs behind" };
        return Err(bad(16, format_args!("{had} bytes where the head says {claimed}; {cut}")));
    }
    let table_end = HEAD_BYTES + count * ENTRY_BYTES;
    let Some(table) = bytes.get(HEAD_BYTES..table_end) else {
        return Err(bad(HEAD_BYTES, format_args!("{count} sections do not fit; it is cut off")));
    };
    if blake3::hash(table).as_bytes() != &head[24..56] {
        return Err(bad(24, format_args!("the section table's checksum is wrong; it is damaged")));
    }
    let (entries, _) = table.as_chunks::<ENTRY_BYTES>();
    let parts = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| read_entry(entry, HEAD_BYTES + index * ENTRY_BYTES, table_end, had));
    parts.collect()
}

fn read_entry(
    entry: &[u8; ENTRY_BYTES],
    at: usize,
    table_end: usize,
    had: usize,
) -> Result<Part, ImageError> {
    let name = entry[..NAME_BYTES].split(|&byte| byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| entry[at + byte]));
    let (offset, len) = (number(NAME_BYTES), number(NAME_BYTES + 8));
    let end = offset.checked_add(len).filter(|&end| end <= had as u64);
    let inside = end.is_some() && offset >= table_end as u64 && offset % LINE_BYTES as u64 == 0;
    if !inside {
        return Err(ImageError::bad(
            &name,
            at,
            format_args!(
                "{len} bytes at {offset} do not lie in {had}; a section begins behind the table, \
                 at a multiple of {LINE_BYTES}"
            ),
        ));
    }
    let bytes = offset as usize..offset as usize + len as usize;
    let checksum = std::array::from_fn(|byte| entry[NAME_BYTES + 16 + byte]);
    Ok(Part { name, bytes, checksum, is_whole: OnceLock::new() })
}

/// Reads the section `layers`.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    offset: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, what: impl fmt::Display) -> ImageError {
        ImageError::bad("layers", self.offset + self.at, what)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ImageError> {
        let end = self.at.checked_add(len);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.bad(format_args!("needs {len} bytes more")))?;
        self.at += len;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, ImageError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default()))
    }

    fn shape(&mut self, layers: usize) -> Result<FamilyShape, ImageError> {
        let records = self.number()?;
        let table = [self.number()?, self.number()?];
        let widths = (0..layers).map(|_| self.number()).collect::<Result<Vec<_>, _>>()?;
        match widths.iter().find(|&&width| width > 32) {
            Some(width) => Err(self.bad(format_args!("a value of {width} bits; at most 32"))),
            None => Ok(FamilyShape { records, widths, table }),
        }
    }

    fn text(&mut self) -> Result<String, ImageError> {
        let len = self.number()? as usize;
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn layer(&mut self) -> Result<LayerInfo, ImageError> {
        let (name, note) = (self.text()?, self.text()?);
        let mut runs = [0; 2];
        for runs in &mut runs {
            *runs = u64::from_le_bytes(self.take(8)?.first_chunk().copied().unwrap_or_default());
        }
        Ok(LayerInfo { name, note, runs })
    }
}
