//! What an import is made of, in the order it came: flows, records, listed prefixes.
//!
//! The place of an item in its import is shared by the three tables, so that reading gives back the
//! order of arrival: detectors see on Tuesday what they saw on Monday.

use rusqlite::{Connection, Row, Rows, Statement};

use super::cells::{PLACE_BITS, addr_cell, cell, edge, number_at};
use super::imports::{ImportKey, Writing};
use super::words::WordsIn;
use super::{Store, StoreError, flows, records};
use crate::import::Listed;
use crate::model::{AddrRange, Flow, ImportId, Prefix, Record};

/// One thing read from a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A flow.
    Flow(Flow),
    /// A log line or protocol transaction.
    Record(Record),
    /// A prefix or range of a list, with its line.
    Listed(Listed, u64),
}

/// How many items of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Flows.
    pub flows: u64,
    /// Records.
    pub records: u64,
    /// Prefixes and ranges of lists.
    pub listed: u64,
    /// Flows, records and entries left out, because they name a forgotten address.
    pub left_out: u64,
}

/// The ids that an import's items and words can have.
pub(super) fn span(key: ImportKey) -> (i64, i64) {
    let first = i64::from(key.0) << PLACE_BITS;
    (first, first | ((1 << PLACE_BITS) - 1))
}

impl Store {
    /// An item without what is forgotten; `None`: it is about a forgotten address, is left out, and
    /// counted in the import's `left_out`.
    ///
    /// # Errors
    /// When the import was not begun.
    pub fn admit(&mut self, key: ImportKey, item: Item) -> Result<Option<Item>, StoreError> {
        let writing = self.writing.get_mut(&key).ok_or_else(not_begun)?;
        let admitted = writing.forgotten.admit(item);
        writing.counts.left_out += u64::from(admitted.is_none());
        Ok(admitted)
    }

    /// Adds a batch to an import that was begun: all of it, or on an error nothing. Items pass
    /// [`Store::admit`] first.
    ///
    /// # Errors
    /// When the disk is full, or the import was not begun.
    pub fn add(&mut self, key: ImportKey, items: &[Item]) -> Result<(), StoreError> {
        self.writable()?;
        let Some(writing) = self.writing.get_mut(&key) else {
            return Err(not_begun());
        };
        let transaction = self.db.unchecked_transaction()?;
        let kept = writing.counts;
        let added = items.iter().try_for_each(|item| insert(&transaction, writing, item));
        let added = added.and_then(|()| Ok(transaction.commit()?));
        if added.is_err() {
            writing.counts = kept;
            writing.forget_batch(&self.db, key)?;
        }
        added
    }

    /// Calls `take` with each item of an import, in the order they came, until it says `false`.
    /// The items say that they are of import `as_import`.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn each_item(
        &self,
        key: ImportKey,
        as_import: ImportId,
        take: &mut dyn FnMut(Item) -> bool,
    ) -> Result<(), StoreError> {
        self.check_items()?;
        let db = &self.db;
        let mut statements = [
            db.prepare_cached(flows::SELECT)?,
            db.prepare_cached(records::SELECT)?,
            db.prepare_cached(LISTED)?,
        ];
        let [of_flows, of_records, of_listed] = &mut statements;
        let mut words = WordsIn::default();
        let mut cursors = [
            Cursor::begin(of_flows, key, |row, words| {
                flows::read(db, row, as_import, words).map(Item::Flow)
            })?,
            Cursor::begin(of_records, key, |row, words| {
                records::read(db, row, as_import, words).map(Item::Record)
            })?,
            Cursor::begin(of_listed, key, |row, _| read_listed(row))?,
        ];
        for cursor in &mut cursors {
            cursor.step(&mut words)?;
        }
        loop {
            let next = cursors.iter_mut().filter(|cursor| cursor.next.is_some());
            let next = next.min_by_key(|cursor| cursor.next.as_ref().map(|(id, _)| *id));
            let Some(cursor) = next else { return Ok(()) };
            let Some((_, item)) = cursor.next.take() else { return Ok(()) };
            cursor.step(&mut words)?;
            if !take(item) {
                return Ok(());
            }
        }
    }

    /// Calls `take` with each flow of an import, in the order they came, until it says `false`.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn each_flow(
        &self,
        key: ImportKey,
        as_import: ImportId,
        take: &mut dyn FnMut(Flow) -> bool,
    ) -> Result<(), StoreError> {
        self.check_items()?;
        let mut statement = self.db.prepare_cached(flows::SELECT)?;
        let mut rows = statement.query(span(key))?;
        let mut words = WordsIn::default();
        while let Some(row) = rows.next()? {
            if !take(flows::read(&self.db, row, as_import, &mut words)?) {
                break;
            }
        }
        Ok(())
    }

    /// Calls `take` with each record of an import, in the order they came, until it says `false`.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn each_record(
        &self,
        key: ImportKey,
        as_import: ImportId,
        take: &mut dyn FnMut(Record) -> bool,
    ) -> Result<(), StoreError> {
        self.check_items()?;
        let mut statement = self.db.prepare_cached(records::SELECT)?;
        let mut rows = statement.query(span(key))?;
        let mut words = WordsIn::default();
        while let Some(row) = rows.next()? {
            if !take(records::read(&self.db, row, as_import, &mut words)?) {
                break;
            }
        }
        Ok(())
    }
}

pub(super) fn not_begun() -> StoreError {
    StoreError::new(super::Trouble::System, "this import was not begun, or is finished")
}

fn insert(db: &Connection, writing: &mut Writing, item: &Item) -> Result<(), StoreError> {
    let id = writing.next;
    match item {
        Item::Flow(flow) => {
            flows::insert(db, id, flow, &mut writing.words)?;
            writing.counts.flows += 1;
        }
        Item::Record(record) => {
            records::insert(db, id, record, &mut writing.words)?;
            writing.counts.records += 1;
        }
        Item::Listed(listed, line) => {
            insert_listed(db, id, listed, *line)?;
            writing.counts.listed += 1;
        }
    }
    writing.next += 1;
    Ok(())
}

const LISTED: &str =
    "SELECT id, first, last, prefix_len, line FROM listed WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

fn insert_listed(db: &Connection, id: i64, listed: &Listed, line: u64) -> Result<(), StoreError> {
    let (first, last, len) = match listed {
        Listed::Prefix(prefix) => (prefix.first(), prefix.last(), Some(prefix.len())),
        Listed::Range(range) => (range.first(), range.last(), None),
    };
    db.prepare_cached("INSERT INTO listed VALUES (?1, ?2, ?3, ?4, ?5)")?.execute((
        id,
        addr_cell(first),
        addr_cell(last),
        len,
        cell(line),
    ))?;
    Ok(())
}

fn read_listed(row: &Row<'_>) -> Result<Item, StoreError> {
    let at = |column| edge(row.get_ref(column)?.as_blob().map_err(StoreError::damaged)?);
    let (first, last) = (at(1)?, at(2)?);
    let listed = match row.get::<_, Option<u8>>(3)? {
        Some(len) => Prefix::new(first, len)
            .filter(|prefix| prefix.first() == first && prefix.last() == last)
            .map(Listed::Prefix),
        None => AddrRange::new(first, last).map(Listed::Range),
    };
    let listed = listed.ok_or_else(|| StoreError::damaged("a prefix with the wrong ends"))?;
    Ok(Item::Listed(listed, number_at(row, 4)?))
}

type Reader<'a> = Box<dyn Fn(&Row<'_>, &mut WordsIn) -> Result<Item, StoreError> + 'a>;

/// The rows of one table, the next one read already.
struct Cursor<'a> {
    rows: Rows<'a>,
    read: Reader<'a>,
    next: Option<(i64, Item)>,
}

impl<'a> Cursor<'a> {
    fn begin(
        statement: &'a mut Statement<'_>,
        key: ImportKey,
        read: impl Fn(&Row<'_>, &mut WordsIn) -> Result<Item, StoreError> + 'a,
    ) -> Result<Self, StoreError> {
        Ok(Self { rows: statement.query(span(key))?, read: Box::new(read), next: None })
    }

    fn step(&mut self, words: &mut WordsIn) -> Result<(), StoreError> {
        self.next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, (self.read)(row, words)?)),
            None => None,
        };
        Ok(())
    }
}
