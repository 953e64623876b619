//! `infralock explain ADDR --prefixes`: the prefixes around an address, source by source.

use super::super::{Console, Ended, Failure};
use super::Json;
use crate::engine::{Explored, Neighbour, Said};
use crate::export::{Align, JsonLines, Table, wrap};
use crate::model::Visible;

/// Where the text of a line stands, below its first word.
const TEXT_INDENT: usize = 10;

/// Prints what was explored, as a tree for people or as one object.
pub(super) fn show(
    explored: &Explored,
    json: Option<Json>,
    console: &mut Console<'_>,
) -> Result<Ended, Failure> {
    if json.is_some() {
        JsonLines::new(&mut *console.out).write(&explored.to_json())?;
        return Ok(Ended::Done);
    }
    writeln!(console.out, "{}\n", explored.addr)?;
    tree(explored, console)?;
    let lines = explored.verdicts.iter().map(|decided| {
        let sources: Vec<&str> = decided.sources.iter().map(|source| &**source).collect();
        let by = match sources.is_empty() {
            true => String::new(),
            false => format!(" by {}", sources.join(", ")),
        };
        (decided.about.as_str(), format!("{}{by}. {}", decided.answer, decided.why))
    });
    let beside = ["before", "after"].into_iter().zip(&explored.neighbours);
    let beside = beside.filter_map(|(where_, it)| Some((where_, beside_text(it.as_ref()?))));
    for (label, text) in lines.chain(beside) {
        let room = console.width.saturating_sub(TEXT_INDENT);
        for (number, part) in wrap(&Visible(&text).to_string(), room).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            writeln!(console.out, "{label:<TEXT_INDENT$}{part}")?;
        }
    }
    Ok(Ended::Done)
}

fn tree(explored: &Explored, console: &mut Console<'_>) -> Result<(), Failure> {
    if explored.rows.is_empty() {
        writeln!(console.out, "No source says anything of it\n")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("Prefix", Align::Left),
        ("Source", Align::Left),
        ("Date", Align::Left),
        ("Says", Align::Left),
        ("Won", Align::Left),
    ]);
    let mut before: Option<&Said> = None;
    let mut depth = 0;
    for row in &explored.rows {
        let is_new = before.is_none_or(|before| before.prefix != row.prefix);
        let prefix = match (before, is_new) {
            (_, false) => String::new(),
            (None, true) => row.prefix.to_string(),
            (Some(_), true) => {
                depth += 1;
                format!("{}└ {}", " ".repeat(2 * (depth - 1)), row.prefix)
            }
        };
        let won: Vec<&str> = row.won.iter().map(|won| won.as_str()).collect();
        table.row(vec![
            prefix,
            Visible(&row.source).to_string(),
            row.date.map_or_else(|| "-".to_owned(), |date| date.to_date()),
            Visible(&row.says.text()).to_string(),
            if won.is_empty() { "-".to_owned() } else { won.join(", ") },
        ]);
        before = Some(row);
    }
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    writeln!(console.out)?;
    Ok(())
}

fn beside_text(neighbour: &Neighbour) -> String {
    format!("{}: {}", neighbour.range, neighbour.text)
}
