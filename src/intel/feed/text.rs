//! The bytes of a feed: whole within a limit, by lines, the ends of it.

use std::io::Read;

use super::{FEED_BYTES_MAX, Feed};
use crate::model::limits::LINE_BYTES_MAX;
use crate::model::{Position, Visible};

/// Bytes of foreign text in a sentence.
const SHOWN_CHARS_MAX: usize = 64;

/// Everything that can be read; where the reader fails or the limit lies, a problem.
pub(super) fn whole(input: &mut dyn Read, feed: &mut Feed) -> Vec<u8> {
    let (bytes, error) = within(input, FEED_BYTES_MAX);
    if let Some(error) = error {
        let at = Position::Offset(bytes.len() as u64);
        feed.problems.push(at, format!("the feed ends here: {error}"));
    } else if bytes.len() == FEED_BYTES_MAX {
        let what = "larger than a feed may be (1 GiB unpacked); the rest is not read";
        feed.problems.push(Position::Offset(FEED_BYTES_MAX as u64), what);
    }
    bytes
}

/// The first `limit` bytes, or all there are.
pub(super) fn up_to(input: &mut dyn Read, limit: usize) -> Vec<u8> {
    within(input, limit).0
}

fn within(input: &mut dyn Read, limit: usize) -> (Vec<u8>, Option<std::io::Error>) {
    let mut bytes = Vec::new();
    let mut piece = vec![0_u8; 64 << 10];
    loop {
        let room = limit.saturating_sub(bytes.len()).min(piece.len());
        let Some(into) = piece.get_mut(..room).filter(|into| !into.is_empty()) else {
            return (bytes, None);
        };
        match input.read(into) {
            Ok(0) => return (bytes, None),
            Ok(read) => bytes.extend_from_slice(into.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (bytes, Some(error)),
        }
    }
}

/// The last `count` bytes of what can be read, without keeping the rest.
pub(super) fn last(input: &mut dyn Read, count: usize) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), vec![0_u8; 64 << 10]);
    while let Ok(read) = input.read(&mut piece) {
        let Some(new) = piece.get(..read).filter(|new| !new.is_empty()) else { break };
        kept.extend_from_slice(new);
        if kept.len() > 4 * count {
            kept.drain(..kept.len() - count);
        }
    }
    let excess = kept.len().saturating_sub(count);
    kept.split_off(excess)
}

/// The lines with their numbers from 1, without ends; a longer one than a line may be is a problem.
pub(super) fn lines<'b>(
    bytes: &'b [u8],
    mut line: impl FnMut(u64, &'b [u8], &mut Feed),
    feed: &mut Feed,
) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (number, one) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if one.len() > LINE_BYTES_MAX {
            let what = format!("line of more than {LINE_BYTES_MAX} bytes skipped");
            feed.problems.push(Position::Line(number), what);
            continue;
        }
        line(number, one.trim_ascii(), feed);
    }
}

/// Foreign text for a sentence: cut, its tricks visible.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    Visible(&cut).to_string()
}

/// Where a JSON document is wrong.
pub(super) fn json_place(error: &serde_json::Error) -> Position {
    Position::Line(error.line() as u64)
}

/// Whether a server sent a page for people.
pub(super) fn looks_like_html(bytes: &[u8]) -> bool {
    let head = bytes.trim_ascii_start().get(..15).unwrap_or(bytes).to_ascii_lowercase();
    head.starts_with(b"<!doctype html") || head.starts_with(b"<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_whatever_the_pieces() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let kept = last(&mut bytes.as_slice(), 1_000);
        assert_eq!(kept, bytes[bytes.len() - 1_000..]);
        assert_eq!(last(&mut &b"abc"[..], 1_000), b"abc");
        assert_eq!(up_to(&mut bytes.as_slice(), 70_001).len(), 70_001);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_above_is_told() {
        for (len, problems) in [(LINE_BYTES_MAX, 0), (LINE_BYTES_MAX + 1, 1)] {
            let (mut feed, mut seen) = (Feed::default(), 0);
            lines(&vec![b'x'; len], |_, _, _| seen += 1, &mut feed);
            assert_eq!((seen, feed.problems.total()), (1 - problems, problems as u64));
        }
    }
}
