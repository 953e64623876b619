//! What a run is judged by: the profile, the data with the analyst's own layers, what is ours.

use std::borrow::Cow;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::answers::{self, Answer, Version};
use super::feeds::Feeds;
use super::kept::Missing;
use super::paths::{os_sentence, path_text};
use crate::bounded;
use crate::geo::{self, Calibration, City, geofeed};
use crate::import::{as_table, list};
use crate::intel::{self, Intel};
use crate::model::{
    Addr, Claim, Facts, HostKey, ImportId, ListMeaning, Place, Position, Prefix, Problems, RealmId,
    Timestamp,
};
use crate::threat::Scene;
use crate::threat::profile::{self, Profile};

/// Bytes of one list, geofeed or table that an analyst gives. The largest public lists have 20 MB.
const OWN_FILE_BYTES_MAX: usize = 512 << 20;

/// A text of the analyst's, or of the shipped example.
#[derive(Clone, Debug)]
pub enum OwnText {
    /// A file.
    File(PathBuf),
    /// Bytes that the program carries, with a name.
    Bundled(&'static str, &'static [u8]),
    /// What was read of a file, now or when a case was made; with its path then.
    Read(String, Arc<[u8]>),
}

impl OwnText {
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path_text(path.as_os_str()).to_string(),
            Self::Bundled(name, _) => (*name).to_owned(),
            Self::Read(path, _) => path.clone(),
        }
    }

    /// Whether it is the text that is known already, whatever it is called.
    pub(super) fn is_same(&self, known: &Self) -> bool {
        matches!((self, known), (Self::Read(_, a), Self::Read(_, b)) if a == b)
    }

    /// Whether it is another text of the same name.
    pub(super) fn takes_place_of(&self, known: &Self) -> bool {
        self.name() == known.name() && !self.is_same(known)
    }

    pub(super) fn read(&self) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::Bundled(_, bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Read(_, bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(path) => {
                let read =
                    File::open(path).and_then(|file| bounded::read_all(file, OWN_FILE_BYTES_MAX));
                read.map(Cow::Owned).map_err(|error| {
                    format!("cannot read {}: {}", self.name(), os_sentence(&error))
                })
            }
        }
    }
}

/// A list of the analyst's: `--list NAME=PATH:MEANING`.
#[derive(Clone, Debug)]
pub struct OwnList {
    /// The name; its id is `list.NAME`.
    pub name: String,
    /// Where it is.
    pub text: OwnText,
    /// What membership means.
    pub meaning: ListMeaning,
}

/// What an analyst may set for `triage`, `detections`, `explain` and `records` alike.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A profile's text and name; `None`: `default`.
    pub profile: Option<(String, String)>,
    /// One realm for all paths.
    pub realm: Option<String>,
    /// The analyst's own networks; empty: what is private.
    pub mine: Vec<Prefix>,
    /// Own lists.
    pub lists: Vec<OwnList>,
    /// Own places (RFC 8805).
    pub geofeeds: Vec<OwnText>,
    /// Own AS tables: lines of prefix, number, name.
    pub as_tables: Vec<OwnText>,
    /// "Now".
    pub at: Option<Timestamp>,
    /// The zone of times without one.
    pub time_zone: Zone,
    /// Sources of a case that were too large to keep in it.
    pub missing: Vec<Missing>,
    /// The person's own feeds. They are of the machine, as the shipped data are, and never kept in
    /// a case.
    pub feeds: Feeds,
}

/// A fixed offset from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Minutes east.
    pub minutes_east: i32,
}

/// Everything a run is judged by.
pub struct Context {
    /// Weights.
    pub profile: Profile,
    /// Reference data and own layers.
    pub intel: Arc<Intel>,
    /// Realm for all paths.
    pub realm: Option<String>,
    /// "Now", if the analyst says.
    pub at: Option<Timestamp>,
    /// The zone of times without one.
    pub time_zone: Zone,
    /// What could not be read of the analyst's own texts, with their names.
    pub problems: Vec<(String, Problems)>,
    mine: Vec<Prefix>,
    feeds: Feeds,
    version: Version,
    calibration: OnceLock<Calibration>,
}

impl Context {
    /// Opens the data and reads the analyst's own layers.
    ///
    /// # Errors
    /// A sentence, when a profile has mistakes or a file cannot be read.
    pub fn open(options: Options, mut intel: Intel) -> Result<Arc<Self>, String> {
        let profile = match &options.profile {
            None => Profile::default(),
            Some((name, text)) => read_profile(name, text)?,
        };
        let mut problems = options.feeds.problems().to_vec();
        let version = version(&options, &intel, &profile);
        // First, so that what is given for this run goes before them.
        for open in options.feeds.iter() {
            let (feed, terms) = open.said();
            intel.add_feed(feed, terms);
        }
        for own in &options.lists {
            let bytes = own.text.read()?;
            let lines = bytes.split(|&byte| byte == b'\n');
            let (entries, wrong) = list::read_entries(lines);
            intel.add_list(&own.name, &entries, own.meaning, None);
            problems.push((own.text.name(), wrong));
        }
        for text in &options.geofeeds {
            let source = own_source(&text.name());
            let feed = geofeed::parse(&source, &text.read()?, named_cities(&intel));
            intel.add_claims(&source, feed.claims);
            problems.push((text.name(), feed.problems));
        }
        for text in &options.as_tables {
            let (rows, wrong) = as_table::read(&text.read()?);
            intel.add_as_table(&rows);
            problems.push((text.name(), wrong));
        }
        problems.extend(options.missing.iter().map(told_missing));
        problems.retain(|(_, problems)| !problems.is_empty());
        Ok(Arc::new(Self {
            profile,
            intel: Arc::new(intel),
            realm: options.realm,
            at: options.at,
            time_zone: options.time_zone,
            problems,
            mine: options.mine,
            feeds: options.feeds,
            version,
            calibration: OnceLock::new(),
        }))
    }

    /// The analyst's own networks, as far as they were named.
    pub(super) fn mine(&self) -> &[Prefix] {
        &self.mine
    }

    /// The person's own feeds that speak here.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Whether a host is the analyst's own.
    pub fn is_mine(&self, host: HostKey) -> bool {
        match self.mine.is_empty() {
            true => host.addr().is_mine_by_default(),
            false => self.mine.iter().any(|prefix| prefix.contains(host.addr())),
        }
    }

    /// What is known of an address.
    pub fn facts(&self, addr: Addr) -> Facts {
        self.intel.facts(addr)
    }

    /// What is known of an address and where it is, from the answers that are kept if it is there.
    pub fn answer(&self, addr: Addr) -> Arc<Answer> {
        answers::answer(addr, self.version, || {
            let facts = self.facts(addr);
            Answer { place: self.place(&facts), facts }
        })
    }

    /// The data's date, from which ages are counted where nothing else says "now".
    pub fn data_date(&self) -> Timestamp {
        self.intel.date().unwrap_or_default()
    }

    /// Where an address is.
    pub fn place(&self, facts: &Facts) -> Option<Place> {
        let calibration = self.calibration.get_or_init(|| Calibration::new(cities(&self.intel)));
        geo::place(facts, calibration)
    }
}

/// What answers follow from. Own layers are of this context alone, as far as anybody can tell.
fn version(options: &Options, intel: &Intel, profile: &Profile) -> Version {
    let given = [options.lists.len(), options.geofeeds.len(), options.as_tables.len()];
    let is_shipped = given == [0; 3] && options.feeds.iter().next().is_none();
    let first =
        |hash: [u8; 32]| u64::from_le_bytes(hash.first_chunk().copied().unwrap_or_default());
    Version {
        data: if is_shipped { first(intel.key()) } else { answers::unique() },
        profile: first(*blake3::hash(format!("{profile:?}").as_bytes()).as_bytes()),
    }
}

fn told_missing(missing: &Missing) -> (String, Problems) {
    let mut problems = Problems::default();
    problems.push(Position::Whole, missing.sentence());
    (missing.name.clone(), problems)
}

/// The gazetteer as `geo` reads it, each city once.
fn cities(intel: &Intel) -> impl Iterator<Item = City<'_>> {
    intel.gazetteer().cities().map(geo_city)
}

/// The gazetteer with each city once for each of its names.
fn named_cities(intel: &Intel) -> impl Iterator<Item = City<'_>> {
    let gazetteer = intel.gazetteer();
    gazetteer.cities().flat_map(move |city| {
        let others = gazetteer.other_names(city);
        let other = move |name| City { name, ..geo_city(city) };
        std::iter::once(geo_city(city)).chain(others.map(other))
    })
}

fn geo_city(city: intel::City<'_>) -> City<'_> {
    let intel::City { name, country_code, admin1, point, population, .. } = city;
    City { name, country_code, admin1, point, population }
}

/// Reads a geofeed, whose places are looked up in the gazetteer.
pub(super) fn geofeed_claims(
    name: &str,
    bytes: &[u8],
    intel: &Intel,
) -> (Vec<(Prefix, Claim)>, Problems) {
    let feed = geofeed::parse(name, bytes, named_cities(intel));
    (feed.claims, feed.problems)
}

fn own_source(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

fn read_profile(name: &str, text: &str) -> Result<Profile, String> {
    profile::check(text).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("{name}:{error}")).collect();
        lines.join("\n")
    })
}

/// The scene of one run: its realms by file, and the context.
pub struct RunScene<'a> {
    /// What the run is judged by.
    pub context: &'a Context,
    /// The realm of each file, by import.
    pub realms: &'a [RealmId],
}

impl Scene for RunScene<'_> {
    fn realm(&self, import: ImportId) -> RealmId {
        self.realms.get(import.0 as usize).copied().unwrap_or_default()
    }

    fn is_mine(&self, host: HostKey) -> bool {
        self.context.is_mine(host)
    }

    fn facts(&self, addr: Addr) -> Facts {
        self.context.facts(addr)
    }
}
