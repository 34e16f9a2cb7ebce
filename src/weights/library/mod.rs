//! Sets of a hub -> packed parts in the store, and back: the driver between the network, packing and what is kept. Knows no GPU and
//! no prompts.

mod control;
mod fetching;
mod folder;
mod keeper;
mod kept;
mod manifest;
pub mod meta;
pub mod names;
mod supply;

pub use control::FetchControl;
pub use keeper::Library;
pub use kept::KeptSet;
pub use manifest::Manifest;
