//! MRT table dumps of RouteViews, RIPE RIS and others (RFC 6396): the origin AS of each prefix.
//!
//! A dump lists for each prefix what every peer of a collector said. The AS that most of them name
//! as origin owns the prefix; that others named another, or a set of several (AS_SET, RFC 6472), is
//! counted and told. One prefix is in memory at a time beside the result, so a dump of 2 GB needs
//! no more than its million prefixes.
//!
//! Records are cut out and parsed by `bgpkit-parser`; a record that it cannot parse, or that breaks
//! it, costs only itself.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use std::panic::{AssertUnwindSafe, catch_unwind};

use bgpkit_parser::models::{
    AsPathSegment, Attributes, MrtMessage, NetworkPrefix, TableDumpMessage, TableDumpV2Message,
};
use bgpkit_parser::parser::chunk_mrt_record;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::{Addr, Position, Prefix, Timestamp};

/// Records that can be wrong, one after the other, before a file is given up: their lengths are
/// then no lengths.
const WRONG_RECORDS_MAX: u32 = 1_000;

/// The format.
pub(super) struct Mrt;

impl FeedFormat for Mrt {
    fn about(&self) -> &'static About {
        &About {
            id: "mrt",
            reads: "MRT table dumps (TABLE_DUMP, TABLE_DUMP_V2): the origin AS of each prefix",
            misses: "updates, which are no table; names of AS; multicast tables",
            source: "RFC 6396, RFC 8050",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let Some(head) = sample.head.first_chunk::<12>() else { return Sureness::No };
        let [t0, t1, t2, t3, k0, k1, s0, s1, l0, l1, l2, l3] = *head;
        let (kind, subtype) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([s0, s1]));
        let (secs, len) =
            (u32::from_be_bytes([t0, t1, t2, t3]), u32::from_be_bytes([l0, l1, l2, l3]));
        let is_one = match kind {
            12 => (1..=2).contains(&subtype) && len < 1 << 16,
            13 => (1..=12).contains(&subtype) && len < 16 << 20,
            16 | 17 => subtype <= 11 && len < 1 << 20,
            _ => false,
        };
        // RouteViews began in 1997.
        let is_dated = secs > 850_000_000;
        if is_one && is_dated { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let mut input = BufReader::with_capacity(1 << 20, input);
        let mut table = Table::default();
        let (mut offset, mut wrong) = (0_u64, 0_u32);
        loop {
            let place = Position::Offset(offset);
            let record = match chunk_mrt_record(&mut input) {
                Ok(record) => record,
                Err(error) => {
                    let what = error.error.to_string();
                    // Nothing more is how a sound file ends.
                    if !matches!(error.error, bgpkit_parser::ParserError::EofExpected) {
                        let what = format!("the dump ends here: {}", text::shown(&what));
                        feed.problems.push(place, what);
                    }
                    break;
                }
            };
            offset += record.total_bytes_len() as u64;
            feed.date.get_or_insert(Timestamp::from_secs_nanos(
                i64::from(record.common_header.timestamp),
                0,
            ));
            match catch_unwind(AssertUnwindSafe(|| record.parse())) {
                Ok(Ok(record)) => {
                    wrong = 0;
                    table.message(record.message, place, feed);
                    continue;
                }
                Ok(Err(error)) => {
                    let what = format!("a record is not read: {}", text::shown(&error.to_string()));
                    feed.problems.push(place, what);
                }
                Err(_) => feed.problems.push(place, "a record broke the reader, and is left out"),
            }
            wrong += 1;
            if wrong >= WRONG_RECORDS_MAX {
                feed.problems.push(place, "a thousand wrong records; the rest is not read");
                break;
            }
        }
        table.end(feed);
    }
}

/// What the peers say of one prefix, and what was met so far.
#[derive(Default)]
struct Table {
    /// TABLE_DUMP has a record for each peer: those of one prefix follow one another.
    current: Option<(Prefix, BTreeMap<u32, u32>)>,
    /// The number of an AS in the feed.
    known: BTreeMap<u32, u32>,
    several: u64,
    sets: u64,
    without: u64,
    updates: u64,
}

impl Table {
    fn message(&mut self, message: MrtMessage, place: Position, feed: &mut Feed) {
        match message {
            MrtMessage::TableDumpMessage(entry) => self.entry(&entry, place, feed),
            MrtMessage::TableDumpMessageBatch(entries) => {
                entries.iter().for_each(|entry| self.entry(entry, place, feed));
            }
            MrtMessage::TableDumpV2Message(TableDumpV2Message::RibAfi(rib)) => {
                let Some(prefix) = self.begin(&rib.prefix, place, feed) else { return };
                for entry in &rib.rib_entries {
                    self.vote(prefix, &entry.attributes);
                }
            }
            MrtMessage::TableDumpV2Message(
                TableDumpV2Message::PeerIndexTable(_) | TableDumpV2Message::GeoPeerTable(_),
            ) => {}
            MrtMessage::TableDumpV2Message(TableDumpV2Message::RibGeneric(_)) => {
                feed.problems.tally(place, "a generic table is not read");
            }
            MrtMessage::Bgp4Mp(_) | MrtMessage::LegacyBgp(_) => self.updates += 1,
        }
    }

    fn entry(&mut self, entry: &TableDumpMessage, place: Position, feed: &mut Feed) {
        if let Some(prefix) = self.begin(&entry.prefix, place, feed) {
            self.vote(prefix, &entry.attributes);
        }
    }

    /// Goes on with a prefix; what was said of the one before is settled.
    fn begin(&mut self, net: &NetworkPrefix, place: Position, feed: &mut Feed) -> Option<Prefix> {
        let (addr, len) = (net.prefix.addr(), net.prefix.prefix_len());
        let Some(prefix) = Prefix::new(Addr::from(addr), len) else {
            feed.problems.tally(place, "a prefix that is none");
            return None;
        };
        if self.current.as_ref().is_none_or(|(current, _)| *current != prefix) {
            self.settle(feed);
            self.current = Some((prefix, BTreeMap::new()));
        }
        Some(prefix)
    }

    fn vote(&mut self, prefix: Prefix, attributes: &Attributes) {
        // An AS of 32 bits behind one that knows 16 only (RFC 6793).
        let path = attributes.as4_path().or_else(|| attributes.as_path());
        let last = path.and_then(|path| path.iter_segments().last());
        let origin = match last {
            Some(AsPathSegment::AsSequence(path)) => path.last().map(|&asn| u32::from(asn)),
            Some(AsPathSegment::AsSet(_)) => {
                self.sets += 1;
                return;
            }
            _ => None,
        };
        let votes = self.current.as_mut().filter(|(current, _)| *current == prefix);
        if let (Some((_, votes)), Some(origin)) = (votes, origin.filter(|&asn| asn > 0)) {
            *votes.entry(origin).or_insert(0) += 1;
        }
    }

    fn settle(&mut self, feed: &mut Feed) {
        let Some((prefix, votes)) = self.current.take() else { return };
        self.several += u64::from(votes.len() > 1);
        // Of equals the smallest number, whatever the order of the peers.
        let most = votes.iter().max_by_key(|&(asn, votes)| (votes, std::cmp::Reverse(asn)));
        let Some((&asn, _)) = most else {
            self.without += 1;
            return;
        };
        let next = &mut self.known;
        let system = *next.entry(asn).or_insert_with(|| feed.named_system(asn, None));
        feed.system(prefix.into(), system);
    }

    fn end(mut self, feed: &mut Feed) {
        self.settle(feed);
        let told = [
            (self.several, "prefixes have several origins; the one that most peers see counts"),
            (self.sets, "routes end in a set of AS, which names no origin, and are left out"),
            (self.without, "prefixes have no origin at all"),
            (self.updates, "records are updates and no table; add a dump of the table (rib)"),
        ];
        for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
            feed.notes.push(format!("{count} {what}"));
        }
        feed.suggested = Some(FeedKind::Systems);
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "sizes of tests are small")]
mod tests {
    use super::super::testing::said;
    use super::super::{Asked, NoPlaces};
    use super::*;
    use proptest::prelude::*;

    const SECS: u32 = 1_780_617_600;

    fn record(kind: u16, subtype: u16, body: &[u8]) -> Vec<u8> {
        let head = [
            &SECS.to_be_bytes()[..],
            &kind.to_be_bytes(),
            &subtype.to_be_bytes(),
            &(body.len() as u32).to_be_bytes(),
        ];
        [head.concat(), body.to_vec()].concat()
    }

    /// Attributes with this path: a number alone is a sequence, several at its end a set.
    fn attributes(path: &[u32], set: &[u32], asn_bytes: usize) -> Vec<u8> {
        let numbers = |asns: &[u32]| -> Vec<u8> {
            asns.iter().flat_map(|asn| asn.to_be_bytes()[4 - asn_bytes..].to_vec()).collect()
        };
        let mut value = vec![2, path.len() as u8];
        value.extend(numbers(path));
        if !set.is_empty() {
            value.extend([1, set.len() as u8]);
            value.extend(numbers(set));
        }
        // ORIGIN, AS_PATH, NEXT_HOP.
        let mut out = vec![0x40, 1, 1, 0, 0x40, 2, value.len() as u8];
        out.extend(value);
        out.extend([0x40, 3, 4, 192, 0, 2, 254]);
        out
    }

    fn peers() -> Vec<u8> {
        let mut body = vec![192, 0, 2, 254, 0, 0, 0, 2];
        for peer in 1..=2_u8 {
            body.extend([2, 192, 0, 2, peer, 192, 0, 2, peer]);
            body.extend(64_499_u32.to_be_bytes());
        }
        record(13, 1, &body)
    }

    fn rib(subtype: u16, prefix: &[u8], len: u8, routes: &[(&[u32], &[u32])]) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 1, len];
        body.extend(prefix);
        body.extend((routes.len() as u16).to_be_bytes());
        for (path, set) in routes {
            let attributes = attributes(path, set, 4);
            body.extend([0, 0]);
            body.extend(SECS.to_be_bytes());
            body.extend((attributes.len() as u16).to_be_bytes());
            body.extend(attributes);
        }
        record(13, subtype, &body)
    }

    fn dump() -> Vec<u8> {
        [
            peers(),
            rib(
                2,
                &[192, 0, 2],
                24,
                &[(&[64_499, 64_500], &[]), (&[64_499, 64_500], &[]), (&[64_501], &[])],
            ),
            rib(2, &[198, 51, 100], 24, &[(&[64_499], &[64_502, 64_503])]),
            rib(4, &[0x20, 0x01, 0x0d, 0xb8], 32, &[(&[64_499, 64_504], &[])]),
        ]
        .concat()
    }

    const READ: [&str; 5] = [
        "192.0.2.0-192.0.2.255 AS64500 None",
        "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff AS64504 None",
        "note 1 prefixes have several origins; the one that most peers see counts",
        "note 1 routes end in a set of AS, which names no origin, and are left out",
        "note 1 prefixes have no origin at all",
    ];

    #[test]
    fn origins_by_the_most_peers() {
        let (feed, all) = said(&dump(), "mrt");
        assert_eq!(all, READ);
        assert_eq!(
            (feed.date.unwrap().to_date().as_str(), feed.kind().word()),
            ("2026-06-05", "as")
        );
    }

    #[test]
    fn the_older_form_has_a_record_for_each_peer() {
        let entry = |net: [u8; 4], asn: u32| {
            let attributes = attributes(&[64_499, asn], &[], 2);
            let mut body = vec![0, 0, 0, 1];
            body.extend(net);
            body.extend([24, 1]);
            body.extend(SECS.to_be_bytes());
            body.extend([192, 0, 2, 1]);
            body.extend(64_499_u16.to_be_bytes());
            body.extend((attributes.len() as u16).to_be_bytes());
            body.extend(attributes);
            record(12, 1, &body)
        };
        let net = [192, 0, 2, 0];
        let dump =
            [entry(net, 64_501), entry(net, 64_500), entry([198, 51, 100, 0], 64_502)].concat();
        let (_, all) = said(&dump, "mrt");
        assert_eq!(
            all,
            [
                "192.0.2.0-192.0.2.255 AS64500 None",
                "198.51.100.0-198.51.100.255 AS64502 None",
                READ[2],
            ]
        );
    }

    #[test]
    fn a_dump_that_is_cut_off_or_wrong_in_its_middle_keeps_the_rest() {
        let whole = dump();
        let (feed, all) = said(&whole[..whole.len() - 5], "mrt");
        assert_eq!((all[0].as_str(), feed.problems.total()), (READ[0], 1));
        let mut wrong = rib(2, &[203, 0, 113], 24, &[(&[64_500], &[])]);
        wrong[16] = 99;
        let (feed, all) = said(&[peers(), wrong, dump()].concat(), "mrt");
        assert_eq!(all[..2], READ[..2]);
        assert_eq!(feed.problems.total(), 1, "{:?}", feed.problems);
        assert!(matches!(feed.problems.rows()[0].place, Position::Offset(46)));
    }

    #[test]
    fn updates_are_told() {
        let mut body =
            vec![0, 0, 0xfb, 0xf3, 0, 0, 0xfb, 0xf4, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2];
        body.extend([0xff; 16]);
        body.extend([0, 19, 4]);
        let (feed, all) = said(&record(16, 4, &body), "mrt");
        assert!(feed.is_empty() && all[0].contains("updates and no table"), "{all:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn changed_dumps_are_survived(
            cut in 0_usize..400,
            at in 0_usize..400,
            bytes in any::<[u8; 3]>(),
        ) {
            let mut dump = dump();
            for (offset, byte) in bytes.into_iter().enumerate() {
                let len = dump.len();
                dump[(at + offset) % len] = byte;
            }
            dump.truncate(cut.max(12));
            let asked = Asked {
                    name: "x", origin: "x", format: None, map: None, categories: None,
                    places: &NoPlaces,
                };
            let mut feed = Feed::default();
            Mrt.read(&mut dump.as_slice(), &asked, &mut feed);
            prop_assert!(feed.entries().count() <= 20);
        }
    }
}
