//! All shipped sets in one image: which layer is what, how the image is built and what it is built
//! from.
//!
//! Each set with addresses is a layer whose values are rows of its dictionary; one walk through the
//! image's table leads to a record that has the row of every set. One layer is derived: how long
//! the prefix is that an address is shown with.

use super::Intel;
use super::meanings::ANYCAST_PREFIXES;
use super::sets::Set;
use crate::trie::{
    Address, BuildError, Builder, Built, Layer, NONE, Piece, Range, Runs, flatten, pieces, runs_v4,
    runs_v6,
};

/// Changes whenever images would be built otherwise from the same sets.
const FORMAT: &str = "infralock intelligence image 2";

/// The layers in the order of a record's values.
pub(super) const LAYERS: [&str; 10] = [
    "prefix",
    "asn",
    "dbip-city",
    "geo-whois-asn-country",
    "iptoasn-country",
    "asn-country",
    "misp-warninglists",
    "iporigin",
    "cloud-regions",
    "anycast-services",
];

/// How many bits the prefix has that an address is shown with.
pub(super) const PREFIX: usize = 0;
/// Origin AS: a row of the AS numbers.
pub(super) const SYSTEM: usize = 1;
/// A row of the places.
pub(super) const CITY: usize = 2;
/// The first of the sets of lists; before it, all say something of place or owner.
const LISTS: usize = 6;
/// A row of the cloud regions.
pub(super) const REGION: usize = 8;
/// A row of the anycast services.
pub(super) const ANYCAST: usize = 9;

/// The number of a set's layer.
pub(super) fn layer(id: &str) -> usize {
    LAYERS.iter().position(|name| *name == id).unwrap_or(usize::MAX)
}

/// How much of an image is built, and whether to go on: called with a share of 1 from any thread.
pub type Progress<'a> = &'a (dyn Fn(f64) -> bool + Sync);

/// The share of the work that is done once all tables are decoded.
const DECODED: f64 = 0.45;

impl Intel {
    /// What tells apart images of different data: a checksum over the heads of all sets, which hold
    /// the checksums of their sections, and over what the program itself adds.
    pub fn key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(FORMAT.as_bytes());
        for head in &self.heads {
            hasher.update(head);
        }
        for (prefix, kind) in ANYCAST_PREFIXES {
            hasher.update(prefix.as_bytes());
            hasher.update(format!("{kind:?}").as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// Builds the image of all sets, on two threads.
    ///
    /// # Errors
    /// `progress` said stop. A set that cannot be decoded is left out and told by
    /// [`Intel::problems`].
    pub fn build_image(&self, progress: Progress<'_>) -> Result<Built, BuildError> {
        let go_on = |share: f64| if progress(share) { Ok(()) } else { Err(BuildError::Stopped) };
        go_on(0.0)?;
        let (v4, v6) = std::thread::scope(|scope| {
            let v4 = scope.spawn(|| self.layers::<u32>());
            let v6 = self.layers::<u128>();
            // A decoder does not panic; if it did, the family would say nothing.
            (v4.join().unwrap_or_default(), v6)
        });
        go_on(DECODED)?;
        let mut builder = Builder::new();
        let mut v6 = v6.into_iter();
        for (name, v4) in LAYERS.into_iter().zip(v4) {
            let v6 = v6.next().unwrap_or_default();
            let source = self.sources.iter().find(|source| source.id == name);
            let note = source.and_then(|source| source.date.clone()).unwrap_or_default();
            builder.insert(Layer { name: name.to_owned(), note, v4, v6 });
        }
        builder.build(|done, total| {
            let share = done as f64 / total.max(1) as f64;
            progress(DECODED + (1.0 - DECODED) * share)
        })
    }

    /// The tables of one family in the order of [`LAYERS`].
    fn layers<A: Half>(&self) -> Vec<Runs<A>> {
        let mut layers: Vec<Runs<A>> = vec![Runs::new()];
        let sets = LAYERS.iter().take(ANYCAST).skip(SYSTEM);
        layers.extend(sets.map(|name| match self.set(name) {
            Some(set) => without(A::of(set), &self.silent(name)),
            None => Runs::new(),
        }));
        layers.push(A::anycast());
        // What is said of an address is shown with the prefix of the AS, else of the place.
        layers[PREFIX] = lengths(&layers[SYSTEM..LISTS]);
        layers
    }

    /// The rows of a set that say nothing: the registries' "unknown" is no country. An address is
    /// not shown with the prefix of a source that says nothing of it.
    fn silent(&self, name: &str) -> Vec<u32> {
        let countries = self.countries.iter().find(|(_, source, _)| **source == *name);
        let Some((_, source, set)) = countries else { return Vec::new() };
        let countries = set.dictionary();
        let rows = (0_u32..).take(countries.rows());
        rows.filter(|&row| countries.claim(source, row as usize).is_none()).collect()
    }

    /// The set of a layer.
    fn set(&self, name: &str) -> Option<&dyn Tables> {
        let countries = self.countries.iter().find(|(_, source, _)| **source == *name);
        match name {
            "asn" => self.systems.as_ref().map(|set| set as &dyn Tables),
            "dbip-city" => self.cities.as_ref().map(|(_, set)| set as &dyn Tables),
            "cloud-regions" => self.regions.as_ref().map(|set| set as &dyn Tables),
            _ => countries.map(|(.., set)| set as &dyn Tables).or_else(|| {
                let lists = self.lists.iter().find(|(number, _)| *number == layer(name));
                lists.map(|(_, set)| set as &dyn Tables)
            }),
        }
    }

    /// All ranges of one shipped set in order, IPv4 first, each with the number of its row: for
    /// those who build tables of their own, and to measure with. Empty: no such set, or it has
    /// no addresses.
    pub fn pieces(&self, id: &str) -> Vec<Piece> {
        self.set(id).map(|set| pieces(&set.v4(), &set.v6())).unwrap_or_default()
    }
}

/// A set that decodes its tables.
trait Tables: Sync {
    fn v4(&self) -> Runs<u32>;
    fn v6(&self) -> Runs<u128>;
}

impl<D: Default + Send + Sync> Tables for Set<D> {
    fn v4(&self) -> Runs<u32> {
        Set::v4(self)
    }

    fn v6(&self) -> Runs<u128> {
        Set::v6(self)
    }
}

/// One family of the sets.
trait Half: Address {
    fn of(set: &dyn Tables) -> Runs<Self>;
    fn anycast() -> Runs<Self>;
}

impl Half for u32 {
    fn of(set: &dyn Tables) -> Runs<Self> {
        set.v4()
    }

    fn anycast() -> Runs<Self> {
        runs_v4(&anycast())
    }
}

impl Half for u128 {
    fn of(set: &dyn Tables) -> Runs<Self> {
        set.v6()
    }

    fn anycast() -> Runs<Self> {
        runs_v6(&anycast())
    }
}

/// The prefixes of the anycast services, each with its row.
fn anycast() -> Vec<Piece> {
    let prefixes = (0_u32..).zip(ANYCAST_PREFIXES).filter_map(|(row, (text, _))| {
        Some((text.parse::<crate::model::Prefix>().ok()?.into(), row))
    });
    flatten(&prefixes.collect::<Vec<_>>())
}

/// The runs without those of some values.
fn without<A: Address>(runs: Runs<A>, values: &[u32]) -> Runs<A> {
    if values.is_empty() {
        return runs;
    }
    let said = |value: u32| if values.contains(&value) { NONE } else { value };
    let kept = runs.values().iter().map(|&value| said(value)).collect();
    Runs::from_columns(runs.starts().to_vec(), kept).unwrap_or_default()
}

/// For each address how long the largest aligned prefix around it is that lies inside the range in
/// which the first of `sources` that knows the address knows it.
fn lengths<A: Address>(sources: &[Runs<A>]) -> Runs<A> {
    sources.iter().fold(Runs::new(), |said, source| {
        let ranges = uncovered(source, &said);
        let prefixes = ranges.flat_map(Range::prefixes);
        let lengths = prefixes.map(|prefix| (Range::from(prefix), u32::from(prefix.len())));
        said.union(&Runs::from_ranges(lengths).unwrap_or_default())
    })
}

/// The ranges of `source` in which `said` has a gap somewhere.
fn uncovered<A: Address>(source: &Runs<A>, said: &Runs<A>) -> impl Iterator<Item = Range<A>> {
    let (starts, values) = (said.starts(), said.values());
    // How many runs of `said` begin at or before the first address of the range.
    let mut begun = 0;
    source.ranges().map(|(range, _)| range).filter(move |range| {
        let begins = |row: usize, addr: A| starts.get(row).is_some_and(|&start| start <= addr);
        while begins(begun, range.first()) {
            begun += 1;
        }
        let is_gap = |row: usize| values.get(row).is_none_or(|&value| value == NONE);
        let later = (begun..).take_while(|&row| begins(row, range.last()));
        begun.checked_sub(1).is_none_or(is_gap) || later.into_iter().any(is_gap)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_with_the_prefix_of_the_first_source_that_knows_it() {
        let runs = |ranges: &[(u32, u32)]| {
            let ranges = ranges.iter().map(|&(a, b)| (Range::new(a, b).unwrap(), 0));
            Runs::from_ranges(ranges).unwrap()
        };
        let systems = runs(&[(0x0a00_0000, 0x0a00_02ff), (0x0b00_0000, 0x0b00_00ff)]);
        let places = runs(&[(0x0a00_0200, 0x0a00_03ff), (0x0b00_0000, 0x0b00_00ff)]);
        let lengths = lengths(&[systems, places]);
        // 10.0.0.0/23 and 10.0.2.0/24 of the AS; 10.0.2.0/23 of the place where the AS is silent.
        assert_eq!(lengths.get(0x0a00_0101), Some(23));
        assert_eq!(lengths.get(0x0a00_0201), Some(24));
        assert_eq!(lengths.get(0x0a00_0301), Some(23));
        assert_eq!(lengths.get(0x0b00_0001), Some(24));
        assert_eq!(lengths.get(0x0c00_0001), None);
    }
}
