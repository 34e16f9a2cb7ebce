//! What can go wrong between a checkpoint and its activations.

use crate::{
    gpu::GpuError,
    spec::{ConfigError, Part, PositionsError, Site, SiteError},
    weights::WeightsError,
};
use thiserror::Error;

/// An error of this room.
#[derive(Debug, Error)]
pub enum ModelError {
    /// Somebody asked to stop.
    #[error("stopped")]
    Stopped,
    /// The device.
    #[error(transparent)]
    Gpu(GpuError),
    /// The checkpoint.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The sizes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No tokens.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// A token that the model has no row for.
    #[error("token {id} is outside the vocabulary of {d_vocab}")]
    Id {
        /// The token.
        id: u32,
        /// Tokens of the vocabulary.
        d_vocab: usize,
    },
    /// More positions than the model, or the plan, has.
    #[error("{n_pos} positions are more than the context of {n_ctx}")]
    TooLong {
        /// Positions asked for.
        n_pos: usize,
        /// Positions there are.
        n_ctx: usize,
    },
    /// A prompt that no run can be derived from: it is longer than what is kept for that.
    #[error("{n_pos} positions are more than the {n_kept} that are kept to derive runs from")]
    Keep {
        /// Positions of the prompt.
        n_pos: usize,
        /// Positions kept.
        n_kept: usize,
    },
    /// More memory than allowed.
    #[error("{needed} bytes of GPU memory are needed and {allowed} are allowed")]
    Memory {
        /// The least that would do.
        needed: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// A row of something is larger than a binding may be.
    #[error("a row of {what} takes {bytes} bytes and a binding holds {max_binding_bytes}")]
    Binding {
        /// Of what.
        what: &'static str,
        /// What it takes.
        bytes: u64,
        /// What there is.
        max_binding_bytes: u64,
    },
    /// A site that the model does not have.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Positions that the prompt does not have.
    #[error(transparent)]
    Positions(#[from] PositionsError),
    /// A write that can't be made.
    #[error("can't write at {site}: {detail}")]
    Write {
        /// Where.
        site: Site,
        /// Why not.
        detail: String,
    },
    /// Numbers of sampling that make no sense.
    #[error("sampling: {what} is {value}; it must be {must}")]
    Sampling {
        /// Which.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        must: &'static str,
    },
    /// More of something than one question may ask for.
    #[error("{what}: {asked} are asked for and {most} can be told")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        asked: usize,
        /// At most.
        most: usize,
    },
    /// Something that has not arrived yet.
    #[error("{} has not arrived yet{}", part.words(), so_far(*n_layers))]
    Awaited {
        /// The lowest part that is missing.
        part: Part,
        /// Layers, from below, that the same can be asked about; none where that is not the question.
        n_layers: Option<usize>,
    },
    /// Nothing has been run, or something else since.
    #[error("there is no run to continue")]
    NoRun,
}

impl From<GpuError> for ModelError {
    fn from(it: GpuError) -> Self {
        match it {
            GpuError::Stopped => Self::Stopped,
            other => Self::Gpu(other),
        }
    }
}

fn so_far(n_layers: Option<usize>) -> String {
    match n_layers {
        None => String::new(),
        Some(0) => "; no layer can be asked about so far".into(),
        Some(1) => "; layer 0 can be asked about".into(),
        Some(n) => format!("; layers 0 to {} can be asked about", n - 1),
    }
}
