//! The presets of precision in which weights are kept on the GPU.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How weights are kept. Accumulation is f32 in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 model, bit for bit.
    #[default]
    Reference,
    /// 8 bit in blocks of 32 along the contracted dimension, with f16 scales.
    Compact,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Compact => "compact",
        })
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "reference" => Ok(Self::Reference),
            "compact" => Ok(Self::Compact),
            _ => Err(format!(
                "unknown precision `{text}`; there are: reference, compact"
            )),
        }
    }
}
