//! Logs of one JSON object a line: accesses as nginx, Caddy and Traefik write them, logins of
//! applications, and the lines that Docker wraps.
//!
//! What the fields are called is in `lines/object.rs`. An object that speaks neither of a request
//! nor of a login is read as `json_lines` would, if it names an address.

use serde_json::Value;

use super::json_lines::AnyObjects;
use super::lines::messages::understand;
use super::lines::object::{self, When};
use super::lines::reader::{Reader, Said};
use super::lines::{envelope, most, years};
use super::{
    About, Assumed, Format, Line, Out, Parse, Settings, Sureness, Survey, SurveyState, access_log,
};
use crate::model::{ImportId, Position, Record, RecordKind};

/// JSON lines of web servers and applications.
pub struct JsonLog;

impl Format for JsonLog {
    fn about(&self) -> &'static About {
        &About {
            id: "json-log",
            reads: "JSON access logs (nginx, Caddy, Traefik, ECS), JSON logins of applications, \
                    Docker's json-file",
            misses: "fields under names it does not know",
            source: "https://caddyserver.com/docs/logging, \
                     https://doc.traefik.io/traefik/observability/access-logs/",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let objects: Vec<Value> = head.iter().filter_map(|line| object_of(line)).collect();
        let known = objects.iter().filter(|object| is_known(object)).count();
        // A file of many programs is `json_lines`' business.
        if most(head, |line| object_of(line).is_some()) && known * 2 > objects.len() {
            Sureness::Likely
        } else {
            Sureness::No
        }
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        match object_of(line.bytes).as_ref().and_then(object::when) {
            Some(When::Dated(stamp)) => years::survey(stamp, 0, survey),
            Some(When::Moment(moment)) => {
                survey.newest_dated = survey.newest_dated.max(Some(moment));
            }
            None => {}
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Parser {
            years: years::Years::new(settings),
            reader: Reader::new(settings.import),
            others: AnyObjects::new(settings),
        })
    }
}

/// The object of a line. serde_json bounds the depth (128), the line its size.
fn object_of(line: &[u8]) -> Option<Value> {
    let line = line.trim_ascii();
    line.starts_with(b"{").then(|| serde_json::from_slice(line).ok()).flatten()
}

/// Whether an object is one of those this format is for.
fn is_known(object: &Value) -> bool {
    let mut record = Record::new(RecordKind::Other, ImportId(0));
    let has_client = object::client(object).is_some();
    object::inner_line(object).is_some()
        || has_client && object::put_request(&mut record, object)
        || has_client && object::put_login(&mut record, object)
        || understand("", object::message(object)).is_some()
}

struct Parser {
    years: years::Years,
    reader: Reader,
    others: AnyObjects,
}

impl Parse for Parser {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        let Some(object) = object_of(line.bytes) else {
            let what = "no JSON object; {\"time\": …, …} on one line";
            return out.problems.push(Position::Line(line.number), what);
        };
        if !is_known(&object) {
            let mut named = |record: Record| {
                if record.src.is_some() || record.dst.is_some() || record.src_name.is_some() {
                    (out.record)(record);
                }
            };
            let (listed, problems) = (&mut *out.listed, &mut *out.problems);
            let mut out = Out { record: &mut named, listed, problems };
            return self.others.line(line, &mut out);
        }
        let ts = object::ts(&object, &mut self.years);
        let client = object::client(&object);
        let mut said = Said {
            ts,
            line: line.number,
            host: None,
            program: "",
            pid: None,
            lead: client.map(|(addr, _)| addr),
            message: object::message(&object),
            fields: Some(&object),
        };
        if let Some(inner) = object::inner_line(&object) {
            let inner = inner.trim_ascii_end();
            said.fields = None;
            said.message = inner;
            // An access has its date in the middle.
            if access_log::parse(inner).is_ok() {
                said.lead = None;
            } else if let Some(envelope) = envelope::syslog(inner) {
                (said.host, said.program) = (envelope.host, envelope.program);
                (said.pid, said.message) = (envelope.pid, envelope.message);
            } else if let Some(envelope) = envelope::dated(inner) {
                (said.lead, said.message) = (envelope.lead, envelope.message);
            }
        }
        self.reader.take(said, out.record);
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        self.reader.finish(out.record);
    }

    fn assumed(&self) -> Assumed {
        let mut assumed = self.years.assumed();
        assumed.time_zone = assumed.time_zone.or(self.others.assumed().time_zone);
        assumed
    }
}
