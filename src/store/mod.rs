//! The case file: what was read and what a person said, in one SQLite file.
//!
//! **A case holds** what was read (imports with their flows, records and listed prefixes, in the
//! order they came) and what a person said (notes, tags, verdicts, bookmarks, saved filters,
//! settings). Hosts, detections, evidence and places are what the program makes of that: they come
//! out of the same pipeline again when the stored flows and records pass through it, and are kept
//! beside only so that a case opens at once (`derived`). So nothing that is stored can contradict
//! what it was made from.
//!
//! A [`Store`] is one open case, used by one thread. Writing needs the lock beside the file;
//! reading does not ([`Store::open_read_only`]). An import goes [`Store::begin_import`],
//! [`Store::add`] for each batch (one transaction), [`Store::finish_import`]; killed at any moment,
//! the case opens with every finished batch. What a person does is a [`Deed`], on disk before it is
//! confirmed.
//!
//! Cases come from strangers too: nothing of a file is trusted before its schema is ours to the
//! letter, no table is read and nothing written before its pages were checked, and every value read
//! back is checked again.
//!
//! `SCHEMA.md` describes the tables for those who ask them with other tools. Deliberately absent:
//! the packets themselves (a capture is found again by its hash), and whatever decides anything.

mod cells;
mod copy;
mod deeds;
mod derived;
mod error;
mod flows;
mod forget;
mod history;
mod imports;
mod info;
mod items;
mod lock;
mod log;
mod open;
mod records;
mod schema;
mod scrub;
mod secret;
mod sources;
mod together;
mod words;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use copy::Existing;
pub use deeds::{Deed, Done, PersonsData, Put, Said, Subject, Verdict};
pub use derived::{
    DerivedDetection, DerivedEvidence, DerivedFrom, DerivedHost, DerivedPlace, Deriving,
    LocationEvent,
};
pub use error::{StoreError, Trouble};
pub use forget::Forgotten;
pub use imports::{ImportKey, ImportState, StoredImport, StoredRealm};
pub use info::{CaseInfo, Verified};
pub use items::{Item, ItemCounts};
pub use log::Audited;
pub use open::{Opened, Upgraded};
pub use schema::{APPLICATION_ID, version as schema_version};
pub use secret::random_key;
pub use sources::{NewSource, SourceKind, StoredSource};
pub use together::{Deeds, TOGETHER_MAX};

use imports::Writing;

/// An open case.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
    /// Imports that are being written.
    writing: BTreeMap<ImportKey, Writing>,
    /// How much of the file's pages was checked.
    checked: Cell<open::Checked>,
    // Dropped after the database is closed.
    access: open::Access,
}

impl Store {
    /// Where the case lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it may only be read.
    pub const fn is_read_only(&self) -> bool {
        matches!(self.access, open::Access::ReadOnly(_))
    }
}
