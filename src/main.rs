//! The program: parses the command line and runs it, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    infralock::cli::run()
}
