//! The one integration-test binary: one build, one link, all areas as modules.
#![expect(clippy::disallowed_methods, reason = "tests read their own files and start our program")]

mod corpora;
mod fuzz;
