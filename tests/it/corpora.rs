//! Finds the optional folder of real captures, logs and feeds, by `INFRALOCK_CORPORA` alone.

use std::path::PathBuf;

/// The path of `inside` (such as `corpora/zeek-traces`) if it is there; else says so and skips.
///
/// A test that gets `None` returns at once. A folder that is set but lacks the set is an error,
/// so that a moved folder cannot turn every such test off in silence.
pub fn find(inside: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("INFRALOCK_CORPORA") else {
        println!("{inside}: skipped, INFRALOCK_CORPORA is not set");
        return None;
    };
    let path = PathBuf::from(root).join(inside);
    assert!(path.exists(), "INFRALOCK_CORPORA is set, but {} is missing", path.display());
    Some(path)
}
