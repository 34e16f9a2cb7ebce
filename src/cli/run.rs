//! From the program's arguments to its exit code.

use super::args::{Arguments, Command};
use super::report::{self, Report};
use super::{describe, dump, generate, measure, probs, sites, tokens};
use crate::session::protocol::Failure;
use clap::Parser;
use std::process::ExitCode;

/// Runs the program: 0 when all went well, 1 when not, 2 when the arguments are none of ours.
pub fn run() -> ExitCode {
    let Arguments { global, command } = Arguments::parse();
    let result: Result<Report, Failure> = match command {
        Command::Dump(it) => dump::run(&it, &global),
        Command::Sites(it) => sites::run(&it),
        Command::Generate(it) => generate::run(&it, &global),
        Command::Probs(it) => probs::run(&it, &global),
        Command::Tokens(it) => tokens::run(&it, &global),
        Command::Plan(it) => describe::plan(&it, &global),
        Command::Describe => describe::adapter(&global),
        Command::Measure(it) => measure::run(&it, &global),
    };
    match result {
        Ok(it) => {
            report::print(&it, &global);
            ExitCode::SUCCESS
        }
        Err(it) => {
            report::print_failure(&it, &global);
            ExitCode::FAILURE
        }
    }
}
