//! What a person does: each deed is on disk before it is confirmed, and can be undone.
//!
//! A deed sets one thing: the note on a host, a tag, a verdict. So what undoes it is a deed too,
//! "set it to what it was", and undoing one does not disturb another. The journal keeps both,
//! across reopening; a new deed ends what could be redone.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::error::Trouble;
use super::imports::merged;
use super::log::note_deeds;
use super::together::Deeds;
use super::{Store, StoreError};
use crate::model::{HostKey, RealmId, Timestamp, Uid};

/// Bytes of a note, tag, name or filter that a person writes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Something a person does to a case. `None` takes away what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Sets the note on something.
    Note {
        /// On what.
        subject: Subject,
        /// The note.
        text: Option<String>,
    },
    /// Puts a tag to something or takes it away.
    Tag {
        /// To what.
        subject: Subject,
        /// The tag.
        tag: String,
        /// Which of the two.
        put: Put,
    },
    /// Decides about a host.
    Verdict {
        /// The host.
        subject: Subject,
        /// The decision.
        verdict: Option<Verdict>,
    },
    /// Marks something, to find it again under a name.
    Bookmark {
        /// What.
        subject: Subject,
        /// The name.
        name: Option<String>,
    },
    /// Keeps a filter under a name.
    Filter {
        /// The name.
        name: String,
        /// The filter.
        text: Option<String>,
    },
    /// Sets something about the case: own networks, the profile.
    Setting {
        /// What.
        key: String,
        /// To what.
        value: Option<String>,
    },
    /// Makes the private addresses of one realm the same hosts as those of another.
    MergeRealm {
        /// The realm that ends.
        realm: u32,
        /// The one that it becomes a part of.
        into: Option<u32>,
    },
}

impl Deed {
    /// What it is about, where it is about something of the case.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Note { subject, .. }
            | Self::Tag { subject, .. }
            | Self::Verdict { subject, .. }
            | Self::Bookmark { subject, .. } => Some(subject),
            Self::Filter { .. } | Self::Setting { .. } | Self::MergeRealm { .. } => None,
        }
    }
}

/// Whether a tag is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Put {
    /// It is put there.
    On,
    /// It is taken away.
    Off,
}

/// What a person decided about a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It did harm.
    Malicious,
    /// It may have.
    Suspicious,
    /// It belongs there, for this reason.
    Expected(String),
    /// Looked at, and still open.
    Unsure,
}

impl Verdict {
    /// The word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Suspicious => "suspicious",
            Self::Expected(_) => "expected",
            Self::Unsure => "unsure",
        }
    }

    fn read(word: &str, reason: Option<String>) -> Result<Self, StoreError> {
        match word {
            "malicious" => Ok(Self::Malicious),
            "suspicious" => Ok(Self::Suspicious),
            "expected" => Ok(Self::Expected(reason.unwrap_or_default())),
            "unsure" => Ok(Self::Unsure),
            _ => Err(StoreError::damaged("a verdict that does not exist")),
        }
    }
}

/// What a deed is about, as text: `host:203.0.113.9`, `host:10.0.0.5@2`, `flow:C…`,
/// `record:3#12`, or the name of something else that can be marked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject(String);

impl Subject {
    /// A host; the realm is the case's number of it.
    pub fn host(host: HostKey) -> Self {
        match host.realm() {
            None => Self(format!("host:{}", host.addr())),
            Some(realm) => Self(format!("host:{}@{}", host.addr(), realm.0)),
        }
    }

    /// A flow.
    pub fn flow(uid: Uid) -> Self {
        Self(format!("flow:{uid}"))
    }

    /// A line of an import.
    pub fn record(import: super::ImportKey, line: u64) -> Self {
        Self(format!("record:{}#{line}", import.0))
    }

    /// Anything else that has a name, such as a view.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, if it is one.
    pub fn as_host(&self) -> Option<HostKey> {
        let text = self.0.strip_prefix("host:")?;
        let (addr, realm) = match text.split_once('@') {
            Some((addr, realm)) => (addr, Some(realm.parse().ok()?)),
            None => (text, None),
        };
        let host = HostKey::new(addr.parse().ok()?, RealmId(realm.unwrap_or_default()));
        (host.realm().is_some() == realm.is_some()).then_some(host)
    }
}

/// What was done as one, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What.
    pub deeds: Deeds,
    /// When it was done first.
    pub time: Timestamp,
}

/// Something that a person said, with its subject and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said<T> {
    /// About what.
    pub subject: Subject,
    /// What was said.
    pub what: T,
    /// When.
    pub changed: Timestamp,
}

/// Everything a person said in a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PersonsData {
    /// Notes, by subject.
    pub notes: Vec<Said<String>>,
    /// Tags, by subject, then tag.
    pub tags: Vec<Said<String>>,
    /// Verdicts, by subject.
    pub verdicts: Vec<Said<Verdict>>,
    /// Bookmarks, by subject, with their names.
    pub bookmarks: Vec<Said<String>>,
    /// Saved filters: name, text.
    pub filters: Vec<(String, String)>,
    /// Settings: key, value.
    pub settings: Vec<(String, String)>,
}

impl Store {
    /// Does something: when this returns, it is on disk. Ends what could be redone.
    ///
    /// # Errors
    /// When the case cannot be written, or the deed makes no sense (a realm merged into itself).
    pub fn apply(&mut self, deed: &Deed, now: Timestamp) -> Result<(), StoreError> {
        self.apply_all(&deed.clone().into(), now)
    }

    /// Does several things as one: all of them or, if one cannot be done, none. They are undone
    /// together.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), and when it is too much for one step.
    pub fn apply_all(&mut self, deeds: &Deeds, now: Timestamp) -> Result<(), StoreError> {
        if deeds.is_empty() {
            return Ok(());
        }
        deeds.within_bounds()?;
        self.durably(|db| {
            let inverse = set_all(db, deeds, now)?;
            db.execute("DELETE FROM journal WHERE undone = 1", [])?;
            db.execute(
                "INSERT INTO journal (time, deed, inverse, undone) VALUES (?1, ?2, ?3, 0)",
                (now.nanos(), deeds.to_text()?, inverse.to_text()?),
            )?;
            note_deeds(db, "", deeds, now)
        })
    }

    /// Undoes the newest deed that is not undone; says which. `None`: there is none.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn undo(&mut self, now: Timestamp) -> Result<Option<Done>, StoreError> {
        let newest = "SELECT id, time, deed, inverse FROM journal WHERE undone = 0 \
                      ORDER BY id DESC LIMIT 1";
        self.turn(newest, 1, now)
    }

    /// Does again what was undone last; says what. `None`: nothing was, or a deed was done since.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn redo(&mut self, now: Timestamp) -> Result<Option<Done>, StoreError> {
        let oldest = "SELECT id, time, inverse, deed FROM journal WHERE undone = 1 \
                      ORDER BY id LIMIT 1";
        self.turn(oldest, 0, now)
    }

    /// What [`undo`](Self::undo) would undo, and what [`redo`](Self::redo) would do again.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn turns(&self) -> Result<(Option<Deeds>, Option<Deeds>), StoreError> {
        let deed = |sql: &str| {
            let found: Option<String> = self.db.query_row(sql, [], |row| row.get(0)).optional()?;
            found.map(|text| Deeds::from_text(&text)).transpose()
        };
        Ok((
            deed("SELECT deed FROM journal WHERE undone = 0 ORDER BY id DESC LIMIT 1")?,
            deed("SELECT deed FROM journal WHERE undone = 1 ORDER BY id LIMIT 1")?,
        ))
    }

    fn turn(&mut self, sql: &str, undone: u8, now: Timestamp) -> Result<Option<Done>, StoreError> {
        self.durably(|db| {
            let found = db.query_row(sql, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            });
            let Some((id, time, one, other)) = found.optional()? else { return Ok(None) };
            let (one, other): (String, String) = (one, other);
            set_all(db, &Deeds::from_text(&other)?, now)?;
            db.execute("UPDATE journal SET undone = ?2 WHERE id = ?1", (id, undone))?;
            // What is told is the deed itself, in both directions.
            let deeds = Deeds::from_text(if undone == 1 { &one } else { &other })?;
            note_deeds(db, if undone == 1 { "undone: " } else { "done again: " }, &deeds, now)?;
            Ok(Some(Done { deeds, time: Timestamp::from_nanos(time) }))
        })
    }

    /// Runs `work` as one transaction that is on disk when this returns.
    pub(super) fn durably<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.writable()?;
        self.db.pragma_update(None, "synchronous", "FULL")?;
        let done = self.db.unchecked_transaction().map_err(StoreError::from).and_then(|tx| {
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        });
        self.db.pragma_update(None, "synchronous", "NORMAL")?;
        done
    }

    /// Everything a person said.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn persons_data(&self) -> Result<PersonsData, StoreError> {
        let said = |sql: &str| self.said(sql);
        let mut verdicts = Vec::new();
        let sql = "SELECT subject, changed, verdict, reason FROM verdict ORDER BY subject";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(2)?;
            verdicts.push(Said {
                subject: Subject(row.get(0)?),
                what: Verdict::read(&word, row.get(3)?)?,
                changed: Timestamp::from_nanos(row.get(1)?),
            });
        }
        Ok(PersonsData {
            notes: said("SELECT subject, text, changed FROM note ORDER BY subject")?,
            tags: said("SELECT subject, tag, changed FROM tag ORDER BY subject, tag")?,
            verdicts,
            bookmarks: said("SELECT subject, name, changed FROM bookmark ORDER BY subject")?,
            filters: self.pairs("SELECT name, text FROM saved_filter ORDER BY name")?,
            settings: self.settings()?,
        })
    }

    fn said(&self, sql: &str) -> Result<Vec<Said<String>>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let changed = Timestamp::from_nanos(row.get(2)?);
            Ok(Said { subject: Subject(row.get(0)?), what: row.get(1)?, changed })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn pairs(&self, sql: &str) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Sets what deeds set, in order; gives the deeds that set it back, the last one first.
fn set_all(db: &Connection, deeds: &Deeds, now: Timestamp) -> Result<Deeds, StoreError> {
    let mut inverses = Vec::with_capacity(deeds.len());
    for deed in deeds.each() {
        inverses.push(set(db, &deed, now)?);
    }
    Ok(inverses.into_iter().rev().collect())
}

/// Sets what a deed sets; gives the deed that sets it back.
fn set(db: &Connection, deed: &Deed, now: Timestamp) -> Result<Deed, StoreError> {
    Ok(match deed {
        Deed::Note { subject, text } => {
            let text = cell(db, ["note", "subject", "text"], &subject.0, text.as_deref(), now)?;
            Deed::Note { subject: subject.clone(), text }
        }
        Deed::Bookmark { subject, name } => {
            let name = cell(db, ["bookmark", "subject", "name"], &subject.0, name.as_deref(), now)?;
            Deed::Bookmark { subject: subject.clone(), name }
        }
        Deed::Filter { name, text } => {
            let text = cell(db, ["saved_filter", "name", "text"], name, text.as_deref(), now)?;
            Deed::Filter { name: name.clone(), text }
        }
        Deed::Setting { key, value } => {
            let value = cell(db, ["setting", "key", "value"], key, value.as_deref(), now)?;
            Deed::Setting { key: key.clone(), value }
        }
        Deed::Tag { subject, tag, put } => {
            let put = set_tag(db, subject, tag, *put, now)?;
            Deed::Tag { subject: subject.clone(), tag: tag.clone(), put }
        }
        Deed::Verdict { subject, verdict } => {
            let verdict = set_verdict(db, subject, verdict.as_ref(), now)?;
            Deed::Verdict { subject: subject.clone(), verdict }
        }
        Deed::MergeRealm { realm, into } => {
            let into = merge(db, *realm, *into)?;
            Deed::MergeRealm { realm: *realm, into }
        }
    })
}

/// Sets the value of a table with a key, a value and a time; gives back what was there.
fn cell(
    db: &Connection,
    [table, key_column, value_column]: [&str; 3],
    key: &str,
    value: Option<&str>,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    short(key)?;
    let old = format!("SELECT {value_column} FROM {table} WHERE {key_column} = ?1");
    let old = db.prepare_cached(&old)?.query_row([key], |row| row.get(0)).optional()?;
    match value {
        Some(value) => {
            short(value)?;
            let sql = format!(
                "INSERT OR REPLACE INTO {table} ({key_column}, {value_column}, changed) \
                 VALUES (?1, ?2, ?3)"
            );
            db.prepare_cached(&sql)?.execute((key, value, now.nanos()))?;
        }
        None => {
            let sql = format!("DELETE FROM {table} WHERE {key_column} = ?1");
            db.prepare_cached(&sql)?.execute([key])?;
        }
    }
    Ok(old)
}

fn short(text: &str) -> Result<(), StoreError> {
    match text.len() <= TEXT_BYTES_MAX {
        true => Ok(()),
        false => Err(StoreError::new(
            Trouble::System,
            "a text of more than a megabyte; write less, or keep it in a file of its own",
        )),
    }
}

fn set_tag(
    db: &Connection,
    subject: &Subject,
    tag: &str,
    put: Put,
    now: Timestamp,
) -> Result<Put, StoreError> {
    short(tag)?;
    let key = (subject.as_str(), tag);
    let there =
        db.prepare_cached("SELECT 1 FROM tag WHERE subject = ?1 AND tag = ?2")?.exists(key)?;
    match put {
        Put::On if !there => {
            let sql = "INSERT INTO tag (subject, tag, changed) VALUES (?1, ?2, ?3)";
            db.prepare_cached(sql)?.execute((key.0, key.1, now.nanos()))?;
        }
        Put::Off if there => {
            db.prepare_cached("DELETE FROM tag WHERE subject = ?1 AND tag = ?2")?.execute(key)?;
        }
        Put::On | Put::Off => {}
    }
    Ok(if there { Put::On } else { Put::Off })
}

fn set_verdict(
    db: &Connection,
    subject: &Subject,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Result<Option<Verdict>, StoreError> {
    let sql = "SELECT verdict, reason FROM verdict WHERE subject = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let old = statement.query_row([subject.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    let old: Option<(String, Option<String>)> = old.optional()?;
    let old = old.map(|(word, reason)| Verdict::read(&word, reason)).transpose()?;
    match verdict {
        Some(verdict) => {
            let reason = match verdict {
                Verdict::Expected(reason) => Some(reason.as_str()),
                _ => None,
            };
            short(reason.unwrap_or_default())?;
            let sql = "INSERT OR REPLACE INTO verdict (subject, verdict, reason, changed) \
                       VALUES (?1, ?2, ?3, ?4)";
            let row = (subject.as_str(), verdict.as_str(), reason, now.nanos());
            db.prepare_cached(sql)?.execute(row)?;
        }
        None => {
            let sql = "DELETE FROM verdict WHERE subject = ?1";
            db.prepare_cached(sql)?.execute([subject.as_str()])?;
        }
    }
    Ok(old)
}

fn merge(db: &Connection, realm: u32, into: Option<u32>) -> Result<Option<u32>, StoreError> {
    let no_such = || StoreError::new(Trouble::Missing, "the case has no such realm");
    let realms = super::imports::read_realms(db)?;
    let old = realms.get(realm as usize).ok_or_else(no_such)?.merged_into.map(|id| id.0);
    if let Some(into) = into {
        realms.get(into as usize).ok_or_else(no_such)?;
        if merged(&realms, RealmId(into)) == RealmId(realm) {
            let what = "these realms are one already, the other way round";
            return Err(StoreError::new(Trouble::System, what));
        }
    }
    db.execute("UPDATE realm SET merged_into = ?2 WHERE id = ?1", (realm, into))?;
    Ok(old)
}
