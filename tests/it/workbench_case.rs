//! The case under the window: kept, undone, saved, found again after a crash.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use infralock::engine::workbench::{
    CasePlace, Command, DataState, Decision, Deed, Existing, JobState, Put, Selected, Snapshot,
    Subject, Workbench,
};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop/auth.log");
const ACCESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop/access.log");

fn workbench(recovery: &Path) -> Workbench {
    Workbench::start_in(Arc::new(|| ()), Some(recovery.to_owned())).unwrap()
}

/// Waits until the snapshot is as wanted; a loaded machine needs seconds.
fn until(workbench: &Workbench, done: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    for _ in 0..6_000 {
        let snapshot = workbench.snapshot();
        if done(&snapshot) {
            return snapshot;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let snapshot = workbench.snapshot();
    panic!("it did not happen: {:?} {:?}", snapshot.jobs, snapshot.case);
}

/// Waits until nothing runs.
fn done(workbench: &Workbench, jobs: usize) -> Arc<Snapshot> {
    until(workbench, |snapshot| {
        snapshot.jobs.len() >= jobs && snapshot.jobs.iter().all(|job| job.state.is_over())
    })
}

fn open(workbench: &Workbench, path: impl Into<PathBuf>) {
    assert!(workbench.send(Command::Open(vec![path.into()])));
}

fn unsaved(snapshot: &Snapshot) -> PathBuf {
    let CasePlace::Unsaved(path) = &snapshot.case.place else { panic!("{:?}", snapshot.case) };
    path.clone()
}

#[test]
fn a_person_notes_undoes_saves_and_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let (recovery, saved) = (folder.path().join("unsaved"), folder.path().join("a.infralock"));
    let workbench = workbench(&recovery);
    open(&workbench, SHOP);
    let snapshot = done(&workbench, 1);
    let first = unsaved(&snapshot);
    assert!(first.exists(), "on disk before it is saved");
    let hosts = snapshot.hosts.all.clone();
    let worst = hosts.keys[0];
    let subject = Subject::host(worst);

    let note = |text: &str| Deed::Note { subject: subject.clone(), text: Some(text.to_owned()) };
    workbench.send(Command::Do(note("tried 412 passwords")));
    workbench.send(Command::Do(note("a mistake")));
    let tag = Deed::Tag { subject: subject.clone(), tag: "case 7".to_owned(), put: Put::On };
    workbench.send(Command::Do(tag));
    workbench.send(Command::Undo);
    workbench.send(Command::Undo);
    let snapshot = until(&workbench, |snapshot| {
        let mark = snapshot.marks.get(&worst).cloned().unwrap_or_default();
        mark.tags.is_empty() && mark.note.as_deref() == Some("tried 412 passwords")
    });
    assert!(snapshot.case.redo.as_deref().is_some_and(|text| text.starts_with("note on ")));
    workbench.send(Command::Redo);
    workbench.send(Command::Undo);
    let verdict = Some(Decision::Expected("our own scanner".to_owned()));
    workbench.send(Command::Do(Deed::Verdict { subject: subject.clone(), verdict }));
    workbench.send(Command::SaveAs(saved.clone(), Existing::Keep));
    let snapshot =
        until(&workbench, |snapshot| snapshot.case.place == CasePlace::File(saved.clone()));
    assert_eq!(snapshot.marks[&worst].note.as_deref(), Some("tried 412 passwords"));
    until(&workbench, |_| !first.exists());
    drop(workbench);
    assert_eq!(std::fs::read_dir(&recovery).unwrap().count(), 0, "nothing is left behind");

    let workbench = self::workbench(&recovery);
    open(&workbench, &saved);
    let snapshot = done(&workbench, 1);
    assert_eq!(snapshot.hosts.all.keys, hosts.keys);
    assert_eq!(snapshot.hosts.all.score, hosts.score);
    assert!(!snapshot.records.all.is_empty());
    let mark = &snapshot.marks[&worst];
    assert_eq!(mark.decision, Some(Decision::Expected("our own scanner".to_owned())));
    assert!(snapshot.case.undo.is_some(), "undone across reopening");
    let log: Vec<&str> = snapshot.case.log.newest.iter().map(|entry| entry.what.raw()).collect();
    assert_eq!(snapshot.case.log.count, log.len() as u64);
    assert!(log[0].starts_with("saved from "), "{log:?}");
    assert!(log[1].starts_with("verdict expected on "), "{log:?}");
    assert!(log.last().unwrap().starts_with("import "), "{log:?}");
    workbench.send(Command::Select(Some(Selected::Host(worst))));
    until(&workbench, |snapshot| snapshot.selection.is_some());
}

#[test]
fn a_crash_loses_nothing_and_the_case_is_offered_again() {
    let folder = tempfile::tempdir().unwrap();
    let crashed = folder.path().join("crashed");
    let before = {
        let workbench = workbench(&folder.path().join("first"));
        open(&workbench, SHOP);
        let snapshot = done(&workbench, 1);
        // As a crash leaves it: the file and its journal, without an end.
        std::fs::create_dir(&crashed).unwrap();
        let path = unsaved(&snapshot);
        for ending in ["", "-wal"] {
            let mut name = path.file_name().unwrap().to_owned();
            name.push(ending);
            let from = path.with_file_name(&name);
            if from.exists() {
                std::fs::copy(from, crashed.join(name)).unwrap();
            }
        }
        snapshot
    };
    let workbench = workbench(&crashed);
    let snapshot = until(&workbench, |snapshot| !snapshot.recovered.is_empty());
    let offered = &snapshot.recovered[0];
    assert!(offered.what.contains("auth.log"), "{offered:?}");
    open(&workbench, &offered.path);
    let snapshot = done(&workbench, 1);
    assert_eq!(snapshot.hosts.all.score, before.hosts.all.score);
    assert_eq!(unsaved(&snapshot), offered.path);

    // Another window does not offer what is open here.
    let other = self::workbench(&crashed);
    until(&other, |snapshot| matches!(snapshot.data, DataState::Ready(_)));
    assert!(other.snapshot().recovered.is_empty());
    drop(other);

    workbench.send(Command::Discard);
    until(&workbench, |snapshot| snapshot.case.is_empty());
    assert!(!offered.path.exists(), "a person's word");
}

#[test]
fn a_file_seen_before_is_noticed_and_an_import_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let workbench = workbench(folder.path());
    open(&workbench, SHOP);
    let alone = done(&workbench, 1);
    open(&workbench, ACCESS);
    let both = done(&workbench, 2);
    assert_eq!(both.case.imports.len(), 2);
    assert!(both.records.all.len() > alone.records.all.len());

    let web = both.hosts.all.keys.iter().find(|key| !alone.hosts.all.keys.contains(key)).unwrap();
    workbench.send(Command::Select(Some(Selected::Host(*web))));
    let selected = until(&workbench, |snapshot| snapshot.selection.is_some());
    let prints = &selected.selection.as_ref().unwrap().fingerprints;
    assert!(prints.iter().any(|print| print.kind == "user agent" && print.count > 0), "{prints:?}");
    assert!(prints.is_sorted_by_key(|print| std::cmp::Reverse(print.count)));

    open(&workbench, ACCESS);
    let again = done(&workbench, 3);
    let JobState::Done(said) = &again.jobs[2].state else { panic!("{:?}", again.jobs) };
    assert!(said.contains("in the case already"), "{said}");
    assert_eq!(again.records.all.len(), both.records.all.len());
    assert_eq!(again.hosts.all.score, both.hosts.all.score);

    workbench.send(Command::RemoveImport(again.case.keys[1]));
    let removed = done(&workbench, 4);
    assert_eq!(removed.case.imports.len(), 1);
    assert_eq!(removed.hosts.all.keys, alone.hosts.all.keys);
    assert_eq!(removed.hosts.all.score, alone.hosts.all.score);
    assert_eq!(removed.records.all.len(), alone.records.all.len());
}

#[test]
fn a_case_that_cannot_be_opened_is_a_failed_job_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.infralock");
    std::fs::write(&path, b"SQLite format 3\0 and then nothing").unwrap();
    let workbench = workbench(&folder.path().join("unsaved"));
    open(&workbench, &path);
    let snapshot = done(&workbench, 1);
    let JobState::Failed(why) = &snapshot.jobs[0].state else { panic!("{:?}", snapshot.jobs) };
    assert!(why.contains("broken.infralock"), "{why}");
}

#[test]
fn a_forgotten_address_is_gone_from_view_and_file_and_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    let workbench = workbench(folder.path());
    open(&workbench, SHOP);
    let before = done(&workbench, 1);
    let worst = before.hosts.all.keys[0];
    let subject = Subject::host(worst);
    let text = Some(format!("{} got in", worst.addr()));
    workbench.send(Command::Do(Deed::Note { subject, text }));
    until(&workbench, |snapshot| snapshot.marks.contains_key(&worst));

    workbench.send(Command::Forget(worst.addr()));
    let after = done(&workbench, 2);
    let JobState::Done(said) = &after.jobs[1].state else { panic!("{:?}", after.jobs) };
    assert!(said.contains("Not in reach: ") && said.contains("auth.log"), "{said}");
    assert!(!after.hosts.all.keys.contains(&worst) && !after.marks.contains_key(&worst));
    let path = unsaved(&after);
    drop(workbench);
    let bytes = std::fs::read(&path).unwrap();
    let name = worst.addr().to_string();
    assert!(!bytes.windows(name.len()).any(|window| window == name.as_bytes()));

    // The same lines again, in another file: the address does not come back with them.
    let workbench = self::workbench(folder.path());
    open(&workbench, &path);
    done(&workbench, 1);
    let copy = folder.path().join("again.log");
    let text = std::fs::read_to_string(SHOP).unwrap();
    std::fs::write(&copy, format!("{text}\n")).unwrap();
    open(&workbench, &copy);
    let again = done(&workbench, 2);
    assert!(again.case.imports.len() > 1, "{:?}", again.jobs);
    assert!(!again.hosts.all.keys.contains(&worst));
}

#[test]
fn private_addresses_of_two_files_become_one_host_when_a_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let workbench = workbench(&folder.path().join("unsaved"));
    for name in ["office.log", "branch.log"] {
        let path = folder.path().join(name);
        let line = format!(
            "2026-06-05T03:12:44Z {name} sshd[7]: Failed password for root from 10.0.0.5 port 4 \
             ssh2\n"
        );
        std::fs::write(&path, line).unwrap();
        open(&workbench, &path);
    }
    let two = done(&workbench, 2);
    assert_eq!(two.hosts.all.len(), 2, "the same address in two networks");
    workbench.send(Command::Do(Deed::MergeRealm { realm: 1, into: Some(0) }));
    let one = done(&workbench, 3);
    assert_eq!((one.hosts.all.len(), one.hosts.all.flows[0]), (1, 2));
    workbench.send(Command::Undo);
    let again = done(&workbench, 4);
    assert_eq!(again.hosts.all.keys, two.hosts.all.keys);
    workbench.send(Command::Redo);
    assert_eq!(done(&workbench, 5).hosts.all.len(), 1);
}

/// Sayings of places from long ago go when a case is opened, if the person wants that, and only
/// then.
#[test]
fn the_history_of_places_is_kept_for_as_long_as_a_person_wants() {
    use infralock::store::{DerivedFrom, DerivedHost, DerivedPlace, Store};
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("a.infralock");
    let long_ago = "2020-01-02T03:04:05Z".parse().unwrap();
    let mut store = Store::create(&saved, long_ago).unwrap();
    let place = |lat| DerivedPlace { lat: Some(lat), ..DerivedPlace::default() };
    let from = DerivedFrom { key: String::new(), profile: String::new(), data_date: None };
    for lat in [1.0, 2.0] {
        let host = DerivedHost { place: Some(place(lat)), ..DerivedHost::default() };
        let addr = "203.0.113.9".parse().unwrap();
        store.derive(&from, long_ago, |deriving| deriving.host(addr, &host, &[])).unwrap();
    }
    store.close().unwrap();
    let events = || Store::open_read_only(&saved).unwrap().info().unwrap().location_events;
    for (days, left, said) in [(None, 2, false), (Some(36_000), 2, false), (Some(90), 0, true)] {
        let workbench = workbench(&folder.path().join("unsaved"));
        workbench.send(Command::Retain(days));
        open(&workbench, &saved);
        let snapshot = done(&workbench, 1);
        let JobState::Done(what) = &snapshot.jobs[0].state else { panic!("{:?}", snapshot.jobs) };
        assert_eq!(what.contains("2 sayings of places older than 90 days deleted"), said, "{what}");
        drop(workbench);
        assert_eq!(events(), left, "{days:?}");
    }
}
