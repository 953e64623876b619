//! What is wrong with a filter: where, what, and what could stand there.

use std::borrow::Cow;
use std::fmt;

use crate::model::Visible;

/// Characters of the analyst's own text that a message repeats.
const QUOTED_CHARS_MAX: usize = 40;

/// Why a text is not a filter.
///
/// ```
/// let error = infralock::filter::parse("score >= high").unwrap_err();
/// assert_eq!(error.column, 10);
/// assert_eq!(
///     error.to_string(),
///     "column 10: `high` is not a number; a number, such as 50, 10k or 1.5M, could stand here"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in characters from 1; one past the end if something is missing.
    pub column: usize,
    /// How many characters are wrong, to underline; at least 1.
    pub length: usize,
    /// What is wrong there.
    pub what: String,
    /// What could stand there, likeliest first; empty where nothing would help.
    pub expected: Vec<Cow<'static, str>>,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)?;
        let Some((last, others)) = self.expected.split_last() else { return Ok(()) };
        match others {
            [] => write!(f, "; {last}")?,
            others => write!(f, "; {} or {last}", others.join(", "))?,
        }
        f.write_str(if last.contains(", ") { ", could stand here" } else { " could stand here" })
    }
}

impl std::error::Error for FilterError {}

impl FilterError {
    /// The filter in one line, and a line with a caret below the place.
    ///
    /// Characters that would move either line are shown as `�`.
    pub fn pointed_at(&self, text: &str) -> String {
        let shown = |character: char| match crate::model::is_deceptive(character) {
            true => '\u{fffd}',
            false => character,
        };
        let line: String = text.chars().map(shown).collect();
        format!("{line}\n{:>column$}", '^', column = self.column)
    }
}

/// A part of the analyst's text, cut, in backquotes.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("`{}…`", Visible(text.get(..end).unwrap_or_default())),
        None => format!("`{}`", Visible(text)),
    }
}

/// A mistake at bytes of the text; [`Mistake::locate`] makes columns of them.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) what: String,
    pub(super) expected: Vec<Cow<'static, str>>,
}

impl Mistake {
    pub(super) fn locate(self, text: &str) -> FilterError {
        let chars = |to: usize| text.get(..to).unwrap_or(text).chars().count();
        let column = chars(self.at) + 1;
        let length = (chars(self.end) + 1).saturating_sub(column).max(1);
        FilterError { column, length, what: self.what, expected: self.expected }
    }
}
