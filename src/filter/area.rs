//! An area of the map: what a lasso holds.

/// Corners of one area: more cost more, and no hand draws so many.
pub(super) const CORNERS_MAX: usize = 256;

/// Corners of the fewest-cornered area.
pub(super) const CORNERS_MIN: usize = 3;

/// Bands of latitude by which the sides of an area are found.
const BANDS: usize = 256;

/// Degrees by which a band is made higher: more than rounding can be wrong by.
const MARGIN: f64 = 1e-9;

/// A polygon whose sides are straight on a Mercator map, since that is where it is drawn. What it
/// goes round an odd number of times is inside (the even-odd rule, Shimrat 1962).
///
/// A point is asked about the sides in its band of latitude alone, and of most of these its
/// longitude says enough: with 32 corners that takes a third of the time and less.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Area {
    /// The sides in each band, from the south.
    bands: Vec<Vec<Side>>,
    /// Bands in a degree.
    per_degree: f64,
    /// Degrees north: the lowest and the highest corner.
    lats: (f64, f64),
    /// Degrees east: the first and the last corner.
    lons: (f64, f64),
    /// Degrees to add to a longitude to reach the worlds in which the area lies.
    worlds: Vec<f64>,
}

/// A side of an area in a band of latitude: degrees east and heights on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Side {
    from: [f64; 2],
    to: [f64; 2],
    /// Where it certainly lies east of a point that is west of this, anywhere in the band …
    west: f64,
    /// … and west of one that is east of this.
    east: f64,
}

impl Area {
    /// Of corners in degrees north and east. Longitudes may go on beyond ±180°, so that an area
    /// across the edge of the map is one.
    pub(super) fn new(corners: &[[f64; 2]]) -> Self {
        let ends = |axis: usize| {
            let values = corners.iter().map(|corner| corner[axis]);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            })
        };
        let (lats, lons) = (ends(0), ends(1));
        let corners: Vec<[f64; 2]> = corners.iter().map(|&[lat, lon]| [lon, height(lat)]).collect();
        let before = corners.iter().cycle().skip(corners.len().saturating_sub(1));
        let sides: Vec<_> = before.zip(&corners).map(|(from, to)| (*from, *to)).collect();
        let step = (lats.1 - lats.0) / BANDS as f64;
        let band = |number: usize| {
            let lowest = lats.0 + step * number as f64;
            let (low, high) = (height(lowest - MARGIN), height(lowest + step + MARGIN));
            let sides = sides.iter().filter_map(|&(from, to)| Side::new(from, to, (low, high)));
            sides.collect()
        };
        let per_degree = if step > 0.0 { 1.0 / step } else { 0.0 };
        let reaches = |world: &f64| lons.0 <= world + 180.0 && world - 180.0 <= lons.1;
        let worlds = [-360.0, 0.0, 360.0].into_iter().filter(reaches).collect();
        Self { bands: (0..BANDS).map(band).collect(), per_degree, lats, lons, worlds }
    }

    /// Whether a point in degrees north and east lies inside.
    pub(super) fn holds(&self, [lat, lon]: [f64; 2]) -> bool {
        // NaN, "no point", is within nothing.
        if !(self.lats.0 <= lat && lat <= self.lats.1) {
            return false;
        }
        let band = ((lat - self.lats.0) * self.per_degree) as usize;
        let Some(sides) = self.bands.get(band.min(BANDS - 1)) else { return false };
        self.worlds.iter().any(|world| {
            let lon = lon + world;
            self.lons.0 <= lon
                && lon <= self.lons.1
                && sides.iter().fold(false, |odd, side| odd != side.is_east_of(lon, lat))
        })
    }
}

impl Side {
    /// The side between two corners in a band between two heights; `None`: it is not there.
    fn new(from: [f64; 2], to: [f64; 2], (low, high): (f64, f64)) -> Option<Self> {
        let (lowest, highest) = (from[1].min(to[1]), from[1].max(to[1]));
        let side = Self { from, to, west: f64::NEG_INFINITY, east: f64::INFINITY };
        if highest < low || lowest > high {
            return None;
        }
        if lowest > low || highest <= high {
            // It ends in the band: only the height of a point tells.
            return Some(side);
        }
        let (one, other) = (side.lon_at(low), side.lon_at(high));
        Some(Self { west: one.min(other) - MARGIN, east: one.max(other) + MARGIN, ..side })
    }

    /// Whether the parallel that goes east from a point crosses it.
    fn is_east_of(&self, lon: f64, lat: f64) -> bool {
        if lon < self.west || lon > self.east {
            return lon < self.west;
        }
        let y = height(lat);
        (self.from[1] > y) != (self.to[1] > y) && lon < self.lon_at(y)
    }

    fn lon_at(&self, y: f64) -> f64 {
        let part = (y - self.from[1]) / (self.to[1] - self.from[1]);
        self.from[0] + part * (self.to[0] - self.from[0])
    }
}

/// How high a latitude lies on a Mercator map, in units of the globe's radius.
fn height(lat: f64) -> f64 {
    lat.to_radians().tan().asinh()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_inside_or_not() {
        let benelux = Area::new(&[[49.4, 2.5], [53.7, 4.5], [53.7, 7.3], [49.4, 6.6]]);
        assert!(benelux.holds([52.37, 4.9]));
        assert!(!benelux.holds([51.5, -0.1]));
        assert!(!benelux.holds([48.9, 2.3]));
        assert!(!benelux.holds([f64::NAN, f64::NAN]));
        let bay = Area::new(&[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [5.0, 1.0], [0.0, 10.0]]);
        assert!(bay.holds([8.0, 3.0]) && !bay.holds([5.0, 5.0]), "a bay is outside");
    }

    #[test]
    fn an_area_goes_on_beyond_the_edge_of_the_map() {
        let fiji = Area::new(&[[-10.0, 170.0], [-10.0, 190.0], [-25.0, 190.0], [-25.0, 170.0]]);
        assert!(fiji.holds([-18.0, 178.4]) && fiji.holds([-18.0, -178.4]));
        assert!(!fiji.holds([-18.0, 0.0]));
        let west = Area::new(&[[10.0, -190.0], [10.0, -170.0], [-10.0, -180.0]]);
        assert!(west.holds([5.0, 178.0]) && west.holds([5.0, -178.0]));
    }

    #[test]
    fn edges_are_straight_on_the_map() {
        // Halfway between the equator and 60° on a Mercator map lies 35.3°, not 30°.
        let wedge = Area::new(&[[0.0, 0.0], [60.0, 10.0], [60.0, -10.0]]);
        let middle = (height(60.0) / 2.0).sinh().atan().to_degrees();
        assert!((middle - 35.3).abs() < 0.1, "{middle}");
        assert!(wedge.holds([middle, 4.9]) && !wedge.holds([middle, 5.1]));
        let pole = Area::new(&[[90.0, 0.0], [80.0, 20.0], [80.0, -20.0]]);
        assert!(pole.holds([85.0, 0.0]));
    }

    /// Whether it goes round a point, asked of every side in the plainest way.
    fn plainly(corners: &[[f64; 2]], [lat, lon]: [f64; 2]) -> bool {
        let y = height(lat);
        let mut from = corners[corners.len() - 1];
        let mut crossed = 0;
        for &to in corners {
            let (a, b) = (height(from[0]), height(to[0]));
            if (a > y) != (b > y) && lon < from[1] + (y - a) / (b - a) * (to[1] - from[1]) {
                crossed += 1;
            }
            from = to;
        }
        crossed % 2 == 1
    }

    proptest::proptest! {
        #[test]
        fn bands_say_what_all_sides_say(
            corners in proptest::collection::vec((-90_i16..=90, -180_i16..=180), 3..20),
            points in proptest::collection::vec((-90_i16..=90, -360_i16..=360), 50),
        ) {
            let corners: Vec<[f64; 2]> =
                corners.into_iter().map(|(lat, lon)| [lat, lon].map(f64::from)).collect();
            let area = Area::new(&corners);
            for (lat, half) in points {
                let point = [f64::from(lat), f64::from(half) / 2.0 + 0.25];
                let within = corners.iter().any(|it| it[0] <= point[0])
                    && corners.iter().any(|it| it[0] >= point[0]);
                let expected = within && plainly(&corners, point);
                proptest::prop_assert_eq!(area.holds(point), expected, "{:?}", point);
            }
        }
    }
}
