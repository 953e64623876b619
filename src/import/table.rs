//! Tables: CSV and its relatives, with an address in some column.
//!
//! The delimiter, whether there is a header, and which column holds the address are told from the
//! first [`SAMPLE_ROWS`] rows; what was chosen is said in `assumed.notes`. A row then becomes
//! fields named by the header, and [`roles`] finds their meaning.

use std::borrow::Cow;

use super::fields::{Fields, Val};
use super::roles::{self, Names, Role};
use super::when::Zone;
use super::{About, Assumed, Format, Line, Listed, Out, Parse, Settings, Sureness};
use crate::model::query::{self, Query};
use crate::model::{Position, Untrusted};

/// Rows looked at before the first one is read.
pub(super) const SAMPLE_ROWS: usize = 64;

/// Columns of a table. Exports of security products reach two hundred.
pub(super) const COLUMNS_MAX: usize = 512;

/// The format.
pub(super) struct Table;

impl Format for Table {
    fn about(&self) -> &'static About {
        &About {
            id: "csv",
            reads: "CSV, TSV and kin with an address in some column",
            misses: "quoted values that run over the end of a line",
            source: "RFC 4180",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        if head.iter().take(16).any(|line| fields_of(line).is_some()) {
            return Sureness::Certain;
        }
        let Some(delimiter) = delimiter_of(head.iter().copied()) else { return Sureness::No };
        let rows: Vec<Vec<Cow<'_, str>>> = head
            .iter()
            .filter(|line| is_row(line))
            .take(SAMPLE_ROWS)
            .filter_map(|line| split(line, delimiter).ok())
            .collect();
        match Shape::of(&rows) {
            // Two columns without names are a list with a remark.
            Some(shape) if shape.header => Sureness::Likely,
            // Programs draw bars between the parts of their messages, too.
            Some(_) if delimiter == b'|' => Sureness::No,
            // A row of addresses alone is somebody's list on one line.
            Some(_) if rows.first().is_some_and(|row| is_addresses(row)) => Sureness::No,
            Some(_) if rows.first().is_some_and(|row| row.len() > 2) => Sureness::Likely,
            _ => Sureness::No,
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Reader {
            settings,
            names: Names::default(),
            waiting: Vec::new(),
            chosen: None,
            has_gaps: false,
            zone: Zone::default(),
        })
    }
}

/// The names of columns in a comment, if commas stand between them.
fn fields_of(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"#Fields: ").filter(|names| names.contains(&b','))
}

fn is_source((role, _): (Role, u16)) -> bool {
    role == Role::Src
}

fn is_row(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    !line.is_empty() && line.first() != Some(&b'#')
}

/// The delimiter that gives most rows the same number of columns, at least two.
fn delimiter_of<'l>(lines: impl Iterator<Item = &'l [u8]> + Clone) -> Option<u8> {
    let rows = lines.filter(|line| is_row(line)).take(SAMPLE_ROWS);
    let mut best: Option<(usize, usize, u8)> = None;
    for delimiter in [b',', b'\t', b';', b'|'] {
        let counts: Vec<usize> = rows
            .clone()
            .map(|line| split(line, delimiter).map_or(0, |cells| cells.len()))
            .collect();
        let like = |count: usize| counts.iter().filter(|&&other| other == count).count();
        let several = counts.iter().copied().filter(|&count| count > 1);
        let Some(usual) = several.max_by_key(|&count| (like(count), count)) else { continue };
        let alike = like(usual);
        // The last line of the head may be cut.
        let most = (alike + 1) * 10 >= counts.len() * 8 && alike * 2 >= counts.len();
        if most && best.is_none_or(|(known, width, _)| (alike, usual) > (known, width)) {
            best = Some((alike, usual, delimiter));
        }
    }
    best.map(|(_, _, delimiter)| delimiter)
}

/// Cells of one row (RFC 4180): quotes around a cell, doubled inside.
fn split(line: &[u8], delimiter: u8) -> Result<Vec<Cow<'_, str>>, &'static str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        if cells.len() >= COLUMNS_MAX {
            return Err("more columns than are read; split the table");
        }
        let (cell, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted_cell(quoted, delimiter)?,
            None => {
                let end = memchr::memchr(delimiter, rest);
                let (cell, after) = match end.and_then(|end| rest.split_at_checked(end)) {
                    Some((cell, after)) => (cell, after.get(1..)),
                    None => (rest, None),
                };
                (String::from_utf8_lossy(cell.trim_ascii()), after)
            }
        };
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return Ok(cells),
        }
    }
}

type Cell<'l> = (Cow<'l, str>, Option<&'l [u8]>);

/// A cell after its opening quote, and what follows its delimiter.
fn quoted_cell(quoted: &[u8], delimiter: u8) -> Result<Cell<'_>, &'static str> {
    const OPEN: &str = "a quoted value without its closing quote; it must end on its line";
    let mut plain: Option<Vec<u8>> = None;
    let mut rest = quoted;
    loop {
        let end = memchr::memchr(b'"', rest).ok_or(OPEN)?;
        let (part, after) = rest.split_at_checked(end).ok_or(OPEN)?;
        let after = after.get(1..).unwrap_or_default();
        match after.first() {
            Some(b'"') => {
                let plain = plain.get_or_insert_default();
                plain.extend_from_slice(part);
                plain.push(b'"');
                rest = after.get(1..).unwrap_or_default();
            }
            other => {
                let next = match other {
                    None => None,
                    Some(&byte) if byte == delimiter => after.get(1..),
                    Some(_) => return Err("text after a closing quote; double the quotes inside"),
                };
                let cell = match plain {
                    None => String::from_utf8_lossy(part),
                    Some(mut plain) => {
                        plain.extend_from_slice(part);
                        Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
                    }
                };
                return Ok((cell, next));
            }
        }
    }
}

/// Which column holds the address, and whether the first row names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    addr_column: usize,
    header: bool,
}

impl Shape {
    /// `None`: no column holds addresses in at least half of the rows.
    fn of(rows: &[Vec<Cow<'_, str>>]) -> Option<Self> {
        let (first, others) = rows.split_first()?;
        let first_has = |at: usize| first.get(at).is_some_and(|cell| is_addr(cell));
        let header = !(0..first.len()).any(first_has) && first.iter().all(|cell| is_word(cell));
        let sample = if header { others } else { rows };
        let share = |at: usize| {
            sample.iter().filter(|row| row.get(at).is_some_and(|cell| is_addr(cell))).count()
        };
        // Of two ends with ports, the one with a well-known port is the server.
        let is_server = |at: usize| {
            let ports = sample.iter().filter_map(|row| match query::parse(row.get(at)?) {
                Ok(Query::Addr { port, .. }) => port,
                _ => None,
            });
            let known = ports.filter(|port| *port < 1_024).count();
            known > 0 && known * 2 >= share(at)
        };
        // A name says more than a place in the row, if the content agrees.
        let rank =
            |at: usize| match first.get(at).filter(|_| header).and_then(|n| roles::role_of(n)) {
                Some((Role::Src, rank)) => rank,
                Some((Role::Dst, rank)) => 2_000 + rank,
                _ => 1_000 + u16::from(is_server(at)),
            };
        let good = (0..first.len()).filter(|&at| share(at) > 0 && share(at) * 2 >= sample.len());
        let addr_column = good.min_by_key(|&at| (rank(at), at))?;
        Some(Self { addr_column, header })
    }
}

/// A name of a column: letters, not a bare number.
fn is_word(cell: &str) -> bool {
    cell.is_empty() || cell.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_addr(cell: &str) -> bool {
    let begins = cell.bytes().next();
    begins.is_some_and(|byte| byte.is_ascii_hexdigit() || byte == b'[' || byte == b':')
        && cell.len() <= 96
        && cell.contains(['.', ':'])
        && query::parse(cell).is_ok()
}

struct Reader {
    settings: Settings,
    names: Names,
    /// Lines kept until the shape is known, with their numbers.
    waiting: Vec<(u64, Vec<u8>)>,
    chosen: Option<Chosen>,
    /// Whether rows may lack the address: those of logs do.
    has_gaps: bool,
    zone: Zone,
}

/// What was decided about the table.
struct Chosen {
    delimiter: u8,
    columns: Vec<String>,
    addr_column: usize,
    note: String,
    /// The columns of date and time of day, where they are two.
    date_and_time: Option<[usize; 2]>,
}

fn is_part_of_time(name: &str) -> bool {
    name.eq_ignore_ascii_case("date") || name.eq_ignore_ascii_case("time")
}

impl Parse for Reader {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if line.bytes.first() == Some(&b'#') {
            if let Some(names) = fields_of(line.bytes) {
                self.begin_named(names);
            }
            return;
        }
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        if self.chosen.is_some() {
            self.row(line.number, line.bytes, out);
            return;
        }
        self.waiting.push((line.number, line.bytes.to_vec()));
        if self.waiting.len() >= SAMPLE_ROWS {
            self.choose(out);
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        if self.chosen.is_none() {
            self.choose(out);
        }
    }

    fn assumed(&self) -> Assumed {
        let Some(chosen) = &self.chosen else { return Assumed::default() };
        let time_zone = self.zone.assumed(&self.settings);
        Assumed { time_zone, notes: vec![Untrusted::new(&chosen.note)], ..Assumed::default() }
    }
}

impl Reader {
    /// `#Fields: dateTime,sIp,cIp,…` of Exchange names the columns in a comment.
    fn begin_named(&mut self, names: &[u8]) {
        let names = String::from_utf8_lossy(names);
        let columns: Vec<String> =
            names.split(',').take(COLUMNS_MAX).map(|name| name.trim().to_owned()).collect();
        let client = columns.iter().position(|name| roles::role_of(name).is_some_and(is_source));
        let addr_column = client.unwrap_or(0);
        let note = format!("addresses from column {} by #Fields", addr_column + 1);
        self.has_gaps = true;
        self.chosen = Some(Chosen::new(b',', columns, addr_column, note));
    }

    /// Decides on the shape by the rows that wait, and reads them.
    fn choose(&mut self, out: &mut Out<'_>) {
        let waiting = std::mem::take(&mut self.waiting);
        let lines = waiting.iter().map(|(_, line)| line.as_slice());
        let shape = delimiter_of(lines.clone()).and_then(|delimiter| {
            let rows: Vec<_> = lines.filter_map(|line| split(line, delimiter).ok()).collect();
            let shape = Shape::of(&rows)?;
            let first = rows.first()?;
            let columns = (1..).zip(first).map(|(number, name)| match name.as_ref() {
                name if shape.header && !name.is_empty() => name.to_owned(),
                _ => format!("column_{number}"),
            });
            let columns: Vec<String> = columns.collect();
            let at = shape.addr_column;
            let name = columns.get(at).filter(|_| shape.header);
            let name = name.map_or(String::new(), |name| format!(", {name}"));
            let note = format!("addresses from column {}{name}", at + 1);
            Some((shape, Chosen::new(delimiter, columns, at, note)))
        });
        let Some((shape, chosen)) = shape else {
            if !waiting.is_empty() {
                let what = "no column holds addresses in half of the rows; one is needed";
                out.problems.push(Position::Whole, what);
            }
            return;
        };
        self.chosen = Some(chosen);
        for (number, line) in waiting.iter().skip(usize::from(shape.header)) {
            self.row(*number, line, out);
        }
    }

    fn row(&mut self, number: u64, line: &[u8], out: &mut Out<'_>) {
        let Some(chosen) = &mut self.chosen else { return };
        let place = Position::Line(number);
        let cells = match split(line, chosen.delimiter) {
            Ok(cells) => cells,
            Err(what) => {
                out.problems.push(place, what);
                return;
            }
        };
        let Some(cell) = cells.get(chosen.addr_column).filter(|cell| !cell.is_empty()) else {
            let what =
                format!("no address in column {}; the row needs one", chosen.addr_column + 1);
            out.problems.push(place, what);
            return;
        };
        match query::parse(cell) {
            Ok(Query::Addr { .. }) => {}
            Ok(Query::Prefix(prefix)) => {
                (out.listed)(Listed::Prefix(prefix), number);
                return;
            }
            Ok(Query::Range(range)) => {
                (out.listed)(Listed::Range(range), number);
                return;
            }
            Err(error) if !self.has_gaps && cell.as_ref() != "-" => {
                out.problems.push(place, format!("{}: {}", error.what, Untrusted::new(cell)));
                return;
            }
            // A row of a log may well lack the client.
            Err(_) => {}
        }
        let fields = chosen.fields(&cells);
        let src = Some(chosen.addr_column);
        let read =
            |settings: &Settings| roles::record(&fields, src, &mut self.names, settings, number);
        let mut record = self.zone.record(&self.settings, read);
        if chosen.date_and_time.is_some() {
            record.details.retain(|name, _| !is_part_of_time(name));
        }
        record.details.retain(|_, value| value != "" && value != "-");
        (out.record)(record);
    }
}

impl Chosen {
    fn new(delimiter: u8, columns: Vec<String>, addr_column: usize, note: String) -> Self {
        let at = |name: &str| columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        let date_and_time = at("date").zip(at("time")).map(|(date, time)| [date, time]);
        Self { delimiter, columns, addr_column, note, date_and_time }
    }

    /// A row with its names. A `date` and a `time` column together are one moment, last.
    fn fields<'f>(&'f self, cells: &'f [Cow<'f, str>]) -> Fields<'f> {
        let mut fields: Fields<'f> = Vec::with_capacity(cells.len() + 1);
        for (at, cell) in cells.iter().enumerate() {
            let name = match self.columns.get(at) {
                Some(name) => Cow::Borrowed(name.as_str()),
                None => Cow::Owned(format!("column_{}", at + 1)),
            };
            fields.push((name, Val::Text(Cow::Borrowed(cell.as_ref()))));
        }
        if let Some([date, time]) = self.date_and_time
            && let (Some(date), Some(time)) = (cells.get(date), cells.get(time))
        {
            fields.push(("timestamp".into(), Val::Text(format!("{date} {time}").into())));
        }
        fields
    }
}

/// Whether every field is an address, a prefix or a range.
fn is_addresses(row: &[Cow<'_, str>]) -> bool {
    row.iter().all(|field| crate::model::query::parse(field.trim()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_and_without_quotes() {
        let cells = |line: &'static str| split(line.as_bytes(), b',').map(|cells| cells.join("|"));
        for (line, expected) in [
            ("a,b,c", Ok("a|b|c")),
            ("a,,", Ok("a||")),
            (r#""a,b",c"#, Ok("a,b|c")),
            (r#""a""b",c"#, Ok(r#"a"b|c"#)),
            (r#""","x""#, Ok("|x")),
            ("\u{feff}a , b\r", Ok("a|b")),
        ] {
            assert_eq!(cells(line), expected.map(str::to_owned), "{line}");
        }
        assert!(cells(r#"a,"b"#).unwrap_err().contains("closing quote"));
        assert!(cells(r#""a"b,c"#).unwrap_err().contains("after a closing quote"));
        assert!(cells(&*",".repeat(COLUMNS_MAX - 1).leak()).is_ok());
        assert!(cells(&*",".repeat(COLUMNS_MAX).leak()).is_err());
    }

    #[test]
    fn the_column_is_found_by_name_and_content() {
        let shape = |rows: &[&'static str]| {
            let rows: Vec<_> =
                rows.iter().map(|row| split(row.as_bytes(), b',').unwrap()).collect();
            Shape::of(&rows).map(|shape| (shape.addr_column, shape.header))
        };
        assert_eq!(shape(&["x,192.0.2.1", "y,192.0.2.2"]), Some((1, false)));
        assert_eq!(shape(&["name,ip", "y,192.0.2.2"]), Some((1, true)));
        assert_eq!(shape(&["dst_ip,src_ip", "192.0.2.1,192.0.2.2"]), Some((1, true)));
        assert_eq!(shape(&["a,b", "c,d"]), None);
    }
}
