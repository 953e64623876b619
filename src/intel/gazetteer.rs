//! The gazetteer: cities of 1,000 people and more, with their other names.

use super::names::Names;
use super::pack::{ColumnsWriter, Pack, PackError, PackWriter};

/// A city.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct City<'a> {
    /// Its main name.
    pub name: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country_code: [u8; 2],
    /// GeoNames' code of the first-order division; empty where unknown.
    pub admin1: &'a str,
    /// Degrees north and east.
    pub point: (f64, f64),
    /// Inhabitants.
    pub population: u32,
    /// Its place in the gazetteer, for [`Gazetteer::other_names`].
    index: usize,
}

/// All cities, by country and division, most people first.
#[derive(Debug, Default)]
pub struct Gazetteer {
    divisions: Names,
    /// Country and index of the division; one for each division.
    country_of: Vec<[u8; 2]>,
    rows: Vec<Row>,
    names: Names,
    others: Names,
}

#[derive(Debug)]
struct Row {
    division: u32,
    north: i32,
    east: i32,
    population: u32,
    /// Where its other names begin.
    others_from: u32,
}

impl Gazetteer {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut read = Self::default();
        let mut divisions = pack.section("divisions")?;
        let (mut names, mut others) = (pack.section("names")?, pack.section("others")?);
        let (mut points, mut people) = (pack.section("points")?, pack.section("people")?);
        let (mut north, mut east) = (0_i64, 0_i64);
        for division in 0..divisions.count(4)? {
            let code = divisions.bytes(2)?.first_chunk::<2>().copied();
            read.country_of.push(code.unwrap_or_default());
            read.divisions.push_from(&mut divisions)?;
            for _ in 0..divisions.varint()? {
                read.names.push_from(&mut names)?;
                let others_from = u32::try_from(read.others.len()).unwrap_or(u32::MAX);
                for _ in 0..others.count(1)? {
                    read.others.push_from(&mut others)?;
                }
                north = north.saturating_add(points.zigzag()?);
                east = east.saturating_add(points.zigzag()?);
                if north.unsigned_abs() > 90_000 || east.unsigned_abs() > 180_000 {
                    return Err(points.error("a coordinate off the globe"));
                }
                read.rows.push(Row {
                    division: u32::try_from(division).unwrap_or(u32::MAX),
                    north: i32::try_from(north).unwrap_or(0),
                    east: i32::try_from(east).unwrap_or(0),
                    population: people.varint32()?,
                    others_from,
                });
            }
        }
        for columns in [&divisions, &names, &others, &points, &people] {
            columns.end()?;
        }
        Ok(read)
    }

    /// All cities.
    pub fn cities(&self) -> impl Iterator<Item = City<'_>> {
        self.rows.iter().enumerate().filter_map(|(index, row)| {
            Some(City {
                name: self.names.get(index)?,
                country_code: *self.country_of.get(row.division as usize)?,
                admin1: self.divisions.get(row.division as usize)?,
                point: (f64::from(row.north) / 1_000.0, f64::from(row.east) / 1_000.0),
                population: row.population,
                index,
            })
        })
    }

    /// The other names of a city in Latin letters: `München` of `Munich`.
    pub fn other_names(&self, city: City<'_>) -> impl Iterator<Item = &str> {
        let from = self.rows.get(city.index).map_or(0, |row| row.others_from as usize);
        let next = self.rows.get(city.index + 1);
        let to = next.map_or(self.others.len(), |row| row.others_from as usize);
        (from..to).filter_map(|at| self.others.get(at))
    }
}

/// A city as the packer gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedCity {
    /// Main name.
    pub name: String,
    /// Other names.
    pub others: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub country: [u8; 2],
    /// First-order division.
    pub admin1: String,
    /// Inhabitants.
    pub population: u32,
    /// Thousandths of a degree north and east.
    pub point: (i32, i32),
}

/// Writes cities that are sorted by country and division.
pub fn write_gazetteer(pack: &mut PackWriter, cities: &[PackedCity]) {
    let [mut divisions, mut names, mut others, mut points, mut people] =
        [const { ColumnsWriter::new() }; 5];
    let grouped: Vec<_> =
        cities.chunk_by(|a, b| (a.country, &a.admin1) == (b.country, &b.admin1)).collect();
    let mut before = (0, 0);
    divisions.varint(grouped.len() as u64);
    for group in grouped {
        let Some(first) = group.first() else { continue };
        divisions.bytes(&first.country);
        divisions.text(&first.admin1);
        divisions.varint(group.len() as u64);
        for city in group {
            names.text(&city.name);
            others.varint(city.others.len() as u64);
            city.others.iter().for_each(|other| others.text(other));
            points.zigzag(i64::from(city.point.0 - before.0));
            points.zigzag(i64::from(city.point.1 - before.1));
            before = city.point;
            people.varint(city.population.into());
        }
    }
    let sections = [("divisions", divisions), ("names", names), ("others", others)];
    for (name, columns) in sections.into_iter().chain([("points", points), ("people", people)]) {
        pack.section(name, columns.finish());
    }
}
