//! Columns of a packed range table ↔ its [`Runs`].
//!
//! Three sections a family. `v4.starts` has the count of rows and each start as the distance to
//! the one before. `v4.recent` has a byte a row: how many rows ago this row's value was seen last,
//! 0 if more than [`RECENT_MAX`]. `v4.values` has the values of those latter rows alone, as
//! differences. Neighbouring networks alternate between few places, so two thirds of all values
//! are one byte that zstd halves again: the largest set takes 7.2 MB for values where three plain
//! bytes a row take 7.6 MB and plain differences 9.3 MB, and decoding stays one pass.

use super::pack::{Columns, ColumnsWriter, Pack, PackError, PackWriter};
use crate::model::Family;
use crate::trie::{Address, NONE, Piece, Runs, runs_v4, runs_v6};

/// How many rows back a value is looked for. One byte would allow 255; nothing is gained past 64.
const RECENT_MAX: usize = 64;

/// Rows of one table; the largest has 4.3 million.
const ROWS_MAX: usize = 1 << 24;

/// Reads the IPv4 table of a set whose values are indices below `values_end`.
///
/// # Errors
/// A section is missing or does not hold a table.
pub(super) fn read_v4(pack: &Pack, values_end: usize) -> Result<Runs<u32>, PackError> {
    let mut columns = pack.section("v4.starts")?;
    let count = row_count(&mut columns)?;
    let mut starts = Vec::with_capacity(count);
    let mut at = 0_u64;
    for _ in 0..count {
        at = at.checked_add(columns.varint()?).ok_or_else(|| columns.error("starts overflow"))?;
        starts.push(u32::try_from(at).map_err(|_| columns.error("a start past 255.255.255.255"))?);
    }
    columns.end()?;
    let values = read_values(pack, "v4", count, values_end)?;
    Runs::from_columns(starts, values).map_err(|error| columns.error(error))
}

/// Reads the IPv6 table of a set whose values are indices below `values_end`.
///
/// # Errors
/// A section is missing or does not hold a table.
pub(super) fn read_v6(pack: &Pack, values_end: usize) -> Result<Runs<u128>, PackError> {
    let mut columns = pack.section("v6.starts")?;
    let count = row_count(&mut columns)?;
    let whole = columns.varint()?;
    if whole == 0 {
        let mut starts = Vec::with_capacity(count);
        let mut at = 0_u64;
        for _ in 0..count {
            let gap = columns.varint()?;
            at = at.checked_add(gap).ok_or_else(|| columns.error("starts overflow"))?;
            starts.push(u128::from(at) << 64);
        }
        columns.end()?;
        let values = read_values(pack, "v6", count, values_end)?;
        return Runs::from_columns(starts, values).map_err(|error| columns.error(error));
    }
    let mut starts = Vec::with_capacity(count);
    let mut at = 0_u128;
    for _ in 0..count {
        let gap = u128::from(columns.varint()?) << 64 | u128::from(columns.varint()?);
        at = at.checked_add(gap).ok_or_else(|| columns.error("starts overflow"))?;
        starts.push(at);
    }
    columns.end()?;
    let values = read_values(pack, "v6", count, values_end)?;
    Runs::from_columns(starts, values).map_err(|error| columns.error(error))
}

fn row_count(columns: &mut Columns) -> Result<usize, PackError> {
    let count = columns.count(1)?;
    if count > ROWS_MAX {
        return Err(columns.error(format_args!("{count} rows; at most {ROWS_MAX} are read")));
    }
    Ok(count)
}

fn read_values(
    pack: &Pack,
    family: &str,
    count: usize,
    values_end: usize,
) -> Result<Vec<u32>, PackError> {
    let mut recent = pack.section(&format!("{family}.recent"))?;
    let mut fresh = pack.section(&format!("{family}.values"))?;
    if recent.left() != count {
        return Err(recent.error(format_args!("{} bytes for {count} rows", recent.left())));
    }
    let mut values: Vec<u32> = Vec::with_capacity(count);
    let mut before = 0_i64;
    for row in 0..count {
        let back = recent.bytes(1)?.first().map_or(0, |&byte| usize::from(byte));
        let known = row.checked_sub(back).filter(|_| back > 0);
        let value = match known.and_then(|row| values.get(row)) {
            Some(&value) => value,
            None if back > 0 => return Err(recent.error("points before the first row")),
            None => {
                let stored = before.checked_add(fresh.zigzag()?);
                let stored = stored.and_then(|stored| usize::try_from(stored).ok());
                match stored.filter(|&stored| stored <= values_end) {
                    Some(0) => NONE,
                    Some(stored) => u32::try_from(stored - 1).unwrap_or(NONE),
                    None => return Err(fresh.error("a value that the set has no row for")),
                }
            }
        };
        before = stored(value);
        values.push(value);
    }
    fresh.end()?;
    Ok(values)
}

/// 0 for a gap, the index plus one for a value.
fn stored(value: u32) -> i64 {
    if value == NONE { 0 } else { i64::from(value) + 1 }
}

/// Writes both families of a table as six sections; `pieces` are sorted and do not overlap.
pub fn write(pack: &mut PackWriter, pieces: &[Piece]) {
    let (v4, v6) = (runs_v4(pieces), runs_v6(pieces));
    let mut starts = ColumnsWriter::new();
    let rows: Vec<(u128, u32)> = columns(&v4).map(|(start, value)| (start.into(), value)).collect();
    starts.varint(rows.len() as u64);
    write_gaps(&rows, |gap| starts.varint(u64::try_from(gap).unwrap_or(u64::MAX)));
    pack.section("v4.starts", starts.finish());
    write_values(pack, Family::V4, &rows);

    let mut starts = ColumnsWriter::new();
    let rows: Vec<(u128, u32)> = columns(&v6).collect();
    let whole = rows.iter().any(|(start, _)| start.trailing_zeros() < 64);
    starts.varint(rows.len() as u64);
    starts.varint(u64::from(whole));
    write_gaps(&rows, |gap| {
        let halves = [(gap >> 64) as u64, gap as u64];
        starts.varint(halves[0]);
        if whole {
            starts.varint(halves[1]);
        }
    });
    pack.section("v6.starts", starts.finish());
    write_values(pack, Family::V6, &rows);
}

fn columns<A: Address>(runs: &Runs<A>) -> impl Iterator<Item = (A, u32)> {
    runs.starts().iter().copied().zip(runs.values().iter().copied())
}

fn write_gaps(rows: &[(u128, u32)], mut write: impl FnMut(u128)) {
    let mut before = 0;
    for &(start, _) in rows {
        write(start - before);
        before = start;
    }
}

fn write_values(pack: &mut PackWriter, family: Family, rows: &[(u128, u32)]) {
    let (mut recent, mut fresh) = (ColumnsWriter::new(), ColumnsWriter::new());
    let mut last_row = std::collections::HashMap::new();
    let mut before = 0;
    for (row, &(_, value)) in rows.iter().enumerate() {
        let back = last_row.insert(value, row).map(|seen| row - seen);
        let back = back.filter(|&back| back <= RECENT_MAX).and_then(|back| u8::try_from(back).ok());
        recent.bytes(&[back.unwrap_or(0)]);
        if back.is_none() {
            fresh.zigzag(stored(value) - before);
        }
        before = stored(value);
    }
    let family = if family == Family::V4 { "v4" } else { "v6" };
    pack.section(&format!("{family}.recent"), recent.finish());
    pack.section(&format!("{family}.values"), fresh.finish());
}
