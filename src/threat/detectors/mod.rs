//! One file per detector, and the list of them.
//!
//! **To add a detector**: one file with a type that implements [`Detector`], one line in
//! [`DETECTORS`], one row in `profiles/default.toml` that says what it weighs and why.

use super::Detector;

/// All detectors. Settings, help, the README table and the tests are derived from this list.
pub const DETECTORS: &[&dyn Detector] = &[];
