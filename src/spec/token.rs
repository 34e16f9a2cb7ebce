//! Tokens and their probabilities, as they are told.

use serde::{Deserialize, Serialize};

/// A token's part of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// The token.
    pub id: u32,
    /// The text that it stands for; empty without a tokenizer.
    pub piece: String,
    /// Its logit, after the softcap.
    pub logit: f32,
    /// Its probability.
    pub probability: f32,
}

/// A token of a prompt or of a continuation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The text that it stands for (`spec::visible` makes marks for what can't be seen); empty without a tokenizer.
    pub piece: String,
    /// Byte offsets into the prompt, if it came from one.
    pub bytes: Option<(usize, usize)>,
    /// Whether it is special (BOS, EOS, PAD and their like).
    pub special: bool,
}
