//! An address -> raw ranges of bytes. Leaves tensors, the GPU and what is kept to other rooms.

mod error;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(any(test, target_arch = "wasm32"))]
mod listing;
mod memory;
mod path;
#[cfg(target_arch = "wasm32")]
mod served;
mod source;
#[cfg(not(target_arch = "wasm32"))]
mod walk;

pub use error::HubError;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::Folder;
pub use memory::Memory;
#[cfg(target_arch = "wasm32")]
pub use served::Served;
pub use source::{Source, check_range};
