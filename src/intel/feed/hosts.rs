//! Hosts files: the addresses that stand before names, but for those that only block a name.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, Sample, Sureness, text};
use crate::model::{Addr, Position, Prefix};

/// The format.
pub(super) struct Hosts;

impl FeedFormat for Hosts {
    fn about(&self) -> &'static About {
        &About {
            id: "hosts",
            reads: "Hosts files: the addresses, with the names beside them",
            misses: "names behind 0.0.0.0, 127.0.0.0/8 and ::1, which are blocked and no address",
            source: "hosts(5)",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let mut blocks = false;
        let share = sample.share(|line| {
            let mut words = line.split_whitespace();
            let addr = words.next().and_then(|word| word.parse::<Addr>().ok());
            blocks |= addr.is_some_and(is_block);
            let is_name =
                |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            addr.is_some() && words.next().is_some_and(|word| is_name(word) || blocks)
        });
        // A list with a word beside each address looks alike, but for the machine itself.
        if share > 0.8 && blocks { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut blocked = 0_u64;
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            let text = text.split('#').next().unwrap_or_default();
            let mut words = text.split_whitespace();
            let Some(first) = words.next() else { return };
            // A zone stands behind link-local addresses.
            match first.split('%').next().unwrap_or(first).parse::<Addr>() {
                Ok(addr) if is_block(addr) => blocked += 1,
                Ok(addr) => {
                    let names: Vec<&str> = words.take(4).collect();
                    feed.listed(Prefix::host(addr).into(), None, &names.join(" "));
                }
                Err(error) => {
                    let what = format!("{error}: {}", text::shown(first));
                    feed.problems.push(Position::Line(number), what);
                }
            }
        };
        text::lines(&bytes, &mut line, feed);
        if blocked > 0 {
            feed.notes.push(format!(
                "{blocked} lines block a name with 0.0.0.0, 127.0.0.0/8 or ::1: they name no \
                 address, and names are not looked up"
            ));
        }
    }
}

/// An address that a hosts file gives to a name that is to lead nowhere.
fn is_block(addr: Addr) -> bool {
    match addr {
        Addr::V4(addr) => addr.is_unspecified() || addr.is_loopback() || addr.is_broadcast(),
        // fe00::0, ff00::0 and ff02::1 stand in every Debian hosts file.
        Addr::V6(addr) => {
            addr.is_unspecified()
                || addr.is_loopback()
                || addr.is_multicast()
                || addr.segments() == [0xfe00, 0, 0, 0, 0, 0, 0, 0]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn addresses_count_and_blocked_names_are_told() {
        let feed = check(
            "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n\
             0.0.0.0 bad.example # x\n192.0.2.7 shop.example.com shop\n\
             2001:db8::7 shop.example.com\n\
             198.51.100.300 x.example\n",
            "hosts",
            &[
                "192.0.2.7",
                "2001:db8::7",
                "note 4 lines block a name with 0.0.0.0, 127.0.0.0/8 or ::1: they name no \
                 address, and names are not looked up",
                ":7 not an IPv4 or IPv6 address x1",
            ],
        );
        assert_eq!(feed.examples[0].what, "shop.example.com shop");
    }
}
