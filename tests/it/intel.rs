//! Reference data: what is written is read, damage is told, and shipped sets say what they should.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{
    PackedCity, write_airports, write_basemap, write_countries, write_crawlers, write_gazetteer,
    write_places, write_systems, write_table, write_vendors,
};
use infralock::intel::{Crawler, Detail, Intel, Sets, Source};
use infralock::model::{AddrRange, Claim, Facts, Granularity, Kind, ListMeaning, Prefix};
use infralock::trie::flatten;
use proptest::prelude::*;

/// Sets in memory, by file name.
#[derive(Clone, Default)]
pub struct MemorySets(pub BTreeMap<String, Vec<u8>>);

impl Sets for MemorySets {
    fn open(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        Ok(self.0.get(file).cloned().map(Cow::Owned))
    }
}

fn meta(id: &str) -> Vec<u8> {
    let source = Source {
        id: id.into(),
        title: "a test set".into(),
        package: "none".into(),
        date: Some("2026-01-02".into()),
        license: "CC0-1.0".into(),
        url: "https://example.com".into(),
        attribution: String::new(),
        rows: 1,
        rows_v6: 1,
        archive_sha256: "00".repeat(32),
        packed_bytes: 0,
    };
    serde_json::to_vec(&source).unwrap()
}

fn ranges(entries: &[(&str, u32)]) -> Vec<infralock::trie::Piece> {
    let entries: Vec<_> = entries
        .iter()
        .map(|&(text, value)| (AddrRange::from(text.parse::<Prefix>().unwrap()), value))
        .collect();
    flatten(&entries)
}

/// Small sets that speak of 198.18.. neighbours: addresses that are public and nobody's example.
pub fn small_sets() -> MemorySets {
    let mut sets = MemorySets::default();
    let mut pack = PackWriter::new();
    let places = [
        (*b"NL", "North Holland".to_owned(), "Amsterdam".to_owned(), 52_370, 4_900),
        (*b"NL", "North Holland".to_owned(), "Amsterdam".to_owned(), 52_380, 4_910),
        (*b"UM", String::new(), String::new(), 19_280, 166_650),
    ];
    write_places(&mut pack, &places);
    write_table(
        &mut pack,
        &ranges(&[
            ("192.0.2.0/24", 1),
            ("11.0.0.0/8", 0),
            ("11.1.0.0/16", 1),
            ("12.0.0.0/8", 2),
            ("2400::/12", 0),
        ]),
    );
    pack.section("meta", meta("dbip-city"));
    sets.0.insert("dbip-city.pack".into(), pack.finish(3).unwrap());
    let mut pack = PackWriter::new();
    write_countries(&mut pack, &[*b"DE", *b"ZZ"]);
    write_table(&mut pack, &ranges(&[("11.0.0.0/8", 0), ("12.0.0.0/8", 1), ("2400::1/128", 0)]));
    pack.section("meta", meta("asn-country"));
    sets.0.insert("asn-country.pack".into(), pack.finish(3).unwrap());
    let mut pack = PackWriter::new();
    write_systems(&mut pack, &[(64_496, "Example".into()), (64_500, String::new())]);
    write_table(&mut pack, &ranges(&[("11.1.2.0/23", 0), ("2400::/16", 1)]));
    pack.section("meta", meta("asn"));
    sets.0.insert("asn.pack".into(), pack.finish(3).unwrap());
    sets
}

#[test]
fn sets_without_addresses_are_read_as_written() {
    let mut sets = MemorySets::default();
    let mut add = |id: &str, write: &dyn Fn(&mut PackWriter)| {
        let mut pack = PackWriter::new();
        write(&mut pack);
        pack.section("meta", meta(id));
        sets.0.insert(format!("{id}.pack"), pack.finish(3).unwrap());
    };
    let city = |name: &str, others: &[&str], admin1: &str, point| PackedCity {
        name: name.into(),
        others: others.iter().map(|&other| other.to_owned()).collect(),
        country: *b"DE",
        admin1: admin1.into(),
        population: 1_000,
        point,
    };
    let cities = [
        city("München", &["Munich", "Monaco"], "02", (48_137, 11_576)),
        city("Augsburg", &[], "02", (48_371, 10_898)),
        city("Hamburg", &["Hamborg"], "04", (53_551, 9_993)),
    ];
    add("cities", &|pack| write_gazetteer(pack, &cities));
    let ring = vec![(0, -18_000), (9_000, 0), (-9_000, 18_000), (0, -18_000)];
    let layers: [&[Vec<(i32, i32)>]; 3] = [std::slice::from_ref(&ring), &[], &[]];
    add("basemap", &|pack| {
        write_basemap(pack, Detail::Coarse, layers);
        write_basemap(pack, Detail::Fine, [&[], &[], &[]]);
    });
    let airports = [(*b"FRA", *b"DE", "Frankfurt".to_owned(), 50_026, 8_543)];
    add("airports", &|pack| write_airports(pack, &airports));
    let vendors = [((6, 0x00_00_5e), "IANA"), ((9, 0x0_0005_e123), "Example"), ((7, 1), "Other")];
    let vendors = vendors.map(|(key, name)| (key, name.to_owned())).into();
    add("vendors", &|pack| write_vendors(pack, &vendors));
    let crawler = Crawler { pattern: "Bot\\/".into(), uses: vec!["seo".into(), "scanner".into()] };
    add("crawlers", &|pack| write_crawlers(pack, std::slice::from_ref(&crawler)));

    let intel = Intel::from_sets(&sets).unwrap();
    let names: Vec<(&str, &str, Vec<&str>)> = intel
        .gazetteer()
        .cities()
        .map(|c| (c.name, c.admin1, intel.gazetteer().other_names(c).collect()))
        .collect();
    assert_eq!(
        names,
        [
            ("München", "02", vec!["Munich", "Monaco"]),
            ("Augsburg", "02", vec![]),
            ("Hamburg", "04", vec!["Hamborg"]),
        ]
    );
    assert_eq!(intel.gazetteer().cities().nth(2).unwrap().point, (53.551, 9.993));
    let coarse = intel.basemap(Detail::Coarse);
    assert_eq!(coarse.land, [vec![(0.0, -180.0), (90.0, 0.0), (-90.0, 180.0), (0.0, -180.0)]]);
    assert_eq!(intel.basemap(Detail::Fine), Default::default());
    assert_eq!(intel.airports().get("fra").unwrap().city, "Frankfurt");
    assert_eq!(intel.airports().get("zzz"), None);
    let vendors = intel.vendors();
    assert_eq!(vendors.vendor([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01]), Some("IANA"));
    assert_eq!(vendors.vendor([0x00, 0x00, 0x5e, 0x12, 0x3f, 0xff]), Some("Example"));
    assert_eq!(vendors.vendor([0x02, 0x00, 0x5e, 0x00, 0x53, 0x01]), None, "made up locally");
    assert_eq!(intel.crawlers(), [crawler]);
    assert_eq!(intel.problems(), []);
}

fn facts(intel: &Intel, addr: &str) -> Facts {
    intel.facts(addr.parse().unwrap())
}

#[test]
fn every_set_says_its_part() {
    let intel = Intel::from_sets(&small_sets()).unwrap();
    let known = facts(&intel, "11.1.3.9");
    assert_eq!((known.asn, known.as_name.as_deref()), (Some(64_496), Some("Example")));
    assert_eq!(known.prefix.unwrap().to_string(), "11.1.2.0/23");
    let claims: Vec<_> =
        known.claims.iter().map(|c| (&*c.source, c.point, c.country_code)).collect();
    assert_eq!(
        claims,
        [("dbip-city", Some((52.38, 4.91)), Some(*b"NL")), ("asn-country", None, Some(*b"DE")),]
    );
    assert_eq!(known.claims[0].city.as_deref(), Some("Amsterdam"));
    assert_eq!(known.claims[0].region.as_deref(), Some("North Holland"));

    let island = facts(&intel, "12.9.9.9");
    assert_eq!(island.claims.len(), 1, "ZZ is no country: {island:?}");
    assert_eq!(island.claims[0].granularity, Granularity::Country);
    let v6 = facts(&intel, "2400::1");
    assert_eq!((v6.asn, v6.as_name.clone(), v6.claims.len()), (Some(64_500), None, 2));
    assert_eq!(facts(&intel, "13.0.0.1"), Facts::default());
    assert_eq!(intel.date().unwrap().to_date(), "2026-01-02");
    assert_eq!(intel.problems(), []);
}

#[test]
fn shipped_sets_never_speak_of_reserved_addresses_but_own_layers_do() {
    let mut intel = Intel::from_sets(&small_sets()).unwrap();
    let reserved = facts(&intel, "192.0.2.9");
    assert!(reserved.reserved.is_some() && reserved.claims.is_empty() && reserved.prefix.is_none());

    let prefix = |text: &str| text.parse::<Prefix>().unwrap();
    let claim = Claim {
        source: Arc::from("not used"),
        point: Some((48.2, 16.4)),
        city: Some(Arc::from("Vienna")),
        region: None,
        country_code: Some(*b"AT"),
        granularity: Granularity::Site,
        own: false,
    };
    intel.add_claims("offices.csv", vec![(prefix("192.0.2.0/25"), claim)]);
    intel.add_as_table(&[(prefix("192.0.2.0/24").into(), 64_499, Some(Arc::from("Ours")))]);
    let day = |text: &str| Some(text.parse().unwrap());
    let entries =
        [(prefix("192.0.2.0/24").into(), None), (prefix("192.0.2.9").into(), day("2026-02-03"))];
    intel.add_list("bad", &entries, ListMeaning::Hostile, day("2026-03-04"));
    intel.add_list("a-vpn", &entries[..1], ListMeaning::Kind(Kind::Vpn), None);

    let own = facts(&intel, "192.0.2.9");
    assert_eq!((own.asn, own.as_name.as_deref()), (Some(64_499), Some("Ours")));
    assert_eq!(own.claims.len(), 1);
    assert!(own.claims[0].own && &*own.claims[0].source == "offices.csv");
    let lists: Vec<_> = own.lists.iter().map(|list| (&*list.id, list.since, list.date)).collect();
    assert_eq!(lists, [("a-vpn", None, None), ("bad", day("2026-02-03"), day("2026-03-04"))]);
    assert_eq!(own.kinds, [Kind::Vpn]);
    assert_eq!(facts(&intel, "192.0.2.200").lists[1].since, None);
}

#[test]
fn damage_is_told_with_its_place() {
    let whole = small_sets();
    let file = &whole.0["asn.pack"];
    let fails = |bytes: Vec<u8>| -> String {
        let sets = MemorySets([("asn.pack".to_owned(), bytes)].into());
        Intel::from_sets(&sets).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        fails(b"GIF89a".to_vec()),
        "asn.pack@0: not a packed data set; one begins with ILPACK"
    );
    assert!(fails(file[..40].to_vec()).contains("the file is cut off"));
    assert!(fails(file[..file.len() - 1].to_vec()).contains("the file is incomplete"));
    let mut newer = file.clone();
    newer[6] = 9;
    assert!(fails(newer).contains("version 9; this program reads version 1"));
    let mut longer = file.clone();
    longer.push(0);
    assert!(fails(longer).contains("1 bytes after the last section"));
    // Every single damaged byte is noticed.
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        assert!(!fails(damaged).is_empty(), "byte {at}");
    }
}

#[test]
fn a_set_whose_rows_are_wrong_says_nothing_and_is_reported() {
    let mut sets = small_sets();
    let mut pack = PackWriter::new();
    write_systems(&mut pack, &[(64_496, "Example".into())]);
    write_table(&mut pack, &ranges(&[("11.1.2.0/23", 7)]));
    pack.section("meta", meta("asn"));
    sets.0.insert("asn.pack".into(), pack.finish(3).unwrap());
    let intel = Intel::from_sets(&sets).unwrap();
    assert_eq!(facts(&intel, "11.1.2.9").asn, None);
    assert_eq!(facts(&intel, "11.1.2.9").claims.len(), 2);
    let problems: Vec<String> = intel.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("asn.pack[v4.values]@"), "{problems:?}");
}

proptest! {
    #[test]
    fn tables_survive_packing(
        starts in prop::collection::btree_map(any::<u32>(), prop::option::of(0_u32..5), 0..200),
    ) {
        // Random cuts of the address space, with and without values, in both families.
        let cuts: Vec<_> = starts.into_iter().collect();
        let mut entries = Vec::new();
        for pair in cuts.windows(2) {
            let Some(value) = pair[0].1 else { continue };
            let ends = [pair[0].0, pair[1].0 - 1];
            let v4 = ends.map(|bits| infralock::model::Addr::V4(bits.into()));
            entries.push((AddrRange::new(v4[0], v4[1]).unwrap(), value));
            let v6 = [u128::from(ends[0]) << 60, (u128::from(ends[1]) << 60) + 5];
            let v6 = v6.map(|bits| infralock::model::Addr::V6(bits.into()));
            entries.push((AddrRange::new(v6[0], v6[1]).unwrap(), value));
        }
        let pieces = flatten(&entries);
        let mut pack = PackWriter::new();
        write_countries(&mut pack, &[*b"AA", *b"BB", *b"CC", *b"DD", *b"EE"]);
        write_table(&mut pack, &pieces);
        pack.section("meta", meta("asn-country"));
        let sets = MemorySets([("asn-country.pack".to_owned(), pack.finish(1).unwrap())].into());
        let intel = Intel::from_sets(&sets).unwrap();
        intel.decode_all();
        prop_assert_eq!(intel.problems(), []);
        for piece in &pieces {
            for addr in [piece.range.first(), piece.range.last()] {
                let facts = intel.facts(addr);
                let found = facts.claims.first().and_then(|claim| claim.country_code);
                let letter = b'A' + u8::try_from(piece.value).unwrap();
                let expected = addr.reserved().is_none().then_some([letter; 2]);
                prop_assert_eq!(found, expected, "{}", addr);
            }
        }
    }
}
