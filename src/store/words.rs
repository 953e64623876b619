//! Repeated texts: each is stored once an import, and rows hold its number.
//!
//! Numbers count up within an import, so that an import goes with its words, and reading rows in
//! their order reads words in theirs.

use hashbrown::HashMap;
use rusqlite::Connection;

use super::StoreError;
use super::cells::PLACE_BITS;

/// Bytes of texts remembered while an import is written; then the memory starts afresh, and a text
/// may be stored twice, which only costs room.
const REMEMBERED_BYTES_MAX: usize = 48 << 20;

/// Words read at once.
const PAGE: i64 = 1_024;

/// Pages of words kept while rows are read: some 30 MB of log lines' paths.
const PAGES_MAX: usize = 256;

/// Texts → numbers, while an import is written.
#[derive(Debug)]
pub(super) struct WordsOut {
    next: i64,
    bytes: usize,
    known: HashMap<Box<str>, i64>,
}

impl WordsOut {
    /// For an import whose first word has this number.
    pub(super) fn new(first: i64) -> Self {
        Self { next: first, bytes: 0, known: HashMap::new() }
    }

    /// The number of a text.
    pub(super) fn number(&mut self, db: &Connection, text: &str) -> Result<i64, StoreError> {
        if let Some(number) = self.known.get(text) {
            return Ok(*number);
        }
        let number = self.next;
        db.prepare_cached("INSERT INTO word (id, text) VALUES (?1, ?2)")?
            .execute((number, text))?;
        self.next += 1;
        self.bytes += text.len() + 64;
        if self.bytes > REMEMBERED_BYTES_MAX {
            self.known.clear();
            self.bytes = 0;
        }
        self.known.insert(text.into(), number);
        Ok(number)
    }

    /// The number of a text that may be missing.
    pub(super) fn maybe(
        &mut self,
        db: &Connection,
        text: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        text.map(|text| self.number(db, text)).transpose()
    }
}

/// Numbers → texts, while rows are read.
#[derive(Default)]
pub(super) struct WordsIn {
    pages: HashMap<i64, Vec<(i64, Box<str>)>>,
}

impl WordsIn {
    /// The text of a number.
    pub(super) fn text(&mut self, db: &Connection, number: i64) -> Result<&str, StoreError> {
        let page = number.div_euclid(PAGE);
        if !self.pages.contains_key(&page) {
            if self.pages.len() >= PAGES_MAX {
                self.pages.clear();
            }
            let words = read_page(db, page)?;
            self.pages.insert(page, words);
        }
        let words = self.pages.get(&page).map_or(&[][..], Vec::as_slice);
        let at = words.binary_search_by_key(&number, |(known, _)| *known);
        let word = at.ok().and_then(|at| words.get(at));
        word.map(|(_, text)| &**text).ok_or_else(|| {
            let (import, place) = (number >> PLACE_BITS, number & ((1 << PLACE_BITS) - 1));
            StoreError::damaged(format_args!("word {place} of import {import} is missing"))
        })
    }
}

fn read_page(db: &Connection, page: i64) -> Result<Vec<(i64, Box<str>)>, StoreError> {
    let first = page.saturating_mul(PAGE);
    let sql = "SELECT id, text FROM word WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((first, first.saturating_add(PAGE - 1)))?;
    let mut words = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(StoreError::damaged)?;
        words.push((row.get(0)?, text.into()));
    }
    Ok(words)
}
