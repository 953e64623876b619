//! `infralock records`: parsed log lines and protocol transactions.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, expand, problems, readable};
use crate::engine::{self, Job, RecordFormat};

#[derive(Clone, Debug, Args)]
pub(super) struct RecordsArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    context: ContextArgs,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
}

pub(super) fn run(args: RecordsArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let context = args.context.open()?;
    let inputs = expand(&args.paths, &context)?;
    let format = match args.ndjson {
        true => RecordFormat::NdJson,
        false => RecordFormat::Table(console.width),
    };
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let read = engine::records(inputs, job, format, &mut *console.out);
    monitor.clear();
    let imports = read?;
    problems::print(&context.problems, &imports.rows);
    readable(&imports.rows)?;
    Ok(if imports.partial { Ended::Interrupted } else { Ended::Done })
}
