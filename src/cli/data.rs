//! `infralock data`: the reference data, its age, and whom to thank for it.

pub(super) mod image;
mod own;
mod update;

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Console, Ended, Failure};
use crate::engine::{FeedRow, data_origin};
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
    /// Keeps a feed of your own, which speaks in all later look-ups and scores
    Add(Box<own::AddArgs>),
    /// Fetches newer states of feeds that were added with an https:// address, and shows what is
    /// new before it is taken
    Update(update::UpdateArgs),
    /// Forgets a feed of your own
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        json: own::JsonFlag,
    },
    /// Builds the image of all data anew; it is built by itself where there is none
    Build(image::ImageArgs),
    /// Checks every byte of the sets and of their image
    Verify(image::ImageArgs),
    /// Prints the table of fields by which databases (MMDB) are read, to edit and give with --map
    Fields,
    /// Says whom to credit wherever results are shown
    Attribution,
}

/// A row of `data status --json`: a shipped set, or an own feed with what is known of it.
#[derive(Serialize)]
struct StatusRow<'a> {
    #[serde(flatten)]
    source: Source,
    /// `null` for what is shipped.
    feed: Option<&'a FeedRow>,
}

pub(super) fn run(args: DataArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    match args.command {
        DataCommand::Add(args) => return own::add(*args, console),
        DataCommand::Remove { name, json } => {
            return own::remove(&name, own::Form::of(json), console);
        }
        DataCommand::Build(args) => return image::build(args, console),
        DataCommand::Verify(args) => return image::verify(args, console),
        DataCommand::Update(args) => return update::run(args, console),
        DataCommand::Fields => {
            console.out.write_all(crate::intel::feed::SHIPPED_FIELDS.as_bytes())?;
            return Ok(Ended::Done);
        }
        DataCommand::Status { .. } | DataCommand::Attribution => {}
    }
    let intel = image::open_data(console.progress)?;
    if intel.sources().is_empty() {
        return Err(Failure::Nothing(NO_DATA.to_owned()));
    }
    match args.command {
        DataCommand::Status { json } => {
            // Decoding everything finds what checksums cannot: files that are whole, but wrong.
            intel.decode_all();
            let (feeds, wrong) = own_feeds();
            match json {
                true => {
                    to_json(&mut *console.out, &status_rows(intel.sources(), &feeds))?;
                    writeln!(console.out)?;
                }
                false => status(intel.sources(), &feeds, console)?,
            }
            let problems = intel.problems().into_iter().map(|problem| problem.to_string());
            let problems: Vec<String> = problems.chain(wrong).collect();
            for problem in &problems {
                writeln!(std::io::stderr().lock(), "{problem}").ok();
            }
            Ok(if problems.is_empty() { Ended::Done } else { Ended::CheckFailed })
        }
        DataCommand::Add(_)
        | DataCommand::Remove { .. }
        | DataCommand::Build(_)
        | DataCommand::Verify(_)
        | DataCommand::Update(_)
        | DataCommand::Fields => Ok(Ended::Done),
        DataCommand::Attribution => {
            attribution(intel.sources(), console)?;
            Ok(Ended::Done)
        }
    }
}

/// The own feeds, and what is wrong with any of them.
fn own_feeds() -> (Vec<FeedRow>, Vec<String>) {
    let Ok(shelf) = own::shelf() else { return Default::default() };
    match shelf.rows() {
        Ok(rows) => {
            let wrong = rows.iter().filter_map(|row| shelf.content(row).err()).collect();
            (rows, wrong)
        }
        Err(why) => (Vec::new(), vec![why]),
    }
}

fn status_rows<'a>(sources: &[Source], feeds: &'a [FeedRow]) -> Vec<StatusRow<'a>> {
    let shipped = sources.iter().map(|source| StatusRow { source: source.clone(), feed: None });
    let own = feeds.iter().map(|row| StatusRow {
        source: Source {
            id: row.id(),
            title: format!("own feed, {}, {}", row.kind, row.format),
            package: String::new(),
            date: row.date.map(crate::model::Timestamp::to_date),
            license: row.licence.clone().unwrap_or_default(),
            url: row.source.clone(),
            attribution: String::new(),
            rows: row.entries_v4,
            rows_v6: row.entries_v6,
            archive_sha256: row.sha256.clone(),
            packed_bytes: row.bytes,
        },
        feed: Some(row),
    });
    shipped.chain(own).collect()
}

fn status(sources: &[Source], feeds: &[FeedRow], console: &mut Console<'_>) -> Result<(), Failure> {
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
    for row in feeds {
        table.row(own::cells(row));
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
