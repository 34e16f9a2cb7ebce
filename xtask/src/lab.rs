//! Commands that need the engine natively: passed on to the program `lab`, which is compiled with it.
//!
//! So `serve` on a fresh machine does not wait for a native engine that it never uses.

use crate::commands;
use anyhow::Result;
use clap::Subcommand;

/// Commands of the lab; their arguments are read there.
#[derive(Subcommand)]
pub enum Command {
    /// Writes a synthetic checkpoint: --preset nano|wide|full --out DIR [--dtype bf16|f32] [--shards N].
    Synth(Passed),
    /// Generates the model of full size, runs it and compares it with its golden; with --browser through a browser's store.
    Full(Passed),
    /// Runs the examples on the demo model and writes what the page carries: recorded runs and its own first picture.
    Record(Passed),
    /// The long schedules of fetching: kills at random moments, and with --browser --pairs every pair of faults.
    Faults(Passed),
    /// Measures kernels, prefill and decode natively.
    #[command(skip)]
    Bench(Passed),
    /// Measures fetching into the store and starting from it.
    #[command(skip)]
    BenchStore(Passed),
}

/// What is passed on as it is.
#[derive(Clone, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Passed {
    /// Other ones.
    pub fn of(arguments: Vec<String>) -> Self {
        Self { arguments }
    }

    /// As they were written.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// Runs `lab` with the command.
pub fn run(command: &Command) -> Result<bool> {
    let (name, passed) = match command {
        Command::Synth(it) => ("synth", it),
        Command::Full(it) => ("full", it),
        Command::Bench(it) => ("bench", it),
        Command::BenchStore(it) => ("bench-store", it),
        Command::Record(it) => ("record", it),
        Command::Faults(it) => ("faults", it),
    };
    let mut cargo = commands::cargo(&["run", "--quiet", "--package", "xtask"]);
    cargo.args(["--features", "engine", "--bin", "lab", "--", name]);
    cargo.args(&passed.arguments);
    commands::succeeds(&mut cargo)
}
