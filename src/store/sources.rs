//! The analyst's own sources, kept in the case: without them it would be judged otherwise when it
//! is opened again.
//!
//! What was given stands in the case as it was, packed, with its hash. What is too large for a case
//! ([`KEPT_SOURCE_BYTES_MAX`], [`KEPT_PACKED_BYTES_MAX`]) is named, with its hash and its path;
//! that path is shown and never opened. A source read back is unpacked within limits and must have
//! the hash it had.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cells::{cell, number_at, one_of};
use super::error::Trouble;
use super::forget::ForgottenList;
use super::{Deed, Store, StoreError, log};
use crate::model::limits::{
    KEPT_BYTES_MAX, KEPT_PACKED_BYTES_MAX, KEPT_SOURCE_BYTES_MAX, KEPT_SOURCES_MAX,
};
use crate::model::{Timestamp, Untrusted};

/// How hard zstd tries: a list of 20 MB takes a quarter of a second.
const PACK_LEVEL: i32 = 6;

/// What a source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// How evidence is weighed; a case has one at most.
    Profile,
    /// Addresses with a meaning.
    List,
    /// Places (RFC 8805).
    Geofeed,
    /// Owners.
    AsTable,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Profile, Self::List, Self::Geofeed, Self::AsTable];

    /// The word in the case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::List => "list",
            Self::Geofeed => "geofeed",
            Self::AsTable => "as_table",
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::List => "list",
            Self::Geofeed => "geofeed",
            Self::AsTable => "AS table",
        }
    }
}

/// A source to keep.
#[derive(Clone, Debug)]
pub struct NewSource<'a> {
    /// What it says.
    pub kind: SourceKind,
    /// Its name, unique among those of its kind: another of that name takes its place.
    pub name: &'a str,
    /// What membership in a list means: `hostile`, `tor` …
    pub meaning: Option<&'a str>,
    /// Where it lay.
    pub path: &'a str,
    /// What is in it.
    pub content: &'a [u8],
}

/// A source that a case keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredSource {
    /// Its number.
    pub id: i64,
    /// What it says.
    pub kind: SourceKind,
    /// Its name.
    pub name: Untrusted,
    /// What membership means.
    pub meaning: Option<Untrusted>,
    /// Where it lay when it was given.
    pub path: Untrusted,
    /// Of its content, lower-case hex.
    pub sha256: String,
    /// Of its content.
    pub bytes: u64,
    /// Whether its content is here; else it was too large.
    pub is_kept: bool,
    /// Since when.
    pub added: Timestamp,
}

impl Store {
    /// Keeps a source, in the place of one of the same kind and name. One whose content is there
    /// already is not kept twice.
    ///
    /// # Errors
    /// When the case cannot be written, or has [`KEPT_SOURCES_MAX`] sources.
    pub fn keep_source(
        &mut self,
        source: &NewSource<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writable()?;
        let forgotten = ForgottenList::read(&self.db)?;
        let left = forgotten.lines_left(source.content);
        let content = left.as_deref().unwrap_or(source.content);
        let hash: [u8; 32] = Sha256::digest(content).into();
        let there = self.own_sources()?;
        let same = |known: &&StoredSource| known.kind == source.kind && known.sha256 == hex(&hash);
        let is_there = there.iter().find(same).is_some_and(|known| {
            source.kind != SourceKind::List
                || (known.name.raw(), known.meaning.as_ref().map(Untrusted::raw))
                    == (source.name, source.meaning)
        });
        if is_there {
            return Ok(());
        }
        let gives_way = |known: &&StoredSource| {
            let is_named = source.kind == SourceKind::Profile || known.name.raw() == source.name;
            known.kind == source.kind && is_named
        };
        let old: Vec<i64> = there.iter().filter(gives_way).map(|known| known.id).collect();
        let others = there.iter().filter(|known| !old.contains(&known.id));
        let kept_bytes: u64 = others.clone().map(|known| known.bytes).sum();
        if others.count() >= KEPT_SOURCES_MAX {
            let what = format!("a case keeps {KEPT_SOURCES_MAX} own sources; remove some");
            return Err(StoreError::new(Trouble::System, what));
        }
        let fits = content.len() <= KEPT_SOURCE_BYTES_MAX
            && kept_bytes + content.len() as u64 <= KEPT_BYTES_MAX;
        let packed = fits.then(|| zstd::bulk::compress(content, PACK_LEVEL)).transpose()?;
        let packed = packed.filter(|packed| packed.len() <= KEPT_PACKED_BYTES_MAX);
        self.durably(|db| {
            for id in old {
                db.execute("DELETE FROM own_source WHERE id = ?1", [id])?;
            }
            insert(db, source, (&hash, content.len()), packed.as_deref(), now)?;
            let meaning = source.meaning.map(|meaning| format!(" ({meaning})")).unwrap_or_default();
            let kept = if packed.is_some() { "kept" } else { "named; it is too large to keep" };
            let what = format!("own {} {}{meaning} {kept}", source.kind.word(), source.name);
            log::note(db, &what, now)
        })
    }

    /// Takes a source out of the case.
    ///
    /// # Errors
    /// When the case cannot be written, or has no such source.
    pub fn remove_source(&mut self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let source = self.own_sources()?.into_iter().find(|source| source.id == id);
        let no_such = || StoreError::new(Trouble::Missing, "the case has no such source");
        let source = source.ok_or_else(no_such)?;
        self.durably(|db| {
            db.execute("DELETE FROM own_source WHERE id = ?1", [id])?;
            let what = format!("removal of own {} {}", source.kind.word(), source.name.raw());
            log::note(db, &what, now)
        })
    }

    /// Keeps a setting that came with files. It is no deed: what a person undoes is what a person
    /// did in the case. One that is so already is left as it is.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn keep_setting(
        &mut self,
        key: &str,
        value: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.settings()?.iter().any(|(known, is)| known == key && is == value) {
            return Ok(());
        }
        let deed = Deed::Setting { key: key.to_owned(), value: Some(value.to_owned()) };
        self.durably(|db| {
            let sql = "INSERT OR REPLACE INTO setting (key, value, changed) VALUES (?1, ?2, ?3)";
            db.execute(sql, (key, value, now.nanos()))?;
            log::note(db, &deed.words(), now)
        })
    }

    /// The settings of the case: key, value.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn settings(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement =
            self.db.prepare_cached("SELECT key, value FROM setting ORDER BY key")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The sources that the case keeps, in the order in which they were given.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn own_sources(&self) -> Result<Vec<StoredSource>, StoreError> {
        let sql = "SELECT id, kind, name, meaning, path, sha256, bytes, packed IS NOT NULL, added \
                   FROM own_source ORDER BY id";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut sources = Vec::new();
        while let Some(row) = rows.next()? {
            if sources.len() >= KEPT_SOURCES_MAX {
                let what = format!("more than the {KEPT_SOURCES_MAX} own sources of a case");
                return Err(StoreError::damaged(what));
            }
            let text = |column| row.get_ref(column)?.as_str().map_err(StoreError::damaged);
            let meaning = row.get_ref(3)?.as_str_or_null().map_err(StoreError::damaged)?;
            let hash: [u8; 32] = row.get(5)?;
            sources.push(StoredSource {
                id: row.get(0)?,
                kind: one_of(text(1)?, &SourceKind::ALL, SourceKind::as_str)?,
                name: Untrusted::new(text(2)?),
                meaning: meaning.map(Untrusted::new),
                path: Untrusted::new(text(4)?),
                sha256: hex(&hash),
                bytes: number_at(row, 6)?,
                is_kept: row.get(7)?,
                added: Timestamp::from_nanos(row.get(8)?),
            });
        }
        let total = sources.iter().filter(|source| source.is_kept);
        let total = total.fold(0_u64, |sum, source| sum.saturating_add(source.bytes));
        match total <= KEPT_BYTES_MAX {
            true => Ok(sources),
            false => Err(StoreError::damaged("own sources that are larger than a case keeps")),
        }
    }

    /// What is in a source; `None`: it was too large to keep.
    ///
    /// # Errors
    /// When the case is damaged: it has no such source, or another content than it says.
    pub fn source_content(&self, source: &StoredSource) -> Result<Option<Arc<[u8]>>, StoreError> {
        content(&self.db, source)
    }
}

fn insert(
    db: &Connection,
    source: &NewSource<'_>,
    (hash, bytes): (&[u8; 32], usize),
    packed: Option<&[u8]>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO own_source (kind, name, meaning, path, sha256, bytes, packed, added) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    db.execute(
        sql,
        rusqlite::params![
            source.kind.as_str(),
            source.name,
            source.meaning,
            source.path,
            hash,
            cell(bytes as u64),
            packed,
            now.nanos(),
        ],
    )?;
    Ok(())
}

fn content(db: &Connection, source: &StoredSource) -> Result<Option<Arc<[u8]>>, StoreError> {
    let sql = "SELECT packed FROM own_source WHERE id = ?1";
    let packed: Option<Option<Vec<u8>>> =
        db.prepare_cached(sql)?.query_row([source.id], |row| row.get(0)).optional()?;
    let Some(packed) = packed.flatten() else { return Ok(None) };
    let damaged = |what: &str| {
        StoreError::damaged(format_args!("own {} {}: {what}", source.kind.word(), source.name))
    };
    let bytes = usize::try_from(source.bytes).ok().filter(|&bytes| bytes <= KEPT_SOURCE_BYTES_MAX);
    let bytes = bytes.ok_or_else(|| damaged("it is larger than a case keeps"))?;
    // Never more than it says it has, whatever is packed there.
    let content =
        zstd::bulk::decompress(&packed, bytes).map_err(|error| damaged(&error.to_string()))?;
    let hash: [u8; 32] = Sha256::digest(&content).into();
    match content.len() == bytes && hex(&hash) == source.sha256 {
        true => Ok(Some(content.into())),
        false => Err(damaged("its content is not what it was when it was given")),
    }
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes out of all sources the lines that `names` an address; says how many sources changed.
pub(super) fn forget_lines(
    db: &Connection,
    sources: &[StoredSource],
    names: &dyn Fn(&str) -> bool,
) -> Result<u64, StoreError> {
    let mut changed = 0;
    for source in sources {
        let Some(content) = content(db, source)? else { continue };
        let Some(left) = without_lines(&content, names) else { continue };
        let hash: [u8; 32] = Sha256::digest(&left).into();
        let packed = zstd::bulk::compress(&left, PACK_LEVEL)?;
        db.execute(
            "UPDATE own_source SET sha256 = ?2, bytes = ?3, packed = ?4 WHERE id = ?1",
            (source.id, hash, cell(left.len() as u64), packed),
        )?;
        changed += 1;
    }
    Ok(changed)
}

/// A text without the lines that name something; `None`: none does.
pub(super) fn without_lines(content: &[u8], names: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    let is_named = |line: &&[u8]| names(&String::from_utf8_lossy(line));
    let lines = || content.split_inclusive(|&byte| byte == b'\n');
    lines().any(|line| is_named(&line)).then(|| {
        let left: Vec<&[u8]> = lines().filter(|line| !is_named(line)).collect();
        left.concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_and_the_others_stay_as_they_were() {
        let names = |line: &str| line.contains('x');
        assert_eq!(without_lines(b"a\r\nx\nb", &names).as_deref(), Some(&b"a\r\nb"[..]));
        assert_eq!(without_lines(b"a\nx", &names).as_deref(), Some(&b"a\n"[..]));
        assert_eq!(without_lines(b"a\nb\n\xff", &names), None);
        assert_eq!(without_lines(b"", &names), None);
    }
}
