//! UTF-16 → UTF-8 while reading: what PowerShell and the Windows event viewer save.

use std::io::{ErrorKind, Read, Result};

/// Bytes taken from the input at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// Turns bytes of UTF-16 into UTF-8, a chunk at a time.
pub(super) struct Transcoder {
    order: Order,
    chunk: Box<[u8]>,
    /// Bytes at the front of the chunk that did not make a whole character.
    kept: usize,
    /// Units that belong to no character, so far: each became U+FFFD.
    pub(super) broken_units: u64,
}

impl Transcoder {
    pub(super) fn new(order: Order) -> Self {
        let chunk = vec![0; CHUNK_BYTES].into_boxed_slice();
        Self { order, chunk, kept: 0, broken_units: 0 }
    }

    /// Reads once from `input` and appends what that gives; `false` at the end.
    pub(super) fn read(&mut self, input: &mut dyn Read, text: &mut Vec<u8>) -> Result<bool> {
        let free = self.chunk.get_mut(self.kept..).unwrap_or_default();
        let read = loop {
            match input.read(free) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.append(read, text);
        Ok(read > 0)
    }

    /// Takes bytes that were read by someone else.
    pub(super) fn take(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        for part in bytes.chunks(CHUNK_BYTES / 2) {
            if let Some(free) = self.chunk.get_mut(self.kept..self.kept + part.len()) {
                free.copy_from_slice(part);
            }
            self.append(part.len(), text);
        }
    }

    /// Turns what was kept and `read` new bytes; none are the end.
    fn append(&mut self, read: usize, text: &mut Vec<u8>) {
        let (had, is_end) = (self.kept + read, read == 0);
        let bytes = self.chunk.get(..had).unwrap_or_default();
        let (units, rest) = bytes.as_chunks::<2>();
        let unit = |bytes: &[u8; 2]| match self.order {
            Order::Little => u16::from_le_bytes(*bytes),
            Order::Big => u16::from_be_bytes(*bytes),
        };
        // The first half of a pair waits for the second.
        let is_half = |last: &[u8; 2]| !is_end && (0xd800..0xdc00).contains(&unit(last));
        let (units, kept) = match units.split_last() {
            Some((last, before)) if is_half(last) => (before, 2 + rest.len()),
            _ => (units, rest.len()),
        };
        let mut utf8 = [0; 4];
        for character in char::decode_utf16(units.iter().map(unit)) {
            let character = character.unwrap_or_else(|_| {
                self.broken_units += 1;
                char::REPLACEMENT_CHARACTER
            });
            text.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        }
        if is_end && kept > 0 {
            self.broken_units += 1;
            text.extend_from_slice("\u{fffd}".as_bytes());
        }
        self.chunk.copy_within(had - kept..had, 0);
        self.kept = if is_end { 0 } else { kept };
    }
}
