//! `infralock data add|remove`: a person's own feeds.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::bounded;
use crate::cli::output::Existing;
use crate::cli::progress::Terminal;
use crate::cli::{Console, Ended, Failure};
use crate::engine::{
    FEED_TABLE_BYTES_MAX, FeedBytes, FeedOptions, FeedRow, Review, Shelf, feed_formats, fetch_feed,
    half_life_days, open_intel, review,
};
use crate::export::to_json;
use crate::intel::feed::FeedKind;
use crate::model::limits::PROBLEMS_PRINTED_MAX;
use crate::model::{Problem, Timestamp, Visible, counted, grouped};

#[derive(Clone, Debug, Args)]
#[command(after_help = formats())]
pub(super) struct AddArgs {
    /// A file, or an https:// address, which is fetched once
    #[arg(value_name = "PATH|URL")]
    source: String,
    /// What to call it (default: as its file)
    #[arg(long, value_name = "N")]
    name: Option<String>,
    /// What it says: hostile, benign, context, places, as, or the kind its addresses are of (tor,
    /// vpn, proxy, hosting …); without it, what the file or its name suggests
    #[arg(long, value_name = "KIND", value_parser = FeedKind::parse)]
    kind: Option<FeedKind>,
    /// The format; without it, told by content
    #[arg(long, value_name = "F")]
    format: Option<String>,
    /// Its weight group: of feeds that copy from one another only the strongest counts
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// The date from which it ages, where it states none itself
    #[arg(long, value_name = "D")]
    date: Option<Timestamp>,
    /// The time in which its word loses half its weight: 30d, 12h, 2w, 1y (default: the profile's)
    #[arg(long, value_name = "30d", value_parser = half_life_days)]
    half_life: Option<f64>,
    /// A note on its licence
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// Its SHA-256; other bytes are refused
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Which fields of a database mean what (TOML)
    #[arg(long, value_name = "FIELDS.toml")]
    map: Option<PathBuf>,
    /// Names of Suricata's categories
    #[arg(long, value_name = "F")]
    categories: Option<PathBuf>,
    /// Shows what would be kept, and keeps nothing
    #[arg(long)]
    preview: bool,
    /// Takes the place of a feed of the same name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    json: JsonFlag,
}

/// The formats, for the help.
fn formats() -> String {
    let mut text = "Formats:".to_owned();
    for about in feed_formats() {
        text += &format!("\n  {:<17} {}", about.id, about.reads);
    }
    text
}

/// The folder of this person's feeds.
pub(super) fn shelf() -> Result<Shelf, Failure> {
    Shelf::of_this_person().ok_or_else(|| {
        let what = "there is no home folder for feeds; set INFRALOCK_FEEDS to a folder";
        Failure::Nothing(what.to_owned())
    })
}

pub(super) fn add(args: AddArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let given = read(&args.source, console)?;
    let options = FeedOptions {
        name: args.name,
        kind: args.kind,
        format: args.format,
        group: args.group,
        date: args.date,
        half_life_days: args.half_life,
        licence: args.licence,
        sha256: args.sha256,
        map: args.map.as_deref().map(table).transpose()?,
        categories: args.categories.as_deref().map(table).transpose()?,
    };
    let intel = open_intel().map_err(Failure::Nothing)?;
    let now = crate::clock::now();
    let review = review(given, &options, &intel, now).map_err(Failure::Nothing)?;
    if args.preview {
        show(&review, Form::of(args.json), Kept::No, console)?;
        return match review.refusal() {
            Some(refusal) => Err(Failure::Nothing(refusal)),
            None => Ok(Ended::Done),
        };
    }
    if let Some(refusal) = review.refusal() {
        problems(&review.problems, PROBLEMS_PRINTED_MAX);
        return Err(Failure::Nothing(refusal));
    }
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    shelf()?.keep(&review, existing).map_err(Failure::Nothing)?;
    show(&review, Form::of(args.json), Kept::Yes, console)?;
    Ok(Ended::Done)
}

fn read(source: &str, console: &Console<'_>) -> Result<FeedBytes, Failure> {
    // Any other scheme is refused where addresses are fetched, with a sentence.
    let given = match source.contains("://") {
        true => {
            let monitor = Terminal::start(console.progress);
            let given = fetch_feed(source, &monitor);
            monitor.clear();
            given
        }
        false => FeedBytes::read(Path::new(source)),
    };
    given.map_err(Failure::Nothing)
}

fn table(path: &Path) -> Result<String, Failure> {
    let read = File::open(path).and_then(|file| bounded::read_text(file, FEED_TABLE_BYTES_MAX));
    read.map_err(|error| Failure::Nothing(format!("cannot read {}: {error}", path.display())))
}

pub(super) fn remove(name: &str, form: Form, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let row = shelf()?.remove(name).map_err(Failure::Nothing)?;
    match form {
        Form::Json => {
            to_json(&mut *console.out, &json!({"removed": row}))?;
            writeln!(console.out)?;
        }
        Form::Text => {
            writeln!(console.out, "{} is forgotten; hosts are judged without it", row.name)?
        }
    }
    Ok(Ended::Done)
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

impl Form {
    pub(super) const fn of(flag: JsonFlag) -> Self {
        if flag.json { Self::Json } else { Self::Text }
    }
}

/// `--json`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct JsonFlag {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Whether a feed that is shown was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
}

/// Shows what a feed says, and all of what was not understood.
pub(super) fn show(
    review: &Review,
    form: Form,
    kept: Kept,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if form == Form::Json {
        to_json(&mut *console.out, &document(review, kept))?;
        writeln!(console.out)?;
        return Ok(());
    }
    let row = &review.row;
    let counts = review.feed().counts();
    let date = row.date.map_or("undated".to_owned(), Timestamp::to_date);
    let by = row.dated_by.as_deref().map(|by| format!(" ({by})")).unwrap_or_default();
    writeln!(console.out, "{}: {}, {}, {date}{by}", row.name, row.kind, row.format)?;
    writeln!(
        console.out,
        "  {} IPv4 and {} IPv6 entries: {} listed, {} placed, {} with an AS",
        grouped(counts.v4),
        grouped(counts.v6),
        grouped(counts.listed),
        grouped(counts.places),
        grouped(counts.systems),
    )?;
    for example in &review.examples {
        writeln!(console.out, "    {}  {}", example.addresses(), example.what)?;
    }
    for note in &review.notes {
        writeln!(console.out, "  note: {note}")?;
    }
    let wrong = counted(row.not_understood, "thing", "things");
    writeln!(console.out, "  {wrong} not understood")?;
    let end = match kept {
        Kept::Yes => "kept: it speaks in every look-up and score from now on",
        Kept::No => "a preview: nothing was kept",
    };
    writeln!(console.out, "  {end}")?;
    let limit = match kept {
        Kept::Yes => PROBLEMS_PRINTED_MAX,
        Kept::No => usize::MAX,
    };
    problems(&review.problems, limit);
    Ok(())
}

/// Says on stderr what was not understood; `limit` of it, then a count.
pub(super) fn problems(problems: &[Problem], limit: usize) {
    let mut stderr = std::io::stderr().lock();
    for problem in problems.iter().take(limit) {
        let times = match problem.count {
            0 | 1 => String::new(),
            count => format!(" ({count} times)"),
        };
        let what = Visible(&problem.what).to_string();
        writeln!(stderr, "{}: {what}{times}", problem.place).ok();
    }
    let rest = problems.len().saturating_sub(limit);
    if rest > 0 {
        let rest = counted(rest as u64, "more problem", "more problems");
        writeln!(stderr, "… and {rest}; --preview lists them all").ok();
    }
}

fn document(review: &Review, kept: Kept) -> Value {
    let counts = review.feed().counts();
    let examples: Vec<Value> = review
        .examples
        .iter()
        .map(|example| json!({"range": example.addresses(), "what": example.what}))
        .collect();
    json!({
        "feed": review.row,
        "kept": kept == Kept::Yes,
        "entries": {
            "v4": counts.v4, "v6": counts.v6,
            "listed": counts.listed, "places": counts.places, "systems": counts.systems,
        },
        "examples": examples,
        "notes": review.notes,
        "problems": review.problems,
    })
}

/// An own feed among the data sets.
pub(super) fn cells(row: &FeedRow) -> Vec<String> {
    vec![
        row.id(),
        row.date.map_or("undated".to_owned(), Timestamp::to_date),
        row.entries_v4.to_string(),
        if row.entries_v6 > 0 { row.entries_v6.to_string() } else { "-".to_owned() },
        row.bytes.div_ceil(1_000).to_string(),
        row.licence.as_deref().map_or("-".to_owned(), |text| Visible(text).to_string()),
        format!("own feed, {}, {}: {}", row.kind, row.format, Visible(&row.source)),
    ]
}
