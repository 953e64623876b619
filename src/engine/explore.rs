//! The prefix explorer: which prefixes cover an address in each source, what each says, which of
//! them won and why, and what lies beside it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Context;
use crate::export::counted;
use crate::intel::{About, Intel, Said, Says};
use crate::model::{Addr, AddrRange, Claim, Facts, Family, Place, Prefix};

/// The set of regions that clouds name for their own prefixes.
const CLOUD_SET: &str = "cloud-regions";

/// Length of the prefix that stands in for an address of which nothing is said.
const UNSAID_LEN: [u8; 2] = [24, 48];

/// What is known of the prefixes around one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Explored {
    /// The address.
    pub addr: Addr,
    /// What each source says, the widest prefix first; each prefix lies in the one before.
    pub rows: Vec<Said>,
    /// What came of it.
    pub verdicts: Vec<Decided>,
    /// What lies before and after the smallest range around the address.
    pub neighbours: [Option<Neighbour>; 2],
}

/// What is believed of an address, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What it is about.
    pub about: About,
    /// What is believed: `AS64500 Example`.
    pub answer: String,
    /// The sources that say so.
    pub sources: Vec<Arc<str>>,
    /// Why they are believed, in a sentence.
    pub why: String,
}

/// What lies beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The smallest range there.
    pub range: AddrRange,
    /// What is said of it, in a few words.
    pub text: String,
}

impl Neighbour {
    /// Where one goes on from there.
    pub const fn addr(&self) -> Addr {
        self.range.first()
    }
}

/// Explores an address.
pub fn explore(context: &Context, addr: Addr) -> Explored {
    let facts = context.facts(addr);
    let mut rows = context.intel.said(addr);
    let place = context.place(&facts);
    let mut verdicts: Vec<Decided> = Vec::new();
    if let Some(place) = &place {
        let decided = decided_place(place, &facts);
        for row in &mut rows {
            if decided.sources.contains(&row.source)
                && matches!(row.says, Says::Place(_) | Says::Region(..))
            {
                row.won.push(About::Place);
            }
        }
        verdicts.push(decided);
    }
    verdicts.extend(decided_system(&rows));
    verdicts.extend(decided_kinds(&rows, &facts));
    let neighbours = neighbours(&context.intel, addr, &rows);
    Explored { addr, rows, verdicts, neighbours }
}

/// Why the place is the place: what `geo::place` did, read from its answer.
fn decided_place(place: &Place, facts: &Facts) -> Decided {
    let names = [place.city.as_deref(), place.country_code.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let answer = match names.is_empty() {
        true => "no single place".to_owned(),
        false => names.join(", "),
    };
    let point = place.lat.zip(place.lon);
    let country = place.country_code.as_deref();
    let is_it = |claim: &&Claim| match point {
        Some(point) => claim.point == Some(point),
        None => {
            let code = claim.country_code.map(|code| String::from_utf8_lossy(&code).into_owned());
            country.is_some() && code.as_deref() == country
        }
    };
    let own = facts.claims.iter().any(|claim| claim.own);
    let chosen = facts.claims.iter().filter(is_it).filter(|claim| claim.own || !own);
    let sources: Vec<Arc<str>> = chosen.map(|claim| Arc::clone(&claim.source)).collect();
    let is_cloud = sources.iter().any(|source| **source == *CLOUD_SET);
    let why = match (own, is_cloud, point) {
        (true, ..) => "What you say yourself wins over every data set.".to_owned(),
        (_, true, Some(_)) => {
            "The cloud names the region of its own prefix; that wins over a database's city."
                .to_owned()
        }
        (_, _, Some(_)) => city_sentence(country, facts),
        (.., None) => place.note.unwrap_or("Only the country is known.").to_owned(),
    };
    Decided { about: About::Place, answer, sources, why }
}

/// How many sources of countries agree with the city that won.
fn city_sentence(country: Option<&str>, facts: &Facts) -> String {
    let codes = facts.claims.iter().filter(|claim| claim.point.is_none());
    let codes = codes.filter_map(|claim| claim.country_code);
    let (agree, differ): (Vec<_>, Vec<_>) =
        codes.partition(|code| country.is_some_and(|country| country.as_bytes() == &code[..]));
    let agreeing = match agree.len() {
        0 => "no other source names".to_owned(),
        many => counted(many as u64, "other source names", "other sources name"),
    };
    let differing = match differ.len() {
        0 => String::new(),
        many => format!(", {} another", counted(many as u64, "names", "name")),
    };
    format!("It names a city; {agreeing} the same country{differing}.")
}

fn decided_system(rows: &[Said]) -> Option<Decided> {
    let row = rows.iter().find(|row| row.won.contains(&About::System))?;
    let others = rows.iter().filter(|row| matches!(row.says, Says::System { .. })).count();
    let why = match (row.own, others) {
        (true, 1) => "It stands in your own AS table.",
        (true, _) => "Your own AS table wins over all others; the one added last comes first.",
        (false, _) => "It is the only source of origins.",
    };
    let sources = vec![Arc::clone(&row.source)];
    Some(Decided { about: About::System, answer: row.says.text(), sources, why: why.to_owned() })
}

fn decided_kinds(rows: &[Said], facts: &Facts) -> Option<Decided> {
    if facts.kinds.is_empty() {
        return None;
    }
    let kinds: Vec<&str> = facts.kinds.iter().map(|kind| kind.as_str()).collect();
    let speakers = rows.iter().filter(|row| row.won.contains(&About::Kind));
    let mut sources: Vec<Arc<str>> = speakers.map(|row| Arc::clone(&row.source)).collect();
    sources.dedup();
    let why = match sources.is_empty() {
        true => "Its AS is known for it.",
        false => "Kinds do not compete: every list that names one counts.",
    };
    let answer = kinds.join(", ");
    Some(Decided { about: About::Kind, answer, sources, why: why.to_owned() })
}

/// What is said just before and just after the smallest range around the address.
fn neighbours(intel: &Intel, addr: Addr, rows: &[Said]) -> [Option<Neighbour>; 2] {
    let family = addr.family();
    let around = smallest(rows).unwrap_or_else(|| unsaid(addr).into());
    let before = around.first().bits().checked_sub(1);
    let after = around.last().bits().checked_add(1);
    [before, after].map(|bits| {
        let addr = Addr::from_bits(family, bits?)?;
        let rows = intel.said(addr);
        let range = smallest(&rows).unwrap_or_else(|| unsaid(addr).into());
        // What is said there may be said of this address as well: only what lies beside is meant.
        let is_before = addr < around.first();
        let range = match is_before {
            true => AddrRange::new(range.first(), addr),
            false => AddrRange::new(addr, range.last()),
        };
        Some(Neighbour { range: range?, text: in_brief(&rows) })
    })
}

/// All that is said, in one line: owner, lists, the finest place.
pub(super) fn in_brief(rows: &[Said]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| !matches!(row.says, Says::Place(_))) {
        let text = match row.says {
            Says::List(_) => row.source.to_string(),
            _ => row.says.text(),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let is_fine = |row: &&Said| matches!(&row.says, Says::Place(claim) if claim.point.is_some());
    let places = || rows.iter().filter(|row| matches!(row.says, Says::Place(_)));
    let place = places().find(|row| row.own).or_else(|| places().find(is_fine));
    texts.extend(place.or_else(|| places().next()).map(|row| row.says.text()));
    match texts.is_empty() {
        true => "nothing is said of it".to_owned(),
        false => texts.join(" · "),
    }
}

/// The smallest range that a source speaks of.
pub(super) fn smallest(rows: &[Said]) -> Option<AddrRange> {
    let size = |range: &AddrRange| range.last().bits() - range.first().bits();
    rows.iter().map(|row| row.range).min_by_key(size)
}

/// Where nothing is said there is no range: a usual prefix stands in.
fn unsaid(addr: Addr) -> Prefix {
    let len = match addr.family() {
        Family::V4 => UNSAID_LEN[0],
        Family::V6 => UNSAID_LEN[1],
    };
    Prefix::new(addr, len).unwrap_or_else(|| Prefix::host(addr))
}

impl Explored {
    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        let [before, after] = self.neighbours.each_ref().map(|it| it.as_ref().map(neighbour_json));
        json!({
            "addr": self.addr,
            "said": self.rows.iter().map(said_json).collect::<Vec<_>>(),
            "decided": self.verdicts.iter().map(decided_json).collect::<Vec<_>>(),
            "before": before,
            "after": after,
        })
    }
}

fn said_json(row: &Said) -> Value {
    let (mut asn, mut name, mut reserved, mut list, mut region) = (None, None, None, None, None);
    let mut claim = None;
    match &row.says {
        Says::Reserved(what) => reserved = Some(what.as_str()),
        Says::System { asn: number, name: of } => (asn, name) = (Some(number), of.as_deref()),
        Says::Place(place) => claim = Some(place),
        Says::Region(of, place) => (region, claim) = (Some(&**of), place.as_ref()),
        Says::List(membership) => {
            list = Some(json!({"id": membership.id, "since": membership.since}));
        }
    }
    let country = claim.and_then(|it| it.country_code);
    let place = claim.map(|it| {
        json!({
            "city": it.city,
            "region": it.region,
            "country_code": country.map(|code| String::from_utf8_lossy(&code).into_owned()),
            "lat": it.point.map(|point| point.0),
            "lon": it.point.map(|point| point.1),
        })
    });
    json!({
        "source": row.source,
        "title": row.title,
        "date": row.date.map(|date| date.to_date()),
        "own": row.own,
        "prefix": row.prefix,
        "first": row.range.first(),
        "last": row.range.last(),
        "text": row.says.text(),
        "reserved": reserved,
        "asn": asn,
        "as_name": name,
        "place": place,
        "cloud_region": region,
        "list": list,
        "won": row.won.iter().map(|won| won.as_str()).collect::<Vec<_>>(),
    })
}

fn decided_json(decided: &Decided) -> Value {
    json!({
        "about": decided.about.as_str(),
        "answer": decided.answer,
        "sources": decided.sources,
        "why": decided.why,
    })
}

fn neighbour_json(neighbour: &Neighbour) -> Value {
    json!({
        "first": neighbour.range.first(),
        "last": neighbour.range.last(),
        "text": neighbour.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Options, OwnList, OwnText};
    use crate::model::{Kind, ListMeaning};

    fn context() -> Arc<Context> {
        let text = |name: &str, text: &str| OwnText::Read(name.to_owned(), text.as_bytes().into());
        let meaning = ListMeaning::Kind(Kind::Vpn);
        let text_of_list = text("l.txt", "192.0.2.128/25\n");
        let list = OwnList { name: "list.ours".to_owned(), text: text_of_list, meaning };
        let options = Options {
            lists: vec![list],
            geofeeds: vec![text("f.csv", "192.0.2.0/24,NL,,Utrecht,\n")],
            as_tables: vec![text("a.csv", "192.0.2.0/24,64500,Example\n")],
            ..Options::default()
        };
        Context::open(options, Intel::default()).unwrap()
    }

    #[test]
    fn winners_are_named_with_their_reason_and_marked_in_the_rows() {
        let explored = explore(&context(), "192.0.2.200".parse().unwrap());
        let told: Vec<String> = explored
            .verdicts
            .iter()
            .map(|it| {
                format!("{}: {} by {}; {}", it.about.as_str(), it.answer, it.sources[0], it.why)
            })
            .collect();
        assert_eq!(
            told,
            [
                "place: Utrecht, NL by f.csv; What you say yourself wins over every data set.",
                "AS: AS64500 Example by own AS table; It stands in your own AS table.",
                "kind: vpn by list.ours; Kinds do not compete: every list that names one counts.",
            ]
        );
        let won: Vec<_> = explored.rows.iter().filter(|row| !row.won.is_empty()).collect();
        assert_eq!(won.len(), 3, "{won:?}");
        let [before, after] = explored.neighbours;
        let before = before.unwrap();
        assert_eq!(before.range.to_string(), "192.0.2.0-192.0.2.127".to_owned(), "{before:?}");
        assert!(before.text.contains("AS64500 Example"), "{before:?}");
        assert_eq!(after.unwrap().text, "nothing is said of it");
    }

    #[test]
    fn an_address_of_which_nothing_is_said_has_neighbours_still() {
        let explored = explore(&context(), "198.18.255.255".parse().unwrap());
        assert_eq!(explored.rows.len(), 1, "the registry speaks");
        let explored = explore(&context(), "11.0.0.1".parse().unwrap());
        assert!(explored.rows.is_empty() && explored.verdicts.is_empty());
        let before = explored.neighbours[0].clone().unwrap();
        assert_eq!(before.range.to_string(), "10.0.0.0-10.255.255.255");
        let first = explore(&context(), "0.0.0.0".parse().unwrap());
        assert!(first.neighbours[0].is_none() && first.neighbours[1].is_some());
    }

    #[test]
    fn the_json_has_every_key_and_null_where_one_does_not_apply() {
        let json = explore(&context(), "192.0.2.1".parse().unwrap()).to_json();
        assert_eq!(json["addr"], "192.0.2.1");
        assert_eq!(json["said"][0]["prefix"], "192.0.2.0/24");
        assert_eq!(json["said"][0]["list"], Value::Null);
        assert_eq!(json["decided"][0]["about"], "place");
        assert_eq!(json["after"]["first"], "192.0.3.0");
    }
}
