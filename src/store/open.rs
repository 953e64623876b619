//! Opening: a new case, one of ours, a stranger's, an older one, one that others have open.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::error::Trouble;
use super::lock::Lock;
use super::{APPLICATION_ID, Store, StoreError, copy, schema};
use crate::model::Timestamp;

/// How long a statement waits for another program's lock before it gives up.
const BUSY: Duration = Duration::from_secs(2);

/// Bytes of one value or row. A line of a log has at most 1 MiB, and JSON escapes may make six of
/// one; what the program derives for one host stays far below.
const VALUE_BYTES_MAX: i32 = 16 << 20;

/// Bytes of one statement; ours have under 4 KiB, and 200 lines of schema under 8.
const SQL_BYTES_MAX: i32 = 1 << 16;

/// Pages of the write-ahead log (4 KiB each) before it is copied into the file.
const CHECKPOINT_PAGES: i32 = 4_000;

/// KiB of pages kept in memory.
const CACHE_KIB: i64 = 32 << 10;

/// What may be done with an open case.
#[derive(Debug)]
pub(super) enum Access {
    /// Reading and writing, with the lock.
    Write {
        /// Let go by the last connection that shares it.
        lock: Arc<Lock>,
    },
    /// Reading; of a copy in a temporary folder where the file itself could not be opened so.
    ReadOnly(#[expect(dead_code, reason = "deleted when dropped")] Option<TempDir>),
}

/// A case that was opened, and what had to be done for it.
#[derive(Debug)]
pub struct Opened {
    /// The case.
    pub store: Store,
    /// Set if it was of an older version.
    pub upgraded: Option<Upgraded>,
    /// Imports that a crash cut off; what they had finished is there.
    pub cut_off: usize,
}

/// An upgrade that took place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The version before.
    pub from: u32,
    /// The file as it was.
    pub backup: PathBuf,
}

impl std::fmt::Display for Upgraded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backup = self.backup.display();
        write!(f, "upgraded from version {}; the file as it was is kept as {backup}", self.from)
    }
}

impl Store {
    /// Makes a new, empty case.
    ///
    /// # Errors
    /// When there is such a file, or its folder cannot be written.
    pub fn create(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let create = || {
            let path = absolute(path)?;
            let lock = Lock::take(&path)?;
            // Nobody else may read it, from its first byte on; SQLite gives its journals the same.
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            let made = Self::fill(&path, lock, now);
            if made.is_err() {
                fs::remove_file(&path).ok();
            }
            made
        };
        create().map_err(|error: StoreError| error.at(path))
    }

    fn fill(path: &Path, lock: Lock, now: Timestamp) -> Result<Self, StoreError> {
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.pragma_update(None, "application_id", APPLICATION_ID)?;
        schema::upgrade(&mut db, 0)?;
        for_writing(&db)?;
        let mut about = db.prepare("INSERT INTO about (key, value) VALUES (?1, ?2)")?;
        about.execute(("case_id", super::random_key()))?;
        about.execute(("forget_key", super::random_key()))?;
        about.execute(("created", now.nanos()))?;
        about.execute(("created_by", env!("CARGO_PKG_VERSION")))?;
        drop(about);
        let access = Access::Write { lock: Arc::new(lock) };
        Ok(Self::of(db, path, Checked::All, access))
    }

    fn of(db: Connection, path: &Path, checked: Checked, access: Access) -> Self {
        let (path, checked) = (path.to_owned(), Cell::new(checked));
        Self { db, path, writing: BTreeMap::new(), checked, access }
    }

    /// Makes a new case without a name of its own: in the folder for cases that were not saved yet.
    ///
    /// # Errors
    /// When the folder can neither be made nor written.
    pub fn in_folder(recovery: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(recovery);
        made.map_err(|error| StoreError::from(error).at(recovery))?;
        let stamp: String =
            now.to_short().chars().map(|c| if c.is_ascii_digit() { c } else { '-' }).collect();
        // A few windows may be opened within a second.
        for number in 1.. {
            let path = match number {
                1 => recovery.join(format!("unsaved-{stamp}.infralock")),
                _ => recovery.join(format!("unsaved-{stamp}-{number}.infralock")),
            };
            match Self::create(&path, now) {
                Err(error)
                    if matches!(error.kind, Trouble::Exists | Trouble::InUse) && number < 1_000 => {
                }
                made => return made,
            }
        }
        Err(StoreError::new(Trouble::Exists, "the recovery folder is full").at(recovery))
    }

    /// Opens a case to read and write.
    ///
    /// A case of an older version is upgraded after a copy was made beside it.
    ///
    /// # Errors
    /// A sentence for each way in which it cannot be ours, whole and free; [`Trouble::InUse`] and
    /// [`Trouble::ReadOnly`] say that [`Store::open_read_only`] can help.
    pub fn open(path: &Path) -> Result<Opened, StoreError> {
        Self::open_to_write(path).map_err(|error| error.at(path))
    }

    fn open_to_write(path: &Path) -> Result<Opened, StoreError> {
        let path = existing(path)?;
        let lock = Lock::take(&path)?;
        let mut db = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if db.is_readonly("main")? {
            let what = "it may not be changed; open it read-only, or take a copy";
            return Err(StoreError::new(Trouble::ReadOnly, what));
        }
        let version = trusted(&db)?;
        let mut upgraded = None;
        if version < schema::version() {
            check_pages(&db)?;
            let backup = copy::backup(&db, &path, version)?;
            schema::upgrade(&mut db, version)?;
            upgraded = Some(Upgraded { from: version, backup });
        }
        for_writing(&db)?;
        let access = Access::Write { lock: Arc::new(lock) };
        let mut store = Self::of(db, &path, Checked::First, access);
        let cut_off = store.close_cut_off_imports()?;
        Ok(Opened { store, upgraded, cut_off })
    }

    /// Opens a case to read; it may be open elsewhere, or lie where nothing can be written.
    ///
    /// # Errors
    /// As [`Store::open`], but for the lock and the right to write.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let read_only = || {
            let path = existing(path)?;
            match Self::read_in_place(&path) {
                // What a crash left in the write-ahead log can only be read where a file can be
                // made; an older case can only be read once it is upgraded.
                Err(error) if matches!(error.kind, Trouble::System | Trouble::ReadOnly) => {
                    Self::read_copy(&path)
                }
                Ok((store, version)) if version < schema::version() => {
                    drop(store);
                    Self::read_copy(&path)
                }
                Ok((store, _)) => Ok(store),
                Err(error) => Err(error),
            }
        };
        read_only().map_err(|error| error.at(path))
    }

    fn read_in_place(path: &Path) -> Result<(Self, u32), StoreError> {
        let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let version = trusted(&db)?;
        let access = Access::ReadOnly(None);
        Ok((Self::of(db, path, Checked::First, access), version))
    }

    fn read_copy(path: &Path) -> Result<Self, StoreError> {
        let folder = tempfile::tempdir()?;
        let copied = folder.path().join("case.infralock");
        for ending in ["", "-wal", "-journal"] {
            let from = with_ending(path, ending);
            if ending.is_empty() || from.exists() {
                fs::copy(&from, with_ending(&copied, ending))?;
            }
        }
        // The copy must be writable whatever the original is.
        fs::set_permissions(&copied, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut db = connect(&copied, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let version = trusted(&db)?;
        if version < schema::version() {
            check_pages(&db)?;
            schema::upgrade(&mut db, version)?;
        }
        db.pragma_update(None, "query_only", true)?;
        let access = Access::ReadOnly(Some(folder));
        Ok(Self::of(db, path, Checked::First, access))
    }

    /// A second connection to the case, for another thread of this program: one writes what is read
    /// in short batches while the other writes what a person does.
    ///
    /// # Errors
    /// When the file cannot be opened again.
    pub fn share(&self) -> Result<Self, StoreError> {
        let share = || {
            let access = match &self.access {
                Access::Write { lock } => Access::Write { lock: Arc::clone(lock) },
                Access::ReadOnly(_) => return Self::open_read_only(&self.path),
            };
            let db = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            trusted(&db)?;
            for_writing(&db)?;
            Ok(Self::of(db, &self.path, self.checked.get(), access))
        };
        share().map_err(|error: StoreError| error.at(&self.path))
    }

    /// Refuses to write where that was not asked for, or to a file that is not whole.
    pub(super) fn writable(&self) -> Result<(), StoreError> {
        if self.is_read_only() {
            return Err(StoreError::new(Trouble::ReadOnly, "the case was opened read-only"));
        }
        self.check_all()
    }

    /// Checks every page, once. The first write does so too: an engine with a moment to spare after
    /// opening spares the person that wait.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn check_all(&self) -> Result<(), StoreError> {
        if self.checked.get() < Checked::All {
            check_pages(&self.db)?;
            self.checked.set(Checked::All);
        }
        Ok(())
    }

    /// Checks the pages of what was read, once.
    pub(super) fn check_items(&self) -> Result<(), StoreError> {
        if self.checked.get() < Checked::Items {
            check_tables(&self.db, ITEM_TABLES)?;
            self.checked.set(Checked::Items);
        }
        Ok(())
    }

    /// Closes the case and leaves one file, without journals beside it.
    ///
    /// Dropping it does the same, without a word if that fails; nothing is lost then either.
    ///
    /// # Errors
    /// When the last pages cannot be copied into the file.
    pub fn close(self) -> Result<(), StoreError> {
        self.settle()
    }

    fn settle(&self) -> Result<(), StoreError> {
        if let Access::Write { lock } = &self.access
            // The last connection tidies up.
            && Arc::strong_count(lock) == 1
        {
            self.db.pragma_update(None, "synchronous", "FULL")?;
            // A case at rest is one file, and can be read where nothing can be written.
            let settled = self.db.pragma_update(None, "journal_mode", "DELETE");
            match settled.map_err(StoreError::from) {
                // Somebody reads it: the last of them tidies up.
                Err(error) if error.kind == Trouble::InUse => {}
                settled => settled?,
            }
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.settle().ok();
    }
}

/// The path with letters after its name: SQLite's journals are called so.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The path from the root: SQLite would take a relative `file:x` for a URI.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let name = path.file_name();
    let name = name.ok_or_else(|| StoreError::new(Trouble::NotACase, "this names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Resolved, so that two names of one folder have one lock.
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
    Ok(folder.join(name))
}

/// The path of a file that is there, links resolved.
fn existing(path: &Path) -> Result<PathBuf, StoreError> {
    let path = fs::canonicalize(path)?;
    let metadata = fs::metadata(&path)?;
    if !metadata.is_file() {
        return Err(StoreError::new(Trouble::NotACase, "it is no regular file"));
    }
    if metadata.len() == 0 {
        return Err(StoreError::new(
            Trouble::NotACase,
            "the file is empty: there is no case in it",
        ));
    }
    Ok(path)
}

/// Opens a database and takes from it every power that a stranger's file could use.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
    ] {
        db.set_db_config(config, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        // VACUUM attaches its new file.
        (Limit::SQLITE_LIMIT_ATTACHED, 1),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        db.set_limit(limit, most)?;
    }
    db.set_prepared_statement_cache_capacity(64);
    // A memory map would turn a file that shrinks into a crash.
    db.pragma_update(None, "mmap_size", 0)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

fn for_writing(db: &Connection) -> Result<(), StoreError> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        // Some network file systems cannot: a rollback journal is as safe, and slower.
        db.pragma_update(None, "journal_mode", "DELETE")?;
    }
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Says of which version a case is that is ours and whole.
fn trusted(db: &Connection) -> Result<u32, StoreError> {
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != APPLICATION_ID {
        let what = "it is a SQLite file, but no InfraLock case";
        return Err(StoreError::new(Trouble::NotACase, what));
    }
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let newest = schema::version();
    let version = u32::try_from(version).unwrap_or(0);
    if version > newest {
        let what = format!(
            "a newer InfraLock wrote it (case version {version}, this program knows {newest}); \
             open it with that one"
        );
        return Err(StoreError::new(Trouble::Newer, what));
    }
    if version == 0 {
        return Err(StoreError::new(Trouble::NotACase, "the case was never finished being made"));
    }
    schema::compare(db, version)?;
    check_tables(db, FIRST_TABLES)?;
    if version > 1 {
        check_tables(db, HOST_TABLES)?;
    }
    if version > 2 {
        check_tables(db, OWN_TABLES)?;
    }
    Ok(version)
}

/// How much of a file was checked: each is more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Checked {
    /// What a case is opened by: hosts, imports, what a person said.
    First,
    /// Flows and records too.
    Items,
    /// Every page, and that no two tables share one: only then anything is written.
    All,
}

const FIRST_TABLES: &[&str] = &[
    "about",
    "realm",
    "import",
    "note",
    "tag",
    "verdict",
    "bookmark",
    "saved_filter",
    "setting",
    "journal",
    "audit",
    "forgotten",
    "copy",
];

const HOST_TABLES: &[&str] = &["host", "ip_locations"];

const OWN_TABLES: &[&str] = &["own_source"];

const ITEM_TABLES: &[&str] = &["flow", "record", "listed", "word"];

/// SQLite's check of the pages and rows of these tables.
fn check_tables(db: &Connection, tables: &[&str]) -> Result<(), StoreError> {
    tables.iter().try_for_each(|table| said_ok(db, &format!("PRAGMA quick_check('{table}')")))
}

/// SQLite's own check of every page and row, without that of the indexes.
pub(super) fn check_pages(db: &Connection) -> Result<(), StoreError> {
    said_ok(db, "PRAGMA quick_check(1)")
}

fn said_ok(db: &Connection, check: &str) -> Result<(), StoreError> {
    let said: String = db.query_row(check, [], |row| row.get(0))?;
    match said.as_str() {
        "ok" => Ok(()),
        said => Err(StoreError::damaged(crate::model::Untrusted::new(said))),
    }
}
