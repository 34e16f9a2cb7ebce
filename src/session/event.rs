//! What the engine answers: plain data, depending on `spec` and serde alone. Leaves what is asked to `protocol`, which tells these types again.

use super::protocol::{
    Applied, Array, Checked, Copied, DensePart, Distribution, DocumentMade, EngineState, Failure,
    FeatureCard, FetchTold, Fetched, HostedLabel, Label, LabelsAbout, LabelsFound, LabelsKept,
    LabelsOwn, LinkRead, Links, ModelRef, Plan, Price, Reached, Readiness, RunKey, Speed,
    SpliceMetrics, StoredList, Token, TranscoderVariant, Trial, Verdict, Verified, Witness,
};
use crate::spec::{Config, Site};
use serde::{Deserialize, Serialize};

/// An answer, or a piece of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Of the command; 0 for the engine's own state.
    pub id: u32,
    /// Counts from 0 within the id.
    pub seq: u32,
    /// What is told.
    pub body: EventBody,
}

/// What can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "few exist at a time")]
pub enum EventBody {
    /// How far a command is; at most 10 a second.
    Progress {
        /// What is being done, in the visitor's words.
        phase: String,
        /// How much is done.
        done: u64,
        /// Of how much, if known.
        total: Option<u64>,
        /// Of what: `bytes`, `tokens`, `kernels`, `layers`.
        unit: String,
    },
    /// A piece of an answer.
    Partial(Partial),
    /// The engine's own state, id 0.
    State(EngineState),
    /// A set has been opened from the store, or parts of it have arrived since: what can be asked now, id 0.
    Ready(Readiness),
    /// Terminal: done.
    Done(Outcome),
    /// Terminal: could not be done.
    Failed(Failure),
    /// Terminal: stopped by [`super::protocol::CommandBody::Cancel`].
    Cancelled,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Partial {
    /// Activations at a site for some positions.
    Site {
        /// Where.
        site: Site,
        /// The first position (query, for a pattern) told.
        first: usize,
        /// The numbers.
        array: Array,
    },
    /// The distribution after one position.
    Probs(Distribution),
    /// Active features of a layer at the positions asked for, in the order of position and feature.
    Features {
        /// The layer.
        layer: usize,
        /// (position, feature) of each: `[n, 2]` i32.
        places: Array,
        /// Their activations: `[n]` f32, 0 for those that are active in the clean run only.
        activations: Array,
        /// Of a derived run, their activations in the clean one: `[n]` f32.
        clean: Option<Array>,
        /// Of a derived run, what interventions set here.
        applied: Vec<Applied>,
    },
    /// Some positions of a dense array of a transcoder: `[n_pos, d_transcoder]` or `[n_pos, d_out]`.
    Dense {
        /// The layer.
        layer: usize,
        /// Which array.
        dense: DensePart,
        /// The first position told.
        first: usize,
        /// The numbers.
        array: Array,
    },
    /// What the unembedding makes of the stream after a layer.
    Lens {
        /// The layer.
        layer: usize,
        /// At a position.
        told: Distribution,
    },
    /// How well a splice explains the prompt.
    Metrics(SpliceMetrics),
    /// Direct effects of a layer's active features on a token's logit.
    Effects {
        /// The layer.
        layer: usize,
        /// (position, feature) of each: `[n, 2]` i32.
        places: Array,
        /// Their effects: `[n]` f32.
        effects: Array,
    },
    /// A token that was generated.
    Token(Token),
    /// How fast a kernel runs.
    Speed(Speed),
    /// How far fetching is.
    Fetch(FetchTold),
    /// What is known of the features of a layer.
    Labels {
        /// The layer.
        layer: usize,
        /// By index.
        labels: Vec<Label>,
    },
    /// Bytes of a file that is made, the only attachment; pieces come in order.
    Document {
        /// The place of the first of them in the file.
        first: u64,
    },
}

/// How a command ended well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "few exist at a time")]
pub enum Outcome {
    /// Nothing to tell.
    Nothing,
    /// We speak the same protocol.
    Hello {
        /// [`super::protocol::PROTOCOL`] of the engine.
        protocol: u32,
        /// Build of the engine.
        build: String,
    },
    /// The adapter and what is open.
    Described(Description),
    /// The plan.
    Planned(Plan),
    /// The model is open.
    Opened {
        /// Its sizes.
        config: Config,
        /// The plan it was loaded by.
        plan: Plan,
        /// Hex sha256 of the checkpoint's config and headers.
        fingerprint: String,
        /// Features active per token in the mean, by layer, as the names of the transcoders' files declare it.
        declared_l0: Vec<(usize, usize)>,
    },
    /// The tokens of a text.
    Tokens(Vec<Token>),
    /// The run is there.
    Ran {
        /// Its name.
        run: RunKey,
        /// Its tokens.
        tokens: Vec<Token>,
        /// Whether it was there already, as far as it can go.
        kept: bool,
        /// How far it is, if not all of the model has arrived; the same command again goes on with it.
        reached: Reached,
    },
    /// A feature's own numbers.
    Feature(FeatureCard),
    /// Of `Labels`.
    Labels {
        /// Who made them, and how.
        made: String,
        /// Features that are known.
        n_features: usize,
    },
    /// The set is in the store.
    Fetched(Fetched),
    /// What is kept.
    Stored(StoredList),
    /// What comparing found.
    Verified(Verified),
    /// What was taken away.
    Freed {
        /// Bytes.
        size_bytes: u64,
    },
    /// What was copied.
    Copied(Copied),
    /// The transcoders of a repository, by layer, small and sparse ones first.
    Variants(Vec<TranscoderVariant>),
    /// Hashes of pieces of files.
    Manifest {
        /// As a file has them.
        json: String,
    },
    /// The continuation.
    Generated {
        /// Its tokens.
        tokens: Vec<Token>,
        /// Its text; empty without a tokenizer.
        text: String,
        /// Seconds that it took.
        seconds: f64,
    },
    /// The view as a link.
    Linked(Links),
    /// What a link says.
    LinkRead(LinkRead),
    /// What a run says.
    Witnessed {
        /// In few bytes.
        witness: Witness,
        /// Against the sender's.
        verdict: Option<Verdict>,
    },
    /// The file is made.
    Document(DocumentMade),
    /// What a set costs.
    Priced(Price),
    /// Whether the GPU grants it.
    Tried(Trial),
    /// How it came out against known figures.
    Checked(Checked),
    /// Of `LabelsLoad`.
    LabelsLoaded {
        /// What the file says of itself; empty without one.
        about: LabelsAbout,
        /// The visitor's own labels of the set.
        own: LabelsOwn,
        /// The file, if it is one that is kept over visits.
        kept: Option<LabelsKept>,
        /// Why it is not kept though it was to be, or why what was kept can't be read.
        not_kept: Option<Failure>,
    },
    /// What was searched for.
    LabelsFound(LabelsFound),
    /// The visitor's own labels have changed.
    LabelsOwn(LabelsOwn),
    /// A labels file was made.
    LabelsMade {
        /// Its text.
        json: String,
        /// What it says of itself.
        about: LabelsAbout,
    },
    /// The visitor's own labels as a labels file.
    LabelsFile {
        /// Its text.
        json: String,
    },
    /// What a server said of a feature.
    HostedLabel {
        /// None where nothing is kept and it was not to be asked.
        label: Option<HostedLabel>,
        /// Why it is not kept beyond this visit, if it is not.
        not_kept: Option<Failure>,
    },
}

/// The adapter and what is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Name of the adapter, as far as it tells.
    pub adapter: String,
    /// Backend: vulkan, metal, dx12, webgpu.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Whether it is a software adapter.
    pub software: bool,
    /// Largest storage binding in use.
    pub max_binding_bytes: u64,
    /// Optional features in use.
    pub features: Vec<String>,
    /// Live GPU bytes, staging included.
    pub gpu_bytes: u64,
    /// The most they have been.
    pub peak_gpu_bytes: u64,
    /// Memory of the engine's own program; 0 natively.
    pub heap_bytes: u64,
    /// Submits so far.
    pub n_submits: u64,
    /// The open model, if any.
    pub open: Option<Opened>,
    /// The last errors of the device, for a report.
    pub last_errors: Vec<String>,
}

/// What is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Which model.
    pub model: ModelRef,
    /// Its sizes.
    pub config: Config,
    /// The plan it was loaded by.
    pub plan: Plan,
    /// Runs kept.
    pub runs: Vec<RunKey>,
}
