//! Copies: "save as", and the file as it was before an upgrade.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::error::Trouble;
use super::{Store, StoreError};
use crate::model::Timestamp;

/// What to do about a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// Copies of one version and case that may lie side by side.
const BACKUPS_MAX: u32 = 1_000;

impl Store {
    /// Writes the case as it stands into another file and goes on with this one.
    ///
    /// It is written aside, packed, synced and then named: no half file ever has the name. Both
    /// cases remember the other, so that "forget" can say where an address may be left.
    ///
    /// # Errors
    /// When a file has the name and is to be kept, is open somewhere, or the disk is full.
    pub fn save_as(
        &mut self,
        path: &Path,
        existing: Existing,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let save = |store: &mut Self| {
            if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
                return Err(StoreError::new(Trouble::Exists, "there is such a file"));
            }
            let target = super::open::absolute(path)?;
            if target == store.path {
                return Err(StoreError::new(Trouble::Exists, "this is where the case lies"));
            }
            // A case that somebody has open is not replaced under them.
            let lock = super::lock::Lock::take(&target)?;
            let aside = vacuum_into(&store.db, &target)?;
            {
                let copied = super::open::connect(&aside, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                note_copy(&copied, &store.path, "saved from", now)?;
            }
            File::open(&aside)?.sync_all()?;
            let named = match existing {
                Existing::Replace => aside.persist(&target),
                Existing::Keep => aside.persist_noclobber(&target),
            };
            named.map_err(|error| StoreError::from(error.error))?;
            sync_folder(&target);
            drop(lock);
            if !store.is_read_only() {
                note_copy(&store.db, &target, "saved as", now)?;
            }
            Ok(())
        };
        save(self).map_err(|error| error.at(path))
    }
}

/// A packed copy in a file of its own beside `target`, which is deleted unless it is named.
fn vacuum_into(db: &Connection, target: &Path) -> Result<TempPath, StoreError> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    let aside = tempfile::Builder::new().prefix(".infralock-").tempfile_in(folder)?;
    let aside = aside.into_temp_path();
    // The name is absolute, so it is no URI.
    let name = aside
        .to_str()
        .ok_or_else(|| StoreError::new(Trouble::System, "its folder has a name that is no text"))?;
    db.execute("VACUUM INTO ?1", [name])?;
    Ok(aside)
}

/// The name survives a power cut too; where folders cannot be synced, the system does what it can.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).ok();
    }
}

/// Copies the file as it is, before it is changed for good.
pub(super) fn backup(db: &Connection, path: &Path, version: u32) -> Result<PathBuf, StoreError> {
    let aside = vacuum_into(db, path)?;
    File::open(&aside)?.sync_all()?;
    let mut aside = Some(aside);
    for number in 1..BACKUPS_MAX {
        let ending = match number {
            1 => format!(".v{version}-backup"),
            _ => format!(".v{version}-backup-{number}"),
        };
        let backup = super::open::with_ending(path, &ending);
        let Some(from) = aside.take() else { break };
        match from.persist_noclobber(&backup) {
            Ok(()) => {
                sync_folder(&backup);
                return Ok(backup);
            }
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                aside = Some(error.path);
            }
            Err(error) => return Err(error.error.into()),
        }
    }
    Err(StoreError::new(Trouble::Exists, "its folder is full of backups; delete some"))
}

/// Remembers a copy, so that "forget" can say where an address may be left.
fn note_copy(db: &Connection, path: &Path, kind: &str, now: Timestamp) -> Result<(), StoreError> {
    let path = path.to_string_lossy();
    db.execute(
        "INSERT OR REPLACE INTO copy (path, kind, made) VALUES (?1, ?2, ?3)",
        (path.as_ref(), kind, now.nanos()),
    )?;
    super::log::note(db, &format!("{kind} {path}"), now)
}
