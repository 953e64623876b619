//! Fields of structured logs: borrowed values, JSON objects read into them, and `details`.
//!
//! A line of JSON or a row of a table becomes [`Fields`] that borrow from the line; a format picks
//! from them what a [`Record`](crate::model::Record) has a place for, and the rest goes to
//! [`Details`], which bounds it and keeps secrets out.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::when;
use crate::model::limits::UNTRUSTED_BYTES_MAX;
use crate::model::{Addr, Timestamp, Untrusted, query};

/// Bytes of names and texts kept in the details of one record. A Suricata alert with its packet
/// headers has about 4 kB.
pub(super) const DETAILS_BYTES_MAX: usize = 16 << 10;

/// Elements kept of one list in the details. Certificates with hundreds of names exist.
pub(super) const DETAILS_LIST_MAX: usize = 64;

/// Objects within objects kept in the details. serde_json itself stops at 128.
pub(super) const DETAILS_DEPTH_MAX: usize = 8;

/// A value of a field; text borrows from the line where it has no escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Val<'a>>),
    Object(Fields<'a>),
}

/// Names and values in the order of the line.
pub(super) type Fields<'a> = Vec<(Cow<'a, str>, Val<'a>)>;

/// The first field of this name.
pub(super) fn get<'v, 'a>(fields: &'v Fields<'a>, name: &str) -> Option<&'v Val<'a>> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

impl<'a> Val<'a> {
    /// Text that says something: not empty, not the `-` of logs.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() && text != "-" => Some(text),
            _ => None,
        }
    }

    pub(super) fn untrusted(&self) -> Option<Untrusted> {
        match self {
            Self::Int(_) | Self::Uint(_) => self.uint().map(|n| Untrusted::new(&n.to_string())),
            _ => self.text().map(Untrusted::new),
        }
    }

    pub(super) fn uint(&self) -> Option<u64> {
        match self {
            Self::Uint(number) => Some(*number),
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn small(&self) -> Option<u32> {
        self.uint().and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.uint().and_then(|number| u16::try_from(number).ok())
    }

    /// `true`, `"T"`, `"true"`, `"yes"`; `false` and so on.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Text(text) => match text.as_ref() {
                "T" | "true" | "True" | "TRUE" | "yes" | "Yes" => Some(true),
                "F" | "false" | "False" | "FALSE" | "no" | "No" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// An address alone; of a list its first.
    pub(super) fn addr(&self) -> Option<Addr> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::List(list) => list.first()?.addr(),
            _ => None,
        }
    }

    /// An address with the port that may stand beside it, in any of the forms of `model::query`.
    pub(super) fn endpoint(&self) -> Option<(Addr, Option<u16>)> {
        let text = match self {
            Self::Text(text) => text.trim(),
            Self::List(list) => return list.first()?.endpoint(),
            _ => return None,
        };
        // Most texts are not addresses: look at the first bytes before trying all forms.
        let begins = text.bytes().next()?;
        let likely = (begins.is_ascii_hexdigit() || begins == b'[' || begins == b':')
            && text.len() <= 64
            && memchr::memchr2(b'.', b':', text.as_bytes()).is_some();
        if !likely {
            return None;
        }
        if let Ok(addr) = text.parse() {
            return Some((addr, None));
        }
        match query::parse(text) {
            Ok(query::Query::Addr { addr, port, .. }) => Some((addr, port)),
            _ => None,
        }
    }

    pub(super) fn object(&self) -> Option<&Fields<'a>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    pub(super) fn time(&self, utc_offset_minutes: i32) -> Option<Timestamp> {
        match self {
            Self::Text(text) => when::parse(text, utc_offset_minutes),
            Self::Int(number) => when::from_epoch_number(*number as f64),
            Self::Uint(number) => when::from_epoch_uint(*number),
            Self::Float(number) => when::from_epoch_number(*number),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Val<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValVisitor)
    }
}

struct ValVisitor;

impl<'de> Visitor<'de> for ValVisitor {
    type Value = Val<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Val<'de>, E> {
        Ok(Val::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Val<'de>, E> {
        Ok(Val::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Val<'de>, E> {
        Ok(Val::Uint(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Val<'de>, E> {
        Ok(Val::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Val<'de>, E> {
        Ok(Val::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Val<'de>, E> {
        Ok(Val::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Val<'de>, E> {
        Ok(Val::Text(Cow::Owned(text)))
    }

    fn visit_unit<E>(self) -> Result<Val<'de>, E> {
        Ok(Val::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Val<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Val::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Val<'de>, A::Error> {
        let mut fields = Vec::with_capacity(24);
        while let Some((Name(name), value)) = access.next_entry()? {
            fields.push((name, value));
        }
        Ok(Val::Object(fields))
    }
}

/// A key that borrows where it can: `Cow`'s own `Deserialize` always copies.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ValVisitor)? {
            Val::Text(name) => Ok(Self(name)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

/// Reads one JSON object.
///
/// The error is a sentence without any of the text: what is wrong where, and what would be right.
pub(super) fn parse_object(text: &str) -> Result<Fields<'_>, String> {
    match serde_json::from_str::<Val<'_>>(text) {
        Ok(Val::Object(fields)) => Ok(fields),
        Ok(_) => Err("JSON, but not an object; one object a line is read".to_owned()),
        Err(error) => {
            // Where it stands is told by our own place; the library's line is always 1.
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or(&said);
            let column = error.column();
            Err(format!("broken JSON at column {column}, {what}; a complete object is needed"))
        }
    }
}

/// Whether a field of this name holds a secret, by its last part.
fn is_secret_name(name: &str) -> bool {
    const SECRETS: [&str; 16] = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "passphrase",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "secret_key",
        "userpassword",
    ];
    // Asked of every field of every line: most names end in another letter.
    let ends = name.as_bytes().last().is_some_and(|end| b"dsteny".contains(&(end | 0x20)));
    if !ends {
        return false;
    }
    let last = memchr::memrchr(b'.', name.as_bytes()).and_then(|at| name.get(at + 1..));
    let last = last.unwrap_or(name);
    SECRETS.iter().any(|secret| last.eq_ignore_ascii_case(secret))
}

/// What a format says beside the fields of a record: bounded, without secrets.
///
/// A secret becomes its length, `secret_bytes`, and is blotted out of the other texts. What does
/// not fit is left out and counted in `left_out`.
pub(super) struct Details {
    map: Map<String, Value>,
    bytes_left: usize,
    left_out: u64,
    secrets: Vec<String>,
}

impl Details {
    pub(super) fn new() -> Self {
        Self { map: Map::new(), bytes_left: DETAILS_BYTES_MAX, left_out: 0, secrets: Vec::new() }
    }

    /// Keeps a field under its own name; `null` says nothing and is not kept.
    pub(super) fn put(&mut self, name: &str, value: &Val<'_>) {
        if let Some(kept) = self.keep(name, value, 0) {
            let name = if is_secret_name(name) { "secret_bytes" } else { name };
            self.map.insert(name.to_owned(), kept);
        }
    }

    /// Keeps a value of our own making.
    pub(super) fn put_own(&mut self, name: &str, value: impl Into<Value>) {
        self.map.insert(name.to_owned(), value.into());
    }

    fn keep(&mut self, name: &str, value: &Val<'_>, depth: usize) -> Option<Value> {
        let bytes = name.len() + 8 + if let Val::Text(text) = value { text.len() } else { 0 };
        if matches!(value, Val::Null) {
            return None;
        }
        if is_secret_name(name) {
            return Some(self.keep_secret(value));
        }
        let Some(left) = self.bytes_left.checked_sub(bytes).filter(|_| depth < DETAILS_DEPTH_MAX)
        else {
            self.left_out += 1;
            return None;
        };
        self.bytes_left = left;
        Some(match value {
            Val::Null => Value::Null,
            Val::Bool(truth) => (*truth).into(),
            Val::Int(number) => (*number).into(),
            Val::Uint(number) => (*number).into(),
            Val::Float(number) => (*number).into(),
            Val::Text(text) if text.len() <= UNTRUSTED_BYTES_MAX => {
                Value::String(text.as_ref().to_owned())
            }
            Val::Text(text) => Value::String(Untrusted::new(text).raw().to_owned()),
            Val::List(list) => {
                self.left_out += list.len().saturating_sub(DETAILS_LIST_MAX) as u64;
                let kept = list.iter().take(DETAILS_LIST_MAX);
                kept.filter_map(|value| self.keep("", value, depth + 1)).collect()
            }
            Val::Object(fields) => {
                // Headers and parameters come as `{"name": "Authorization", "value": …}`.
                let label = get(fields, "name").or_else(|| get(fields, "key")).and_then(Val::text);
                let is_secret = label.is_some_and(is_secret_name);
                let mut map = Map::new();
                for (name, value) in fields {
                    let name = if is_secret && name == "value" { "secret" } else { name.as_ref() };
                    if let Some(kept) = self.keep(name, value, depth + 1) {
                        let name = if is_secret_name(name) { "secret_bytes" } else { name };
                        map.insert(name.to_owned(), kept);
                    }
                }
                Value::Object(map)
            }
        })
    }

    fn keep_secret(&mut self, value: &Val<'_>) -> Value {
        let text = match value {
            Val::Text(text) => text.clone().into_owned(),
            Val::Int(number) => number.to_string(),
            Val::Uint(number) => number.to_string(),
            _ => return Value::Null,
        };
        let bytes = text.len();
        self.secrets.push(text);
        bytes.into()
    }

    /// The finished details.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        // Shorter ones occur in ordinary words by chance.
        self.secrets.retain(|secret| secret.len() >= 4);
        if !self.secrets.is_empty() {
            self.map.values_mut().for_each(|value| blot(value, &self.secrets));
        }
        if self.left_out > 0 {
            self.map.insert("left_out".to_owned(), self.left_out.into());
        }
        self.map
    }
}

/// Takes secrets out of all texts; the depth of a kept value is bounded.
fn blot(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => {
            for secret in secrets {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), "[secret]");
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| blot(value, secrets)),
        Value::Object(map) => map.values_mut().for_each(|value| blot(value, secrets)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(json: &str) -> Value {
        let mut details = Details::new();
        for (name, value) in &parse_object(json).unwrap() {
            details.put(name, value);
        }
        Value::Object(details.finish())
    }

    #[test]
    fn secrets_leave_only_their_length() {
        let kept = details(
            r#"{"user":"root","password":"hunter22","message":"tried root/hunter22",
                "auth":{"Token":"abcd"},"id.passwd":7,
                "headers":[{"name":"Authorization","value":"Basic efgh"}]}"#,
        );
        assert_eq!(kept["headers"][0]["secret_bytes"], 10);
        assert_eq!(kept["message"], "tried root/[secret]");
        assert_eq!(kept["auth"]["secret_bytes"], 4);
        assert!(!kept.to_string().contains("hunter22") && !kept.to_string().contains("abcd"));
    }

    #[test]
    fn details_are_bounded_and_say_what_is_missing() {
        let long = format!("[{}]", vec!["1"; DETAILS_LIST_MAX + 3].join(","));
        assert_eq!(details(&format!(r#"{{"a":{long}}}"#))["left_out"], 3);
        let at_limit = "x".repeat(DETAILS_BYTES_MAX - 9);
        assert!(details(&format!(r#"{{"a":"{at_limit}"}}"#)).get("left_out").is_none());
        assert_eq!(details(&format!(r#"{{"a":"{at_limit}y"}}"#))["left_out"], 1);
        let deep = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(!details(&deep(DETAILS_DEPTH_MAX)).to_string().contains("left_out"));
        assert_eq!(details(&deep(DETAILS_DEPTH_MAX + 1))["left_out"], 1);
    }

    #[test]
    fn deep_and_broken_json_is_refused_with_a_place() {
        let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
        assert!(parse_object(&deep).unwrap_err().contains("recursion limit"));
        assert!(
            parse_object(r#"{"a":1,"#).unwrap_err().starts_with("broken JSON at column 7, EOF")
        );
        assert!(parse_object("[1]").unwrap_err().contains("not an object"));
    }
}
