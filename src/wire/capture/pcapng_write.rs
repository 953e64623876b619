//! Frames → a pcapng file: what `carve` writes, and what every other tool opens.
//!
//! One section in little-endian order, one interface for each link type, times in nanoseconds. A
//! frame keeps its captured bytes, its length on the wire and, if asked for, a comment that says
//! where it is from. Block layout: draft-ietf-opsawg-pcapng §4.

use std::io::{Result, Write};

use super::super::Frame;

/// A comment's length has 16 bits and is padded to 32: the longest that fits.
const COMMENT_BYTES_MAX: usize = 65_532;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const OPTION_COMMENT: u16 = 1;
const OPTION_APPLICATION: u16 = 4;
const OPTION_RESOLUTION: u16 = 9;
/// 10^-9 seconds.
const NANOSECONDS: u8 = 9;

/// Writes a pcapng file.
///
/// ```
/// use infralock::wire::capture::pcapng_write::Writer;
/// let file = Writer::new(Vec::new(), "a tool 1.0", None).unwrap().finish().unwrap();
/// assert_eq!(infralock::wire::sniff(&file).unwrap().about().id, "pcapng");
/// ```
pub struct Writer<W> {
    out: W,
    /// The link types of the interfaces, in the order of their numbers.
    interfaces: Vec<u16>,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a file: `application` wrote it, `comment` says what it holds.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(out: W, application: &str, comment: Option<&str>) -> Result<Self> {
        let mut writer = Self { out, interfaces: Vec::new(), block: Vec::new() };
        // Byte-order magic, version 1.0, section length not known.
        writer.block.extend(0x1a2b_3c4d_u32.to_le_bytes());
        writer.block.extend([1, 0, 0, 0]);
        writer.block.extend((-1_i64).to_le_bytes());
        if let Some(comment) = comment {
            writer.option(OPTION_COMMENT, cut(comment));
        }
        writer.option(OPTION_APPLICATION, cut(application));
        writer.end_options();
        writer.end_block(SECTION)?;
        Ok(writer)
    }

    /// Adds a frame. A time before 1970 is written as 1970: the format has no sign.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&mut self, frame: &Frame<'_>, comment: Option<&str>) -> Result<()> {
        let interface = self.interface(frame.link_type)?;
        let nanos = u64::try_from(frame.ts.nanos()).unwrap_or(0);
        // A reader lends at most 256 KiB.
        let captured = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let high = u32::try_from(nanos >> 32).unwrap_or(u32::MAX);
        let low = u32::try_from(nanos & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        for number in [interface, high, low, captured, frame.original_bytes] {
            self.block.extend(number.to_le_bytes());
        }
        self.block.extend_from_slice(frame.bytes);
        self.pad();
        if let Some(comment) = comment {
            self.option(OPTION_COMMENT, cut(comment));
            self.end_options();
        }
        self.end_block(PACKET)
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(self) -> Result<W> {
        let mut out = self.out;
        out.flush()?;
        Ok(out)
    }

    /// The number of the interface of a link type, described when it first occurs.
    fn interface(&mut self, link_type: u16) -> Result<u32> {
        let known = self.interfaces.iter().position(|&known| known == link_type);
        let number = known.unwrap_or(self.interfaces.len());
        if known.is_none() {
            self.interfaces.push(link_type);
            self.block.extend(link_type.to_le_bytes());
            // Reserved, and no snap length.
            self.block.extend([0; 6]);
            self.option(OPTION_RESOLUTION, &[NANOSECONDS]);
            self.end_options();
            self.end_block(INTERFACE)?;
        }
        // There are 65,536 link types at most.
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let bytes = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend(code.to_le_bytes());
        self.block.extend(bytes.to_le_bytes());
        self.block.extend_from_slice(value);
        self.pad();
    }

    fn end_options(&mut self) {
        self.block.extend([0; 4]);
    }

    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    /// Writes the block whose body has been gathered.
    fn end_block(&mut self, kind: u32) -> Result<()> {
        let bytes = u32::try_from(self.block.len() + 12).unwrap_or(u32::MAX);
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&bytes.to_le_bytes())?;
        self.out.write_all(&self.block)?;
        self.out.write_all(&bytes.to_le_bytes())?;
        self.block.clear();
        Ok(())
    }
}

fn cut(text: &str) -> &[u8] {
    let end = text.floor_char_boundary(COMMENT_BYTES_MAX);
    text.as_bytes().get(..end).unwrap_or_default()
}
