//! How long a person waits for the window: told once on standard error, where that is asked for.
//!
//! `INFRALOCK_STARTUP=1` asks for it; `.ci/startup` starts the program several times and adds what
//! passed before it could look at a clock.

use std::io::{self, Write};

use crate::clock::Stopwatch;

/// The environment variable that asks for it.
const ASKED_BY: &str = "INFRALOCK_STARTUP";

/// The first frame: still to come, with since when it is awaited, or nothing to tell.
#[derive(Debug, Default)]
pub(super) struct FirstFrame(Option<Stopwatch>);

impl FirstFrame {
    /// Awaited from now on, if somebody asked for it.
    pub(super) fn awaited() -> Self {
        Self(std::env::var_os(ASKED_BY).map(|_| Stopwatch::start()))
    }

    /// A frame is drawn: says how long the first one took.
    pub(super) fn is_drawn(&mut self) {
        if let Some(watch) = self.0.take() {
            let secs = watch.secs();
            writeln!(io::stderr(), "first frame: {secs:.3} s after the window was asked for").ok();
        }
    }
}
