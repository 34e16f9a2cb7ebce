//! A view as a link and back, and what else may be pasted in its place. Pure; leaves what is open, and opening it, to others.

mod bounds;
mod error;
mod features;
mod fit;
mod fragment;
mod neuronpedia;
mod notes;
mod packed;
mod pasted;
#[cfg(test)]
mod properties;
mod readable;
mod route;
mod source;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use error::LinkError;
pub(super) use fit::Limits;
pub(super) use fragment::{write, write_without_prompt};
pub(super) use neuronpedia::address_of_view;
pub(super) use pasted::read;
pub(super) use source::address as snapshot_address;
