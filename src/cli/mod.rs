//! The command line: parses arguments, asks the engine, prints rows.
//!
//! Exit status (INTERFACE): 0 done, 1 nothing could be done, 2 wrong usage, 3 a check found
//! something wrong, 130 interrupted. A reader that closes the pipe early is not an error.

mod carve;
mod case;
mod context;
mod data;
mod detections;
mod example;
mod explain;
mod filter;
mod flows;
mod lookup;
mod open;
mod output;
mod problems;
mod progress;
mod records;
mod triage;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::engine::{self, Inputs, paths};
use crate::export::ImportRow;
use crate::model::{NO_ADDRESS, Visible};

/// Who is behind these addresses, and how dangerous are they?
///
/// Opens captures, logs and address lists without network or account; places, scores and explains
/// every host. Files are recognised by content: pcap and pcapng; Zeek, Suricata, web server, IIS,
/// syslog, journald, Cowrie and CloudTrail logs, any JSON or CSV with an address in it; address
/// lists; all of it also in gzip, zstd, xz, bzip2 or zip, in folders, or from a pipe (-).
/// Without a command: the window; without a display, triage of a shipped example. A file in the
/// place of the command is opened in the window.
#[derive(Debug, Parser)]
#[command(name = "infralock", version, max_term_width = 100, after_help = STEPS)]
struct Cli {
    /// Shows no progress
    #[arg(long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens the window with captures, logs, address lists or folders
    Open(open::OpenArgs),
    /// Ranks the hosts of captures, logs and address lists
    Triage(Box<triage::TriageArgs>),
    /// Lists what detectors found
    Detections(Box<detections::DetectionsArgs>),
    /// Explains the score and the place of one address, row by row
    Explain(Box<explain::ExplainArgs>),
    /// Lists the flows of captures
    Flows(flows::FlowsArgs),
    /// Says what is known of addresses and prefixes
    Lookup(lookup::LookupArgs),
    /// Writes the packets behind a host, a flow or a filter to a capture of their own
    Carve(carve::CarveArgs),
    /// Looks after case files: info, verify, export, forget
    Case(case::CaseArgs),
    /// Shows the reference data, its age, and whom to credit
    Data(data::DataArgs),
    /// Lists parsed log records and protocol transactions
    Records(Box<records::RecordsArgs>),
}

/// Why a command ended before it was done.
#[derive(Debug)]
pub enum Failure {
    /// Nothing could be done: a sentence for stderr.
    Nothing(String),
    /// What was asked for cannot go together: a sentence for stderr.
    Usage(String),
    /// The output could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done; problems, if any, were told.
    Done,
    /// A check ran and found something wrong.
    CheckFailed,
    /// Interrupted, with valid output so far.
    Interrupted,
}

/// Where a command prints, and how.
pub struct Console<'a> {
    /// Standard output, buffered.
    pub out: &'a mut dyn Write,
    /// Whether colours may be used.
    pub paint: Paint,
    /// Whether progress goes to stderr.
    pub progress: Progress,
    /// Characters in a line of a table.
    pub width: usize,
}

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// A terminal that takes colours, and `NO_COLOR` is not set.
    Coloured,
    /// A file, a pipe, or `NO_COLOR`.
    Plain,
}

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// On a terminal, unless `--quiet`.
    Shown,
    /// Otherwise.
    Hidden,
}

/// What to do first, second and third.
const STEPS: &str = "First steps:
  infralock triage incident/ --report out.html   who is behind it, how dangerous, did they get in
  infralock explain 203.0.113.9 incident/        one address: each point, each place, each reference
  infralock flows incident/ --addr 203.0.113.9   its flows, and with `records` its log lines";

/// Columns below which a table is not squeezed.
const WIDTH_MIN: usize = 40;

/// Columns of a table that goes to a file or pipe: nothing is cut there.
const WIDTH_UNBOUNDED: usize = 10_000;

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    engine::explain_bus_errors();
    let cli = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let stdout = io::stdout().lock();
    let terminal = stdout.is_terminal();
    let width = width(&stdout);
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout);
    let mut console = Console {
        out: &mut out,
        paint: match terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()) {
            true => Paint::Coloured,
            false => Paint::Plain,
        },
        progress: match !cli.quiet && io::stderr().is_terminal() {
            true => Progress::Shown,
            false => Progress::Hidden,
        },
        width,
    };
    let ended = dispatch(cli.command, &mut console).and_then(|ended| {
        out.flush()?;
        Ok(ended)
    });
    exit_code(ended)
}

/// The arguments of the process; a file in the place of the command means `open`.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let is_command =
        |name: &OsString| name == "help" || Cli::command().find_subcommand(name).is_some();
    if arguments.get(1).is_some_and(|first| !is_command(first) && open::is_file(first)) {
        arguments.insert(1, "open".into());
    }
    arguments
}

/// The files behind the arguments.
fn expand(arguments: &[PathBuf], realm: Option<&str>) -> Result<Inputs, Failure> {
    paths::expand(arguments, realm).map_err(Failure::Nothing)
}

/// "Nothing could be done", where no file was of a format that is read.
fn readable(imports: &[ImportRow]) -> Result<(), Failure> {
    if imports.is_empty() {
        let what = "there is no file in this folder; give captures, logs or address lists";
        return Err(Failure::Nothing(what.to_owned()));
    }
    // A text that no format knows, without an address in it, was looked through for nothing.
    let is_bare =
        |import: &ImportRow| import.problems.iter().any(|problem| problem.what == NO_ADDRESS);
    let is_read = |import: &ImportRow| match import.format {
        Some(_) => !is_bare(import),
        None => import.bytes == 0,
    };
    match imports {
        some if some.iter().any(is_read) => Ok(()),
        [one] if is_bare(one) => {
            Err(Failure::Nothing(format!("no address found in {}", Visible(one.import.raw()))))
        }
        _ => Err(Failure::Nothing("nothing here could be read".to_owned())),
    }
}

fn exit_code(ended: Result<Ended, Failure>) -> ExitCode {
    let sentence = match ended {
        Ok(Ended::Done) => return ExitCode::SUCCESS,
        Ok(Ended::CheckFailed) => return ExitCode::from(3),
        Ok(Ended::Interrupted) => return ExitCode::from(130),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return ExitCode::SUCCESS;
        }
        Err(Failure::Output(error)) => format!("could not write the output: {error}"),
        Err(Failure::Nothing(sentence)) => sentence,
        Err(Failure::Usage(sentence)) => {
            writeln!(io::stderr().lock(), "infralock: {sentence}").ok();
            return ExitCode::from(2);
        }
    };
    writeln!(io::stderr().lock(), "infralock: {sentence}").ok();
    ExitCode::FAILURE
}

/// What `COLUMNS` asks for, else what the terminal says, else 120; a file or pipe has no end.
fn width(out: &impl IsTerminal) -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let told = || match out.is_terminal() {
        true => terminal_size::terminal_size().map_or(120, |(width, _)| width.0.into()),
        false => WIDTH_UNBOUNDED,
    };
    asked.filter(|&columns: &usize| columns > 0).unwrap_or_else(told).max(WIDTH_MIN)
}

fn dispatch(command: Option<Command>, console: &mut Console<'_>) -> Result<Ended, Failure> {
    match command {
        Some(Command::Triage(args)) => triage::run(*args, console),
        Some(Command::Detections(args)) => detections::run(*args, console),
        Some(Command::Explain(args)) => explain::run(*args, console),
        Some(Command::Flows(args)) => flows::run(args, console),
        Some(Command::Lookup(args)) => lookup::run(args, console),
        Some(Command::Carve(args)) => carve::run(args, console),
        Some(Command::Case(args)) => case::run(args, console),
        Some(Command::Data(args)) => data::run(args, console),
        Some(Command::Records(args)) => records::run(*args, console),
        Some(Command::Open(args)) => open::run(args),
        None => open::without_command(console),
    }
}
