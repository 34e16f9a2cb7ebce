//! What can be written on the command line about transcoders, features and what is done to them. Leaves its meaning to `scope`.

use super::args::{Model, Prompt};
use crate::spec::{FeatureId, Mode};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Transcoders and which parts of them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Transcoders")]
pub struct Scope {
    /// Folder with transcoders, hub:OWNER/NAME[@REVISION] for what `gemscope fetch` keeps, synth for those of --model synth:PRESET, or synth:PRESET
    #[arg(long, value_name = "DIR")]
    pub transcoders: Option<String>,
    /// Their layers: 0,3,5-7 [default: all there are]
    #[arg(long, value_name = "LAYERS")]
    pub layers: Option<String>,
    /// Layers whose variant with another average L0 is wanted [default: the lowest]
    #[arg(long, value_name = "LAYER=L0,LAYER=L0")]
    pub average_l0: Option<String>,
    /// What is loaded of them [default: what the command needs]
    #[arg(long, value_enum)]
    pub halves: Option<Halves>,
    /// Positions of runs kept on the GPU, from which others are derived
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Halves {
    Encoder,
    Decoder,
    Both,
}

/// What is done to features.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Interventions")]
pub struct Changes {
    /// Changes a feature, the value as 3.5, x2, +3 or off, the positions as 4, 4-6, 4- or *; any number of times
    #[arg(long, value_name = "LAYER:POS:FEATURE=VALUE")]
    pub intervene: Vec<String>,
    /// What stays as it was: frozen (attention patterns), free (nothing), direct (attention, MLPs and norms) [default: frozen]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<Mode>,
}

#[derive(Debug, Args)]
pub struct Features {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// Positions to look at: 4, 4-6, 4- or *
    #[arg(long, default_value = "*")]
    pub positions: String,
    /// Features to show, the most active first; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// A labels.json, whose labels are shown beside the features
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Metrics {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// Another prompt, pooled with the first by tokens; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub with_text: Vec<String>,
    /// Another prompt as token ids, pooled likewise; may be repeated
    #[arg(long, value_name = "IDS")]
    pub with_ids: Vec<String>,
    /// Layers to splice one by one, and all for those together: 0,3-5,all [default: each that is loaded, and all]
    #[arg(long, value_name = "LAYERS")]
    pub splice: Option<String>,
}

#[derive(Debug, Args)]
pub struct Feature {
    #[command(flatten)]
    pub model: Model,
    /// The feature: LAYER.INDEX
    pub feature: FeatureId,
    /// Tokens to show at each end
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub tokens: usize,
    /// Nearest features to show for each layer
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub nearest: usize,
    /// Layers besides its own in which nearest features are looked for: 3,5-7
    #[arg(long, value_name = "LAYERS")]
    pub nearest_in: Option<String>,
    /// Shows which tokens' embeddings the encoder looks for
    #[arg(long)]
    pub de_embedding: bool,
    /// A labels.json, from which the feature's label and examples are shown
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Sentences of the labels file to show
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub examples: usize,
}

#[derive(Debug, Args)]
pub struct Intervene {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    #[command(flatten)]
    pub changes: Changes,
    /// The position after which the next token is looked at [default: the last]
    #[arg(long, value_name = "POS")]
    pub position: Option<usize>,
    /// Tokens to show, of each distribution
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top_k: usize,
    /// Changed features to show, the most changed first; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
}

#[derive(Debug, Args)]
pub struct Lens {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// Positions to look at: 4, 4-6, 4- or *
    #[arg(long, default_value = "*")]
    pub positions: String,
    /// Tokens to show for each layer and position
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub top_k: usize,
}

#[derive(Debug, Args)]
pub struct Effects {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// The token whose logit is looked at: its id, or its text (a number is an id)
    #[arg(long, value_name = "ID|TEXT", allow_hyphen_values = true)]
    pub token: String,
    /// Positions to look at: 4, 4-6, 4- or * [default: the last]
    #[arg(long)]
    pub positions: Option<String>,
    /// Features to show, the strongest first; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Folder that holds the real weights: google/gemma-2-2b as model/, google/gemma-scope-2b-pt-transcoders as transcoders/
    /// [default: what `gemscope fetch` keeps]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// GPU memory at most; layers that don't fit are paged in: 3GiB
    #[arg(long, value_name = "BYTES", value_parser = super::grammar::bytes)]
    pub max_gpu_bytes: Option<u64>,
}
