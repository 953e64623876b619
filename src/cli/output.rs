//! Files that a command writes: aside first, then under their final name, never half.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::NamedTempFile;

use super::Failure;

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// Refuse.
    Keep,
    /// `--force`.
    Replace,
}

impl Existing {
    /// From `--force`.
    pub(super) const fn of(args: ForceArgs) -> Self {
        if args.force { Self::Replace } else { Self::Keep }
    }
}

/// `--force` was given.
pub(super) struct Forced;

impl ForceArgs {
    /// Whether it was given.
    pub(super) fn is_given(self) -> Option<Forced> {
        self.force.then_some(Forced)
    }
}

/// The option that every command has that writes a file.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct ForceArgs {
    /// Replaces an existing file
    #[arg(long)]
    force: bool,
}

/// A file being written. Unless it is kept, nothing appears under its name.
pub(super) struct Output {
    aside: NamedTempFile,
    path: PathBuf,
    existing: Existing,
}

/// Begins a file at `path`.
///
/// # Errors
/// When it exists and is to be kept, or its folder cannot be written.
pub(super) fn create(path: &Path, existing: Existing) -> Result<Output, Failure> {
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        let shown = path.display();
        return Err(Failure::Nothing(format!("{shown} exists; --force replaces it")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // What is kept is an ordinary file, as readable as the umask lets it be.
    let aside = tempfile::Builder::new()
        .prefix(".infralock-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")));
    let aside = aside
        .map_err(|error| Failure::Nothing(format!("cannot write {}: {error}", path.display())))?;
    Ok(Output { aside, path: path.to_owned(), existing })
}

impl Output {
    /// Gives the file its name.
    ///
    /// # Errors
    /// When the disk is full, or a file of that name has appeared meanwhile.
    pub(super) fn keep(mut self) -> Result<(), Failure> {
        let failed = |path: &Path, error: &io::Error| {
            Failure::Nothing(format!("could not write {}: {error}", path.display()))
        };
        self.aside.flush().map_err(|error| failed(&self.path, &error))?;
        self.aside.as_file().sync_all().map_err(|error| failed(&self.path, &error))?;
        let kept = match self.existing {
            Existing::Replace => self.aside.persist(&self.path),
            Existing::Keep => self.aside.persist_noclobber(&self.path),
        };
        kept.map(drop).map_err(|error| failed(&self.path, &error.error))
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

/// A CSV writer fails only where its output does.
pub(super) fn csv_failure(error: csv::Error) -> Failure {
    Failure::Output(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_half_written_appears_and_nothing_is_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.html");
        let mut dropped = create(&path, Existing::Keep).unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        create(&path, Existing::Keep).unwrap().keep().unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain), "as readable as any other file");
        assert!(path.exists() && create(&path, Existing::Keep).is_err());
        let mut replaced = create(&path, Existing::Replace).unwrap();
        replaced.write_all(b"new").unwrap();
        replaced.keep().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 3);
    }
}
