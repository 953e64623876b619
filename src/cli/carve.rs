//! `infralock carve`: the packets behind a host, a flow or a filter.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::output::{self, Existing};
use super::progress::Terminal;
use super::{Console, Ended, Failure, expand, filter, problems, readable};
use crate::engine::{self, FlowSet, Job, Wanted};
use crate::export::counted;
use crate::filter::Table;
use crate::model::{Addr, Uid};

#[derive(Clone, Debug, Args)]
pub(super) struct CarveArgs {
    /// Captures, archives, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    wanted: WantedArgs,
    /// The capture to write, pcapng
    #[arg(long, value_name = "F.pcapng")]
    out: PathBuf,
    #[command(flatten)]
    force: output::ForceArgs,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct WantedArgs {
    /// Packets from or to an address, inside tunnels too
    #[arg(long, value_name = "A", value_parser = addr)]
    addr: Option<Addr>,
    /// Packets of a flow, by the uid that `flows` shows
    #[arg(long, value_name = "UID", value_parser = uid)]
    flow: Option<Uid>,
    /// Packets of flows that meet a filter, such as 'sni contains example.com'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
}

pub(super) fn addr(text: &str) -> Result<Addr, String> {
    let query = crate::model::query::parse(text).map_err(|error| error.to_string())?;
    query.addr().ok_or_else(|| "not one address".to_owned())
}

pub(super) fn uid(text: &str) -> Result<Uid, String> {
    let text = text.strip_prefix("flow:").unwrap_or(text);
    Uid::parse(text).ok_or_else(|| "not a flow's uid: C and 17 letters and digits".to_owned())
}

pub(super) fn run(args: CarveArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let wanted = match (args.wanted.addr, args.wanted.flow) {
        (Some(addr), _) => Wanted::Addr(addr),
        (None, Some(uid)) => Wanted::Flow(uid),
        (None, None) => Wanted::Flows(FlowSet::default()),
    };
    let filter = filter::read(args.wanted.filter.as_deref(), Table::Flows)?;
    let plan = filter::streamed(filter.as_ref(), None)?;
    let mut file = output::create(&args.out, Existing::of(args.force))?;
    let context = ContextArgs::default().open()?;
    let inputs = expand(&args.paths, context.realm.as_deref())?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let (wanted, mut partial) = match plan {
        None => (wanted, false),
        Some(plan) => {
            if inputs.are_read_once() {
                let what = "a flow shows what it is when its packets have passed, so the input is \
                            read twice, which a pipe cannot be; write it to a file first";
                return Err(Failure::Usage(what.to_owned()));
            }
            let (imports, found) =
                engine::flows_that(expand(&args.paths, context.realm.as_deref())?, job, &plan);
            (Wanted::Flows(found), imports.partial)
        }
    };
    let carved = engine::carve(inputs, job, wanted, &mut file);
    monitor.clear();
    let (imports, frames) = carved?;
    partial |= imports.partial;
    problems::print(&[], &imports.rows);
    readable(&imports.rows)?;
    if frames == 0 {
        return Err(Failure::Nothing("no such packet; nothing was written".to_owned()));
    }
    file.keep()?;
    writeln!(console.out, "{} to {}", counted(frames, "frame", "frames"), args.out.display())?;
    Ok(if partial { Ended::Interrupted } else { Ended::Done })
}
