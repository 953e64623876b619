//! What a path says of a feed: a name for it, and what it is likely to mean.
//!
//! A guess is shown before a feed is taken, and an analyst's word goes before it.

use super::FeedKind;
use crate::model::{Kind, ListMeaning};

/// File names that say nothing of the feed: its folder's name stands before them.
const BARE: [&str; 22] = [
    "ipv4",
    "ipv6",
    "ip",
    "ips",
    "list",
    "output",
    "data",
    "index",
    "latest",
    "all",
    "feed",
    "addresses",
    "prefixes",
    "net",
    "v4",
    "v6",
    "geofeed",
    "blocklist",
    "main",
    "master",
    "raw",
    "download",
];

/// Words and what a list is then likely to mean; the first that occurs counts.
const WORDS: [(&str, ListMeaning); 30] = [
    ("tor", ListMeaning::Kind(Kind::Tor)),
    ("torbulkexitlist", ListMeaning::Kind(Kind::Tor)),
    ("exits", ListMeaning::Kind(Kind::Tor)),
    ("vpn", ListMeaning::Kind(Kind::Vpn)),
    ("vpns", ListMeaning::Kind(Kind::Vpn)),
    ("proxy", ListMeaning::Kind(Kind::Proxy)),
    ("proxies", ListMeaning::Kind(Kind::Proxy)),
    ("datacenter", ListMeaning::Kind(Kind::Hosting)),
    ("datacenters", ListMeaning::Kind(Kind::Hosting)),
    ("hosting", ListMeaning::Kind(Kind::Hosting)),
    ("crawler", ListMeaning::Kind(Kind::Crawler)),
    ("crawlers", ListMeaning::Kind(Kind::Crawler)),
    ("googlebot", ListMeaning::Kind(Kind::Crawler)),
    ("bingbot", ListMeaning::Kind(Kind::Crawler)),
    ("anycast", ListMeaning::Kind(Kind::Anycast)),
    ("education", ListMeaning::Kind(Kind::Education)),
    ("sinkhole", ListMeaning::Kind(Kind::Sinkhole)),
    ("ipsum", ListMeaning::Hostile),
    ("firehol", ListMeaning::Hostile),
    ("feodo", ListMeaning::Hostile),
    ("spamhaus", ListMeaning::Hostile),
    ("dshield", ListMeaning::Hostile),
    ("blocklist", ListMeaning::Hostile),
    ("malware", ListMeaning::Hostile),
    ("botnet", ListMeaning::Hostile),
    ("attackers", ListMeaning::Hostile),
    ("attacks", ListMeaning::Hostile),
    ("hostile", ListMeaning::Hostile),
    ("c2", ListMeaning::Hostile),
    ("allowlist", ListMeaning::Benign),
];

/// Bytes of a name that is made up.
const NAME_BYTES_MAX: usize = 60;

/// What a feed of this path is likely to mean; its file's name says more than its folder's.
pub(super) fn kind(origin: &str) -> Option<FeedKind> {
    // Of a URL the host counts too: check.torproject.org.
    let parts = origin.rsplit(['/', '\\']).take(3);
    parts
        .filter_map(|part| {
            let part = part.to_ascii_lowercase();
            let words: Vec<&str> = part.split(|c: char| !c.is_ascii_alphanumeric()).collect();
            WORDS.iter().find(|(word, _)| words.contains(word)).map(|&(_, meaning)| meaning)
        })
        .map(FeedKind::List)
        .next()
}

/// A name from a path or URL: letters, digits, `-`, `_` and `.` alone.
pub(super) fn name(origin: &str) -> String {
    let origin = origin.split(['?', '#']).next().unwrap_or(origin);
    let mut parts = origin.rsplit(['/', '\\']).filter(|part| !part.is_empty()).map(plain);
    let file = parts.next().unwrap_or_default();
    let stem = file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&file);
    let folder = parts.next().unwrap_or_default();
    let name = match BARE.contains(&stem.to_ascii_lowercase().as_str()) && !folder.is_empty() {
        true => format!("{folder}-{stem}"),
        false => stem.to_owned(),
    };
    let name = name.trim_matches(['-', '.']);
    let end = name.floor_char_boundary(NAME_BYTES_MAX);
    match name.get(..end).unwrap_or_default() {
        "" => "feed".to_owned(),
        name => name.to_owned(),
    }
}

fn plain(part: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    part.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_from_paths() {
        for (origin, expected, word) in [
            ("feeds/x4bnet-vpn-datacenter/vpn/ipv4.txt", "vpn-ipv4", "vpn"),
            ("feeds/x4bnet-vpn-datacenter/datacenter/ipv6.txt", "datacenter-ipv6", "hosting"),
            ("https://check.example.org/torbulkexitlist", "torbulkexitlist", "tor"),
            ("https://lists.example.net/firehol_level1.netset?x=1", "firehol_level1", "hostile"),
            ("a b/ü.txt", "-", "-"),
            ("oxl/ip/kind_proxy.txt", "kind_proxy", "proxy"),
            ("", "feed", "-"),
        ] {
            let name = name(origin);
            assert_eq!(name, if expected == "-" { "feed" } else { expected }, "{origin}");
            let kind = kind(origin).map_or("-", FeedKind::word);
            assert_eq!(kind, word, "{origin}");
        }
    }
}
