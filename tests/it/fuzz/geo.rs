//! Fuzz targets of `geo`.

use infralock::geo::{City, geofeed};

const CITIES: [City<'static>; 2] = [
    City {
        name: "Montréal",
        country_code: *b"CA",
        admin1: "10",
        point: (45.5, -73.6),
        population: 1_762_949,
    },
    City {
        name: "Springfield",
        country_code: *b"US",
        admin1: "IL",
        point: (39.8, -89.6),
        population: 114_394,
    },
];

/// Any bytes are a geofeed with problems: claims are inside the world, prefixes come once.
pub fn fuzz_geofeed(data: &[u8]) {
    let feed = geofeed::parse("feed", data, CITIES);
    let mut prefixes: Vec<_> = feed.claims.iter().map(|(prefix, _)| *prefix).collect();
    prefixes.sort();
    assert!(prefixes.windows(2).all(|pair| pair[0] != pair[1]));
    for (_, claim) in &feed.claims {
        assert!(claim.own && (claim.point.is_some() || claim.country_code.is_some()));
        assert!(claim.point.is_none_or(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0));
    }
    assert!(feed.claims.len() <= data.iter().filter(|&&byte| byte == b'\n').count() + 1);
}
