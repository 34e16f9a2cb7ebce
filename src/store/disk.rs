//! What every place that keeps files can do. Knows nothing of what the files mean.

use super::StoreError;
use crate::spec::Bytes;
use futures_util::future::LocalBoxFuture;
use std::{ops::Range, rc::Rc};

/// Where files are kept: a folder natively, a directory of the origin's own file system on the web, memory in tests.
///
/// File names are plain: no slashes. What was written is sure to survive a crash only after [`DiskFile::flush`].
pub trait Disk {
    /// Opens a file.
    ///
    /// Errors: [`StoreError::Missing`] when a file to read is not there; [`StoreError::Busy`] when another tab has it open to write.
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>>;

    /// Takes a file away; one that is not there is no error. Removals last in the order in which they are made.
    ///
    /// Errors: whatever kept the place from doing it.
    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>>;

    /// Takes a file away without waiting for it, then lets its lock go: for what is dropped.
    fn discard(&self, name: &str, lock: LockGuard);

    /// The files and their sizes, sorted by name.
    ///
    /// Errors: whatever kept the place from telling.
    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>>;

    /// Takes a lock, which is held until the guard drops or its tab or process dies; none when another one holds it.
    ///
    /// Errors: whatever kept the place from telling.
    fn lock(&self, name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>>;

    /// Whether anyone holds a lock.
    ///
    /// Errors: whatever kept the place from telling.
    fn is_locked(&self, name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>>;

    /// Bytes that may still fit: a hint to show, never to decide by. Browsers don't tell the truth here.
    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>>;

    /// Asks that the files may stay when the system wants room; never waits for a person's answer.
    fn keep(&self) -> LocalBoxFuture<'_, Keeping>;

    /// A folder inside this place; it need not be there yet.
    ///
    /// Errors: whatever kept the place from making it.
    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>>;

    /// What to call the place in messages.
    fn name(&self) -> String;
}

/// An open file.
pub trait DiskFile {
    /// Bytes of the file now.
    ///
    /// Errors: whatever kept the place from telling.
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>>;

    /// Cuts the file or makes it longer, with zeros, for which room is reserved.
    ///
    /// Errors: [`StoreError::NoRoom`] with what is missing; the file is as it was.
    fn truncate(&self, size_bytes: u64) -> LocalBoxFuture<'_, Result<(), StoreError>>;

    /// Writes all of the bytes.
    ///
    /// Errors: [`StoreError::NoRoom`]; whatever kept the place from writing. A part may have been written.
    fn write<'a>(&'a self, at: u64, bytes: &'a Bytes)
    -> LocalBoxFuture<'a, Result<(), StoreError>>;

    /// A range of the file: exactly as many bytes as asked; on the web they stay in the JavaScript heap.
    ///
    /// Errors: [`StoreError::Range`] beyond the end; whatever kept the place from reading.
    fn read(&self, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, StoreError>>;

    /// Waits until what was written survives a crash.
    ///
    /// Errors: whatever kept the place from it.
    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Open {
    /// To read what is there, also while another one writes it.
    Read,
    /// To read and write; made when it is not there.
    Write,
}

/// Whether the system may take the files away when it wants room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keeping {
    /// It won't.
    Sure,
    /// It may.
    AtRisk,
    /// A person is being asked.
    Asked,
}

/// Holds a lock until it drops.
pub struct LockGuard(Option<Box<dyn FnOnce()>>);

impl LockGuard {
    /// A guard that lets go by calling `release`.
    pub fn new(release: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

/// How many bytes a range of a file has, in memory's own measure.
///
/// Errors: [`StoreError::Range`] when it is reversed, beyond the end, or larger than an address space.
pub(super) fn check_range(
    file: &str,
    range: &Range<u64>,
    size_bytes: u64,
) -> Result<usize, StoreError> {
    let n_bytes = (range.end.checked_sub(range.start))
        .filter(|_| range.end <= size_bytes)
        .and_then(|it| usize::try_from(it).ok());
    n_bytes.ok_or_else(|| StoreError::Range {
        file: file.into(),
        wanted: range.clone(),
        size_bytes,
    })
}
