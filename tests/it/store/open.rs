//! Opening: a stranger's file, a damaged one, an older or newer one, one that is open elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use infralock::model::ImportId;
use infralock::store::{Existing, Item, Store, Trouble, schema_version};
use rusqlite::Connection;

use super::{case, import, infralock, login, now, text};
use crate::fuzz::Chance;

fn records(store: &Store) -> usize {
    let mut count = 0;
    for (number, import) in (0..).zip(store.imports().unwrap()) {
        let mut take = |_| {
            count += 1;
            true
        };
        store.each_record(import.key, ImportId(number), &mut take).unwrap();
    }
    count
}

fn some_case(path: &Path) {
    let items: Vec<Item> =
        (0..40).map(|number| Item::Record(login("203.0.113.9", &format!("u{number}")))).collect();
    case(path, &items).0.close().unwrap();
}

#[test]
fn nobody_else_may_read_a_case() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let recovery = folder.path().join("recovery");
    let mut store = Store::in_folder(&recovery, now()).unwrap();
    let other = Store::in_folder(&recovery, now()).unwrap();
    assert_ne!(store.path(), other.path());
    import(&mut store, "a", &[Item::Record(login("203.0.113.9", "root"))]);
    assert_eq!(mode(&recovery), 0o700);
    for entry in fs::read_dir(&recovery).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let saved = folder.path().join("saved.infralock");
    store.save_as(&saved, Existing::Keep, now()).unwrap();
    assert_eq!(mode(&saved), 0o600);
    drop((store, other));
    let left: Vec<_> = fs::read_dir(&recovery).unwrap().collect();
    assert_eq!(left.len(), 2, "a case at rest is one file: {left:?}");
}

#[test]
fn save_as_replaces_nothing_unasked_and_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) =
        case(&folder.path().join("a.infralock"), &[Item::Record(login("203.0.113.9", "root"))]);
    let saved = folder.path().join("b.infralock");
    fs::write(&saved, "precious").unwrap();
    let error = store.save_as(&saved, Existing::Keep, now()).unwrap_err();
    assert_eq!(error.kind, Trouble::Exists);
    assert_eq!(fs::read(&saved).unwrap(), b"precious");
    store.save_as(&saved, Existing::Replace, now()).unwrap();
    let copy = Store::open(&saved).unwrap().store;
    assert_eq!(records(&copy), 1);
    let error = store.save_as(&saved, Existing::Replace, now()).unwrap_err();
    assert_eq!(error.kind, Trouble::InUse, "it is open");
    assert!(store.save_as(&folder.path().join("no/c"), Existing::Keep, now()).is_err());
    drop((store, copy));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn opened_twice_is_a_sentence_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    some_case(&path);
    let mut first = Store::open(&path).unwrap().store;
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.kind, Trouble::InUse);
    assert!(error.to_string().contains("read-only"), "{error}");
    import(&mut first, "more", &[Item::Record(login("203.0.113.9", "late"))]);
    assert_eq!(records(&Store::open_read_only(&path).unwrap()), 41, "what the writer finished");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(Store::open(&link).unwrap_err().kind, Trouble::InUse, "another name of it");
    drop(first);
    Store::open(&path).unwrap();
}

#[test]
fn what_is_no_case_is_named_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("empty"), "").unwrap();
    fs::write(path("text"), "a,b,c\n".repeat(500)).unwrap();
    Connection::open(path("other")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    for name in ["empty", "text", "other", "."] {
        for opened in
            [Store::open(&path(name)).map(drop), Store::open_read_only(&path(name)).map(drop)]
        {
            let error = opened.unwrap_err();
            assert_eq!(error.kind, Trouble::NotACase, "{name}: {error}");
        }
    }
    assert_eq!(Store::open(&path("missing")).unwrap_err().kind, Trouble::Missing);
    assert_eq!(Store::create(&path("text"), now()).unwrap_err().kind, Trouble::Exists);
    assert!(Store::create(&path("no/a.infralock"), now()).is_err());
    assert_eq!(fs::read(path("text")).unwrap().len(), 3_000);
    // A name that SQLite would take for a URI with powers of its own is a name.
    let odd = path("file:x?mode=memory&cache=shared");
    some_case(&odd);
    assert_eq!(records(&Store::open(&odd).unwrap().store), 40);
}

#[test]
fn a_newer_case_is_refused_and_a_foreign_one_too() {
    let folder = tempfile::tempdir().unwrap();
    for (sql, kind) in [
        ("PRAGMA user_version = 99", Trouble::Newer),
        ("PRAGMA user_version = 0", Trouble::NotACase),
        ("PRAGMA application_id = 1", Trouble::NotACase),
        ("CREATE TRIGGER t AFTER UPDATE ON import BEGIN DELETE FROM record; END", Trouble::Foreign),
        ("CREATE VIEW v AS SELECT * FROM note", Trouble::Foreign),
        ("DROP TABLE note", Trouble::Foreign),
        ("CREATE TABLE more (a)", Trouble::Foreign),
        ("CREATE VIRTUAL TABLE f USING fts5(a)", Trouble::Foreign),
    ] {
        let path = folder.path().join("a.infralock");
        some_case(&path);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(Store::open(&path).unwrap_err().kind, kind, "{sql}");
        assert_eq!(Store::open_read_only(&path).unwrap_err().kind, kind, "{sql}");
        assert_eq!(fs::read(&path).unwrap(), before, "it was not touched");
        fs::remove_file(&path).unwrap();
    }
}

/// Takes the tables of version 2 away, as a program wrote the file that knew version 1.
fn make_old(path: &Path) {
    let db = Connection::open(path).unwrap();
    for table in ["host", "evidence", "detection", "ip_locations", "geolocation_events"] {
        db.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    db.execute_batch("DROP TABLE own_source; PRAGMA user_version = 1").unwrap();
}

/// A case of version 2 knows no own sources; upgraded, it keeps its hosts and can keep sources.
#[test]
fn a_case_of_version_2_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    some_case(&path);
    let db = Connection::open(&path).unwrap();
    db.execute_batch("DROP TABLE own_source; PRAGMA user_version = 2").unwrap();
    drop(db);
    assert_eq!(Store::open_read_only(&path).unwrap().own_sources().unwrap(), []);
    let opened = Store::open(&path).unwrap();
    let upgraded = opened.upgraded.unwrap();
    assert_eq!((upgraded.from, records(&opened.store)), (2, 40));
    assert!(upgraded.backup.ends_with("a.infralock.v2-backup"), "{upgraded}");
    assert_eq!(opened.store.own_sources().unwrap(), []);
    assert_eq!(opened.store.verify().unwrap().wrong, [""; 0]);
}

#[test]
fn an_older_case_is_upgraded_after_a_copy_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    some_case(&path);
    make_old(&path);
    assert_eq!(records(&Store::open_read_only(&path).unwrap()), 40, "it is read as it is");
    let version = |path: &Path| -> u32 {
        let db = Connection::open(path).unwrap();
        db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 1, "reading changes nothing");
    for backup in ["a.infralock.v1-backup", "a.infralock.v1-backup-2"] {
        let opened = Store::open(&path).unwrap();
        let upgraded = opened.upgraded.unwrap();
        assert_eq!((upgraded.from, records(&opened.store)), (1, 40));
        assert!(upgraded.backup.ends_with(backup), "{upgraded}");
        assert_eq!(fs::metadata(&upgraded.backup).unwrap().permissions().mode() & 0o777, 0o600);
        drop(opened.store);
        assert_eq!((version(&path), version(&upgraded.backup)), (schema_version(), 1));
        make_old(&path);
    }
}

#[test]
fn where_nothing_can_be_written_a_case_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("infralock");
    fs::copy(env!("CARGO_BIN_EXE_infralock"), &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    let case = locked.join("a.infralock");
    some_case(&case);
    fs::set_permissions(&case, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).arg(&case).current_dir("/");
        command.env("INFRALOCK_FEEDS", crate::program::NO_FEEDS);
        // Root may write anywhere: become nobody.
        if fs::write(locked.join("probe"), "").is_ok() {
            fs::remove_file(locked.join("probe")).unwrap();
            command.uid(65_534).gid(65_534);
        }
        command.output().unwrap()
    };
    let info = run(&["case", "info"]);
    assert!(info.status.success() && text(&info.stdout).contains("40 records"), "{info:?}");
    let log = folder.path().join("more.log");
    fs::write(&log, "203.0.113.9\n").unwrap();
    let added = run(&["triage", log.to_str().unwrap(), "--case"]);
    assert_eq!(added.status.code(), Some(1));
    let said = text(&added.stderr);
    assert!(said.contains("not allowed to write") || said.contains("may not be changed"), "{said}");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_full_disk_is_a_sentence_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    let log = folder.path().join("auth.log");
    let line = |n: u32| {
        format!(
            "Jun  5 03:12:{:02} web sshd[{n}]: Failed password for invalid user u{n}-{} from \
             203.0.113.{} port 4242 ssh2\n",
            n % 60,
            "x".repeat(60),
            n % 250
        )
    };
    fs::write(&log, (0..60_000).map(line).collect::<String>()).unwrap();
    some_case(&path);
    // No file may grow beyond 4 MB: what a full disk or quota does.
    let script = "trap '' XFSZ; ulimit -f 8000; exec \"$@\"";
    let full = Command::new("bash")
        .env("INFRALOCK_FEEDS", crate::program::NO_FEEDS)
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_infralock"), "triage"])
        .args([log.to_str().unwrap(), "--case", path.to_str().unwrap(), "--json"])
        .output()
        .unwrap();
    let said = text(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{said}");
    assert!(said.contains("a.infralock") && !said.contains("panicked"), "{said}");
    let opened = Store::open(&path).unwrap();
    assert_eq!(opened.cut_off, 1);
    let kept = records(&opened.store);
    assert!((40..60_040).contains(&kept), "{kept}");
    assert_eq!(opened.store.verify().unwrap().wrong, [""; 0]);
    opened.store.close().unwrap();
    let again =
        infralock(&["triage", log.to_str().unwrap(), "--case", path.to_str().unwrap(), "--json"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains("gave way"), "{}", text(&again.stderr));
    assert_eq!(records(&Store::open(&path).unwrap().store), 60_040, "once each");
}

/// 200 damaged files, each seeded: every one opens or is refused with a sentence; nothing panics,
/// hangs, or changes what it could not read.
#[test]
fn damaged_files_are_refused_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.infralock");
    some_case(&whole);
    let whole = fs::read(&whole).unwrap();
    let path = folder.path().join("a.infralock");
    let (mut refused, mut read) = (0, 0);
    for seed in 0..200 {
        let mut chance = Chance::seeded(seed);
        let mut bytes = whole.clone();
        for _ in 0..=chance.below(8) {
            let at = chance.below(bytes.len());
            match chance.below(5) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] ^= 1 << chance.below(8),
                // The header and the schema.
                2 => {
                    let at = chance.below(4_096.min(bytes.len()));
                    bytes[at] = chance.next() as u8;
                }
                3 => {
                    let end = (at + chance.below(5_000)).min(bytes.len());
                    bytes[at..end].fill(chance.next() as u8);
                }
                _ => {
                    let end = (at + 8).min(bytes.len());
                    bytes[at..end].fill(0xff);
                }
            }
        }
        fs::write(&path, &bytes).unwrap();
        match Store::open_read_only(&path) {
            Err(error) => {
                assert!(error.to_string().len() > 20, "{seed}: {error}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "{seed}: it was changed");
                refused += 1;
            }
            Ok(store) => {
                store.info().ok();
                store.verify().unwrap();
                read += 1;
            }
        }
        Store::open(&path).map(|opened| opened.store.persons_data().ok()).ok();
        for ending in ["-wal", "-shm", "-journal", ".v1-backup", ".v2-backup"] {
            fs::remove_file(folder.path().join(format!("a.infralock{ending}"))).ok();
        }
    }
    assert!(refused > 100 && read > 5, "{refused} refused, {read} read");
}
