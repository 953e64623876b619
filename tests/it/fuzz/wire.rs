//! Captures and packets under any bytes.

use infralock::model::Timestamp;
use infralock::wire::capture::{pcap, pcapng};
use infralock::wire::fields::{FIELDS_MAX, fields};
use infralock::wire::{CaptureFormat, Decoder, Frame, Packet};

fn check(packet: &Packet<'_>) {
    assert!(packet.payload.len() as u64 <= u64::from(packet.payload_bytes));
    assert!(packet.tunnel_depth <= infralock::model::limits::TUNNEL_DEPTH_MAX);
    assert_eq!(packet.tunnel.is_some(), packet.tunnel_depth > 0);
}

fn read(format: &dyn CaptureFormat, data: &[u8]) {
    let mut capture = format.open(Box::new(data));
    let (mut decoder, mut next, mut last_end) = (Decoder::default(), 0, 0);
    while let Some(frame) = capture.next_frame() {
        assert_eq!(frame.index, next, "frames are numbered without gaps");
        let at = usize::try_from(frame.offset).unwrap();
        assert_eq!(data.get(at..at + frame.bytes.len()), Some(frame.bytes), "lent from its place");
        assert!(at >= last_end, "frames do not overlap");
        assert!(frame.original_bytes as usize >= frame.bytes.len());
        (next, last_end) = (next + 1, at + frame.bytes.len());
        decoder.decode(&frame, &mut check);
    }
    assert!(capture.next_frame().is_none(), "the end is the end");
    assert_eq!(decoder.counts().frames, next);
}

pub fn fuzz_pcap(data: &[u8]) {
    read(&pcap::Pcap, data);
}

pub fn fuzz_pcapng(data: &[u8]) {
    read(&pcapng::PcapNg, data);
}

/// The link type, then a frame; the frame comes twice, the second time cut short.
pub fn fuzz_link(data: &[u8]) {
    let Some((link_type, bytes)) = data.split_first_chunk() else { return };
    let mut decoder = Decoder::default();
    for (index, kept) in [(0, bytes.len()), (1, bytes.len() / 2)] {
        let frame = Frame {
            index,
            offset: 0,
            ts: Timestamp::from_nanos(0),
            link_type: u16::from_le_bytes(*link_type),
            bytes: &bytes[..kept],
            original_bytes: bytes.len() as u32,
        };
        decoder.decode(&frame, &mut check);
    }
    decoder.finish();
}

/// The link type, then a frame: whatever it is, its fields lie within it, and they are few.
pub fn fuzz_packet_fields(data: &[u8]) {
    let Some((link_type, bytes)) = data.split_first_chunk() else { return };
    for kept in [bytes.len(), bytes.len() / 2] {
        let frame = Frame {
            index: 0,
            offset: 24,
            ts: Timestamp::from_nanos(0),
            link_type: u16::from_le_bytes(*link_type),
            bytes: &bytes[..kept],
            original_bytes: bytes.len() as u32,
        };
        let apart = fields(&frame);
        assert!(apart.rows.len() <= FIELDS_MAX && apart.rows[0].bytes == (0..kept));
        assert!(frame.bytes.get(apart.payload.clone()).is_some(), "{:?}", apart.payload);
        for field in &apart.rows {
            assert!(frame.bytes.get(field.bytes.clone()).is_some(), "{field:?}");
            assert!(field.depth <= 1 && field.value.len() < 200, "{field:?}");
        }
    }
}
