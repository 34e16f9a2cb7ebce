//! `cargo xtask`: chooses the command.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{bench, build, compare, hub, lab, serve, test};

/// Builds, serves and tests Gemscope; sets up what is missing.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the site, serves it on this machine and opens the browser.
    Serve(serve::Arguments),
    /// Builds the site into dist/.
    Build(build::Arguments),
    /// Sets up what is missing, then runs every check and every test.
    Test(test::Arguments),
    /// Compares two files of activations, site by site.
    Compare(compare::Arguments),
    /// Measures kernels, prefill and decode, with --page inside the browsers; with --store [--browser KIND] fetching and starting.
    Bench(lab::Passed),
    /// Serves folders as the Hugging Face Hub would, with faults on demand.
    Hub(hub::command::Arguments),
    /// Commands that need the engine: synth, full, faults.
    #[command(flatten)]
    Lab(lab::Command),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(it) => serve::run(&it).map(|()| true),
        Command::Build(it) => build::run(&it).map(|()| true),
        Command::Test(it) => test::run(&it),
        Command::Compare(it) => compare::run(&it),
        Command::Bench(it) => bench::run(&it),
        Command::Hub(it) => hub::command::run(&it).map(|()| true),
        Command::Lab(it) => lab::run(&it),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(it) => {
            eprintln!("error: {it:#}");
            ExitCode::FAILURE
        }
    }
}
