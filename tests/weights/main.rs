//! Checkpoints and transcoders: the synthetic ones against the Python formula, packing, and everything that can be wrong with one.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at what they did not expect"
)]
#![allow(
    clippy::single_range_in_vec_init,
    reason = "tiles are lists of ranges, often of one"
)]

mod bad_dictionary;
mod bad_input;
mod checkpoints;
mod copies;
mod dictionary;
mod kept;
mod kept_store;
mod lower;
mod manifests;
mod npz_files;
mod parts;
mod reading;
mod synth;
mod transcoders;
mod unpacking;
