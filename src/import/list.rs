//! One entry of a list: an address, prefix or range, with what the list says beside it.
//!
//! Lists are plain: one entry a line, `#`, `;`, `//` or `!` before comments, further columns after
//! a blank, comma, semicolon, tab or bar. Some begin with a heading without any mark, and most say
//! somewhere at the top when they were made. [`read_entries`] is for lists given as lists;
//! `address_list` opens one as a file to look at.

use super::when;
use crate::model::query::{self, Query};
use crate::model::{AddrRange, Position, Problems, Timestamp, Visible};

/// Lines without an address before the first entry that are taken as a heading. The Tor lists of
/// 2026 have three.
pub const HEADING_LINES_MAX: usize = 8;

/// Columns in which the address is sought, where it is not the first.
const COLUMNS_TRIED: usize = 8;

/// Bytes of a line shown in a problem.
const SHOWN_BYTES_MAX: usize = 80;

/// One entry: what it stands for, and since when, by its own date or the list's.
pub type Entry = (AddrRange, Option<Timestamp>);

/// Reads a list whole.
///
/// An entry's time is the date in its own line, else the date at the head of the list ("Last
/// update: …"), else `None`. What cannot be read is a problem; a heading of up to
/// [`HEADING_LINES_MAX`] lines is none.
///
/// ```
/// use infralock::import::list::read_entries;
/// let text = "# Updated: 2026-06-05\n192.0.2.1\t7\n198.51.100.0/24\n192.0.2.300\n";
/// let (entries, problems) = read_entries(text.lines().map(str::as_bytes));
/// assert_eq!(entries.len(), 2);
/// assert_eq!(entries[0].1, "2026-06-05".parse().ok());
/// assert_eq!(problems.total(), 1);
/// ```
pub fn read_entries<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Entry>, Problems) {
    let mut reader = Reader::default();
    let (mut entries, mut problems) = (Vec::new(), Problems::new());
    for (number, line) in (1..).zip(lines) {
        if let Some(entry) = reader.line(number, line, &mut problems) {
            let since = entry.dated().or(reader.made);
            entries.push((entry.query.range(), since));
        }
    }
    reader.finish(&mut problems);
    (entries, problems)
}

/// A line of a list that holds an entry.
#[derive(Clone, Debug)]
pub(crate) struct EntryLine<'a> {
    pub(crate) query: Query,
    /// The columns that are not the entry, in their order.
    pub(crate) rest: Vec<&'a str>,
    /// What stands behind a comment's mark.
    pub(crate) comment: Option<&'a str>,
}

impl EntryLine<'_> {
    /// A date in one of the other columns.
    pub(crate) fn dated(&self) -> Option<Timestamp> {
        let iso = |text: &&str| when::leading(text.as_bytes(), 0).map(|(time, _)| time);
        self.rest.iter().chain(&self.comment).find_map(iso)
    }
}

/// Reads a list line by line.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// When the list says it was made.
    pub(crate) made: Option<Timestamp>,
    /// Lines taken as a heading so far, as (number, what is wrong if they are none).
    heading: Vec<(u64, String)>,
    begun: bool,
}

impl Reader {
    /// Takes a line; `None` for blanks, comments, the heading and what is broken.
    pub(crate) fn line<'a>(
        &mut self,
        number: u64,
        line: &'a [u8],
        problems: &mut Problems,
    ) -> Option<EntryLine<'a>> {
        let Ok(text) = std::str::from_utf8(line) else {
            problems.push(Position::Line(number), "not UTF-8 text; a list is plain text");
            return None;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return None;
        }
        if is_comment(text) {
            self.look_for_date(text);
            return None;
        }
        match entry(text) {
            Ok(entry) => {
                self.begun = true;
                self.heading.clear();
                Some(entry)
            }
            Err(what) => {
                let shown = text.get(..text.floor_char_boundary(SHOWN_BYTES_MAX)).unwrap_or(text);
                let what = format!("{what}: {}", Visible(shown));
                self.broken(number, text, what, problems);
                None
            }
        }
    }

    /// A line that is no entry: a heading if nothing but words came before.
    fn broken(&mut self, number: u64, text: &str, what: String, problems: &mut Problems) {
        let wordy = text.split(is_gap).next().is_none_or(|first| {
            first.bytes().any(|byte| !byte.is_ascii_hexdigit() && !b".:/".contains(&byte))
        });
        if !self.begun && wordy && self.heading.len() < HEADING_LINES_MAX {
            self.look_for_date(text);
            self.heading.push((number, what));
            return;
        }
        // Not a heading after all.
        self.begun = true;
        self.finish(problems);
        problems.push(Position::Line(number), what);
    }

    /// At the end: a heading that nothing followed was none.
    pub(crate) fn finish(&mut self, problems: &mut Problems) {
        for (number, what) in self.heading.drain(..) {
            problems.push(Position::Line(number), what);
        }
    }

    fn look_for_date(&mut self, text: &str) {
        const WORDS: [&str; 8] =
            ["updat", "generat", "creat", "modif", "publi", "date", "as of", "export"];
        if self.begun || self.made.is_some() {
            return;
        }
        let text = text.trim_start_matches(['#', ';', '/', '!', ' ']).trim();
        if let Some(time) = when::parse(text, 0).filter(|_| text.len() >= 10) {
            self.made = Some(time);
            return;
        }
        let lower = text.to_ascii_lowercase();
        if WORDS.iter().any(|word| lower.contains(word)) {
            let after_colon = text.split_once(':').map(|(_, rest)| rest.trim());
            // FireHOL writes dates as date(1) does: Fri Jun  5 03:12:44 UTC 2026.
            let stated = after_colon.and_then(|rest| {
                when::parse(rest, 0).or_else(|| when::parse(&rest.replace(" UTC ", " "), 0))
            });
            self.made = stated.or_else(|| date_within(text));
        }
    }
}

/// The first ISO date in a text.
fn date_within(text: &str) -> Option<Timestamp> {
    let words = text.split([' ', ',', '(', ')', '\t']);
    words.filter_map(|word| when::leading(word.as_bytes(), 0)).map(|(time, _)| time).next()
}

pub(crate) fn is_comment(text: &str) -> bool {
    text.starts_with(['#', ';', '!']) || text.starts_with("//")
}

fn is_gap(character: char) -> bool {
    character.is_whitespace() || matches!(character, ',' | ';' | '|')
}

/// Columns beside the entry in a file that is a list rather than a log.
const COLUMNS_BESIDE_MAX: usize = 4;

/// Whether a line is an entry with at most a few short columns beside it, as only lists have.
pub(crate) fn begins_with_entry(text: &str) -> bool {
    let (text, _) = split_comment(text);
    let mut columns = text.split(is_gap).filter(|column| !column.is_empty());
    let first = columns.next().is_some_and(|first| query::parse(first).is_ok());
    let beside = columns.by_ref().take(COLUMNS_BESIDE_MAX + 1);
    first && beside.filter(|column| column.len() <= 40).count() <= COLUMNS_BESIDE_MAX
}

/// The entry and what follows a mark with a blank before it.
fn split_comment(text: &str) -> (&str, Option<&str>) {
    let marks = [" #", "\t#", " ;", "\t;", " //", "\t//"];
    let Some(at) = marks.iter().filter_map(|mark| text.find(mark)).min() else {
        return (text, None);
    };
    let (entry, comment) = text.split_at_checked(at).unwrap_or((text, ""));
    let comment = comment.trim_start_matches(['#', ';', '/', ' ', '\t']).trim_end();
    (entry, (!comment.is_empty()).then_some(comment))
}

/// Reads a line that is neither blank nor a comment.
pub(super) fn entry(text: &str) -> Result<EntryLine<'_>, &'static str> {
    // Most lines of most lists are an address alone.
    if let Ok(addr) = text.parse() {
        let query = Query::Addr { addr, port: None, zone: None };
        return Ok(EntryLine { query, rest: vec![], comment: None });
    }
    let (text, comment) = split_comment(text);
    let columns: Vec<&str> =
        text.split(is_gap).filter(|column| !column.is_empty()).take(64).collect();
    let first = columns.first().copied().unwrap_or(text);
    if let [_, "-" | "–" | "—", _, ..] = columns.as_slice()
        && let Ok(range) = query::parse(&columns.get(..3).unwrap_or_default().concat())
    {
        let rest = columns.get(3..).unwrap_or_default().to_vec();
        return Ok(EntryLine { query: range, rest, comment });
    }
    let error = match query::parse(first) {
        Ok(query) => {
            let rest = columns.get(1..).unwrap_or_default().to_vec();
            return Ok(EntryLine { query, rest, comment });
        }
        Err(error) => error,
    };
    for (at, column) in columns.iter().enumerate().take(COLUMNS_TRIED).skip(1) {
        if let Some(query) =
            column.contains(['.', ':']).then(|| query::parse(column).ok()).flatten()
        {
            let mut rest = columns.clone();
            rest.remove(at);
            return Ok(EntryLine { query, rest, comment });
        }
    }
    // `Some name:192.0.2.1-192.0.2.9`, as peer-to-peer filters have it.
    let found = query::find_all(text.as_bytes()).next();
    found.map(|found| EntryLine { query: found.query, rest: vec![], comment }).ok_or(error.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str], problems: u64) {
        let (entries, found) = read_entries(text.lines().map(str::as_bytes));
        let said: Vec<String> = entries
            .iter()
            .map(|(range, since)| {
                let since = since.map_or(String::new(), |since| format!(" {}", since.to_date()));
                format!("{range}{since}")
            })
            .collect();
        assert_eq!(said, expected, "{text}");
        assert_eq!(found.total(), problems, "{text}: {:?}", found.rows());
    }

    #[test]
    fn lists_as_they_are_published() {
        check(
            "# c\n\n192.0.2.1\t7\n; c\n// c\n192.0.2.2 # why\n",
            &["192.0.2.1-192.0.2.1", "192.0.2.2-192.0.2.2"],
            0,
        );
        check(
            "Updated:\nThu Apr 30 2026 21:30:06 UTC\n-----\n192.0.2.1\n",
            &["192.0.2.1-192.0.2.1 2026-04-30"],
            0,
        );
        check(
            "# Last update: Sat, 22 Aug 2026 03:00:29 +0200\n192.0.2.1\n",
            &["192.0.2.1-192.0.2.1 2026-08-22"],
            0,
        );
        check("socks4 192.0.2.1 1080 192.0.2.9\n", &["192.0.2.1-192.0.2.1"], 0);
        check(
            "ip,seen\n192.0.2.1,2026-06-05\n192.0.2.0 - 192.0.2.9\n192.0.2.0/31",
            &["192.0.2.1-192.0.2.1 2026-06-05", "192.0.2.0-192.0.2.9", "192.0.2.0-192.0.2.1"],
            0,
        );
        check("A school:192.0.2.0-192.0.2.9\n", &["192.0.2.0-192.0.2.9"], 0);
        check(
            "192[.]0[.]2[.]1\nhxxp://192.0.2[.]2/x\n",
            &["192.0.2.1-192.0.2.1", "192.0.2.2-192.0.2.2"],
            0,
        );
    }

    #[test]
    fn broken_lines_are_problems_and_headings_are_not() {
        check("192.0.2.300\n192.0.2.1\n", &["192.0.2.1-192.0.2.1"], 1);
        check("192.0.2.1\nhello\n192.0.2.010\n", &["192.0.2.1-192.0.2.1"], 2);
        check("only\nwords\n", &[], 2);
        let heading = "word\n".repeat(HEADING_LINES_MAX);
        check(&format!("{heading}192.0.2.1"), &["192.0.2.1-192.0.2.1"], 0);
        check(
            &format!("{heading}word\n192.0.2.1"),
            &["192.0.2.1-192.0.2.1"],
            HEADING_LINES_MAX as u64 + 1,
        );
    }
}
