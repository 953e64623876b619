//! Packed data files: as bytes, and as sections whose checksums are right.

use std::borrow::Cow;

use infralock::intel::pack::{Pack, PackWriter};
use infralock::intel::{Intel, SET_IDS, Sets};

/// Any bytes as a file: opening and unpacking.
pub fn fuzz_packed_file(data: &[u8]) {
    let Ok(pack) = Pack::open(Cow::Owned(data.to_vec())) else { return };
    for name in pack.names().map(str::to_owned).collect::<Vec<_>>() {
        drop(pack.section(&name));
    }
    ask_everything(data.to_vec());
}

/// Any bytes as the contents of sections, behind right checksums: `name length bytes` repeated,
/// where the name is one byte that picks one of the names in use, and the length two.
pub fn fuzz_packed_sections(data: &[u8]) {
    let mut writer = PackWriter::new();
    writer.section("meta", META.to_vec());
    let mut rest = data;
    while let Some((&[pick, high, low], after)) = rest.split_first_chunk::<3>() {
        let length = (usize::from(high) << 8 | usize::from(low)).min(after.len());
        let (bytes, next) = after.split_at(length);
        writer.section(NAMES[usize::from(pick) % NAMES.len()], bytes.to_vec());
        rest = next;
    }
    if let Ok(packed) = writer.finish(1) {
        ask_everything(packed);
    }
}

/// The names of sections in use; a seed's first byte of a section is an index here.
pub const NAMES: [&str; 25] = [
    "v4.starts",
    "v4.recent",
    "v4.values",
    "v6.starts",
    "v6.recent",
    "v6.values",
    "regions",
    "cities",
    "points",
    "countries",
    "systems",
    "lists",
    "combinations",
    "places",
    "divisions",
    "names",
    "others",
    "people",
    "coarse.land",
    "coarse.borders",
    "coarse.lakes",
    "airports",
    "vendors",
    "prefixes",
    "crawlers",
];

const META: &[u8] = br#"{"id":"x","title":"x","package":"x","date":"2026-01-01","license":"x",
    "url":"x","attribution":"x","rows":1,"rows_v6":1,"archive_sha256":"x"}"#;

/// The same file as every set at once.
struct Everywhere(Vec<u8>);

impl Sets for Everywhere {
    fn open(&self, _file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
        Ok(Some(Cow::Owned(self.0.clone())))
    }
}

fn ask_everything(packed: Vec<u8>) {
    let Ok(intel) = Intel::from_sets(&Everywhere(packed)) else { return };
    assert_eq!(intel.sources().len(), SET_IDS.len());
    for addr in ["8.8.8.8", "1.0.0.0", "223.255.255.255", "2001:4860::1", "2a00::", "3fff::ffff"] {
        let facts = intel.facts(addr.parse().unwrap());
        assert!(
            facts.reserved.is_some()
                || facts.prefix.is_none_or(|p| p.contains(addr.parse().unwrap()))
        );
    }
    intel.decode_all();
    drop(intel.problems());
}
