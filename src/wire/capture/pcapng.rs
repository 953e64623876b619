//! pcapng: blocks of many kinds, several sections and interfaces in one file.
//!
//! A block is type, length, body, length again. Read are section headers (both byte orders, also
//! mixed in one file), interface descriptions with their time resolution and offset, enhanced,
//! simple and the obsolete packet blocks, and name resolution. Everything else (statistics,
//! decryption secrets, journal entries, custom blocks) is stepped over: secrets are not used, so
//! that opening a file never decrypts anything.
//!
//! A section of an unknown version is reported and stepped over. After a block whose length lies,
//! the next mebibyte is searched for a block of a known type whose two lengths agree.

use std::io::Read;

use crate::model::limits::FRAME_BYTES_MAX;
use crate::model::{Addr, Position, Problems, Timestamp, Untrusted};

use super::super::Frame;
use super::window::{Endian, Window};
use super::{About, Capture, CaptureFormat};

/// Interfaces of one section. Real files have one for each network card.
pub const INTERFACES_MAX: usize = 65_536;

/// Names kept from name resolution blocks of one file.
pub const NAMES_MAX: usize = 100_000;

/// Bytes of a description or name block that are looked at; what is beyond is stepped over.
const BODY_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;

/// Bytes that are searched for a sound block after a broken one.
const RESYNC_BYTES_MAX: usize = 3 * FRAME_BYTES_MAX;

/// Bytes of the largest packet block header, and of options that are let pass behind a frame.
const PACKET_BLOCK_MORE_BYTES: usize = 65_536;

/// A longer block is taken for a broken one, as Wireshark does.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

/// Type and length in front, length behind.
const BLOCK_BYTES_MIN: usize = 12;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET_OLD: u32 = 2;
const PACKET_SIMPLE: u32 = 3;
const NAMES: u32 = 4;
const PACKET: u32 = 6;
/// Types a search for the next sound block believes in: all that are registered below 12.
const KNOWN_TYPES: std::ops::RangeInclusive<u32> = 1..=11;

/// The pcapng capture file.
pub struct PcapNg;

static ABOUT: About = About {
    id: "pcapng",
    reads: "pcapng captures: all packet blocks, several sections, interfaces and byte orders",
    misses: "decryption secrets, statistics, journal entries and custom blocks are stepped over",
    source: "draft-ietf-opsawg-pcapng",
};

impl CaptureFormat for PcapNg {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn sniff(&self, head: &[u8]) -> bool {
        // The type reads alike in both orders; the byte-order magic follows the length.
        head.starts_with(&SECTION.to_be_bytes()) && section_endian(head).is_some()
    }

    fn open<'r>(&self, input: Box<dyn Read + Send + 'r>) -> Box<dyn Capture + Send + 'r> {
        Box::new(Reader::new(input))
    }
}

fn section_endian(block: &[u8]) -> Option<Endian> {
    [Endian::Little, Endian::Big]
        .into_iter()
        .find(|endian| endian.u32(block, 8) == Some(0x1a2b_3c4d))
}

/// How the ticks of an interface become time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// So many nanoseconds a tick: 10^-9 s and coarser.
    NanosPerTick(u32),
    /// So many ticks a nanosecond: finer than 10^-9 s.
    TicksPerNano(u128),
    /// 2^-n seconds a tick.
    Binary(u8),
}

impl Resolution {
    /// From the value of the option `if_tsresol`.
    fn of(value: u8) -> Self {
        let exponent = value & 0x7f;
        if value & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match exponent {
            0..=9 => Self::NanosPerTick(10_u32.pow(u32::from(9 - exponent))),
            // Beyond 10^38 a tick is nothing: every time is then the offset.
            _ => Self::TicksPerNano(
                10_u128.checked_pow(u32::from(exponent - 9)).unwrap_or(u128::MAX),
            ),
        }
    }

    #[inline]
    fn nanos(self, ticks: u64) -> i64 {
        let nanos = match self {
            Self::NanosPerTick(nanos) => u128::from(ticks) * u128::from(nanos),
            Self::TicksPerNano(per_nano) => u128::from(ticks) / per_nano,
            Self::Binary(exponent) => (u128::from(ticks) * 1_000_000_000) >> exponent,
        };
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

/// An interface description.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u16,
    snap_bytes: u32,
    resolution: Resolution,
    offset_nanos: i64,
}

/// A packet block's header.
struct Packet {
    interface: usize,
    ticks: Option<u64>,
    captured: usize,
    original: u32,
    /// Where the frame begins in the block.
    at: usize,
}

/// Where in the file we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    /// Before the first section.
    None,
    /// In a section of a version we know.
    Understood,
    /// In one that is stepped over.
    Unknown,
}

/// Reads a pcapng file.
pub struct Reader<R> {
    window: Window<R>,
    endian: Endian,
    section: Section,
    /// Bytes of the last packet's block that were not loaded, to be stepped over.
    rest: usize,
    interfaces: Vec<Interface>,
    names: Vec<(Addr, Untrusted)>,
    index: u64,
    last_ts: Timestamp,
    ended: bool,
    problems: Problems,
}

impl<R: Read> Reader<R> {
    /// Begins a file; nothing is read yet.
    pub fn new(input: R) -> Self {
        Self {
            window: Window::new(input),
            endian: Endian::Little,
            section: Section::None,
            rest: 0,
            interfaces: Vec::new(),
            names: Vec::new(),
            index: 0,
            last_ts: Timestamp::from_nanos(0),
            ended: false,
            problems: Problems::new(),
        }
    }

    fn here(&self) -> Position {
        Position::Offset(self.window.offset())
    }

    fn end(&mut self, what: String) {
        self.ended = true;
        self.problems.push(self.here(), what);
    }

    fn end_short(&mut self, what: &str, needed: usize) {
        let had = self.window.bytes().len();
        match self.window.take_error() {
            Some(error) => self.end(error),
            None => self.end(format!("{what} needs {needed} bytes, {had} are there: cut off here")),
        }
    }

    /// Type and length of the block that begins here; `None`: the end, or no way on.
    fn block(&mut self) -> Option<(u32, usize)> {
        loop {
            if self.ended {
                return None;
            }
            if !self.window.fill(BLOCK_BYTES_MIN) {
                if !self.window.is_at_end() {
                    self.end_short("block", BLOCK_BYTES_MIN);
                }
                return None;
            }
            let head = self.window.bytes();
            if head.starts_with(&SECTION.to_be_bytes()) {
                match section_endian(head) {
                    Some(endian) => self.endian = endian,
                    None => {
                        self.resync("section header without its byte-order magic".into());
                        continue;
                    }
                }
            }
            let head = self.window.bytes();
            let kind = self.endian.u32(head, 0)?;
            let bytes = usize::try_from(self.endian.u32(head, 4)?).ok()?;
            let is_sane = (BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX).contains(&bytes);
            if is_sane && bytes.is_multiple_of(4) {
                return Some((kind, bytes));
            }
            let right = "a multiple of 4 from 12 to 16 MiB would be right";
            self.resync(format!("block of {bytes} bytes; {right}"));
        }
    }

    /// Looks for a sound block after a broken one, or ends.
    fn resync(&mut self, what: String) {
        self.window.fill(RESYNC_BYTES_MAX);
        let bytes = self.window.bytes();
        let reach = bytes.len().min(RESYNC_BYTES_MAX);
        let is_sound = |at: usize| {
            let Some(block) = bytes.get(at..) else { return false };
            let is_section = block.starts_with(&SECTION.to_be_bytes());
            let endian = if is_section { section_endian(block) } else { Some(self.endian) };
            endian.is_some_and(|endian| {
                let known = is_section
                    || endian.u32(block, 0).is_some_and(|kind| KNOWN_TYPES.contains(&kind));
                let length = endian.u32(block, 4).and_then(|bytes| usize::try_from(bytes).ok());
                known
                    && length.is_some_and(|bytes| {
                        bytes >= BLOCK_BYTES_MIN
                            && bytes.is_multiple_of(4)
                            && endian.u32(block, bytes - 4) == endian.u32(block, 4)
                    })
            })
        };
        match (1..reach).find(|&at| is_sound(at)) {
            Some(skip) => {
                let what = format!("{what}; {skip} bytes skipped to the next sound block");
                self.problems.push(self.here(), what);
                self.window.consume(skip);
            }
            None => self.end(format!("{what}; no sound block follows, so reading ends here")),
        }
    }

    /// Brings up to `max` bytes of the block of `bytes` here; `None`: the file ends inside it.
    fn load(&mut self, bytes: usize, max: usize) -> Option<usize> {
        let wanted = bytes.min(max);
        if self.window.fill(wanted) {
            return Some(wanted);
        }
        self.end_short("block", bytes);
        None
    }

    fn step_over(&mut self, bytes: usize) {
        if bytes > 0 && !self.window.skip(bytes as u64) {
            self.end_short("rest of a block", 1);
        }
    }

    fn section(&mut self, bytes: usize) {
        let Some(loaded) = self.load(bytes, 28) else { return };
        let head = self.window.bytes();
        let major = self.endian.u16(head, 12).unwrap_or(0);
        let minor = self.endian.u16(head, 14).unwrap_or(0);
        // Minor versions 0 to 2 occur and are read alike (§4.1).
        self.section = Section::Understood;
        if major != 1 || loaded < 28 {
            self.section = Section::Unknown;
            let what = format!("section of pcapng version {major}.{minor} is skipped; 1.0 is read");
            self.problems.push(self.here(), what);
        }
        self.interfaces.clear();
        self.step_over(bytes);
    }

    fn interface(&mut self, bytes: usize) {
        if self.interfaces.len() >= INTERFACES_MAX {
            let what = "more than 65,536 interfaces in a section: their packets are skipped";
            self.problems.tally(self.here(), what);
            return self.step_over(bytes);
        }
        let Some(loaded) = self.load(bytes, BODY_BYTES_MAX) else { return };
        let block = self.window.bytes().get(..loaded).unwrap_or_default();
        let endian = self.endian;
        let mut interface = Interface {
            link_type: endian.u16(block, 8).unwrap_or(u16::MAX),
            snap_bytes: endian.u32(block, 12).unwrap_or(0),
            resolution: Resolution::NanosPerTick(1_000),
            offset_nanos: 0,
        };
        let end = loaded.saturating_sub(4);
        for (code, value) in options(endian, block.get(16..end).unwrap_or_default()) {
            match (code, value) {
                (9, &[resolution, ..]) => interface.resolution = Resolution::of(resolution),
                (14, _) => {
                    let secs = endian.i64(value, 0).unwrap_or(0);
                    interface.offset_nanos = secs.saturating_mul(1_000_000_000);
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        self.step_over(bytes);
    }

    fn name_resolution(&mut self, bytes: usize) {
        let Some(loaded) = self.load(bytes, BODY_BYTES_MAX) else { return };
        let block = self.window.bytes().get(..loaded).unwrap_or_default();
        let end = loaded.saturating_sub(4);
        let (mut found, mut dropped) = (Vec::new(), false);
        // Records have the form of options, and end with one of kind 0.
        for (kind, value) in options(self.endian, block.get(8..end).unwrap_or_default()) {
            let (addr, names) = match kind {
                1 => match value.split_first_chunk::<4>() {
                    Some((octets, names)) => (Addr::from_v4_octets(*octets), names),
                    None => continue,
                },
                2 => match value.split_first_chunk::<16>() {
                    Some((octets, names)) => (Addr::from_v6_octets(*octets), names),
                    None => continue,
                },
                _ => continue,
            };
            for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
                dropped = self.names.len() + found.len() >= NAMES_MAX;
                if dropped {
                    break;
                }
                found.push((addr, Untrusted::from_bytes(name)));
            }
        }
        self.names.append(&mut found);
        if dropped {
            let what =
                "more than 100,000 names in name resolution blocks: further ones are skipped";
            self.problems.tally(self.here(), what);
        }
        self.step_over(bytes);
    }

    /// Reads the header of a packet block whose first bytes are here.
    #[inline]
    fn packet(&self, kind: u32, block: &[u8], bytes: usize) -> Option<Packet> {
        let endian = self.endian;
        if kind == PACKET_SIMPLE {
            let original = endian.u32(block, 8)?;
            let snap_bytes = self.interfaces.first().map_or(0, |interface| interface.snap_bytes);
            let snap_bytes = if snap_bytes == 0 { u32::MAX } else { snap_bytes };
            let captured = usize::try_from(original.min(snap_bytes)).ok()?.min(bytes - 16);
            return Some(Packet { interface: 0, ticks: None, captured, original, at: 12 });
        }
        let interface = if kind == PACKET_OLD {
            usize::from(endian.u16(block, 8)?)
        } else {
            usize::try_from(endian.u32(block, 8)?).ok()?
        };
        let ticks = u64::from(endian.u32(block, 12)?) << 32 | u64::from(endian.u32(block, 16)?);
        let captured = usize::try_from(endian.u32(block, 20)?).ok()?;
        let original = endian.u32(block, 24)?;
        Some(Packet { interface, ticks: Some(ticks), captured, original, at: 28 })
    }

    /// A packet block: its frame's place in the buffer, or nothing but a problem.
    fn frame(&mut self, kind: u32, bytes: usize) -> Option<Found> {
        let min_bytes = if kind == PACKET_SIMPLE { 16 } else { 32 };
        if bytes < min_bytes {
            let what = format!("packet block of {bytes} bytes; its header alone has {min_bytes}");
            self.problems.push(self.here(), what);
            self.step_over(bytes);
            return None;
        }
        let loaded = self.load(bytes, FRAME_BYTES_MAX + PACKET_BLOCK_MORE_BYTES)?;
        let packet = self.packet(kind, self.window.bytes(), bytes)?;
        let room = bytes - packet.at - 4;
        if packet.captured > room || packet.captured > FRAME_BYTES_MAX {
            let limit = room.min(FRAME_BYTES_MAX);
            let what = format!("frame of {} bytes; at most {limit} fit here", packet.captured);
            self.problems.push(self.here(), what);
            self.step_over(bytes);
            return None;
        }
        let Some(&interface) = self.interfaces.get(packet.interface) else {
            let what = format!("packet of interface {}, which is not described", packet.interface);
            self.problems.push(self.here(), what);
            self.step_over(bytes);
            return None;
        };
        let last = self.endian.u32(self.window.bytes(), bytes - 4);
        if loaded == bytes && last != u32::try_from(bytes).ok() {
            self.problems
                .tally(self.here(), "the two lengths of a block differ; the first is used");
        }
        let ts = match packet.ticks {
            Some(ticks) => Timestamp::from_nanos(interface.resolution.nanos(ticks))
                .plus_nanos(interface.offset_nanos),
            None => {
                let what = "a simple packet block has no time; that of the frame before is used";
                self.problems.tally(self.here(), what);
                self.last_ts
            }
        };
        self.last_ts = ts;
        let offset = self.window.offset() + packet.at as u64;
        let range = self.window.consume(loaded);
        let from = range.start + packet.at;
        let range = from..from + packet.captured;
        self.rest = bytes - loaded;
        Some(Found { ts, offset, range, link_type: interface.link_type, original: packet.original })
    }
}

/// A frame's place, before it is lent.
struct Found {
    ts: Timestamp,
    offset: u64,
    range: std::ops::Range<usize>,
    link_type: u16,
    original: u32,
}

/// Options, or name records: code, length, value padded to 4 bytes; up to the first of code 0.
fn options(endian: Endian, bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let code = endian.u16(rest, 0)?;
        let length = usize::from(endian.u16(rest, 2)?);
        let value = rest.get(4..4 + length)?;
        rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

impl<R: Read> Capture for Reader<R> {
    fn next_frame(&mut self) -> Option<Frame<'_>> {
        let rest = std::mem::take(&mut self.rest);
        self.step_over(rest);
        let found = loop {
            let (kind, bytes) = self.block()?;
            match kind {
                SECTION => self.section(bytes),
                _ if self.section == Section::None => {
                    self.end("not a pcapng file: the section header is missing".into());
                }
                _ if self.section == Section::Unknown => self.step_over(bytes),
                PACKET | PACKET_SIMPLE | PACKET_OLD => {
                    if let Some(found) = self.frame(kind, bytes) {
                        break found;
                    }
                }
                INTERFACE => self.interface(bytes),
                NAMES => self.name_resolution(bytes),
                _ => self.step_over(bytes),
            }
        };
        let index = self.index;
        self.index += 1;
        let bytes = self.window.lend(found.range);
        Some(Frame {
            index,
            offset: found.offset,
            ts: found.ts,
            link_type: found.link_type,
            bytes,
            original_bytes: found.original.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
        })
    }

    fn offset(&self) -> u64 {
        self.window.offset()
    }

    fn names(&self) -> &[(Addr, Untrusted)] {
        &self.names
    }

    fn take_problems(&mut self) -> Problems {
        std::mem::take(&mut self.problems)
    }
}
