//! Files that a command writes, and what is said where they cannot be.

use std::path::Path;

use clap::Args;

use super::Failure;
pub(super) use crate::engine::Existing;
use crate::engine::NotWritten;
pub(super) use crate::engine::Output;

impl Existing {
    /// From `--force`.
    pub(super) const fn of(args: ForceArgs) -> Self {
        if args.force { Self::Replace } else { Self::Keep }
    }
}

/// `--force` was given.
pub(super) struct Forced;

impl ForceArgs {
    /// Whether it was given.
    pub(super) fn is_given(self) -> Option<Forced> {
        self.force.then_some(Forced)
    }
}

/// The option that every command has that writes a file.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct ForceArgs {
    /// Replaces an existing file
    #[arg(long)]
    force: bool,
}

impl From<NotWritten> for Failure {
    fn from(why: NotWritten) -> Self {
        match why {
            NotWritten::Exists(path) => {
                Self::Nothing(format!("{} exists; --force replaces it", path.display()))
            }
            failed @ NotWritten::Failed(..) => Self::Nothing(failed.to_string()),
        }
    }
}

/// Begins a file at `path`.
///
/// # Errors
/// When it exists and is to be kept, or its folder cannot be written.
pub(super) fn create(path: &Path, existing: Existing) -> Result<Output, Failure> {
    Ok(Output::create(path, existing)?)
}

/// A CSV writer fails only where its output does.
pub(super) fn csv_failure(error: csv::Error) -> Failure {
    Failure::Output(error.into())
}
