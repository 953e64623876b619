//! Targets for the application protocols: each parser from its first byte, and recognition.
//!
//! A dialogue is a row of pieces: one byte of flags (1: the responder's side, 2: a gap of so many
//! bytes), two bytes of length, then the bytes; what is left over at the end is the originator's.

use infralock::flow::apps::{Context, Conversation, PROTOCOLS, SecretKey, Sink, Transport};
use infralock::flow::{Pair, Side};
use infralock::model::{Endpoint, ImportId, Record, Timestamp, Uid};

/// Records that any input of a few bytes may give: one for each line it could hold, and the rest.
const RECORDS_SPARE: usize = 64;

fn pieces(mut data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some(([flags, high, low], rest)) = data.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        found.push((*flags, piece));
        data = rest;
    }
    found.push((0, data));
    found
}

/// Plays a dialogue; gives back its records and the names of what it spoke.
pub fn converse(data: &[u8], mut conversation: Conversation) -> (Vec<Record>, Vec<&'static str>) {
    let context = Context {
        originator: Endpoint { addr: "192.0.2.7".parse().unwrap(), port: 40_000 },
        responder: Endpoint { addr: "198.51.100.9".parse().unwrap(), port: 4_000 },
        uid: Uid::from_hash([1; 12]),
        import: ImportId::default(),
    };
    let mut records = Vec::new();
    let mut record = |record| records.push(record);
    let key = SecretKey([7; 32]);
    let mut sink = Sink { context: &context, key: &key, record: &mut record };
    for (flags, piece) in pieces(data) {
        let side = if flags & 1 == 0 { Side::Originator } else { Side::Responder };
        if conversation.wants_more(side) {
            if flags & 2 == 0 {
                conversation.bytes(side, Timestamp::default(), piece, &mut sink);
            } else {
                conversation.gap(side, Timestamp::default(), piece.len() as u64, &mut sink);
            }
        }
    }
    let heard = conversation.finish(&mut sink);
    assert!(records.len() <= data.len() + RECORDS_SPARE, "{} records", records.len());
    for record in &records {
        assert!(record.times == 1 && record.src.is_some() && record.uid.is_some());
    }
    (records, heard.services)
}

fn run(service: &str, data: &[u8]) {
    for protocol in PROTOCOLS.iter().filter(|protocol| protocol.about().service == service) {
        for client in Side::BOTH {
            for transport in [Transport::Stream, Transport::Datagrams] {
                converse(data, Conversation::begun(*protocol, client, transport));
            }
        }
    }
}

/// Recognition and what it leads to.
pub fn fuzz_apps(data: &[u8]) {
    let ports = Pair { originator: 40_000, responder: 4_000 };
    for transport in [Transport::Stream, Transport::Datagrams] {
        converse(data, Conversation::new(transport, ports));
    }
}

macro_rules! targets {
    ($($name:ident $service:literal,)*) => {
        $(pub fn $name(data: &[u8]) {
            run($service, data);
        })*

        #[test]
        fn every_protocol_that_reads_has_a_target() {
            let with_target = [$($service),*];
            for about in PROTOCOLS.iter().map(|protocol| protocol.about()) {
                let reads = about.misses != "everything but the name";
                assert!(!reads || with_target.contains(&about.service), "{}", about.service);
            }
        }
    };
}

targets! {
    fuzz_tls "ssl",
    fuzz_http "http",
    fuzz_dns "dns",
    fuzz_quic "quic",
    fuzz_ssh "ssh",
    fuzz_smtp "smtp",
    fuzz_ftp "ftp",
    fuzz_socks "socks",
    fuzz_pop3 "pop3",
    fuzz_imap "imap",
    fuzz_irc "irc",
    fuzz_telnet "telnet",
    fuzz_mysql "mysql",
    fuzz_postgresql "postgresql",
    fuzz_redis "redis",
    fuzz_ldap_tcp "ldap_tcp",
    fuzz_ldap_udp "ldap_udp",
    fuzz_snmp "snmp",
    fuzz_dhcp "dhcp",
    fuzz_rdp "rdp",
    fuzz_xmpp "xmpp",
    fuzz_smb "smb",
}
