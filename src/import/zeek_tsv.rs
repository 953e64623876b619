//! Zeek's tab-separated logs, each described by its own header.
//!
//! `#fields` and `#types` name the columns, `#separator` and its kin say how values are written.
//! Any path is read; what it means is in [`zeek`](super::zeek). Rows may follow `#close`, logs may
//! follow one another in one file, and lines that begin with `###` (as test baselines have) are
//! passed over.

use std::borrow::Cow;

use super::fields::{Fields, Val};
use super::{About, Format, Line, Out, Parse, Settings, Sureness, zeek};
use crate::model::{ImportId, Position, Timestamp};

/// Columns of one log. The widest of Zeek's own have about 60.
pub(super) const COLUMNS_MAX: usize = 1_024;

/// The format.
pub(super) struct ZeekTsv;

impl Format for ZeekTsv {
    fn about(&self) -> &'static About {
        &About {
            id: "zeek-tsv",
            reads: "Zeek logs, tab-separated with their header: any path, any columns",
            misses: "rows that stand before a #fields line",
            source: "https://docs.zeek.org/en/master/log-formats.html",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let is_header =
            |line: &&[u8]| line.starts_with(b"#separator ") || line.starts_with(b"#fields\t");
        let comments = head.iter().take_while(|line| line.first() == Some(&b'#')).take(16);
        if comments.copied().any(|line| is_header(&line)) {
            Sureness::Certain
        } else {
            Sureness::No
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Reader { import: settings.import, header: Header::default() })
    }
}

/// How a column's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Time,
    /// `interval`, `double`.
    Float,
    /// `count`, `int`, `port`.
    Number,
    Bool,
    /// All others; also where `#types` is missing.
    Text,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    kind: Type,
    is_list: bool,
}

/// What the `#` lines said so far; the defaults are Zeek's.
#[derive(Clone, Debug)]
struct Header {
    separator: u8,
    set_separator: u8,
    unset: Vec<u8>,
    empty: Vec<u8>,
    path: String,
    columns: Vec<Column>,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            separator: b'\t',
            set_separator: b',',
            unset: b"-".to_vec(),
            empty: b"(empty)".to_vec(),
            path: String::new(),
            columns: Vec::new(),
        }
    }
}

impl Header {
    /// Takes a line that begins with `#`.
    fn directive(&mut self, line: &[u8], place: Position, out: &mut Out<'_>) {
        if let Some(separator) = line.strip_prefix(b"#separator ") {
            *self = Self { separator: one_byte(separator).unwrap_or(b'\t'), ..Self::default() };
            return;
        }
        let mut parts = line.split(|&byte| byte == self.separator);
        let name = parts.next().unwrap_or_default();
        match name {
            b"#set_separator" => {
                self.set_separator = parts.next().and_then(one_byte).unwrap_or(b',');
            }
            b"#unset_field" => self.unset = parts.next().unwrap_or(b"-").to_vec(),
            b"#empty_field" => self.empty = parts.next().unwrap_or(b"(empty)").to_vec(),
            b"#path" => {
                self.path = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            }
            b"#fields" => {
                self.columns = parts
                    .by_ref()
                    .take(COLUMNS_MAX)
                    .map(|name| Column {
                        name: String::from_utf8_lossy(name).into_owned(),
                        kind: Type::Text,
                        is_list: false,
                    })
                    .collect();
                if parts.next().is_some() {
                    let what = format!("more than {COLUMNS_MAX} columns; the log is not read");
                    out.problems.push(place, what);
                    self.columns.clear();
                }
            }
            b"#types" => {
                for (column, kind) in self.columns.iter_mut().zip(parts) {
                    (column.kind, column.is_list) = type_of(kind);
                }
            }
            _ => {}
        }
    }

    /// Values of a row, or why they cannot be told apart.
    fn row<'l>(&'l self, line: &'l [u8]) -> Result<Fields<'l>, String> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut at = 0;
        let mut cells = 0;
        let ends = memchr::memchr_iter(self.separator, line).chain([line.len()]);
        for end in ends {
            let cell = line.get(at..end).unwrap_or_default();
            at = end + 1;
            cells += 1;
            let Some(column) = self.columns.get(cells - 1) else { continue };
            if cell != self.unset {
                fields.push((Cow::Borrowed(column.name.as_str()), self.value(column, cell)));
            }
        }
        if cells == self.columns.len() {
            return Ok(fields);
        }
        Err(format!("{cells} columns where #fields names {}; the row is cut", self.columns.len()))
    }

    fn value<'l>(&self, column: &Column, cell: &'l [u8]) -> Val<'l> {
        if column.is_list {
            let elements = cell.split(|&byte| byte == self.set_separator);
            let none = cell == self.empty;
            let list = elements.take(if none { 0 } else { usize::MAX });
            return Val::List(list.map(|cell| scalar(column.kind, cell)).collect());
        }
        if cell == self.empty { Val::Text(Cow::Borrowed("")) } else { scalar_of(column, cell) }
    }
}

fn scalar_of<'l>(column: &Column, cell: &'l [u8]) -> Val<'l> {
    // The record's own time is read exactly from its digits.
    let kind = if column.name == "ts" { Type::Text } else { column.kind };
    scalar(kind, cell)
}

fn scalar(kind: Type, cell: &[u8]) -> Val<'_> {
    let text = text(cell);
    let parsed = match kind {
        Type::Text => None,
        Type::Time => Timestamp::from_epoch_text(&text)
            .or_else(|| text.parse().ok().and_then(Timestamp::from_secs_f64))
            .map(|time| Val::Text(Cow::Owned(time.to_string()))),
        Type::Float => text.parse().ok().map(Val::Float),
        Type::Number => {
            text.parse().ok().map(Val::Uint).or_else(|| text.parse().ok().map(Val::Int))
        }
        Type::Bool => match text.as_ref() {
            "T" => Some(Val::Bool(true)),
            "F" => Some(Val::Bool(false)),
            _ => None,
        },
    };
    parsed.unwrap_or(Val::Text(text))
}

/// Text without Zeek's escapes: `\\` and `\xNN` of printable characters, tabs and line ends. Other
/// bytes stay `\xNN`, as Zeek's JSON has them.
fn text(cell: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', cell).is_none() {
        return String::from_utf8_lossy(cell);
    }
    let mut plain = Vec::with_capacity(cell.len());
    let mut rest = cell;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match rest {
            [b'\\', b'\\', after @ ..] => (b'\\', after),
            [b'\\', b'x', high, low, after @ ..] => match hex(*high, *low) {
                Some(byte @ (b' '..=b'~' | b'\t' | b'\n' | b'\r')) => (byte, after),
                _ => (byte, rest.get(1..).unwrap_or_default()),
            },
            _ => (byte, after),
        };
        plain.push(byte);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// `\x09`, or the character itself.
fn one_byte(text: &[u8]) -> Option<u8> {
    match text {
        [b'\\', b'x', high, low, ..] => hex(*high, *low),
        [byte, ..] => Some(*byte),
        [] => None,
    }
}

fn type_of(name: &[u8]) -> (Type, bool) {
    for list in [&b"set["[..], b"vector["] {
        if let Some(inner) = name.strip_prefix(list) {
            return (type_of(inner.strip_suffix(b"]").unwrap_or(inner)).0, true);
        }
    }
    let kind = match name {
        b"time" => Type::Time,
        b"interval" | b"double" => Type::Float,
        b"count" | b"int" | b"port" => Type::Number,
        b"bool" => Type::Bool,
        _ => Type::Text,
    };
    (kind, false)
}

struct Reader {
    import: ImportId,
    header: Header,
}

impl Parse for Reader {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        let place = Position::Line(line.number);
        let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
        if bytes.is_empty() {
            return;
        }
        if bytes.first() == Some(&b'#') {
            self.header.directive(bytes, place, out);
            return;
        }
        if self.header.columns.is_empty() {
            out.problems
                .tally(place, "a row before any #fields line; the header names the columns");
            return;
        }
        match self.header.row(bytes) {
            Ok(fields) => {
                (out.record)(zeek::record(&self.header.path, &fields, self.import, line.number));
            }
            Err(what) => out.problems.push(place, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_zeek_writes_them() {
        for (cell, plain) in [
            (&b"plain"[..], "plain"),
            (br"\\svcctl", r"\svcctl"),
            (br"a\x09b\x2c", "a\tb,"),
            (br"\x00\xff", r"\x00\xff"),
            (br"\x5cx41", r"\x41"),
            (br"\", r"\"),
            (br"\x4", r"\x4"),
            (b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(text(cell), plain);
        }
    }

    #[test]
    fn columns_at_and_above_the_limit() {
        for (columns, read) in [(COLUMNS_MAX, COLUMNS_MAX), (COLUMNS_MAX + 1, 0)] {
            let mut header = Header::default();
            let mut problems = crate::model::Problems::new();
            let (mut record, mut listed) = (|_| {}, |_, _| {});
            let mut out = Out { record: &mut record, listed: &mut listed, problems: &mut problems };
            let line = format!("#fields{}", "\tx".repeat(columns));
            header.directive(line.as_bytes(), Position::Line(1), &mut out);
            assert_eq!(header.columns.len(), read);
            assert_eq!(problems.is_empty(), read > 0);
        }
    }
}
