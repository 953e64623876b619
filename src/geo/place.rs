//! Claims → one place: who wins, and what is said where no point is honest.

use std::sync::Arc;

use super::calibration::{Calibration, CitySize, Class, Measured, Network, OTHER_COUNTRY, Votes};
use crate::intel;
use crate::model::{Claim, Facts, Granularity, Kind, Place, PlaceCandidate};

/// The set of regions that clouds name for their own prefixes.
const CLOUD_SET: &str = "cloud-regions";

/// A city that the analyst names holds the host within this: truths at city level are themselves
/// 10–40 km off.
const OWN_CITY_RADIUS_KM: f64 = 40.0;

/// A site that the analyst names by coordinates.
const OWN_SITE_RADIUS_KM: f64 = 1.0;

/// The place of an address, from what is known of it. `None`: nothing is claimed.
///
/// An analyst's own geofeed wins over all. Anycast has no place at all, satellite access only a
/// country. Else a cloud's own region wins over a database's city, and a country alone is a
/// country alone, never its middle.
pub fn place(facts: &Facts, calibration: &Calibration) -> Option<Place> {
    if let Some(own) = facts.claims.iter().filter(|claim| claim.own).max_by_key(|c| c.granularity) {
        return Some(own_place(own, facts));
    }
    if facts.is(Kind::Anycast) {
        let note = "Announced from many sites at once (anycast): it has no single place.";
        return Some(without_point(None, note, facts));
    }
    if facts.is(Kind::Satellite) {
        let note = "Satellite access: the user may be far from the ground station.";
        return Some(without_point(country(facts), note, facts));
    }
    let region = facts.claims.iter().find(|claim| is_cloud(claim));
    let region = region.and_then(|c| measured_place(c, Class::CloudRegion, facts, calibration));
    if region.is_some() {
        return region;
    }
    let city = facts.claims.iter().find(|claim| has_city(claim));
    if let Some(claim) = city {
        let class = class_of(claim, facts, calibration);
        return measured_place(claim, class, facts, calibration);
    }
    let country = country(facts)?;
    let registration = facts.claims.iter().all(is_registration);
    let note = if registration {
        "Only the country of registration is known; the host may be elsewhere."
    } else {
        "Only the country is known."
    };
    Some(without_point(Some(country), note, facts))
}

/// The class of a database's city.
fn class_of(claim: &Claim, facts: &Facts, calibration: &Calibration) -> Class {
    let votes = match vote(facts) {
        Some(country) if claim.country_code.is_some_and(|own| own != country) => Votes::Differ,
        _ => Votes::Agree,
    };
    let server = [Kind::Hosting, Kind::Vpn, Kind::Tor, Kind::Proxy, Kind::Cdn, Kind::Crawler];
    let network = match server.iter().any(|&kind| facts.is(kind)) {
        true => Network::Server,
        false => Network::Access,
    };
    let population = claim.point.map_or(0, |point| calibration.surroundings().population(point));
    Class::City(votes, network, CitySize::of(population))
}

/// The class that a place of these facts falls into; `None`: no city or region is claimed.
pub fn class(facts: &Facts, calibration: &Calibration) -> Option<(Class, (f64, f64))> {
    let cloud = facts.claims.iter().find(|claim| is_cloud(claim));
    if let Some(point) = cloud.and_then(|claim| claim.point) {
        return Some((Class::CloudRegion, point));
    }
    let claim = facts.claims.iter().find(|claim| has_city(claim))?;
    Some((class_of(claim, facts, calibration), claim.point?))
}

fn has_city(claim: &Claim) -> bool {
    claim.point.is_some() && claim.granularity >= Granularity::City && !is_cloud(claim)
}

fn is_cloud(claim: &Claim) -> bool {
    *claim.source == *CLOUD_SET
}

fn is_registration(claim: &Claim) -> bool {
    intel::is_registration(&claim.source)
}

/// What the better country sets say: those that are neither registrations nor have a city.
fn vote(facts: &Facts) -> Option<[u8; 2]> {
    let voters = facts
        .claims
        .iter()
        .filter(|claim| claim.granularity == Granularity::Country && !is_registration(claim));
    voters.filter_map(|claim| claim.country_code).next()
}

/// The country: the better sets first (right for 95 % of satellite users, where databases of
/// cities have 92 % and registrations 33 %; measured 2026-11), then a city's, then registration.
fn country(facts: &Facts) -> Option<[u8; 2]> {
    let named = |wanted: fn(&Claim) -> bool| {
        facts.claims.iter().filter(move |claim| wanted(claim)).find_map(|claim| claim.country_code)
    };
    vote(facts)
        .or_else(|| named(|claim| !is_registration(claim)))
        .or_else(|| named(is_registration))
}

fn own_place(own: &Claim, facts: &Facts) -> Place {
    let radius_km = match own.granularity {
        Granularity::Site => Some(OWN_SITE_RADIUS_KM),
        Granularity::City => Some(OWN_CITY_RADIUS_KM),
        Granularity::Region | Granularity::Country => None,
    };
    Place {
        lat: own.point.map(|point| point.0),
        lon: own.point.map(|point| point.1),
        radius_km: radius_km.filter(|_| own.point.is_some()),
        confidence: None,
        city: own.city.clone(),
        region: own.region.clone(),
        country_code: own.country_code.map(text),
        granularity: Some(own.granularity),
        note: Some("As your own geofeed says; not measured."),
        candidates: candidates(facts, own, 1.0, 0.0),
    }
}

fn without_point(country: Option<[u8; 2]>, note: &'static str, facts: &Facts) -> Place {
    let candidates = facts.claims.iter().map(|claim| candidate(claim, 0.0)).collect();
    Place {
        lat: None,
        lon: None,
        radius_km: None,
        confidence: None,
        city: None,
        region: None,
        country_code: country.map(text),
        granularity: country.map(|_| Granularity::Country),
        note: Some(note),
        candidates: merged(candidates),
    }
}

fn measured_place(
    claim: &Claim,
    class: Class,
    facts: &Facts,
    calibration: &Calibration,
) -> Option<Place> {
    let point = claim.point?;
    let measured = calibration.measured(class)?;
    let note = match class {
        Class::CloudRegion => Some("The region that the cloud names for this prefix."),
        Class::City(Votes::Differ, ..) => Some("Sources disagree on the country."),
        Class::City(..) => None,
    };
    Some(Place {
        lat: Some(point.0),
        lon: Some(point.1),
        radius_km: Some(radius_km(measured, claim, calibration)),
        confidence: Some(rounded(measured.confidence, 1e4)),
        city: claim.city.clone(),
        region: claim.region.clone(),
        country_code: claim.country_code.map(text),
        granularity: Some(claim.granularity),
        note,
        candidates: candidates(facts, claim, measured.confidence, OTHER_COUNTRY),
    })
}

/// The class's radius, cut at the far end of the country where the table allows.
fn radius_km(measured: &Measured, claim: &Claim, calibration: &Calibration) -> f64 {
    let reach = claim
        .point
        .zip(claim.country_code)
        .filter(|_| measured.cut)
        .and_then(|(point, country)| calibration.surroundings().reach_km(point, country));
    rounded(reach.map_or(measured.radius_km, |reach| measured.radius_km.min(reach)), 1.0)
}

/// All that was claimed, the chosen one first. Claims of the same place are one candidate.
fn candidates(facts: &Facts, chosen: &Claim, weight: f64, other: f64) -> Vec<PlaceCandidate> {
    let other = other.min(1.0 - weight).max(0.0);
    let voted = vote(facts).filter(|&country| Some(country) != chosen.country_code);
    let mut others = facts.claims.iter().filter(|claim| *claim != chosen).map(|claim| {
        let votes = claim.granularity == Granularity::Country && !is_registration(claim);
        let speaks = votes && claim.country_code.is_some() && claim.country_code == voted;
        candidate(claim, if speaks { other } else { 0.0 })
    });
    let mut all = vec![candidate(chosen, weight)];
    all.extend(others.by_ref());
    merged(all)
}

fn candidate(claim: &Claim, weight: f64) -> PlaceCandidate {
    // A country's middle is no place.
    let point = claim.point.filter(|_| claim.granularity >= Granularity::Region);
    PlaceCandidate {
        city: claim.city.clone(),
        country_code: claim.country_code.map(text),
        lat: point.map(|point| point.0),
        lon: point.map(|point| point.1),
        weight: rounded(weight, 1e4),
        sources: vec![Arc::clone(&claim.source)],
    }
}

/// Candidates that name the same place become one with all their sources. A country set that
/// agrees with the chosen city stands behind it, as a vote.
fn merged(all: Vec<PlaceCandidate>) -> Vec<PlaceCandidate> {
    let mut kept: Vec<PlaceCandidate> = Vec::with_capacity(all.len());
    for candidate in all {
        let same = kept.iter_mut().find(|known| {
            known.country_code == candidate.country_code
                && (candidate.lat.is_none() && candidate.city.is_none()
                    || (known.lat, known.lon, &known.city)
                        == (candidate.lat, candidate.lon, &candidate.city))
        });
        match same {
            Some(known) => {
                known.weight = known.weight.max(candidate.weight);
                for source in candidate.sources {
                    if !known.sources.contains(&source) {
                        known.sources.push(source);
                    }
                }
            }
            None => kept.push(candidate),
        }
    }
    kept
}

fn text(country: [u8; 2]) -> String {
    country.iter().map(|&letter| char::from(letter)).collect()
}

fn rounded(value: f64, parts: f64) -> f64 {
    libm::round(value * parts) / parts
}

#[cfg(test)]
mod tests {
    use super::super::City;
    use super::*;

    const CITIES: [City<'static>; 3] = [
        city("Amsterdam", *b"NL", (52.374, 4.890), 741_636),
        city("Maastricht", *b"NL", (50.848, 5.689), 122_378),
        city("Dallas", *b"US", (32.783, -96.807), 1_300_092),
    ];

    const fn city(
        name: &'static str,
        country_code: [u8; 2],
        point: (f64, f64),
        population: u32,
    ) -> City<'static> {
        City { name, country_code, admin1: "", point, population }
    }

    fn claim(source: &str, country: &[u8; 2], place: Option<(&str, (f64, f64))>) -> Claim {
        Claim {
            source: source.into(),
            point: place.map(|(_, point)| point),
            city: place.map(|(city, _)| city.into()),
            region: None,
            country_code: Some(*country),
            granularity: if place.is_some() { Granularity::City } else { Granularity::Country },
            own: false,
        }
    }

    fn amsterdam() -> Claim {
        claim("dbip-city", b"NL", Some(("Amsterdam", (52.374, 4.890))))
    }

    fn placed(kinds: &[Kind], claims: Vec<Claim>) -> Option<Place> {
        let facts = Facts { kinds: kinds.to_vec(), claims, ..Facts::default() };
        place(&facts, &Calibration::new(CITIES))
    }

    #[test]
    fn nothing_claimed_is_no_place() {
        assert_eq!(placed(&[], vec![]), None);
    }

    #[test]
    fn agreement_gives_the_city_with_its_measured_radius_cut_at_the_border() {
        let who = claim("geo-whois-asn-country", b"NL", None);
        let place = placed(&[], vec![amsterdam(), who]).unwrap();
        let measured = Calibration::new(CITIES);
        let class = Class::City(Votes::Agree, Network::Access, CitySize::Metropolis);
        assert_eq!(place.confidence, Some(measured.measured(class).unwrap().confidence));
        assert_eq!(place.radius_km, Some(203.0), "the far end of the country, not 1,607 km");
        assert_eq!((place.candidates.len(), place.candidates[0].sources.len()), (1, 2));
        assert_eq!(place.note, None);
    }

    #[test]
    fn a_differing_country_lowers_confidence_and_stays_a_candidate() {
        let (who, registered) =
            (claim("geo-whois-asn-country", b"US", None), claim("asn-country", b"GB", None));
        let place = placed(&[Kind::Hosting], vec![amsterdam(), who, registered]).unwrap();
        assert_eq!(place.country_code.as_deref(), Some("NL"));
        assert!(place.note.unwrap().contains("disagree"));
        let weights: Vec<(Option<&str>, f64)> =
            place.candidates.iter().map(|c| (c.country_code.as_deref(), c.weight)).collect();
        assert_eq!(weights[1..], [(Some("US"), OTHER_COUNTRY), (Some("GB"), 0.0)]);
        let agreeing = placed(&[Kind::Hosting], vec![amsterdam()]).unwrap();
        assert!(place.confidence < agreeing.confidence && place.radius_km > agreeing.radius_km);
    }

    #[test]
    fn a_registration_does_not_vote() {
        let registered = claim("asn-country", b"US", None);
        let place = placed(&[], vec![amsterdam(), registered]).unwrap();
        assert_eq!(place.note, None);
    }

    #[test]
    fn anycast_has_no_place_and_satellite_a_country() {
        let who = claim("geo-whois-asn-country", b"US", None);
        let anycast = placed(&[Kind::Anycast], vec![amsterdam(), who.clone()]).unwrap();
        assert_eq!((anycast.lat, anycast.country_code, anycast.granularity), (None, None, None));
        assert!(anycast.note.unwrap().contains("anycast") && anycast.candidates.len() == 2);
        let satellite = placed(&[Kind::Satellite], vec![amsterdam(), who]).unwrap();
        assert_eq!((satellite.lat, satellite.country_code.as_deref()), (None, Some("US")));
        assert_eq!(satellite.granularity, Some(Granularity::Country));
    }

    #[test]
    fn a_cloud_region_wins_over_a_city_and_an_own_site_over_both() {
        let region = claim("cloud-regions", b"US", Some(("Dallas", (32.783, -96.807))));
        let cloud = placed(&[Kind::Hosting], vec![amsterdam(), region.clone()]).unwrap();
        assert_eq!((cloud.city.as_deref(), cloud.candidates.len()), (Some("Dallas"), 2));
        let own = Claim {
            own: true,
            granularity: Granularity::Site,
            ..claim("sites.csv", b"NL", Some(("Maastricht", (50.848, 5.689))))
        };
        let site = placed(&[Kind::Anycast], vec![amsterdam(), region, own]).unwrap();
        assert_eq!((site.city.as_deref(), site.radius_km), (Some("Maastricht"), Some(1.0)));
        assert_eq!((site.confidence, site.candidates[0].weight), (None, 1.0));
    }

    #[test]
    fn a_country_alone_has_no_point_even_if_the_source_gives_its_middle() {
        let middle = Claim { point: Some((52.5, 5.75)), ..claim("dbip-city", b"NL", None) };
        let place = placed(&[], vec![middle]).unwrap();
        assert_eq!((place.lat, place.country_code.as_deref()), (None, Some("NL")));
        assert_eq!(place.candidates[0].lat, None);
        let registered = placed(&[], vec![claim("asn-country", b"NL", None)]).unwrap();
        assert!(registered.note.unwrap().contains("registration"));
    }
}
