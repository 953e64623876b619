//! One writer at a time: a lock file beside the case, held as long as the case is open.
//!
//! SQLite's own locks keep two programs from writing at once; this one keeps two windows from
//! believing that each owns the case. The system lets go of it when its holder ends, however it
//! ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::error::Trouble;

/// Attempts to lock a file that others delete meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// The lock, held.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Locked until dropped.
    _file: File,
}

/// Where the lock of a case lies.
pub(super) fn lock_path(case: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(case.file_name().unwrap_or_default());
    name.push(".lock");
    case.with_file_name(name)
}

impl Lock {
    /// Takes the lock of a case.
    pub(super) fn take(case: &Path) -> Result<Self, StoreError> {
        let path = lock_path(case);
        for _ in 0..ATTEMPTS_MAX {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = options.open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let what = "it is open in another InfraLock; close it there, or open it \
                                read-only";
                    return Err(StoreError::new(Trouble::InUse, what));
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // The last holder may have deleted the name between our opening and locking.
            if is_same(&file, &path)? {
                return Ok(Self { path, _file: file });
            }
        }
        Err(StoreError::new(Trouble::InUse, "others open and close it all the time; try again"))
    }
}

fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(theirs) => Ok(ours.ino() == theirs.ino() && ours.dev() == theirs.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Under the lock, so that nobody else holds a lock on this name.
        fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let case = folder.path().join("a.infralock");
        let held = Lock::take(&case).unwrap();
        assert_eq!(Lock::take(&case).unwrap_err().kind, Trouble::InUse);
        drop(held);
        assert!(!lock_path(&case).exists());
        Lock::take(&case).unwrap();
    }
}
