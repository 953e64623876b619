//! Numbers, times and strangers' text as people read them.

use crate::app::times;
use crate::model::{Timestamp, Untrusted, Visible};
pub(crate) use crate::model::{counted, grouped};

/// Strangers' text on one line, control and bidi characters visible.
pub fn visible(text: &Untrusted) -> String {
    Visible(text.raw()).to_string()
}

/// `1.2 MB`: three digits at most, powers of a thousand.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1_000.0, unit + 1);
    }
    match unit {
        0 => format!("{count} B"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// `2026-06-05 03:12:44` in the zone that is set, which stands beside it; empty: not known.
pub fn time(at: Option<Timestamp>) -> String {
    at.map(times::shown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits_at_most() {
        for (count, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_960, "10 kB"),
            (999_400, "999 kB"),
            (999_600, "1.0 MB"),
            (1_071_452_520, "1.1 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(bytes(count), shown);
        }
    }
}
