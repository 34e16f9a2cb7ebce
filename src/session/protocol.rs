//! What a page, a terminal or a test may ask of the engine, and what it answers: plain data, depending on `spec` and serde alone.
//!
//! Every command gets events of its own id, numbered by `seq`, and exactly one terminal one: `Done`, `Failed` or `Cancelled`.

pub use crate::spec::{
    Applied, Array, Change, Copied, DensePart, Distribution, EngineState, Failure, FeatureCard,
    FeatureId, FeatureQuestion, FetchFrom, FetchRequest, FetchTold, Fetched, Half, Intervention,
    Mode, ModelRef, OpenRequest, Plan, Probability, Reached, Sampling, Speed, Splice,
    SpliceMetrics, StoredList, StoredSelection, Token, TranscoderRef, TranscoderRequest, Verified,
    Write,
};
use crate::spec::{Config, Endpoint, Positions, Site};
use serde::{Deserialize, Serialize};

/// The version of this file's types; a page and an engine of different versions notice at `Hello`.
pub const PROTOCOL: u32 = 3;
/// Which sources this was built from, for the message when page and engine differ.
pub const BUILD: &str = match option_env!("GEMSCOPE_BUILD") {
    Some(it) => it,
    None => env!("CARGO_PKG_VERSION"),
};
/// Partials of one command that may be under way before one is acknowledged by [`CommandBody::Ack`].
pub const PARTIAL_CREDITS: u32 = 8;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The caller's name for it, greater than 0 and not in use.
    pub id: u32,
    /// What is asked.
    pub body: CommandBody,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandBody {
    /// First of all: do we speak the same protocol? -> [`Outcome::Hello`].
    Hello {
        /// [`PROTOCOL`] of the caller.
        protocol: u32,
        /// Build of the caller, for the message when they differ.
        build: String,
    },
    /// What is the adapter, what is open? -> [`Outcome::Described`].
    Describe,
    /// How much memory would this take? Reads the config only. -> [`Outcome::Planned`].
    Plan(OpenRequest),
    /// Loads a model. -> [`Outcome::Opened`].
    Open(OpenRequest),
    /// Lets go of the model and its runs. -> [`Outcome::Nothing`].
    Close,
    /// Text -> tokens. -> [`Outcome::Tokens`].
    Tokenize {
        /// The prompt.
        text: String,
        /// A tokenizer.json: a file natively, a same-origin address on the web. None for the open model's; with one no model
        /// need be open.
        tokenizer: Option<String>,
    },
    /// A forward pass. Idempotent: the same run answers at once. -> [`Outcome::Ran`].
    Run {
        /// The prompt.
        input: Input,
        /// Sites whose activations are kept with the run, for [`What::Site`].
        want: Vec<Site>,
        /// Changes at sites during the pass; part of the run's key.
        writes: Vec<Write>,
    },
    /// A run as a variation of a clean one: with interventions, or with reconstructions in place of what MLPs add. Only what lies
    /// above the lowest layer touched is computed. -> [`Outcome::Ran`].
    Derive {
        /// The clean run.
        run: RunKey,
        /// What is done to features.
        interventions: Vec<Intervention>,
        /// Which layers are spliced, position 0 excepted.
        splice: Option<Splice>,
        /// What stays as it was while features are changed.
        mode: Mode,
        /// Sites whose activations are kept with the run, for [`What::Site`].
        want: Vec<Site>,
    },
    /// A feature's own numbers. -> [`Outcome::Feature`].
    Feature {
        /// Which.
        feature: FeatureId,
        /// What besides.
        question: FeatureQuestion,
    },
    /// A question about a run. Answers in [`Partial`]s, then [`Outcome::Nothing`].
    Ask {
        /// The run.
        run: RunKey,
        /// What about it.
        what: What,
        /// At which positions.
        positions: Positions,
    },
    /// Continues a run. A [`Partial::Token`] for each token if `watch`, then [`Outcome::Generated`].
    Generate {
        /// The run.
        run: RunKey,
        /// Tokens at most; ends earlier at the end of sequence.
        n: usize,
        /// How a token is chosen.
        sampling: Sampling,
        /// Whether each token is told as it comes.
        watch: bool,
    },
    /// Forgets a run. -> [`Outcome::Nothing`].
    Drop {
        /// The run.
        run: RunKey,
    },
    /// Takes a new device and loads the open model again. -> [`Outcome::Nothing`].
    ResetGpu,
    /// How fast this adapter runs the engine's kernels; needs no model. A [`Partial::Speed`] each, then
    /// [`Outcome::Nothing`].
    Measure {
        /// How long each kernel is measured.
        seconds: f64,
        /// Only kernels whose names contain this.
        only: Option<String>,
    },
    /// Brings a set of a hub into the store, beside everything else that is asked. [`Partial::Fetch`] tells how far it is, then
    /// [`Outcome::Fetched`]. Cancelled or failed, it leaves what has arrived; the same again goes on from there.
    Fetch(FetchRequest),
    /// A layer of the sets that are being fetched is wanted first: its encoder, and what its features need of the layers below.
    /// -> [`Outcome::Nothing`].
    Prioritise {
        /// The layer.
        layer: usize,
    },
    /// Holds all fetching, or lets it go on. -> [`Outcome::Nothing`].
    Pause {
        /// Whether it is held.
        paused: bool,
    },
    /// Keeps an access token for a server in memory, as long as the engine lives, or forgets it. -> [`Outcome::Nothing`].
    Token {
        /// The server, to which alone it is sent.
        endpoint: Endpoint,
        /// The token; none forgets it.
        secret: Option<Secret>,
    },
    /// What is kept? -> [`Outcome::Stored`].
    Stored,
    /// Compares what is kept with the hashes it was kept with; damaged pieces are forgotten if `repair`, so that a `Fetch` brings them
    /// again. -> [`Outcome::Verified`].
    Verify {
        /// Of what.
        selection: StoredSelection,
        /// Whether damaged pieces are forgotten.
        repair: bool,
    },
    /// Takes away what is kept. -> [`Outcome::Freed`].
    Remove {
        /// What.
        selection: StoredSelection,
        /// Also what another version of the program left.
        set_aside: bool,
    },
    /// Copies what is whole into a folder of the disk, from which [`CommandBody::Import`] takes it. Natively. -> [`Outcome::Copied`].
    Export {
        /// What.
        selection: StoredSelection,
        /// The folder.
        to: String,
    },
    /// Takes in what an export left in a folder, each piece compared with its hash. Natively. -> [`Outcome::Copied`].
    Import {
        /// The folder.
        from: String,
    },
    /// Stops another command, which then ends with `Cancelled`. -> [`Outcome::Nothing`].
    Cancel {
        /// Its id.
        id: u32,
    },
    /// Partials of another command have been taken. Gets no events.
    Ack {
        /// Its id.
        id: u32,
        /// How many.
        n: u32,
    },
}

/// An access token on its way to the engine; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// As typed; one BOS is put before it.
    Text(String),
    /// As tokens, BOS included.
    Ids(Vec<u32>),
}

/// The name of a run: a hash of model, precision, ids and writes, as 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunKey(pub String);

/// What an [`CommandBody::Ask`] is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// Activations at sites, as [`Partial::Site`], site by site.
    Site(Vec<Site>),
    /// The distribution of the next token, as [`Partial::Probs`], a position each.
    Probs {
        /// The most probable ones told.
        top_k: usize,
        /// Tokens asked for besides.
        asked: Vec<u32>,
    },
    /// Active features, as [`Partial::Features`], layer by layer.
    Features {
        /// Which layers, or none for all that are loaded.
        layers: Option<Vec<usize>>,
    },
    /// Dense arrays of transcoders, as [`Partial::Dense`].
    Dense {
        /// Which layers, or none for all that are loaded.
        layers: Option<Vec<usize>>,
        /// Which arrays.
        parts: Vec<DensePart>,
    },
    /// The logit lens after each layer, as [`Partial::Lens`]; of clean runs.
    Lens {
        /// Which layers, or none for all.
        layers: Option<Vec<usize>>,
        /// The most probable tokens told.
        top_k: usize,
        /// Tokens asked for besides.
        asked: Vec<u32>,
    },
    /// How well transcoders explain this prompt, as [`Partial::Metrics`], splice by splice; of clean runs, over all positions.
    Metrics {
        /// What is spliced, one after the other.
        splices: Vec<Splice>,
        /// Other clean runs, which are pooled with this one by tokens.
        #[serde(default)]
        pooled_with: Vec<RunKey>,
    },
    /// The direct effect of each active feature on a token's logit, as [`Partial::Effects`], layer by layer; of clean runs.
    Effects {
        /// The token.
        token: u32,
        /// Which layers, or none for all that are loaded.
        layers: Option<Vec<usize>>,
    },
}

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
    /// Terminal: done.
    Done(Outcome),
    /// Terminal: could not be done.
    Failed(Failure),
    /// Terminal: stopped by [`CommandBody::Cancel`].
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
}

/// How a command ended well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "few exist at a time")]
pub enum Outcome {
    /// Nothing to tell.
    Nothing,
    /// We speak the same protocol.
    Hello {
        /// [`PROTOCOL`] of the engine.
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
    /// The continuation.
    Generated {
        /// Its tokens.
        tokens: Vec<Token>,
        /// Its text; empty without a tokenizer.
        text: String,
        /// Seconds that it took.
        seconds: f64,
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
