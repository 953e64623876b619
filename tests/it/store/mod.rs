//! The case file: round trips, safe opening, crashes, undo, forgetting.

mod round_trip;

use infralock::model::Timestamp;

/// A moment for what the tests do.
pub fn now() -> Timestamp {
    "2026-06-05T03:12:44Z".parse().unwrap()
}
