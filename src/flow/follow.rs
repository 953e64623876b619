//! The two directions of one TCP flow put back in order, for a person to read.
//!
//! The same reassembly as in the flow table ([`Stream`](super::stream)), without its states and
//! counts: what came first stays, a hole is closed once the other side acknowledged what lies
//! behind it. Segments go in as they were captured; bytes come out in the order of the stream.

use super::stream::{Chunk, Reader, Stream, delta};
use super::{Pair, Side};
use crate::wire::Tcp;

/// Bytes of both directions that wait behind holes.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// A stretch of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes.
    Bytes(&'a [u8]),
    /// So many bytes were sent and are not there.
    Missing(u32),
}

/// A flow being followed.
#[derive(Default)]
pub struct Follow {
    ends: Pair<End>,
    waiting_bytes: usize,
    /// Sides that acknowledged data: a hole of the other side can then be told from one that is
    /// still filled.
    acked: Pair<bool>,
}

#[derive(Default)]
struct End {
    stream: Stream,
    /// One before the first byte; `None`: nothing is known of it yet.
    base: Option<u32>,
    /// One behind the last byte, once the side has said that it ends: the FIN itself takes a
    /// number that no byte has.
    end: Option<u32>,
}

impl Follow {
    /// Takes a segment of a side, `payload_bytes` long on the wire; gives what now continues
    /// either direction.
    pub fn segment(
        &mut self,
        side: Side,
        tcp: &Tcp,
        (payload, payload_bytes): (&[u8], u32),
        deliver: &mut dyn FnMut(Side, Piece<'_>),
    ) {
        let is_syn = tcp.has(Tcp::SYN);
        // Without a SYN the first byte that is seen is the first byte.
        let before = if is_syn { tcp.seq } else { tcp.seq.wrapping_sub(1) };
        let base = *self.ends[side].base.get_or_insert(before);
        if tcp.has(Tcp::ACK) {
            let other = &mut self.ends[side.other()];
            let other_base = *other.base.get_or_insert(tcp.ack.wrapping_sub(1));
            self.acked[side] = true;
            let ack = tcp.ack.wrapping_sub(other_base);
            let ack = other.end.filter(|end| delta(ack, *end) > 0).unwrap_or(ack);
            let mut give = |chunk: Chunk<'_>| give(side.other(), chunk, deliver);
            other.stream.ack(ack, &mut reader(&mut self.waiting_bytes, Ends::Both, &mut give));
        }
        let first = if is_syn { tcp.seq.wrapping_add(1) } else { tcp.seq };
        let first = first.wrapping_sub(base);
        if tcp.has(Tcp::FIN) {
            self.ends[side].end = Some(first.wrapping_add(payload_bytes));
        }
        if payload.is_empty() {
            return;
        }
        let ends = if self.acked[side.other()] { Ends::Both } else { Ends::One };
        let mut give = |chunk: Chunk<'_>| give(side, chunk, deliver);
        let mut reader = reader(&mut self.waiting_bytes, ends, &mut give);
        self.ends[side].stream.data(first, payload, &mut reader);
    }

    /// Nothing more comes: gives what waits, with its holes.
    pub fn finish(&mut self, deliver: &mut dyn FnMut(Side, Piece<'_>)) {
        for side in Side::BOTH {
            let mut give = |chunk: Chunk<'_>| give(side, chunk, deliver);
            let stream = &mut self.ends[side].stream;
            let upper = stream.upper();
            stream.ack(upper, &mut reader(&mut self.waiting_bytes, Ends::Both, &mut give));
        }
    }
}

/// Whether both ends were heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    One,
}

fn reader<'a>(
    waiting_bytes: &'a mut usize,
    ends: Ends,
    deliver: &'a mut dyn FnMut(Chunk<'_>),
) -> Reader<'a> {
    Reader {
        is_one_way: ends == Ends::One,
        is_partial: false,
        wants_bytes: true,
        waiting_bytes,
        waiting_bytes_max: WAITING_BYTES_MAX,
        deliver,
    }
}

fn give(side: Side, chunk: Chunk<'_>, deliver: &mut dyn FnMut(Side, Piece<'_>)) {
    match chunk {
        Chunk::Bytes(bytes) => deliver(side, Piece::Bytes(bytes)),
        Chunk::Lost(count) | Chunk::Unkept(count) => deliver(side, Piece::Missing(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment: side, flags, sequence, acknowledgement, text.
    type Step = (Side, u8, u32, u32, &'static str);

    fn run(steps: &[Step]) -> String {
        let mut said = String::new();
        let mut follow = Follow::default();
        let mut deliver = |side: Side, piece: Piece<'_>| {
            said.push(if side == Side::Originator { '>' } else { '<' });
            match piece {
                Piece::Bytes(bytes) => said.push_str(std::str::from_utf8(bytes).unwrap()),
                Piece::Missing(count) => said.push_str(&format!("[{count}]")),
            }
        };
        for &(side, flags, seq, ack, text) in steps {
            let tcp = Tcp { flags, seq, ack, ..Tcp::default() };
            let payload = (text.as_bytes(), u32::try_from(text.len()).unwrap());
            follow.segment(side, &tcp, payload, &mut deliver);
        }
        follow.finish(&mut deliver);
        said
    }

    const ACK: u8 = Tcp::ACK;
    const SYN: u8 = Tcp::SYN;
    use Side::{Originator as O, Responder as R};

    #[test]
    fn both_directions_come_in_order_and_holes_are_told() {
        let hands = [(O, SYN, u32::MAX, 0, ""), (R, SYN | ACK, 99, 0, "")];
        let talk = [
            (O, ACK, 0, 100, "GET "),
            (O, ACK, 6, 100, "x"),
            (O, ACK, 4, 100, "/ "),
            (R, ACK, 100, 7, "ok"),
            (R, ACK, 106, 7, "end"),
            (O, ACK, 7, 109, ""),
        ];
        let steps: Vec<Step> = hands.into_iter().chain(talk).collect();
        assert_eq!(run(&steps), ">GET >/ >x<ok<[4]<end");
        assert_eq!(run(&talk), ">GET >/ >x<ok<[4]<end", "the same without a handshake");
    }

    #[test]
    fn an_end_is_no_byte_and_neither_is_a_beginning() {
        let fin = Tcp::FIN | ACK;
        let steps = [
            (O, SYN, 10, 0, ""),
            (R, SYN | ACK, 50, 11, ""),
            (O, fin, 11, 51, "bye"),
            (R, ACK, 51, 15, ""),
            (R, fin, 51, 15, ""),
            (O, ACK, 15, 52, ""),
        ];
        assert_eq!(run(&steps), ">bye");
    }

    #[test]
    fn what_is_sent_twice_is_read_once_and_what_waits_comes_at_the_end() {
        let steps = [(O, ACK, 1, 1, "abc"), (O, ACK, 1, 1, "abcd"), (O, ACK, 9, 1, "late")];
        assert_eq!(run(&steps), ">abc>d>[4]>late");
    }
}
