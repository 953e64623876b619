//! The Tor network's own documents: the consensus of its directories, and TorDNSEL's exit list.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::import::when;
use crate::model::{Addr, Kind, ListMeaning, Position, Prefix, Timestamp};

const TOR: FeedKind = FeedKind::List(ListMeaning::Kind(Kind::Tor));

/// Consensus documents, microdescriptors included.
pub(super) struct Consensus;

impl FeedFormat for Consensus {
    fn about(&self) -> &'static About {
        &About {
            id: "tor-consensus",
            reads: "Tor consensus documents: addresses of all relays, with exit and guard flags",
            misses: "signatures, which are not verified; exits that leave by another address",
            source: "https://spec.torproject.org/dir-spec/consensus-formats.html",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let first = sample.lines().find(|line| !line.starts_with('@')).unwrap_or_default();
        let is_one = first.starts_with("network-status-version 3");
        if is_one { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut relay = Relay::default();
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            let (key, rest) = text.split_once(' ').unwrap_or((&text, ""));
            match key {
                "valid-after" => feed.date = when::parse(rest, 0),
                "r" => {
                    std::mem::take(&mut relay).end(feed);
                    relay.begin(rest, number, feed);
                }
                "a" => relay.further(rest, number, feed),
                "s" => relay.flags = flags(rest),
                "directory-footer" => std::mem::take(&mut relay).end(feed),
                _ => {}
            }
        };
        text::lines(&bytes, &mut line, feed);
        relay.end(feed);
        feed.suggested = Some(TOR);
    }
}

#[derive(Default)]
struct Relay {
    addrs: Vec<Addr>,
    flags: &'static str,
}

/// Addresses of one relay; the specification allows one of each family and lets some more stand.
const RELAY_ADDRS_MAX: usize = 8;

impl Relay {
    /// `nickname identity [digest] date time address orport dirport`
    fn begin(&mut self, rest: &str, number: u64, feed: &mut Feed) {
        let words: Vec<&str> = rest.split(' ').take(9).collect();
        let addr = words.len().checked_sub(3).and_then(|at| words.get(at));
        match addr.and_then(|addr| addr.parse::<Addr>().ok()).filter(|_| words.len() >= 7) {
            Some(addr) => self.addrs.push(addr),
            None => {
                let what = "no address where a relay's stands";
                let what = format!("{what}: {}", text::shown(rest));
                feed.problems.push(Position::Line(number), what);
            }
        }
    }

    fn further(&mut self, rest: &str, number: u64, feed: &mut Feed) {
        let addr = rest.rsplit_once(':').map(|(addr, _)| addr.trim_matches(['[', ']']));
        match addr.and_then(|addr| addr.parse().ok()) {
            Some(addr) if self.addrs.len() < RELAY_ADDRS_MAX => self.addrs.push(addr),
            Some(_) => {
                feed.problems.tally(Position::Line(number), "more addresses than a relay has")
            }
            None => {
                let what = format!("no address and port: {}", text::shown(rest));
                feed.problems.push(Position::Line(number), what);
            }
        }
    }

    fn end(self, feed: &mut Feed) {
        for addr in self.addrs {
            feed.listed(Prefix::host(addr).into(), None, self.flags);
        }
    }
}

fn flags(rest: &str) -> &'static str {
    let has = |flag: &str| rest.split(' ').any(|word| word == flag);
    match (has("Exit") && !has("BadExit"), has("Guard")) {
        (true, true) => "exit and guard",
        (true, false) => "exit",
        (false, true) => "guard",
        (false, false) => "relay",
    }
}

/// TorDNSEL's list of tested exits.
pub(super) struct ExitAddresses;

impl FeedFormat for ExitAddresses {
    fn about(&self) -> &'static About {
        &About {
            id: "tor-exits",
            reads: "Tor's exit-addresses: the addresses by which exits leave, with the test's time",
            misses: "exits that were not tested",
            source: "https://metrics.torproject.org/collector.html#type-tordnsel",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let keys =
            ["ExitNode ", "Published ", "LastStatus ", "ExitAddress ", "@type ", "Downloaded "];
        let share = sample.share(|line| keys.iter().any(|key| line.starts_with(key)));
        if share > 0.9 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut newest: Option<Timestamp> = None;
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            if let Some(time) = text.strip_prefix("Downloaded ") {
                feed.date = when::parse(time, 0);
            }
            let Some(rest) = text.strip_prefix("ExitAddress ") else { return };
            let (addr, time) = rest.split_once(' ').unwrap_or((rest, ""));
            match addr.parse::<Addr>() {
                Ok(addr) => {
                    let seen = when::parse(time, 0);
                    newest = newest.max(seen);
                    feed.listed(Prefix::host(addr).into(), seen, "exit");
                }
                Err(error) => {
                    let what = format!("{error}: {}", text::shown(addr));
                    feed.problems.push(Position::Line(number), what);
                }
            }
        };
        text::lines(&bytes, &mut line, feed);
        feed.date = feed.date.or(newest);
        feed.suggested = Some(TOR);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn relays_of_a_consensus() {
        let feed = check(
            "@type network-status-consensus-3 1.0\nnetwork-status-version 3\n\
             vote-status consensus\n\
             valid-after 2026-06-05 03:00:00\n\
             r one AAAA BBBB 2026-06-05 01:02:03 192.0.2.1 9001 0\n\
             a [2001:db8::1]:9001\ns Exit Fast Guard Running\nr two AAAA 2026-06-05 01:02:03 \
             192.0.2.2 9001 0\ns Fast Running\nr three x\na nonsense\ns Exit BadExit\n\
             directory-footer\n",
            "tor-consensus",
            &[
                "192.0.2.1",
                "2001:db8::1",
                "192.0.2.2",
                ":10 no address where a relay's stands x1",
                ":11 no address and port x1",
            ],
        );
        assert_eq!(feed.date.unwrap().to_string(), "2026-06-05T03:00:00.000000000Z");
        let flags: Vec<&str> = feed.examples.iter().map(|example| example.what.as_str()).collect();
        assert_eq!(
            (flags, feed.kind().word()),
            (vec!["exit and guard"; 2].into_iter().chain(["relay"]).collect(), "tor")
        );
    }

    #[test]
    fn tested_exits_have_times() {
        let feed = check(
            "ExitNode 0123456789ABCDEF\nPublished 2026-06-04 21:00:00\nLastStatus 2026-06-05 \
             02:00:00\nExitAddress 192.0.2.1 2026-06-05 02:30:00\nExitAddress 192.0.2.x 2026\n",
            "tor-exits",
            &["192.0.2.1 2026-06-05", ":5 not an IPv4 or IPv6 address x1"],
        );
        assert_eq!(feed.date.unwrap().to_date(), "2026-06-05");
    }
}
