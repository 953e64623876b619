//! Searching what packets say: text in either letter case, or bytes.
//!
//! Two things are searched with one word: the bytes of the packets listed, headers included, and
//! the stream of the chosen packet's flow, where a word may run from one packet into the next. At
//! most 64 MB and 1 MB; a tenth of a second where a capture is as large as that, once a word.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use super::stream::StreamView;
use super::{PacketState, PacketView, Packets};
use crate::engine::workbench::state::Engine;

/// Places that are told of one search.
pub const FOUND_MAX: usize = 10_000;

/// What was searched, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// As it was written.
    pub text: String,
    /// How that was understood; `None`: there is nothing in it to search.
    pub needle: Option<Needle>,
    /// In packets, in their order; at most [`FOUND_MAX`].
    pub in_packets: Arc<Vec<InPacket>>,
    /// In the stream, as ranges of [`StreamView::bytes`]; at most [`FOUND_MAX`].
    pub in_stream: Arc<Vec<Range<usize>>>,
}

/// A place in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPacket {
    /// The packet, by its place in [`Packets::rows`].
    pub packet: u32,
    /// Which of its bytes.
    pub bytes: Range<usize>,
}

/// What is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needle {
    /// Text, its ASCII letters in lower case.
    Text(Vec<u8>),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Needle {
    /// Understands what a person writes: `0xdead`, `de ad be ef` and `de:ad` are bytes, anything
    /// else is text, and so is what stands in quotation marks.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match (quoted, bytes(text)) {
            _ if text.is_empty() => None,
            (Some(""), _) => None,
            (None, Some(bytes)) => Some(Self::Bytes(bytes)),
            (quoted, _) => {
                let text = quoted.unwrap_or(text);
                Some(Self::Text(text.to_ascii_lowercase().into_bytes()))
            }
        }
    }

    /// Where it stands; places do not overlap.
    fn find(&self, bytes: &[u8], most: usize) -> Vec<Range<usize>> {
        let lower;
        let (needle, bytes) = match self {
            Self::Bytes(needle) => (needle, bytes),
            Self::Text(needle) => {
                lower = bytes.to_ascii_lowercase();
                (needle, &*lower)
            }
        };
        let places = memmem::find_iter(bytes, needle).take(most);
        places.map(|from| from..from + needle.len()).collect()
    }
}

/// `0xdead`, `0xde ad`, `de ad`, `de:ad`: two pairs at least where no `0x` says that it is hex.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let marked = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let parts: Vec<&str> = marked.unwrap_or(text).split([' ', ':']).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_pairs = parts.len() > 1 && parts.iter().all(|part| part.len() == 2);
    let is_marked = marked.is_some() && parts.iter().all(|it| !it.is_empty() && it.len() % 2 == 0);
    if !(is_pairs || is_marked) || !parts.iter().all(is_hex) {
        return None;
    }
    let digits = parts.concat();
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

impl Found {
    fn of(text: String, packets: &Packets, stream: Option<&StreamView>) -> Self {
        let needle = Needle::read(&text);
        let mut in_packets: Vec<InPacket> = Vec::new();
        for (packet, kept) in (0_u32..).zip(&packets.frames) {
            let room = FOUND_MAX - in_packets.len();
            let Some(needle) = needle.as_ref().filter(|_| room > 0) else { break };
            let places = needle.find(&kept.bytes, room).into_iter();
            in_packets.extend(places.map(|bytes| InPacket { packet, bytes }));
        }
        let found = Self { text, needle, in_packets: Arc::new(in_packets), ..Self::default() };
        found.in_another(stream)
    }

    /// The same in another stream.
    pub(super) fn in_another(mut self, stream: Option<&StreamView>) -> Self {
        let places = match (&self.needle, stream) {
            (Some(needle), Some(stream)) => needle.find(&stream.bytes, FOUND_MAX),
            _ => Vec::new(),
        };
        self.in_stream = Arc::new(places);
        self
    }
}

impl Engine {
    /// Searches the packets that are shown, and the stream.
    pub(in crate::engine::workbench) fn find_in_packets(&mut self, text: String) {
        let Some(view) = &self.next.packets else { return };
        let PacketState::Ready(packets) = &view.state else { return };
        let found = Some(Arc::new(Found::of(text, packets, view.stream.as_deref())));
        self.next.packets = Some(Arc::new(PacketView { found, ..PacketView::clone(view) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Needle> {
        Needle::read(text)
    }

    #[test]
    fn hex_is_told_from_text() {
        for text in ["0xDEAD", "de ad", "DE:AD", "0xde ad", " 0Xdead "] {
            assert_eq!(read(text), Some(Needle::Bytes(vec![0xde, 0xad])), "{text}");
        }
        assert_eq!(read("0xff"), Some(Needle::Bytes(vec![0xff])));
        for text in ["dead", "de", "de a", "0xabc", "0x", "be ad goes", "de  ad"] {
            assert_eq!(read(text), Some(Needle::Text(text.as_bytes().to_vec())), "{text}");
        }
        assert_eq!(read("\"de ad\""), Some(Needle::Text(b"de ad".to_vec())));
        assert_eq!(read("GET /"), Some(Needle::Text(b"get /".to_vec())));
        assert_eq!((read(""), read("  "), read("\"\"")), (None, None, None));
    }

    #[test]
    fn text_is_found_in_either_case_and_bytes_as_they_are() {
        let found = |text: &str, bytes: &[u8], most: usize| -> Vec<(usize, usize)> {
            let places = read(text).unwrap().find(bytes, most).into_iter();
            places.map(|place| (place.start, place.end)).collect()
        };
        let bytes = b"Host: A\r\nhOST: b\0\xde\xad host";
        assert_eq!(found("host", bytes, 9), [(0, 4), (9, 13), (20, 24)]);
        assert_eq!(found("host", bytes, 2).len(), 2);
        assert_eq!(found("de ad", bytes, 9), [(17, 19)]);
        assert_eq!(found("48 4f", bytes, 9), [], "bytes have no letter case");
        assert_eq!(found("aa", b"aaaa", 9), [(0, 2), (2, 4)]);
    }

    #[test]
    fn there_is_a_bound_on_what_is_found() {
        let stream = |count| StreamView { bytes: vec![b'x'; count], ..StreamView::default() };
        let found = Found { needle: read("x"), ..Found::default() };
        for (count, told) in [(FOUND_MAX, FOUND_MAX), (FOUND_MAX + 1, FOUND_MAX)] {
            assert_eq!(found.clone().in_another(Some(&stream(count))).in_stream.len(), told);
        }
        assert!(found.in_another(None).in_stream.is_empty());
    }
}
