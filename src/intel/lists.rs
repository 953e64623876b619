//! Shipped lists: which lists hold an address, with each list's own date and meaning.

use std::sync::Arc;

use super::meanings::{self, Rule};
use super::pack::{ColumnsWriter, Pack, PackError, PackWriter};
use crate::model::{ListMembership, Timestamp};

/// The lists of one set, and the combinations of them that occur.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: Vec<Listed>,
    /// A table's value is an index here; each holds indices of `lists`.
    combinations: Vec<Vec<u32>>,
}

#[derive(Debug)]
struct Listed {
    id: Arc<str>,
    date: Option<Timestamp>,
    rule: &'static Rule,
}

/// A list as the packer gives it: id and date (days since 1970-01-01; `None`: undated).
pub type PackedList = (String, Option<u64>);

impl Lists {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let mut columns = pack.section("lists")?;
        let mut read = Self::default();
        for _ in 0..columns.count(2)? {
            let id = columns.text()?;
            let date = columns.varint()?.checked_sub(1).map(|days| {
                Timestamp::from_nanos(0).plus_days(i64::try_from(days).unwrap_or(i64::MAX))
            });
            read.lists.push(Listed { rule: meanings::of(&id), id: id.into(), date });
        }
        columns.end()?;
        let mut columns = pack.section("combinations")?;
        for _ in 0..columns.count(1)? {
            let mut combination = Vec::new();
            for _ in 0..columns.count(1)? {
                let list = columns.varint32()?;
                if list as usize >= read.lists.len() {
                    return Err(columns.error(format_args!("there is no list {list}")));
                }
                combination.push(list);
            }
            read.combinations.push(combination);
        }
        columns.end()?;
        Ok(read)
    }

    pub(super) fn rows(&self) -> usize {
        self.combinations.len()
    }

    /// The memberships of one combination, each with the rule of its list.
    pub(super) fn memberships(
        &self,
        row: usize,
    ) -> impl Iterator<Item = (ListMembership, &'static Rule)> {
        let combination = self.combinations.get(row).map(Vec::as_slice).unwrap_or_default();
        combination.iter().filter_map(|&list| {
            let list = self.lists.get(list as usize)?;
            let (id, meaning) = (Arc::clone(&list.id), list.rule.meaning);
            let date = list.date;
            Some((ListMembership { id, since: None, date, meaning, terms: None }, list.rule))
        })
    }

    /// The ids of all lists, in the order of the file.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| &*list.id)
    }
}

/// Writes lists and combinations; a table's value is the index in `combinations`.
pub fn write_lists(pack: &mut PackWriter, lists: &[PackedList], combinations: &[Vec<u32>]) {
    let mut columns = ColumnsWriter::new();
    columns.varint(lists.len() as u64);
    for (id, days) in lists {
        columns.text(id);
        columns.varint(days.map_or(0, |days| days + 1));
    }
    pack.section("lists", columns.finish());
    let mut columns = ColumnsWriter::new();
    columns.varint(combinations.len() as u64);
    for combination in combinations {
        columns.varint(combination.len() as u64);
        for &list in combination {
            columns.varint(u64::from(list));
        }
    }
    pack.section("combinations", columns.finish());
}
