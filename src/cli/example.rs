//! `infralock` alone: triage of the shipped example, a report, and how to open your own files.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::output::{self, Existing};
use super::progress::Terminal;
use super::{Console, Ended, Failure, triage};
use crate::bounded;
use crate::engine::{self, Context, Cut, HostsShown, Job};
use crate::export::handover::Tlp;

/// The report's name in the folder at hand; taken names get a number.
const REPORT: &str = "infralock-example";

/// Reports of earlier runs beside which one more is written.
const REPORTS_MAX: u32 = 100;

/// Bytes of an earlier report that is compared.
const REPORT_BYTES_MAX: usize = 16 << 20;

pub(super) fn run(console: &mut Console<'_>) -> Result<Ended, Failure> {
    let (inputs, options) = engine::example();
    let intel = engine::open_intel().map_err(Failure::Nothing)?;
    let context = Context::open(options, intel).map_err(Failure::Nothing)?;
    let monitor = Terminal::start(console.progress);
    let job = Job { context: &context, monitor: &monitor };
    let triage = engine::triage(inputs, job, HostsShown::WithoutSpoofed);
    monitor.clear();
    writeln!(console.out, "The shipped example: one synthetic night at a small shop.\n")?;
    triage::table(&triage, Cut::default(), triage::Asked::Nothing, console)?;
    let mut page = Vec::new();
    triage.write_report(&mut page, Tlp::Clear)?;
    let report = keep_report(&page);
    writeln!(console.out)?;
    match report {
        Ok(path) => writeln!(console.out, "Report: {}", path.display())?,
        Err(Failure::Nothing(why)) => writeln!(console.out, "No report: {why}")?,
        Err(failure) => return Err(failure),
    }
    writeln!(
        console.out,
        "Open your own: infralock triage FILE… --report out.html (captures, logs, lists, folders)"
    )?;
    Ok(Ended::Done)
}

/// Writes the page under the first name that is free or holds the same page already.
fn keep_report(page: &[u8]) -> Result<PathBuf, Failure> {
    for number in 1..=REPORTS_MAX {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = PathBuf::from(format!("{REPORT}{suffix}.html"));
        if holds(&path, page) {
            return Ok(path);
        }
        if let Ok(mut report) = output::create(&path, Existing::Keep) {
            report.write_all(page)?;
            report.keep()?;
            return Ok(path);
        }
    }
    Err(Failure::Nothing("this folder cannot be written, or holds a hundred of them".to_owned()))
}

fn holds(path: &Path, page: &[u8]) -> bool {
    let read = File::open(path).and_then(|file| bounded::read_all(file, REPORT_BYTES_MAX));
    read.is_ok_and(|bytes| bytes == page)
}
