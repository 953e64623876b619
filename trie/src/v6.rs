//! The packed IPv6 table.
//!
//! Networks are /64s at the finest, and where they begin is uneven: 65,000 /48s in one /32, and
//! nothing at all in the next. So the first halves of the addresses are kept in order, in leaves of
//! one cache line each, under a static search tree of 16 children a node, 32 above:
//!
//! ```text
//! index    levels of u64   the first half that each leaf begins with; above, that of each node
//! leaves   n × 64 bytes    shift, keys, bytes of a key, bits of a code, lowest code,
//!                          then the keys and the codes
//! blocks   n × 8 bytes     a /64 that is split: k, k second halves, k + 1 codes of 32 bits
//! ```
//!
//! Within a leaf a key is the distance from the leaf's beginning, without the low bits that are
//! zero in all of them, in as few bytes as the widest needs; a code is its distance from the lowest
//! code of the leaf, in as few bits. Neighbours differ in few bits, so a line holds some 15 runs
//! with their codes, and a look-up ends in the line where it finds its key.
//!
//! The tree of sorted lines without pointers is the static B-tree of Slotin ("Algorithms for Modern
//! Hardware", 2022, after Khuong and Morin 2017); keys without common bits are Bayer and
//! Unterauer's prefix B-tree (1977).

use std::hint::select_unpredictable;

use crate::bits;
use crate::bytes::{LINE_BYTES, Owner, Section};
use crate::runs::{NONE, Runs};
use crate::table::TooManyValues;

/// Children of a node of the lowest level: two lines, fetched together.
pub(crate) const NODE_KEYS: usize = 16;

/// Children of a node above, which is near in a cache: more of them make fewer steps.
pub(crate) const UPPER_KEYS: usize = 32;

/// Bytes of a leaf before its keys.
pub(crate) const LEAF_HEAD: usize = 8;

/// Bytes that a split /64 is counted in.
pub(crate) const BLOCK_UNIT: usize = 8;

/// The most levels that an index has: 16 × 32^7 leaves are more than a file can hold.
pub(crate) const LEVELS_MAX: usize = 8;

/// What a packed table consists of, ready to be written or kept.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) index: Vec<u64>,
    pub(crate) leaves: Vec<u8>,
    pub(crate) blocks: Vec<u8>,
    pub(crate) shape: Shape,
}

/// How the parts are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The first code that means a split: one more than the number of values, and one for none.
    pub(crate) split: u32,
    /// Leaves.
    pub(crate) leaves: u32,
}

/// Where each level of the index begins, the lowest first, and how many keys it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Levels {
    pub(crate) starts: [usize; LEVELS_MAX],
    pub(crate) counts: [usize; LEVELS_MAX],
    pub(crate) len: usize,
}

impl Levels {
    /// Of an index over so many leaves.
    pub(crate) fn of(leaves: usize) -> Self {
        let mut levels = Self::default();
        let (mut count, mut start) = (leaves, 0);
        while levels.len < LEVELS_MAX {
            let node = node_keys(levels.len);
            levels.starts[levels.len] = start;
            levels.counts[levels.len] = count;
            levels.len += 1;
            if count <= node {
                break;
            }
            start += count.next_multiple_of(node).next_multiple_of(UPPER_KEYS);
            count = count.div_ceil(node);
        }
        levels
    }

    /// Where a level begins, and its last key.
    #[inline]
    pub(crate) fn of_level(&self, level: usize) -> (usize, usize) {
        (self.starts[level], self.counts[level].saturating_sub(1))
    }

    /// How many numbers the index has.
    pub(crate) fn index_len(&self) -> usize {
        let last = self.len.saturating_sub(1);
        self.starts[last] + self.counts[last].next_multiple_of(UPPER_KEYS)
    }
}

/// Children of a node of a level.
pub(crate) const fn node_keys(level: usize) -> usize {
    if level == 0 { NODE_KEYS } else { UPPER_KEYS }
}

/// The table, wherever its parts lie.
#[derive(Clone, Debug)]
pub struct V6 {
    pub(crate) index: Section<u64>,
    pub(crate) leaves: Section<u8>,
    pub(crate) blocks: Section<u8>,
    pub(crate) shape: Shape,
    pub(crate) levels: Levels,
}

/// A code where a /64 begins it.
#[derive(Clone, Copy)]
struct Entry {
    /// The first half.
    net: u64,
    /// 0: none; then the values; then splits.
    code: u32,
}

/// Packs a table.
pub(crate) fn pack(runs: &Runs<u128>) -> Result<Parts, TooManyValues> {
    let highest = runs.values().iter().filter(|&&value| value != NONE).max();
    let split = match highest {
        Some(&value) => value.checked_add(2).ok_or(TooManyValues)?,
        None => 1,
    };
    let mut parts = Parts { shape: Shape { split, leaves: 0 }, ..Parts::default() };
    let entries = entries(runs, split, &mut parts.blocks)?;
    let mut firsts = Vec::new();
    let mut rest = entries.as_slice();
    while let Some(first) = rest.first() {
        firsts.push(first.net);
        let (leaf, after) = rest.split_at(fit(rest));
        write_leaf(leaf, &mut parts.leaves);
        rest = after;
    }
    parts.shape.leaves = u32::try_from(firsts.len()).map_err(|_| TooManyValues)?;
    let levels = Levels::of(firsts.len());
    for level in 0..levels.len {
        parts.index.extend_from_slice(&firsts);
        parts.index.resize(parts.index.len().next_multiple_of(UPPER_KEYS), u64::MAX);
        firsts = firsts.iter().step_by(node_keys(level)).copied().collect();
        debug_assert!(level + 1 == levels.len || firsts.len() == levels.counts[level + 1]);
    }
    Ok(parts)
}

/// The codes by /64; blocks are written on the way. The first entry is at the lowest address.
fn entries(
    runs: &Runs<u128>,
    split: u32,
    blocks: &mut Vec<u8>,
) -> Result<Vec<Entry>, TooManyValues> {
    let half = |start: u128| ((start >> 64) as u64, start as u64);
    let (starts, values) = (runs.starts(), runs.values());
    let mut entries: Vec<Entry> = Vec::with_capacity(runs.len() + 1);
    if starts.first() != Some(&0) {
        entries.push(Entry { net: 0, code: 0 });
    }
    let (mut at, mut code) = (0, 0);
    while at < starts.len() {
        let (net, second) = half(starts[at]);
        let end = at + starts[at..].iter().take_while(|&&start| half(start).0 == net).count();
        let carried = code;
        code = values[end - 1].wrapping_add(1);
        if end == at + 1 && second == 0 {
            entries.push(Entry { net, code });
        } else {
            let unit = u32::try_from(blocks.len() / BLOCK_UNIT).map_err(|_| TooManyValues)?;
            let block_code = split.checked_add(unit).ok_or(TooManyValues)?;
            if entries.last().is_some_and(|last| last.net == net) {
                entries.pop();
            }
            entries.push(Entry { net, code: block_code });
            let rows = starts[at..end].iter().zip(&values[at..end]);
            let rows = rows.map(|(&start, &value)| (half(start).1, value.wrapping_add(1)));
            write_block(carried, rows, blocks);
            let next = starts.get(end).map(|&start| half(start).0);
            if net < u64::MAX && next != Some(net + 1) {
                entries.push(Entry { net: net + 1, code });
            }
        }
        at = end;
    }
    Ok(entries)
}

/// A split /64. Its first code is the one that was before, unless a run begins at its beginning.
fn write_block(carried: u32, rows: impl Iterator<Item = (u64, u32)>, blocks: &mut Vec<u8>) {
    let (mut keys, mut codes) = (Vec::new(), vec![carried]);
    for (key, code) in rows {
        match key {
            0 => codes[0] = code,
            key => {
                keys.push(key);
                codes.push(code);
            }
        }
    }
    blocks.extend_from_slice(&(keys.len() as u64).to_le_bytes());
    blocks.extend(keys.iter().flat_map(|key| key.to_le_bytes()));
    blocks.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
    blocks.resize(blocks.len().next_multiple_of(BLOCK_UNIT), 0);
}

/// What a leaf of some entries looks like.
#[derive(Clone, Copy)]
struct Layout {
    shift: u32,
    key_bytes: usize,
    width: u32,
    lowest: u32,
}

/// Tells how a growing row of entries would be laid out.
struct Measure {
    base: u64,
    differing: u64,
    lowest: u32,
    highest: u32,
}

impl Measure {
    fn new(base: u64) -> Self {
        Self { base, differing: 0, lowest: u32::MAX, highest: 0 }
    }

    fn add(&mut self, entry: &Entry) {
        self.differing |= entry.net - self.base;
        if entry.code != 0 {
            self.lowest = self.lowest.min(entry.code);
            self.highest = self.highest.max(entry.code);
        }
    }

    /// The layout of all so far, the last of which begins at `last`; `None`: keys are too far
    /// apart.
    fn layout(&self, last: u64) -> Option<Layout> {
        let shift = if self.differing == 0 { 0 } else { self.differing.trailing_zeros() };
        let widest = (last - self.base) >> shift;
        let key_bytes = match widest {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => return None,
        };
        let lowest = self.lowest.min(self.highest);
        // All bits set means none, so the highest distance stays below.
        let width = bits::width((self.highest - lowest).saturating_add(1));
        Some(Layout { shift, key_bytes, width, lowest })
    }
}

impl Layout {
    fn bytes(&self, runs: usize) -> usize {
        LEAF_HEAD + (runs - 1) * self.key_bytes + (runs * self.width as usize).div_ceil(8)
    }
}

/// How many of these entries fit one leaf: at least one.
fn fit(entries: &[Entry]) -> usize {
    let Some(first) = entries.first() else { return 0 };
    let mut measure = Measure::new(first.net);
    for (index, entry) in entries.iter().enumerate() {
        measure.add(entry);
        let layout = measure.layout(entry.net);
        if layout.is_none_or(|layout| layout.bytes(index + 1) > LINE_BYTES) {
            return index.max(1);
        }
    }
    entries.len()
}

fn write_leaf(entries: &[Entry], leaves: &mut Vec<u8>) {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
    let mut measure = Measure::new(first.net);
    entries.iter().for_each(|entry| measure.add(entry));
    let Some(layout) = measure.layout(last.net) else { return };
    let end = leaves.len() + LINE_BYTES;
    let keys = (entries.len() - 1) as u8;
    leaves.extend([layout.shift as u8, keys, layout.key_bytes as u8, layout.width as u8]);
    leaves.extend(layout.lowest.to_le_bytes());
    for entry in &entries[1..] {
        let key = ((entry.net - first.net) >> layout.shift).to_le_bytes();
        leaves.extend(&key[..layout.key_bytes]);
    }
    let mut codes = bits::Writer::default();
    for entry in entries {
        let none = bits::mask(layout.width);
        let field = if entry.code == 0 { none } else { entry.code - layout.lowest };
        codes.push(field, layout.width);
    }
    leaves.extend(codes.finish());
    leaves.resize(end, 0);
}

impl Parts {
    /// Index, leaves, blocks.
    pub(crate) fn slices(&self) -> [&[u8]; 3] {
        [bytemuck::cast_slice(&self.index), &self.leaves, &self.blocks]
    }
}

impl V6 {
    pub(crate) fn from_runs(runs: &Runs<u128>) -> Result<Self, TooManyValues> {
        let parts = pack(runs)?;
        let mut bytes = Vec::new();
        let mut at = Vec::new();
        for part in parts.slices() {
            bytes.resize(bytes.len().next_multiple_of(LINE_BYTES), 0);
            at.push((bytes.len(), part.len()));
            bytes.extend_from_slice(part);
        }
        let owner = Owner::copy(&bytes);
        let [index, leaves, blocks] = at.try_into().unwrap_or_default();
        Self::from_sections(&owner, [index, leaves, blocks], parts.shape).ok_or(TooManyValues)
    }

    /// From where the index, leaves and blocks lie: offset and length in bytes. `None`: they do
    /// not lie there, or have other lengths than the shape says.
    pub(crate) fn from_sections(
        owner: &Owner,
        [index, leaves, blocks]: [(usize, usize); 3],
        shape: Shape,
    ) -> Option<Self> {
        // The leaves first: then all that follows from their number is no larger than the file.
        let fits = shape.split > 0
            && shape.leaves > 0
            && (shape.leaves as usize).checked_mul(LINE_BYTES) == Some(leaves.1);
        if !fits {
            return None;
        }
        let levels = Levels::of(shape.leaves as usize);
        if levels.index_len().checked_mul(8) != Some(index.1) {
            return None;
        }
        Some(Self {
            index: owner.section(index.0, index.1 / 8)?,
            leaves: owner.section(leaves.0, leaves.1)?,
            blocks: owner.section(blocks.0, blocks.1)?,
            shape,
            levels,
        })
    }

    /// The value of an address; [`NONE`] where there is none.
    #[inline]
    pub(crate) fn value(&self, addr: u128) -> u32 {
        let net = (addr >> 64) as u64;
        let leaf = self.leaf(net);
        let base = self.index.get(leaf).copied().unwrap_or(0);
        let code = match self.leaves.as_chunks::<LINE_BYTES>().0.get(leaf) {
            Some(leaf) => leaf_code(leaf, net.wrapping_sub(base)),
            None => 0,
        };
        match code >= self.shape.split {
            true => self.split_value(code, addr as u64),
            false => code.wrapping_sub(1),
        }
    }

    /// Where a node of the index lies, to be fetched ahead.
    #[inline(always)]
    pub(crate) fn node(&self, level: usize, node: usize) -> *const u8 {
        let at = self.levels.starts[level] + node * node_keys(level);
        self.index.as_ptr().wrapping_add(at).cast()
    }

    /// The leaf that holds a first half.
    #[inline]
    pub(crate) fn leaf(&self, net: u64) -> usize {
        let mut node = 0;
        for level in (0..self.levels.len).rev() {
            let (start, last) = self.levels.of_level(level);
            node = match level {
                0 => step::<NODE_KEYS>(&self.index, start, node, last, net),
                _ => step::<UPPER_KEYS>(&self.index, start, node, last, net),
            };
        }
        node
    }

    /// No more stretches than this tell of all addresses, unless a block is shared, which no
    /// packing does: a line has room for so many keys of a byte, and a block's key has eight.
    pub(crate) fn stretches_max(&self) -> usize {
        let runs = LINE_BYTES - LEAF_HEAD + 1;
        self.shape.leaves as usize * runs + self.blocks.len() / 8
    }

    /// A stretch around an address that has one value: at most to the ends of its leaf.
    pub(crate) fn stretch(&self, addr: u128) -> (u128, u128, u32) {
        let (net, second) = ((addr >> 64) as u64, addr as u64);
        let number = self.leaf(net);
        let base = self.index.get(number).copied().unwrap_or(0).min(net);
        let next = (number + 1 < self.shape.leaves as usize).then(|| self.index.get(number + 1));
        let end = next.flatten().map_or(u64::MAX, |next| next.wrapping_sub(1)).max(net);
        let Some(leaf) = self.leaves.as_chunks::<LINE_BYTES>().0.get(number) else {
            return (addr, addr, NONE);
        };
        let [shift, keys, key_bytes, ..] = *leaf;
        let key = |index: usize| {
            let width = usize::from(key_bytes);
            let at = LEAF_HEAD + index * width;
            let bytes = leaf.get(at..at + width).unwrap_or_default();
            let key = bytes.iter().rev().fold(0_u64, |key, &byte| key << 8 | u64::from(byte));
            base.saturating_add(key << (shift & 63))
        };
        let first = (0..usize::from(keys)).rev().map(key).find(|&key| key <= net);
        let last = (0..usize::from(keys)).map(key).find(|&key| key > net);
        let first = first.unwrap_or(base);
        let last = last.map_or(end, |next| next - 1);
        let code = leaf_code(leaf, net - base);
        if code < self.shape.split {
            let (first, last) = (u128::from(first) << 64, u128::from(last) << 64);
            return (first, last | u128::from(u64::MAX), code.wrapping_sub(1));
        }
        let (first, last) = self.split_stretch(code, second);
        let net = u128::from(net) << 64;
        (net | u128::from(first), net | u128::from(last), self.split_value(code, second))
    }

    /// Where the run begins and ends inside a split /64.
    fn split_stretch(&self, code: u32, second: u64) -> (u64, u64) {
        let block = bits::block(code - self.shape.split);
        let (count, upto) = self.split_position(block, second);
        let key = |index: usize| bits::word(&self.blocks, block + 8 + 8 * index);
        let first = upto.checked_sub(1).map_or(0, key).min(second);
        let last = if upto < count { key(upto).wrapping_sub(1) } else { u64::MAX };
        (first, last.max(second))
    }

    /// How many keys a split /64 has, and how many of them are at most `second`.
    fn split_position(&self, block: usize, second: u64) -> (usize, usize) {
        let had = (self.blocks.len() / 8) as u64;
        let count = bits::word(&self.blocks, block).min(had) as usize;
        let key = |index: usize| bits::word(&self.blocks, block + 8 + 8 * index);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            match key(middle) <= second {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        (count, low)
    }

    /// The value inside a split /64.
    #[cold]
    pub(crate) fn split_value(&self, code: u32, second: u64) -> u32 {
        let block = bits::block(code - self.shape.split);
        let (count, upto) = self.split_position(block, second);
        let at = block + 8 + 8 * count + 4 * upto;
        let code = self.blocks.get(at..).and_then(<[u8]>::first_chunk::<4>);
        code.map_or(NONE, |code| u32::from_le_bytes(*code).wrapping_sub(1))
    }
}

/// One step down: the child of `node` of a level that begins at `start` that holds `net`.
#[inline(always)]
pub(crate) fn step<const KEYS: usize>(
    index: &[u64],
    start: usize,
    node: usize,
    last: usize,
    net: u64,
) -> usize {
    let upto = match index.as_chunks::<KEYS>().0.get(start / KEYS + node) {
        Some(keys) => keys.iter().map(|&key| usize::from(key <= net)).sum::<usize>(),
        None => 1,
    };
    // The keys that fill up the last node are the highest number, which may be asked for.
    (node * KEYS + upto).saturating_sub(1).min(last)
}

/// The code in a leaf at a distance from its beginning.
#[inline(always)]
pub(crate) fn leaf_code(leaf: &[u8; LINE_BYTES], distance: u64) -> u32 {
    let [shift, keys, key_bytes, ..] = *leaf;
    let distance = distance >> (shift & 63);
    let body = &leaf[LEAF_HEAD..];
    // All bytes of the line are compared and the surplus left out: a loop of a fixed length is made
    // of a few comparisons of whole registers.
    let before = match key_bytes {
        1 => {
            let distance = distance.min(0xff) as u8;
            let upto = (0_u8..).zip(body).map(|(at, &key)| u8::from(key <= distance && at < keys));
            u32::from(upto.sum::<u8>())
        }
        2 => {
            let distance = distance.min(0xffff) as u16;
            let upto = (0_u16..).zip(body.as_chunks::<2>().0).map(|(at, key)| {
                u16::from(u16::from_le_bytes(*key) <= distance && at < u16::from(keys))
            });
            u32::from(upto.sum::<u16>())
        }
        _ => {
            let distance = distance.min(0xffff_ffff) as u32;
            let upto = (0_u32..).zip(body.as_chunks::<4>().0).map(|(at, key)| {
                u32::from(u32::from_le_bytes(*key) <= distance && at < u32::from(keys))
            });
            upto.sum()
        }
    };
    leaf_field(leaf, before)
}

/// The code after `before` keys.
#[inline(always)]
pub(crate) fn leaf_field(leaf: &[u8; LINE_BYTES], before: u32) -> u32 {
    let [_, keys, key_bytes, width, a, b, c, d] = *leaf.first_chunk().unwrap_or(&[0; LEAF_HEAD]);
    let width = u32::from(width);
    let bit = 8 * (LEAF_HEAD as u32 + u32::from(keys) * u32::from(key_bytes)) + before * width;
    // Read so that no byte past the line is touched, and the number is still in one word.
    let byte = (bit >> 3).min(LINE_BYTES as u32 - 8);
    let shift = bit.wrapping_sub(8 * byte) & 63;
    let none = ((1_u64 << (width & 63)) - 1) as u32;
    let field = (bits::word(leaf, byte as usize) >> shift) as u32 & none;
    let code = u32::from_le_bytes([a, b, c, d]).wrapping_add(field);
    // As good as random in a table with gaps: a branch would be guessed wrong.
    select_unpredictable(field == none, 0, code)
}
