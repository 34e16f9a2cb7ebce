//! How the engine is, and why something could not be done: plain words for whoever listens.

use serde::{Deserialize, Serialize};

/// Why a command could not be done, in the visitor's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong, naming the thing.
    pub what: String,
    /// What can be done about it.
    pub remedy: String,
    /// The chain of causes, for a report.
    pub detail: String,
}

/// The engine's own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineState {
    /// It takes commands.
    Ready,
    /// WebGPU has no adapter here: no model can be opened, and what needs none goes on.
    NoAdapter,
    /// The device is gone; the next command, or ResetGpu, takes a new one.
    DeviceLost {
        /// What the driver says.
        reason: String,
    },
    /// A new device is there and the model is loaded again.
    Recovered,
    /// The engine died (a trap, memory refused) and is not restarted.
    Dead {
        /// What is known.
        reason: String,
    },
    /// The engine died and is being restarted, once.
    Restarting {
        /// What is known.
        reason: String,
    },
}
