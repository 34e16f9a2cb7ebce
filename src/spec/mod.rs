//! Numbers, names and plain types that every room shares; leaves everything that runs to the others.

mod answer;
mod bytes;
mod config;
mod dictionary;
mod dtype;
mod endpoint;
mod feature;
mod fetch;
mod file_name;
pub mod gemma;
mod hosts;
mod intervention;
mod labels;
mod metrics;
mod open;
mod opening;
mod packing;
mod part;
mod plan;
mod positions;
mod precision;
mod readiness;
mod registry;
mod repo;
mod sampling;
mod site;
mod speed;
mod state;
mod stored;
mod token;
mod transcoder_set;
mod trust;
mod visible;
mod write;

pub use answer::{
    Applied, Array, DensePart, Distribution, FeatureCard, FeatureQuestion, Histogram, NearFeature,
    TokenSpread, TokenValue,
};
pub use bytes::Bytes;
pub use config::{Config, ConfigError};
pub use dictionary::{Dictionary, DictionaryArray, Half};
pub use dtype::DType;
pub use endpoint::Endpoint;
pub use feature::{FeatureError, FeatureId};
pub use fetch::{
    FetchFile, FetchFrom, FetchPhase, FetchPlan, FetchProgress, FetchRequest, FetchTold, FetchWait,
    Fetched, PinnedRepo, TranscoderVariant,
};
pub use file_name::file_name_parts;
pub use hosts::{Host, HostTable, OriginPattern};
pub use intervention::{Intervention, InterventionError, Mode, Operation};
pub use labels::{Example, Label};
pub use metrics::{Splice, SpliceMetrics};
pub use open::{ModelRef, OpenRequest, TranscoderRef, TranscoderRequest};
pub use opening::{OPENING, OpeningPrompt, opening_ids};
pub use packing::{Layout, Packing};
pub use part::Part;
pub use plan::{Plan, ScopePlan};
pub use positions::{Positions, PositionsError};
pub use precision::Precision;
pub use readiness::{Reached, Readiness};
pub use registry::{Matrix, Norm, TensorName, TensorSpec, registry};
pub use repo::{AddressError, MAIN, RepoName, RepoRef};
pub use sampling::Sampling;
pub use site::{Site, SiteError};
pub use speed::Speed;
pub use state::{EngineState, Failure};
pub use stored::{
    Copied, Damage, StoredKeeping, StoredList, StoredPart, StoredSelection, StoredSource, Verified,
};
pub use token::{Probability, Token};
pub use transcoder_set::{HubFile, TranscoderSet, TranscoderSetError};
pub use trust::Trust;
pub use visible::visible;
pub use write::{Change, Write};
