//! Opening a damaged case, and reading all of it.

use infralock::model::ImportId;
use infralock::store::Store;

/// Bytes as a case file: refused with a sentence, or read to the end.
pub fn fuzz_case(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.infralock");
    std::fs::write(&path, data).unwrap();
    if let Ok(store) = Store::open_read_only(&path) {
        store.info().ok();
        store.verify().ok();
        for (number, import) in (0..).zip(store.imports().unwrap_or_default()) {
            store.each_item(import.key, ImportId(number), &mut |_| true).ok();
        }
    }
    if let Ok(mut opened) = Store::open(&path) {
        opened.store.undo(super::now()).ok();
        opened.store.forget("203.0.113.9".parse().unwrap(), super::now()).ok();
    }
}
