//! What could not be read, on stderr: the first few lines of it, then a count.

use std::io::{self, Write};

use hashbrown::HashMap;

use crate::export::{ImportRow, counted, grouped};
use crate::model::limits::PROBLEMS_PRINTED_MAX;
use crate::model::{Position, Problem, Problems, Visible};

/// Prints `path:line: what` for at most [`PROBLEMS_PRINTED_MAX`] problems, then how many more.
pub(super) fn print(own: &[(String, Problems)], imports: &[ImportRow]) {
    let own = own.iter().flat_map(|(name, problems)| {
        problems.rows().iter().map(move |problem| (name.as_str(), problem))
    });
    let read = imports.iter().flat_map(|import| {
        import.problems.iter().map(move |problem| (import.import.raw(), problem))
    });
    let lines = lines(own.chain(read));
    let mut stderr = io::stderr().lock();
    for (line, _) in lines.iter().take(PROBLEMS_PRINTED_MAX) {
        writeln!(stderr, "{line}").ok();
    }
    let rest: u64 = lines.iter().skip(PROBLEMS_PRINTED_MAX).map(|(_, count)| count).sum();
    if rest > 0 {
        let more = counted(rest, "more problem", "more problems");
        writeln!(stderr, "… and {more}; `triage --json` lists them all").ok();
    }
}

/// Prints what is worth knowing of the run as a whole.
pub(super) fn print_notes(notes: &[String]) {
    let mut stderr = io::stderr().lock();
    for note in notes {
        writeln!(stderr, "Note: {note}").ok();
    }
}

/// Prints in one line what was taken for granted about times, and how to set it right. For people:
/// in JSON it stands with each file.
pub(super) fn print_assumed(imports: &[ImportRow]) {
    if let Some(line) = assumed(imports) {
        writeln!(io::stderr().lock(), "{line}").ok();
    }
}

fn assumed(imports: &[ImportRow]) -> Option<String> {
    let taken =
        |import: &&ImportRow| import.assumed.year.is_some() || import.assumed.time_zone.is_some();
    let taken: Vec<&ImportRow> = imports.iter().filter(taken).collect();
    let years = || taken.iter().filter_map(|import| import.assumed.year);
    let year = match (years().min(), years().max()) {
        (Some(first), Some(last)) if first < last => Some(format!("years from {first} to {last}")),
        (Some(year), _) => Some(format!("the year {year}")),
        _ => None,
    };
    let zone = taken.iter().find_map(|import| import.assumed.time_zone.as_deref());
    let zone = zone.map(|zone| format!("time zone {zone}"));
    let (mut what, mut how): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    if let Some(year) = year {
        what.push(year);
        how.push("--at");
    }
    if let Some(zone) = zone {
        what.push(zone);
        how.push("--time-zone");
    }
    let (what, how) = (what.join(" and "), how.join(" and "));
    let sets = if how.contains("and") { "set them" } else { "sets it" };
    let names = match taken.as_slice() {
        [] => return None,
        [one] => Visible(one.import.raw()).to_string(),
        [first, others @ ..] => {
            let others = counted(others.len() as u64, "other file", "other files");
            format!("{} and {others}", Visible(first.import.raw()))
        }
    };
    Some(format!("{names}: taken for granted: {what}; {how} {sets}"))
}

/// One line a problem, with how many problems it stands for. What is wrong with several files as a
/// whole, such as that nothing can be read in them, is told once, with the first of them.
fn lines<'p>(problems: impl Iterator<Item = (&'p str, &'p Problem)>) -> Vec<(String, u64)> {
    let mut told: Vec<(&str, &Problem, u64)> = Vec::new();
    // Places in `told`, by what is wrong.
    let mut whole: HashMap<&str, usize> = HashMap::new();
    for (name, problem) in problems {
        if problem.place == Position::Whole {
            if let Some(known) = whole.get(&*problem.what).and_then(|&at| told.get_mut(at)) {
                known.2 += 1;
                continue;
            }
            whole.insert(&problem.what, told.len());
        }
        told.push((name, problem, 0));
    }
    let line = |(name, problem, files): (&str, &Problem, u64)| {
        let times = match problem.count {
            0 | 1 => String::new(),
            count => format!(" ({} times)", grouped(count)),
        };
        let others = match files {
            0 => String::new(),
            files => format!(" and {}", counted(files, "other file", "other files")),
        };
        let (name, what) = (Visible(name), Visible(&problem.what));
        (format!("{name}{}{others}: {what}{times}", problem.place), problem.count.max(1) + files)
    };
    told.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::AssumedRow;

    #[test]
    fn what_was_taken_for_granted_is_one_line() {
        let file = |name: &str, year: Option<i16>, zone: Option<&str>| ImportRow {
            import: name.into(),
            assumed: AssumedRow {
                year,
                time_zone: zone.map(str::to_owned),
                ..AssumedRow::default()
            },
            ..ImportRow::default()
        };
        let plain = file("a.pcap", None, None);
        let auth = file("auth.log", Some(2026), Some("UTC"));
        let old = file("old.log", Some(2024), Some("UTC"));
        let web = file("web.csv", None, Some("Europe/Oslo"));
        for (files, line) in [
            (vec![plain.clone()], None),
            (
                vec![plain.clone(), auth.clone()],
                Some(
                    "auth.log: taken for granted: the year 2026 and time zone UTC; --at and \
                     --time-zone set them",
                ),
            ),
            (
                vec![web],
                Some("web.csv: taken for granted: time zone Europe/Oslo; --time-zone sets it"),
            ),
            (
                vec![auth, plain, old],
                Some(
                    "auth.log and 1 other file: taken for granted: years from 2024 to 2026 and \
                     time zone UTC; --at and --time-zone set them",
                ),
            ),
        ] {
            assert_eq!(assumed(&files).as_deref(), line);
        }
    }

    #[test]
    fn files_in_which_nothing_could_be_read_are_told_together() {
        let mut problems = Problems::new();
        problems.push(Position::Whole, "no address");
        problems.push_counted(Position::Line(7), "no date", 1_200);
        let [none, line] = problems.rows() else { panic!("two problems") };
        let told = lines([("a", none), ("b.log", line), ("c", none), ("d", none)].into_iter());
        assert_eq!(
            told,
            [
                ("a and 2 other files: no address".to_owned(), 3),
                ("b.log:7: no date (1,200 times)".to_owned(), 1_200),
            ]
        );
    }
}
