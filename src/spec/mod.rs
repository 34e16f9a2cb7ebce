//! Numbers, names and plain types that every room shares; leaves everything that runs to the others.

mod answer;
mod bytes;
mod check;
mod config;
mod dictionary;
mod document;
mod dtype;
mod endpoint;
mod feature;
mod fetch;
mod file_name;
pub mod gemma;
mod hosts;
mod input;
mod intervention;
mod labels;
mod link_model;
mod metrics;
pub mod neuronpedia;
mod open;
mod opening;
mod packing;
mod part;
mod picture;
mod plan;
mod positions;
mod precision;
mod price;
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
mod view;
mod visible;
mod witness;
mod write;

pub use answer::{
    Applied, Array, DensePart, Distribution, FeatureCard, FeatureQuestion, Histogram, NearFeature,
    TokenSpread, TokenValue,
};
pub use bytes::Bytes;
pub use check::{CheckLine, Checked, FigureSet};
pub use config::{Config, ConfigError};
pub use dictionary::{Dictionary, DictionaryArray, Half};
pub use document::{DocumentForm, DocumentMade, DocumentWhat, Origin};
pub use dtype::DType;
pub use endpoint::Endpoint;
pub use feature::{FeatureError, FeatureId};
pub use fetch::{
    FetchFile, FetchFrom, FetchPhase, FetchPlan, FetchProgress, FetchRequest, FetchTold, FetchWait,
    Fetched, HandedFile, PinnedRepo, TranscoderVariant,
};
pub use file_name::file_name_parts;
pub use hosts::{Host, HostTable, OriginPattern, Serves};
pub use input::Input;
pub use intervention::{Intervention, InterventionError, Mode, Operation};
pub use labels::{
    Example, HostedLabel, Label, LabelConflict, LabelHit, LabelsAbout, LabelsFound, LabelsFrom,
    LabelsKept, LabelsOwn,
};
pub use link_model::{LinkModel, LinkModelError, LinkTranscoders};
pub use metrics::{Splice, SpliceMetrics};
pub use open::{ModelRef, OpenRequest, TranscoderRef, TranscoderRequest};
pub use opening::{OPENING, OpeningPrompt, opening_ids};
pub use packing::{Layout, Packing};
pub use part::Part;
pub use picture::{FAINTEST, MapMetric, MapPicture, map_colour, map_scale, map_shade};
pub use plan::{Plan, ScopePlan};
pub use positions::{Positions, PositionsError};
pub use precision::Precision;
pub use price::{Basis, Choose, Cost, Fit, FitVerdict, Price, Proposal, Trial};
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
pub use view::{
    EmbedFlags, LinkRead, LinkedIntervention, Links, MAX_LINK_INTERVENTIONS, MAX_LINK_PINS,
    MAX_LINK_PROMPT, MAX_SNAPSHOT_BYTES, MapWords, OwnLabel, Pin, Route, SnapshotAddress, View,
};
pub use visible::visible;
pub use witness::{MAX_WITNESS_ADAPTER, N_WITNESSED, Verdict, Witness, WitnessSent, Witnessed};
pub use write::{Change, Write};
