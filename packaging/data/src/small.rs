//! Airports, vendors of network cards, crawlers' user agents.

use std::collections::BTreeMap;

use infralock::intel::Crawler;
use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{
    PackedAirport, VENDOR_DIGITS, write_airports, write_crawlers, write_vendors,
};
use serde::Deserialize;

use crate::sources::{AIRPORTS, CRAWLERS, OUI};
use crate::{Context, Failure, Packed};

/// Packs the airports that have a IATA code.
pub fn airports(context: &Context) -> Result<Packed, Failure> {
    #[derive(Deserialize)]
    struct Row {
        iata: String,
        city: String,
        country: String,
        lat: f64,
        lon: f64,
    }
    let archive = context.open(&AIRPORTS, |path| path.ends_with("airports.csv"))?;
    let mut airports: Vec<PackedAirport> = Vec::new();
    let milli = |degrees: f64| (degrees * 1_000.0).round() as i32;
    for row in csv::Reader::from_reader(archive.member("airportsdata/airports.csv")?).deserialize()
    {
        let Row { iata, city, country, lat, lon } = row?;
        if !iata.is_empty() {
            let (code, country) = (iata.as_bytes().try_into()?, country.as_bytes().try_into()?);
            airports.push((code, country, city, milli(lat), milli(lon)));
        }
    }
    airports.sort();
    let mut pack = PackWriter::new();
    write_airports(&mut pack, &airports);
    Ok(Packed { pack, rows: airports.len(), rows_v6: 0 })
}

/// Packs the vendors' names; their postal addresses are left out.
pub fn vendors(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&OUI, |path| path == "index.json")?;
    let rows: BTreeMap<String, String> = serde_json::from_slice(archive.member("index.json")?)?;
    let mut assignments = BTreeMap::new();
    for (digits, text) in rows {
        let length = u8::try_from(digits.len())?;
        if !VENDOR_DIGITS.contains(&length) {
            return Err(format!("an assignment of {length} digits: {digits}").into());
        }
        let name = text.lines().next().unwrap_or_default().trim().to_owned();
        assignments.insert((length, u64::from_str_radix(&digits, 16)?), name);
    }
    let mut pack = PackWriter::new();
    write_vendors(&mut pack, &assignments);
    Ok(Packed { pack, rows: assignments.len(), rows_v6: 0 })
}

/// Packs patterns and what the crawlers are for.
pub fn crawlers(context: &Context) -> Result<Packed, Failure> {
    #[derive(Deserialize)]
    struct Row {
        pattern: String,
        #[serde(default)]
        tags: Vec<String>,
    }
    let archive = context.open(&CRAWLERS, |path| path == "crawler-user-agents.json")?;
    let rows: Vec<Row> = serde_json::from_slice(archive.member("crawler-user-agents.json")?)?;
    let crawlers: Vec<Crawler> =
        rows.into_iter().map(|row| Crawler { pattern: row.pattern, uses: row.tags }).collect();
    let mut pack = PackWriter::new();
    write_crawlers(&mut pack, &crawlers);
    Ok(Packed { pack, rows: crawlers.len(), rows_v6: 0 })
}
