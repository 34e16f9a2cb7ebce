//! What every place that holds files can do: name its files, tell a file's size and read a range of it.

use super::HubError;
use crate::spec::Bytes;
use futures_util::future::LocalBoxFuture;
use std::ops::Range;

/// A place that holds files, read by ranges. Offsets are u64: files above 4 GiB work on 32-bit wasm.
///
/// File names are relative to the place, with `/` between folders; names that leave it are refused.
pub trait Source {
    /// Bytes of a file.
    ///
    /// Errors: [`HubError::NotFound`] where there is none; whatever kept the place from answering.
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>>;

    /// A range of a file: exactly as many bytes as asked.
    ///
    /// Errors: [`HubError::Range`] beyond the end; those of [`Source::size`].
    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>>;

    /// The names of all files of the place, sorted; hidden ones are left out.
    ///
    /// Errors: [`HubError::NoListing`] where the place can't tell; whatever kept it from answering.
    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>>;

    /// What to call the place in messages.
    fn name(&self) -> String;
}

/// How many bytes a range of a file has, in memory's own measure.
///
/// Errors: [`HubError::Range`] when it is reversed, beyond the end, or larger than an address space.
pub fn check_range(file: &str, range: &Range<u64>, size_bytes: u64) -> Result<usize, HubError> {
    let n_bytes = (range.end.checked_sub(range.start))
        .filter(|_| range.end <= size_bytes)
        .and_then(|it| usize::try_from(it).ok());
    n_bytes.ok_or_else(|| HubError::Range {
        file: file.into(),
        wanted: range.clone(),
        size_bytes,
    })
}
