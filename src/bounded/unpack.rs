//! Packed streams → bytes: gzip, zstd, xz and bzip2, told by content, with limits.
//!
//! A stream may have several members one after another (`cat a.gz b.gz`, `pigz`, `pzstd`,
//! `logrotate` with append); all are read. A stream within a stream is opened up to
//! [`UNPACK_DEPTH_MAX`]. Zero bytes after the last member are padding (tape, xz), anything else is
//! reported.
//!
//! **Bombs**: unpacked bytes beyond the first [`UNPACK_FREE_BYTES`] must stay below
//! [`UNPACK_RATIO_MAX`] times the packed bytes used so far, and below [`UNPACK_BYTES_MAX`] in all.
//! Memory is bounded by each format's window: at most 128 MiB for zstd and xz.
//!
//! The codecs are driven by hand, not through the crates' readers: those hide how many packed
//! bytes were used, stop at the first member or silently at trailing bytes, and lose what was
//! unpacked before an error.

use std::fmt;
use std::io::{Error, ErrorKind, Read, Result};

use zstd::stream::raw::{DParameter, InBuffer, Operation as _, OutBuffer};

use crate::model::limits::{
    UNPACK_BYTES_MAX, UNPACK_DEPTH_MAX, UNPACK_FREE_BYTES, UNPACK_RATIO_MAX,
};

use super::Peek;

/// The first unpacked bytes that are kept for detection by content.
pub const HEAD_BYTES: usize = 64 << 10;

/// Packed bytes read at a time.
const CHUNK_BYTES: usize = 128 << 10;

/// Memory of one decoder. `xz -9` needs 65 MiB, `zstd --ultra -22` 128 MiB.
const WINDOW_BYTES_MAX: u64 = 128 << 20;

/// The same for zstd, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;

/// Bytes that tell a member of every format.
const MAGIC_BYTES: usize = 10;

/// How something is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz file format 1.2.
    Xz,
    /// bzip2.
    Bzip2,
    /// A zip archive: see [`zip`](super::zip).
    Zip,
}

impl Pack {
    /// Its name in sentences and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Zip => "zip",
        }
    }
}

/// How a file is packed, by its first ten bytes; `None`: it is not, or in a way we do not know.
///
/// ```
/// use infralock::bounded::{Pack, sniff_pack};
/// assert_eq!(sniff_pack(b"\x1f\x8b\x08\x00\x00\x00\x00\x00"), Some(Pack::Gzip));
/// assert_eq!(sniff_pack(b"192.0.2.1 - -"), None);
/// ```
pub fn sniff_pack(head: &[u8]) -> Option<Pack> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Pack::Gzip),
        // A frame, or one that is to be skipped (§3.1.2), as pzstd writes in front.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Pack::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Pack::Xz),
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..]
            if block.starts_with(b"1AY&SY") || block.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
        {
            Some(Pack::Bzip2)
        }
        // A member, or the end of an empty archive.
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Pack::Zip),
        _ => None,
    }
}

/// Why unpacking ended before the data did. It travels inside an `io::Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnpackError {
    /// The packed data ends inside a member.
    Truncated {
        /// How it is packed.
        what: &'static str,
        /// Bytes that could be read.
        unpacked_bytes: u64,
    },
    /// The packed data is wrong, or its checksum is.
    Corrupt {
        /// How it is packed.
        what: &'static str,
        /// Bytes that could be read.
        unpacked_bytes: u64,
        /// What the decoder says.
        why: String,
    },
    /// Something else follows the last member.
    Trailing {
        /// How it is packed.
        what: &'static str,
        /// Where in the packed data.
        packed_offset: u64,
    },
    /// More than [`UNPACK_RATIO_MAX`] times the packed size.
    Ratio {
        /// How it is packed.
        what: &'static str,
        /// Bytes that were read.
        unpacked_bytes: u64,
        /// Packed bytes they came from.
        packed_bytes: u64,
    },
    /// More than is read of one file or archive.
    TooLong {
        /// The limit.
        limit_bytes: u64,
    },
    /// Packed more often than is opened, or an archive within something packed.
    TooDeep {
        /// How it is packed.
        what: &'static str,
    },
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { what, unpacked_bytes } => write!(
                f,
                "{what} data ends early: {unpacked_bytes} bytes could be read, the rest is missing"
            ),
            Self::Corrupt { what, unpacked_bytes, why } => write!(
                f,
                "{what} data is corrupt after {unpacked_bytes} bytes, which were read: {why}"
            ),
            Self::Trailing { what, packed_offset } => write!(
                f,
                "{what} data ends at byte {packed_offset} of the packed file; what follows is \
                 something else and is not read"
            ),
            Self::Ratio { what, unpacked_bytes, packed_bytes } => write!(
                f,
                "{what} data unpacks {packed_bytes} bytes to more than {unpacked_bytes}, beyond \
                 {UNPACK_RATIO_MAX}:1; the rest is not read"
            ),
            Self::TooLong { limit_bytes } => {
                write!(f, "unpacks to more than {limit_bytes} bytes; the rest is not read")
            }
            Self::TooDeep { what } => write!(
                f,
                "{what} data within packed data is not opened here; unpack it first, then open it"
            ),
        }
    }
}

impl std::error::Error for UnpackError {}

impl From<UnpackError> for Error {
    fn from(error: UnpackError) -> Self {
        let kind = match error {
            UnpackError::Truncated { .. } => ErrorKind::UnexpectedEof,
            UnpackError::Ratio { .. } | UnpackError::TooLong { .. } => ErrorKind::FileTooLarge,
            UnpackError::TooDeep { .. } => ErrorKind::Unsupported,
            UnpackError::Corrupt { .. } | UnpackError::Trailing { .. } => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// A stream that is unpacked while it is read; its first bytes are at hand.
///
/// `read` gives all bytes that can be had, then an error if there is one, then the end.
pub struct Unpacked<'r> {
    peek: Peek<Box<dyn Read + Send + 'r>>,
    packs: Vec<Pack>,
}

impl Unpacked<'_> {
    /// The first bytes, unpacked: [`HEAD_BYTES`], or all there are.
    pub fn head(&self) -> &[u8] {
        self.peek.head()
    }

    /// How it is packed, outermost first; empty: not at all. A zip is the last.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.peek.read(out)
    }
}

/// Opens a stream, packed or not, by its content.
///
/// A zip archive that is not packed itself is given as it is, with [`Pack::Zip`] in
/// [`Unpacked::packs`]: its directory stands at its end, so it needs a reader that can seek.
pub fn unpack<'r>(input: impl Read + Send + 'r) -> Unpacked<'r> {
    unpack_at(Box::new(input), 0)
}

/// The same where `depth` layers are open already.
pub(super) fn unpack_at<'r>(input: Box<dyn Read + Send + 'r>, depth: usize) -> Unpacked<'r> {
    let mut packs = Vec::new();
    let mut peek = Peek::new(input, HEAD_BYTES);
    while let Some(pack) = sniff_pack(peek.head()) {
        packs.push(pack);
        let codec = match Codec::of(pack) {
            Some(codec) if depth + packs.len() <= UNPACK_DEPTH_MAX => codec,
            None if depth + packs.len() == 1 => break,
            _ => {
                let error = UnpackError::TooDeep { what: pack.as_str() };
                peek = Peek::new(Box::new(Refusal(Some(error))), 0);
                break;
            }
        };
        let member = Members::new(peek, codec, Some(pack), Budget::file());
        peek = Peek::new(Box::new(member), HEAD_BYTES);
    }
    Unpacked { peek, packs }
}

/// A reader that has nothing but an error.
struct Refusal(Option<UnpackError>);

impl Read for Refusal {
    fn read(&mut self, _out: &mut [u8]) -> Result<usize> {
        self.0.take().map_or(Ok(0), |error| Err(error.into()))
    }
}

/// How much may still be unpacked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Bytes in all.
    pub(super) bytes: u64,
    /// The limit in the error's words.
    pub(super) limit_bytes: u64,
}

impl Budget {
    pub(super) const fn file() -> Self {
        Self { bytes: UNPACK_BYTES_MAX, limit_bytes: UNPACK_BYTES_MAX }
    }
}

/// A decoder of one member.
pub(super) enum Codec {
    Inflate(flate2::Decompress),
    Zstd(zstd::stream::raw::Decoder<'static>),
    Xz(liblzma::stream::Stream),
    Bzip2(bzip2::Decompress),
}

/// What one step of a decoder did.
struct Step {
    used: usize,
    made: usize,
    end: End,
}

enum End {
    NotYet,
    OfMember,
    Broken(String),
}

impl Codec {
    /// `None` for an archive, and where the decoder cannot be had for lack of memory.
    fn of(pack: Pack) -> Option<Self> {
        match pack {
            Pack::Gzip => Some(Self::Inflate(flate2::Decompress::new_gzip(15))),
            Pack::Zstd => {
                let mut decoder = zstd::stream::raw::Decoder::new().ok()?;
                decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
                Some(Self::Zstd(decoder))
            }
            Pack::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(WINDOW_BYTES_MAX, 0);
                stream.ok().map(Self::Xz)
            }
            Pack::Bzip2 => Some(Self::Bzip2(bzip2::Decompress::new(false))),
            Pack::Zip => None,
        }
    }

    /// The decoder of a zip member's method; `None` for one that is not read.
    pub(super) fn of_zip_method(method: u16) -> Option<Self> {
        match method {
            8 => Some(Self::Inflate(flate2::Decompress::new(false))),
            12 => Self::of(Pack::Bzip2),
            93 => Self::of(Pack::Zstd),
            95 => Self::of(Pack::Xz),
            _ => None,
        }
    }

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        match self {
            Self::Inflate(inflate) => {
                let (used, made) = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, out, flate2::FlushDecompress::None);
                let end = match status {
                    Ok(flate2::Status::StreamEnd) => End::OfMember,
                    Ok(_) => End::NotYet,
                    Err(error) => End::Broken(error.to_string()),
                };
                Step::between((used, made), (inflate.total_in(), inflate.total_out()), end)
            }
            Self::Zstd(zstd) => {
                let (mut input, mut out) = (InBuffer::around(input), OutBuffer::around(out));
                let end = match zstd.run(&mut input, &mut out) {
                    Ok(0) => End::OfMember,
                    Ok(_) => End::NotYet,
                    Err(error) => End::Broken(error.to_string()),
                };
                Step { used: input.pos(), made: out.pos(), end }
            }
            Self::Xz(xz) => {
                let (used, made) = (xz.total_in(), xz.total_out());
                let end = match xz.process(input, out, liblzma::stream::Action::Run) {
                    Ok(liblzma::stream::Status::StreamEnd) => End::OfMember,
                    Ok(_) => End::NotYet,
                    Err(error) => End::Broken(error.to_string()),
                };
                Step::between((used, made), (xz.total_in(), xz.total_out()), end)
            }
            Self::Bzip2(bzip2) => {
                let (used, made) = (bzip2.total_in(), bzip2.total_out());
                let end = match bzip2.decompress(input, out) {
                    Ok(bzip2::Status::StreamEnd) => End::OfMember,
                    Ok(bzip2::Status::MemNeeded) => End::Broken("no memory".into()),
                    Ok(_) => End::NotYet,
                    Err(error) => End::Broken(error.to_string()),
                };
                Step::between((used, made), (bzip2.total_in(), bzip2.total_out()), end)
            }
        }
    }
}

impl Step {
    fn between(before: (u64, u64), after: (u64, u64), end: End) -> Self {
        let difference =
            |before, after: u64| usize::try_from(after.saturating_sub(before)).unwrap_or(0);
        Self { used: difference(before.0, after.0), made: difference(before.1, after.1), end }
    }
}

/// Reads the members of a packed stream one after another.
pub(super) struct Members<R> {
    input: R,
    chunk: Box<[u8]>,
    start: usize,
    end: usize,
    input_ended: bool,
    /// Why the input ended, if not by itself; told after what the decoder still holds.
    input_error: Option<Error>,
    codec: Codec,
    /// `None`: a zip member, which is one alone.
    pack: Option<Pack>,
    packed_bytes: u64,
    unpacked_bytes: u64,
    budget: Budget,
    state: State,
}

enum State {
    Inside,
    /// A member has ended; another, padding, something else or nothing follows.
    Between,
    Failed(Error),
    Ended,
}

impl<R: Read> Members<R> {
    pub(super) fn new(input: R, codec: Codec, pack: Option<Pack>, budget: Budget) -> Self {
        Self {
            input,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            input_ended: false,
            input_error: None,
            codec,
            pack,
            packed_bytes: 0,
            unpacked_bytes: 0,
            budget,
            state: State::Inside,
        }
    }

    fn what(&self) -> &'static str {
        self.pack.map_or("zip member's", Pack::as_str)
    }

    fn here(&self) -> &[u8] {
        self.chunk.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads on until `bytes` are here or the input ends.
    fn fill(&mut self, bytes: usize) {
        while self.end - self.start < bytes && !self.input_ended {
            self.chunk.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let free = self.chunk.get_mut(self.end..).unwrap_or_default();
            match self.input.read(free) {
                Ok(0) => self.input_ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.input_ended = true;
                    self.input_error = Some(error);
                }
            }
        }
    }

    /// Between members: what comes next?
    fn begin_next(&mut self) -> Result<()> {
        loop {
            self.fill(MAGIC_BYTES);
            let zeros = self.here().iter().take_while(|&&byte| byte == 0).count();
            self.start += zeros;
            self.packed_bytes += zeros as u64;
            if zeros == 0 || (self.start == self.end && self.input_ended) {
                break;
            }
        }
        if self.here().is_empty() {
            self.state = State::Ended;
            return self.input_error.take().map_or(Ok(()), Err);
        }
        let next = self.pack.filter(|&pack| sniff_pack(self.here()) == Some(pack));
        match next.and_then(Codec::of) {
            Some(codec) => {
                self.codec = codec;
                self.state = State::Inside;
                Ok(())
            }
            None => {
                let packed_offset = self.packed_bytes;
                Err(UnpackError::Trailing { what: self.what(), packed_offset }.into())
            }
        }
    }

    /// How many bytes may be given now, by ratio and by budget.
    fn allowed(&self) -> u64 {
        let by_ratio = UNPACK_FREE_BYTES
            .saturating_add(self.packed_bytes.saturating_mul(UNPACK_RATIO_MAX))
            .saturating_sub(self.unpacked_bytes);
        by_ratio.min(self.budget.bytes)
    }

    fn breach(&self) -> UnpackError {
        if self.budget.bytes == 0 {
            return UnpackError::TooLong { limit_bytes: self.budget.limit_bytes };
        }
        let (unpacked_bytes, packed_bytes) = (self.unpacked_bytes, self.packed_bytes);
        UnpackError::Ratio { what: self.what(), unpacked_bytes, packed_bytes }
    }

    /// Inside a member: one step of its decoder. `Ok(0)`: nothing yet.
    fn advance(&mut self, out: &mut [u8]) -> Result<usize> {
        self.fill(1);
        let allowed = usize::try_from(self.allowed()).unwrap_or(usize::MAX).min(out.len());
        // At the limit one byte more tells whether the data ends here or goes on.
        let mut probe = [0];
        let room = match out.get_mut(..allowed) {
            Some(room) if allowed > 0 => room,
            _ => &mut probe,
        };
        let input = self.chunk.get(self.start..self.end).unwrap_or_default();
        let step = self.codec.step(input, room);
        self.start += step.used;
        self.packed_bytes += step.used as u64;
        if allowed == 0 && step.made > 0 && self.allowed() == 0 {
            return Err(self.breach().into());
        }
        if let (Some(first), 1, 0) = (out.first_mut(), step.made, allowed) {
            // The step itself used enough packed bytes to raise the limit.
            *first = probe[0];
        }
        self.unpacked_bytes += step.made as u64;
        self.budget.bytes -= step.made as u64;
        let (what, unpacked_bytes) = (self.what(), self.unpacked_bytes);
        match step.end {
            End::OfMember => self.state = State::Between,
            End::Broken(why) => {
                let error = UnpackError::Corrupt { what, unpacked_bytes, why };
                self.state = State::Failed(error.into());
            }
            End::NotYet if step.used == 0 && step.made == 0 => {
                let error = if self.input_ended && self.start == self.end {
                    let truncated = || UnpackError::Truncated { what, unpacked_bytes }.into();
                    self.input_error.take().unwrap_or_else(truncated)
                } else {
                    let why = "the decoder does not go on".to_owned();
                    UnpackError::Corrupt { what, unpacked_bytes, why }.into()
                };
                self.state = State::Failed(error);
            }
            End::NotYet => {}
        }
        Ok(step.made)
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let result = match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Failed(error) => Err(error),
                State::Between => self.begin_next().map(|()| 0),
                State::Inside => {
                    self.state = State::Inside;
                    self.advance(out)
                }
            };
            match result {
                Ok(0) => {}
                Ok(made) => return Ok(made),
                Err(error) => {
                    self.state = State::Ended;
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_limited_and_the_limit_itself_is_allowed() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &[7; 1_000]).unwrap();
        let packed = packed.finish().unwrap();
        for (bytes, fits) in [(1_000, true), (999, false)] {
            let budget = Budget { bytes, limit_bytes: bytes };
            let codec = Codec::of(Pack::Gzip).unwrap();
            let mut members = Members::new(&packed[..], codec, Some(Pack::Gzip), budget);
            let (mut out, mut given) = ([0; 300], 0);
            let end = loop {
                match members.read(&mut out) {
                    Ok(0) => break Ok(()),
                    Ok(read) => given += read as u64,
                    Err(error) => break Err(error.to_string()),
                }
            };
            assert_eq!(given, bytes, "what fits is given");
            let error = "unpacks to more than 999 bytes; the rest is not read".to_owned();
            assert_eq!(end, if fits { Ok(()) } else { Err(error) });
        }
    }
}
