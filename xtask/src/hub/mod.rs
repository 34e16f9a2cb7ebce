//! The test Hub: behaves as the Hugging Face Hub does, and goes wrong on demand; it also tells of single features, as Neuronpedia does.
//!
//! On two sockets or in process, on the machine's clock or on one that a test moves. Nothing of the engine is in it.

mod address;
mod answer;
mod api;
mod ask;
mod clock;
pub mod command;
mod config;
mod content;
mod control;
mod cors;
mod data;
mod fault;
mod feature;
mod flow;
mod history;
mod log;
mod range;
mod repo;
mod rule;
mod running;
mod shared;

pub use axum::{
    body::{Body, Bytes},
    extract::Request,
    http,
    response::Response,
};
pub use clock::{Clock, Stuck, SystemClock, VirtualClock};
pub use config::{Config, Gate};
pub use content::{Altered, Content, DiskFile, Generated, sha256};
pub use fault::Fault;
pub use log::{Door, Entry, bytes_served_twice};
pub use repo::Repo;
pub use rule::Rule;
pub use running::Hub;
