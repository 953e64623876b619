//! The walks in stages, in plain Rust: inlined into functions for better processors, the compiler
//! uses what those have.

use crate::bits;
use crate::bytes::LINE_BYTES;
use crate::v4::{self, V4};
use crate::v6::{self, NODE_KEYS, UPPER_KEYS, V6};

/// Addresses that are walked together: more than the line-fill buffers of a processor (10 to 16)
/// can have under way, few enough for the first-level cache.
pub(super) const LANES: usize = 32;

/// IPv4: root and bitmap, then codes, then those in split /24s.
#[inline(always)]
pub(super) fn v4(table: &V4, addrs: &[u32], values: &mut [u32], prefetch: impl Fn(*const u8)) {
    let (root, bitmaps): (&[u64], &[u64]) = (&table.root, &table.bitmaps);
    let (codes, blocks): (&[u8], &[u8]) = (&table.codes, &table.blocks);
    let (width, split) = (table.shape.width, table.shape.split);
    let mut roots = [0_u64; LANES];
    let mut ats = [0_u64; LANES];
    let mut late = [0_u8; LANES];
    for (addrs, values) in addrs.chunks(LANES).zip(values.chunks_mut(LANES)) {
        for (&addr, slot) in addrs.iter().zip(&mut roots) {
            *slot = root.get((addr >> 16) as usize).copied().unwrap_or(0);
        }
        for ((&addr, &root), at) in addrs.iter().zip(&roots).zip(&mut ats) {
            let index = (root & 0xffff) * 4 + u64::from(addr >> 14 & 3);
            let word = bitmaps.get(index as usize).copied().unwrap_or(0);
            *at = v4::rank(root, word, addr) * u64::from(width);
            prefetch(codes.as_ptr().wrapping_add((*at >> 3) as usize));
        }
        let mut lates = 0;
        for (lane, (&at, value)) in ats.iter().zip(&mut *values).enumerate() {
            let code = bits::read(codes, at, width);
            *value = code.wrapping_sub(1);
            // Written always, counted where it is a split: no branch to guess.
            late[lates] = lane as u8;
            lates += usize::from(code >= split);
        }
        for &lane in &late[..lates] {
            let block = table.block(values[usize::from(lane)].wrapping_add(1));
            prefetch(blocks.as_ptr().wrapping_add(block));
        }
        for &lane in &late[..lates] {
            let lane = usize::from(lane);
            values[lane] = table.split_value(values[lane].wrapping_add(1), addrs[lane]);
        }
    }
}

/// IPv6: level by level of the index, then the leaves.
#[inline(always)]
pub(super) fn v6(table: &V6, addrs: &[u128], values: &mut [u32], prefetch: impl Fn(*const u8)) {
    let (index, leaves): (&[u64], &[[u8; LINE_BYTES]]) = (&table.index, table.leaves.as_chunks().0);
    for (addrs, values) in addrs.chunks(LANES).zip(values.chunks_mut(LANES)) {
        let mut nodes = [0_usize; LANES];
        for level in (0..table.levels.len).rev() {
            let (start, last) = table.levels.of_level(level);
            let lanes = addrs.iter().zip(&mut nodes);
            if level > 0 {
                for (&addr, node) in lanes {
                    let net = (addr >> 64) as u64;
                    *node = v6::step::<UPPER_KEYS>(index, start, *node, last, net);
                    prefetch(table.node(level - 1, *node));
                }
            } else {
                for (&addr, node) in lanes {
                    let net = (addr >> 64) as u64;
                    *node = v6::step::<NODE_KEYS>(index, start, *node, last, net);
                    prefetch(leaves.as_ptr().wrapping_add(*node).cast());
                }
            }
        }
        for ((&addr, &node), value) in addrs.iter().zip(&nodes).zip(values) {
            let base = index.get(node).copied().unwrap_or(0);
            let code = match leaves.get(node) {
                Some(leaf) => v6::leaf_code(leaf, ((addr >> 64) as u64).wrapping_sub(base)),
                None => 0,
            };
            *value = match code >= table.shape.split {
                true => table.split_value(code, addr as u64),
                false => code.wrapping_sub(1),
            };
        }
    }
}
