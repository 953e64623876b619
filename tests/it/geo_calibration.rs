//! The recipe behind the table of `geo`: measures it again on places with a known truth, compares
//! it with what is shipped, and says how well it holds for sources it was not measured on.

use std::collections::{BTreeMap, BTreeSet};

use infralock::geo::{
    COVERAGE, Calibration, City, Class, Measured, NEAR_KM, OTHER_COUNTRY, SAMENESS, SHIPPED,
    Sample, class, distance_km, measure, place,
};
use infralock::intel::{BundledSets, Intel};
use infralock::model::{Addr, Facts, Granularity, Kind, Prefix};

use crate::corpora;

/// What the databases took over proves nothing, and a satellite's city is not where the dish is.
const HONEST: [&str; 4] = ["feed-eastlink-intcore", "feed-misc", "mullvad-relay", "ookla-ip"];

/// The provider's own feed, for the regions it names itself.
const CLOUD: &str = "feed-gcp";

/// One row of the truth beside what is known of it.
struct Truth {
    src: String,
    country: String,
    city: String,
    point: (f64, f64),
    facts: Facts,
}

/// One address of each prefix: the second, where there is one (the first is often a router).
fn truths(intel: &Intel) -> Option<Vec<Truth>> {
    let path = corpora::find("geo/truth.csv")?;
    let mut seen = BTreeSet::new();
    let mut truths = Vec::new();
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let prefix: Prefix = row[1].parse().unwrap();
        if !seen.insert((row[0].to_owned(), prefix)) {
            continue;
        }
        let (first, last) = (prefix.first().bits(), prefix.last().bits());
        let bits = first + u128::from(last > first + 1);
        let addr = Addr::from_bits(prefix.first().family(), bits).unwrap();
        truths.push(Truth {
            src: row[0].to_owned(),
            country: row[2].to_owned(),
            city: row[3].to_owned(),
            point: (row[4].parse().unwrap(), row[5].parse().unwrap()),
            facts: intel.facts(addr),
        });
    }
    Some(truths)
}

/// The units: source and AS; for a cloud's own regions source and city.
fn units(truths: &[Truth]) -> BTreeMap<(String, String), u32> {
    let keys: BTreeSet<_> = truths.iter().map(unit_key).collect();
    keys.into_iter().zip(0..).collect()
}

fn unit_key(truth: &Truth) -> (String, String) {
    let part = match truth.src.as_str() {
        CLOUD => truth.city.clone(),
        _ => format!("{:?}", truth.facts.asn),
    };
    (truth.src.clone(), part)
}

/// Samples of these sources; a cloud's feed speaks of its own regions alone.
fn samples(truths: &[Truth], calibration: &Calibration, wanted: &[&str]) -> Vec<Sample> {
    let units = units(truths);
    let mut samples = Vec::new();
    for truth in truths.iter().filter(|truth| wanted.contains(&truth.src.as_str())) {
        let Some((class, point)) = class(&truth.facts, calibration) else { continue };
        if (class == Class::CloudRegion) != (truth.src == CLOUD) || truth.facts.is(Kind::Anycast) {
            continue;
        }
        samples.push(Sample {
            class,
            unit: units[&unit_key(truth)],
            error_km: distance_km(point, truth.point),
            reach_km: reach_km(truth, class, point, calibration),
        });
    }
    samples
}

/// To the far end of the country that the chosen claim names.
fn reach_km(truth: &Truth, class: Class, point: (f64, f64), calibration: &Calibration) -> f64 {
    let cloud = class == Class::CloudRegion;
    let claims = truth.facts.claims.iter();
    let mut chosen = claims
        .filter(|claim| (*claim.source == *"cloud-regions") == cloud && claim.point == Some(point));
    let country = chosen.next().and_then(|claim| claim.country_code);
    let reach = country.and_then(|country| calibration.surroundings().reach_km(point, country));
    reach.unwrap_or(f64::INFINITY)
}

fn cities(intel: &Intel) -> impl Iterator<Item = City<'_>> {
    intel.gazetteer().cities().map(|city| City {
        name: city.name,
        country_code: city.country_code,
        admin1: city.admin1,
        point: city.point,
        population: city.population,
    })
}

fn calibration(intel: &Intel) -> Calibration {
    Calibration::new(cities(intel))
}

#[test]
fn the_shipped_table_is_what_the_recipe_measures() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let Some(truths) = truths(&intel) else { return };
    let calibration = calibration(&intel);
    let mut all = samples(&truths, &calibration, &HONEST);
    all.extend(samples(&truths, &calibration, &[CLOUD]));
    let measured = measure(&all);
    for row in &measured {
        println!("{}", as_code(row));
    }
    let (right, units) = other_country(&truths);
    println!("other country right: {right:.3} of {units} units");
    for (shipped, measured) in SHIPPED.iter().zip(&measured) {
        assert_eq!((shipped.class, shipped.cut), (measured.class, measured.cut));
        assert_eq!(shipped.rows, measured.rows, "{:?}", shipped.class);
        assert!((shipped.confidence - measured.confidence).abs() < 0.001, "{measured:?}");
        let off = (shipped.radius_km - measured.radius_km).abs() / measured.radius_km;
        assert!(off < 0.01, "{:?}: {} km", measured.class, measured.radius_km);
    }
    assert!((right - OTHER_COUNTRY).abs() < 0.01);
    let alike = sameness(&samples(&truths, &calibration, &HONEST));
    println!("sameness of rows of one unit: {alike:.3}");
    assert!((alike - SAMENESS).abs() < 0.05);
}

/// Intraclass correlation of being right, by one-way analysis of variance with unequal groups.
fn sameness(samples: &[Sample]) -> f64 {
    let mut units: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let right = f64::from(u8::from(sample.error_km <= NEAR_KM));
        units.entry(sample.unit).or_default().push(right);
    }
    let (groups, rows) = (units.len() as f64, samples.len() as f64);
    let mean = |rows: &[f64]| rows.iter().sum::<f64>() / rows.len() as f64;
    let all: Vec<f64> = units.values().flatten().copied().collect();
    let whole = mean(&all);
    let square = |value: f64| value * value;
    let between = units.values().map(|unit| unit.len() as f64 * square(mean(unit) - whole));
    let between = between.sum::<f64>() / (groups - 1.0);
    let within = units.values().flat_map(|unit| {
        let middle = mean(unit);
        unit.iter().map(move |right| square(right - middle))
    });
    let within = within.sum::<f64>() / (rows - groups);
    let squares: f64 = units.values().map(|unit| square(unit.len() as f64)).sum();
    let size = (rows - squares / rows) / (groups - 1.0);
    (between - within) / (between + (size - 1.0) * within)
}

/// The row as it stands in `src/geo/calibration.rs`.
fn as_code(row: &Measured) -> String {
    let class = match row.class {
        Class::CloudRegion => "Class::CloudRegion".to_owned(),
        Class::City(votes, network, size) => {
            format!("Class::City({votes:?}, {network:?}, {size:?})")
        }
    };
    let name = if row.cut { "row" } else { "uncut" };
    format!(
        "        {name}({class}, {}, {:.1}, {:.3}, {:.1}),",
        row.rows, row.weight, row.confidence, row.radius_km
    )
}

/// Where the country vote differs from the city's country: how often the vote is right.
fn other_country(truths: &[Truth]) -> (f64, f64) {
    let mut units: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for truth in truths.iter().filter(|truth| HONEST.contains(&truth.src.as_str())) {
        let said = |source: &str| {
            let claim = truth.facts.claims.iter().find(|claim| *claim.source == *source)?;
            claim.country_code
        };
        let (Some(vote), Some(city)) = (said("geo-whois-asn-country"), said("dbip-city")) else {
            continue;
        };
        if vote != city {
            let unit = units.entry(unit_key(truth)).or_default();
            unit.0 += f64::from(u8::from(vote == *truth.country.as_bytes()));
            unit.1 += 1.0;
        }
    }
    let count = units.len() as f64;
    (units.values().map(|(right, rows)| right / rows).sum::<f64>() / count, count)
}

/// How a table does on one source.
struct Verdict {
    rows: usize,
    near: f64,
    median_km: f64,
    p90_km: f64,
    country_right: f64,
    covered: f64,
    ece: f64,
    confidence: f64,
    median_radius_km: f64,
}

impl Verdict {
    fn of(truths: &[&Truth], calibration: &Calibration) -> Self {
        let placed: Vec<_> = truths
            .iter()
            .filter_map(|truth| Some((truth, place(&truth.facts, calibration)?)))
            .filter(|(_, place)| place.granularity >= Some(Granularity::City))
            .collect();
        let error = |truth: &Truth, lat: Option<f64>, lon: Option<f64>| {
            distance_km((lat.unwrap(), lon.unwrap()), truth.point)
        };
        let errors: Vec<f64> = placed.iter().map(|(t, p)| error(t, p.lat, p.lon)).collect();
        let radii: Vec<f64> = placed.iter().map(|(_, place)| place.radius_km.unwrap()).collect();
        let sure: Vec<f64> = placed.iter().map(|(_, place)| place.confidence.unwrap()).collect();
        let rows = placed.len();
        let share = |count: usize| count as f64 / rows as f64;
        let right = placed.iter().filter(|(t, p)| p.country_code.as_ref() == Some(&t.country));
        Self {
            rows,
            near: share(errors.iter().filter(|&&error| error <= NEAR_KM).count()),
            median_km: quantile(&errors, 0.5),
            p90_km: quantile(&errors, 0.9),
            country_right: share(right.count()),
            covered: share(errors.iter().zip(&radii).filter(|(e, r)| e <= r).count()),
            ece: ece(&sure, &errors),
            confidence: sure.iter().sum::<f64>() / rows as f64,
            median_radius_km: quantile(&radii, 0.5),
        }
    }

    fn print(&self, src: &str) {
        println!(
            "{src:22} {:5} {:.3} {:8.1} {:8.1} {:.3}  {:.3}  {:.3} {:.3} {:8.1}",
            self.rows,
            self.near,
            self.median_km,
            self.p90_km,
            self.country_right,
            self.covered,
            self.confidence,
            self.ece,
            self.median_radius_km,
        );
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// Expected calibration error in 10 equal-count bins (Naeini et al. 2015). Equal confidences stay
/// in one bin, so that the order of rows does not matter.
fn ece(sure: &[f64], errors: &[f64]) -> f64 {
    let mut both: Vec<(f64, bool)> =
        sure.iter().zip(errors).map(|(&sure, &error)| (sure, error <= NEAR_KM)).collect();
    both.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bins: Vec<Vec<(f64, bool)>> = vec![vec![]];
    for equal in both.chunk_by(|a, b| a.0 == b.0) {
        if bins.last().unwrap().len() * 10 >= both.len() {
            bins.push(vec![]);
        }
        bins.last_mut().unwrap().extend(equal);
    }
    let gap = |bin: &Vec<(f64, bool)>| {
        let sure: f64 = bin.iter().map(|row| row.0).sum();
        let near = bin.iter().filter(|row| row.1).count() as f64;
        (sure - near).abs()
    };
    bins.iter().map(gap).sum::<f64>() / both.len() as f64
}

#[test]
fn the_table_holds_for_sources_it_was_not_measured_on() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let Some(truths) = truths(&intel) else { return };
    let shipped = calibration(&intel);
    println!(
        "source, n, within 40 km, median km, p90 km, country, coverage, confidence, ECE, radius"
    );
    let (mut covered, mut near) = (0.0, 0.0);
    for out in HONEST {
        let others: Vec<&str> = HONEST.iter().copied().filter(|&src| src != out).collect();
        let table = measure(&samples(&truths, &shipped, &others));
        let calibration = Calibration::with_table(cities(&intel), table);
        let left: Vec<&Truth> = truths.iter().filter(|truth| truth.src == out).collect();
        let verdict = Verdict::of(&left, &calibration);
        verdict.print(out);
        covered += verdict.covered / HONEST.len() as f64;
        near += (verdict.confidence - verdict.near) / HONEST.len() as f64;
    }
    for src in [CLOUD, "feed-netflix"] {
        let left: Vec<&Truth> = truths.iter().filter(|truth| truth.src == src).collect();
        Verdict::of(&left, &shipped).print(&format!("({src})"));
    }
    println!("mean over sources: coverage {covered:.3}, confidence off by {near:+.3}");
    assert!(covered >= COVERAGE - 0.05, "coverage {covered:.3}");
}

#[test]
fn satellite_users_get_a_country_and_no_point() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let Some(truths) = truths(&intel) else { return };
    let calibration = calibration(&intel);
    let dishes: Vec<&Truth> = truths.iter().filter(|t| t.src == "feed-starlink").collect();
    let known = dishes.iter().filter(|truth| truth.facts.is(Kind::Satellite));
    let places: Vec<_> = known.map(|truth| (truth, place(&truth.facts, &calibration))).collect();
    let right = places.iter().filter(|(truth, place)| {
        let place = place.as_ref().unwrap();
        assert_eq!((place.lat, place.radius_km, place.confidence), (None, None, None));
        place.country_code.as_ref() == Some(&truth.country)
    });
    let (right, known) = (right.count(), places.len());
    println!("satellite: {known} of {} known as such, country right for {right}", dishes.len());
    assert!(known * 10 >= dishes.len() * 8 && right * 10 >= known * 9);
}
