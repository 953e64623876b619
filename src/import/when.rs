//! Times as fields hold them, with their year: what [`lines::time`](super::lines) reads at the
//! start of a line, and epoch numbers, dates alone, RFC 2822 and other worded forms.
//!
//! A row has one time and a file millions of rows: what is common is read by hand in some 20 ns,
//! the rest goes to jiff.

use jiff::civil::DateTime;
use jiff::fmt::strtime;

use super::Settings;
use super::lines::time;
use crate::model::{Record, Timestamp};

/// Reads a whole text as a time; `utc_offset_minutes` is for those without a zone.
///
/// Understands `2026-06-05T03:12:44.5+02:00` and its relatives (space or `_` for `T`, `/` for `-`,
/// comma for the fraction's point, `+0200`, `Z`, `UTC`, no zone, no time), seconds, milliseconds,
/// microseconds or nanoseconds since the epoch by their size, `05/Jun/2026:03:12:44 +0200`,
/// `Fri, 5 Jun 2026 03:12:44 +0200`, `Fri Jun  5 03:12:44 2026`, `5.6.2026 03:12:44`.
pub(crate) fn parse(text: &str, utc_offset_minutes: i32) -> Option<Timestamp> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if let Some((time, len)) = leading(text.as_bytes(), utc_offset_minutes)
        && len == text.len()
    {
        return Some(time);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return from_epoch_digits(text);
    }
    worded(text, utc_offset_minutes)
}

/// Digits since the epoch: up to 10 are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds.
fn from_epoch_digits(text: &str) -> Option<Timestamp> {
    if text.contains('.') || text.len() == 10 {
        return Timestamp::from_epoch_text(text).filter(|_| text.len() >= 9);
    }
    (text.len() > 10).then(|| text.parse().ok()).flatten().and_then(from_epoch_uint)
}

/// A whole number since the epoch; its size tells the unit (to the year 5138 for seconds).
pub(crate) fn from_epoch_uint(number: u64) -> Option<Timestamp> {
    let nanos_each: i64 = match number {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    i64::try_from(number).ok()?.checked_mul(nanos_each).map(Timestamp::from_nanos)
}

/// Like [`from_epoch_uint`] with a fraction, to the microsecond.
pub(super) fn from_epoch_number(number: f64) -> Option<Timestamp> {
    let size = number.abs();
    let secs = if size < 1e11 {
        number
    } else if size < 1e14 {
        number / 1e3
    } else if size < 1e17 {
        number / 1e6
    } else {
        number / 1e9
    };
    Timestamp::from_secs_f64(secs)
}

/// The ISO time at the start of a line, and how many bytes it takes; a date alone is its midnight.
pub(crate) fn leading(line: &[u8], utc_offset_minutes: i32) -> Option<(Timestamp, usize)> {
    if let Some((mut stamp, rest)) = time::iso(line) {
        let rest = short_zone(&mut stamp, rest);
        return Some((stamp.utc(0, utc_offset_minutes)?, line.len() - rest.len()));
    }
    // The same with an unusual mark, without seconds or without any time of day.
    let mut whole = *b"0000-00-00T00:00:00";
    let date = line.get(..10)?;
    whole.get_mut(..10)?.copy_from_slice(date);
    let minutes = match line.get(10..) {
        Some([b'T' | b' ' | b'_', h1, h2, b':', m1, m2, rest @ ..])
            if !rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':') =>
        {
            whole.get_mut(11..16)?.copy_from_slice(&[*h1, *h2, b':', *m1, *m2]);
            16
        }
        Some([b'_', clock @ ..]) => {
            whole.get_mut(11..)?.copy_from_slice(clock.get(..8)?);
            19
        }
        Some([byte, ..]) if byte.is_ascii_alphanumeric() => return None,
        _ => 10,
    };
    let (stamp, _) = time::iso(&whole)?;
    Some((stamp.utc(0, utc_offset_minutes)?, minutes))
}

/// PostgreSQL's zone of hours alone: `+02`.
fn short_zone<'l>(stamp: &mut time::Stamp, rest: &'l [u8]) -> &'l [u8] {
    let [sign @ (b'+' | b'-'), h1 @ b'0'..=b'1', h2 @ b'0'..=b'9', after @ ..] = rest else {
        return rest;
    };
    let ends = after.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b':');
    if stamp.offset_minutes.is_some() || !ends {
        return rest;
    }
    let minutes = i32::from((h1 - b'0') * 10 + (h2 - b'0')) * 60;
    stamp.offset_minutes = Some(if *sign == b'-' { -minutes } else { minutes });
    after
}

/// The forms with words, and the European one.
fn worded(text: &str, utc_offset_minutes: i32) -> Option<Timestamp> {
    const ZONED: [&str; 2] = ["%a, %d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %z"];
    const LOCAL: [&str; 6] = [
        "%a, %d %b %Y %H:%M:%S",
        "%a %b %d %Y %H:%M:%S",
        "%b %d %Y %H:%M:%S",
        "%b %d, %Y %H:%M:%S",
        "%d %b %Y %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
    ];
    if text.len() < 14 || text.len() > 48 || !text.contains(':') {
        return None;
    }
    if let Some((stamp, [])) = time::any(text.as_bytes())
        && stamp.year.is_some()
    {
        return stamp.utc(0, utc_offset_minutes);
    }
    let zoned = |format: &&str| strtime::parse(format, text).ok()?.to_timestamp().ok();
    if let Some(time) = ZONED.iter().find_map(zoned) {
        return Some(time.into());
    }
    let (text, offset_minutes) = match text.strip_suffix(" UTC").or(text.strip_suffix(" GMT")) {
        Some(text) => (text, 0),
        None => (text, utc_offset_minutes),
    };
    let local = |format: &&str| DateTime::strptime(format, text).ok();
    let civil = LOCAL.iter().find_map(local)?;
    let utc = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from(utc).plus_nanos(-i64::from(offset_minutes) * 60_000_000_000))
}

/// A zone as the JSON writes it: `UTC`, `+02:00`.
fn zone_name(utc_offset_minutes: i32) -> String {
    if utc_offset_minutes == 0 {
        return "UTC".to_owned();
    }
    let (sign, minutes) =
        (if utc_offset_minutes < 0 { '-' } else { '+' }, utc_offset_minutes.unsigned_abs());
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Finds out whether the times of a file take the zone of the settings, by its first dated record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Zone {
    known: bool,
    is_ours: bool,
}

impl Zone {
    /// The record that `read` makes. Until one has a time, it is read for two zones: a time that
    /// moves has none of its own.
    pub(super) fn record(
        &mut self,
        settings: &Settings,
        mut read: impl FnMut(&Settings) -> Record,
    ) -> Record {
        let record = read(settings);
        if !self.known && record.ts.is_some() {
            let utc_offset_minutes = settings.utc_offset_minutes + 1;
            let elsewhere = read(&Settings { utc_offset_minutes, ..*settings });
            (self.known, self.is_ours) = (true, elsewhere.ts != record.ts);
        }
        record
    }

    /// The zone that was taken for granted.
    pub(super) fn assumed(self, settings: &Settings) -> Option<String> {
        self.is_ours.then(|| zone_name(settings.utc_offset_minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_one_moment() {
        let moment: Timestamp = "2026-06-05T03:12:44Z".parse().unwrap();
        for text in [
            "2026-06-05T03:12:44Z",
            "2026-06-05T05:12:44+02:00",
            "2026-06-05T05:12:44+0200",
            "2026-06-05 01:12:44-02",
            "2026-06-05 03:12:44 UTC",
            "2026/06/05 03:12:44",
            "2026-06-05_03:12:44",
            "2026-06-05 03:12:44,000",
            "2026-06-05T03:12:44.000000+0000",
            "[2026-06-05T03:12:44Z]",
            "1780629164",
            "1780629164.0",
            "1780629164000",
            "1780629164000000",
            "1780629164000000000",
            "05/Jun/2026:05:12:44 +0200",
            "Fri, 5 Jun 2026 05:12:44 +0200",
            "Fri, 05 Jun 2026 03:12:44 GMT",
            "Fri Jun  5 03:12:44 2026",
            "Fri Jun 5 2026 03:12:44 UTC",
            "05.06.2026 03:12:44",
        ] {
            assert_eq!(parse(text, 0), Some(moment), "{text}");
        }
        let east = moment.plus_nanos(-7_200_000_000_000);
        assert_eq!(parse("2026-06-05 03:12:44", 120), Some(east));
        assert_eq!(parse("05.06.2026 03:12:44", 120), Some(east));
        assert_eq!(parse("2026-06-05T03:12", 0), "2026-06-05T03:12:00Z".parse().ok());
        assert_eq!(parse("2026-06-05", 0), "2026-06-05".parse().ok());
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "5",
            "192.0.2.1",
            "12345678",
            "2026-13-01",
            "2026-02-29T00:00:00Z",
            "2026-06-05T24:00:00Z",
            "2026-06-05T03:12:44Zulu",
            "2026-06-05x",
            "yesterday",
            "0.25",
        ] {
            assert_eq!(parse(text, 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_a_timestamp_prints_is_read_back(nanos in any::<i64>()) {
            let time = Timestamp::from_nanos(nanos);
            let expected = (1_700..2_262).contains(&time.date().0).then_some(time);
            prop_assert_eq!(parse(&time.to_string(), 0), expected);
        }

        #[test]
        fn dates_agree_with_jiff(year in 1700_i64..2262, month in 0_i64..14, day in 0_i64..33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(parse(&text, 0), text.parse().ok());
        }

        #[test]
        fn any_text_is_a_time_or_not(text in ".{0,60}") {
            parse(&text, 90);
        }
    }
}
