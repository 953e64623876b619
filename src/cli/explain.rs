//! `infralock explain`: the score and the place of one address, row by row.

mod prefixes;

use std::path::{Path, PathBuf};

use clap::Args;

use super::case::Held;
use super::context::ContextArgs;
use super::progress::Terminal;
use super::{Console, Ended, Failure, problems, readable};
use crate::engine::{self, HostsShown, Job, paths};
use crate::export::{Align, HostRow, JsonLines, ShownEvidence, Table, counted, grouped, wrap};
use crate::model::Visible;

/// Where the text of a line about a host stands, below its first word.
const ABOUT_INDENT: usize = 11;

/// References shown with a row of evidence; the JSON has all.
const REFS_SHOWN: usize = 3;

/// Cells of the bar that shows a contribution of 100 points.
const BAR_CELLS: f64 = 20.0;

#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArgs {
    /// The address
    addr: String,
    /// What to judge it by; without a path, the shipped data and your own lists alone
    #[arg(value_name = "PATH", conflicts_with = "case")]
    paths: Vec<PathBuf>,
    /// One JSON object for each host of this address
    #[arg(long)]
    json: bool,
    /// Instead: the prefixes around it in each source, what each says, which won and why
    #[arg(long, conflicts_with_all = ["paths", "case"])]
    prefixes: bool,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: ExplainArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let query = crate::model::query::parse(&args.addr)
        .map_err(|error| Failure::Nothing(format!("{}: {error}", Visible(&args.addr))))?;
    let Some(addr) = query.addr() else {
        return Err(Failure::Nothing(format!("{} is not one address", Visible(&args.addr))));
    };
    let case = args.context.case();
    let context = args.context.open()?;
    if args.prefixes {
        let explored = engine::explore(&context, addr);
        return prefixes::show(&explored, args.json.then_some(Json), console);
    }
    if args.paths.is_empty() && case.is_none() {
        let row = engine::explain_known(&context, addr);
        show(&[row], &[], args.json.then_some(Json), console)?;
        return Ok(Ended::Done);
    }
    let held = Held::open(case.as_deref(), &args.paths, &context)?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let triage = engine::triage(held.material(), job, HostsShown::All);
    monitor.clear();
    problems::print(&context.problems, &triage.head().imports);
    problems::print_notes(&triage.head().notes);
    if !args.json {
        problems::print_assumed(&triage.head().imports);
    }
    readable(&triage.head().imports)?;
    let rows = triage.explain(addr);
    if rows.is_empty() {
        return Err(Failure::Nothing(format!(
            "{addr} does not occur in what was read; `infralock explain {addr}` tells what is \
             known of it"
        )));
    }
    // The commands that lead on read what this one read.
    let paths = case.map_or(args.paths, |case| vec!["--case".into(), case]);
    show(&rows, &paths, args.json.then_some(Json), console)?;
    Ok(if triage.head().partial { Ended::Interrupted } else { Ended::Done })
}

/// Asks for JSON.
struct Json;

fn show(
    rows: &[HostRow],
    paths: &[PathBuf],
    json: Option<Json>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if json.is_some() {
        let mut lines = JsonLines::new(&mut *console.out);
        rows.iter().try_for_each(|row| lines.write(row))?;
        return Ok(());
    }
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            writeln!(console.out)?;
        }
        block(row, paths, console)?;
    }
    Ok(())
}

fn block(row: &HostRow, paths: &[PathBuf], console: &mut Console<'_>) -> Result<(), Failure> {
    let realm = row.realm.as_ref().map(|realm| format!(" in realm {realm}")).unwrap_or_default();
    writeln!(
        console.out,
        "{}{realm}: score {:.1}, {} (evidence amount {:.2}, anonymity {:.2})",
        row.addr,
        row.score,
        word(row),
        row.evidence_amount,
        row.anonymity
    )?;
    for (label, line) in about(row) {
        let room = console.width.saturating_sub(ABOUT_INDENT);
        for (number, part) in wrap(&line, room).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            writeln!(console.out, "  {label:<9}{part}")?;
        }
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
    for line in table.wrapped(console.width) {
        writeln!(console.out, "{line}")?;
    }
    write_place(row, console)?;
    write_follow(row, paths, console)
}

/// The commands that show what a reference stands for.
fn write_follow(
    row: &HostRow,
    paths: &[PathBuf],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let refs = || row.evidence.iter().flat_map(|shown| &shown.refs);
    let first = |kind: &str| refs().find(|at| at.starts_with(kind));
    let (flow, record) = (first("flow:"), first("record:"));
    if flow.is_none() && record.is_none() {
        return Ok(());
    }
    let quoted: Vec<String> = paths.iter().map(|path| shell_word(&path_text(path))).collect();
    let (paths, addr) = (quoted.join(" "), row.addr);
    writeln!(console.out, "\nFollow it down")?;
    if let Some(flow) = flow {
        let uid = flow.trim_start_matches("flow:");
        writeln!(console.out, "  infralock flows {paths} --flow {uid}   (or all: --addr {addr})")?;
    }
    if let Some(record) = record {
        let at = shell_word(record);
        writeln!(console.out, "  infralock records {paths} --ref {at}   (or all: --addr {addr})")?;
    }
    Ok(())
}

fn path_text(path: &Path) -> String {
    paths::path_text(path.as_os_str()).to_string()
}

/// A word as a shell takes it; quoted only where it must be.
fn shell_word(text: &str) -> String {
    let text = Visible(text).to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./:#@%+=,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The score's name, and what "unknown" means.
const fn word(row: &HostRow) -> &'static str {
    match row.word.as_bytes() {
        b"unknown" => "unknown: too little speaks for or against it",
        _ => row.word,
    }
}

/// What is known of a host: a label and a sentence each.
fn about(row: &HostRow) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(asn) = row.asn {
        let name = row.as_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let prefix = row.prefix.map(|prefix| format!(", {prefix}")).unwrap_or_default();
        lines.push(("network", format!("AS{asn} {name}{prefix}")));
    }
    if !row.kinds.is_empty() {
        let kinds: Vec<&str> = row.kinds.iter().map(|kind| kind.as_str()).collect();
        lines.push(("kinds", kinds.join(", ")));
    }
    if !row.lists.is_empty() {
        let lists: Vec<&str> = row.lists.iter().map(|list| &*list.id).collect();
        lines.push(("lists", lists.join(", ")));
    }
    if !row.names.is_empty() {
        let names: Vec<String> =
            row.names.iter().map(|name| format!("{} ({})", name.name, name.source)).collect();
        lines.push(("names", names.join(", ")));
    }
    if let (Some(first), Some(last)) = (row.first_seen, row.last_seen) {
        let (first, last) = (first.to_short(), last.to_short());
        let times = counted(row.flows, "flow or record", "flows or records");
        lines.push(("seen", format!("{first} to {last} UTC, {times}")));
    }
    lines
}

fn evidence_cells(shown: &ShownEvidence) -> Vec<String> {
    let row = &shown.row;
    let cells = (row.contribution.abs() / 100.0 * BAR_CELLS).round() as usize;
    let bar = if row.contribution < 0.0 { "░" } else { "█" }.repeat(cells);
    let counted = if row.counted { "" } else { " (not counted: overlaps a stronger row)" };
    let what = row.what.as_deref().map(|what| Visible(what).to_string()).unwrap_or_default();
    // The flow or line that was seen says more than the number of a detection.
    let (detections, seen): (Vec<&str>, Vec<&str>) =
        shown.refs.iter().map(String::as_str).partition(|at| at.starts_with("detection:"));
    let refs: Vec<&str> = seen.into_iter().chain(detections).take(REFS_SHOWN).collect();
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
            format!(
                " at {lat:.3}, {lon:.3}; nine times in ten within {} km",
                grouped(radius.round() as u64)
            )
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
