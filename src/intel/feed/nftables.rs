//! nftables: the elements of all sets in what `nft list ruleset` prints, or in a file of commands.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, Sample, Sureness, text};
use crate::model::{Position, query};

/// Bytes of one element with its options; a comment has at most 128 in the kernel.
const ELEMENT_BYTES_MAX: usize = 1_024;

/// The format.
pub(super) struct Nftables;

impl FeedFormat for Nftables {
    fn about(&self) -> &'static About {
        &About {
            id: "nftables",
            reads: "nftables: addresses, prefixes and ranges in elements of sets and in define",
            misses: "ports and what else stands beside an address; values of maps; rules; nft -j",
            source: "nft(8), sets and maps",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let is_sign = |line: &str| {
            let line = line.trim_start();
            ["table ", "add element ", "elements = {", "define ", "add set ", "#!/usr/sbin/nft"]
                .iter()
                .any(|sign| line.starts_with(sign))
        };
        let has_brace = || sample.lines().any(|line| line.contains('{'));
        match sample.lines().take(200).any(is_sign) && has_brace() {
            true => Sureness::Certain,
            false => Sureness::No,
        }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut reader = Reader { line: 1, ..Reader::default() };
        reader.all(&bytes, feed);
    }
}

/// Goes through the text byte by byte; what stands between braces after `elements =`, `define X =`
/// or `element … NAME` is read.
#[derive(Default)]
struct Reader {
    /// Whether this is between the braces of a set.
    inside: bool,
    /// Whether this is between quotes.
    quoted: bool,
    /// What stands before a brace, since the last one.
    statement: Vec<u8>,
    element: Vec<u8>,
    line: u64,
}

impl Reader {
    fn all(&mut self, bytes: &[u8], feed: &mut Feed) {
        let mut comment = false;
        for &byte in bytes {
            let is_end = byte == b'\n';
            match byte {
                _ if comment && !is_end => continue,
                b'#' if !self.quoted => {
                    comment = true;
                    continue;
                }
                // A quote never goes on over a line's end.
                b'"' => self.quoted = !self.quoted,
                b'\n' => (self.quoted, comment) = (false, false),
                _ => {}
            }
            match self.inside {
                true => self.within(byte, feed),
                false => self.outside(byte),
            }
            self.line += u64::from(is_end);
        }
        if self.inside {
            feed.problems.push(Position::Line(self.line), "a set is not closed; } belongs there");
        }
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b'{' if !self.quoted => {
                self.inside = is_set(&self.statement);
                self.statement.clear();
            }
            b'}' | b';' | b'\n' if !self.quoted => self.statement.clear(),
            _ if self.statement.len() < ELEMENT_BYTES_MAX => self.statement.push(byte),
            _ => {}
        }
    }

    fn within(&mut self, byte: u8, feed: &mut Feed) {
        match byte {
            b',' | b'}' if !self.quoted => {
                let element = std::mem::take(&mut self.element);
                self.take(&element, feed);
                self.inside = byte == b',';
            }
            _ if self.element.len() < ELEMENT_BYTES_MAX => self.element.push(byte),
            _ => {}
        }
    }

    fn take(&self, element: &[u8], feed: &mut Feed) {
        let text = String::from_utf8_lossy(element);
        let text = text.trim();
        let place = Position::Line(self.line);
        let mut words = text.split_whitespace();
        // `192.0.2.1 . tcp . 80`, `192.0.2.1 : accept`: the address alone is kept.
        let Some(first) = words.next() else { return };
        let second = words.next().unwrap_or_default();
        match query::parse(first) {
            Ok(found) => {
                if second == "." || second == ":" {
                    let what = "ports and what else stands beside an address are not kept";
                    feed.problems.tally(place, what);
                }
                feed.listed(found.range(), None, &note(text));
            }
            Err(_) if first.starts_with('$') || first.starts_with('@') => {
                let what = "a name of another set or variable is not followed";
                feed.problems.push(place, format!("{what}: {}", text::shown(first)));
            }
            Err(error) => feed.problems.push(place, format!("{error}: {}", text::shown(first))),
        }
    }
}

/// Comment and time-out of an element.
fn note(text: &str) -> String {
    let comment = text.split_once("comment \"").map(|(_, rest)| rest);
    let comment = comment.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let timeout = text.split_once("timeout ").map(|(_, rest)| rest);
    match timeout.and_then(|rest| rest.split_whitespace().next()) {
        Some(timeout) if comment.is_empty() => format!("timeout {timeout}"),
        Some(timeout) => format!("{comment}, timeout {timeout}"),
        None => comment.to_owned(),
    }
}

/// Whether what stands before a brace begins the elements of a set.
fn is_set(statement: &[u8]) -> bool {
    let text = String::from_utf8_lossy(statement);
    let text = text.trim();
    match text.strip_suffix('=').map(str::trim) {
        Some("elements") => true,
        Some(defined) => defined.starts_with("define ") || defined.starts_with("redefine "),
        // `add element inet filter bad { … }`
        None => text.split_whitespace().take(2).any(|word| word == "element"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn elements_of_sets_with_time_outs_and_comments() {
        let feed = check(
            "table inet filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval,timeout\n\
             \t\telements = { 192.0.2.0/24 timeout 1d expires 3h comment \"a, b {\",\n\
             \t\t\t     198.51.100.1-198.51.100.9, 203.0.113.7 . tcp . 80,\n\
             \t\t\t     what }\n\t}\n\
             \tchain input {\n\t\tip saddr @bad drop\n\t\tip saddr { 10.0.0.1 } accept\n\t}\n}\n\
             define six = { 2001:db8::/32, $other } # 192.0.2.99\n\
             add element inet filter bad { 203.0.113.9 }\n",
            "nftables",
            &[
                "192.0.2.0-192.0.2.255",
                "198.51.100.1-198.51.100.9",
                "203.0.113.7",
                "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "203.0.113.9",
                ":6 ports and what else stands beside an address are not kept x1",
                ":7 not an address, prefix or range x1",
                ":14 a name of another set or variable is not followed x1",
            ],
        );
        assert_eq!(feed.examples[0].what, "a, b {, timeout 1d");
    }

    #[test]
    fn a_set_that_is_cut_off_is_told() {
        check(
            "add element ip t s { 192.0.2.1,\n 192.0.2.2",
            "nftables",
            &["192.0.2.1", ":2 a set is not closed x1"],
        );
    }
}
