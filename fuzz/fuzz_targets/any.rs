//! Any one of the targets of `tests/it/fuzz`, chosen by name.
#![no_main]

use std::process::exit;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, unused_imports, reason = "what runs the targets as tests is not used here")]
#[path = "../../tests/it/fuzz/mod.rs"]
mod fuzz;

static TARGET: LazyLock<&'static fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("INFRALOCK_FUZZ_TARGET").unwrap_or_default();
    fuzz::TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
        let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
        eprintln!("INFRALOCK_FUZZ_TARGET={name:?} is no target; one of: {}", names.join(" "));
        exit(2);
    })
});

fuzz_target!(
    init: {
        LazyLock::force(&TARGET);
    },
    |data: &[u8]| (TARGET.run)(data)
);
