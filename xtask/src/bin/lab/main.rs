//! Commands that need the engine natively. `cargo xtask` passes them on to this program; one file per command.

mod bench;
mod bench_store;
#[path = "../../../../tests/common/compare.rs"]
mod compare;
mod faults;
mod fetch;
mod full;
mod full_browser;
mod full_page;
mod full_scope;
mod hub;
mod in_browser;
mod kills;
mod made;
mod memory;
#[path = "../../../../tests/common/model.rs"]
mod model;
#[path = "../../../../tests/common/parts.rs"]
mod parts;
#[path = "../../../../tests/common/parts_scope.rs"]
mod parts_scope;
mod record;
#[path = "../../../../tests/common/scope.rs"]
mod scope;
mod synth;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Writes a synthetic checkpoint.
    Synth(synth::Arguments),
    /// Generates the model of full size, runs it and compares it with its golden.
    Full(full::Arguments),
    /// Measures kernels, prefill and decode.
    Bench(bench::Arguments),
    /// Measures fetching into the store and starting from it.
    BenchStore(bench_store::Arguments),
    /// The long schedules of fetching: kills, and in browsers pairs of faults.
    Faults(faults::Arguments),
    /// Records what the page carries.
    Record(record::Arguments),
    /// Fetches a set into a folder: the process that `faults` kills.
    #[command(hide = true)]
    Fetch(fetch::Arguments),
    /// The test Hub as a process for scripts.
    #[command(hide = true)]
    Hub(hub::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Synth(it) => synth::run(&it).map(|()| true),
        Command::Full(it) => full::run(&it),
        Command::Bench(it) => bench::run(&it).map(|()| true),
        Command::BenchStore(it) => bench_store::run(&it),
        Command::Faults(it) => faults::run(&it),
        Command::Record(it) => record::run(&it).map(|()| true),
        Command::Fetch(it) => fetch::run(&it).map(|()| true),
        Command::Hub(it) => hub::run(&it).map(|()| true),
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
