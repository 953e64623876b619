//! Zeek's intelligence files: `#fields indicator indicator_type meta.source …`, tab-separated.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::{ListMeaning, Position, query};

/// Columns of one file.
const COLUMNS_MAX: usize = 64;

/// The format.
pub(super) struct ZeekIntel;

impl FeedFormat for ZeekIntel {
    fn about(&self) -> &'static About {
        &About {
            id: "zeek-intel",
            reads: "Zeek's intelligence files: Intel::ADDR and Intel::SUBNET, with their source",
            misses: "all other types of indicators, which are counted",
            source: "https://docs.zeek.org/en/master/frameworks/intel.html",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let is_header = |line: &str| {
            line.starts_with("#fields") && line.split('\t').any(|name| name == "indicator_type")
        };
        if sample.lines().take(50).any(is_header) { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let (mut columns, mut others) = (None, 0_u64);
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            if let Some(names) = text.strip_prefix("#fields\t") {
                columns = Columns::named(names);
            } else if !text.is_empty() && !text.starts_with('#') {
                others += u64::from(row(number, &text, columns.as_ref(), feed) == Row::Other);
            }
        };
        text::lines(&bytes, &mut line, feed);
        if others > 0 {
            feed.notes
                .push(format!("{others} indicators are no addresses: names, hashes and such"));
        }
        feed.suggested = Some(FeedKind::List(ListMeaning::Hostile));
    }
}

struct Columns {
    indicator: usize,
    kind: usize,
    source: Option<usize>,
    what: Option<usize>,
}

impl Columns {
    fn named(names: &str) -> Option<Self> {
        let names: Vec<&str> = names.split('\t').take(COLUMNS_MAX).collect();
        let at = |wanted: &str| names.iter().position(|name| *name == wanted);
        Some(Self {
            indicator: at("indicator")?,
            kind: at("indicator_type")?,
            source: at("meta.source"),
            what: at("meta.desc"),
        })
    }
}

#[derive(PartialEq)]
enum Row {
    Read,
    Other,
}

fn row(number: u64, line: &str, columns: Option<&Columns>, feed: &mut Feed) -> Row {
    let place = Position::Line(number);
    let Some(columns) = columns else {
        feed.problems.tally(place, "a row before #fields; name the columns first");
        return Row::Read;
    };
    let cells: Vec<&str> = line.split('\t').take(COLUMNS_MAX).collect();
    let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
    if !["Intel::ADDR", "Intel::SUBNET"].contains(&cell(columns.kind)) {
        return Row::Other;
    }
    match query::parse(cell(columns.indicator)) {
        Ok(found) => {
            let notes = [columns.source, columns.what].into_iter().flatten().map(cell);
            let notes: Vec<&str> = notes.filter(|note| !["", "-"].contains(note)).collect();
            feed.listed(found.range(), None, &notes.join(", "));
        }
        Err(error) => {
            let what = format!("{error}: {}", text::shown(cell(columns.indicator)));
            feed.problems.push(place, what);
        }
    }
    Row::Read
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn addresses_and_subnets_with_their_source() {
        let feed = check(
            "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n\
             192.0.2.1\tIntel::ADDR\tours\ta scanner\n198.51.100.0/24\tIntel::SUBNET\tours\t-\n\
             bad.example\tIntel::DOMAIN\tours\t-\n192.0.2.300\tIntel::ADDR\tours\t-\n",
            "zeek-intel",
            &[
                "192.0.2.1",
                "198.51.100.0-198.51.100.255",
                "note 1 indicators are no addresses: names, hashes and such",
                ":5 not an address, prefix or range x1",
            ],
        );
        assert_eq!(feed.examples[0].what, "ours, a scanner");
        assert_eq!(feed.kind().word(), "hostile");
    }
}
