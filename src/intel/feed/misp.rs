//! MISP events in JSON: the attributes `ip-src` and `ip-dst`, with or without a port.

use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::import::when;
use crate::model::{ListMeaning, Position, Timestamp, query};

/// The format.
pub(super) struct Misp;

impl FeedFormat for Misp {
    fn about(&self) -> &'static About {
        &About {
            id: "misp",
            reads: "MISP events (JSON): ip-src and ip-dst attributes, of objects too, with dates",
            misses: "all other attributes, which are counted; manifests, which name no address",
            source: "https://www.misp-standard.org/rfc/misp-standard-core.html",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let head = String::from_utf8_lossy(sample.head);
        let head = head.trim_start();
        let is_json = head.starts_with(['{', '[']);
        let has = |name: &str| head.contains(name);
        let is_event = has("\"Event\"") || has("\"Attribute\"");
        let is_one = is_event && (has("\"info\"") || has("\"to_ids\"") || has("\"uuid\""));
        if is_json && is_one { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let found: Document = match serde_json::from_slice(&bytes) {
            Ok(found) => found,
            Err(error) => return feed.problems.push(text::json_place(&error), error.to_string()),
        };
        let events = match found {
            Document::Many(events) | Document::Response { response: events } => events,
            Document::One(event) => vec![*event],
        };
        let mut tally = Tally::default();
        for outer in events {
            let event = outer.event.map_or(outer.bare, |event| *event);
            tally.event(event, feed);
        }
        tally.tell(feed);
        feed.suggested = Some(FeedKind::List(ListMeaning::Hostile));
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Many(Vec<Outer>),
    Response { response: Vec<Outer> },
    One(Box<Outer>),
}

/// An event in its envelope, or without one.
#[derive(Deserialize)]
struct Outer {
    #[serde(rename = "Event")]
    event: Option<Box<Event>>,
    #[serde(flatten)]
    bare: Event,
}

#[derive(Default, Deserialize)]
struct Event {
    #[serde(default)]
    date: Value,
    #[serde(default)]
    timestamp: Value,
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
    #[serde(default, rename = "Object")]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    to_ids: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    timestamp: Value,
    #[serde(default)]
    first_seen: Value,
    #[serde(default)]
    last_seen: Value,
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Default)]
struct Tally {
    /// The number of the attribute in the document, from 1.
    number: u64,
    others: u64,
    deleted: u64,
    not_to_ids: u64,
}

impl Tally {
    fn event(&mut self, event: Event, feed: &mut Feed) {
        let made = time(&event.timestamp).or_else(|| time(&event.date));
        feed.date = feed.date.max(made);
        let within = event.objects.into_iter().flat_map(|object| object.attributes);
        for attribute in event.attributes.into_iter().chain(within) {
            self.attribute(&attribute, feed);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, feed: &mut Feed) {
        self.number += 1;
        if !["ip-src", "ip-dst", "ip-src|port", "ip-dst|port"].contains(&attribute.kind.as_str()) {
            self.others += 1;
            return;
        }
        if attribute.deleted {
            self.deleted += 1;
            return;
        }
        let value = attribute.value.as_str().unwrap_or_default();
        let addr = value.split('|').next().unwrap_or_default();
        match query::parse(addr) {
            Ok(found) => {
                let dates = [&attribute.last_seen, &attribute.first_seen, &attribute.timestamp];
                let since = dates.into_iter().find_map(time);
                let comment = attribute.comment.as_deref().unwrap_or_default();
                // Without to_ids the publisher says himself that it is no indicator.
                let meaning = (!attribute.to_ids).then_some(ListMeaning::Context);
                self.not_to_ids += u64::from(!attribute.to_ids);
                feed.listed_as(found.range(), meaning, since, comment);
            }
            Err(error) => {
                let what = format!("attribute {}: {error}: {}", self.number, text::shown(addr));
                feed.problems.push(Position::Whole, what);
            }
        }
    }

    fn tell(&self, feed: &mut Feed) {
        let told = [
            (self.others, "attributes are no addresses: names, hashes and such"),
            (self.deleted, "attributes are deleted by their publisher"),
            (self.not_to_ids, "addresses are no indicators (to_ids is false) and count as context"),
        ];
        for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
            feed.notes.push(format!("{count} {what}"));
        }
    }
}

/// Seconds since the epoch as a text or number, or a date.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) if text == "0" || text.is_empty() => None,
        Value::String(text) => when::parse(text, 0),
        Value::Number(number) => number.as_u64().filter(|&n| n > 0).and_then(when::from_epoch_uint),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn attributes_of_events_and_objects() {
        let feed = check(
            r#"{"Event": {"info": "x", "date": "2026-06-05", "timestamp": "1780617600",
             "Attribute": [
              {"type": "ip-src", "value": "192.0.2.1", "to_ids": true, "timestamp": "1780531200",
               "comment": "scanner"},
              {"type": "ip-dst|port", "value": "192.0.2.2|443", "to_ids": false},
              {"type": "domain", "value": "bad.example", "to_ids": true},
              {"type": "ip-dst", "value": "192.0.2.3", "to_ids": true, "deleted": true},
              {"type": "ip-dst", "value": "192.0.2.x", "to_ids": true}],
             "Object": [{"name": "ip-port", "Attribute": [
              {"type": "ip-dst", "value": "2001:db8::/32", "to_ids": true,
               "last_seen": "2026-06-01T00:00:00Z"}]}]}}"#,
            "misp",
            &[
                "192.0.2.1 2026-06-04",
                "192.0.2.2 context",
                "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2026-06-01",
                "note 1 attributes are no addresses: names, hashes and such",
                "note 1 attributes are deleted by their publisher",
                "note 1 addresses are no indicators (to_ids is false) and count as context",
                " attribute 5 x1",
            ],
        );
        assert_eq!(feed.date.unwrap().to_date(), "2026-06-05");
        assert_eq!(feed.examples[0].what, "since 2026-06-04, scanner");
    }

    #[test]
    fn several_events_and_what_is_cut_off() {
        let bare = r#"{"info": "x", "Attribute": [
            {"type": "ip-src", "value": "192.0.2.1", "to_ids": true}]}"#;
        let event = format!("{{\"Event\": {bare}}}");
        check(&format!("[{event},{event}]"), "misp", &["192.0.2.1", "192.0.2.1"]);
        check(&format!("{{\"response\": [{event}]}}"), "misp", &["192.0.2.1"]);
        check(bare, "misp", &["192.0.2.1"]);
        let cut = event.get(..60).unwrap();
        assert!(check_problems(cut) > 0);
    }

    fn check_problems(text: &str) -> u64 {
        super::super::testing::said(text.as_bytes(), "misp").0.problems.total()
    }
}
