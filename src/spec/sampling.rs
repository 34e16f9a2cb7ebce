//! How the next token is chosen.

use serde::{Deserialize, Serialize};

/// How the next token is chosen, in transformers' order: temperature, top-k, top-p, then Gumbel-max by `(seed, step, id)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// 0 is no limit.
    pub top_k: u32,
    /// 1 is no limit.
    pub top_p: f32,
    /// Of the Gumbel noise.
    pub seed: u64,
}

impl Sampling {
    /// The most probable token; ties to the lowest id.
    pub const GREEDY: Self = Self {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        seed: 0,
    };
}
