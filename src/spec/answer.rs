//! Plain answers that rooms hand on unchanged: distributions, arrays, what is known of a feature.

use super::{DType, Example, FeatureId, Label, Probability};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

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

/// A dense array of a transcoder, for those who compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DensePart {
    /// Pre-activations: `[n_pos, d_transcoder]`.
    Pre,
    /// Activations: `[n_pos, d_transcoder]`.
    Acts,
    /// The reconstruction: `[n_pos, d_out]`.
    Out,
}

/// A feature that an intervention set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The position.
    pub pos: usize,
    /// The feature.
    pub index: usize,
    /// Its activation in the clean run.
    pub clean: f32,
    /// The value that it was given.
    pub applied: f32,
    /// What re-encoding gives in the run.
    pub activation: f32,
}

/// A token and a number about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenValue {
    /// The token.
    pub id: u32,
    /// As it is shown; empty without a tokenizer.
    pub piece: String,
    /// The number.
    pub value: f32,
}

/// How numbers are spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f32,
    /// Upper end of the last.
    pub high: f32,
    /// How many fall into each bin; all bins are as wide.
    pub counts: Vec<u32>,
}

/// A direction against the whole vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenSpread {
    /// The highest tokens, highest first.
    pub top: Vec<TokenValue>,
    /// The lowest tokens, lowest first.
    pub bottom: Vec<TokenValue>,
    /// All of them.
    pub histogram: Histogram,
}

/// A feature and how near it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearFeature {
    /// The feature.
    pub feature: FeatureId,
    /// Cosine of the decoder rows.
    pub cosine: f32,
}

/// What is asked of a feature besides its plain numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureQuestion {
    /// Tokens told of each end of a spread.
    pub n_tokens: usize,
    /// Whether the encoder is held against the embeddings.
    pub de_embedding: bool,
    /// Layers in which nearest features are looked for.
    pub nearest_in: Vec<usize>,
    /// Nearest features told of each layer.
    pub n_nearest: usize,
    /// Examples from the labels file, at most.
    #[serde(default)]
    pub n_examples: usize,
}

/// A feature's own numbers, which need no text. What needs a half that is not loaded is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureCard {
    /// The feature.
    pub feature: FeatureId,
    /// Features of its layer.
    pub n_features: usize,
    /// Norm of its column of `W_enc`.
    pub encoder_norm: Option<f32>,
    /// Norm of its row of `W_dec`.
    pub decoder_norm: Option<f32>,
    /// Cosine of the two.
    pub cosine: Option<f32>,
    /// Its entry of `b_enc`.
    pub b_enc: f32,
    /// Its threshold.
    pub threshold: f32,
    /// `W_dec[i] diag(1 + w_final) E^T`: what it adds to each token's logit, the direct path, without softcap and norm.
    pub logits: Option<TokenSpread>,
    /// `E W_enc[:, i]`: which tokens' embeddings it looks for.
    pub de_embedding: Option<TokenSpread>,
    /// Nearest features by decoder cosine, layer by layer, nearest first.
    pub nearest: Vec<NearFeature>,
    /// What is known of it from data, where a labels file has been read.
    #[serde(default)]
    pub label: Option<Label>,
    /// What the visitor calls it.
    #[serde(default)]
    pub yours: Option<String>,
    /// Where it fires most, from the same file.
    #[serde(default)]
    pub examples: Vec<Example>,
}

impl fmt::Display for DensePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pre => "pre",
            Self::Acts => "acts",
            Self::Out => "out",
        })
    }
}

impl FromStr for DensePart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pre" => Ok(Self::Pre),
            "acts" => Ok(Self::Acts),
            "out" => Ok(Self::Out),
            _ => Err(format!("unknown part `{text}`; there are: pre, acts, out")),
        }
    }
}
