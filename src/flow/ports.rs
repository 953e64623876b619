//! Ports behind which a responder is likely: Zeek's `likely_server_ports`, which its protocol
//! scripts fill (scripts/base/protocols/*/main.zeek of Zeek 8). They decide who is the originator
//! where the packet that would tell is missing, and nothing else.

/// TCP: DNS, FTP, HTTP, IMAP, IRC, Kerberos, LDAP, mail, SMB, SSH, TLS and kin.
const TCP: &[u16] = &[
    21, 22, 25, 43, 53, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614,
    631, 636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223,
    5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
];

/// UDP: DHCP, DNS and kin, Kerberos, NTP, QUIC, RADIUS, SIP, SNMP, STUN, tunnels.
const UDP: &[u16] = &[
    53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3478, 3544, 4789, 5060,
    5072, 5247, 5353, 5355, 6081, 20000,
];

/// One bit for each port: asked for each new flow of UDP, and floods are all new flows.
struct PortSet([u64; 1024]);

impl PortSet {
    const fn new(ports: &[u16]) -> Self {
        let mut bits = [0_u64; 1024];
        let mut rest = ports;
        while let [port, after @ ..] = rest {
            let (word, bit) = (*port >> 6, *port & 63);
            #[expect(clippy::indexing_slicing, reason = "a u16 shifted right by 6 is below 1,024")]
            {
                bits[word as usize] |= 1 << bit;
            }
            rest = after;
        }
        Self(bits)
    }

    fn contains(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
    }
}

static TCP_SET: PortSet = PortSet::new(TCP);
static UDP_SET: PortSet = PortSet::new(UDP);

/// Whether a TCP port is likely the responder's.
pub(super) fn is_likely_tcp(port: u16) -> bool {
    TCP_SET.contains(port)
}

/// Whether a UDP port is likely the responder's.
pub(super) fn is_likely_udp(port: u16) -> bool {
    UDP_SET.contains(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_the_lists() {
        for port in 0..=u16::MAX {
            assert_eq!(is_likely_tcp(port), TCP.contains(&port));
            assert_eq!(is_likely_udp(port), UDP.contains(&port));
        }
    }
}
