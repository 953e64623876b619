//! Capture files → frames: one file per format, a list, and detection by content.
//!
//! A reader takes any `impl Read` (already unpacked), keeps one buffer of a mebibyte and lends each
//! frame from it without a copy. It ends at the first place where it cannot go on, and says in its
//! problems why and where; what was read before stays.
//!
//! The readers are our own, not the `pcap-parser` crate's: frames must be lent with their offset in
//! the file (a case finds packets again by it), a broken length must not end a file while sound
//! frames follow it, and older headers are rejected there that incident captures still have.
//!
//! **To add a format**: one file with a type that implements [`CaptureFormat`], one line in
//! [`FORMATS`], one fuzz target. `pcap.rs` is the smallest one to copy.

use std::io::Read;

use crate::model::{Addr, Problems, Untrusted};

use super::Frame;

pub mod pcap;
pub mod pcapng;
pub mod pcapng_write;
mod window;

/// Every format that is read. The first that knows the first bytes takes the file.
pub const FORMATS: &[&dyn CaptureFormat] = &[&pcap::Pcap, &pcapng::PcapNg];

/// Bytes that [`sniff`] needs to see, if the file has as many.
pub const SNIFF_BYTES: usize = 12;

/// What a format is, for the help, the README table and the tests.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The name in JSON: `pcap`.
    pub id: &'static str,
    /// What it reads, in a few words.
    pub reads: &'static str,
    /// What of it is not read.
    pub misses: &'static str,
    /// Where the format is specified.
    pub source: &'static str,
}

/// A capture file format.
pub trait CaptureFormat: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Whether a file that begins with `head` ([`SNIFF_BYTES`] or more) is of this format.
    fn sniff(&self, head: &[u8]) -> bool;

    /// Begins a file.
    fn open<'r>(&self, input: Box<dyn Read + Send + 'r>) -> Box<dyn Capture + Send + 'r>;
}

/// A capture file being read.
pub trait Capture {
    /// The next frame, lent until the next call; `None` at the end, or where reading cannot go on.
    fn next_frame(&mut self) -> Option<Frame<'_>>;

    /// How far reading has come, in bytes of the unpacked file.
    fn offset(&self) -> u64;

    /// Names of addresses that the file brings along (pcapng name resolution blocks), so far.
    fn names(&self) -> &[(Addr, Untrusted)] {
        &[]
    }

    /// What went wrong so far; leaves none.
    fn take_problems(&mut self) -> Problems;
}

/// The format of a capture file, by its first bytes.
///
/// ```
/// let head = *b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00";
/// assert_eq!(infralock::wire::sniff(&head).unwrap().about().id, "pcap");
/// assert!(infralock::wire::sniff(b"# a log").is_none());
/// ```
pub fn sniff(head: &[u8]) -> Option<&'static dyn CaptureFormat> {
    FORMATS.iter().copied().find(|format| format.sniff(head))
}
