//! Ranges -> named packed tensors. Leaves the GPU and prompts to other rooms.

mod checkpoint;
mod convert;
mod error;
mod header;
mod index;
mod layout;
mod q8;
pub mod synth;
mod synthetic;

pub use checkpoint::Checkpoint;
pub use convert::pack;
pub use error::WeightsError;
pub use header::{Entry, Header};
pub use index::Index;
