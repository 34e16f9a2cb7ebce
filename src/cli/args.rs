//! What can be written on the command line. What a value means beyond its grammar is judged where it is used.

use super::export_args::Export;
use super::grammar;
use super::label_args::LabelsArgs;
use super::scope_args::{
    Changes, Check, Effects, Feature, Features, Intervene, Lens, Metrics, Scope,
};
use super::store_args::{Fetch, Manifest, Store};
use crate::spec::Precision;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A microscope for a language model that runs on your own GPU.
#[derive(Debug, Parser)]
#[command(name = "gemscope", version)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// For every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// One JSON document on standard output; errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Part of the adapter's name [default: the best there is]
    #[arg(long, global = true, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Limits to ask the adapter for: all that it gives, or WebGPU's defaults
    #[arg(long, global = true, value_enum, default_value = "best")]
    pub limits: Limits,
    /// Largest storage binding, below the adapter's own: 16384, 16KiB, 128MiB
    #[arg(long, global = true, value_name = "BYTES", value_parser = grammar::bytes)]
    pub max_binding_bytes: Option<u64>,
    /// Folder in which models are kept [default: GEMSCOPE_STORE, or the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Limits {
    Best,
    Default,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes the activations of a prompt to a safetensors file
    Dump(Dump),
    /// Lists the places whose activations can be read
    Sites(Sites),
    /// Continues a prompt
    Generate(Generate),
    /// Shows the distribution of the next token
    Probs(Probs),
    /// Shows which features are active
    Features(Features),
    /// Shows how well transcoders explain a prompt
    Metrics(Metrics),
    /// Shows a feature's own numbers
    Feature(Feature),
    /// Changes features and shows what follows
    Intervene(Intervene),
    /// Shows what each layer would say next
    Lens(Lens),
    /// Shows the direct effects of active features on a token
    Effects(Effects),
    /// Writes a run to a file: a table of features, activations, a summary or a picture
    Export(Export),
    /// Brings a model and its transcoders into the store
    Fetch(Fetch),
    /// Shows what is kept in the store, and looks after it
    Store(Store),
    /// Makes, searches and shows labels of features; keeps your own
    Labels(LabelsArgs),
    /// Hashes a folder's files, so that they can be proven piece by piece as they are fetched
    Manifest(Manifest),
    /// Holds the real weights against published figures
    Check(Check),
    /// Shows a text as tokens
    Tokens(Tokens),
    /// Shows what a model takes on the GPU, before loading it
    Plan(Model),
    /// Shows the adapter and its limits
    Describe,
    /// Measures how fast the adapter runs the engine's kernels
    Measure(Measure),
}

#[derive(Debug, Args)]
pub struct Measure {
    /// How long each kernel is measured
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Only kernels whose names contain this
    #[arg(long, value_name = "PART")]
    pub only: Option<String>,
}

/// A model and how to hold it.
#[derive(Clone, Debug, Args)]
pub struct Model {
    /// Folder with config.json and safetensors, hub:OWNER/NAME[@REVISION] for what `gemscope fetch` keeps, or synth:nano, synth:wide,
    /// synth:full
    #[arg(long, value_name = "DIR")]
    pub model: String,
    /// The tokenizer.json [default: the one in the model's folder]
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// How weights are kept: reference, precise or compact
    #[arg(long, default_value_t)]
    pub precision: Precision,
    /// Positions to plan for
    #[arg(long, value_name = "N")]
    pub n_ctx: Option<usize>,
    /// GPU memory at most; layers that don't fit are paged in: 3GiB
    #[arg(long, value_name = "BYTES", value_parser = grammar::bytes)]
    pub max_gpu_bytes: Option<u64>,
    #[command(flatten)]
    pub scope: Scope,
}

/// A prompt; one of the two.
#[derive(Clone, Debug, Args)]
pub struct Prompt {
    /// The prompt as text
    #[arg(long)]
    pub text: Option<String>,
    /// The prompt as token ids, BOS (2) included: 2,651,4320
    #[arg(long)]
    pub ids: Option<String>,
}

#[derive(Debug, Args)]
pub struct Dump {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// The places, as `gemscope sites` lists them, with commas between [default: all]
    #[arg(long, value_name = "SITE,SITE")]
    pub sites: Option<String>,
    /// Adds a tensor [d_model] at a site: SITE:POSITIONS=FILE.safetensors#NAME
    #[arg(long, value_name = "WRITE")]
    pub add: Vec<String>,
    /// Puts a tensor [n_positions, d_model] in place of what is at a site: SITE:POSITIONS=FILE.safetensors#NAME
    #[arg(long, value_name = "WRITE")]
    pub replace: Vec<String>,
    /// Puts reconstructions in place of what MLPs add: a layer, or all that are loaded
    #[arg(long, value_name = "LAYER|all")]
    pub splice: Option<String>,
    #[command(flatten)]
    pub changes: Changes,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Sites {
    /// Folder of the model whose sites to list [default: any model, L being a layer]
    #[arg(long, value_name = "DIR")]
    pub model: Option<String>,
}

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    #[command(flatten)]
    pub changes: Changes,
    /// Tokens at most
    #[arg(long, default_value_t = 32)]
    pub n: usize,
    /// 0 takes the most probable token
    #[arg(long, default_value_t = 0.0)]
    pub temperature: f32,
    /// Only so many of the most probable tokens; 0 is no limit
    #[arg(long, default_value_t = 0)]
    pub top_k: u32,
    /// Only the most probable tokens that make up this probability; 1 is no limit
    #[arg(long, default_value_t = 1.0)]
    pub top_p: f32,
    /// The same seed gives the same text
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Probs {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    /// Positions after which to look: 4, 4-6, 4- or *
    #[arg(long, default_value = "*")]
    pub positions: String,
    /// Tokens to show for each
    #[arg(long, default_value_t = 10)]
    pub top_k: usize,
    /// Token ids to show besides, with commas between
    #[arg(long, value_name = "ID,ID")]
    pub ask: Option<String>,
}

#[derive(Debug, Args)]
pub struct Tokens {
    /// The tokenizer.json
    #[arg(long, value_name = "FILE")]
    pub tokenizer: PathBuf,
    /// The text
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
