//! STIX 2.1: a bundle of what was seen, and indicators for what should be acted upon.
//!
//! ```text
//! autonomous-system ◄─ belongs-to ─ ipv4-addr | ipv6-addr ◄─ object_refs ─ observed-data
//!                                                                               ▲ based-on
//! attack-pattern ◄──────────────── indicates ──────────────────────────── indicator
//! grouping ─ object_refs ─► all of them; each object carries the TLP 2.0 marking
//! ```
//!
//! Every host is an address that was observed; those that score high or critical are indicators as
//! well, never the analyst's own. Deliberately absent: places (STIX has no relation from an address
//! to one that says how unsure it is) and names, which may be anybody's claim; both stand in the
//! indicator's description.

use std::io::{self, Write};

use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

use super::uuid::{OURS, STIX_OBSERVABLES, Uuid};
use super::{Format, Handed, Met, Tlp, is_indicator, millis, sentence};
use crate::export::rows::{DetectionRow, HostRow};
use crate::export::to_json;
use crate::model::{Addr, Family, Kind, SubjectRole};

/// A bundle.
pub(super) static STIX: Format = Format {
    id: "stix",
    name: "STIX 2.1 bundle",
    extension: "json",
    what: "Observed addresses, indicators for the high and critical ones, AS numbers, ATT&CK.",
    source: "OASIS STIX 2.1; extension definition of TLP 2.0",
    is_text: true,
    write,
};

/// The extension that defines `tlp_2_0`.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// When OASIS made the marking definitions.
const TLP_CREATED: &str = "2022-10-01T00:00:00.000Z";

/// The most that `number_observed` may say (STIX 2.1 §4.14).
const OBSERVED_MAX: u64 = 999_999_999;

fn write(out: &mut dyn Write, handed: Handed<'_>) -> io::Result<()> {
    let listed = handed.listed();
    let mut techniques: HashMap<Addr, Vec<&'static str>> = HashMap::new();
    let acted = |row: &DetectionRow| row.subject_role == SubjectRole::Actor;
    for detection in handed.detections.filter(acted) {
        let known = techniques.entry(detection.subject).or_default();
        known.extend(detection.attack);
    }
    for known in techniques.values_mut() {
        known.sort_unstable();
        known.dedup();
    }
    let mut bundle = Bundle {
        out,
        tlp: handed.tlp,
        now: millis(handed.head.now),
        identity: format!("identity--{}", OURS.of("stix identity")),
        refs: Vec::new(),
        met_systems: HashSet::new(),
        met_techniques: HashSet::new(),
        is_first: true,
    };
    bundle.begin()?;
    let mut met = Met::default();
    for host in handed.hosts {
        if met.is_new(host.addr) {
            let known = techniques.get(&host.addr).map_or(&[][..], Vec::as_slice);
            bundle.host(&host, known)?;
        }
    }
    for prefix in listed {
        bundle.addr(prefix.first().family(), &prefix.to_string())?;
    }
    bundle.end()
}

struct Bundle<'a> {
    out: &'a mut dyn Write,
    tlp: Tlp,
    now: String,
    identity: String,
    /// What the grouping names: the kind and number of each object.
    refs: Vec<(&'static str, Uuid)>,
    met_systems: HashSet<u32>,
    met_techniques: HashSet<&'static str>,
    is_first: bool,
}

impl Bundle<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let id = OURS.of(&format!("stix bundle {} {}", self.tlp.label(), self.now));
        write!(self.out, "{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[")?;
        self.object(&json!({
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": self.tlp.stix_id(),
            "created": TLP_CREATED,
            "name": self.tlp.label(),
            "extensions": {
                TLP_EXTENSION: {
                    "extension_type": "property-extension",
                    "tlp_2_0": self.tlp.word(),
                },
            },
        }))?;
        self.object(&json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": self.identity,
            "created": TLP_CREATED,
            "modified": TLP_CREATED,
            "name": "InfraLock Workbench",
            "identity_class": "system",
        }))
    }

    /// The grouping, and the end. Without a host there is nothing to group.
    fn end(mut self) -> io::Result<()> {
        if !self.refs.is_empty() {
            let refs: Vec<String> =
                self.refs.iter().map(|(kind, id)| format!("{kind}--{id}")).collect();
            let name = format!("stix grouping {} {}", self.now, refs.join(" "));
            let id = OURS.of(&name);
            let mut grouping = self.domain_object("grouping", id);
            grouping["name"] = json!("Hosts handed over by InfraLock Workbench");
            grouping["context"] = json!("suspicious-activity");
            grouping["object_refs"] = json!(refs);
            self.object(&grouping)?;
        }
        self.out.write_all(b"\n]}\n")
    }

    fn object(&mut self, object: &Value) -> io::Result<()> {
        let between = if std::mem::take(&mut self.is_first) { "\n" } else { ",\n" };
        self.out.write_all(between.as_bytes())?;
        to_json(self.out, object)
    }

    /// The common properties of domain and relationship objects.
    fn domain_object(&self, kind: &str, id: Uuid) -> Value {
        json!({
            "type": kind,
            "spec_version": "2.1",
            "id": format!("{kind}--{id}"),
            "created_by_ref": self.identity,
            "created": self.now,
            "modified": self.now,
            "object_marking_refs": [self.tlp.stix_id()],
        })
    }

    fn host(&mut self, host: &HostRow, techniques: &[&'static str]) -> io::Result<()> {
        let value = host.addr.to_string();
        let (kind, id) = self.addr(host.addr.family(), &value)?;
        let addr = format!("{kind}--{id}");
        if let Some(asn) = host.asn {
            let system = self.system(asn, host)?;
            self.relation(&addr, "belongs-to", &system)?;
        }
        let mut observed = None;
        if let (Some(first), Some(last)) = (host.first_seen, host.last_seen) {
            let id = OURS.of(&format!("stix observed {value} {first} {last} {}", host.flows));
            let mut seen = self.domain_object("observed-data", id);
            seen["first_observed"] = json!(millis(first));
            seen["last_observed"] = json!(millis(last));
            seen["number_observed"] = json!(host.flows.clamp(1, OBSERVED_MAX));
            seen["object_refs"] = json!([addr]);
            self.object(&seen)?;
            self.refs.push(("observed-data", id));
            observed = Some(format!("observed-data--{id}"));
        }
        if is_indicator(host) {
            self.indicator(host, kind, observed.as_deref(), techniques)?;
        }
        Ok(())
    }

    fn addr(&mut self, family: Family, value: &str) -> io::Result<(&'static str, Uuid)> {
        let kind = if family == Family::V4 { "ipv4-addr" } else { "ipv6-addr" };
        // Canonical JSON (RFC 8785) of the one property that counts; it needs no escapes.
        let id = STIX_OBSERVABLES.of(&format!("{{\"value\":\"{value}\"}}"));
        self.object(&json!({
            "type": kind,
            "spec_version": "2.1",
            "id": format!("{kind}--{id}"),
            "value": value,
            "object_marking_refs": [self.tlp.stix_id()],
        }))?;
        self.refs.push((kind, id));
        Ok((kind, id))
    }

    fn system(&mut self, asn: u32, host: &HostRow) -> io::Result<String> {
        let id = STIX_OBSERVABLES.of(&format!("{{\"number\":{asn}}}"));
        if self.met_systems.insert(asn) {
            let mut system = json!({
                "type": "autonomous-system",
                "spec_version": "2.1",
                "id": format!("autonomous-system--{id}"),
                "number": asn,
                "object_marking_refs": [self.tlp.stix_id()],
            });
            if let Some(name) = &host.as_name {
                system["name"] = json!(name);
            }
            self.object(&system)?;
            self.refs.push(("autonomous-system", id));
        }
        Ok(format!("autonomous-system--{id}"))
    }

    fn indicator(
        &mut self,
        host: &HostRow,
        kind: &str,
        observed: Option<&str>,
        techniques: &[&'static str],
    ) -> io::Result<()> {
        let id = OURS.of(&format!("stix indicator {}", host.addr));
        let mut indicator = self.domain_object("indicator", id);
        let hides =
            host.kinds.iter().any(|kind| matches!(kind, Kind::Tor | Kind::Vpn | Kind::Proxy));
        let types: &[&str] =
            if hides { &["malicious-activity", "anonymization"] } else { &["malicious-activity"] };
        indicator["name"] = json!(host.addr.to_string());
        indicator["description"] = json!(sentence(host));
        indicator["indicator_types"] = json!(types);
        indicator["pattern"] = json!(format!("[{kind}:value = '{}']", host.addr));
        indicator["pattern_type"] = json!("stix");
        indicator["pattern_version"] = json!("2.1");
        indicator["valid_from"] = json!(host.first_seen.map_or_else(|| self.now.clone(), millis));
        indicator["confidence"] = json!(libm::round(host.score.clamp(0.0, 100.0)) as u8);
        self.object(&indicator)?;
        self.refs.push(("indicator", id));
        let indicator = format!("indicator--{id}");
        if let Some(observed) = observed {
            self.relation(&indicator, "based-on", observed)?;
        }
        for technique in techniques {
            let pattern = self.technique(technique)?;
            self.relation(&indicator, "indicates", &pattern)?;
        }
        Ok(())
    }

    /// A technique by its number alone: whoever has ATT&CK knows the rest.
    fn technique(&mut self, technique: &'static str) -> io::Result<String> {
        let id = OURS.of(&format!("stix technique {technique}"));
        if self.met_techniques.insert(technique) {
            let mut pattern = self.domain_object("attack-pattern", id);
            pattern["name"] = json!(technique);
            pattern["external_references"] =
                json!([{"source_name": "mitre-attack", "external_id": technique}]);
            self.object(&pattern)?;
            self.refs.push(("attack-pattern", id));
        }
        Ok(format!("attack-pattern--{id}"))
    }

    fn relation(&mut self, from: &str, kind: &str, to: &str) -> io::Result<()> {
        let id = OURS.of(&format!("stix relationship {from} {kind} {to}"));
        let mut relation = self.domain_object("relationship", id);
        relation["relationship_type"] = json!(kind);
        relation["source_ref"] = json!(from);
        relation["target_ref"] = json!(to);
        self.object(&relation)?;
        self.refs.push(("relationship", id));
        Ok(())
    }
}
