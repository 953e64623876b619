//! Which source says what of an address, from which range: the rows of the prefix explorer.
//!
//! [`Intel::facts`] joins what all sources say; here they stand one by one. The largest aligned
//! prefixes around one address always lie in each other, whatever the ranges do that they were cut
//! from, so that the rows make a tree.

use std::sync::Arc;

use super::meanings::ANYCAST_PREFIXES;
use super::sets::Set;
use super::{COUNTRY_SETS, Intel, compiled, is_registration};
use crate::model::{
    Addr, AddrRange, Claim, ListMeaning, ListMembership, Prefix, Reserved, Timestamp,
};
use crate::trie::{Address, Range, Records};

/// What one source says of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The source: `dbip-city`, `asn`, the name of an own list.
    pub source: Arc<str>,
    /// What the source is, in a few words.
    pub title: Arc<str>,
    /// The date of what is said; `None`: undated.
    pub date: Option<Timestamp>,
    /// All addresses around this one of which the source says the same.
    pub range: AddrRange,
    /// The largest aligned prefix around the address inside that range.
    pub prefix: Prefix,
    /// What it says.
    pub says: Says,
    /// Whether the analyst supplied the source.
    pub own: bool,
    /// For what it is the one that counts.
    pub won: Vec<About>,
}

/// What can be said of an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// A special purpose, as IANA's registries have it.
    Reserved(Reserved),
    /// Who announces it.
    System {
        /// The AS number.
        asn: u32,
        /// Its name.
        name: Option<Arc<str>>,
    },
    /// Where it is.
    Place(Claim),
    /// A cloud's region, and where that is; `None`: announced from many sites.
    Region(Arc<str>, Option<Claim>),
    /// Membership in a list.
    List(ListMembership),
}

/// What sources are asked about, and compete for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Where it is.
    Place,
    /// Its AS.
    System,
    /// What sort of network it is in.
    Kind,
}

impl About {
    /// The word of the JSON and of the window.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::System => "AS",
            Self::Kind => "kind",
        }
    }
}

impl Says {
    /// What is said, in a few words. Names are strangers': shown through `Visible`.
    pub fn text(&self) -> String {
        match self {
            Self::Reserved(reserved) => format!("{} addresses, by the registry", reserved.as_str()),
            Self::System { asn, name: Some(name) } => format!("AS{asn} {name}"),
            Self::System { asn, name: None } => format!("AS{asn}"),
            Self::Place(claim) if is_registration(&claim.source) => {
                format!("registered in {}", place_text(claim))
            }
            Self::Place(claim) => place_text(claim),
            Self::Region(name, Some(claim)) => format!("{name}, in {}", place_text(claim)),
            Self::Region(name, None) => format!("{name}, announced from many sites"),
            Self::List(membership) => list_text(membership),
        }
    }
}

/// `Amsterdam, North Holland, NL`, or what there is of it.
fn place_text(claim: &Claim) -> String {
    let country = claim.country_code.map(|code| String::from_utf8_lossy(&code).into_owned());
    let names = [claim.city.as_deref(), claim.region.as_deref(), country.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    match (names.is_empty(), claim.point) {
        (false, _) => names.join(", "),
        (true, Some((lat, lon))) => format!("{lat:.3}, {lon:.3}"),
        (true, None) => "nothing but that it exists".to_owned(),
    }
}

fn list_text(membership: &ListMembership) -> String {
    let meaning = match membership.meaning {
        ListMeaning::Kind(kind) => kind.as_str(),
        ListMeaning::Hostile => "hostile",
        ListMeaning::Benign => "harmless",
        ListMeaning::Context => "context without weight",
    };
    match membership.since {
        Some(since) => format!("listed as {meaning} since {}", since.to_date()),
        None => format!("listed as {meaning}"),
    }
}

impl Intel {
    /// What each source says of an address, the widest prefix first. Which source wins the place
    /// is for `geo` to say.
    pub fn said(&self, addr: Addr) -> Vec<Said> {
        let mut said = Rows { intel: self, addr, rows: Vec::new() };
        if let Some((prefix, reserved)) = addr.reserved_prefix() {
            let title = "IANA special-purpose address registry";
            said.push("iana", title, None, prefix.into(), Says::Reserved(reserved), &[]);
        } else {
            said.shipped();
        }
        said.own();
        said.win_system();
        let mut rows = said.rows;
        rows.sort_by_key(|row| row.prefix.len());
        rows
    }
}

/// Runs of the joined table that are walked on each side of an address: a layer that changes less
/// often than that is known to its ends, some milliseconds away at most.
const WALKED_MAX: usize = 1 << 16;

/// All addresses around one that have the same row in one layer of a joined table.
fn around<A: Address>(
    addr: A,
    records: &Records,
    layer: usize,
    run: impl Fn(A) -> (Range<A>, Option<u32>),
) -> Option<(A, A, u32)> {
    let row = |record: Option<u32>| record.and_then(|record| records.get(record, layer));
    let (range, record) = run(addr);
    let here = row(record)?;
    let (mut first, mut last) = (range.first(), range.last());
    for _ in 0..WALKED_MAX {
        let Some(before) = first.before() else { break };
        let (range, record) = run(before);
        if row(record) != Some(here) {
            break;
        }
        first = range.first();
    }
    for _ in 0..WALKED_MAX {
        let Some(after) = last.next() else { break };
        let (range, record) = run(after);
        if row(record) != Some(here) {
            break;
        }
        last = range.last();
    }
    Some((first, last, here))
}

struct Rows<'a> {
    intel: &'a Intel,
    addr: Addr,
    rows: Vec<Said>,
}

impl Rows<'_> {
    fn push(
        &mut self,
        source: &str,
        title: &str,
        date: Option<Timestamp>,
        range: AddrRange,
        says: Says,
        won: &[About],
    ) {
        self.rows.push(Said {
            source: Arc::from(source),
            title: Arc::from(title),
            date,
            range,
            prefix: Prefix::largest_inside(range, self.addr),
            says,
            own: false,
            won: won.to_vec(),
        });
    }

    /// Title and date of a shipped set.
    fn set(&self, id: &str) -> (String, Option<Timestamp>) {
        let source = self.intel.sources().iter().find(|source| source.id == id);
        source.map_or_else(Default::default, |source| {
            let date = source.date.as_deref().and_then(|date| date.parse().ok());
            (source.title.clone(), date)
        })
    }

    /// The row of a layer at the address, and all addresses around it that have the same.
    fn layer(&self, layer: usize) -> Option<(AddrRange, usize)> {
        let image = self.intel.image();
        let (first, last, row) = match self.addr {
            Addr::V4(addr) => {
                let (table, records) = (image.v4(), image.v4_records());
                let (first, last, row) =
                    around(addr.to_bits(), records, layer, |at| table.get_range(at))?;
                (first.into(), last.into(), row)
            }
            Addr::V6(addr) => {
                let (table, records) = (image.v6(), image.v6_records());
                around(addr.to_bits(), records, layer, |at| table.get_range(at))?
            }
        };
        let end = |bits: u128| Addr::from_bits(self.addr.family(), bits);
        Some((AddrRange::new(end(first)?, end(last)?)?, row as usize))
    }

    fn shipped(&mut self) {
        let intel = self.intel;
        if let Some((range, row)) = self.layer(compiled::SYSTEM)
            && let Some(systems) = &intel.systems
            && let Some((asn, name)) = systems.dictionary().get(row)
        {
            let (title, date) = self.set("asn");
            self.push("asn", &title, date, range, Says::System { asn, name }, &[]);
        }
        if let Some((range, row)) = self.layer(compiled::CITY)
            && let Some((source, set)) = &intel.cities
            && let Some(claim) = set.dictionary().claim(source, row)
        {
            let (title, date) = self.set(source);
            self.push(source, &title, date, range, Says::Place(claim), &[]);
        }
        for (layer, source, set) in &intel.countries {
            if let Some((range, row)) = self.layer(*layer)
                && let Some(claim) = set.dictionary().claim(source, row)
            {
                let (title, date) = self.set(source);
                self.push(source, &title, date, range, Says::Place(claim), &[]);
            }
        }
        self.regions();
        self.lists();
    }

    fn regions(&mut self) {
        let Some((range, row)) = self.layer(compiled::REGION) else { return };
        let Some(regions) = self.intel.regions.as_ref().map(Set::dictionary) else { return };
        let (Some(name), Some(claim)) = (regions.name(row), regions.claim(row)) else { return };
        let says = Says::Region(Arc::clone(name), claim.cloned());
        let (title, _) = self.set("cloud-regions");
        let date = self.intel.regions_date;
        self.push("cloud-regions", &title, date, range, says, &[About::Kind]);
    }

    fn lists(&mut self) {
        let intel = self.intel;
        for (layer, set) in &intel.lists {
            let Some((range, row)) = self.layer(*layer) else { continue };
            for (membership, rule) in set.dictionary().memberships(row) {
                let of_kind = rule.anycast || matches!(membership.meaning, ListMeaning::Kind(_));
                let won: &[About] = if of_kind { &[About::Kind] } else { &[] };
                let (id, date) = (Arc::clone(&membership.id), membership.date);
                self.push(&id, "shipped list", date, range, Says::List(membership), won);
            }
        }
        if let Some((range, row)) = self.layer(compiled::ANYCAST)
            && let Some(&(_, kind)) = ANYCAST_PREFIXES.get(row)
        {
            let meaning = kind.map_or(ListMeaning::Context, ListMeaning::Kind);
            let id = Arc::from("anycast-services");
            let listed = ListMembership { id, since: None, date: None, meaning, terms: None };
            let title = "services known to answer from many sites";
            self.push("anycast-services", title, None, range, Says::List(listed), &[About::Kind]);
        }
    }

    /// The analyst's own layers, marked as such.
    fn own(&mut self) {
        let (own, addr) = (&self.intel.own, self.addr);
        let from = self.rows.len();
        for (range, asn, name) in own.systems(addr) {
            let says = Says::System { asn, name };
            self.push("own AS table", "AS table of your own", None, range, says, &[]);
        }
        for (range, claim) in own.claims(addr) {
            let source = Arc::clone(&claim.source);
            self.push(&source, "geofeed of your own", None, range, Says::Place(claim), &[]);
        }
        for (range, membership) in own.list_ranges(addr) {
            let won: &[About] = match membership.meaning {
                ListMeaning::Kind(_) => &[About::Kind],
                _ => &[],
            };
            let (id, date) = (Arc::clone(&membership.id), membership.date);
            self.push(&id, "list of your own", date, range, Says::List(membership), won);
        }
        self.rows.iter_mut().skip(from).for_each(|row| row.own = true);
    }

    /// Of own AS tables the one added last counts, else the shipped set.
    fn win_system(&mut self) {
        let is_system = |row: &&mut Said| matches!(row.says, Says::System { .. });
        let mut systems: Vec<&mut Said> = self.rows.iter_mut().filter(is_system).collect();
        let winner = systems.iter().position(|row| row.own).unwrap_or(0);
        if let Some(row) = systems.get_mut(winner) {
            row.won.push(About::System);
        }
    }
}

/// The set whose countries colour the picture of the address space: where addresses are, not where
/// their holders are registered.
pub const PICTURED_COUNTRIES: &str = COUNTRY_SETS[0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Granularity, Kind};

    fn addr(text: &str) -> Addr {
        text.parse().unwrap()
    }

    fn range(text: &str) -> AddrRange {
        text.parse::<Prefix>().unwrap().into()
    }

    fn told() -> Intel {
        let mut intel = Intel::default();
        let day: Timestamp = "2026-06-05".parse().unwrap();
        let entries = [(range("192.0.2.0/24"), None), (range("192.0.2.64/26"), Some(day))];
        intel.add_list("list.bad", &entries, ListMeaning::Hostile, Some(day));
        let tor = [(range("192.0.2.65/32"), None)];
        intel.add_list("list.tor", &tor, ListMeaning::Kind(Kind::Tor), None);
        let claim = Claim {
            source: Arc::from("x"),
            point: None,
            city: Some(Arc::from("Utrecht")),
            region: None,
            country_code: Some(*b"NL"),
            granularity: Granularity::City,
            own: false,
        };
        intel.add_claims("feed.csv", vec![("192.0.2.0/25".parse().unwrap(), claim)]);
        intel.add_as_table(&[(range("192.0.2.0/24"), 64_500, None)]);
        intel.add_as_table(&[(range("192.0.2.0/23"), 64_501, Some(Arc::from("Example")))]);
        intel
    }

    #[test]
    fn rows_lie_in_each_other_and_name_source_range_and_what_counts() {
        let said = told().said(addr("192.0.2.65"));
        let shown: Vec<String> = said
            .iter()
            .map(|row| {
                let won: Vec<&str> = row.won.iter().map(|won| won.as_str()).collect();
                format!("{} {}: {} [{}]", row.prefix, row.source, row.says.text(), won.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "192.0.2.0/23 own AS table: AS64501 Example [AS]",
                "192.0.2.0/24 iana: documentation addresses, by the registry []",
                "192.0.2.0/24 own AS table: AS64500 []",
                "192.0.2.0/25 feed.csv: Utrecht, NL []",
                "192.0.2.64/26 list.bad: listed as hostile since 2026-06-05 []",
                "192.0.2.65/32 list.tor: listed as tor [kind]",
            ]
        );
        assert!(said.iter().all(|row| row.own == (*row.source != *"iana")));
        for pair in said.windows(2) {
            assert!(pair[0].prefix.contains(pair[1].prefix.first()), "{pair:?}");
        }
    }

    #[test]
    fn a_range_that_is_no_prefix_keeps_its_ends() {
        let mut intel = Intel::default();
        let odd = AddrRange::new(addr("192.0.2.3"), addr("192.0.2.9")).unwrap();
        intel.add_list("list.odd", &[(odd, None)], ListMeaning::Benign, None);
        let said = intel.said(addr("192.0.2.5"));
        let row = said.iter().find(|row| row.own).unwrap();
        assert_eq!((row.range, row.prefix.to_string()), (odd, "192.0.2.4/30".to_owned()));
        assert!(intel.said(addr("192.0.2.10")).iter().all(|row| !row.own));
        assert_eq!(intel.said(addr("2a00::1")), []);
    }
}
