//! `infralock flows`: the flow table.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, expand, problems, readable};
use crate::engine::{self, FlowFormat, Job};

#[derive(Clone, Debug, Args)]
pub(super) struct FlowsArgs {
    /// Captures, archives, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    format: FlowFormatArgs,
}

#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
struct FlowFormatArgs {
    /// One JSON object a line, with Zeek's conn.log names
    #[arg(long)]
    ndjson: bool,
    /// The flat columns
    #[arg(long)]
    csv: bool,
    /// A Zeek TSV log that Zeek's own tools read
    #[arg(long)]
    zeek: bool,
}

pub(super) fn run(args: FlowsArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let format = match args.format {
        FlowFormatArgs { ndjson: true, .. } => FlowFormat::NdJson,
        FlowFormatArgs { csv: true, .. } => FlowFormat::Csv,
        FlowFormatArgs { zeek: true, .. } => FlowFormat::Zeek,
        _ => FlowFormat::Table(console.width),
    };
    let monitor = Terminal::start(console.progress);
    let context = ContextArgs::default().open()?;
    let inputs = expand(&args.paths, &context)?;
    let job = Job { context: &context, monitor: &monitor };
    let read = engine::flows(inputs, job, format, &mut *console.out);
    monitor.clear();
    let imports = read?;
    problems::print(&[], &imports.rows);
    readable(&imports.rows)?;
    Ok(if imports.partial { Ended::Interrupted } else { Ended::Done })
}
