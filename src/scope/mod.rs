//! Activations -> sparse features, reconstructions, errors, metrics, interventions. Leaves graphs and views to other rooms.

mod card;
mod error;
mod eye;
mod features;
mod labels;
mod lists;
mod load;
mod metrics;
mod plan;
mod run;
mod shelf;
mod steering;

pub use card::{Card, Spread};
pub use error::ScopeError;
pub use eye::{Dense, Task};
pub use features::{Active, Changed, Features, side_by_side};
pub use labels::{Labels, LabelsError, MAX_LABELS_BYTES};
pub use load::Scope;
pub use metrics::Sums;
pub use plan::{Wanted, plan};
pub use run::{Prompt, Variation};
pub use steering::{Steer, Steering};
