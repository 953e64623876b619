//! Our own table, as the program asks it.

use infralock::trie::{LongestMatch, Table};

use super::engine::{Engine, Here, LookUp, NONE};
use super::opening::Asked;
use super::tables::{Key, Ranges};

pub(crate) struct Ours {
    table: Table,
    bytes: usize,
}

impl Ours {
    pub(crate) fn new<K: Key>(ranges: &Ranges<K>) -> Self {
        let table = Table::from_pieces(&ranges.pieces);
        let bytes = table.v4.len() * 8 + table.v6.len() * 12;
        Self { table, bytes }
    }
}

impl<K: Key> LookUp<K> for Ours {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        for (answer, &key) in answers.iter_mut().zip(keys) {
            *answer = self.one(key);
        }
    }

    fn one(&self, key: K) -> u32 {
        self.table.get(key.addr()).unwrap_or(NONE)
    }
}

/// Ours as it is asked in batches of two sizes and one by one.
pub(crate) fn engines<'a, K: Key>(table: &Ranges<K>) -> Vec<Box<dyn Engine<K> + 'a>> {
    vec![Box::new(Here::build("ours", || Ours::new(table)))]
}

/// The file of the table; `None`: there is no such file yet.
pub(crate) fn file<K: Key>(_: &Ranges<K>) -> Option<Vec<u8>> {
    None
}

/// Opens a file and shows it.
pub(crate) fn opened<K: Key>(_: &std::path::Path, _: Asked<'_, K>) {}
