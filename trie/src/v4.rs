//! The packed IPv4 table.
//!
//! Nearly all that is known of IPv4 is known of whole /24s, so that is where the runs are counted:
//!
//! ```text
//! root     65,536 × u64   for each /16: which bitmap, its first code, codes before each quarter
//! bitmaps  n × 256 bits   for each /16 that is not one run: a bit where a /24 begins a new code
//! codes    n × w bits     0: nothing; then the values; then: a /24 that is split
//! blocks   n × 8 bytes    a split /24: k, k last octets, k + 1 codes of w bits
//! ```
//!
//! A look-up reads the root, the one word of the bitmap that its /24 lies in, and the code at
//! (first code + codes before the quarter + bits up to the /24). Root and bitmaps of the largest
//! table that is shipped are 1.8 MB, near enough to stay in the second-level cache, so that most
//! look-ups wait for one line. A /16 that is one run points to a bitmap of zeros: no branch asks
//! whether it is one.
//!
//! The idea of bitmaps with counts is Degermark and others' (SIGCOMM 1997) and Poptrie's (Asai and
//! Ohara, SIGCOMM 2015); root and strides were chosen for tables of places, where three quarters
//! of the space have a change every few /24s.

use std::collections::HashMap;

use crate::bits;
use crate::bytes::{LINE_BYTES, Owner, Section};
use crate::runs::{NONE, Runs};
use crate::table::TooManyValues;

/// The root: one entry for each /16.
pub(crate) const ROOT_LEN: usize = 1 << 16;

/// Words of one bitmap.
pub(crate) const BITMAP_WORDS: usize = 4;

/// Bytes that a split /24 is counted in.
pub(crate) const BLOCK_UNIT: usize = 8;

/// What a packed table consists of, ready to be written or kept.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) root: Vec<u64>,
    pub(crate) bitmaps: Vec<u64>,
    pub(crate) codes: Vec<u8>,
    pub(crate) blocks: Vec<u8>,
    pub(crate) shape: Shape,
}

impl Parts {
    /// Root, bitmaps, codes, blocks.
    pub(crate) fn slices(&self) -> [&[u8]; 4] {
        let (root, bitmaps) =
            (bytemuck::cast_slice(&self.root), bytemuck::cast_slice(&self.bitmaps));
        [root, bitmaps, &self.codes, &self.blocks]
    }

    fn bytes(&self) -> usize {
        self.slices().iter().map(|part| part.len().next_multiple_of(LINE_BYTES)).sum()
    }
}

/// How the codes are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bits of a code: 1 to 32.
    pub(crate) width: u32,
    /// The first code that means a split: one more than the number of values, and one for none.
    pub(crate) split: u32,
}

/// The table, wherever its parts lie.
#[derive(Clone, Debug)]
pub struct V4 {
    pub(crate) root: Section<u64>,
    pub(crate) bitmaps: Section<u64>,
    pub(crate) codes: Section<u8>,
    pub(crate) blocks: Section<u8>,
    pub(crate) shape: Shape,
}

/// A code where a /24 begins it.
#[derive(Clone, Copy)]
struct Entry {
    /// The first 24 bits.
    net: u32,
    code: u32,
}

/// Packs a table.
pub(crate) fn pack(runs: &Runs<u32>) -> Result<Parts, TooManyValues> {
    if runs.is_empty() {
        // No root of half a megabyte for a table that says nothing.
        let shape = Shape { width: 1, split: 1 };
        return Ok(Parts { shape, ..Parts::default() });
    }
    let highest = runs.values().iter().filter(|&&value| value != NONE).max();
    let split = match highest {
        Some(&value) => value.checked_add(2).ok_or(TooManyValues)?,
        None => 1,
    };
    let (entries, splits) = entries(runs, split)?;
    // A split's code depends on the width and the width on the highest code: blocks have the size
    // they would have at the width found so far, until that holds.
    let mut width = bits::width(split);
    let (blocks, offsets) = loop {
        let (blocks, offsets) = write_blocks(&splits, width);
        let units = u32::try_from(blocks.len() / BLOCK_UNIT).map_err(|_| TooManyValues)?;
        let needed = bits::width(split.checked_add(units).ok_or(TooManyValues)?);
        if needed <= width {
            break (blocks, offsets);
        }
        width = needed;
    };
    let mut parts = Parts { blocks, shape: Shape { width, split }, ..Parts::default() };
    parts.blocks.extend_from_slice(&[0; bits::TAIL_BYTES]);
    let code = |entry: &Entry| match entry.code.checked_sub(split) {
        Some(index) => split + offsets[index as usize],
        None => entry.code,
    };
    write_levels(&entries, code, &mut parts);
    Ok(parts)
}

/// A /24 with more than one run: last octets where they begin, the first of them 0, and codes.
struct Split {
    keys: Vec<u8>,
    codes: Vec<u32>,
}

/// The codes by /24. A code of `split` + i stands for the split of index i.
fn entries(runs: &Runs<u32>, split: u32) -> Result<(Vec<Entry>, Vec<Split>), TooManyValues> {
    let mut entries: Vec<Entry> = Vec::with_capacity(runs.len() + 1);
    let mut splits: Vec<Split> = Vec::new();
    let mut code = 0;
    let (starts, values) = (runs.starts(), runs.values());
    let mut at = 0;
    while at < starts.len() {
        let net = starts[at] >> 8;
        let end = at + starts[at..].iter().take_while(|&&start| start >> 8 == net).count();
        if end == at + 1 && starts[at] & 0xff == 0 {
            code = values[at].wrapping_add(1);
            entries.push(Entry { net, code });
        } else {
            let mut keys = Vec::with_capacity(end - at);
            let mut codes = Vec::with_capacity(end - at + 1);
            if starts[at] & 0xff != 0 {
                codes.push(code);
            }
            for row in at..end {
                code = values[row].wrapping_add(1);
                codes.push(code);
                if starts[row] & 0xff != 0 {
                    keys.push(starts[row] as u8);
                }
            }
            let index = u32::try_from(splits.len()).map_err(|_| TooManyValues)?;
            entries.push(Entry { net, code: split.checked_add(index).ok_or(TooManyValues)? });
            splits.push(Split { keys, codes });
            if net < 0x00ff_ffff && starts.get(end).is_none_or(|&next| next >> 8 > net + 1) {
                entries.push(Entry { net: net + 1, code });
            }
        }
        at = end;
    }
    Ok((entries, splits))
}

/// The blocks of all splits, and where each begins in units.
fn write_blocks(splits: &[Split], width: u32) -> (Vec<u8>, Vec<u32>) {
    let (mut blocks, mut offsets) = (Vec::new(), Vec::with_capacity(splits.len()));
    for split in splits {
        offsets.push((blocks.len() / BLOCK_UNIT) as u32);
        blocks.push(split.keys.len() as u8);
        blocks.extend_from_slice(&split.keys);
        let mut codes = bits::Writer::default();
        for &code in &split.codes {
            codes.push(code, width);
        }
        blocks.extend_from_slice(&codes.finish());
        blocks.resize(blocks.len().next_multiple_of(BLOCK_UNIT), 0);
    }
    (blocks, offsets)
}

/// Root, bitmaps and codes.
fn write_levels(entries: &[Entry], code: impl Fn(&Entry) -> u32, parts: &mut Parts) {
    let width = parts.shape.width;
    let mut codes = bits::Writer::default();
    let mut count = 0_u64;
    let mut push = |code: u32| {
        codes.push(code, width);
        count += 1;
        count - 1
    };
    // The bitmap of those that are one run, where there are any.
    let mut zeros: Option<u64> = None;
    let mut whole: HashMap<u32, u64> = HashMap::new();
    let mut carried = 0;
    let mut rest = entries;
    parts.root.reserve(ROOT_LEN);
    for net16 in 0..ROOT_LEN as u32 {
        let end = rest.partition_point(|entry| entry.net >> 8 == net16);
        let (mine, after) = rest.split_at(end);
        rest = after;
        let begins = mine.first().filter(|entry| entry.net & 0xff == 0);
        let first = begins.map_or(carried, &code);
        let inner = &mine[usize::from(begins.is_some())..];
        if inner.is_empty() {
            let base = *whole.entry(first).or_insert_with(|| push(first));
            let bitmap = *zeros.get_or_insert_with(|| {
                parts.bitmaps.extend([0; BITMAP_WORDS]);
                (parts.bitmaps.len() / BITMAP_WORDS - 1) as u64
            });
            parts.root.push(base << 16 | bitmap);
            carried = first;
            continue;
        }
        let base = push(first);
        let mut words = [0_u64; BITMAP_WORDS];
        for entry in inner {
            words[(entry.net >> 6 & 3) as usize] |= 1 << (entry.net & 63);
            carried = code(entry);
            push(carried);
        }
        let bitmap = (parts.bitmaps.len() / BITMAP_WORDS) as u64;
        parts.bitmaps.extend(words);
        let mut before = 0_u64;
        let mut counts = 0_u64;
        for (quarter, word) in words[..3].iter().enumerate() {
            before += u64::from(word.count_ones());
            counts |= before << (8 * quarter);
        }
        parts.root.push(counts << 40 | base << 16 | bitmap);
    }
    parts.codes = codes.finish();
    parts.codes.extend_from_slice(&[0; bits::TAIL_BYTES]);
}

impl V4 {
    pub(crate) fn from_runs(runs: &Runs<u32>) -> Result<Self, TooManyValues> {
        let parts = pack(runs)?;
        let mut bytes = Vec::with_capacity(parts.bytes());
        let mut at = Vec::new();
        for part in parts.slices() {
            bytes.resize(bytes.len().next_multiple_of(LINE_BYTES), 0);
            at.push((bytes.len(), part.len()));
            bytes.extend_from_slice(part);
        }
        let owner = Owner::copy(&bytes);
        let [root, bitmaps, codes, blocks] = at.try_into().unwrap_or_default();
        Self::from_sections(&owner, [root, bitmaps, codes, blocks], parts.shape)
            .ok_or(TooManyValues)
    }

    /// From where the root, bitmaps, codes and blocks lie: offset and length in bytes. `None`: they
    /// do not lie there, or no table has parts of this shape.
    pub(crate) fn from_sections(
        owner: &Owner,
        [root, bitmaps, codes, blocks]: [(usize, usize); 4],
        shape: Shape,
    ) -> Option<Self> {
        let bitmap_bytes = 8 * BITMAP_WORDS;
        let is_empty = [root.1, bitmaps.1, codes.1, blocks.1] == [0; 4];
        let has_parts = root.1 == 8 * ROOT_LEN
            && bitmaps.1 > 0
            && bitmaps.1 % bitmap_bytes == 0
            && bitmaps.1 <= ROOT_LEN * bitmap_bytes
            && codes.1 > bits::TAIL_BYTES
            && blocks.1 >= bits::TAIL_BYTES;
        let has_codes = (1..=bits::BITS_MAX).contains(&shape.width) && shape.split > 0;
        if !(has_codes && (is_empty || has_parts)) {
            return None;
        }
        Some(Self {
            root: owner.section(root.0, root.1 / 8)?,
            bitmaps: owner.section(bitmaps.0, bitmaps.1 / 8)?,
            codes: owner.section(codes.0, codes.1)?,
            blocks: owner.section(blocks.0, blocks.1)?,
            shape,
        })
    }

    /// The value of an address; [`NONE`] where there is none.
    #[inline]
    pub(crate) fn value(&self, addr: u32) -> u32 {
        let code = self.code(self.code_index(addr));
        match code >= self.shape.split {
            true => self.split_value(code, addr),
            false => code.wrapping_sub(1),
        }
    }

    /// Which code an address has.
    #[inline]
    fn code_index(&self, addr: u32) -> u64 {
        let root = self.root.get((addr >> 16) as usize).copied().unwrap_or(0);
        let quarter = addr >> 14 & 3;
        let index = (root & 0xffff) * 4 + u64::from(quarter);
        let word = self.bitmaps.get(index as usize).copied().unwrap_or(0);
        rank(root, word, addr)
    }

    #[inline]
    fn code(&self, index: u64) -> u32 {
        bits::read(&self.codes, index * u64::from(self.shape.width), self.shape.width)
    }

    /// No more stretches than this tell of all addresses, unless parts are shared that no packing
    /// shares: a code stands for all of a /16 or for one place, and a block for one /24.
    pub(crate) fn stretches_max(&self) -> usize {
        let codes = 8 * self.codes.len() / self.shape.width.max(1) as usize;
        ROOT_LEN + codes + self.blocks.len()
    }

    /// A stretch around an address that has one value: at most to the ends of its /16, or of all
    /// that are one run with it.
    pub(crate) fn stretch(&self, addr: u32) -> (u32, u32, u32) {
        let net16 = (addr >> 16) as usize;
        // Only a table that says nothing has no root.
        let Some(&root) = self.root.get(net16) else { return (0, u32::MAX, NONE) };
        let words = self.bitmaps.as_chunks::<BITMAP_WORDS>().0.get((root & 0xffff) as usize);
        let words = words.copied().unwrap_or_default();
        let code = self.code(self.code_index(addr));
        if code < self.shape.split && words == [0; BITMAP_WORDS] {
            // One run has one code wherever it is all of a /16, so one entry.
            let (before, after) = self.root.split_at_checked(net16).unwrap_or_default();
            let before = before.iter().rev().take_while(|&&other| other == root).count();
            let after = after.iter().skip(1).take_while(|&&other| other == root).count();
            let (first, last) = ((net16 - before) as u32, (net16 + after) as u32);
            return (first << 16, last << 16 | 0xffff, code.wrapping_sub(1));
        }
        if code < self.shape.split {
            let (first, last) = around(&words, addr >> 8 & 0xff);
            let net16 = addr & 0xffff_0000;
            return (net16 | first << 8, net16 | last << 8 | 0xff, code.wrapping_sub(1));
        }
        let block = self.block(code);
        let keys = usize::from(self.blocks.get(block).copied().unwrap_or(0));
        let keys = self.blocks.get(block + 1..block + 1 + keys).unwrap_or_default();
        let upto = keys.iter().filter(|&&key| key <= addr as u8).count();
        let first = upto.checked_sub(1).and_then(|before| keys.get(before)).copied().unwrap_or(0);
        let last = keys.get(upto).map_or(0xff, |next| next.wrapping_sub(1));
        let octet = addr as u8;
        let (first, last) = (first.min(octet), last.max(octet));
        let net24 = addr & 0xffff_ff00;
        (net24 | u32::from(first), net24 | u32::from(last), self.split_value(code, addr))
    }

    /// Where the block of a split /24 begins.
    #[inline]
    pub(crate) fn block(&self, code: u32) -> usize {
        bits::block(code - self.shape.split)
    }

    /// The value inside a split /24.
    #[inline]
    pub(crate) fn split_value(&self, code: u32, addr: u32) -> u32 {
        let block = self.block(code);
        let head = bits::word(&self.blocks, block);
        let keys = head as u8;
        let before = match keys {
            0..=7 => keys_upto(head >> 8, keys, addr as u8),
            _ => self.many_keys_upto(block + 1, keys, addr as u8),
        };
        let bits_before = before * self.shape.width + 8 * (1 + u32::from(keys));
        let at = block as u64 * 8 + u64::from(bits_before);
        bits::read(&self.blocks, at, self.shape.width).wrapping_sub(1)
    }

    #[cold]
    fn many_keys_upto(&self, at: usize, keys: u8, octet: u8) -> u32 {
        match self.blocks.get(at..at + usize::from(keys)) {
            // The compiler makes this 16 or 32 comparisons at once.
            Some(keys) => keys.iter().map(|&key| u32::from(key <= octet)).sum(),
            None => 0,
        }
    }
}

/// From the last set bit up to `net` to the last clear one before the next.
fn around(words: &[u64; BITMAP_WORDS], net: u32) -> (u32, u32) {
    let (quarter, bit) = (net as usize / 64, net % 64);
    let upto = |at: usize| if at == quarter { u64::MAX >> (63 - bit) } else { u64::MAX };
    let first = (0..=quarter).rev().find_map(|at| {
        let word = words[at] & upto(at);
        (word != 0).then(|| at as u32 * 64 + 63 - word.leading_zeros())
    });
    let behind = |at: usize| if at == quarter { u64::MAX << bit << 1 } else { u64::MAX };
    let next = (quarter..BITMAP_WORDS).find_map(|at| {
        let word = words[at] & behind(at);
        (word != 0).then(|| at as u32 * 64 + word.trailing_zeros())
    });
    (first.unwrap_or(0), next.unwrap_or(256) - 1)
}

/// How many of the first `count` bytes are at most `octet`: all seven compared in one word
/// (Warren, Hacker's Delight, 2nd edition, §6-1).
#[inline]
fn keys_upto(keys: u64, count: u8, octet: u8) -> u32 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let octets = u64::from(octet) * 0x0101_0101_0101_0101;
    let difference = (octets | HIGH) - (keys & !HIGH);
    let upto = ((octets & !keys) | (!(octets ^ keys) & difference)) & HIGH;
    (upto & ((1 << (8 * count)) - 1)).count_ones()
}

/// First code, codes before the quarter, and those up to the /24.
#[inline]
pub(crate) fn rank(root: u64, word: u64, addr: u32) -> u64 {
    let quarter = addr >> 14 & 3;
    let before = (root >> 32) as u32 & 0xffff_ff00;
    let before = before >> (8 * quarter) & 0xff;
    let bits = (word << (63 - (addr >> 8 & 63))).count_ones();
    (root >> 16 & 0x00ff_ffff) + u64::from(before + bits)
}
