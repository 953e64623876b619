//! What goes into a case comes out of it, to the last bit and in the same order.

use infralock::flow::apps::PROTOCOLS;
use infralock::import::Listed;
use infralock::model::{
    Addr, AddrRange, AssumedRow, ConnState, Endpoint, Flow, ImportId, ImportRow, Outcome, Position,
    Prefix, Problem, Proto, Record, RecordKind, Spoken, Timestamp, Uid, Untrusted,
};
use infralock::store::{Item, Store};
use proptest::prelude::*;
use proptest::{collection::vec, option, sample::select};
use serde_json::{Map, Value};

use super::now;

fn any_addr() -> impl Strategy<Value = Addr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(Addr::from_v4_octets),
        any::<[u8; 16]>().prop_map(Addr::from_v6_octets),
    ]
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Timestamp::from_nanos)
}

fn any_text() -> impl Strategy<Value = Untrusted> {
    prop_oneof!["[a-z./]{0,12}", ".{0,40}", Just("a\0b".to_owned()), Just(String::new())]
        .prop_map(|text| Untrusted::new(&text))
}

fn any_uid() -> impl Strategy<Value = Uid> {
    any::<[u8; 12]>().prop_map(Uid::from_hash)
}

const STATES: [ConnState; 13] = [
    ConnState::S0,
    ConnState::S1,
    ConnState::S2,
    ConnState::S3,
    ConnState::Sf,
    ConnState::Rej,
    ConnState::Rsto,
    ConnState::Rstr,
    ConnState::Rstos0,
    ConnState::Rstrh,
    ConnState::Sh,
    ConnState::Shr,
    ConnState::Oth,
];

const SYSTEMS: [&str; 6] =
    ["Linux", "Windows", "Windows XP or 2003", "macOS or iOS", "FreeBSD", "OpenBSD"];

fn any_spoken() -> impl Strategy<Value = Spoken> {
    let mut words: Vec<&'static str> = PROTOCOLS.iter().map(|it| it.about().service).collect();
    words.push("websocket");
    let texts = || option::of("[0-9a-f]{0,32}");
    (
        (vec(select(words), 0..4), option::of(select(&SYSTEMS[..]))),
        (texts(), texts(), texts(), texts(), texts()),
        vec(option::of(any_text()), 4),
    )
        .prop_map(|((apps, os_guess), known, mut foreign)| {
            let (ja3, ja3s, ja4, hassh, hassh_server) = known;
            let [user_agent, server_name, alpn, sni] = [(); 4].map(|()| foreign.pop().unwrap());
            Spoken {
                apps,
                ja3,
                ja3s,
                ja4,
                hassh,
                hassh_server,
                sni,
                alpn,
                server_name,
                user_agent,
                os_guess,
            }
        })
}

pub fn any_flow() -> impl Strategy<Value = Flow> {
    let end = || (any_addr(), any::<u16>()).prop_map(|(addr, port)| Endpoint { addr, port });
    (
        (any_uid(), any_time(), option::of(any::<u64>()), end(), end(), any::<u8>()),
        (option::of("[a-z,]{0,9}"), any::<[Option<u64>; 2]>(), select(&STATES[..])),
        (any::<[u64; 5]>(), "[A-Za-z^]{0,9}", vec(any_uid(), 0..3)),
        (any::<[Option<u16>; 2]>(), any_spoken()),
    )
        .prop_map(|(who, what, counts, rest)| {
            let (uid, first_seen, duration_nanos, originator, responder, proto) = who;
            let (service, [orig_bytes, resp_bytes], conn_state) = what;
            let ([missed, orig_pkts, orig_ip, resp_pkts, resp_ip], history, parents) = counts;
            let ([vlan, inner_vlan], spoken) = rest;
            Flow {
                uid,
                import: ImportId(7),
                first_seen,
                duration_nanos,
                originator,
                responder,
                proto: Proto::from_number(proto),
                service,
                orig_bytes,
                resp_bytes,
                conn_state,
                missed_bytes: missed,
                history,
                orig_pkts,
                orig_ip_bytes: orig_ip,
                resp_pkts,
                resp_ip_bytes: resp_ip,
                tunnel_parents: parents,
                vlan,
                inner_vlan,
                spoken: Box::new(spoken),
            }
        })
}

const KINDS: [RecordKind; 16] = [
    RecordKind::Auth,
    RecordKind::Http,
    RecordKind::Dns,
    RecordKind::Tls,
    RecordKind::Ssh,
    RecordKind::Smtp,
    RecordKind::Ftp,
    RecordKind::Firewall,
    RecordKind::Connection,
    RecordKind::Alert,
    RecordKind::Trap,
    RecordKind::Dhcp,
    RecordKind::File,
    RecordKind::Process,
    RecordKind::Cloud,
    RecordKind::Other,
];

const OUTCOMES: [Outcome; 4] =
    [Outcome::Success, Outcome::Failure, Outcome::Blocked, Outcome::Allowed];

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(|text| Value::from(text.raw())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,6}", inner), 0..4).prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

pub fn any_record() -> impl Strategy<Value = Record> {
    (
        (option::of(any_time()), select(&KINDS[..]), option::of(select(&OUTCOMES[..]))),
        (option::of(any_addr()), option::of(any_addr()), any::<[Option<u16>; 2]>()),
        vec(option::of(any_text()), 9),
        (any::<Option<u32>>(), any::<[Option<u64>; 2]>(), option::of(any_uid()), 1..=u32::MAX),
        vec((".{0,6}", any_value()), 0..4),
    )
        .prop_map(|((ts, kind, outcome), (src, dst, ports), mut texts, numbers, details)| {
            let (status, [bytes, line], uid, times) = numbers;
            let mut text = || texts.pop().unwrap();
            Record {
                ts,
                kind,
                service: text(),
                outcome,
                src,
                src_port: ports[0],
                dst,
                dst_port: ports[1],
                src_name: text(),
                dst_name: text(),
                user: text(),
                method: text(),
                host: text(),
                path: text(),
                query: text(),
                status,
                user_agent: text(),
                bytes,
                line,
                uid,
                times,
                import: ImportId(7),
                details: Map::from_iter(details),
            }
        })
}

fn any_listed() -> impl Strategy<Value = Listed> {
    prop_oneof![
        (any_addr(), 0..=128_u8).prop_filter_map("no such prefix", |(addr, len)| {
            Prefix::new(addr, len).map(Listed::Prefix)
        }),
        (any_addr(), any_addr()).prop_filter_map("no such range", |(first, last)| {
            AddrRange::new(first, last).map(Listed::Range)
        }),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => any_flow().prop_map(Item::Flow),
        4 => any_record().prop_map(Item::Record),
        1 => (any_listed(), any::<u64>()).prop_map(|(listed, line)| Item::Listed(listed, line)),
    ]
}

fn row(name: &str) -> ImportRow {
    ImportRow {
        import: Untrusted::new(name),
        realm: Untrusted::new("case"),
        path: Untrusted::new(&format!("/evidence/{name}")),
        format: Some("zeek-tsv"),
        sha256: Some("ab".repeat(32)),
        bytes: 1_234,
        packets: 9,
        records: 4,
        first_seen: Some(Timestamp::from_nanos(-5)),
        last_seen: None,
        assumed: AssumedRow {
            year: Some(2_026),
            time_zone: Some("UTC".to_owned()),
            notes: vec!["said \u{202e}so".into()],
        },
        problems: vec![
            Problem { place: Position::Line(3), what: "bad".to_owned(), count: 2 },
            Problem { place: Position::Offset(u64::MAX), what: "worse".to_owned(), count: 1 },
            Problem { place: Position::Whole, what: String::new(), count: 9 },
        ],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn items_come_back_as_they_went(
        batches in vec(vec(any_item(), 0..12), 1..4),
        others in vec(any_item(), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.infralock");
        let mut store = Store::create(&path, now()).unwrap();
        let realm = store.realm(&"case".into()).unwrap();
        let key = store.begin_import(&row("one"), Some(realm), now()).unwrap();
        let other = store.begin_import(&row("two"), Some(realm), now()).unwrap();
        // Two imports may be written in turn.
        for (number, batch) in batches.iter().enumerate() {
            store.add(key, batch).unwrap();
            if number == 0 {
                store.add(other, &others).unwrap();
            }
        }
        store.finish_import(key, &row("one")).unwrap();
        store.finish_import(other, &row("two")).unwrap();
        store.close().unwrap();

        let store = Store::open_read_only(&path).unwrap();
        let imports = store.imports().unwrap();
        prop_assert_eq!(&imports[0].row, &row("one"));
        let mut read = Vec::new();
        store.each_item(key, ImportId(7), &mut |item| { read.push(item); true }).unwrap();
        prop_assert_eq!(read, batches.concat());
        let mut read = Vec::new();
        store.each_item(other, ImportId(7), &mut |item| { read.push(item); true }).unwrap();
        prop_assert_eq!(read, others);
    }
}

#[test]
fn an_import_goes_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    let realm = store.realm(&"case".into()).unwrap();
    let record = |user: &str| {
        let user = Some(Untrusted::new(user));
        Item::Record(Record { user, ..Record::new(RecordKind::Auth, ImportId(0)) })
    };
    let mut keys = Vec::new();
    for name in ["one", "two"] {
        let key = store.begin_import(&row(name), Some(realm), now()).unwrap();
        store.add(key, &[record("root"), record(name)]).unwrap();
        let sha256 = Some(format!("{:0>64}", keys.len()));
        store.finish_import(key, &ImportRow { sha256, ..row(name) }).unwrap();
        keys.push(key);
    }
    assert_eq!(store.has_sha256(&format!("{:0>64}", 0)).unwrap(), Some(keys[0]));
    store.remove_import(keys[0]).unwrap();
    assert_eq!(store.has_sha256(&format!("{:0>64}", 0)).unwrap(), None);
    let left = store.imports().unwrap();
    assert_eq!(left.iter().map(|import| import.key).collect::<Vec<_>>(), [keys[1]]);
    let mut users = Vec::new();
    let mut take = |record: Record| {
        users.push(record.user.unwrap().to_string());
        true
    };
    store.each_record(keys[0], ImportId(0), &mut take).unwrap();
    store.each_record(keys[1], ImportId(0), &mut take).unwrap();
    assert_eq!(users, ["root", "two"]);
    let next = store.begin_import(&row("three"), Some(realm), now()).unwrap();
    assert!(next > keys[1], "a number is not given twice");
    assert!(store.remove_import(keys[0]).is_err());
}
