//! `cargo xtask compare`: activations against golden ones, naming the first site that differs.

use crate::tensors::{self, Agreement};
use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// Arguments of `compare`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What was computed: a file of `gemscope dump`.
    got: PathBuf,
    /// What is right.
    golden: PathBuf,
    /// What stands before the golden file's site names, such as `p0.`.
    #[arg(long, default_value = "")]
    prefix: String,
    /// Distance that is allowed, as a part of each tensor's largest value.
    #[arg(long, default_value_t = 1e-4)]
    tolerance: f32,
}

/// Whether they agree.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let got = tensors::read(&arguments.got).map_err(|it| anyhow!(it))?;
    let golden = tensors::read(&arguments.golden).map_err(|it| anyhow!(it))?;
    let golden = tensors::with_prefix(&golden, &arguments.prefix);
    match tensors::compare(&got, &golden, arguments.tolerance) {
        Ok(Agreement { n_sites, worst }) => {
            println!("{n_sites} sites agree; the farthest, {}", worst.line());
            Ok(true)
        }
        Err(it) => {
            println!("{it}");
            Ok(false)
        }
    }
}
