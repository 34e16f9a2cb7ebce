//! `cargo xtask hub`: the test Hub on a folder, until it is interrupted.

use super::{
    config::{Config, Gate},
    repo::Repo,
    rule::Rule,
    running::Hub,
};
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of `hub`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with a folder OWNER/NAME for each repository.
    #[arg(long)]
    root: PathBuf,
    /// Where the Hub listens; 0 takes a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the signed origin listens.
    #[arg(long, default_value_t = 0)]
    signed_port: u16,
    /// Bytes per second of all answers together.
    #[arg(long, value_name = "BYTES_PER_S")]
    throttle: Option<u64>,
    /// Seconds for which a signed address is valid.
    #[arg(long, default_value_t = 3600)]
    expiry: u64,
    /// Entries of a page of the tree.
    #[arg(long, default_value_t = 1000)]
    page_size: usize,
    /// What goes wrong, and where: NAME[:NUMBERS]@PATH[#[FIRST][xTIMES]], as in cut:1000@layer_0#1. Can be given again.
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<Rule>,
    /// Appends each request to a file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// A repository that asks for the token.
    #[arg(long, value_name = "OWNER/NAME", requires = "token")]
    gated: Option<String>,
    /// The right token.
    #[arg(long, requires = "gated")]
    token: Option<String>,
}

/// Serves until interrupted.
///
/// Errors: a folder without repositories, a port that is taken.
pub fn run(arguments: &Arguments) -> Result<()> {
    println!("Hashing what is new in {} ...", arguments.root.display());
    let hub = Hub::serve(config(arguments)?)?;
    println!("Hub     {}", hub.hub_origin());
    println!("signed  {}", hub.signed_origin());
    println!("Ctrl+C or POST /_stop ends it.");
    hub.wait()
}

fn config(arguments: &Arguments) -> Result<Config> {
    let gate = arguments.gated.clone().zip(arguments.token.clone());
    let gate = gate.map(|(repo, token)| Gate {
        repo,
        token,
        open_listing: false,
    });
    Ok(Config {
        page_size: arguments.page_size,
        expiry_seconds: arguments.expiry,
        throttle_bytes_per_second: arguments.throttle,
        rules: arguments.faults.clone(),
        gates: gate.into_iter().collect(),
        port: arguments.port,
        signed_port: arguments.signed_port,
        log_file: arguments.log.clone(),
        ..Config::new(Repo::all_in(&arguments.root)?)
    })
}
