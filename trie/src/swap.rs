//! A value that is replaced while others read it: read, copy, update.
//!
//! A reader says in a slot of its own which version it has seen last, and takes the pointer to the
//! present value; a writer puts another pointer there, counts the version up, and lets the old
//! value go when no slot says a version that could still be reading it. That is reclamation by
//! epochs (Fraser, "Practical lock-freedom", 2004) with the version as the epoch.
//!
//! Taking a value is wait-free: one load, one store into a cache line that no other reader writes,
//! one fence, one load; no lock, no loop, nothing to try again. The writer does not wait either:
//! what is still being read is put off to the next swap, [`Swap::reclaim`] or end of a reader.
//!
//! Why nothing is freed too early, with `v` the version of an old value: the writer replaces the
//! pointer, counts to `v + 1`, fences, and reads the slots; the reader stores the version it saw,
//! fences, and loads the pointer. One of the two fences comes first. If it is the reader's, the
//! writer sees the slot: at most `v`, and it keeps the value; more than `v`, and the reader has
//! seen the count go up, so also the new pointer. If it is the writer's, the reader loads the new
//! pointer. A test under loom goes through all orders of these steps.

use std::fmt;
use std::ops::Deref;

#[cfg(loom)]
use loom::sync::{Arc, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
use std::sync::{Arc, Mutex, MutexGuard, atomic};

use atomic::{AtomicPtr, AtomicU64, Ordering, fence};

/// A slot whose reader holds nothing: higher than any version.
const IDLE: u64 = u64::MAX;

/// Where one reader says what it holds. Two lines: processors fetch them in pairs.
#[repr(align(128))]
struct Slot(AtomicU64);

/// A value and its version.
struct Entry<T> {
    value: Arc<T>,
    version: u64,
}

/// What a writer changes, one at a time.
struct Writer<T> {
    latest: Arc<Entry<T>>,
    /// Replaced values that may still be read, the oldest first.
    old: Vec<Arc<Entry<T>>>,
    slots: Vec<Arc<Slot>>,
}

struct Shared<T> {
    /// What `writer.latest` points to.
    present: AtomicPtr<Entry<T>>,
    version: AtomicU64,
    writer: Mutex<Writer<T>>,
}

/// A value that is replaced while others read it.
///
/// Clones are handles of the same value.
///
/// ```
/// use std::sync::Arc;
/// use infralock_trie::Swap;
/// let swap = Swap::new(Arc::new("old"));
/// let mut reader = swap.reader();
/// let held = reader.load();
/// assert_eq!(swap.swap(Arc::new("new")), 2);
/// assert_eq!((*held, held.version()), ("old", 1), "what is held stays as it is");
/// drop(held);
/// assert_eq!((*reader.load(), swap.reclaim()), ("new", 0));
/// ```
pub struct Swap<T> {
    shared: Arc<Shared<T>>,
}

/// Reads a [`Swap`] without waiting. One for each thread, or each task that reads.
///
/// Making, cloning and dropping one takes the writers' lock for a moment: keep it.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    slot: Arc<Slot>,
}

/// The value as it was when it was taken.
///
/// While it is held, neither this value nor any later one is freed: hold it for a batch of
/// look-ups, and for longer ask [`Reader::get`].
pub struct Guard<'a, T> {
    /// Not a reference: the entry may go while a guard is being dropped, after the slot is idle.
    entry: *const Entry<T>,
    slot: &'a Slot,
}

impl<T> Swap<T> {
    /// The first value; its version is 1.
    pub fn new(value: Arc<T>) -> Self {
        let latest = Arc::new(Entry { value, version: 1 });
        let shared = Shared {
            present: AtomicPtr::new(Arc::as_ptr(&latest).cast_mut()),
            version: AtomicU64::new(1),
            writer: Mutex::new(Writer { latest, old: Vec::new(), slots: Vec::new() }),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A new reader.
    pub fn reader(&self) -> Reader<T> {
        Shared::reader(&self.shared)
    }

    /// Replaces the value and returns the version of the new one. Readers are not disturbed; old
    /// values that nobody holds are dropped here, before it returns.
    pub fn swap(&self, value: Arc<T>) -> u64 {
        let mut writer = self.shared.lock();
        let version = writer.latest.version + 1;
        let latest = Arc::new(Entry { value, version });
        let pointer = Arc::as_ptr(&latest).cast_mut();
        let old = std::mem::replace(&mut writer.latest, latest);
        writer.old.push(old);
        self.shared.present.store(pointer, Ordering::Release);
        self.shared.version.store(version, Ordering::Release);
        let free = writer.take_free();
        // A value may take long to drop, or come back here: not under the lock.
        drop(writer);
        drop(free);
        version
    }

    /// The newest value, to be kept for as long as one likes. Takes the writers' lock for a
    /// moment; [`Reader::get`] does not.
    pub fn latest(&self) -> Arc<T> {
        Arc::clone(&self.shared.lock().latest.value)
    }

    /// The version of the newest value: 1 at first, one more with each swap. What is kept of
    /// answers carries the version of its [`Guard`], and is good as long as this is the same.
    pub fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }

    /// Drops the old values that nobody holds any more; how many are still held.
    pub fn reclaim(&self) -> usize {
        self.shared.reclaim()
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Writer<T>> {
        // Whoever panicked under the lock left whole steps behind: nothing there can panic halfway
        // but for want of memory.
        self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn reader(shared: &Arc<Self>) -> Reader<T> {
        let slot = Arc::new(Slot(AtomicU64::new(IDLE)));
        shared.lock().slots.push(Arc::clone(&slot));
        Reader { shared: Arc::clone(shared), slot }
    }

    fn reclaim(&self) -> usize {
        let mut writer = self.lock();
        let free = writer.take_free();
        let held = writer.old.len();
        drop(writer);
        drop(free);
        held
    }
}

impl<T> Writer<T> {
    /// The old values that no reader can hold.
    fn take_free(&mut self) -> Vec<Arc<Entry<T>>> {
        // After the pointer was replaced, before the slots are read: see the module.
        fence(Ordering::SeqCst);
        // Acquire: what a reader did with a value comes before what is done to it now.
        let slots = self.slots.iter().map(|slot| slot.0.load(Ordering::Acquire));
        let oldest = slots.min().unwrap_or(IDLE);
        let free = self.old.partition_point(|entry| entry.version < oldest);
        self.old.drain(..free).collect()
    }
}

impl<T> Reader<T> {
    /// The present value, without waiting for anything.
    #[inline]
    pub fn load(&mut self) -> Guard<'_, T> {
        let version = self.shared.version.load(Ordering::Acquire);
        // Release: what was done with the value held before comes before this is seen.
        self.slot.0.store(version, Ordering::Release);
        // Before the pointer is loaded: see the module.
        fence(Ordering::SeqCst);
        let entry = self.shared.present.load(Ordering::Acquire);
        Guard { entry, slot: &self.slot }
    }

    /// The present value, to be kept for as long as one likes: a look-up without waiting, and one
    /// count that all who do this share.
    pub fn get(&mut self) -> Arc<T> {
        let guard = self.load();
        Arc::clone(&guard.entry().value)
    }

    /// As [`Swap::version`].
    #[inline]
    pub fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Shared::reader(&self.shared)
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.shared.lock().slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        self.shared.reclaim();
    }
}

impl<T> Guard<'_, T> {
    #[inline]
    fn entry(&self) -> &Entry<T> {
        // SAFETY: `entry` was the present one when the slot already said a version not above its
        // own, and the slot says so until this guard is dropped: only it and `Reader::load` write
        // the slot, and the guard borrows the reader for itself. `Writer::take_free` keeps every
        // entry whose version is not below a slot's. Entries are never changed.
        unsafe { &*self.entry }
    }

    /// The version of this value.
    #[inline]
    pub fn version(&self) -> u64 {
        self.entry().version
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.entry().value
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.0.store(IDLE, Ordering::Release);
    }
}

impl<T> Clone for Swap<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> From<T> for Swap<T> {
    fn from(value: T) -> Self {
        Self::new(Arc::new(value))
    }
}

impl<T> fmt::Debug for Swap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swap").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Counts its own end.
    struct Counted(Arc<AtomicU64>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted() -> (Arc<AtomicU64>, impl Fn() -> Arc<Counted>) {
        let count = Arc::new(AtomicU64::new(0));
        let made = Arc::clone(&count);
        (count, move || Arc::new(Counted(Arc::clone(&made))))
    }

    #[test]
    fn what_nobody_holds_goes_at_once() {
        let (gone, new) = counted();
        let swap = Swap::new(new());
        let mut reader = swap.reader();
        drop(reader.load());
        assert_eq!(swap.swap(new()), 2);
        assert_eq!(gone.load(Ordering::Relaxed), 1);
        drop((reader, swap));
        assert_eq!(gone.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_held_guard_only_delays() {
        let (gone, new) = counted();
        let swap = Swap::new(new());
        let (mut held, mut other) = (swap.reader(), swap.reader());
        let guard = held.load();
        for version in 2..=10 {
            assert_eq!(swap.swap(new()), version);
            assert_eq!((other.load().version(), guard.version()), (version, 1));
        }
        assert_eq!((gone.load(Ordering::Relaxed), swap.reclaim()), (0, 9));
        drop(guard);
        assert_eq!((swap.reclaim(), gone.load(Ordering::Relaxed)), (0, 9));
    }

    #[test]
    fn the_end_of_a_reader_frees_what_only_it_held() {
        let (gone, new) = counted();
        let swap = Swap::new(new());
        let mut reader = swap.reader();
        // A guard that is forgotten never says that it is done; its reader's end does.
        std::mem::forget(reader.load());
        swap.swap(new());
        assert_eq!((swap.reclaim(), gone.load(Ordering::Relaxed)), (1, 0));
        drop(reader);
        assert_eq!(gone.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_kept_value_outlives_swap_and_reader() {
        let (gone, new) = counted();
        let swap = Swap::new(new());
        let mut reader = swap.reader();
        let (kept, latest) = (reader.get(), swap.latest());
        assert!(Arc::ptr_eq(&kept, &latest));
        swap.swap(new());
        drop((reader, latest, swap));
        assert_eq!(gone.load(Ordering::Relaxed), 1, "only the second");
        drop(kept);
        assert_eq!(gone.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn values_may_swap_when_they_end() {
        struct Again(Option<Swap<u32>>);
        impl Drop for Again {
            fn drop(&mut self) {
                if let Some(swap) = &self.0 {
                    swap.swap(Arc::new(7));
                }
            }
        }
        let inner = Swap::new(Arc::new(1));
        let swap = Swap::new(Arc::new(Again(Some(inner.clone()))));
        swap.swap(Arc::new(Again(None)));
        assert_eq!(*inner.latest(), 7);
    }

    #[test]
    fn threads_read_whole_versions_during_swaps() {
        let rounds = if cfg!(miri) { 30 } else { 20_000 };
        let swap = Swap::new(Arc::new([1_u64; 64]));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let mut reader = swap.reader();
                scope.spawn(move || {
                    let mut last = 0;
                    while last < rounds {
                        let guard = reader.load();
                        let version = guard.version();
                        assert!(version >= last, "versions never go back");
                        assert!(guard.iter().all(|&number| number == version));
                        last = version;
                    }
                });
            }
            for version in 2..=rounds {
                assert_eq!(swap.swap(Arc::new([version; 64])), version);
            }
        });
        assert_eq!(swap.reclaim(), 0);
    }
}

/// Every order of the steps of a few threads: `RUSTFLAGS="--cfg loom" cargo test --release swap`.
#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::thread;

    /// Loom tells when its end is not ordered after every look at it.
    struct Watched(UnsafeCell<u64>);

    impl Watched {
        fn new(number: u64) -> Arc<Self> {
            Arc::new(Self(UnsafeCell::new(number)))
        }

        fn look(&self) -> u64 {
            // SAFETY: changed only when it ends, which loom checks to come after this.
            self.0.with(|number| unsafe { *number })
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            // SAFETY: nobody looks any more, which loom checks.
            self.0.with_mut(|number| unsafe { *number = u64::MAX });
        }
    }

    fn read(mut reader: Reader<Watched>, times: usize) -> thread::JoinHandle<()> {
        thread::spawn(move || {
            let mut last = 0;
            for _ in 0..times {
                let guard = reader.load();
                let version = guard.version();
                assert_eq!(guard.look(), version);
                assert!(version >= last);
                last = version;
            }
        })
    }

    fn explore(threads: usize, preemptions: Option<usize>, test: fn(usize)) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = preemptions;
        model.check(move || test(threads));
    }

    #[test]
    fn swap_one_reader_reads_twice_during_two_swaps() {
        explore(1, None, |_| {
            let swap = Swap::new(Watched::new(1));
            let reader = read(swap.reader(), 2);
            assert_eq!(swap.swap(Watched::new(2)), 2);
            assert_eq!(swap.swap(Watched::new(3)), 3);
            reader.join().unwrap();
            assert_eq!(swap.reclaim(), 0);
        });
    }

    #[test]
    fn swap_two_readers_during_two_swaps() {
        explore(2, Some(3), |threads| {
            let swap = Swap::new(Watched::new(1));
            let readers: Vec<_> = (0..threads).map(|_| read(swap.reader(), 1)).collect();
            assert_eq!(swap.swap(Watched::new(2)), 2);
            assert_eq!(swap.swap(Watched::new(3)), 3);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
            assert_eq!(swap.reclaim(), 0);
        });
    }

    #[test]
    fn swap_two_writers_and_a_reader_that_comes_late() {
        explore(1, Some(3), |_| {
            let swap = Swap::new(Watched::new(1));
            let other = swap.clone();
            let writer = thread::spawn(move || {
                let mut reader = other.reader();
                let kept = reader.get();
                assert!(kept.look() >= 1);
                drop(kept);
                drop(reader);
                other.reclaim();
            });
            swap.swap(Watched::new(2));
            writer.join().unwrap();
            assert_eq!(swap.reclaim(), 0);
        });
    }
}
