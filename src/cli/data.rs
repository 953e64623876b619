//! `infralock data`: the reference data, its age, and whom to thank for it.

use std::io::Write;

use clap::{Args, Subcommand};

use super::{Console, Ended, Failure};
use crate::engine::{data_origin, open_intel};
use crate::export::{Align, Table, to_json};
use crate::intel::Source;

/// A program built without data, and none named.
pub(super) const NO_DATA: &str = "no reference data: this program was built without the feature \
                                  bundled-data; set INFRALOCK_DATA to a folder of packed sets";

#[derive(Clone, Debug, Args)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum DataCommand {
    /// Lists the data sets with their dates, sizes and licences, and proves that they are whole
    Status {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Says whom to credit wherever results are shown
    Attribution,
}

pub(super) fn run(args: DataArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let intel = open_intel().map_err(Failure::Nothing)?;
    if intel.sources().is_empty() {
        return Err(Failure::Nothing(NO_DATA.to_owned()));
    }
    match args.command {
        DataCommand::Status { json } => {
            // Decoding everything finds what checksums cannot: files that are whole, but wrong.
            intel.decode_all();
            match json {
                true => {
                    to_json(&mut *console.out, &intel.sources())?;
                    writeln!(console.out)?;
                }
                false => status(intel.sources(), console)?,
            }
            let problems = intel.problems();
            for problem in &problems {
                writeln!(std::io::stderr().lock(), "{problem}").ok();
            }
            Ok(if problems.is_empty() { Ended::Done } else { Ended::CheckFailed })
        }
        DataCommand::Attribution => {
            attribution(intel.sources(), console)?;
            Ok(Ended::Done)
        }
    }
}

fn status(sources: &[Source], console: &mut Console<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("set", Align::Left),
        ("date", Align::Left),
        ("rows", Align::Right),
        ("rows IPv6", Align::Right),
        ("kB", Align::Right),
        ("licence", Align::Left),
        ("what", Align::Left),
    ]);
    for source in sources {
        table.row(vec![
            source.id.clone(),
            source.date.clone().unwrap_or_else(|| "undated".to_owned()),
            source.rows.to_string(),
            if source.rows_v6 > 0 { source.rows_v6.to_string() } else { "-".to_owned() },
            source.packed_bytes.div_ceil(1_000).to_string(),
            source.license.clone(),
            source.title.clone(),
        ]);
    }
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    let bytes: u64 = sources.iter().map(|source| source.packed_bytes).sum();
    let newest = sources.iter().filter_map(|source| source.date.as_deref()).max();
    writeln!(
        console.out,
        "\n{} sets, {:.1} MB, {}; newest of {}",
        sources.len(),
        bytes as f64 / 1e6,
        data_origin(),
        newest.unwrap_or("no stated date"),
    )?;
    Ok(())
}

fn attribution(sources: &[Source], console: &mut Console<'_>) -> Result<(), Failure> {
    for source in sources {
        let credit = match source.attribution.as_str() {
            "" => format!("{} ({})", source.title, source.url),
            credit => credit.to_owned(),
        };
        writeln!(console.out, "{}: {credit} [{}]", source.id, source.license)?;
    }
    Ok(())
}
