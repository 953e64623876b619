//! The analyst's own layers: lists, places, AS tables. They may speak of any address, private and
//! documentation ones included.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    Addr, AddrRange, Claim, ListMeaning, ListMembership, ListTerms, Prefix, Timestamp,
};
use crate::trie::{LongestMatch, Table, flatten};

/// All own layers, in the order they were added.
#[derive(Debug, Default)]
pub(super) struct Own {
    lists: Vec<OwnList>,
    claims: Vec<OwnClaims>,
    systems: Vec<OwnSystems>,
}

#[derive(Debug)]
struct OwnList {
    id: Arc<str>,
    table: Table,
    since: Vec<Option<Timestamp>>,
    meaning: ListMeaning,
    date: Option<Timestamp>,
    terms: Option<Arc<ListTerms>>,
}

#[derive(Debug)]
struct OwnClaims {
    table: Table,
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct OwnSystems {
    table: Table,
    systems: Vec<(u32, Option<Arc<str>>)>,
}

impl Own {
    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.claims.is_empty() && self.systems.is_empty()
    }

    pub(super) fn add_list(
        &mut self,
        id: &str,
        entries: &[(AddrRange, Option<Timestamp>)],
        meaning: ListMeaning,
        date: Option<Timestamp>,
        terms: Option<Arc<ListTerms>>,
    ) {
        let (table, since) = table_of(entries.iter().map(|&(range, since)| (range, since)));
        self.lists.push(OwnList { id: Arc::from(id), table, since, meaning, date, terms });
    }

    pub(super) fn add_claims(&mut self, source: &str, entries: Vec<(Prefix, Claim)>) {
        let source: Arc<str> = Arc::from(source);
        let mut claims = Vec::with_capacity(entries.len());
        let mut ranges = Vec::with_capacity(entries.len());
        for (index, (prefix, claim)) in (0_u32..).zip(entries) {
            ranges.push((AddrRange::from(prefix), index));
            claims.push(Claim { source: Arc::clone(&source), own: true, ..claim });
        }
        self.add_placed(&ranges, claims);
    }

    /// Places of a feed: ranges, each with the number of its claim.
    pub(super) fn add_placed(&mut self, ranges: &[(AddrRange, u32)], claims: Vec<Claim>) {
        self.claims.push(OwnClaims { table: Table::from_pieces(&flatten(ranges)), claims });
    }

    pub(super) fn add_systems(&mut self, entries: &[(AddrRange, u32, Option<Arc<str>>)]) {
        let (table, systems) =
            table_of(entries.iter().map(|(range, asn, name)| (*range, (*asn, name.clone()))));
        self.systems.push(OwnSystems { table, systems });
    }

    pub(super) fn system(&self, addr: Addr) -> Option<(AddrRange, u32, Option<Arc<str>>)> {
        // The table added last knows best.
        self.systems.iter().rev().find_map(|own| {
            let (range, row) = own.table.get_range(addr)?;
            let (asn, name) = own.systems.get(row as usize)?;
            Some((range, *asn, name.clone()))
        })
    }

    pub(super) fn lists(&self, addr: Addr) -> impl Iterator<Item = ListMembership> {
        self.lists.iter().filter_map(move |list| {
            let row = list.table.get(addr)?;
            Some(ListMembership {
                id: Arc::clone(&list.id),
                since: list.since.get(row as usize).copied().flatten(),
                date: list.date,
                meaning: list.meaning,
                terms: list.terms.clone(),
            })
        })
    }

    pub(super) fn claims(&self, addr: Addr) -> impl Iterator<Item = (AddrRange, Claim)> {
        self.claims.iter().filter_map(move |own| {
            let (range, row) = own.table.get_range(addr)?;
            Some((range, own.claims.get(row as usize)?.clone()))
        })
    }
}

/// A table of the entries, smallest range first, and its rows; equal rows are stored once, so that
/// neighbours of a list without dates join.
fn table_of<R: Clone + Eq + std::hash::Hash>(
    entries: impl Iterator<Item = (AddrRange, R)>,
) -> (Table, Vec<R>) {
    let (mut rows, mut index, mut ranges) = (Vec::new(), HashMap::new(), Vec::new());
    for (range, row) in entries {
        let next = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let value = *index.entry(row.clone()).or_insert(next);
        if value == next {
            rows.push(row);
        }
        ranges.push((range, value));
    }
    (Table::from_pieces(&flatten(&ranges)), rows)
}
