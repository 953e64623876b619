//! What could not be read, on stderr: the first few lines of it, then a count.

use std::io::{self, Write};

use crate::export::ImportRow;
use crate::model::limits::PROBLEMS_PRINTED_MAX;
use crate::model::{Problem, Problems, Visible};

/// Prints `path:line: what` for at most [`PROBLEMS_PRINTED_MAX`] problems, then how many more.
pub(super) fn print(own: &[(String, Problems)], imports: &[ImportRow]) {
    let own = own.iter().flat_map(|(name, problems)| {
        problems.rows().iter().map(move |problem| (name.as_str(), problem))
    });
    let read = imports.iter().flat_map(|import| {
        import.problems.iter().map(move |problem| (import.import.raw(), problem))
    });
    let all: Vec<(&str, &Problem)> = own.chain(read).collect();
    let mut stderr = io::stderr().lock();
    for (name, problem) in all.iter().take(PROBLEMS_PRINTED_MAX) {
        let times = match problem.count {
            0 | 1 => String::new(),
            count => format!(" ({count} times)"),
        };
        let (name, what) = (Visible(name), Visible(&problem.what));
        writeln!(stderr, "{name}{}: {what}{times}", problem.place).ok();
    }
    let rest: u64 = all.iter().skip(PROBLEMS_PRINTED_MAX).map(|(_, problem)| problem.count).sum();
    if rest > 0 {
        writeln!(stderr, "… and {rest} more problems; --json lists them all").ok();
    }
}
