//! Geofeeds (RFC 8805): prefix, country, region, city; coordinates where an operator adds them.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::Prefix;

/// The format.
pub(super) struct Geofeed;

impl FeedFormat for Geofeed {
    fn about(&self) -> &'static About {
        &About {
            id: "geofeed",
            reads: "Geofeeds: places of prefixes, by name or with coordinates",
            misses: "postal codes; cities that the gazetteer does not have",
            source: "RFC 8805; two more columns lat,lon are our own",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        if let Some(first) = sample.lines().find(|line| !line.starts_with('#')) {
            let lower = first.to_ascii_lowercase();
            let named: Vec<&str> = lower.split(',').map(str::trim).collect();
            let has = |names: &[&str]| names.iter().any(|name| named.contains(name));
            let places = ["country", "country_code", "lat", "latitude", "alpha2code"];
            let prefixes = ["prefix", "ip_prefix", "network", "subnet", "ip_range", "ip"];
            if has(&prefixes) && has(&places) {
                return Sureness::Certain;
            }
        }
        let share = sample.share(|line| {
            let mut cells = line.split(',').map(str::trim);
            let prefix = cells.next().is_some_and(|cell| cell.parse::<Prefix>().is_ok());
            let country = cells.next().map(|cell| cell.trim_matches('"'));
            let is_country = country.is_some_and(|cell| {
                cell.is_empty() || cell.len() == 2 && cell.bytes().all(|b| b.is_ascii_alphabetic())
            });
            prefix && is_country && cells.next().is_some()
        });
        if share > 0.8 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let (claims, problems) = asked.places.geofeed(asked.name, &bytes);
        for (prefix, claim) in claims {
            let claim = feed.claim(claim);
            feed.place(prefix.into(), claim);
        }
        feed.problems.extend(problems);
        feed.suggested = Some(FeedKind::Places);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, NoPlaces, Places, Said, read};
    use super::*;
    use crate::model::{Claim, Granularity, Problems};

    struct One;

    impl Places for One {
        fn geofeed(&self, name: &str, bytes: &[u8]) -> (Vec<(Prefix, Claim)>, Problems) {
            assert!(bytes.starts_with(b"192.0.2.0/24"));
            let claim = Claim {
                source: name.into(),
                point: Some((59.9, 10.8)),
                city: Some("Oslo".into()),
                region: None,
                country_code: Some(*b"NO"),
                granularity: Granularity::City,
                own: true,
            };
            (vec![("192.0.2.0/24".parse().unwrap(), claim)], Problems::new())
        }
    }

    #[test]
    fn places_are_asked_for_and_kept() {
        let asked = Asked {
            name: "sites",
            origin: "",
            format: None,
            map: None,
            categories: None,
            places: &One,
        };
        let feed = read(b"192.0.2.0/24,NO,,Oslo,\n", &asked).unwrap();
        assert_eq!((feed.format, feed.kind()), ("geofeed", FeedKind::Places));
        let (_, said) = feed.entries().next().unwrap();
        assert!(matches!(said, Said::Place(claim) if &*claim.source == "sites"));
        assert_eq!(feed.examples[0].what, "NO, Oslo, 59.9000,10.8000");
        let none = Asked { places: &NoPlaces, ..asked };
        assert!(read(b"192.0.2.0/24,NO,,Oslo,\n", &none).unwrap().is_empty());
    }
}
