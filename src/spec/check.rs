//! Expected against measured, as plain data; who measures and compares is `session`.

use super::{ModelRef, Precision};
use serde::{Deserialize, Serialize};

/// Figures that are known of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureSet {
    /// Published ones of Gemma 2 2B and its transcoders.
    Published,
    /// The golden of the demo model.
    Demo,
}

/// A figure and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckLine {
    /// Of what.
    pub what: String,
    /// What is known.
    pub expected: String,
    /// What was measured, or why it could not be.
    pub measured: String,
    /// How far the two may be from each other.
    pub tolerance: String,
    /// Whether they are no farther.
    pub passed: bool,
    /// Where the figure is from.
    pub source: String,
}

/// How a model came out against known figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Whether all passed.
    pub passed: bool,
    /// How many did.
    pub n_passed: usize,
    /// How many did not.
    pub n_failed: usize,
    /// Each figure.
    pub lines: Vec<CheckLine>,
    /// Which figures.
    pub figures: FigureSet,
    /// Whether the tolerances were made for this precision. If not, a figure that fails may say how far the precision is off, and not
    /// that something is wrong.
    pub is_for_precision: bool,
    /// The model.
    pub model: ModelRef,
    /// Hex sha256 of its config and headers.
    pub fingerprint: String,
    /// How weights are kept.
    pub precision: Precision,
    /// Name of the adapter.
    pub adapter: String,
    /// Its backend.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Build of the engine.
    pub build: String,
}
