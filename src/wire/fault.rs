//! What is wrong with a packet, and how often: one row for each kind, however many packets.

use crate::model::{Position, Problems};

/// Kinds kept for one file; the decoders have fewer, so this only guards against a mistake.
const KINDS_MAX: usize = 256;

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes are missing.
    Short {
        /// What needs them: `IPv4 total length`.
        what: &'static str,
        /// How many it needs.
        needed: usize,
        /// How many are there.
        had: usize,
    },
    /// A value cannot be.
    Wrong {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What would be right.
        right: &'static str,
    },
    /// Something happened that costs data, in words that say what was done.
    Note(&'static str),
}

impl Fault {
    /// Whether two faults are of one kind, whatever their numbers.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short { what, .. }, Self::Short { what: other, .. })
            | (Self::Wrong { what, .. }, Self::Wrong { what: other, .. })
            | (Self::Note(what), Self::Note(other)) => what == other,
            _ => false,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Short { what, needed, had } => {
                format!("{what} needs {needed} bytes, {had} are there")
            }
            Self::Wrong { what, found, right } => format!("{what} is {found}; {right}"),
            Self::Note(what) => (*what).to_owned(),
        }
    }
}

/// Takes the first `N` bytes.
#[inline]
pub(super) fn take<'a, const N: usize>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<(&'a [u8; N], &'a [u8]), Fault> {
    bytes.split_first_chunk().ok_or(Fault::Short { what, needed: N, had: bytes.len() })
}

/// Steps over the first `needed` bytes.
#[inline]
pub(super) fn skip<'a>(
    what: &'static str,
    bytes: &'a [u8],
    needed: usize,
) -> Result<&'a [u8], Fault> {
    bytes.get(needed..).ok_or(Fault::Short { what, needed, had: bytes.len() })
}

/// The faults of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u64, u64)>);

impl Faults {
    /// Counts one; the first of its kind lends its numbers and its place.
    #[cold]
    pub(super) fn add(&mut self, offset: u64, fault: Fault) {
        if let Some((_, _, count)) = self.0.iter_mut().find(|(known, ..)| known.is_like(&fault)) {
            *count += 1;
        } else if self.0.len() < KINDS_MAX {
            self.0.push((fault, offset, 1));
        }
    }

    pub(super) fn drain_into(&mut self, problems: &mut Problems) {
        for (fault, offset, count) in self.0.drain(..) {
            problems.push_counted(Position::Offset(offset), fault.text(), count);
        }
    }
}
