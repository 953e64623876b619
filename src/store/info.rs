//! What a case holds, and whether it is whole.

use serde::Serialize;

use super::open::check_pages;
use super::{ImportState, Store, StoreError};
use crate::model::{ImportId, Timestamp, Untrusted};

/// Sentences of one check; then only their number.
const WRONG_MAX: usize = 100;

/// What a case holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CaseInfo {
    /// Where it lies.
    pub path: Untrusted,
    /// Bytes of the file.
    pub bytes: u64,
    /// The version of its tables.
    pub version: u32,
    /// Its name for itself, hex: copies have the same.
    pub case_id: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The program that made it.
    pub created_by: Option<String>,
    /// Files read.
    pub imports: u64,
    /// Of these, stopped or cut off.
    pub partial_imports: u64,
    /// Realms.
    pub realms: u64,
    /// Flows.
    pub flows: u64,
    /// Records.
    pub records: u64,
    /// Prefixes and ranges of lists.
    pub listed: u64,
    /// Notes.
    pub notes: u64,
    /// Tags.
    pub tags: u64,
    /// Verdicts.
    pub verdicts: u64,
    /// Bookmarks.
    pub bookmarks: u64,
    /// Saved filters.
    pub saved_filters: u64,
    /// Deeds that can be undone or redone.
    pub journal: u64,
    /// Own lists, places, owners and profiles by which it is judged.
    pub own_sources: u64,
    /// Commands in the audit log.
    pub audit: u64,
    /// Addresses that were forgotten.
    pub forgotten: u64,
    /// Sayings of where addresses are.
    pub location_events: u64,
    /// The oldest time in it.
    pub first_seen: Option<Timestamp>,
    /// The newest time in it.
    pub last_seen: Option<Timestamp>,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Flows, records and list entries that were read.
    pub items: u64,
    /// Commands in the log.
    pub commands: u64,
    /// What is wrong, in sentences; empty: nothing.
    pub wrong: Vec<String>,
}

impl Store {
    /// What the case holds.
    ///
    /// # Errors
    /// When the case is damaged.
    pub fn info(&self) -> Result<CaseInfo, StoreError> {
        let count = |table: &str| -> Result<u64, StoreError> {
            let sql = format!("SELECT count(*) FROM {table}");
            Ok(self.db.query_row(&sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned())
        };
        let imports = self.imports()?;
        let partial = imports.iter().filter(|import| import.state != ImportState::Finished);
        let (mut info, mut statement) =
            (CaseInfo::default(), self.db.prepare("SELECT key, value FROM about")?);
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match row.get_ref(0)?.as_str().map_err(StoreError::damaged)? {
                "case_id" => {
                    let id = row.get_ref(1)?.as_blob().map_err(StoreError::damaged)?;
                    info.case_id = Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
                }
                "created" => info.created = Some(Timestamp::from_nanos(row.get(1)?)),
                "created_by" => info.created_by = Some(row.get(1)?),
                _ => {}
            }
        }
        Ok(CaseInfo {
            path: Untrusted::new(&self.path.to_string_lossy()),
            bytes: std::fs::metadata(&self.path)?.len(),
            version: super::schema_version(),
            imports: imports.len() as u64,
            partial_imports: partial.count() as u64,
            realms: count("realm")?,
            flows: count("flow")?,
            records: count("record")?,
            listed: count("listed")?,
            notes: count("note")?,
            tags: count("tag")?,
            verdicts: count("verdict")?,
            bookmarks: count("bookmark")?,
            saved_filters: count("saved_filter")?,
            journal: count("journal")?,
            own_sources: count("own_source")?,
            audit: count("audit")?,
            forgotten: count("forgotten")?,
            location_events: count("geolocation_events")?,
            first_seen: imports.iter().filter_map(|import| import.row.first_seen).min(),
            last_seen: imports.iter().filter_map(|import| import.row.last_seen).max(),
            ..info
        })
    }

    /// Checks everything: pages, indexes, references between tables, and that each row can be read
    /// back as what it says it is.
    ///
    /// # Errors
    /// None as yet: that a check cannot run is among what is wrong.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let wrong = |what: String, verified: &mut Verified| {
            if verified.wrong.len() < WRONG_MAX {
                verified.wrong.push(what);
            }
        };
        if let Err(error) = check_pages(&self.db) {
            wrong(error.to_string(), &mut verified);
        }
        match self.first_column("PRAGMA integrity_check(100)") {
            Ok(said) => {
                for said in said.iter().filter(|said| *said != "ok") {
                    wrong(Untrusted::new(said).to_string(), &mut verified);
                }
            }
            Err(error) => wrong(error.to_string(), &mut verified),
        }
        match self.first_column("PRAGMA foreign_key_check") {
            Ok(tables) => {
                for table in tables {
                    wrong(format!("{table} names something that is not there"), &mut verified);
                }
            }
            Err(error) => wrong(error.to_string(), &mut verified),
        }
        let imports = match self.imports() {
            Ok(imports) => imports,
            Err(error) => {
                wrong(error.to_string(), &mut verified);
                Vec::new()
            }
        };
        for (number, import) in (0_u32..).zip(imports) {
            let mut items = 0;
            let read = self.each_item(import.key, ImportId(number), &mut |_| {
                items += 1;
                true
            });
            verified.items += items;
            let name = import.row.import;
            if let Err(error) = read {
                wrong(format!("{name}: after {items} rows: {error}"), &mut verified);
            }
        }
        match self.persons_data().and_then(|_| self.audit_log()) {
            Ok(log) => verified.commands = log.len() as u64,
            Err(error) => wrong(error.to_string(), &mut verified),
        }
        let own = self.own_sources().and_then(|own| {
            own.iter().try_for_each(|source| self.source_content(source).map(drop))
        });
        if let Err(error) = own {
            wrong(error.to_string(), &mut verified);
        }
        let mut hosts = 0_u64;
        if let Err(error) = self.each_derived_host(&mut |_, _, _| hosts += 1) {
            wrong(format!("derived hosts: {error}"), &mut verified);
        }
        Ok(verified)
    }

    fn first_column(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
