//! `hub`: the test Hub with a synthetic checkpoint and its transcoders, as a process of its own for tests in browsers; or with the
//! repositories of a folder, as `cargo xtask hub` has them.

use super::made;
use anyhow::{Context, Result};
use gemscope::weights::synth::Preset;
use std::{fs, path::PathBuf, sync::Arc};
use xtask::hub::{Config, Hub, Repo};

/// Arguments of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// nano, wide or full: repositories synth/PRESET and synth/PRESET-transcoders.
    #[arg(long, required_unless_present = "root")]
    preset: Option<Preset>,
    /// A folder with a folder OWNER/NAME for each repository.
    #[arg(long)]
    root: Option<PathBuf>,
    /// A tokenizer.json for the preset's model, which has none by itself.
    #[arg(long, requires = "preset", conflicts_with = "root")]
    tokenizer: Option<PathBuf>,
    /// Where the Hub listens; 0 takes a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the signed origin listens.
    #[arg(long, default_value_t = 0)]
    signed_port: u16,
}

/// Serves until it is ended.
///
/// Errors: a port that is taken, a folder without repositories.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut repos = Vec::new();
    if let Some(root) = &arguments.root {
        repos.extend(Repo::all_in(root)?);
    }
    if let Some(preset) = arguments.preset {
        repos.extend(made::repos(preset)?);
    }
    if let Some(path) = &arguments.tokenizer {
        let bytes: Arc<[u8]> = fs::read(path)
            .with_context(|| path.display().to_string())?
            .into();
        // The model comes before its transcoders.
        if let Some(model) = repos.first_mut() {
            (model.files).insert("tokenizer.json".into(), Arc::new(bytes));
        }
    }
    let hub = Hub::serve(Config {
        port: arguments.port,
        signed_port: arguments.signed_port,
        ..Config::new(repos)
    })?;
    println!("Hub     {}", hub.hub_origin());
    println!("signed  {}", hub.signed_origin());
    hub.wait()
}
