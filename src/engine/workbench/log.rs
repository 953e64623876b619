//! The log of the open case, as it is shown.

use std::sync::Arc;

use super::state::Engine;
use crate::clock;
use crate::store::Audited;

/// Commands of a case that are shown; the command line writes all.
pub const LOG_SHOWN_MAX: usize = 1_000;

/// Which commands changed a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The newest first, at most [`LOG_SHOWN_MAX`].
    pub newest: Vec<Audited>,
    /// How many there truly are.
    pub count: u64,
}

impl Engine {
    /// Puts the log into the snapshot.
    pub(super) fn tell_log(&mut self) {
        let log = self.case.as_ref().map(|case| Log {
            newest: case.store.newest_commands(LOG_SHOWN_MAX).unwrap_or_default(),
            count: case.store.command_count().unwrap_or_default(),
        });
        let log = log.unwrap_or_default();
        if *self.next.case.log != log {
            Arc::make_mut(&mut self.next.case).log = Arc::new(log);
        }
    }

    /// Writes down by which own networks the case is judged from now on.
    pub(super) fn note_own(&mut self) {
        let networks: Vec<String> = self.mine.iter().map(ToString::to_string).collect();
        let what = match networks.as_slice() {
            [] => "own networks: private addresses".to_owned(),
            networks => format!("own networks: {}", networks.join(", ")),
        };
        if let Some(case) = self.case.as_mut().filter(|case| !case.store.is_read_only()) {
            // What cannot be written down is told when the case itself cannot be written.
            case.store.audit(&what, clock::now()).ok();
        }
        self.tell_log();
    }
}
