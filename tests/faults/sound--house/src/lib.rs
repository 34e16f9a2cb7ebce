//! A house where all is well.
pub mod sys;
#[cfg(feature = "engine")]
pub mod spec;
pub mod gpu;
pub mod session;
