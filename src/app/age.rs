//! How old the reference data are beside what is open.
//!
//! Addresses change hands: owners, places and lists of today say little of an address ten years
//! ago, and nothing of what came after the data were made. From a year on the window says so.

use crate::engine::workbench::{DataState, DataView, Snapshot};
use crate::model::{Timestamp, counted};

/// Days of a year, of which four make a leap year.
const YEAR_DAYS: f64 = 365.25;

/// Days that a set may be older than what is open before it is called stale.
const STALE_DAYS: f64 = 180.0;

const DAY_SECS: f64 = 86_400.0;

/// What a banner says; `None`: data and what is open are of one time, or one of them has none.
pub(in crate::app) fn told(snapshot: &Snapshot) -> Option<String> {
    let DataState::Ready(data) = &snapshot.data else { return None };
    sentence(newest(data)?, opened_until(snapshot)?)
}

/// Whether a set of data is older than what is open by more than it should be.
pub(in crate::app) fn is_stale(snapshot: &Snapshot, date: &str) -> bool {
    let both = date.parse().ok().zip(opened_until(snapshot));
    both.is_some_and(|(date, until): (Timestamp, _)| until.secs_since(date) > STALE_DAYS * DAY_SECS)
}

/// The newest moment of what is open.
fn opened_until(snapshot: &Snapshot) -> Option<Timestamp> {
    let timeline = &snapshot.timeline;
    (!timeline.bins.is_empty()).then_some(timeline.to)
}

fn newest(data: &DataView) -> Option<Timestamp> {
    data.sources.iter().filter_map(|source| source.date.as_ref()?.parse().ok()).max()
}

fn sentence(data: Timestamp, until: Timestamp) -> Option<String> {
    let years = data.secs_since(until) / DAY_SECS / YEAR_DAYS;
    let whole = |years: f64| counted(years as u64, "year", "years");
    let (data, until) = (data.to_date(), until.to_date());
    match years {
        later if later >= 1.0 => Some(format!(
            "What is open ends on {until}; the reference data are of {data}, {} later. Owners, \
             places and lists may have been others then.",
            whole(later)
        )),
        earlier if earlier <= -1.0 => Some(format!(
            "The reference data are of {data}, {} older than what is open ({until}): they do not \
             know what came since.",
            whole(-earlier)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &str, until: &str, wanted: Option<&str>) {
        let told = sentence(data.parse().unwrap(), until.parse().unwrap());
        match (&told, wanted) {
            (Some(told), Some(part)) => assert!(told.contains(part), "{told}"),
            (told, wanted) => assert_eq!(told.is_some(), wanted.is_some(), "{told:?}"),
        }
    }

    #[test]
    fn from_a_year_on_it_is_told_how_far_apart_they_are() {
        check("2026-06-17", "2012-03-11", Some("2026-06-17, 14 years later"));
        check("2026-06-17", "2025-06-16", Some("1 year later"));
        check("2026-06-17", "2025-07-17", None);
        check("2026-06-17", "2027-05-17", None);
        check("2026-06-17", "2029-01-01", Some("2 years older"));
    }

    #[test]
    fn a_set_is_stale_half_a_year_after() {
        let mut snapshot = Snapshot::default();
        assert!(!is_stale(&snapshot, "2020-01-01"), "nothing is open");
        let timeline = std::sync::Arc::make_mut(&mut snapshot.timeline);
        timeline.to = "2026-06-05".parse().unwrap();
        timeline.bins.push(Default::default());
        assert!(is_stale(&snapshot, "2025-11-01"));
        assert!(!is_stale(&snapshot, "2026-01-01"));
        assert!(!is_stale(&snapshot, "no date"));
    }
}
