//! Text → lines: fast, numbered, with a limit.
//!
//! Estimate: `memchr` passes some 10 GB/s and each line costs a call of about 10 ns, so lines of a
//! hundred bytes come at several gigabytes a second from memory, far beyond any parser behind it.

use std::io::{ErrorKind, Read};

use memchr::memchr;

use crate::model::limits::LINE_BYTES_MAX;
use crate::model::{Position, Problems};

use super::utf16::{Order, Transcoder};

/// Bytes asked of the input at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Cuts a stream into lines at `\n`, without a `\r` before it.
///
/// A line longer than [`LINE_BYTES_MAX`] is stepped over and reported. UTF-16 with a byte order
/// mark is turned into UTF-8, a mark of UTF-8 is dropped, zero bytes are left to the parser. If
/// reading fails, the line that was begun is dropped: half a line looks like a whole one.
///
/// ```
/// let mut lines = infralock::bounded::Lines::new(&b"one\r\n\nthree"[..]);
/// assert_eq!(lines.next_line(), Some((1, &b"one"[..])));
/// assert_eq!(lines.next_line(), Some((2, &b""[..])));
/// assert_eq!(lines.next_line(), Some((3, &b"three"[..])));
/// assert_eq!(lines.next_line(), None);
/// ```
pub struct Lines<R> {
    input: R,
    chunk: Box<[u8]>,
    buffer: Vec<u8>,
    start: usize,
    /// Up to here there is no line end.
    searched: usize,
    number: u64,
    offset: u64,
    utf16: Option<Transcoder>,
    state: State,
    problems: Problems,
}

/// Where in the input we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begin,
    Middle,
    /// Nothing more comes; what is in the buffer is the last.
    Ended,
}

impl<R: Read> Lines<R> {
    /// Begins; nothing is read yet.
    pub fn new(input: R) -> Self {
        Self {
            input,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            number: 0,
            offset: 0,
            utf16: None,
            state: State::Begin,
            problems: Problems::new(),
        }
    }

    /// The next line and its number from 1, lent until the next call.
    pub fn next_line(&mut self) -> Option<(u64, &[u8])> {
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            let (end, next) = match memchr(b'\n', fresh) {
                Some(at) => (self.searched + at, self.searched + at + 1),
                None => {
                    self.searched = self.buffer.len();
                    if self.searched - self.start > LINE_BYTES_MAX + 1 {
                        self.step_over_long();
                        continue;
                    }
                    if self.state != State::Ended {
                        self.fill();
                        continue;
                    }
                    if self.start == self.buffer.len() {
                        return None;
                    }
                    (self.buffer.len(), self.buffer.len())
                }
            };
            let line = self.start..end;
            self.number += 1;
            self.offset += (next - self.start) as u64;
            (self.start, self.searched) = (next, next);
            let bytes = line.len();
            let is_crlf = self.buffer.get(line.clone()).is_some_and(|line| line.ends_with(b"\r"));
            let bytes = bytes - usize::from(is_crlf);
            if bytes > LINE_BYTES_MAX {
                self.report_long(bytes as u64);
                continue;
            }
            return self.buffer.get(line.start..line.start + bytes).map(|line| (self.number, line));
        }
    }

    /// The next piece of the text, its end of line included, and the number of its line: a line as
    /// far as it fits [`LINE_BYTES_MAX`], then its rest. For formats whose records have nothing to
    /// do with lines; nothing is too long for it, so do not mix it with [`Self::next_line`].
    pub fn next_piece(&mut self) -> Option<(u64, &[u8])> {
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            let (end, ends_line) = match memchr(b'\n', fresh) {
                Some(at) => (self.searched + at + 1, true),
                None => {
                    self.searched = self.buffer.len();
                    if self.searched - self.start < LINE_BYTES_MAX && self.state != State::Ended {
                        self.fill();
                        continue;
                    }
                    (self.buffer.len(), false)
                }
            };
            let piece = self.start..end.min(self.start + LINE_BYTES_MAX);
            if piece.is_empty() {
                return None;
            }
            let number = self.number + 1;
            self.number += u64::from(ends_line && piece.end == end);
            self.offset += piece.len() as u64;
            (self.start, self.searched) = (piece.end, piece.end);
            return self.buffer.get(piece).map(|piece| (number, piece));
        }
    }

    /// Bytes of text taken so far, for progress.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What went wrong so far; leaves none.
    pub fn take_problems(&mut self) -> Problems {
        if let Some(utf16) = self.utf16.as_mut().filter(|utf16| utf16.broken_units > 0) {
            let count = std::mem::take(&mut utf16.broken_units);
            let what = "UTF-16 unit without its other half; U+FFFD stands in";
            self.problems.push_counted(Position::Whole, what, count);
        }
        std::mem::take(&mut self.problems)
    }

    fn report_long(&mut self, bytes: u64) {
        let what = format!("line of {bytes} bytes; at most {LINE_BYTES_MAX} are read, so skipped");
        self.problems.push(Position::Line(self.number), what);
    }

    /// Moves what is left to the front and reads once; at the beginning, until the mark is read.
    fn fill(&mut self) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let mut more = self.read();
        while self.state == State::Begin && matches!(more, Ok(true)) {
            more = self.read();
        }
        match more {
            Ok(true) => {}
            Ok(false) => self.state = State::Ended,
            Err(error) => {
                self.state = State::Ended;
                let line = self.number + 1;
                let is_begun = !self.buffer.is_empty();
                self.buffer.clear();
                self.searched = 0;
                let lost = if is_begun { "; this line is not whole and is dropped" } else { "" };
                self.problems.push(Position::Line(line), format!("{error}{lost}"));
            }
        }
    }

    fn read(&mut self) -> std::io::Result<bool> {
        if let Some(utf16) = &mut self.utf16 {
            return utf16.read(&mut self.input, &mut self.buffer);
        }
        let read = loop {
            match self.input.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.buffer.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
        if self.state == State::Begin {
            return self.begin(read);
        }
        Ok(read > 0)
    }

    /// Looks for a byte order mark once four bytes are there, or all.
    fn begin(&mut self, read: usize) -> std::io::Result<bool> {
        if self.buffer.len() < 4 && read > 0 {
            return Ok(true);
        }
        self.state = State::Middle;
        let (mark_bytes, order) = match self.buffer.as_slice() {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
                self.buffer.clear();
                let what = "UTF-32 text is not read; save it as UTF-8";
                return Err(std::io::Error::new(ErrorKind::InvalidData, what));
            }
            [0xef, 0xbb, 0xbf, ..] => (3, None),
            [0xff, 0xfe, ..] => (2, Some(Order::Little)),
            [0xfe, 0xff, ..] => (2, Some(Order::Big)),
            _ => (0, None),
        };
        self.buffer.drain(..mark_bytes);
        if let Some(order) = order {
            let mut utf16 = Transcoder::new(order);
            let begun = std::mem::take(&mut self.buffer);
            utf16.take(&begun, &mut self.buffer);
            self.utf16 = Some(utf16);
        }
        Ok(read > 0)
    }

    /// Throws away what is there of a line that is too long already, until its end is here.
    fn step_over_long(&mut self) {
        self.number += 1;
        let mut bytes = 0_u64;
        loop {
            bytes += (self.buffer.len() - self.start) as u64;
            self.buffer.clear();
            (self.start, self.searched) = (0, 0);
            if self.state == State::Ended {
                break;
            }
            let (number, problems) = (self.number, self.problems.total());
            // A failure names the line that was begun, which is this one.
            self.number -= 1;
            self.fill();
            self.number = number;
            if self.problems.total() > problems {
                break;
            }
            if let Some(end) = memchr(b'\n', &self.buffer) {
                bytes += end as u64;
                (self.start, self.searched) = (end + 1, end + 1);
                bytes -= u64::from(end > 0 && self.buffer.get(end - 1) == Some(&b'\r'));
                self.offset += 1;
                break;
            }
        }
        self.offset += bytes;
        self.report_long(bytes);
    }
}
