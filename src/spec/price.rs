//! What a set costs before anything of it is fetched or opened, whether it fits, and what to choose instead, as plain data; who computes
//! it is `session`.

use super::{OpenRequest, Plan};
use serde::{Deserialize, Serialize};

/// What a set costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Where the sizes are from.
    pub basis: Basis,
    /// The model.
    pub model: Cost,
    /// The transcoders; nothing without them.
    pub transcoders: Cost,
    /// Both.
    pub total: Cost,
    /// Why nothing could be looked up in the store, where it can't be opened; everything then counts as not there.
    pub no_store: Option<String>,
    /// What it takes on the GPU; none where no plan is within the limits and the budget.
    pub gpu: Option<Plan>,
    /// What the device allows.
    pub limits: FitVerdict,
    /// What the budget allows, where [`OpenRequest::max_gpu_bytes`] sets one.
    pub budget: Option<FitVerdict>,
    /// What fits instead, where it does not fit or is paged.
    pub instead: Vec<Proposal>,
}

/// Where the sizes of a price are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Headers that are kept, or that lie where the set is opened from.
    Headers,
    /// In part the sizes that the publisher's files of these names have, since nothing was asked yet. Nothing is requested for it. The
    /// lengths of headers, some tens of kB, may be off.
    Published,
}

/// Bytes of a set or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Still to come from the network, headers, lists and the tokenizer not counted. Of a folder, what is read of it.
    pub download_bytes: u64,
    /// In the store once it is whole; nothing of what is not kept there.
    pub disk_bytes: u64,
    /// Of these, there already.
    pub kept_bytes: u64,
}

/// How something fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// All of it.
    Whole,
    /// With weights that are paged in, layer by layer: slower, the same numbers.
    Paged,
    /// Not at all.
    No,
    /// There is nothing that could tell.
    Unknown,
}

/// How something fits, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitVerdict {
    /// How.
    pub fit: Fit,
    /// The reason, in the visitor's words.
    pub why: String,
}

/// What fits instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// What is chosen otherwise.
    pub how: Choose,
    /// In the visitor's words.
    pub what: String,
    /// The set, to be opened or priced as it is.
    pub set: OpenRequest,
    /// What it takes on the GPU.
    pub gpu_bytes: u64,
}

/// What a proposal chooses otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choose {
    /// A lower precision.
    Precision,
    /// Transcoders of fewer layers, or none.
    Layers,
    /// A budget under which weights are paged in.
    Paging,
}

/// What came of trying a set's bytes on the GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Whether all of them were granted, written and had back.
    pub fits: bool,
    /// What failed, or what was tried, in the visitor's words.
    pub why: String,
    /// What the set takes.
    pub plan: Plan,
    /// Bytes that what is open holds meanwhile; they become free when the set is opened, and were not taken again.
    pub held_bytes: u64,
    /// Bytes that were to be taken besides.
    pub tried_bytes: u64,
    /// Bytes that were granted of these.
    pub granted_bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// What fits into what was granted, where the set does not.
    pub instead: Vec<Proposal>,
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            download_bytes: self.download_bytes + other.download_bytes,
            disk_bytes: self.disk_bytes + other.disk_bytes,
            kept_bytes: self.kept_bytes + other.kept_bytes,
        }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |all, it| all + it)
    }
}
