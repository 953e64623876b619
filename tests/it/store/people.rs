//! What a person says: kept at once, undone and redone across reopening, written down.

use infralock::model::{HostKey, RealmId};
use infralock::store::{Deed, Deeds, Put, Store, Subject, Verdict};

use super::{addr, now};

fn deeds() -> Vec<Deed> {
    let host = Subject::host(HostKey::new(addr("203.0.113.9"), RealmId(0)));
    let note = |text: &str| Deed::Note { subject: host.clone(), text: Some(text.to_owned()) };
    let tag = |put| Deed::Tag { subject: host.clone(), tag: "seen".to_owned(), put };
    let verdict = |verdict| Deed::Verdict { subject: host.clone(), verdict };
    vec![
        note("looks odd"),
        note("very odd"),
        Deed::Note { subject: host.clone(), text: None },
        tag(Put::On),
        tag(Put::On),
        tag(Put::Off),
        verdict(Some(Verdict::Suspicious)),
        verdict(Some(Verdict::Expected("our own scanner".to_owned()))),
        verdict(Some(Verdict::Unsure)),
        verdict(None),
        verdict(Some(Verdict::Malicious)),
        Deed::Bookmark { subject: Subject::named("map"), name: Some("night".to_owned()) },
        Deed::Filter { name: "bad".to_owned(), text: Some("score >= 50".to_owned()) },
        Deed::Setting { key: "own_networks".to_owned(), value: Some("10.0.0.0/8".to_owned()) },
        Deed::MergeRealm { realm: 1, into: Some(0) },
    ]
}

#[test]
fn every_deed_can_be_undone_and_done_again_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    store.realm(&"one".into()).unwrap();
    store.realm(&"two".into()).unwrap();
    let state = |store: &Store| (store.persons_data().unwrap(), store.realms().unwrap());
    let mut states = vec![state(&store)];
    for deed in deeds() {
        store.apply(&deed, now()).unwrap();
        states.push(state(&store));
    }
    let mut store = {
        store.close().unwrap();
        Store::open(&path).unwrap().store
    };
    for (deed, before) in deeds().iter().zip(&states).rev() {
        assert_eq!(store.undo(now()).unwrap().unwrap().deeds, deed.clone().into());
        assert_eq!(state(&store), *before, "undone: {deed:?}");
    }
    assert_eq!(store.undo(now()).unwrap(), None);
    store.close().unwrap();
    let mut store = Store::open(&path).unwrap().store;
    for (deed, after) in deeds().iter().zip(&states[1..]) {
        assert_eq!(store.redo(now()).unwrap().unwrap().deeds, deed.clone().into());
        assert_eq!(state(&store), *after, "redone: {deed:?}");
    }
    assert_eq!(store.redo(now()).unwrap(), None);
}

#[test]
fn a_new_deed_ends_what_could_be_redone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    store.apply(&deeds()[0], now()).unwrap();
    store.undo(now()).unwrap().unwrap();
    store.apply(&deeds()[3], now()).unwrap();
    assert_eq!(store.redo(now()).unwrap(), None);
    assert_eq!(store.undo(now()).unwrap().unwrap().deeds, deeds()[3].clone().into());
}

/// Hosts by number, from 0.
fn host(number: u32) -> Subject {
    let addr = std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(number) + 1);
    Subject::host(HostKey::new(addr.to_string().parse().unwrap(), RealmId(0)))
}

fn malicious(hosts: std::ops::Range<u32>) -> Deeds {
    let verdict = |n| Deed::Verdict { subject: host(n), verdict: Some(Verdict::Malicious) };
    hosts.map(verdict).collect()
}

#[test]
fn what_is_done_to_many_is_one_step_that_sets_each_back_to_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    let before = [
        Deed::Verdict { subject: host(1), verdict: Some(Verdict::Expected("ours".to_owned())) },
        Deed::Verdict { subject: host(3), verdict: Some(Verdict::Unsure) },
        Deed::Tag { subject: host(2), tag: "seen".to_owned(), put: Put::On },
    ];
    before.iter().for_each(|deed| store.apply(deed, now()).unwrap());
    let said = store.persons_data().unwrap();

    let all = malicious(0..1_000);
    store.apply_all(&all, now()).unwrap();
    let tag = |n| Deed::Tag { subject: host(n), tag: "seen".to_owned(), put: Put::On };
    let tags: Deeds = (0..4).map(tag).collect();
    store.apply_all(&tags, now()).unwrap();
    assert_eq!(store.info().unwrap().journal, 5, "one step each");
    assert_eq!(store.command_count().unwrap(), 5, "one command each");
    let newest = store.newest_commands(2).unwrap();
    let tagged = "tag seen on 4 hosts: 2001:db8::1, 2001:db8::2, 2001:db8::3, 2001:db8::4";
    assert_eq!(newest[0].what.raw(), tagged);
    let many = newest[1].what.raw();
    assert!(many.starts_with("verdict malicious on 1,000 hosts: 2001:db8::1, "), "{many}");
    assert!(many.ends_with(", 2001:db8::64, …"), "the first hundred are named: {many}");
    let after = store.persons_data().unwrap();
    assert_eq!((after.verdicts.len(), after.tags.len()), (1_000, 4));
    store.close().unwrap();

    let mut store = Store::open(&path).unwrap().store;
    assert_eq!(store.turns().unwrap(), (Some(tags.clone()), None));
    assert_eq!(store.undo(now()).unwrap().unwrap().deeds, tags);
    assert_eq!(store.undo(now()).unwrap().unwrap().deeds, all);
    assert_eq!(store.persons_data().unwrap(), said, "each is what it was");
    store.close().unwrap();
    let mut store = Store::open(&path).unwrap().store;
    store.redo(now()).unwrap().unwrap();
    store.redo(now()).unwrap().unwrap();
    assert_eq!(store.persons_data().unwrap(), after);
    assert_eq!(store.redo(now()).unwrap(), None);
}

#[test]
fn of_several_things_all_are_done_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    let merge = Deed::MergeRealm { realm: 7, into: Some(8) };
    let with_a_wrong_one: Deeds = malicious(0..3).each().chain([merge]).collect();
    assert!(store.apply_all(&with_a_wrong_one, now()).is_err());
    store.apply_all(&Deeds::default(), now()).unwrap();
    assert!(store.persons_data().unwrap().verdicts.is_empty());
    assert_eq!(store.undo(now()).unwrap(), None);

    // The same subject twice: what was there first comes back.
    let note = |text: &str| Deed::Note { subject: host(1), text: Some(text.to_owned()) };
    store.apply(&note("first"), now()).unwrap();
    store.apply_all(&[note("second"), note("third")].into_iter().collect(), now()).unwrap();
    assert_eq!(store.persons_data().unwrap().notes[0].what, "third");
    store.undo(now()).unwrap();
    assert_eq!(store.persons_data().unwrap().notes[0].what, "first");

    // More than can be undone as one is refused, and nothing of it is done.
    let long = |n| Deed::Note { subject: host(n), text: Some("x".repeat(1 << 20)) };
    for first in [0, 8, 16] {
        store.apply_all(&(first..first + 8).map(long).collect(), now()).unwrap();
    }
    let none = |n| Deed::Note { subject: host(n), text: None };
    store.apply_all(&(0..24).map(none).collect(), now()).unwrap();
    for n in 0..24 {
        let text = Some(format!("{n}{}", "x".repeat((1 << 20) - 8)));
        store.apply(&Deed::Note { subject: host(n), text }, now()).unwrap();
    }
    let error = store.apply_all(&(0..24).map(none).collect(), now()).unwrap_err();
    assert!(error.to_string().contains("too much for one step"), "{error}");
    assert_eq!(store.persons_data().unwrap().notes.len(), 24);
}

#[test]
fn realms_merge_and_imports_follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    for name in ["one", "two", "three"] {
        store.realm(&name.into()).unwrap();
    }
    let row = infralock::model::ImportRow::default();
    store.begin_import(&row, Some(RealmId(2)), now()).unwrap();
    let merge = |realm, into| Deed::MergeRealm { realm, into: Some(into) };
    store.apply(&merge(2, 1), now()).unwrap();
    store.apply(&merge(1, 0), now()).unwrap();
    assert_eq!(store.imports().unwrap()[0].realm, Some(RealmId(0)));
    assert_eq!(store.imports().unwrap()[0].row.realm.raw(), "one");
    let error = store.apply(&merge(0, 2), now()).unwrap_err();
    assert!(error.to_string().contains("other way round"), "{error}");
    assert!(store.apply(&merge(0, 9), now()).is_err());
    store.undo(now()).unwrap();
    assert_eq!(store.imports().unwrap()[0].realm, Some(RealmId(1)));
}

#[test]
fn commands_are_written_down_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let mut store = Store::create(&path, now()).unwrap();
    store.audit("import auth.log", now()).unwrap();
    store.audit("note on 203.0.113.9", now().plus_nanos(1)).unwrap();
    store.close().unwrap();
    let mut store = Store::open_read_only(&path).unwrap();
    let log = store.audit_log().unwrap();
    let log: Vec<&str> = log.iter().map(|entry| entry.what.raw()).collect();
    assert_eq!(log, ["import auth.log", "note on 203.0.113.9"]);
    assert!(store.audit("more", now()).unwrap_err().to_string().contains("read-only"));
    assert!(store.apply(&deeds()[0], now()).is_err());
}

/// Deeds, undo, redo, a removed import, a copy: each is in the log, and what a person wrote is not.
#[test]
fn every_command_is_in_the_log_in_words_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let (mut store, key) = super::case(&path, &[]);
    store.realm(&"other site".into()).unwrap();
    for deed in deeds() {
        store.apply(&deed, now()).unwrap();
    }
    store.undo(now()).unwrap().unwrap();
    store.redo(now()).unwrap().unwrap();
    store.remove_import_of(key, now()).unwrap();
    let copy = folder.path().join("b.infralock");
    store.save_as(&copy, infralock::store::Existing::Keep, now()).unwrap();
    let log = store.newest_commands(1_000).unwrap();
    assert_eq!(log.len() as u64, store.command_count().unwrap());
    assert_eq!(store.verify().unwrap().commands, store.command_count().unwrap());
    let log: Vec<&str> = log.iter().rev().map(|entry| entry.what.raw()).collect();
    let saved = format!("saved as {}", copy.canonicalize().unwrap().display());
    assert_eq!(
        log,
        [
            "note on 203.0.113.9",
            "note on 203.0.113.9",
            "removal of the note on 203.0.113.9",
            "tag seen on 203.0.113.9",
            "tag seen on 203.0.113.9",
            "removal of tag seen from 203.0.113.9",
            "verdict suspicious on 203.0.113.9",
            "verdict expected on 203.0.113.9",
            "verdict unsure on 203.0.113.9",
            "removal of the verdict on 203.0.113.9",
            "verdict malicious on 203.0.113.9",
            "bookmark on map",
            "saved filter bad",
            "setting own_networks: 10.0.0.0/8",
            "merge of realm other site into site",
            "undone: merge of realm other site into site",
            "done again: merge of realm other site into site",
            "removal of import auth.log",
            &saved,
        ]
    );
    assert_eq!(store.newest_commands(2).unwrap().len(), 2);
    let copied = Store::open_read_only(&copy).unwrap();
    let newest = &copied.newest_commands(1).unwrap()[0];
    assert!(newest.what.raw().starts_with("saved from "), "{newest:?}");

    store.forget(addr("203.0.113.9"), now()).unwrap();
    let log = store.audit_log().unwrap();
    let log: Vec<&str> = log.iter().map(|entry| entry.what.raw()).collect();
    assert_eq!(log.last(), Some(&"forget an address"));
    assert!(log[0].starts_with("note on forgotten:"), "{}", log[0]);
    assert!(log.iter().all(|what| !what.contains("203.0.113.9")));
}

/// A deed that cannot be done is not in the log.
#[test]
fn what_failed_is_not_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("a.infralock"), now()).unwrap();
    assert!(store.apply(&Deed::MergeRealm { realm: 3, into: Some(1) }, now()).is_err());
    assert_eq!(store.undo(now()).unwrap(), None);
    assert_eq!(store.command_count().unwrap(), 0);
}

#[test]
fn subjects_name_hosts() {
    for (text, realm) in [("203.0.113.9", None), ("10.0.0.5", Some(RealmId(2)))] {
        let host = HostKey::new(addr(text), RealmId(2));
        assert_eq!(host.realm(), realm);
        assert_eq!(Subject::host(host).as_host(), Some(host));
    }
    assert_eq!(Subject::named("host:203.0.113.9@1").as_host(), None);
    assert_eq!(Subject::named("host:10.0.0.5").as_host(), None);
    assert_eq!(Subject::named("flow:x").as_host(), None);
}
