//! The library: what is published, fetched into the store, and what is there of it.

mod lower;
mod manifest;
mod manifest_make;
mod opening;

pub use lower::{Higher, Raw};
pub use manifest::{Manifest, ManifestFile};
pub use opening::opening_trust;
