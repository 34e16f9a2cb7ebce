//! What a model takes on the GPU, as plain numbers; who computes them is `model`.

use super::Precision;
use serde::{Deserialize, Serialize};

/// Memory that a model takes on the GPU, in bytes; computed before a byte is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Preset of the weights.
    pub precision: Precision,
    /// Positions planned for.
    pub n_ctx: usize,
    /// Positions taken by one pass.
    pub n_block: usize,
    /// Largest storage binding.
    pub max_binding_bytes: u64,
    /// The budget it was made with, if any.
    pub max_gpu_bytes: Option<u64>,
    /// Layers whose weights stay; the others are paged in.
    pub n_resident: usize,
    /// Weights that stay, and slots of those that are paged in.
    pub weight_bytes: u64,
    /// Positions of runs kept so that others can be derived from them.
    pub n_kept: usize,
    /// Features of a dictionary; 0 without dictionaries.
    pub d_transcoder: usize,
    /// Keys and values.
    pub kv_bytes: u64,
    /// Runs that are kept.
    pub kept_bytes: u64,
    /// Activations of a pass, uniforms, results.
    pub scratch_bytes: u64,
    /// Upload and readback.
    pub staging_bytes: u64,
    /// Dictionaries, if any.
    pub scope: Option<ScopePlan>,
    /// All of these.
    pub total_bytes: u64,
}

/// Memory that dictionaries take on the GPU, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopePlan {
    /// Layers whose encoders were asked for.
    pub encoder_layers: Vec<usize>,
    /// Layers whose decoders were asked for.
    pub decoder_layers: Vec<usize>,
    /// Encoders that stay; the others are paged in.
    pub n_encoders_resident: usize,
    /// Decoders that stay; the others are paged in.
    pub n_decoders_resident: usize,
    /// Encoders that stay, and the slot of those that are paged in.
    pub encoder_bytes: u64,
    /// Decoders that stay, and the slot of those that are paged in.
    pub decoder_bytes: u64,
    /// Pre-activations, lists of features, reconstructions.
    pub scratch_bytes: u64,
}

impl ScopePlan {
    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        self.encoder_bytes + self.decoder_bytes + self.scratch_bytes
    }
}
