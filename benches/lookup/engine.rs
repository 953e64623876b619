//! What is timed: the one question that every look-up engine answers, and how it is asked.

use std::hint::black_box;
use std::time::Instant;

use super::tables::{Drawn, Key};

/// What stands for "nothing is said of it". DPDK's next hops of four bytes have 31 bits.
pub(crate) const NONE: u32 = 0x7fff_ffff;

/// Addresses that are timed together: their answers stay in the first cache, and few of them are
/// interrupted by another process.
const CHUNK: usize = 4_096;

/// How long some look-ups took, and the sum of what they answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) nanos: f64,
    pub(crate) sum: u64,
}

/// An engine with one table in it, somewhere: here or in another process.
pub(crate) trait Engine<K> {
    fn name(&self) -> &'static str;
    /// Bytes of the table: file, arena, or what the engine's own count says.
    fn bytes(&self) -> usize;
    fn build_secs(&self) -> f64;
    /// Takes in the queries that it will be asked.
    fn learn(&mut self, _: Drawn, _: &[K]) {}
    /// The value of each query.
    fn values(&mut self, drawn: Drawn, keys: &[K]) -> Vec<u32>;
    /// Asks all queries once. `None`: this engine is not asked so.
    fn pass(&mut self, drawn: Drawn, keys: &[K]) -> Option<Pass>;
}

/// A table in this process.
pub(crate) trait LookUp<K> {
    fn bytes(&self) -> usize;
    /// Answers as the engine has them at hand.
    fn look_up(&self, keys: &[K], answers: &mut [u32]);
    fn one(&self, key: K) -> u32;
    /// The value that an answer stands for, where the answer is a pointer to it.
    fn value(&self, answer: u32) -> u32 {
        answer
    }
    /// Whether many are asked at once: then asking them one after the other says nothing new.
    fn is_batch(&self) -> bool {
        false
    }
}

/// [`LookUp`] with what was measured when it was built.
pub(crate) struct Here<T> {
    pub(crate) name: &'static str,
    pub(crate) build_secs: f64,
    pub(crate) table: T,
}

impl<T> Here<T> {
    pub(crate) fn build(name: &'static str, build: impl FnOnce() -> T) -> Self {
        let start = Instant::now();
        let table = build();
        Self { name, build_secs: start.elapsed().as_secs_f64(), table }
    }
}

impl<K: Key, T: LookUp<K>> Engine<K> for Here<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn bytes(&self) -> usize {
        self.table.bytes()
    }

    fn build_secs(&self) -> f64 {
        self.build_secs
    }

    fn values(&mut self, _: Drawn, keys: &[K]) -> Vec<u32> {
        let mut answers = vec![NONE; keys.len()];
        self.table.look_up(keys, &mut answers);
        answers.into_iter().map(|answer| self.table.value(answer)).collect()
    }

    fn pass(&mut self, drawn: Drawn, keys: &[K]) -> Option<Pass> {
        if drawn == Drawn::Dependent && self.table.is_batch() {
            return None;
        }
        let mut sum = 0_u64;
        let mut answers = [NONE; CHUNK];
        // Zero, which the compiler is not told.
        let zero = black_box(0_u128);
        let mut answer = 0;
        let chunks = keys.chunks(CHUNK).map(|keys| {
            let start = Instant::now();
            if drawn == Drawn::Dependent {
                for &key in keys {
                    let key: u128 = key.into();
                    answer = self.table.one(K::from_bits(key ^ (u128::from(answer) & zero)));
                    sum = sum.wrapping_add(u64::from(answer));
                }
            } else {
                let answers = &mut answers[..keys.len()];
                self.table.look_up(keys, answers);
                sum = sum.wrapping_add(answers.iter().map(|&answer| u64::from(answer)).sum());
            }
            start.elapsed().as_nanos() as f64
        });
        let nanos = undisturbed(chunks.collect());
        Some(Pass { nanos, sum: black_box(sum) })
    }
}

/// The time of all chunks together, as if none had been interrupted: those that took more than
/// twice the median count as the mean of the others. On a machine that does nothing else that is
/// next to none of them. `rte_fib.c` does the same.
fn undisturbed(mut chunks: Vec<f64>) -> f64 {
    chunks.sort_by(f64::total_cmp);
    let limit = 2.0 * chunks[chunks.len() / 2];
    let whole = &chunks[..chunks.partition_point(|&nanos| nanos <= limit)];
    whole.iter().sum::<f64>() / whole.len() as f64 * chunks.len() as f64
}
