//! Own feeds: every format over any bytes, packed or not, and the guess which one it is.

use infralock::geo::geofeed;
use infralock::intel::feed::{Asked, Places, by_id, read};
use infralock::model::{Claim, Prefix, Problems};

/// Reads geofeeds without a gazetteer.
struct NoGazetteer;

impl Places for NoGazetteer {
    fn geofeed(&self, name: &str, bytes: &[u8]) -> (Vec<(Prefix, Claim)>, Problems) {
        let feed = geofeed::parse(name, bytes, []);
        (feed.claims, feed.problems)
    }
}

fn read_as(format: Option<&str>, data: &[u8]) {
    let asked = Asked {
        name: "fuzz",
        origin: "fuzz",
        format,
        map: None,
        categories: std::str::from_utf8(data).ok(),
        places: &NoGazetteer,
    };
    if let Ok(feed) = read(data, &asked) {
        let counts = feed.counts();
        assert_eq!(counts.v4 + counts.v6, feed.entries().count() as u64);
        assert!(feed.examples.len() as u64 <= counts.v4 + counts.v6);
    } else {
        assert!(format.is_none_or(|format| by_id(format).is_none()));
    }
}

/// The format is told by content.
pub fn fuzz_any(data: &[u8]) {
    read_as(None, data);
}

macro_rules! targets {
    ($($name:ident: $id:literal),* $(,)?) => {
        $(pub fn $name(data: &[u8]) {
            read_as(Some($id), data);
            fuzz_any(data);
        })*
    };
}

targets! {
    fuzz_as_table: "as-table",
    fuzz_csv: "csv",
    fuzz_geofeed: "geofeed",
    fuzz_hosts: "hosts",
    fuzz_ipset: "ipset",
    fuzz_misp: "misp",
    fuzz_mmdb: "mmdb",
    fuzz_mrt: "mrt",
    fuzz_nftables: "nftables",
    fuzz_plain: "plain",
    fuzz_stix: "stix",
    fuzz_suricata_dataset: "suricata-dataset",
    fuzz_suricata_iprep: "suricata-iprep",
    fuzz_tor_consensus: "tor-consensus",
    fuzz_tor_exits: "tor-exits",
    fuzz_zeek_intel: "zeek-intel",
}
