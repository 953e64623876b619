//! The table of hosts: how much each did, when, in which part, under which names.
//!
//! In: flows, records and entries of lists. Out: one [`HostStats`] for each host, in no order of
//! its own. Bounded by [`HOSTS_MAX`]: a host that comes later is counted and not kept, so that the
//! same input gives the same table. Nothing is scored here.

use hashbrown::HashMap;
use serde_json::Value;

use crate::model::limits::{HOST_NAMES_MAX, HOSTS_MAX};
use crate::model::{Addr, Flow, HostKey, RealmId, Record, RecordKind, Timestamp, Untrusted};

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

    fn name(&mut self, name: &Untrusted, source: NameSource, seen: Option<Timestamp>) {
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
            Err(at) => {
                self.names.insert(at, Name { name: name.clone(), source, first_seen: seen });
            }
        }
    }
}

/// All hosts of a run.
#[derive(Debug)]
pub struct Hosts {
    table: HashMap<HostKey, HostStats>,
    hosts_max: usize,
    not_kept: u64,
}

impl Default for Hosts {
    fn default() -> Self {
        Self { table: HashMap::new(), hosts_max: HOSTS_MAX, not_kept: 0 }
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

    /// Sightings of hosts beyond [`HOSTS_MAX`].
    pub const fn not_kept(&self) -> u64 {
        self.not_kept
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
                host.name(sni, NameSource::Tls, first);
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
            && let Some(host) = self.table.get_mut(&HostKey::new(dst, realm))
        {
            host.name(name, NameSource::Http, record.ts);
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
            if let Some(name) = &record.src_name {
                let dhcp = record.kind == RecordKind::Dhcp;
                let source = if dhcp { NameSource::Dhcp } else { NameSource::Log };
                host.name(name, source, record.ts);
            }
        }
        if let Some(host) = record.dst.and_then(|addr| self.entry(addr, realm)) {
            host.seen(record.ts, record.ts, Role::Responder);
            host.counts(0, 0, bytes);
            if let Some(name) = record.dst_name.as_ref().filter(|_| record.kind != RecordKind::Dns)
            {
                host.name(name, NameSource::Log, record.ts);
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
            if let Some(host) = self.table.get_mut(&HostKey::new(addr, realm)) {
                host.name(name, NameSource::Dns, record.ts);
            }
        }
    }

    fn entry(&mut self, addr: Addr, realm: RealmId) -> Option<&mut HostStats> {
        if !addr.is_host() {
            return None;
        }
        let key = HostKey::new(addr, realm);
        if self.table.len() >= self.hosts_max && !self.table.contains_key(&key) {
            self.not_kept += 1;
            return None;
        }
        Some(self.table.entry(key).or_default())
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
    fn a_host_at_the_limit_is_kept_and_one_above_is_counted() {
        let mut hosts = Hosts { hosts_max: 2, ..Hosts::default() };
        for src in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
            hosts.record(&request(src, 1), RealmId(0));
        }
        assert_eq!((hosts.len(), hosts.not_kept()), (2, 0));
        hosts.record(&request("192.0.2.3", 1), RealmId(0));
        hosts.record(&request("192.0.2.2", 1), RealmId(0));
        assert_eq!((hosts.len(), hosts.not_kept()), (2, 1));
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
