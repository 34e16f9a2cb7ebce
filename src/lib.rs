//! Gemscope: a microscope for a language model that runs on the visitor's own GPU.
//!
//! The modules stand in the order in which data travels; reading this list is reading the architecture.
//! Nothing points upwards: the only way back is a [`session::protocol::Command`].

#[cfg(feature = "engine")]
pub mod sys;

pub mod spec;

#[cfg(feature = "engine")]
pub mod hub;

#[cfg(feature = "engine")]
pub mod store;

#[cfg(feature = "engine")]
pub mod weights;

#[cfg(feature = "engine")]
pub mod gpu;

#[cfg(feature = "engine")]
pub mod ops;

#[cfg(feature = "engine")]
pub mod model;

#[cfg(feature = "engine")]
pub mod scope;

pub mod session;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(feature = "page")]
pub mod app;
