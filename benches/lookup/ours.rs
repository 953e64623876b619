//! Our own table, as the program asks it: the packed form of `infralock-trie`, in memory, and the
//! file that it is mapped from.

use std::path::Path;

use infralock_trie::{Address, Builder, Image, Layer, Range, Runs, Table};

use super::engine::{Engine, Here, LookUp, NONE};
use super::opening::Asked;
use super::tables::{Key, Ranges};

/// The table, asked in batches of one size; 1: one by one.
pub(crate) struct Ours<K: Address> {
    table: Table<K>,
    batch: usize,
}

impl<K: Key> Ours<K> {
    pub(crate) fn new(ranges: &Ranges<K>) -> Self {
        Self { table: Table::new(&runs(ranges)).unwrap(), batch: 1_024 }
    }
}

impl<K: Key> LookUp<K> for Ours<K> {
    fn bytes(&self) -> usize {
        self.table.bytes()
    }

    fn look_up(&self, keys: &[K], answers: &mut [u32]) {
        if self.batch > 1 {
            for (keys, answers) in keys.chunks(self.batch).zip(answers.chunks_mut(self.batch)) {
                self.table.get_batch(keys, answers);
            }
        } else {
            for (answer, &key) in answers.iter_mut().zip(keys) {
                *answer = self.one(key);
            }
        }
    }

    fn one(&self, key: K) -> u32 {
        self.table.get(key).unwrap_or(NONE)
    }

    fn value(&self, answer: u32) -> u32 {
        if answer == infralock_trie::NONE { NONE } else { answer }
    }

    fn is_batch(&self) -> bool {
        self.batch > 1
    }
}

fn runs<K: Key>(ranges: &Ranges<K>) -> Runs<K> {
    let range = |&(first, last, value): &(K, K, u32)| (Range::new(first, last).unwrap(), value);
    Runs::from_ranges(ranges.rows.iter().map(range)).unwrap()
}

/// Ours as it is asked in batches of two sizes and one by one: one table for the three.
pub(crate) fn engines<'a, K: Key>(ranges: &Ranges<K>) -> Vec<Box<dyn Engine<K> + 'a>> {
    let built = Here::build("ours", || Ours::new(ranges));
    let sizes = [("ours, 256", 256), ("ours, 1,024", 1_024), ("ours, one by one", 1)];
    let engine = |(name, batch)| {
        let table = Ours { table: built.table.table.clone(), batch };
        Box::new(Here { name, build_secs: built.build_secs, table }) as Box<dyn Engine<K>>
    };
    sizes.map(engine).into()
}

/// The file that holds the table.
pub(crate) fn file<K: Key>(ranges: &Ranges<K>) -> Vec<u8> {
    let mut layer = Layer { name: ranges.name.to_owned(), ..Layer::default() };
    K::put(runs(ranges), &mut layer);
    let mut builder = Builder::new();
    builder.insert(layer);
    let mut bytes = Vec::new();
    builder.build(|_, _| true).unwrap().write_to(&mut bytes).unwrap();
    bytes
}

/// Opens a file and shows the table in it.
pub(crate) fn opened<K: Key>(path: &Path, asked: Asked<'_, K>) {
    let image = Image::open(path).unwrap();
    asked(&Ours { table: K::table(&image).clone(), batch: 1_024 });
}
