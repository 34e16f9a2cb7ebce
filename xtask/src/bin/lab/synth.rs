//! `cargo xtask synth`: a checkpoint whose weights follow a formula, as files.

use anyhow::Result;
use clap::ValueEnum;
use gemscope::weights::synth::{self, Preset, Stored, Synthetic};
use std::path::PathBuf;

/// Arguments of `synth`.
#[derive(clap::Args)]
pub struct Arguments {
    /// nano (4 layers, tiny), wide (2 layers of the true shapes) or full (all of Gemma 2 2B, 5.2 GB in bf16).
    #[arg(long)]
    preset: Preset,
    /// The folder, made if need be.
    #[arg(long)]
    out: PathBuf,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Dtype::Bf16)]
    dtype: Dtype,
    /// Files that the weights are split into, with an index if more than one.
    #[arg(long, default_value_t = 1)]
    shards: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    Bf16,
    F32,
}

/// Writes it.
pub fn run(arguments: &Arguments) -> Result<()> {
    let stored = match arguments.dtype {
        Dtype::Bf16 => Stored::Bf16,
        Dtype::F32 => Stored::F32,
    };
    let source = Synthetic::with(&arguments.preset.config(), stored, arguments.shards);
    let mut told = 0;
    synth::write(&source, &arguments.out, |done, total| {
        let percent = done * 100 / total.max(1);
        if percent >= told + 10 {
            told = percent - percent % 10;
            eprintln!("{told} %");
        }
    })?;
    println!("{}: {} bytes", arguments.out.display(), source.size_bytes());
    Ok(())
}
