//! Files in memory: small checkpoints made by tests, or bytes that are at hand anyway.

use super::{HubError, Source, check_range, path};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{collections::BTreeMap, ops::Range};

/// A place whose files are kept in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// Puts a file there, in place of one of the same name.
    pub fn insert(&mut self, file: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(file.into(), bytes.into());
    }

    /// Takes a file away and gives it back.
    pub fn remove(&mut self, file: &str) -> Option<Vec<u8>> {
        self.files.remove(file)
    }

    /// A file's bytes, to look at or to change.
    pub fn get_mut(&mut self, file: &str) -> Option<&mut Vec<u8>> {
        self.files.get_mut(file)
    }

    fn file(&self, file: &str) -> Result<&[u8], HubError> {
        path::parts(file)?;
        let bytes = self.files.get(file).map(Vec::as_slice);
        bytes.ok_or_else(|| HubError::NotFound {
            file: file.into(),
            place: self.name(),
        })
    }

    fn range(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let bytes = self.file(file)?;
        let n_bytes = check_range(file, &range, bytes.len() as u64)?;
        let start = range.start as usize;
        Ok(bytes[start..start + n_bytes].to_vec().into())
    }
}

impl Source for Memory {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        future::ready(self.file(file).map(|it| it.len() as u64)).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        future::ready(self.range(file, range)).boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        future::ready(Ok(self.files.keys().cloned().collect())).boxed_local()
    }

    fn name(&self) -> String {
        "memory".into()
    }
}
