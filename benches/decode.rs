//! A capture to packets, beside etherparse's slicing of the same frames (which finds the headers,
//! and neither verifies checksums nor opens tunnels nor puts fragments together); text to lines,
//! beside a bare `memchr` walk.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench of our own inputs")]

use std::time::Duration;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etherparse::{PacketBuilder, SlicedPacket};
use infralock::bounded::Lines;
use infralock::model::Timestamp;
use infralock::wire::capture::pcapng_write::Writer;
use infralock::wire::{Checksums, DecodeOptions, Decoder, Frame, sniff};

const FRAMES: usize = 20_000;

/// Ordinary traffic: two small segments for each full one, some datagrams, some IPv6.
fn frames() -> Vec<Vec<u8>> {
    (0..FRAMES)
        .map(|at| {
            let host = (at % 200) as u8;
            let payload = vec![b'x'; [0, 0, 1_400, 60][at % 4]];
            let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
            let mut frame = Vec::new();
            match at % 8 {
                3 => ethernet
                    .ipv4([192, 0, 2, host], [198, 51, 100, 7], 64)
                    .udp(40_000, 53)
                    .write(&mut frame, &payload),
                7 => ethernet
                    .ipv6([0x20; 16], [0x21; 16], 64)
                    .udp(40_000, 53)
                    .write(&mut frame, &payload),
                _ => ethernet
                    .ipv4([192, 0, 2, host], [198, 51, 100, 7], 64)
                    .tcp(40_000, 443, at as u32, 64_000)
                    .write(&mut frame, &payload),
            }
            .unwrap();
            frame
        })
        .collect()
}

fn lend(index: usize, bytes: &[u8]) -> Frame<'_> {
    Frame {
        index: index as u64,
        offset: 0,
        ts: Timestamp::from_secs_nanos(1_780_629_164, index as u32),
        link_type: 1,
        bytes,
        original_bytes: bytes.len() as u32,
    }
}

fn decode(criterion: &mut Criterion) {
    let frames = frames();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, checksums) in [("ours", Checksums::Verify), ("ours_unverified", Checksums::Ignore)] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut decoder = Decoder::new(DecodeOptions { checksums });
                let mut bytes = 0_usize;
                for (index, frame) in frames.iter().enumerate() {
                    decoder
                        .decode(&lend(index, frame), &mut |packet| bytes += packet.payload.len());
                }
                assert_eq!(decoder.counts().packets, FRAMES as u64);
                black_box(bytes)
            });
        });
    }
    group.bench_function("etherparse", |bench| {
        bench.iter(|| {
            let mut bytes = 0_usize;
            for frame in &frames {
                let sliced = SlicedPacket::from_ethernet(frame).unwrap();
                bytes += match &sliced.transport {
                    Some(etherparse::TransportSlice::Tcp(tcp)) => tcp.payload().len(),
                    Some(etherparse::TransportSlice::Udp(udp)) => udp.payload().len(),
                    _ => 0,
                };
            }
            black_box(bytes)
        });
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut writer = Writer::new(Vec::new(), "bench", None).unwrap();
    for (index, frame) in frames().iter().enumerate() {
        writer.write(&lend(index, frame), None).unwrap();
    }
    let file = writer.finish().unwrap();
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("pcapng_to_packets", |bench| {
        bench.iter(|| {
            let mut capture = sniff(&file).unwrap().open(Box::new(file.as_slice()));
            let mut decoder = Decoder::default();
            while let Some(frame) = capture.next_frame() {
                decoder.decode(&frame, &mut |packet| {
                    black_box(packet.payload_bytes);
                });
            }
            decoder.counts()
        });
    });
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let text: Vec<u8> = (0..200_000_u32)
        .flat_map(|at| format!("192.0.2.{} - - [05/Jun/2026] {at:0100}\n", at % 250).into_bytes())
        .collect();
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("ours", |bench| {
        bench.iter(|| {
            let (mut lines, mut bytes) = (Lines::new(text.as_slice()), 0);
            while let Some((_, line)) = lines.next_line() {
                bytes += line.len();
            }
            black_box(bytes)
        });
    });
    group.bench_function("memchr", |bench| {
        bench.iter(|| memchr::memchr_iter(b'\n', &text).map(black_box).count());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2));
    targets = decode, read, lines
}
criterion_main!(benches);
