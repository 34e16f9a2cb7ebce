//! What is there of a set, as far as it has arrived: a checkpoint and transcoders over the store. Requests nothing.

use super::Library;
use crate::{
    spec::{OpenRequest, Part},
    weights::{Checkpoint, DictionaryFile, WeightsError},
};
use std::{collections::BTreeMap, rc::Rc};

/// What is there of a set.
pub struct KeptSet {
    /// The model; rows that have not arrived are not there.
    pub checkpoint: Rc<Checkpoint>,
    /// The transcoders whose vectors have arrived, by layers.
    pub dictionaries: BTreeMap<usize, Rc<DictionaryFile>>,
}

impl Library {
    /// From the store alone, without a request: what is there of a set, as far as it has arrived.
    ///
    /// Errors: [`WeightsError::NotAHub`]; [`WeightsError::NotKept`] as long as the model's headers are not there; those of the store.
    pub async fn kept(&self, _set: &OpenRequest) -> Result<KeptSet, WeightsError> {
        unimplemented!()
    }
}

impl KeptSet {
    /// Takes up parts that have become whole since; which.
    ///
    /// Errors: those of the store.
    pub async fn refresh(&mut self) -> Result<Vec<Part>, WeightsError> {
        unimplemented!()
    }

    /// Parts that are not there, in the order of use.
    pub fn missing(&self) -> Vec<Part> {
        unimplemented!()
    }

    /// Whether all parts are there.
    pub fn is_whole(&self) -> bool {
        self.missing().is_empty()
    }
}
