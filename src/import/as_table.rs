//! An analyst's own AS table: `prefix,number,name` a line.
//!
//! Reads what routing exports and spreadsheets give: a comma, semicolon or tab between the columns,
//! `AS64500` or `64500`, quotes around the name, `#` before a comment, a heading. A range
//! `192.0.2.0-192.0.2.99` may stand for a prefix. A broken line costs only itself.

use std::sync::Arc;

use crate::model::{AddrRange, Position, Problems, Visible, query};

/// Rows of one table; the whole Internet has 1.2 million prefixes.
pub const AS_ROWS_MAX: usize = 4_000_000;

/// Bytes kept of a name.
const NAME_BYTES_MAX: usize = 256;

/// One row: addresses, AS number, name.
pub type AsRow = (AddrRange, u32, Option<Arc<str>>);

/// Reads a table; time and space are linear in the bytes.
///
/// ```
/// use infralock::import::as_table;
/// let (rows, problems) = as_table::read(b"192.0.2.0/24,AS64500,\"Example, Inc.\"\nnonsense\n");
/// assert_eq!((rows[0].1, rows[0].2.as_deref()), (64_500, Some("Example, Inc.")));
/// assert_eq!(problems.total(), 1);
/// ```
pub fn read(bytes: &[u8]) -> (Vec<AsRow>, Problems) {
    let (mut rows, mut problems) = (Vec::new(), Problems::new());
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (number, line) in (1_u64..).zip(text.split(|&byte| byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match row(line) {
            Ok(_) if rows.len() >= AS_ROWS_MAX => {
                problems.tally(Position::Line(number), "more rows than an AS table may have");
            }
            Ok(row) => rows.push(row),
            // A first line that names its columns is no mistake.
            Err(_) if number == 1 && !line.contains(|c: char| c.is_ascii_digit()) => {}
            Err(what) => {
                let shown: String = line.chars().take(60).collect();
                let what = format!("{what}; write prefix,number,name: {}", Visible(&shown));
                problems.push(Position::Line(number), what);
            }
        }
    }
    (rows, problems)
}

fn row(line: &str) -> Result<AsRow, &'static str> {
    let separator =
        line.chars().find(|c| matches!(c, ',' | ';' | '\t')).ok_or("one column only")?;
    let mut cells = line.splitn(3, separator).map(|cell| cell.trim().trim_matches('"'));
    let range = query::parse(cells.next().unwrap_or_default()).map_err(|error| error.what)?.range();
    let number = cells.next().unwrap_or_default();
    let digits = number.strip_prefix("AS").or(number.strip_prefix("as")).unwrap_or(number);
    let number: u32 = digits.parse().map_err(|_| "not an AS number")?;
    let name = cells.next().filter(|name| !name.is_empty());
    let name = name.map(|name| {
        let end = name.floor_char_boundary(NAME_BYTES_MAX);
        Arc::from(name.get(..end).unwrap_or_default())
    });
    Ok((range, number, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_headings_and_mistakes() {
        let text = b"prefix,asn,name\r\n# note\n192.0.2.0/24;AS64500;One\n2001:db8::/32\t64501\n\
                     192.0.2.0-192.0.2.9,64502,\n10.0.0.0/8,none,x\n300.0.0.0/8,1,x\n";
        let (rows, problems) = read(text);
        let numbers: Vec<u32> = rows.iter().map(|row| row.1).collect();
        assert_eq!(numbers, [64_500, 64_501, 64_502]);
        let places: Vec<Position> = problems.rows().iter().map(|problem| problem.place).collect();
        assert_eq!(places, [Position::Line(6), Position::Line(7)]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }
    }
}
