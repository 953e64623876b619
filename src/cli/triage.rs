//! `infralock triage`: the ranked hosts of captures, logs and lists.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::context::{ContextArgs, open_context};
use super::output::Existing;
use super::progress::Terminal;
use super::{Console, Ended, Failure, Paint, case, expand, filter, output, problems, readable};
use crate::engine::{self, Chosen, Cut, HostsShown, Job, Triage};
use crate::export::handover::{FORMATS, Format, Tlp};
use crate::export::{
    Align, DetectionRow, HostRow, ImportRow, JsonLines, Table, counted, grouped, wrap,
    write_hosts_csv, write_triage_json,
};
use crate::filter::{self as language, Filter};
use crate::model::{Basis, Untrusted, Visible};

/// Hosts in the table unless `--top` says otherwise: a screenful.
const TABLE_HOSTS: usize = 25;

/// The table has at least so many rows: the busiest unknown hosts fill it up.
const TABLE_HOSTS_MIN: usize = 10;

/// Hosts that got in, each with a line above the table.
const GOT_IN: usize = 5;

/// Evidence that keeps less than this of its weight is from long ago.
const AGED: f64 = 0.05;

/// Where a sentence above the table goes on: below the text after "Got in: ".
const OPENING_INDENT: usize = 8;

/// Detections below the table.
const TABLE_DETECTIONS: usize = 12;

/// Detections of one sort by a list that are told in one line: as many as fit beside others.
const FOLDED_MIN: usize = 6;

/// Hosts that such a line names.
const FOLDED_SHOWN: usize = 3;

#[derive(Clone, Debug, Args)]
pub(super) struct TriageArgs {
    /// Captures, logs, address lists, archives, folders, or - for standard input
    #[arg(required_unless_present = "case", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
    /// Shows the first N hosts (default: all; in the table 25 about which anything speaks)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Shows only hosts with this score or more
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    min_score: f64,
    /// Shows only hosts that meet a filter, such as 'score >= 50 && country == NL'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Lists forged sources of floods too
    #[arg(long)]
    all_hosts: bool,
    /// Writes what --hand-over makes to a file instead of standard output
    #[arg(long, value_name = "F", requires = "hand_over")]
    out: Option<PathBuf>,
    /// How far a hand-over or report may be passed on (FIRST TLP 2.0)
    #[arg(long, value_name = "LEVEL", default_value = Tlp::default().word(), value_parser = tlp())]
    tlp: Tlp,
    /// Writes one self-contained HTML page, whatever else is printed
    #[arg(long, value_name = "F.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    force: output::ForceArgs,
    #[command(flatten)]
    context: ContextArgs,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false)]
pub(super) struct FormatArgs {
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// One JSON object a host and line
    #[arg(long)]
    ndjson: bool,
    /// The flat columns of the hosts as CSV
    #[arg(long)]
    csv: bool,
    /// The hosts for those who act on them, marked with --tlp
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    hand_over: Option<&'static Format>,
}

fn format() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.id))
        .try_map(|id| Format::find(&id).ok_or("no such format"))
}

fn tlp() -> impl TypedValueParser<Value = Tlp> {
    PossibleValuesParser::new(Tlp::ALL.map(Tlp::word))
        .try_map(|word| Tlp::find(&word).ok_or("no such marking"))
}

impl FormatArgs {
    const fn is_table(self) -> bool {
        !(self.json || self.ndjson || self.csv || self.hand_over.is_some())
    }
}

pub(super) fn run(args: TriageArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    // Refused before the work, not after it.
    let filter = filter::read(args.filter.as_deref(), language::Table::Hosts)?;
    let existing = Existing::of(args.force);
    let report = args.report.as_deref().map(|path| output::create(path, existing)).transpose()?;
    let handed = args.out.as_deref().map(|path| output::create(path, existing)).transpose()?;
    let (case, heard) = (args.context.case(), args.context.heard());
    let given = args.context.options()?;
    let inputs = expand(&args.paths, given.realm.as_deref())?;
    let (case, context) = match case {
        Some(path) => {
            case::open(&path, &inputs, given, heard).map(|(case, it)| (Some(case), it))?
        }
        None => (None, open_context(given, heard)?),
    };
    let monitor = Terminal::start(console.progress);
    let shown = if args.all_hosts { HostsShown::All } else { HostsShown::WithoutSpoofed };
    let job = Job { context: &context, monitor: &monitor };
    let (mut triage, interrupted) = match case {
        Some(case) => case::triage(case, inputs, job, shown)?,
        None => {
            let triage = engine::triage(inputs, job, shown);
            let interrupted = triage.head().partial;
            (triage, interrupted)
        }
    };
    monitor.clear();
    triage.set_elapsed(monitor.secs());
    problems::print(&context.problems, &triage.head().imports);
    problems::print_notes(&triage.head().notes);
    if args.format.is_table() {
        problems::print_assumed(&triage.head().imports);
    }
    readable(&triage.head().imports)?;
    let cut = Cut { top: args.top, min_score: args.min_score, only_speaking: false };
    if let Some(mut report) = report {
        triage.write_report(&mut report, args.tlp)?;
        report.keep()?;
    }
    // The report is about everything.
    if let Some(filter) = &filter {
        triage.narrow(&filter.plan(triage.head().now));
    }
    let out = &mut *console.out;
    if let Some(format) = args.format.hand_over {
        hand_over(&triage, format, args.tlp, cut, handed, out)?;
    } else if args.format.json {
        write_triage_json(out, triage.head(), triage.hosts(cut), triage.detections())?;
    } else if args.format.ndjson {
        let mut lines = JsonLines::new(out);
        triage.hosts(cut).try_for_each(|host| lines.write(&host))?;
    } else if args.format.csv {
        write_hosts_csv(out, triage.hosts(cut)).map_err(output::csv_failure)?;
    } else {
        let asked = Asked::of(cut, filter.as_ref());
        table(&triage, cut, asked, console)?;
    }
    Ok(if interrupted { Ended::Interrupted } else { Ended::Done })
}

/// Writes the hosts in a format for others, and says where they are if they went to a file.
fn hand_over(
    triage: &Triage,
    format: &Format,
    tlp: Tlp,
    cut: Cut,
    file: Option<output::Output>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Some(mut file) = file else {
        triage.hand_over(format, tlp, Chosen::Cut(cut), out)?;
        return Ok(());
    };
    let count = {
        let mut buffered = BufWriter::new(&mut file);
        let count = triage.hand_over(format, tlp, Chosen::Cut(cut), &mut buffered)?;
        buffered.flush()?;
        count
    };
    let path = file.keep()?;
    let hosts = counted(count, "host", "hosts");
    writeln!(out, "{}: {hosts}, {}, to {}", format.name, tlp.label(), path.display())?;
    Ok(())
}

/// What people see: the answer first, then the hosts, then what happened.
pub(super) fn table(
    triage: &Triage,
    cut: Cut,
    asked: Asked,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let detections: Vec<DetectionRow> = triage.detections().collect();
    for line in opening(triage, &detections) {
        let mut parts = wrap(&line, console.width.saturating_sub(OPENING_INDENT)).into_iter();
        writeln!(console.out, "{}", parts.next().unwrap_or_default())?;
        for part in parts {
            writeln!(console.out, "{:OPENING_INDENT$}{part}", "")?;
        }
    }
    writeln!(console.out)?;
    let realms = Realms::of(&triage.head().imports);
    write_ranking(triage, cut, asked, realms, console)?;
    write_detections(&detections, realms, console)
}

/// Whether realms have to be told: of one there is nothing to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realms {
    One,
    Several,
}

impl Realms {
    pub(super) fn of(imports: &[ImportRow]) -> Self {
        let mut pairs = imports.iter().zip(imports.iter().skip(1));
        match pairs.any(|(one, next)| one.realm != next.realm) {
            true => Self::Several,
            false => Self::One,
        }
    }

    fn suffix(self, realm: Option<&Untrusted>) -> String {
        match (self, realm) {
            (Self::Several, Some(realm)) => format!(" @{realm}"),
            _ => String::new(),
        }
    }
}

/// What the ranking shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The hosts about which anything speaks, filled up with the busiest of the others.
    Nothing,
    /// Just what `--top` and `--min-score` leave.
    Cut,
    /// The same, of the hosts that meet a filter.
    Filter,
}

impl Asked {
    fn of(cut: Cut, filter: Option<&Filter>) -> Self {
        match filter {
            Some(_) => Self::Filter,
            None if cut.top.is_some() || cut.min_score > 0.0 => Self::Cut,
            None => Self::Nothing,
        }
    }
}

fn write_ranking(
    triage: &Triage,
    cut: Cut,
    asked: Asked,
    realms: Realms,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if asked == Asked::Filter {
        let met = grouped(triage.count(Cut::default()) as u64);
        let all = counted(triage.head().totals.hosts, "host", "hosts");
        writeln!(console.out, "Filter: {met} of {all}\n")?;
    }
    let asked = asked != Asked::Nothing;
    let cut = Cut { only_speaking: !asked, ..cut };
    let top = Cut { top: Some(cut.top.unwrap_or(TABLE_HOSTS)), ..cut };
    let mut hosts: Vec<HostRow> = triage.hosts(top).collect();
    let mut more = triage.count(Cut { top: None, ..cut }) - hosts.len();
    let mut silent = 0;
    if !asked {
        silent = triage.count(Cut::default()) - hosts.len() - more;
        let fill = triage.busiest_unknown(TABLE_HOSTS_MIN.saturating_sub(hosts.len()));
        silent -= fill.len();
        hosts.extend(fill);
    } else if hosts.is_empty() {
        more = 0;
    }
    if hosts.is_empty() {
        let head = triage.head();
        let why = match head.imports.as_slice() {
            _ if asked || head.totals.hosts > 0 || !head.prefixes.is_empty() => String::new(),
            [one] if one.bytes == 0 => format!(": {} is empty", one.import),
            [one] => format!(": no address found in {}", one.import),
            more => format!(": no address found in {} files", more.len()),
        };
        writeln!(console.out, "No host to show{why}.")?;
    } else {
        write_hosts(&hosts, realms, console)?;
    }
    let about = match (more as u64, silent as u64) {
        (0, 0) => return Ok(()),
        (0, silent) => format!("{} about which nothing speaks", counted(silent, "host", "hosts")),
        (more, 0) => format!("{} more", grouped(more)),
        (more, silent) => {
            format!("{} more, and {} about which nothing speaks", grouped(more), grouped(silent))
        }
    };
    writeln!(console.out, "… and {about}: --top N shows N of all, --json or --csv all")?;
    Ok(())
}

/// One or two sentences that answer the question.
fn opening(triage: &Triage, detections: &[DetectionRow]) -> Vec<String> {
    let head = triage.head();
    let totals = head.totals;
    let records: u64 = head.imports.iter().map(|import| import.records).sum();
    let mut read = vec![
        files(&head.imports),
        counted(totals.hosts, "host", "hosts"),
        counted(totals.flows, "flow", "flows"),
        counted(records, "record", "records"),
        counted(totals.detections, "detection", "detections"),
    ];
    if totals.spoofed_hosts > 0 {
        read.push(format!(
            "{} left out",
            counted(totals.spoofed_hosts, "forged source", "forged sources")
        ));
    }
    if head.partial {
        read.push("interrupted: what was read until then".to_owned());
    }
    let mut lines = vec![read.join(" · ")];
    let mut in_they_got: Vec<(&DetectionRow, u64)> = Vec::new();
    for found in detections.iter().filter(|found| found.succeeded == Some(true)) {
        let same = |known: &DetectionRow| {
            known.subject == found.subject && known.subject_realm == found.subject_realm
        };
        match in_they_got.iter_mut().find(|(known, _)| same(known)) {
            Some((_, more)) => *more += 1,
            None => in_they_got.push((found, 0)),
        }
    }
    lines.extend(in_they_got.iter().take(GOT_IN).map(|(found, more)| got_in(triage, found, *more)));
    if in_they_got.len() > GOT_IN {
        let more = counted((in_they_got.len() - GOT_IN) as u64, "more host", "more hosts");
        lines.push(format!("… and {more} got in: `infralock detections` lists all"));
    }
    // A list alone says nothing of what anybody tried.
    let tried = detections.iter().any(|found| found.basis != Basis::List);
    if in_they_got.is_empty() && tried {
        let answered = detections.iter().filter(|found| is_answered(found)).count();
        let doubt = match answered {
            0 => String::new(),
            1 => {
                "; one attack on web pages was answered 2xx, which alone proves nothing".to_owned()
            }
            more => format!(
                "; {} attacks on web pages were answered 2xx, which alone proves nothing",
                grouped(more as u64)
            ),
        };
        lines.push(format!("Got in: nobody, as far as can be seen here{doubt}"));
    }
    lines
}

/// Whether an attack of which nobody can tell whether it worked was answered like a visit.
fn is_answered(found: &DetectionRow) -> bool {
    let statuses = found.details.get("statuses").and_then(serde_json::Value::as_object);
    let mut answers = statuses.into_iter().flat_map(|statuses| statuses.keys());
    found.succeeded.is_none()
        && found.detector != "web.scanner"
        && answers.any(|status| status.starts_with('2'))
}

/// `3 files, of which 1 gave nothing`
fn files(imports: &[ImportRow]) -> String {
    let files = counted(imports.len() as u64, "file", "files");
    let gave = |import: &&ImportRow| import.records > 0 || import.packets > 0;
    match imports.len() - imports.iter().filter(gave).count() {
        0 => files,
        none if none == imports.len() => format!("{files} without anything to read"),
        none => format!("{files}, of which {} gave nothing", grouped(none as u64)),
    }
}

/// Who got in, what of, and how.
fn got_in(triage: &Triage, found: &DetectionRow, more: u64) -> String {
    let rows = triage.explain(found.subject);
    let who = rows.iter().find(|row| row.realm == found.subject_realm).map(|host| {
        let (place, network) = (where_is(host), network(host));
        let radius = match radius(host) {
            radius if radius == "–" => String::new(),
            radius => format!(" ±{radius} km"),
        };
        let known = [place + &radius, network].into_iter().filter(|text| text != "–");
        let mine = host.mine.then(|| "yours".to_owned());
        let score = (host.word != "unknown").then(|| format!("score {:.1}", host.score));
        mine.into_iter().chain(known).chain(score).collect::<Vec<_>>().join(", ")
    });
    let who = who.map(|who| format!(" ({who})")).unwrap_or_default();
    let (addr, what) = (found.subject, Visible(&found.what));
    let more = match more {
        0 => String::new(),
        more => format!("; and {}", counted(more, "more detection", "more detections")),
    };
    format!("Got in: {addr}{who}: {what} [{}]{more}", found.detector)
}

fn write_hosts(
    hosts: &[HostRow],
    realms: Realms,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("Score", Align::Right),
        ("Band", Align::Left),
        ("Address", Align::Left),
        ("Where", Align::Elastic),
        ("±90 % km", Align::Right),
        ("Network", Align::Elastic),
        ("Seen", Align::Right),
        ("Why", Align::Left),
    ]);
    for host in hosts {
        let unknown = host.word == "unknown";
        table.row(vec![
            if unknown { "–".to_owned() } else { format!("{:.1}", host.score) },
            format!("{} {}", mark(host.word), host.word),
            address(host, realms),
            where_is(host),
            radius(host),
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

fn address(host: &HostRow, realms: Realms) -> String {
    let mine = if host.mine { " (mine)" } else { "" };
    format!("{}{}{mine}", host.addr, realms.suffix(host.realm.as_ref()))
}

/// City and country; the district that a gazetteer adds in brackets stands in `explain`.
fn where_is(host: &HostRow) -> String {
    let Some(place) = &host.place else { return "–".to_owned() };
    let city = place.city.as_deref().map(|city| Visible(city).to_string());
    let city = city.map(|city| city.split(" (").next().unwrap_or_default().to_owned());
    let parts: Vec<String> = [city, place.country_code.clone()].into_iter().flatten().collect();
    if parts.is_empty() { "no single place".to_owned() } else { parts.join(", ") }
}

/// The radius that holds the host nine times in ten.
fn radius(host: &HostRow) -> String {
    let radius = host.place.as_ref().and_then(|place| place.radius_km);
    radius.map_or_else(|| "–".to_owned(), |radius| grouped(radius.round() as u64))
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

/// The strongest rows in words. What comes to no tenth of a point is told only if it was detected:
/// it has aged, or weighs nothing.
fn why(host: &HostRow) -> String {
    let no_row_of_its_own = ["prior", "cap"];
    let rows = host.evidence.iter().map(|shown| &shown.row);
    let counted = rows.filter(|row| row.counted && !no_row_of_its_own.contains(&row.id.as_ref()));
    let said = counted.filter_map(|row| {
        let what = Visible(row.what.as_deref().unwrap_or_default());
        let points = row.contribution;
        match points.abs() >= 0.05 {
            true => Some(format!("{points:+.1} {}: {what}", row.id)),
            false if row.source != "detector" => None,
            false => match row.decay.is_some_and(|decay| decay < AGED) {
                true => Some(format!("long ago {}: {what}", row.id)),
                false => Some(format!("{}: {what}", row.id)),
            },
        }
    });
    said.take(3).collect::<Vec<_>>().join("; ")
}

fn write_detections(
    detections: &[DetectionRow],
    realms: Realms,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if detections.is_empty() {
        writeln!(console.out, "\nNothing was detected.")?;
        return Ok(());
    }
    let told = folded(detections);
    let table = detection_table(told.iter().take(TABLE_DETECTIONS), realms);
    writeln!(console.out)?;
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    if told.len() > TABLE_DETECTIONS {
        let more = grouped((told.len() - TABLE_DETECTIONS) as u64);
        writeln!(console.out, "… and {more} more: `infralock detections` lists all")?;
    }
    Ok(())
}

/// One line of the table: a detection, or many of one sort that differ in the host alone.
pub(super) struct Told<'d> {
    first: &'d DetectionRow,
    others: Vec<&'d DetectionRow>,
}

/// Detections as people read them: hosts that stand in a list, which says the same of each, are
/// one line from [`FOLDED_MIN`] on, at the place of the first.
pub(super) fn folded(detections: &[DetectionRow]) -> Vec<Told<'_>> {
    let is_listed = |found: &DetectionRow| found.basis == Basis::List;
    let mut sorts: BTreeMap<&str, usize> = BTreeMap::new();
    for found in detections.iter().filter(|found| is_listed(found)) {
        *sorts.entry(&found.detector).or_default() += 1;
    }
    let mut told: Vec<Told<'_>> = Vec::new();
    // Places in `told` of the lines that stand for many.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for found in detections {
        let folds = is_listed(found)
            && sorts.get(found.detector.as_str()).is_some_and(|&count| count >= FOLDED_MIN);
        let place = places.get(found.detector.as_str()).and_then(|&at| told.get_mut(at));
        match place {
            Some(line) if folds => line.others.push(found),
            _ => {
                if folds {
                    places.insert(&found.detector, told.len());
                }
                told.push(Told { first: found, others: Vec::new() });
            }
        }
    }
    told
}

/// One line a detection, or for many of one sort.
pub(super) fn detection_table<'d>(
    detections: impl Iterator<Item = &'d Told<'d>>,
    realms: Realms,
) -> Table {
    let mut table = Table::new(&[
        ("Severity", Align::Right),
        ("First seen, UTC", Align::Left),
        ("Detection", Align::Left),
        ("Subject", Align::Left),
        ("What", Align::Left),
    ]);
    for Told { first: found, others } in detections {
        let worked = if found.succeeded == Some(true) { " (succeeded)" } else { "" };
        let all = || std::iter::once(found).chain(others);
        let seen = all().filter_map(|found| found.first_seen).min();
        let host = |found: &DetectionRow| {
            format!("{}{}", found.subject, realms.suffix(found.subject_realm.as_ref()))
        };
        let (subject, what) = match others.len() {
            0 => (host(found), Visible(&found.what).to_string()),
            _ => {
                let few: Vec<String> = all().take(FOLDED_SHOWN).map(|found| host(found)).collect();
                let more = "with --ndjson `infralock detections` lists each";
                let few = few.join(", ");
                (counted(others.len() as u64 + 1, "host", "hosts"), format!("{few} …; {more}"))
            }
        };
        table.row(vec![
            found.severity.to_string(),
            seen.map_or_else(|| "–".to_owned(), |seen| seen.to_short()),
            format!("{}{worked}", found.detector),
            subject,
            what,
        ]);
    }
    table
}
