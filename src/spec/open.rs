//! What is opened: a model, its transcoders, and how both are held.

use super::{Half, Precision, RepoRef};
use serde::{Deserialize, Serialize};

/// A model and how to hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// Which model.
    pub model: ModelRef,
    /// Which transcoders look on, if any.
    pub transcoders: Option<TranscoderRequest>,
    /// How weights are kept, the model's and the transcoders'.
    pub precision: Precision,
    /// Positions planned for, or none for the default.
    pub n_ctx: Option<usize>,
    /// Positions of runs kept on the GPU, for what is derived from them and for the lens; none for the default: 256 with
    /// transcoders, 0 without.
    pub n_kept: Option<usize>,
    /// Bytes of GPU memory at most, or none for no limit; weights that don't fit are paged in layer by layer.
    pub max_gpu_bytes: Option<u64>,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelRef {
    /// A folder with `config.json`, safetensors and perhaps `tokenizer.json`: of the disk natively, a same-origin address on the web.
    Folder {
        /// The folder.
        path: String,
        /// The tokenizer, where it is not beside the config.
        tokenizer: Option<String>,
    },
    /// A synthetic checkpoint by its formula.
    Synth {
        /// `nano`, `wide` or `full`.
        preset: String,
        /// A tokenizer.json for it: a file natively, a same-origin address on the web.
        tokenizer: Option<String>,
    },
    /// A repository of a hub, of which what is kept is used, as far as it has arrived; opening requests nothing.
    Hub {
        /// The repository.
        repo: RepoRef,
    },
}

/// Transcoders, and which parts of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscoderRequest {
    /// Where they are.
    pub place: TranscoderRef,
    /// Which layers, or none for all there are.
    pub layers: Option<Vec<usize>>,
    /// Which halves.
    pub halves: Vec<Half>,
    /// (layer, average L0) where another variant than the one with the lowest L0 is wanted.
    pub average_l0: Vec<(usize, usize)>,
}

/// Where transcoders are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TranscoderRef {
    /// A folder laid out as Gemma Scope's or circuit-tracer's: of the disk natively, a same-origin address on the web.
    Folder {
        /// The folder.
        path: String,
    },
    /// Those of a synthetic checkpoint, by its formula.
    Synth {
        /// `nano`, `wide` or `full`.
        preset: String,
    },
    /// A repository of a hub, laid out as Gemma Scope's or circuit-tracer's, or with a `config.yaml` that names files of others. What
    /// is kept of it is used, as far as it has arrived; opening requests nothing.
    Hub {
        /// The repository.
        repo: RepoRef,
    },
}
