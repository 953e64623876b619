//! The crates that people take for this, each as its authors would have it used.
//!
//! All answer with a number: maxminddb with the offset of the data, which it need not decode, the
//! others with the value. Tables on the heap get huge pages from malloc (see `main`), copies of
//! files from an anonymous map that asks for them.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use ip_network_table_deps_treebitmap::IpLookupTable;
use memmap2::{Advice, Mmap, MmapMut};
use prefix_trie::PrefixMap;
use prefix_trie::rkyv::ArchivedPrefixMap;
use rkyv::rancor::Error;

use super::engine::{LookUp, NONE};
use super::tables::{Key, Ranges};

/// Bytes in memory of their own, on huge pages where the system has them.
pub(crate) fn on_huge_pages(bytes: &[u8]) -> Mmap {
    let mut map = MmapMut::map_anon(bytes.len()).unwrap();
    // Where the system has none, they are small.
    map.advise(Advice::HugePage).ok();
    map.copy_from_slice(bytes);
    map.make_read_only().unwrap()
}

/// A file, mapped.
pub(crate) fn mapped(path: &Path) -> Mmap {
    let file = File::open(path).unwrap();
    // SAFETY: the bench wrote the file into a folder of its own and changes it no more.
    unsafe { Mmap::map(&file) }.unwrap()
}

pub(crate) struct MaxMind {
    reader: maxminddb::Reader<Mmap>,
    bytes: usize,
    /// The value at each offset of the data.
    values: HashMap<u32, u32>,
}

impl MaxMind {
    pub(crate) fn open(bytes: Mmap) -> Self {
        let length = bytes.len();
        let reader = maxminddb::Reader::from_source(bytes).unwrap();
        Self { reader, bytes: length, values: HashMap::new() }
    }

    /// Reads what stands at the offsets that these ranges lead to.
    pub(crate) fn decoded<K: Key>(mut self, table: &Ranges<K>) -> Self {
        for &(first, _, _) in &table.rows {
            let found = self.reader.lookup(first.any_ip()).unwrap();
            let offset = found.offset().unwrap() as u32;
            self.values.entry(offset).or_insert_with(|| found.decode().unwrap().unwrap());
        }
        self
    }

    fn offset(&self, key: impl Key) -> u32 {
        let found = self.reader.lookup(key.any_ip()).unwrap();
        found.offset().map_or(NONE, |offset| offset as u32)
    }
}

impl<K: Key> LookUp<K> for MaxMind {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn value(&self, answer: u32) -> u32 {
        self.values.get(&answer).copied().unwrap_or(answer)
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.offset(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        self.offset(key)
    }
}

impl<K: Key> LookUp<K> for PrefixMap<(K, u8), u32>
where
    (K, u8): prefix_trie::Prefix,
{
    fn bytes(&self) -> usize {
        self.mem_size()
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.one(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        self.get_lpm(&(key, K::BITS)).map_or(NONE, |(_, &value)| value)
    }
}

pub(crate) fn prefix_map<K: Key>(table: &Ranges<K>) -> PrefixMap<(K, u8), u32>
where
    (K, u8): prefix_trie::Prefix,
{
    table.prefixes.iter().map(|&(first, len, value)| ((first, len), value)).collect()
}

/// prefix-trie's archive: bytes that are the table, all of them checked when it is opened.
pub(crate) struct Archive<'a, K: Key>
where
    (K, u8): prefix_trie::Prefix,
{
    table: &'a ArchivedPrefixMap<(K, u8), u32>,
    bytes: usize,
}

impl<'a, K: Key> Archive<'a, K>
where
    (K, u8): prefix_trie::Prefix,
{
    pub(crate) fn open(bytes: &'a [u8]) -> Self {
        Self { table: rkyv::access::<_, Error>(bytes).unwrap(), bytes: bytes.len() }
    }
}

impl<K: Key> LookUp<K> for Archive<'_, K>
where
    (K, u8): prefix_trie::Prefix,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.one(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        self.table.get_lpm(&(key, K::BITS)).map_or(NONE, |(_, value)| value.to_native())
    }
}

impl<K: Key> LookUp<K> for IpLookupTable<K::Ip, u32> {
    fn bytes(&self) -> usize {
        let (nodes, results) = self.mem_usage();
        nodes + results
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.one(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        self.longest_match(key.ip()).map_or(NONE, |(_, _, &value)| value)
    }
}

pub(crate) fn tree_bitmap<K: Key>(table: &Ranges<K>) -> IpLookupTable<K::Ip, u32> {
    let mut map = IpLookupTable::new();
    for &(first, len, value) in &table.prefixes {
        map.insert(first.ip(), u32::from(len), value);
    }
    map
}

/// Binary search over the starts of the ranges, by the standard library; gaps are ranges too.
pub(crate) struct Starts<K> {
    starts: Vec<K>,
    values: Vec<u32>,
}

impl<K: Key> Starts<K> {
    pub(crate) fn new(table: &Ranges<K>) -> Self {
        let (mut starts, mut values) = (Vec::new(), Vec::new());
        let mut next: Option<u128> = Some(0);
        for &(first, last, value) in &table.rows {
            if next != Some(first.into()) {
                starts.extend(next.map(K::from_bits));
                values.extend(next.map(|_| NONE));
            }
            starts.push(first);
            values.push(value);
            let end = u128::MAX >> (128 - K::BITS);
            next = (last.into() < end).then(|| last.into() + 1);
        }
        starts.extend(next.map(K::from_bits));
        values.extend(next.map(|_| NONE));
        Self { starts, values }
    }
}

impl<K: Key> LookUp<K> for Starts<K> {
    fn bytes(&self) -> usize {
        self.starts.len() * (size_of::<K>() + size_of::<u32>())
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.one(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        let at = self.starts.partition_point(|&start| start <= key).checked_sub(1);
        at.map_or(NONE, |at| self.values[at])
    }
}
