//! The image of all reference data in the user's cache folder: opened where it is, built where it
//! is not.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::data::open_sets;
use super::paths::{os_sentence, path_text};
use crate::intel::{Intel, Progress};
use crate::trie::{Built, Image, Records};

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

/// An image as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageView {
    /// Its file; `None`: it lies in memory.
    pub path: Option<String>,
    /// Bytes of all of it.
    pub bytes: u64,
    /// What tells two images apart, lower-case hex.
    pub id: String,
    /// The layers in the order of a record's values.
    pub layers: Vec<LayerView>,
    /// The sections in the order of the file.
    pub sections: Vec<SectionView>,
    /// IPv4, then IPv6.
    pub families: [FamilyView; 2],
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerView {
    /// The set it is made of, or what it says.
    pub name: String,
    /// The set's own date, where it has one.
    pub date: Option<String>,
    /// IPv4 ranges of one value.
    pub ranges_v4: u64,
    /// IPv6 ranges of one value.
    pub ranges_v6: u64,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionView {
    /// Its name.
    pub name: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
}

/// One family's table and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FamilyView {
    /// Bytes that a look-up walks through.
    pub table_bytes: u64,
    /// Distinct combinations of what the layers say.
    pub records: u64,
    /// Bits of one.
    pub record_bits: u32,
    /// Bytes of all.
    pub record_bytes: u64,
}

impl ImageView {
    /// The image of these data, and where it is kept.
    pub fn of(intel: &Intel) -> Self {
        let image = intel.image();
        let path = cache_folder().map(|folder| image_path(&folder, intel));
        let path = path.filter(|path| path.is_file());
        let layers = image.layers().iter().map(|layer| LayerView {
            name: layer.name.clone(),
            date: Some(layer.note.clone()).filter(|date| !date.is_empty()),
            ranges_v4: layer.runs[0],
            ranges_v6: layer.runs[1],
        });
        let sections = image.sections().map(|section| SectionView {
            name: section.name,
            offset: section.offset,
            bytes: section.len,
        });
        let family = |table: usize, records: &Records| FamilyView {
            table_bytes: table as u64,
            records: records.len() as u64,
            record_bits: records.bits(),
            record_bytes: records.bytes() as u64,
        };
        Self {
            path: path.map(|path| path_text(path.as_os_str()).to_string()),
            bytes: image.bytes() as u64,
            id: image.id().iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
            layers: layers.collect(),
            sections: sections.collect(),
            families: [
                family(image.v4().bytes(), image.v4_records()),
                family(image.v6().bytes(), image.v6_records()),
            ],
        }
    }
}

/// Builds the image anew, whether there is one or not; with a sentence where it cannot be kept.
///
/// # Errors
/// The sets cannot be opened, or `progress` said stop.
pub fn build_image(progress: Progress<'_>) -> Result<(ImageView, Option<String>), String> {
    let intel = open_sets()?;
    if let Some(folder) = cache_folder() {
        // What is open elsewhere lives on until it is closed.
        std::fs::remove_file(image_path(&folder, &intel)).ok();
    }
    let note = attach(&intel, progress)?;
    Ok((ImageView::of(&intel), note))
}

/// Says what happened, should another program cut the image while it is mapped, before the system
/// ends this one.
pub fn explain_bus_errors() {
    crate::trie::explain_bus_errors(
        "infralock: another program cut a file that was open here, most likely the image of the \
         data in the cache folder; start again, it is built anew\n",
    );
}
