//! An area of the map: what a lasso holds.

/// Corners of one area: more cost more, and no hand draws so many.
pub(super) const CORNERS_MAX: usize = 256;

/// Corners of the fewest-cornered area.
pub(super) const CORNERS_MIN: usize = 3;

/// A polygon whose edges are straight on a Mercator map, since that is where it is drawn. What it
/// goes round an odd number of times is inside (the even-odd rule, Shimrat 1962).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Area {
    /// Degrees east, and the height on the map.
    corners: Vec<[f64; 2]>,
    /// Degrees north: the lowest and the highest corner.
    lats: (f64, f64),
    /// Degrees east: the first and the last corner.
    lons: (f64, f64),
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
        let corners = corners.iter().map(|&[lat, lon]| [lon, height(lat)]).collect();
        Self { corners, lats, lons }
    }

    /// Whether a point in degrees north and east lies inside.
    pub(super) fn holds(&self, [lat, lon]: [f64; 2]) -> bool {
        // NaN, "no point", is within nothing.
        if !(self.lats.0 <= lat && lat <= self.lats.1) {
            return false;
        }
        let worlds = [-360.0, 0.0, 360.0].map(|world| lon + world);
        let mut near = worlds.into_iter().filter(|lon| self.lons.0 <= *lon && *lon <= self.lons.1);
        near.any(|lon| self.goes_round([lon, height(lat)]))
    }

    fn goes_round(&self, [x, y]: [f64; 2]) -> bool {
        let Some(&last) = self.corners.last() else { return false };
        let mut is_inside = false;
        let mut from = last;
        for &to in &self.corners {
            let crosses = (from[1] > y) != (to[1] > y);
            if crosses && x < from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]) {
                is_inside = !is_inside;
            }
            from = to;
        }
        is_inside
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
}
