//! Numbers, names and plain types that every room shares; leaves everything that runs to the others.

mod bytes;
mod config;
mod dtype;
pub mod gemma;
mod positions;
mod precision;
mod registry;
mod site;

pub use bytes::Bytes;
pub use config::{Config, ConfigError};
pub use dtype::DType;
pub use positions::{Positions, PositionsError};
pub use precision::Precision;
pub use registry::{Matrix, Norm, TensorName, TensorSpec, registry};
pub use site::{Site, SiteError};
