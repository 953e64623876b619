//! MaxMind databases (MMDB): GeoIP2 and GeoLite2, DB-IP, IPinfo, IP2Location and any other.
//!
//! The tree is walked by the `maxminddb` crate, in the order of addresses; neighbours that share a
//! record become one range, so a city database shrinks by half. What a record says is decided by a
//! table of fields ([`fields`](super::fields)), once for each record and not for each network.
//!
//! A hostile tree may lead to the same nodes again and again: a sound one has one leaf more than
//! nodes, and the walk ends at a few times that. The crate's own checks return errors; where one of
//! its asserts fires all the same, the feed is a problem and the program goes on.

use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use maxminddb::{Reader, WithinOptions};

use super::fields::{Table, Value};
use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::{Addr, AddrRange, Kind, ListMeaning, Position, Prefix, Timestamp};

const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Leaves for each node of the tree: a sound tree has one more leaf than nodes, one whose writer
/// shares equal branches a few times that.
const LEAVES_PER_NODE_MAX: usize = 8;

/// Field names that are shown where the table knows none of them.
const FIELDS_SHOWN: usize = 20;

/// The format.
pub(super) struct Mmdb;

impl FeedFormat for Mmdb {
    fn about(&self) -> &'static About {
        &About {
            id: "mmdb",
            reads: "MaxMind databases: places, AS, Tor, VPN, proxy, hosting, by a table of fields",
            misses: "fields that the table does not name; see --map",
            source: "https://maxmind.github.io/MaxMind-DB/",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let ends = [sample.tail, sample.head];
        let is_one = ends.into_iter().any(|end| memchr::memmem::find(end, MARKER).is_some());
        if is_one { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, asked: &Asked<'_>, feed: &mut Feed) {
        let table = match asked.map.map_or_else(Table::shipped, Table::parse) {
            Ok(table) => table,
            Err(why) => return feed.problems.push(Position::Whole, why),
        };
        let bytes = text::whole(input, feed);
        let walked = catch_unwind(AssertUnwindSafe(|| walk(&bytes, &table, asked.name, feed)));
        match walked {
            Ok(Ok(())) => {}
            Ok(Err(why)) => feed.problems.push(Position::Whole, why),
            Err(_) => feed.problems.push(Position::Whole, "the database broke its reader"),
        }
    }
}

/// What one record says, by numbers of the feed.
#[derive(Clone, Default)]
struct Record {
    claim: Option<u32>,
    system: Option<u32>,
    kinds: Vec<Kind>,
}

impl Record {
    fn is_silent(&self) -> bool {
        self.claim.is_none() && self.system.is_none() && self.kinds.is_empty()
    }
}

fn walk(bytes: &[u8], table: &Table, name: &str, feed: &mut Feed) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("not a sound MMDB: {error}");
    let reader = Reader::from_source(bytes).map_err(|error| wrong(&error))?;
    let meta = reader.metadata();
    feed.date = i64::try_from(meta.build_epoch)
        .ok()
        .filter(|&secs| (0..=253_402_300_799).contains(&secs))
        .map(|secs| Timestamp::from_secs_nanos(secs, 0));
    feed.notes.push(format!("the database calls itself {}", text::shown(&meta.database_type)));
    let leaves_max = (meta.node_count as usize).saturating_mul(LEAVES_PER_NODE_MAX) + 1_000;
    // Empty leaves too, so that a tree of nothing else cannot be walked without end.
    let options = WithinOptions::default().include_networks_without_data();
    let networks = reader.networks(options).map_err(|error| wrong(&error))?;
    let mut walk = Walk { table, name, records: HashMap::new(), pending: None, silent: 0 };
    for (leaf, network) in networks.enumerate() {
        if leaf >= leaves_max {
            let what = "the tree leads to the same nodes again and again; the rest is not read";
            feed.problems.push(Position::Whole, what);
            break;
        }
        match network {
            Ok(found) => {
                let Some(offset) = found.offset() else { continue };
                let network = found.network().map_err(|error| wrong(&error))?;
                let prefix = Prefix::new(Addr::from(network.network()), network.prefix());
                let Some(prefix) = prefix else { continue };
                if !walk.records.contains_key(&offset) {
                    let record = found.decode::<Value<'_>>();
                    walk.record(offset, record.map_err(|error| error.to_string()), feed);
                }
                walk.network(prefix.into(), offset, feed);
            }
            Err(error) => {
                feed.problems.push(Position::Whole, wrong(&error));
                // What the walk goes on with after that is guessed.
                break;
            }
        }
    }
    walk.end(feed);
    Ok(())
}

struct Walk<'a> {
    table: &'a Table,
    name: &'a str,
    /// By where they lie in the file.
    records: HashMap<usize, Record>,
    /// Neighbours of one record so far.
    pending: Option<(AddrRange, usize)>,
    /// Records of which the table knows no field.
    silent: u64,
}

impl Walk<'_> {
    fn record(
        &mut self,
        offset: usize,
        record: Result<Option<Value<'_>>, String>,
        feed: &mut Feed,
    ) {
        let place = Position::Offset(offset as u64);
        let value = match record {
            Ok(value) => value.unwrap_or(Value::Other),
            Err(why) => {
                feed.problems
                    .push(place, format!("a record cannot be read: {}", text::shown(&why)));
                Value::Other
            }
        };
        let mut record = Record::default();
        if let Some(claim) = self.table.claim(&value, self.name) {
            record.claim = Some(feed.claim(claim));
        }
        if let Some((asn, name)) = self.table.system(&value) {
            record.system = Some(feed.named_system(asn, name));
        }
        record.kinds = self.table.kinds(&value);
        if record.is_silent() && value.has_fields() {
            self.silent += 1;
            if self.silent == 1 {
                let names = value.paths(FIELDS_SHOWN).join(", ");
                let what = "records of which the table knows no field; such has";
                feed.notes.push(format!("{what} {}; see --map", text::shown(&names)));
            }
        }
        self.records.insert(offset, record);
    }

    fn network(&mut self, range: AddrRange, offset: usize, feed: &mut Feed) {
        if let Some((pending, of)) = self.pending {
            let next = pending.last().bits().checked_add(1);
            let follows = next == Some(range.first().bits())
                && pending.first().family() == range.first().family();
            if let Some(joined) =
                AddrRange::new(pending.first(), range.last()).filter(|_| of == offset && follows)
            {
                self.pending = Some((joined, of));
                return;
            }
        }
        self.flush(feed);
        self.pending = Some((range, offset));
    }

    fn flush(&mut self, feed: &mut Feed) {
        let Some((range, offset)) = self.pending.take() else { return };
        let Some(record) = self.records.get(&offset) else { return };
        if let Some(claim) = record.claim {
            feed.place(range, claim);
        }
        if let Some(system) = record.system {
            feed.system(range, system);
        }
        for &kind in &record.kinds {
            feed.listed_as(range, Some(ListMeaning::Kind(kind)), None, "");
        }
    }

    fn end(mut self, feed: &mut Feed) {
        self.flush(feed);
        let counts = feed.counts();
        feed.suggested = match counts {
            counts if counts.places > 0 => Some(FeedKind::Places),
            counts if counts.systems > 0 => Some(FeedKind::Systems),
            _ => None,
        };
        if self.silent > 0 && feed.is_empty() {
            let what = "the table of fields knows no field of this database; edit one and give it \
                        with --map (`infralock data fields` prints the shipped one)";
            feed.problems.push(Position::Whole, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::said;
    use super::super::{Asked, NoPlaces, read};
    use super::*;
    use crate::intel::feed::mmdb_writer::{Cell, write};
    use proptest::prelude::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn map(cells: Vec<(&str, Cell)>) -> Cell {
        Cell::Map(cells.into_iter().map(|(key, cell)| (key.to_owned(), cell)).collect())
    }

    fn city() -> Vec<(Prefix, Cell)> {
        let oslo = map(vec![
            ("city", map(vec![("names", map(vec![("en", text("Oslo")), ("de", text("Oslo"))]))])),
            ("country", map(vec![("iso_code", text("NO"))])),
            (
                "location",
                map(vec![("latitude", Cell::Double(59.91)), ("longitude", Cell::Double(10.75))]),
            ),
        ]);
        // As DB-IP has it: 32 bits of a degree.
        let delft = map(vec![
            ("city", map(vec![("names", map(vec![("en", text("Delft"))]))])),
            ("country", map(vec![("iso_code", text("NL"))])),
            (
                "location",
                map(vec![("latitude", Cell::Float(52.01)), ("longitude", Cell::Float(4.36))]),
            ),
        ]);
        vec![
            ("192.0.2.0/25".parse().unwrap(), oslo.clone()),
            ("192.0.2.128/25".parse().unwrap(), oslo),
            ("198.51.100.0/24".parse().unwrap(), delft.clone()),
            ("2001:db8::/32".parse().unwrap(), delft),
        ]
    }

    #[test]
    fn cities_of_both_families_with_both_sorts_of_numbers() {
        let (feed, all) = said(&write(&city(), "Test-City", 6), "mmdb");
        assert_eq!(
            all,
            [
                "192.0.2.0-192.0.2.255 NO Some(\"Oslo\") Some((59.91, 10.75))",
                "198.51.100.0-198.51.100.255 NL Some(\"Delft\") Some((52.01, 4.36))",
                "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff NL Some(\"Delft\") \
                 Some((52.01, 4.36))",
                "note the database calls itself Test-City",
            ]
        );
        assert_eq!(
            (feed.date.unwrap().to_date().as_str(), feed.kind().word()),
            ("2026-06-05", "places")
        );
        let (four, _) = said(&write(&city()[..3], "Test-City", 4), "mmdb");
        assert_eq!(four.counts().v4, 2);
    }

    #[test]
    fn systems_and_kinds_of_other_publishers() {
        let rows = vec![
            (
                "192.0.2.0/24".parse().unwrap(),
                map(vec![
                    ("asn", text("AS64500")),
                    ("as_name", text("Example")),
                    ("country_code", text("NL")),
                ]),
            ),
            (
                "198.51.100.0/24".parse().unwrap(),
                map(vec![
                    ("autonomous_system_number", Cell::Uint32(64_501)),
                    ("is_tor_exit_node", Cell::Bool(true)),
                    ("is_anonymous_vpn", Cell::Bool(false)),
                ]),
            ),
            (
                "203.0.113.0/24".parse().unwrap(),
                map(vec![("proxy_type", text("VPN")), ("usage_type", text("DCH"))]),
            ),
        ];
        let (_, all) = said(&write(&rows, "x", 4), "mmdb");
        assert_eq!(
            all,
            [
                "192.0.2.0-192.0.2.255 NL None None",
                "192.0.2.0-192.0.2.255 AS64500 Some(\"Example\")",
                "198.51.100.0-198.51.100.255 AS64501 None",
                "198.51.100.0-198.51.100.255 tor",
                "203.0.113.0-203.0.113.255 hosting",
                "203.0.113.0-203.0.113.255 vpn",
                "note the database calls itself x",
            ]
        );
    }

    #[test]
    fn unknown_fields_are_named_and_a_table_of_ones_own_reads_them() {
        let rows = [(
            "192.0.2.0/24".parse().unwrap(),
            map(vec![("owner", map(vec![("nr", Cell::Uint32(64_500))]))]),
        )];
        let bytes = write(&rows, "x", 4);
        let asked = |map| Asked {
            name: "x",
            origin: "x",
            format: None,
            map,
            categories: None,
            places: &NoPlaces,
        };
        let feed = read(&bytes, &asked(None)).unwrap();
        assert!(feed.is_empty() && feed.notes[1].contains("owner.nr"), "{:?}", feed.notes);
        assert!(feed.problems.rows()[0].what.contains("--map"));
        let own = "[system]\nasn = [\"owner.nr\"]\n";
        assert_eq!(read(&bytes, &asked(Some(own))).unwrap().counts().systems, 1);
        let feed = read(&bytes, &asked(Some("[system]\nasm = []\n"))).unwrap();
        assert!(feed.problems.rows()[0].what.contains("asm"), "{:?}", feed.problems);
    }

    #[test]
    fn a_tree_that_leads_to_itself_ends() {
        // All nodes lead to the next one twice: 2^32 leaves for a walk that believes it.
        let mut bytes = write(&[("192.0.2.1/32".parse().unwrap(), Cell::Bool(true))], "x", 4);
        for node in 0..31_u32 {
            let at = node as usize * 6;
            let next = (node + 1).to_be_bytes();
            bytes[at..at + 3].copy_from_slice(&next[1..]);
            bytes[at + 3..at + 6].copy_from_slice(&next[1..]);
        }
        let (feed, _) = said(&bytes, "mmdb");
        assert!(
            feed.problems.rows().iter().any(|it| it.what.contains("again and again")),
            "{:?}",
            feed.problems
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn cut_and_changed_databases_are_survived(
            cut in 0_usize..2_000,
            at in 0_usize..2_000,
            byte in any::<u8>(),
        ) {
            let mut bytes = write(&city(), "Test-City", 6);
            let len = bytes.len();
            if let Some(changed) = bytes.get_mut(at % len) {
                *changed = byte;
            }
            let mut cut_off = bytes.clone();
            cut_off.truncate(cut);
            for bytes in [bytes, cut_off] {
                let mut feed = Feed::default();
                let asked = Asked {
                    name: "x", origin: "x", format: None, map: None, categories: None,
                    places: &NoPlaces,
                };
                Mmdb.read(&mut bytes.as_slice(), &asked, &mut feed);
                prop_assert!(feed.entries().count() < 10_000);
            }
        }
    }
}
