//! STIX 2.1 bundles: addresses in the patterns of indicators, and address objects.
//!
//! Of a pattern every comparison of an address is taken (`ipv4-addr:value = '192.0.2.1'`, `IN`,
//! `ISSUBSET`), whatever it stands beside; one that is negated is left out and told.

use std::io::Read;

use serde::Deserialize;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::{ListMeaning, Position, Timestamp, query};

/// Addresses of one pattern.
const VALUES_MAX: usize = 10_000;

/// The format.
pub(super) struct Stix;

impl FeedFormat for Stix {
    fn about(&self) -> &'static About {
        &About {
            id: "stix",
            reads: "STIX 2.1 bundles: addresses in patterns of indicators, ipv4-addr and ipv6-addr",
            misses: "other pattern languages; conditions beside an address; confidence, \
                     which is shown and not weighed",
            source: "https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let head = String::from_utf8_lossy(sample.head);
        let is_json = head.trim_start().starts_with('{');
        let is_one = ["\"bundle", "\"spec_version\"", "\"objects\""];
        let signs = is_one.iter().filter(|sign| head.contains(**sign)).count();
        if is_json && signs >= 2 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let bundle: Bundle = match serde_json::from_slice(&bytes) {
            Ok(bundle) => bundle,
            Err(error) => return feed.problems.push(text::json_place(&error), error.to_string()),
        };
        // Sayings of STIX are as old as they were changed last: the bundle itself has no date.
        let newest = bundle.objects.iter().filter_map(Object::changed).max();
        feed.date = newest;
        let mut tally = Tally { newest, ..Tally::default() };
        for (number, object) in (1_u64..).zip(&bundle.objects) {
            tally.object(number, object, feed);
        }
        tally.tell(feed);
        feed.suggested = Some(FeedKind::List(ListMeaning::Hostile));
    }
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    pattern_type: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    modified: Option<String>,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    confidence: Option<u8>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    indicator_types: Vec<String>,
}

impl Object {
    fn changed(&self) -> Option<Timestamp> {
        time(self.modified.as_ref()).or_else(|| time(self.created.as_ref()))
    }
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}

#[derive(Default)]
struct Tally {
    newest: Option<Timestamp>,
    others: u64,
    revoked: u64,
    expired: u64,
}

impl Tally {
    fn object(&mut self, number: u64, object: &Object, feed: &mut Feed) {
        match object.kind.as_str() {
            "indicator" => self.indicator(number, object, feed),
            "ipv4-addr" | "ipv6-addr" => {
                // An address alone is something that was observed, or that others refer to.
                let value = object.value.as_deref().unwrap_or_default();
                take(number, value, Some(ListMeaning::Context), None, "observed", feed);
            }
            _ => {}
        }
    }

    fn indicator(&mut self, number: u64, object: &Object, feed: &mut Feed) {
        let place = Position::Whole;
        if object.revoked {
            self.revoked += 1;
            return;
        }
        let until = time(object.valid_until.as_ref());
        if until.is_some_and(|until| Some(until) < self.newest) {
            self.expired += 1;
            return;
        }
        let language = object.pattern_type.as_deref().unwrap_or("stix");
        if language != "stix" {
            let what =
                format!("object {number}: a pattern of {} is not read", text::shown(language));
            return feed.problems.push(place, what);
        }
        let pattern = object.pattern.as_deref().unwrap_or_default();
        let found = values(pattern);
        if found.negated > 0 {
            let what =
                format!("object {number}: an address that is not meant (NOT, !=) is left out");
            feed.problems.push(place, what);
        }
        if found.addrs.is_empty() {
            self.others += u64::from(found.negated == 0);
            return;
        }
        let is = |word: &str| object.indicator_types.iter().any(|kind| kind == word);
        let meaning = match object.indicator_types.is_empty() {
            _ if is("malicious-activity") || is("compromised") || is("attribution") => None,
            _ if is("benign") => Some(ListMeaning::Benign),
            _ if is("anonymization") => Some(ListMeaning::Context),
            _ => None,
        };
        let since = time(object.valid_from.as_ref()).or_else(|| object.changed());
        let confidence = object.confidence.map(|it| format!(", confidence {it}"));
        let name = object.name.as_deref().unwrap_or_default();
        let note = format!("{name}{}", confidence.unwrap_or_default());
        for addr in found.addrs {
            take(number, addr, meaning, since, note.trim_start_matches(", "), feed);
        }
    }

    fn tell(&self, feed: &mut Feed) {
        let told = [
            (self.others, "indicators name no address: domains, hashes and such"),
            (self.revoked, "indicators are revoked by their publisher"),
            (self.expired, "indicators had expired when the bundle was made (valid_until)"),
        ];
        for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
            feed.notes.push(format!("{count} {what}"));
        }
    }
}

fn take(
    number: u64,
    value: &str,
    meaning: Option<ListMeaning>,
    since: Option<Timestamp>,
    note: &str,
    feed: &mut Feed,
) {
    match query::parse(value) {
        Ok(found) => feed.listed_as(found.range(), meaning, since, note),
        Err(error) => {
            let what = format!("object {number}: {error}: {}", text::shown(value));
            feed.problems.push(Position::Whole, what);
        }
    }
}

/// The addresses that a pattern compares with.
struct Values<'a> {
    addrs: Vec<&'a str>,
    negated: usize,
}

/// Goes through a pattern: object paths, words, signs, and texts in single quotes.
fn values(pattern: &str) -> Values<'_> {
    let mut found = Values { addrs: Vec::new(), negated: 0 };
    let (mut of_addr, mut negated) = (false, false);
    for token in Tokens(pattern) {
        match token {
            Token::Text(text) if of_addr && negated => {
                found.negated += usize::from(!text.is_empty())
            }
            Token::Text(text) if of_addr && found.addrs.len() < VALUES_MAX => {
                found.addrs.push(text)
            }
            Token::Text(_) => {}
            Token::Word(word) if word.contains(':') => {
                let path = word.rsplit_once(':').map_or("", |(object, _)| object);
                let object = path.rsplit(['[', '(', ' ']).next().unwrap_or(path);
                let is_ref = word.ends_with("src_ref.value") || word.ends_with("dst_ref.value");
                let is_addr = object == "ipv4-addr" || object == "ipv6-addr";
                of_addr =
                    is_addr && word.ends_with(":value") || object == "network-traffic" && is_ref;
                negated = false;
            }
            // NOT stands before the sign of its comparison.
            Token::Word(word) if word.eq_ignore_ascii_case("NOT") => negated = true,
            Token::Word(word) if word.starts_with("!=") || word == "<>" => negated = true,
            // What begins another comparison, or belongs to none.
            Token::Word("AND" | "OR" | "FOLLOWEDBY" | "START" | "STOP" | "WITHIN" | "REPEATS") => {
                (of_addr, negated) = (false, false);
            }
            Token::Word(_) => {}
        }
    }
    found
}

enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
}

struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let is_gap = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',');
        self.0 = self.0.trim_start_matches(is_gap);
        if let Some(text) = self.0.strip_prefix('\'') {
            let end = text.find('\'').unwrap_or(text.len());
            let (text, rest) = text.split_at_checked(end)?;
            self.0 = rest.strip_prefix('\'').unwrap_or(rest);
            return Some(Token::Text(text));
        }
        let is_sign = |c: char| matches!(c, '=' | '!' | '<' | '>');
        let first = self.0.chars().next()?;
        let end = match is_sign(first) {
            true => self.0.find(|c: char| !is_sign(c)),
            false => self.0.find(|c: char| is_gap(c) || c == '\'' || is_sign(c)),
        };
        let (word, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
        self.0 = rest;
        Some(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn patterns_name_addresses() {
        for (pattern, addrs, negated) in [
            ("[ipv4-addr:value = '192.0.2.1']", vec!["192.0.2.1"], 0),
            (
                "[ipv4-addr:value='192.0.2.1' OR ipv6-addr:value = '2001:db8::1']",
                vec!["192.0.2.1", "2001:db8::1"],
                0,
            ),
            ("[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", vec!["192.0.2.1", "192.0.2.2"], 0),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", vec!["192.0.2.0/24"], 0),
            (
                "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 80]",
                vec!["192.0.2.1"],
                0,
            ),
            ("[ipv4-addr:value != '192.0.2.1']", vec![], 1),
            ("[ipv4-addr:value NOT IN ('192.0.2.1','192.0.2.2')]", vec![], 2),
            ("[domain-name:value = 'bad.example']", vec![], 0),
            (
                "[ipv4-addr:value = '192.0.2.1'] START t'2026-06-05T00:00:00Z' STOP \
                 t'2026-06-06T00:00:00Z'",
                vec!["192.0.2.1"],
                0,
            ),
            ("[ipv4-addr:value = '192.0.2.1", vec!["192.0.2.1"], 0),
            ("'", vec![], 0),
        ] {
            let found = values(pattern);
            assert_eq!((found.addrs, found.negated), (addrs, negated), "{pattern}");
        }
    }

    #[test]
    fn a_bundle_with_its_dates() {
        let feed = check(
            r#"{"type": "bundle", "id": "bundle--1", "objects": [
              {"type": "indicator", "spec_version": "2.1", "modified": "2026-06-05T00:00:00Z",
               "valid_from": "2026-06-01T00:00:00Z", "confidence": 80, "name": "scanner",
               "pattern_type": "stix", "pattern": "[ipv4-addr:value = '192.0.2.1']"},
              {"type": "indicator", "valid_until": "2026-01-01T00:00:00Z",
               "pattern": "[ipv4-addr:value = '192.0.2.2']"},
              {"type": "indicator", "revoked": true, "pattern": "[ipv4-addr:value = '192.0.2.3']"},
              {"type": "indicator", "indicator_types": ["benign"],
               "pattern": "[ipv6-addr:value = '2001:db8::1']"},
              {"type": "indicator", "pattern_type": "snort", "pattern": "alert"},
              {"type": "indicator", "pattern": "[domain-name:value = 'bad.example']"},
              {"type": "indicator", "pattern": "[ipv4-addr:value = 'nowhere']"},
              {"type": "ipv4-addr", "value": "198.51.100.1"},
              {"type": "malware", "name": "x"}]}"#,
            "stix",
            &[
                "192.0.2.1 2026-06-01",
                "2001:db8::1 benign",
                "198.51.100.1 context",
                "note 1 indicators name no address: domains, hashes and such",
                "note 1 indicators are revoked by their publisher",
                "note 1 indicators had expired when the bundle was made (valid_until)",
                " object 5 x1",
                " object 7 x1",
            ],
        );
        assert_eq!(feed.date.unwrap().to_date(), "2026-06-05");
        assert_eq!(feed.examples[0].what, "since 2026-06-01, scanner, confidence 80");
    }
}
