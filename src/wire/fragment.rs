//! Puts fragments together (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! **Overlap**: the bytes that came first win, as Zeek and BSD have it; differing overlaps are
//! reported, since an evader relies on the victim doing otherwise (Ptacek & Newsham 1998).
//! **Bounds**: datagrams, bytes and age; the oldest datagram is given up first, and counted. Age
//! counts in time of packets, so that a replay forgets exactly what the live capture forgot.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::model::{Addr, Timestamp};

use super::fault::Fault;
use super::ip::{Fragment, Ip};

/// Datagrams being put together at once.
pub const DATAGRAMS_MAX: usize = 4_096;

/// Bytes held for them, with the cost of each piece: 512 datagrams of the largest size.
pub const FRAGMENT_BYTES_MAX: usize = 32 << 20;

/// How long the rest of a datagram may take: the 60 seconds of RFC 8200 §4.5.
pub const FRAGMENT_AGE_NANOS_MAX: u64 = 60_000_000_000;

/// Bytes of a whole datagram's payload: the length field has 16 bits.
pub const DATAGRAM_BYTES_MAX: u32 = 65_535;

/// Frames remembered for one datagram: it has at most one piece for each 8 bytes.
const DATAGRAM_FRAMES_MAX: usize = 8_192;

/// What remembering a frame costs.
const FRAME_COST_BYTES: usize = 8;

/// What keeping one piece costs beside its bytes.
const PIECE_COST_BYTES: usize = 64;

/// Which datagram a fragment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) id: u32,
    pub(super) proto: u8,
    pub(super) depth: u8,
    pub(super) vlans: [u16; 2],
}

#[derive(Debug)]
struct Datagram {
    /// Its place in `by_age`.
    order: u64,
    first_ts: Timestamp,
    /// Payload bytes of the whole, once the last fragment has come.
    total: Option<u32>,
    /// By offset; they never overlap.
    pieces: BTreeMap<u32, Box<[u8]>>,
    /// The frames that brought them, in order.
    frames: Vec<u64>,
    held_bytes: u32,
    cost_bytes: usize,
    /// Of the fragments' IP headers, the longest.
    header_bytes: u32,
}

/// When and in which frames a fragment came; several if what carries it was itself in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) ts: Timestamp,
    pub(super) frame_index: u64,
    pub(super) earlier_frames: &'a [u64],
}

/// A datagram that is whole again.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) payload: Vec<u8>,
    pub(super) header_bytes: u32,
    /// The frames that brought it, in order, the last one too.
    pub(super) frames: Vec<u64>,
}

/// Fragments that wait for the rest of their datagram.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    datagrams: HashMap<Key, Datagram>,
    by_age: BTreeMap<u64, Key>,
    next_order: u64,
    cost_bytes: usize,
}

const INCOMPLETE: Fault = Fault::Note("IP fragments never became a whole packet; they are dropped");

impl Fragments {
    /// Takes a fragment; gives the datagram if it is the one that was missing.
    pub(super) fn add(
        &mut self,
        key: Key,
        fragment: Fragment,
        ip: &Ip<'_>,
        seen: &Seen<'_>,
        fault: &mut dyn FnMut(Fault),
    ) -> Option<Whole> {
        self.forget_old(seen.ts, fault);
        let bytes = u32::try_from(ip.payload.len()).unwrap_or(u32::MAX);
        let Some(end) = fragment.offset.checked_add(bytes).filter(|&end| end <= DATAGRAM_BYTES_MAX)
        else {
            fault(Fault::Wrong {
                what: "end of an IP fragment",
                found: u64::from(fragment.offset) + u64::from(bytes),
                right: "at most 65,535 would be right; it is dropped",
            });
            return None;
        };
        let order = self.next_order;
        let datagram = self.datagrams.entry(key).or_insert_with(|| Datagram {
            order,
            first_ts: seen.ts,
            total: None,
            pieces: BTreeMap::new(),
            frames: Vec::new(),
            held_bytes: 0,
            cost_bytes: 0,
            header_bytes: 0,
        });
        if datagram.order == order {
            self.next_order += 1;
            self.by_age.insert(order, key);
        }
        datagram.header_bytes =
            datagram.header_bytes.max(ip.ip_bytes.saturating_sub(ip.payload_bytes));
        if fragment.is_last && datagram.total.is_none() {
            datagram.total = Some(end);
        }
        let cost_before = datagram.cost_bytes;
        if datagram.insert(fragment.offset, ip.payload) == Overlap::Differs {
            fault(Fault::Note("IP fragments overlap with other content; the first is kept"));
        }
        datagram.brought_by(seen);
        self.cost_bytes += datagram.cost_bytes - cost_before;
        if let Some(total) = datagram.total.filter(|&total| datagram.held_bytes >= total) {
            let datagram = self.remove(key)?;
            return Some(datagram.join(total));
        }
        while self.datagrams.len() > DATAGRAMS_MAX || self.cost_bytes > FRAGMENT_BYTES_MAX {
            let Some((_, oldest)) = self.by_age.first_key_value() else { break };
            self.remove(*oldest);
            fault(Fault::Note("too many IP fragments wait for their rest; the oldest are dropped"));
        }
        None
    }

    /// Gives up what waits too long. A clock that jumps back makes nothing old.
    fn forget_old(&mut self, now: Timestamp, fault: &mut dyn FnMut(Fault)) {
        while let Some((_, &key)) = self.by_age.first_key_value() {
            let is_old = self
                .datagrams
                .get(&key)
                .is_none_or(|oldest| now.nanos_since(oldest.first_ts) > FRAGMENT_AGE_NANOS_MAX);
            if !is_old {
                break;
            }
            self.remove(key);
            fault(INCOMPLETE);
        }
    }

    /// Gives up everything: the capture has ended.
    pub(super) fn finish(&mut self, fault: &mut dyn FnMut(Fault)) {
        while let Some((_, key)) = self.by_age.pop_first() {
            self.remove(key);
            fault(INCOMPLETE);
        }
    }

    fn remove(&mut self, key: Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&key)?;
        self.by_age.remove(&datagram.order);
        self.cost_bytes -= datagram.cost_bytes;
        Some(datagram)
    }
}

/// What was found where a new piece overlaps old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    NoneOrSame,
    Differs,
}

impl Datagram {
    /// Fills the gaps between the pieces that are there with the bytes of a new one.
    fn insert(&mut self, offset: u32, bytes: &[u8]) -> Overlap {
        let end = offset + u32::try_from(bytes.len()).unwrap_or(0);
        let part = |from: u32, to: u32| {
            bytes.get((from - offset) as usize..(to - offset) as usize).unwrap_or_default()
        };
        let (mut at, mut gaps, mut overlap) = (offset, Vec::new(), Overlap::NoneOrSame);
        let before = self.pieces.range(..=offset).next_back();
        let after = self.pieces.range(offset + 1..end.max(offset + 1));
        for (&start, piece) in before.into_iter().chain(after) {
            let piece_end = start + u32::try_from(piece.len()).unwrap_or(0);
            let (from, to) = (start.max(offset), piece_end.min(end));
            if from < to {
                let old = piece.get((from - start) as usize..(to - start) as usize);
                if old != Some(part(from, to)) {
                    overlap = Overlap::Differs;
                }
            }
            if at < start {
                gaps.push((at, start.min(end)));
            }
            at = at.max(piece_end);
        }
        if at < end {
            gaps.push((at, end));
        }
        for (from, to) in gaps {
            let piece: Box<[u8]> = part(from, to).into();
            self.held_bytes += to - from;
            self.cost_bytes += piece.len() + PIECE_COST_BYTES;
            self.pieces.insert(from, piece);
        }
        overlap
    }

    fn brought_by(&mut self, seen: &Seen<'_>) {
        for &frame in seen.earlier_frames.iter().chain([&seen.frame_index]) {
            if self.frames.len() < DATAGRAM_FRAMES_MAX && self.frames.last() != Some(&frame) {
                self.frames.push(frame);
                self.cost_bytes += FRAME_COST_BYTES;
            }
        }
    }

    /// The first `total` bytes of all pieces.
    fn join(self, total: u32) -> Whole {
        let mut payload = Vec::with_capacity(total as usize);
        for piece in self.pieces.values() {
            payload.extend_from_slice(piece);
        }
        payload.truncate(total as usize);
        Whole { payload, header_bytes: self.header_bytes, frames: self.frames }
    }
}
