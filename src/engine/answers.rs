//! What is known of an address and where it is, kept for the next time it is asked.
//!
//! A look-up costs tens of nanoseconds and is not worth keeping; a finished answer, in which claims
//! became names and a place with a radius, costs a microsecond or two and is asked for again
//! whenever a host is ranked, drawn, explained or judged anew. Answers are kept for the whole
//! process under the address, the data and the profile they follow from: what follows from others
//! is never found, and goes when room is needed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};
use serde::Serialize;

use crate::model::{Addr, Facts, Place};

/// Answers that are kept: some 1.5 kB each with names, lists and candidates, so at most 50 MB.
const ANSWERS_MAX: usize = 32_768;

/// What one address is known by, finished.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What is known of it.
    pub facts: Facts,
    /// Where it is.
    pub place: Option<Place>,
}

/// What an answer follows from: data with own layers, and the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) data: u64,
    pub(super) profile: u64,
}

type Key = (Addr, Version);

/// Counts what had to go.
#[derive(Clone, Debug, Default)]
struct Gone(Arc<AtomicU64>);

impl Lifecycle<Key, Arc<Answer>> for Gone {
    type RequestState = ();

    fn on_evict(&self, _state: &mut (), _key: Key, _answer: Arc<Answer>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Answers {
    cache: Cache<Key, Arc<Answer>, UnitWeighter, DefaultHashBuilder, Gone>,
    gone: Gone,
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| {
    let gone = Gone::default();
    let (room, hasher) = (ANSWERS_MAX as u64, DefaultHashBuilder::default());
    let cache = Cache::with(ANSWERS_MAX, room, UnitWeighter, hasher, gone.clone());
    Answers { cache, gone }
});

/// How full the cache is and what it was good for, since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnswersView {
    /// Answers kept now.
    pub kept: u64,
    /// Answers there is room for.
    pub room: u64,
    /// Questions that found one.
    pub found: u64,
    /// Questions that did not.
    pub missed: u64,
    /// Answers that went for others.
    pub gone: u64,
}

impl AnswersView {
    /// The present state.
    pub fn now() -> Self {
        let Answers { cache, gone } = &*ANSWERS;
        Self {
            kept: cache.len() as u64,
            room: cache.capacity(),
            found: cache.hits(),
            missed: cache.misses(),
            gone: gone.0.load(Ordering::Relaxed),
        }
    }
}

/// The answer that is kept, or else the one that is made now.
pub(super) fn answer(addr: Addr, version: Version, make: impl FnOnce() -> Answer) -> Arc<Answer> {
    let key = (addr, version);
    ANSWERS.cache.get(&key).unwrap_or_else(|| {
        let answer = Arc::new(make());
        ANSWERS.cache.insert(key, Arc::clone(&answer));
        answer
    })
}

/// A number that no other caller gets: the version of data that only one run has.
pub(super) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
