//! What was made of a case: kept under its key, and the history of places beside it.

use infralock::model::{HostKey, RealmId};
use infralock::store::{
    DerivedDetection, DerivedEvidence, DerivedFrom, DerivedHost, DerivedPlace, Store,
};

use super::{addr, now};

fn from(key: &str) -> DerivedFrom {
    DerivedFrom { key: key.to_owned(), profile: "default".to_owned(), data_date: Some(now()) }
}

fn public(text: &str) -> HostKey {
    HostKey::new(addr(text), RealmId(0))
}

fn place(lat: f64) -> DerivedPlace {
    DerivedPlace {
        lat: Some(lat),
        lon: Some(4.9),
        city: Some("Amsterdam".to_owned()),
        candidates: "[]".to_owned(),
        ..DerivedPlace::default()
    }
}

#[test]
fn hosts_evidence_and_detections_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    let host = |score| DerivedHost { score, word: "high".to_owned(), ..DerivedHost::default() };
    let hosts = [
        (addr("203.0.113.9"), DerivedHost { place: Some(place(52.37)), ..host(93.0) }),
        (addr("10.0.0.5"), host(50.0)),
        (addr("2001:db8::9"), DerivedHost { place: Some(place(1.0)), ..host(0.5) }),
    ];
    let evidence = vec![DerivedEvidence { id: "prior".to_owned(), ..DerivedEvidence::default() }];
    let detection = DerivedDetection {
        detector: "scan.horizontal".to_owned(),
        subject: addr("203.0.113.9"),
        realm: None,
        severity: 40,
        confidence: 0.97,
        first_seen: None,
        last_seen: Some(now()),
        row: "{}".to_owned(),
    };
    for key in ["one", "two"] {
        store
            .derive(&from(key), now(), |deriving| {
                for (addr, host) in &hosts {
                    deriving.host(*addr, host, &evidence)?;
                }
                deriving.detection(&detection)
            })
            .unwrap();
    }
    assert_eq!(store.derived_key().unwrap().as_deref(), Some("two"));
    let mut read = Vec::new();
    store.each_derived_host(&mut |rank, addr, host| read.push((rank, addr, host))).unwrap();
    let expected = (1..).zip(hosts).map(|(rank, (addr, host))| (rank, addr, host));
    assert_eq!(read, expected.collect::<Vec<_>>());
    assert_eq!(store.derived_evidence(3).unwrap(), evidence);
    assert_eq!(store.derived_detections().unwrap(), [detection]);
    let (_, count) = store.place_history(public("203.0.113.9"), 10).unwrap();
    assert_eq!(count, 1, "the same place is said once");
}

#[test]
fn places_have_a_history_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    let (bad, host) = (addr("203.0.113.9"), public("203.0.113.9"));
    for (day, lat) in [(0, 1.0), (30, 1.0), (60, 2.0), (100, 1.0)] {
        let host = DerivedHost { place: Some(place(lat)), ..DerivedHost::default() };
        let derived = store
            .derive(&from("k"), now().plus_days(day), |deriving| deriving.host(bad, &host, &[]));
        derived.unwrap();
    }
    let days = |store: &Store| -> Vec<f64> {
        let (events, _) = store.place_history(host, 10).unwrap();
        events.iter().map(|event| event.time.secs_since(now()) / 86_400.0).collect()
    };
    assert_eq!(days(&store), [0.0, 60.0, 100.0]);
    let (newest, count) = store.place_history(host, 2).unwrap();
    assert_eq!(count, 3);
    let lats: Vec<_> = newest.iter().map(|event| event.place.lat).collect();
    assert_eq!(lats, [Some(2.0), Some(1.0)], "the newest two, the older one first");
    assert_eq!(store.retain_locations(200, now().plus_days(120)).unwrap(), 0);
    assert_eq!(store.command_count().unwrap(), 0, "nothing was done");
    assert_eq!(store.retain_locations(90, now().plus_days(120)).unwrap(), 1);
    assert_eq!(days(&store), [60.0, 100.0]);
    let said = store.newest_commands(1).unwrap()[0].what.clone();
    assert_eq!(said.raw(), "retention: 1 saying of a place older than 90 days deleted");
}

/// What retention deletes is in no free page of the file.
#[test]
fn what_is_no_longer_kept_is_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    for (day, city) in [(0, "Oldtown-on-Sea"), (60, "Newtown")] {
        let place = DerivedPlace { city: Some(city.to_owned()), ..place(1.0) };
        let host = DerivedHost { place: Some(place), ..DerivedHost::default() };
        let fill = now().plus_days(day);
        let derived = store
            .derive(&from("k"), fill, |deriving| deriving.host(addr("203.0.113.9"), &host, &[]));
        derived.unwrap();
    }
    store.close().unwrap();
    let has = |text: &str| {
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(has("Oldtown-on-Sea"));
    let mut store = Store::open(&path).unwrap().store;
    assert_eq!(store.retain_locations(30, now().plus_days(61)).unwrap(), 1);
    store.close().unwrap();
    assert!(!has("Oldtown-on-Sea") && has("Newtown"));
}

/// Private addresses of two realms have a history each.
#[test]
fn the_history_of_a_private_address_is_that_of_its_realm() {
    use infralock::model::{HostKey, RealmId};
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    store.realm(&"one".into()).unwrap();
    store.realm(&"two".into()).unwrap();
    let inside = addr("10.0.0.5");
    store
        .derive(&from("k"), now(), |deriving| {
            for (realm, lat) in [(0, 1.0), (1, 2.0)] {
                let realm = Some(RealmId(realm));
                let host = DerivedHost { realm, place: Some(place(lat)), ..DerivedHost::default() };
                deriving.host(inside, &host, &[])?;
            }
            Ok(())
        })
        .unwrap();
    for (realm, lat) in [(0, 1.0), (1, 2.0)] {
        let (events, count) = store.place_history(HostKey::new(inside, RealmId(realm)), 9).unwrap();
        assert_eq!((count, events[0].place.lat), (1, Some(lat)));
    }
}
