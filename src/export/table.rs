//! Aligned text for people.

use std::fmt::Write as _;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under headings, each column as wide as its widest cell, the last one cut to fit.
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
        let head: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let widest = |column: usize| {
            let cells = all.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        all.iter().map(|row| self.line(row, &widths, width)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize], width: usize) -> String {
        let mut line = String::new();
        for (column, ((_, align), &wide)) in self.columns.iter().zip(widths).enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let written = match align {
                Align::Left => write!(line, "{cell:<wide$}  "),
                Align::Right => write!(line, "{cell:>wide$}  "),
            };
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        let mut line = line.trim_end().to_owned();
        if let Some((at, _)) = line.char_indices().nth(width) {
            // One character less, so that the mark fits.
            let keep = line[..at].char_indices().next_back().map_or(0, |(last, _)| last);
            line.truncate(keep);
            line.push('…');
        }
        line
    }
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
}
