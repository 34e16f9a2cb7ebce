//! What is known of features from data: labels, how often they fire, how strongly, and where most. Leaves reading the file to `scope`.

use super::{Failure, FeatureId};
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

impl Label {
    /// Of a feature of which nothing is known.
    pub fn new(index: usize) -> Self {
        Self {
            index,
            label: None,
            density: None,
            max: None,
        }
    }
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

/// What a server that was asked says of a single feature. It is shown as that server's word and goes into nothing else: no sorting, no
/// check. Neuronpedia made it with other activations than the transcoders have.
///
/// Source: facts of Gemma Scope, section 1.6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedLabel {
    /// The feature.
    pub feature: FeatureId,
    /// The server that was asked.
    pub source: String,
    /// When, by this machine's calendar in UTC: `2026-08-20`.
    pub date: String,
    /// Its words and figures.
    pub label: Label,
    /// Where it fires most, by its figures.
    pub examples: Vec<Example>,
}

/// Where a labels file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelsFrom {
    /// Nowhere: own labels alone.
    Nothing,
    /// What was kept of the set before; where nothing was, a place, or nowhere.
    Kept {
        /// The place.
        otherwise: Option<String>,
    },
    /// A file natively, a same-origin address on the web; in both an absolute address of a server of the host table.
    Place(String),
    /// Bytes beside the command.
    Beside {
        /// Which of them, counted from 0.
        part: usize,
        /// What to call them, a file's name.
        name: String,
    },
}

/// A labels file that is kept over visits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsKept {
    /// Its name, or the address that it came from.
    pub from: String,
    /// When it was read, by this machine's calendar in UTC: `2026-08-20`.
    pub date: String,
    /// Its bytes.
    pub size_bytes: u64,
}

/// What a labels file says of itself; what it leaves out is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsAbout {
    /// Who made them, and how.
    pub made: String,
    /// Of which features: `gemma-2-2b/gemmascope-transcoder-16k`.
    pub set: String,
    /// Where they are from.
    pub source: String,
    /// When they were had from there.
    pub date: String,
    /// Under which licence.
    pub licence: String,
    /// Features that it knows.
    pub n_features: usize,
    /// Those of them that have a label.
    pub n_labels: usize,
}

/// A feature and its label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelHit {
    /// The feature.
    pub feature: FeatureId,
    /// Its label; empty where it has none.
    pub label: String,
    /// Whether the visitor wrote it.
    pub yours: bool,
    /// Share of the reference data's tokens on which it fires.
    pub density: Option<f32>,
    /// Its largest activation there.
    pub max: Option<f32>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelsFound {
    /// The best ones, the visitor's own first.
    pub hits: Vec<LabelHit>,
    /// How many there are.
    pub n_found: usize,
    /// Among how many labels.
    pub n_searched: usize,
}

/// The visitor's own labels after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsOwn {
    /// How many there are now.
    pub n_own: usize,
    /// Why they are not kept beyond this visit, if they are not.
    pub not_kept: Option<Failure>,
    /// Labels that were new, of a merge.
    pub n_added: usize,
    /// Labels that were there with the same words, of a merge.
    pub n_same: usize,
    /// Labels that both have in other words, of a merge: the visitor's own stay.
    pub conflicts: Vec<LabelConflict>,
}

/// A feature that two people call differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelConflict {
    /// The feature.
    pub feature: FeatureId,
    /// The visitor's words.
    pub yours: String,
    /// The file's.
    pub theirs: String,
}
