//! What could not be read: where, what was wrong, what would be right.

use std::fmt;

use serde::{Serialize, Serializer};

use super::limits::PROBLEMS_MAX;

/// Where in a file: a line of text or a byte of a binary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// The file as a whole; the empty text.
    Whole,
    /// A line, from 1, in the unpacked text: `:12`.
    Line(u64),
    /// A byte offset in the unpacked file: `@1234`.
    Offset(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Offset(offset) => write!(f, "@{offset}"),
        }
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is told of a text that no format knows and in which no address stands.
pub const NO_ADDRESS: &str = "no address found in this text";

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it was met first.
    pub place: Position,
    /// "what was wrong; what would be right", with foreign text last, cut and escaped.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// The problems of one file, at most [`PROBLEMS_MAX`] of them; more are only counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    stored: Vec<Problem>,
    dropped: u64,
    /// The row of each kind that was tallied, a handful: no search through the stored ones for
    /// every packet. `None`: there was no room left for it.
    tallied: Vec<(&'static str, Option<usize>)>,
}

impl Problems {
    /// None so far.
    pub const fn new() -> Self {
        Self { stored: Vec::new(), dropped: 0, tallied: Vec::new() }
    }

    /// Adds one. A repetition of the newest stored one (same words) raises its count instead.
    pub fn push(&mut self, place: Position, what: impl Into<String>) {
        let what = what.into();
        if let Some(last) = self.stored.last_mut().filter(|last| last.what == what) {
            last.count += 1;
        } else if self.stored.len() < PROBLEMS_MAX {
            self.stored.push(Problem { place, what, count: 1 });
        } else {
            self.dropped += 1;
        }
    }

    /// Adds one that was met `count` times, first at `place`.
    pub fn push_counted(&mut self, place: Position, what: impl Into<String>, count: u64) {
        if self.stored.len() < PROBLEMS_MAX {
            self.stored.push(Problem { place, what: what.into(), count });
        } else {
            self.dropped += count;
        }
    }

    /// Adds one of a kind that can occur in every packet: all of the same words are one row, at
    /// the first place.
    pub fn tally(&mut self, place: Position, what: &'static str) {
        let known = self.tallied.iter().find(|(known, _)| *known == what).map(|&(_, row)| row);
        let row = known.unwrap_or_else(|| {
            let row = self.stored.iter().position(|problem| problem.what == what);
            let row = row.or_else(|| {
                (self.stored.len() < PROBLEMS_MAX).then(|| {
                    self.stored.push(Problem { place, what: what.to_owned(), count: 0 });
                    self.stored.len() - 1
                })
            });
            self.tallied.push((what, row));
            row
        });
        match row.and_then(|row| self.stored.get_mut(row)) {
            Some(row) => row.count += 1,
            None => self.dropped += 1,
        }
    }

    /// How many there were, stored or not.
    pub fn total(&self) -> u64 {
        self.stored.iter().map(|problem| problem.count).sum::<u64>() + self.dropped
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Those stored, in the order they were met, and a last row for those that were not.
    pub fn into_rows(self) -> Vec<Problem> {
        let mut rows = self.stored;
        if self.dropped > 0 {
            rows.push(Problem {
                place: Position::Whole,
                what: format!("further problems, not stored: only {PROBLEMS_MAX} are kept a file"),
                count: self.dropped,
            });
        }
        rows
    }

    /// Those stored.
    pub fn rows(&self) -> &[Problem] {
        &self.stored
    }

    /// Takes over those of another part of the same file.
    pub fn extend(&mut self, other: Self) {
        for problem in other.stored {
            if self.stored.len() < PROBLEMS_MAX {
                self.stored.push(problem);
            } else {
                self.dropped += problem.count;
            }
        }
        self.dropped += other.dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_and_nothing_is_lost_from_the_count() {
        let mut problems = Problems::new();
        for line in 1..=PROBLEMS_MAX as u64 + 1 {
            problems.push(Position::Line(line), format!("bad {line}"));
        }
        assert_eq!(problems.total(), PROBLEMS_MAX as u64 + 1);
        let rows = problems.into_rows();
        assert_eq!(rows.len(), PROBLEMS_MAX + 1);
        assert_eq!(rows.last().unwrap().count, 1);
    }

    #[test]
    fn repetitions_are_counted() {
        let mut problems = Problems::new();
        problems.push(Position::Offset(24), "cut off");
        problems.push(Position::Offset(99), "cut off");
        problems.tally(Position::Offset(120), "other");
        problems.tally(Position::Offset(130), "cut off");
        let counts: Vec<u64> = problems.rows().iter().map(|problem| problem.count).collect();
        assert_eq!(counts, [3, 1]);
    }

    #[test]
    fn a_kind_without_room_is_counted() {
        let mut problems = Problems::new();
        for line in 1..=PROBLEMS_MAX as u64 {
            problems.push(Position::Line(line), format!("bad {line}"));
        }
        problems.tally(Position::Line(1), "other");
        problems.tally(Position::Line(2), "other");
        problems.tally(Position::Line(3), "bad 7");
        assert_eq!(problems.total(), PROBLEMS_MAX as u64 + 3);
        assert_eq!(problems.into_rows().last().unwrap().count, 2);
    }
}
