//! Records ↔ rows of `record`.

use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};

use super::StoreError;
use super::cells::{
    OUTCOMES, RECORD_KINDS, addr_at, addr_cell, cell, maybe_number_at, one_of, time_at, uid_at,
};
use super::flows::text;
use super::words::{WordsIn, WordsOut};
use crate::model::{ImportId, Outcome, Record, RecordKind, Untrusted};

const INSERT: &str = "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
    ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

/// Rows of an import in their order; its bounds are the parameters.
pub(super) const SELECT: &str = "SELECT * FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

pub(super) fn insert(
    db: &Connection,
    id: i64,
    record: &Record,
    words: &mut WordsOut,
) -> Result<(), StoreError> {
    let mut word = |text: &Option<Untrusted>| words.maybe(db, text.as_ref().map(Untrusted::raw));
    let service = word(&record.service)?;
    let src_name = word(&record.src_name)?;
    let dst_name = word(&record.dst_name)?;
    let user = word(&record.user)?;
    let method = word(&record.method)?;
    let host = word(&record.host)?;
    let path = word(&record.path)?;
    let query = word(&record.query)?;
    let user_agent = word(&record.user_agent)?;
    let details = match record.details.is_empty() {
        true => None,
        // A map of JSON values is always JSON.
        false => Some(serde_json::to_string(&record.details).unwrap_or_default()),
    };
    db.prepare_cached(INSERT)?.execute(params![
        id,
        record.ts.map(|ts| ts.nanos()),
        record.kind.as_str(),
        service,
        record.outcome.map(Outcome::as_str),
        record.src.map(addr_cell),
        record.src_port,
        record.dst.map(addr_cell),
        record.dst_port,
        src_name,
        dst_name,
        user,
        method,
        host,
        path,
        query,
        record.status,
        user_agent,
        record.bytes.map(cell),
        record.line.map(cell),
        record.uid.map(|uid| uid.to_bytes()),
        record.times,
        details,
    ])?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn read(
    db: &Connection,
    row: &Row<'_>,
    import: ImportId,
    words: &mut WordsIn,
) -> Result<Record, StoreError> {
    let kind = row.get_ref(2)?.as_str().map_err(StoreError::damaged)?;
    let outcome = row.get_ref(4)?.as_str_or_null().map_err(StoreError::damaged)?;
    let mut word = |column| Ok::<_, StoreError>(text(db, row, column, words)?.map(Untrusted::new));
    Ok(Record {
        ts: time_at(row, 1)?,
        kind: one_of(kind, &RECORD_KINDS, RecordKind::as_str)?,
        service: word(3)?,
        outcome: outcome.map(|text| one_of(text, &OUTCOMES, Outcome::as_str)).transpose()?,
        src: addr_at(row, 5)?,
        src_port: row.get(6)?,
        dst: addr_at(row, 7)?,
        dst_port: row.get(8)?,
        src_name: word(9)?,
        dst_name: word(10)?,
        user: word(11)?,
        method: word(12)?,
        host: word(13)?,
        path: word(14)?,
        query: word(15)?,
        status: row.get(16)?,
        user_agent: word(17)?,
        bytes: maybe_number_at(row, 18)?,
        line: maybe_number_at(row, 19)?,
        uid: uid_at(row, 20)?,
        times: row.get(21)?,
        import,
        details: details(row)?,
    })
}

fn details(row: &Row<'_>) -> Result<Map<String, Value>, StoreError> {
    let text = row.get_ref(22)?.as_str_or_null().map_err(StoreError::damaged)?;
    text.map_or_else(
        || Ok(Map::new()),
        |text| serde_json::from_str(text).map_err(StoreError::damaged),
    )
}
