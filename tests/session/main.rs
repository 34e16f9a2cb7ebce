//! Commands to events, on the synthetic `nano`: the whole engine without a page. Needs an adapter, except where said.
#![cfg(feature = "engine")]

mod bad_input;
mod commands;
mod common;
mod faults;
