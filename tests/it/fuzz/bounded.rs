//! Unpacking and lines under any bytes.

use std::io::{Cursor, Read};

use infralock::bounded::zip::Zip;
use infralock::bounded::{Lines, unpack};
use infralock::model::limits::{LINE_BYTES_MAX, UNPACK_FREE_BYTES, UNPACK_RATIO_MAX};

/// Reads to the end; the error comes once, and last.
fn drain(mut input: impl Read) -> u64 {
    let (mut out, mut bytes, mut errors) = (vec![0; 16 << 10], 0, 0);
    loop {
        match input.read(&mut out) {
            Ok(0) => return bytes,
            Ok(read) => {
                assert_eq!(errors, 0, "bytes after an error");
                bytes += read as u64;
            }
            Err(_) => errors += 1,
        }
        assert!(errors <= 1, "two errors");
    }
}

pub fn fuzz_unpack(data: &[u8]) {
    let bytes = drain(unpack(data));
    // Two layers, each with its free bytes.
    let once = UNPACK_FREE_BYTES + UNPACK_RATIO_MAX * data.len() as u64;
    assert!(bytes <= UNPACK_FREE_BYTES + UNPACK_RATIO_MAX * once);
}

pub fn fuzz_zip(data: &[u8]) {
    let Ok(mut zip) = Zip::open(Cursor::new(data)) else { return };
    let mut bytes = 0;
    while let Some(member) = zip.next_member() {
        bytes += drain(member);
    }
    assert!(bytes <= (UNPACK_FREE_BYTES + UNPACK_RATIO_MAX * data.len() as u64) * UNPACK_RATIO_MAX);
}

pub fn fuzz_lines(data: &[u8]) {
    let mut lines = Lines::new(data);
    let (mut last, mut bytes) = (0, 0);
    while let Some((number, line)) = lines.next_line() {
        assert!(number > last && line.len() <= LINE_BYTES_MAX);
        last = number;
        bytes += line.len();
    }
    let mut pieces = Lines::new(data);
    let (mut last, mut piece_bytes) = (1, 0);
    while let Some((number, piece)) = pieces.next_piece() {
        assert!(number >= last && !piece.is_empty() && piece.len() <= LINE_BYTES_MAX);
        last = number;
        piece_bytes += piece.len();
    }
    assert!(piece_bytes <= data.len() * 2 + 3);
    // UTF-16 grows by half at most, three bytes for two.
    assert!(bytes <= data.len() * 2 + 3);
}
