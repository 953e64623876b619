//! The tables of a case, in ordered steps: step *n* makes version *n* out of version *n* − 1.
//!
//! A case says in `user_version` which steps it has seen. A step that was published never changes;
//! the next change is a further step. `SCHEMA.md` describes the outcome, and a test compares them.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::StoreError;
use super::error::Trouble;

/// `ILck`: SQLite's `application_id` of a case, at byte 68 of the file.
pub const APPLICATION_ID: i32 = 0x494c_636b;

/// The steps from an empty file to today's tables.
pub(super) const STEPS: &[&str] = &[READ_AND_SAID, DERIVED, OWN_SOURCES];

/// The version that this program writes.
pub fn version() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Version 1: what was read, and what a person said.
const READ_AND_SAID: &str = "
CREATE TABLE about (
  key TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE realm (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  merged_into INTEGER REFERENCES realm
) STRICT;

CREATE TABLE import (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('running', 'partial', 'finished')),
  realm INTEGER REFERENCES realm,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  format TEXT,
  sha256 BLOB,
  bytes INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  records INTEGER NOT NULL,
  flows INTEGER NOT NULL,
  listed INTEGER NOT NULL,
  left_out INTEGER NOT NULL,
  first_seen INTEGER,
  last_seen INTEGER,
  assumed TEXT NOT NULL,
  problems TEXT NOT NULL,
  added INTEGER NOT NULL
) STRICT;

CREATE TABLE word (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE flow (
  id INTEGER PRIMARY KEY,
  uid BLOB NOT NULL,
  first_seen INTEGER NOT NULL,
  duration INTEGER,
  orig BLOB NOT NULL,
  orig_port INTEGER NOT NULL,
  resp BLOB NOT NULL,
  resp_port INTEGER NOT NULL,
  proto INTEGER NOT NULL,
  service INTEGER,
  orig_bytes INTEGER,
  resp_bytes INTEGER,
  conn_state TEXT NOT NULL,
  missed_bytes INTEGER NOT NULL,
  history INTEGER,
  orig_pkts INTEGER NOT NULL,
  orig_ip_bytes INTEGER NOT NULL,
  resp_pkts INTEGER NOT NULL,
  resp_ip_bytes INTEGER NOT NULL,
  tunnel_parents BLOB,
  vlan INTEGER,
  inner_vlan INTEGER,
  apps INTEGER,
  ja3 INTEGER,
  ja3s INTEGER,
  ja4 INTEGER,
  hassh INTEGER,
  hassh_server INTEGER,
  sni INTEGER,
  alpn INTEGER,
  server_name INTEGER,
  user_agent INTEGER,
  os_guess INTEGER
) STRICT;

CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  ts INTEGER,
  kind TEXT NOT NULL,
  service INTEGER,
  outcome TEXT,
  src BLOB,
  src_port INTEGER,
  dst BLOB,
  dst_port INTEGER,
  src_name INTEGER,
  dst_name INTEGER,
  user INTEGER,
  method INTEGER,
  host INTEGER,
  path INTEGER,
  query INTEGER,
  status INTEGER,
  user_agent INTEGER,
  bytes INTEGER,
  line INTEGER,
  uid BLOB,
  times INTEGER NOT NULL,
  details TEXT
) STRICT;

CREATE TABLE listed (
  id INTEGER PRIMARY KEY,
  first BLOB NOT NULL,
  last BLOB NOT NULL,
  prefix_len INTEGER,
  line INTEGER NOT NULL
) STRICT;

CREATE TABLE note (
  subject TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
  subject TEXT NOT NULL,
  tag TEXT NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (subject, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdict (
  subject TEXT NOT NULL PRIMARY KEY,
  verdict TEXT NOT NULL,
  reason TEXT,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bookmark (
  subject TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_filter (
  name TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  deed TEXT NOT NULL,
  inverse TEXT NOT NULL,
  undone INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  what TEXT NOT NULL
) STRICT;

CREATE TABLE forgotten (
  hash BLOB NOT NULL PRIMARY KEY,
  time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE copy (
  path TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  made INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Version 2: what the program made of it, kept so that a case opens at once, and where addresses
/// were said to be over time.
const DERIVED: &str = "
CREATE TABLE host (
  id INTEGER PRIMARY KEY,
  addr BLOB NOT NULL,
  realm INTEGER REFERENCES realm,
  mine INTEGER NOT NULL,
  exact REAL NOT NULL,
  score REAL NOT NULL,
  word TEXT NOT NULL,
  malice REAL NOT NULL,
  anonymity REAL NOT NULL,
  evidence_amount REAL NOT NULL,
  asn INTEGER,
  as_name TEXT,
  prefix TEXT,
  kinds TEXT NOT NULL,
  lists TEXT NOT NULL,
  names TEXT NOT NULL,
  first_seen INTEGER,
  last_seen INTEGER,
  flows INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  roles TEXT NOT NULL
) STRICT;

CREATE TABLE evidence (
  host INTEGER NOT NULL,
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  evidence_group TEXT,
  contribution REAL NOT NULL,
  x REAL NOT NULL,
  llr REAL,
  weight REAL,
  decay REAL,
  counted INTEGER NOT NULL,
  count INTEGER,
  first_seen INTEGER,
  last_seen INTEGER,
  what TEXT,
  refs TEXT NOT NULL,
  PRIMARY KEY (host, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE detection (
  id INTEGER PRIMARY KEY,
  detector TEXT NOT NULL,
  subject BLOB NOT NULL,
  realm INTEGER REFERENCES realm,
  severity INTEGER NOT NULL,
  confidence REAL NOT NULL,
  first_seen INTEGER,
  last_seen INTEGER,
  row TEXT NOT NULL
) STRICT;

CREATE TABLE ip_locations (
  host INTEGER PRIMARY KEY,
  addr BLOB NOT NULL,
  realm INTEGER REFERENCES realm,
  lat REAL,
  lon REAL,
  radius_km REAL,
  confidence REAL,
  city TEXT,
  region TEXT,
  country_code TEXT,
  granularity TEXT,
  note TEXT,
  candidates TEXT NOT NULL
) STRICT;

CREATE TABLE geolocation_events (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  addr BLOB NOT NULL,
  realm INTEGER REFERENCES realm,
  lat REAL,
  lon REAL,
  radius_km REAL,
  confidence REAL,
  city TEXT,
  country_code TEXT,
  profile TEXT NOT NULL,
  data_date INTEGER,
  inputs TEXT NOT NULL
) STRICT;

CREATE INDEX geolocation_events_addr ON geolocation_events (addr, time);
";

/// Version 3: the analyst's own sources, by which the case is judged.
const OWN_SOURCES: &str = "
CREATE TABLE own_source (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('profile', 'list', 'geofeed', 'as_table')),
  name TEXT NOT NULL,
  meaning TEXT,
  path TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  packed BLOB,
  added INTEGER NOT NULL
) STRICT;
";

/// What `sqlite_schema` says of each thing: (type, name) → its SQL.
type Things = BTreeMap<(String, String), Option<String>>;

/// Things a schema may have before it is called foreign without reading on; ours has under 40.
const THINGS_MAX: usize = 200;

fn things(db: &Connection) -> Result<Things, StoreError> {
    let mut statement = db.prepare("SELECT type, name, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    let mut things = Things::new();
    while let Some(row) = rows.next()? {
        things.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        if things.len() > THINGS_MAX {
            break;
        }
    }
    Ok(things)
}

/// Refuses a schema that is not, to the letter, what this program writes at that version: no
/// stranger's trigger, view, index or check can lie in wait.
pub(super) fn compare(db: &Connection, version: u32) -> Result<(), StoreError> {
    let ours = Connection::open_in_memory()?;
    for step in STEPS.iter().take(version as usize) {
        ours.execute_batch(step)?;
    }
    let (ours, theirs) = (things(&ours)?, things(db)?);
    let odd = theirs.iter().find(|(name, sql)| ours.get(*name) != Some(*sql));
    let missing = ours.keys().find(|name| !theirs.contains_key(*name));
    let what = match (odd, missing) {
        (None, None) => return Ok(()),
        (Some(((kind, name), _)), _) => {
            let name = crate::model::Untrusted::new(name);
            format!("it has a {kind} that no InfraLock wrote: {name}")
        }
        (None, Some((kind, name))) => format!("its {kind} {name} is missing"),
    };
    let what = format!("{what}; take a copy that was not changed by another program");
    Err(StoreError::new(Trouble::Foreign, what))
}

/// Runs the steps that a case of `version` has not seen, all or none.
pub(super) fn upgrade(db: &mut Connection, from: u32) -> Result<(), StoreError> {
    let transaction = db.transaction()?;
    for step in STEPS.iter().skip(from as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version())?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table and column of the schema stands in SCHEMA.md, and the other way round.
    #[test]
    fn the_documentation_is_the_schema() {
        let db = Connection::open_in_memory().unwrap();
        STEPS.iter().for_each(|step| db.execute_batch(step).unwrap());
        let mut real: Vec<String> = Vec::new();
        for ((kind, name), _) in things(&db).unwrap() {
            if kind == "table" && name != "sqlite_sequence" {
                let mut statement =
                    db.prepare("SELECT name, type FROM pragma_table_info(?1)").unwrap();
                let columns = statement
                    .query_map([&name], |row| {
                        let (column, kind): (String, String) = (row.get(0)?, row.get(1)?);
                        Ok(format!("{name}.{column} {kind}"))
                    })
                    .unwrap();
                real.extend(columns.map(Result::unwrap));
            }
        }
        let mut said: Vec<String> = Vec::new();
        let mut table = "";
        for line in include_str!("SCHEMA.md").lines() {
            if let Some(name) = line.strip_prefix("## ") {
                table = name.trim_matches('`');
            } else if let Some((column, rest)) =
                line.strip_prefix("| `").and_then(|line| line.split_once("` | "))
            {
                let kind = rest.split(" |").next().unwrap();
                said.push(format!("{table}.{column} {kind}"));
            }
        }
        real.sort();
        said.sort();
        assert_eq!(said, real);
        assert!(include_str!("SCHEMA.md").contains(&format!("version {}", version())));
    }

    #[test]
    fn a_foreign_trigger_or_view_is_refused() {
        for sql in [
            "CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM note; END",
            "CREATE VIEW v AS SELECT 1",
            "CREATE INDEX i ON note (text)",
            "DROP TABLE tag",
            "ALTER TABLE note ADD COLUMN x TEXT",
        ] {
            let db = Connection::open_in_memory().unwrap();
            STEPS.iter().for_each(|step| db.execute_batch(step).unwrap());
            compare(&db, version()).unwrap();
            db.execute_batch(sql).unwrap();
            assert_eq!(compare(&db, version()).unwrap_err().kind, Trouble::Foreign, "{sql}");
        }
    }
}
