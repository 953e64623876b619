//! x86-64: prefetches, POPCNT and AVX-512.

use std::arch::x86_64::*;
use std::hint::select_unpredictable;

use super::Kernel;
use super::staged::{self, LANES};
use crate::bits;
use crate::bytes::LINE_BYTES;
use crate::v4::{self, V4};
use crate::v6::{self, LEAF_HEAD, NODE_KEYS, UPPER_KEYS, V6};

/// Whether the processor has all that the AVX2 functions here use.
pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// Whether the processor has all that the AVX-512 functions here use.
pub(super) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && has_avx2()
}

/// The walk of this kernel, if it is one of these and the processor has what it needs.
pub(super) fn v4(kernel: Kernel, table: &V4, addrs: &[u32], values: &mut [u32]) -> bool {
    match kernel {
        // SAFETY: the processor has what `has_avx512` asks for, by the guard.
        Kernel::Avx512 if has_avx512() => unsafe { v4_avx512(table, addrs, values) },
        // SAFETY: the processor has what `has_avx2` asks for, by the guard.
        Kernel::Avx2 if has_avx2() => unsafe { v4_avx2(table, addrs, values) },
        _ => return false,
    }
    true
}

/// As [`v4`].
pub(super) fn v6(kernel: Kernel, table: &V6, addrs: &[u128], values: &mut [u32]) -> bool {
    match kernel {
        // SAFETY: the processor has what `has_avx512` asks for, by the guard.
        Kernel::Avx512 if has_avx512() => unsafe { v6_avx512(table, addrs, values) },
        // SAFETY: the processor has what `has_avx2` asks for, by the guard.
        Kernel::Avx2 if has_avx2() => unsafe { v6_avx2(table, addrs, values) },
        _ => return false,
    }
    true
}

#[inline(always)]
fn prefetch(bytes: *const u8) {
    // SAFETY: a prefetch of any address is a hint and reads nothing that could fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.cast()) }
}

/// Addresses of which those in split /24s are put off until all others are done: by then their
/// blocks are near.
const GROUP: usize = 128;

/// The staged walk with AVX2 and POPCNT.
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn v4_avx2(table: &V4, addrs: &[u32], values: &mut [u32]) {
    staged::v4(table, addrs, values, prefetch);
}

/// The staged walk with AVX2.
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn v6_avx2(table: &V6, addrs: &[u128], values: &mut [u32]) {
    staged::v6(table, addrs, values, prefetch);
}

/// Eight walks in a register.
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx2,popcnt,bmi1,bmi2"
)]
fn v4_avx512(table: &V4, addrs: &[u32], values: &mut [u32]) {
    let (root, bitmaps, codes): (&[u64], &[u64], &[u8]) =
        (&table.root, &table.bitmaps, &table.codes);
    if root.len() < v4::ROOT_LEN || bitmaps.is_empty() || codes.len() < bits::TAIL_BYTES {
        return v4_avx2(table, addrs, values);
    }
    let mut late = [0_u8; GROUP + 8];
    for (addrs, values) in addrs.chunks(GROUP).zip(values.chunks_mut(GROUP)) {
        let mut lates = 0;
        let (addrs8, _) = addrs.as_chunks::<8>();
        let (values8, _) = values.as_chunks_mut::<8>();
        for (number, (addrs, values)) in addrs8.iter().zip(values8).enumerate() {
            // SAFETY: `addrs` is 32 bytes long.
            let addr = unsafe { _mm256_loadu_si256(addrs.as_ptr().cast()) };
            let code = v4_codes(table, root, bitmaps, codes, addr);
            let value = _mm256_sub_epi32(code, _mm256_set1_epi32(1));
            // SAFETY: `values` is 32 bytes long.
            unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), value) };
            let split = _mm256_set1_epi32(table.shape.split.cast_signed());
            let mut splits = _mm256_cmpge_epu32_mask(code, split);
            while splits != 0 {
                let lane = splits.trailing_zeros() as usize & 7;
                splits &= splits - 1;
                late[lates] = (number * 8 + lane) as u8;
                lates += 1;
                prefetch(
                    table.blocks.as_ptr().wrapping_add(table.block(values[lane].wrapping_add(1))),
                );
            }
        }
        for &lane in &late[..lates] {
            let lane = usize::from(lane);
            values[lane] = table.split_value(values[lane].wrapping_add(1), addrs[lane]);
        }
        let done = addrs.len() & !7;
        v4_avx2(table, &addrs[done..], &mut values[done..]);
    }
}

/// The codes of eight addresses.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx2,popcnt,bmi1,bmi2"
)]
fn v4_codes(table: &V4, root: &[u64], bitmaps: &[u64], codes: &[u8], addr: __m256i) -> __m256i {
    let width = _mm512_set1_epi64(i64::from(table.shape.width));
    let mask = _mm512_set1_epi64(i64::from(bits::mask(table.shape.width)));
    let bitmaps_end = _mm512_set1_epi64(bitmaps.len() as i64 - 1);
    let codes_end = _mm512_set1_epi64((codes.len() - bits::TAIL_BYTES) as i64);
    let (low16, low24) = (_mm512_set1_epi64(0xffff), _mm512_set1_epi64(0x00ff_ffff));
    let (three, sixty_three) = (_mm512_set1_epi64(3), _mm512_set1_epi64(63));
    let (byte, counts) = (_mm512_set1_epi64(0xff), _mm512_set1_epi64(0xffff_ff00));
    let addr = _mm512_cvtepu32_epi64(addr);
    let at = _mm512_srli_epi64::<16>(addr);
    // SAFETY: `at` is below 65,536 in every lane and the root is at least as long.
    let root = unsafe { _mm512_i64gather_epi64::<8>(at, root.as_ptr().cast()) };
    let quarter = _mm512_and_si512(_mm512_srli_epi64::<14>(addr), three);
    let index = _mm512_slli_epi64::<2>(_mm512_and_si512(root, low16));
    let index = _mm512_min_epu64(_mm512_or_si512(index, quarter), bitmaps_end);
    // SAFETY: `index` is below the length in every lane.
    let word = unsafe { _mm512_i64gather_epi64::<8>(index, bitmaps.as_ptr().cast()) };
    let net = _mm512_and_si512(_mm512_srli_epi64::<8>(addr), sixty_three);
    let upto = _mm512_sllv_epi64(word, _mm512_xor_si512(net, sixty_three));
    let rank = _mm512_popcnt_epi64(upto);
    let before = _mm512_and_si512(_mm512_srli_epi64::<32>(root), counts);
    let before = _mm512_srlv_epi64(before, _mm512_slli_epi64::<3>(quarter));
    let before = _mm512_and_si512(before, byte);
    let first = _mm512_and_si512(_mm512_srli_epi64::<16>(root), low24);
    let index = _mm512_add_epi64(first, _mm512_add_epi64(before, rank));
    let bit = _mm512_mullo_epi64(index, width);
    let at = _mm512_min_epu64(_mm512_srli_epi64::<3>(bit), codes_end);
    // SAFETY: eight bytes from `at` are inside in every lane.
    let word = unsafe { _mm512_i64gather_epi64::<1>(at, codes.as_ptr().cast()) };
    let shift = _mm512_and_si512(bit, _mm512_set1_epi64(7));
    _mm512_cvtepi64_epi32(_mm512_and_si512(_mm512_srlv_epi64(word, shift), mask))
}

/// Bytes of a level that stays in the first-level cache, whose nodes need not be fetched ahead.
const NEAR_BYTES: usize = 16 << 10;

/// The walk down the index, eight keys in a comparison, then the leaves, a line in one register.
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx2,popcnt,bmi1,bmi2"
)]
fn v6_avx512(table: &V6, addrs: &[u128], values: &mut [u32]) {
    let (index, leaves): (&[u64], &[[u8; LINE_BYTES]]) = (&table.index, table.leaves.as_chunks().0);
    for (addrs, values) in addrs.chunks(LANES).zip(values.chunks_mut(LANES)) {
        let mut nodes = [0_usize; LANES];
        for level in (1..table.levels.len).rev() {
            let (start, last) = table.levels.of_level(level);
            let far = table.levels.counts[level - 1] * 8 > NEAR_BYTES;
            for (&addr, node) in addrs.iter().zip(&mut nodes) {
                let net = (addr >> 64) as u64;
                *node = v6_step::<UPPER_KEYS>(index, start, *node, last, net);
                if far {
                    let next = table.node(level - 1, *node);
                    prefetch(next);
                    prefetch(next.wrapping_add(LINE_BYTES));
                }
            }
        }
        let (start, last) = table.levels.of_level(0);
        for (&addr, node) in addrs.iter().zip(&mut nodes) {
            let net = (addr >> 64) as u64;
            *node = v6_step::<NODE_KEYS>(index, start, *node, last, net);
            prefetch(leaves.as_ptr().wrapping_add(*node).cast());
        }
        for ((&addr, &node), value) in addrs.iter().zip(&nodes).zip(values) {
            let base = index.get(node).copied().unwrap_or(0);
            let code = match leaves.get(node) {
                Some(leaf) => v6_leaf(leaf, ((addr >> 64) as u64).wrapping_sub(base)),
                None => 0,
            };
            *value = match code >= table.shape.split {
                true => table.split_value(code, addr as u64),
                false => code.wrapping_sub(1),
            };
        }
    }
}

/// [`v6::step`], eight keys in a comparison.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx2,popcnt,bmi1,bmi2"
)]
fn v6_step<const KEYS: usize>(
    index: &[u64],
    start: usize,
    node: usize,
    last: usize,
    net: u64,
) -> usize {
    let net = _mm512_set1_epi64(net.cast_signed());
    let mut upto = 1;
    if let Some(keys) = index.as_chunks::<KEYS>().0.get(start / KEYS + node) {
        let mut mask = 0;
        for (number, keys) in keys.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: eight keys are 64 bytes.
            let keys = unsafe { _mm512_loadu_si512(keys.as_ptr().cast()) };
            mask |= u32::from(_mm512_cmple_epu64_mask(keys, net)) << (8 * number);
        }
        upto = mask.count_ones() as usize;
    }
    (node * KEYS + upto).saturating_sub(1).min(last)
}

/// [`v6::leaf_code`]: all keys of a leaf compared at once, whatever their width.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx2,popcnt,bmi1,bmi2"
)]
fn v6_leaf(leaf: &[u8; LINE_BYTES], distance: u64) -> u32 {
    let [shift, keys, key_bytes, ..] = *leaf;
    let distance = distance >> (shift & 63);
    let highest = u64::MAX >> (64_u32.wrapping_sub(8 * u32::from(key_bytes)) & 63);
    let distance = select_unpredictable(distance < highest, distance, highest);
    // The distance in every place of a word, whatever a key's width.
    let (one, two) = (key_bytes == 1, key_bytes == 2);
    let places = select_unpredictable(two, 0x0001_0001_0001_0001_u64, 0x0000_0001_0000_0001);
    let places = select_unpredictable(one, 0x0101_0101_0101_0101, places);
    let distance = _mm512_set1_epi64(distance.wrapping_mul(places).cast_signed());
    // SAFETY: a leaf is 64 bytes long.
    let line = unsafe { _mm512_loadu_si512(leaf.as_ptr().cast()) };
    let bytes = _mm512_cmple_epu8_mask(line, distance) >> LEAF_HEAD;
    let words = u64::from(_mm512_cmple_epu16_mask(line, distance) >> (LEAF_HEAD / 2));
    let doubles = u64::from(_mm512_cmple_epu32_mask(line, distance) >> (LEAF_HEAD / 4));
    let upto = select_unpredictable(two, words, doubles);
    let upto = select_unpredictable(one, bytes, upto);
    let before = _bzhi_u64(upto, u32::from(keys)).count_ones();
    v6::leaf_field(leaf, before)
}
