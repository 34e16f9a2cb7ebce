//! How well dictionaries explain a model: plain numbers. Leaves computing them to `scope`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which layers' outputs give way to their reconstructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Splice {
    /// One layer's.
    Layer(usize),
    /// Those of all layers that are loaded.
    All,
}

/// Metrics of a splice on a prompt, position 0 left out. Source: Gemma Scope paper (arXiv:2408.05147), SAELens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpliceMetrics {
    /// What was spliced.
    pub splice: Splice,
    /// Positions that count for L0, FVU and KL.
    pub n_pos: usize,
    /// Tokens that count for cross entropy: the positions that have a next one.
    pub n_targets: usize,
    /// Active features per position; none for a splice of all.
    pub l0: Option<f64>,
    /// Share of the variance of the site predicted that is not explained; none for a splice of all.
    pub fvu: Option<f64>,
    /// Cross entropy of the model as it is, in nats per token.
    pub ce_clean: f64,
    /// Cross entropy with the splice.
    pub ce_spliced: f64,
    /// Cross entropy with zeros in place of the splice; none for a splice of all.
    pub ce_zero_ablated: Option<f64>,
    /// `ce_spliced - ce_clean`.
    pub delta_loss: f64,
    /// `(ce_zero_ablated - ce_spliced) / (ce_zero_ablated - ce_clean)`.
    pub ce_loss_score: Option<f64>,
    /// KL(clean || spliced) in nats per position.
    pub kl: f64,
}

impl fmt::Display for Splice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(it) => write!(f, "{it}"),
            Self::All => f.write_str("all"),
        }
    }
}
