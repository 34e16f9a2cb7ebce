//! Checkpoints and transcoders: the synthetic ones against the Python formula, packing, and everything that can be wrong with one.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at what they did not expect"
)]

mod bad_dictionary;
mod bad_input;
mod checkpoints;
mod dictionary;
mod npz_files;
mod reading;
mod synth;
mod transcoders;
