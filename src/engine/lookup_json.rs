//! A look-up's row as JSON, written by hand: the text is half of the cost of an answer.
//!
//! serde spends 17,000 instructions on a row, most of them on telling that its keys need no
//! escapes. Here keys are bytes, and a value that is plain ASCII is copied. Whatever is not plain
//! goes to the writer that all other commands use, and a test holds the two equal byte for byte.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::lookup::{LookupFields, LookupRow};
use crate::export::{ListRow, to_json};
use crate::model::{Addr, Place, PlaceCandidate, Prefix};

/// Adds the row's chosen keys as one object.
pub(super) fn write(row: &LookupRow, fields: &LookupFields, out: &mut Vec<u8>) {
    let mut before = b'{';
    for &name in fields.names() {
        out.push(before);
        before = b',';
        field(row, name, out);
    }
    out.push(b'}');
}

/// Adds one key and its value.
pub(super) fn field(row: &LookupRow, name: &str, out: &mut Vec<u8>) {
    key(name, out);
    value(row, name, out);
}

/// Adds a key and a text that needs no escapes.
pub(super) fn plain(name: &str, text: &[u8], out: &mut Vec<u8>) {
    key(name, out);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Adds the key of an address and the address.
pub(super) fn addr(addr: Addr, out: &mut Vec<u8>) {
    key("addr", out);
    addr_value(addr, out);
}

/// Adds the key of the prefix and the prefix.
pub(super) fn prefix(prefix: Option<Prefix>, out: &mut Vec<u8>) {
    key("prefix", out);
    optional(prefix, out, prefix_value);
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn addr_value(addr: Addr, out: &mut Vec<u8>) {
    out.push(b'"');
    address(addr, out);
    out.push(b'"');
}

fn prefix_value(prefix: Prefix, out: &mut Vec<u8>) {
    out.push(b'"');
    address(prefix.first(), out);
    out.push(b'/');
    decimal(prefix.len(), out);
    out.push(b'"');
}

fn value(row: &LookupRow, field: &str, out: &mut Vec<u8>) {
    match field {
        "query" => text(row.query.raw(), out),
        "addr" => optional(row.addr, out, addr_value),
        "prefix" => optional(row.prefix, out, prefix_value),
        "reserved" => optional(row.reserved, out, |reserved, out| text(reserved.as_str(), out)),
        "asn" => optional(row.asn, out, |asn, out| {
            write!(out, "{asn}").ok();
        }),
        "as_name" => optional(row.as_name.as_deref(), out, text),
        "kinds" => list(&row.kinds, out, |kind, out| text(kind.as_str(), out)),
        "lists" => list(&row.lists, out, |list, out| {
            let ListRow { id, since } = list;
            out.extend_from_slice(b"{\"id\":");
            text(id, out);
            out.extend_from_slice(b",\"since\":");
            optional(*since, out, |since, out| text(&since.to_string(), out));
            out.push(b'}');
        }),
        "place" => optional(row.place.as_ref(), out, place),
        "score" => optional(row.score, out, number),
        _ => optional(row.error, out, text),
    }
}

fn place(place: &Place, out: &mut Vec<u8>) {
    let Place { lat, lon, radius_km, confidence, .. } = place;
    out.extend_from_slice(b"{\"lat\":");
    optional(*lat, out, number);
    out.extend_from_slice(b",\"lon\":");
    optional(*lon, out, number);
    out.extend_from_slice(b",\"radius_km\":");
    optional(*radius_km, out, number);
    out.extend_from_slice(b",\"confidence\":");
    optional(*confidence, out, number);
    out.extend_from_slice(b",\"city\":");
    optional(place.city.as_deref(), out, text);
    out.extend_from_slice(b",\"region\":");
    optional(place.region.as_deref(), out, text);
    out.extend_from_slice(b",\"country_code\":");
    optional(place.country_code.as_deref(), out, text);
    out.extend_from_slice(b",\"granularity\":");
    // One of four words; serde knows them.
    to_json(out, &place.granularity).ok();
    out.extend_from_slice(b",\"note\":");
    optional(place.note, out, text);
    out.extend_from_slice(b",\"candidates\":");
    list(&place.candidates, out, candidate);
    out.push(b'}');
}

fn candidate(candidate: &PlaceCandidate, out: &mut Vec<u8>) {
    let PlaceCandidate { city, country_code, lat, lon, weight, sources } = candidate;
    out.extend_from_slice(b"{\"city\":");
    optional(city.as_deref(), out, text);
    out.extend_from_slice(b",\"country_code\":");
    optional(country_code.as_deref(), out, text);
    out.extend_from_slice(b",\"lat\":");
    optional(*lat, out, number);
    out.extend_from_slice(b",\"lon\":");
    optional(*lon, out, number);
    out.extend_from_slice(b",\"weight\":");
    number(*weight, out);
    out.extend_from_slice(b",\"sources\":");
    list(sources, out, |source: &Arc<str>, out| text(source, out));
    out.push(b'}');
}

fn optional<T>(value: Option<T>, out: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
    match value {
        Some(value) => write(value, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn list<T>(items: &[T], out: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn text(text: &str, out: &mut Vec<u8>) {
    let plain = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing to memory cannot fail.
        to_json(out, &text).ok();
    }
}

fn number(number: f64, out: &mut Vec<u8>) {
    to_json(out, &number).ok();
}

fn address(addr: Addr, out: &mut Vec<u8>) {
    match addr {
        Addr::V4(addr) => address_v4(addr, out),
        Addr::V6(addr) => {
            write!(out, "{addr}").ok();
        }
    }
}

fn address_v4(addr: Ipv4Addr, out: &mut Vec<u8>) {
    for (number, octet) in addr.octets().into_iter().enumerate() {
        if number > 0 {
            out.push(b'.');
        }
        decimal(octet, out);
    }
}

fn decimal(number: u8, out: &mut Vec<u8>) {
    if number >= 100 {
        out.push(b'0' + number / 100);
    }
    if number >= 10 {
        out.push(b'0' + number / 10 % 10);
    }
    out.push(b'0' + number % 10);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::ser::SerializeMap;
    use serde::{Serialize, Serializer};

    use super::*;
    use crate::engine::LOOKUP_FIELDS;
    use crate::model::{Granularity, Kind, Reserved, Timestamp, Untrusted};

    /// The same row as serde writes it.
    struct Plain<'a>(&'a LookupRow);

    impl Serialize for Plain<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self(row) = self;
            let mut map = serializer.serialize_map(None)?;
            for field in LOOKUP_FIELDS {
                match field {
                    "query" => map.serialize_entry(field, &row.query)?,
                    "addr" => map.serialize_entry(field, &row.addr)?,
                    "prefix" => map.serialize_entry(field, &row.prefix)?,
                    "reserved" => map.serialize_entry(field, &row.reserved)?,
                    "asn" => map.serialize_entry(field, &row.asn)?,
                    "as_name" => map.serialize_entry(field, &row.as_name)?,
                    "kinds" => map.serialize_entry(field, &row.kinds)?,
                    "lists" => map.serialize_entry(field, &row.lists)?,
                    "place" => map.serialize_entry(field, &row.place)?,
                    "score" => map.serialize_entry(field, &row.score)?,
                    _ => map.serialize_entry(field, &row.error)?,
                }
            }
            map.end()
        }
    }

    fn both(row: &LookupRow) -> (String, String) {
        let (mut by_hand, mut by_serde) = (Vec::new(), Vec::new());
        write(row, &LookupFields::default(), &mut by_hand);
        to_json(&mut by_serde, &Plain(row)).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(by_hand), text(by_serde))
    }

    fn words() -> impl Strategy<Value = Option<Arc<str>>> {
        prop::option::of("\\PC{0,8}|[\\x00-\\x7f]{0,6}|[a-z ,.]{0,9}|\u{202e}x\u{7f}")
            .prop_map(|text: Option<String>| text.map(Arc::from))
    }

    fn numbers() -> impl Strategy<Value = Option<f64>> {
        prop::option::of(prop_oneof![
            any::<f64>(),
            (-180_000..180_000).prop_map(|n| { f64::from(n) / 1_000.0 })
        ])
    }

    prop_compose! {
        fn candidates()(
            city in words(), lat in numbers(), weight in any::<f64>(), source in words()
        ) -> PlaceCandidate
        {
            let country_code = city.is_some().then(|| "NL".to_owned());
            let sources = source.into_iter().collect();
            PlaceCandidate { city, country_code, lat, lon: lat, weight, sources }
        }
    }

    prop_compose! {
        fn places()(
            lat in numbers(), radius_km in numbers(), city in words(), region in words(),
            candidates in prop::collection::vec(candidates(), 0..3), fine in any::<bool>(),
        ) -> Place {
            Place {
                lat, lon: lat, radius_km, confidence: radius_km, city, region,
                country_code: fine.then(|| "DE".to_owned()),
                granularity: fine.then_some(Granularity::City),
                note: (!fine).then_some("Announced from many sites."),
                candidates,
            }
        }
    }

    prop_compose! {
        fn rows()(
            query in ".{0,20}", v4 in any::<u32>(), v6 in any::<u128>(), six in any::<bool>(),
            len in 0_u8..=32, asn in any::<Option<u32>>(), as_name in words(),
            place in prop::option::of(places()), score in numbers(), id in words(),
            since in any::<Option<i64>>(),
        ) -> LookupRow {
            let addr = if six { Addr::from_v6_octets(v6.to_be_bytes()) } else {
                Addr::from_v4_octets(v4.to_be_bytes())
            };
            LookupRow {
                query: Untrusted::new(&query),
                addr: asn.map(|_| addr),
                prefix: Prefix::new(addr, len),
                reserved: asn.is_none().then_some(Reserved::UniqueLocal),
                asn,
                as_name,
                kinds: if six { vec![Kind::Hosting, Kind::PublicResolver] } else { vec![] },
                lists: id
                    .map(|id| ListRow { id, since: since.map(Timestamp::from_nanos) })
                    .into_iter()
                    .collect(),
                place,
                score,
                error: six.then_some("not an address"),
            }
        }
    }

    proptest! {
        #[test]
        fn the_hand_writes_what_serde_writes(row in rows()) {
            let (by_hand, by_serde) = both(&row);
            prop_assert_eq!(by_hand, by_serde);
        }
    }
}
