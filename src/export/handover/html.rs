//! The report: the self-contained page, about the hosts that were chosen.

use std::io::{self, Write};

use super::{Format, Handed};
use crate::export::report::write_report;
use crate::export::{counted, grouped};

/// The page.
pub(super) static HTML: Format = Format {
    id: "html",
    name: "HTML report",
    extension: "html",
    what: "One page to read and print: the answer, a map, hosts with their evidence, detections.",
    source: "HTML; it asks nothing of anyone",
    is_text: false,
    write,
};

fn write(out: &mut dyn Write, handed: Handed<'_>) -> io::Result<()> {
    let mut head = handed.head.clone();
    if handed.count != head.totals.hosts {
        let all = counted(head.totals.hosts, "host", "hosts");
        head.notes.insert(0, format!("it is about {} of {all}", grouped(handed.count)));
        head.totals.hosts = handed.count;
    }
    write_report(out, &head, handed.hosts, handed.detections, handed.base, handed.tlp)
}
