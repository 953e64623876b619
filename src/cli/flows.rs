//! `infralock flows`: the flow table.

use std::path::PathBuf;

use clap::Args;

use super::carve::{addr, uid};
use super::case::Held;
use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, filter, problems, readable};
use crate::engine::{self, FlowFormat, Job, Sought};
use crate::filter::Table;
use crate::model::{Addr, Uid};

#[derive(Clone, Debug, Args)]
pub(super) struct FlowsArgs {
    /// Captures, archives, folders, or - for standard input
    #[arg(required_unless_present = "case", conflicts_with = "case", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only flows from or to an address
    #[arg(long, value_name = "A", value_parser = addr)]
    addr: Option<Addr>,
    /// Only this flow, by its uid or as `explain` names it (flow:UID)
    #[arg(long, value_name = "UID", value_parser = uid)]
    flow: Option<Uid>,
    /// Only flows that meet a filter, such as 'tcp.port == 443 && bytes > 1MB'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// A case file to read instead of paths
    #[arg(long, value_name = "F")]
    case: Option<PathBuf>,
    #[command(flatten)]
    format: FlowFormatArgs,
}

#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
struct FlowFormatArgs {
    /// One JSON object a line, with Zeek's conn.log names
    #[arg(long)]
    ndjson: bool,
    /// The flat columns as CSV
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
    let filter = filter::read(args.filter.as_deref(), Table::Flows)?;
    let filter = filter::streamed(filter.as_ref(), None)?;
    let monitor = Terminal::start(console.progress);
    let context = ContextArgs::default().open()?;
    let held = Held::open(args.case.as_deref(), &args.paths, &context)?;
    let job = Job { context: &context, monitor: &monitor };
    let sought = Sought { addr: args.addr, flow: args.flow, line: None, filter };
    let read = engine::flows(held.material(), job, &sought, format, &mut *console.out);
    monitor.clear();
    let (imports, written) = read?;
    problems::print(&[], &imports.rows);
    readable(&imports.rows)?;
    if written == 0 && sought.is_narrow() {
        let what = "no such flow in what was read; `infralock records` shows lines of logs";
        return Err(Failure::Nothing(what.to_owned()));
    }
    Ok(if imports.partial { Ended::Interrupted } else { Ended::Done })
}
