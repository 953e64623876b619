//! `infralock records`: parsed log lines and protocol transactions.

use std::path::PathBuf;

use clap::Args;

use super::carve::{addr, uid};
use super::case::Held;
use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, filter, problems, readable};
use crate::engine::{self, Job, RecordFormat, Sought};
use crate::filter::Table;
use crate::model::{Addr, Uid};

#[derive(Clone, Debug, Args)]
pub(super) struct RecordsArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required_unless_present = "case", conflicts_with = "case", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only records with this address as source or destination
    #[arg(long, value_name = "A", value_parser = addr)]
    addr: Option<Addr>,
    /// Only the transactions of this flow of a capture
    #[arg(long, value_name = "UID", value_parser = uid)]
    flow: Option<Uid>,
    /// Only the line that `explain` and JSON name so: record:IMPORT#LINE
    #[arg(long = "ref", value_name = "REF", value_parser = line)]
    line: Option<(String, u64)>,
    /// Only records that meet a filter, such as 'kind == auth && outcome == success'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
    #[command(flatten)]
    context: ContextArgs,
}

fn line(text: &str) -> Result<(String, u64), String> {
    let at = text.strip_prefix("record:").unwrap_or(text).rsplit_once('#');
    let at = at.and_then(|(import, line)| Some((import.to_owned(), line.parse().ok()?)));
    at.ok_or_else(|| "not a reference to a line; write record:PATH#LINE".to_owned())
}

pub(super) fn run(args: RecordsArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let filter = filter::read(args.filter.as_deref(), Table::Records)?;
    let case = args.context.case();
    let context = args.context.open()?;
    let filter = filter::streamed(filter.as_ref(), context.at)?;
    let held = Held::open(case.as_deref(), &args.paths, &context)?;
    let format = match args.ndjson {
        true => RecordFormat::NdJson,
        false => RecordFormat::Table(console.width),
    };
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let sought = Sought { addr: args.addr, flow: args.flow, line: args.line, filter };
    let read = engine::records(held.material(), job, &sought, format, &mut *console.out);
    monitor.clear();
    let (imports, written) = read?;
    problems::print(&context.problems, &imports.rows);
    if !args.ndjson {
        problems::print_assumed(&imports.rows);
    }
    readable(&imports.rows)?;
    if written == 0 && sought.is_narrow() {
        return Err(Failure::Nothing(match sought.line {
            Some(_) => "no such record; give the same paths as when it was named".to_owned(),
            None => "no such record in what was read".to_owned(),
        }));
    }
    Ok(if imports.partial { Ended::Interrupted } else { Ended::Done })
}
