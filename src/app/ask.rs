//! What the page asks the engine for, and why: the purpose by which an answer is known. Leaves answers to `desk`.

use super::desk::Prompt;
use crate::{
    session::protocol::{
        CommandBody, DensePart, FeatureId, FeatureQuestion, Input, ModelRef, OpenRequest, RunKey,
        Sampling, Splice, TranscoderRef, TranscoderRequest, What,
    },
    spec::{Half, Positions, Precision, Site},
};

/// Most probable tokens told of each position.
pub(super) const TOP_K: usize = 10;
/// Of a feature's card.
const N_CARD_TOKENS: usize = 12;
const N_NEAREST: usize = 6;
const N_EXAMPLES: usize = 10;
/// Tokens that "Continue" adds at most.
pub const N_CONTINUED: usize = 12;

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
}

impl Purpose {
    /// Whether the visitor waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !matches!(self, Self::Count(_) | Self::Describe | Self::Labels)
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
    fn new(purpose: Purpose, body: CommandBody) -> Self {
        Self { purpose, body }
    }

    pub(super) fn describe() -> Self {
        Self::new(Purpose::Describe, CommandBody::Describe)
    }

    /// The demo model, which lies beside the page.
    pub(super) fn open(base: &str) -> Self {
        let body = CommandBody::Open(OpenRequest {
            model: ModelRef::Folder {
                path: format!("{base}/demo/model"),
                tokenizer: None,
            },
            transcoders: Some(TranscoderRequest {
                place: TranscoderRef::Folder {
                    path: format!("{base}/demo/transcoders"),
                },
                layers: None,
                halves: vec![Half::Encoder, Half::Decoder],
                average_l0: vec![],
            }),
            precision: Precision::Reference,
            n_ctx: None,
            n_kept: None,
            max_gpu_bytes: None,
        });
        Self::new(Purpose::Open, body)
    }

    pub(super) fn labels(base: &str) -> Self {
        let from = format!("{base}/demo/labels.json");
        Self::new(Purpose::Labels, CommandBody::Labels { from })
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
        let what = What::Probs {
            top_k: TOP_K,
            asked: vec![],
        };
        Self::about(Purpose::Next, run, what)
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
