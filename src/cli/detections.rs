//! `infralock detections`: what detectors found.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::progress::Terminal;
use super::triage::{Realms, detection_table, folded};
use super::{Console, Ended, Failure, expand, problems, readable};
use crate::engine::{self, HostsShown, Job};
use crate::export::{DetectionRow, JsonLines};

#[derive(Clone, Debug, Args)]
pub(super) struct DetectionsArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: DetectionsArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let context = args.context.open()?;
    let inputs = expand(&args.paths, &context)?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let triage = engine::triage(inputs, job, HostsShown::WithoutSpoofed);
    monitor.clear();
    problems::print(&context.problems, &triage.head().imports);
    problems::print_notes(&triage.head().notes);
    if !args.ndjson {
        problems::print_assumed(&triage.head().imports);
    }
    readable(&triage.head().imports)?;
    if args.ndjson {
        let mut lines = JsonLines::new(&mut *console.out);
        triage.detections().try_for_each(|detection| lines.write(&detection))?;
    } else {
        let detections: Vec<DetectionRow> = triage.detections().collect();
        let table = detection_table(folded(&detections).iter(), Realms::of(&triage.head().imports));
        if table.is_empty() {
            writeln!(console.out, "Nothing was detected.")?;
        } else {
            for line in table.wrapped(console.width) {
                writeln!(console.out, "{line}")?;
            }
        }
    }
    Ok(if triage.head().partial { Ended::Interrupted } else { Ended::Done })
}
