//! One direction of a TCP flow put back in order, with bounded memory.
//!
//! Data go on at once when they continue what was delivered; what comes too early waits. A hole
//! stays open until the other side acknowledges bytes behind it: then the sender did send them and
//! the capture lost them, so a gap goes on and reading continues behind it (Zeek does the same).
//! Sequence numbers here are relative, 1 is the first byte after the SYN, and wrap with TCP's.
//!
//! **Overlaps**: the bytes that came first stay; later ones fill only what is missing, as in Zeek.
//! Systems differ here (Ptacek & Newsham 1998); the flow's history shows `t` for retransmissions.

/// Bytes of one direction that wait behind a hole. A window of 256 KiB covers 20 Mbit/s at 100 ms;
/// beyond it the extent is remembered and the content is not.
pub const WAITING_BYTES_MAX: usize = 256 << 10;

/// Pieces of one direction that wait behind holes; beyond it the first hole is given up.
pub const WAITING_PIECES_MAX: usize = 128;

/// Without any acknowledgement, bytes behind a hole after which the hole is given up: this is a
/// capture of one direction (Zeek's `tcp_max_above_hole_without_any_acks`).
pub const ONE_WAY_BYTES_MAX: u32 = 16_384;

/// A stretch of the stream, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    /// The next bytes.
    Bytes(&'a [u8]),
    /// So many bytes were sent and are not in the capture.
    Lost(u32),
    /// So many bytes were in the capture but beyond our limits, or cannot be told from lost.
    Unkept(u32),
}

/// A piece that waits.
#[derive(Debug)]
struct Piece {
    start: u32,
    end: u32,
    /// Empty if only the extent is kept.
    data: Vec<u8>,
}

/// What the caller lends for one step.
pub(super) struct Reader<'a> {
    /// Whether the other side never acknowledged any data.
    pub(super) is_one_way: bool,
    /// Whether the flow began without a SYN.
    pub(super) is_partial: bool,
    /// Whether anyone listens: else only extents are kept.
    pub(super) wants_bytes: bool,
    /// Bytes that wait in all flows of the shard, and their limit.
    pub(super) waiting_bytes: &'a mut usize,
    /// The limit for `waiting_bytes`.
    pub(super) waiting_bytes_max: usize,
    /// Takes each stretch.
    pub(super) deliver: &'a mut dyn FnMut(Chunk<'_>),
}

/// One direction.
#[derive(Debug)]
pub(super) struct Stream {
    /// The next byte to deliver.
    next: u32,
    /// Up to here the other side acknowledged.
    acked: u32,
    /// One behind the last byte that came.
    upper: u32,
    /// A hole was given up: what follows says nothing about losses.
    is_guessing: bool,
    /// Sorted, apart, all behind `next`.
    #[expect(clippy::box_collection, reason = "rarely there: 8 bytes in each flow, not 24")]
    waiting: Option<Box<Vec<Piece>>>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { next: 1, acked: 1, upper: 1, is_guessing: false, waiting: None }
    }
}

/// How far `seq` lies behind `base`, negative if before it (RFC 9293 §3.4 arithmetic).
pub(super) const fn delta(seq: u32, base: u32) -> i32 {
    seq.wrapping_sub(base).cast_signed()
}

impl Stream {
    /// The next byte to deliver.
    pub(super) const fn next(&self) -> u32 {
        self.next
    }

    /// One behind the last byte that came.
    pub(super) const fn upper(&self) -> u32 {
        self.upper
    }

    /// Whether bytes came that were not acknowledged.
    pub(super) fn has_unacked(&self) -> bool {
        delta(self.upper, self.acked) > 0
    }

    /// A hole was given up, so nothing is pending for certain.
    pub(super) const fn is_guessing(&self) -> bool {
        self.is_guessing
    }

    /// Takes a segment's captured bytes.
    #[inline]
    pub(super) fn data(&mut self, seq: u32, data: &[u8], reader: &mut Reader<'_>) {
        let skip = u32::try_from(delta(self.acked, seq)).unwrap_or(0);
        let Some(data) = data.get(skip as usize..).filter(|data| !data.is_empty()) else { return };
        let start = seq.wrapping_add(skip);
        let Ok(length) = u32::try_from(data.len()) else { return };
        let end = start.wrapping_add(length);
        if delta(end, self.upper) > 0 {
            self.upper = end;
        }
        if delta(start, self.next) <= 0 {
            self.go_on(end, data, reader);
            if reader.is_one_way && delta(self.next, 1) > ONE_WAY_BYTES_MAX.cast_signed() {
                self.acked = self.next;
            }
            return;
        }
        self.fit_in(start, end, data, reader);
        self.drain(reader);
        let pieces = self.waiting.as_ref().map_or(0, |waiting| waiting.len());
        let is_blind =
            reader.is_one_way && delta(self.upper, self.next) > ONE_WAY_BYTES_MAX.cast_signed();
        if pieces > WAITING_PIECES_MAX || (is_blind && pieces > 0) {
            self.give_up_hole(reader);
        }
    }

    /// Delivers bytes that end at `end` and continue what was delivered, around pieces that waited.
    fn go_on(&mut self, end: u32, data: &[u8], reader: &mut Reader<'_>) {
        while delta(end, self.next) > 0 {
            let first = self.waiting.as_ref().and_then(|waiting| waiting.first());
            let stop = first
                .map(|piece| piece.start)
                .filter(|&start| delta(start, end) < 0)
                .unwrap_or(end);
            let from = data.len().saturating_sub(end.wrapping_sub(self.next) as usize);
            let to = data.len().saturating_sub(end.wrapping_sub(stop) as usize);
            self.next = stop;
            if let Some(bytes) = data.get(from..to).filter(|_| reader.wants_bytes) {
                (reader.deliver)(Chunk::Bytes(bytes));
            }
            self.drain(reader);
        }
    }

    /// The other side acknowledged everything before `ack`.
    #[inline]
    pub(super) fn ack(&mut self, ack: u32, reader: &mut Reader<'_>) {
        if delta(ack, self.acked) <= 0 {
            return;
        }
        self.acked = ack;
        if delta(ack, self.next) <= 0 {
            return;
        }
        if reader.is_partial && self.next == 1 && ack == 2 {
            // The first byte of a flow whose SYN we missed: a keep-alive, not a loss.
            self.next = 2;
        } else {
            self.close_holes(ack, reader);
        }
        self.drain(reader);
    }

    /// Bytes that wait, to be given back to the shard when the flow ends.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().flat_map(|waiting| waiting.iter()).map(|piece| piece.data.len()).sum()
    }

    /// Delivers all before `ack`, holes as lost.
    fn close_holes(&mut self, ack: u32, reader: &mut Reader<'_>) {
        while delta(ack, self.next) > 0 {
            let hole_end =
                self.waiting.as_ref().and_then(|waiting| waiting.first()).map_or(ack, |piece| {
                    if delta(piece.start, ack) < 0 { piece.start } else { ack }
                });
            let length = hole_end.wrapping_sub(self.next);
            if length > 0 {
                self.next = hole_end;
                let is_known = !self.is_guessing;
                (reader.deliver)(if is_known {
                    Chunk::Lost(length)
                } else {
                    Chunk::Unkept(length)
                });
            }
            self.drain(reader);
        }
    }

    /// Jumps to the first piece that waits.
    fn give_up_hole(&mut self, reader: &mut Reader<'_>) {
        let Some(start) = self.waiting.as_ref().and_then(|waiting| Some(waiting.first()?.start))
        else {
            return;
        };
        self.is_guessing = true;
        (reader.deliver)(Chunk::Unkept(start.wrapping_sub(self.next)));
        self.next = start;
        self.drain(reader);
    }

    /// Delivers what continues.
    fn drain(&mut self, reader: &mut Reader<'_>) {
        let Some(waiting) = self.waiting.as_mut() else { return };
        let mut done = 0;
        for piece in waiting.iter() {
            if delta(piece.start, self.next) > 0 {
                break;
            }
            done += 1;
            *reader.waiting_bytes = reader.waiting_bytes.saturating_sub(piece.data.len());
            let Ok(skip) = u32::try_from(delta(self.next, piece.start)) else { continue };
            if delta(piece.end, self.next) <= 0 {
                continue;
            }
            let length = piece.end.wrapping_sub(self.next);
            self.next = piece.end;
            match piece.data.get(skip as usize..).filter(|data| !data.is_empty()) {
                Some(data) => (reader.deliver)(Chunk::Bytes(data)),
                None => (reader.deliver)(Chunk::Unkept(length)),
            }
        }
        waiting.drain(..done);
        if waiting.is_empty() {
            self.waiting = None;
        }
    }

    /// Puts a piece among those that wait; where they overlap the older bytes stay.
    fn fit_in(&mut self, start: u32, end: u32, data: &[u8], reader: &mut Reader<'_>) {
        let base = self.next;
        let far = |seq: u32| delta(seq, base);
        let waiting = self.waiting.get_or_insert_default();
        let mut at = if far(start) < 0 { base } else { start };
        let mut index = waiting.partition_point(|piece| far(piece.end) <= far(at));
        while far(at) < far(end) {
            let piece_end = match waiting.get(index) {
                Some(piece) if far(piece.start) <= far(at) => {
                    at = piece.end;
                    index += 1;
                    continue;
                }
                Some(piece) if far(piece.start) < far(end) => piece.start,
                _ => end,
            };
            let from = at.wrapping_sub(start) as usize;
            let to = piece_end.wrapping_sub(start) as usize;
            let bytes = data.get(from..to).unwrap_or_default();
            let own_bytes: usize = waiting.iter().map(|piece| piece.data.len()).sum();
            let has_room = own_bytes + bytes.len() <= WAITING_BYTES_MAX
                && *reader.waiting_bytes + bytes.len() <= reader.waiting_bytes_max;
            let kept = if reader.wants_bytes && has_room { bytes.to_vec() } else { Vec::new() };
            *reader.waiting_bytes += kept.len();
            waiting.insert(index, Piece { start: at, end: piece_end, data: kept });
            index += 1;
            at = piece_end;
        }
        if waiting.is_empty() {
            self.waiting = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What came out, lost bytes as `.`, unkept ones as `?`.
    fn run(steps: &[Step]) -> String {
        let (mut out, mut waiting_bytes) = (String::new(), 0);
        let mut stream = Stream::default();
        for step in steps {
            let mut deliver = |chunk: Chunk<'_>| match chunk {
                Chunk::Bytes(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
                Chunk::Lost(count) => out.push_str(&".".repeat(count as usize)),
                Chunk::Unkept(count) => out.push_str(&"?".repeat(count as usize)),
            };
            let mut reader = Reader {
                is_one_way: false,
                is_partial: false,
                wants_bytes: true,
                waiting_bytes: &mut waiting_bytes,
                waiting_bytes_max: 10_000,
                deliver: &mut deliver,
            };
            match step {
                Step::Data(at, text) => stream.data(*at, text.as_bytes(), &mut reader),
                Step::Ack(at) => stream.ack(*at, &mut reader),
            }
        }
        assert_eq!(waiting_bytes, stream.waiting_bytes());
        out
    }

    #[derive(Clone, Debug)]
    enum Step {
        Data(u32, String),
        Ack(u32),
    }

    fn data(at: u32, text: &str) -> Step {
        Step::Data(at, text.to_owned())
    }

    #[test]
    fn what_came_first_stays() {
        assert_eq!(run(&[data(1, "abc"), data(4, "def")]), "abcdef");
        assert_eq!(run(&[data(4, "def"), data(1, "abc")]), "abcdef");
        assert_eq!(run(&[data(3, "CD"), data(1, "abcdef")]), "abCDef");
        assert_eq!(run(&[data(1, "abcd"), data(3, "XYef")]), "abcdef");
        assert_eq!(run(&[data(1, "ab"), data(5, "ef"), Step::Ack(7)]), "ab..ef");
        assert_eq!(run(&[data(1, "ab"), Step::Ack(9), data(5, "ef"), data(9, "ij")]), "ab......ij");
        assert_eq!(run(&[data(5, "ef"), Step::Ack(3), data(3, "cd")]), "..cdef");
    }

    #[test]
    fn pieces_have_a_limit() {
        let scattered = |count: usize| -> Vec<Step> {
            (0..count).map(|number| data(2 + 2 * u32::try_from(number).unwrap(), "x")).collect()
        };
        assert_eq!(run(&scattered(WAITING_PIECES_MAX)), "");
        assert_eq!(run(&scattered(WAITING_PIECES_MAX + 1)), "?x", "the first hole is given up");
    }

    #[test]
    fn content_has_a_limit_and_its_extent_stays() {
        let (kept, above) = ("k".repeat(9_999), "aa");
        let out = run(&[data(2, &kept), data(10_001, above), data(1, ".")]);
        assert_eq!(out, format!(".{kept}??"));
        let out = run(&[data(2, &kept), data(10_001, "a"), data(1, ".")]);
        assert_eq!(out, format!(".{kept}a"));
    }

    proptest! {
        /// However segments of one text are cut, ordered and repeated: what comes out is the text.
        #[test]
        fn any_order_gives_the_text(
            cuts in prop::collection::vec((0_usize..200, 1_usize..40), 1..60),
            acks in prop::collection::vec(1_u32..200, 0..4),
        ) {
            let text: String = (0..240_u32).map(|n| char::from_u32(97 + n % 26).unwrap()).collect();
            let part = |from: usize, to: usize| text.get(from..to).unwrap();
            let mut steps: Vec<Step> = cuts
                .iter()
                .map(|&(at, len)| data(u32::try_from(at).unwrap() + 1, part(at, at + len)))
                .collect();
            let out = run(&steps);
            prop_assert_eq!(&out, part(0, out.len()));
            for (at, ack) in acks.iter().enumerate() {
                steps.insert((at * 7).min(steps.len()), Step::Ack(*ack));
            }
            for (ours, theirs) in run(&steps).chars().zip(text.chars()) {
                prop_assert!(ours == theirs || ours == '.');
            }
        }
    }
}
