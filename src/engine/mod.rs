//! Opens paths, runs jobs, fills results: the only part that joins all the others.
//!
//! A job goes like this: [`paths`] turns arguments into files with a realm each; each file is
//! opened, hashed, unpacked and recognised by content; its packets or lines become flows and
//! records; whoever asked for them takes them as they come, so that nothing is kept that is not
//! needed. A [`Monitor`] sees progress and may stop the job, which keeps what was done.

mod context;
mod data;
mod files;
mod listing;
pub mod paths;
mod progress;
mod read;
mod triage;

use std::path::PathBuf;

pub use context::{Context, Options, OwnList, OwnText, RunScene, Zone};
pub use data::open_intel;
pub use files::{Imports, Job};
pub use listing::{FlowFormat, ListingError, RecordFormat, flows, records};
pub use progress::{Monitor, Silent, Step};
pub use triage::{Cut, HostsShown, Triage};

use crate::export::HostRow;
use crate::model::Addr;
use crate::threat::evidence::{Activity, evidence};
use crate::threat::score::score;

/// Reads all paths, detects, scores and ranks.
///
/// # Errors
/// A sentence, when a path cannot be opened at all.
pub fn triage<'a>(
    paths: &[PathBuf],
    job: Job<'a>,
    shown: HostsShown,
) -> Result<Triage<'a>, String> {
    let mut gather = triage::Gather::new(job.context);
    let imports = files::import(paths, job, &mut gather)?;
    Ok(Triage::conclude(gather, imports, shown))
}

/// An address judged by shipped data and own lists alone: nothing was seen of it.
pub fn explain_known(context: &Context, addr: Addr) -> HostRow {
    let facts = context.facts(addr);
    let evidence = evidence(&[], &facts, &Activity::default(), &context.profile);
    let now = context.at.unwrap_or_else(|| context.data_date());
    let score = score(&evidence, &facts.kinds, &context.profile, now);
    triage::known_row(context, addr, facts, score, &[])
}
