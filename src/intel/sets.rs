//! The shipped sets of claims: cities, countries, origin AS. Each is opened at once; what its
//! values mean is decoded on the first question.

use std::sync::{Arc, Mutex, OnceLock};

use super::names::Names;
use super::pack::{Columns, ColumnsWriter, Pack, PackError, PackWriter};
use super::tables;
use crate::model::{Claim, Granularity};
use crate::trie::Runs;

/// What could not be decoded after a file was found whole; told once for each section.
pub(super) type Complaints = Arc<Mutex<Vec<PackError>>>;

/// Keeps an error for [`Intel::problems`](super::Intel::problems) and goes on without the part.
pub(super) fn or_complain<T: Default>(
    result: Result<T, PackError>,
    file: &str,
    complaints: &Complaints,
) -> T {
    result.unwrap_or_else(|error| {
        if let Ok(mut complaints) = complaints.lock() {
            complaints.push(error.in_file(file));
        }
        T::default()
    })
}

/// A set whose values are rows of a dictionary `D`. The dictionary is decoded on the first
/// question; the table when an image is built of it.
#[derive(Debug)]
pub(super) struct Set<D> {
    pack: Arc<Pack>,
    file: String,
    complaints: Complaints,
    dictionary: OnceLock<D>,
    read: fn(&Pack) -> Result<D, PackError>,
    rows: fn(&D) -> usize,
}

impl<D: Default> Set<D> {
    pub(super) fn new(
        (pack, file, complaints): (Arc<Pack>, &str, &Complaints),
        read: fn(&Pack) -> Result<D, PackError>,
        rows: fn(&D) -> usize,
    ) -> Self {
        Self {
            pack,
            file: file.to_owned(),
            complaints: Arc::clone(complaints),
            dictionary: OnceLock::new(),
            read,
            rows,
        }
    }

    pub(super) fn dictionary(&self) -> &D {
        self.dictionary
            .get_or_init(|| or_complain((self.read)(&self.pack), &self.file, &self.complaints))
    }

    /// Decodes the dictionary, if it is not yet.
    pub(super) fn decode(&self) {
        self.dictionary();
    }

    /// How many rows the values of the table may point at.
    fn values_end(&self) -> usize {
        (self.rows)(self.dictionary())
    }

    /// The IPv4 table; empty, with a complaint, where it cannot be decoded.
    pub(super) fn v4(&self) -> Runs<u32> {
        let read = tables::read_v4(&self.pack, self.values_end());
        or_complain(read, &self.file, &self.complaints)
    }

    /// The IPv6 table; as [`Set::v4`].
    pub(super) fn v6(&self) -> Runs<u128> {
        let read = tables::read_v6(&self.pack, self.values_end());
        or_complain(read, &self.file, &self.complaints)
    }
}

/// Places of DB-IP City: points in cities in regions in countries, sorted, so that each name
/// stands once.
#[derive(Debug, Default)]
pub(super) struct Cities {
    /// Thousandths of a degree: north, east, and the city's index.
    points: Vec<(i32, i32, u32)>,
    cities: Names,
    /// The region of each city.
    region_of: Vec<u32>,
    regions: Names,
    /// The country of each region.
    country_of: Vec<[u8; 2]>,
}

/// A place as the packer gives it: country, region, city, thousandths of a degree north and east.
pub type PackedPlace = ([u8; 2], String, String, i32, i32);

impl Cities {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut read = Self::default();
        let mut regions = pack.section("regions")?;
        let mut cities = pack.section("cities")?;
        let mut points = pack.section("points")?;
        let (mut north, mut east) = (0_i64, 0_i64);
        for region in 0..regions.count(4)? {
            read.country_of.push(country(&mut regions)?);
            read.regions.push_from(&mut regions)?;
            for _ in 0..regions.varint()? {
                let city = read.cities.len();
                read.cities.push_from(&mut cities)?;
                read.region_of.push(u32::try_from(region).unwrap_or(u32::MAX));
                for _ in 0..cities.varint()? {
                    north = step(north, &mut points, 90_000)?;
                    east = step(east, &mut points, 180_000)?;
                    let at = |number: i64| i32::try_from(number).unwrap_or(0);
                    let city = u32::try_from(city).unwrap_or(u32::MAX);
                    read.points.push((at(north), at(east), city));
                }
            }
        }
        regions.end()?;
        cities.end()?;
        points.end()?;
        Ok(read)
    }

    pub(super) fn rows(&self) -> usize {
        self.points.len()
    }

    pub(super) fn claim(&self, source: &Arc<str>, row: usize) -> Option<Claim> {
        let &(north, east, city) = self.points.get(row)?;
        let region = *self.region_of.get(city as usize)? as usize;
        let city = self.cities.known(city as usize);
        let region_name = self.regions.known(region);
        Some(Claim {
            source: Arc::clone(source),
            point: Some((f64::from(north) / 1_000.0, f64::from(east) / 1_000.0)),
            granularity: match (&city, &region_name) {
                (Some(_), _) => Granularity::City,
                (None, Some(_)) => Granularity::Region,
                (None, None) => Granularity::Country,
            },
            city,
            region: region_name,
            country_code: self.country_of.get(region).copied().and_then(known_country),
            own: false,
        })
    }
}

/// Writes sorted places without repeats; a table's value is the index in `places`.
pub fn write_places(pack: &mut PackWriter, places: &[PackedPlace]) {
    let (mut regions, mut cities, mut points) =
        (ColumnsWriter::new(), ColumnsWriter::new(), ColumnsWriter::new());
    let mut before = (0, 0);
    let by_region: Vec<_> = places.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)).collect();
    regions.varint(by_region.len() as u64);
    for region in by_region {
        let Some((country, name, ..)) = region.first() else { continue };
        let by_city: Vec<_> = region.chunk_by(|a, b| a.2 == b.2).collect();
        regions.bytes(country);
        regions.text(name);
        regions.varint(by_city.len() as u64);
        for city in by_city {
            let Some((_, _, name, ..)) = city.first() else { continue };
            cities.text(name);
            cities.varint(city.len() as u64);
            for &(_, _, _, north, east) in city {
                points.zigzag(i64::from(north - before.0));
                points.zigzag(i64::from(east - before.1));
                before = (north, east);
            }
        }
    }
    pack.section("regions", regions.finish());
    pack.section("cities", cities.finish());
    pack.section("points", points.finish());
}

fn step(from: i64, columns: &mut Columns, limit: i64) -> Result<i64, PackError> {
    let to = from.checked_add(columns.zigzag()?);
    to.filter(|to| (-limit..=limit).contains(to))
        .ok_or_else(|| columns.error("a coordinate off the globe"))
}

fn country(columns: &mut Columns) -> Result<[u8; 2], PackError> {
    let code = columns.bytes(2)?.first_chunk::<2>().copied();
    code.ok_or_else(|| columns.error("no country code"))
}

/// Two capital letters of a country; `ZZ` is the registries' "unknown" and no country.
pub(super) fn known_country(code: [u8; 2]) -> Option<[u8; 2]> {
    (code.iter().all(u8::is_ascii_uppercase) && code != *b"ZZ").then_some(code)
}

/// The country codes of a country set.
#[derive(Debug, Default)]
pub(super) struct Countries(Vec<[u8; 2]>);

impl Countries {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut columns = pack.section("countries")?;
        let codes = (0..columns.count(2)?).map(|_| country(&mut columns)).collect::<Result<_, _>>();
        columns.end()?;
        codes.map(Self)
    }

    pub(super) fn rows(&self) -> usize {
        self.0.len()
    }

    pub(super) fn claim(&self, source: &Arc<str>, row: usize) -> Option<Claim> {
        Some(Claim {
            source: Arc::clone(source),
            point: None,
            city: None,
            region: None,
            country_code: Some(known_country(*self.0.get(row)?)?),
            granularity: Granularity::Country,
            own: false,
        })
    }
}

/// Writes the codes of a country set; a table's value is the index in `codes`.
pub fn write_countries(pack: &mut PackWriter, codes: &[[u8; 2]]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(codes.len() as u64);
    for code in codes {
        columns.bytes(code);
    }
    pack.section("countries", columns.finish());
}

/// Autonomous systems with their names.
#[derive(Debug, Default)]
pub(super) struct Systems {
    numbers: Vec<u32>,
    names: Names,
}

impl Systems {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut columns = pack.section("systems")?;
        let mut read = Self::default();
        let mut number = 0_i64;
        for _ in 0..columns.count(2)? {
            let next = number.checked_add(columns.zigzag()?);
            let asn = next.and_then(|next| u32::try_from(next).ok());
            let asn = asn.ok_or_else(|| columns.error("an AS number of more than 32 bits"))?;
            number = i64::from(asn);
            read.numbers.push(asn);
            read.names.push_from(&mut columns)?;
        }
        columns.end()?;
        Ok(read)
    }

    pub(super) fn rows(&self) -> usize {
        self.numbers.len()
    }

    /// The name of an AS, found by its number: rows stand in the packer's order.
    pub(super) fn name_of(&self, asn: u32) -> Option<Arc<str>> {
        let row = self.numbers.iter().position(|&known| known == asn)?;
        self.names.known(row)
    }

    pub(super) fn get(&self, row: usize) -> Option<(u32, Option<Arc<str>>)> {
        Some((*self.numbers.get(row)?, self.names.known(row)))
    }
}

/// Writes AS numbers and names; a table's value is the index in `systems`.
pub fn write_systems(pack: &mut PackWriter, systems: &[(u32, String)]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(systems.len() as u64);
    let mut before = 0;
    for (asn, name) in systems {
        columns.zigzag(i64::from(*asn) - before);
        columns.text(name);
        before = i64::from(*asn);
    }
    pack.section("systems", columns.finish());
}
