//! The base map made ready to draw: areas as triangles, lines as points, in the unit square of the
//! Mercator projection (EPSG:3857 scaled to 0..1, y down), where moving and zooming is one
//! multiplication a point.

use std::f64::consts::PI;

use earcut::Earcut;

use crate::intel::{BaseMap, Detail, Intel, Line};

/// The latitude at which Mercator's square ends, in degrees.
pub const LAT_MAX: f64 = 85.051_128_779_806_6;

/// Both levels of detail.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// Natural Earth 1:110 million: for the whole world.
    pub coarse: Level,
    /// Natural Earth 1:50 million: from a continent down.
    pub fine: Level,
}

/// Shapes of one level of detail.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Land.
    pub land: Vec<Area>,
    /// Seas and lakes inside land, drawn over it.
    pub water: Vec<Area>,
    /// Borders between countries.
    pub borders: Vec<Way>,
}

/// A filled ring.
#[derive(Clone, Debug, Default)]
pub struct Area {
    /// Its outline.
    pub outline: Way,
    /// Triangles: each three numbers name points of the outline.
    pub triangles: Vec<u32>,
}

/// A line of points.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// x and y, 0 to 1.
    pub points: Vec<[f32; 2]>,
    /// The smallest x and y, the largest x and y.
    pub bounds: [f32; 4],
}

/// Where a place lies in the unit square.
pub fn mercator(lat: f64, lon: f64) -> [f64; 2] {
    let lat = lat.clamp(-LAT_MAX, LAT_MAX).to_radians();
    let y = (1.0 - libm::log(libm::tan(lat) + 1.0 / libm::cos(lat)) / PI) / 2.0;
    [(lon + 180.0) / 360.0, y]
}

impl Shapes {
    pub(super) fn new(intel: &Intel) -> Self {
        Self {
            coarse: Level::new(&intel.basemap(Detail::Coarse)),
            fine: Level::new(&intel.basemap(Detail::Fine)),
        }
    }
}

impl Level {
    fn new(map: &BaseMap) -> Self {
        let rings: Vec<Way> = map.land.iter().map(way).collect();
        // A ring inside another is a sea that land encloses (the Caspian).
        let is_inside = |ring: &Way| {
            let Some(&first) = ring.points.first() else { return false };
            rings.iter().any(|other| !std::ptr::eq(other, ring) && other.contains(first))
        };
        let (mut land, mut water) = (Vec::new(), Vec::new());
        for ring in &rings {
            match is_inside(ring) {
                true => water.push(area(ring.clone())),
                false => land.push(area(ring.clone())),
            }
        }
        water.extend(map.lakes.iter().map(|lake| area(way(lake))));
        Self { land, water, borders: map.borders.iter().map(way).collect() }
    }
}

impl Way {
    /// Whether a point lies inside, by counting edges to its right.
    fn contains(&self, [x, y]: [f32; 2]) -> bool {
        let [left, top, right, bottom] = self.bounds;
        if x < left || x > right || y < top || y > bottom {
            return false;
        }
        let ends = self.points.iter().zip(self.points.iter().cycle().skip(1));
        let crossings = ends.filter(|&(&[ax, ay], &[bx, by])| {
            (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
        });
        crossings.count() % 2 == 1
    }
}

fn way(line: &Line) -> Way {
    let points: Vec<[f32; 2]> =
        line.iter().map(|&(lat, lon)| mercator(lat, lon).map(|part| part as f32)).collect();
    let none = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let bounds = points.iter().fold(none, |[left, top, right, bottom], &[x, y]| {
        [left.min(x), top.min(y), right.max(x), bottom.max(y)]
    });
    Way { points, bounds }
}

fn area(outline: Way) -> Area {
    let mut triangles: Vec<u32> = Vec::new();
    Earcut::new().earcut(outline.points.iter().copied(), &[], &mut triangles);
    Area { outline, triangles }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_has_its_corners_and_its_middle() {
        let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-9;
        assert!(near(mercator(0.0, 0.0), [0.5, 0.5]));
        assert!(near(mercator(LAT_MAX, -180.0), [0.0, 0.0]));
        assert!(near(mercator(-LAT_MAX, 180.0), [1.0, 1.0]));
        assert!(near(mercator(90.0, 0.0), [0.5, 0.0]), "the pole lies on the edge");
    }

    #[test]
    fn a_ring_inside_another_is_water() {
        let ring = |r: f64| vec![(-r, -r), (-r, r), (r, r), (r, -r), (-r, -r)];
        let map = BaseMap { land: vec![ring(20.0), ring(5.0)], ..BaseMap::default() };
        let level = Level::new(&map);
        assert_eq!((level.land.len(), level.water.len()), (1, 1));
        assert_eq!(level.land[0].triangles.len(), 6, "a square is two triangles");
    }
}
