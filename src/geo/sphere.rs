//! Distances and circles on a sphere.

/// Mean radius of the GRS 80 ellipsoid in km; the glossary's great-circle distance.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Great-circle distance in km between two points in degrees `(lat, lon)` (haversine, Sinnott
/// 1984). Bit-equal on every machine.
///
/// ```
/// use infralock::geo::distance_km;
/// let (paris, london) = ((48.8566, 2.3522), (51.5074, -0.1278));
/// assert!((distance_km(paris, london) - 343.6).abs() < 0.1);
/// ```
pub fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((b.1 - a.1).to_radians() / 2.0);
    let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(h).min(1.0))
}

/// The point on the unit sphere: distances of one point to many then cost a product each.
pub(super) fn on_sphere((lat, lon): (f64, f64)) -> [f64; 3] {
    let (lat, lon) = (lat.to_radians(), lon.to_radians());
    let cos_lat = libm::cos(lat);
    [cos_lat * libm::cos(lon), cos_lat * libm::sin(lon), libm::sin(lat)]
}

/// Cosine of the angle between two points on the unit sphere: the smaller, the farther apart.
pub(super) fn closeness(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The great-circle distance in km of points this close.
pub(super) fn apart_km(closeness: f64) -> f64 {
    EARTH_RADIUS_KM * libm::acos(closeness.clamp(-1.0, 1.0))
}

/// `corners` points `(lat, lon)` on the circle of `radius_km` around `center`, clockwise from
/// north. Longitudes run on past ±180°, so that the outline has no jump; who draws it wraps it.
pub fn circle(center: (f64, f64), radius_km: f64, corners: u32) -> Vec<(f64, f64)> {
    let (lat, angle) = (center.0.to_radians(), radius_km / EARTH_RADIUS_KM);
    let (sin_lat, cos_lat) = (libm::sin(lat), libm::cos(lat));
    let (sin_angle, cos_angle) = (libm::sin(angle), libm::cos(angle));
    (0..corners)
        .map(|corner| {
            let bearing = std::f64::consts::TAU * f64::from(corner) / f64::from(corners);
            let sin_to = sin_lat * cos_angle + cos_lat * sin_angle * libm::cos(bearing);
            let to = libm::asin(sin_to.clamp(-1.0, 1.0));
            let east = libm::atan2(
                libm::sin(bearing) * sin_angle * cos_lat,
                cos_angle - sin_lat * libm::sin(to),
            );
            (to.to_degrees(), center.1 + east.to_degrees())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_distances() {
        for (a, b, km) in [
            ((0.0, 0.0), (0.0, 180.0), std::f64::consts::PI * EARTH_RADIUS_KM),
            ((90.0, 0.0), (-90.0, 77.0), std::f64::consts::PI * EARTH_RADIUS_KM),
            ((0.0, 179.5), (0.0, -179.5), 111.195),
            ((52.37, 4.90), (52.37, 4.90), 0.0),
        ] {
            assert!((distance_km(a, b) - km).abs() < 0.01, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn every_corner_has_the_radius(
            lat in -89.0..89.0_f64, lon in -180.0..180.0_f64, radius_km in 1.0..9000.0_f64
        ) {
            for corner in circle((lat, lon), radius_km, 24) {
                prop_assert!((distance_km((lat, lon), corner) - radius_km).abs() < 1e-3);
            }
        }

        #[test]
        fn products_and_haversines_agree(
            a in (-90.0..90.0_f64, -180.0..180.0_f64), b in (-90.0..90.0_f64, -180.0..180.0_f64)
        ) {
            let apart = apart_km(closeness(on_sphere(a), on_sphere(b)));
            prop_assert!((apart - distance_km(a, b)).abs() < 0.2);
        }

        #[test]
        fn distance_is_symmetric_and_bounded(
            a in (-90.0..90.0_f64, -180.0..180.0_f64), b in (-90.0..90.0_f64, -180.0..180.0_f64)
        ) {
            prop_assert_eq!(distance_km(a, b), distance_km(b, a));
            prop_assert!(distance_km(a, b) <= std::f64::consts::PI * EARTH_RADIUS_KM + 1e-6);
        }
    }
}
