//! What can be written on the command line about fetching and what is kept. Leaves its meaning to `fetch` and `store`.

use super::scope_args::Halves;
use crate::spec::{Endpoint, Packing, Part, Precision, RepoName, gemma};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Fetch {
    /// The model: OWNER/NAME[@REVISION], or the address of its page
    #[arg(long, value_name = "REPO", default_value = gemma::MODEL_REPO)]
    pub model: String,
    /// Its transcoders, named likewise, or none
    #[arg(long, value_name = "REPO|none", default_value = gemma::TRANSCODER_REPO)]
    pub transcoders: String,
    /// Their layers: 0,3,5-7 [default: all there are]
    #[arg(long, value_name = "LAYERS")]
    pub layers: Option<String>,
    /// Layers whose variant with another average L0 is wanted, as --list shows them [default: the lowest]
    #[arg(long, visible_alias = "l0", value_name = "LAYER=L0,LAYER=L0")]
    pub average_l0: Option<String>,
    /// What is fetched of them: the encoder shows features, the decoder puts them back
    #[arg(long, value_enum, default_value = "both")]
    pub halves: Halves,
    /// How weights are kept: reference, precise or compact
    #[arg(long, default_value_t)]
    pub precision: Precision,
    /// The server of what is named as OWNER/NAME [default: https://huggingface.co]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<Endpoint>,
    /// File with an access token for the model's server [default: for https://huggingface.co what HF_TOKEN holds]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Manifest by which pieces are proven as they come, as `gemscope manifest` writes it
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Asks for the newest commit; without this a set stays at the commit at which it was first fetched
    #[arg(long)]
    pub update: bool,
    /// Takes the model from a folder that `huggingface-cli download` left, or its cache
    #[arg(long, value_name = "DIR")]
    pub from_model: Option<PathBuf>,
    /// Takes the transcoders from such a folder
    #[arg(long, value_name = "DIR")]
    pub from_transcoders: Option<PathBuf>,
    /// Tells what would be fetched, and fetches no weights
    #[arg(long)]
    pub plan: bool,
    /// Lists all transcoders of the repository, by layer, and fetches nothing
    #[arg(long, conflicts_with = "plan")]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Store {
    #[command(subcommand)]
    pub command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Lists what is kept
    List(List),
    /// Compares what is kept with the hashes it was kept with; exit code 1 if anything is damaged
    Verify(Selection),
    /// Forgets damaged pieces, so that `fetch` brings them again
    Repair(Selection),
    /// Takes away what is kept
    Remove(Remove),
    /// Copies what is whole into a folder
    Export(Export),
    /// Takes in what an export left in a folder
    Import(Import),
}

/// Which of what is kept is meant; what is left open means all.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Only of this repository: OWNER/NAME
    #[arg(long, value_name = "REPO")]
    pub repo: Option<RepoName>,
    /// Only in this packing
    #[arg(long, value_enum)]
    pub packing: Option<Packed>,
    /// Only of these layers: 0,3,5-7
    #[arg(long, visible_alias = "layers", value_name = "LAYERS")]
    pub layer: Option<String>,
    /// Only these parts, such as encoder.3,decoder.3
    #[arg(long, value_name = "PART,PART", value_delimiter = ',')]
    pub part: Option<Vec<Part>>,
    /// Only under these names, as `store list --parts` shows them
    #[arg(long, value_name = "KEY,KEY", value_delimiter = ',')]
    pub key: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub struct List {
    /// Shows every part by itself
    #[arg(long)]
    pub parts: bool,
}

#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    pub selection: Selection,
    /// Everything that is kept
    #[arg(long, conflicts_with_all = ["repo", "packing", "layer", "part", "key"])]
    pub all: bool,
    /// Also what another version of the program left
    #[arg(long)]
    pub set_aside: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The folder to copy into
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The folder that an export left
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct Manifest {
    /// Folder with the files of a model or of transcoders
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// [`Packing`], as it is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Packed {
    F32,
    Bf16,
    F16,
    Q8,
}

impl Packed {
    /// What is meant.
    pub const fn packing(self) -> Packing {
        match self {
            Self::F32 => Packing::F32,
            Self::Bf16 => Packing::Bf16,
            Self::F16 => Packing::F16,
            Self::Q8 => Packing::Q8,
        }
    }
}
