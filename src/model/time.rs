//! Moments: integer nanoseconds since the Unix epoch, UTC, one type.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A moment in UTC, in nanoseconds since 1970-01-01T00:00:00Z (from 1677 to 2262).
///
/// ```
/// use infralock::model::Timestamp;
/// let seen: Timestamp = "2026-06-05T03:12:44Z".parse().unwrap();
/// assert_eq!(seen.to_string(), "2026-06-05T03:12:44.000000000Z");
/// assert_eq!("2026-06-05".parse::<Timestamp>().unwrap().secs_since(seen), -11_564.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is not an RFC 3339 time or an ISO date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampError(String);

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a time: {:?}; write 2026-06-05T03:12:44Z or 2026-06-05", self.0)
    }
}

impl std::error::Error for TimestampError {}

const NANOS_PER_SEC: i64 = 1_000_000_000;

impl Timestamp {
    /// 1990-01-01: an older time in a file is implausible (INTERFACE, "Now").
    pub const PLAUSIBLE_MIN: Self = Self(631_152_000 * NANOS_PER_SEC);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds and a fraction; saturates at the ends of the range.
    pub const fn from_secs_nanos(secs: i64, nanos: u32) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC).saturating_add(nanos as i64))
    }

    /// From seconds as Zeek and Suricata write them (`1320279566.452687`).
    ///
    /// `None` if the number is not finite or out of range. A float holds microseconds of our
    /// century exactly enough; parse the text instead where nanoseconds matter.
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        let nanos = secs * 1e9;
        // i64::MAX as f64 rounds up, so the comparison is strict.
        (nanos.is_finite() && nanos.abs() < 9.2e18).then(|| {
            let micros = libm::round(secs * 1e6) as i64;
            Self(micros.saturating_mul(1_000))
        })
    }

    /// From decimal text of seconds since the epoch, exact to the nanosecond.
    ///
    /// ```
    /// use infralock::model::Timestamp;
    /// let seen = Timestamp::from_epoch_text("1320279566.452687").unwrap();
    /// assert_eq!(seen.nanos(), 1_320_279_566_452_687_000);
    /// assert!(Timestamp::from_epoch_text("12a").is_none());
    /// ```
    pub fn from_epoch_text(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 10 || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let secs: i64 = whole.parse().ok()?;
        let nanos = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(9)
            .fold(0_i64, |nanos, digit| nanos * 10 + i64::from(digit - b'0'));
        let total = secs.checked_mul(NANOS_PER_SEC)?.checked_add(nanos)?;
        Some(Self(if negative { -total } else { total }))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to `self`; negative if `earlier` is later.
    pub fn secs_since(self, earlier: Self) -> f64 {
        (i128::from(self.0) - i128::from(earlier.0)) as f64 / 1e9
    }

    /// Nanoseconds from `earlier` to `self`, 0 if `earlier` is later.
    pub fn nanos_since(self, earlier: Self) -> u64 {
        u64::try_from(i128::from(self.0) - i128::from(earlier.0)).unwrap_or(0)
    }

    /// This moment `nanos` later; saturates at the end of the range.
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// This moment `days` later (or earlier); saturates.
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(86_400 * NANOS_PER_SEC)))
    }

    /// Year, month (1–12) and day (1–31) in UTC.
    pub fn date(self) -> (i16, i8, i8) {
        let date = self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month(), date.day())
    }

    /// `2026-06-05 03:12:44`, for people; the unit (UTC) stands in the heading.
    pub fn to_short(self) -> String {
        self.to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `2026-06-05`.
    pub fn to_date(self) -> String {
        self.to_jiff().strftime("%Y-%m-%d").to_string()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        // Every i64 of nanoseconds lies inside jiff's range (years -9999 to 9999).
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        let nanos = time.as_nanosecond().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Self(i64::try_from(nanos).unwrap_or(0))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// RFC 3339, or a date, which means 00:00 UTC.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let parsed = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let date = text.parse::<jiff::civil::Date>().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        });
        parsed.map(Self::from).ok_or_else(|| TimestampError(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with nine digits of the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.9}", self.to_jiff())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_nanoseconds_agree() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01", 0),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("2026-06-05T05:12:44+02:00", 1_780_629_164_000_000_000),
        ] {
            let parsed: Timestamp = text.parse().unwrap();
            assert_eq!(parsed.nanos(), nanos, "{text}");
            assert_eq!(parsed.to_string().parse::<Timestamp>().unwrap(), parsed);
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn the_ends_of_the_range_print() {
        for nanos in [i64::MIN, i64::MAX] {
            assert!(Timestamp::from_nanos(nanos).to_string().ends_with('Z'));
        }
    }

    #[test]
    fn floats_round_to_microseconds() {
        let seen = Timestamp::from_secs_f64(1_320_279_566.452_687).unwrap();
        assert_eq!(seen.nanos(), 1_320_279_566_452_687_000);
        assert_eq!(Timestamp::from_secs_f64(f64::NAN), None);
        assert_eq!(Timestamp::from_secs_f64(1e300), None);
    }
}
