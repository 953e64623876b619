//! What is known of an address: shipped data sets and the analyst's own layers over the trie.
//!
//! Packed files come in as bytes ([`Sets`]: compiled in, or read from a folder by the shell). Each
//! is proved whole when [`Intel`] opens, and decoded on the first question that needs it, family
//! by family. [`Intel::facts`] asks every set and every own layer about one address and returns
//! [`Facts`]: `geo` makes a place of the claims, `threat` evidence of kinds and lists. Nothing here
//! decides or weighs.
//!
//! Shipped sets never speak of reserved addresses (RFC 6890 and kin, documentation included); the
//! analyst's own layers may.

mod basemap;
mod cloud;
pub mod feed;
mod gazetteer;
mod lists;
pub mod meanings;
mod names;
mod own;
pub mod pack;
mod sets;
mod small;
mod source;
mod tables;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use basemap::{BaseMap, Detail, Line};
pub use gazetteer::{City, Gazetteer};
pub use small::{Airport, Airports, Crawler, Vendors};
pub use source::Source;

use self::cloud::Regions;
use self::lists::Lists;
use self::meanings::{ANYCAST_PREFIXES, SATELLITE_SYSTEMS};
use self::pack::{Pack, PackError};
use self::sets::{Cities, Complaints, Countries, LazyTable, Set, Systems, or_complain};
use crate::model::{
    Addr, AddrRange, Claim, Facts, Kind, ListMeaning, ListMembership, Prefix, Timestamp,
};
use crate::trie::{LongestMatch, Piece, Table, flatten};

/// The packer's half: what writes the sections that the sets here read.
pub mod packing {
    pub use super::basemap::write_basemap;
    pub use super::cloud::{PackedRegion, write_regions};
    pub use super::gazetteer::{PackedCity, write_gazetteer};
    pub use super::lists::{PackedList, write_lists};
    pub use super::sets::{PackedPlace, write_countries, write_places, write_systems};
    pub use super::small::{
        PackedAirport, VENDOR_DIGITS, write_airports, write_crawlers, write_vendors,
    };
    pub use super::tables::write as write_table;
}

/// The sets of countries, in the order of their claims: id, and what the country means.
const COUNTRY_SETS: [&str; 3] = ["geo-whois-asn-country", "iptoasn-country", "asn-country"];

/// Claims of most public addresses: a city and three countries, or a cloud region beside them.
const CLAIMS_USUAL: usize = 5;

/// The sets whose country is where the holder is registered, not where the address is: of cloud
/// addresses they name the right country for 36 to 54 in 100 only.
const REGISTRATION_SETS: [&str; 2] = ["iptoasn-country", "asn-country"];

/// Whether a source's country is a registration country: a weak hint of place.
pub fn is_registration(source: &str) -> bool {
    REGISTRATION_SETS.contains(&source)
}

/// Where packed files come from.
pub trait Sets {
    /// The bytes of a file such as `dbip-city.pack`; `None`: it is not there.
    ///
    /// # Errors
    /// It is there and cannot be read: a sentence without the file's name.
    fn open(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, String>;
}

/// The sets compiled into the program.
#[cfg(feature = "bundled-data")]
#[derive(Clone, Copy, Debug, Default)]
pub struct BundledSets;

#[cfg(feature = "bundled-data")]
macro_rules! bundled {
    ($wanted:expr, $($id:literal),* $(,)?) => {
        match $wanted {
            $(concat!($id, ".pack") => {
                let bytes: &'static [u8] = include_bytes!(concat!("../../datasets/", $id, ".pack"));
                Some(Cow::Borrowed(bytes))
            })*
            _ => None,
        }
    };
}

#[cfg(feature = "bundled-data")]
impl Sets for BundledSets {
    fn open(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        Ok(bundled!(
            file,
            "dbip-city",
            "geo-whois-asn-country",
            "iptoasn-country",
            "asn-country",
            "asn",
            "misp-warninglists",
            "iporigin",
            "cloud-regions",
            "cities",
            "basemap",
            "airports",
            "vendors",
            "crawlers",
        ))
    }
}

/// The ids of all shipped sets, in the order of `data status`; a file is `<id>.pack`.
pub const SET_IDS: &[&str] = &[
    "dbip-city",
    "geo-whois-asn-country",
    "iptoasn-country",
    "asn-country",
    "asn",
    "misp-warninglists",
    "iporigin",
    "cloud-regions",
    "cities",
    "basemap",
    "airports",
    "vendors",
    "crawlers",
];

/// All that is known of addresses.
#[derive(Debug, Default)]
pub struct Intel {
    cities: Option<(Arc<str>, Set<Cities>)>,
    countries: Vec<(Arc<str>, Set<Countries>)>,
    systems: Option<Set<Systems>>,
    lists: Vec<Set<Lists>>,
    regions: Option<Set<Regions>>,
    anycast: Table,
    /// The date of the regions, which their memberships carry.
    regions_date: Option<Timestamp>,
    /// Sets without addresses, by id.
    others: Vec<(&'static str, Arc<Pack>)>,
    gazetteer: OnceLock<Gazetteer>,
    own: own::Own,
    sources: Vec<Source>,
    complaints: Complaints,
}

impl Intel {
    /// Opens every set that is there and proves it whole; decodes nothing yet.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, cut off or of another version.
    pub fn from_sets(sets: &dyn Sets) -> Result<Self, PackError> {
        let mut intel = Self { anycast: anycast_table(), ..Self::default() };
        for id in SET_IDS {
            let file = format!("{id}.pack");
            let opened = sets.open(&file).map_err(|what| PackError::unreadable(&file, what))?;
            let Some(bytes) = opened else { continue };
            let pack = Pack::open(bytes).map_err(|error| error.in_file(&file))?;
            let source = Source::read(&pack).map_err(|error| error.in_file(&file))?;
            if *id == "cloud-regions" {
                intel.regions_date = source.date.as_deref().and_then(|date| date.parse().ok());
            }
            intel.sources.push(source);
            intel.add_set(id, &file, Arc::new(pack));
        }
        Ok(intel)
    }

    fn add_set(&mut self, id: &'static str, file: &str, pack: Arc<Pack>) {
        let table = LazyTable::new(Arc::clone(&pack), file, &self.complaints);
        match id {
            "dbip-city" => {
                self.cities = Some((Arc::from(id), Set::new(table, Cities::read, Cities::rows)));
            }
            "misp-warninglists" | "iporigin" => {
                self.lists.push(Set::new(table, Lists::read, Lists::rows));
            }
            "cloud-regions" => self.regions = Some(Set::new(table, Regions::read, Regions::rows)),
            "asn" => self.systems = Some(Set::new(table, Systems::read, Systems::rows)),
            id if COUNTRY_SETS.contains(&id) => {
                let set = Set::new(table, Countries::read, Countries::rows);
                self.countries.push((Arc::from(id), set));
            }
            _ => self.others.push((id, pack)),
        }
    }

    /// Everything that is known of one address. Every field may be empty.
    pub fn facts(&self, addr: Addr) -> Facts {
        let mut facts = Facts { reserved: addr.reserved(), ..Facts::default() };
        facts.claims.reserve(CLAIMS_USUAL);
        let mut matched: Option<AddrRange> = None;
        if facts.reserved.is_none() {
            self.add_shipped(addr, &mut facts, &mut matched);
        }
        self.add_own(addr, &mut facts, &mut matched);
        facts.prefix = matched.map(|range| Prefix::largest_inside(range, addr));
        facts.lists.sort_by(|a, b| a.id.cmp(&b.id));
        facts.kinds.extend(facts.lists.iter().filter_map(|list| match list.meaning {
            ListMeaning::Kind(kind) => Some(kind),
            ListMeaning::Hostile | ListMeaning::Benign | ListMeaning::Context => None,
        }));
        facts.kinds.sort_unstable();
        facts.kinds.dedup();
        facts
    }

    fn add_shipped(&self, addr: Addr, facts: &mut Facts, matched: &mut Option<AddrRange>) {
        if let Some((range, systems, row)) = self.systems.as_ref().and_then(|set| set.at(addr))
            && let Some((asn, name)) = systems.get(row)
        {
            (facts.asn, facts.as_name, *matched) = (Some(asn), name, Some(range));
        }
        let city = self.cities.as_ref().and_then(|(source, set)| {
            let (range, cities, row) = set.at(addr)?;
            Some((range, cities.claim(source, row)?))
        });
        let countries = self.countries.iter().filter_map(|(source, set)| {
            let (range, countries, row) = set.at(addr)?;
            Some((range, countries.claim(source, row)?))
        });
        for (range, claim) in city.into_iter().chain(countries) {
            matched.get_or_insert(range);
            facts.claims.push(claim);
        }
        self.add_regions(addr, facts);
        self.add_lists(addr, facts);
        if facts.asn.is_some_and(|asn| SATELLITE_SYSTEMS.contains(&asn)) {
            facts.kinds.push(Kind::Satellite);
        }
    }

    fn add_regions(&self, addr: Addr, facts: &mut Facts) {
        let Some((_, regions, row)) = self.regions.as_ref().and_then(|set| set.at(addr)) else {
            return;
        };
        match regions.claim(row) {
            Some(Some(claim)) => facts.claims.push(claim.clone()),
            Some(None) => facts.kinds.push(Kind::Anycast),
            None => {}
        }
        if let Some(id) = regions.name(row) {
            let (id, meaning) = (Arc::clone(id), ListMeaning::Kind(Kind::Hosting));
            let date = self.regions_date;
            facts.lists.push(ListMembership { id, since: None, date, meaning, terms: None });
        }
    }

    fn add_lists(&self, addr: Addr, facts: &mut Facts) {
        for (_, lists, row) in self.lists.iter().filter_map(|set| set.at(addr)) {
            for (membership, rule) in lists.memberships(row) {
                facts.kinds.extend(rule.anycast.then_some(Kind::Anycast));
                facts.lists.push(membership);
            }
        }
        let service = self.anycast.get(addr).and_then(|row| ANYCAST_PREFIXES.get(row as usize));
        if let Some(&(_, kind)) = service {
            facts.kinds.push(Kind::Anycast);
            let meaning = kind.map_or(ListMeaning::Context, ListMeaning::Kind);
            let id = Arc::from("anycast-services");
            let listed = ListMembership { id, since: None, date: None, meaning, terms: None };
            facts.lists.push(listed);
        }
    }

    fn add_own(&self, addr: Addr, facts: &mut Facts, matched: &mut Option<AddrRange>) {
        if let Some((range, asn, name)) = self.own.system(addr) {
            (facts.asn, facts.as_name, *matched) = (Some(asn), name, Some(range));
        }
        for (range, claim) in self.own.claims(addr) {
            matched.get_or_insert(range);
            facts.claims.push(claim);
        }
        facts.lists.extend(self.own.lists(addr));
    }

    /// Adds a list of the analyst's. The id is what `lists` of the JSON shows; `since` is the
    /// entry's own date, `date` the list's, from which membership decays.
    ///
    /// Of entries around one address the smallest range speaks.
    pub fn add_list(
        &mut self,
        id: &str,
        entries: &[(AddrRange, Option<Timestamp>)],
        meaning: ListMeaning,
        date: Option<Timestamp>,
    ) {
        self.own.add_list(id, entries, meaning, date, None);
    }

    /// Adds places of the analyst's (an own geofeed); `source` and `own` of the claims are set.
    pub fn add_claims(&mut self, source: &str, entries: Vec<(Prefix, Claim)>) {
        self.own.add_claims(source, entries);
    }

    /// Adds an AS table of the analyst's; it wins over the shipped one.
    pub fn add_as_table(&mut self, entries: &[(AddrRange, u32, Option<Arc<str>>)]) {
        self.own.add_systems(entries);
    }

    /// All ranges of one shipped set in order, IPv4 first, each with the number of its row: for
    /// those who build tables of their own, and to measure with. Empty: no such set, or it has
    /// no addresses.
    pub fn pieces(&self, id: &str) -> Vec<Piece> {
        let named = |source: &Arc<str>| &**source == id;
        let cities = self.cities.iter().filter(|(source, _)| named(source));
        let countries = self.countries.iter().filter(|(source, _)| named(source));
        let mut pieces: Vec<Piece> = cities.flat_map(|(_, set)| set.pieces()).collect();
        pieces.extend(countries.flat_map(|(_, set)| set.pieces()));
        if id == "asn" {
            pieces.extend(self.systems.iter().flat_map(Set::pieces));
        }
        pieces
    }

    /// The shipped sets that are there, in the order of [`SET_IDS`].
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Cities with their names; empty if the set is not there.
    pub fn gazetteer(&self) -> &Gazetteer {
        self.gazetteer.get_or_init(|| self.read_other("cities", Gazetteer::read))
    }

    /// Shapes to draw under hosts; empty if the set is not there.
    pub fn basemap(&self, detail: Detail) -> BaseMap {
        self.read_other("basemap", |pack| BaseMap::read(pack, detail))
    }

    /// Airports by code; empty if the set is not there. Decoded at each call: keep it.
    pub fn airports(&self) -> Airports {
        self.read_other("airports", Airports::read)
    }

    /// Vendors of network cards; empty if the set is not there. Decoded at each call: keep it.
    pub fn vendors(&self) -> Vendors {
        self.read_other("vendors", Vendors::read)
    }

    /// Crawlers by their user agents; empty if the set is not there. Decoded at each call: keep it.
    pub fn crawlers(&self) -> Vec<Crawler> {
        self.read_other("crawlers", small::read_crawlers)
    }

    fn read_other<T: Default>(
        &self,
        id: &str,
        read: impl FnOnce(&Pack) -> Result<T, PackError>,
    ) -> T {
        let pack = self.others.iter().find(|(other, _)| *other == id).map(|(_, pack)| pack);
        pack.map(|pack| or_complain(read(pack), &format!("{id}.pack"), &self.complaints))
            .unwrap_or_default()
    }

    /// The ids of all shipped lists.
    pub fn list_ids(&self) -> Vec<String> {
        let lists = self.lists.iter().flat_map(|set| set.dictionary().ids());
        lists.map(str::to_owned).collect()
    }

    /// The data's date: the newest date of a source. `None`: no data, or none is dated.
    pub fn date(&self) -> Option<Timestamp> {
        self.sources.iter().filter_map(|source| source.date.as_deref()?.parse().ok()).max()
    }

    /// Decodes everything, so that the next questions are fast and every problem is known.
    pub fn decode_all(&self) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.cities.iter().for_each(|(_, set)| set.decode()));
            self.countries.iter().for_each(|(_, set)| set.decode());
            self.systems.iter().for_each(Set::decode);
            self.lists.iter().for_each(Set::decode);
            self.regions.iter().for_each(Set::decode);
            self.gazetteer();
            drop((self.basemap(Detail::Coarse), self.basemap(Detail::Fine)));
            drop((self.airports(), self.vendors(), self.crawlers()));
        });
    }

    /// What could not be decoded so far, although the files were whole; the sets concerned say
    /// nothing.
    pub fn problems(&self) -> Vec<PackError> {
        self.complaints.lock().map(|complaints| complaints.clone()).unwrap_or_default()
    }
}

fn anycast_table() -> Table {
    let entries: Vec<(AddrRange, u32)> = (0_u32..)
        .zip(ANYCAST_PREFIXES)
        .filter_map(|(row, (text, _))| Some((text.parse::<Prefix>().ok()?.into(), row)))
        .collect();
    Table::from_pieces(&flatten(&entries))
}
