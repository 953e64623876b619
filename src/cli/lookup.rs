//! `infralock lookup`: what is known of addresses and prefixes.

use std::io::{self, Write};

use clap::Args;

use super::context::{Heard, open_context};
use super::data::NO_DATA;
use super::{Console, Ended, Failure, problems};
use crate::bounded::Lines;
use crate::clock::Stopwatch;
use crate::engine::{
    Context, Counted, Lookup, LookupFields, LookupRow, LookupStats, Options, lookup_stream,
};
use crate::export::{Align, Table};
use crate::model::{Place, Visible};

/// Rows of one table for people: a long list is printed in pieces, as it is answered.
const TABLE_ROWS: usize = 1_000;

/// The columns for people, unless they choose.
const COLUMNS: &str = "query,score,place,asn,as_name,kinds,lists";

#[derive(Clone, Debug, Args)]
pub(super) struct LookupArgs {
    /// Addresses, prefixes, ranges; `-` reads them from standard input, one a line
    #[arg(required = true, value_name = "ADDR")]
    queries: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
    /// Only these keys, in this order: a,b
    #[arg(long, value_name = "FIELDS", value_parser = LookupFields::parse)]
    fields: Option<LookupFields>,
    /// Counts and speed on standard error
    #[arg(long)]
    stats: bool,
    /// Without your own feeds: what everybody else sees
    #[arg(long)]
    no_feeds: bool,
}

pub(super) fn run(args: LookupArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let watch = Stopwatch::start();
    let heard = if args.no_feeds { Heard::NoFeeds } else { Heard::OwnFeeds };
    let context = open_context(Options::default(), heard)?;
    if context.intel.sources().is_empty() {
        return Err(Failure::Nothing(NO_DATA.to_owned()));
    }
    let stats = match args.queries.as_slice() {
        [dash] if dash == "-" => ask(&context, io::stdin().lock(), &args, console)?,
        queries if queries.iter().any(|query| query == "-") => {
            let sentence = "`-` stands for standard input and cannot stand beside addresses";
            return Err(Failure::Nothing(sentence.to_owned()));
        }
        queries => {
            // An argument is one query, whatever it holds.
            let lines: Vec<String> = queries.iter().map(|query| one_line(query)).collect();
            ask(&context, lines.join("\n").as_bytes(), &args, console)?
        }
    };
    problems::print(&context.problems, &[]);
    if args.stats {
        tell(stats, watch.secs());
    }
    match stats.queries > 0 && stats.failed == stats.queries {
        true => Err(Failure::Nothing("nothing here is an address, prefix or range".to_owned())),
        false => Ok(Ended::Done),
    }
}

fn one_line(query: &str) -> String {
    let line = query.replace(['\n', '\r'], " ");
    // Neither nothing nor a comment: a wrong argument is answered as one.
    if line.trim().is_empty() || line.trim_start().starts_with('#') {
        format!("\"{line}\"")
    } else {
        line
    }
}

fn ask(
    context: &Context,
    input: impl io::Read,
    args: &LookupArgs,
    console: &mut Console<'_>,
) -> Result<LookupStats, Failure> {
    if args.ndjson {
        let fields = args.fields.clone().unwrap_or_default();
        let counted = if args.stats { Counted::Everything } else { Counted::Queries };
        return Ok(lookup_stream(context, input, &fields, counted, console.out)?);
    }
    let columns = args.fields.clone().map_or_else(|| LookupFields::parse(COLUMNS), Ok);
    let columns = columns.map_err(Failure::Nothing)?;
    let (mut lookup, mut lines) = (Lookup::new(context), Lines::new(input));
    let (mut rows, mut stats) = (Vec::new(), LookupStats::default());
    while let Some((_, line)) = lines.next_line() {
        let Some(row) = lookup.line(line) else { continue };
        stats.count(&row);
        rows.push(row);
        if rows.len() == TABLE_ROWS {
            print(&rows, &columns, console)?;
            rows.clear();
        }
    }
    print(&rows, &columns, console)?;
    Ok(stats)
}

fn print(
    rows: &[LookupRow],
    columns: &LookupFields,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let align = |name: &&'static str| match *name {
        "asn" | "score" => (*name, Align::Right),
        _ => (*name, Align::Left),
    };
    let mut table = Table::new(&columns.names().iter().map(align).collect::<Vec<_>>());
    for row in rows {
        table.row(columns.names().iter().map(|name| cell(row, name)).collect());
    }
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    console.out.flush()?;
    Ok(())
}

/// What people read; unknown is `-`.
fn cell(row: &LookupRow, field: &str) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    match field {
        "query" => row.query.to_string(),
        "addr" => text(row.addr.map(|addr| addr.to_string())),
        "prefix" => text(row.prefix.map(|prefix| prefix.to_string())),
        "reserved" => text(row.reserved.map(|reserved| reserved.as_str().to_owned())),
        "asn" => text(row.asn.map(|asn| asn.to_string())),
        "as_name" => text(row.as_name.as_deref().map(|name| Visible(name).to_string())),
        "kinds" => text(Some(joined(row.kinds.iter().map(|kind| kind.as_str())))),
        "lists" => text(Some(joined(row.lists.iter().map(|list| &*list.id)))),
        "place" => text(match (row.error, row.reserved, &row.place) {
            (Some(error), ..) => Some(error.to_owned()),
            (None, Some(reserved), _) => Some(format!("({})", reserved.as_str())),
            (None, None, place) => place.as_ref().map(place_text),
        }),
        "score" => text(row.score.map(|score| format!("{score:.1}"))),
        _ => text(row.error.map(str::to_owned)),
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

/// `Amsterdam, NL ±62 km`, or what there is of it.
fn place_text(place: &Place) -> String {
    let names = [place.city.as_deref().or(place.region.as_deref()), place.country_code.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let mut text = Visible(&names.join(", ")).to_string();
    match (place.radius_km, place.note) {
        (Some(radius), _) => text += &format!(" ±{radius:.0} km"),
        (None, Some(note)) if text.is_empty() => note.clone_into(&mut text),
        (None, _) => {}
    }
    text
}

fn tell(stats: LookupStats, secs: f64) {
    let LookupStats { queries, failed, reserved, placed, with_asn, listed } = stats;
    let a_second = if secs > 0.0 { queries as f64 / secs } else { 0.0 };
    writeln!(
        io::stderr().lock(),
        "{queries} queries in {secs:.3} s ({a_second:.0}/s): {placed} placed, {with_asn} with an \
         AS, {listed} in lists, {reserved} reserved, {failed} failed"
    )
    .ok();
}
