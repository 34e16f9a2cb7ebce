//! From the program's arguments to its exit code.

use super::args::{Arguments, Command};
use super::report::{self, Report};
use super::{
    check, describe, dump, effects, export, feature, features, fetch, generate, intervene,
    label_files, lens, measure, metrics, probs, sites, store, tokens,
};
use crate::session::protocol::Failure;
use clap::Parser;
use std::process::ExitCode;

/// Runs the program: 0 when all went well, 1 when not or when a check did not pass, 2 when the arguments are none of ours.
pub fn run() -> ExitCode {
    let Arguments { global, command } = Arguments::parse();
    let mut code = ExitCode::SUCCESS;
    let mut judged = |(report, passed): (Report, bool)| {
        if !passed {
            code = ExitCode::FAILURE;
        }
        report
    };
    let result: Result<Report, Failure> = match command {
        Command::Dump(it) => dump::run(&it, &global),
        Command::Sites(it) => sites::run(&it),
        Command::Generate(it) => generate::run(&it, &global),
        Command::Probs(it) => probs::run(&it, &global),
        Command::Features(it) => features::run(&it, &global),
        Command::Metrics(it) => metrics::run(&it, &global),
        Command::Feature(it) => feature::run(&it, &global),
        Command::Intervene(it) => intervene::run(&it, &global),
        Command::Lens(it) => lens::run(&it, &global),
        Command::Effects(it) => effects::run(&it, &global),
        Command::Export(it) => export::run(&it, &global),
        Command::Fetch(it) => fetch::run(&it, &global),
        Command::Store(it) => store::run(&it, &global).map(&mut judged),
        Command::Labels(it) => label_files::run(&it, &global),
        Command::Manifest(it) => store::manifest(&it, &global),
        Command::Check(it) => check::run(&it, &global).map(&mut judged),
        Command::Tokens(it) => tokens::run(&it, &global),
        Command::Plan(it) => describe::plan(&it, &global),
        Command::Describe => describe::adapter(&global),
        Command::Measure(it) => measure::run(&it, &global),
    };
    match result {
        Ok(it) => {
            report::print(&it, &global);
            code
        }
        Err(it) => {
            report::print_failure(&it, &global);
            ExitCode::FAILURE
        }
    }
}
