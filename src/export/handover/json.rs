//! JSON: hosts and detections as `triage --json` writes them, with the marking in front.

use std::io::{self, Write};

use super::{Format, Handed};
use crate::export::to_json;

/// The rows of `triage`.
pub(super) static JSON: Format = Format {
    id: "json",
    name: "JSON document",
    extension: "json",
    what: "Everything that is known of each host, evidence included, for programs.",
    source: "the rows of `triage --json`",
    is_text: true,
    write,
};

fn write(out: &mut dyn Write, handed: Handed<'_>) -> io::Result<()> {
    write!(out, "{{\"tlp\":\"{}\",\"tool\":", handed.tlp.label())?;
    to_json(out, &handed.head.tool)?;
    out.write_all(b",\"now\":")?;
    to_json(out, &handed.head.now)?;
    out.write_all(b",\"hosts\":")?;
    rows(out, handed.hosts)?;
    out.write_all(b",\"prefixes\":")?;
    rows(out, handed.prefixes.iter())?;
    out.write_all(b",\"detections\":")?;
    rows(out, handed.detections)?;
    out.write_all(b"}\n")
}

/// An array, one row a line.
pub(super) fn rows(
    out: &mut dyn Write,
    rows: impl Iterator<Item: serde::Serialize>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, row) in rows.enumerate() {
        out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
        to_json(out, &row)?;
    }
    out.write_all(b"]")
}
