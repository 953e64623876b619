//! `infralock explain`: the score and the place of one address, row by row.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, expand, problems, readable};
use crate::engine::{self, HostsShown, Job};
use crate::export::{Align, HostRow, JsonLines, ShownEvidence, Table};
use crate::model::Visible;

/// Cells of the bar that shows a contribution of 100 points.
const BAR_CELLS: f64 = 20.0;

#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArgs {
    /// The address
    addr: String,
    /// What to judge it by; without a path, the shipped data and your own lists alone
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    context: ContextArgs,
    /// One JSON object for each host of this address
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ExplainArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let query = crate::model::query::parse(&args.addr)
        .map_err(|error| Failure::Nothing(format!("{}: {error}", Visible(&args.addr))))?;
    let Some(addr) = query.addr() else {
        return Err(Failure::Nothing(format!("{} is not one address", Visible(&args.addr))));
    };
    let context = args.context.open()?;
    if args.paths.is_empty() {
        let row = engine::explain_known(&context, addr);
        show(&[row], args.json.then_some(Json), console)?;
        return Ok(Ended::Done);
    }
    let inputs = expand(&args.paths, &context)?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let triage = engine::triage(inputs, job, HostsShown::All);
    monitor.clear();
    problems::print(&context.problems, &triage.head().imports);
    readable(&triage.head().imports)?;
    let rows = triage.explain(addr);
    if rows.is_empty() {
        return Err(Failure::Nothing(format!(
            "{addr} does not occur in what was read; `infralock explain {addr}` tells what is \
             known of it"
        )));
    }
    show(&rows, args.json.then_some(Json), console)?;
    Ok(if triage.head().partial { Ended::Interrupted } else { Ended::Done })
}

/// Asks for JSON.
struct Json;

fn show(rows: &[HostRow], json: Option<Json>, console: &mut Console<'_>) -> Result<(), Failure> {
    if json.is_some() {
        let mut lines = JsonLines::new(&mut *console.out);
        rows.iter().try_for_each(|row| lines.write(row))?;
        return Ok(());
    }
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            writeln!(console.out)?;
        }
        block(row, console)?;
    }
    Ok(())
}

fn block(row: &HostRow, console: &mut Console<'_>) -> Result<(), Failure> {
    let realm = row.realm.as_ref().map(|realm| format!(" in realm {realm}")).unwrap_or_default();
    writeln!(
        console.out,
        "{}{realm}: score {:.1}, {} (evidence amount {:.2}, anonymity {:.2})",
        row.addr, row.score, row.word, row.evidence_amount, row.anonymity
    )?;
    for line in about(row) {
        writeln!(console.out, "  {line}")?;
    }
    writeln!(console.out, "\nWhy {:.1}", row.score)?;
    let mut table = Table::new(&[
        ("Points", Align::Right),
        ("", Align::Left),
        ("Evidence", Align::Left),
        ("Nats", Align::Right),
        ("What", Align::Left),
    ]);
    row.evidence.iter().for_each(|shown| table.row(evidence_cells(shown)));
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    write_place(row, console)
}

fn about(row: &HostRow) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(asn) = row.asn {
        let name = row.as_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let prefix = row.prefix.map(|prefix| format!(", {prefix}")).unwrap_or_default();
        lines.push(format!("network  AS{asn} {name}{prefix}"));
    }
    if !row.kinds.is_empty() {
        let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.as_str()).collect();
        lines.push(format!("kinds    {}", kinds.join(", ")));
    }
    if !row.lists.is_empty() {
        let lists: Vec<&str> = row.lists.iter().map(|list| &*list.id).collect();
        lines.push(format!("lists    {}", lists.join(", ")));
    }
    if !row.names.is_empty() {
        let names: Vec<String> =
            row.names.iter().map(|name| format!("{} ({})", name.name, name.source)).collect();
        lines.push(format!("names    {}", names.join(", ")));
    }
    if let (Some(first), Some(last)) = (row.first_seen, row.last_seen) {
        let (first, last) = (first.to_short(), last.to_short());
        lines.push(format!("seen     {first} to {last} UTC, {} flows or records", row.flows));
    }
    lines
}

fn evidence_cells(shown: &ShownEvidence) -> Vec<String> {
    let row = &shown.row;
    let cells = (row.contribution.abs() / 100.0 * BAR_CELLS).round() as usize;
    let bar = if row.contribution < 0.0 { "░" } else { "█" }.repeat(cells);
    let counted = if row.counted { "" } else { " (not counted: overlaps a stronger row)" };
    let what = row.what.as_deref().map(|what| Visible(what).to_string()).unwrap_or_default();
    let refs: Vec<&str> = shown.refs.iter().take(3).map(String::as_str).collect();
    let refs = match refs.is_empty() {
        true => String::new(),
        false => format!("  [{}]", Visible(&refs.join(" "))),
    };
    vec![
        format!("{:+.1}", row.contribution),
        bar,
        row.id.to_string(),
        format!("{:+.2}", row.x),
        format!("{what}{counted}{refs}"),
    ]
}

fn write_place(row: &HostRow, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(place) = &row.place else {
        writeln!(console.out, "\nWhere: unknown; no source places this address")?;
        return Ok(());
    };
    let name: Vec<String> = [place.city.as_deref(), place.region.as_deref()]
        .into_iter()
        .flatten()
        .map(|part| Visible(part).to_string())
        .chain(place.country_code.clone())
        .collect();
    let point = match (place.lat, place.lon, place.radius_km) {
        (Some(lat), Some(lon), Some(radius)) => {
            format!(" at {lat:.3}, {lon:.3}; nine times in ten within {radius:.0} km")
        }
        _ => String::new(),
    };
    writeln!(console.out, "\nWhere: {}{point}", name.join(", "))?;
    if let Some(confidence) = place.confidence {
        writeln!(console.out, "  within 40 km with probability {confidence:.2}")?;
    }
    if let Some(note) = place.note {
        writeln!(console.out, "  {note}")?;
    }
    for candidate in &place.candidates {
        let sources: Vec<&str> = candidate.sources.iter().map(|source| &**source).collect();
        let name: Vec<String> = [candidate.city.as_deref(), candidate.country_code.as_deref()]
            .into_iter()
            .flatten()
            .map(|part| Visible(part).to_string())
            .collect();
        let (weight, sources) = (candidate.weight, sources.join(", "));
        writeln!(console.out, "  {weight:.2}  {}  by {sources}", name.join(", "))?;
    }
    Ok(())
}
