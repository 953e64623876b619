//! Which fields of a database's records mean what: a table that an analyst may edit.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::text;
use crate::model::{Claim, Granularity, Kind};

/// The table that is shipped, for a person to begin with.
pub const SHIPPED_FIELDS: &str = include_str!("mmdb.toml");

/// Paths of one table.
const PATHS_MAX: usize = 1_000;

/// Bytes kept of a name in a record.
const NAME_BYTES_MAX: usize = 256;

/// Fields of one record and elements of one list that are looked at. The largest have 40.
const FIELDS_MAX: usize = 1_024;

/// A record's value, as far as the table can ask for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Bool(bool),
    Whole(u64),
    Number(f64),
    Text(&'a str),
    Map(Vec<(&'a str, Self)>),
    List(Vec<Self>),
    /// Bytes, numbers of 128 bits.
    Other,
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of an MMDB")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u128<E>(self, _value: u128) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_f32<E>(self, value: f32) -> Result<Value<'de>, E> {
        // The shortest decimal that is this number: 52.01 and not 52.0099983215332.
        Ok(Value::Number(value.to_string().parse().unwrap_or(f64::from(value))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(value))
    }

    fn visit_str<E>(self, _value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_bytes<E>(self, _value: &[u8]) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            if values.len() < FIELDS_MAX {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(pair) = map.next_entry::<&'de str, Value<'de>>()? {
            if values.len() < FIELDS_MAX {
                values.push(pair);
            }
        }
        Ok(Value::Map(values))
    }
}

impl Value<'_> {
    fn at(&self, path: &[String]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let found = match self {
            Self::Map(fields) => &fields.iter().find(|(name, _)| name == first)?.1,
            Self::List(values) => values.get(first.parse::<usize>().ok()?)?,
            _ => return None,
        };
        found.at(rest)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !["", "-"].contains(text)),
            _ => None,
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Whole(number) => *number == 1,
            Self::Text(text) => ["true", "1", "yes"].iter().any(|it| text.eq_ignore_ascii_case(it)),
            _ => false,
        }
    }

    fn asn(&self) -> Option<u32> {
        let number = match self {
            Self::Whole(number) => u32::try_from(*number).ok(),
            Self::Text(text) => {
                let digits = text.strip_prefix("AS").or(text.strip_prefix("as")).unwrap_or(text);
                digits.parse().ok()
            }
            _ => None,
        };
        number.filter(|&asn| asn > 0)
    }

    /// Whether it says anything.
    pub(super) fn has_fields(&self) -> bool {
        !matches!(self, Self::Other) && *self != Self::Map(Vec::new())
    }

    /// The paths of its fields, for a person who writes a table.
    pub(super) fn paths(&self, limit: usize) -> Vec<String> {
        let mut paths = Vec::new();
        self.add_paths("", limit, &mut paths);
        paths
    }

    fn add_paths(&self, at: &str, limit: usize, paths: &mut Vec<String>) {
        let below = |name: &str| match at {
            "" => name.to_owned(),
            at => format!("{at}.{name}"),
        };
        match self {
            _ if paths.len() >= limit => {}
            Self::Map(fields) => {
                fields.iter().for_each(|(name, value)| value.add_paths(&below(name), limit, paths));
            }
            Self::List(values) => {
                let first = values.first().into_iter();
                first.for_each(|value| value.add_paths(&below("0"), limit, paths));
            }
            _ if at.is_empty() => paths.push("no field: a value alone".to_owned()),
            _ => paths.push(at.to_owned()),
        }
    }
}

/// The table, ready to ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    lat: Vec<Path>,
    lon: Vec<Path>,
    city: Vec<Path>,
    region: Vec<Path>,
    country: Vec<Path>,
    asn: Vec<Path>,
    as_name: Vec<Path>,
    kinds: Vec<(Kind, Vec<Path>)>,
}

/// A way down, and the value that has to be there.
#[derive(Clone, Debug)]
struct Path {
    names: Vec<String>,
    wanted: Option<String>,
}

impl Path {
    fn parse(text: &str) -> Self {
        let (names, wanted) = match text.split_once('=') {
            Some((names, wanted)) => (names, Some(wanted.to_owned())),
            None => (text, None),
        };
        Self { names: names.split('.').map(str::to_owned).collect(), wanted }
    }

    fn holds(&self, value: &Value<'_>) -> bool {
        let Some(found) = value.at(&self.names) else { return false };
        match (&self.wanted, found) {
            (None, found) => found.is_true(),
            (Some(wanted), Value::Text(text)) => {
                // IP2Location joins several: `VPN/DCH`.
                text.split(['/', ',']).any(|text| text.trim().eq_ignore_ascii_case(wanted))
            }
            (Some(_), _) => false,
        }
    }
}

impl Table {
    /// The shipped table.
    pub(super) fn shipped() -> Result<Self, String> {
        Self::parse(SHIPPED_FIELDS)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// A sentence with line and column, or the name that no table has.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("the table of fields: {what}");
        let read: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim()))?;
        let mut table = Self::default();
        let mut paths_left = PATHS_MAX;
        for (part, fields) in &read {
            let fields =
                fields.as_table().ok_or_else(|| wrong("write [place], [system], [kinds]"))?;
            for (name, paths) in fields {
                let paths = paths.as_array().ok_or_else(|| {
                    wrong(&format!("{part}.{} is no list of paths", text::shown(name)))
                })?;
                paths_left = paths_left
                    .checked_sub(paths.len())
                    .ok_or_else(|| wrong(&format!("more than {PATHS_MAX} paths")))?;
                let paths: Vec<Path> =
                    paths.iter().filter_map(|path| path.as_str()).map(Path::parse).collect();
                table.put(part, name, paths).map_err(|what| wrong(&what))?;
            }
        }
        Ok(table)
    }

    fn put(&mut self, part: &str, name: &str, paths: Vec<Path>) -> Result<(), String> {
        let slot = match (part, name) {
            ("place", "lat") => &mut self.lat,
            ("place", "lon") => &mut self.lon,
            ("place", "city") => &mut self.city,
            ("place", "region") => &mut self.region,
            ("place", "country") => &mut self.country,
            ("system", "asn") => &mut self.asn,
            ("system", "name") => &mut self.as_name,
            ("kinds", name) if let Some(kind) = kind_of(name) => {
                self.kinds.push((kind, paths));
                return Ok(());
            }
            _ => {
                return Err(format!(
                    "there is no meaning {}.{}; there are place.lat lon city region country, \
                     system.asn name, and kinds",
                    text::shown(part),
                    text::shown(name)
                ));
            }
        };
        *slot = paths;
        Ok(())
    }

    /// Where a record puts its addresses.
    pub(super) fn claim(&self, value: &Value<'_>, source: &str) -> Option<Claim> {
        let number = |paths: &[Path], bound: f64| {
            first(paths, value, Value::number).filter(|degrees| degrees.abs() <= bound)
        };
        let named = |paths: &[Path]| first(paths, value, |found| found.text().map(cut));
        let point = number(&self.lat, 90.0).zip(number(&self.lon, 180.0));
        // 0,0 is where databases put what they do not know.
        let point = point.filter(|&point| point != (0.0, 0.0));
        let country_code = first(&self.country, value, |found| country(found.text()?));
        let (city, region) = (named(&self.city), named(&self.region));
        let granularity = match (&city, &region, country_code) {
            (Some(_), ..) => Granularity::City,
            (None, Some(_), _) => Granularity::Region,
            (None, None, Some(_)) => Granularity::Country,
            (None, None, None) => {
                point?;
                Granularity::City
            }
        };
        Some(Claim {
            source: source.into(),
            // The middle of a country is no place.
            point: point.filter(|_| granularity > Granularity::Country),
            city,
            region,
            country_code,
            granularity,
            own: false,
        })
    }

    /// The AS a record names.
    pub(super) fn system(&self, value: &Value<'_>) -> Option<(u32, Option<Arc<str>>)> {
        let asn = first(&self.asn, value, Value::asn)?;
        Some((asn, first(&self.as_name, value, |found| found.text().map(cut))))
    }

    /// What sorts of networks a record says its addresses are, in ascending order.
    pub(super) fn kinds(&self, value: &Value<'_>) -> Vec<Kind> {
        let is = |paths: &[Path]| paths.iter().any(|path| path.holds(value));
        let mut kinds: Vec<Kind> =
            self.kinds.iter().filter(|(_, paths)| is(paths)).map(|&(kind, _)| kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
}

fn first<'r, 'v, T>(
    paths: &[Path],
    value: &'r Value<'v>,
    mut read: impl FnMut(&'r Value<'v>) -> Option<T>,
) -> Option<T> {
    paths.iter().find_map(|path| read(value.at(&path.names)?))
}

fn cut(text: &str) -> Arc<str> {
    let end = text.floor_char_boundary(NAME_BYTES_MAX);
    Arc::from(text.get(..end).unwrap_or_default())
}

fn country(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_whole() {
        let table = Table::shipped().unwrap();
        assert!(!table.lat.is_empty() && !table.asn.is_empty() && table.kinds.len() >= 10);
    }

    #[test]
    fn mistakes_of_a_table_are_named() {
        for (text, part) in [
            ("x", "line 1"),
            ("place = 1", "[place]"),
            ("[place]\nlat = 1", "no list of paths"),
            ("[kinds]\nbad = []", "kinds.bad"),
        ] {
            let what = Table::parse(text).unwrap_err();
            assert!(what.contains(part), "{what}");
        }
        let many = format!("[place]\nlat = [{}]", "\"a\",".repeat(PATHS_MAX));
        assert!(Table::parse(&many).is_ok());
        let more = format!("[place]\nlat = [{}]", "\"a\",".repeat(PATHS_MAX + 1));
        assert!(Table::parse(&more).unwrap_err().contains("more than"));
    }

    #[test]
    fn points_are_on_earth_and_no_middles_of_countries() {
        let table = Table::shipped().unwrap();
        let record = |lat: f64, city: Option<&'static str>| {
            let location =
                Value::Map(vec![("latitude", Value::Number(lat)), ("longitude", Value::Whole(4))]);
            let mut fields = vec![("location", location), ("country_code", Value::Text("nl"))];
            fields.extend(city.map(|name| ("city", Value::Text(name))));
            table.claim(&Value::Map(fields), "x").unwrap()
        };
        assert_eq!(record(52.0, Some("Delft")).point, Some((52.0, 4.0)));
        assert_eq!(record(91.0, Some("Delft")).point, None);
        let country = record(52.0, None);
        assert_eq!((country.point, country.country_code), (None, Some(*b"NL")));
        assert_eq!(country.granularity, Granularity::Country);
    }
}
