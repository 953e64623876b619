//! The table of hosts: how much each did, when, in which part, under which names.
//!
//! In: flows, records and entries of lists. Out: one [`HostStats`] for each host, in no order of
//! its own. Bounded by [`HOSTS_MAX`]: when the table is full, the eighth with the least to tell of
//! it goes (few flows, few packets, seen long ago), so that a flood of forged sources neither
//! keeps out who comes after it nor pushes out who is at work. What goes depends on the order of
//! the input, never on that of the table. Nothing is scored here.

use hashbrown::HashMap;
use serde_json::Value;

use crate::model::limits::{HOST_NAMES_MAX, HOSTS_MAX};
use crate::model::{Addr, Flow, HostKey, RealmId, Record, RecordKind, Timestamp, Untrusted};

/// One host in so many goes when the table is full: seldom enough for the search to cost little.
const EVICTED_SHARE: usize = 8;

/// Bytes of a name that is kept: DNS knows no longer one (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 255;

/// Names kept in one run, of all hosts together: 1 GB if each has its 255 bytes.
pub const NAMES_MAX: usize = 4_000_000;

/// The part a host played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It opened flows, sent requests, tried to log in.
    Originator = 1,
    /// It was asked.
    Responder = 2,
    /// It stands in a list or text.
    Listed = 4,
}

/// Where a name was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// An answer to a DNS query: the one asked says so.
    Dns,
    /// The name a TLS client asked this host for: the client says so.
    Tls,
    /// The name in an HTTP Host header: the client says so.
    Http,
    /// A DHCP client's own name for itself.
    Dhcp,
    /// A log's host name.
    Log,
}

impl NameSource {
    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Dhcp => "dhcp",
            Self::Log => "log",
        }
    }
}

/// A name of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name.
    pub name: Untrusted,
    /// Who says so.
    pub source: NameSource,
    /// When first.
    pub first_seen: Option<Timestamp>,
}

/// What one host did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostStats {
    /// Flows it took part in, and log records that name it.
    pub flows: u64,
    /// Packets it sent or received.
    pub packets: u64,
    /// IP bytes it received; from logs, bytes of the answers it was sent.
    pub bytes_in: u64,
    /// IP bytes it sent; from logs, bytes of the answers it gave.
    pub bytes_out: u64,
    /// The oldest sighting.
    pub first_seen: Option<Timestamp>,
    /// The newest sighting.
    pub last_seen: Option<Timestamp>,
    /// At most [`HOST_NAMES_MAX`] names, sorted by name and source.
    pub names: Vec<Name>,
    /// How many names there were beyond the limit.
    pub names_dropped: u64,
    roles: u8,
}

impl HostStats {
    /// Whether it ever played this part.
    pub const fn has(&self, role: Role) -> bool {
        self.roles & role as u8 != 0
    }

    fn seen(&mut self, first: Option<Timestamp>, last: Option<Timestamp>, role: Role) {
        // `None` sorts before every time, so the oldest needs a look of its own.
        self.first_seen = match (self.first_seen, first) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        self.last_seen = self.last_seen.max(last);
        self.roles |= role as u8;
        self.flows += 1;
    }

    /// A log may claim any number: sums stay at the largest instead of beginning anew.
    fn counts(&mut self, packets: u64, bytes_in: u64, bytes_out: u64) {
        self.packets = self.packets.saturating_add(packets);
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
    }

    /// Keeps a name if all hosts together have `room` for one more; `false`: they had none.
    fn name(
        &mut self,
        name: &Untrusted,
        source: NameSource,
        seen: Option<Timestamp>,
        room: usize,
    ) -> bool {
        if name.raw().len() > NAME_BYTES_MAX {
            self.names_dropped += 1;
            return true;
        }
        let at = self
            .names
            .binary_search_by(|known| known.name.cmp(name).then_with(|| known.source.cmp(&source)));
        match at {
            Ok(at) => {
                let known = &mut self.names[at];
                known.first_seen = match (known.first_seen, seen) {
                    (Some(known), Some(new)) => Some(known.min(new)),
                    (known, new) => known.or(new),
                };
            }
            Err(_) if self.names.len() >= HOST_NAMES_MAX => self.names_dropped += 1,
            Err(_) if room == 0 => {
                self.names_dropped += 1;
                return false;
            }
            Err(at) => {
                self.names.insert(at, Name { name: name.clone(), source, first_seen: seen });
            }
        }
        true
    }
}

/// All hosts of a run.
#[derive(Clone, Debug)]
pub struct Hosts {
    table: HashMap<HostKey, HostStats>,
    hosts_max: usize,
    evicted: u64,
    names: usize,
    names_max: usize,
    names_dropped: u64,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            table: HashMap::new(),
            hosts_max: HOSTS_MAX,
            evicted: 0,
            names: 0,
            names_max: NAMES_MAX,
            names_dropped: 0,
        }
    }
}

impl Hosts {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many hosts are kept.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Hosts that had to go because there were more than [`HOSTS_MAX`]; one that came back and had
    /// to go again counts again.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Sightings of names beyond [`NAMES_MAX`] in all, which hosts with fewer names had room for.
    pub const fn names_dropped(&self) -> u64 {
        self.names_dropped
    }

    /// What one host did.
    pub fn get(&self, host: HostKey) -> Option<&HostStats> {
        self.table.get(&host)
    }

    /// All hosts, sorted.
    pub fn keys_sorted(&self) -> Vec<HostKey> {
        let mut keys: Vec<HostKey> = self.table.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// Counts a flow for both its ends.
    pub fn flow(&mut self, flow: &Flow, realm: RealmId) {
        let (first, last) = (Some(flow.first_seen), Some(flow.last_seen()));
        if let Some(host) = self.entry(flow.originator.addr, realm) {
            host.seen(first, last, Role::Originator);
            host.counts(flow.packets(), flow.resp_ip_bytes, flow.orig_ip_bytes);
        }
        if let Some(host) = self.entry(flow.responder.addr, realm) {
            host.seen(first, last, Role::Responder);
            host.counts(flow.packets(), flow.orig_ip_bytes, flow.resp_ip_bytes);
            if let Some(sni) = &flow.spoken.sni {
                self.name(HostKey::new(flow.responder.addr, realm), sni, first, NameSource::Tls);
            }
        }
    }

    /// Counts a record for the hosts it names. A transaction of a flow adds names alone: its
    /// packets and bytes were counted with the flow.
    pub fn record(&mut self, record: &Record, realm: RealmId) {
        if record.uid.is_none() {
            self.log_record(record, realm);
        }
        if record.kind == RecordKind::Http
            && let (Some(dst), Some(name)) = (record.dst, &record.host)
            && name.raw().parse::<Addr>().is_err()
        {
            self.name(HostKey::new(dst, realm), name, record.ts, NameSource::Http);
        }
        if record.kind == RecordKind::Dns {
            self.dns_names(record, realm);
        }
    }

    fn log_record(&mut self, record: &Record, realm: RealmId) {
        let mention = record.kind == RecordKind::Other && record.dst.is_none();
        let role = if mention { Role::Listed } else { Role::Originator };
        let bytes = record.bytes.unwrap_or(0);
        if let Some(host) = record.src.and_then(|addr| self.entry(addr, realm)) {
            host.seen(record.ts, record.ts, role);
            host.counts(0, bytes, 0);
            if let (Some(name), Some(addr)) = (&record.src_name, record.src) {
                let dhcp = record.kind == RecordKind::Dhcp;
                let source = if dhcp { NameSource::Dhcp } else { NameSource::Log };
                self.name(HostKey::new(addr, realm), name, record.ts, source);
            }
        }
        if let Some(host) = record.dst.and_then(|addr| self.entry(addr, realm)) {
            host.seen(record.ts, record.ts, Role::Responder);
            host.counts(0, 0, bytes);
            let name = record.dst_name.as_ref().filter(|_| record.kind != RecordKind::Dns);
            if let (Some(name), Some(addr)) = (name, record.dst) {
                self.name(HostKey::new(addr, realm), name, record.ts, NameSource::Log);
            }
        }
    }

    /// The answers of a DNS transaction name hosts that are known for another reason; a resolver's
    /// answer alone makes no host.
    fn dns_names(&mut self, record: &Record, realm: RealmId) {
        let (Some(name), Some(Value::Array(answers))) =
            (record.query.as_ref().or(record.dst_name.as_ref()), record.details.get("answers"))
        else {
            return;
        };
        for addr in answers.iter().filter_map(|answer| answer.as_str()?.parse::<Addr>().ok()) {
            self.name(HostKey::new(addr, realm), name, record.ts, NameSource::Dns);
        }
    }

    fn entry(&mut self, addr: Addr, realm: RealmId) -> Option<&mut HostStats> {
        if !addr.is_host() {
            return None;
        }
        let key = HostKey::new(addr, realm);
        if self.table.len() >= self.hosts_max && !self.table.contains_key(&key) {
            self.evict();
        }
        Some(self.table.entry(key).or_default())
    }

    /// Makes room: the eighth with the least to tell goes, of equals the one seen longest ago.
    fn evict(&mut self) {
        let weight = |stats: &HostStats| (stats.flows, stats.packets, stats.last_seen);
        let mut all: Vec<_> = self.table.iter().map(|(key, stats)| (weight(stats), *key)).collect();
        let going = (all.len() / EVICTED_SHARE).max(1).min(all.len());
        let (light, _, _) = all.select_nth_unstable(going - 1);
        let mut light: Vec<HostKey> = light.iter().map(|(_, key)| *key).collect();
        light.push(all[going - 1].1);
        for key in light {
            if let Some(stats) = self.table.remove(&key) {
                self.names -= stats.names.len();
                self.evicted += 1;
            }
        }
    }

    /// Gives a host a name, if there is room for it.
    fn name(&mut self, host: HostKey, name: &Untrusted, seen: Option<Timestamp>, by: NameSource) {
        let Some(stats) = self.table.get_mut(&host) else { return };
        let before = stats.names.len();
        let room = self.names_max.saturating_sub(self.names);
        if !stats.name(name, by, seen, room) {
            self.names_dropped += 1;
        }
        self.names += stats.names.len() - before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImportId;

    fn request(src: &str, bytes: u64) -> Record {
        let mut record = Record::new(RecordKind::Http, ImportId(0));
        (record.src, record.bytes) = (src.parse().ok(), Some(bytes));
        record
    }

    #[test]
    fn hosts_at_the_limit_are_kept_and_one_above_costs_the_lightest() {
        let mut hosts = Hosts { hosts_max: 2, ..Hosts::default() };
        for src in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
            hosts.record(&request(src, 1), RealmId(0));
        }
        assert_eq!((hosts.len(), hosts.evicted()), (2, 0));
        hosts.record(&request("192.0.2.3", 1), RealmId(0));
        let kept: Vec<String> =
            hosts.keys_sorted().iter().map(|host| host.addr().to_string()).collect();
        assert_eq!(
            (kept.as_slice(), hosts.evicted()),
            (&["192.0.2.1", "192.0.2.3"].map(String::from)[..], 1)
        );
    }

    #[test]
    fn junk_neither_keeps_out_nor_pushes_out_who_is_at_work() {
        let junk = |hosts: &mut Hosts, net: u8| {
            for n in 0..2_000_u32 {
                hosts
                    .record(&request(&format!("198.{net}.{}.{}", n / 250, n % 250), 1), RealmId(0));
            }
        };
        let attack = |hosts: &mut Hosts, last: u8| {
            for _ in 0..10 {
                hosts.record(&request(&format!("192.0.2.{last}"), 1), RealmId(0));
            }
        };
        let mut hosts = Hosts { hosts_max: 100, ..Hosts::default() };
        attack(&mut hosts, 1);
        junk(&mut hosts, 18);
        attack(&mut hosts, 2);
        junk(&mut hosts, 19);
        assert!(hosts.len() <= 100 && hosts.evicted() > 3_800);
        for last in [1, 2] {
            let host = HostKey::new(format!("192.0.2.{last}").parse().unwrap(), RealmId(0));
            assert_eq!(hosts.get(host).map(|stats| stats.flows), Some(10));
        }
    }

    #[test]
    fn names_have_limits_of_their_own() {
        let mut hosts = Hosts { names_max: 3, ..Hosts::default() };
        let mut named = |name: &str| {
            let mut record = request("192.0.2.1", 1);
            record.src_name = Some(name.into());
            hosts.record(&record, RealmId(0));
            (hosts.names, hosts.names_dropped())
        };
        for name in ["a.example", "b.example", &"c".repeat(NAME_BYTES_MAX)] {
            assert_eq!(named(name).1, 0);
        }
        assert_eq!(named("a.example"), (3, 0));
        assert_eq!(named("d.example"), (3, 1));
        assert_eq!(named(&"c".repeat(NAME_BYTES_MAX + 1)), (3, 1));
    }

    #[test]
    fn a_log_that_claims_all_bytes_there_are_does_not_overflow() {
        let mut hosts = Hosts::new();
        hosts.record(&request("192.0.2.1", u64::MAX), RealmId(0));
        hosts.record(&request("192.0.2.1", 7), RealmId(0));
        let host = HostKey::new("192.0.2.1".parse().unwrap(), RealmId(0));
        assert_eq!(hosts.get(host).unwrap().bytes_in, u64::MAX);
    }
}
