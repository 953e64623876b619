//! Claims of place → one place with an honest radius.
//!
//! In come [`Facts`](crate::model::Facts) with what each source claims; [`place`] chooses one
//! candidate and never averages coordinates: the mean of two cities is a field between them. How
//! often such a choice is right is measured, not felt: [`Calibration`] holds a table of agreement
//! classes and the recipe that made it, so that the recipe can be run again on other truths.
//! [`geofeed`] reads an analyst's own places (RFC 8805). `threat` and `export` take places from
//! here. No measurement of round-trip times yet.

mod calibration;
pub mod geofeed;
mod place;
mod sphere;
mod surroundings;

pub use calibration::{
    COVERAGE, Calibration, CitySize, Class, Measured, NEAR_KM, Network, OTHER_COUNTRY, SAMENESS,
    SHIPPED, Sample, Votes, measure,
};
pub use place::{class, place};
pub use sphere::{EARTH_RADIUS_KM, circle, distance_km};
pub use surroundings::{City, Surroundings};
