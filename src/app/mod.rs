//! Events -> signals -> views. Knows the protocol only: no GPU, no tensors, no network.

mod ids;
#[cfg(target_arch = "wasm32")]
mod link;
mod norms;
mod options;
mod panels;
mod record;
mod screen;
mod selection;
mod speeds;
mod supervisor;
mod view;

#[cfg(target_arch = "wasm32")]
pub use link::{Link, engine_name, has_webgpu};
pub use options::{Group, Metric, Options, Sort, Theme};
pub use record::{Firing, Record};
pub use screen::{Engine, Request, Screen, State};
pub use selection::{Kept, N_PIN_COLOURS, Region, Selection, Spot};
pub use supervisor::{Action, Supervisor};
pub use view::{Doings, Page};
