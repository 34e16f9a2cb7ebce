//! Events -> signals -> views. Knows the protocol only: no GPU, no tensors, no network.

mod ids;
#[cfg(target_arch = "wasm32")]
mod link;
mod norms;
mod panels;
mod screen;
mod speeds;
mod supervisor;
mod view;

#[cfg(target_arch = "wasm32")]
pub use link::{Link, engine_name, has_webgpu};
pub use screen::{Engine, Request, Screen, State};
pub use supervisor::{Action, Supervisor};
pub use view::{Doings, Page};
