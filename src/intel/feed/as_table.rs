//! AS tables: `prefix,number,name` a line, as `--as-table` reads them.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::import::as_table;
use crate::model::query;

/// The format.
pub(super) struct AsTable;

impl FeedFormat for AsTable {
    fn about(&self) -> &'static About {
        &About {
            id: "as-table",
            reads: "AS tables: prefix or range, AS number, name",
            misses: "further columns",
            source: "what routing exports and spreadsheets give",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let share = sample.share(|line| {
            let mut cells = line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"'));
            let range = cells.next().and_then(|cell| query::parse(cell).ok());
            let is_wide = range.is_some_and(|range| range.addr().is_none());
            let number = cells.next().unwrap_or_default();
            let marked = number.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("as"));
            let digits = if marked { number.get(2..).unwrap_or_default() } else { number };
            let is_number = digits.parse::<u32>().is_ok_and(|asn| asn > 0);
            let named = cells.next().is_some_and(|name| name.parse::<f64>().is_err());
            is_wide && is_number && (marked || named)
        });
        if share > 0.8 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let (rows, problems) = as_table::read(&bytes);
        for (range, asn, name) in rows {
            let system = feed.named_system(asn, name);
            feed.system(range, system);
        }
        feed.problems.extend(problems);
        feed.suggested = Some(FeedKind::Systems);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn owners_of_prefixes() {
        check(
            "192.0.2.0/24,AS64500,\"Example, Inc.\"\n2001:db8::/32,64501,Other\n\
             198.51.100.0/24,x,y\n\
             203.0.113.0/24,64502,a\n203.0.113.0/25,64502,a\n203.0.113.128/25,64502,a\n",
            "as-table",
            &[
                "192.0.2.0-192.0.2.255 AS64500 Some(\"Example, Inc.\")",
                "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff AS64501 Some(\"Other\")",
                "203.0.113.0-203.0.113.255 AS64502 Some(\"a\")",
                "203.0.113.0-203.0.113.127 AS64502 Some(\"a\")",
                "203.0.113.128-203.0.113.255 AS64502 Some(\"a\")",
                ":3 not an AS number x1",
            ],
        );
    }
}
