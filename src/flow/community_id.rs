//! Community ID version 1: a hash of the 5-tuple that many tools share, the same for both
//! directions (<https://github.com/corelight/community-id-spec>).
//!
//! ICMP takes the place of ports: type and counterpart where requests have answers, else type and
//! code, and then the order of the addresses stays, for such a message has one direction. Zeek's
//! conn.log puts the same numbers in the ports, so a [`Flow`] has all that is needed.

use sha1::{Digest, Sha1};

use crate::model::{Addr, Endpoint, Flow, Proto, base64};

use super::icmp;

/// `1:` and 28 characters of base64: the Community ID of a flow, with the seed 0 that all tools
/// have unless told otherwise.
///
/// A protocol without ports hashes the addresses and its number alone. SCTP has ports, but its
/// header is not read here, so it is treated like those.
pub fn community_id(flow: &Flow) -> String {
    let ports = match flow.proto {
        Proto::Other(_) => None,
        _ => Some((flow.originator.port, flow.responder.port)),
    };
    with_seed(0, flow.proto, flow.originator.addr, flow.responder.addr, ports)
}

/// The same from its parts: the seed tells networks apart that use the same addresses, `ports` are
/// those of source and destination, `None` for a protocol that has none.
///
/// ```
/// use infralock::flow::community_id::with_seed;
/// use infralock::model::Proto;
/// let (src, dst) = ("128.232.110.120".parse().unwrap(), "66.35.250.204".parse().unwrap());
/// let id = with_seed(0, Proto::Tcp, src, dst, Some((34855, 80)));
/// assert_eq!(id, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
/// assert_eq!(id, with_seed(0, Proto::Tcp, dst, src, Some((80, 34855))));
/// ```
pub fn with_seed(
    seed: u16,
    proto: Proto,
    src: Addr,
    dst: Addr,
    ports: Option<(u16, u16)>,
) -> String {
    let (src_port, dst_port) = ports.unwrap_or_default();
    let (mut low, mut high) =
        (Endpoint { addr: src, port: src_port }, Endpoint { addr: dst, port: dst_port });
    if (high.addr, high.port) < (low.addr, low.port) && !icmp::is_one_way(proto, src_port) {
        std::mem::swap(&mut low, &mut high);
    }
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    for end in [low, high] {
        match end.addr {
            Addr::V4(addr) => hash.update(addr.octets()),
            Addr::V6(addr) => hash.update(addr.octets()),
        }
    }
    hash.update([proto.number(), 0]);
    if ports.is_some() {
        hash.update(low.port.to_be_bytes());
        hash.update(high.port.to_be_bytes());
    }
    format!("1:{}", base64(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_one_direction_keeps_it() {
        let (one, two) = ("192.0.2.1".parse().unwrap(), "198.51.100.2".parse().unwrap());
        // Destination unreachable has no answer; echo has.
        let unreachable = |src, dst| with_seed(0, Proto::Icmp, src, dst, Some((3, 1)));
        assert_ne!(unreachable(one, two), unreachable(two, one));
        assert_eq!(
            with_seed(0, Proto::Icmp, one, two, Some((8, 0))),
            with_seed(0, Proto::Icmp, two, one, Some((0, 8))),
        );
    }

    #[test]
    fn protocols_without_ports_and_seeds_differ() {
        let (one, two) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let esp = with_seed(0, Proto::Other(50), one, two, None);
        assert_eq!(esp, with_seed(0, Proto::Other(50), two, one, None));
        assert_ne!(esp, with_seed(1, Proto::Other(50), one, two, None));
        assert_ne!(esp, with_seed(0, Proto::Other(51), one, two, None));
    }
}
