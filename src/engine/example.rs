//! The shipped example, carried in the program: one synthetic night at a small shop.

use super::context::{Options, OwnList, OwnText};
use super::paths::{Input, Inputs, Origin};
use crate::model::{Kind, ListMeaning, Prefix, RealmId, Untrusted};

/// The folder's name, which is also the realm's.
const NAME: &str = "shop";

/// What is opened, in the order of the names.
const FILES: [(&str, &[u8]); 3] = [
    ("access.log", include_bytes!("../../examples/shop/access.log")),
    ("auth.log", include_bytes!("../../examples/shop/auth.log")),
    ("capture.pcap", include_bytes!("../../examples/shop/capture.pcap")),
];

const GEOFEED: &[u8] = include_bytes!("../../examples/shop/context/geofeed.csv");
const AS_TABLE: &[u8] = include_bytes!("../../examples/shop/context/as-table.csv");
const TOR_RELAYS: &[u8] = include_bytes!("../../examples/shop/context/tor-relays.txt");
const CRAWLERS: &[u8] = include_bytes!("../../examples/shop/context/crawlers.txt");

/// The example's files, and the context in which they are judged.
pub fn example() -> (Inputs, Options) {
    let input = |&(name, bytes): &(&str, &'static [u8])| Input {
        origin: Origin::Bundled(bytes),
        import: Untrusted::new(&format!("{NAME}/{name}")),
        realm: RealmId(0),
    };
    let inputs = Inputs {
        files: FILES.iter().map(input).collect(),
        realms: vec![Untrusted::new(NAME)],
        skipped: Vec::new(),
    };
    let list = |name: &str, file: &'static str, bytes, kind| OwnList {
        name: name.to_owned(),
        text: OwnText::Bundled(file, bytes),
        meaning: ListMeaning::Kind(kind),
    };
    let mine: Option<Prefix> = "192.0.2.0/24".parse().ok();
    let options = Options {
        mine: mine.into_iter().collect(),
        lists: vec![
            list("tor-relays", "shop/context/tor-relays.txt", TOR_RELAYS, Kind::Tor),
            list("crawlers", "shop/context/crawlers.txt", CRAWLERS, Kind::Crawler),
        ],
        geofeeds: vec![OwnText::Bundled("shop/context/geofeed.csv", GEOFEED)],
        as_tables: vec![OwnText::Bundled("shop/context/as-table.csv", AS_TABLE)],
        ..Options::default()
    };
    (inputs, options)
}
