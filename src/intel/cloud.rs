//! Cloud regions: which provider and region an address belongs to, and where that is.

use std::sync::Arc;

use super::pack::{ColumnsWriter, Pack, PackError, PackWriter};
use super::sets::known_country;
use crate::model::{Claim, Granularity};

/// The regions of the providers.
#[derive(Debug, Default)]
pub(super) struct Regions(Vec<Region>);

#[derive(Debug)]
struct Region {
    name: Arc<str>,
    scope: Scope,
}

/// What a region says of place.
#[derive(Debug)]
enum Scope {
    /// Announced from many sites.
    Anycast,
    /// A place.
    Place(Claim),
}

/// A region as the packer gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedRegion {
    /// Provider and region as the provider names them: `AWS eu-central-1`.
    pub name: String,
    /// ISO 3166-1 alpha-2; `None`: announced from many sites.
    pub country: Option<[u8; 2]>,
    /// The city the provider names; empty: it names none.
    pub city: String,
    /// State or province, where the provider names no city; else empty.
    pub region: String,
    /// Thousandths of a degree north and east, where a place is known.
    pub point: Option<(i32, i32)>,
}

impl Regions {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut columns = pack.section("places")?;
        let mut regions = Vec::new();
        let source: Arc<str> = Arc::from("cloud-regions");
        for _ in 0..columns.count(6)? {
            let name: Arc<str> = columns.text()?.into();
            let code = columns.bytes(2)?.first_chunk::<2>().copied().unwrap_or_default();
            let city = columns.text()?;
            let region = columns.text()?;
            let has_point = columns.varint()? == 1;
            let (north, east) = (columns.zigzag()?, columns.zigzag()?);
            let on_globe = north.abs() <= 90_000 && east.abs() <= 180_000;
            if !on_globe {
                return Err(columns.error("a coordinate off the globe"));
            }
            let known = |text: String| (!text.is_empty()).then(|| Arc::from(text));
            let scope = known_country(code).map_or(Scope::Anycast, |code| {
                Scope::Place(Claim {
                    source: Arc::clone(&source),
                    point: has_point.then_some((north as f64 / 1_000.0, east as f64 / 1_000.0)),
                    granularity: match (has_point, city.is_empty()) {
                        (true, false) => Granularity::City,
                        (true, true) => Granularity::Region,
                        (false, _) => Granularity::Country,
                    },
                    city: known(city),
                    region: known(region),
                    country_code: Some(code),
                    own: false,
                })
            });
            regions.push(Region { name, scope });
        }
        columns.end()?;
        Ok(Self(regions))
    }

    pub(super) fn rows(&self) -> usize {
        self.0.len()
    }

    /// The region's claim; `None` for one that is announced from many sites.
    pub(super) fn claim(&self, row: usize) -> Option<Option<&Claim>> {
        Some(match &self.0.get(row)?.scope {
            Scope::Anycast => None,
            Scope::Place(claim) => Some(claim),
        })
    }

    /// `AWS eu-central-1`.
    pub(super) fn name(&self, row: usize) -> Option<&Arc<str>> {
        self.0.get(row).map(|region| &region.name)
    }
}

/// Writes regions; a table's value is the index in `regions`.
pub fn write_regions(pack: &mut PackWriter, regions: &[PackedRegion]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(regions.len() as u64);
    for region in regions {
        columns.text(&region.name);
        columns.bytes(&region.country.unwrap_or(*b"ZZ"));
        columns.text(&region.city);
        columns.text(&region.region);
        columns.varint(u64::from(region.point.is_some()));
        let (north, east) = region.point.unwrap_or_default();
        columns.zigzag(north.into());
        columns.zigzag(east.into());
    }
    pack.section("places", columns.finish());
}
