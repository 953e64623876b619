//! Packets as packet filters log them: Linux netfilter (iptables, nftables, ufw, firewalld) and
//! pfSense's `filterlog`.

use crate::model::{Outcome, Record, Untrusted};

/// Reads `… SRC=… DST=… PROTO=… SPT=… DPT=…` into a record; false: it is no such line.
///
/// Whether the packet was let through is in the prefix that the rule gave the line, as in
/// `[UFW BLOCK]`: a prefix that says neither leaves the outcome unknown.
pub(in crate::import) fn put_netfilter(record: &mut Record, message: &str) -> bool {
    let Some((prefix, fields)) = message.split_once("IN=") else { return false };
    let mut found = Packet::default();
    for field in fields.split_ascii_whitespace() {
        // In brackets follows the packet that an ICMP error quotes.
        if field.starts_with('[') {
            break;
        }
        found.take(field);
    }
    let addr = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    (record.src, record.dst) = (addr(found.src), addr(found.dst));
    if record.src.is_none() || record.dst.is_none() {
        return false;
    }
    record.src_port = found.src_port.and_then(|port| port.parse().ok());
    record.dst_port = found.dst_port.and_then(|port| port.parse().ok());
    let prefix = without_uptime(prefix);
    record.service = Some(Untrusted::new(if prefix.contains("UFW") { "ufw" } else { "netfilter" }));
    record.outcome = outcome(prefix);
    let proto = found.proto.map(|proto| proto.to_ascii_lowercase());
    for (name, value) in [
        ("proto", proto.as_deref()),
        ("flags", (!found.flags.is_empty()).then_some(found.flags.as_str())),
        ("prefix", Some(prefix.trim()).filter(|prefix| !prefix.is_empty())),
    ] {
        if let Some(value) = value {
            record.details.insert(name.to_owned(), Untrusted::new(value).raw().into());
        }
    }
    true
}

#[derive(Default)]
struct Packet<'a> {
    src: Option<&'a str>,
    dst: Option<&'a str>,
    proto: Option<&'a str>,
    src_port: Option<&'a str>,
    dst_port: Option<&'a str>,
    flags: String,
}

impl<'a> Packet<'a> {
    fn take(&mut self, field: &'a str) {
        match field.split_once('=') {
            Some(("SRC", value)) => self.src = self.src.or(Some(value)),
            Some(("DST", value)) => self.dst = self.dst.or(Some(value)),
            Some(("PROTO", value)) => self.proto = self.proto.or(Some(value)),
            Some(("SPT", value)) => self.src_port = self.src_port.or(Some(value)),
            Some(("DPT", value)) => self.dst_port = self.dst_port.or(Some(value)),
            Some(_) => {}
            None if matches!(field, "SYN" | "ACK" | "FIN" | "RST" | "PSH" | "URG") => {
                if !self.flags.is_empty() {
                    self.flags.push(' ');
                }
                self.flags.push_str(field);
            }
            None => {}
        }
    }
}

/// The prefix without the kernel's `[12345.678901] `.
fn without_uptime(prefix: &str) -> &str {
    let uptime = prefix.strip_prefix('[').and_then(|inside| inside.split_once(']'));
    match uptime {
        Some((secs, rest)) if secs.bytes().all(|b| b.is_ascii_digit() || b". ".contains(&b)) => {
            rest.trim_ascii_start()
        }
        _ => prefix,
    }
}

/// What a rule's prefix says of the packet.
pub(in crate::import) fn outcome(prefix: &str) -> Option<Outcome> {
    let prefix = prefix.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| prefix.contains(word));
    if says(&["block", "drop", "reject", "deny", "denied", "ban"]) {
        Some(Outcome::Blocked)
    } else if says(&["allow", "accept", "pass", "permit"]) {
        Some(Outcome::Allowed)
    } else {
        None
    }
}

/// Reads pfSense's and OPNsense's `filterlog` (comma-separated; pfSense manual, "Raw Filter Log
/// Format"); false: it is no such line.
pub(in crate::import) fn put_filterlog(record: &mut Record, message: &str) -> bool {
    let fields: Vec<&str> = message.split(',').take(32).collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or("");
    let proto_and_src = match field(8) {
        "4" => (16, 18),
        "6" => (12, 15),
        _ => return false,
    };
    let (proto, src) = proto_and_src;
    (record.src, record.dst) = (field(src).parse().ok(), field(src + 1).parse().ok());
    if record.src.is_none() {
        return false;
    }
    let proto = field(proto).to_ascii_lowercase();
    if matches!(proto.as_str(), "tcp" | "udp") {
        record.src_port = field(src + 2).parse().ok();
        record.dst_port = field(src + 3).parse().ok();
    }
    record.service = Some(Untrusted::new("filterlog"));
    record.outcome = outcome(field(6));
    let proto = Untrusted::new(&proto);
    record.details.insert("proto".to_owned(), proto.raw().into());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImportId, RecordKind};

    fn check(put: fn(&mut Record, &str) -> bool, message: &str, expected: &str) {
        let mut record = Record::new(RecordKind::Firewall, ImportId(0));
        let shown = if put(&mut record, message) {
            let (src, dst) = (record.src.unwrap(), record.dst.unwrap());
            let port = |port: Option<u16>| port.map_or(String::new(), |port| format!(":{port}"));
            let (src_port, dst_port) = (port(record.src_port), port(record.dst_port));
            let proto = record.details.get("proto").unwrap().as_str().unwrap();
            format!("{src}{src_port} {dst}{dst_port} {proto} {:?}", record.outcome)
        } else {
            "none".to_owned()
        };
        assert_eq!(shown, expected, "{message}");
    }

    #[test]
    fn packets() {
        for (message, expected) in [
            (
                "[123.456] [UFW BLOCK] IN=eth0 OUT= MAC=00:00 SRC=192.0.2.1 DST=203.0.113.9 LEN=44 \
                 TOS=0x00 PREC=0x00 TTL=43 ID=1 PROTO=TCP SPT=52220 DPT=80 WINDOW=1024 SYN",
                "192.0.2.1:52220 203.0.113.9:80 tcp Some(Blocked)",
            ),
            (
                "IPTables-Dropped: IN=eth0 OUT= SRC=2001:db8::1 DST=2001:db8::2 PROTO=ICMPv6 \
                    TYPE=128",
                "2001:db8::1 2001:db8::2 icmpv6 Some(Blocked)",
            ),
            (
                "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=ICMP TYPE=3 [SRC=203.0.113.1 \
                 DST=203.0.113.2 PROTO=UDP SPT=1 DPT=2 ]",
                "192.0.2.1 192.0.2.2 icmp None",
            ),
            (
                "ACCEPT IN= OUT=eth0 SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP SPT=1 DPT=53",
                "192.0.2.1:1 192.0.2.2:53 udp Some(Allowed)",
            ),
            ("IN=eth0 SRC=none DST=x", "none"),
            ("usb 1-1: new device", "none"),
        ] {
            check(put_netfilter, message, expected);
        }
        for (message, expected) in [
            (
                "4,,,1000000103,vtnet0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,192.0.2.1,\
                    203.0.113.9,5,22,0,S,1,,64240,,mss",
                "192.0.2.1:5 203.0.113.9:22 tcp Some(Blocked)",
            ),
            (
                "4,,,0,vtnet0,match,pass,in,6,0x00,0x1,64,TCP,6,40,2001:db8::1,2001:db8::2,5,22,0,\
                    S",
                "2001:db8::1:5 2001:db8::2:22 tcp Some(Allowed)",
            ),
            ("4,,,0", "none"),
        ] {
            check(put_filterlog, message, expected);
        }
    }
}
