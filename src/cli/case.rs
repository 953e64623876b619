//! `--case` and `infralock case`: reading into a case file, out of it, and looking after it.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Heard, open_context};
use super::output::ForceArgs;
use super::{Console, Ended, Failure, expand};
use crate::engine::{
    self, Added, Case, Context, FlowFormat, HostsShown, Inputs, Job, Material, Options,
    RecordFormat, Silent, Sought, Triage, Verified,
};
use crate::export::{JsonLines, counted, grouped};
use crate::model::{Addr, Visible};

/// Files named on stderr that the case has already; then a count.
const KNOWN_SHOWN: usize = 5;

/// Looks after case files.
#[derive(Clone, Debug, Args)]
pub(super) struct CaseArgs {
    #[command(subcommand)]
    command: CaseCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum CaseCommand {
    /// Shows what a case holds
    Info {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Checks every page, row and reference of a case
    Verify {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Writes everything in a case to a folder: flows, records, imports, what was said, the log
    Export {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// The folder, which is made
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        #[command(flatten)]
        force: ForceArgs,
    },
    /// Shows which commands changed a case, the newest first
    Log {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// At most so many
        #[arg(long, value_name = "N")]
        top: Option<usize>,
    },
    /// Deletes for good what was said long ago of where hosts are
    Retain {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// Sayings older than so many days go
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_525))]
        places_days: u32,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forgets an address for good, in rows, texts, undo and backups; says what it cannot reach
    Forget {
        /// The case file
        #[arg(value_name = "F")]
        case: PathBuf,
        /// The address
        #[arg(value_name = "ADDR")]
        addr: Addr,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Files to read now, or a case to read from.
pub(super) enum Held {
    Files(Inputs),
    Case(Box<Case>),
}

impl Held {
    /// Opens the case if one is given, else the files.
    pub(super) fn open(
        case: Option<&Path>,
        paths: &[PathBuf],
        context: &Context,
    ) -> Result<Self, Failure> {
        match case {
            Some(case) => {
                Case::open(case).map(|case| Self::Case(Box::new(case))).map_err(Failure::Nothing)
            }
            None => expand(paths, context.realm.as_deref()).map(Self::Files),
        }
    }

    /// What the engine takes.
    pub(super) fn material(&self) -> Material<'_> {
        match self {
            Self::Files(inputs) => inputs.clone().into(),
            Self::Case(case) => (&**case).into(),
        }
    }
}

/// Opens a case for a triage, and what it is judged by. With files it is opened to add to, made if
/// it is not there, and keeps what is given with them; without, it is only read.
pub(super) fn open(
    path: &Path,
    inputs: &Inputs,
    given: Options,
    heard: Heard,
) -> Result<(Case, Arc<Context>), Failure> {
    let only_read = inputs.files.is_empty() && inputs.skipped.is_empty();
    let (case, kept) = if only_read {
        let case = Case::open(path).map_err(Failure::Nothing)?;
        let kept = case.kept().map_err(Failure::Nothing)?;
        (case, kept)
    } else {
        let mut case = Case::open_or_create(path).map_err(Failure::Nothing)?;
        let kept = case.keep(&given).map_err(Failure::Nothing)?;
        (case, kept)
    };
    let options = match only_read || !kept.missing.is_empty() {
        true => given.over(kept),
        // In the order in which the case will give them next time.
        false => Options { realm: given.realm, time_zone: given.time_zone, ..kept },
    };
    Ok((case, open_context(options, heard)?))
}

/// Adds the files to a case and triages everything in it; says whether it was interrupted. Without
/// files the case is only read.
pub(super) fn triage(
    mut case: Case,
    inputs: Inputs,
    job: Job<'_>,
    shown: HostsShown,
) -> Result<(Triage, bool), Failure> {
    if inputs.files.is_empty() && inputs.skipped.is_empty() {
        let triage = engine::triage(&case, job, shown);
        let interrupted = triage.head().partial;
        return Ok((triage, interrupted));
    }
    let added = case.add(inputs, job).map_err(Failure::Nothing)?;
    tell(&case, &added);
    // A stop ends the reading; what was read is still worth its triage.
    let job = if added.imports.partial { Job { monitor: &Silent, ..job } } else { job };
    let triage = engine::triage(&case, job, shown);
    case.keep_derived(&triage).map_err(Failure::Nothing)?;
    case.close().map_err(Failure::Nothing)?;
    Ok((triage, added.imports.partial))
}

/// What happened to the case beside what was read, on stderr.
fn tell(case: &Case, added: &Added) {
    let mut err = io::stderr().lock();
    for note in &case.notes {
        writeln!(err, "infralock: {}", Visible(note)).ok();
    }
    for (name, known) in added.known.iter().take(KNOWN_SHOWN) {
        writeln!(err, "{name}: is in the case already, as {known}; not read again").ok();
    }
    let more = added.known.len().saturating_sub(KNOWN_SHOWN) as u64;
    if more > 0 {
        let more = counted(more, "more file is", "more files are");
        writeln!(err, "… and {more} in the case already").ok();
    }
    for name in &added.replaced {
        writeln!(err, "{name}: its cut-off import gave way to the whole one").ok();
    }
}

pub(super) fn run(args: CaseArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    match args.command {
        CaseCommand::Info { case, json } => info(&case, json.then_some(Json), console),
        CaseCommand::Verify { case, json } => verify(&case, json.then_some(Json), console),
        CaseCommand::Export { case, out, force } => {
            let written = export(&case, &out, force.is_given())?;
            writeln!(console.out, "{written}")?;
            Ok(Ended::Done)
        }
        CaseCommand::Log { case, json, top } => log(&case, top, json.then_some(Json), console),
        CaseCommand::Retain { case, places_days, json } => {
            retain(&case, places_days, json.then_some(Json), console)
        }
        CaseCommand::Forget { case, addr, json } => {
            forget(&case, addr, json.then_some(Json), console)
        }
    }
}

/// Asks for JSON.
struct Json;

fn info(path: &Path, json: Option<Json>, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let info = Case::open(path).and_then(|case| case.info()).map_err(Failure::Nothing)?;
    if json.is_some() {
        JsonLines::new(&mut *console.out).write(&info)?;
        return Ok(Ended::Done);
    }
    let time = |time: Option<crate::model::Timestamp>| {
        time.map_or_else(|| "unknown".to_owned(), |time| format!("{} UTC", time.to_short()))
    };
    let by = info.created_by.as_deref().unwrap_or("an unknown version");
    let out = &mut console.out;
    writeln!(out, "{}: {} bytes, version {}", info.path, grouped(info.bytes), info.version)?;
    writeln!(out, "  made      {} by {}", time(info.created), Visible(by))?;
    writeln!(
        out,
        "  read      {} ({} cut off), {}",
        counted(info.imports, "file", "files"),
        grouped(info.partial_imports),
        counted(info.realms, "realm", "realms")
    )?;
    writeln!(
        out,
        "  holds     {} · {} · {}",
        counted(info.flows, "flow", "flows"),
        counted(info.records, "record", "records"),
        counted(info.listed, "listed prefix", "listed prefixes")
    )?;
    writeln!(out, "  from      {} to {}", time(info.first_seen), time(info.last_seen))?;
    writeln!(
        out,
        "  said      {} · {} · {} · {} · {}",
        counted(info.notes, "note", "notes"),
        counted(info.tags, "tag", "tags"),
        counted(info.verdicts, "verdict", "verdicts"),
        counted(info.bookmarks, "bookmark", "bookmarks"),
        counted(info.saved_filters, "saved filter", "saved filters")
    )?;
    if info.own_sources > 0 {
        let own = counted(info.own_sources, "own list, feed or profile", "own lists and feeds");
        writeln!(out, "  judged    by {own} that it keeps")?;
    }
    writeln!(
        out,
        "  log       {} · {} that can be undone or redone",
        counted(info.audit, "command", "commands"),
        counted(info.journal, "deed", "deeds")
    )?;
    writeln!(
        out,
        "  places    {} of where hosts are · {}",
        counted(info.location_events, "saying", "sayings"),
        counted(info.forgotten, "forgotten address", "forgotten addresses")
    )?;
    Ok(Ended::Done)
}

fn verify(path: &Path, json: Option<Json>, console: &mut Console<'_>) -> Result<Ended, Failure> {
    // A case that cannot even be opened is what this command is for.
    let verified = match Case::open(path).and_then(|case| case.verify()) {
        Ok(verified) => verified,
        Err(sentence) if path.exists() => Verified { wrong: vec![sentence], ..Verified::default() },
        Err(sentence) => return Err(Failure::Nothing(sentence)),
    };
    let Verified { items, commands, wrong } = verified;
    if json.is_some() {
        let row = json!({"items": items, "commands": commands, "wrong": wrong});
        JsonLines::new(&mut *console.out).write(&row)?;
    } else if wrong.is_empty() {
        let (rows, commands) =
            (counted(items, "row", "rows"), counted(commands, "command", "commands"));
        writeln!(console.out, "Whole: {rows} read back, {commands} in the log")?;
    } else {
        for sentence in &wrong {
            writeln!(console.out, "{}", Visible(sentence))?;
        }
    }
    Ok(if wrong.is_empty() { Ended::Done } else { Ended::CheckFailed })
}

fn log(
    path: &Path,
    top: Option<usize>,
    json: Option<Json>,
    console: &mut Console<'_>,
) -> Result<Ended, Failure> {
    let case = Case::open(path).map_err(Failure::Nothing)?;
    let (count, log) = case.log(top.unwrap_or(usize::MAX)).map_err(Failure::Nothing)?;
    if json.is_some() {
        let row = json!({"commands": count, "log": log});
        JsonLines::new(&mut *console.out).write(&row)?;
        return Ok(Ended::Done);
    }
    for entry in &log {
        writeln!(console.out, "{} UTC  {}", entry.time.to_short(), entry.what)?;
    }
    let more = count.saturating_sub(log.len() as u64);
    if more > 0 {
        writeln!(console.out, "… and {}", counted(more, "older command", "older commands"))?;
    }
    Ok(Ended::Done)
}

fn export(
    path: &Path,
    folder: &Path,
    force: Option<super::output::Forced>,
) -> Result<String, Failure> {
    let case = Case::open(path).map_err(Failure::Nothing)?;
    let context = super::context::ContextArgs::default().open()?;
    let job = Job { context: &context, monitor: &Silent };
    let cannot = |error: &io::Error| {
        Failure::Nothing(format!("{}: {}", folder.display(), engine::paths::os_sentence(error)))
    };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && force.is_none() => {
            let shown = folder.display();
            return Err(Failure::Nothing(format!("{shown} exists; --force writes into it")));
        }
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(cannot(&error)),
        _ => {}
    }
    let create = |name: &str| -> Result<BufWriter<std::fs::File>, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(folder.join(name)).map(BufWriter::new).map_err(|error| cannot(&error))
    };
    let all = Sought::default();
    let mut out = create("flows.ndjson")?;
    let (imports, flows) = engine::flows(&case, job, &all, FlowFormat::NdJson, &mut out)?;
    out.flush()?;
    let mut out = create("flows.csv")?;
    engine::flows(&case, job, &all, FlowFormat::Csv, &mut out)?;
    out.flush()?;
    let mut out = create("records.ndjson")?;
    let (_, records) = engine::records(&case, job, &all, RecordFormat::NdJson, &mut out)?;
    out.flush()?;
    let mut out = create("imports.ndjson")?;
    let mut lines = JsonLines::new(&mut out);
    imports.rows.iter().try_for_each(|row| lines.write(row))?;
    out.flush()?;
    let (said, log) = case.said().map_err(Failure::Nothing)?;
    let mut out = create("said.json")?;
    JsonLines::new(&mut out).write(&said)?;
    out.flush()?;
    let mut out = create("audit.ndjson")?;
    let mut lines = JsonLines::new(&mut out);
    log.iter().try_for_each(|entry| lines.write(entry))?;
    out.flush()?;
    Ok(format!(
        "{}: {}, {}, {} written",
        folder.display(),
        counted(flows, "flow", "flows"),
        counted(records, "record", "records"),
        counted(imports.rows.len() as u64, "import", "imports")
    ))
}

/// Opens a case to change it: one that is not there is not made.
fn open_to_change(path: &Path) -> Result<Case, Failure> {
    if !path.exists() {
        let shown = path.display();
        return Err(Failure::Nothing(format!("{shown}: there is no such file or folder")));
    }
    Case::open_or_create(path).map_err(Failure::Nothing)
}

fn retain(
    path: &Path,
    places_days: u32,
    json: Option<Json>,
    console: &mut Console<'_>,
) -> Result<Ended, Failure> {
    let mut case = open_to_change(path)?;
    let gone = case.retain_places(places_days).map_err(Failure::Nothing)?;
    case.close().map_err(Failure::Nothing)?;
    if json.is_some() {
        JsonLines::new(&mut *console.out).write(&json!({"location_events_deleted": gone}))?;
    } else {
        let gone = counted(gone, "saying of a place", "sayings of places");
        let days = counted(u64::from(places_days), "day", "days");
        writeln!(console.out, "Deleted: {gone} older than {days}")?;
        writeln!(console.out, "Copies, backups and exports of the case keep what they have")?;
    }
    Ok(Ended::Done)
}

fn forget(
    path: &Path,
    addr: Addr,
    json: Option<Json>,
    console: &mut Console<'_>,
) -> Result<Ended, Failure> {
    let mut case = open_to_change(path)?;
    let done = case.forget(addr).map_err(Failure::Nothing)?;
    case.close().map_err(Failure::Nothing)?;
    if json.is_some() {
        JsonLines::new(&mut *console.out).write(&done)?;
        return Ok(Ended::Done);
    }
    let out = &mut console.out;
    writeln!(
        out,
        "Forgotten: {}, {}, {}, {}; {} rewritten",
        counted(done.flows, "flow", "flows"),
        counted(done.records, "record", "records"),
        counted(done.listed, "listed prefix", "listed prefixes"),
        counted(done.said, "thing said about it", "things said about it"),
        counted(done.texts, "text", "texts")
    )?;
    for path in &done.backups {
        writeln!(out, "Deleted: {}", Visible(&path.to_string_lossy()))?;
    }
    for path in &done.recovered {
        writeln!(out, "Forgotten there too: {}", Visible(&path.to_string_lossy()))?;
    }
    writeln!(out, "What cannot be reached from here, and may still name it:")?;
    for sentence in &done.cannot_reach {
        writeln!(out, "  {}", Visible(sentence))?;
    }
    Ok(Ended::Done)
}
