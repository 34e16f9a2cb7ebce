//! A page that computes.
use gemscope::{app, model::Run};
