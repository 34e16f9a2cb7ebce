//! What can be written on the command line about a file that is made of a run.

use super::args::{Model, Prompt};
use super::scope_args::Changes;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub prompt: Prompt,
    #[command(flatten)]
    pub changes: Changes,
    /// What the file tells
    #[arg(long, value_enum, default_value = "features")]
    pub what: What,
    /// The kind of file [default: what the name of --out ends with]
    #[arg(long, value_enum)]
    pub form: Option<Form>,
    /// With --what sites: the places, as `gemscope sites` lists them, with commas between
    #[arg(long, value_name = "SITE,SITE")]
    pub sites: Option<String>,
    /// With --what strip, promotes, nearest and examples: the feature
    #[arg(long, value_name = "LAYER.INDEX")]
    pub feature: Option<String>,
    /// With --what map: what the cells tell
    #[arg(long, value_enum, default_value = "max")]
    pub metric: Metric,
    /// A labels.json, whose labels are written beside the features
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// An address that shows the same in the page, to be written into the file
    #[arg(long, value_name = "ADDRESS")]
    pub link: Option<String>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Active features: csv, tsv, json, safetensors
    Features,
    /// Activations at sites: safetensors
    Sites,
    /// The prompt, what comes next and the strongest features: markdown
    Summary,
    /// The map of tokens by layers: svg
    Map,
    /// The most probable next tokens at each position: csv, tsv, json
    Next,
    /// What the model would say after each layer: csv, tsv, json, svg
    Lens,
    /// L0, FVU, delta loss and their like, by layer: csv, tsv, json, svg
    Figures,
    /// How strongly a feature fires at each token: csv, tsv, json, svg
    Strip,
    /// Tokens that a feature promotes and suppresses: csv, tsv, json, svg
    Promotes,
    /// The features of its layer that are nearest to a feature: csv, tsv, json
    Nearest,
    /// Sentences in which a feature fires most, from --labels: csv, tsv, json
    Examples,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Csv,
    Tsv,
    Json,
    Safetensors,
    Markdown,
    Svg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// The strongest activation
    Max,
    /// The sum of activations
    Sum,
    /// How many features are active
    Count,
}

impl What {
    /// At the beginning of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Features => "Features",
            Self::Sites => "Activations",
            Self::Summary => "A summary",
            Self::Map => "The map",
            Self::Next => "What comes next",
            Self::Lens => "The logit lens",
            Self::Figures => "Figures by layer",
            Self::Strip => "A feature along the prompt",
            Self::Promotes => "What a feature promotes",
            Self::Nearest => "A feature's nearest ones",
            Self::Examples => "A feature's examples",
        }
    }
}
