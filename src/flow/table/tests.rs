//! Lives of flows in a compact notation: what a bystander sees, and what Zeek would log of it.

use proptest::prelude::*;

use super::*;

/// Packets between two ends, one after the other.
///
/// `S>` goes from the originator's place to the responder's, `<S` the other way; `S` SYN, `H` SYN
/// with ACK, `A` ACK, `D9` nine bytes, `F` FIN with ACK, `R` RST, `U9` a datagram, `I8` an ICMP
/// type, `Q` SYN with FIN. `!9` in place of a packet: nine bytes that are lost. `T9` sends the last
/// nine bytes again, `W` is an ACK with a window of zero, `C` an ACK with a wrong checksum. `@7`
/// sets the clock to seven seconds; else a millisecond passes before each packet.
struct Script {
    ports: [u16; 2],
    seq: [u32; 2],
    has_sent: [bool; 2],
    nanos: i64,
    frame_index: u64,
}

const PAYLOAD: [u8; 4_000] = [b'.'; 4_000];

impl Script {
    fn new(ports: [u16; 2]) -> Self {
        Self { ports, seq: [1_000, 5_000], has_sent: [false; 2], nanos: 0, frame_index: 0 }
    }

    fn addr(side: usize) -> Addr {
        Addr::from_v4_octets(if side == 0 { [192, 0, 2, 1] } else { [198, 51, 100, 2] })
    }

    fn packet(&mut self, word: &str) -> Option<Packet<'static>> {
        if let Some(secs) = word.strip_prefix('@') {
            self.nanos = secs.parse::<i64>().unwrap() * SECOND;
            return None;
        }
        let (side, word) = match word.strip_prefix('<') {
            Some(word) => (1, word),
            None => (0, word.strip_suffix('>').unwrap()),
        };
        let (letter, number) = word.split_at(1);
        let count: u32 = number.parse().unwrap_or(0);
        if letter == "!" {
            self.seq[side] += count;
            return None;
        }
        self.nanos += 1_000_000;
        self.frame_index += 1;
        let payload_bytes = if matches!(letter, "D" | "T" | "U") { count } else { 0 };
        let transport = match letter {
            "U" => Transport::Udp { src_port: self.ports[side], dst_port: self.ports[1 - side] },
            "I" => Transport::Icmp { kind: u8::try_from(count).unwrap(), code: 0 },
            _ => Transport::Tcp(self.segment(side, letter, count)),
        };
        let header = if matches!(transport, Transport::Tcp(_)) { 40 } else { 28 };
        Some(Packet {
            ts: Timestamp::from_nanos(self.nanos),
            frame_index: self.frame_index,
            earlier_frames: &[],
            src: Self::addr(side),
            dst: Self::addr(1 - side),
            ttl: 64,
            ip_bytes: header + payload_bytes,
            vlans: [0; 2],
            tunnel_depth: 0,
            tunnel: None,
            bad_checksum: letter == "C",
            transport,
            payload: &PAYLOAD[..payload_bytes as usize],
            payload_bytes,
        })
    }

    fn segment(&mut self, side: usize, letter: &str, count: u32) -> Tcp {
        let flags = match letter {
            "S" => Tcp::SYN,
            "H" => Tcp::SYN | Tcp::ACK,
            "D" | "T" | "A" | "W" | "C" => Tcp::ACK,
            "F" => Tcp::FIN | Tcp::ACK,
            "R" => Tcp::RST,
            "Q" => Tcp::SYN | Tcp::FIN,
            other => panic!("no packet is called {other}"),
        };
        if letter == "T" {
            self.seq[side] -= count;
        }
        let seq = self.seq[side];
        // Of an end that was not seen yet, its SYN is acknowledged.
        let next = self.seq[1 - side] + u32::from(letter == "H" && !self.has_sent[1 - side]);
        let ack = if flags & Tcp::ACK == 0 { 0 } else { next };
        self.has_sent[side] = true;
        self.seq[side] += if matches!(letter, "D" | "T") { count } else { 0 };
        self.seq[side] += u32::from(flags & (Tcp::SYN | Tcp::FIN) != 0);
        let [src_port, dst_port] = [self.ports[side], self.ports[1 - side]];
        let window = if letter == "W" { 0 } else { 65_000 };
        Tcp { src_port, dst_port, seq, ack, flags, window, ..Tcp::default() }
    }
}

fn options() -> Options {
    Options::new(ImportId(3), SecretKey([1; 32]))
}

fn flows_of(packets: &[Packet<'_>], options: Options) -> (Vec<Flow>, FlowStats) {
    let mut flows = Vec::new();
    let mut out = |event| {
        if let FlowEvent::Flow(flow) = event {
            flows.push(flow);
        }
    };
    let mut table = FlowTable::new(options);
    for packet in packets {
        table.push(packet, &mut out);
    }
    table.finish(&mut out);
    assert_eq!(table.open_flows(), 0);
    (flows, table.stats())
}

/// State, history, payload bytes of both sides, packets of both sides, bytes missed if any.
fn line(flow: &Flow) -> String {
    let bytes = |bytes: Option<u64>| bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
    let mut line = format!(
        "{} {} {}/{} {}/{}",
        flow.conn_state.as_str(),
        if flow.history.is_empty() { "-" } else { &flow.history },
        bytes(flow.orig_bytes),
        bytes(flow.resp_bytes),
        flow.orig_pkts,
        flow.resp_pkts
    );
    if flow.missed_bytes > 0 {
        line.push_str(&format!(" missed {}", flow.missed_bytes));
    }
    line
}

fn check_on(ports: [u16; 2], packets: &str, expected: &str) {
    let mut script = Script::new(ports);
    let packets_seen: Vec<_> =
        packets.split_whitespace().filter_map(|word| script.packet(word)).collect();
    let (mut flows, _) = flows_of(&packets_seen, options());
    flows.sort_by_key(|flow| flow.first_seen);
    let lines: Vec<String> = flows.iter().map(line).collect();
    assert_eq!(lines.join(" | "), expected, "{packets}");
}

fn check(packets: &str, expected: &str) {
    check_on([40_000, 9_999], packets, expected);
}

#[test]
fn every_state_of_a_connection() {
    check("S>", "S0 S -/- 1/0");
    check("S> <H", "S1 Sh 0/0 1/1");
    check("S> <H A> D9> <A <D5 A>", "S1 ShADad 9/5 4/3");
    check("S> <H A> F>", "S2 ShAF 0/0 3/1");
    check("S> <H A> <F", "S3 ShAf 0/0 2/2");
    check("S> <H A> D9> <D5 A> F> <F A>", "SF ShADdFf 9/5 6/3");
    check("S> <R", "REJ Sr 0/0 1/1");
    check("S> <H A> D9> R>", "RSTO ShADR 9/0 4/1");
    check("S> <H A> D9> <R", "RSTR ShADr 9/0 3/2");
    check("S> R>", "RSTOS0 SR 0/0 2/0");
    check("S> F>", "SH SF 0/0 2/0");
    check_on([9_999, 80], "<H <R", "RSTRH ^hr 0/0 0/2");
    check_on([9_999, 80], "<H <F", "SHR ^hf 0/0 0/2");
    check("A> <A", "OTH Aa 0/0 1/1");
}

#[test]
fn letters_of_the_history() {
    check("S> <H A> D9> T9> <A", "S1 ShADTa 9/0 4/2");
    check("S> <H A> W> W> <A", "S1 ShAWa 0/0 4/2");
    check("Q>", "SH Q -/- 1/0");
    // A hole that was acknowledged is a loss; what follows it counts.
    check("S> <H A> D9> !20> D9> <A", "S1 ShADaG 38/0 4/2 missed 20");
    // The tenth retransmission is noted again.
    let many = "T9> ".repeat(10);
    check(&format!("S> <H A> D9> {many}"), "S1 ShADTT 9/0 13/1");
    // A wrong checksum beside right ones is not believed, one alone is.
    check("S> <H A> C> <A", "S1 ShACa 0/0 2/2");
    check("C> C>", "OTH CA 0/0 2/0");
}

#[test]
fn who_opened_it() {
    // SYN and SYN-ACK changed places on their way to us.
    check("<H S> A>", "S1 Hs^A 0/0 2/1");
    // An answer alone may be a scan that hides: its sender stays the originator.
    check("<H", "OTH H -/- 1/0");
    // The likely server did not ask first.
    check_on([40_000, 443], "<D9 A>", "OTH ^dA 0/9 1/1");
    check_on([40_000, 443], "D9> <A", "OTH Da 9/0 1/1");
    check_on([22, 443], "<D9", "OTH D -/- 1/0");
    check_on([22, 443], "D9>", "OTH ^d -/- 0/1");
    check_on([40_000, 53], "<U9", "SHR ^d -/- 0/1");
}

#[test]
fn datagrams() {
    check("U9>", "S0 D -/- 1/0");
    check("U9> <U5 U1>", "SF Dd 10/5 2/1");
    check("I8> <I0 I8>", "OTH - 0/0 2/1");
    // Idle for more than a minute: two flows.
    check("U9> @61 U9>", "S0 D -/- 1/0 | S0 D -/- 1/0");
    check("U9> @59 U9>", "S0 D 18/0 2/0");
    // Questions to the name service are apart after ten seconds.
    check_on([40_000, 53], "U9> <U5 @11 U9>", "SF Dd 9/5 1/1 | S0 D -/- 1/0");
}

#[test]
fn times_after_which_a_connection_ends() {
    // Each attempt is one flow after five seconds, and part of the first before.
    check("S> @6 A>", "S0 S -/- 1/0 | OTH A -/- 1/0");
    check("S> <H A> @290 D9> @601 D9>", "S1 ShAD 9/0 3/1 | OTH D -/- 1/0");
    // A new SYN on closed ports is a new connection.
    check("S> <R !90> S> <R", "REJ Sr 0/0 1/1 | REJ Sr 0/0 1/1");
    check("S> <H A> F> <F A> @8 A>", "SF ShAFf 0/0 4/2 | OTH A -/- 1/0");
}

#[test]
fn a_clock_that_jumps_does_not_split_or_keep_flows() {
    check("U9> @-1 U9>", "S0 D -/- 2/0");
    // Eighty years ahead and back: flows before and after stand apart.
    check("U9> @2522880000 U9> @10 U9> U9>", "S0 D -/- 1/0 | S0 D -/- 3/0");
}

#[test]
fn times_that_jump_by_centuries_end_at_the_end_of_the_clock() {
    // Twice over, so that the sum of the jumps leaves the range; once for DNS.
    let jumps = "@-9000000000 S> @9000000000 S> <H A> F> <F A> ";
    for ports in [[40_000, 443], [40_000, 53]] {
        let mut script = Script::new(ports);
        let text = jumps.repeat(3) + "@-9000000000 U9> @9000000000 U9> <U9";
        let packets: Vec<_> =
            text.split_whitespace().filter_map(|word| script.packet(word)).collect();
        let (flows, stats) = flows_of(&packets, options());
        let counted: u64 = flows.iter().map(Flow::packets).sum();
        assert_eq!(counted + stats.disbelieved_packets, packets.len() as u64);
    }
}

/// SYNs to so many ports.
fn scan(ports: u16) -> Vec<Packet<'static>> {
    (1..=ports)
        .map(|port| {
            let mut script = Script::new([40_000, port]);
            script.nanos = i64::from(port) * 1_000;
            script.packet("S>").unwrap()
        })
        .collect()
}

#[test]
fn the_least_recently_active_flows_go_first() {
    let flows_max = 160;
    let packets = scan(400);
    let (flows, stats) = flows_of(&packets, Options { flows_max, ..options() });
    assert_eq!(stats.flows, 400);
    assert_eq!(flows.len(), 400, "evicted flows are told too");
    assert!(stats.evicted_flows >= 240, "{}", stats.evicted_flows);
    let first_port = flows.first().map(|flow| flow.responder.port).unwrap();
    assert!(first_port < 100, "{first_port}");
    let (_, stats) = flows_of(&scan(5), Options { flows_max, ..options() });
    assert_eq!(stats.evicted_flows, 0);
}

#[test]
fn inner_flows_know_what_carried_them() {
    let mut outer = Script::new([40_000, 4_789]).packet("U50>").unwrap();
    let mut inner = Script::new([50_000, 9_999]).packet("S>").unwrap();
    (outer.frame_index, inner.frame_index) = (9, 9);
    inner.tunnel_depth = 1;
    inner.vlans = [7, 0];
    let (flows, _) = flows_of(&[outer, inner], options());
    let [carrier, carried] = flows.as_slice() else { panic!("{}", flows.len()) };
    assert_eq!(carried.tunnel_parents, [carrier.uid]);
    assert_eq!((carried.vlan, carried.inner_vlan), (Some(7), None));
    assert!(carrier.tunnel_parents.is_empty());
}

#[test]
fn an_open_flow_is_small() {
    let bytes = size_of::<Option<Entry>>();
    assert!(bytes <= 416, "{bytes}");
}

proptest! {
    #[test]
    fn no_packet_is_lost_and_all_runs_are_equal(
        words in prop::collection::vec(
            prop_oneof![
                "(S|H|A|F|R|Q|W|C|D[1-9]|U[1-9]|T[1-9])>",
                "<(S|H|A|F|R|Q|W|C|D[1-9]|U[1-9]|T[1-9])",
                "@[0-9]{1,3}",
                "![1-9]>",
            ],
            1..60,
        ),
    ) {
        let mut script = Script::new([40_000, 25]);
        let packets: Vec<_> = words.iter().filter_map(|word| script.packet(word)).collect();
        // A new table has other hash seeds.
        let (flows, stats) = flows_of(&packets, options());
        let (again, _) = flows_of(&packets, options());
        prop_assert_eq!(&flows, &again);
        let counted: u64 = flows.iter().map(Flow::packets).sum();
        prop_assert_eq!(counted + stats.disbelieved_packets, packets.len() as u64);
        let bytes: u64 = flows.iter().map(|flow| flow.orig_ip_bytes + flow.resp_ip_bytes).sum();
        let sent: u64 = packets.iter().map(|packet| u64::from(packet.ip_bytes)).sum();
        prop_assert!(bytes <= sent);
    }
}
