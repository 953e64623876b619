//! The one buffer of a capture reader: frames are lent from it, never copied.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use crate::model::limits::FRAME_BYTES_MAX;

/// Four of the largest frames: refilling moves at most one of them, and reads are few and long.
const WINDOW_BYTES: usize = 4 * FRAME_BYTES_MAX;

/// A moving view of a stream.
pub(super) struct Window<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    error: Option<String>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R) -> Self {
        let buffer = vec![0; WINDOW_BYTES].into_boxed_slice();
        Self { input, buffer, start: 0, end: 0, offset: 0, ended: false, error: None }
    }

    /// Offset of the first byte not consumed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that are here and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether at least `bytes` are here, after reading what it takes; `false`: the input ends
    /// before, or more was asked than the window holds.
    #[inline]
    pub(super) fn fill(&mut self, bytes: usize) -> bool {
        self.end - self.start >= bytes || self.refill(bytes)
    }

    fn refill(&mut self, bytes: usize) -> bool {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < bytes && !self.ended {
            let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) else {
                return false;
            };
            match self.input.read(free) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = (self.end + read).min(self.buffer.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.error = Some(error.to_string());
                }
            }
        }
        self.end >= bytes
    }

    /// Steps over bytes that are here and says where in the buffer they lie, for [`Self::lend`].
    #[inline]
    pub(super) fn consume(&mut self, bytes: usize) -> Range<usize> {
        let from = self.start;
        self.start = (from + bytes).min(self.end);
        self.offset += (self.start - from) as u64;
        from..self.start
    }

    /// Steps over bytes that need not be here; `false`: the input ended before.
    pub(super) fn skip(&mut self, bytes: u64) -> bool {
        let mut left = bytes;
        while left > 0 {
            if !self.fill(1) {
                return false;
            }
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(here);
            left -= here as u64;
        }
        true
    }

    /// Bytes consumed since the last `fill`.
    #[inline]
    pub(super) fn lend(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Whether everything was consumed and the input ended in good order.
    pub(super) fn is_at_end(&self) -> bool {
        self.ended && self.start == self.end && self.error.is_none()
    }

    /// Why reading stopped before the end, once.
    pub(super) fn take_error(&mut self) -> Option<String> {
        self.error.take()
    }
}

/// Integers in the byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Big,
    Little,
}

impl Endian {
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        })
    }

    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        })
    }

    pub(super) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => i64::from_be_bytes(bytes),
            Self::Little => i64::from_le_bytes(bytes),
        })
    }
}
