//! What both sides said, in the order in which it was said.

use super::STREAM_BYTES_MAX;
use crate::flow::{Follow, Piece, Side};
use crate::wire::{Packet, Transport};

/// Bytes of a row of text: lines that are longer go on in the next row.
const TEXT_ROW_BYTES: usize = 120;

/// Bytes of a row of hex.
const HEX_ROW_BYTES: usize = 16;

/// The payload of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamView {
    /// The bytes of both sides, one after the other as they came.
    pub bytes: Vec<u8>,
    /// As lines of text.
    pub text: Vec<StreamRow>,
    /// As rows of 16 bytes.
    pub hex: Vec<StreamRow>,
    /// How many bytes there are in all; more than `bytes.len()` where it was cut.
    pub total_bytes: u64,
}

/// A row of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// Who said it.
    pub side: Side,
    /// Whether a side begins to speak with it.
    pub begins: bool,
    /// The bytes, as a range in [`StreamView::bytes`].
    pub from: u32,
    /// Their end.
    pub to: u32,
    /// So many bytes are missing here; then there is nothing else in the row.
    pub missing: u32,
}

impl StreamView {
    pub(super) fn builder() -> Builder {
        Builder::default()
    }

    /// The bytes of a row.
    pub fn row(&self, row: &StreamRow) -> &[u8] {
        self.bytes.get(row.from as usize..row.to as usize).unwrap_or_default()
    }

    /// Whether there is more than is shown.
    pub fn is_cut(&self) -> bool {
        self.total_bytes > self.bytes.len() as u64
    }
}

/// What one side said without a break: a row without its `begins`.
#[derive(Default)]
pub(super) struct Builder {
    follow: Follow,
    parts: Parts,
}

#[derive(Default)]
struct Parts {
    bytes: Vec<u8>,
    turns: Vec<StreamRow>,
    total_bytes: u64,
}

/// Whether bytes go on where the ones before ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stream,
    Datagram,
}

impl Builder {
    pub(super) fn packet(&mut self, side: Side, packet: &Packet<'_>) {
        let parts = &mut self.parts;
        match packet.transport {
            Transport::Tcp(tcp) => {
                let mut deliver = |side: Side, piece: Piece<'_>| parts.piece(side, piece);
                let payload = (packet.payload, packet.payload_bytes);
                self.follow.segment(side, &tcp, payload, &mut deliver);
            }
            _ => {
                parts.add(side, packet.payload, Kind::Datagram);
                let captured = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
                parts.miss(side, packet.payload_bytes.saturating_sub(captured));
            }
        }
    }

    pub(super) fn finish(mut self) -> StreamView {
        let parts = &mut self.parts;
        self.follow.finish(&mut |side, piece| parts.piece(side, piece));
        let Parts { bytes, turns, total_bytes } = self.parts;
        let rows = |end: fn(&[u8]) -> usize| {
            let mut rows: Vec<StreamRow> = Vec::new();
            for turn in &turns {
                split(turn, &bytes, end, &mut rows);
            }
            rows
        };
        let (text, hex) = (rows(text_end), rows(|rest| rest.len().min(HEX_ROW_BYTES)));
        StreamView { text, hex, bytes, total_bytes }
    }
}

impl Parts {
    fn piece(&mut self, side: Side, piece: Piece<'_>) {
        match piece {
            Piece::Bytes(bytes) => self.add(side, bytes, Kind::Stream),
            Piece::Missing(count) => self.miss(side, count),
        }
    }

    fn add(&mut self, side: Side, bytes: &[u8], kind: Kind) {
        self.total_bytes += bytes.len() as u64;
        let room = STREAM_BYTES_MAX - self.bytes.len();
        let bytes = bytes.get(..room).unwrap_or(bytes);
        if bytes.is_empty() {
            return;
        }
        let from = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        let to = self.bytes.len() as u32;
        let goes_on = |turn: &StreamRow| turn.side == side && turn.missing == 0;
        match self.turns.last_mut().filter(|turn| kind == Kind::Stream && goes_on(turn)) {
            Some(turn) => turn.to = to,
            None => self.turns.push(StreamRow { side, begins: true, from, to, missing: 0 }),
        }
    }

    fn miss(&mut self, side: Side, missing: u32) {
        if missing > 0 && self.bytes.len() < STREAM_BYTES_MAX {
            let at = self.bytes.len() as u32;
            self.turns.push(StreamRow { side, begins: true, from: at, to: at, missing });
        }
    }
}

/// Cuts a turn into rows.
fn split(turn: &StreamRow, bytes: &[u8], end: fn(&[u8]) -> usize, rows: &mut Vec<StreamRow>) {
    if turn.missing > 0 {
        return rows.push(*turn);
    }
    let (mut from, mut begins) = (turn.from, turn.begins);
    while from < turn.to {
        let rest = bytes.get(from as usize..turn.to as usize).unwrap_or_default();
        let to = (from + end(rest).max(1) as u32).min(turn.to);
        rows.push(StreamRow { begins, from, to, ..*turn });
        (from, begins) = (to, false);
    }
}

/// A row of text ends with its line, or where it is full, never within a character.
fn text_end(rest: &[u8]) -> usize {
    let window = rest.get(..TEXT_ROW_BYTES).unwrap_or(rest);
    if let Some(at) = memchr::memchr(b'\n', window) {
        return at + 1;
    }
    if window.len() == rest.len() {
        return window.len();
    }
    // A character has four bytes at most; its later ones begin with the bits 10.
    let is_inside = |at: &usize| rest.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let back = (window.len() - 3..=window.len()).rev().find(|at| !is_inside(at));
    back.unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(parts: &[(Side, &str)]) -> Vec<(bool, String)> {
        let mut builder = Builder::default();
        for (side, text) in parts {
            builder.parts.add(*side, text.as_bytes(), Kind::Stream);
        }
        let view = builder.finish();
        let text = |row: &StreamRow| String::from_utf8_lossy(view.row(row)).into_owned();
        view.text.iter().map(|row| (row.begins, text(row))).collect()
    }

    #[test]
    fn turns_are_cut_into_lines() {
        use Side::{Originator as O, Responder as R};
        let rows = shown(&[(O, "GET / HT"), (O, "TP/1.1\r\n\r\n"), (R, "ok")]);
        let expected = [
            (true, "GET / HTTP/1.1\r\n".to_owned()),
            (false, "\r\n".to_owned()),
            (true, "ok".into()),
        ];
        assert_eq!(rows, expected);
        let long = "é".repeat(TEXT_ROW_BYTES);
        assert!(shown(&[(O, &long)]).iter().all(|(_, text)| !text.contains('\u{fffd}')));
    }

    #[test]
    fn a_mebibyte_is_kept_and_the_rest_is_counted() {
        let mut builder = Builder::default();
        builder.parts.add(Side::Originator, &vec![b'x'; STREAM_BYTES_MAX], Kind::Stream);
        builder.parts.add(Side::Responder, b"yz", Kind::Stream);
        builder.parts.miss(Side::Responder, 9);
        let view = builder.finish();
        assert_eq!((view.bytes.len(), view.total_bytes), (STREAM_BYTES_MAX, (1 << 20) + 2));
        assert!(view.is_cut());
    }

    proptest! {
        #[test]
        fn rows_are_the_bytes(
            parts in prop::collection::vec(
                (any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)),
                0..8,
            ),
        ) {
            let mut builder = Builder::default();
            let mut whole = Vec::new();
            for (is_first, bytes) in &parts {
                let side = if *is_first { Side::Originator } else { Side::Responder };
                builder.parts.add(side, bytes, Kind::Datagram);
                whole.extend_from_slice(bytes);
            }
            let view = builder.finish();
            for rows in [&view.text, &view.hex] {
                let said: Vec<u8> = rows.iter().flat_map(|row| view.row(row).to_vec()).collect();
                prop_assert_eq!(&said, &whole);
                prop_assert!(rows.iter().all(|row| row.to > row.from));
            }
        }
    }
}
