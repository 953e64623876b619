//! What lies around a point: how large its city is, and how far its country reaches.

use std::collections::BTreeMap;

use super::sphere::{EARTH_RADIUS_KM, apart_km, closeness, on_sphere};

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

/// Rows and columns of one degree.
const ROWS: usize = 180;
const COLUMNS: usize = 360;

/// Large cities in a grid of one degree, and the outermost cities of each country.
///
/// A look-up is made for every address that is placed: it costs nine cells of a few cities and
/// sixteen border cities, about 0.3 µs, with one square root's worth of trigonometry.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Where each cell's cities begin in `cities`; one more for the end.
    cells: Vec<u32>,
    /// Large cities on the unit sphere, cell by cell.
    cities: Vec<([f64; 3], u32)>,
    /// Country → its outermost city in each direction, on the unit sphere.
    borders: BTreeMap<[u8; 2], [[f64; 3]; DIRECTIONS]>,
}

impl Surroundings {
    /// From a gazetteer, in any order.
    pub fn new<'a>(cities: impl IntoIterator<Item = City<'a>>) -> Self {
        let mut large: Vec<(usize, City<'a>)> = Vec::new();
        let mut borders = Borders::default();
        for city in cities {
            if city.population >= POPULATION_MIN {
                let (row, column) = cell(city.point);
                large.push((row * COLUMNS + column, city));
            }
            borders.add(&city);
        }
        large.sort_by_key(|&(cell, city)| (cell, city.population));
        let mut cells = vec![0_u32; ROWS * COLUMNS + 1];
        for &(cell, _) in &large {
            cells[cell + 1] += 1;
        }
        for at in 1..cells.len() {
            cells[at] += cells[at - 1];
        }
        let cities = large.iter().map(|(_, city)| (on_sphere(city.point), city.population));
        Self { cells, cities: cities.collect(), borders: borders.finish() }
    }

    /// Inhabitants of the largest city within 15 km; 0: none of 100,000 or more.
    pub fn population(&self, point: (f64, f64)) -> u32 {
        let (here, (row, column)) = (on_sphere(point), cell(point));
        let near = libm::cos(CITY_KM / EARTH_RADIUS_KM);
        let rows = row.saturating_sub(1)..=(row + 1).min(ROWS - 1);
        let cells = rows.flat_map(|row| {
            let columns = [column + COLUMNS - 1, column, column + 1];
            columns.map(|column| row * COLUMNS + column % COLUMNS)
        });
        cells
            .flat_map(|cell| self.of_cell(cell))
            .filter(|(city, _)| closeness(*city, here) >= near)
            .map(|&(_, population)| population)
            .max()
            .unwrap_or(0)
    }

    fn of_cell(&self, cell: usize) -> &[([f64; 3], u32)] {
        let ends = self.cells.get(cell).zip(self.cells.get(cell + 1));
        let range = ends.map(|(&from, &to)| from as usize..to as usize);
        range.and_then(|range| self.cities.get(range)).unwrap_or(&[])
    }

    /// Km from a point to the far end of a country; `None`: the gazetteer has no city there.
    pub fn reach_km(&self, point: (f64, f64), country_code: [u8; 2]) -> Option<f64> {
        let border = self.borders.get(&country_code)?;
        let here = on_sphere(point);
        let farthest = border.iter().map(|&corner| closeness(corner, here)).fold(1.0, f64::min);
        Some(apart_km(farthest) + BORDER_KM)
    }
}

/// Degrees north and east.
type Point = (f64, f64);

/// Of each country and direction how far out the outermost city is, and where.
struct Borders {
    axes: [(f64, f64); DIRECTIONS],
    outermost: BTreeMap<[u8; 2], [(f64, Point); DIRECTIONS]>,
}

impl Default for Borders {
    fn default() -> Self {
        let axes = std::array::from_fn(|direction| {
            let angle = std::f64::consts::TAU * direction as f64 / DIRECTIONS as f64;
            (libm::sin(angle), libm::cos(angle))
        });
        Self { axes, outermost: BTreeMap::new() }
    }
}

impl Borders {
    fn add(&mut self, city: &City<'_>) {
        let start = [(f64::NEG_INFINITY, city.point); DIRECTIONS];
        let outermost = self.outermost.entry(city.country_code).or_insert(start);
        for ((north, east), (outmost, point)) in self.axes.iter().zip(outermost) {
            let out = city.point.0 * north + city.point.1 * east;
            // Equal distances go by the point, so that the order of cities does not matter.
            if out > *outmost || (out == *outmost && city.point < *point) {
                (*outmost, *point) = (out, city.point);
            }
        }
    }

    fn finish(self) -> BTreeMap<[u8; 2], [[f64; 3]; DIRECTIONS]> {
        let on_sphere = |corners: [(f64, Point); DIRECTIONS]| corners.map(|(_, p)| on_sphere(p));
        self.outermost.into_iter().map(|(country, all)| (country, on_sphere(all))).collect()
    }
}

/// Row from the south pole and column from the date line; what is off the globe goes to the edge.
fn cell((lat, lon): (f64, f64)) -> (usize, usize) {
    let floor = |degrees: f64, last: usize| (degrees.max(0.0) as usize).min(last);
    (floor(lat + 90.0, ROWS - 1), floor(lon + 180.0, COLUMNS - 1))
}

#[cfg(test)]
mod tests {
    use super::super::distance_km;
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
        assert!((reach - BORDER_KM - distance_km((0.0, 179.95), (10.0, 170.0))).abs() < 1e-3);
        assert_eq!(around.reach_km((0.0, 0.0), *b"XX"), None);
        let turned = Surroundings::new(CITIES.into_iter().rev());
        assert_eq!(turned.reach_km((3.0, 3.0), *b"XA"), around.reach_km((3.0, 3.0), *b"XA"));
    }
}
