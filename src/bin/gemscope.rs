//! The native program: the command line of the engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    gemscope::cli::run()
}
