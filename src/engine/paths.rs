//! Arguments → files: folders are walked, each argument is a realm.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::model::limits::MEMBERS_MAX;
use crate::model::{RealmId, Untrusted};

/// Where an input's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// On standard input.
    Stdin,
    /// In the program: the example.
    Bundled(&'static [u8]),
}

/// One file to read, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where its bytes are.
    pub origin: Origin,
    /// The path as given, joined with the part below a folder.
    pub import: Untrusted,
    /// The realm of its addresses that are not public.
    pub realm: RealmId,
}

/// What the arguments came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Files in reading order: arguments in their order, folders sorted by name.
    pub files: Vec<Input>,
    /// Names of the realms.
    pub realms: Vec<Untrusted>,
    /// What was left out and why, with its path.
    pub skipped: Vec<(Untrusted, String)>,
}

impl Inputs {
    /// Whether some of it comes through a pipe, which gives its bytes once.
    pub fn are_read_once(&self) -> bool {
        self.files.iter().any(|file| match &file.origin {
            Origin::Stdin => true,
            Origin::Bundled(_) => false,
            Origin::File(path) => fs::metadata(path).is_ok_and(|found| !found.is_file()),
        })
    }
}

/// A path whose bytes need not be UTF-8, as text: what is not becomes `\xNN`.
pub fn path_text(path: &OsStr) -> Untrusted {
    let mut text = String::new();
    for chunk in path.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Untrusted::new(&text)
}

/// Finds the files behind the arguments. `-` is standard input.
///
/// A named pipe or device is read if it is an argument (`<(zcat …)`), never if it is met in a
/// folder; symbolic links in folders are not followed, so that no folder can lead out of itself.
///
/// # Errors
/// A sentence, when an argument does not exist or cannot be read.
pub fn expand(arguments: &[PathBuf], one_realm: Option<&str>) -> Result<Inputs, String> {
    let mut inputs = Inputs::default();
    let mut used = RealmNames::default();
    if let Some(name) = one_realm {
        inputs.realms.push(Untrusted::new(name));
    }
    for argument in arguments {
        if one_realm.is_none() {
            inputs.realms.push(used.unused(realm_name(argument)));
        }
        let realm = RealmId(u32::try_from(inputs.realms.len() - 1).unwrap_or(u32::MAX));
        if argument.as_os_str() == "-" {
            let import = Untrusted::new("-");
            inputs.files.push(Input { origin: Origin::Stdin, import, realm });
            continue;
        }
        let cannot = |error: &io::Error| {
            format!("cannot open {}: {}", path_text(argument.as_os_str()), os_sentence(error))
        };
        // Follows a link: the analyst named it.
        let metadata = fs::metadata(argument).map_err(|error| cannot(&error))?;
        if metadata.is_dir() {
            walk(argument, realm, &mut inputs).map_err(|error| cannot(&error))?;
        } else {
            inputs.files.push(input(argument, realm));
        }
    }
    Ok(inputs)
}

fn input(path: &Path, realm: RealmId) -> Input {
    let import = path_text(path.as_os_str());
    Input { origin: Origin::File(path.to_owned()), import, realm }
}

/// What the system said, without the "(os error 2)" that helps nobody.
pub fn os_sentence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "you are not allowed to read it".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}

/// The last component of the absolute path: the name people use for it.
fn realm_name(argument: &Path) -> Untrusted {
    if argument.as_os_str() == "-" {
        return Untrusted::new("stdin");
    }
    let absolute = std::path::absolute(argument).unwrap_or_else(|_| argument.to_owned());
    // A path that ends in `..` has no last component before it is resolved.
    let resolved = match absolute.file_name() {
        Some(_) => absolute,
        None => fs::canonicalize(&absolute).unwrap_or(absolute),
    };
    resolved.file_name().map_or_else(|| Untrusted::new("root"), path_text)
}

/// Names that were given, each with the next number to try for another of the name.
#[derive(Default)]
pub(super) struct RealmNames(BTreeMap<Untrusted, u32>);

impl RealmNames {
    /// `access.log`, then `access.log (2)`, in steps that do not grow with how many there are.
    pub(super) fn unused(&mut self, name: Untrusted) -> Untrusted {
        let Some(next) = self.0.get(&name).copied() else {
            self.0.insert(name.clone(), 2);
            return name;
        };
        let numbered = |number: u32| Untrusted::new(&format!("{} ({number})", name.raw()));
        let free = (next..).find(|&number| !self.0.contains_key(&numbered(number)));
        let number = free.unwrap_or(u32::MAX);
        self.0.insert(name.clone(), number.saturating_add(1));
        let chosen = numbered(number);
        self.0.insert(chosen.clone(), 2);
        chosen
    }
}

/// Adds the regular files below `folder`, depth first, sorted by name.
fn walk(folder: &Path, realm: RealmId, inputs: &mut Inputs) -> io::Result<()> {
    let first = inputs.files.len();
    // The folders still to read, deepest last; a stack, so that no depth can exhaust the real one.
    let mut waiting: Vec<Entry> = listed(folder)?;
    while let Some(entry) = waiting.pop() {
        if inputs.files.len() - first >= MEMBERS_MAX {
            let what = format!("only the first {MEMBERS_MAX} files of the folder are read");
            inputs.skipped.push((path_text(folder.as_os_str()), what));
            break;
        }
        match entry.file_type {
            Ok(kind) if kind.is_file() => inputs.files.push(input(&entry.path, realm)),
            Ok(kind) if kind.is_dir() => match listed(&entry.path) {
                Ok(below) => waiting.extend(below),
                Err(error) => skip(&entry.path, os_sentence(&error), inputs),
            },
            Ok(kind) => {
                skip(&entry.path, format!("{} in a folder is not read", word(kind)), inputs)
            }
            Err(error) => skip(&entry.path, os_sentence(&error), inputs),
        }
    }
    Ok(())
}

struct Entry {
    path: PathBuf,
    file_type: io::Result<FileType>,
}

/// The entries of a folder, last name first.
fn listed(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.push(Entry { path: entry.path(), file_type: entry.file_type() });
    }
    entries.sort_by(|a, b| b.path.cmp(&a.path));
    Ok(entries)
}

fn skip(path: &Path, what: String, inputs: &mut Inputs) {
    inputs.skipped.push((path_text(path.as_os_str()), what));
}

fn word(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("b")).unwrap();
        for name in ["c.log", "b/2.log", "b/1.log", "a.log"] {
            fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc", root.join("z-link")).unwrap();
        let inputs = expand(&[root.to_owned()], None).unwrap();
        let names: Vec<PathBuf> = inputs
            .files
            .iter()
            .map(|file| match &file.origin {
                Origin::File(path) => path.strip_prefix(root).unwrap().to_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["a.log", "b/1.log", "b/2.log", "c.log"].map(PathBuf::from));
        assert_eq!(inputs.skipped.len(), 1);
        assert_eq!(inputs.skipped[0].1, "a symbolic link in a folder is not read");
    }

    #[test]
    fn realms_are_named_after_the_argument() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("access.log"), "x").unwrap();
        }
        let paths = ["one/access.log", "two/access.log"].map(|name| folder.path().join(name));
        let names = |inputs: Inputs| -> Vec<String> {
            inputs.realms.iter().map(ToString::to_string).collect()
        };
        let mut arguments = paths.to_vec();
        arguments.push("-".into());
        assert_eq!(
            names(expand(&arguments, None).unwrap()),
            ["access.log", "access.log (2)", "stdin"]
        );
        assert_eq!(names(expand(&arguments, Some("site")).unwrap()), ["site"]);
        assert_eq!(realm_name(Path::new("/")).to_string(), "root");
    }

    #[test]
    fn no_two_realms_have_one_name() {
        let mut names = RealmNames::default();
        let given = ["a", "a (2)", "a", "a", "a (2)"];
        let unused = given.map(|name| names.unused(name.into()).to_string());
        assert_eq!(unused, ["a", "a (2)", "a (3)", "a (4)", "a (2) (2)"]);
        let mut many = RealmNames::default();
        let all: std::collections::BTreeSet<Untrusted> =
            (0..20_000).map(|_| many.unused("access.log".into())).collect();
        assert_eq!(all.len(), 20_000);
    }

    #[test]
    fn a_missing_argument_is_a_sentence() {
        let error = expand(&["no-such-file".into()], None).unwrap_err();
        assert_eq!(error, "cannot open no-such-file: there is no such file or folder");
    }

    #[test]
    fn names_that_are_no_text_are_shown() {
        assert_eq!(path_text(OsStr::from_bytes(b"a\xff.log")).raw(), "a\\xff.log");
    }
}
