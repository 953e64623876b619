//! `--filter EXPR`: which table it asks, and how a mistake is shown.

use super::Failure;
use crate::filter::{Filter, Plan, Table, parse_for};
use crate::model::Timestamp;

/// Reads the filter of an option: before any work, and not while arguments are parsed, whose errors
/// would repeat all of it.
pub(super) fn read(text: Option<&str>, table: Table) -> Result<Option<Filter>, Failure> {
    let Some(text) = text else { return Ok(None) };
    parse_for(text, table).map(Some).map_err(|error| {
        // The sentence, then the filter with a caret under the place.
        let pointed = error.pointed_at(text).replace('\n', "\n  ");
        Failure::Usage(format!("--filter, {error}\n\n  {pointed}"))
    })
}

/// The plan of a filter over rows that are written as they come, before the newest time is known.
pub(super) fn streamed(
    filter: Option<&Filter>,
    at: Option<Timestamp>,
) -> Result<Option<Plan>, Failure> {
    let Some(filter) = filter else { return Ok(None) };
    if filter.is_relative() && at.is_none() {
        let what = "the filter counts back from now, which is known only when all is read; write \
                    the time itself, or give --at where the command has it";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(Some(filter.plan(at.unwrap_or_default())))
}
