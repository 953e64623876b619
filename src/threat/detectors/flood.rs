//! SYN floods: more half-open connections to one host than any set of clients makes.
//!
//! A flood's sources are mostly forged (RFC 4987 §2), so what is detected is the target, and only a
//! source that also completed a handshake, which a forged one cannot (it never sees the SYN-ACK,
//! RFC 6528), is named as an actor. Sources that did nothing else in all that was opened are
//! handed on as forged: a list of 37,000 random addresses helps nobody.

use hashbrown::HashMap;

use crate::model::limits::HOSTS_MAX;
use crate::model::{
    Basis, ConnState, Detection, Flow, HostKey, Proto, Record, Ref, SubjectRole, Timestamp,
};
use crate::threat::sketch::{Marks, Met};
use crate::threat::tally::{
    Hosts, Sample, blank, counted, grouped, in_secs, mix, mix_host, note_sample, peers, ports,
    refs, runs, span,
};
use crate::threat::{About, Detector, Scene, Watch, Watched};

/// See the module.
pub struct Flood;

/// Half-open attempts kept in one run: 4 M at 56 bytes. Beyond, a sample that says so.
const ATTEMPTS_MAX: usize = 4_000_000;

/// Half-open attempts within [`WINDOW_NANOS`] that are a flood: 50 a second. Linux starts to send
/// SYN cookies at a backlog of a few hundred.
const ATTEMPTS_MIN: u64 = 500;

/// The window.
const WINDOW_NANOS: i64 = 10 * 1_000_000_000;

/// Distinct sources from which on ports do not matter: fewer with many ports are scanners.
const SOURCES_MIN: usize = 100;

/// Attempts of one source that completed handshakes too, from which on it is an actor and not a
/// client that could not get through.
const ACTOR_ATTEMPTS_MIN: usize = 100;

/// Pairs of target and source with a handshake that are counted; of more it is only known whether.
const CLIENTS_MAX: usize = 1_000_000;

const ABOUT: About = About {
    ids: &["flood.syn"],
    finds: "500 half-open TCP connections to one host within 10 s; told of the target, and of \
            sources only where they also completed a handshake",
    misses: "slower floods, floods that complete handshakes, repeats of one 5-tuple, UDP and ICMP",
    source: "RFC 4987 (TCP SYN flooding), Moore et al. 2001",
    attack: &["T1498.001", "T1499.001"],
};

impl Detector for Flood {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching {
            hosts: Hosts::default(),
            attempts: Sample::new(ATTEMPTS_MAX),
            others: Marks::new(HOSTS_MAX, |host| mix_host(*host)),
            completed: Marks::new(CLIENTS_MAX, |(target, source)| {
                mix(mix_host(*target), mix_host(*source))
            }),
        })
    }
}

#[derive(Clone, Copy)]
struct Attempt {
    time: i64,
    target: u32,
    source: u32,
    port: u16,
    reference: Ref,
}

struct Watching {
    hosts: Hosts,
    attempts: Sample<Attempt>,
    /// Hosts that did or were asked anything beside opening and not finishing. Of more than the
    /// run keeps, some forged sources are taken for such hosts, never the other way round.
    others: Marks<HostKey>,
    /// Who finished a handshake with whom (target, source), how often.
    completed: Marks<(HostKey, HostKey)>,
}

/// Whether the originator asked and never went on, whatever the responder said.
fn is_half_open(flow: &Flow) -> bool {
    let asked = flow.proto == Proto::Tcp && flow.history.starts_with('S');
    let went_on = flow.history.contains(['A', 'D', 'F']);
    asked && !went_on && flow.orig_bytes.unwrap_or(0) == 0
}

impl Watch for Watching {
    fn flow(&mut self, flow: &Flow, scene: &dyn Scene) {
        let source = scene.host(flow.originator.addr, flow.import);
        let target = scene.host(flow.responder.addr, flow.import);
        if !is_half_open(flow) {
            self.others.add(source);
            self.others.add(target);
            let finished = flow.proto == Proto::Tcp
                && flow.conn_state.is_established()
                && flow.history.contains('A');
            if finished {
                self.completed.add((target, source));
            }
            return;
        }
        if flow.conn_state == ConnState::Oth || !target.addr().is_host() {
            return;
        }
        let time = flow.first_seen.nanos();
        let hash = mix(mix_host(source), mix(time as u64, u64::from(flow.originator.port)));
        if !self.attempts.takes(hash) {
            return;
        }
        let attempt = Attempt {
            time,
            target: self.hosts.number(target),
            source: self.hosts.number(source),
            port: flow.responder.port,
            reference: Ref::Flow(flow.uid),
        };
        if self.attempts.push(hash, attempt) {
            let attempts = &mut self.attempts;
            self.hosts.keep_only(|number| {
                for attempt in attempts.items_mut() {
                    number(&mut attempt.target);
                    number(&mut attempt.source);
                }
            });
        }
    }

    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        // Transactions of a flow belong to a flow that is not half-open, which was seen as such.
        if record.uid.is_none() {
            for addr in [record.src, record.dst].into_iter().flatten() {
                self.others.add(scene.host(addr, record.import));
            }
        }
    }

    fn finish(self: Box<Self>, _now: Timestamp, _scene: &dyn Scene) -> Watched {
        let Self { hosts, attempts, others, completed } = *self;
        let mut watched = Watched::default();
        attempts.tell(&mut watched, "half-open connections");
        if !(others.is_exact() && completed.is_exact()) {
            watched.reached(format!(
                "more than {} hosts or {} pairs of hosts at work beside half-open connections; \
                 some forged sources of a flood may be listed, and a few named as its actors",
                grouped(HOSTS_MAX as u64),
                grouped(CLIENTS_MAX as u64),
            ));
        }
        let ranks = hosts.ranks();
        let (mut attempts, one_in) = attempts.into_items();
        attempts.sort_unstable_by_key(|a| {
            (ranks[a.target as usize], a.time, ranks[a.source as usize], a.port, a.reference)
        });
        let mut scanned: HashMap<u32, u32> = HashMap::new();
        for of_target in runs(&attempts, |attempt| attempt.target) {
            // What a source asked of other hosts, too, is a scan and makes it no mere flood source.
            let mut sources: Vec<u32> = of_target.iter().map(|attempt| attempt.source).collect();
            sources.sort_unstable();
            sources.dedup();
            for source in sources {
                *scanned.entry(source).or_insert(0) += 1;
            }
        }
        for of_target in runs(&attempts, |attempt| attempt.target) {
            let Some(flood) = flood(&hosts, of_target, one_in) else { continue };
            for source in &flood.peers_all {
                let did_more = scanned.get(source).is_some_and(|&targets| targets > 1)
                    || others.get(&hosts.key(*source)) != Met::Never;
                if !did_more {
                    watched.forged.push(hosts.key(*source));
                }
            }
            watched.detections.extend(actors(&hosts, of_target, &flood.detection, &completed));
            watched.detections.push(flood.detection);
        }
        for detection in &mut watched.detections {
            note_sample(detection, one_in);
        }
        watched
    }
}

struct Found {
    detection: Detection,
    peers_all: Vec<u32>,
}

/// The attempts on one target, in the order of time: are so many of them within one window?
fn flood(hosts: &Hosts, attempts: &[Attempt], one_in: u64) -> Option<Found> {
    let needed = (ATTEMPTS_MIN / one_in).max(1) as usize;
    if attempts.len() < needed {
        return None;
    }
    let mut sources: Vec<u32> = attempts.iter().map(|attempt| attempt.source).collect();
    sources.sort_unstable();
    sources.dedup();
    let peak = if sources.len() >= SOURCES_MIN {
        peak(attempts.iter().map(|attempt| attempt.time))
    } else {
        let mut by_port: Vec<&Attempt> = attempts.iter().collect();
        by_port.sort_by_key(|attempt| attempt.port);
        let of_port = runs(&by_port, |attempt| attempt.port);
        of_port.into_iter().map(|run| peak(run.iter().map(|a| a.time))).max().unwrap_or(0)
    };
    if peak < needed {
        return None;
    }
    let (first_seen, last_seen) = span(attempts.iter().map(|attempt| attempt.time));
    let keys = sources.iter().map(|&source| hosts.key(source)).collect();
    let (peers, peer_count) = peers(keys);
    let target = hosts.key(attempts[0].target);
    let ports = ports(attempts.iter().map(|attempt| attempt.port).collect());
    let port = match ports.as_slice() {
        [port] => format!("tcp/{port}"),
        many => counted(many.len() as u64, "TCP port", "TCP ports"),
    };
    let mut detection = Detection {
        subject_role: SubjectRole::Target,
        basis: Basis::Behaviour,
        confidence: if peak >= needed * 4 { 0.97 } else { 0.85 },
        first_seen,
        last_seen,
        count: attempts.len() as u64,
        attack: vec!["T1498.001", "T1499.001"],
        what: format!(
            "{} to {port} from {}{}; sources of a flood are mostly forged",
            counted(attempts.len() as u64, "half-open connection", "half-open connections"),
            counted(peer_count, "source", "sources"),
            in_secs(first_seen, last_seen),
        ),
        refs: refs(attempts.iter().map(|attempt| Some(attempt.reference))),
        peers,
        peer_count,
        ports,
        ..blank("flood.syn", target)
    };
    let per_sec = peak as u64 * one_in * 1_000_000_000 / WINDOW_NANOS as u64;
    detection.details.insert("peak_per_sec".to_owned(), per_sec.into());
    Some(Found { detection, peers_all: sources })
}

/// The most that lies within one window, of times in ascending order.
fn peak(times: impl Iterator<Item = i64>) -> usize {
    let times: Vec<i64> = times.collect();
    let (mut start, mut peak) = (0, 0);
    for (end, &time) in times.iter().enumerate() {
        while time.saturating_sub(times[start]) > WINDOW_NANOS {
            start += 1;
        }
        peak = peak.max(end + 1 - start);
    }
    peak
}

/// Sources that cannot be forged, because they completed a handshake with the target as well.
fn actors(
    hosts: &Hosts,
    attempts: &[Attempt],
    flood: &Detection,
    completed: &Marks<(HostKey, HostKey)>,
) -> Vec<Detection> {
    let mut by_source: Vec<&Attempt> = attempts.iter().collect();
    by_source.sort_by_key(|attempt| hosts.key(attempt.source));
    let mut detections = Vec::new();
    for of_source in runs(&by_source, |attempt| attempt.source) {
        let source = hosts.key(of_source[0].source);
        if of_source.len() < ACTOR_ATTEMPTS_MIN {
            continue;
        }
        let handshakes = match completed.get(&(flood.subject, source)) {
            Met::Never => continue,
            Met::Times(times) => counted(u64::from(times), "handshake", "handshakes"),
            Met::Likely => "at least one handshake".to_owned(),
        };
        let (first_seen, last_seen) = span(of_source.iter().map(|attempt| attempt.time));
        detections.push(Detection {
            peers: vec![flood.subject],
            peer_count: 1,
            ports: flood.ports.clone(),
            confidence: 0.8,
            first_seen,
            last_seen,
            count: of_source.len() as u64,
            attack: flood.attack.clone(),
            what: format!(
                "{} half-open connections in a SYN flood on {}{}; it also completed {handshakes}, \
                 so it is not forged",
                grouped(of_source.len() as u64),
                flood.subject.addr(),
                in_secs(first_seen, last_seen),
            ),
            refs: refs(of_source.iter().map(|attempt| Some(attempt.reference))),
            ..blank("flood.syn", source)
        });
    }
    detections
}

#[cfg(test)]
mod tests {
    use crate::threat::notation::{check, events, watch};

    /// 600 half-open connections from 600 sources.
    fn storm(secs: u32, state: &str) -> String {
        (0..3)
            .map(|n| format!("{secs} s: 198.18.{n}.1-200 -> 192.0.2.80 tcp/443 {state}\n"))
            .collect()
    }

    #[test]
    fn a_storm_of_half_open_connections_is_told_of_its_target() {
        for state in ["S0", "REJ", "RSTOS0"] {
            check(
                &storm(3, state),
                "flood.syn 192.0.2.80 role=target peer_count=600 count=600 ports=443",
            );
        }
        check(&storm(30, "S0"), "");
        check(&storm(3, "SF"), "");
    }

    #[test]
    fn one_source_on_one_port_is_a_flood_on_many_ports_a_scan() {
        check(
            "5 s: 192.0.2.7 -> 192.0.2.80 tcp/443 S0 x500",
            "flood.syn 192.0.2.80 role=target peer_count=1",
        );
        check("5 s: 192.0.2.7 -> 192.0.2.80 tcp/443 S0 x499", "");
        check(
            "5 s: 192.0.2.7 -> 192.0.2.80 tcp/1-600 S0",
            "scan.vertical 192.0.2.7 peer_count=1 count=600",
        );
    }

    #[test]
    fn only_a_source_that_completed_a_handshake_is_an_actor() {
        let flood = "5 s: 192.0.2.7 -> 192.0.2.80 tcp/443 S0 x600\n";
        check(
            &format!("{flood}1 s: 192.0.2.7 -> 192.0.2.80 tcp/443 SF"),
            "flood.syn 192.0.2.80 role=target\nflood.syn 192.0.2.7 role=actor count=600",
        );
    }

    #[test]
    fn sources_that_did_nothing_else_are_forged() {
        let text = format!("{}1 s: 198.18.0.9 -> 198.51.100.1 udp/53 SF", storm(3, "S0"));
        let watched = watch(&events(&text));
        assert_eq!(watched.forged.len(), 599);
        assert!(watched.forged.iter().all(|host| host.addr().to_string() != "198.18.0.9"));
        let quiet = watch(&events("5 s: 192.0.2.7 -> 192.0.2.80 tcp/443 S0 x400"));
        assert!(quiet.forged.is_empty());
    }
}
