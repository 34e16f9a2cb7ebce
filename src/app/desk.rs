//! Everything that the page knows, as plain data. Leaves what the visitor does with it to `doing`, and answers of the engine to `answers`.

use super::{
    ask::Purpose, gathering::Heap, labelling::Labelling, library::Library, linking::Linking,
    record::Record, sharing::Files,
};
use crate::session::protocol::{
    Description, EngineState, Failure, FeatureCard, FeatureId, Plan, RunKey, SnapshotAddress,
    Speed, Token,
};
use crate::spec::{Config, Label, Precision};
use std::{collections::BTreeMap, sync::Arc};

/// A prompt: its text, and ids where the text alone would not give the same tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// As typed, or as the tokens read.
    pub text: String,
    /// Tokens, BOS included.
    pub ids: Option<Vec<u32>>,
}

impl Prompt {
    /// Whether both are the same tokens: the same text, or the same ids.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text == other.text || self.ids.is_some() && self.ids == other.ids
    }
}

/// How the engine is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Engine {
    /// Its worker has not answered yet.
    #[default]
    Starting,
    /// As it says itself.
    Said(EngineState),
}

/// What is awaited, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// What is being done.
    pub phase: String,
    /// How much is done.
    pub done: u64,
    /// Of how much, if known.
    pub total: Option<u64>,
    /// Of what.
    pub unit: String,
}

/// Where the numbers on the page come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A run that was recorded when the page was made.
    Recorded,
    /// A file.
    Snapshot {
        /// What it says of where it was made.
        said: String,
        /// Where it lies, if a link named it.
        at: Option<SnapshotAddress>,
    },
    /// This machine.
    Live {
        /// Which model.
        model: String,
        /// How weights are kept.
        precision: Precision,
        /// What computed it.
        adapter: String,
        /// From asking to the last number.
        millis: f64,
    },
}

/// The run on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What was asked.
    pub prompt: Prompt,
    /// What is known of it.
    pub record: Arc<Record>,
    /// Where that comes from.
    pub source: Source,
    /// What the engine calls it; none when it has to be run first.
    pub key: Option<RunKey>,
}

/// A run on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coming {
    pub prompt: Prompt,
    pub record: Record,
    pub key: Option<RunKey>,
    pub since_millis: f64,
    pub has_features: bool,
    pub has_next: bool,
}

/// Whether this machine computes what was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Check {
    /// Not known yet.
    #[default]
    Open,
    /// It does.
    Same,
    /// It does not: how.
    Differs(String),
}

/// What is known of features from data, and what was met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atlas {
    /// Who made the labels, and how.
    pub made: String,
    /// By layer and index.
    pub labels: BTreeMap<FeatureId, Label>,
    /// What the visitor calls them.
    pub own: BTreeMap<FeatureId, String>,
    /// What the sender of a link calls them.
    pub sent: BTreeMap<FeatureId, String>,
    /// Largest activations met in this session, BOS left out.
    pub met: BTreeMap<FeatureId, f32>,
}

impl Atlas {
    /// What a feature is called: by the visitor, otherwise by the sender of the link, otherwise by the file.
    pub fn words(&self, feature: FeatureId) -> Option<&str> {
        let given = self.given(feature);
        given.or_else(|| self.labels.get(&feature)?.label.as_deref())
    }

    /// What the visitor or the sender of the link calls it.
    pub(super) fn given(&self, feature: FeatureId) -> Option<&str> {
        let own = self.own.get(&feature);
        own.or_else(|| self.sent.get(&feature)).map(String::as_str)
    }

    /// What is known of it, under the name that it has here.
    pub(super) fn named(&self, feature: FeatureId) -> Option<Label> {
        let known = self.labels.get(&feature).cloned();
        let Some(given) = self.given(feature) else {
            return known;
        };
        Some(Label {
            label: Some(given.into()),
            ..known.unwrap_or(Label::new(feature.index))
        })
    }

    /// Takes in the labels of a layer.
    pub(super) fn label(&mut self, layer: usize, labels: Vec<Label>) {
        for it in labels {
            let index = it.index;
            self.labels.insert(FeatureId { layer, index }, it);
        }
    }
}

/// A text of the visitor's own, tried on one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The feature.
    pub feature: FeatureId,
    /// The text's tokens, and what fires of the feature's layer.
    pub record: Arc<Record>,
    /// Whether the numbers are there.
    pub done: bool,
}

/// Everything that the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    /// Address of the folder that the page lies in.
    pub base: String,
    /// How the engine is.
    pub engine: Engine,
    /// Whether the browser has no WebGPU: the engine opens no model then, and does all else.
    pub no_webgpu: bool,
    /// The adapter.
    pub about: Option<Description>,
    /// The model.
    pub opened: Option<(Config, Plan)>,
    /// Models that are fetched, kept and open.
    pub library: Library,
    /// Labels.
    pub labelling: Labelling,
    /// Links.
    pub linking: Linking,
    /// Files that are made.
    pub files: Files,
    /// Features active per token in the mean, by layer, as the transcoders' files declare it.
    pub declared_l0: BTreeMap<usize, usize>,
    /// Whether this machine computes what was recorded.
    pub check: Check,
    /// The run on the page.
    pub shown: Option<Shown>,
    /// What is awaited.
    pub wait: Option<Wait>,
    /// What went wrong with the run or the model.
    pub failure: Option<Failure>,
    /// What went wrong in a panel, by its name.
    pub troubles: BTreeMap<&'static str, Failure>,
    /// What is known of the open model's features while a file is shown, whose own labels stand in `atlas`.
    pub aside: Option<Arc<Atlas>>,
    /// Whether the visitor stopped the last run.
    pub stopped: bool,
    /// What is known of features.
    pub atlas: Arc<Atlas>,
    /// The feature that is looked at.
    pub card: Option<FeatureCard>,
    /// A text that was tried on it.
    pub tried: Option<Tried>,
    /// Tokens that are being added, and whether more come.
    pub continued: Vec<Token>,
    /// Tokens of the draft, and the draft they were counted for.
    pub n_draft: Option<(u32, usize)>,
    /// The next token whose logit effects are told.
    pub target: Option<u32>,
    /// Prompts, the newest first.
    pub history: Vec<String>,
    /// Runs of this session, the newest last.
    pub session: Vec<Arc<Record>>,
    /// How fast this GPU is, once it has been measured.
    pub speeds: Vec<Speed>,
    /// The recorded run that the first live one is compared with.
    pub(super) expected: Option<Arc<Record>>,
    /// Its prompt, whose text alone gives its tokens.
    pub(super) opening: String,
    pub(super) coming: Option<Coming>,
    pub(super) asked: BTreeMap<u32, Purpose>,
    pub(super) heap: Heap,
    pub(super) retried_millis: Option<f64>,
    pub(super) lost_run: Option<Prompt>,
    pub(super) n_drafts: u32,
}
