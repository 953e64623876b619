//! An address in free text, however it is spelled there, and how to take it out.
//!
//! Spellings: as it is written, expanded, in capitals, defanged (`203[.]0[.]113[.]9`, `[dot]`,
//! `(.)`, `[:]`), with dashes or underscores (host names of providers), reversed (`in-addr.arpa`,
//! nibbles of `ip6.arpa`), as hexadecimal digits, as a decimal number. Missed: percent-encoding,
//! base64, words.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use serde_json::{Map, Value};

use super::StoreError;
use super::error::Trouble;
use crate::model::{Addr, query};

/// What stands where an address was.
pub(super) const FORGOTTEN: &str = "[forgotten]";

/// An address to take out of texts.
pub(super) struct Scrubber {
    addr: Addr,
    spellings: AhoCorasick,
    /// What sort of characters may not stand around each spelling: it would be another number.
    around: Vec<Around>,
    decimal: Option<u32>,
}

#[derive(Clone, Copy)]
enum Around {
    NoDigit,
    NoHexDigit,
    Anything,
}

impl Scrubber {
    pub(super) fn new(addr: Addr) -> Result<Self, StoreError> {
        let (mut texts, mut around) = (Vec::new(), Vec::new());
        for (text, what) in spellings(addr) {
            texts.push(text);
            around.push(what);
        }
        let spellings = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&texts)
            .map_err(|error| StoreError::new(Trouble::System, error.to_string()))?;
        let decimal = match addr {
            Addr::V4(addr) => Some(addr.to_bits()),
            Addr::V6(_) => None,
        };
        Ok(Self { addr, spellings, around, decimal })
    }

    /// Whether a text names the address.
    pub(super) fn is_in(&self, text: &str) -> bool {
        !self.places(text).is_empty()
    }

    /// The text with `instead` where the address stood.
    pub(super) fn without<'t>(&self, text: &'t str, instead: &str) -> Cow<'t, str> {
        cut(text, self.places(text), instead)
    }

    /// A JSON document without the address, in texts, keys and numbers; `None`: it is not in it.
    pub(super) fn json(&self, text: &str) -> Result<Option<String>, StoreError> {
        let value: Value = serde_json::from_str(text).map_err(StoreError::damaged)?;
        let scrubbed = self.value(value.clone());
        Ok((scrubbed != value).then(|| scrubbed.to_string()))
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.without(&text, FORGOTTEN).into_owned().into(),
            Value::Number(number) => {
                let is_it = number.as_u64().is_some_and(|number| {
                    self.decimal.is_some_and(|decimal| u64::from(decimal) == number)
                });
                if is_it { Value::Null } else { Value::Number(number) }
            }
            Value::Array(values) => {
                values.into_iter().map(|value| self.value(value)).collect::<Vec<_>>().into()
            }
            Value::Object(pairs) => {
                Value::Object(Map::from_iter(pairs.into_iter().map(|(key, value)| {
                    (self.without(&key, FORGOTTEN).into_owned(), self.value(value))
                })))
            }
            value => value,
        }
    }

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut places = Vec::new();
        for found in self.spellings.find_overlapping_iter(text) {
            let around =
                [found.start().checked_sub(1).and_then(|at| bytes.get(at)), bytes.get(found.end())];
            let stands_alone =
                |is_part: fn(&u8) -> bool| !around.into_iter().flatten().any(is_part);
            let alone = match self.around.get(found.pattern().as_usize()) {
                Some(Around::NoDigit) => stands_alone(u8::is_ascii_digit),
                Some(Around::NoHexDigit) => stands_alone(u8::is_ascii_hexdigit),
                _ => true,
            };
            if alone {
                places.push(found.start()..found.end());
            }
        }
        // Disguised forms and others that only a parser knows.
        if bytes.iter().any(|byte| matches!(byte, b'[' | b'(' | b'{' | b'\\' | b':')) {
            for found in query::find_all(bytes) {
                let range = found.query.range();
                if range.first() == self.addr || range.last() == self.addr {
                    places.push(found.at);
                }
            }
        }
        places
    }
}

/// Puts `instead` in the places, which may overlap.
pub(super) fn cut<'t>(text: &'t str, mut places: Vec<Range<usize>>, instead: &str) -> Cow<'t, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for place in places {
        if place.start >= at {
            out += text.get(at..place.start).unwrap_or_default();
            out += instead;
        }
        at = at.max(place.end);
    }
    out += text.get(at..).unwrap_or_default();
    Cow::Owned(out)
}

fn spellings(addr: Addr) -> Vec<(String, Around)> {
    match addr {
        Addr::V4(addr) => {
            let [a, b, c, d] = addr.octets();
            let mut spellings = Vec::new();
            for [a, b, c, d] in [[a, b, c, d], [d, c, b, a]] {
                for between in [".", "-", "_"] {
                    let text = format!("{a}{between}{b}{between}{c}{between}{d}");
                    spellings.push((text, Around::NoDigit));
                    let text = format!("{a:03}{between}{b:03}{between}{c:03}{between}{d:03}");
                    spellings.push((text, Around::NoDigit));
                }
                spellings.push((format!("{a:02x}{b:02x}{c:02x}{d:02x}"), Around::Anything));
                spellings.push((format!("{a:02x}{b:02x}:{c:02x}{d:02x}"), Around::NoHexDigit));
            }
            spellings.push((addr.to_bits().to_string(), Around::NoDigit));
            spellings
        }
        Addr::V6(addr) => {
            let groups = addr.segments();
            let long: Vec<String> = groups.iter().map(|group| format!("{group:04x}")).collect();
            let short: Vec<String> = groups.iter().map(|group| format!("{group:x}")).collect();
            let hex = format!("{:032x}", addr.to_bits());
            let reversed: String = hex.chars().rev().collect();
            let nibbles: Vec<String> = reversed.chars().map(String::from).collect();
            vec![
                (addr.to_string(), Around::NoHexDigit),
                (addr.to_string().replace(':', "-"), Around::NoHexDigit),
                (long.join(":"), Around::NoHexDigit),
                (long.join("-"), Around::NoHexDigit),
                (short.join(":"), Around::NoHexDigit),
                (short.join("-"), Around::NoHexDigit),
                (nibbles.join("."), Around::NoHexDigit),
                (reversed, Around::Anything),
                (hex, Around::Anything),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addr: &str, text: &str, expected: &str) {
        let scrubber = Scrubber::new(addr.parse().unwrap()).unwrap();
        assert_eq!(scrubber.without(text, "X"), expected, "{addr} in {text}");
        assert_eq!(scrubber.is_in(text), text != expected);
    }

    #[test]
    fn every_spelling_goes() {
        for text in [
            "203.0.113.9",
            "203[.]0[.]113[.]9",
            "203[dot]0[dot]113[dot]9",
            "203(.)0(.)113(.)9",
            "203.0.113[.]9",
            "203-0-113-9",
            "9.113.0.203",
            "cb007109",
            "CB007109",
            "3405803785",
            "203.000.113.009",
        ] {
            check("203.0.113.9", &format!("see {text}, or {text}!"), "see X, or X!");
        }
        check("203.0.113.9", "203.0.113.9.in-addr.arpa", "X.in-addr.arpa");
        check("203.0.113.9", "ip-203-0-113-9.example.net", "ip-X.example.net");
        check("203.0.113.9", "hxxp://203[.]0[.]113[.]9:80/a", "hxxp://X/a");
        check("203.0.113.9", "::ffff:203.0.113.9", "X");
        check("203.0.113.9", "0xcb007109", "0xX");
        for text in [
            "2001:db8::9",
            "2001:DB8::9",
            "2001:0db8:0000:0000:0000:0000:0000:0009",
            "2001:db8:0:0:0:0:0:9",
            "2001[:]db8[:]:9",
            "20010db8000000000000000000000009",
            "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
        ] {
            check("2001:db8::9", &format!("see {text} there"), "see X there");
        }
    }

    #[test]
    fn neighbours_stay() {
        for text in ["203.0.113.90", "1203.0.113.9", "203.0.113.8", "203-0-113-99", "34058037850"] {
            check("203.0.113.9", text, text);
        }
        check("2001:db8::9", "2001:db8::9a and 2001:db8::1:9", "2001:db8::9a and 2001:db8::1:9");
    }

    #[test]
    fn json_keeps_its_shape() {
        let scrubber = Scrubber::new("203.0.113.9".parse().unwrap()).unwrap();
        let text = r#"{"203.0.113.9":[3405803785,"a\n203[.]0[.]113[.]9"],"n":1}"#;
        let left = r#"{"[forgotten]":[null,"a\n[forgotten]"],"n":1}"#;
        assert_eq!(scrubber.json(text).unwrap().as_deref(), Some(left));
        assert_eq!(scrubber.json(left).unwrap(), None);
    }
}
