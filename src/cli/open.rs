//! `infralock` and `infralock open`: the window, or what to do where there is none.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Console, Ended, Failure, example};

/// Said where a window was asked for and none can be had.
const INSTEAD: &str = "use `infralock triage` in the terminal";

#[derive(Clone, Debug, Args)]
pub(super) struct OpenArgs {
    /// Captures, logs, address lists, archives or folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Opens the window with files read into a new case.
pub(super) fn run(args: OpenArgs) -> Result<Ended, Failure> {
    for path in &args.paths {
        if !path.exists() {
            let what = format!("cannot open {}: there is no such file or folder", path.display());
            return Err(Failure::Nothing(what));
        }
    }
    window(Some(args.paths)).map_err(|why| Failure::Nothing(format!("{why}; {INSTEAD}")))
}

/// Without a command: the window; without a display, the example in the terminal.
pub(super) fn without_command(console: &mut Console<'_>) -> Result<Ended, Failure> {
    match window(None) {
        Ok(ended) => Ok(ended),
        Err(why) => {
            writeln!(std::io::stderr().lock(), "infralock: {why}; the example in the terminal:")
                .ok();
            example::run(console)
        }
    }
}

/// Whether an argument in the place of a command is a file to open.
pub(super) fn is_file(argument: &std::ffi::OsStr) -> bool {
    !argument.as_encoded_bytes().starts_with(b"-") && Path::new(argument).exists()
}

#[cfg(feature = "gui")]
fn window(paths: Option<Vec<PathBuf>>) -> Result<Ended, String> {
    use crate::app::{First, run};
    let shown = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !shown.iter().any(is_set) {
        return Err("there is no display for a window".to_owned());
    }
    run(paths.map_or(First::Start, First::Files))
        .map(|()| Ended::Done)
        .map_err(|why| format!("no window could be opened ({why})"))
}

#[cfg(not(feature = "gui"))]
fn window(_: Option<Vec<PathBuf>>) -> Result<Ended, String> {
    Err("this program was built without the window (feature gui)".to_owned())
}
