//! A prompt as it is given: as text, or as tokens.

use serde::{Deserialize, Serialize};

/// A prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// As typed; one BOS is put before it.
    Text(String),
    /// As tokens, BOS included.
    Ids(Vec<u32>),
}
