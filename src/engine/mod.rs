//! Opens paths, runs jobs, fills results: the only part that joins all the others.
//!
//! A job goes like this: [`paths`] turns arguments into files with a realm each; each file is
//! opened, hashed, unpacked and recognised by content; its packets or lines become flows and
//! records; whoever asked for them takes them as they come, so that nothing is kept that is not
//! needed. A [`Monitor`] sees progress and may stop the job, which keeps what was done.

pub mod paths;
mod progress;

pub use progress::{Monitor, Silent, Step};
