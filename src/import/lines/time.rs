//! The dates that logs write, read byte by byte: a log has one on every line.

use crate::model::Timestamp;

/// A moment as a log wrote it, checked to exist; year and zone may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::import) struct Stamp {
    /// `None` in RFC 3164 lines.
    pub(in crate::import) year: Option<i16>,
    /// 1 to 12.
    pub(in crate::import) month: u8,
    /// 1 to 31; 29 February is allowed where the year is missing.
    pub(in crate::import) day: u8,
    /// Second of the day; a leap second is the second after it.
    pub(in crate::import) secs: u32,
    /// Nanoseconds of the second.
    pub(in crate::import) nanos: u32,
    /// East of UTC; `None` where the line names no zone.
    pub(in crate::import) offset_minutes: Option<i32>,
}

impl Stamp {
    /// The moment in UTC, for the year and offset the line does not name. `None`: 29 February in a
    /// year that has none, or out of range.
    pub(in crate::import) fn utc(self, year: i16, offset_minutes: i32) -> Option<Timestamp> {
        let year = self.year.unwrap_or(year);
        if self.day > days_in_month(Some(year), self.month) {
            return None;
        }
        let offset = self.offset_minutes.unwrap_or(offset_minutes);
        let secs = days_from_civil(i64::from(year), self.month, self.day) * 86_400
            + i64::from(self.secs)
            - i64::from(offset) * 60;
        // Nanoseconds in 64 bits end in 2262.
        (1_700..2_262).contains(&year).then(|| Timestamp::from_secs_nanos(secs, self.nanos))
    }

    /// (month, day, second of the day): what the survey of years compares.
    pub(in crate::import) const fn yearless(self) -> (u8, u8, u32) {
        (self.month, self.day, self.secs)
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", 2013).
pub(in crate::import) fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Whether a year has a 29 February.
pub(in crate::import) const fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month; without a year February has 29.
const fn days_in_month(year: Option<i16>, month: u8) -> u8 {
    match (month, year) {
        (4 | 6 | 9 | 11, _) => 30,
        (2, Some(year)) if !is_leap(year) => 28,
        (2, _) => 29,
        _ => 31,
    }
}

/// `N` ASCII digits as a number.
fn digits<const N: usize>(text: [u8; N]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, &byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

/// `Jan` to `Dec`, in any case.
fn month_by_name(name: [u8; 3]) -> Option<u8> {
    Some(match &name.map(|byte| byte.to_ascii_lowercase()) {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// `HH:MM:SS` as a second of the day; the leap second 60 is allowed.
fn clock(text: [u8; 8]) -> Option<u32> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = text else { return None };
    let (hour, minute, second) = (digits([h1, h2])?, digits([m1, m2])?, digits([s1, s2])?);
    (hour <= 23 && minute <= 59 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// A checked date.
fn date(year: Option<i16>, month: u8, day: u32) -> Option<(Option<i16>, u8, u8)> {
    let day = u8::try_from(day).ok()?;
    let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    exists.then_some((year, month, day))
}

fn year_of(text: [u8; 4]) -> Option<i16> {
    i16::try_from(digits(text)?).ok()
}

/// `.123456` or `,123`: nanoseconds and what follows; 0 where there is no fraction.
fn fraction(rest: &[u8]) -> (u32, &[u8]) {
    let [b'.' | b',', after @ ..] = rest else { return (0, rest) };
    let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (text, following) = after.split_at(count);
    if count == 0 {
        return (0, rest);
    }
    let nanos = text
        .iter()
        .copied()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0_u32, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    (nanos, following)
}

/// `Z`, `+02:00`, `+0200`, with or without a space before, or ` UTC`: minutes east, and the rest.
fn zone(rest: &[u8]) -> (Option<i32>, &[u8]) {
    let body = rest.strip_prefix(b" ").unwrap_or(rest);
    let spaced = body.len() != rest.len();
    if let Some(after) = body.strip_prefix(b"Z").filter(|_| !spaced) {
        return (Some(0), after);
    }
    if let Some(after) = body.strip_prefix(b"UTC").or_else(|| body.strip_prefix(b"GMT")) {
        return (Some(0), after);
    }
    let (sign, after) = match body {
        [b'+', after @ ..] => (1, after),
        [b'-', after @ ..] => (-1, after),
        _ => return (None, rest),
    };
    let (hours, minutes, following) = match after {
        [h1, h2, b':', m1, m2, following @ ..] | [h1, h2, m1, m2, following @ ..] => {
            (digits([*h1, *h2]), digits([*m1, *m2]), following)
        }
        _ => return (None, rest),
    };
    match (hours, minutes) {
        (Some(hours @ 0..=15), Some(minutes @ 0..=59)) => {
            (i32::try_from(hours * 60 + minutes).ok().map(|minutes| sign * minutes), following)
        }
        _ => (None, rest),
    }
}

/// `17/May/2015:10:05:03 +0000`, the time of access logs; also without a zone.
pub(in crate::import) fn clf(text: &[u8]) -> Option<(Stamp, &[u8])> {
    if let Some(([d1, d2, b'/', after @ ..], rest)) = text.split_first_chunk::<20>() {
        return after_day([*d1, *d2], *after, rest);
    }
    // Webmin writes a day below 10 as one digit.
    let ([day, b'/', after @ ..], rest) = text.split_first_chunk::<19>()? else { return None };
    after_day([b'0', *day], *after, rest)
}

/// `May/2015:10:05:03` and what follows; Webmin writes a space before the hour.
fn after_day(day: [u8; 2], after: [u8; 17], rest: &[u8]) -> Option<(Stamp, &[u8])> {
    let [m1, m2, m3, b'/', y1, y2, y3, y4, b':' | b' ', time @ ..] = after else { return None };
    let (year, month, day) =
        date(Some(year_of([y1, y2, y3, y4])?), month_by_name([m1, m2, m3])?, digits(day)?)?;
    let secs = clock(time)?;
    // HAProxy writes milliseconds and no zone here.
    let (nanos, rest) = fraction(rest);
    let (offset_minutes, rest) = zone(rest);
    Some((Stamp { year, month, day, secs, nanos, offset_minutes }, rest))
}

/// `2026-06-05T03:12:44.5+02:00` and its kin: `/` for `-`, a space (or two) for `T`, a comma before
/// the fraction, no zone.
pub(in crate::import) fn iso(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let (head, rest) = text.split_first_chunk::<11>()?;
    let [y1, y2, y3, y4, s1 @ (b'-' | b'/'), m1, m2, s2, d1, d2, b'T' | b't' | b' '] = *head else {
        return None;
    };
    let month = u8::try_from(digits([m1, m2])?).ok()?;
    let (year, month, day) = date(Some(year_of([y1, y2, y3, y4])?), month, digits([d1, d2])?)?;
    // Gin writes `2022/02/07 - 10:49:33`.
    let rest = rest.strip_prefix(b"- ").unwrap_or(rest);
    // MySQL 5.5 pads the hour with a space.
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let secs = match *time {
        [b' ', hour, ref after @ ..] => {
            let [a, b, c, d, e, f] = *after;
            clock([b'0', hour, a, b, c, d, e, f])?
        }
        time => clock(time)?,
    };
    let (nanos, rest) = fraction(rest);
    let (offset_minutes, rest) = zone(rest);
    (s1 == s2).then_some((Stamp { year, month, day, secs, nanos, offset_minutes }, rest))
}

/// `Jun  5 03:12:44`, the time of RFC 3164; also with a year after the day (Cisco) and a fraction.
pub(in crate::import) fn bsd(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let (head, mut rest) = text.split_first_chunk::<7>()?;
    let [m1, m2, m3, b' ', d1, d2, b' '] = *head else { return None };
    let d1 = if d1 == b' ' { b'0' } else { d1 };
    let mut year = None;
    if let Some(([y1, y2, y3, y4, b' '], after)) = rest.split_first_chunk::<5>()
        && let Some(found) = year_of([*y1, *y2, *y3, *y4])
    {
        (year, rest) = (Some(found), after);
    }
    let (year, month, day) = date(year, month_by_name([m1, m2, m3])?, digits([d1, d2])?)?;
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let secs = clock(*time)?;
    let (nanos, rest) = fraction(rest);
    Some((Stamp { year, month, day, secs, nanos, offset_minutes: None }, rest))
}

/// `Wed Jul 05 09:19:24.428126 2023`, the time of Apache's error log and of `ctime`.
pub(in crate::import) fn ctime(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let (head, rest) = text.split_first_chunk::<4>()?;
    let [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' '] = *head else { return None };
    let (stamp, rest) = bsd(rest)?;
    let ([b' ', y1, y2, y3, y4], rest) = rest.split_first_chunk::<5>()? else { return None };
    let (year, month, day) =
        date(Some(year_of([*y1, *y2, *y3, *y4])?), stamp.month, u32::from(stamp.day))?;
    Some((Stamp { year, month, day, ..stamp }, rest))
}

/// `19-Oct-2022 05:34:02.425`, the time of BIND.
pub(in crate::import) fn bind(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let (head, rest) = text.split_first_chunk::<20>()?;
    let [d1, d2, b'-', m1, m2, m3, b'-', y1, y2, y3, y4, b' ', time @ ..] = *head else {
        return None;
    };
    let (year, month, day) =
        date(Some(year_of([y1, y2, y3, y4])?), month_by_name([m1, m2, m3])?, digits([d1, d2])?)?;
    let secs = clock(time)?;
    let (nanos, rest) = fraction(rest);
    let (offset_minutes, rest) = zone(rest);
    Some((Stamp { year, month, day, secs, nanos, offset_minutes }, rest))
}

/// `08/02/2023, 7:32:47 PM` and `01/25/22 16:08:02.393`: American order, as NestJS and ZoneMinder
/// write it. A day above 12 in the first place is no date.
pub(in crate::import) fn american(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let (head, rest) = text.split_first_chunk::<6>()?;
    let [m1, m2, b'/', d1, d2, b'/'] = *head else { return None };
    let (year, rest) = match rest {
        [y1, y2, y3, y4, rest @ ..] if y3.is_ascii_digit() => {
            (year_of([*y1, *y2, *y3, *y4])?, rest)
        }
        [y1, y2, rest @ ..] => (year_of([b'2', b'0', *y1, *y2])?, rest),
        _ => return None,
    };
    let month = u8::try_from(digits([m1, m2])?).ok()?;
    let (year, month, day) = date(Some(year), month, digits([d1, d2])?)?;
    let rest = rest.strip_prefix(b",").unwrap_or(rest).strip_prefix(b" ")?;
    let (time, rest) = match rest {
        [h, b':', a, b, b':', c, d, rest @ ..] => ([b'0', *h, b':', *a, *b, b':', *c, *d], rest),
        _ => rest.split_first_chunk::<8>().map(|(time, rest)| (*time, rest))?,
    };
    let mut secs = clock(time)?;
    let (nanos, mut rest) = fraction(rest);
    let (hour, half) = (secs / 3_600, rest.first_chunk::<3>());
    if let Some([b' ', half @ (b'A' | b'P'), b'M']) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        secs = secs % 43_200 + if *half == b'P' { 43_200 } else { 0 };
        rest = rest.get(3..)?;
    }
    Some((Stamp { year, month, day, secs, nanos, offset_minutes: None }, rest))
}

/// Any of the dates above.
pub(in crate::import) fn any(text: &[u8]) -> Option<(Stamp, &[u8])> {
    match text.first()? {
        b'0'..=b'9' => {
            iso(text).or_else(|| clf(text)).or_else(|| bind(text)).or_else(|| american(text))
        }
        b'A'..=b'Z' => bsd(text).or_else(|| ctime(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<(String, String)> {
        let (stamp, rest) = any(text.as_bytes())?;
        let time = stamp.utc(2_001, 60)?.to_string();
        Some((time, String::from_utf8(rest.to_vec()).unwrap()))
    }

    #[test]
    fn each_form_of_a_date() {
        for (text, time, rest) in [
            ("17/May/2015:10:05:03 +0000] x", "2015-05-17T10:05:03", "] x"),
            ("17/May/2015:10:05:03 -0730]", "2015-05-17T17:35:03", "]"),
            ("06/Feb/2009:12:14:14.655]", "2009-02-06T11:14:14.655", "]"),
            ("2026-06-05T03:12:44Z sshd", "2026-06-05T03:12:44", " sshd"),
            ("2026-06-05T03:12:44.25+02:00 a", "2026-06-05T01:12:44.25", " a"),
            ("2026-06-05 03:12:44,123 INFO", "2026-06-05T02:12:44.123", " INFO"),
            ("2026-06-05 03:12:44.5 -05:00 [W", "2026-06-05T08:12:44.5", " [W"),
            ("2026-06-05 03:12:44 UTC [7]", "2026-06-05T03:12:44", " [7]"),
            ("2026/06/05 03:12:44 [error]", "2026-06-05T02:12:44", " [error]"),
            ("2026/06/05 - 03:12:44 | 401", "2026-06-05T02:12:44", " | 401"),
            ("2026-06-05  3:12:44 8", "2026-06-05T02:12:44", " 8"),
            ("Jun  5 03:12:44 host", "2001-06-05T02:12:44", " host"),
            ("Jun 15 2020 03:12:44: x", "2020-06-15T02:12:44", ": x"),
            ("Fri Jun 05 03:12:44.5 2026] x", "2026-06-05T02:12:44.5", "] x"),
            ("05-Jun-2026 03:12:44.5 c", "2026-06-05T02:12:44.5", " c"),
            ("08/02/2023, 7:32:47 PM W", "2023-08-02T18:32:47", " W"),
            ("08/02/2023, 12:32:47 AM", "2023-08-01T23:32:47", ""),
            ("01/25/22 16:08:02.5 web", "2022-01-25T15:08:02.5", " web"),
            ("2/Aug/2023 16:07:22] x", "2023-08-02T15:07:22", "] x"),
            ("27/Jul/2023 16:06:44] admin", "2023-07-27T15:06:44", "] admin"),
            ("31/Dec/2016:23:59:60 +0000]", "2017-01-01T00:00:00", "]"),
        ] {
            let (found, left) = utc(text).unwrap_or_else(|| panic!("{text}: not read"));
            let exact: Timestamp = format!("{time}Z").parse().unwrap();
            assert_eq!((found.as_str(), left.as_str()), (exact.to_string().as_str(), rest));
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "31/Feb/2015:10:05:03 +0000",
            "29/Feb/2015:10:05:03 +0000",
            "17/Mai/2015:10:05:03 +0000",
            "17/May/2015:24:05:03 +0000",
            "2026-13-05T03:12:44Z",
            "2026-06/05 03:12:44",
            "Jun 31 03:12:44 host",
            "Jun  0 03:12:44 host",
            "Feb 29 03:12:44 host",
            "Juni 5 03:12:44",
            "Jun  5 03:12",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn days_agree_with_a_calendar_library() {
        for days in (-80_000..110_000).step_by(17) {
            let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            let month = u8::try_from(day.month()).unwrap();
            let of_month = u8::try_from(day.day()).unwrap();
            assert_eq!(days_from_civil(i64::from(day.year()), month, of_month), i64::from(days));
        }
    }
}
