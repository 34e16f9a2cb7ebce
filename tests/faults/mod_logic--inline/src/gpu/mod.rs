//! A module with a body.
mod player {}
