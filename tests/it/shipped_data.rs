//! The sets that are compiled in: whole, decodable, and right about well-known addresses.
#![cfg(feature = "bundled-data")]

use infralock::intel::{BundledSets, Intel, SET_IDS, meanings};
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
