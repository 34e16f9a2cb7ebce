//! What a page, a terminal or a test may ask of the engine: plain data, depending on `spec` and serde alone. Leaves what it answers to
//! `event`, whose types are told again here.
//!
//! Every command gets events of its own id, numbered by `seq`, and exactly one terminal one: `Done`, `Failed` or `Cancelled`.

pub use super::event::{Description, Event, EventBody, Opened, Outcome, Partial};
pub use crate::spec::{
    Applied, Array, Change, CheckLine, Checked, Copied, DensePart, Distribution, DocumentForm,
    DocumentMade, DocumentWhat, EngineState, Failure, FeatureCard, FeatureId, FeatureQuestion,
    FetchFrom, FetchRequest, FetchTold, Fetched, FigureSet, Half, HostedLabel, Input, Intervention,
    Label, LabelConflict, LabelHit, LabelsAbout, LabelsFound, LabelsFrom, LabelsKept, LabelsOwn,
    LinkModel, LinkRead, Links, MapMetric, MapPicture, Mode, ModelRef, OpenRequest, Origin, Plan,
    Price, Probability, Reached, Readiness, Sampling, SnapshotAddress, Speed, Splice,
    SpliceMetrics, StoredList, StoredSelection, Token, TranscoderRef, TranscoderRequest,
    TranscoderVariant, Trial, Verdict, Verified, View, Witness, WitnessSent, Write,
};
use crate::spec::{Endpoint, Positions, RepoRef, Site};
use serde::{Deserialize, Serialize};

/// The version of this file's types; a page and an engine of different versions notice at `Hello`.
pub const PROTOCOL: u32 = 6;
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
    /// Reads what is known of features from a labels file, which is kept until another is read: a file natively, a same-origin address
    /// on the web. -> a [`Partial::Labels`] for each layer, then [`Outcome::Labels`].
    Labels {
        /// The file.
        from: String,
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
    /// Which transcoders does a repository of a hub have? Asks the hub. -> [`Outcome::Variants`].
    Variants {
        /// The repository.
        repo: RepoRef,
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
    /// Copies what is whole into a folder of the disk, from which [`CommandBody::Import`] takes it. On the web the folder is a handle
    /// beside the message. -> [`Outcome::Copied`].
    Export {
        /// What.
        selection: StoredSelection,
        /// The folder.
        to: String,
    },
    /// Takes in what an export left in a folder, each piece compared with its hash. On the web the folder is a
    /// handle, or its files are, beside the message. -> [`Outcome::Copied`].
    Import {
        /// The folder.
        from: String,
    },
    /// Hashes the files of a model or of transcoders in a folder of the disk, for [`FetchRequest::manifest`]. Natively.
    /// -> [`Outcome::Manifest`].
    Manifest {
        /// The folder.
        from: String,
    },
    /// What would a set cost, and does it fit? Requests nothing and opens nothing; where nothing is kept of a hub's files, the sizes
    /// are those that its publisher's have. -> [`Outcome::Priced`].
    Price {
        /// The set. Its budget, [`OpenRequest::max_gpu_bytes`], is judged too.
        set: OpenRequest,
    },
    /// Takes, writes and lets go of as many bytes as a set takes on the GPU, on a device of its own: what is open stays. What the GPU
    /// refuses is told, and is no failure. -> [`Outcome::Tried`].
    Try {
        /// The set.
        set: OpenRequest,
    },
    /// Holds what is open against figures that are known of it. -> [`Outcome::Checked`].
    Check {
        /// Which; none for those that are known of a model of these sizes.
        figures: Option<FigureSet>,
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
    /// A view as a link. Needs neither model nor device. -> [`Outcome::Linked`].
    Link {
        /// The view.
        view: View,
    },
    /// What a link says, or whatever else may be pasted in its place: a feature (`12/9377`), an id, a feature or a graph of
    /// Neuronpedia. Needs neither model nor device; of the open model it says what that does not have. -> [`Outcome::LinkRead`].
    ReadLink {
        /// The text.
        text: String,
    },
    /// The bytes of a snapshot: of a server of the host table, or of the page's own site, at most
    /// [`MAX_SNAPSHOT_BYTES`](crate::spec::MAX_SNAPSHOT_BYTES). They come as those of a `Document`, then [`Outcome::Document`], which
    /// names host and file. Only a visitor who has agreed asks for it: no link does.
    Snapshot {
        /// Its address, as [`SnapshotAddress`] has it.
        address: String,
    },
    /// What a run says in few bytes, for a link; and whether another's run said the same. -> [`Outcome::Witnessed`].
    Witness {
        /// The run.
        run: RunKey,
        /// What the sender of a link saw.
        sent: Option<WitnessSent>,
    },
    /// A file made of a run, or of the open model. Its bytes in a [`Partial::Document`] each megabyte, then [`Outcome::Document`].
    Document {
        /// The run; for what is of the model alone ([`DocumentWhat::is_of_a_run`]) it may be none.
        #[serde(default)]
        run: Option<RunKey>,
        /// What it tells.
        what: DocumentWhat,
        /// What kind of file; which there are for what, says [`DocumentWhat::forms`].
        form: DocumentForm,
        /// Opens the same view, to be written into the file.
        #[serde(default)]
        link: Option<String>,
    },
    /// A map as it is shown, as an SVG. Its bytes as of a `Document`, then [`Outcome::Document`].
    Picture {
        /// The map.
        map: MapPicture,
        /// The run it is of, so that model, precision, adapter and build stand below it; none for what was recorded.
        #[serde(default)]
        run: Option<RunKey>,
    },
    /// Reads labels of a set of features, `gemma-2-2b/gemmascope-transcoder-16k`, in place of those read before, and the visitor's own
    /// of that set. A [`Partial::Labels`] for each layer if `tell`, then -> [`Outcome::LabelsLoaded`].
    LabelsLoad {
        /// Which features these are about, in the caller's words; own labels are kept by it. Empty: what the file says.
        set: String,
        /// The file.
        from: LabelsFrom,
        /// Whether every label is told: not for half a million, and not of a file that is kept, which may have as many.
        tell: bool,
        /// Whether the file is kept for this set, until another one is or [`CommandBody::LabelsDrop`] takes it away.
        keep: bool,
    },
    /// Takes away the labels file that is kept of the set that was asked for last; what was read of it is still there.
    /// -> [`Outcome::Freed`].
    LabelsDrop,
    /// Looks through all labels of all layers; the newest search cancels the one before. `12/9377` is understood as that feature.
    /// -> [`Outcome::LabelsFound`].
    LabelsSearch {
        /// What has been typed.
        text: String,
        /// How many are told at most.
        limit: usize,
    },
    /// The labels of some features, in that order; features without any are left out. -> [`Outcome::LabelsFound`].
    LabelsOf {
        /// Which.
        features: Vec<FeatureId>,
    },
    /// Calls a feature something, or with an empty text nothing any more; kept in the store. -> [`Outcome::LabelsOwn`].
    LabelEdit {
        /// Which.
        feature: FeatureId,
        /// The visitor's words.
        text: String,
    },
    /// The visitor's own labels as a labels file. -> [`Outcome::LabelsFile`].
    LabelsExport,
    /// Takes the labels of a file into the visitor's own, which stay where both have one. -> [`Outcome::LabelsOwn`].
    LabelsMerge {
        /// The file.
        from: LabelsFrom,
    },
    /// Makes a labels file of Neuronpedia's exports, `.jsonl` or `.jsonl.gz`, in a folder of the disk. Natively.
    /// -> [`Outcome::LabelsMade`].
    LabelsImport {
        /// The folder.
        from: String,
        /// What the file is to say of itself; its set and counts are found.
        about: LabelsAbout,
    },
    /// Takes away all own labels and kept files of all sets, and what servers said. -> [`Outcome::Freed`].
    LabelsForget,
    /// What Neuronpedia says of a feature of the transcoders of Gemma 2 2B: as it is kept, or asked for now, with the feature's number
    /// and nothing else. -> [`Outcome::HostedLabel`].
    HostedLabel {
        /// Which.
        feature: FeatureId,
        /// Whether it is asked for where it is not kept.
        ask: bool,
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
