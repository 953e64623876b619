//! `infralock detections`: what detectors found.

use std::path::PathBuf;

use clap::Args;

use super::case::Held;
use super::context::ContextArgs;
use super::progress::Terminal;
use super::triage::{Realms, detection_table, folded};
use super::{Console, Ended, Failure, filter, problems, readable};
use crate::engine::{self, HostsShown, Job};
use crate::export::{DetectionRow, JsonLines};
use crate::filter::Table;

#[derive(Clone, Debug, Args)]
pub(super) struct DetectionsArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required_unless_present = "case", conflicts_with = "case", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only detections that meet a filter, such as 'severity >= 50 && succeeded'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: DetectionsArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let filter = filter::read(args.filter.as_deref(), Table::Detections)?;
    let case = args.context.case();
    let context = args.context.open()?;
    let held = Held::open(case.as_deref(), &args.paths, &context)?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let triage = engine::triage(held.material(), job, HostsShown::WithoutSpoofed);
    monitor.clear();
    problems::print(&context.problems, &triage.head().imports);
    problems::print_notes(&triage.head().notes);
    if !args.ndjson {
        problems::print_assumed(&triage.head().imports);
    }
    readable(&triage.head().imports)?;
    let plan = filter.map(|filter| filter.plan(triage.head().now));
    let wanted = |found: &DetectionRow| plan.as_ref().is_none_or(|plan| plan.matches(found));
    if args.ndjson {
        let mut lines = JsonLines::new(&mut *console.out);
        triage.detections().filter(wanted).try_for_each(|detection| lines.write(&detection))?;
    } else {
        let detections: Vec<DetectionRow> = triage.detections().filter(wanted).collect();
        let table = detection_table(folded(&detections).iter(), Realms::of(&triage.head().imports));
        if table.is_empty() && triage.detections().next().is_some() {
            writeln!(console.out, "Nothing that was detected meets the filter.")?;
        } else if table.is_empty() {
            writeln!(console.out, "Nothing was detected.")?;
        } else {
            for line in table.wrapped(console.width) {
                writeln!(console.out, "{line}")?;
            }
        }
    }
    Ok(if triage.head().partial { Ended::Interrupted } else { Ended::Done })
}
