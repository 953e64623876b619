//! What lies around a point: how large its city is, and how far its country reaches.

use std::collections::BTreeMap;

use super::distance_km;

/// A populated place of a gazetteer (GeoNames).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct City<'a> {
    /// Its main name.
    pub name: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country_code: [u8; 2],
    /// First-order division, GeoNames' code; empty where unknown.
    pub admin1: &'a str,
    /// Degrees north and east.
    pub point: (f64, f64),
    /// Inhabitants.
    pub population: u32,
}

/// A point belongs to the cities at most this far away: about the radius of a large city.
const CITY_KM: f64 = 15.0;

/// Smaller cities are not told apart.
const POPULATION_MIN: u32 = 100_000;

/// A country's outermost cities are kept for this many compass directions.
const DIRECTIONS: usize = 16;

/// Suburbs and villages beyond the outermost listed city.
const BORDER_KM: f64 = 25.0;

/// Degrees north and east.
type Point = (f64, f64);

/// How far out, and which city.
type Outermost = (f64, Point);

/// Large cities in a grid of one degree, and the outermost cities of each country.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// (floor of lat, floor of lon) → large cities.
    cells: BTreeMap<(i16, i16), Vec<(Point, u32)>>,
    /// Country → for each direction how far out and which point.
    borders: BTreeMap<[u8; 2], [Outermost; DIRECTIONS]>,
}

impl Surroundings {
    /// From a gazetteer, in any order.
    pub fn new<'a>(cities: impl IntoIterator<Item = City<'a>>) -> Self {
        let mut all = Self::default();
        let axes: [(f64, f64); DIRECTIONS] = std::array::from_fn(|direction| {
            let angle = std::f64::consts::TAU * direction as f64 / DIRECTIONS as f64;
            (libm::sin(angle), libm::cos(angle))
        });
        for city in cities {
            let (lat, lon) = city.point;
            if city.population >= POPULATION_MIN {
                all.cells.entry(cell(lat, lon)).or_default().push((city.point, city.population));
            }
            let start = [(f64::NEG_INFINITY, city.point); DIRECTIONS];
            let border = all.borders.entry(city.country_code).or_insert(start);
            for ((north, east), (outmost, point)) in axes.iter().zip(border) {
                let out = lat * north + lon * east;
                // Equal distances go by the point, so that the order of cities does not matter.
                if out > *outmost || (out == *outmost && city.point < *point) {
                    (*outmost, *point) = (out, city.point);
                }
            }
        }
        all
    }

    /// Inhabitants of the largest city within 15 km; 0: none of 100,000 or more.
    pub fn population(&self, point: (f64, f64)) -> u32 {
        let (row, column) = cell(point.0, point.1);
        let around = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right)));
        around
            .filter_map(|(down, right)| {
                self.cells.get(&(row + down, (column + right + 180).rem_euclid(360) - 180))
            })
            .flatten()
            .filter(|(city, _)| distance_km(*city, point) <= CITY_KM)
            .map(|&(_, population)| population)
            .max()
            .unwrap_or(0)
    }

    /// Km from a point to the far end of a country; `None`: the gazetteer has no city there.
    pub fn reach_km(&self, point: (f64, f64), country_code: [u8; 2]) -> Option<f64> {
        let border = self.borders.get(&country_code)?;
        let far = border.iter().map(|&(_, corner)| distance_km(corner, point));
        Some(far.fold(0.0, f64::max) + BORDER_KM)
    }
}

/// The one-degree cell; out-of-range coordinates go to the edge.
fn cell(lat: f64, lon: f64) -> (i16, i16) {
    let floor = |degrees: f64, bound: f64| libm::floor(degrees.clamp(-bound, bound)) as i16;
    (floor(lat, 90.0), floor(lon, 180.0).min(179))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CITIES: [City<'static>; 3] = [
        City {
            name: "West",
            country_code: *b"XA",
            admin1: "",
            point: (0.0, 179.95),
            population: 600_000,
        },
        City {
            name: "East",
            country_code: *b"XA",
            admin1: "",
            point: (10.0, 170.0),
            population: 5_000,
        },
        City {
            name: "Far",
            country_code: *b"XB",
            admin1: "",
            point: (0.0, -170.0),
            population: 150_000,
        },
    ];

    #[test]
    fn a_city_is_found_across_the_date_line() {
        let around = Surroundings::new(CITIES);
        assert_eq!(around.population((0.0, -179.96)), 600_000);
        assert_eq!(around.population((0.0, -179.0)), 0, "115 km away");
        assert_eq!(around.population((10.0, 170.0)), 0, "too small to count");
    }

    #[test]
    fn a_country_reaches_to_its_far_city() {
        let around = Surroundings::new(CITIES);
        let reach = around.reach_km((0.0, 179.95), *b"XA").unwrap();
        assert!((reach - BORDER_KM - distance_km((0.0, 179.95), (10.0, 170.0))).abs() < 1e-9);
        assert_eq!(around.reach_km((0.0, 0.0), *b"XX"), None);
        let turned = Surroundings::new(CITIES.into_iter().rev());
        assert_eq!(turned.reach_km((3.0, 3.0), *b"XA"), around.reach_km((3.0, 3.0), *b"XA"));
    }
}
