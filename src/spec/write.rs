//! Changes of activations during a pass.

use super::{Positions, Site};
use serde::{Deserialize, Serialize};

/// A change of activations at a site during a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// Where.
    pub site: Site,
    /// At which positions (of the prompt; queries, for a pattern).
    pub positions: Positions,
    /// What is done there.
    pub change: Change,
}

/// What a [`Write`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Adds one row to every position: `[d_model]`.
    Add(Vec<f32>),
    /// Puts rows in place of what is there: `[n_positions, d_model]`, or `[n_heads, n_positions, n_src]` for a pattern.
    Replace(Vec<f32>),
}
