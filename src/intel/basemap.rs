//! The base map: land, borders and lakes as lines of points, at two levels of detail.

use super::pack::{ColumnsWriter, Pack, PackError, PackWriter};

/// How fine the shapes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Natural Earth 1:110 million: for a page.
    Coarse,
    /// Natural Earth 1:50 million: for a window that zooms.
    Fine,
}

/// A line or closed ring of points, in degrees north and east. No step crosses ±180°: shapes that
/// would are cut there and closed along the edge.
pub type Line = Vec<(f64, f64)>;

/// Shapes to draw under hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BaseMap {
    /// Closed rings of land; a ring inside another is water.
    pub land: Vec<Line>,
    /// Lines between countries, as drawn by Natural Earth: de facto, no statement on disputes.
    pub borders: Vec<Line>,
    /// Closed rings of lakes.
    pub lakes: Vec<Line>,
}

impl BaseMap {
    pub(super) fn read(pack: &Pack, detail: Detail) -> Result<Self, PackError> {
        let level = level(detail);
        Ok(Self {
            land: read_lines(pack, &format!("{level}.land"))?,
            borders: read_lines(pack, &format!("{level}.borders"))?,
            lakes: read_lines(pack, &format!("{level}.lakes"))?,
        })
    }
}

const fn level(detail: Detail) -> &'static str {
    match detail {
        Detail::Coarse => "coarse",
        Detail::Fine => "fine",
    }
}

fn read_lines(pack: &Pack, section: &str) -> Result<Vec<Line>, PackError> {
    let mut columns = pack.section(section)?;
    let (mut lines, mut north, mut east) = (Vec::new(), 0_i64, 0_i64);
    for _ in 0..columns.count(1)? {
        // Each point takes two bytes at least.
        let points = columns.count(2)?;
        let mut line = Line::with_capacity(points);
        for _ in 0..points {
            north = north.saturating_add(columns.zigzag()?);
            east = east.saturating_add(columns.zigzag()?);
            if north.unsigned_abs() > 9_000 || east.unsigned_abs() > 18_000 {
                return Err(columns.error("a point off the globe"));
            }
            line.push((north as f64 / 100.0, east as f64 / 100.0));
        }
        lines.push(line);
    }
    columns.end()?;
    Ok(lines)
}

/// Writes one level; points are hundredths of a degree north and east.
pub fn write_basemap(pack: &mut PackWriter, detail: Detail, layers: [&[Vec<(i32, i32)>]; 3]) {
    for (name, lines) in ["land", "borders", "lakes"].into_iter().zip(layers) {
        let mut columns = ColumnsWriter::new();
        let mut before = (0, 0);
        columns.varint(lines.len() as u64);
        for line in lines {
            columns.varint(line.len() as u64);
            for &(north, east) in line {
                columns.zigzag(i64::from(north - before.0));
                columns.zigzag(i64::from(east - before.1));
                before = (north, east);
            }
        }
        pack.section(&format!("{}.{name}", level(detail)), columns.finish());
    }
}
