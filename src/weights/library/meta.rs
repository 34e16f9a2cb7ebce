//! What is written beside what is kept, so that it can be used again and told from other things: what its content determines, never
//! where it came from.

use crate::{
    spec::{Packing, Part},
    weights::{PackedTensor, PartPlan},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of packing; what was packed by another one is begun anew.
const PACKING_VERSION: u32 = 1;

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Meta {
    /// A packed part, ready for upload.
    Part(PartMeta),
    /// Raw pieces of a part that wait to be proven.
    Spill(PartMeta),
    /// Bytes of a small file or of what this program notes; `seq` tells a newer one from an older one in the other place.
    Document {
        /// Counts versions.
        seq: u64,
    },
    /// A file of a visitor's, with what is noted of it.
    File {
        /// As of a document.
        seq: u64,
        /// What is noted.
        about: Value,
    },
}

/// A packed part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartMeta {
    /// The version of packing.
    pub version: u32,
    /// The id of its source.
    pub id: String,
    /// Which part.
    pub part: Part,
    /// How its matrices are packed.
    pub packing: Packing,
    /// Its tensors and where they lie.
    pub tensors: Vec<PackedTensor>,
}

impl Meta {
    /// Of a part of the source `id`.
    pub fn part(id: &str, plan: &PartPlan, packing: Packing) -> Self {
        Self::Part(PartMeta {
            version: PACKING_VERSION,
            id: id.into(),
            part: plan.part,
            packing,
            tensors: plan.tensors.clone(),
        })
    }

    /// As the store keeps it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("plain data with text as keys")
    }

    /// As the store gave it back; none for what this version did not write.
    pub fn of(value: &Value) -> Option<Self> {
        let it: Self = serde_json::from_value(value.clone()).ok()?;
        let version = match &it {
            Self::Part(it) | Self::Spill(it) => it.version,
            Self::Document { .. } | Self::File { .. } => PACKING_VERSION,
        };
        (version == PACKING_VERSION).then_some(it)
    }
}
