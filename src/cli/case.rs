//! `--case`: reading into a case file and out of it.

use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::engine::{Added, Case, HostsShown, Inputs, Job, Triage};
use crate::model::Visible;

/// Adds the files to a case, which is made if it is not there, and triages everything in it; says
/// whether it was interrupted. Without files the case is only read.
pub(super) fn triage<'a>(
    path: &Path,
    inputs: Inputs,
    job: Job<'a>,
    shown: HostsShown,
) -> Result<(Triage<'a>, bool), Failure> {
    if inputs.files.is_empty() && inputs.skipped.is_empty() {
        let triage = Case::open(path).and_then(|case| case.triage(job, shown));
        return triage.map(|triage| (triage, false)).map_err(Failure::Nothing);
    }
    let mut case = Case::open_or_create(path).map_err(Failure::Nothing)?;
    let added = case.add(inputs, job).map_err(Failure::Nothing)?;
    tell(&case, &added);
    let triage = case.triage(job, shown).map_err(Failure::Nothing)?;
    case.close().map_err(Failure::Nothing)?;
    Ok((triage, added.imports.partial))
}

/// What happened to the case beside what was read, on stderr.
fn tell(case: &Case, added: &Added) {
    let mut err = std::io::stderr().lock();
    for note in &case.notes {
        writeln!(err, "infralock: {}", Visible(note)).ok();
    }
    for (name, known) in &added.known {
        writeln!(err, "{name}: is in the case already, as {known}; not read again").ok();
    }
    for name in &added.replaced {
        writeln!(err, "{name}: its cut-off import gave way to the whole one").ok();
    }
}
