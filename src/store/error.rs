//! What went wrong with a case, in a sentence a person can act on.

use std::fmt;
use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

/// Why a case could not be opened, read or written.
#[derive(Debug)]
pub struct StoreError {
    /// What sort of trouble it is, for those who act on it.
    pub kind: Trouble,
    what: String,
}

/// Sorts of trouble that are treated differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such file.
    Missing,
    /// There is such a file already.
    Exists,
    /// It is no case, or not a regular file.
    NotACase,
    /// A newer program wrote it.
    Newer,
    /// It is a case with tables that are not ours.
    Foreign,
    /// Its bytes are damaged.
    Damaged,
    /// Another window or program has it open: it can be opened read-only.
    InUse,
    /// It may not be changed: it can be opened read-only.
    ReadOnly,
    /// No room on the disk.
    DiskFull,
    /// Anything else the system said.
    System,
}

impl StoreError {
    /// An error of this kind, "what is wrong; what would be right".
    pub(super) fn new(kind: Trouble, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    /// The case holds something that this program never writes.
    pub(super) fn damaged(what: impl fmt::Display) -> Self {
        let what = format!("it is damaged: {what}; `infralock case verify` says more");
        Self::new(Trouble::Damaged, what)
    }

    /// Names the file.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        let path = path.display().to_string();
        let shown = crate::model::Visible(&path).to_string();
        match self.what.starts_with(&shown) {
            true => self,
            false => Self { what: format!("{shown}: {}", self.what), ..self },
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for StoreError {}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        let (kind, what) = match error.kind() {
            io::ErrorKind::NotFound => (Trouble::Missing, "there is no such file or folder".into()),
            io::ErrorKind::AlreadyExists => (Trouble::Exists, "there is such a file".into()),
            io::ErrorKind::PermissionDenied => {
                (Trouble::ReadOnly, "you are not allowed to write there".into())
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                (Trouble::ReadOnly, "the file system is read-only".into())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (Trouble::DiskFull, DISK_FULL.into())
            }
            _ => (Trouble::System, error.to_string()),
        };
        Self { kind, what }
    }
}

const DISK_FULL: &str = "the disk is full; what was finished before is kept: make room, then go on";

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            // A column that holds what its type does not allow, and the like.
            return Self::damaged(error);
        };
        match code {
            ErrorCode::DatabaseCorrupt | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
                Self::damaged(error)
            }
            ErrorCode::NotADatabase => {
                let what =
                    "it is no InfraLock case; give a file that `--case` or \"Save as\" wrote";
                Self::new(Trouble::NotACase, what)
            }
            ErrorCode::DiskFull => Self::new(Trouble::DiskFull, DISK_FULL),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                Self::new(Trouble::ReadOnly, "it may not be changed; it can be read")
            }
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => Self::new(
                Trouble::InUse,
                "another program has it open; close it there, or open it here read-only",
            ),
            ErrorCode::CannotOpen => {
                Self::new(Trouble::System, "it cannot be opened; is its folder there?")
            }
            ErrorCode::ConstraintViolation => Self::damaged(error),
            _ => Self::new(Trouble::System, format!("the case file gave an error: {error}")),
        }
    }
}
