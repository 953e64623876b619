//! Any sequence of packets: no panic, every packet in one flow, the same flows each time.

use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowEvent, FlowStats, FlowTable, Options};
use infralock::model::{Addr, Flow, ImportId, Timestamp};
use infralock::wire::{Packet, Tcp, Transport};

const PACKET_BYTES: usize = 12;

/// Twelve bytes as a packet between a few hosts; what they do not say is taken from `payload`.
fn packet<'a>(bytes: &[u8; PACKET_BYTES], frame_index: u64, payload: &'a [u8]) -> Packet<'a> {
    let [kind, hosts, ports, flags, s0, s1, a0, a1, length, time, ttl, extra] = *bytes;
    let addr = |host: u8| match host {
        0..8 => Addr::from_v4_octets([192, 0, 2, host]),
        _ => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
            octets[15] = host;
            Addr::from_v6_octets(octets)
        }
    };
    let port = |port: u8| [80, 53, 40_000, 443][usize::from(port % 4)];
    let wide = |high: u8, low: u8| u32::from_be_bytes([high & 0xc0, 0, high & 0x3f, low]);
    let transport = match kind % 8 {
        0..=3 => Transport::Tcp(Tcp {
            src_port: port(ports),
            dst_port: port(ports >> 2),
            seq: wide(s0, s1),
            ack: wide(a0, a1),
            flags,
            window: u16::from(extra),
            ..Tcp::default()
        }),
        4 | 5 => Transport::Udp { src_port: port(ports), dst_port: port(ports >> 2) },
        6 => Transport::Icmp { kind: flags, code: ports },
        _ => Transport::Other(flags),
    };
    let payload_bytes = u32::from(length) * 8;
    let captured = payload.len().min(payload_bytes as usize);
    Packet {
        // The clock may jump decades either way.
        ts: Timestamp::from_nanos(i64::from(time.cast_signed()) << (u32::from(ttl) % 56)),
        frame_index,
        earlier_frames: &[],
        src: addr(hosts & 15),
        dst: addr(hosts >> 4),
        ttl,
        ip_bytes: payload_bytes + 40,
        vlans: [u16::from(extra & 1), 0],
        tunnel_depth: kind >> 6,
        tunnel: None,
        bad_checksum: kind & 0x20 != 0,
        transport,
        payload: &payload[..captured],
        payload_bytes,
    }
}

fn run(data: &[u8], flows_max: usize) -> (Vec<Flow>, FlowStats) {
    let options = Options::new(ImportId(0), SecretKey([0; 32]));
    let mut table = FlowTable::new(Options { flows_max, ..options });
    let mut flows = Vec::new();
    let mut out = |event| {
        if let FlowEvent::Flow(flow) = event {
            flows.push(flow);
        }
    };
    let mut rest = data;
    let mut frame_index = 0;
    while let Some((bytes, after)) = rest.split_first_chunk() {
        rest = after;
        // An inner packet shares its frame.
        frame_index += u64::from(bytes[0] >> 6 == 0);
        table.push(&packet(bytes, frame_index, rest), &mut out);
    }
    table.finish(&mut out);
    assert_eq!(table.open_flows(), 0);
    (flows, table.stats())
}

/// Packets from bytes through a roomy and a tiny table.
pub fn fuzz_flow(data: &[u8]) {
    let (flows, stats) = run(data, 1_000_000);
    assert_eq!(stats.packets, (data.len() / PACKET_BYTES) as u64);
    let counted: u64 = flows.iter().map(Flow::packets).sum();
    assert_eq!(counted + stats.disbelieved_packets, stats.packets);
    assert_eq!(stats.flows, flows.len() as u64);
    assert_eq!(run(data, 1_000_000).0, flows, "hash seeds must not show");
    let (few, stats) = run(data, 16);
    let counted: u64 = few.iter().map(Flow::packets).sum();
    assert_eq!(counted + stats.disbelieved_packets, stats.packets);
}
