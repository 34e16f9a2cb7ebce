//! What a page, a terminal or a test may ask of the engine, and what it answers: plain data, depending on `spec` and serde alone.
//!
//! Every command gets events of its own id, numbered by `seq`, and exactly one terminal one: `Done`, `Failed` or `Cancelled`.

pub use crate::spec::{Change, Plan, Probability, Sampling, Speed, Token, Write};
use crate::spec::{Config, DType, Positions, Precision, Site};
use serde::{Deserialize, Serialize};

/// The version of this file's types; a page and an engine of different versions notice at `Hello`.
pub const PROTOCOL: u32 = 1;
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

/// A model and how to hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// Which model.
    pub model: ModelRef,
    /// How its weights are kept.
    pub precision: Precision,
    /// Positions planned for, or none for the default.
    pub n_ctx: Option<usize>,
    /// Bytes of GPU memory at most, or none for no limit; weights that don't fit are paged in layer by layer.
    pub max_gpu_bytes: Option<u64>,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelRef {
    /// A folder with `config.json`, safetensors and perhaps `tokenizer.json`: of the disk natively, a same-origin address on the web.
    Folder {
        /// The folder.
        path: String,
        /// The tokenizer, where it is not beside the config.
        tokenizer: Option<String>,
    },
    /// A synthetic checkpoint by its formula.
    Synth {
        /// `nano`, `wide` or `full`.
        preset: String,
        /// A tokenizer.json for it: a file natively, a same-origin address on the web.
        tokenizer: Option<String>,
    },
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
    /// A token that was generated.
    Token(Token),
    /// How fast a kernel runs.
    Speed(Speed),
}

/// Numbers that travel beside the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// Of each element, little-endian.
    pub dtype: DType,
    /// Outermost first.
    pub shape: Vec<usize>,
    /// Which of the message's attachments.
    pub part: usize,
}

/// The distribution of the next token after one position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The position.
    pub pos: usize,
    /// log(sum(exp(logits))).
    pub log_sum_exp: f32,
    /// The most probable tokens, best first.
    pub top: Vec<Probability>,
    /// The tokens asked for, in the order asked.
    pub asked: Vec<Probability>,
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
        /// Whether it was there already.
        kept: bool,
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

/// Why a command could not be done, in the visitor's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong, naming the thing.
    pub what: String,
    /// What can be done about it.
    pub remedy: String,
    /// The chain of causes, for a report.
    pub detail: String,
}

/// The engine's own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineState {
    /// It takes commands.
    Ready,
    /// The device is gone; the next command, or ResetGpu, takes a new one.
    DeviceLost {
        /// What the driver says.
        reason: String,
    },
    /// A new device is there and the model is loaded again.
    Recovered,
    /// The engine died (a trap, memory refused) and is not restarted.
    Dead {
        /// What is known.
        reason: String,
    },
    /// The engine died and is being restarted, once.
    Restarting {
        /// What is known.
        reason: String,
    },
}
