//! Progress on stderr, and Ctrl-C.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Progress;
use crate::clock::Stopwatch;
use crate::engine::{Doing, Monitor, Step};

/// Seconds between two lines of progress: enough to read one.
const PAUSE_SECS: f64 = 0.2;

/// Seconds before the first: quick work shows none.
const FIRST_SECS: f64 = 0.7;

/// Shows one line that is written over, and listens for Ctrl-C.
pub(super) struct Terminal {
    shown: Progress,
    watch: Stopwatch,
    /// Which file, what is done with it, and since when.
    file: Cell<(usize, Doing, f64)>,
    last: Cell<f64>,
    drawn: Cell<bool>,
    stop: Arc<AtomicBool>,
}

impl Terminal {
    /// Begins; Ctrl-C from now on asks the job to end, a second one ends the program.
    pub(super) fn start(shown: Progress) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // The order matters: the second signal finds the flag set by the first.
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop)).ok();
            signal_hook::flag::register(signal, Arc::clone(&stop)).ok();
        }
        Self {
            shown,
            watch: Stopwatch::start(),
            file: Cell::new((0, Doing::Reading, 0.0)),
            last: Cell::new(FIRST_SECS - PAUSE_SECS),
            drawn: Cell::new(false),
            stop,
        }
    }

    /// Seconds since the start.
    pub(super) fn secs(&self) -> f64 {
        self.watch.secs()
    }

    /// Wipes the line.
    pub(super) fn clear(&self) {
        if self.drawn.take() {
            write!(io::stderr().lock(), "\r\x1b[K").ok();
        }
    }
}

impl Monitor for Terminal {
    fn step(&self, step: &Step<'_>) {
        let now = self.watch.secs();
        let (file, doing, _) = self.file.get();
        if (file, doing) != (step.file, step.doing) {
            self.file.set((step.file, step.doing, now));
        }
        if self.shown == Progress::Hidden || now - self.last.get() < PAUSE_SECS {
            return;
        }
        self.last.set(now);
        self.drawn.set(true);
        let line = line(step, now - self.file.get().2);
        write!(io::stderr().lock(), "\r\x1b[K{line}").ok();
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// `2 of 3  access.log  61 %  182 MB/s  4 s left`
fn line(step: &Step<'_>, secs: f64) -> String {
    step.sentence(secs) + "  (Ctrl-C keeps what is done)"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_time_left() {
        let step = Step {
            doing: Doing::Reading,
            name: "a.log",
            bytes: 61_000_000,
            bytes_total: Some(100_000_000),
            file: 2,
            files: 3,
        };
        let shown = line(&step, 1.0);
        assert!(shown.starts_with("2 of 3  a.log  61 %  61 MB/s  1 s left"), "{shown}");
        let stream = Step { bytes_total: None, files: 1, ..step };
        assert!(line(&stream, 2.0).starts_with("a.log  61 MB  30 MB/s"));
    }
}
