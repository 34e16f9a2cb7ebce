//! The engine over the test Hub: sets fetched, steered, opened without a network, looked after; and the same on the command line.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too, which the lint does not see"
)]

mod arriving;
mod cli;
mod fetching;
mod handed;
mod hosted;
mod keeping;
mod labels;
mod world;
mod wrong;
