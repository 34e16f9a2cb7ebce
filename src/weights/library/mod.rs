//! Sets of a hub -> packed parts in the store, and back: the driver between the network, packing and what is kept. Knows no GPU and
//! no prompts.

mod claim;
mod control;
mod copies;
mod documents;
mod fetching;
mod folder;
mod handed;
mod hasher;
mod heads;
mod keeper;
mod kept;
mod kept_source;
mod known;
mod list;
mod lower;
mod manifest;
mod manifest_make;
pub mod meta;
pub mod names;
mod notes;
mod opening;
mod order;
pub mod price;
mod proof;
mod queue;
mod remove;
pub mod resolve;
mod select;
mod settle;
mod spill;
mod supply;
mod take;
mod tell;
mod trouble;
mod verify;
mod work;
mod workers;

pub use control::FetchControl;
pub use handed::Handed;
pub use keeper::Library;
pub use kept::KeptSet;
pub use lower::{Higher, Raw};
pub use manifest::{Manifest, ManifestFile};
pub use opening::opening_trust;
pub use trouble::LibraryError;
