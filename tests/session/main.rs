//! Commands to events, on the synthetic `nano`: the whole engine without a page. Needs an adapter, except where said.
#![cfg(feature = "engine")]

mod asking;
mod bad_input;
mod commands;
mod documents;

mod faults;
mod label_files;
mod label_search;
mod labelled;
mod links;
mod priced;
mod scope;
mod scope_bad_input;
mod scope_faults;
mod scope_questions;
mod scoped;
mod tables;
