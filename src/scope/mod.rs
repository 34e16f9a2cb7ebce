//! Activations -> sparse features, reconstructions, errors, metrics, interventions. Leaves graphs and views to other rooms.

mod card;
mod error;
mod eye;
mod features;
mod hosted;
mod label_columns;
mod label_search;
mod labels;
mod labels_import;
mod labels_json;
#[cfg(test)]
mod labels_tests;
mod labels_write;
mod lists;
mod load;
mod metrics;
mod own_labels;
mod plan;
mod run;
mod shelf;
mod steering;

pub use card::{Card, Spread};
pub use error::ScopeError;
pub use eye::{Dense, Task};
pub use features::{Active, Changed, Features, side_by_side};
pub use hosted::{HostedError, hosted_label};
pub use label_search::{LabelQuery, LabelSearch, feature_id};
pub use labels::{Labels, LabelsError, LabelsReader, MAX_LABELS_BYTES};
pub use labels_import::LabelsImport;
pub use labels_write::labels_file;
pub use load::Scope;
pub use metrics::Sums;
pub use own_labels::OwnLabels;
pub use plan::{Wanted, plan};
pub use run::{Prompt, Variation};
pub use steering::{Steer, Steering};
