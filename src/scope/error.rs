//! What can go wrong between activations and features.

use crate::{
    gpu::GpuError,
    model::ModelError,
    spec::{FeatureId, Half, Intervention, Part, PositionsError, Site},
    weights::WeightsError,
};
use thiserror::Error;

/// An error of this room.
#[derive(Debug, Error)]
pub enum ScopeError {
    /// The model, the device below it, or a stop.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The file of a dictionary.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Positions that the prompt does not have.
    #[error(transparent)]
    Positions(#[from] PositionsError),
    /// No dictionaries are open.
    #[error("no transcoders are open")]
    NoDictionaries,
    /// A layer whose half is not open.
    #[error("the {half} of layer {layer} is not loaded; loaded are {loaded}")]
    NotLoaded {
        /// The layer.
        layer: usize,
        /// Which half.
        half: Half,
        /// The layers that are, in words.
        loaded: String,
    },
    /// A layer whose half was opened and has not arrived yet.
    #[error("{} has not arrived yet; of the {half}s there are: {there}", part.words())]
    Awaited {
        /// The part that is missing.
        part: Part,
        /// The half that was asked for.
        half: Half,
        /// The layers that have it, in words.
        there: String,
    },
    /// A feature that the dictionary does not have.
    #[error("there is no feature {feature}: layer {} has features 0 to {}", feature.layer, n_features.saturating_sub(1))]
    NoFeature {
        /// Which.
        feature: FeatureId,
        /// Features of the dictionary.
        n_features: usize,
    },
    /// The same feature set twice at a position.
    #[error("`{first}` and `{second}` both set feature {} at position {pos}", first.feature)]
    Contradiction {
        /// One intervention.
        first: Intervention,
        /// The other.
        second: Intervention,
        /// Where both apply.
        pos: usize,
    },
    /// An intervention's number is not finite.
    #[error("the number of `{intervention}` is not finite")]
    NotFinite {
        /// Which.
        intervention: Intervention,
    },
    /// What a transcoder reads does not have the norm that it must have.
    #[error("at {site}, position {pos}, the norm is {got} and should be {expected}")]
    Norm {
        /// Where.
        site: Site,
        /// At which position.
        pos: usize,
        /// What it is.
        got: f32,
        /// What it should be.
        expected: f32,
    },
    /// Metrics need tokens to predict.
    #[error(
        "a prompt of {n_pos} tokens has nothing to measure: position 0 and the last are left out"
    )]
    TooShort {
        /// Tokens of the prompt.
        n_pos: usize,
    },
}

impl From<GpuError> for ScopeError {
    fn from(it: GpuError) -> Self {
        Self::Model(it.into())
    }
}
