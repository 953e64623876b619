//! Hosts that reference data or the analyst's own lists name: Tor, VPN, proxy, hostile.
//!
//! Membership is asked once for each public address that took part. An address that was only
//! contacted is told as such, with the role of a target: being contacted is nothing it did.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::model::{
    Addr, Basis, Detection, Flow, HostKey, Kind, ListMeaning, Record, Ref, SubjectRole, Timestamp,
};
use crate::threat::tally::{
    Hosts, Sample, blank, counted, mix, mix_host, nanos, note_sample, peers, ports, refs, runs,
    span,
};
use crate::threat::{About, Detector, Scene, Watch, Watched};

/// See the module.
pub struct Lists;

/// Contacts of listed hosts kept in one run: 1 M at 64 bytes. Beyond, a sample that says so.
const CONTACTS_MAX: usize = 1_000_000;

/// Addresses whose membership is remembered: 20 MB. A flood of forged sources has more.
const KNOWN_MAX: usize = 1 << 20;

const ABOUT: About = About {
    ids: &["anonymity.tor", "anonymity.vpn", "anonymity.proxy", "list.*"],
    finds: "addresses that a data set calls Tor relay, VPN or proxy, and addresses in the \
            analyst's lists of hostile ones",
    misses: "relays, exits and bridges that no list has, or that joined after the list's date",
    source: "the data sets' own lists, with their dates (`data status`)",
    attack: &["T1090.003", "T1090.002"],
};

impl Detector for Lists {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching {
            known: HashMap::new(),
            hosts: Hosts::default(),
            contacts: Sample::new(CONTACTS_MAX),
        })
    }
}

/// One contact of a listed host.
#[derive(Clone, Copy)]
struct Contact {
    time: i64,
    listed: u32,
    peer: Option<u32>,
    port: u16,
    acted: bool,
    times: u32,
    reference: Option<Ref>,
}

struct Watching {
    /// Whether an address is in a list of interest: a memory that begins anew when it is full.
    known: HashMap<Addr, bool>,
    hosts: Hosts,
    contacts: Sample<Contact>,
}

/// The slugs for an address, with what each rests on.
fn memberships(addr: Addr, scene: &dyn Scene) -> Vec<(Cow<'static, str>, String)> {
    let facts = scene.facts(addr);
    let mut found: Vec<(Cow<'static, str>, String)> = Vec::new();
    for (kind, slug) in [
        (Kind::Tor, "anonymity.tor"),
        (Kind::Vpn, "anonymity.vpn"),
        (Kind::Proxy, "anonymity.proxy"),
    ] {
        if facts.is(kind) {
            let names: Vec<String> = facts
                .lists
                .iter()
                .filter(|list| list.meaning == ListMeaning::Kind(kind))
                .map(|list| dated(&list.id, list.date))
                .collect();
            found.push((Cow::Borrowed(slug), names.join(", ")));
        }
    }
    for list in facts.lists.iter().filter(|list| list.meaning == ListMeaning::Hostile) {
        found.push((Cow::Owned(format!("list.{}", list.id)), dated(&list.id, list.date)));
    }
    found
}

fn dated(id: &str, date: Option<Timestamp>) -> String {
    match date {
        Some(date) => format!("{id} of {}", date.to_date()),
        None => id.to_owned(),
    }
}

impl Watching {
    fn is_listed(&mut self, addr: Addr, scene: &dyn Scene) -> bool {
        if let Some(&known) = self.known.get(&addr) {
            return known;
        }
        let facts = scene.facts(addr);
        let listed = [Kind::Tor, Kind::Vpn, Kind::Proxy].into_iter().any(|kind| facts.is(kind))
            || facts.lists.iter().any(|list| list.meaning == ListMeaning::Hostile);
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(addr, listed);
        listed
    }

    fn contact(&mut self, host: HostKey, peer: Option<HostKey>, mut contact: Contact) {
        let hash = mix(mix_host(host), contact.time as u64);
        if !self.contacts.takes(hash) {
            return;
        }
        contact.listed = self.hosts.number(host);
        contact.peer = peer.map(|peer| self.hosts.number(peer));
        if self.contacts.push(hash, contact) {
            let contacts = &mut self.contacts;
            self.hosts.keep_only(|number| {
                for contact in contacts.items_mut() {
                    number(&mut contact.listed);
                    contact.peer.as_mut().map(&mut *number);
                }
            });
        }
    }
}

impl Watch for Watching {
    fn flow(&mut self, flow: &Flow, scene: &dyn Scene) {
        for (own, other, acted) in [
            (flow.originator.addr, flow.responder.addr, true),
            (flow.responder.addr, flow.originator.addr, false),
        ] {
            // One that was asked and never answered took no part.
            if !(acted || flow.resp_pkts > 0) || !self.is_listed(own, scene) {
                continue;
            }
            let contact = Contact {
                time: flow.first_seen.nanos(),
                listed: 0,
                peer: None,
                port: flow.responder.port,
                acted,
                times: 1,
                reference: Some(Ref::Flow(flow.uid)),
            };
            let (own, other) = (scene.host(own, flow.import), scene.host(other, flow.import));
            self.contact(own, Some(other), contact);
        }
    }

    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        if record.uid.is_some() {
            return;
        }
        for (own, other, acted) in [(record.src, record.dst, true), (record.dst, record.src, false)]
        {
            let Some(own) = own.filter(|&own| self.is_listed(own, scene)) else { continue };
            let contact = Contact {
                time: nanos(record.ts),
                listed: 0,
                peer: None,
                port: record.dst_port.unwrap_or(0),
                acted,
                times: record.times.max(1),
                reference: record.reference(),
            };
            let host = |addr| scene.host(addr, record.import);
            self.contact(host(own), other.map(host), contact);
        }
    }

    fn finish(self: Box<Self>, _now: Timestamp, scene: &dyn Scene) -> Watched {
        let Self { hosts, contacts, .. } = *self;
        let mut watched = Watched::default();
        contacts.tell(&mut watched, "contacts of listed hosts");
        let (mut contacts, one_in) = contacts.into_items();
        let peer = |c: &Contact| c.peer.map(|peer| hosts.key(peer));
        contacts.sort_unstable_by_key(|c| {
            (hosts.key(c.listed), c.time, peer(c), c.port, c.acted, c.reference)
        });
        for of_host in runs(&contacts, |contact| contact.listed) {
            let host = hosts.key(of_host[0].listed);
            for (slug, lists) in memberships(host.addr(), scene) {
                let mut detection = detection(&hosts, of_host, slug, &lists);
                note_sample(&mut detection, one_in);
                watched.detections.push(detection);
            }
        }
        watched
    }
}

fn detection(
    hosts: &Hosts,
    contacts: &[Contact],
    slug: Cow<'static, str>,
    lists: &str,
) -> Detection {
    let acted = contacts.iter().any(|contact| contact.acted);
    let others = contacts.iter().filter_map(|contact| contact.peer);
    let (peers, peer_count) = peers(others.map(|peer| hosts.key(peer)).collect());
    let (first_seen, last_seen) = span(contacts.iter().map(|contact| contact.time));
    let count = contacts.iter().map(|contact| u64::from(contact.times)).sum();
    let times = counted(count, "time", "times");
    let part = if acted { "seen" } else { "contacted" };
    let (name, attack) = match slug.as_ref() {
        "anonymity.tor" => ("Tor relay", vec!["T1090.003"]),
        "anonymity.vpn" => ("VPN exit", vec!["T1090.002"]),
        "anonymity.proxy" => ("Proxy", vec!["T1090.002"]),
        _ => ("Hostile", Vec::new()),
    };
    let mut detection = Detection {
        subject_role: if acted { SubjectRole::Actor } else { SubjectRole::Target },
        peers,
        peer_count,
        ports: ports(contacts.iter().map(|contact| contact.port).filter(|&p| p > 0).collect()),
        // Lists of this sort are checked at 90 % and more on their own date (Li et al. 2019).
        confidence: 0.9,
        basis: Basis::List,
        first_seen,
        last_seen,
        count,
        attack,
        what: format!("{name} by list, {part} {times}: {lists}"),
        refs: refs(contacts.iter().map(|contact| contact.reference)),
        ..blank("", hosts.key(contacts[0].listed))
    };
    if slug.starts_with("list.") {
        detection.details.insert("meaning".to_owned(), "hostile".into());
    }
    detection.detector = slug;
    detection
}

#[cfg(test)]
mod tests {
    use crate::threat::notation::check;

    #[test]
    fn listed_hosts_are_told_once_with_what_they_did() {
        check(
            "9 s: 203.0.113.2 -> 192.0.2.80 tcp/443 SF x3",
            "anonymity.tor 203.0.113.2 count=3 role=actor basis=list ports=443 peer_count=1",
        );
        check(
            "9 s: 10.0.0.1 -> 203.0.113.3 tcp/443 SF x2",
            "anonymity.vpn 203.0.113.3 count=2 role=target",
        );
        check(
            "9 s: http 203.0.113.4 GET / 200 100 x5",
            "anonymity.proxy 203.0.113.4 count=5 peer_count=0 refs=5",
        );
        check(
            "9 s: http 203.0.113.5 GET / 200 100",
            "list.bad 203.0.113.5 meaning=hostile role=actor",
        );
        check("9 s: http 203.0.113.1 GET / 200 100", "");
        check("9 s: 10.0.0.1 -> 203.0.113.3 tcp/443 S0 x2", "");
    }
}
