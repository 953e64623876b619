//! The classic capture file of libpcap: a header, then frames each with a header of its own.
//!
//! Every frame header has seconds, a fraction, the captured and the original length. What differs
//! is told by the magic number, by which the byte order is seen as well: micro- or nanoseconds
//! (`a1b2c3d4`, `a1b23c4d`), the patched headers of Kuznetzov's libpcap (`a1b2cd34`, 24 or 28
//! bytes), IXIA's (`1c0001ac`, `1c0001ab`: nanoseconds, and four more bytes in the file header).
//!
//! After a frame header that lies, the next mebibyte is searched for a chain of three sound ones
//! with times near the last: a bad sector or a full disk then costs some frames, not the file.

use std::io::Read;

use crate::model::limits::FRAME_BYTES_MAX;
use crate::model::{Position, Problems, Timestamp};

use super::super::Frame;
use super::window::{Endian, Window};
use super::{About, Capture, CaptureFormat};

/// Bytes that are searched for sound frames after a broken one.
const RESYNC_BYTES_MAX: usize = 3 * FRAME_BYTES_MAX;

/// Headers in a row that must be sound before a place is believed to be a frame's.
const RESYNC_FRAMES: usize = 3;

/// Seconds between the frames around a gap: a day. Chance offers 1 in 25,000.
const RESYNC_SECS_MAX: u32 = 86_400;

/// The length of the file header; IXIA's has 4 bytes more.
const FILE_HEADER_BYTES: usize = 24;

/// The classic capture file.
pub struct Pcap;

static ABOUT: About = About {
    id: "pcap",
    reads: "pcap captures: micro- and nanoseconds, both byte orders, patched and IXIA headers",
    misses: "nothing of what libpcap writes",
    source: "draft-ietf-opsawg-pcap; libpcap sf-pcap.c for versions before 2.4 and patched headers",
};

impl CaptureFormat for Pcap {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn sniff(&self, head: &[u8]) -> bool {
        Variant::of(head).is_some()
    }

    fn open<'r>(&self, input: Box<dyn Read + Send + 'r>) -> Box<dyn Capture + Send + 'r> {
        Box::new(Reader::new(input))
    }
}

/// What the magic number says.
#[derive(Clone, Copy, Debug)]
struct Variant {
    endian: Endian,
    nanos_per_unit: u32,
    file_header_bytes: usize,
    /// Lengths of a frame header to try, the usual one first.
    frame_header_bytes: &'static [usize],
}

impl Variant {
    fn of(head: &[u8]) -> Option<Self> {
        let magic = *head.first_chunk::<4>()?;
        [Endian::Little, Endian::Big].into_iter().find_map(|endian| {
            let (nanos_per_unit, more, frame_header_bytes): (u32, usize, &'static [usize]) =
                match endian.u32(&magic, 0)? {
                    0xa1b2_c3d4 => (1_000, 0, &[16]),
                    0xa1b2_3c4d => (1, 0, &[16]),
                    0xa1b2_cd34 => (1_000, 0, &[24, 28]),
                    0x1c00_01ac | 0x1c00_01ab => (1, 4, &[16]),
                    _ => return None,
                };
            let file_header_bytes = FILE_HEADER_BYTES + more;
            Some(Self { endian, nanos_per_unit, file_header_bytes, frame_header_bytes })
        })
    }
}

/// Which of the two lengths of a frame header comes first.
#[derive(Clone, Copy, Debug)]
enum LengthOrder {
    CapturedFirst,
    /// Version 2.3 files have both; the smaller one is the captured.
    Either,
    OriginalFirst,
}

/// A frame header.
#[derive(Clone, Copy, Debug)]
struct Header {
    secs: u32,
    fraction: u32,
    captured: usize,
    original: u32,
}

/// Reads a pcap file.
pub struct Reader<R> {
    window: Window<R>,
    variant: Variant,
    frame_header_bytes: usize,
    order: LengthOrder,
    link_type: u16,
    index: u64,
    last_secs: Option<u32>,
    ended: bool,
    problems: Problems,
}

impl<R: Read> Reader<R> {
    /// Reads the file header.
    pub fn new(input: R) -> Self {
        let mut reader = Self {
            window: Window::new(input),
            variant: Variant {
                endian: Endian::Little,
                nanos_per_unit: 1_000,
                file_header_bytes: FILE_HEADER_BYTES,
                frame_header_bytes: &[16],
            },
            frame_header_bytes: 16,
            order: LengthOrder::CapturedFirst,
            link_type: 0,
            index: 0,
            last_secs: None,
            ended: false,
            problems: Problems::new(),
        };
        reader.begin();
        reader
    }

    fn begin(&mut self) {
        self.window.fill(4);
        let Some(variant) = Variant::of(self.window.bytes()) else {
            return self.end("not a pcap file: the magic number is missing".into());
        };
        self.variant = variant;
        if !self.window.fill(variant.file_header_bytes) {
            return self.end_short("pcap file header", variant.file_header_bytes);
        }
        let (endian, head) = (variant.endian, self.window.bytes());
        let major = endian.u16(head, 4).unwrap_or(0);
        let minor = endian.u16(head, 6).unwrap_or(0);
        // The upper bits hold the length of the frame check sequence, which is not needed.
        let link_type = endian.u32(head, 20).unwrap_or(0) & 0x03ff_ffff;
        self.link_type = u16::try_from(link_type).unwrap_or(u16::MAX);
        self.order = match (major, minor) {
            (2, 3) => LengthOrder::Either,
            // DG/UX numbered its versions on its own.
            (2, 0..=2) | (543, _) => LengthOrder::OriginalFirst,
            (2, _) => LengthOrder::CapturedFirst,
            _ => {
                let what = format!("pcap version {major}.{minor} is not known; read as 2.4");
                self.problems.push(Position::Offset(4), what);
                LengthOrder::CapturedFirst
            }
        };
        self.window.consume(variant.file_header_bytes);
        self.frame_header_bytes = self.guess_frame_header_bytes();
    }

    /// The first length with which the first frames are sound; the usual one if none is.
    fn guess_frame_header_bytes(&mut self) -> usize {
        let lengths = self.variant.frame_header_bytes;
        let usual = lengths.first().copied().unwrap_or(16);
        if lengths.len() < 2 {
            return usual;
        }
        self.window.fill(RESYNC_BYTES_MAX);
        let fits = |&length: &usize| self.sound_frames(self.window.bytes(), length, None) > 0;
        lengths.iter().copied().find(|length| fits(length)).unwrap_or(usual)
    }

    /// How many frames in a row are sound: 0 unless it is [`RESYNC_FRAMES`] or all to the end.
    fn sound_frames(&self, bytes: &[u8], header_bytes: usize, near_secs: Option<u32>) -> usize {
        let mut rest = bytes;
        for count in 0..RESYNC_FRAMES {
            if rest.is_empty() {
                return count;
            }
            let Some(header) = self.header(rest) else { return 0 };
            let near = near_secs.is_none_or(|secs| header.secs.abs_diff(secs) <= RESYNC_SECS_MAX);
            let fraction_max = 1_000_000_000 / self.variant.nanos_per_unit;
            let is_sound = near
                && header.fraction < fraction_max
                && (1..=FRAME_BYTES_MAX).contains(&header.captured)
                && header.captured <= usize::try_from(header.original).unwrap_or(usize::MAX)
                && header.original <= 1 << 20;
            match rest.get(header_bytes + header.captured..) {
                Some(next) if is_sound => rest = next,
                _ => return 0,
            }
        }
        RESYNC_FRAMES
    }

    #[inline]
    fn header(&self, bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; 16] = bytes.first_chunk()?;
        let endian = self.variant.endian;
        let (first, second) = (endian.u32(bytes, 8)?, endian.u32(bytes, 12)?);
        let (captured, original) = match self.order {
            LengthOrder::CapturedFirst => (first, second),
            LengthOrder::OriginalFirst => (second, first),
            LengthOrder::Either => (first.min(second), first.max(second)),
        };
        Some(Header {
            secs: endian.u32(bytes, 0)?,
            fraction: endian.u32(bytes, 4)?,
            captured: usize::try_from(captured).unwrap_or(usize::MAX),
            original,
        })
    }

    fn end(&mut self, what: String) {
        self.ended = true;
        self.problems.push(Position::Offset(self.window.offset()), what);
    }

    /// The input ended inside something.
    fn end_short(&mut self, what: &str, needed: usize) {
        let had = self.window.bytes().len();
        match self.window.take_error() {
            Some(error) => self.end(error),
            None => self.end(format!("{what} needs {needed} bytes, {had} are there: cut off here")),
        }
    }

    /// Looks for sound frames after a broken header. `false`: there are none near.
    fn resync(&mut self, broken: Header) -> bool {
        let at = self.window.offset();
        let what =
            format!("frame of {} bytes; at most {FRAME_BYTES_MAX} are read", broken.captured);
        self.window.fill(RESYNC_BYTES_MAX);
        let bytes = self.window.bytes();
        let reach = bytes.len().min(RESYNC_BYTES_MAX);
        let found = (1..reach).find(|&skip| {
            bytes.get(skip..).is_some_and(|rest| {
                self.sound_frames(rest, self.frame_header_bytes, self.last_secs) == RESYNC_FRAMES
            })
        });
        match found {
            Some(skip) => {
                self.window.consume(skip);
                let what = format!("{what}; {skip} bytes skipped to the next sound frame");
                self.problems.push(Position::Offset(at), what);
                true
            }
            None => {
                self.end(format!("{what}; no sound frame follows, so reading ends here"));
                false
            }
        }
    }
}

impl<R: Read> Capture for Reader<R> {
    fn next_frame(&mut self) -> Option<Frame<'_>> {
        let header_bytes = self.frame_header_bytes;
        let header = loop {
            if self.ended {
                return None;
            }
            if !self.window.fill(header_bytes) {
                if !self.window.is_at_end() {
                    self.end_short("frame header", header_bytes);
                }
                return None;
            }
            let header = self.header(self.window.bytes())?;
            if header.captured <= FRAME_BYTES_MAX {
                break header;
            }
            self.resync(header);
        };
        if !self.window.fill(header_bytes + header.captured) {
            self.window.consume(header_bytes);
            self.end_short("frame", header.captured);
            return None;
        }
        self.window.consume(header_bytes);
        let offset = self.window.offset();
        let range = self.window.consume(header.captured);
        let index = self.index;
        self.index += 1;
        self.last_secs = Some(header.secs);
        let nanos = i64::from(header.fraction) * i64::from(self.variant.nanos_per_unit);
        Some(Frame {
            index,
            offset,
            ts: Timestamp::from_nanos(i64::from(header.secs) * 1_000_000_000 + nanos),
            link_type: self.link_type,
            bytes: self.window.lend(range),
            original_bytes: header.original.max(u32::try_from(header.captured).unwrap_or(0)),
        })
    }

    fn offset(&self) -> u64 {
        self.window.offset()
    }

    fn take_problems(&mut self) -> Problems {
        std::mem::take(&mut self.problems)
    }
}
