//! How far a run is, and what can be asked of a model that is still arriving: plain data; who knows it is `session`.

use super::Part;
use serde::{Deserialize, Serialize};

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Layers whose attention has run, from below: their features can be told where their encoders are there.
    pub n_layers: usize,
    /// Whether the last layer's MLP has run too.
    pub whole: bool,
}

/// What can be asked of the open model now, and what is still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether the prompts of the opening set can be run.
    pub opening: bool,
    /// Whether any prompt can be run.
    pub embedding: bool,
    /// Layers that a run reaches: their attention is there, and all MLPs below.
    pub n_layers: usize,
    /// Layers whose encoder is there.
    pub encoders: Vec<usize>,
    /// Layers whose decoder is there.
    pub decoders: Vec<usize>,
    /// Whether all that was opened is there.
    pub whole: bool,
    /// What is not, in the order in which it is of use from below.
    pub missing: Vec<Part>,
}

impl Part {
    /// What messages call it.
    pub fn words(self) -> String {
        match self {
            Self::Opening => "the opening part of the model".into(),
            Self::Embedding(_) => "the table of tokens".into(),
            Self::Attention(it) => format!("layer {it}'s attention"),
            Self::Mlp(it) => format!("layer {it}'s MLP"),
            Self::Vectors(it) => format!("what layer {it}'s transcoder has besides its matrices"),
            Self::Encoder(it) => format!("layer {it}'s encoder"),
            Self::Decoder(it) => format!("layer {it}'s decoder"),
        }
    }
}
