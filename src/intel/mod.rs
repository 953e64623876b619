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
mod compiled;
mod explore;
pub mod feed;
mod gazetteer;
mod keyed;
mod lists;
pub mod meanings;
mod names;
mod own;
pub mod pack;
mod sets;
mod small;
mod source;
mod space;
mod tables;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use basemap::{BaseMap, Detail, Line};
pub use explore::{About, PICTURED_COUNTRIES, Said, Says};
pub use gazetteer::{City, Gazetteer};
pub use keyed::{FactsKey, Keyed, Rows};
pub use small::{Airport, Airports, Crawler, Vendors};
pub use source::Source;
pub use space::Run;

pub use self::compiled::Progress;

use self::cloud::Regions;
use self::lists::Lists;
use self::meanings::{ANYCAST_PREFIXES, SATELLITE_SYSTEMS};
use self::pack::{Pack, PackError};
use self::sets::{Cities, Complaints, Countries, Set, Systems, or_complain};
use crate::model::{
    Addr, AddrRange, Claim, Facts, Kind, ListMeaning, ListMembership, Prefix, Timestamp,
};
use crate::trie::{Builder, Image, Records};

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
    /// Each with the number of its layer.
    countries: Vec<(usize, Arc<str>, Set<Countries>)>,
    systems: Option<Set<Systems>>,
    /// Each with the number of its layer.
    lists: Vec<(usize, Set<Lists>)>,
    regions: Option<Set<Regions>>,
    /// The date of the regions, which their memberships carry.
    regions_date: Option<Timestamp>,
    /// Sets without addresses, by id.
    others: Vec<(&'static str, Arc<Pack>)>,
    gazetteer: OnceLock<Gazetteer>,
    own: own::Own,
    sources: Vec<Source>,
    /// The checksum of each set's head, which stands for all of it.
    heads: Vec<[u8; 16]>,
    /// All tables of the shipped sets in one.
    image: OnceLock<Image>,
    complaints: Complaints,
}

impl Intel {
    /// Opens every set that is there; decodes nothing yet. Bytes from outside are proven whole,
    /// those that are part of the program when they are asked for.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, cut off or of another version.
    pub fn from_sets(sets: &dyn Sets) -> Result<Self, PackError> {
        let mut intel = Self::default();
        for id in SET_IDS {
            let file = format!("{id}.pack");
            let opened = sets.open(&file).map_err(|what| PackError::unreadable(&file, what))?;
            let Some(bytes) = opened else { continue };
            let pack = Pack::open(bytes).map_err(|error| error.in_file(&file))?;
            intel.heads.push(pack.head_checksum());
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
        let table = (Arc::clone(&pack), file, &self.complaints);
        match id {
            "dbip-city" => {
                self.cities = Some((Arc::from(id), Set::new(table, Cities::read, Cities::rows)));
            }
            "misp-warninglists" | "iporigin" => {
                let layer = compiled::layer(id);
                self.lists.push((layer, Set::new(table, Lists::read, Lists::rows)));
            }
            "cloud-regions" => self.regions = Some(Set::new(table, Regions::read, Regions::rows)),
            "asn" => self.systems = Some(Set::new(table, Systems::read, Systems::rows)),
            id if COUNTRY_SETS.contains(&id) => {
                let set = Set::new(table, Countries::read, Countries::rows);
                self.countries.push((compiled::layer(id), Arc::from(id), set));
            }
            _ => self.others.push((id, pack)),
        }
    }

    /// The image of all sets; built in memory now if there was none.
    pub fn image(&self) -> &Image {
        self.image.get_or_init(|| {
            let built = self.build_image(&|_| true);
            let image = built.ok().and_then(|built| Image::from_built(&built).ok());
            image.unwrap_or_else(empty_image)
        })
    }

    /// Takes an image that was built before, of the same [`Intel::key`]; it is not asked whether
    /// it was. `false`: its layers are others, or there is an image already.
    pub fn use_image(&self, image: Image) -> bool {
        let fits = image.layers().iter().map(|layer| layer.name.as_str()).eq(compiled::LAYERS);
        fits && self.image.set(image).is_ok()
    }

    /// Everything that is known of one address. Every field may be empty.
    pub fn facts(&self, addr: Addr) -> Facts {
        let mut facts = Facts { reserved: addr.reserved(), ..Facts::default() };
        facts.claims.reserve(CLAIMS_USUAL);
        if facts.reserved.is_none() {
            self.add_shipped(addr, &mut facts);
        }
        self.add_own(addr, &mut facts);
        facts.lists.sort_by(|a, b| a.id.cmp(&b.id));
        facts.kinds.extend(facts.lists.iter().filter_map(|list| match list.meaning {
            ListMeaning::Kind(kind) => Some(kind),
            ListMeaning::Hostile | ListMeaning::Benign | ListMeaning::Context => None,
        }));
        facts.kinds.sort_unstable();
        facts.kinds.dedup();
        facts
    }

    /// The record of an address, where anything shipped speaks of it, and its number.
    fn record(&self, addr: Addr) -> Option<(&Records, u32)> {
        let image = self.image();
        match addr {
            Addr::V4(addr) => Some((image.v4_records(), image.v4().get(addr.to_bits())?)),
            Addr::V6(addr) => Some((image.v6_records(), image.v6().get(addr.to_bits())?)),
        }
    }

    fn add_shipped(&self, addr: Addr, facts: &mut Facts) {
        let Some((records, record)) = self.record(addr) else { return };
        let row = |layer: usize| records.get(record, layer).map(|row| row as usize);
        let length = row(compiled::PREFIX).and_then(|length| u8::try_from(length).ok());
        facts.prefix = length.and_then(|length| Prefix::new(addr, length));
        if let (Some(systems), Some(row)) = (&self.systems, row(compiled::SYSTEM))
            && let Some((asn, name)) = systems.dictionary().get(row)
        {
            (facts.asn, facts.as_name) = (Some(asn), name);
        }
        if let (Some((source, set)), Some(row)) = (&self.cities, row(compiled::CITY)) {
            facts.claims.extend(set.dictionary().claim(source, row));
        }
        for (layer, source, set) in &self.countries {
            if let Some(row) = row(*layer) {
                facts.claims.extend(set.dictionary().claim(source, row));
            }
        }
        if let Some(row) = row(compiled::REGION) {
            self.add_region(row, facts);
        }
        for (layer, set) in &self.lists {
            let Some(row) = row(*layer) else { continue };
            for (membership, rule) in set.dictionary().memberships(row) {
                facts.kinds.extend(rule.anycast.then_some(Kind::Anycast));
                facts.lists.push(membership);
            }
        }
        if let Some(&(_, kind)) = row(compiled::ANYCAST).and_then(|row| ANYCAST_PREFIXES.get(row)) {
            facts.kinds.push(Kind::Anycast);
            let meaning = kind.map_or(ListMeaning::Context, ListMeaning::Kind);
            let id = Arc::from("anycast-services");
            let listed = ListMembership { id, since: None, date: None, meaning, terms: None };
            facts.lists.push(listed);
        }
        if facts.asn.is_some_and(|asn| SATELLITE_SYSTEMS.contains(&asn)) {
            facts.kinds.push(Kind::Satellite);
        }
    }

    fn add_region(&self, row: usize, facts: &mut Facts) {
        let Some(regions) = self.regions.as_ref().map(Set::dictionary) else { return };
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

    fn add_own(&self, addr: Addr, facts: &mut Facts) {
        if let Some((range, asn, name)) = self.own.system(addr) {
            (facts.asn, facts.as_name) = (Some(asn), name);
            facts.prefix = Some(Prefix::largest_inside(range, addr));
        }
        for (range, claim) in self.own.claims(addr) {
            facts.prefix.get_or_insert_with(|| Prefix::largest_inside(range, addr));
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
        let lists = self.lists.iter().flat_map(|(_, set)| set.dictionary().ids());
        lists.map(str::to_owned).collect()
    }

    /// The data's date: the newest date of a source. `None`: no data, or none is dated.
    pub fn date(&self) -> Option<Timestamp> {
        self.sources.iter().filter_map(|source| source.date.as_deref()?.parse().ok()).max()
    }

    /// Decodes everything, so that the next questions are fast and every problem is known.
    pub fn decode_all(&self) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.image());
            self.cities.iter().for_each(|(_, set)| set.decode());
            self.systems.iter().for_each(Set::decode);
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

/// An image that says nothing.
#[expect(clippy::expect_used, reason = "nothing can be too much or wrong where nothing is")]
fn empty_image() -> Image {
    let built = Builder::new().build(|_, _| true).expect("no layers");
    Image::from_built(&built).expect("no layers")
}
