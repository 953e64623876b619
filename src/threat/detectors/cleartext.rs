//! Credentials in clear: a user name and secret that anyone on the path could read.
//!
//! The parsers of the protocols mark such a try and keep the secret's length and keyed hash only.
//! A guesser's refused tries expose nothing of ours and are another detector's business.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::{
    Basis, Detection, HostKey, Outcome, Record, RecordKind, Ref, Timestamp, Untrusted,
};
use crate::threat::tally::{
    blank, counted, mix, mix_host, nanos, peers, ports, refs, shortened, span,
};
use crate::threat::{About, Detector, Scene, Watch, Watched, tally::Sample};

/// See the module.
pub struct Cleartext;

/// Tries kept in one run. Beyond, a sample that says so.
const TRIES_MAX: usize = 200_000;

/// Refused tries of one host at one service from which on it guesses, and exposes nothing.
const GUESSES_MIN: u64 = 5;

/// Credentials named in one detection.
const CREDENTIALS_MAX: usize = 20;

const ABOUT: About = About {
    ids: &["cleartext.credentials"],
    finds: "log-ins over FTP, HTTP Basic, telnet, mail and kin without encryption: who, where, \
            the secret's length and a keyed hash of it",
    misses: "protocols without a parser, challenge-response methods, forms of web pages",
    source: "ATT&CK T1552, T1040; RFC 7617 §4 (Basic), RFC 2577 §5 (FTP)",
    attack: &["T1040", "T1552"],
};

impl Detector for Cleartext {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching { tries: Sample::new(TRIES_MAX) })
    }
}

struct Try {
    host: HostKey,
    service: Option<Untrusted>,
    server: Option<HostKey>,
    port: u16,
    time: i64,
    refused: bool,
    user: Option<Untrusted>,
    secret_bytes: Option<u64>,
    secret_hash: Option<String>,
    reference: Option<Ref>,
}

struct Watching {
    tries: Sample<Try>,
}

impl Watch for Watching {
    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        if record.kind != RecordKind::Auth || record.details.is_empty() {
            return;
        }
        let detail = |key: &str| record.details.get(key);
        let clear = detail("cleartext").and_then(Value::as_bool) == Some(true);
        let (true, Some(src)) = (clear, record.src) else { return };
        let host = |addr| scene.host(addr, record.import);
        let time = nanos(record.ts);
        let text = |text: &Option<Untrusted>| text.as_ref().map_or(0, |text| text.raw().len());
        let hash = mix(mix_host(host(src)), mix(time as u64, text(&record.user) as u64));
        let one = Try {
            host: host(src),
            service: record.service.as_ref().map(shortened),
            server: record.dst.map(host),
            port: record.dst_port.unwrap_or(0),
            time,
            refused: matches!(record.outcome, Some(Outcome::Failure | Outcome::Blocked)),
            user: record.user.as_ref().map(shortened),
            secret_bytes: detail("secret_bytes").and_then(Value::as_u64),
            secret_hash: detail("secret_hash").and_then(Value::as_str).map(str::to_owned),
            reference: record.reference(),
        };
        // Nothing is kept beside the tries.
        let _halved = self.tries.push(hash, one);
    }

    fn finish(self: Box<Self>, _now: Timestamp, _scene: &dyn Scene) -> Watched {
        let mut watched = Watched::default();
        self.tries.tell(&mut watched, "log-ins in clear");
        let (tries, one_in) = self.tries.into_items();
        let mut by_host: BTreeMap<(HostKey, Option<Untrusted>), Vec<Try>> = BTreeMap::new();
        for one in tries {
            by_host.entry((one.host, one.service.clone())).or_default().push(one);
        }
        for ((host, service), mut tries) in by_host {
            let refused = tries.iter().filter(|one| one.refused).count() as u64 * one_in;
            if refused >= GUESSES_MIN {
                tries.retain(|one| !one.refused);
            }
            tries.sort_by(|a, b| {
                (a.time, a.reference, &a.user).cmp(&(b.time, b.reference, &b.user))
            });
            if !tries.is_empty() {
                let mut detection = detection(host, service.as_ref(), &tries);
                crate::threat::tally::note_sample(&mut detection, one_in);
                watched.detections.push(detection);
            }
        }
        watched
    }
}

fn detection(host: HostKey, service: Option<&Untrusted>, tries: &[Try]) -> Detection {
    let (peers, peer_count) = peers(tries.iter().filter_map(|one| one.server).collect());
    let (first_seen, last_seen) = span(tries.iter().map(|one| one.time));
    let users: BTreeSet<&Untrusted> = tries.iter().filter_map(|one| one.user.as_ref()).collect();
    let count = tries.len() as u64;
    let service_text = service.map_or_else(|| "an unknown service".into(), ToString::to_string);
    let mut detection = Detection {
        peers,
        peer_count,
        ports: ports(tries.iter().map(|one| one.port).filter(|&port| port > 0).collect()),
        // The bytes were there to be read; what remains is that a parser took noise for a log-in.
        confidence: 0.95,
        basis: Basis::Content,
        first_seen,
        last_seen,
        count,
        attack: vec!["T1040", "T1552"],
        what: format!(
            "Sent {}{} in clear over {service_text}",
            counted(count, "secret", "secrets"),
            match users.len() as u64 {
                0 => String::new(),
                users => format!(" of {}", counted(users, "user", "users")),
            },
        ),
        refs: refs(tries.iter().map(|one| one.reference)),
        ..blank("cleartext.credentials", host)
    };
    detection.details.insert("credentials".to_owned(), credentials(tries));
    detection
}

/// Each user and secret once: the name, the length, the keyed hash.
fn credentials(tries: &[Try]) -> Value {
    let distinct: BTreeSet<(Option<&str>, Option<u64>, Option<&str>)> = tries
        .iter()
        .map(|one| {
            (one.user.as_ref().map(Untrusted::raw), one.secret_bytes, one.secret_hash.as_deref())
        })
        .collect();
    let object = |(user, bytes, hash): (Option<&str>, Option<u64>, Option<&str>)| {
        let mut object = Map::new();
        object.insert("user".to_owned(), user.into());
        object.insert("secret_bytes".to_owned(), bytes.into());
        object.insert("secret_hash".to_owned(), hash.into());
        Value::Object(object)
    };
    Value::Array(distinct.into_iter().take(CREDENTIALS_MAX).map(object).collect())
}

#[cfg(test)]
mod tests {
    use crate::threat::notation::check;

    #[test]
    fn a_log_in_in_clear_is_told_without_its_secret() {
        check(
            "2 s: auth 192.0.2.7 -> 198.51.100.5 ftp anna success cleartext=true secret_bytes=8 x2",
            "cleartext.credentials 192.0.2.7 count=2 peer_count=1 basis=content \
             credentials=[{\"secret_bytes\":8,\"secret_hash\":null,\"user\":\"anna\"}]",
        );
        check("2 s: auth 192.0.2.7 -> 198.51.100.5 ssh anna success", "");
    }

    #[test]
    fn a_guesser_exposes_nothing_until_it_gets_in() {
        check(
            "20 s: auth 192.0.2.7 -> 198.51.100.5 ftp anna failure cleartext=true x4",
            "cleartext.credentials 192.0.2.7 count=4",
        );
    }
}
