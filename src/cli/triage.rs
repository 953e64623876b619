//! `infralock triage`: the ranked hosts of captures, logs and lists.

use std::path::PathBuf;

use clap::Args;

use super::context::ContextArgs;
use super::output::Existing;
use super::progress::Terminal;
use super::{Console, Ended, Failure, Paint, expand, output, problems, readable};
use crate::engine::{self, Cut, HostsShown, Job, Triage};
use crate::export::{
    Align, DetectionRow, HostRow, JsonLines, Table, counted, grouped, write_hosts_csv,
    write_triage_json,
};
use crate::model::Visible;

/// Hosts in the table unless `--top` says otherwise: a screenful.
const TABLE_HOSTS: usize = 25;

/// Detections below the table.
const TABLE_DETECTIONS: usize = 12;

#[derive(Clone, Debug, Args)]
pub(super) struct TriageArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Shows at most N hosts
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Shows only hosts with this score or more
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    min_score: f64,
    /// Lists forged sources of floods too
    #[arg(long)]
    all_hosts: bool,
    /// Writes one self-contained page
    #[arg(long, value_name = "F.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    force: output::ForceArgs,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false)]
pub(super) struct FormatArgs {
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// One JSON object a line
    #[arg(long)]
    ndjson: bool,
    /// The flat columns
    #[arg(long)]
    csv: bool,
}

pub(super) fn run(args: TriageArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    // Refused before the work, not after it.
    let existing = Existing::of(args.force);
    let report = args.report.as_deref().map(|path| output::create(path, existing)).transpose()?;
    let context = args.context.open()?;
    let inputs = expand(&args.paths, &context)?;
    let monitor = Terminal::start(console.progress);
    let shown = if args.all_hosts { HostsShown::All } else { HostsShown::WithoutSpoofed };
    let job = Job { context: &context, monitor: &monitor };
    let mut triage = engine::triage(inputs, job, shown);
    monitor.clear();
    triage.set_elapsed(monitor.secs());
    problems::print(&context.problems, &triage.head().imports);
    readable(&triage.head().imports)?;
    let cut = Cut { top: args.top, min_score: args.min_score };
    if let Some(mut report) = report {
        triage.write_report(&mut report)?;
        report.keep()?;
    }
    let out = &mut *console.out;
    if args.format.json {
        write_triage_json(out, triage.head(), triage.hosts(cut), triage.detections())?;
    } else if args.format.ndjson {
        let mut lines = JsonLines::new(out);
        triage.hosts(cut).try_for_each(|host| lines.write(&host))?;
    } else if args.format.csv {
        write_hosts_csv(out, triage.hosts(cut)).map_err(output::csv_failure)?;
    } else {
        table(&triage, cut, console)?;
    }
    Ok(ended(&triage))
}

fn ended(triage: &Triage<'_>) -> Ended {
    if triage.head().partial { Ended::Interrupted } else { Ended::Done }
}

/// What people see: the answer first, then the hosts, then what happened.
pub(super) fn table(
    triage: &Triage<'_>,
    cut: Cut,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let detections: Vec<DetectionRow> = triage.detections().collect();
    for line in opening(triage, &detections) {
        writeln!(console.out, "{line}")?;
    }
    writeln!(console.out)?;
    let top = Cut { top: Some(cut.top.unwrap_or(TABLE_HOSTS)), ..cut };
    let hosts: Vec<HostRow> = triage.hosts(top).collect();
    if hosts.is_empty() {
        writeln!(console.out, "No host to show.")?;
    } else {
        write_hosts(&hosts, console)?;
    }
    let all = triage.count(Cut { top: None, ..cut });
    if all > hosts.len() {
        let more = grouped((all - hosts.len()) as u64);
        writeln!(console.out, "… and {more} more: --top N shows more, --json or --csv all")?;
    }
    write_detections(&detections, console)
}

/// One or two sentences that answer the question.
fn opening(triage: &Triage<'_>, detections: &[DetectionRow]) -> Vec<String> {
    let head = triage.head();
    let totals = head.totals;
    let records: u64 = head.imports.iter().map(|import| import.records).sum();
    let mut read = vec![
        counted(head.imports.len() as u64, "file", "files"),
        counted(totals.hosts, "host", "hosts"),
        counted(totals.flows, "flow", "flows"),
        counted(records, "record", "records"),
        counted(totals.detections, "detection", "detections"),
    ];
    if totals.spoofed_hosts > 0 {
        read.push(format!("{} forged sources left out", grouped(totals.spoofed_hosts)));
    }
    if head.partial {
        read.push("interrupted: what was read until then".to_owned());
    }
    let mut lines = vec![read.join(" · ")];
    let in_they_got: Vec<&DetectionRow> =
        detections.iter().filter(|found| found.succeeded == Some(true)).collect();
    for detection in in_they_got.iter().take(5) {
        let what = Visible(&detection.what);
        lines.push(format!("Got in: {} ({}): {what}", detection.subject, detection.detector));
    }
    if in_they_got.len() > 5 {
        lines.push(format!("… and {} more that worked", in_they_got.len() - 5));
    }
    lines
}

fn write_hosts(hosts: &[HostRow], console: &mut Console<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("Score", Align::Right),
        ("Band", Align::Left),
        ("Address", Align::Left),
        ("Where (90 % radius)", Align::Left),
        ("Network", Align::Left),
        ("Flows", Align::Right),
        ("Why", Align::Left),
    ]);
    for host in hosts {
        let unknown = host.word == "unknown";
        table.row(vec![
            if unknown { "–".to_owned() } else { format!("{:.1}", host.score) },
            format!("{} {}", mark(host.word), host.word),
            address(host),
            where_is(host),
            network(host),
            grouped(host.flows),
            why(host),
        ]);
    }
    let lines = table.lines(console.width);
    let words = std::iter::once("").chain(hosts.iter().map(|host| host.word));
    for (line, word) in lines.iter().zip(words) {
        match (console.paint, colour(word)) {
            (Paint::Coloured, Some(code)) => writeln!(console.out, "\x1b[{code}m{line}\x1b[0m")?,
            _ => writeln!(console.out, "{line}")?,
        }
    }
    Ok(())
}

/// The shape of a band: colour is never the only signal.
const fn mark(word: &str) -> char {
    match word.as_bytes() {
        b"critical" => '▲',
        b"high" => '◆',
        b"medium" => '◇',
        b"low" => '●',
        b"none" => '·',
        b"evidence conflicts" => '◐',
        _ => '◌',
    }
}

const fn colour(word: &str) -> Option<&'static str> {
    match word.as_bytes() {
        b"critical" => Some("1;35"),
        b"high" => Some("31"),
        b"medium" => Some("33"),
        b"unknown" => Some("2"),
        _ => None,
    }
}

fn address(host: &HostRow) -> String {
    let mut text = host.addr.to_string();
    if let Some(realm) = &host.realm {
        text += &format!(" @{realm}");
    }
    if host.mine {
        text += " (mine)";
    }
    text
}

fn where_is(host: &HostRow) -> String {
    let Some(place) = &host.place else { return "–".to_owned() };
    let city = place.city.as_deref().map(|city| Visible(city).to_string());
    let parts: Vec<String> = [city, place.country_code.clone()].into_iter().flatten().collect();
    let mut text = if parts.is_empty() { "no single place".to_owned() } else { parts.join(", ") };
    if let Some(radius) = place.radius_km {
        text += &format!(" ±{radius:.0} km");
    }
    text
}

fn network(host: &HostRow) -> String {
    let asn = host.asn.map(|asn| format!("AS{asn}"));
    let name = host.as_name.as_ref().map(|name| cut(&name.to_string(), 30));
    let kinds: Vec<&str> = host.kinds.iter().map(|kind| kind.as_str()).collect();
    let kinds = (!kinds.is_empty()).then(|| format!("({})", kinds.join(", ")));
    let parts: Vec<String> = [asn, name, kinds].into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(" ") }
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// The strongest rows in words.
fn why(host: &HostRow) -> String {
    let counted = host
        .evidence
        .iter()
        .filter(|shown| shown.row.counted && !["prior", "cap"].contains(&shown.row.id.as_ref()));
    let said: Vec<String> = counted
        .take(3)
        .map(|shown| {
            let what = shown.row.what.as_deref().unwrap_or_default();
            format!("{:+.1} {}: {}", shown.row.contribution, shown.row.id, Visible(what))
        })
        .collect();
    said.join("; ")
}

fn write_detections(detections: &[DetectionRow], console: &mut Console<'_>) -> Result<(), Failure> {
    if detections.is_empty() {
        writeln!(console.out, "\nNothing was detected.")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("Severity", Align::Right),
        ("First seen, UTC", Align::Left),
        ("Detection", Align::Left),
        ("Subject", Align::Left),
        ("What", Align::Left),
    ]);
    for detection in detections.iter().take(TABLE_DETECTIONS) {
        table.row(detection_cells(detection));
    }
    writeln!(console.out)?;
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    if detections.len() > TABLE_DETECTIONS {
        let more = grouped((detections.len() - TABLE_DETECTIONS) as u64);
        writeln!(console.out, "… and {more} more: `infralock detections` lists all")?;
    }
    Ok(())
}

/// The cells of a detection, in the order of the columns above.
pub(super) fn detection_cells(detection: &DetectionRow) -> Vec<String> {
    let worked = if detection.succeeded == Some(true) { " (succeeded)" } else { "" };
    vec![
        detection.severity.to_string(),
        detection.first_seen.map_or_else(|| "–".to_owned(), |seen| seen.to_short()),
        format!("{}{worked}", detection.detector),
        match detection.subject_realm.as_ref() {
            Some(realm) => format!("{} @{realm}", detection.subject),
            None => detection.subject.to_string(),
        },
        Visible(&detection.what).to_string(),
    ]
}
