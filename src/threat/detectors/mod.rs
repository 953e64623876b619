//! One file per detector, and the list of them.
//!
//! **To add a detector**: one file with a type that implements [`Detector`], one line in
//! [`DETECTORS`], one row in `profiles/default.toml` that says what it weighs and why.
//! `lists.rs` is a small one to copy; `threat::tally` has what they share, and the notation of
//! `threat::notation` says in one line what happened and in another what must be detected.

use super::Detector;

pub mod bruteforce;
pub mod cleartext;
pub mod flood;
pub mod lists;
pub mod scan;
pub mod web;

/// All detectors. Settings, help, the README table and the tests are derived from this list.
pub const DETECTORS: &[&dyn Detector] = &[
    &scan::Scan,
    &bruteforce::BruteForce,
    &flood::Flood,
    &web::Web,
    &lists::Lists,
    &cleartext::Cleartext,
];
