//! `Command` -> stream of `Event`: plain data in the visitor's words; owns the map of runs. Leaves drawing and terminals to others.
//!
//! An [`Engine`] is an actor. Whoever uses it posts [`protocol::Command`]s into its [`Inbox`] from any thread or task and gets
//! [`Message`]s back through the sink that was given at the start. It executes one command at a time on its own thread (natively,
//! see [`Client`]) or in its own worker (on the web, see `src/bin/engine.rs`).
//!
//! * Every command ends with exactly one of `Done`, `Failed` and `Cancelled`; what comes before is numbered by `seq`.
//! * `Cancel` takes effect when it is posted: a waiting command never runs, a running one stops at its next submit.
//! * `Hello`, `Open`, `Close` and `ResetGpu` keep their place; between two of them an `Ask` overtakes a `Run`, and both the rest.
//! * A `Run` is named by what went into it, so asking twice computes once. Runs are forgotten by themselves, least recently used first.
//! * A lost device is replaced, the model loaded again and the command tried again, once; what the page sees is two `State` events.

#[cfg(feature = "engine")]
mod ask;
#[cfg(feature = "engine")]
mod bell;
#[cfg(feature = "engine")]
mod bench;
#[cfg(feature = "engine")]
mod captures;
#[cfg(all(feature = "engine", not(target_arch = "wasm32")))]
mod client;
#[cfg(feature = "engine")]
mod courier;
#[cfg(feature = "engine")]
mod derive;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod failure;
#[cfg(feature = "engine")]
mod inbox;
#[cfg(feature = "engine")]
mod listed;
#[cfg(feature = "engine")]
mod look;
#[cfg(feature = "engine")]
mod measure;
#[cfg(feature = "engine")]
mod open;
#[cfg(feature = "engine")]
mod outbox;
pub mod protocol;
#[cfg(feature = "engine")]
mod recipe;
#[cfg(feature = "engine")]
mod requests;
#[cfg(feature = "engine")]
mod runs;
#[cfg(feature = "engine")]
mod trouble;
#[cfg(feature = "engine")]
mod words;

#[cfg(all(feature = "engine", not(target_arch = "wasm32")))]
pub use client::{Client, Told};
#[cfg(feature = "engine")]
pub use engine::{Engine, EngineOptions};
#[cfg(feature = "engine")]
pub use inbox::Inbox;
#[cfg(feature = "engine")]
pub use outbox::{Message, Outbox};
