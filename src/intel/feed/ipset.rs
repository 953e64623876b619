//! What `ipset save` writes: `create NAME hash:net …` and `add NAME ENTRY …` lines.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, Sample, Sureness, text};
use crate::model::{Position, query};

/// The format.
pub(super) struct Ipset;

impl FeedFormat for Ipset {
    fn about(&self) -> &'static About {
        &About {
            id: "ipset",
            reads: "ipset save: the addresses, prefixes and ranges of all sets, with comments",
            misses: "ports, interfaces and marks beside an address; exceptions (nomatch)",
            source: "ipset(8)",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let is_one = |line: &str| {
            ["add ", "create ", "-A ", "-N ", "flush ", "COMMIT"]
                .iter()
                .any(|it| line.starts_with(it))
        };
        if sample.share(is_one) > 0.8 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        text::lines(&bytes, &mut line, feed);
    }
}

fn line(number: u64, line: &[u8], feed: &mut Feed) {
    let place = Position::Line(number);
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_whitespace();
    match words.next() {
        None | Some("create" | "-N" | "flush" | "COMMIT" | "destroy" | "swap") => return,
        Some(word) if word.starts_with('#') => return,
        Some("add" | "-A") => {}
        Some(_) => {
            let what = "not a line of ipset save; write add SET ENTRY";
            feed.problems.push(place, format!("{what}: {}", text::shown(&text)));
            return;
        }
    }
    let (_set, entry) = (words.next(), words.next().unwrap_or_default());
    if words.clone().any(|word| word == "nomatch") {
        feed.problems.push(place, format!("an exception is not read: {}", text::shown(&text)));
        return;
    }
    // hash:ip,port and its kin: what stands behind the comma narrows the entry, and is not kept.
    let addr = entry.split(',').next().unwrap_or_default();
    match query::parse(addr) {
        Ok(found) => {
            if addr.len() < entry.len() {
                let what = "ports and what else stands beside an address are not kept";
                feed.problems.tally(place, what);
            }
            let comment = text.split_once("comment \"").map(|(_, rest)| rest);
            let comment = comment.and_then(|rest| rest.split('"').next()).unwrap_or_default();
            feed.listed(found.range(), None, comment);
        }
        Err(error) => feed.problems.push(place, format!("{error}: {}", text::shown(entry))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn all_entries_of_all_sets() {
        let feed = check(
            "create bad hash:net family inet hashsize 1024 maxelem 65536 comment\n\
             add bad 192.0.2.0/24 comment \"a scanner\"\nadd bad 198.51.100.7 timeout 300\n\
             add bad 198.51.100.8 nomatch\ncreate six hash:ip,port family inet6\n\
             add six 2001:db8::1,tcp:80\nadd six 192.0.2.300\nwhat\n",
            "ipset",
            &[
                "192.0.2.0-192.0.2.255",
                "198.51.100.7",
                "2001:db8::1",
                ":4 an exception is not read x1",
                ":6 ports and what else stands beside an address are not kept x1",
                ":7 not an address, prefix or range x1",
                ":8 not a line of ipset save x1",
            ],
        );
        assert_eq!(feed.examples[0].what, "a scanner");
    }
}
