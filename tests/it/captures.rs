//! Capture files: what is written is read, limits hold, and a broken place costs only itself.

use infralock::model::limits::FRAME_BYTES_MAX;
use infralock::model::{Addr, Timestamp, Untrusted};
use infralock::wire::capture::pcapng::{BLOCK_BYTES_MAX, INTERFACES_MAX, NAMES_MAX};
use infralock::wire::capture::pcapng_write::Writer;
use infralock::wire::{
    Checksums, DATAGRAMS_MAX, DecodeOptions, Decoder, FRAGMENT_BYTES_MAX, Frame, sniff,
};
use proptest::prelude::*;

use crate::program::{complained, run, said};

/// A frame that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    nanos: i64,
    link_type: u16,
    bytes: Vec<u8>,
    original_bytes: u32,
}

impl Owned {
    fn new(nanos: i64, bytes: &[u8]) -> Self {
        let original_bytes = bytes.len() as u32;
        Self { nanos, link_type: 1, bytes: bytes.to_vec(), original_bytes }
    }

    fn lend(&self) -> Frame<'_> {
        Frame {
            index: 0,
            offset: 0,
            ts: Timestamp::from_nanos(self.nanos),
            link_type: self.link_type,
            bytes: &self.bytes,
            original_bytes: self.original_bytes,
        }
    }
}

/// Frames, problems with their places, names.
fn read(file: &[u8]) -> (Vec<Owned>, Vec<String>, Vec<(Addr, Untrusted)>) {
    let mut capture = sniff(file).expect("a capture").open(Box::new(file));
    let mut frames = Vec::new();
    while let Some(frame) = capture.next_frame() {
        frames.push(Owned {
            nanos: frame.ts.nanos(),
            link_type: frame.link_type,
            bytes: frame.bytes.to_vec(),
            original_bytes: frame.original_bytes,
        });
    }
    let names = capture.names().to_vec();
    let problems = capture.take_problems().into_rows();
    (frames, problems.iter().map(|row| format!("{} {}", row.place, row.what)).collect(), names)
}

struct Pcap {
    magic: u32,
    minor: u16,
    /// Bytes behind the usual 16 of a frame header.
    more: usize,
    file_more: usize,
}

const PCAP: Pcap = Pcap { magic: 0xa1b2_c3d4, minor: 4, more: 0, file_more: 0 };

impl Pcap {
    fn write(&self, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let mut file = self.magic.to_le_bytes().to_vec();
        file.extend(2_u16.to_le_bytes());
        file.extend(self.minor.to_le_bytes());
        file.extend([0; 8]);
        file.extend(262_144_u32.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend(vec![0; self.file_more]);
        for (secs, fraction, bytes) in frames {
            let length = bytes.len() as u32;
            for number in [*secs, *fraction, length, length] {
                file.extend(number.to_le_bytes());
            }
            file.extend(vec![0; self.more]);
            file.extend_from_slice(bytes);
        }
        file
    }
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut block = kind.to_le_bytes().to_vec();
    let bytes = body.len().next_multiple_of(4) + 12;
    block.extend((bytes as u32).to_le_bytes());
    block.extend_from_slice(body);
    block.resize(bytes - 4, 0);
    block.extend((bytes as u32).to_le_bytes());
    block
}

fn section() -> Vec<u8> {
    let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend([0xff; 8]);
    block(0x0a0d_0d0a, &body)
}

fn interface(options: &[u8]) -> Vec<u8> {
    block(1, &[&[1, 0, 0, 0, 0, 0, 0, 0], options].concat())
}

fn packet(interface: u32, ticks: u64, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u32;
    let mut body = Vec::new();
    for number in [interface, (ticks >> 32) as u32, ticks as u32, length, length] {
        body.extend(number.to_le_bytes());
    }
    body.extend_from_slice(bytes);
    block(6, &body)
}

#[test]
fn headers_of_every_kind_are_read() {
    let frames: [(u32, u32, &[u8]); 4] =
        [(100, 5, b"one"), (100, 6, b"two 2"), (101, 0, b""), (101, 7, b"four")];
    for (pcap, nanos_per_unit) in [
        (PCAP, 1_000),
        (Pcap { magic: 0xa1b2_3c4d, ..PCAP }, 1),
        (Pcap { minor: 2, ..PCAP }, 1_000),
        (Pcap { minor: 3, ..PCAP }, 1_000),
        (Pcap { magic: 0xa1b2_cd34, more: 8, ..PCAP }, 1_000),
        (Pcap { magic: 0xa1b2_cd34, more: 12, ..PCAP }, 1_000),
        (Pcap { magic: 0x1c00_01ac, file_more: 4, ..PCAP }, 1),
    ] {
        // An empty frame would end the guess at a patched header's length.
        let frames = if pcap.more > 0 { &frames[..2] } else { &frames[..] };
        let (found, problems, _) = read(&pcap.write(frames));
        let expected: Vec<Owned> = frames
            .iter()
            .map(|(secs, fraction, bytes)| {
                let nanos =
                    i64::from(*secs) * 1_000_000_000 + i64::from(*fraction) * nanos_per_unit;
                Owned::new(nanos, bytes)
            })
            .collect();
        assert_eq!((found, problems), (expected, vec![]), "{:x} {}", pcap.magic, pcap.more);
    }
}

#[test]
fn the_largest_frame_is_read_and_a_larger_one_is_skipped() {
    let (most, more) = (vec![1; FRAME_BYTES_MAX], vec![2; FRAME_BYTES_MAX + 1]);
    let small: &[u8] = b"\x03 a small frame";
    let sizes = |frames: &[Owned]| frames.iter().map(|frame| frame.bytes.len()).collect::<Vec<_>>();
    // Three sound frames must follow for a place to be believed.
    let tail = [(9, 0, small), (9, 1, small), (9, 2, small)];
    let (frames, problems, _) =
        read(&PCAP.write(&[&[(8, 0, &most[..]), (8, 1, &more[..])], &tail[..]].concat()));
    assert_eq!(sizes(&frames), [FRAME_BYTES_MAX, 15, 15, 15]);
    assert_eq!(problems.len(), 1);
    let what = "@262184 frame of 262145 bytes; at most 262144 are read; 262161 bytes skipped";
    assert!(problems[0].starts_with(what), "{problems:?}");

    let file =
        [section(), interface(&[]), packet(0, 8, &most), packet(0, 8, &more), packet(0, 9, small)];
    let (frames, problems, _) = read(&file.concat());
    assert_eq!(sizes(&frames), [FRAME_BYTES_MAX, 15]);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].ends_with("frame of 262145 bytes; at most 262144 fit here"),
        "{problems:?}"
    );
}

#[test]
fn after_a_lie_a_capture_goes_on_where_it_is_sound() {
    let frame: &[u8] = &[0xab; 60];
    let many: Vec<(u32, u32, &[u8])> = (0..10).map(|at| (1_000, at, frame)).collect();
    let mut file = PCAP.write(&many);
    // The third frame says that it has 2 GiB.
    let third = 24 + 2 * 76;
    file[third + 8..third + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let (frames, problems, _) = read(&file);
    assert_eq!(frames.len(), 9);
    assert_eq!(problems.len(), 1, "{problems:?}");
    // With nothing sound behind it, reading ends and says so.
    let (frames, problems, _) = read(&file[..third + 76 + 70]);
    assert_eq!(frames.len(), 2);
    assert!(problems[0].ends_with("no sound frame follows, so reading ends here"), "{problems:?}");

    let mut file = [section(), interface(&[])].concat();
    for at in 0..10 {
        file.extend(packet(0, at, frame));
    }
    let third = section().len() + interface(&[]).len() + 2 * packet(0, 0, frame).len();
    file[third + 4..third + 8].copy_from_slice(&5_u32.to_le_bytes());
    let (frames, problems, _) = read(&file);
    assert_eq!(frames.len(), 9);
    assert!(problems[0].contains("block of 5 bytes; a multiple of 4 from 12"), "{problems:?}");
}

#[test]
fn a_capture_that_was_cut_off_says_where() {
    let file = PCAP.write(&[(1, 0, b"first"), (2, 0, b"second")]);
    for (cut, frames, what) in [
        (0, 2, None),
        (1, 1, Some("@61 frame needs 6 bytes, 5 are there: cut off here")),
        (6, 1, Some("@61 frame needs 6 bytes, 0 are there: cut off here")),
        (7, 1, Some("@45 frame header needs 16 bytes, 15 are there: cut off here")),
        (22, 1, None),
        (44, 0, Some("@0 pcap file header needs 24 bytes, 23 are there: cut off here")),
    ] {
        let (found, problems, _) = read(&file[..file.len() - cut]);
        assert_eq!(found.len(), frames, "{cut}");
        assert_eq!(problems.first().map(String::as_str), what, "{cut}");
    }
}

#[test]
fn time_resolutions_and_offsets_are_applied() {
    let option = |code: u8, value: &[u8]| {
        let mut option = vec![code, 0, value.len() as u8, 0];
        option.extend_from_slice(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    };
    for (resolution, ticks, nanos) in [
        (6, 1_500_000, 1_500_000_000),
        (9, 1_500_000_000, 1_500_000_000),
        (0, 2, 2_000_000_000),
        (12, 1_500_000_000_000, 1_500_000_000),
        (0x80 | 10, 1_536, 1_500_000_000),
        (0x80 | 32, 3 << 31, 1_500_000_000),
        (127, u64::MAX, 0),
        (0, u64::MAX, i64::MAX),
    ] {
        let file = [section(), interface(&option(9, &[resolution])), packet(0, ticks, b"x")];
        assert_eq!(read(&file.concat()).0[0].nanos, nanos, "{resolution:#x}");
    }
    let options = option(14, &(-3_i64).to_le_bytes());
    let file = [section(), interface(&options), packet(0, 5_000_000, b"x")].concat();
    assert_eq!(read(&file).0[0].nanos, 2_000_000_000);
}

#[test]
fn interfaces_and_blocks_are_limited() {
    for (interfaces, fits) in [(INTERFACES_MAX, true), (INTERFACES_MAX + 1, false)] {
        let mut file = section();
        for _ in 0..interfaces {
            file.extend(interface(&[]));
        }
        file.extend(packet(interfaces as u32 - 1, 1, b"of the last"));
        let (frames, problems, _) = read(&file);
        assert_eq!(frames.len(), usize::from(fits));
        assert_eq!(problems.is_empty(), fits, "{problems:?}");
    }
    for (bytes, fits) in [(BLOCK_BYTES_MAX, true), (BLOCK_BYTES_MAX + 4, false)] {
        let big = block(0xbad, &vec![0; bytes - 12]);
        let file = [section(), interface(&[]), big, packet(0, 1, b"x")].concat();
        let (frames, problems, _) = read(&file);
        assert_eq!((frames.len(), problems.is_empty()), (usize::from(fits), fits), "{problems:?}");
    }
}

#[test]
fn names_are_read_and_limited() {
    let record = |host: u16| {
        let mut record = vec![1, 0, 10, 0, 192, 0, 2, 1];
        record.extend(format!("h{host:04}").bytes());
        record.truncate(4 + 9);
        record.extend([0; 3]);
        record
    };
    for (names, fits) in [(2, true), (NAMES_MAX, true), (NAMES_MAX + 1, false)] {
        let mut file = [section(), interface(&[])].concat();
        for chunk in (0..names).collect::<Vec<_>>().chunks(1_000) {
            let body: Vec<u8> =
                chunk.iter().flat_map(|name| record((name % 9_999) as u16)).collect();
            file.extend(block(4, &body));
        }
        let (_, problems, found) = read(&file);
        assert_eq!(found.len(), names.min(NAMES_MAX));
        assert_eq!(found[1], ("192.0.2.1".parse().unwrap(), "h0001".into()));
        assert_eq!(problems.is_empty(), fits, "{problems:?}");
    }
}

/// The first fragment of an IPv4 datagram.
fn fragment(id: u16, host: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let mut bytes = vec![0x45, 0];
    bytes.extend(length.to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend([0x20, 0, 64, 17, 0, 0, 192, 0, 2, host, 198, 51, 100, 7]);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn waiting_fragments_are_limited_in_number_and_in_bytes() {
    let dropped = |count: usize, payload: &[u8]| {
        let mut decoder = Decoder::default();
        for at in 0..count {
            let mut frame = Owned::new(0, &fragment(at as u16, (at >> 16) as u8, payload));
            frame.link_type = 101;
            decoder.decode(&frame.lend(), &mut |_| panic!("no packet is whole"));
        }
        let problems = decoder.finish().into_rows();
        let early = problems.iter().find(|row| row.what.starts_with("too many IP fragments"));
        early.map_or(0, |row| row.count)
    };
    assert_eq!(dropped(DATAGRAMS_MAX, b"12345678"), 0);
    assert_eq!(dropped(DATAGRAMS_MAX + 1, b"12345678"), 1);
    let payload = vec![0; 65_000];
    let fit = FRAGMENT_BYTES_MAX / (65_000 + 64);
    assert_eq!(dropped(fit, &payload), 0);
    assert_eq!(dropped(fit + 1, &payload), 1);
}

#[test]
fn checksums_that_are_all_wrong_are_not_used() {
    let header = |sum: [u8; 2]| {
        let mut bytes =
            fragment(1, 1, &[0, 1, 0, 2, 0, 12, sum[0], sum[1], b'd', b'a', b't', b'a']);
        bytes[6] = 0;
        bytes
    };
    let survey = |frames: &[Vec<u8>]| {
        let mut writer = Writer::new(Vec::new(), "test", None).unwrap();
        for bytes in frames {
            let mut frame = Owned::new(0, bytes);
            frame.link_type = 101;
            writer.write(&frame.lend(), None).unwrap();
        }
        let file = writer.finish().unwrap();
        let (options, problems) = DecodeOptions::survey(sniff(&file).unwrap(), &file);
        assert_eq!(problems.is_empty(), options.checksums == Checksums::Verify);
        options.checksums
    };
    let (wrong, none) = (header([0x12, 0x34]), header([0, 0]));
    assert_eq!(survey(&[]), Checksums::Verify);
    assert_eq!(survey(&vec![wrong.clone(); 2]), Checksums::Verify);
    assert_eq!(survey(&vec![wrong.clone(); 3]), Checksums::Ignore);
    let mixed = |wrongs, nones| [vec![wrong.clone(); wrongs], vec![none.clone(); nones]].concat();
    assert_eq!(survey(&mixed(4, 36)), Checksums::Ignore);
    assert_eq!(survey(&mixed(4, 37)), Checksums::Verify);
}

fn any_frame() -> impl Strategy<Value = Owned> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..200);
    (0..i64::MAX, any::<u16>(), bytes, 0_u32..2_000).prop_map(|(nanos, link_type, bytes, more)| {
        let original_bytes = bytes.len() as u32 + more;
        Owned { nanos, link_type, bytes, original_bytes }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        frames in proptest::collection::vec(any_frame(), 0..20), comment in ".{0,40}",
    ) {
        let mut writer = Writer::new(Vec::new(), "a test", Some(&comment)).unwrap();
        for (at, frame) in frames.iter().enumerate() {
            writer.write(&frame.lend(), (at % 2 == 0).then_some(comment.as_str())).unwrap();
        }
        let (found, problems, _) = read(&writer.finish().unwrap());
        prop_assert_eq!((found, problems), (frames, vec![]));
    }
}

/// An Ethernet frame with an IPv4 packet: protocol, identification, `more` and offset in bytes.
fn ip_frame(proto: u8, id: u16, more: u16, offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x45, 0];
    ip.extend((20 + payload.len() as u16).to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend(((more << 13) | (offset / 8)).to_be_bytes());
    ip.extend([64, proto, 0, 0]);
    ip.extend([192, 0, 2, 1, 198, 51, 100, 7]);
    let sum = ip.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(payload);
    [&[2; 12][..], &[8, 0], &ip].concat()
}

/// A UDP datagram without checksum.
fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut udp = [from.to_be_bytes(), to.to_be_bytes()].concat();
    udp.extend((8 + payload.len() as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    udp
}

#[test]
fn all_fragments_of_a_flow_are_carved_in_their_order() {
    let (ours, theirs) = (datagram(1000, 2000, &[7; 48]), datagram(1000, 3000, &[8; 48]));
    let inner = ip_frame(17, 9, 0, 0, &datagram(5, 6, &[9; 40]))[14..].to_vec();
    let frames = [
        ip_frame(17, 1, 1, 0, &ours[..24]),
        ip_frame(17, 2, 1, 0, &theirs[..24]),
        ip_frame(17, 3, 0, 0, &datagram(1000, 2000, b"whole")),
        ip_frame(17, 4, 1, 0, &ours[..16]),
        ip_frame(17, 1, 1, 24, &ours[24..40]),
        ip_frame(17, 2, 0, 24, &theirs[24..]),
        ip_frame(17, 1, 0, 40, &ours[40..]),
        ip_frame(17, 5, 0, 0, &datagram(1000, 2000, b"after")),
        // A packet within a packet in two pieces.
        ip_frame(4, 6, 1, 0, &inner[..32]),
        ip_frame(4, 6, 0, 32, &inner[32..]),
    ];
    let owned: Vec<Owned> =
        (0..).zip(&frames).map(|(at, bytes)| Owned::new(at * 1_000, bytes)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.pcap");
    let timed: Vec<_> = (0..).zip(&frames).map(|(at, bytes)| (0, at, &bytes[..])).collect();
    std::fs::write(&path, PCAP.write(&timed)).unwrap();
    let path = path.to_str().unwrap();

    let flows = run(&["flows", path, "--ndjson"]);
    let flows: Vec<serde_json::Value> =
        said(&flows).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut carved = Vec::new();
    for (port, expected) in [(2000, &[0, 2, 4, 6, 7][..]), (3000, &[1, 5]), (6, &[8, 9])] {
        let flow = flows.iter().find(|flow| flow["id.resp_p"] == port).unwrap();
        let out = folder.path().join(format!("{port}.pcapng"));
        let uid = flow["uid"].as_str().unwrap();
        let output = run(&["carve", path, "--flow", uid, "--out", out.to_str().unwrap()]);
        assert!(output.status.success(), "{}", complained(&output));
        let (frames, problems, _) = read(&std::fs::read(&out).unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        let at: Vec<i64> = frames.iter().map(|frame| frame.nanos / 1_000).collect();
        assert_eq!(at, expected, "port {port}");
        carved.push(frames);
    }
    assert!(carved[0].iter().all(|frame| owned.contains(frame)));
}
