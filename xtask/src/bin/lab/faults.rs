//! `faults`: the long schedules of fetching, which the test command has only in short: kills at random moments, and in browsers every
//! pair of faults.

use super::{in_browser::World, kills::Kills};
use anyhow::Result;
use std::ffi::OsString;

/// Arguments of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// chromium or firefox; natively without it.
    #[arg(long)]
    browser: Option<String>,
    /// How often a download of `wide` is killed; 0 for not at all.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// In a browser, every pair of faults besides.
    #[arg(long, requires = "browser")]
    pairs: bool,
    /// Begins the moments of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kills downloads of `nano`, at sizes of 256 KiB.
    #[arg(long)]
    small: bool,
}

/// Runs the schedules; whether every bound was kept.
///
/// Errors: a bound that was not kept natively; what keeps a browser from starting.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let Some(kind) = &arguments.browser else {
        let kills = match arguments.small {
            true => Kills::small(arguments.kills, arguments.seed),
            false => Kills::large(arguments.kills, arguments.seed),
        };
        println!("natively:");
        return kills.run().map(|()| true);
    };
    let preset = if arguments.small { "nano" } else { "wide" };
    let world = World::new(kind)?;
    let mut more: Vec<OsString> = vec!["--hub-root".into(), world.hub_root().into()];
    let pairs = arguments.pairs.then_some("--pairs");
    let (kills, seed) = (arguments.kills.to_string(), arguments.seed.to_string());
    let plain = ["--kills", &kills, "--seed", &seed, "--preset", preset];
    more.extend(plain.into_iter().chain(pairs).map(Into::into));
    world.run("faults.mjs", &more)
}
