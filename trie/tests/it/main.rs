//! The crate against slow oracles, and against files that nobody's builder wrote.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics says where; helpers have no attribute of their own"
)]

mod fault;
mod addresses;
mod hostile;
mod images;
mod maps;
mod oracle;
mod swaps;
mod tables;

/// So many cases of a property: few under Miri, which takes some thousand times as long.
fn cases(count: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: if cfg!(miri) { 2 } else { count },
        failure_persistence: None,
        ..Default::default()
    }
}

/// `count`, or few under Miri.
fn times(count: usize, under_miri: usize) -> usize {
    if cfg!(miri) { under_miri } else { count }
}
