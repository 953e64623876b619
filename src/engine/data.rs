//! The reference data: compiled in, or from the folder that `INFRALOCK_DATA` names.

use std::borrow::Cow;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::image;
use crate::bounded;
use crate::intel::{Intel, Progress, Sets};

/// The environment variable that names a folder of packed sets; it wins over those compiled in.
const DATA_VARIABLE: &str = "INFRALOCK_DATA";

/// Bytes of one packed set. The largest shipped one has 14 MB.
const SET_BYTES_MAX: usize = 512 << 20;

/// Packed sets in a folder.
struct FolderSets(PathBuf);

impl Sets for FolderSets {
    fn open(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        let file = match File::open(self.0.join(file)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let bytes = bounded::read_all(file, SET_BYTES_MAX).map_err(|error| error.to_string())?;
        Ok(Some(Cow::Owned(bytes)))
    }
}

/// Opens the data with their image, which is built where there is none yet.
///
/// # Errors
/// A sentence: a packed set is damaged, or there is none.
pub fn open_intel() -> Result<Intel, String> {
    open_intel_with(&|_| true)
}

/// As [`open_intel`]; `progress` hears how much of an image is built, if one must be, and stops it
/// by returning `false`.
///
/// # Errors
/// As [`open_intel`], or it was stopped.
pub fn open_intel_with(progress: Progress<'_>) -> Result<Intel, String> {
    let intel = open_sets()?;
    image::attach(&intel, progress)?;
    Ok(intel)
}

/// Opens the packed sets alone.
///
/// # Errors
/// As [`open_intel`].
pub(super) fn open_sets() -> Result<Intel, String> {
    match std::env::var_os(DATA_VARIABLE).map(PathBuf::from) {
        Some(folder) => open_folder(&folder),
        None => open_bundled(),
    }
}

/// Where the data are from, for people: `compiled in`, or the folder.
pub fn data_origin() -> String {
    match std::env::var_os(DATA_VARIABLE).map(PathBuf::from) {
        Some(folder) => format!("from {}", folder.display()),
        None => "compiled in".to_owned(),
    }
}

fn open_folder(folder: &Path) -> Result<Intel, String> {
    let intel = Intel::from_sets(&FolderSets(folder.to_owned()))
        .map_err(|error| format!("{DATA_VARIABLE}={}: {error}", folder.display()))?;
    if intel.sources().is_empty() {
        return Err(format!("{DATA_VARIABLE}={} holds no packed data set", folder.display()));
    }
    Ok(intel)
}

#[cfg(feature = "bundled-data")]
fn open_bundled() -> Result<Intel, String> {
    Intel::from_sets(&crate::intel::BundledSets).map_err(|error| error.to_string())
}

/// Without data the program still reads, detects and scores; it places nobody.
#[cfg(not(feature = "bundled-data"))]
fn open_bundled() -> Result<Intel, String> {
    Ok(Intel::default())
}
