//! A dictionary as data: the site it reads, the site it predicts, five arrays. Leaves where its bytes are to `weights`.

use super::Site;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Sites and sizes of a sparse dictionary: of a transcoder, where the two sites differ, or of an autoencoder, where they don't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dictionary {
    /// The layer of both sites.
    pub layer: usize,
    /// What its encoder reads.
    pub reads: Site,
    /// What its decoder predicts.
    pub predicts: Site,
    /// Width of what is read.
    pub d_in: usize,
    /// Width of what is predicted.
    pub d_out: usize,
    /// Features.
    pub d_transcoder: usize,
}

/// One of the five arrays. Source: google/gemma-scope-2b-pt-transcoders, params.npz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DictionaryArray {
    /// `[d_in, d_transcoder]` in an npz: a column is a feature.
    WEnc,
    /// `[d_transcoder]`, added to what the encoder makes.
    BEnc,
    /// `[d_transcoder]`: a feature is active where its pre-activation is above this.
    Threshold,
    /// `[d_transcoder, d_out]`: a row is a feature.
    WDec,
    /// `[d_out]`, added to what the decoder makes.
    BDec,
}

/// The halves of a dictionary, each of use without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// `W_enc`, `b_enc`, `threshold`: which features are active.
    Encoder,
    /// `W_dec`, `b_dec`: what they add up to.
    Decoder,
}

impl Dictionary {
    /// The per-layer transcoder of Gemma Scope: reads the normalised stream without the gain, predicts what the MLP adds to it.
    ///
    /// Source: circuit-tracer `config.yaml` of the set, `feature_input_hook` and `feature_output_hook`.
    pub fn transcoder(layer: usize, d_model: usize, d_transcoder: usize) -> Self {
        Self {
            layer,
            reads: Site::Ln2Normalized(layer),
            predicts: Site::MlpOut(layer),
            d_in: d_model,
            d_out: d_model,
            d_transcoder,
        }
    }
}

impl DictionaryArray {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self::WEnc,
        Self::BEnc,
        Self::Threshold,
        Self::WDec,
        Self::BDec,
    ];

    /// Its name in an npz, and in our messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WEnc => "W_enc",
            Self::BEnc => "b_enc",
            Self::Threshold => "threshold",
            Self::WDec => "W_dec",
            Self::BDec => "b_dec",
        }
    }
}

impl fmt::Display for DictionaryArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoder => "encoder",
            Self::Decoder => "decoder",
        })
    }
}
