//! Times as people read them: in UTC, or in the zone of this machine.
//!
//! Only what is shown changes: what is copied exactly, exported and kept is always UTC.

use std::cell::RefCell;

use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// In which zone times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Coordinated universal time: what logs and colleagues elsewhere mean.
    #[default]
    Utc,
    /// The zone of this machine.
    Local,
}

thread_local! {
    /// The zone of the thread that draws; `None`: UTC.
    static ZONE: RefCell<Option<TimeZone>> = const { RefCell::new(None) };
}

/// Shows times in a zone from now on, in this thread: the one that draws.
pub fn set(clock: Clock) {
    let zone = match clock {
        Clock::Utc => None,
        Clock::Local => Some(TimeZone::system()),
    };
    ZONE.set(zone);
}

/// `UTC` or `local`: what stands beside every time.
pub fn zone() -> &'static str {
    match ZONE.with_borrow(Option::is_some) {
        true => "local",
        false => "UTC",
    }
}

/// `2026-06-05 03:12:44` in the zone that is set.
pub fn shown(at: Timestamp) -> String {
    ZONE.with_borrow(|zone| match zone {
        None => at.to_short(),
        Some(zone) => in_zone(at, zone),
    })
}

fn in_zone(at: Timestamp, zone: &TimeZone) -> String {
    // Nanoseconds of 64 bits lie within what the calendar knows.
    match jiff::Timestamp::from_nanosecond(i128::from(at.nanos())) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at.to_short(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone_that_is_set() {
        let at = Timestamp::from_secs_nanos(1_780_629_164, 0);
        assert_eq!(at.to_short(), "2026-06-05 03:12:44");
        let zone = TimeZone::get("Asia/Kathmandu").unwrap();
        assert_eq!(in_zone(at, &zone), "2026-06-05 08:57:44");
        set(Clock::Utc);
        assert_eq!((shown(at).as_str(), zone_name()), ("2026-06-05 03:12:44", "UTC"));
        set(Clock::Local);
        assert_eq!(zone_name(), "local");
        set(Clock::Utc);
    }

    fn zone_name() -> &'static str {
        super::zone()
    }

    #[test]
    fn the_ends_of_time_are_shown() {
        for nanos in [i64::MIN, i64::MAX] {
            let zone = TimeZone::get("Pacific/Kiritimati").unwrap();
            assert!(!in_zone(Timestamp::from_nanos(nanos), &zone).is_empty());
        }
    }
}
