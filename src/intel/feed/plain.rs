//! Plain lists: an address, prefix or range a line, with comments and columns beside it.
//!
//! The smallest format to copy. FireHOL's `.netset` and `.ipset` files, X4BNet's, Tor's
//! `torbulkexitlist` and most others are of this form; what they mean is told by name.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, Sample, Sureness, text};
use crate::import::list::{Reader, begins_with_entry};

/// The format.
pub(super) struct Plain;

impl FeedFormat for Plain {
    fn about(&self) -> &'static About {
        &About {
            id: "plain",
            reads: "Addresses, prefixes and ranges, one a line, with comments and dates",
            misses: "names, which are not resolved; columns beside address and date",
            source: "what publishers of lists do; FireHOL's and X4BNet's lists among them",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        match sample.share(begins_with_entry) {
            share if share >= 0.5 => Sureness::Likely,
            share if share > 0.0 => Sureness::Fallback,
            _ => Sureness::No,
        }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut reader = Reader::default();
        let mut line = |number, line, feed: &mut Feed| {
            let Some(entry) = reader.line(number, line, &mut feed.problems) else { return };
            let note = entry.comment.map(str::to_owned).unwrap_or_else(|| entry.rest.join(" "));
            feed.listed(entry.query.range(), entry.dated(), &note);
        };
        text::lines(&bytes, &mut line, feed);
        reader.finish(&mut feed.problems);
        feed.date = reader.made;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn lists_with_their_date_and_what_is_wrong_in_them() {
        let feed = check(
            "# Last update: Sat, 22 Aug 2026 03:00:29 +0200\n192.0.2.1\t7\n198.51.100.0/24 # x\n\
             203.0.113.9,2026-06-05\nnonsense\n2001:db8::/32\n",
            "plain",
            &[
                "192.0.2.1",
                "198.51.100.0-198.51.100.255",
                "203.0.113.9 2026-06-05",
                "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                ":5 not an address, prefix or range x1",
            ],
        );
        assert_eq!(feed.date.unwrap().to_date(), "2026-08-22");
        assert_eq!((feed.counts().v4, feed.counts().v6), (3, 1));
        assert_eq!(feed.examples[1].what, "x");
    }

    #[test]
    fn headers_of_firehol_have_dates() {
        let feed = check(
            "#\n# example\n#\n# ipv4 hash:net ipset\n#\n\
             # This File Date  : Fri Jun  5 03:12:44 UTC 2026\n#\n192.0.2.0/24\n",
            "plain",
            &["192.0.2.0-192.0.2.255"],
        );
        assert_eq!(feed.date.unwrap().to_date(), "2026-06-05");
    }
}
