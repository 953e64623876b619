//! The sets that are compiled in: whole, decodable, and right about well-known addresses.
#![cfg(feature = "bundled-data")]

use infralock::intel::{BundledSets, Detail, Intel, SET_IDS, meanings};
use infralock::model::{Facts, Kind};

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
