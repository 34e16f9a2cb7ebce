//! sha256 of pieces of files, by name and range: what pieces are compared with as they come.

use crate::{hub::Source, weights::WeightsError};
use std::ops::Range;

/// sha256 of pieces of files, by name and range.
pub struct Manifest(());

impl Manifest {
    /// Reads one.
    ///
    /// Errors: [`WeightsError::Manifest`].
    pub fn parse(_text: &[u8]) -> Result<Self, WeightsError> {
        unimplemented!()
    }

    /// Writes it.
    pub fn to_json(&self) -> String {
        unimplemented!()
    }

    /// What a piece of a file must hash to, if it stands here.
    pub fn of(&self, _file: &str, _range: &Range<u64>) -> Option<[u8; 32]> {
        unimplemented!()
    }

    /// Makes one of a folder with a model or with transcoders; `on` gets the bytes that were read and how many there are.
    ///
    /// Errors: what is wrong with the files.
    pub async fn make(
        _source: &dyn Source,
        _on: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, WeightsError> {
        unimplemented!()
    }
}
