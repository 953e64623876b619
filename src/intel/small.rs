//! Small sets without addresses: airports, vendors of network cards, crawlers' user agents.

use std::collections::BTreeMap;

use super::names::Names;
use super::pack::{ColumnsWriter, Pack, PackError, PackWriter};

/// An airport with a IATA code: the codes stand in the names of routers.
#[derive(Clone, Debug, PartialEq)]
pub struct Airport {
    /// The city it serves.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country_code: [u8; 2],
    /// Degrees north and east.
    pub point: (f64, f64),
}

/// Airports by their IATA code, three capitals.
#[derive(Clone, Debug, Default)]
pub struct Airports(BTreeMap<[u8; 3], Airport>);

impl Airports {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut columns = pack.section("airports")?;
        let mut airports = BTreeMap::new();
        for _ in 0..columns.count(8)? {
            let code = columns.bytes(3)?.first_chunk::<3>().copied().unwrap_or_default();
            let country_code = columns.bytes(2)?.first_chunk::<2>().copied().unwrap_or_default();
            let city = columns.text()?;
            let (north, east) = (columns.zigzag()?, columns.zigzag()?);
            if north.unsigned_abs() > 90_000 || east.unsigned_abs() > 180_000 {
                return Err(columns.error("a coordinate off the globe"));
            }
            let point = (north as f64 / 1_000.0, east as f64 / 1_000.0);
            airports.insert(code, Airport { city, country_code, point });
        }
        columns.end()?;
        Ok(Self(airports))
    }

    /// The airport of a code in any case: `fra`.
    pub fn get(&self, code: &str) -> Option<&Airport> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        self.0.get(&code.map(|letter| letter.to_ascii_uppercase()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An airport as the packer gives it: code, country, city, thousandths of a degree north and east.
pub type PackedAirport = ([u8; 3], [u8; 2], String, i32, i32);

/// Writes airports.
pub fn write_airports(pack: &mut PackWriter, airports: &[PackedAirport]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(airports.len() as u64);
    for (code, country, city, north, east) in airports {
        columns.bytes(code);
        columns.bytes(country);
        columns.text(city);
        columns.zigzag((*north).into());
        columns.zigzag((*east).into());
    }
    pack.section("airports", columns.finish());
}

/// Hexadecimal digits of an assignment: large (24 bits), medium (28), small (36).
pub const VENDOR_DIGITS: [u8; 3] = [6, 7, 9];

/// Vendors of network cards, by the first digits of the MAC address (IEEE MA-L, MA-M, MA-S).
#[derive(Clone, Debug, Default)]
pub struct Vendors {
    /// For each length of [`VENDOR_DIGITS`]: prefixes, ascending, and the index of the name.
    prefixes: [Vec<(u64, u32)>; 3],
    names: Names,
}

impl Vendors {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut read = Self::default();
        let mut columns = pack.section("vendors")?;
        for _ in 0..columns.count(1)? {
            read.names.push_from(&mut columns)?;
        }
        columns.end()?;
        let mut columns = pack.section("prefixes")?;
        for prefixes in &mut read.prefixes {
            let mut at = 0_u64;
            for _ in 0..columns.count(2)? {
                at = at.saturating_add(columns.varint()?);
                let name = columns.varint32()?;
                if name as usize >= read.names.len() {
                    return Err(columns.error(format_args!("there is no vendor {name}")));
                }
                prefixes.push((at, name));
            }
            if !prefixes.is_sorted() {
                return Err(columns.error("prefixes that do not ascend"));
            }
        }
        columns.end()?;
        Ok(read)
    }

    /// Who was assigned this address; the longest assignment wins. `None`: nobody, or the address
    /// is made up locally (its second-lowest bit is set), as phones do.
    pub fn vendor(&self, mac: [u8; 6]) -> Option<&str> {
        let bits = mac.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        let lengths = VENDOR_DIGITS.iter().zip(&self.prefixes).rev();
        let mut found = lengths.filter_map(|(&digits, prefixes)| {
            let prefix = bits >> (48 - 4 * u32::from(digits));
            let at = prefixes.binary_search_by_key(&prefix, |&(prefix, _)| prefix).ok()?;
            self.names.get(prefixes.get(at)?.1 as usize)
        });
        if mac[0] & 2 != 0 { None } else { found.next() }
    }
}

/// Writes vendors; `assignments` are number of digits, prefix and name.
pub fn write_vendors(pack: &mut PackWriter, assignments: &BTreeMap<(u8, u64), String>) {
    let mut index: BTreeMap<&str, u64> =
        assignments.values().map(|name| (name.as_str(), 0)).collect();
    for (at, number) in (0..).zip(index.values_mut()) {
        *number = at;
    }
    let mut columns = ColumnsWriter::new();
    columns.varint(index.len() as u64);
    index.keys().for_each(|name| columns.text(name));
    pack.section("vendors", columns.finish());
    let mut columns = ColumnsWriter::new();
    for digits in VENDOR_DIGITS {
        let of_length = assignments.range((digits, 0)..=(digits, u64::MAX));
        columns.varint(of_length.clone().count() as u64);
        let mut before = 0;
        for (&(_, prefix), name) in of_length {
            columns.varint(prefix - before);
            columns.varint(index.get(name.as_str()).copied().unwrap_or_default());
            before = prefix;
        }
    }
    pack.section("prefixes", columns.finish());
}

/// A crawler or tool that says who it is in its user agent. Anyone can copy the text: only its
/// address range proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crawler {
    /// A regular expression over the user agent.
    pub pattern: String,
    /// What it is for: `search-engine`, `scanner`, `http-library` …
    pub uses: Vec<String>,
}

pub(super) fn read_crawlers(pack: &Pack) -> Result<Vec<Crawler>, PackError> {
    let mut columns = pack.section("crawlers")?;
    let mut crawlers = Vec::new();
    for _ in 0..columns.count(2)? {
        let (pattern, uses) = (columns.text()?, columns.text()?);
        crawlers.push(Crawler { pattern, uses: uses.split(' ').map(str::to_owned).collect() });
    }
    columns.end()?;
    Ok(crawlers)
}

/// Writes crawlers.
pub fn write_crawlers(pack: &mut PackWriter, crawlers: &[Crawler]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(crawlers.len() as u64);
    for crawler in crawlers {
        columns.text(&crawler.pattern);
        columns.text(&crawler.uses.join(" "));
    }
    pack.section("crawlers", columns.finish());
}
