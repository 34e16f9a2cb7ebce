//! What is known of features from data: labels, how often they fire, how strongly, and where most. Leaves reading the file to `scope`.

use serde::{Deserialize, Serialize};

/// A label and the figures beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The feature's index in its layer.
    pub index: usize,
    /// What it is about, in somebody's words; a guess.
    #[serde(default)]
    pub label: Option<String>,
    /// Share of the reference data's tokens on which it fires.
    #[serde(default)]
    pub density: Option<f32>,
    /// Its largest activation there.
    #[serde(default)]
    pub max: Option<f32>,
}

/// A sentence in which a feature fires strongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The sentence's tokens.
    pub tokens: Vec<String>,
    /// Where it fires most.
    pub pos: usize,
    /// How strongly.
    pub value: f32,
}
