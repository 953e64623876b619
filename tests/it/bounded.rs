//! Unpacking and lines: what fits is read, what breaks a limit is told after it.

use std::io::{Cursor, Read, Write};

use infralock::bounded::zip::Zip;
use infralock::bounded::{Lines, Pack, Unpacked, read_all, sniff_pack, unpack};
use infralock::model::limits::{LINE_BYTES_MAX, MEMBERS_MAX, UNPACK_FREE_BYTES, UNPACK_RATIO_MAX};
use proptest::prelude::*;

const PACKS: [Pack; 4] = [Pack::Gzip, Pack::Zstd, Pack::Xz, Pack::Bzip2];

fn pack(how: Pack, bytes: &[u8]) -> Vec<u8> {
    match how {
        Pack::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        Pack::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        Pack::Xz => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 3);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        Pack::Bzip2 => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        Pack::Zip => zipped(&[("member", bytes)]),
    }
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        out.start_file(*name, options()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn options() -> zip::write::SimpleFileOptions {
    zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)
}

/// All bytes that can be had, and the error behind them.
fn drain(mut input: impl Read) -> (Vec<u8>, Option<String>) {
    let (mut all, mut out) = (Vec::new(), vec![0; 70_000]);
    loop {
        match input.read(&mut out) {
            Ok(0) => return (all, None),
            Ok(read) => all.extend_from_slice(&out[..read]),
            Err(error) => {
                assert_eq!(input.read(&mut out).unwrap(), 0, "the end follows the error");
                return (all, Some(error.to_string()));
            }
        }
    }
}

fn text(lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| format!("192.0.2.{} line {line}\n", line % 256).into_bytes())
        .collect()
}

#[test]
fn every_packing_is_told_and_read_with_all_its_members() {
    let plain = text(20_000);
    for how in PACKS {
        let mut packed = pack(how, &plain);
        assert_eq!(sniff_pack(&packed), Some(how));
        packed.extend(pack(how, b"second member\n"));
        packed.extend(pack(how, b""));
        let unpacked = unpack(packed.as_slice());
        assert_eq!(unpacked.packs(), [how]);
        assert_eq!(unpacked.head(), &plain[..64 << 10]);
        let (bytes, error) = drain(unpacked);
        assert_eq!(error, None, "{how:?}");
        assert_eq!(bytes, [plain.as_slice(), b"second member\n"].concat());
    }
    let (bytes, error) = drain(unpack(&b"not packed"[..]));
    assert_eq!((bytes.as_slice(), error), (&b"not packed"[..], None));
}

#[test]
fn truncated_data_gives_what_is_there_and_says_so() {
    let plain = text(50_000);
    for how in PACKS {
        let packed = pack(how, &plain);
        let (bytes, error) = drain(unpack(&packed[..packed.len() - 9]));
        let error = error.unwrap();
        assert!(plain.starts_with(&bytes), "{how:?}");
        assert!(error.starts_with(&format!("{} data ends early: ", how.as_str())), "{error}");
        if how != Pack::Bzip2 {
            // Blocks of bzip2 have 900 kB: this text is one.
            assert!(bytes.len() > 100_000, "{how:?}: {}", bytes.len());
        }
        let (_, error) = drain(unpack(&packed[..20]));
        assert!(error.unwrap().contains("ends early"), "{how:?}");
    }
}

#[test]
fn padding_is_no_problem_and_trailing_bytes_are_one() {
    for how in PACKS {
        let mut packed = pack(how, b"data");
        let packed_bytes = packed.len();
        packed.extend([0; 512]);
        assert_eq!(drain(unpack(packed.as_slice())), (b"data".to_vec(), None), "{how:?}");
        packed.truncate(packed_bytes);
        packed.extend(b"and then something else");
        let (bytes, error) = drain(unpack(packed.as_slice()));
        assert_eq!(bytes, b"data");
        let expected = format!("{} data ends at byte {packed_bytes} of the packed", how.as_str());
        assert!(error.as_ref().unwrap().starts_with(&expected), "{error:?}");
    }
}

#[test]
fn corrupt_data_gives_what_came_before() {
    let plain = text(200_000);
    for how in PACKS {
        let mut packed = pack(how, &plain);
        let at = packed.len() / 2;
        packed[at..at + 40].fill(0xa5);
        let (bytes, error) = drain(unpack(packed.as_slice()));
        // A decoder may need a while to see that what it makes is nonsense.
        let right = plain.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
        assert!(right > plain.len() / 3, "{how:?}: {right}");
        assert!(error.unwrap().contains("data is corrupt after"), "{how:?}");
    }
}

#[test]
fn a_bomb_is_stopped_at_the_ratio_and_a_dense_log_is_not() {
    // 64 MiB of zeros are 65 kB in gzip, 1,000:1.
    let packed = pack(Pack::Gzip, &vec![0; 64 << 20]);
    let (bytes, error) = drain(unpack(packed.as_slice()));
    let limit = UNPACK_FREE_BYTES + UNPACK_RATIO_MAX * packed.len() as u64;
    assert!((bytes.len() as u64) >= UNPACK_FREE_BYTES && bytes.len() as u64 <= limit);
    assert!(error.unwrap().ends_with("beyond 200:1; the rest is not read"));
    // What stays within the free bytes may have any ratio, to the byte.
    for (more, fits) in [(0, true), (50_000, true), (50 << 20, false)] {
        let packed = pack(Pack::Zstd, &vec![0; UNPACK_FREE_BYTES as usize + more]);
        let (_, error) = drain(unpack(packed.as_slice()));
        assert_eq!(error.is_none(), fits, "{more} more, {} packed", packed.len());
    }
}

#[test]
fn two_layers_are_opened_and_no_third() {
    let once = pack(Pack::Gzip, b"inside");
    let twice = pack(Pack::Xz, &once);
    let unpacked = unpack(twice.as_slice());
    assert_eq!(unpacked.packs(), [Pack::Xz, Pack::Gzip]);
    assert_eq!(drain(unpacked), (b"inside".to_vec(), None));
    let (bytes, error) = drain(unpack(pack(Pack::Zstd, &twice).as_slice()));
    assert!(bytes.is_empty());
    assert_eq!(
        error.unwrap(),
        "gzip data within packed data is not opened here; unpack it first, then open it"
    );
    let (_, error) = drain(unpack(pack(Pack::Gzip, &zipped(&[("a", b"b")])).as_slice()));
    assert!(error.unwrap().starts_with("zip data within packed data"));
    assert_eq!(unpack(zipped(&[("a", b"b")]).as_slice()).packs(), [Pack::Zip]);
}

/// Name, bytes and error.
type Found = (String, Vec<u8>, Option<String>);

/// Every member, then the problems.
fn members(archive: &[u8]) -> (Vec<Found>, Vec<String>) {
    let mut zip = Zip::open(Cursor::new(archive)).unwrap();
    let mut members = Vec::new();
    while let Some(member) = zip.next_member() {
        let name = member.name().raw().to_owned();
        let (bytes, error) = drain(member);
        members.push((name, bytes, error));
    }
    let problems = zip.take_problems().into_rows();
    (members, problems.into_iter().map(|problem| problem.what).collect())
}

fn expected(names: &[(&str, &[u8])]) -> Vec<Found> {
    names.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec(), None)).collect()
}

#[test]
fn a_zip_gives_its_members_packed_ones_opened() {
    let (log, packed) = (text(5_000), pack(Pack::Gzip, b"rotated\n"));
    let archive = zipped(&[
        ("logs/", b""),
        ("logs/access.log", &log),
        ("logs/access.log.1.gz", &packed),
        ("../../etc/passwd", b"only a name"),
        ("empty", b""),
    ]);
    let (found, problems) = members(&archive);
    assert_eq!(
        found,
        expected(&[
            ("logs/access.log", &log),
            ("logs/access.log.1.gz", b"rotated\n"),
            ("../../etc/passwd", b"only a name"),
            ("empty", b""),
        ])
    );
    assert_eq!(problems, Vec::<String>::new());
    // A self-extractor in front, and a comment behind.
    let mut moved = b"#!/bin/sh\nexit 1\n".to_vec();
    moved.extend(&archive);
    assert_eq!(members(&moved).0.len(), 4);
}

#[test]
fn members_that_are_not_read_are_told_and_the_next_follows() {
    let mut archive =
        zipped(&[("a", b"first"), ("inner.zip", &zipped(&[("x", b"y")])), ("b", b"last")]);
    let (found, problems) = members(&archive);
    assert_eq!(found[0], ("a".into(), b"first".to_vec(), None));
    assert!(found[1].2.as_ref().unwrap().starts_with("zip data within packed data"));
    assert_eq!(found[2].1, b"last");
    assert!(problems.is_empty());
    // The directory says that the first member is encrypted, then that it is of another method.
    let directory = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    archive[directory + 8] |= 1;
    let (found, problems) = members(&archive);
    assert_eq!(found.len(), 2);
    assert_eq!(problems, ["encrypted; unpack it with its password first: member a"]);
    archive[directory + 8] &= !1;
    archive[directory + 10] = 14;
    assert_eq!(members(&archive).1, ["packed by method 14, which is not read: member a"]);
}

#[test]
fn a_zip_that_was_cut_off_gives_what_is_there() {
    let log = text(5_000);
    // Written to a stream that cannot seek back, lengths would stand behind; here they do not.
    let archive = zipped(&[("one", &log), ("two", &log)]);
    let directory = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    let (found, problems) = members(&archive[..directory - 100]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].1.as_slice(), &found[0].2), (log.as_slice(), &None));
    assert!(log.starts_with(&found[1].1));
    assert!(found[1].2.as_ref().unwrap().contains("zip archive ends early"));
    assert!(problems[0].starts_with("zip archive without a directory"), "{problems:?}");
    assert!(Zip::open(Cursor::new(b"something else")).is_err());
}

#[test]
fn a_wrong_checksum_is_told_after_the_bytes() {
    let mut archive = zipped(&[("a", b"first")]);
    let directory = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    archive[directory + 16] ^= 1;
    let (found, _) = members(&archive);
    assert_eq!(found[0].1, b"first");
    assert!(found[0].2.as_ref().unwrap().starts_with("zip member's checksum is "));
}

#[test]
fn as_many_members_as_the_limit_are_read_and_no_more() {
    for (count, fits) in [(MEMBERS_MAX, true), (MEMBERS_MAX + 1, false)] {
        // One member that every header of the directory names, as a bomb would.
        let one = zipped(&[("a", b"")]);
        let directory = memchr::memmem::find(&one, b"PK\x01\x02").unwrap();
        let end = memchr::memmem::find(&one, b"PK\x05\x06").unwrap();
        let mut archive = one[..directory].to_vec();
        for _ in 0..count {
            archive.extend(&one[directory..end]);
        }
        let directory_bytes = (archive.len() - directory) as u32;
        let mut tail = one[end..].to_vec();
        tail[12..16].copy_from_slice(&directory_bytes.to_le_bytes());
        archive.extend(tail);
        let mut zip = Zip::open(Cursor::new(archive)).unwrap();
        let mut found = 0;
        while zip.next_member().is_some() {
            found += 1;
        }
        assert_eq!(found, MEMBERS_MAX);
        assert_eq!(zip.take_problems().is_empty(), fits, "{count}");
    }
}

#[test]
fn all_members_together_are_limited_by_the_archive() {
    // 16 MiB of zeros each: alone every member is within its free bytes, together they are not.
    let zeros = vec![0; UNPACK_FREE_BYTES as usize];
    let (found, _) = members(&zipped(&[("a", &zeros), ("b", &zeros), ("c", &zeros)]));
    assert_eq!(found[0].2, None);
    assert!(found[2].2.as_ref().unwrap().contains("the rest is not read"), "{:?}", found[2].2);
}

fn lines_of(bytes: &[u8]) -> (Vec<(u64, Vec<u8>)>, Vec<String>) {
    let mut lines = Lines::new(bytes);
    let mut all = Vec::new();
    while let Some((number, line)) = lines.next_line() {
        all.push((number, line.to_vec()));
    }
    let problems = lines.take_problems().into_rows();
    (all, problems.iter().map(|row| format!("{} {}", row.place, row.what)).collect())
}

#[test]
fn a_line_at_the_limit_is_read_and_one_above_is_skipped() {
    let long = |bytes| [b"before\n".to_vec(), vec![b'x'; bytes], b"\r\nafter".to_vec()].concat();
    let (lines, problems) = lines_of(&long(LINE_BYTES_MAX));
    assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((lines[1].1.len(), problems.len()), (LINE_BYTES_MAX, 0));
    for bytes in [LINE_BYTES_MAX + 1, LINE_BYTES_MAX + 2, LINE_BYTES_MAX + 3, 5_000_000] {
        let (lines, problems) = lines_of(&long(bytes));
        assert_eq!(lines, [(1, b"before".to_vec()), (3, b"after".to_vec())], "{bytes}");
        let what = format!(":2 line of {bytes} bytes; at most 1048576 are read, so skipped");
        assert_eq!(problems, [what]);
    }
}

#[test]
fn utf16_is_turned_into_utf8() {
    let plain = "müller;192.0.2.7\r\n\u{1f980};\n".repeat(40_000);
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let units = std::iter::once(0xfeff).chain(plain.encode_utf16());
        let bytes: Vec<u8> = units.flat_map(to_bytes).collect();
        let (lines, problems) = lines_of(&bytes);
        assert_eq!((lines.len(), problems.len()), (80_000, 0));
        assert_eq!(lines[79_998], (79_999, "müller;192.0.2.7".as_bytes().to_vec()));
        assert_eq!(lines[79_999].1, "\u{1f980};".as_bytes());
    }
    let (lines, problems) = lines_of(b"\xff\xfea\0\x3d\xd8b\0\n\0");
    assert_eq!(lines, [(1, "a\u{fffd}b".as_bytes().to_vec())]);
    assert_eq!(problems, [" UTF-16 unit without its other half; U+FFFD stands in"]);
    let (lines, problems) = lines_of(b"\xff\xfe\0\0a\0\0\0");
    assert!(lines.is_empty());
    assert_eq!(problems, [":1 UTF-32 text is not read; save it as UTF-8"]);
}

#[test]
fn half_a_line_before_an_error_is_dropped_and_told() {
    let packed = pack(Pack::Gzip, &text(50_000));
    let mut lines = Lines::new(unpack(&packed[..packed.len() / 2]));
    let mut count = 0;
    while let Some((number, line)) = lines.next_line() {
        assert!(line.ends_with(format!(" line {}", number - 1).as_bytes()));
        count += 1;
    }
    assert!(count > 10_000, "{count}");
    let problems = lines.take_problems().into_rows();
    assert!(problems[0].what.starts_with("gzip data ends early"), "{problems:?}");
    assert_eq!(problems[0].place.to_string(), format!(":{}", count + 1));
}

/// A reader that gives as few bytes as it likes.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.1.min(out.len());
        (&mut self.0).take(bytes as u64).read(out)
    }
}

#[test]
fn pieces_of_a_long_line_are_as_long_as_a_line_may_be() {
    for (bytes, expected) in [
        (LINE_BYTES_MAX, &[LINE_BYTES_MAX][..]),
        (LINE_BYTES_MAX + 1, &[LINE_BYTES_MAX, 1]),
        (3 * LINE_BYTES_MAX, &[LINE_BYTES_MAX; 3]),
    ] {
        let text = vec![b'x'; bytes];
        let mut lines = Lines::new(Drip(&text, 70_000));
        let mut pieces = Vec::new();
        while let Some((number, piece)) = lines.next_piece() {
            assert_eq!(number, 1);
            pieces.push(piece.len());
        }
        assert_eq!(pieces, expected);
        assert_eq!(lines.take_problems().total(), 0);
    }
}

proptest! {
    #[test]
    fn lines_are_those_of_a_plain_split(
        parts in proptest::collection::vec("[a-c\r\0\n]{0,9}", 0..40), drip in 1_usize..50,
    ) {
        let bytes = parts.concat().into_bytes();
        let mut expected: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        // A last line without an end is one; nothing behind the last end is none.
        if expected.last().is_some_and(|last| last.is_empty()) {
            expected.pop();
        }
        let mut lines = Lines::new(Drip(&bytes, drip));
        for (at, line) in expected.iter().enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            prop_assert_eq!(lines.next_line(), Some((at as u64 + 1, line)));
        }
        prop_assert_eq!(lines.next_line(), None);
        prop_assert_eq!(lines.offset(), bytes.len() as u64);
    }

    #[test]
    fn pieces_are_the_text_with_the_numbers_of_its_lines(
        parts in proptest::collection::vec("[a-c\r\0\n]{0,9}", 0..40), drip in 1_usize..50,
    ) {
        let bytes = parts.concat().into_bytes();
        let mut lines = Lines::new(Drip(&bytes, drip));
        let mut text = Vec::new();
        while let Some((number, piece)) = lines.next_piece() {
            let ends = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
            prop_assert_eq!(number, ends + 1);
            text.extend_from_slice(piece);
        }
        prop_assert_eq!(text, bytes);
    }

    #[test]
    fn packing_then_unpacking_is_the_identity(
        bytes in proptest::collection::vec(any::<u8>(), 0..3_000), how in 0_usize..4,
        drip in 1_usize..300,
    ) {
        let packed = pack(PACKS[how], &bytes);
        // Owned, since a packed stream inside the bytes themselves is all but impossible.
        let unpacked: Unpacked<'_> = unpack(Drip(&packed, drip));
        prop_assert_eq!(read_all(unpacked, 4_000).unwrap(), bytes);
    }
}
