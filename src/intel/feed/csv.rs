//! Tables: CSV and its relatives, with the column of addresses found by its name or its content.

use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, Sample, Sureness, text};
use crate::import::when;
use crate::model::{AddrRange, Position, query};

/// Columns of one table.
const COLUMNS_MAX: usize = 256;

/// Rows by which a column is found where no heading names it.
const ROWS_LOOKED_AT: usize = 200;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

const ADDRS: [&str; 24] = [
    "ip",
    "ipaddress",
    "ipaddr",
    "address",
    "addr",
    "network",
    "prefix",
    "cidr",
    "subnet",
    "iprange",
    "range",
    "indicator",
    "ipv4",
    "ipv6",
    "srcip",
    "sourceip",
    "dstip",
    "dstipaddress",
    "host",
    "ipprefix",
    "value",
    "networkaddress",
    "ioc",
    "attackerip",
];
const FIRSTS: [&str; 6] = ["startip", "ipstart", "firstip", "ipfrom", "start", "rangestart"];
const LASTS: [&str; 6] = ["endip", "ipend", "lastip", "ipto", "end", "rangeend"];
const SINCE: [&str; 13] = [
    "lastseen",
    "lastseenutc",
    "lastreported",
    "lastonline",
    "date",
    "updated",
    "timestamp",
    "seen",
    "firstseen",
    "firstseenutc",
    "since",
    "added",
    "reporteddate",
];
const NOTES: [&str; 15] = [
    "comment",
    "description",
    "malware",
    "threat",
    "tags",
    "tag",
    "category",
    "reason",
    "name",
    "note",
    "score",
    "confidence",
    "risk",
    "severity",
    "threattype",
];

/// The format.
pub(super) struct Csv;

impl FeedFormat for Csv {
    fn about(&self) -> &'static About {
        &About {
            id: "csv",
            reads: "Tables with a column of addresses, prefixes or ranges, with dates and notes",
            misses: "scores, which are shown and not weighed; further columns of addresses",
            source: "RFC 4180; also semicolons, tabs and bars",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let lines: Vec<&str> = sample.lines().take(ROWS_LOOKED_AT).collect();
        let Some(layout) = Layout::find(&lines) else { return Sureness::No };
        // Without a heading, a list with a column or two beside it is read as a list.
        match layout.is_named || layout.addr > 0 {
            true => Sureness::Likely,
            false => Sureness::Fallback,
        }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let sample = Sample { head: bytes, tail: &[], is_whole: true };
        let lines: Vec<&str> = sample.lines().take(ROWS_LOOKED_AT).collect();
        let Some(layout) = Layout::find(&lines) else {
            feed.problems.push(Position::Whole, "no column holds addresses; name it `ip`");
            return;
        };
        let mut reader = ::csv::ReaderBuilder::new()
            .delimiter(layout.delimiter)
            .flexible(true)
            .has_headers(false)
            .trim(::csv::Trim::All)
            .from_reader(bytes);
        let (mut row, mut is_heading) = (::csv::ByteRecord::new(), layout.is_named);
        loop {
            let more = reader.read_byte_record(&mut row);
            let line = row.position().map_or(0, ::csv::Position::line);
            match more {
                Ok(false) => break,
                Ok(true) if is_comment(&row) => {}
                Ok(true) if is_heading => is_heading = false,
                Ok(true) => layout.take(&row, line, feed),
                Err(error) => {
                    feed.problems.push(Position::Line(line), error.to_string());
                    break;
                }
            }
        }
    }
}

fn is_comment(row: &::csv::ByteRecord) -> bool {
    let first = row.get(0).unwrap_or_default();
    first.starts_with(b"#") || row.iter().all(<[u8]>::is_empty)
}

/// Where what stands.
#[derive(Debug)]
struct Layout {
    delimiter: u8,
    addr: usize,
    /// The end of a range that the address begins.
    last: Option<usize>,
    since: Option<usize>,
    notes: Vec<usize>,
    is_named: bool,
}

impl Layout {
    /// Looks at the first lines; `None`: no column holds addresses.
    fn find(lines: &[&str]) -> Option<Self> {
        let body: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with('#')).collect();
        // abuse.ch names the columns in a comment.
        let commented = lines.iter().rev().find(|line| line.starts_with('#') && line.contains(','));
        DELIMITERS.into_iter().find_map(|delimiter| {
            let first = cells(body.first()?, delimiter);
            let named = (first.len() > 1).then(|| Self::named(&first, delimiter)).flatten();
            let commented = commented.and_then(|line| {
                let mut named =
                    Self::named(&cells(line.trim_start_matches(['#', ' ']), delimiter), delimiter)?;
                named.is_named = false;
                Some(named)
            });
            named.or(commented).or_else(|| Self::by_content(&body, delimiter))
        })
    }

    fn named(names: &[String], delimiter: u8) -> Option<Self> {
        let plain: Vec<String> = names
            .iter()
            .map(|name| {
                let letters = name.chars().filter(char::is_ascii_alphanumeric);
                letters.collect::<String>().to_ascii_lowercase()
            })
            .collect();
        let at = |wanted: &[&str]| {
            wanted.iter().find_map(|wanted| plain.iter().position(|name| name == wanted))
        };
        let (addr, last) = match at(&FIRSTS).zip(at(&LASTS)) {
            Some((first, last)) => (first, Some(last)),
            None => (at(&ADDRS)?, None),
        };
        let notes = (0..plain.len())
            .filter(|&at| plain.get(at).is_some_and(|name| NOTES.contains(&name.as_str())));
        let notes = notes.collect();
        Some(Self { delimiter, addr, last, since: at(&SINCE), notes, is_named: true })
    }

    /// The column that holds addresses in most rows.
    fn by_content(body: &[&str], delimiter: u8) -> Option<Self> {
        let mut held = vec![0_usize; COLUMNS_MAX];
        let mut wide = 0_usize;
        for line in body {
            let cells = cells(line, delimiter);
            wide += usize::from(cells.len() > 1);
            for (count, cell) in held.iter_mut().zip(&cells) {
                *count += usize::from(range(cell).is_some());
            }
        }
        let most = held.iter().copied().max().filter(|&most| most * 2 > body.len())?;
        let addr = held.iter().position(|&count| count == most)?;
        let is_table = wide * 10 >= body.len() * 9;
        let layout =
            Self { delimiter, addr, last: None, since: None, notes: vec![], is_named: false };
        is_table.then_some(layout)
    }

    fn take(&self, row: &::csv::ByteRecord, line: u64, feed: &mut Feed) {
        let place = Position::Line(line);
        let cell = |at: usize| String::from_utf8_lossy(row.get(at).unwrap_or_default());
        let text = cell(self.addr);
        let found = match self.last.map(cell) {
            Some(last) => range(&format!("{text}-{last}")),
            None => range(&text),
        };
        let Some(found) = found else {
            let what = "no address, prefix or range in the column of addresses";
            feed.problems.push(place, format!("{what}: {}", text::shown(&text)));
            return;
        };
        let dated = self.since.map(cell).filter(|text| !text.is_empty());
        let since = dated.as_ref().and_then(|text| when::parse(text, 0));
        if let (Some(text), None) = (dated, since) {
            feed.problems.push(place, format!("not a date: {}", text::shown(&text)));
        }
        let notes: Vec<_> = self.notes.iter().map(|&at| cell(at)).collect();
        let notes: Vec<&str> =
            notes.iter().map(AsRef::as_ref).filter(|it| !it.is_empty()).collect();
        feed.listed(found, since, &notes.join(", "));
    }
}

/// An address with anything that stands for one: a whole number of 32 bits does not.
fn range(cell: &str) -> Option<AddrRange> {
    cell.contains(['.', ':']).then(|| query::parse(cell).ok()).flatten().map(|query| query.range())
}

fn cells(line: &str, delimiter: u8) -> Vec<String> {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(::csv::Trim::All)
        .from_reader(line.as_bytes());
    let mut row = ::csv::ByteRecord::new();
    if !reader.read_byte_record(&mut row).unwrap_or(false) {
        return Vec::new();
    }
    let cells = row.iter().take(COLUMNS_MAX);
    cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn columns_are_found_by_their_names() {
        let feed = check(
            "id;IP Address;First Seen;Comment\n1;192.0.2.1;2026-06-05;\"one; two\"\n\
             2;198.51.100.0/24;;\n3;nowhere;2026-06-05;x\n4;2001:db8::1;soon;y\n",
            "csv",
            &[
                "192.0.2.1 2026-06-05",
                "198.51.100.0-198.51.100.255",
                "2001:db8::1",
                ":4 no address, prefix or range in the column of addresses x1",
                ":5 not a date x1",
            ],
        );
        assert_eq!(feed.examples[0].what, "since 2026-06-05, one; two");
    }

    #[test]
    fn ranges_in_two_columns_and_names_in_a_comment() {
        check("start_ip,end_ip,asn\n192.0.2.0,192.0.2.9,64500\n", "csv", &["192.0.2.0-192.0.2.9"]);
        check(
            "# made 2026\n# first_seen_utc,dst_ip,dst_port,malware\n\
             \"2026-06-05 03:12:44\",\"192.0.2.7\",443,Emo\n",
            "csv",
            &["192.0.2.7 2026-06-05"],
        );
    }

    #[test]
    fn columns_are_found_by_what_they_hold() {
        check(
            "a|192.0.2.1|x\nb|192.0.2.2|y\nc|192.0.2.3|z\n",
            "csv",
            &["192.0.2.1", "192.0.2.2", "192.0.2.3"],
        );
    }
}
