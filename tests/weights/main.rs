//! Checkpoints: the synthetic ones against the Python formula, packing, and everything that can be wrong with one.

mod bad_input;
mod checkpoints;
mod reading;
mod synth;
