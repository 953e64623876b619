//! Reading foreign bytes without a panic: big-endian numbers, length-prefixed parts, lines.

/// What is left of a message. Every method is `None` past its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        let (&[a, b, c], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// A part with its length before it in one byte.
    pub(super) fn part8(&mut self) -> Option<Self> {
        let count = usize::from(self.u8()?);
        self.take(count).map(Self)
    }

    /// A part with its length before it in two bytes.
    pub(super) fn part16(&mut self) -> Option<Self> {
        let count = usize::from(self.u16()?);
        self.take(count).map(Self)
    }

    /// A part with its length before it in three bytes.
    pub(super) fn part24(&mut self) -> Option<Self> {
        let count = usize::try_from(self.u24()?).ok()?;
        self.take(count).map(Self)
    }

    /// A part with its length before it in four bytes.
    pub(super) fn part32(&mut self) -> Option<Self> {
        let count = usize::try_from(self.u32()?).ok()?;
        self.take(count).map(Self)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Cuts a stream into lines; a line that is longer than the limit is cut, its rest dropped.
#[derive(Debug)]
pub(super) struct Lines {
    pending: Vec<u8>,
    limit: usize,
}

impl Lines {
    pub(super) const fn new(limit: usize) -> Self {
        Self { pending: Vec::new(), limit }
    }

    /// The next line, without CR LF or LF, from what was kept and `bytes`, which moves on; `None`
    /// once the rest holds no whole line: it is kept.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(bytes);
            *bytes = &[];
            return None;
        };
        let (line, rest) = bytes.split_at(end);
        self.keep(line);
        *bytes = rest.get(1..).unwrap_or_default();
        let mut line = std::mem::take(&mut self.pending);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    /// What has come of the line that is not yet whole.
    pub(super) fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    fn keep(&mut self, part: &[u8]) {
        let room = self.limit.saturating_sub(self.pending.len());
        self.pending.extend_from_slice(part.get(..room).unwrap_or(part));
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for nibble in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
        text
    })
}

/// What follows a word at the start of a line, upper or lower case.
pub(super) fn after_word<'a>(line: &'a [u8], word: &str) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word.as_bytes()).then_some(rest)
}

/// The first word of a line and what follows the blanks after it.
pub(super) fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim_ascii())
}

/// A number in decimal digits and nothing else.
pub(super) fn decimal<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    text.first()?.is_ascii_digit().then_some(())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The three digits that begin a reply of SMTP or FTP, whether more lines follow, and the text.
pub(super) fn reply(line: &[u8]) -> Option<(u32, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = rest.get(1..).unwrap_or_default();
    Some((decimal(digits)?, rest.first() == Some(&b'-'), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_do_not_depend_on_segments(
            text in "[a-c\r\n]{0,64}", cuts in proptest::collection::vec(0_usize..64, 0..6)
        ) {
            let cut = |cuts: &[usize]| {
                let (mut lines, mut found) = (Lines::new(32), Vec::new());
                let mut from = 0;
                let mut ends = cuts.to_vec();
                ends.push(text.len());
                ends.sort_unstable();
                for end in ends {
                    let end = end.clamp(from, text.len());
                    let mut part = &text.as_bytes()[from..end];
                    while let Some(line) = lines.next(&mut part) {
                        found.push(line);
                    }
                    from = end;
                }
                found
            };
            prop_assert_eq!(cut(&cuts), cut(&[]));
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let mut lines = Lines::new(4);
        let mut text = &b"abcdefgh\r\nok\n"[..];
        assert_eq!(lines.next(&mut text).unwrap(), b"abcd");
        assert_eq!(lines.next(&mut text).unwrap(), b"ok");
        assert_eq!(lines.next(&mut text), None);
    }
}
