//! `infralock data update`: newer states of own feeds, shown before they are taken.

use std::io::{self, IsTerminal};

use clap::Args;
use serde_json::{Value, json};

use super::own::{Form, JsonFlag, shelf};
use crate::bounded::Lines;
use crate::cli::progress::Terminal;
use crate::cli::{Console, Ended, Failure};
use crate::engine::{
    Difference, Existing, FeedRow, Newer, Shelf, look_for_newer, open_intel, updatable,
};
use crate::export::to_json;
use crate::model::{Timestamp, Visible, grouped};

#[derive(Clone, Debug, Args)]
pub(super) struct UpdateArgs {
    /// Feeds by their names (default: all that were added with an https:// address)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Takes what is new without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: JsonFlag,
}

pub(super) fn run(args: UpdateArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let shelf = shelf()?;
    let rows = updatable(&shelf, &args.names).map_err(Failure::Nothing)?;
    let form = Form::of(args.json);
    if rows.is_empty() {
        let what = "no feed was added with an https:// address: nothing is fetched";
        return Err(Failure::Nothing(what.to_owned()));
    }
    let intel = open_intel().map_err(Failure::Nothing)?;
    let answers = match args.yes {
        true => Answers::Yes,
        false if form == Form::Text && io::stdin().is_terminal() => Answers::Asked,
        false => Answers::No,
    };
    let (mut told, mut wrong) = (Vec::new(), false);
    for row in rows {
        let monitor = Terminal::start(console.progress);
        let newer = look_for_newer(&shelf, &row, &intel, crate::clock::now(), &monitor);
        monitor.clear();
        let outcome = settle(&shelf, &row, newer, answers, console)?;
        wrong |= ["refused", "failed"].contains(&outcome.word);
        match form {
            Form::Json => told.push(outcome.document(&row)),
            Form::Text => writeln!(console.out, "{}", outcome.line(&row))?,
        }
    }
    if form == Form::Json {
        to_json(&mut *console.out, &told)?;
        writeln!(console.out)?;
    }
    Ok(if wrong { Ended::CheckFailed } else { Ended::Done })
}

/// Who decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Yes,
    No,
    Asked,
}

struct Outcome {
    word: &'static str,
    difference: Option<Difference>,
    date: Option<Timestamp>,
    why: Option<String>,
}

fn settle(
    shelf: &Shelf,
    row: &FeedRow,
    newer: Newer,
    answers: Answers,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let plain = |word| Outcome { word, difference: None, date: row.date, why: None };
    Ok(match newer {
        Newer::Same => plain("same"),
        Newer::Failed(why) => Outcome { why: Some(why), ..plain("failed") },
        Newer::Refused(why, difference) => {
            Outcome { why: Some(why), difference, ..plain("refused") }
        }
        Newer::Offered(review, difference) => {
            let offered =
                Outcome { difference: Some(difference), date: review.row.date, ..plain("offered") };
            if answers == Answers::Asked {
                write!(console.out, "{}. Take it? [y/N] ", offered.line(row))?;
                console.out.flush()?;
            }
            let takes = match answers {
                Answers::Yes => true,
                Answers::No => false,
                Answers::Asked => says_yes(),
            };
            match takes.then(|| shelf.keep(&review, Existing::Replace)) {
                None => offered,
                Some(Ok(_)) => Outcome { word: "taken", ..offered },
                Some(Err(why)) => Outcome { word: "failed", why: Some(why), ..offered },
            }
        }
    })
}

fn says_yes() -> bool {
    let mut lines = Lines::new(io::stdin().lock());
    let line = lines.next_line().map(|(_, line)| line.trim_ascii().to_ascii_lowercase());
    line.is_some_and(|line| line == b"y" || line == b"yes")
}

impl Outcome {
    fn line(&self, row: &FeedRow) -> String {
        let difference = self.difference.map(|it| {
            format!(
                ": {} entries, {} new, {} gone, {} now",
                grouped(it.before),
                grouped(it.added),
                grouped(it.removed),
                grouped(it.after)
            )
        });
        let difference = difference.unwrap_or_default();
        let date = self.date.map_or("undated".to_owned(), Timestamp::to_date);
        match (self.word, &self.why) {
            ("same", _) => format!("{}: nothing is new, of {date}", row.name),
            ("taken", _) => format!("{}: taken, of {date}{difference}", row.name),
            ("offered", _) => {
                format!("{}: a newer one of {date}{difference}; --yes takes it", row.name)
            }
            (word, why) => {
                let why = Visible(why.as_deref().unwrap_or_default()).to_string();
                format!("{}: {word}, the old one stays: {why}{difference}", row.name)
            }
        }
    }

    fn document(&self, row: &FeedRow) -> Value {
        let count = |read: fn(Difference) -> u64| self.difference.map(read);
        json!({
            "name": row.name,
            "outcome": self.word,
            "before": count(|it| it.before),
            "after": count(|it| it.after),
            "added": count(|it| it.added),
            "removed": count(|it| it.removed),
            "date": self.date.map(Timestamp::to_date),
            "why": self.why,
        })
    }
}
