//! Forgetting an address: not a byte of it is left in the file, and it does not come back unseen.

use std::path::Path;

use infralock::import::Listed;
use infralock::model::{
    ConnState, Endpoint, Flow, HostKey, ImportId, Prefix, Proto, RealmId, Record, Spoken, Uid,
};
use infralock::store::{Deed, Item, Put, Store, Subject, Verdict};

use super::{addr, case, import, login, now};

fn flow(from: &str, to: &str, number: u8) -> Flow {
    let end = |text: &str| Endpoint { addr: addr(text), port: 22 };
    Flow {
        uid: Uid::from_hash([number; 12]),
        import: ImportId(0),
        first_seen: now(),
        duration_nanos: None,
        originator: end(from),
        responder: end(to),
        proto: Proto::Tcp,
        service: None,
        orig_bytes: None,
        resp_bytes: None,
        conn_state: ConnState::S0,
        missed_bytes: 0,
        history: "S".to_owned(),
        orig_pkts: 1,
        orig_ip_bytes: 40,
        resp_pkts: 0,
        resp_ip_bytes: 0,
        tunnel_parents: vec![Uid::from_hash([1; 12])],
        vlan: None,
        inner_vlan: None,
        spoken: Box::new(Spoken::default()),
    }
}

/// Spellings of 203.0.113.77 and 2001:db8:77::4d that the test puts in and looks for.
const V4: [&str; 8] = [
    "203.0.113.77",
    "203[.]0[.]113[.]77",
    "203[dot]0[dot]113[dot]77",
    "77.113.0.203.in-addr.arpa",
    "203-0-113-77",
    "cb00714d",
    "CB00714D",
    "3405803853",
];
const V6: [&str; 5] = [
    "2001:db8:77::4d",
    "2001:0DB8:0077:0000:0000:0000:0000:004D",
    "2001[:]db8[:]77[:][:]4d",
    "20010db800770000000000000000004d",
    "d.4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
];

fn items(bad: &str, spellings: &[&str]) -> Vec<Item> {
    let mut items = vec![
        Item::Flow(flow(bad, "198.51.100.2", 1)),
        Item::Flow(flow("198.51.100.2", bad, 2)),
        Item::Flow(flow("198.51.100.2", "198.51.100.3", 3)),
        Item::Record(login(bad, "root")),
        Item::Record(login("198.51.100.2", "bob")),
        Item::Listed(Listed::Prefix(Prefix::host(addr(bad))), 4),
    ];
    for spelling in spellings {
        let mut record = login("198.51.100.2", &format!("see {spelling} there"));
        record.details.insert(format!("key {spelling}"), vec![*spelling].into());
        items.push(Item::Record(record));
    }
    items
}

fn say(store: &mut Store, bad: &str, spellings: &[&str]) {
    let host = Subject::host(HostKey::new(addr(bad), RealmId(0)));
    let text = spellings.join(" and ");
    let other = Subject::host(HostKey::new(addr("198.51.100.2"), RealmId(0)));
    for deed in [
        Deed::Note { subject: host.clone(), text: Some("bad".to_owned()) },
        Deed::Note { subject: other.clone(), text: Some(text.clone()) },
        Deed::Note { subject: other, text: Some(format!("{text} again")) },
        Deed::Tag { subject: host.clone(), tag: "seen".to_owned(), put: Put::On },
        Deed::Verdict { subject: host.clone(), verdict: Some(Verdict::Expected(text.clone())) },
        Deed::Bookmark { subject: host, name: Some(text.clone()) },
        Deed::Bookmark { subject: Subject::flow(Uid::from_hash([1; 12])), name: None },
        Deed::Filter { name: text.clone(), text: Some(format!("addr == {bad}")) },
        Deed::Setting { key: "own_networks".to_owned(), value: Some(format!("{bad}/32")) },
    ] {
        store.apply(&deed, now()).unwrap();
    }
    store.undo(now()).unwrap();
    store.audit(&format!("note on {text}"), now()).unwrap();
}

/// Looks through every byte of every file of the folder.
fn left(folder: &Path, bad: &str, spellings: &[&str]) -> Vec<String> {
    let bytes = match addr(bad) {
        infralock::model::Addr::V4(addr) => addr.octets().to_vec(),
        infralock::model::Addr::V6(addr) => addr.octets().to_vec(),
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = std::fs::read(&path).unwrap();
        let has = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
        let lower: Vec<u8> = file.to_ascii_lowercase();
        let has_text = |text: &str| {
            let text = text.to_lowercase();
            lower.windows(text.len()).any(|window| window == text.as_bytes())
        };
        if has(&bytes) {
            found.push(format!("{}: the raw bytes", path.display()));
        }
        for spelling in spellings.iter().copied().chain([bad]) {
            if has_text(spelling) {
                found.push(format!("{}: {spelling}", path.display()));
            }
        }
    }
    found
}

fn check(bad: &str, spellings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let (mut store, _) = case(&path, &items(bad, spellings));
    import(&mut store, &format!("from-{bad}.log"), &[Item::Record(login(bad, "x"))]);
    say(&mut store, bad, spellings);
    std::fs::copy(&path, folder.path().join("a.infralock.v1-backup")).unwrap();
    store.close().unwrap();
    assert!(left(folder.path(), bad, spellings).len() > spellings.len(), "the test can fail");

    let mut store = Store::open(&path).unwrap().store;
    let done = store.forget(addr(bad), now()).unwrap();
    assert_eq!((done.flows, done.records, done.listed, done.backups.len()), (2, 2, 1, 1));
    assert!(done.said >= 3, "{done:?}");
    assert!(done.cannot_reach.iter().any(|text| text.starts_with("auth.log")), "{done:?}");
    assert_eq!(left(folder.path(), bad, spellings), [""; 0], "while it is open");
    assert_eq!(store.verify().unwrap().wrong, [""; 0]);
    let mut users = Vec::new();
    let mut parents = Vec::new();
    for import in store.imports().unwrap() {
        store
            .each_item(import.key, ImportId(0), &mut |item| {
                match item {
                    Item::Record(record) => users.push(record.user.unwrap().to_string()),
                    Item::Flow(flow) => parents.push(flow.tunnel_parents),
                    Item::Listed(..) => panic!("the entry should be gone"),
                }
                true
            })
            .unwrap();
    }
    assert_eq!(users.len(), 1 + spellings.len(), "others keep their records");
    assert!(users[1].starts_with("see ") && users[1].ends_with(" there"), "{users:?}");
    assert_eq!(parents, [[]; 1], "the flow that carried it is gone");
    let said = store.persons_data().unwrap();
    assert_eq!((said.notes.len(), said.verdicts.len(), said.tags.len()), (1, 0, 0));
    assert!(said.notes[0].what.contains("[forgotten]"), "{said:?}");
    while let Some(done) = store.undo(now()).unwrap() {
        assert!(!format!("{done:?}").contains(bad));
    }
    assert!(store.audit_log().unwrap()[0].what.raw().contains("forgotten:"));

    // It does not come back unseen.
    let key = import(&mut store, "later.log", &items(bad, &spellings[..1]));
    let later = store.imports().unwrap().into_iter().find(|import| import.key == key).unwrap();
    assert_eq!(later.counts.left_out, 4);
    assert_eq!((later.counts.flows, later.counts.listed), (1, 0));
    store.close().unwrap();
    let raw_or_dotted = left(folder.path(), bad, &[]);
    assert_eq!(raw_or_dotted, [""; 0]);
}

#[test]
fn not_a_byte_of_a_forgotten_ipv4_address_is_left() {
    check("203.0.113.77", &V4);
}

#[test]
fn not_a_byte_of_a_forgotten_ipv6_address_is_left() {
    check("2001:db8:77::4d", &V6);
}

#[test]
fn an_unsaved_case_that_was_saved_is_reached_and_a_copy_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut unsaved = Store::in_folder(&folder.path().join("recovery"), now()).unwrap();
    import(&mut unsaved, "auth.log", &[Item::Record(login("203.0.113.77", "root"))]);
    let (first, second) =
        (folder.path().join("one.infralock"), folder.path().join("two.infralock"));
    unsaved.save_as(&first, infralock::store::Existing::Keep, now()).unwrap();
    let recovery = unsaved.path().to_owned();
    unsaved.close().unwrap();
    let mut store = Store::open(&first).unwrap().store;
    store.save_as(&second, infralock::store::Existing::Keep, now()).unwrap();
    let done = store.forget(addr("203.0.113.77"), now()).unwrap();
    assert_eq!(done.recovered.as_slice(), std::slice::from_ref(&recovery));
    let copy = second.display().to_string();
    assert!(done.cannot_reach.iter().any(|text| text.contains(&copy)), "{done:?}");
    assert_eq!(left(recovery.parent().unwrap(), "203.0.113.77", &V4), [""; 0]);
    let record = |store: &Store| {
        let mut read = Vec::new();
        let key = store.imports().unwrap()[0].key;
        store
            .each_record(key, ImportId(0), &mut |it: Record| {
                read.push(it);
                true
            })
            .unwrap();
        read.len()
    };
    assert_eq!(record(&store), 0);
    assert_eq!(record(&Store::open_read_only(&second).unwrap()), 1);
}

#[test]
fn what_was_done_together_with_a_forgotten_address_can_still_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let bad = "203.0.113.9";
    let (mut store, _) = case(&path, &items(bad, &[]));
    let host = |text: &str| Subject::host(HostKey::new(addr(text), RealmId(0)));
    let verdict =
        |text: &str| Deed::Verdict { subject: host(text), verdict: Some(Verdict::Malicious) };
    let all = [bad, "198.51.100.2", "198.51.100.3"].map(verdict);
    store.apply_all(&all.into_iter().collect(), now()).unwrap();
    store.apply_all(&[verdict(bad)].into_iter().collect(), now()).unwrap();
    store.forget(addr(bad), now()).unwrap();
    let said = store.persons_data().unwrap();
    assert_eq!(said.verdicts.len(), 2);
    let undone = store.undo(now()).unwrap().unwrap().deeds;
    assert_eq!(undone, ["198.51.100.2", "198.51.100.3"].map(verdict).into_iter().collect());
    assert!(store.persons_data().unwrap().verdicts.is_empty());
    assert_eq!(store.undo(now()).unwrap(), None, "the other step was about it alone");
}
