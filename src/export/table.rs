//! Aligned text for people.

use std::fmt::Write as _;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Words that are cut where the line is narrow.
    Elastic,
    /// Numbers.
    Right,
}

/// Characters that an elastic column keeps, however narrow the line.
const ELASTIC_MIN: usize = 12;

/// Characters that a wrapped last column needs beside the others; else it stands below them.
const WRAPPED_MIN: usize = 40;

/// Where a last column stands that is below the others.
const ASIDE_INDENT: usize = 10;

/// The last column gets at least one part in so many of the line, if elastic ones can spare it.
const LAST_SHARE: usize = 4;

/// Rows under headings, each column as wide as its widest cell. Where the line is narrower, elastic
/// columns give way, and the last one is cut or wrapped.
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; a missing cell is empty. Cells must be free of control characters.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines: headings first, then the rows. A line is cut with `…` at `width` characters.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        self.with_head().map(|row| cut(&self.line(&row, &widths), width)).collect()
    }

    /// The lines, where the last column goes on below itself instead of being cut.
    pub fn wrapped(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        let before: usize = widths.iter().rev().skip(1).map(|wide| wide + 2).sum();
        let room = width.saturating_sub(before);
        // Beside columns that leave no room it would be a column of single words.
        let aside = room < WRAPPED_MIN && widths.last().is_some_and(|&wide| wide > room);
        let (before, room) = match aside {
            true => (ASIDE_INDENT, width.saturating_sub(ASIDE_INDENT)),
            false => (before, room),
        };
        let mut lines = Vec::new();
        for mut row in self.with_head() {
            if aside && lines.is_empty() {
                lines.push(self.line(&row, &widths));
                continue;
            }
            let said = row.last_mut().map(std::mem::take).unwrap_or_default();
            let mut parts = wrap(&said, room.max(ELASTIC_MIN)).into_iter();
            if aside {
                lines.push(self.line(&row, &widths));
                lines.extend(parts.map(|part| format!("{:before$}{part}", "")));
                continue;
            }
            if let (Some(last), Some(part)) = (row.last_mut(), parts.next()) {
                *last = part;
            }
            lines.push(self.line(&row, &widths));
            lines.extend(parts.map(|part| format!("{:before$}{part}", "")));
        }
        lines
    }

    fn with_head(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        let head: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        std::iter::once(head).chain(self.rows.iter().cloned())
    }

    /// What each column gets of `width`: what it needs, but elastic ones give way, the widest
    /// first, until the last column has its share.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> =
            self.columns.iter().map(|(name, _)| name.chars().count()).collect();
        for row in &self.rows {
            for (wide, cell) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(cell.chars().count());
            }
        }
        let last = widths.last().copied().unwrap_or_default().min(width / LAST_SHARE);
        let room = (width - last).saturating_sub(2 * widths.len().saturating_sub(1));
        let mut taken: usize = widths.iter().rev().skip(1).sum();
        while taken > room {
            let elastic = widths.iter_mut().zip(&self.columns);
            let elastic = elastic.filter(|(_, (_, align))| *align == Align::Elastic);
            let widest = elastic.map(|(wide, _)| wide).filter(|wide| **wide > ELASTIC_MIN).max();
            let Some(widest) = widest else { break };
            *widest -= 1;
            taken -= 1;
        }
        widths
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, ((_, align), &wide)) in self.columns.iter().zip(widths).enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let written = match align {
                Align::Left => write!(line, "{cell:<wide$}  "),
                Align::Elastic => write!(line, "{:<wide$}  ", cut(cell, wide)),
                Align::Right => write!(line, "{cell:>wide$}  "),
            };
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        line.trim_end().to_owned()
    }
}

/// A text of at most `width` characters; `…` stands for what was cut.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A text in lines of at most `width` characters, broken between words. A longer word is broken
/// only if it is longer than a whole line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut wide = 0;
    for word in text.split(' ') {
        let letters = word.chars().count();
        if wide > 0 && wide + 1 + letters > width {
            lines.push(String::new());
            wide = 0;
        }
        for (number, letter) in word.chars().enumerate() {
            if number == 0 && wide > 0 {
                lines.last_mut().into_iter().for_each(|line| line.push(' '));
                wide += 1;
            }
            if wide == width {
                lines.push(String::new());
                wide = 0;
            }
            lines.last_mut().into_iter().for_each(|line| line.push(letter));
            wide += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_long_lines_are_cut() {
        let mut table = Table::new(&[("Score", Align::Right), ("Address", Align::Left)]);
        table.row(vec!["93.0".into(), "203.0.113.9".into()]);
        table.row(vec!["4.5".into(), "192.0.2.1".into()]);
        assert_eq!(table.lines(80), ["Score  Address", " 93.0  203.0.113.9", "  4.5  192.0.2.1"]);
        assert_eq!(table.lines(12)[1], " 93.0  203.…");
    }
    #[test]
    fn a_narrow_line_takes_from_the_elastic_columns_first() {
        let mut table = Table::new(&[
            ("Address", Align::Left),
            ("Network", Align::Elastic),
            ("Why", Align::Left),
        ]);
        let network = "AS64501 Example Cheap Servers of a very long name";
        table.row(vec!["2001:db8::66:17".into(), network.into(), "scan of many hosts".into()]);
        assert!(table.lines(200)[1].contains(network));
        for width in [60, 70, 80] {
            let line = &table.lines(width)[1];
            assert!(line.chars().count() <= width, "{line}");
            assert!(line.starts_with("2001:db8::66:17  AS64501 Exam"), "{line}");
            assert!(line.contains("… ") && line.contains("  scan of many"), "{line}");
        }
    }

    #[test]
    fn the_last_column_goes_on_below_itself() {
        let mut table = Table::new(&[("Points", Align::Right), ("What", Align::Left)]);
        let what = "forty characters and more than that are wrapped";
        table.row(vec!["+1.5".into(), what.into()]);
        assert_eq!(
            table.wrapped(50),
            ["Points  What", "  +1.5  forty characters and more than that are", "        wrapped"]
        );
        assert_eq!(table.wrapped(99)[1], format!("  +1.5  {what}"));
        assert_eq!(
            table.wrapped(40),
            [
                "Points  What",
                "  +1.5",
                "          forty characters and more than",
                "          that are wrapped"
            ]
        );
    }

    #[test]
    fn words_longer_than_a_line_are_broken_and_nothing_is_lost() {
        assert_eq!(wrap("ab cdefghij k", 4), ["ab", "cdef", "ghij", "k"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
