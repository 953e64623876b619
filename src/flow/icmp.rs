//! Which ICMP messages answer which: Zeek's pairs, which Community ID shares.

use crate::model::Proto;

/// Pairs of ICMP request and reply (RFC 792, RFC 950, RFC 1256).
const PAIRS_4: [(u8, u8); 5] = [(8, 0), (13, 14), (15, 16), (10, 9), (17, 18)];

/// Pairs of ICMPv6 request and reply (RFC 4443, 4861, 2710, 4620, 6275).
const PAIRS_6: [(u8, u8); 6] =
    [(128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145)];

/// The type that answers a type or is answered by it; `None`: the message stands alone.
pub(super) fn counterpart(proto: Proto, kind: u8) -> Option<u8> {
    let pairs: &[(u8, u8)] = match proto {
        Proto::Icmp => &PAIRS_4,
        Proto::Icmp6 => &PAIRS_6,
        _ => &[],
    };
    pairs.iter().find_map(|&(request, reply)| {
        if kind == request {
            Some(reply)
        } else if kind == reply {
            Some(request)
        } else {
            None
        }
    })
}

/// Whether a flow of this protocol and type (in the source's port) has one direction only.
pub(super) fn is_one_way(proto: Proto, kind: u16) -> bool {
    matches!(proto, Proto::Icmp | Proto::Icmp6)
        && u8::try_from(kind).is_ok_and(|kind| counterpart(proto, kind).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_symmetric() {
        for proto in [Proto::Icmp, Proto::Icmp6] {
            for kind in 0..=255 {
                if let Some(other) = counterpart(proto, kind) {
                    assert_eq!(counterpart(proto, other), Some(kind), "{proto:?} {kind}");
                }
            }
        }
        assert!(is_one_way(Proto::Icmp, 3) && !is_one_way(Proto::Icmp, 8));
        assert!(!is_one_way(Proto::Tcp, 3));
    }
}
