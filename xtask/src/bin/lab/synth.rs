//! `cargo xtask synth`: a checkpoint and its transcoders whose weights follow a formula, as files.

use anyhow::Result;
use clap::ValueEnum;
use gemscope::weights::synth::{self, Preset, Stored, Synthetic};
use std::path::{Path, PathBuf};

/// Arguments of `synth`.
#[derive(clap::Args)]
pub struct Arguments {
    /// nano (4 layers, tiny), wide (2 layers of the true shapes) or full (all of Gemma 2 2B, 5.2 GB in bf16).
    #[arg(long)]
    preset: Preset,
    /// The folder, made if need be; the model goes into `model` in it, its transcoders into `transcoders`.
    #[arg(long)]
    out: PathBuf,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Dtype::Bf16)]
    dtype: Dtype,
    /// Layers whose transcoders are written (all of them if left out; 302 MB each in wide and full).
    #[arg(long)]
    layers: Option<usize>,
    /// Files that the weights are split into, with an index if more than one.
    #[arg(long, default_value_t = 1)]
    shards: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    Bf16,
    F32,
}

/// Writes the model into `OUT/model` and its transcoders into `OUT/transcoders`, as synth.py does.
pub fn run(arguments: &Arguments) -> Result<()> {
    let stored = match arguments.dtype {
        Dtype::Bf16 => Stored::Bf16,
        Dtype::F32 => Stored::F32,
    };
    let config = arguments.preset.config();
    let n_layers = arguments.layers.unwrap_or(config.n_layers);
    let model = Synthetic::with(&config, stored, arguments.shards);
    let transcoders = Synthetic::transcoders(arguments.preset, n_layers);
    for (source, folder) in [(model, "model"), (transcoders, "transcoders")] {
        write(&source, &arguments.out.join(folder))?;
    }
    Ok(())
}

fn write(source: &Synthetic, folder: &Path) -> Result<()> {
    let mut told = 0;
    synth::write(source, folder, |done, total| {
        let percent = done * 100 / total.max(1);
        if percent >= told + 10 {
            told = percent - percent % 10;
            eprintln!("{told} %");
        }
    })?;
    println!("{}: {} bytes", folder.display(), source.size_bytes());
    Ok(())
}
