//! A case of 50,000 hosts, 150,000 flows and five rows of evidence a host.

use std::path::Path;

use infralock::model::{
    Addr, ConnState, Endpoint, Flow, ImportId, ImportRow, Proto, Spoken, Timestamp, Uid, Untrusted,
};
use infralock::store::{DerivedEvidence, DerivedFrom, DerivedHost, DerivedPlace, Item, Store};

pub(crate) const HOSTS: u32 = 50_000;
const FLOWS: u32 = 150_000;
const EVIDENCE: u32 = 5;
/// As the engine writes them.
const BATCH: usize = 8_192;

fn host(number: u32) -> Addr {
    let [a, b, c, d] = number.to_be_bytes();
    Addr::from_v6_octets([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
}

fn flow(number: u32) -> Flow {
    let mut uid = [0; 12];
    uid[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    Flow {
        uid: Uid::from_hash(uid),
        import: ImportId(0),
        first_seen: Timestamp::from_nanos(1_780_000_000_000_000_000 + i64::from(number) * 1_000),
        duration_nanos: Some(u64::from(number) * 777),
        originator: Endpoint { addr: host(number % HOSTS), port: 40_000 },
        responder: Endpoint { addr: host(number * 7 % HOSTS), port: 443 },
        proto: Proto::Tcp,
        service: Some("ssl".to_owned()),
        orig_bytes: Some(1_234),
        resp_bytes: Some(99_999),
        conn_state: ConnState::Sf,
        missed_bytes: 0,
        history: "ShADadFf".to_owned(),
        orig_pkts: 12,
        orig_ip_bytes: 1_800,
        resp_pkts: 80,
        resp_ip_bytes: 104_000,
        tunnel_parents: Vec::new(),
        vlan: None,
        inner_vlan: None,
        spoken: Box::new(Spoken {
            apps: vec!["ssl"],
            ja4: Some("t13d1516h2_8daaf6152771_e5627efa2ab1".to_owned()),
            sni: Some(Untrusted::new(&format!("host{}.example.net", number % 9_000))),
            ..Spoken::default()
        }),
    }
}

pub(crate) fn write(path: &Path) -> Store {
    let now = Timestamp::from_nanos(1_780_000_000_000_000_000);
    let mut store = Store::create(path, now).unwrap();
    let realm = store.realm(&"bench".into()).unwrap();
    let key = store.begin_import(&ImportRow::default(), Some(realm), now).unwrap();
    let mut batch = Vec::with_capacity(BATCH);
    for number in 0..FLOWS {
        batch.push(Item::Flow(flow(number)));
        if batch.len() == BATCH || number + 1 == FLOWS {
            store.add(key, &batch).unwrap();
            batch.clear();
        }
    }
    let sha256 = Some("00".repeat(32));
    store.finish_import(key, &ImportRow { sha256, ..ImportRow::default() }).unwrap();
    store
}

pub(crate) fn derive(store: &mut Store) {
    let now = Timestamp::from_nanos(1_780_000_000_000_000_000);
    let row = DerivedEvidence {
        id: "scan.horizontal".to_owned(),
        source: "detector".to_owned(),
        what: Some("SYN to 412 hosts on tcp/23 in 60 s".to_owned()),
        refs: "[\"flow:C00000000000000001\"]".to_owned(),
        ..DerivedEvidence::default()
    };
    let evidence = vec![row; EVIDENCE as usize];
    let from = DerivedFrom { key: "k".to_owned(), profile: "default".to_owned(), data_date: None };
    let derived = store.derive(&from, now, |deriving| {
        (0..HOSTS).try_for_each(|number| {
            let place = DerivedPlace {
                lat: Some(52.37),
                lon: Some(f64::from(number) / 500.0),
                radius_km: Some(62.0),
                city: Some("Amsterdam".to_owned()),
                country_code: Some("NL".to_owned()),
                candidates: "[]".to_owned(),
                ..DerivedPlace::default()
            };
            let host_row = DerivedHost {
                word: "high".to_owned(),
                as_name: Some("Example Broadband".to_owned()),
                asn: Some(64_500),
                lists: "[]".to_owned(),
                names: "[]".to_owned(),
                place: Some(place),
                ..DerivedHost::default()
            };
            deriving.host(host(number), &host_row, &evidence)
        })
    });
    derived.unwrap();
}
