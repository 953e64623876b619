//! What stays from one run to the next: looks, sizes, own networks, places of views and columns.
//!
//! One TOML file in the user's configuration folder, mode 0600 (it holds names of files and own
//! networks), written aside and renamed. A file that cannot be understood is kept as `.broken`
//! beside it, and everything is as at first. Tests give a path of their own, or none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::actions::{Look, Sides};
use super::layout::Layout;
use super::times::Clock;
use super::units::{Lengths, Sizes};
use super::widgets::table::Arranged;
use crate::bounded;
use crate::model::Prefix;

/// Bytes of the file: what a person sets is a few thousand.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Files and folders that the start page offers again.
pub const RECENT_MAX: usize = 12;

/// Filters that are kept.
pub const FILTERS_MAX: usize = 100;

/// Days for which something can be kept: a day to a hundred years.
pub const KEPT_DAYS: std::ops::RangeInclusive<u32> = 1..=36_525;

/// How large everything can be made, in percent.
pub const ZOOM_PERCENT: std::ops::RangeInclusive<u16> = 75..=250;

/// How much room a row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Density {
    /// 18 points.
    Compact,
    /// 22 points.
    #[default]
    Normal,
    /// 26 points.
    Comfortable,
}

impl Density {
    /// All of them, and their words.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Compact, "compact"), (Self::Normal, "normal"), (Self::Comfortable, "comfortable")];

    /// Points of a row.
    pub const fn row(self) -> f32 {
        match self {
            Self::Compact => 18.0,
            Self::Normal => 22.0,
            Self::Comfortable => 26.0,
        }
    }
}

/// What a person has set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The theme.
    pub look: Look,
    /// Size of everything, in percent.
    pub zoom_percent: u16,
    /// Room of a row.
    pub density: Density,
    /// In which zone times are shown.
    pub clock: Clock,
    /// In what lengths are shown.
    pub lengths: Lengths,
    /// In what sizes are shown.
    pub sizes: Sizes,
    /// Days for which cases keep the history of places; `None`: for ever.
    pub places_days: Option<u32>,
    /// Days after which unsaved cases are offered for deletion; `None`: never.
    pub unsaved_days: Option<u32>,
    /// The analyst's own networks; empty: what is private.
    pub own_networks: Vec<String>,
    /// Filters used before, the newest last.
    pub filters: Vec<String>,
    /// What was opened, the newest first.
    pub recent: Vec<PathBuf>,
    /// Which sides are shown.
    pub sides: Sides,
    /// Where the views are; `None`: as at first.
    pub views: Option<Layout>,
    /// The columns of each table that are not as at first.
    pub columns: BTreeMap<String, Vec<Arranged>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: Look::default(),
            zoom_percent: 100,
            density: Density::default(),
            clock: Clock::default(),
            lengths: Lengths::default(),
            sizes: Sizes::default(),
            places_days: None,
            unsaved_days: None,
            own_networks: Vec::new(),
            filters: Vec::new(),
            recent: Vec::new(),
            sides: Sides::default(),
            views: None,
            columns: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The own networks that can be read as prefixes.
    pub fn own(&self) -> Vec<Prefix> {
        self.own_networks.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Puts what was opened at the head of what is offered again.
    pub fn opened(&mut self, path: &Path) {
        // A relative path means something else in the next run.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|known| *known != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT_MAX);
    }

    /// Puts into bounds what a person may have written by hand.
    fn settled(mut self) -> Self {
        self.zoom_percent = self.zoom_percent.clamp(*ZOOM_PERCENT.start(), *ZOOM_PERCENT.end());
        // What is no number of days that can be chosen deletes nothing.
        self.places_days = self.places_days.filter(|days| KEPT_DAYS.contains(days));
        self.unsaved_days = self.unsaved_days.filter(|days| KEPT_DAYS.contains(days));
        self.recent.truncate(RECENT_MAX);
        let over = self.filters.len().saturating_sub(FILTERS_MAX);
        self.filters.drain(..over);
        self
    }
}

/// Where the settings lie: `$XDG_CONFIG_HOME/infralock/settings.toml`, as the XDG Base Directory
/// Specification has it; `None`: the system names no home.
pub fn path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("infralock/settings.toml"))
}

/// Reads the settings. The text, if any, says why they are as at first and where the others are.
///
/// # Errors
/// A sentence: there is a file, but it cannot be read.
pub fn load(path: &Path) -> Result<(Settings, Option<String>), String> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(format!("Settings cannot be read: {}: {error}", path.display())),
    };
    Ok(match toml::from_str::<Settings>(&text) {
        Ok(settings) => (settings.settled(), None),
        Err(error) => (Settings::default(), Some(put_aside(path, &error))),
    })
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = bounded::read_all(File::open(path)?, FILE_BYTES_MAX)?;
    // What is no text is no TOML either, and is told with its place.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn put_aside(path: &Path, error: &toml::de::Error) -> String {
    let mut broken = path.as_os_str().to_owned();
    broken.push(".broken");
    let broken = PathBuf::from(broken);
    let line = error.message().lines().next().unwrap_or_default();
    let kept = match std::fs::rename(path, &broken) {
        Ok(()) => format!("it is kept as {}", broken.display()),
        Err(error) => format!("it could not be put aside: {error}"),
    };
    format!("Settings are as at first: the file could not be understood ({line}); {kept}")
}

/// Writes the settings.
///
/// # Errors
/// A sentence: the folder or file cannot be written.
pub fn save(path: &Path, settings: &Settings) -> Result<(), String> {
    let fail = |why: &dyn std::fmt::Display| {
        format!("Settings cannot be written to {}: {why}", path.display())
    };
    let text = toml::to_string_pretty(settings).map_err(|error| fail(&error))?;
    write(path, &text).map_err(|error| fail(&error))
}

/// Beside its place first, so that no half file is ever there. A temporary file has mode 0600.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn settings_come_back_as_they_were_kept() {
        let folder = folder();
        let path = folder.path().join("new/settings.toml");
        let mut settings = Settings {
            look: Look::HighContrast,
            zoom_percent: 150,
            density: Density::Compact,
            clock: Clock::Local,
            lengths: Lengths::Miles,
            sizes: Sizes::Binary,
            places_days: Some(90),
            unsaved_days: Some(7),
            own_networks: vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()],
            filters: vec!["score >= 50 && name contains \"a\\b\"".to_owned()],
            ..Settings::default()
        };
        settings.sides.bottom = false;
        settings.opened(Path::new("/var/log/auth.log"));
        let column = Arranged { title: "Score".to_owned(), width: 70.5, shown: false };
        settings.columns.insert("Hosts".to_owned(), vec![column]);
        settings.views = Some(Layout::default());
        save(&path, &settings).unwrap();
        assert_eq!(load(&path), Ok((settings.clone(), None)));
        assert_eq!(settings.own().len(), 2);
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn no_file_is_as_at_first_and_nothing_to_tell() {
        let (settings, told) = load(&folder().path().join("none.toml")).unwrap();
        assert_eq!((settings, told), (Settings::default(), None));
    }

    #[test]
    fn a_broken_file_is_told_kept_and_replaced() {
        let folder = folder();
        let path = folder.path().join("settings.toml");
        for broken in ["look = \"pink\"", "zoom_percent = [", "\u{0}\u{1}", "recent = 3"] {
            std::fs::write(&path, broken).unwrap();
            let (settings, told) = load(&path).unwrap();
            assert_eq!(settings, Settings::default());
            assert!(told.unwrap().contains(".broken"));
            assert!(!path.exists());
            let kept = folder.path().join("settings.toml.broken");
            assert_eq!(read(&kept).unwrap(), broken);
            save(&path, &settings).unwrap();
            assert_eq!(load(&path).unwrap().1, None);
        }
    }

    #[test]
    fn what_is_missing_or_unknown_does_no_harm_and_bounds_hold() {
        let folder = folder();
        let path = folder.path().join("settings.toml");
        let text = "zoom_percent = 9000\nplaces_days = 0\nunsaved_days = 99999\n\
                    from_a_newer_version = true\n";
        std::fs::write(&path, text).unwrap();
        let (settings, told) = load(&path).unwrap();
        assert_eq!((settings.zoom_percent, told), (*ZOOM_PERCENT.end(), None));
        assert_eq!((settings.places_days, settings.unsaved_days), (None, None));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_a_sentence() {
        let folder = folder();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = save(&file.join("settings.toml"), &Settings::default()).unwrap_err();
        assert!(why.starts_with("Settings cannot be written to"), "{why}");
        let why = load(folder.path()).unwrap_err();
        assert!(why.starts_with("Settings cannot be read"), "{why}");
    }

    #[test]
    fn what_was_opened_stands_first_and_once() {
        let mut settings = Settings::default();
        for number in 0..=RECENT_MAX {
            settings.opened(Path::new(&format!("/tmp/{number}.pcap")));
        }
        settings.opened(Path::new("/tmp/5.pcap"));
        assert_eq!(settings.recent.len(), RECENT_MAX);
        assert_eq!(settings.recent[0], Path::new("/tmp/5.pcap"));
        let fives = settings.recent.iter().filter(|path| path.ends_with("5.pcap")).count();
        assert_eq!(fives, 1);
    }
}
