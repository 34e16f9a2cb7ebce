//! The presets of precision in which weights are kept on the GPU.

use super::Packing;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How weights are kept. Accumulation is f32 in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 model, bit for bit; f32 dictionaries, bit for bit.
    #[default]
    Reference,
    /// bf16 model, bit for bit; f16 dictionaries.
    Precise,
    /// 8 bit in blocks of 32 along the contracted dimension, with f16 scales, both.
    Compact,
}

impl Precision {
    /// How the model's matrices are packed.
    pub const fn of_model(self) -> Packing {
        match self {
            Self::Reference | Self::Precise => Packing::Bf16,
            Self::Compact => Packing::Q8,
        }
    }

    /// How encoders and decoders are packed.
    pub const fn of_dictionaries(self) -> Packing {
        match self {
            Self::Reference => Packing::F32,
            Self::Precise => Packing::F16,
            Self::Compact => Packing::Q8,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Precise => "precise",
            Self::Compact => "compact",
        })
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "reference" => Ok(Self::Reference),
            "precise" => Ok(Self::Precise),
            "compact" => Ok(Self::Compact),
            _ => Err(format!(
                "unknown precision `{text}`; there are: reference, precise, compact"
            )),
        }
    }
}
