//! A person's own feeds: kept in their data folder for all later runs, with a registry.
//!
//! [`review`] reads a feed and says what would be kept of it and what was not understood; nothing
//! is kept by that. [`Shelf::keep`] writes the bytes as they were given, packed, under their hash,
//! and then the registry, both aside and renamed: a crash between the two leaves an old registry
//! whose files are all there. [`Shelf::open`] reads every feed through the same parsers again, for
//! [`Context`](super::Context). What cannot be read is told with the feed's name, and the others
//! speak.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::geofeed_claims;
use super::hash::sha256_of_bytes;
use super::kept::is_list_name;
use super::paths::{os_sentence, path_text};
use crate::bounded;
use crate::intel::Intel;
use crate::intel::feed::{self, Asked, Example, Feed, FeedKind, Places, Terms};
use crate::model::{Claim, ListTerms, Position, Prefix, Problem, Problems, Timestamp, Visible};

/// The environment variable that names the folder of feeds; it wins over the data folder.
const FEEDS_VARIABLE: &str = "INFRALOCK_FEEDS";

/// Feeds that one person keeps. Each is read when the program starts.
pub(super) const FEEDS_MAX: usize = 200;

/// Bytes of one feed as it is given. The largest databases of places have 130 MB packed.
pub(super) const FEED_GIVEN_BYTES_MAX: usize = 512 << 20;

/// Bytes of the registry: 200 feeds with a table of fields each have less than 1 MB.
const REGISTRY_BYTES_MAX: usize = 16 << 20;

/// Bytes of a table of fields or of categories.
pub const FEED_TABLE_BYTES_MAX: usize = 64 << 10;

/// Rows of the registry are of this form.
const VERSION: u32 = 1;

const REGISTRY: &str = "feeds.json";

/// How hard feeds are packed: lists shrink to a third in some milliseconds for each MB.
const PACK_LEVEL: i32 = 3;

/// Times that a lock is tried for, 50 ms apart: another program writes in less.
const LOCK_TRIES: u32 = 100;

/// Half-lives that make sense: an hour to a century.
const HALF_LIFE_DAYS: std::ops::RangeInclusive<f64> = 1.0 / 24.0..=36_500.0;

/// One feed as the registry has it, and `data status --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedRow {
    /// What it is called; its memberships are `feed.NAME`.
    pub name: String,
    /// What its memberships mean: `hostile`, `tor`, `places` …
    pub kind: String,
    /// Feeds of one group count once.
    pub group: Option<String>,
    /// From when its words age.
    #[serde(with = "as_text")]
    pub date: Option<Timestamp>,
    /// Who says so: `feed`, `given`, `file`, `server`.
    pub dated_by: Option<String>,
    /// Days in which they lose half their weight; `None`: as the profile has it.
    pub half_life_days: Option<f64>,
    /// Under which terms it may be used, as the analyst noted.
    pub licence: Option<String>,
    /// The format that reads it.
    pub format: String,
    /// The path or URL it is from.
    pub source: String,
    /// SHA-256 of the bytes as they were given, lower-case hex.
    pub sha256: String,
    /// What that hash has to be, where the analyst said so.
    pub sha256_wanted: Option<String>,
    /// Bytes as given.
    pub bytes: u64,
    /// When it was added or updated last.
    #[serde(with = "as_text")]
    pub added: Option<Timestamp>,
    /// The server's name for this state of it (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// When the server says that it changed, in the server's words.
    pub last_modified: Option<String>,
    /// Entries of IPv4.
    pub entries_v4: u64,
    /// Entries of IPv6.
    pub entries_v6: u64,
    /// What was not understood, counted.
    pub not_understood: u64,
    /// The table of fields that reads it (TOML), where the analyst gave one.
    pub map: Option<String>,
    /// Names of its categories, where the analyst gave them.
    pub categories: Option<String>,
}

impl FeedRow {
    /// How it stands in `lists`, in evidence and in `image.feeds`.
    pub fn id(&self) -> String {
        format!("feed.{}", self.name)
    }

    /// Whether it can be fetched anew.
    pub fn is_fetched(&self) -> bool {
        self.source.starts_with("https://")
    }
}

#[derive(Serialize, Deserialize)]
struct Registry {
    version: u32,
    feeds: Vec<FeedRow>,
}

/// Times as RFC 3339.
mod as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::Timestamp;

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

/// What an analyst says of a feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedOptions {
    /// What it is called; `None`: as its file.
    pub name: Option<String>,
    /// What it means; `None`: what the file or its name suggests.
    pub kind: Option<FeedKind>,
    /// The format's id; `None`: told by content.
    pub format: Option<String>,
    /// Its weight group.
    pub group: Option<String>,
    /// Its date, where it states none.
    pub date: Option<Timestamp>,
    /// Its half-life.
    pub half_life_days: Option<f64>,
    /// A note on its licence.
    pub licence: Option<String>,
    /// What its hash has to be.
    pub sha256: Option<String>,
    /// A table of fields.
    pub map: Option<String>,
    /// Names of categories.
    pub categories: Option<String>,
}

/// A feed's bytes and where they are from.
#[derive(Clone, Debug)]
pub struct FeedBytes {
    /// The path or URL.
    pub source: String,
    /// As they were given.
    pub bytes: Arc<[u8]>,
    /// When the file was written, or the server says that it changed.
    pub changed: Option<Timestamp>,
    /// The server's name for this state.
    pub etag: Option<String>,
    /// When it changed, in the server's words.
    pub last_modified: Option<String>,
}

impl FeedBytes {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence: it cannot be read, or is larger than `FEED_GIVEN_BYTES_MAX`.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path_text(path.as_os_str());
        let failed = |error: std::io::Error| {
            format!("cannot read {}: {}", Visible(shown.raw()), os_sentence(&error))
        };
        let file = File::open(path).map_err(failed)?;
        let changed = file.metadata().and_then(|found| found.modified()).ok();
        let changed = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let bytes = bounded::read_all(file, FEED_GIVEN_BYTES_MAX).map_err(failed)?;
        // A relative path would mean another file tomorrow.
        let source = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            source: path_text(source.as_os_str()).raw().to_owned(),
            bytes: bytes.into(),
            changed: changed
                .and_then(|since| Timestamp::from_secs_f64(since.as_secs_f64().floor())),
            etag: None,
            last_modified: None,
        })
    }

    fn is_fetched(&self) -> bool {
        self.source.starts_with("https://")
    }
}

/// What would be kept of a feed, before it is.
#[derive(Clone, Debug)]
pub struct Review {
    /// Its row.
    pub row: FeedRow,
    /// The first entries.
    pub examples: Vec<Example>,
    /// What was left out on purpose, or assumed.
    pub notes: Vec<String>,
    /// What was not understood.
    pub problems: Vec<Problem>,
    given: FeedBytes,
    feed: Arc<Feed>,
}

impl Review {
    /// Why it cannot be kept: it says nothing that is understood. `None`: it can.
    pub fn refusal(&self) -> Option<String> {
        self.feed.is_empty().then(|| {
            format!(
                "nothing in this feed was understood as {}; see what was wrong",
                self.row.format
            )
        })
    }

    /// All that it says.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }
}

/// Reads a feed and says what would be kept of it.
///
/// # Errors
/// A sentence: no format knows it, its hash is another, or an option does not fit it.
pub fn review(
    given: FeedBytes,
    options: &FeedOptions,
    intel: &Intel,
    now: Timestamp,
) -> Result<Review, String> {
    let name = options.name.clone().unwrap_or_else(|| feed::name_from(&given.source));
    if !is_list_name(&name) {
        return Err("a feed's name has letters, digits, - _ and .".to_owned());
    }
    if options.half_life_days.is_some_and(|days| !HALF_LIFE_DAYS.contains(&days)) {
        return Err("a half-life is an hour to a century, such as 30d".to_owned());
    }
    let sha256 = sha256_of_bytes(&given.bytes);
    let wanted = options.sha256.as_ref().map(|wanted| wanted.to_ascii_lowercase());
    if let Some(wanted) = wanted.as_ref().filter(|wanted| **wanted != sha256) {
        return Err(format!("its sha256 is {sha256}, not {wanted}: these are other bytes"));
    }
    let feed = feed::read(&given.bytes, &asked(&name, &given.source, options, &Gazetteer(intel)))?;
    let kind = options.kind.unwrap_or_else(|| feed.kind());
    if !feed.is_empty() && !feed.can_be(kind) {
        return Err(format!(
            "this feed is of the kind {}, not {}",
            feed.kind().word(),
            kind.word()
        ));
    }
    let stated = [
        (feed.date, "feed"),
        (options.date, "given"),
        (given.changed, if given.is_fetched() { "server" } else { "file" }),
    ];
    let dated = stated.into_iter().find_map(|(date, by)| date.map(|date| (date, by)));
    let counts = feed.counts();
    let row = FeedRow {
        name,
        kind: kind.word().to_owned(),
        group: options.group.clone(),
        date: dated.map(|(date, _)| date),
        dated_by: dated.map(|(_, by)| by.to_owned()),
        half_life_days: options.half_life_days,
        licence: options.licence.clone(),
        format: feed.format.to_owned(),
        source: given.source.clone(),
        sha256,
        sha256_wanted: wanted,
        bytes: given.bytes.len() as u64,
        added: Some(now),
        etag: given.etag.clone(),
        last_modified: given.last_modified.clone(),
        entries_v4: counts.v4,
        entries_v6: counts.v6,
        not_understood: feed.problems.total(),
        map: options.map.clone(),
        categories: options.categories.clone(),
    };
    let (examples, notes) = (feed.examples.clone(), feed.notes.clone());
    let problems = feed.problems.clone().into_rows();
    Ok(Review { row, examples, notes, problems, given, feed: Arc::new(feed) })
}

fn asked<'a>(
    name: &'a str,
    origin: &'a str,
    options: &'a FeedOptions,
    places: &'a dyn Places,
) -> Asked<'a> {
    let (format, map) = (options.format.as_deref(), options.map.as_deref());
    Asked { name, origin, format, map, categories: options.categories.as_deref(), places }
}

/// Reads places with the gazetteer at hand.
struct Gazetteer<'a>(&'a Intel);

impl Places for Gazetteer<'_> {
    fn geofeed(&self, name: &str, bytes: &[u8]) -> (Vec<(Prefix, Claim)>, Problems) {
        geofeed_claims(name, bytes, self.0)
    }
}

/// The folder of a person's feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// Feeds in this folder, which need not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where `INFRALOCK_FEEDS` says, else `$XDG_DATA_HOME/infralock/feeds` (XDG Base Directory
    /// Specification); `None`: the system names no home.
    pub fn of_this_person() -> Option<Self> {
        let folder = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        if let Some(named) = folder(FEEDS_VARIABLE) {
            return Some(Self(named));
        }
        let data = folder("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| Some(folder("HOME")?.join(".local/share")))?;
        Some(Self(data.join("infralock/feeds")))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// All feeds by their names.
    ///
    /// # Errors
    /// A sentence: the registry is there and cannot be read. It is never written over then.
    pub fn rows(&self) -> Result<Vec<FeedRow>, String> {
        let path = self.0.join(REGISTRY);
        let shown = Visible(path_text(path.as_os_str()).raw()).to_string();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("cannot read {shown}: {}", os_sentence(&error))),
        };
        let text = bounded::read_text(file, REGISTRY_BYTES_MAX)
            .map_err(|error| format!("cannot read {shown}: {}", os_sentence(&error)))?;
        let registry: Registry = serde_json::from_str(&text)
            .map_err(|error| format!("{shown} is damaged: {error}; move it aside to begin anew"))?;
        if registry.version != VERSION {
            return Err(format!("{shown} is of version {}: update InfraLock", registry.version));
        }
        let is_sound = |row: &&FeedRow| {
            is_list_name(&row.name) && is_sha256(&row.sha256) && FeedKind::parse(&row.kind).is_ok()
        };
        if let Some(row) = registry.feeds.iter().find(|row| !is_sound(row)) {
            let name = Visible(&row.name).to_string();
            return Err(format!("{shown} is damaged: the row of {name:?} is not one of ours"));
        }
        Ok(registry.feeds)
    }

    /// Keeps a feed for all later runs.
    ///
    /// # Errors
    /// A sentence: a feed of its name is there and is not to be replaced, nothing of it was
    /// understood, or the folder cannot be written.
    pub fn keep(&self, review: &Review, existing: super::Existing) -> Result<FeedRow, String> {
        if let Some(refusal) = review.refusal() {
            return Err(refusal);
        }
        let row = &review.row;
        self.change(|rows| {
            if existing == super::Existing::Keep && rows.iter().any(|known| known.name == row.name)
            {
                return Err(format!(
                    "a feed is called {} already; give another --name, or --force to replace it",
                    row.name
                ));
            }
            rows.retain(|known| known.name != row.name);
            if rows.len() >= FEEDS_MAX {
                return Err(format!("{FEEDS_MAX} feeds are kept, which is all there may be"));
            }
            let packed = zstd::bulk::compress(&review.given.bytes, PACK_LEVEL)
                .map_err(|error| format!("cannot pack the feed: {error}"))?;
            self.write(&content_name(&row.sha256), &packed)?;
            rows.push(row.clone());
            Ok(row.clone())
        })
    }

    /// Forgets a feed.
    ///
    /// # Errors
    /// A sentence: there is none of this name, or the folder cannot be written.
    pub fn remove(&self, name: &str) -> Result<FeedRow, String> {
        self.change(|rows| {
            let at = rows.iter().position(|row| row.name == name);
            let at = at.ok_or_else(|| no_feed(name, rows))?;
            Ok(rows.remove(at))
        })
    }

    /// Changes the rows of feeds that are there, such as when a server says that nothing is new.
    ///
    /// # Errors
    /// A sentence: the folder cannot be written.
    pub fn note(&self, noted: &FeedRow) -> Result<(), String> {
        self.change(|rows| {
            if let Some(row) = rows.iter_mut().find(|row| row.name == noted.name) {
                row.clone_from(noted);
            }
            Ok(())
        })
    }

    /// The bytes of a feed as they were given.
    ///
    /// # Errors
    /// A sentence: they are not there, or are others.
    pub fn content(&self, row: &FeedRow) -> Result<Vec<u8>, String> {
        let path = self.0.join(content_name(&row.sha256));
        let told =
            |what: String| format!("the feed {} cannot be read: {what}; add it again", row.name);
        let file = File::open(&path).map_err(|error| told(os_sentence(&error)))?;
        let packed = bounded::read_all(file, FEED_GIVEN_BYTES_MAX + (1 << 20))
            .map_err(|error| told(os_sentence(&error)))?;
        let size = usize::try_from(row.bytes).ok().filter(|&size| size <= FEED_GIVEN_BYTES_MAX);
        let size = size.ok_or_else(|| told("its size is impossible".to_owned()))?;
        let bytes =
            zstd::bulk::decompress(&packed, size).map_err(|error| told(error.to_string()))?;
        match sha256_of_bytes(&bytes) == row.sha256 {
            true => Ok(bytes),
            false => Err(told("its bytes have changed".to_owned())),
        }
    }

    /// Reads all feeds, each through its parser.
    pub fn open(&self, intel: &Intel) -> Feeds {
        let mut feeds = Feeds::default();
        let rows = match self.rows() {
            Ok(rows) => rows,
            Err(why) => {
                feeds.told(REGISTRY, why);
                return feeds;
            }
        };
        for row in rows {
            match self.open_one(&row, intel) {
                Ok(open) => feeds.open.push(Arc::new(open)),
                Err(why) => feeds.told(&row.id(), why),
            }
        }
        feeds
    }

    fn open_one(&self, row: &FeedRow, intel: &Intel) -> Result<OpenFeed, String> {
        let bytes = self.content(row)?;
        let options = FeedOptions {
            format: Some(row.format.clone()),
            map: row.map.clone(),
            categories: row.categories.clone(),
            ..FeedOptions::default()
        };
        let feed = feed::read(&bytes, &asked(&row.name, &row.source, &options, &Gazetteer(intel)))?;
        let list = ListTerms {
            feed: row.name.as_str().into(),
            half_life_days: row.half_life_days,
            group: row.group.as_deref().map(Arc::from),
        };
        let kind = FeedKind::parse(&row.kind)?;
        let terms = Terms { kind, date: row.date, list: Arc::new(list) };
        Ok(OpenFeed { row: row.clone(), feed, terms })
    }

    /// Does something to the rows under the lock, writes them, and sweeps what no row names.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<FeedRow>) -> Result<T, String>,
    ) -> Result<T, String> {
        let failed = |error: &std::io::Error| {
            let shown = Visible(path_text(self.0.as_os_str()).raw()).to_string();
            format!("cannot write {shown}: {}", os_sentence(error))
        };
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.0).map_err(|error| failed(&error))?;
        let _lock = lock(&self.0)?;
        let mut rows = self.rows()?;
        let done = change(&mut rows)?;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let registry = Registry { version: VERSION, feeds: rows };
        let text = serde_json::to_vec_pretty(&registry).map_err(|error| error.to_string())?;
        self.write(REGISTRY, &text)?;
        self.sweep(&registry.feeds);
        Ok(done)
    }

    /// Writes a file aside, readable by its owner alone, and gives it its name.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let written = tempfile::Builder::new()
            .prefix(".aside-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.0)
            .and_then(|mut aside| {
                aside.write_all(bytes)?;
                aside.as_file().sync_all()?;
                aside.persist(self.0.join(name)).map_err(|error| error.error)?;
                Ok(())
            });
        written.map_err(|error| format!("cannot write {name}: {}", os_sentence(&error)))
    }

    /// Deletes bytes of feeds that are no more.
    fn sweep(&self, rows: &[FeedRow]) {
        let named: BTreeSet<String> = rows.iter().map(|row| content_name(&row.sha256)).collect();
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = name.strip_suffix(".zst").is_some_and(is_sha256);
            if is_ours && !named.contains(&name) {
                // What cannot be deleted is deleted the next time.
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// The sentence where a name is none of theirs.
pub(super) fn no_feed(name: &str, rows: &[FeedRow]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let there = match names.is_empty() {
        true => "none is kept".to_owned(),
        false => format!("there are {}", names.join(" ")),
    };
    format!("no feed is called {:?}; {there}", Visible(name).to_string())
}

fn content_name(sha256: &str) -> String {
    format!("{sha256}.zst")
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn lock(folder: &Path) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let told = |error: &std::io::Error| format!("cannot lock the feeds: {}", os_sentence(error));
    let file = options.open(folder.join(".lock")).map_err(|error| told(&error))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            Err(TryLockError::Error(error)) => return Err(told(&error)),
        }
    }
    Err("another InfraLock is changing the feeds; try again".to_owned())
}

/// One feed that speaks.
#[derive(Debug)]
pub struct OpenFeed {
    /// Its row.
    pub row: FeedRow,
    feed: Feed,
    terms: Terms,
}

impl OpenFeed {
    /// All that it says, and on which terms.
    pub fn said(&self) -> (&Feed, &Terms) {
        (&self.feed, &self.terms)
    }
}

/// All feeds that speak in a run; by default none.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    open: Vec<Arc<OpenFeed>>,
    problems: Vec<(String, Problems)>,
}

impl Feeds {
    /// Those that this person keeps; none where the system names no home.
    pub fn of_this_person(intel: &Intel) -> Self {
        Shelf::of_this_person().map(|shelf| shelf.open(intel)).unwrap_or_default()
    }

    /// Each in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &OpenFeed> {
        self.open.iter().map(Arc::as_ref)
    }

    /// What could not be opened, by the id of its feed.
    pub fn problems(&self) -> &[(String, Problems)] {
        &self.problems
    }

    fn told(&mut self, id: &str, why: String) {
        let mut problems = Problems::new();
        problems.push(Position::Whole, why);
        self.problems.push((id.to_owned(), problems));
    }
}

/// The formats of feeds, for help.
pub fn feed_formats() -> impl Iterator<Item = &'static feed::About> {
    feed::FORMATS.iter().map(|format| format.about())
}

/// Days from `30d`, `12h`, `2w`, `1y` or a number of days.
///
/// # Errors
/// What would be right.
pub fn half_life_days(text: &str) -> Result<f64, String> {
    let (number, days_each) = match text.as_bytes().last() {
        Some(b'h') => (text.trim_end_matches('h'), 1.0 / 24.0),
        Some(b'd') => (text.trim_end_matches('d'), 1.0),
        Some(b'w') => (text.trim_end_matches('w'), 7.0),
        Some(b'y') => (text.trim_end_matches('y'), 365.0),
        _ => (text, 1.0),
    };
    let days = number.parse::<f64>().map(|number| number * days_each).ok();
    days.filter(|days| HALF_LIFE_DAYS.contains(days))
        .ok_or_else(|| "write a half-life such as 30d, 12h, 2w or 1y".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Existing;
    use super::*;

    fn given(text: &str) -> FeedBytes {
        FeedBytes {
            source: "lists/bad.txt".to_owned(),
            bytes: text.as_bytes().into(),
            changed: "2026-06-01".parse().ok(),
            etag: None,
            last_modified: None,
        }
    }

    fn reviewed(text: &str, options: &FeedOptions) -> Result<Review, String> {
        review(given(text), options, &Intel::default(), Timestamp::default())
    }

    fn hostile() -> FeedOptions {
        FeedOptions { kind: FeedKind::parse("hostile").ok(), ..FeedOptions::default() }
    }

    #[test]
    fn a_feed_is_kept_comes_back_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(&folder.path().join("feeds"));
        assert_eq!(shelf.rows().unwrap(), []);
        let review = reviewed("192.0.2.1\n2001:db8::/32\nx y\n", &hostile()).unwrap();
        let row = shelf.keep(&review, Existing::Keep).unwrap();
        assert_eq!((row.name.as_str(), row.entries_v4, row.entries_v6), ("bad", 1, 1));
        assert_eq!((row.not_understood, row.dated_by.as_deref()), (1, Some("file")));
        assert_eq!(shelf.rows().unwrap().as_slice(), std::slice::from_ref(&row));
        assert!(shelf.keep(&review, Existing::Keep).unwrap_err().contains("--force"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(shelf.folder()), 0o700);
        assert_eq!(mode(&shelf.folder().join(REGISTRY)), 0o600);
        assert_eq!(mode(&shelf.folder().join(content_name(&row.sha256))), 0o600);
        let feeds = shelf.open(&Intel::default());
        assert!(feeds.problems().is_empty());
        let open = feeds.iter().next().unwrap();
        assert_eq!(open.said().0.entries().count(), 2);
        assert_eq!(open.said().1.kind.word(), "hostile");

        let other = reviewed("192.0.2.9\n", &hostile()).unwrap();
        let new = shelf.keep(&other, Existing::Replace).unwrap();
        assert!(!shelf.folder().join(content_name(&row.sha256)).exists(), "swept");
        assert_eq!(shelf.content(&new).unwrap(), b"192.0.2.9\n");
        assert!(shelf.remove("other").unwrap_err().contains("there are bad"));
        shelf.remove("bad").unwrap();
        assert!(shelf.rows().unwrap().is_empty());
        assert!(!shelf.folder().join(content_name(&new.sha256)).exists());
    }

    #[test]
    fn what_is_damaged_is_told_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(folder.path());
        let review = reviewed("192.0.2.1\n", &hostile()).unwrap();
        let row = shelf.keep(&review, Existing::Keep).unwrap();
        fs::write(folder.path().join(content_name(&row.sha256)), b"other").unwrap();
        let feeds = shelf.open(&Intel::default());
        assert_eq!((feeds.iter().count(), feeds.problems().len()), (0, 1));
        fs::write(folder.path().join(REGISTRY), b"{").unwrap();
        assert!(shelf.rows().unwrap_err().contains("damaged"));
        assert!(shelf.keep(&review, Existing::Replace).unwrap_err().contains("damaged"));
        assert_eq!(fs::metadata(folder.path().join(REGISTRY)).unwrap().len(), 1, "left as it is");
        // A row that leads out of the folder is not one of ours.
        let mut rows = vec![row];
        rows[0].sha256 = "../../x".to_owned();
        let text = serde_json::to_vec(&Registry { version: VERSION, feeds: rows }).unwrap();
        fs::write(folder.path().join(REGISTRY), text).unwrap();
        assert!(shelf.rows().unwrap_err().contains("not one of ours"));
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let check = |text: &str, options: FeedOptions, part: &str| {
            let what = reviewed(text, &options).map(|_| ()).unwrap_err();
            assert!(what.contains(part), "{what}");
        };
        let list = "192.0.2.1\n";
        check(list, FeedOptions { name: Some("a/b".into()), ..hostile() }, "name");
        check(list, FeedOptions { sha256: Some("00".into()), ..hostile() }, "other bytes");
        check(list, FeedOptions { half_life_days: Some(-1.0), ..hostile() }, "half-life");
        check(list, FeedOptions { kind: Some(FeedKind::Places), ..hostile() }, "not places");
        check("words\n", FeedOptions::default(), "--format");
        let options = FeedOptions { format: Some("plain".into()), ..hostile() };
        assert!(reviewed("words\n", &options).unwrap().refusal().is_some());
        let dated = FeedOptions { date: "2026-06-03".parse().ok(), ..hostile() };
        let row = reviewed("# Updated: 2026-06-05\n192.0.2.1\n", &dated).unwrap().row;
        assert_eq!(
            (row.date.unwrap().to_date().as_str(), row.dated_by.as_deref()),
            ("2026-06-05", Some("feed"))
        );
    }

    #[test]
    fn half_lives() {
        assert_eq!(half_life_days("30d"), Ok(30.0));
        assert_eq!(half_life_days("12h"), Ok(0.5));
        assert_eq!(half_life_days("2w"), Ok(14.0));
        assert_eq!(half_life_days("1.5"), Ok(1.5));
        for text in ["", "d", "-3d", "NaN", "1e9y", "soon"] {
            assert!(half_life_days(text).is_err(), "{text}");
        }
    }
}
