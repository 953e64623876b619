//! The log of a case: which commands changed it, when, in words.
//!
//! A row says what was done and to what, never what a person wrote in a note or gave as a reason. A
//! deed stands in it from the same moment as on disk: both are one transaction. "Forget" puts a
//! keyed hash where a row named the address (`forget`).

use rusqlite::Connection;
use serde::Serialize;

use super::deeds::{Deed, Put};
use super::{Deeds, Store, StoreError};
use crate::model::{Timestamp, Untrusted, counted};

/// Hosts that a row names of something done to many.
const NAMED_MAX: usize = 100;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// When.
    pub time: Timestamp,
    /// Which command: `import auth.log`, `verdict malicious on 203.0.113.9`, `undone: …`.
    pub what: Untrusted,
}

impl Store {
    /// Writes a command into the log.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn audit(&mut self, what: &str, now: Timestamp) -> Result<(), StoreError> {
        self.writable()?;
        note(&self.db, what, now)
    }

    /// The log, oldest first.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn audit_log(&self) -> Result<Vec<Audited>, StoreError> {
        self.entries("SELECT time, what FROM audit ORDER BY id LIMIT ?1", i64::MAX)
    }

    /// The newest entries of the log, newest first.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn newest_commands(&self, most: usize) -> Result<Vec<Audited>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.entries("SELECT time, what FROM audit ORDER BY id DESC LIMIT ?1", most)
    }

    fn entries(&self, sql: &str, most: i64) -> Result<Vec<Audited>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([most])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let what = row.get_ref(1)?.as_str().map_err(StoreError::damaged)?;
            let time = Timestamp::from_nanos(row.get(0)?);
            entries.push(Audited { time, what: Untrusted::new(what) });
        }
        Ok(entries)
    }

    /// How many commands the log holds.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn command_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM audit";
        Ok(self.db.query_row(sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }
}

/// Writes a row; whoever calls has seen to it that the case may be written.
pub(super) fn note(db: &Connection, what: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (time, what) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute((now.nanos(), what))?;
    Ok(())
}

/// Writes down that something was done, undone or done again (`how`): with the names of its realms,
/// or of the first of its hosts.
pub(super) fn note_deeds(
    db: &Connection,
    how: &str,
    deeds: &Deeds,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = match deeds.one() {
        Some(Deed::MergeRealm { realm, into }) => {
            let realms = super::imports::read_realms(db)?;
            let name = |id: u32| realms.get(id as usize).map_or("?", |realm| realm.name.raw());
            match into {
                Some(into) => format!("merge of realm {} into {}", name(*realm), name(*into)),
                None => format!("separation of realm {}", name(*realm)),
            }
        }
        Some(deed) => deed.words(),
        None => {
            let about: Vec<String> = deeds.each().take(NAMED_MAX).map(|it| it.about()).collect();
            let more = if deeds.len() > NAMED_MAX { ", …" } else { "" };
            format!("{}: {}{more}", deeds.words(), about.join(", "))
        }
    };
    note(db, &format!("{how}{what}"), now)
}

impl Deeds {
    /// What they do, in a few words: `verdict malicious on 37 hosts`.
    pub fn words(&self) -> String {
        if let Some(one) = self.one() {
            return one.words();
        }
        let hosts = counted(self.len() as u64, "host", "hosts");
        let mut kinds = self.kinds().map(|(deed, _)| deed.words_on(&hosts));
        let first = kinds.next().unwrap_or_default();
        match kinds.all(|other| other == first) {
            true => first,
            false => counted(self.len() as u64, "change", "changes"),
        }
    }
}

impl Deed {
    /// What it does, in a few words: `note on 203.0.113.9`. What a person wrote is not told.
    pub fn words(&self) -> String {
        self.words_on(&self.about())
    }

    fn about(&self) -> String {
        let about = self.subject().map(|subject| subject.as_str()).unwrap_or_default();
        about.strip_prefix("host:").unwrap_or(about).to_owned()
    }

    fn words_on(&self, about: &str) -> String {
        match self {
            Self::Note { text: Some(_), .. } => format!("note on {about}"),
            Self::Note { text: None, .. } => format!("removal of the note on {about}"),
            Self::Tag { tag, put: Put::On, .. } => format!("tag {tag} on {about}"),
            Self::Tag { tag, put: Put::Off, .. } => format!("removal of tag {tag} from {about}"),
            Self::Verdict { verdict: Some(verdict), .. } => {
                format!("verdict {} on {about}", verdict.as_str())
            }
            Self::Verdict { verdict: None, .. } => format!("removal of the verdict on {about}"),
            Self::Bookmark { name: Some(_), .. } => format!("bookmark on {about}"),
            Self::Bookmark { name: None, .. } => format!("removal of the bookmark on {about}"),
            Self::Filter { name, text: Some(_) } => format!("saved filter {name}"),
            Self::Filter { name, text: None } => format!("removal of saved filter {name}"),
            Self::Setting { key, value: Some(value) } => {
                format!("{}: {}", setting(key), value.replace('\n', ", "))
            }
            Self::Setting { key, value: None } => format!("removal of {}", setting(key)),
            Self::MergeRealm { into: Some(_), .. } => "merge of two realms".to_owned(),
            Self::MergeRealm { into: None, .. } => "separation of two realms".to_owned(),
        }
    }
}

/// What a setting of a case is called.
fn setting(key: &str) -> String {
    match key {
        "mine" => "own networks".to_owned(),
        "at" => "moment from which ages are counted".to_owned(),
        key => format!("setting {key}"),
    }
}
