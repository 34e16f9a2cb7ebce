//! What the page asks the engine for, and why: the purpose by which an answer is known. Leaves answers to `desk`.

use super::desk::Prompt;
use crate::{
    session::protocol::{
        CommandBody, DensePart, FeatureId, FeatureQuestion, Input, OpenRequest, RunKey, Sampling,
        Splice, What,
    },
    spec::{Positions, Site},
};

/// Most probable tokens told of each position.
pub(super) const TOP_K: usize = 10;
/// Of a feature's card.
const N_CARD_TOKENS: usize = 12;
const N_NEAREST: usize = 6;
const N_EXAMPLES: usize = 10;
/// Tokens that "Continue" adds at most.
pub const N_CONTINUED: usize = 12;

/// Where a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To where the browser keeps downloads.
    Disk,
    /// On the clipboard.
    Clipboard,
    /// The same as a bitmap, to disk.
    Bitmap,
}

/// Why something was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// The adapter.
    Describe,
    /// The model.
    Open,
    /// What is known of its features.
    Labels,
    /// How many tokens the draft has; the number tells drafts apart.
    Count(u32),
    /// The run that is to be shown.
    Run,
    /// What fires in it.
    Features,
    /// What comes next, at every position.
    Next,
    /// What MLPs added, and what was rebuilt of it.
    MlpOut,
    /// The second half of [`Purpose::MlpOut`].
    Rebuilt,
    /// The logit lens.
    Lens,
    /// How well it is explained.
    Metrics,
    /// What features do to a token's logit.
    Effects(u32),
    /// A feature's card.
    Card(FeatureId),
    /// A text of the visitor's own, for one feature.
    Try(FeatureId),
    /// What fires in that text.
    TryFeatures(FeatureId),
    /// More tokens.
    Continue,
    /// Features of layers that have arrived since the run on the page.
    More,
    /// What comes next, when the last layer has arrived.
    MoreNext,
    /// A set of a hub.
    Fetch,
    /// What is kept.
    Stored,
    /// Whether it is undamaged.
    Verify,
    /// To have less of it.
    Remove,
    /// Which transcoders there are.
    Variants,
    /// A token for a server.
    Token,
    /// To steer fetching.
    Library,
    /// What a set costs.
    Price,
    /// Whether the GPU grants it.
    Trial,
    /// How what is open comes out against known figures.
    Check,
    /// How fast this GPU is.
    Measure,
    /// To put what is kept into a folder, or to take it from one.
    Copy,
    /// The view on the page as addresses.
    Link,
    /// What a link says.
    ReadLink,
    /// What is kept, before the first model is opened.
    Begin,
    /// What the run on the page says.
    Witness,
    /// Labels of a file that the visitor chose.
    LabelsFile,
    /// What features are called by the visitor.
    OwnLabels,
    /// Labels for what is typed.
    FindLabels,
    /// Labels of what fires in the run on the page.
    LabelsOf,
    /// What Neuronpedia says of a feature.
    Hosted(FeatureId),
    /// A file of the run on the page.
    Document(Destination),
    /// The snapshot that a link names.
    Snapshot,
}

impl Purpose {
    /// Whether the visitor waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !matches!(
            self,
            Self::Count(_)
                | Self::Describe
                | Self::Labels
                | Self::Fetch
                | Self::More
                | Self::MoreNext
                | Self::Library
                | Self::Price
                | Self::Link
                | Self::ReadLink
                | Self::Witness
                | Self::LabelsFile
                | Self::OwnLabels
                | Self::FindLabels
                | Self::LabelsOf
                | Self::Hosted(_)
        )
    }

    /// Whether it is about models rather than about a run.
    pub(super) fn is_of_library(&self) -> bool {
        matches!(
            self,
            Self::Fetch
                | Self::Stored
                | Self::Verify
                | Self::Remove
                | Self::Variants
                | Self::Token
                | Self::Library
                | Self::Price
                | Self::Trial
                | Self::Check
                | Self::Measure
                | Self::Copy
        )
    }

    /// Whether it is a long job that can be stopped where it was begun; runs and downloads aside.
    pub(super) fn is_job(&self) -> bool {
        matches!(
            self,
            Self::Verify
                | Self::Trial
                | Self::Check
                | Self::Measure
                | Self::Copy
                | Self::Document(_)
                | Self::Snapshot
        )
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Why.
    pub purpose: Purpose,
    /// What.
    pub body: CommandBody,
}

impl Question {
    pub(super) fn new(purpose: Purpose, body: CommandBody) -> Self {
        Self { purpose, body }
    }

    pub(super) fn describe() -> Self {
        Self::new(Purpose::Describe, CommandBody::Describe)
    }

    pub(super) fn open(request: OpenRequest) -> Self {
        Self::new(Purpose::Open, CommandBody::Open(request))
    }

    pub(super) fn count(n: u32, text: &str) -> Self {
        let body = CommandBody::Tokenize {
            text: text.into(),
            tokenizer: None,
        };
        Self::new(Purpose::Count(n), body)
    }

    pub(super) fn run(prompt: &Prompt) -> Self {
        Self::new(Purpose::Run, run_body(prompt))
    }

    pub(super) fn try_text(feature: FeatureId, text: &str) -> Self {
        let prompt = Prompt {
            text: text.into(),
            ids: None,
        };
        Self::new(Purpose::Try(feature), run_body(&prompt))
    }

    pub(super) fn try_features(feature: FeatureId, run: RunKey) -> Self {
        let layers = Some(vec![feature.layer]);
        let purpose = Purpose::TryFeatures(feature);
        Self::about(purpose, run, What::Features { layers })
    }

    pub(super) fn features(run: RunKey) -> Self {
        Self::about(Purpose::Features, run, What::Features { layers: None })
    }

    pub(super) fn next(run: RunKey) -> Self {
        Self::about(Purpose::Next, run, next())
    }

    /// Of layers that were not there before.
    pub(super) fn more(run: RunKey, layers: Vec<usize>) -> Self {
        let layers = Some(layers);
        Self::about(Purpose::More, run, What::Features { layers })
    }

    pub(super) fn more_next(run: RunKey) -> Self {
        Self::about(Purpose::MoreNext, run, next())
    }

    pub(super) fn mlp_out(run: RunKey, n_layers: usize) -> Self {
        let sites = (0..n_layers).map(Site::MlpOut).collect();
        Self::about(Purpose::MlpOut, run, What::Site(sites))
    }

    pub(super) fn rebuilt(run: RunKey) -> Self {
        let what = What::Dense {
            layers: None,
            parts: vec![DensePart::Out],
        };
        Self::about(Purpose::Rebuilt, run, what)
    }

    pub(super) fn lens(run: RunKey) -> Self {
        let what = What::Lens {
            layers: None,
            top_k: 5,
            asked: vec![],
        };
        Self::about(Purpose::Lens, run, what)
    }

    pub(super) fn metrics(run: RunKey, n_layers: usize) -> Self {
        let layers = (0..n_layers).map(Splice::Layer);
        let what = What::Metrics {
            splices: layers.chain([Splice::All]).collect(),
            pooled_with: vec![],
        };
        Self::about(Purpose::Metrics, run, what)
    }

    pub(super) fn effects(run: RunKey, token: u32) -> Self {
        let what = What::Effects {
            token,
            layers: None,
        };
        Self::about(Purpose::Effects(token), run, what)
    }

    pub(super) fn card(feature: FeatureId) -> Self {
        let question = FeatureQuestion {
            n_tokens: N_CARD_TOKENS,
            de_embedding: false,
            nearest_in: vec![feature.layer],
            n_nearest: N_NEAREST,
            n_examples: N_EXAMPLES,
        };
        let body = CommandBody::Feature { feature, question };
        Self::new(Purpose::Card(feature), body)
    }

    pub(super) fn go_on(run: RunKey) -> Self {
        let body = CommandBody::Generate {
            run,
            n: N_CONTINUED,
            sampling: Sampling::GREEDY,
            watch: true,
        };
        Self::new(Purpose::Continue, body)
    }

    fn about(purpose: Purpose, run: RunKey, what: What) -> Self {
        let body = CommandBody::Ask {
            run,
            what,
            positions: Positions::All,
        };
        Self::new(purpose, body)
    }
}

fn next() -> What {
    What::Probs {
        top_k: TOP_K,
        asked: vec![],
    }
}

fn run_body(prompt: &Prompt) -> CommandBody {
    CommandBody::Run {
        input: match &prompt.ids {
            Some(it) => Input::Ids(it.clone()),
            None => Input::Text(prompt.text.clone()),
        },
        want: vec![],
        writes: vec![],
    }
}
