//! Fuzz targets as plain functions: run here over seeds and seeded mutations on the stable
//! toolchain; `fuzz/` drives the same functions with libFuzzer for long runs.
//!
//! A target passes if it returns: a panic, an overflow or a hang is what is sought. It is given at
//! most 64 KiB. Seeds lie in `tests/fuzz/<name>/`.

use std::path::Path;
use std::time::{Duration, Instant};

pub mod apps;
mod bounded;
mod feeds;
mod filter;
mod flow;
mod geo;
mod intel;
pub mod lines;
mod pipeline;
pub mod stage;
mod store;
pub mod structured;
mod threat;
mod trie;
mod wire;

/// A fuzz target.
pub struct Target {
    /// The name, and the folder of its seeds.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "apps", run: apps::fuzz_apps },
    Target { name: "apps_ssl", run: apps::fuzz_tls },
    Target { name: "apps_http", run: apps::fuzz_http },
    Target { name: "apps_dns", run: apps::fuzz_dns },
    Target { name: "apps_quic", run: apps::fuzz_quic },
    Target { name: "apps_ssh", run: apps::fuzz_ssh },
    Target { name: "apps_smtp", run: apps::fuzz_smtp },
    Target { name: "apps_ftp", run: apps::fuzz_ftp },
    Target { name: "apps_socks", run: apps::fuzz_socks },
    Target { name: "apps_pop3", run: apps::fuzz_pop3 },
    Target { name: "apps_imap", run: apps::fuzz_imap },
    Target { name: "apps_irc", run: apps::fuzz_irc },
    Target { name: "apps_telnet", run: apps::fuzz_telnet },
    Target { name: "apps_mysql", run: apps::fuzz_mysql },
    Target { name: "apps_postgresql", run: apps::fuzz_postgresql },
    Target { name: "apps_redis", run: apps::fuzz_redis },
    Target { name: "apps_ldap_tcp", run: apps::fuzz_ldap_tcp },
    Target { name: "apps_ldap_udp", run: apps::fuzz_ldap_udp },
    Target { name: "apps_snmp", run: apps::fuzz_snmp },
    Target { name: "apps_dhcp", run: apps::fuzz_dhcp },
    Target { name: "apps_rdp", run: apps::fuzz_rdp },
    Target { name: "apps_xmpp", run: apps::fuzz_xmpp },
    Target { name: "apps_smb", run: apps::fuzz_smb },
    Target { name: "as_table", run: pipeline::fuzz_as_table },
    Target { name: "case", run: store::fuzz_case },
    Target { name: "capture", run: pipeline::fuzz_capture },
    Target { name: "judged_log", run: pipeline::fuzz_judged_log },
    Target { name: "unpack", run: bounded::fuzz_unpack },
    Target { name: "zip", run: bounded::fuzz_zip },
    Target { name: "lines", run: bounded::fuzz_lines },
    Target { name: "pcap", run: wire::fuzz_pcap },
    Target { name: "pcapng", run: wire::fuzz_pcapng },
    Target { name: "link", run: wire::fuzz_link },
    Target { name: "packet_fields", run: wire::fuzz_packet_fields },
    Target { name: "feed_as_table", run: feeds::fuzz_as_table },
    Target { name: "feed_csv", run: feeds::fuzz_csv },
    Target { name: "feed_geofeed", run: feeds::fuzz_geofeed },
    Target { name: "feed_hosts", run: feeds::fuzz_hosts },
    Target { name: "feed_ipset", run: feeds::fuzz_ipset },
    Target { name: "feed_misp", run: feeds::fuzz_misp },
    Target { name: "feed_stix", run: feeds::fuzz_stix },
    Target { name: "feed_mrt", run: feeds::fuzz_mrt },
    Target { name: "feed_mmdb", run: feeds::fuzz_mmdb },
    Target { name: "feed_nftables", run: feeds::fuzz_nftables },
    Target { name: "feed_plain", run: feeds::fuzz_plain },
    Target { name: "feed_suricata_dataset", run: feeds::fuzz_suricata_dataset },
    Target { name: "feed_suricata_iprep", run: feeds::fuzz_suricata_iprep },
    Target { name: "feed_tor_consensus", run: feeds::fuzz_tor_consensus },
    Target { name: "feed_tor_exits", run: feeds::fuzz_tor_exits },
    Target { name: "feed_zeek_intel", run: feeds::fuzz_zeek_intel },
    Target { name: "filter", run: filter::fuzz_filter },
    Target { name: "flow", run: flow::fuzz_flow },
    Target { name: "geofeed", run: geo::fuzz_geofeed },
    Target { name: "access_log", run: lines::fuzz_access_log },
    Target { name: "app_log", run: lines::fuzz_app_log },
    Target { name: "packed_file", run: intel::fuzz_packed_file },
    Target { name: "packed_sections", run: intel::fuzz_packed_sections },
    Target { name: "address_list", run: structured::fuzz_address_list },
    Target { name: "cowrie", run: structured::fuzz_cowrie },
    Target { name: "eve", run: structured::fuzz_eve },
    Target { name: "free_text", run: structured::fuzz_free_text },
    Target { name: "json_document", run: structured::fuzz_json_document },
    Target { name: "json_lines", run: structured::fuzz_json_lines },
    Target { name: "query", run: structured::fuzz_query },
    Target { name: "journald_export", run: lines::fuzz_journald_export },
    Target { name: "journald_json", run: lines::fuzz_journald_json },
    Target { name: "json_log", run: lines::fuzz_json_log },
    Target { name: "table", run: structured::fuzz_table },
    Target { name: "zeek_json", run: structured::fuzz_zeek_json },
    Target { name: "zeek_tsv", run: structured::fuzz_zeek_tsv },
    Target { name: "syslog", run: lines::fuzz_syslog },
    Target { name: "threat_profile", run: threat::fuzz_profile },
    Target { name: "threat_strings", run: threat::fuzz_strings },
    Target { name: "trie_builder", run: trie::fuzz_trie_builder },
    Target { name: "trie_image", run: trie::fuzz_trie_image },
    Target { name: "w3c", run: lines::fuzz_w3c },
];

/// A moment for what targets do.
pub fn now() -> infralock::model::Timestamp {
    infralock::model::Timestamp::from_nanos(1_780_629_164_000_000_000)
}

/// A small, seeded source of chance (xorshift64*, Vigna 2016).
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

const INTERESTING: [u8; 12] = [0, 1, 4, 0x0a, 0x20, 0x22, 0x2f, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/// Changes, cuts, repeats, inserts or splices a few bytes.
pub fn mutate(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut data = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(data.len());
        match chance.below(8) {
            0 => data.truncate(at),
            1 => data.insert(at.min(data.len()), chance.next() as u8),
            2 if !data.is_empty() => data[at] ^= 1 << chance.below(8),
            3 if !data.is_empty() => data[at] = INTERESTING[chance.below(INTERESTING.len())],
            4 => {
                let end = (at + chance.below(64)).min(data.len());
                data.extend_from_within(at.min(end)..end);
            }
            5 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from.min(other.len())..]);
            }
            6 if data.len() >= 4 => {
                let at = at.min(data.len() - 4);
                let number = [0, 1, u32::MAX, 0x7fff_ffff, 0x8000_0000][chance.below(5)];
                data[at..at + 4].copy_from_slice(&u32::to_be_bytes(number));
            }
            _ if !data.is_empty() => data[at] = chance.next() as u8,
            _ => {}
        }
    }
    data.truncate(64 << 10);
    data
}

pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; a target needs seeds", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!seeds.is_empty(), "{}: no seeds", folder.display());
    seeds.push(Vec::new());
    seeds
}

/// Every target over its seeds and as many seeded mutations as fit its share of the time
/// (`INFRALOCK_FUZZ_SECS` for all together, 20 unless set), at least 200 of each.
#[test]
fn targets_survive_seeds_and_mutations() {
    let secs = std::env::var("INFRALOCK_FUZZ_SECS").ok().and_then(|secs| secs.parse().ok());
    let share = Duration::from_secs(secs.unwrap_or(20)) / TARGETS.len().max(1) as u32;
    for target in TARGETS {
        let seeds = seeds(target.name);
        for seed in &seeds {
            (target.run)(seed);
        }
        let (begun, mut rounds) = (Instant::now(), 0_u64);
        while rounds < 200 || begun.elapsed() < share {
            let data = mutate(&seeds, &mut Chance::seeded(rounds));
            let one = Instant::now();
            (target.run)(&data);
            assert!(
                one.elapsed() < Duration::from_secs(10),
                "{}: round {rounds} hangs",
                target.name
            );
            rounds += 1;
        }
        println!("fuzz {}: {} seeds, {rounds} mutations", target.name, seeds.len());
    }
}
