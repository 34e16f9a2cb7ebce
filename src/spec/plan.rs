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
    /// Keys and values.
    pub kv_bytes: u64,
    /// Activations of a pass, uniforms, results.
    pub scratch_bytes: u64,
    /// Upload and readback.
    pub staging_bytes: u64,
    /// All of these.
    pub total_bytes: u64,
}
