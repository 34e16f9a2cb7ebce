//! A room that the architecture does not have.
pub mod sys;
pub mod attic;
