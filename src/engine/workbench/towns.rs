//! Towns that the map names.

use std::sync::Arc;

use super::shapes::mercator;
use crate::intel::Intel;

/// Inhabitants below which a town is not named: 50,000 towns remain, which is enough to find one's
/// way at any zoom.
const PEOPLE_MIN: u32 = 5_000;

/// A town.
#[derive(Clone, Debug, PartialEq)]
pub struct Town {
    /// Its name.
    pub name: Arc<str>,
    /// Where it lies in the unit square of [`mercator`].
    pub unit: [f32; 2],
    /// Inhabitants.
    pub population: u32,
}

/// All towns, most inhabitants first.
pub(super) fn towns(intel: &Intel) -> Vec<Town> {
    let named = intel.gazetteer().cities().filter(|city| city.population >= PEOPLE_MIN);
    let mut towns: Vec<Town> = named
        .map(|city| Town {
            name: city.name.into(),
            unit: mercator(city.point.0, city.point.1).map(|part| part as f32),
            population: city.population,
        })
        .collect();
    towns.sort_by(|a, b| b.population.cmp(&a.population).then_with(|| a.name.cmp(&b.name)));
    towns
}
