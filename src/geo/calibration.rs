//! How often a claimed place is right, measured, and the radius that follows.
//!
//! A place falls into a [`Class`] by what can be seen without knowing the truth: whether the
//! country vote agrees, whether it is a server's network, how large the claimed city is. For each
//! class the errors of places with a known truth are a distribution; confidence is its share
//! within 40 km, the radius its 90 % quantile.
//!
//! **Recipe** (`tests/it/geo_calibration.rs` runs it again and compares): one address for each
//! prefix of a table of truths; sources whose truths the databases took over are left out (a
//! provider's feed that DB-IP repeats proves nothing), satellite too. One source's rows in one AS
//! are one unit. Rows of a unit are right or wrong together, so a unit does not count by its
//! prefixes: each of its m rows weighs 1 / (1 + (m − 1) ρ), the design effect of cluster samples
//! (Kish 1965), which makes a unit worth 1 to 1 / ρ = 2.5 rows. A class with few rows leans on its
//! parent as a Dirichlet process does (Ferguson 1973): its own weight plus sixteen rows' worth of
//! the parent's distribution. The quantile is conformal: one more row, infinitely far off, is
//! counted in (Vovk et al. 2005). Errors that leave the country count as infinite, so that a
//! radius may be cut at the country's far end and still covers; where more than 10 % leave it, it
//! is not cut.

use super::surroundings::{City, Surroundings};

/// How alike rows of one source and AS are: the intraclass correlation of being right within 40 km,
/// by analysis of variance over 212 units of 7,644 rows (measured 2026-11: 0.41).
pub const SAMENESS: f64 = 0.4;

/// Rows that the parent's distribution is worth in a class. On sources left out, the error of
/// the confidence is 0.29 with 8 and 0.27 with 16 (ECE, mean of four sources), and with 16 even a
/// class without rows has a finite quantile.
const PARENT_ROWS: f64 = 16.0;

/// The distance that confidence speaks of.
pub const NEAR_KM: f64 = 40.0;

/// The share of truths that the radius should hold.
pub const COVERAGE: f64 = 0.9;

/// Truths are city points: a smaller radius than this cannot be measured with them.
const RADIUS_MIN_KM: f64 = 10.0;

/// Whether the country set made from geofeeds and whois names the country of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Votes {
    /// It does, or says nothing.
    Agree,
    /// It names another.
    Differ,
}

/// What sort of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// Hosting, VPN, Tor, proxy, CDN or crawler.
    Server,
    /// Anything else: mostly access providers.
    Access,
}

/// Inhabitants of the largest city within 15 km of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CitySize {
    /// Below 100,000.
    Small,
    /// Below 500,000.
    Large,
    /// 500,000 and more.
    Metropolis,
}

impl CitySize {
    /// The size of a city with so many inhabitants.
    pub const fn of(population: u32) -> Self {
        match population {
            0..100_000 => Self::Small,
            100_000..500_000 => Self::Large,
            _ => Self::Metropolis,
        }
    }
}

/// What can be seen of a place without knowing the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The region that a cloud names for its own prefix.
    CloudRegion,
    /// A city of a database.
    City(Votes, Network, CitySize),
}

impl Class {
    /// All classes, in the order of the table.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::CloudRegion];
        for votes in [Votes::Agree, Votes::Differ] {
            for network in [Network::Server, Network::Access] {
                for size in [CitySize::Small, CitySize::Large, CitySize::Metropolis] {
                    all.push(Self::City(votes, network, size));
                }
            }
        }
        all
    }

    /// Its ancestors from the root down to itself, as tests of membership.
    fn lineage(self) -> Vec<Box<dyn Fn(Self) -> bool>> {
        let Self::City(votes, network, size) = self else {
            return vec![Box::new(|other| other == Self::CloudRegion)];
        };
        vec![
            Box::new(|other| other != Self::CloudRegion),
            Box::new(move |other| matches!(other, Self::City(v, ..) if v == votes)),
            Box::new(
                move |other| matches!(other, Self::City(v, n, _) if (v, n) == (votes, network)),
            ),
            Box::new(move |other| other == Self::City(votes, network, size)),
        ]
    }
}

/// One truth beside the place claimed for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// What could be seen.
    pub class: Class,
    /// The unit it belongs to: source and AS (for clouds, source and city).
    pub unit: u32,
    /// Distance from the claimed point to the truth.
    pub error_km: f64,
    /// From the claimed point to the far end of the claimed country; infinite: unknown.
    pub reach_km: f64,
}

/// What was measured of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The class.
    pub class: Class,
    /// What the class's own rows weigh together, parents aside.
    pub weight: f64,
    /// Rows in the class itself.
    pub rows: u32,
    /// Share of truths within 40 km.
    pub confidence: f64,
    /// The radius that holds 90 % of truths.
    pub radius_km: f64,
    /// Whether the radius may be cut at the far end of the country.
    pub cut: bool,
}

/// An error, the same with crossed borders as infinite, and its weight.
type Weighed = (f64, f64, f64);

/// Measures every class. Order of samples does not matter.
pub fn measure(samples: &[Sample]) -> Vec<Measured> {
    let mut samples = samples.to_vec();
    samples.sort_by(|a, b| {
        (a.unit, a.class).cmp(&(b.unit, b.class)).then(a.error_km.total_cmp(&b.error_km))
    });
    let sizes = samples.chunk_by(|a, b| a.unit == b.unit).map(<[Sample]>::len);
    let weight = |rows: usize| 1.0 / (1.0 + (rows as f64 - 1.0) * SAMENESS);
    let weights: Vec<f64> =
        sizes.flat_map(|rows| std::iter::repeat_n(weight(rows), rows)).collect();
    let weighed = |sample: &Sample, weight: f64| -> Weighed {
        let crossed = sample.error_km > sample.reach_km;
        (sample.error_km, if crossed { f64::INFINITY } else { sample.error_km }, weight)
    };
    let of = |class: Class| {
        let (mut known, mut weight, mut rows) = (Vec::new(), 0.0, 0);
        for belongs in class.lineage() {
            let scale = PARENT_ROWS / total(&known);
            known.iter_mut().for_each(|(_, _, weight): &mut Weighed| *weight *= scale);
            let own: Vec<Weighed> = samples
                .iter()
                .zip(&weights)
                .filter(|(sample, _)| belongs(sample.class))
                .map(|(sample, &weight)| weighed(sample, weight))
                .collect();
            (weight, rows) = (total(&own), own.len());
            known.extend(own);
        }
        known.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.total_cmp(&b.2)));
        summary(class, &known, weight, u32::try_from(rows).unwrap_or(u32::MAX))
    };
    Class::all().into_iter().map(of).collect()
}

fn total(known: &[Weighed]) -> f64 {
    // From 0, as the sum of nothing is −0.
    known.iter().fold(0.0, |sum, &(_, _, weight)| sum + weight)
}

fn summary(class: Class, known: &[Weighed], weight: f64, rows: u32) -> Measured {
    let all = total(known);
    let near: f64 = known.iter().filter(|row| row.0 <= NEAR_KM).map(|row| row.2).sum();
    let inside = quantile(known.iter().map(|&(_, inside, weight)| (inside, weight)), all);
    let anywhere = quantile(known.iter().map(|&(error, _, weight)| (error, weight)), all);
    Measured {
        class,
        weight,
        rows,
        confidence: if all > 0.0 { near / all } else { 0.0 },
        radius_km: inside.or(anywhere).unwrap_or(HALF_WAY_ROUND_KM).max(RADIUS_MIN_KM),
        cut: inside.is_some(),
    }
}

/// Nothing is farther away.
const HALF_WAY_ROUND_KM: f64 = 20_015.2;

/// The conformal 90 % quantile; `None` where it is infinite.
fn quantile(errors: impl Iterator<Item = (f64, f64)>, all: f64) -> Option<f64> {
    let mut sorted: Vec<(f64, f64)> = errors.collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut held = 0.0;
    let reached = sorted.into_iter().find(|&(_, weight)| {
        held += weight;
        held >= COVERAGE * (all + 1.0)
    });
    reached.map(|(error, _)| error).filter(|error| error.is_finite())
}

/// Where the country vote differs from the city's country, how often the vote is right: 0.27 of 17
/// units of [`SHIPPED`]'s truths (the city's country: 0.59; neither: the rest).
pub const OTHER_COUNTRY: f64 = 0.27;

const fn row(class: Class, rows: u32, weight: f64, confidence: f64, radius_km: f64) -> Measured {
    Measured { class, weight, rows, confidence, radius_km, cut: true }
}

const fn uncut(class: Class, rows: u32, weight: f64, confidence: f64, radius_km: f64) -> Measured {
    Measured { class, weight, rows, confidence, radius_km, cut: false }
}

/// The table as measured in 2026-11 on 7,642 prefixes of four sources and 588 of a cloud's own feed
/// (class, rows, their weight, share within 40 km, radius in km).
///
/// Measured without one source and tried on it (speed-test servers, VPN relays, small operators,
/// one large access provider), the radius held 88, 99, 94 and 88 % of truths. Confidence travels
/// worse: it said 0.67, 0.56, 0.62, 0.68 where 0.55, 0.80, 0.79, 0.28 was true. What is known of a
/// network's own places (a geofeed) is worth more than any of this.
#[rustfmt::skip]
pub const SHIPPED: [Measured; 13] = {
    use CitySize::{Large, Metropolis, Small};
    use Network::{Access, Server};
    use Votes::{Agree, Differ};
    [
        row(Class::CloudRegion, 588, 88.1, 0.870, 58.3),
        row(Class::City(Agree, Server, Small), 42, 5.2, 0.656, 1516.5),
        row(Class::City(Agree, Server, Large), 47, 6.2, 0.691, 1303.8),
        row(Class::City(Agree, Server, Metropolis), 175, 23.9, 0.774, 1303.8),
        row(Class::City(Agree, Access, Small), 2861, 64.2, 0.622, 930.5),
        row(Class::City(Agree, Access, Large), 3097, 36.8, 0.706, 1053.1),
        row(Class::City(Agree, Access, Metropolis), 1339, 117.0, 0.627, 1521.2),
        uncut(Class::City(Differ, Server, Small), 0, 0.0, 0.653, 5323.0),
        uncut(Class::City(Differ, Server, Large), 3, 0.9, 0.662, 5323.0),
        uncut(Class::City(Differ, Server, Metropolis), 60, 3.3, 0.701, 5323.0),
        uncut(Class::City(Differ, Access, Small), 2, 0.8, 0.465, 5531.7),
        uncut(Class::City(Differ, Access, Large), 3, 1.8, 0.439, 5531.7),
        uncut(Class::City(Differ, Access, Metropolis), 13, 5.3, 0.471, 5531.7),
    ]
};

/// The measured table and what is around each point.
#[derive(Clone, Debug)]
pub struct Calibration {
    surroundings: Surroundings,
    table: Vec<Measured>,
}

impl Calibration {
    /// The shipped table with the cities of a gazetteer.
    pub fn new<'a>(cities: impl IntoIterator<Item = City<'a>>) -> Self {
        Self::with_table(cities, SHIPPED.to_vec())
    }

    /// A table measured on other truths.
    pub fn with_table<'a>(
        cities: impl IntoIterator<Item = City<'a>>,
        table: Vec<Measured>,
    ) -> Self {
        Self { surroundings: Surroundings::new(cities), table }
    }

    /// What the measures of a class are; `None`: the table has no such class.
    pub fn measured(&self, class: Class) -> Option<&Measured> {
        self.table.iter().find(|row| row.class == class)
    }

    /// Cities and borders.
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METROPOLIS: Class = Class::City(Votes::Agree, Network::Server, CitySize::Metropolis);
    const SMALL: Class = Class::City(Votes::Agree, Network::Server, CitySize::Small);

    fn samples(class: Class, errors: &[(u32, f64)]) -> Vec<Sample> {
        let sample = |&(unit, error_km)| Sample { class, unit, error_km, reach_km: 500.0 };
        errors.iter().map(sample).collect()
    }

    fn of(class: Class, samples: &[Sample]) -> Measured {
        measure(samples).into_iter().find(|row| row.class == class).unwrap()
    }

    #[test]
    fn a_unit_counts_little_more_than_once_however_many_rows_it_has() {
        let far: Vec<(u32, f64)> = (0..1000).map(|_| (0, 400.0)).collect();
        let near: Vec<(u32, f64)> = (1..=100).map(|unit| (unit, 5.0)).collect();
        let row = of(METROPOLIS, &samples(METROPOLIS, &[far, near].concat()));
        assert!((100.0..102.5).contains(&(row.weight)) || (row.weight - 102.5).abs() < 0.01);
        assert!(row.rows == 1100 && (0.97..0.98).contains(&row.confidence), "{row:?}");
        assert_eq!((row.radius_km, row.cut), (10.0, true), "never below what truths can show");
    }

    #[test]
    fn a_class_without_units_is_its_parent() {
        let errors: Vec<(u32, f64)> = (0..50).map(|unit| (unit, f64::from(unit) * 10.0)).collect();
        let all = samples(METROPOLIS, &errors);
        let (own, sibling) = (of(METROPOLIS, &all), of(SMALL, &all));
        assert_eq!((sibling.weight, sibling.rows), (0.0, 0));
        assert!((sibling.confidence - own.confidence).abs() < 1e-9);
    }

    #[test]
    fn crossed_borders_are_infinite_and_more_than_a_tenth_of_them_forbid_the_cut() {
        let mut errors: Vec<(u32, f64)> = (0..60).map(|unit| (unit, 20.0)).collect();
        errors.extend((60..63).map(|unit| (unit, 9_000.0)));
        assert!(of(METROPOLIS, &samples(METROPOLIS, &errors)).cut);
        errors.extend((63..70).map(|unit| (unit, 9_000.0)));
        let row = of(METROPOLIS, &samples(METROPOLIS, &errors));
        assert_eq!((row.cut, row.radius_km), (false, 9_000.0));
    }

    #[test]
    fn few_units_cannot_promise_a_radius() {
        let row = of(METROPOLIS, &samples(METROPOLIS, &[(0, 1.0), (1, 1.0), (2, 1.0)]));
        assert_eq!(
            (row.cut, row.radius_km),
            (true, 10.0),
            "with the parents' 8 units it is enough"
        );
        let row = of(Class::CloudRegion, &samples(Class::CloudRegion, &[(0, 1.0), (1, 1.0)]));
        assert_eq!((row.cut, row.radius_km), (false, HALF_WAY_ROUND_KM));
    }

    #[test]
    fn order_of_samples_does_not_matter() {
        let errors: Vec<(u32, f64)> = (0..300).map(|i| (i % 37, f64::from(i * 7 % 1000))).collect();
        let mut all = samples(METROPOLIS, &errors);
        let forward = measure(&all);
        all.reverse();
        assert_eq!(measure(&all), forward);
    }

    #[test]
    fn the_shipped_table_has_every_class_once() {
        let classes: Vec<Class> = SHIPPED.iter().map(|row| row.class).collect();
        assert_eq!(classes, Class::all());
    }
}
