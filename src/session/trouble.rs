//! Why a command did not end well: everything the lower rooms and the session itself can answer, in one enum.

use super::{document::DocumentTrouble, link::LinkError, protocol::RunKey};
use crate::{
    gpu::GpuError,
    hub::HubError,
    model::{ModelError, TokenizerError},
    scope::{HostedError, LabelsError, ScopeError},
    spec::{FeatureId, PositionsError, SiteError},
    store::StoreError,
    weights::WeightsError,
};

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Gpu(GpuError),
    #[error(transparent)]
    Model(ModelError),
    #[error(transparent)]
    Scope(ScopeError),
    #[error(transparent)]
    Weights(WeightsError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error("the labels `{from}` can't be read: {source}")]
    LabelsFile { from: String, source: HubError },
    #[error("`{from}` can't be used: {source}")]
    Labels { from: String, source: LabelsError },
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Positions(#[from] PositionsError),
    #[error("no model is open")]
    NothingOpen,
    #[error("the open model has no tokenizer")]
    NoTokenizer,
    #[error("the run {} is not kept", run.0)]
    UnknownRun { run: RunKey },
    #[error("{what} can be had of a clean run only, and {} is none", run.0)]
    NotClean { what: &'static str, run: RunKey },
    #[error("there is no layer {layer}: the model has layers 0 to {}", n_layers.saturating_sub(1))]
    Layer { layer: usize, n_layers: usize },
    #[error("nothing was asked to change")]
    NoChange,
    #[error("there is no synthetic model `{preset}`")]
    Preset { preset: String },
    #[error("the caller ({build}) speaks protocol {theirs}, the engine {ours}")]
    Protocol {
        ours: u32,
        theirs: u32,
        build: String,
    },
    #[error("a command came before Hello")]
    NotGreeted,
    #[error("the engine was asked at a place where this command is not answered")]
    NotInTurn,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[cfg(not(target_arch = "wasm32"))]
    #[error("there is no folder in which models could be kept")]
    NoCacheFolder,
    #[error("this set is being fetched already")]
    BeingFetched,
    #[error("{what} belongs to the open model")]
    InUse { what: String },
    #[error("{what} needs the disk, which a page does not have")]
    NoDisk { what: &'static str },
    #[cfg(target_arch = "wasm32")]
    #[error("an export needs a folder to write to, and none came with it")]
    NoFolder,
    #[cfg(target_arch = "wasm32")]
    #[error("an import needs the folder or the files of an export, and none came with it")]
    NoFiles,
    #[error("transcoders of a hub are opened beside a model of a hub, and this one is not")]
    ModelElsewhere,
    #[error("{what} is not kept yet")]
    NotKept { what: String },
    #[error("{what} is not kept yet, so its plan is not known")]
    NotPlanned { what: String },
    #[error(transparent)]
    Document(#[from] DocumentTrouble),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the snapshot at `{address}` can't be read: {source}")]
    Snapshot { address: String, source: HubError },
    #[error("{} is no address of a snapshot", crate::spec::visible(address))]
    NoSnapshotAddress { address: String },
    #[error("no figures are known of a model of {n_layers} layers of width {d_model}")]
    NoFigures { n_layers: usize, d_model: usize },
    #[error("nothing came beside the command under number {part}")]
    NothingBeside { part: usize },
    #[error("it is not known of which model's features these labels are")]
    NoLabelSet,
    #[error("Neuronpedia has no feature {feature} of the transcoders of Gemma 2 2B")]
    NotHosted { feature: FeatureId },
    #[error("what Neuronpedia says of feature {feature} could not be had: {source}")]
    Hosted {
        feature: FeatureId,
        source: HubError,
    },
    #[error("what Neuronpedia says of feature {feature} can't be used: {source}")]
    HostedAnswer {
        feature: FeatureId,
        source: HostedError,
    },
    #[error("the device was lost again: {reason}")]
    LostAgain { reason: String },
}

impl Trouble {
    /// What the driver says, if the device was lost and may be replaced.
    pub fn lost(&self) -> Option<&str> {
        match self {
            Self::Gpu(GpuError::Lost { reason }) => Some(reason),
            _ => None,
        }
    }

    /// Whether memory was refused.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Gpu(GpuError::OutOfMemory { .. }))
    }
}

// A stop and a fault of the device arrive through every room; they are brought to one variant here.

impl From<GpuError> for Trouble {
    fn from(it: GpuError) -> Self {
        match it {
            GpuError::Stopped => Self::Stopped,
            other => Self::Gpu(other),
        }
    }
}

impl From<ModelError> for Trouble {
    fn from(it: ModelError) -> Self {
        match it {
            ModelError::Stopped => Self::Stopped,
            ModelError::Gpu(it) => it.into(),
            ModelError::Weights(it) => it.into(),
            other => Self::Model(other),
        }
    }
}

impl From<ScopeError> for Trouble {
    fn from(it: ScopeError) -> Self {
        match it {
            ScopeError::Model(it) => it.into(),
            ScopeError::Weights(it) => it.into(),
            ScopeError::Positions(it) => it.into(),
            other => Self::Scope(other),
        }
    }
}

impl From<WeightsError> for Trouble {
    fn from(it: WeightsError) -> Self {
        match it {
            WeightsError::Stopped => Self::Stopped,
            other => Self::Weights(other),
        }
    }
}
