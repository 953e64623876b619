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

    /// As [`lists`](Self::lists), each with the range that says so.
    pub(super) fn list_ranges(
        &self,
        addr: Addr,
    ) -> impl Iterator<Item = (AddrRange, ListMembership)> {
        self.lists.iter().filter_map(move |list| {
            let (range, row) = list.table.get_range(addr)?;
            let since = list.since.get(row as usize).copied().flatten();
            let (id, date, meaning) = (Arc::clone(&list.id), list.date, list.meaning);
            let terms = list.terms.clone();
            Some((range, ListMembership { id, since, date, meaning, terms }))
        })
    }

    /// What every AS table says of an address, the one that was added last first: it wins.
    pub(super) fn systems(
        &self,
        addr: Addr,
    ) -> impl Iterator<Item = (AddrRange, u32, Option<Arc<str>>)> {
        self.systems.iter().rev().filter_map(move |own| {
            let (range, row) = own.table.get_range(addr)?;
            let (asn, name) = own.systems.get(row as usize)?;
            Some((range, *asn, name.clone()))
        })
    }

    /// The ranges of one own list, IPv4 alone, as first and last address in order; all lists,
    /// where none is named.
    pub(super) fn list_pieces_v4(&self, id: Option<&str>) -> impl Iterator<Item = (u32, u32)> {
        let wanted = move |list: &&OwnList| id.is_none_or(|id| *list.id == *id);
        let ranges = self.lists.iter().filter(wanted).flat_map(|list| list.table.v4.ranges());
        ranges.map(|(range, _)| (range.first(), range.last()))
    }

    /// Places, IPv4 alone: first and last address with the claim.
    pub(super) fn claim_pieces_v4(&self) -> impl Iterator<Item = ((u32, u32), &Claim)> {
        self.claims.iter().flat_map(|own| {
            let claim = |row: u32| own.claims.get(row as usize);
            own.table
                .v4
                .ranges()
                .filter_map(move |(range, row)| Some(((range.first(), range.last()), claim(row)?)))
        })
    }

    /// Origins, IPv4 alone, of the table that was added last: first, last, AS number.
    pub(super) fn system_pieces_v4(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        self.systems.iter().rev().take(1).flat_map(|own| {
            let asn = |row: u32| own.systems.get(row as usize).map(|(asn, _)| *asn);
            own.table
                .v4
                .ranges()
                .filter_map(move |(range, row)| Some((range.first(), range.last(), asn(row)?)))
        })
    }

    /// The name of an AS in an own table.
    pub(super) fn system_name(&self, asn: u32) -> Option<Arc<str>> {
        let rows = self.systems.iter().rev().flat_map(|own| &own.systems);
        rows.filter(|(known, _)| *known == asn).find_map(|(_, name)| name.clone())
    }

    /// Ids and meanings of all own lists.
    pub(super) fn list_meanings(&self) -> impl Iterator<Item = (&Arc<str>, ListMeaning)> {
        self.lists.iter().map(|list| (&list.id, list.meaning))
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
