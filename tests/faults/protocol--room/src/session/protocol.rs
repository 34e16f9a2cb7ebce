//! A protocol that knows the engine.
use crate::session::runs::Runs;
