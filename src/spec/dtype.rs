//! Element types of tensors in files and in what leaves the engine.

use serde::{Deserialize, Serialize};

/// An element type. Names are those of safetensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// The upper half of a 32-bit float.
    BF16,
    /// 32-bit signed integer.
    I32,
}

impl DType {
    /// Bytes of one element.
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// The type that a safetensors header names; none for those that no checkpoint of ours holds.
    pub fn from_safetensors(name: &str) -> Option<Self> {
        match name {
            "F32" => Some(Self::F32),
            "F16" => Some(Self::F16),
            "BF16" => Some(Self::BF16),
            "I32" => Some(Self::I32),
            _ => None,
        }
    }
}
