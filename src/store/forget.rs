//! "Forget this address": out of every table, every text, the file's free pages and known copies.
//!
//! Rows that are about the address go; texts that name it keep the rest; what was derived is thrown
//! away and made again. Undo of what named it goes with it; the audit log keeps a hash, with a key
//! that lies in the case: it keeps the address from being read or searched for, not from somebody
//! who tries all. A later import leaves the address out, and counts what it left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hashbrown::HashSet;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::cells::{PLACE_BITS, addr_cell, uid};
use super::error::Trouble;
use super::scrub::{FORGOTTEN, Scrubber, cut};
use super::sources::{StoredSource, forget_lines, without_lines};
use super::{Deeds, Item, Store, StoreError};
use crate::import::Listed;
use crate::model::{Addr, Flow, Record, Timestamp, Uid, Untrusted, query};

/// Rows read before they are rewritten: a table is never in memory as a whole.
const ROWS_AT_ONCE: i64 = 4_096;

/// What was forgotten, and where it may be left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Flows that went.
    pub flows: u64,
    /// Records that went.
    pub records: u64,
    /// Entries of address lists that went.
    pub listed: u64,
    /// Notes, tags, verdicts and bookmarks about it that went.
    pub said: u64,
    /// Texts that named it and keep the rest.
    pub texts: u64,
    /// Backups of this file that went.
    pub backups: Vec<PathBuf>,
    /// Cases that were not saved yet, in which it was forgotten too.
    pub recovered: Vec<PathBuf>,
    /// What the program cannot reach, in sentences.
    pub cannot_reach: Vec<String>,
}

/// Addresses that were forgotten, as keyed hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct ForgottenList {
    key: [u8; 32],
    hashes: HashSet<[u8; 16]>,
}

impl ForgottenList {
    pub(super) fn read(db: &Connection) -> Result<Self, StoreError> {
        let key = forget_key(db)?;
        let mut statement = db.prepare_cached("SELECT hash FROM forgotten")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(Self { key, hashes: rows.collect::<Result<_, _>>()? })
    }

    fn has(&self, addr: Addr) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&hash(&self.key, addr))
    }

    /// The item without what is forgotten; `None`: it is about a forgotten address.
    pub(super) fn admit(&self, mut item: Item) -> Option<Item> {
        if self.hashes.is_empty() {
            return Some(item);
        }
        match &mut item {
            Item::Flow(flow) => self.admit_flow(flow),
            Item::Record(record) => self.admit_record(record),
            Item::Listed(listed, _) => {
                let (first, last) = match listed {
                    Listed::Prefix(prefix) => (prefix.first(), prefix.last()),
                    Listed::Range(range) => (range.first(), range.last()),
                };
                !self.has(first) && !self.has(last)
            }
        }
        .then_some(item)
    }

    /// A text without the lines that name a forgotten address; `None`: none does.
    pub(super) fn lines_left(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self.hashes.is_empty() {
            true => None,
            false => without_lines(text, &|line| self.scrubbed(line).is_some()),
        }
    }

    fn admit_flow(&self, flow: &mut Flow) -> bool {
        let spoken = &mut *flow.spoken;
        let texts =
            [&mut spoken.sni, &mut spoken.alpn, &mut spoken.server_name, &mut spoken.user_agent];
        texts.into_iter().flatten().for_each(|text| self.scrub(text));
        !self.has(flow.originator.addr) && !self.has(flow.responder.addr)
    }

    fn admit_record(&self, record: &mut Record) -> bool {
        let texts = [
            &mut record.service,
            &mut record.src_name,
            &mut record.dst_name,
            &mut record.user,
            &mut record.method,
            &mut record.host,
            &mut record.path,
            &mut record.query,
            &mut record.user_agent,
        ];
        texts.into_iter().flatten().for_each(|text| self.scrub(text));
        self.scrub_pairs(&mut record.details);
        ![record.src, record.dst].into_iter().flatten().any(|addr| self.has(addr))
    }

    fn scrub(&self, text: &mut Untrusted) {
        if let Some(scrubbed) = self.scrubbed(text.raw()) {
            *text = Untrusted::new(&scrubbed);
        }
    }

    fn scrub_value(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                if let Some(scrubbed) = self.scrubbed(text) {
                    *text = scrubbed;
                }
            }
            serde_json::Value::Array(values) => {
                values.iter_mut().for_each(|value| self.scrub_value(value));
            }
            serde_json::Value::Object(pairs) => self.scrub_pairs(pairs),
            _ => {}
        }
    }

    fn scrub_pairs(&self, pairs: &mut serde_json::Map<String, serde_json::Value>) {
        pairs.values_mut().for_each(|value| self.scrub_value(value));
        let named: Vec<(String, String)> =
            pairs.keys().filter_map(|key| Some((key.clone(), self.scrubbed(key)?))).collect();
        for (key, left) in named {
            if let Some(value) = pairs.remove(&key) {
                pairs.insert(left, value);
            }
        }
    }

    fn scrubbed(&self, text: &str) -> Option<String> {
        if reversed(text).is_some_and(|addr| self.has(addr)) {
            return Some(FORGOTTEN.to_owned());
        }
        let found = query::find_all(text.as_bytes());
        let found = found.filter(|found| found.query.addr().is_some_and(|addr| self.has(addr)));
        let places: Vec<_> = found.map(|found| found.at).collect();
        (!places.is_empty()).then(|| cut(text, places, FORGOTTEN).into_owned())
    }
}

/// The address of a name of RFC 1035 §3.5 or RFC 3596 §2.5: `9.113.0.203.in-addr.arpa`.
fn reversed(name: &str) -> Option<Addr> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let text: Vec<&str> = labels.rsplit('.').collect();
        return text.join(".").parse().ok();
    }
    let labels = name.strip_suffix(".ip6.arpa")?;
    let digits: String = labels.rsplit('.').collect();
    let bits = (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()?;
    Addr::from_bits(crate::model::Family::V6, bits)
}

fn forget_key(db: &Connection) -> Result<[u8; 32], StoreError> {
    let key =
        db.query_row("SELECT value FROM about WHERE key = 'forget_key'", [], |row| row.get(0));
    key.optional()?.ok_or_else(|| StoreError::damaged("the key of forgotten addresses is missing"))
}

fn hash(key: &[u8; 32], addr: Addr) -> [u8; 16] {
    let hash = blake3::keyed_hash(key, &addr.to_v6_octets());
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

impl Store {
    /// Forgets an address: in this file, in its backups, in cases not saved yet that are copies of
    /// it. It cannot be undone. Says what it did and what it cannot reach.
    ///
    /// # Errors
    /// When the case cannot be written, or others have it open: then its rows may be gone while the
    /// file's free pages still hold them, and it has to be asked again.
    pub fn forget(&mut self, addr: Addr, now: Timestamp) -> Result<Forgotten, StoreError> {
        let mut done = self.forget_here(addr, now)?;
        for backup in self.backups()? {
            fs::remove_file(&backup)?;
            done.backups.push(backup);
        }
        for (path, kind) in self.copies()? {
            let is_unsaved =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("unsaved-"));
            if kind == "saved from" && is_unsaved && path.exists() {
                match Self::open(&path).and_then(|opened| {
                    let mut copy = opened.store;
                    copy.forget_here(addr, now)?;
                    copy.close()
                }) {
                    Ok(()) => done.recovered.push(path),
                    Err(error) => done.cannot_reach.push(error.to_string()),
                }
            } else if path.exists() {
                done.cannot_reach.push(format!("{}: a copy of this case", path.display()));
            }
        }
        Ok(done)
    }

    fn forget_here(&mut self, addr: Addr, now: Timestamp) -> Result<Forgotten, StoreError> {
        if !self.writing.is_empty() {
            let what = "an import is running; let it end first";
            return Err(StoreError::new(Trouble::InUse, what));
        }
        let scrubber = Scrubber::new(addr)?;
        let own = self.own_sources()?;
        let paths = self.imports()?.into_iter().map(|import| import.row.path);
        let paths = paths.chain(own.iter().map(|source| source.path.clone()));
        let sources: BTreeSet<Untrusted> = paths.collect();
        self.db.pragma_update(None, "secure_delete", true)?;
        let mut done = self.durably(|db| {
            let mut forgetting =
                Forgetting { db, addr, scrubber: &scrubber, done: Forgotten::default() };
            forgetting.run(&own, now)?;
            Ok(forgetting.done)
        })?;
        self.sweep()?;
        for source in sources {
            done.cannot_reach.push(format!("{source}: a file that was read"));
        }
        done.cannot_reach
            .push("exports, reports and screenshots that were made of this case".to_owned());
        done.cannot_reach.push("backups and snapshots of the disk it lies on".to_owned());
        Ok(done)
    }

    /// Writes every page anew, so that nothing that was deleted is left in the file or its journal.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        self.checkpoint()?;
        self.db.execute_batch("VACUUM")?;
        self.checkpoint()
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: i64 = self.db.query_row(sql, [], |row| row.get(0))?;
        match busy {
            0 => Ok(()),
            _ => {
                let what = "the rows are gone, but another program reads the case, and its file \
                            still holds them; close it there, and do this again";
                Err(StoreError::new(Trouble::InUse, what))
            }
        }
    }

    /// Copies that upgrades made beside the case.
    fn backups(&self) -> Result<Vec<PathBuf>, StoreError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let mut backups = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let of = entry.file_name().to_string_lossy().into_owned();
            let rest = of.strip_prefix(&name).and_then(|rest| rest.strip_prefix(".v"));
            if rest.is_some_and(|rest| rest.contains("-backup")) {
                backups.push(entry.path());
            }
        }
        backups.sort();
        Ok(backups)
    }

    /// Other files that hold this case, with what they are.
    fn copies(&self) -> Result<Vec<(PathBuf, String)>, StoreError> {
        let mut statement = self.db.prepare_cached("SELECT path, kind FROM copy ORDER BY path")?;
        let rows = statement
            .query_map([], |row| Ok((PathBuf::from(row.get::<_, String>(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many addresses were forgotten.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn forgotten_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM forgotten";
        Ok(self.db.query_row(sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }
}

/// What a column of texts holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Json,
}

/// One address on its way out.
struct Forgetting<'a> {
    db: &'a Connection,
    addr: Addr,
    scrubber: &'a Scrubber,
    done: Forgotten,
}

impl Forgetting<'_> {
    fn run(&mut self, own: &[StoredSource], now: Timestamp) -> Result<(), StoreError> {
        let bytes = addr_cell(self.addr);
        // What was made of it all is made again.
        for table in ["host", "evidence", "detection", "ip_locations"] {
            self.db.execute(&format!("DELETE FROM {table}"), [])?;
        }
        self.db.execute("DELETE FROM about WHERE key = 'derived'", [])?;
        self.db.execute("DELETE FROM geolocation_events WHERE addr = ?1", [bytes])?;
        let (uids, lines) = self.rows()?;
        self.tunnels(&uids)?;
        let words = self.texts("word", "text", Kind::Text)?;
        let details = self.texts("record", "details", Kind::Json)?;
        let scrubber = self.scrubber;
        let sources = forget_lines(self.db, own, &|line| scrubber.is_in(line))?;
        self.done.texts = words + details + sources;
        self.import_texts()?;
        self.said(&uids, &lines)?;
        let key = forget_key(self.db)?;
        let hash = hash(&key, self.addr);
        self.audit(&hash)?;
        self.db.execute(
            "INSERT OR REPLACE INTO forgotten (hash, time) VALUES (?1, ?2)",
            (hash, now.nanos()),
        )?;
        super::log::note(self.db, "forget an address", now)
    }

    /// Takes out flows, records and entries; gives what subjects of notes may name.
    fn rows(&mut self) -> Result<(BTreeSet<Uid>, BTreeSet<String>), StoreError> {
        let bytes = addr_cell(self.addr);
        let mut left_out: BTreeMap<i64, u64> = BTreeMap::new();
        let mut uids = BTreeSet::new();
        let mut lines = BTreeSet::new();
        for (table, columns, at) in [
            ("flow", "uid", ["orig", "resp"]),
            ("record", "line", ["src", "dst"]),
            ("listed", "line", ["first", "last"]),
        ] {
            let [one, other] = at;
            let sql = format!(
                "DELETE FROM {table} WHERE {one} = ?1 OR {other} = ?1 RETURNING id, {columns}"
            );
            let mut statement = self.db.prepare(&sql)?;
            let mut rows = statement.query([bytes])?;
            while let Some(row) = rows.next()? {
                let import = row.get::<_, i64>(0)? >> PLACE_BITS;
                *left_out.entry(import).or_default() += 1;
                match table {
                    "flow" => {
                        uids.insert(uid(row
                            .get_ref(1)?
                            .as_blob()
                            .map_err(StoreError::damaged)?)?);
                        self.done.flows += 1;
                    }
                    "record" => {
                        if let Some(line) = row.get::<_, Option<i64>>(1)? {
                            lines.insert(format!("record:{import}#{}", line.cast_unsigned()));
                        }
                        self.done.records += 1;
                    }
                    _ => self.done.listed += 1,
                }
            }
        }
        for (import, count) in left_out {
            let sql = "UPDATE import SET left_out = left_out + ?2 WHERE id = ?1";
            self.db.execute(sql, (import, super::cells::cell(count)))?;
        }
        Ok((uids, lines))
    }

    /// Flows that came out of a forgotten one no longer say out of which.
    fn tunnels(&self, uids: &BTreeSet<Uid>) -> Result<(), StoreError> {
        if uids.is_empty() {
            return Ok(());
        }
        let sql = "SELECT id, tunnel_parents FROM flow WHERE tunnel_parents IS NOT NULL";
        let mut statement = self.db.prepare(sql)?;
        let mut changed: Vec<(i64, Option<Vec<u8>>)> = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().map_err(StoreError::damaged)?;
            let mut left = Vec::new();
            for parent in bytes.chunks(12) {
                if !uids.contains(&uid(parent)?) {
                    left.extend_from_slice(parent);
                }
            }
            if left.len() != bytes.len() {
                changed.push((row.get(0)?, (!left.is_empty()).then_some(left)));
            }
        }
        drop(rows);
        for (id, left) in changed {
            self.db.execute("UPDATE flow SET tunnel_parents = ?2 WHERE id = ?1", (id, left))?;
        }
        Ok(())
    }

    /// Rewrites a column of texts, or of JSON documents; says how many.
    fn texts(&self, table: &str, column: &str, kind: Kind) -> Result<u64, StoreError> {
        let select = format!(
            "SELECT id, {column} FROM {table} WHERE id > ?1 AND {column} IS NOT NULL \
             ORDER BY id LIMIT ?2"
        );
        let update = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1");
        let (mut after, mut count) = (i64::MIN, 0);
        loop {
            let mut changed: Vec<(i64, String)> = Vec::new();
            let mut read = 0;
            {
                let mut statement = self.db.prepare_cached(&select)?;
                let mut rows = statement.query((after, ROWS_AT_ONCE))?;
                while let Some(row) = rows.next()? {
                    let text = row.get_ref(1)?.as_str().map_err(StoreError::damaged)?;
                    after = row.get(0)?;
                    read += 1;
                    if let Some(scrubbed) = self.scrubbed(text, kind)? {
                        changed.push((after, scrubbed));
                    }
                }
            }
            for (id, text) in changed {
                self.db.prepare_cached(&update)?.execute((id, text))?;
                count += 1;
            }
            if read < ROWS_AT_ONCE {
                return Ok(count);
            }
        }
    }

    fn scrubbed(&self, text: &str, kind: Kind) -> Result<Option<String>, StoreError> {
        if kind == Kind::Json {
            return self.scrubber.json(text);
        }
        Ok(self.scrubber.is_in(text).then(|| self.scrubber.without(text, FORGOTTEN).into_owned()))
    }

    fn import_texts(&mut self) -> Result<(), StoreError> {
        for (table, column, kind) in [
            ("import", "name", Kind::Text),
            ("import", "path", Kind::Text),
            ("import", "assumed", Kind::Json),
            ("import", "problems", Kind::Json),
        ] {
            self.done.texts += self.texts(table, column, kind)?;
        }
        // Realms' names are unique: what is left of one gets its number.
        let mut renamed = Vec::new();
        for realm in super::imports::read_realms(self.db)? {
            if self.scrubber.is_in(realm.name.raw()) {
                let left = self.scrubber.without(realm.name.raw(), FORGOTTEN);
                renamed.push((realm.id.0, format!("{left} #{}", realm.id.0)));
            }
        }
        for (id, name) in renamed {
            self.db.execute("UPDATE realm SET name = ?2 WHERE id = ?1", (id, name))?;
            self.done.texts += 1;
        }
        Ok(())
    }

    /// What a person said: about it, gone; naming it, without it.
    fn said(&mut self, uids: &BTreeSet<Uid>, lines: &BTreeSet<String>) -> Result<(), StoreError> {
        let flows: BTreeSet<String> = uids.iter().map(|uid| format!("flow:{uid}")).collect();
        let scrubber = self.scrubber;
        let is_about = |subject: &str| {
            flows.contains(subject) || lines.contains(subject) || scrubber.is_in(subject)
        };
        for (table, key, value) in [
            ("note", "subject", "text"),
            ("tag", "subject", "tag"),
            ("verdict", "subject", "reason"),
            ("bookmark", "subject", "name"),
            ("saved_filter", "name", "text"),
            ("setting", "key", "value"),
            ("copy", "path", "kind"),
            ("own_source", "name", "path"),
        ] {
            let rows = pairs(self.db, &format!("SELECT {key}, {value} FROM {table}"))?;
            for (subject, text) in rows {
                let text = text.unwrap_or_default();
                if is_about(&subject) && key == "subject" {
                    let sql = format!("DELETE FROM {table} WHERE {key} = ?1");
                    self.done.said += self.db.execute(&sql, [&subject])? as u64;
                } else if scrubber.is_in(&subject) || scrubber.is_in(&text) {
                    let left = scrubber.without(&text, FORGOTTEN);
                    let sql = format!(
                        "UPDATE OR REPLACE {table} SET {key} = ?3, {value} = ?4 \
                         WHERE {key} = ?1 AND coalesce({value}, '') = ?2"
                    );
                    let key = scrubber.without(&subject, FORGOTTEN);
                    self.db.execute(&sql, params![subject, text, key, left])?;
                    self.done.texts += 1;
                }
            }
        }
        self.journal(&is_about)
    }

    /// What named it cannot be undone any more; what was done together with it can.
    fn journal(&self, is_about: &dyn Fn(&str) -> bool) -> Result<(), StoreError> {
        let mut changed: Vec<(i64, Option<[String; 2]>)> = Vec::new();
        {
            let mut statement = self.db.prepare("SELECT id, deed, inverse FROM journal")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let texts: [String; 2] = [row.get(1)?, row.get(2)?];
                let [deeds, inverse] = [Deeds::from_text(&texts[0])?, Deeds::from_text(&texts[1])?]
                    .map(|deeds| deeds.without(is_about));
                let left = [deeds.to_text()?, inverse.to_text()?];
                let is_named = left.iter().any(|text| self.scrubber.is_in(text));
                let is_gone = deeds.is_empty() || is_named;
                if is_gone || left != texts {
                    changed.push((row.get(0)?, (!is_gone).then_some(left)));
                }
            }
        }
        for (id, left) in changed {
            match left {
                None => self.db.execute("DELETE FROM journal WHERE id = ?1", [id])?,
                Some([deed, inverse]) => {
                    let sql = "UPDATE journal SET deed = ?2, inverse = ?3 WHERE id = ?1";
                    self.db.execute(sql, (id, deed, inverse))?
                }
            };
        }
        Ok(())
    }

    fn audit(&mut self, hash: &[u8; 16]) -> Result<(), StoreError> {
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut changed: Vec<(i64, String)> = Vec::new();
        {
            let mut statement = self.db.prepare("SELECT id, what FROM audit")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let what: String = row.get(1)?;
                if self.scrubber.is_in(&what) {
                    let left = self.scrubber.without(&what, &format!("forgotten:{hash}"));
                    changed.push((row.get(0)?, left.into_owned()));
                }
            }
        }
        for (id, what) in changed {
            self.db.execute("UPDATE audit SET what = ?2 WHERE id = ?1", (id, what))?;
            self.done.texts += 1;
        }
        Ok(())
    }
}

fn pairs(db: &Connection, sql: &str) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
