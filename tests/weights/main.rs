//! Checkpoints: the synthetic ones against the Python formula, packing, and everything that can be wrong with one.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at what they did not expect"
)]

mod bad_input;
mod checkpoints;
mod reading;
mod synth;
