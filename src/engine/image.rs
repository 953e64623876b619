//! The image of all reference data in the user's cache folder: opened where it is, built where it is
//! not.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::paths::os_sentence;
use crate::intel::{Intel, Progress};
use crate::trie::{Built, Image};

/// The environment variable that names the cache folder; it wins over the system's own.
const CACHE_VARIABLE: &str = "INFRALOCK_CACHE";

/// What an image's file ends with.
const SUFFIX: &str = ".image";

/// Images of other data or programs are kept for so long after they were last written.
const OLD_SECS: u64 = 14 * 24 * 3_600;

/// Where images lie; `None`: the system names no place.
pub(super) fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = variable(CACHE_VARIABLE).map(PathBuf::from);
    let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(absolute);
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
    own.or_else(|| xdg.or_else(home).map(|cache| cache.join("infralock")))
}

/// The image's file in the cache folder.
pub(super) fn image_path(folder: &Path, intel: &Intel) -> PathBuf {
    let key: String = intel.key().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    folder.join(key + SUFFIX)
}

/// Gives the data their image: the one in the cache folder, or a new one that is kept there. Where
/// nothing can be kept it lies in memory, and the sentence says why.
///
/// # Errors
/// `progress` said stop.
pub(super) fn attach(intel: &Intel, progress: Progress<'_>) -> Result<Option<String>, String> {
    let Some(folder) = cache_folder() else {
        build(intel, progress)?;
        return Ok(Some("no folder for caches is known; set INFRALOCK_CACHE to one".to_owned()));
    };
    let path = image_path(&folder, intel);
    if open(intel, &path) {
        return Ok(None);
    }
    // One process builds, others wait for it and find its work.
    let lock = lock(&folder);
    if lock.is_ok() && open(intel, &path) {
        return Ok(None);
    }
    let built = intel.build_image(progress).map_err(|error| error.to_string())?;
    let kept = lock.and_then(|_lock| keep(&built, &folder, &path));
    match kept {
        // What could not be decoded is told at every start until it is mended.
        Ok(()) if intel.problems().is_empty() && open(intel, &path) => {
            remove_old(&folder, &path);
            Ok(None)
        }
        Ok(()) => take(intel, &built).map(|()| None),
        Err(error) => {
            take(intel, &built)?;
            let (folder, error) = (folder.display(), os_sentence(&error));
            Ok(Some(format!("the image of the data cannot be kept in {folder}: {error}")))
        }
    }
}

fn build(intel: &Intel, progress: Progress<'_>) -> Result<(), String> {
    take(intel, &intel.build_image(progress).map_err(|error| error.to_string())?)
}

fn take(intel: &Intel, built: &Built) -> Result<(), String> {
    let image = Image::from_built(built).map_err(|error| error.to_string())?;
    intel.use_image(image);
    Ok(())
}

/// A damaged or strange file is as good as none: it is built again.
fn open(intel: &Intel, path: &Path) -> bool {
    Image::open(path).is_ok_and(|image| intel.use_image(image))
}

fn lock(folder: &Path) -> std::io::Result<File> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(folder.join("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Written aside, synced and renamed: whoever has the old one open keeps it.
fn keep(built: &Built, folder: &Path, path: &Path) -> std::io::Result<()> {
    let file = tempfile::Builder::new().prefix(".image-").tempfile_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    built.write_to(&mut out)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Removes images of other data that nobody has written for a while.
fn remove_old(folder: &Path, kept: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_image = path.file_name().is_some_and(|name| {
            name.to_str().is_some_and(|name| name.ends_with(SUFFIX) || name.starts_with(".image-"))
        });
        let age = || path.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_image && path != kept && age().is_some_and(|age| age.as_secs() > OLD_SECS) {
            std::fs::remove_file(&path).ok();
        }
    }
}
