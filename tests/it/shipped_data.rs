//! The sets that are compiled in: whole, decodable, and right about well-known addresses.
#![cfg(feature = "bundled-data")]

use infralock::intel::{BundledSets, Detail, Intel, SET_IDS, meanings};
use infralock::model::{Addr, Facts, Family, Kind};
use infralock::trie::{LongestMatch, Table};

fn facts(intel: &Intel, addr: &str) -> Facts {
    intel.facts(addr.parse().unwrap())
}

/// Public addresses of services whose operator, kind and country anyone can check.
#[test]
fn well_known_addresses_are_known() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    assert_eq!(intel.sources().len(), SET_IDS.len());
    let resolver = facts(&intel, "8.8.8.8");
    assert_eq!(resolver.asn, Some(15_169));
    assert!(resolver.is(Kind::PublicResolver) && resolver.is(Kind::Anycast), "{resolver:?}");
    assert!(facts(&intel, "2001:4860:4860::8888").is(Kind::Anycast));
    let edge = facts(&intel, "104.16.0.1");
    assert!(edge.is(Kind::Cdn) && edge.is(Kind::Anycast), "{edge:?}");
    assert!(facts(&intel, "66.249.66.1").is(Kind::Crawler));
    let frankfurt = facts(&intel, "3.120.0.1");
    assert!(frankfurt.is(Kind::Hosting));
    let region = frankfurt.claims.iter().find(|claim| &*claim.source == "cloud-regions").unwrap();
    assert_eq!(region.city.as_deref(), Some("Frankfurt am Main"));
    assert!(facts(&intel, "98.97.0.1").is(Kind::Satellite));
    let home = facts(&intel, "91.0.0.1");
    assert_eq!(home.claims[0].country_code, Some(*b"DE"));
    assert_eq!(home.kinds, []);
    for reserved in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "224.0.0.1"] {
        let facts = facts(&intel, reserved);
        assert!(facts.claims.is_empty() && facts.lists.is_empty() && facts.asn.is_none());
    }
    assert_eq!(intel.date().unwrap().to_date(), "2026-10-05");
    assert_eq!(intel.problems(), []);
}

#[test]
fn every_shipped_list_has_a_rule_and_every_rule_a_list() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let mut shipped: Vec<String> = intel.list_ids();
    let mut ruled: Vec<String> = meanings::RULES.iter().map(|rule| rule.id.to_owned()).collect();
    shipped.sort();
    ruled.sort();
    assert_eq!(shipped, ruled);
    for (prefix, _) in meanings::ANYCAST_PREFIXES {
        assert!(prefix.parse::<infralock::model::Prefix>().is_ok(), "{prefix}");
    }
}

#[test]
fn sets_without_addresses_hold_what_they_should() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let munich = intel.gazetteer().cities().find(|city| city.name == "Munich").unwrap();
    assert_eq!((munich.country_code, munich.admin1), (*b"DE", "02"));
    assert!(munich.population > 1_000_000);
    assert!(intel.gazetteer().other_names(munich).any(|name| name == "Muenchen"));
    assert_eq!(intel.airports().get("FRA").unwrap().country_code, *b"DE");
    assert_eq!(intel.vendors().vendor([0x00, 0x00, 0x0c, 1, 2, 3]), Some("Cisco Systems, Inc"));
    assert!(intel.crawlers().iter().any(|crawler| crawler.pattern.contains("Googlebot")));
    for detail in [Detail::Coarse, Detail::Fine] {
        let map = intel.basemap(detail);
        assert!(map.land.len() > 100 && map.borders.len() > 100 && !map.lakes.is_empty());
        for line in map.land.iter().chain(&map.lakes).chain(&map.borders) {
            assert!(line.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() <= 180.0));
        }
        assert!(map.land.iter().chain(&map.lakes).all(|ring| ring.first() == ring.last()));
    }
    assert_eq!(intel.problems(), []);
}

/// The files are those that SOURCES.md describes.
#[test]
fn sources_md_names_every_file_with_its_checksum() {
    use sha2::Digest;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let text = std::fs::read_to_string(folder.join("SOURCES.md")).unwrap();
    for id in SET_IDS {
        let bytes = std::fs::read(folder.join(format!("{id}.pack"))).unwrap();
        let sha256: String =
            sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let section = text.split("## ").find(|part| part.contains(&format!("`{id}.pack`")));
        assert!(section.unwrap().contains(&format!("packed sha256: {sha256}")), "{id}");
    }
}

/// A million addresses drawn over the ranges of the largest tables: the packed look-up says what a
/// walk over the sorted ranges says.
#[test]
fn look_ups_equal_a_plain_walk_over_the_ranges() {
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let mut chance = crate::fuzz::Chance::seeded(7);
    for (id, count) in [("dbip-city", 300_000), ("asn", 120_000), ("asn-country", 80_000)] {
        let pieces = intel.pieces(id);
        let table = Table::from_pieces(&pieces);
        let v4_end = pieces.partition_point(|piece| piece.range.first().family() == Family::V4);
        for (family, pieces) in [(Family::V4, &pieces[..v4_end]), (Family::V6, &pieces[v4_end..])] {
            let mut addrs: Vec<Addr> =
                (0..count).map(|_| near_a_range(pieces, family, &mut chance)).collect();
            addrs.sort_unstable();
            let mut at = 0;
            for addr in addrs {
                while pieces.get(at).is_some_and(|piece| piece.range.last() < addr) {
                    at += 1;
                }
                let piece = pieces.get(at).filter(|piece| piece.range.first() <= addr);
                let expected = piece.map(|piece| (piece.range, piece.value));
                assert_eq!(table.get(addr), expected.map(|(_, value)| value), "{id} {addr}");
                assert_eq!(table.get_range(addr), expected, "{id} {addr}");
            }
        }
    }
}

/// An end of a range, its neighbour outside, or somewhere within.
fn near_a_range(
    pieces: &[infralock::trie::Piece],
    family: Family,
    chance: &mut crate::fuzz::Chance,
) -> Addr {
    let range = pieces[chance.below(pieces.len())].range;
    let (first, last) = (range.first().bits(), range.last().bits());
    let bits = match chance.below(6) {
        0 => first,
        1 => last,
        2 => first.saturating_sub(1),
        3 => last.saturating_add(1),
        _ => first + u128::from(chance.next()) % (last - first).saturating_add(1).max(1),
    };
    Addr::from_bits(family, bits).unwrap_or(range.last())
}
