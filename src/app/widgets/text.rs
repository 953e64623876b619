//! Numbers, times and strangers' text as people read them.

use crate::app::times;
pub(crate) use crate::app::units::{bytes, distance};
use crate::model::{Timestamp, Untrusted, Visible};
pub(crate) use crate::model::{counted, grouped};

/// Strangers' text on one line, control and bidi characters visible.
pub fn visible(text: &Untrusted) -> String {
    Visible(text.raw()).to_string()
}

/// `2026-06-05 03:12:44` in the zone that is set, which stands beside it; empty: not known.
pub fn time(at: Option<Timestamp>) -> String {
    at.map(times::shown).unwrap_or_default()
}
