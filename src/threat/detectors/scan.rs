//! Scans: one host that asks many hosts or many ports, most of which do not answer.
//!
//! Every first contact of a source with a host is a coin: a harmless client mostly asks servers
//! that exist, a scanner mostly asks nobody. Threshold random walk (Jung et al. 2004) adds ln 4 for
//! each first contact that fails and takes ln 4 for each that is answered (θ0 = 0.8, θ1 = 0.2) and
//! calls a scanner at ln 99. On top stands a least number of hosts or ports, because four failures
//! in a row are an outage more often than a scan. The walk is taken over sorted times, so the order
//! of arrival is nothing to it, and slow scans are found: only a gap of six hours ends one.
//!
//! Answers without questions (backscatter, one-sided captures) are no contacts: a TCP flow counts
//! if it begins with a SYN of its originator.

use hashbrown::{HashMap, HashSet};
use serde_json::Value;

use crate::model::{
    Addr, Basis, ConnState, Detection, Flow, HostKey, Outcome, Proto, Record, RecordKind, Ref,
    Timestamp,
};
use crate::threat::tally::{
    Hosts, Sample, blank, counted, in_secs, mix, mix_host, nanos, note_sample, peers, ports, refs,
    runs, span,
};
use crate::threat::{About, Detector, Scene, Watch, Watched};

/// See the module.
pub struct Scan;

/// Contacts kept in one run: 4 M at 64 bytes. Beyond, a sample that says so.
const CONTACTS_MAX: usize = 4_000_000;

/// Failed hosts that make a horizontal scan. Labelled slow scans have nine or ten; a client whose
/// network fails seldom meets eight different servers on one port before somebody gives up.
const HOSTS_MIN: usize = 8;

/// The same on the ports that browsers and resolvers use, for hosts of our own: during an outage a
/// browser asks twenty content servers in a minute.
const HOSTS_MIN_BUSY: usize = 25;

/// Ports of outage noise: web, DNS, time, push services, mail over TLS.
const BUSY_PORTS: [u16; 9] = [53, 80, 123, 443, 853, 993, 5223, 5228, 8080];

/// Touched ports that make a vertical scan: no protocol of ours opens eight at once.
const PORTS_MIN: usize = 8;

/// Failed UDP hosts or ports: UDP has no refusal, so silence alone says half as much.
const UDP_FACTOR: usize = 2;

/// Hosts asked by ICMP echo that make a sweep: monitoring asks a handful.
const SWEEP_HOSTS_MIN: usize = 20;

/// Steps of ±ln 4 that reach ln 99: four (Jung et al. 2004, α = 0.01, β = 0.99).
const WALK_STEPS_MIN: i64 = 4;

/// At least one host in so many that were asked on the port must have failed.
const FAILED_SHARE_MIN: usize = 5;

/// A pause that ends a scan.
const GAP_NANOS: i64 = 6 * 3_600 * 1_000_000_000;

/// Vertical targets, or horizontally scanned ports, from which on it is one block scan.
const BLOCK_TARGETS_MIN: usize = 3;
const BLOCK_PORTS_MIN: usize = 5;

/// UDP ports of traceroute (33434 and one for each probe).
const TRACEROUTE_PORTS: std::ops::RangeInclusive<u16> = 33_434..=33_534;

/// UDP services that ask everybody around them by design: DHCP, NetBIOS, SSDP, mDNS, LLMNR.
const CHATTER_PORTS: [u16; 7] = [67, 68, 137, 138, 1_900, 5_353, 5_355];

const ABOUT: About = About {
    ids: &["scan.horizontal", "scan.vertical", "scan.block", "scan.stealth", "scan.address-sweep"],
    finds: "one host asking many hosts (8 on a port) or many ports (8 of a host) that mostly do \
            not answer, at any pace with gaps below 6 h; FIN, NULL, Xmas and Maimon probes; ICMP \
            echo sweeps; from flows and from lines of packet filters",
    misses: "scans of fewer hosts, scans where most answer, one scan spread over many sources, \
             idle scans, web port scans by hosts of your own below 25 hosts",
    source: "Jung et al. 2004 (threshold random walk), Staniford et al. 2002 (kinds of scans)",
    attack: &["T1046", "T1595.001", "T1018"],
};

impl Detector for Scan {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching { hosts: Hosts::default(), contacts: Sample::new(CONTACTS_MAX) })
    }
}

/// How a contact went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Went {
    /// Unanswered, refused or filtered.
    Failed,
    /// Answered, and the originator said nothing: half-open and connect scans do that.
    Touched,
    /// Answered, and something was said.
    Used,
    /// A segment that opens no flow: FIN, NULL, Xmas, Maimon.
    Stealth,
    /// An ICMP echo request.
    Echo,
}

#[derive(Clone, Copy, Debug)]
struct Contact {
    time: i64,
    source: u32,
    target: u32,
    port: u16,
    udp: bool,
    logged: bool,
    went: Went,
    reference: Option<Ref>,
}

struct Watching {
    hosts: Hosts,
    contacts: Sample<Contact>,
}

/// What both flows and lines say of a contact.
struct Seen<'a> {
    proto: Proto,
    state: ConnState,
    history: &'a str,
    from_port: u16,
    port: u16,
    orig_bytes: u64,
    packets: u64,
    is_answered: bool,
}

fn went(seen: &Seen<'_>) -> Option<Went> {
    match seen.proto {
        Proto::Tcp => tcp_went(seen),
        Proto::Udp => udp_went(seen),
        // Zeek puts the type where the port would be.
        Proto::Icmp if seen.from_port == 8 => Some(Went::Echo),
        Proto::Icmp6 if seen.from_port == 128 => Some(Went::Echo),
        _ => None,
    }
}

fn tcp_went(seen: &Seen<'_>) -> Option<Went> {
    let is_silent = !seen.history.contains(['D', 'd']);
    match seen.history.bytes().next() {
        Some(b'S') => match seen.state {
            ConnState::S0 | ConnState::Rej | ConnState::Rstos0 | ConnState::Sh => {
                Some(Went::Failed)
            }
            state if state.is_established() && seen.orig_bytes == 0 => Some(Went::Touched),
            state if state.is_established() => Some(Went::Used),
            _ => None,
        },
        // FIN first (also Xmas and Maimon), odd flags, or none at all; a few packets, no payload.
        Some(b'F' | b'Q') | None if is_silent && seen.packets <= 3 => Some(Went::Stealth),
        _ => None,
    }
}

fn udp_went(seen: &Seen<'_>) -> Option<Went> {
    let is_answer_alone = seen.from_port < 1_024 && seen.port >= 1_024;
    let is_noise = TRACEROUTE_PORTS.contains(&seen.port) || CHATTER_PORTS.contains(&seen.port);
    if is_noise || is_answer_alone {
        return None;
    }
    Some(if seen.is_answered { Went::Used } else { Went::Failed })
}

impl Watching {
    fn contact(&mut self, source: HostKey, target: HostKey, mut contact: Contact) {
        if !source.addr().is_host() || !target.addr().is_host() || source == target {
            return;
        }
        let pair = mix(mix_host(source), mix_host(target));
        let hash = mix(mix(pair, u64::from(contact.port)), contact.time as u64);
        if !self.contacts.takes(hash) {
            return;
        }
        contact.source = self.hosts.number(source);
        contact.target = self.hosts.number(target);
        if self.contacts.push(hash, contact) {
            let contacts = &mut self.contacts;
            self.hosts.keep_only(|number| {
                for contact in contacts.items_mut() {
                    number(&mut contact.source);
                    number(&mut contact.target);
                }
            });
        }
    }
}

impl Watch for Watching {
    fn flow(&mut self, flow: &Flow, scene: &dyn Scene) {
        let seen = Seen {
            proto: flow.proto,
            state: flow.conn_state,
            history: &flow.history,
            from_port: flow.originator.port,
            port: flow.responder.port,
            orig_bytes: flow.orig_bytes.unwrap_or(0),
            packets: flow.packets(),
            is_answered: flow.resp_pkts > 0,
        };
        let Some(went) = went(&seen) else { return };
        let contact = Contact {
            time: flow.first_seen.nanos(),
            source: 0,
            target: 0,
            port: if went == Went::Echo { 0 } else { seen.port },
            udp: flow.proto == Proto::Udp,
            logged: false,
            went,
            reference: Some(Ref::Flow(flow.uid)),
        };
        let (source, target) = (flow.originator.addr, flow.responder.addr);
        self.contact(scene.host(source, flow.import), scene.host(target, flow.import), contact);
    }

    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        // A flow that was read from packets has already been seen as such.
        if record.uid.is_some() {
            return;
        }
        let (Some(source), Some(target)) = (record.src, record.dst) else { return };
        let went = match record.kind {
            RecordKind::Firewall => filtered(record),
            RecordKind::Connection => connected(record),
            _ => None,
        };
        let Some(went) = went else { return };
        let contact = Contact {
            time: nanos(record.ts),
            source: 0,
            target: 0,
            port: if went == Went::Echo { 0 } else { record.dst_port.unwrap_or(0) },
            udp: proto_of(record) == Some(Proto::Udp),
            logged: true,
            went,
            reference: record.reference(),
        };
        let host = |addr: Addr| scene.host(addr, record.import);
        self.contact(host(source), host(target), contact);
    }

    fn finish(self: Box<Self>, _now: Timestamp, scene: &dyn Scene) -> Watched {
        let Self { hosts, contacts } = *self;
        let mut watched = Watched::default();
        contacts.tell(&mut watched, "contacts of hosts");
        let ranks = hosts.ranks();
        let (mut contacts, one_in) = contacts.into_items();
        contacts.sort_unstable_by_key(|c| {
            let (source, target) = (ranks[c.source as usize], ranks[c.target as usize]);
            (source, c.time, target, c.port, c.went, c.udp, c.reference)
        });
        for of_source in runs(&contacts, |contact| contact.source) {
            // Most sources have less than any kind of scan needs.
            if of_source.iter().filter(|contact| contact.went != Went::Used).count() >= PORTS_MIN {
                let source = Source::new(&hosts, of_source, scene);
                watched.detections.extend(source.detections());
            }
        }
        for detection in &mut watched.detections {
            note_sample(detection, one_in);
        }
        watched
    }
}

fn text_detail<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    record.details.get(key).and_then(Value::as_str)
}

fn proto_of(record: &Record) -> Option<Proto> {
    let named = text_detail(record, "proto").or_else(|| text_detail(record, "protocol"))?;
    Some(match named.to_ascii_lowercase().as_str() {
        "tcp" | "6" => Proto::Tcp,
        "udp" | "17" => Proto::Udp,
        "icmp" | "1" => Proto::Icmp,
        "icmpv6" | "icmp6" | "ipv6-icmp" | "58" => Proto::Icmp6,
        other => Proto::Other(other.parse().unwrap_or(255)),
    })
}

/// A packet filter's line: what it did not let through is a contact that failed.
///
/// A line without a verdict is one too: filters are told to log what they drop. A TCP packet
/// without SYN, or with ACK or RST, is an answer or the middle of something.
fn filtered(record: &Record) -> Option<Went> {
    if record.outcome == Some(Outcome::Allowed) {
        return None;
    }
    let port = record.dst_port?;
    let seen = |proto| Seen {
        proto,
        state: ConnState::S0,
        history: "S",
        from_port: record.src_port.unwrap_or(u16::MAX),
        port,
        orig_bytes: 0,
        packets: 1,
        is_answered: false,
    };
    match proto_of(record) {
        Some(Proto::Tcp) | None => {
            let flags = text_detail(record, "flags").map(str::to_ascii_uppercase);
            let opens = flags.is_none_or(|flags| {
                let flag = |name: &str, letter: &str| {
                    flags.split([' ', ',', '|']).any(|flag| flag == name || flag == letter)
                };
                let has = |name: &str, letter: char| {
                    flag(name, letter.encode_utf8(&mut [0; 4]))
                        || (flags.len() <= 8 && !flags.contains(' ') && flags.contains(letter))
                };
                has("SYN", 'S') && !has("ACK", 'A') && !flag("RST", "R")
            });
            opens.then_some(Went::Failed)
        }
        Some(proto) => went(&seen(proto)),
    }
}

/// A flow as another tool wrote it down.
fn connected(record: &Record) -> Option<Went> {
    let bytes = |key: &str| record.details.get(key).and_then(Value::as_u64).unwrap_or(0);
    let proto = proto_of(record)?;
    let state = text_detail(record, "conn_state").and_then(conn_state);
    let seen = Seen {
        proto,
        state: state.unwrap_or(match record.outcome {
            Some(Outcome::Failure | Outcome::Blocked) => ConnState::S0,
            _ => ConnState::Sf,
        }),
        // Without a history the tool says who opened it: it begins with a SYN.
        history: text_detail(record, "history").unwrap_or("S"),
        from_port: record.src_port.unwrap_or(u16::MAX),
        port: record.dst_port?,
        // Without byte counts it is taken for used, which can only hide a scan.
        orig_bytes: if state.is_some() { bytes("orig_bytes") } else { 1 },
        packets: bytes("orig_pkts") + bytes("resp_pkts"),
        is_answered: bytes("resp_pkts") > 0 || bytes("resp_bytes") > 0 || state.is_none(),
    };
    went(&seen)
}

fn conn_state(text: &str) -> Option<ConnState> {
    use ConnState::{Oth, Rej, Rsto, Rstos0, Rstr, Rstrh, S0, S1, S2, S3, Sf, Sh, Shr};
    [S0, S1, S2, S3, Sf, Rej, Rsto, Rstr, Rstos0, Rstrh, Sh, Shr, Oth]
        .into_iter()
        .find(|state| state.as_str() == text)
}

/// All contacts of one source, in the order of time.
struct Source<'a> {
    hosts: &'a Hosts,
    contacts: &'a [Contact],
    key: HostKey,
    is_mine: bool,
}

/// A part of a source's contacts that is a scan.
struct Part<'a> {
    contacts: Vec<&'a Contact>,
    /// How far the random walk went.
    steps: i64,
}

impl<'a> Source<'a> {
    fn new(hosts: &'a Hosts, contacts: &'a [Contact], scene: &dyn Scene) -> Self {
        let key = hosts.key(contacts[0].source);
        Self { hosts, contacts, key, is_mine: scene.is_mine(key) }
    }

    fn detections(&self) -> Vec<Detection> {
        let mut detections = Vec::new();
        let asked: Vec<&Contact> = self
            .contacts
            .iter()
            .filter(|contact| !matches!(contact.went, Went::Stealth | Went::Echo))
            .collect();
        let verticals = self.verticals(&asked);
        let horizontals = self.horizontals(&asked);
        let is_block = verticals.len() >= BLOCK_TARGETS_MIN || horizontals.len() >= BLOCK_PORTS_MIN;
        if is_block {
            let mut all: Vec<&Contact> = verticals
                .iter()
                .chain(&horizontals)
                .flat_map(|part| &part.contacts)
                .copied()
                .collect();
            all.sort_unstable_by_key(|contact| std::ptr::from_ref(*contact));
            all.dedup_by_key(|contact| std::ptr::from_ref(*contact));
            let steps = verticals.iter().chain(&horizontals).map(|part| part.steps).max();
            let part = Part { contacts: all, steps: steps.unwrap_or(0) };
            detections.push(self.detection("scan.block", &["T1046", "T1595.001"], &part));
        } else {
            if let Some(part) = joined(horizontals) {
                detections.push(self.detection("scan.horizontal", &["T1046", "T1595.001"], &part));
            }
            for part in &verticals {
                detections.push(self.detection("scan.vertical", &["T1046"], part));
            }
        }
        detections.extend(self.stealth());
        detections.extend(self.sweep());
        detections
    }

    /// One port on many hosts, for each port; then what is left, on a few ports together.
    fn horizontals(&self, asked: &[&'a Contact]) -> Vec<Part<'a>> {
        let mut by_port: Vec<&Contact> = asked.to_vec();
        by_port.sort_by_key(|contact| (contact.udp, contact.port));
        let (mut parts, mut left) = (Vec::new(), Vec::new());
        for on_port in runs(&by_port, |contact| (contact.udp, contact.port)) {
            match self.walk(on_port, self.hosts_min(on_port[0])) {
                Some(part) => parts.push(part),
                None => left.extend_from_slice(on_port),
            }
        }
        if parts.is_empty() {
            left.sort_by_key(|contact| contact.time);
            parts.extend(self.few_ports(&left));
        }
        parts
    }

    fn hosts_min(&self, contact: &Contact) -> usize {
        let busy = self.is_mine && BUSY_PORTS.contains(&contact.port);
        let least = if busy { HOSTS_MIN_BUSY } else { HOSTS_MIN };
        if contact.udp { least * UDP_FACTOR } else { least }
    }

    /// Many hosts over a few TCP ports. A file sharer asks each host on a port of its own, so the
    /// ports must be few, or mostly those of well-known services.
    fn few_ports(&self, asked: &[&'a Contact]) -> Option<Part<'a>> {
        let tcp: Vec<&Contact> = asked
            .iter()
            .copied()
            .filter(|contact| !contact.udp)
            .filter(|contact| !(self.is_mine && BUSY_PORTS.contains(&contact.port)))
            .collect();
        let part = self.walk(&tcp, HOSTS_MIN)?;
        let failed: Vec<u16> = part
            .contacts
            .iter()
            .filter(|contact| contact.went == Went::Failed)
            .map(|contact| contact.port)
            .collect();
        let known = failed.iter().filter(|&&port| port < 1_024).count();
        let distinct = ports(failed.clone()).len();
        (distinct <= (failed.len() / 3).max(3) || known * 2 >= failed.len()).then_some(part)
    }

    /// The random walk over first contacts with hosts; the contacts of the stretch if it fires.
    fn walk(&self, asked: &[&'a Contact], hosts_min: usize) -> Option<Part<'a>> {
        let mut answered: HashSet<u32> = HashSet::new();
        for contact in asked {
            if contact.went == Went::Used {
                answered.insert(contact.target);
            }
        }
        let mut met: HashSet<u32> = HashSet::new();
        let (mut steps, mut best, mut failed) = (0_i64, 0_i64, 0_usize);
        let (mut start, mut last_time) = (0_usize, i64::MIN);
        let mut fired: Option<usize> = None;
        let mut end = 0;
        for (at, contact) in asked.iter().enumerate() {
            if last_time != i64::MIN && contact.time.saturating_sub(last_time) > GAP_NANOS {
                if fired.is_some() {
                    break;
                }
                (steps, failed, start) = (0, 0, at);
            }
            last_time = contact.time;
            if !met.insert(contact.target) {
                continue;
            }
            let is_answered = answered.contains(&contact.target);
            steps += if is_answered { -1 } else { 1 };
            failed += usize::from(!is_answered);
            if steps <= 0 && fired.is_none() {
                (steps, failed, start) = (0, 0, at + 1);
            }
            if failed >= hosts_min && steps >= WALK_STEPS_MIN {
                fired.get_or_insert(start);
                best = best.max(steps);
            }
            end = at + 1;
        }
        let from = fired?;
        // A client with hundreds of answered contacts may meet a dead network once.
        let in_vain = met.iter().filter(|target| !answered.contains(*target)).count();
        if in_vain * FAILED_SHARE_MIN < met.len() {
            return None;
        }
        let stretch = asked.get(from..end).unwrap_or_default();
        let contacts: Vec<&Contact> =
            stretch.iter().copied().filter(|contact| !answered.contains(&contact.target)).collect();
        // Hosts that took the SYN and heard no word are part of it, but do not make it.
        let refused: HashSet<u32> = contacts
            .iter()
            .filter(|contact| contact.went == Went::Failed)
            .map(|contact| contact.target)
            .collect();
        (refused.len() * 2 >= hosts_min).then_some(Part { contacts, steps: best })
    }

    /// Many ports of one host, for each host.
    fn verticals(&self, asked: &[&'a Contact]) -> Vec<Part<'a>> {
        let mut by_target: Vec<&Contact> = asked.to_vec();
        by_target.sort_by_key(|contact| self.hosts.key(contact.target));
        let mut parts = Vec::new();
        for on_target in runs(&by_target, |contact| contact.target) {
            if on_target.len() < PORTS_MIN {
                continue;
            }
            for burst in on_target.chunk_by(|a, b| b.time.saturating_sub(a.time) <= GAP_NANOS) {
                parts.extend(vertical(burst));
            }
        }
        parts
    }

    /// Probes that open no flow. A client that closes old flows as the capture begins sends FIN
    /// first too, to ports in use: more is asked where all go to one or two ports.
    fn stealth(&self) -> Option<Detection> {
        let used: HashSet<(u32, u16)> = self
            .contacts
            .iter()
            .filter(|contact| contact.went == Went::Used)
            .map(|contact| (contact.target, contact.port))
            .collect();
        let probes: Vec<&Contact> = self
            .contacts
            .iter()
            .filter(|contact| contact.went == Went::Stealth)
            .filter(|contact| !used.contains(&(contact.target, contact.port)))
            .collect();
        let probed: HashSet<(u32, u16)> =
            probes.iter().map(|contact| (contact.target, contact.port)).collect();
        let distinct = ports(probes.iter().map(|contact| contact.port).collect()).len();
        let least = if distinct <= 2 { HOSTS_MIN_BUSY } else { PORTS_MIN };
        (probed.len() >= least).then(|| {
            let part = Part { contacts: probes, steps: probed.len() as i64 };
            self.detection("scan.stealth", &["T1046", "T1595.001"], &part)
        })
    }

    fn sweep(&self) -> Option<Detection> {
        let echoes: Vec<&Contact> =
            self.contacts.iter().filter(|contact| contact.went == Went::Echo).collect();
        let targets: HashSet<u32> = echoes.iter().map(|contact| contact.target).collect();
        (targets.len() >= SWEEP_HOSTS_MIN).then(|| {
            let part =
                Part { contacts: echoes, steps: 1 + (targets.len() / SWEEP_HOSTS_MIN) as i64 };
            self.detection("scan.address-sweep", &["T1018", "T1595.001"], &part)
        })
    }

    fn detection(&self, id: &'static str, attack: &[&'static str], part: &Part<'_>) -> Detection {
        let mut contacts = part.contacts.clone();
        contacts.sort_by_key(|contact| {
            (contact.time, self.hosts.key(contact.target), contact.port, contact.reference)
        });
        let targets = contacts.iter().map(|contact| self.hosts.key(contact.target)).collect();
        let (peers, peer_count) = peers(targets);
        let asked = ports(contacts.iter().map(|contact| contact.port).collect());
        let (first_seen, last_seen) = span(contacts.iter().map(|contact| contact.time));
        let tally = |went: Went| contacts.iter().filter(|contact| contact.went == went).count();
        let (failed, touched) = (tally(Went::Failed), tally(Went::Touched));
        let logged = contacts.iter().any(|contact| contact.logged);
        let mut detection = Detection {
            peers,
            peer_count,
            ports: if id == "scan.address-sweep" { Vec::new() } else { asked },
            confidence: confidence(part.steps),
            basis: if logged { Basis::Log } else { Basis::Behaviour },
            first_seen,
            last_seen,
            count: contacts.len() as u64,
            attack: attack.to_vec(),
            refs: refs(contacts.iter().map(|contact| contact.reference)),
            ..blank(id, self.key)
        };
        detection.what = sentence(&detection, &contacts, failed, touched);
        if touched > 0 {
            detection.details.insert("answered".to_owned(), open_ports(self.hosts, &contacts));
        }
        detection
    }
}

/// Ports of one host in one burst: enough of them touched, several of those in vain, and not the
/// dialogue of a client that uses most of what it asks.
fn vertical<'a>(burst: &[&'a Contact]) -> Option<Part<'a>> {
    let mut outcome: HashMap<(bool, u16), Went> = HashMap::new();
    for contact in burst {
        let worst = outcome.entry((contact.udp, contact.port)).or_insert(contact.went);
        *worst = (*worst).max(contact.went);
    }
    let tally = |wanted: Went, udp: bool| {
        burst
            .iter()
            .map(|contact| (contact.udp, contact.port))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .filter(|key| key.0 == udp && outcome.get(key) == Some(&wanted))
            .count()
    };
    let (failed, failed_udp) = (tally(Went::Failed, false), tally(Went::Failed, true));
    let touched = tally(Went::Touched, false) + failed + failed_udp / UDP_FACTOR;
    let used = tally(Went::Used, false) + tally(Went::Used, true);
    let fires = touched >= PORTS_MIN
        && (failed + failed_udp / UDP_FACTOR) * 2 >= PORTS_MIN
        && used * 2 <= touched;
    fires.then(|| Part {
        contacts: burst
            .iter()
            .copied()
            .filter(|contact| outcome.get(&(contact.udp, contact.port)) != Some(&Went::Used))
            .collect(),
        steps: touched as i64 - used as i64,
    })
}

fn joined(parts: Vec<Part<'_>>) -> Option<Part<'_>> {
    let steps = parts.iter().map(|part| part.steps).max()?;
    Some(Part { contacts: parts.into_iter().flat_map(|part| part.contacts).collect(), steps })
}

/// The walk's posterior: odds of 4 for each step beyond balance, against one scanner in a hundred
/// sources; never more than 0.99, because a model is not a proof.
fn confidence(steps: i64) -> f64 {
    let odds = libm::exp2(2.0 * steps.clamp(0, 20) as f64) * 0.01 / 0.99;
    let posterior = odds / (1.0 + odds);
    libm::round(posterior.min(0.99) * 100.0) / 100.0
}

fn sentence(d: &Detection, contacts: &[&Contact], failed: usize, touched: usize) -> String {
    let hosts = counted(d.peer_count, "host", "hosts");
    let time = in_secs(d.first_seen, d.last_seen);
    if d.detector == "scan.address-sweep" {
        return format!("ICMP echo requests to {hosts}{time}");
    }
    let proto = match (contacts.iter().any(|c| c.udp), contacts.iter().any(|c| !c.udp)) {
        (true, true) => "tcp+udp",
        (true, false) => "udp",
        _ => "tcp",
    };
    let ports = match d.ports.as_slice() {
        [] => String::new(),
        [port] => format!(" on {proto}/{port}"),
        few if few.len() <= 3 => {
            let few: Vec<String> = few.iter().map(ToString::to_string).collect();
            format!(" on {proto}/{}", few.join(","))
        }
        many if many.len() >= 100 => format!(" on 100 {proto} ports and more"),
        many => format!(" on {} {proto} ports", many.len()),
    };
    let tries = if d.detector == "scan.stealth" {
        "Probes without SYN (FIN, NULL or Xmas) to".to_owned()
    } else {
        "Asked".to_owned()
    };
    let target = match (d.peer_count, d.peers.first()) {
        (1, Some(peer)) => peer.addr().to_string(),
        _ => hosts,
    };
    let outcome = match (failed, touched) {
        (0, 0) => String::new(),
        (failed, 0) => {
            let contacts = counted(failed as u64, "contact", "contacts");
            format!("; {contacts} failed, none was answered")
        }
        (0, touched) => {
            let contacts = counted(touched as u64, "contact was", "contacts were");
            format!("; {contacts} answered and left")
        }
        (failed, touched) => format!(
            "; {} failed, {} answered and left",
            counted(failed as u64, "contact", "contacts"),
            counted(touched as u64, "was", "were"),
        ),
    };
    format!("{tries} {target}{ports}{time}{outcome}")
}

/// What answered, as `addr:port`, the first twenty.
fn open_ports(hosts: &Hosts, contacts: &[&Contact]) -> Value {
    let mut open: Vec<(HostKey, u16)> = contacts
        .iter()
        .filter(|contact| contact.went == Went::Touched)
        .map(|contact| (hosts.key(contact.target), contact.port))
        .collect();
    open.sort_unstable();
    open.dedup();
    let text = |(host, port): (HostKey, u16)| match host.addr() {
        Addr::V4(addr) => Value::from(format!("{addr}:{port}")),
        Addr::V6(addr) => Value::from(format!("[{addr}]:{port}")),
    };
    Value::Array(open.into_iter().take(20).map(text).collect())
}

#[cfg(test)]
mod tests {
    use crate::threat::notation::{check, events, watch};

    #[test]
    fn sentences_count_as_people_do() {
        for (text, expected) in [
            (
                "90 s: 192.0.2.7 -> 198.51.100.5 tcp/1-1246 S0",
                "; 1,246 contacts failed, none was answered",
            ),
            (
                "8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-9 REJ
                 1 s: 192.0.2.7 -> 198.51.100.1 tcp/22 RSTO",
                "; 9 contacts failed, 1 was answered and left",
            ),
            (
                "8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-9 REJ
                 1 s: 192.0.2.7 -> 198.51.100.1 tcp/22-23 RSTO",
                "; 9 contacts failed, 2 were answered and left",
            ),
        ] {
            let what = &watch(&events(text)).detections[0].what;
            assert!(what.ends_with(expected), "{what}");
        }
    }

    #[test]
    fn one_port_on_many_hosts_is_a_horizontal_scan() {
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1-20 tcp/22 S0",
            "scan.horizontal 192.0.2.7 peer_count=20 ports=22 role=actor basis=behaviour",
        );
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1-8 tcp/445 REJ",
            "scan.horizontal 192.0.2.7 peer_count=8",
        );
        check("8 s: 192.0.2.7 -> 198.51.100.1-7 tcp/445 REJ", "");
    }

    #[test]
    fn a_slow_scan_is_one_too_until_it_rests_for_six_hours() {
        check(
            "6240 s: 192.0.2.7 -> 198.51.100.1-9 tcp/445 S0",
            "scan.horizontal 192.0.2.7 peer_count=9",
        );
        check("600000 s: 192.0.2.7 -> 198.51.100.1-9 tcp/445 S0", "");
    }

    #[test]
    fn three_ports_on_ten_hosts_are_one_scan() {
        check(
            "3 s: 192.0.2.7 -> 198.51.100.1-4 tcp/22 S0
             3 s: 192.0.2.7 -> 198.51.100.5-7 tcp/23 S0
             3 s: 192.0.2.7 -> 198.51.100.8-10 tcp/2323 S0",
            "scan.horizontal 192.0.2.7 peer_count=10 ports=22,23,2323",
        );
    }

    #[test]
    fn many_ports_of_one_host_are_a_vertical_scan() {
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-30 REJ",
            "scan.vertical 192.0.2.7 peer_count=1 count=30",
        );
        // Open ports that a SYN scan leaves half-open are told.
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-9 REJ
             1 s: 192.0.2.7 -> 198.51.100.1 tcp/22 RSTO",
            "scan.vertical 192.0.2.7 answered=[\"198.51.100.1:22\"]",
        );
        check("8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-7 REJ", "");
    }

    #[test]
    fn many_ports_of_many_hosts_are_one_block_scan() {
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1-20 tcp/20-30 S0",
            "scan.block 192.0.2.7 peer_count=20 count=220",
        );
    }

    #[test]
    fn probes_without_syn_are_a_stealth_scan() {
        check("8 s: 192.0.2.7 -> 198.51.100.1 tcp/1-10 OTH", "scan.stealth 192.0.2.7 count=10");
        // Twelve old flows to a web port that are closed as the capture begins are not.
        check("8 s: 192.0.2.7 -> 198.51.100.1-12 tcp/443 OTH", "");
    }

    #[test]
    fn echo_requests_to_many_hosts_are_a_sweep() {
        check(
            "8 s: 192.0.2.7 -> 198.51.100.1-20 icmp/0 SF",
            "scan.address-sweep 192.0.2.7 peer_count=20 ports=",
        );
        check("8 s: 192.0.2.7 -> 198.51.100.1-19 icmp/0 SF", "");
    }

    #[test]
    fn blocked_lines_are_failed_contacts() {
        check(
            "60 s: drop 192.0.2.7 -> 198.51.100.1-9 tcp/23 SYN",
            "scan.horizontal 192.0.2.7 peer_count=9 basis=log",
        );
        check(
            "60 s: drop 192.0.2.7 -> 198.51.100.1 tcp/1-9",
            "scan.vertical 192.0.2.7 peer_count=1",
        );
        // Answers to nothing: backscatter, or the filter forgot the flow.
        check("60 s: drop 192.0.2.7 -> 198.51.100.1 tcp/1025-1080 ACK+SYN", "");
        check("60 s: drop 192.0.2.7 -> 198.51.100.1-50 tcp/40000 ACK+RST", "");
        check("60 s: drop 192.0.2.7 -> 198.51.100.1-50 udp/33440", "");
    }

    #[test]
    fn what_is_no_scan() {
        // Backscatter: SYN-ACK and RST without a SYN.
        check("8 s: 192.0.2.7 -> 198.51.100.1-200 tcp/1025 RSTRH", "");
        check("8 s: 192.0.2.7 -> 198.51.100.1-200 tcp/1025 SHR", "");
        // A busy crawler: most answer.
        check(
            "60 s: 192.0.2.7 -> 198.51.100.1-200 tcp/443 SF
             60 s: 192.0.2.7 -> 203.0.113.100-110 tcp/443 S0
             60 s: 192.0.2.7 -> 198.51.100.201-250 tcp/443 SF",
            "",
        );
        // An outage, seen from inside.
        check("30 s: 10.0.0.5 -> 198.51.100.1-20 tcp/443 S0", "");
        // A file sharer: every host on a port of its own.
        let sharer: String = (1..60)
            .map(|n| format!("1 s: 192.0.2.7 -> 198.51.100.{n} tcp/{} S0\n", 20_000 + n * 97))
            .collect();
        check(&sharer, "");
        // Answers of a resolver, one-sided; traceroute; a passive FTP client; multicast.
        check("8 s: 192.0.2.7 -> 198.51.100.1 tcp/30000-30040 SF", "");
        check("8 s: 192.0.2.7 -> 198.51.100.1 udp/33434-33464 S0", "");
        check("8 s: 192.0.2.7 -> 224.0.0.1-30 udp/5000 S0", "");
        // Retries of one flow.
        check("8 s: 192.0.2.7 -> 198.51.100.1 tcp/22 S0 x400", "");
    }
}
