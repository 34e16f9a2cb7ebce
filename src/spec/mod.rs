//! Numbers, names and plain types that every room shares; leaves everything that runs to the others.

mod bytes;
mod config;
mod dtype;
pub mod gemma;
mod packing;
mod plan;
mod positions;
mod precision;
mod registry;
mod sampling;
mod site;
mod speed;
mod token;
mod visible;
mod write;

pub use bytes::Bytes;
pub use config::{Config, ConfigError};
pub use dtype::DType;
pub use packing::Packing;
pub use plan::Plan;
pub use positions::{Positions, PositionsError};
pub use precision::Precision;
pub use registry::{Matrix, Norm, TensorName, TensorSpec, registry};
pub use sampling::Sampling;
pub use site::{Site, SiteError};
pub use speed::Speed;
pub use token::{Probability, Token};
pub use visible::visible;
pub use write::{Change, Write};
