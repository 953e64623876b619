//! `infralock data build` and `data verify`: the image of all data.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde::Serialize;

use super::own::{Form, JsonFlag};
use crate::cli::{Console, Ended, Failure, Progress};
use crate::clock::Stopwatch;
use crate::engine::{ImageView, build_image, open_intel, open_intel_with};
use crate::export::{Align, Table, to_json};
use crate::intel::Intel;

#[derive(Clone, Debug, Args)]
pub(super) struct ImageArgs {
    #[command(flatten)]
    json: JsonFlag,
}

/// Opens the data; says on stderr what is going on while an image has to be built.
pub(in crate::cli) fn open_data(shown: Progress) -> Result<Intel, Failure> {
    let watch = Stopwatch::start();
    let tell = |share: f64| tell(share, &watch, shown);
    let opened = open_intel_with(&tell);
    clear(&watch, shown);
    opened.map_err(Failure::Nothing)
}

/// Work that is done sooner is not spoken of.
const FIRST_SECS: f64 = 0.3;

fn speaks(watch: &Stopwatch, shown: Progress) -> bool {
    shown == Progress::Shown && watch.secs() > FIRST_SECS && io::stderr().is_terminal()
}

fn tell(share: f64, watch: &Stopwatch, shown: Progress) -> bool {
    if speaks(watch, shown) {
        let percent = (share * 100.0).floor();
        write!(io::stderr().lock(), "\rbuilding the image of the data, once: {percent} % ").ok();
    }
    true
}

fn clear(watch: &Stopwatch, shown: Progress) {
    if speaks(watch, shown) {
        write!(io::stderr().lock(), "\r\x1b[K").ok();
    }
}

/// Builds the image anew.
pub(super) fn build(args: ImageArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let watch = Stopwatch::start();
    let tell = |share: f64| tell(share, &watch, console.progress);
    let (view, note) = build_image(&tell).map_err(Failure::Nothing)?;
    clear(&watch, console.progress);
    if let Some(note) = note {
        writeln!(io::stderr().lock(), "{note}").ok();
    }
    print(&view, Form::of(args.json), console)?;
    if view.path.is_none() {
        return Err(Failure::Nothing("the image could not be kept".to_owned()));
    }
    let secs = watch.secs();
    writeln!(io::stderr().lock(), "built in {secs:.2} s").ok();
    Ok(Ended::Done)
}

/// What `data verify --json` says.
#[derive(Serialize)]
struct Verified {
    image: ImageView,
    wrong: Vec<String>,
}

/// Checks every byte of the packed sets and of the image.
pub(super) fn verify(args: ImageArgs, console: &mut Console<'_>) -> Result<Ended, Failure> {
    let intel = open_intel().map_err(Failure::Nothing)?;
    intel.decode_all();
    let image = ImageView::of(&intel);
    let mut wrong: Vec<String> = intel.problems().iter().map(ToString::to_string).collect();
    let file = image.path.clone().unwrap_or_else(|| "image in memory".to_owned());
    wrong.extend(intel.image().verify().iter().map(|error| format!("{file}{error}")));
    for problem in &wrong {
        writeln!(io::stderr().lock(), "{problem}").ok();
    }
    let ended = if wrong.is_empty() { Ended::Done } else { Ended::CheckFailed };
    match Form::of(args.json) {
        Form::Json => {
            to_json(&mut *console.out, &Verified { image, wrong })?;
            writeln!(console.out)?;
        }
        Form::Text => {
            let sets = intel.sources().len();
            let sections = image.sections.len();
            let verdict = match wrong.len() {
                0 => "all whole".to_owned(),
                count => format!("{count} wrong; `infralock data build` makes the image anew"),
            };
            writeln!(console.out, "{sets} sets, {sections} sections of {file}: {verdict}")?;
        }
    }
    Ok(ended)
}

fn print(view: &ImageView, form: Form, console: &mut Console<'_>) -> Result<(), Failure> {
    if form == Form::Json {
        to_json(&mut *console.out, view)?;
        writeln!(console.out)?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("date", Align::Left),
        ("IPv4 ranges", Align::Right),
        ("IPv6 ranges", Align::Right),
    ]);
    for layer in &view.layers {
        table.row(vec![
            layer.name.clone(),
            layer.date.clone().unwrap_or_else(|| "-".to_owned()),
            layer.ranges_v4.to_string(),
            layer.ranges_v6.to_string(),
        ]);
    }
    for line in table.lines(console.width) {
        writeln!(console.out, "{line}")?;
    }
    let [v4, v6] = &view.families;
    for (name, family) in [("IPv4", v4), ("IPv6", v6)] {
        writeln!(
            console.out,
            "{name}: table {:.1} MB, {} records of {} bits, {:.1} MB",
            family.table_bytes as f64 / 1e6,
            family.records,
            family.record_bits,
            family.record_bytes as f64 / 1e6,
        )?;
    }
    let place = view.path.as_deref().unwrap_or("in memory");
    writeln!(console.out, "{:.1} MB, {place}", view.bytes as f64 / 1e6)?;
    Ok(())
}
