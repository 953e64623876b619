//! Packets → flows: whole flows with Zeek's states, beside a bare count of packets for each
//! 5-tuple over etherparse, which is the least that any flow table does.
//!
//! The frames are made here: established connections with data both ways, DNS questions with
//! answers, and a SYN scan, so that the table grows and shrinks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a bench over frames of its own"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::IpAddr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowTable, Options};
use infralock::model::{ImportId, Timestamp};
use infralock::wire::{Checksums, DecodeOptions, Decoder, Frame, Packet, Tcp};

const ETHERNET: u16 = 1;
const CONNECTIONS: u32 = 2_000;
const ROUNDS: u32 = 40;

/// A question for the address of example.net.
const QUESTION: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03net\x00\x00\x01\x00\x01";

/// Frames one after another, with their times in microseconds.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<(i64, usize)>,
}

impl Frames {
    fn add(&mut self, micros: i64, proto: u8, ends: [(u32, u16); 2], rest: &[u8]) {
        let [(src, src_port), (dst, dst_port)] = ends;
        let ip_bytes = 20 + 4 + rest.len() as u16;
        self.bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        self.bytes.extend([
            0x45,
            0,
            (ip_bytes >> 8) as u8,
            ip_bytes as u8,
            0,
            0,
            0x40,
            0,
            64,
            proto,
        ]);
        self.bytes.extend([0, 0]);
        self.bytes.extend(src.to_be_bytes());
        self.bytes.extend(dst.to_be_bytes());
        self.bytes.extend(src_port.to_be_bytes());
        self.bytes.extend(dst_port.to_be_bytes());
        self.bytes.extend(rest);
        self.ends.push((micros, self.bytes.len()));
    }

    fn tcp(&mut self, micros: i64, ends: [(u32, u16); 2], flags: u8, at: [u32; 2], data: &[u8]) {
        let mut rest = Vec::with_capacity(16 + data.len());
        rest.extend(at[0].to_be_bytes());
        rest.extend(at[1].to_be_bytes());
        rest.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        rest.extend(data);
        self.add(micros, 6, ends, &rest);
    }

    fn udp(&mut self, micros: i64, ends: [(u32, u16); 2], data: &[u8]) {
        let mut rest = (8 + data.len() as u16).to_be_bytes().to_vec();
        rest.extend([0, 0]);
        rest.extend(data);
        self.add(micros, 17, ends, &rest);
    }

    fn each(&self, mut take: impl FnMut(Frame<'_>)) {
        let mut start = 0;
        for (index, &(micros, end)) in self.ends.iter().enumerate() {
            take(Frame {
                index: index as u64,
                offset: start as u64,
                ts: Timestamp::from_nanos(micros * 1_000),
                link_type: ETHERNET,
                bytes: &self.bytes[start..end],
                original_bytes: (end - start) as u32,
            });
            start = end;
        }
    }
}

/// 192.0.2.0/24 and 198.51.100.0/24 are too few hosts: ports tell the connections apart.
fn mixed() -> Frames {
    let (client, server, resolver) = (0xc000_0201, 0xc633_6401, 0xc633_6435);
    let mut frames = Frames::default();
    let data = [b'x'; 600];
    let mut micros = 0;
    let port_of = |number: u32| 10_000 + (number % 50_000) as u16;
    for number in 0..CONNECTIONS {
        let there = [(client + number % 200, port_of(number)), (server, 80)];
        let back = [there[1], there[0]];
        frames.tcp(micros, there, Tcp::SYN, [99, 0], &[]);
        frames.tcp(micros + 1, back, Tcp::SYN | Tcp::ACK, [499, 100], &[]);
        frames.tcp(micros + 2, there, Tcp::ACK, [100, 500], &[]);
        micros += 3;
    }
    for round in 0..ROUNDS {
        for number in 0..CONNECTIONS {
            let there = [(client + number % 200, port_of(number)), (server, 80)];
            let back = [there[1], there[0]];
            let sent = 100 + round * 600;
            frames.tcp(micros, there, Tcp::ACK | Tcp::PSH, [sent, 500 + round * 600], &data);
            frames.tcp(micros + 1, back, Tcp::ACK, [500 + round * 600, sent + 600], &data);
            micros += 2;
            if number % 8 == 0 {
                let asker = [
                    (client + number % 200, (20_000 + round * 997 + number) as u16),
                    (resolver, 53),
                ];
                frames.udp(micros, asker, QUESTION);
                let answer = [QUESTION.get(..2).unwrap(), b"\x81\x80", QUESTION.get(4..).unwrap()];
                frames.udp(micros + 1, [asker[1], asker[0]], &answer.concat());
            }
            if number % 4 == 0 {
                let target = server + 1 + number / 8 % 200;
                let scan = [
                    (client + 250, 30_000 + (number % 30_000) as u16),
                    (target, (round * 500 + number) as u16),
                ];
                frames.tcp(micros + 2, scan, Tcp::SYN, [7, 0], &[]);
            }
        }
    }
    frames
}

fn ours(frames: &Frames, checksums: Checksums) -> u64 {
    let mut decoder = Decoder::new(DecodeOptions { checksums });
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([0; 32])));
    let mut events = 0;
    frames.each(|frame| {
        decoder.decode(&frame, &mut |packet: &Packet<'_>| {
            table.push(packet, &mut |event| {
                black_box(&event);
                events += 1;
            });
        });
    });
    table.finish(&mut |event| {
        black_box(&event);
        events += 1;
    });
    events
}

fn decode_only(frames: &Frames) -> u64 {
    let mut decoder = Decoder::new(DecodeOptions { checksums: Checksums::Ignore });
    let mut packets = 0;
    frames.each(|frame| {
        decoder.decode(&frame, &mut |packet: &Packet<'_>| {
            black_box(packet);
            packets += 1;
        });
    });
    packets
}

type Tuple = (IpAddr, u16, IpAddr, u16, u8);

/// Packets and bytes of each 5-tuple, and nothing else.
fn peer(frames: &Frames) -> usize {
    let mut counts: HashMap<Tuple, (u64, u64)> = HashMap::new();
    frames.each(|frame| {
        let Ok(packet) = SlicedPacket::from_ethernet(frame.bytes) else { return };
        let Some(NetSlice::Ipv4(ip)) = packet.net else { return };
        let (src, dst) = (ip.header().source_addr().into(), ip.header().destination_addr().into());
        let (src_port, dst_port, proto) = match packet.transport {
            Some(TransportSlice::Tcp(tcp)) => (tcp.source_port(), tcp.destination_port(), 6),
            Some(TransportSlice::Udp(udp)) => (udp.source_port(), udp.destination_port(), 17),
            _ => return,
        };
        let tuple = if (src, src_port) <= (dst, dst_port) {
            (src, src_port, dst, dst_port, proto)
        } else {
            (dst, dst_port, src, src_port, proto)
        };
        let count = counts.entry(tuple).or_default();
        count.0 += 1;
        count.1 += u64::from(ip.header().total_len());
    });
    counts.len()
}

fn flows(criterion: &mut Criterion) {
    let frames = mixed();
    let mut group = criterion.benchmark_group("flows");
    group.throughput(Throughput::Elements(frames.ends.len() as u64)).sample_size(10);
    group.bench_function("ours", |bench| bench.iter(|| ours(&frames, Checksums::Ignore)));
    group.bench_function("ours-decode-alone", |bench| bench.iter(|| decode_only(&frames)));
    group.bench_function("peer-count-by-etherparse", |bench| bench.iter(|| peer(&frames)));
    group.finish();
}

criterion_group!(benches, flows);
criterion_main!(benches);
