//! Imports and realms: which files a case was made of.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::cells::{cell, number_at, time_at};
use super::forget::ForgottenList;
use super::items::{not_begun, span};
use super::words::WordsOut;
use super::{ItemCounts, Store, StoreError, Trouble};
use crate::model::{AssumedRow, ImportRow, Position, Problem, RealmId, Timestamp, Untrusted};
use crate::{import, wire};

/// The number of an import in its case: from 1, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportKey(pub u32);

/// How far an import came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// It is being written, here or in another program.
    Running,
    /// It was stopped or cut off; what was finished is there.
    Partial,
    /// All of it is there.
    Finished,
}

impl ImportState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Partial => "partial",
            Self::Finished => "finished",
        }
    }
}

/// An import of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredImport {
    /// Its number.
    pub key: ImportKey,
    /// How far it came.
    pub state: ImportState,
    /// The realm of its addresses that are not public, merges followed; `None`: nothing was read.
    pub realm: Option<RealmId>,
    /// What is told of it.
    pub row: ImportRow,
    /// What it holds.
    pub counts: ItemCounts,
    /// When it was added.
    pub added: Timestamp,
}

/// A realm of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRealm {
    /// Its number, from 0 up.
    pub id: RealmId,
    /// Its name.
    pub name: Untrusted,
    /// The realm that a person merged it into.
    pub merged_into: Option<RealmId>,
}

/// An import that is being written.
#[derive(Debug)]
pub(super) struct Writing {
    /// The id of the next item.
    pub(super) next: i64,
    pub(super) words: WordsOut,
    pub(super) counts: ItemCounts,
    /// What is not let in.
    pub(super) forgotten: ForgottenList,
}

impl Writing {
    /// Takes back what a batch that failed did to the counters.
    pub(super) fn forget_batch(
        &mut self,
        db: &Connection,
        key: ImportKey,
    ) -> Result<(), StoreError> {
        let (first, last) = span(key);
        let counts = self.counts;
        let after = |table: &str| -> Result<i64, StoreError> {
            let sql = format!("SELECT max(id) FROM {table} WHERE id BETWEEN ?1 AND ?2");
            let newest: Option<i64> = db.query_row(&sql, (first, last), |row| row.get(0))?;
            Ok(newest.map_or(first, |newest| newest + 1))
        };
        self.next = after("flow")?.max(after("record")?).max(after("listed")?);
        self.words = WordsOut::new(after("word")?);
        self.counts = counts;
        Ok(())
    }
}

/// Steps from a realm to the one it was merged into.
const MERGES_MAX: usize = 1_000;

impl Store {
    /// Begins an import: `row` says what is known of the file by now.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn begin_import(
        &mut self,
        row: &ImportRow,
        realm: Option<RealmId>,
        now: Timestamp,
    ) -> Result<ImportKey, StoreError> {
        self.writable()?;
        self.db
            .prepare_cached(
                "INSERT INTO import (state, realm, name, path, format, sha256, bytes, packets, \
                 records, flows, listed, left_out, first_seen, last_seen, assumed, problems, \
                 added) VALUES ('running', ?1, ?2, ?3, ?4, NULL, ?5, 0, 0, 0, 0, 0, NULL, NULL, \
                 '{}', '[]', ?6)",
            )?
            .execute(params![
                realm.map(|realm| realm.0),
                row.import.raw(),
                row.path.raw(),
                row.format,
                cell(row.bytes),
                now.nanos(),
            ])?;
        let key = u32::try_from(self.db.last_insert_rowid())
            .ok()
            .filter(|key| *key < 1 << 22)
            .map(ImportKey)
            .ok_or_else(|| StoreError::damaged("the case has had four million imports"))?;
        let first = span(key).0;
        let writing = Writing {
            next: first,
            words: WordsOut::new(first),
            counts: ItemCounts::default(),
            forgotten: ForgottenList::read(&self.db)?,
        };
        self.writing.insert(key, writing);
        Ok(key)
    }

    /// Ends an import: `row` says what is told of it. It is partial if its hash is not known.
    ///
    /// # Errors
    /// When the case cannot be written, or the import was not begun.
    pub fn finish_import(&mut self, key: ImportKey, row: &ImportRow) -> Result<(), StoreError> {
        self.writable()?;
        let writing = self.writing.remove(&key).ok_or_else(not_begun)?;
        let state = match row.sha256 {
            Some(_) => ImportState::Finished,
            None => ImportState::Partial,
        };
        self.write_row(key, state, row, writing.counts)
    }

    fn write_row(
        &self,
        key: ImportKey,
        state: ImportState,
        row: &ImportRow,
        counts: ItemCounts,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE import SET state = ?2, path = ?3, format = ?4, sha256 = ?5, bytes = ?6, \
                 packets = ?7, records = ?8, flows = ?9, listed = ?10, left_out = ?11, \
                 first_seen = ?12, last_seen = ?13, assumed = ?14, problems = ?15 WHERE id = ?1",
            )?
            .execute(params![
                key.0,
                state.as_str(),
                row.path.raw(),
                row.format,
                row.sha256.as_deref().and_then(from_hex),
                cell(row.bytes),
                cell(row.packets),
                cell(row.records),
                cell(counts.flows),
                cell(counts.listed),
                cell(counts.left_out),
                row.first_seen.map(|ts| ts.nanos()),
                row.last_seen.map(|ts| ts.nanos()),
                assumed_text(&row.assumed),
                problems_text(&row.problems),
            ])?;
        Ok(())
    }

    /// Takes an import out of the case as a whole. What a person said stays.
    ///
    /// # Errors
    /// When the case cannot be written, or has no such import.
    pub fn remove_import(&mut self, key: ImportKey) -> Result<(), StoreError> {
        self.writable()?;
        self.writing.remove(&key);
        let (first, last) = span(key);
        let transaction = self.db.unchecked_transaction()?;
        for table in ["flow", "record", "listed", "word"] {
            let sql = format!("DELETE FROM {table} WHERE id BETWEEN ?1 AND ?2");
            transaction.execute(&sql, (first, last))?;
        }
        let removed = transaction.execute("DELETE FROM import WHERE id = ?1", [key.0])?;
        if removed == 0 {
            return Err(StoreError::new(Trouble::Missing, "the case has no such import"));
        }
        Ok(transaction.commit()?)
    }

    /// Takes an import out of the case because a person asked for it, which the log says.
    ///
    /// # Errors
    /// As [`remove_import`](Self::remove_import).
    pub fn remove_import_of(&mut self, key: ImportKey, now: Timestamp) -> Result<(), StoreError> {
        let imports = self.imports()?;
        let name = imports.into_iter().find(|import| import.key == key);
        let name = name.map(|import| import.row.import).unwrap_or_default();
        self.remove_import(key)?;
        self.audit(&format!("removal of import {}", name.raw()), now)
    }

    /// The imports, in the order they were added. An [`ImportId`](crate::model::ImportId) is a
    /// place in this list.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn imports(&self) -> Result<Vec<StoredImport>, StoreError> {
        let realms = self.realms()?;
        let mut statement = self.db.prepare_cached(
            "SELECT id, state, realm, name, path, format, sha256, bytes, packets, records, flows, \
             listed, left_out, first_seen, last_seen, assumed, problems, added FROM import \
             ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut imports = Vec::new();
        while let Some(row) = rows.next()? {
            imports.push(read_import(row, &realms)?);
        }
        Ok(imports)
    }

    /// The import that read a file with this hash, if one did (lower-case hex).
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn has_sha256(&self, sha256: &str) -> Result<Option<ImportKey>, StoreError> {
        let sql = "SELECT id FROM import WHERE sha256 = ?1 AND state = 'finished' ORDER BY id";
        let Some(hash) = from_hex(sha256) else { return Ok(None) };
        let found = self.db.prepare_cached(sql)?.query_row([hash], |row| row.get(0)).optional()?;
        Ok(found.map(ImportKey))
    }

    /// Whether a file of so many bytes was read: only such a one is worth hashing.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn has_size(&self, bytes: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM import WHERE bytes = ?1 AND state = 'finished'";
        Ok(self.db.prepare_cached(sql)?.exists([cell(bytes)])?)
    }

    /// The realms, by number.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn realms(&self) -> Result<Vec<StoredRealm>, StoreError> {
        read_realms(&self.db)
    }

    /// The realm of this name, made if it is not there.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn realm(&mut self, name: &Untrusted) -> Result<RealmId, StoreError> {
        let sql = "SELECT id FROM realm WHERE name = ?1";
        let known = self.db.prepare_cached(sql)?.query_row([name.raw()], |row| row.get(0));
        if let Some(id) = known.optional()? {
            return Ok(RealmId(id));
        }
        self.writable()?;
        let next = "INSERT INTO realm (id, name) VALUES ((SELECT count(*) FROM realm), ?1)";
        self.db.prepare_cached(next)?.execute([name.raw()])?;
        Ok(RealmId(u32::try_from(self.db.last_insert_rowid()).unwrap_or(u32::MAX)))
    }

    /// Calls an import partial that a crash cut off; says how many there were.
    pub(super) fn close_cut_off_imports(&mut self) -> Result<usize, StoreError> {
        let imports = self.imports()?;
        let mut running = 0;
        for import in imports.iter().filter(|import| import.state == ImportState::Running) {
            let (row, counts) = self.what_is_there(import)?;
            self.write_row(import.key, ImportState::Partial, &row, counts)?;
            running += 1;
        }
        Ok(running)
    }

    /// What a cut-off import left, counted.
    fn what_is_there(&self, import: &StoredImport) -> Result<(ImportRow, ItemCounts), StoreError> {
        let bounds = span(import.key);
        let count = |table: &str| -> Result<u64, StoreError> {
            let sql = format!("SELECT count(*) FROM {table} WHERE id BETWEEN ?1 AND ?2");
            Ok(self.db.query_row(&sql, bounds, |row| row.get::<_, i64>(0))?.cast_unsigned())
        };
        let counts = ItemCounts {
            flows: count("flow")?,
            records: count("record")?,
            listed: count("listed")?,
            left_out: import.counts.left_out,
        };
        let (packets, first, last) = self.db.query_row(
            "SELECT total(orig_pkts + resp_pkts), min(first_seen), max(first_seen) FROM flow \
             WHERE id BETWEEN ?1 AND ?2",
            bounds,
            |row| Ok((row.get::<_, f64>(0)?, time_of(row, 1)?, time_of(row, 2)?)),
        )?;
        let (first_record, last_record) = self.db.query_row(
            "SELECT min(ts), max(ts) FROM record WHERE id BETWEEN ?1 AND ?2",
            bounds,
            |row| Ok((time_of(row, 0)?, time_of(row, 1)?)),
        )?;
        let mut row = import.row.clone();
        // A float of SQLite's holds more packets than a capture has, and `as` saturates.
        row.packets = packets as u64;
        row.records = counts.records;
        row.first_seen = [first, first_record].into_iter().flatten().min();
        row.last_seen = last.max(last_record);
        row.problems.push(Problem {
            place: Position::Whole,
            what: "the import was cut off; what it had finished is here: read the file again for \
                   the rest"
                .to_owned(),
            count: 1,
        });
        Ok((row, counts))
    }
}

fn time_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_nanos))
}

pub(super) fn read_realms(db: &Connection) -> Result<Vec<StoredRealm>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id, name, merged_into FROM realm ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut realms = Vec::new();
    while let Some(row) = rows.next()? {
        let realm = StoredRealm {
            id: RealmId(row.get(0)?),
            name: Untrusted::new(row.get_ref(1)?.as_str().map_err(StoreError::damaged)?),
            merged_into: row.get::<_, Option<u32>>(2)?.map(RealmId),
        };
        if realm.id.0 as usize != realms.len() {
            return Err(StoreError::damaged("the realms are not numbered from 0 up"));
        }
        realms.push(realm);
    }
    Ok(realms)
}

/// The realm that another one is a part of by now.
pub(super) fn merged(realms: &[StoredRealm], id: RealmId) -> RealmId {
    let mut at = id;
    for _ in 0..MERGES_MAX {
        match realms.get(at.0 as usize).and_then(|realm| realm.merged_into) {
            Some(into) => at = into,
            None => return at,
        }
    }
    id
}

fn read_import(row: &Row<'_>, realms: &[StoredRealm]) -> Result<StoredImport, StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(StoreError::damaged);
    let state = match text(1)? {
        "running" => ImportState::Running,
        "partial" => ImportState::Partial,
        "finished" => ImportState::Finished,
        other => return Err(StoreError::damaged(format_args!("no such state: {other:?}"))),
    };
    let realm = row.get::<_, Option<u32>>(2)?.map(|id| merged(realms, RealmId(id)));
    let realm_name = realm.map(|id| {
        let realm = realms.get(id.0 as usize);
        realm.map(|realm| realm.name.clone()).ok_or_else(|| StoreError::damaged("no such realm"))
    });
    let format = row.get_ref(5)?.as_str_or_null().map_err(StoreError::damaged)?;
    let sha256 = row.get_ref(6)?.as_blob_or_null().map_err(StoreError::damaged)?;
    Ok(StoredImport {
        key: ImportKey(row.get(0)?),
        state,
        realm,
        row: ImportRow {
            import: Untrusted::new(text(3)?),
            realm: realm_name.transpose()?.unwrap_or_default(),
            path: Untrusted::new(text(4)?),
            format: format.and_then(known_format),
            sha256: sha256.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            bytes: number_at(row, 7)?,
            packets: number_at(row, 8)?,
            records: number_at(row, 9)?,
            first_seen: time_at(row, 13)?,
            last_seen: time_at(row, 14)?,
            assumed: read_assumed(text(15)?)?,
            problems: read_problems(text(16)?)?,
        },
        counts: ItemCounts {
            records: number_at(row, 9)?,
            flows: number_at(row, 10)?,
            listed: number_at(row, 11)?,
            left_out: number_at(row, 12)?,
        },
        added: Timestamp::from_nanos(row.get(17)?),
    })
}

/// The program's own word for a format; one that only a newer program knows is `None`.
fn known_format(id: &str) -> Option<&'static str> {
    let logs = import::FORMATS.iter().map(|format| format.about().id);
    let captures = wire::capture::FORMATS.iter().map(|format| format.about().id);
    logs.chain(captures).find(|known| *known == id)
}

/// Bytes from hex digits; `None` if they are none.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (text.len().is_multiple_of(2)).then(|| (0..text.len()).step_by(2).map(digit).collect())?
}

fn assumed_text(assumed: &AssumedRow) -> String {
    let notes: Vec<&str> = assumed.notes.iter().map(Untrusted::raw).collect();
    json!({"year": assumed.year, "time_zone": assumed.time_zone, "notes": notes}).to_string()
}

fn read_assumed(text: &str) -> Result<AssumedRow, StoreError> {
    let value: Value = serde_json::from_str(text).map_err(StoreError::damaged)?;
    let notes = value.get("notes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(AssumedRow {
        year: value.get("year").and_then(Value::as_i64).and_then(|year| i16::try_from(year).ok()),
        time_zone: value.get("time_zone").and_then(Value::as_str).map(str::to_owned),
        notes: notes.iter().filter_map(Value::as_str).map(Untrusted::new).collect(),
    })
}

fn problems_text(problems: &[Problem]) -> String {
    let rows: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let (line, offset) = match problem.place {
                Position::Whole => (None, None),
                Position::Line(line) => (Some(line), None),
                Position::Offset(offset) => (None, Some(offset)),
            };
            json!({"line": line, "offset": offset, "what": problem.what, "count": problem.count})
        })
        .collect();
    Value::Array(rows).to_string()
}

fn read_problems(text: &str) -> Result<Vec<Problem>, StoreError> {
    let value: Vec<Value> = serde_json::from_str(text).map_err(StoreError::damaged)?;
    let number = |problem: &Value, key: &str| problem.get(key).and_then(Value::as_u64);
    let read = |problem: &Value| {
        let place = match (number(problem, "line"), number(problem, "offset")) {
            (Some(line), _) => Position::Line(line),
            (None, Some(offset)) => Position::Offset(offset),
            (None, None) => Position::Whole,
        };
        let what = problem.get("what").and_then(Value::as_str).unwrap_or_default().to_owned();
        Problem { place, what, count: number(problem, "count").unwrap_or(1) }
    };
    Ok(value.iter().map(read).collect())
}
