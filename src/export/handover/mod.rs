//! Hand-over: chosen hosts in the formats of those who act on them, each with its TLP marking.
//!
//! The engine lends the hosts one at a time ([`Handed`]); a format writes them in one pass. What a
//! stranger wrote is escaped as each format demands: JSON without loss, CSV against formulas, lists
//! and comments with control characters visible; a packet filter's set gets our own words alone.
//! Identifiers are hashes of what they name (UUID version 5), times come from the input: the same
//! hosts give the same bytes, and a second hand-over updates the first instead of doubling it.
//!
//! Hosts that score high or critical are offered as indicators to act upon; the analyst's own never
//! are, and they never enter a set that is meant for blocking.
//!
//! **To add a format**: one file with a [`Format`], one line in [`FORMATS`]; `list.rs` is the
//! smallest one to copy.

mod csv;
mod html;
mod json;
mod list;
mod misp;
mod nftables;
mod stix;
mod tlp;
mod uuid;

use std::io::{self, Write};

use hashbrown::HashSet;

pub use self::list::defanged;
pub use self::tlp::Tlp;
use super::report::BaseMap;
use super::rows::{DetectionRow, HostRow, ListedRow, TriageHead};
use crate::model::{Addr, AddrRange, Prefix, Timestamp, Visible};

/// Every format, in the order in which it is offered.
pub static FORMATS: &[&Format] = &[
    &list::PLAIN,
    &list::DEFANGED,
    &csv::CSV,
    &json::JSON,
    &stix::STIX,
    &nftables::NFTABLES,
    &misp::MISP,
    &html::HTML,
];

/// A format of hand-over.
#[derive(Debug)]
pub struct Format {
    /// The name on the command line: `stix`.
    pub id: &'static str,
    /// The name in the window: `STIX 2.1 bundle`.
    pub name: &'static str,
    /// What its files end in, without the dot.
    pub extension: &'static str,
    /// For whom it is and what it holds, in a sentence.
    pub what: &'static str,
    /// Where it is specified.
    pub source: &'static str,
    /// Whether it makes sense on a clipboard.
    pub is_text: bool,
    /// Writes it.
    pub write: fn(&mut dyn Write, Handed<'_>) -> io::Result<()>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Format {}

impl Format {
    /// By its name on the command line.
    pub fn find(id: &str) -> Option<&'static Self> {
        FORMATS.iter().copied().find(|format| format.id == id)
    }
}

/// What is handed over.
pub struct Handed<'a> {
    /// How far it may be passed on.
    pub tlp: Tlp,
    /// What made it, of what.
    pub head: &'a TriageHead,
    /// How many hosts there are.
    pub count: u64,
    /// The hosts, in the order wanted, each once.
    pub hosts: Box<dyn Iterator<Item = HostRow> + 'a>,
    /// Detections about them.
    pub detections: Box<dyn Iterator<Item = DetectionRow> + 'a>,
    /// Prefixes and ranges of lists; empty where hosts were chosen.
    pub prefixes: &'a [ListedRow],
    /// The map of the report.
    pub base: BaseMap<'a>,
}

impl Handed<'_> {
    /// The prefixes and ranges of lists as prefixes, each once. They are made anew from their
    /// numbers: no text of a list passes.
    fn listed(&self) -> Vec<Prefix> {
        let mut met = HashSet::new();
        let all = self.prefixes.iter().flat_map(|listed| prefixes_of(&listed.prefix));
        all.filter(|prefix| met.insert(*prefix)).collect()
    }

    /// The lines that every format with comments begins with.
    fn preamble(&self) -> [String; 2] {
        let tool = &self.head.tool;
        [
            format!("{}: {}", self.tlp.label(), self.tlp.meaning()),
            format!(
                "{} {}, profile {}; scores as of {} UTC",
                tool.name,
                tool.version,
                Visible(&tool.profile),
                self.head.now.to_short()
            ),
        ]
    }
}

/// `192.0.2.0/24`, or a range `192.0.2.1-192.0.2.9` as the fewest prefixes (at most 254).
fn prefixes_of(text: &str) -> Vec<Prefix> {
    let range = || {
        let (first, last) = text.split_once('-')?;
        AddrRange::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
    };
    match text.parse() {
        Ok(prefix) => vec![prefix],
        Err(_) => range().map(AddrRange::prefixes).unwrap_or_default(),
    }
}

/// Tells addresses that were met before: one of several realms is one address to everybody else.
#[derive(Default)]
struct Met(HashSet<Addr>);

impl Met {
    fn is_new(&mut self, addr: Addr) -> bool {
        self.0.insert(addr)
    }
}

/// Whether others should act upon it: it scores high or critical without doubt, and is not ours.
fn is_indicator(host: &HostRow) -> bool {
    matches!(host.word, "high" | "critical") && !host.mine
}

/// `score 93.0 of 100 (critical); AS64500 Example; Amsterdam, NL; because of bruteforce.ssh +58.1`
fn sentence(host: &HostRow) -> String {
    let mut parts = vec![match host.word {
        "unknown" => "too little is known for a score".to_owned(),
        word => format!("score {:.1} of 100 ({word})", host.score),
    }];
    match (host.asn, &host.as_name) {
        (Some(asn), Some(name)) => parts.push(format!("AS{asn} {name}")),
        (Some(asn), None) => parts.push(format!("AS{asn}")),
        (None, _) => {}
    }
    if let Some(place) = &host.place {
        let named = [place.city.as_deref(), place.country_code.as_deref()];
        let named: Vec<&str> = named.into_iter().flatten().collect();
        if !named.is_empty() {
            parts.push(Visible(&named.join(", ")).to_string());
        }
    }
    let because = host.evidence.iter().filter(|shown| shown.row.counted && shown.row.id != "prior");
    let because: Vec<String> = because
        .take(5)
        .map(|shown| format!("{} {:+.1}", Visible(&shown.row.id), shown.row.contribution))
        .collect();
    if !because.is_empty() {
        parts.push(format!("because of {}", because.join(", ")));
    }
    parts.join("; ")
}

/// A time as STIX and MISP want it, to the millisecond: `2026-06-05T03:12:44.000Z`.
fn millis(at: Timestamp) -> String {
    let text = at.to_string();
    // Nine digits behind the point, then Z.
    match text.len().checked_sub(7).and_then(|end| text.get(..end)) {
        Some(cut) => format!("{cut}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_format_explains_itself() {
        let mut ids: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FORMATS.len());
        for format in FORMATS {
            assert!(Format::find(format.id) == Some(*format));
            assert!(format.what.ends_with('.') && format.source.len() > 3, "{}", format.id);
        }
    }

    #[test]
    fn times_have_milliseconds() {
        let at: Timestamp = "2026-06-05T03:12:44.123456789Z".parse().unwrap();
        assert_eq!(millis(at), "2026-06-05T03:12:44.123Z");
        assert_eq!(millis(Timestamp::default()), "1970-01-01T00:00:00.000Z");
    }
}
