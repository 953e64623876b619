//! Lengths and sizes as people read them: in kilometres or miles, in thousands or in 1,024s.
//!
//! Only what is shown changes: what is copied exactly, exported and kept is always km and bytes.

use std::cell::Cell;

use crate::model::grouped;

/// International miles: 1,609.344 m each (1959).
const KM_PER_MILE: f64 = 1.609_344;

/// Feet of a mile.
const FEET_PER_MILE: f64 = 5_280.0;

/// In what lengths are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lengths {
    /// Kilometres and metres.
    #[default]
    Km,
    /// Miles and feet.
    Miles,
}

/// In what bytes are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// kB, MB, GB: powers of a thousand.
    #[default]
    Decimal,
    /// KiB, MiB, GiB: powers of 1,024 (IEC 80000-13).
    Binary,
}

thread_local! {
    /// The units of the thread that draws.
    static UNITS: Cell<(Lengths, Sizes)> = const { Cell::new((Lengths::Km, Sizes::Decimal)) };
}

/// Shows lengths and sizes so from now on, in this thread: the one that draws.
pub fn set(lengths: Lengths, sizes: Sizes) {
    UNITS.set((lengths, sizes));
}

/// Kilometres of the unit that is set: what a round length is a multiple of.
pub fn km_per_unit() -> f64 {
    match UNITS.get().0 {
        Lengths::Km => 1.0,
        Lengths::Miles => KM_PER_MILE,
    }
}

/// `62 km`, `39 mi`; below one `800 m`, `2,640 ft`.
pub fn distance(km: f64) -> String {
    let length = (km / km_per_unit()).max(0.0);
    let (small, of_one, whole) = match UNITS.get().0 {
        Lengths::Km => ("m", 1_000.0, "km"),
        Lengths::Miles => ("ft", FEET_PER_MILE, "mi"),
    };
    // What is a whole number but for its last bits is one.
    match length + 1e-9 >= 1.0 {
        true => format!("{} {whole}", grouped(length.round() as u64)),
        false => format!("{} {small}", grouped((length * of_one).round() as u64)),
    }
}

/// `1.2 MB`, `1.1 MiB`: as many digits as a person reads at once.
pub fn bytes(count: u64) -> String {
    const DECIMAL: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    const BINARY: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (step, units) = match UNITS.get().1 {
        Sizes::Decimal => (1_000.0, DECIMAL),
        Sizes::Binary => (1_024.0, BINARY),
    };
    let (mut value, mut unit) = (count as f64, 0);
    while value >= step - 0.5 && unit + 1 < units.len() {
        (value, unit) = (value / step, unit + 1);
    }
    match unit {
        0 => format!("{count} B"),
        _ if value < 9.95 => format!("{value:.1} {}", units[unit]),
        _ => format!("{value:.0} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        for (count, decimal, binary) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1_000, "1.0 kB", "1000 B"),
            (1_024, "1.0 kB", "1.0 KiB"),
            (9_960, "10 kB", "9.7 KiB"),
            (999_400, "999 kB", "976 KiB"),
            (999_600, "1.0 MB", "976 KiB"),
            (1_071_452_520, "1.1 GB", "1022 MiB"),
            (u64::MAX, "18447 PB", "16384 PiB"),
        ] {
            set(Lengths::Km, Sizes::Decimal);
            assert_eq!(bytes(count), decimal);
            set(Lengths::Km, Sizes::Binary);
            assert_eq!(bytes(count), binary);
        }
    }

    #[test]
    fn lengths_follow_the_unit_that_is_set() {
        for (km, metric, miles) in [
            (0.0, "0 m", "0 ft"),
            (0.8, "800 m", "2,625 ft"),
            (1.0, "1 km", "3,281 ft"),
            (KM_PER_MILE * 0.5, "805 m", "2,640 ft"),
            (KM_PER_MILE, "2 km", "1 mi"),
            (40.0, "40 km", "25 mi"),
            (62.4, "62 km", "39 mi"),
            (1_500.0, "1,500 km", "932 mi"),
        ] {
            set(Lengths::Km, Sizes::Decimal);
            assert_eq!((distance(km).as_str(), km_per_unit()), (metric, 1.0));
            set(Lengths::Miles, Sizes::Decimal);
            assert_eq!(distance(km), miles);
        }
        set(Lengths::Km, Sizes::Decimal);
    }
}
