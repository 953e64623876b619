//! What makes packets one flow, and the name it gets.

use crate::model::{Addr, Endpoint, Proto, Uid};
use crate::wire::{Packet, Transport};

use super::{Side, icmp};

/// Addresses, ports and protocol, the lower endpoint first, so that both directions are equal.
///
/// VLAN ids and tunnels take no part, as in Zeek: a mirror port shows one flow's two directions on
/// two VLANs. ICMP messages that have no answer keep their direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Both addresses as 16 bytes, then ports and protocol.
    words: [u64; 5],
}

/// Which of a key's two endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    Low,
    High,
}

impl Rank {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// The two halves of an address as flows compare them.
fn halves(addr: Addr) -> (u64, u64) {
    match addr {
        Addr::V4(addr) => (0, 0xffff << 32 | u64::from(addr.to_bits())),
        Addr::V6(addr) => {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = addr.octets();
            (
                u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                u64::from_be_bytes([i, j, k, l, m, n, o, p]),
            )
        }
    }
}

fn addr(high: u64, low: u64) -> Addr {
    let [a, b, c, d, e, f, g, h] = high.to_be_bytes();
    let [i, j, k, l, m, n, o, p] = low.to_be_bytes();
    Addr::from_v6_octets([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

impl Key {
    /// The key of a packet, and which endpoint sent it.
    #[inline]
    pub(super) fn of(packet: &Packet<'_>) -> (Self, Rank) {
        let proto = packet.proto();
        let (src_port, dst_port, keeps_order) = match packet.transport {
            Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port, false),
            Transport::Udp { src_port, dst_port } => (src_port, dst_port, false),
            Transport::Icmp { kind, code } | Transport::Icmp6 { kind, code } => {
                let answer = icmp::counterpart(proto, kind);
                (u16::from(kind), u16::from(answer.unwrap_or(code)), answer.is_none())
            }
            Transport::Other(_) => (0, 0, false),
        };
        let (src, dst) = (halves(packet.src), halves(packet.dst));
        let is_low = keeps_order || (src, src_port) <= (dst, dst_port);
        let (low, high, low_port, high_port) =
            if is_low { (src, dst, src_port, dst_port) } else { (dst, src, dst_port, src_port) };
        let tail =
            u64::from(low_port) << 24 | u64::from(high_port) << 8 | u64::from(proto.number());
        let sender = if is_low { Rank::Low } else { Rank::High };
        (Self { words: [low.0, low.1, high.0, high.1, tail] }, sender)
    }

    /// The protocol.
    pub(super) const fn proto(&self) -> Proto {
        let [.., tail] = self.words;
        let [.., number] = tail.to_be_bytes();
        Proto::from_number(number)
    }

    /// The port of one endpoint.
    pub(super) const fn port(&self, rank: Rank) -> u16 {
        let [.., tail] = self.words;
        let [_, _, _, low_1, low_0, high_1, high_0, _] = tail.to_be_bytes();
        match rank {
            Rank::Low => u16::from_be_bytes([low_1, low_0]),
            Rank::High => u16::from_be_bytes([high_1, high_0]),
        }
    }

    /// The lower and the higher endpoint.
    pub(super) fn endpoints(&self) -> [Endpoint; 2] {
        let [a, b, c, d, _] = self.words;
        [
            Endpoint { addr: addr(a, b), port: self.port(Rank::Low) },
            Endpoint { addr: addr(c, d), port: self.port(Rank::High) },
        ]
    }

    /// Which of `shards` holds it: the same on every machine, whatever the number of threads.
    pub(super) fn shard(&self, shards: usize) -> usize {
        // Fibonacci hashing (Knuth, TAOCP 3 §6.4) of the words folded together.
        let folded = self.words.iter().fold(0_u64, |hash, word| {
            (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        usize::try_from(folded >> 40).unwrap_or(0) % shards.max(1)
    }

    /// The name of the flow this packet begins (INTERFACE, `uid`).
    pub(super) fn uid(&self, packet: &Packet<'_>) -> Uid {
        let mut bytes = [0_u8; 58];
        let mut rest = bytes.as_mut_slice();
        let mut put = |part: &[u8]| {
            if let Some((slot, after)) = std::mem::take(&mut rest).split_at_mut_checked(part.len())
            {
                slot.copy_from_slice(part);
                rest = after;
            }
        };
        let mut ends = self.endpoints().map(|end| (end.addr.to_v6_octets(), end.port));
        ends.sort_unstable();
        put(&[self.proto().number()]);
        for (octets, port) in ends {
            put(&octets);
            put(&port.to_be_bytes());
        }
        for vlan in packet.vlans {
            put(&vlan.to_be_bytes());
        }
        put(&[packet.tunnel_depth]);
        put(&packet.ts.nanos().to_be_bytes());
        put(&packet.frame_index.to_be_bytes());
        let hash = blake3::hash(&bytes);
        let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        Uid::from_hash(first)
    }
}

/// The side of a flow that one of its endpoints is.
pub(super) fn side_of(endpoint: Rank, originator: Rank) -> Side {
    if endpoint == originator { Side::Originator } else { Side::Responder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use proptest::prelude::*;

    fn packet(src: Addr, dst: Addr, transport: Transport) -> Packet<'static> {
        Packet {
            ts: Timestamp::from_nanos(1_000),
            frame_index: 7,
            earlier_frames: &[],
            src,
            dst,
            ttl: 64,
            ip_bytes: 40,
            vlans: [10, 0],
            tunnel_depth: 0,
            tunnel: None,
            bad_checksum: false,
            transport,
            payload: &[],
            payload_bytes: 0,
        }
    }

    fn any_addr() -> impl Strategy<Value = Addr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(Addr::from_v4_octets),
            any::<[u8; 16]>().prop_map(Addr::from_v6_octets),
        ]
    }

    proptest! {
        #[test]
        fn both_directions_have_one_key_and_nothing_is_lost(
            src in any_addr(), dst in any_addr(), src_port: u16, dst_port: u16,
        ) {
            let there = packet(src, dst, Transport::Udp { src_port, dst_port });
            let back = packet(dst, src, Transport::Udp { src_port: dst_port, dst_port: src_port });
            let ((key, sender), (other, answerer)) = (Key::of(&there), Key::of(&back));
            prop_assert_eq!(key, other);
            prop_assert_eq!(key.uid(&there), other.uid(&back));
            prop_assert_eq!(key.shard(16), other.shard(16));
            prop_assert_eq!(key.proto(), Proto::Udp);
            let [low, high] = key.endpoints();
            let (from, to) = if sender == Rank::Low { (low, high) } else { (high, low) };
            prop_assert_eq!((from.addr, from.port), (src, src_port));
            prop_assert_eq!((to.addr, to.port), (dst, dst_port));
            prop_assert!(sender != answerer || (src, src_port) == (dst, dst_port));
        }
    }

    #[test]
    fn the_uid_is_the_documented_hash() {
        let (src, dst) = ("192.0.2.7".parse().unwrap(), "198.51.100.1".parse().unwrap());
        let syn = Tcp22;
        let packet = packet(src, dst, syn.into());
        let mut bytes = vec![6];
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]);
        bytes.extend(40_000_u16.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1]);
        bytes.extend(22_u16.to_be_bytes());
        bytes.extend([0, 10, 0, 0, 0]);
        bytes.extend(1_000_i64.to_be_bytes());
        bytes.extend(7_u64.to_be_bytes());
        let hash = blake3::hash(&bytes);
        let expected = Uid::from_hash(hash.as_bytes()[..12].try_into().unwrap());
        assert_eq!(Key::of(&packet).0.uid(&packet), expected);
    }

    struct Tcp22;

    impl From<Tcp22> for Transport {
        fn from(_: Tcp22) -> Self {
            Self::Tcp(crate::wire::Tcp {
                src_port: 40_000,
                dst_port: 22,
                ..crate::wire::Tcp::default()
            })
        }
    }
}
