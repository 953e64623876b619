//! Files that are written: aside first, then under their final name, never half.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::paths::{os_sentence, path_text};
pub use crate::store::Existing;

/// Why a file was not written.
#[derive(Debug)]
pub enum NotWritten {
    /// It exists, and is to be kept.
    Exists(PathBuf),
    /// The system said no.
    Failed(PathBuf, io::Error),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{} exists", path_text(path.as_os_str())),
            Self::Failed(path, error) => {
                write!(f, "cannot write {}: {}", path_text(path.as_os_str()), os_sentence(error))
            }
        }
    }
}

/// A file being written. Unless it is kept, nothing appears under its name.
#[derive(Debug)]
pub struct Output {
    aside: NamedTempFile,
    path: PathBuf,
    existing: Existing,
}

impl Output {
    /// Begins a file at `path`.
    ///
    /// # Errors
    /// When it exists and is to be kept, or its folder cannot be written.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, NotWritten> {
        if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
            return Err(NotWritten::Exists(path.to_owned()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // What is kept is an ordinary file, as readable as the umask lets it be.
        let aside = tempfile::Builder::new()
            .prefix(".infralock-")
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")));
        let aside = aside.map_err(|error| NotWritten::Failed(path.to_owned(), error))?;
        Ok(Self { aside, path: path.to_owned(), existing })
    }

    /// Gives the file its name, and the name back.
    ///
    /// # Errors
    /// When the disk is full, or a file of that name has appeared meanwhile.
    pub fn keep(mut self) -> Result<PathBuf, NotWritten> {
        let whole = self.aside.flush().and_then(|()| self.aside.as_file().sync_all());
        let kept = whole.and_then(|()| match self.existing {
            Existing::Replace => self.aside.persist(&self.path).map_err(|error| error.error),
            Existing::Keep => self.aside.persist_noclobber(&self.path).map_err(|error| error.error),
        });
        match kept {
            Ok(_) => Ok(self.path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(NotWritten::Exists(self.path))
            }
            Err(error) => Err(NotWritten::Failed(self.path, error)),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.aside.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.aside.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_half_written_appears_and_nothing_is_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.html");
        let mut dropped = Output::create(&path, Existing::Keep).unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let late = Output::create(&path, Existing::Keep).unwrap();
        Output::create(&path, Existing::Keep).unwrap().keep().unwrap();
        assert!(matches!(late.keep(), Err(NotWritten::Exists(_))), "it came first");
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain), "as readable as any other file");
        let again = Output::create(&path, Existing::Keep);
        assert!(matches!(again, Err(NotWritten::Exists(there)) if there == path));
        let mut replaced = Output::create(&path, Existing::Replace).unwrap();
        replaced.write_all(b"new").unwrap();
        replaced.keep().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 3);
    }
}
