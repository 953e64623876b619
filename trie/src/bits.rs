//! Numbers of a fixed count of bits, one after the other.

/// The widest number.
pub(crate) const BITS_MAX: u32 = 32;

/// Bytes after the last number, so that one is always read as eight bytes.
pub(crate) const TAIL_BYTES: usize = 8;

/// Bits that hold every number up to `highest`, at least one.
pub(crate) fn width(highest: u32) -> u32 {
    (u32::BITS - highest.leading_zeros()).max(1)
}

/// Adds numbers of any width to a row of bytes.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl Writer {
    pub(crate) fn push(&mut self, number: u32, width: u32) {
        debug_assert!(width <= BITS_MAX && (width == 32 || number >> width == 0), "it fits");
        self.pending |= u64::from(number) << self.pending_bits;
        self.pending_bits += width;
        while self.pending_bits >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.pending_bits -= 8;
        }
    }

    /// All bytes; the last number ends with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.pending_bits > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}

/// The number of `width` bits at bit `at`; 0 where eight bytes from there are not in `bytes`.
#[inline]
pub(crate) fn read(bytes: &[u8], at: u64, width: u32) -> u32 {
    let word = word(bytes, (at >> 3) as usize);
    (word >> (at & 7)) as u32 & mask(width)
}

/// The eight bytes at `at`, lowest first; 0 where they are not all there.
#[inline]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => 0,
    }
}

/// Where the block of this number begins, blocks being counted in eights of bytes. Past any section
/// where the processor has fewer bits than that takes, and still far from the last number.
#[inline]
pub(crate) const fn block(number: u32) -> usize {
    let at = number as u64 * 8;
    let past = isize::MAX as u64 / 2;
    if at < past { at as usize } else { past as usize }
}

/// The lowest `width` bits.
#[inline]
pub(crate) const fn mask(width: u32) -> u32 {
    (u32::MAX as u64 >> (32 - if width > 32 { 32 } else { width })) as u32
}
