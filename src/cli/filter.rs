//! `--filter EXPR`: which table it asks, and how a mistake is shown.

use super::Failure;
use crate::filter::{Filter, Plan, Table, parse_for};
use crate::model::Timestamp;

pub(super) fn hosts(text: &str) -> Result<Filter, String> {
    read(text, Table::Hosts)
}

pub(super) fn flows(text: &str) -> Result<Filter, String> {
    read(text, Table::Flows)
}

pub(super) fn records(text: &str) -> Result<Filter, String> {
    read(text, Table::Records)
}

pub(super) fn detections(text: &str) -> Result<Filter, String> {
    read(text, Table::Detections)
}

/// The sentence, then the filter with a caret under the place.
fn read(text: &str, table: Table) -> Result<Filter, String> {
    parse_for(text, table).map_err(|error| {
        let pointed = error.pointed_at(text).replace('\n', "\n  ");
        format!("{error}\n\n  {pointed}")
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
