//! CSV: the flat columns of hosts, each row with its marking: the format has no comments.

use super::Format;
use crate::export::csv::{Marked, hosts_csv};

/// Flat columns.
pub(super) static CSV: Format = Format {
    id: "csv",
    name: "CSV table",
    extension: "csv",
    what: "One row a host for spreadsheets; cells that a spreadsheet would run are made inert.",
    source: "RFC 4180; OWASP, CSV injection",
    is_text: true,
    write: |out, handed| Ok(hosts_csv(out, handed.hosts, Marked::With(handed.tlp))?),
};
