//! Values as they are written: `10k`, `1..9`, `192.0.2.0/24`, `2026-06-05`, `-24h`, `high`.
//!
//! Every function takes one word or quoted text and gives `None` for what is no such value; the
//! parser then says what could stand there.

use jiff::civil;

use super::expr::{DAY_NANOS, Moment, Operand, SECOND_NANOS, Span, TIME_UNITS};
use super::fields::{FieldId, Type};
use crate::model::{AddrRange, Band, Timestamp, query};

/// Reads one value of a type: an operand of one.
pub(super) fn value(field: FieldId, kind: Type, text: &str) -> Result<Operand, &'static str> {
    let none = "";
    match kind {
        Type::Text => Ok(Operand::Texts(vec![text.into()])),
        Type::Addr => addrs(text).map(|range| Operand::Addrs(vec![range])),
        Type::Flag => flag(text).map(Operand::Flag).ok_or(none),
        Type::Number | Type::Bytes | Type::Secs => {
            let one = |text: &str| number(field, kind, text).map(Span::one);
            let in_order = |span: &Span<f64>| span.first <= span.last;
            span(text, one, in_order).map(|span| Operand::Numbers(vec![span]))
        }
        Type::Band => {
            let one = |text: &str| band(text).map(Span::one);
            let in_order = |span: &Span<Band>| span.first <= span.last;
            span(text, one, in_order).map(|span| Operand::Bands(vec![span]))
        }
        Type::Time => span(text, time, times_in_order).map(|span| Operand::Times(vec![span])),
        Type::Point => corner(text).map(|corner| Operand::Corners(vec![corner])).ok_or(none),
    }
}

const BACKWARDS: &str = "the range ends before it begins";

/// `a`, or `a..b` from the first of `a` to the last of `b`. The error is empty if it is neither.
fn span<T: Copy>(
    text: &str,
    one: impl Fn(&str) -> Option<Span<T>>,
    in_order: impl Fn(&Span<T>) -> bool,
) -> Result<Span<T>, &'static str> {
    let Some((first, last)) = text.split_once("..") else { return one(text).ok_or("") };
    let (first, last) = (one(first.trim()).ok_or("")?, one(last.trim()).ok_or("")?);
    Some(Span { first: first.first, last: last.last }).filter(in_order).ok_or(BACKWARDS)
}

/// Address, prefix or range, in any form that [`query`] knows, and `a..b`.
fn addrs(text: &str) -> Result<AddrRange, &'static str> {
    if let Some((first, last)) = text.split_once("..") {
        let end = |text: &str| query::parse(text).ok().and_then(|query| query.addr());
        let (first, last) = (end(first).ok_or("")?, end(last).ok_or("")?);
        return match first.family() == last.family() {
            true => AddrRange::new(first, last).ok_or(BACKWARDS),
            false => Err("the range goes from one address family to the other"),
        };
    }
    query::parse(text).map(|query| query.range()).map_err(|error| error.what)
}

/// Degrees north and east with a stroke between them.
fn corner(text: &str) -> Option<[f64; 2]> {
    let (lat, lon) = text.split_once('/')?;
    Some([lat.trim().parse().ok()?, lon.trim().parse().ok()?]).filter(|&it| is_corner(it))
}

/// Whether these are degrees north and east; an area may go once round the globe either way.
pub(super) fn is_corner([lat, lon]: [f64; 2]) -> bool {
    lat.abs() <= 90.0 && lon.abs() <= 540.0
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn band(text: &str) -> Option<Band> {
    let bands = [Band::None, Band::Low, Band::Medium, Band::High, Band::Critical];
    bands.into_iter().find(|band| band.as_str().eq_ignore_ascii_case(text))
}

/// A finite number with a unit of its type.
fn number(field: FieldId, kind: Type, text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = match field {
        FieldId::Asn => digits.strip_prefix("AS").or(digits.strip_prefix("as")).unwrap_or(digits),
        _ => digits,
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => hexadecimal(hex)?,
        None => {
            let is_number = |character: char| character.is_ascii_digit() || character == '.';
            let end = digits.find(|c| !is_number(c)).unwrap_or(digits.len());
            let (number, unit) = digits.split_at(end);
            // Rust reads ".5" and "5." too, and so do we.
            number.parse::<f64>().ok()? * factor(kind, unit)?
        }
    };
    value.is_finite().then_some(if negative { -value } else { value })
}

fn hexadecimal(digits: &str) -> Option<f64> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let value = u64::from_str_radix(digits, 16).ok().filter(|_| plain)?;
    Some(value as f64)
}

/// What a unit multiplies by. Decimal prefixes are powers of 1000, `Ki` and kin of 1024.
fn factor(kind: Type, unit: &str) -> Option<f64> {
    if unit.is_empty() {
        return Some(1.0);
    }
    if kind == Type::Secs {
        let mut units = TIME_UNITS.iter();
        let (_, nanos) = units.find(|(names, _)| names.contains(&unit))?;
        return Some(*nanos as f64 / SECOND_NANOS as f64);
    }
    let prefix = match kind {
        Type::Bytes => unit.strip_suffix('B').unwrap_or(unit),
        _ => unit,
    };
    Some(match prefix {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    })
}

/// A moment as exact as it is written: a date is its day, a time without fraction its second.
fn time(text: &str) -> Option<Span<Moment>> {
    if text.eq_ignore_ascii_case("now") {
        return Some(Span::one(Moment::Ago(0)));
    }
    if let Some(back) = text.strip_prefix('-') {
        return ago(back).map(Moment::Ago).map(Span::one);
    }
    let spanning = |first: Timestamp, nanos: i64| Span {
        first: Moment::At(first),
        last: Moment::At(first.plus_nanos(nanos - 1)),
    };
    if let Ok(date) = text.parse::<civil::Date>() {
        // jiff reads the date of a longer text too: a time would be lost.
        let first: Timestamp = date.to_string().parse().ok()?;
        let is_date = text.len() == date.to_string().len();
        return match is_date {
            true => Some(spanning(first, DAY_NANOS)),
            false => moment(text).map(|at| exact(text, at, spanning)),
        };
    }
    moment(text).map(|at| exact(text, at, spanning))
}

fn exact(
    text: &str,
    at: Timestamp,
    spanning: impl Fn(Timestamp, i64) -> Span<Moment>,
) -> Span<Moment> {
    let with_fraction = text.contains(['.', ',']);
    if with_fraction { Span::one(Moment::At(at)) } else { spanning(at, SECOND_NANOS) }
}

/// RFC 3339; without an offset UTC, with a space for the `T` as tables show it.
fn moment(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().ok();
    let instant = instant.or_else(|| {
        let civil = text.parse::<civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    instant.map(Timestamp::from)
}

/// `24h`, `90m`, `1.5d` in nanoseconds.
fn ago(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let mut units = TIME_UNITS.iter();
    let (_, nanos) = units.find(|(names, _)| names.contains(&unit))?;
    match number.parse::<i64>() {
        Ok(whole) => whole.checked_mul(*nanos),
        Err(_) => {
            let value = number.parse::<f64>().ok()? * *nanos as f64;
            // Beyond 2^53 a float skips nanoseconds; nobody counts back 104 days by the nanosecond.
            (value.is_finite() && value < 9.2e18).then_some(value as i64)
        }
    }
}

fn times_in_order(span: &Span<Moment>) -> bool {
    match (span.first, span.last) {
        (Moment::At(first), Moment::At(last)) => first <= last,
        (Moment::Ago(first), Moment::Ago(last)) => first >= last,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(field: FieldId, text: &str) -> String {
        match value(field, field.field().kind, text) {
            Ok(operand) => operand.to_string(),
            Err(what) => format!("error {what}").trim_end().to_owned(),
        }
    }

    #[test]
    fn values_are_read_with_their_units() {
        for (field, text, expected) in [
            (FieldId::Score, "50", "50"),
            (FieldId::Score, "-0.5", "-0.5"),
            (FieldId::Flows, "10k", "10000"),
            (FieldId::Flows, "1.5M", "1500000"),
            (FieldId::Flows, "1..9", "1..9"),
            (FieldId::Flows, "9..1", "error the range ends before it begins"),
            (FieldId::Flows, "0x1F", "31"),
            (FieldId::Flows, "0x+1", "error"),
            (FieldId::Flows, "10MB", "error"),
            (FieldId::Flows, "", "error"),
            (FieldId::Flows, "NaN", "error"),
            (FieldId::Flows, "inf", "error"),
            (FieldId::Flows, "1e3", "error"),
            (FieldId::Asn, "AS64500", "64500"),
            (FieldId::Port, "AS1", "error"),
            (FieldId::Bytes, "10MB", "10000000"),
            (FieldId::Bytes, "4KiB", "4096"),
            (FieldId::Bytes, "7B", "7"),
            (FieldId::Duration, "90s", "90"),
            (FieldId::Duration, "1.5h", "5400"),
            (FieldId::Duration, "250ms", "0.25"),
            (FieldId::Addr, "192.0.2.7", "192.0.2.7"),
            (FieldId::Addr, "192.0.2.7/24", "192.0.2.0/24"),
            (FieldId::Addr, "192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
            (FieldId::Addr, "192.0.2.0..192.0.2.255", "192.0.2.0/24"),
            (FieldId::Addr, "192[.]0[.]2[.]7", "192.0.2.7"),
            (
                FieldId::Addr,
                "2001:db8::..192.0.2.1",
                "error the range goes from one address \
                family to the other",
            ),
            (FieldId::Mine, "YES", "true"),
            (FieldId::Mine, "maybe", "error"),
            (FieldId::Band, "High", "high"),
            (FieldId::Band, "low..high", "low..high"),
            (FieldId::Band, "awful", "error"),
            (FieldId::Ts, "2026-06-05", "2026-06-05"),
            (FieldId::Ts, "2026-06-05T03:12:44Z", "2026-06-05T03:12:44Z"),
            (FieldId::Ts, "2026-06-05 03:12:44", "2026-06-05T03:12:44Z"),
            (FieldId::Ts, "2026-06-05T05:12:44+02:00", "2026-06-05T03:12:44Z"),
            (FieldId::Ts, "2026-06-05T03:12:44.5Z", "2026-06-05T03:12:44.500000000Z"),
            (FieldId::Ts, "-24h", "-1d"),
            (FieldId::Ts, "-1.5h", "-90m"),
            (FieldId::Ts, "now", "now"),
            (FieldId::Ts, "-24h..-1h", "-1d..-1h"),
            (FieldId::Ts, "-1h..-24h", "error the range ends before it begins"),
            (FieldId::Ts, "-9999999999999w", "error"),
            (FieldId::Ts, "2026-06-06..2026-06-05", "error the range ends before it begins"),
            (FieldId::Ts, "yesterday", "error"),
            (FieldId::Country, "NL", "\"NL\""),
        ] {
            assert_eq!(shown(field, text), expected, "{} {text}", field.field().name);
        }
    }
}
