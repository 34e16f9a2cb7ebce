//! Bytes that wait on the disk for their turn, and are gone afterwards.

use super::{Disk, DiskFile, LockGuard, Open, StoreError, names};
use crate::spec::Bytes;
use std::{ops::Range, rc::Rc};

/// Room for bytes that wait; taken away when it drops.
pub struct Scratch {
    disk: Rc<dyn Disk>,
    name: String,
    /// Both until it drops.
    held: Option<(Rc<dyn DiskFile>, LockGuard)>,
}

impl Scratch {
    pub(super) async fn open(
        disk: &Rc<dyn Disk>,
        name: &str,
        size_bytes: u64,
    ) -> Result<Self, StoreError> {
        names::check(name)?;
        let file_name = names::scratch(name);
        let Some(lock) = disk.lock(&file_name).await? else {
            return Err(StoreError::Busy { key: name.into() });
        };
        disk.remove(&file_name).await?;
        let file = disk.open(&file_name, Open::Write).await?;
        // Made before the room is taken, so that it is taken away again when there is none.
        let this = Self {
            disk: disk.clone(),
            name: file_name,
            held: Some((file, lock)),
        };
        this.file()?.truncate(size_bytes).await?;
        Ok(this)
    }

    /// Writes bytes at a place.
    ///
    /// Errors: those of the disk.
    pub async fn write(&self, at: u64, bytes: &Bytes) -> Result<(), StoreError> {
        self.file()?.write(at, bytes).await
    }

    /// Reads a range back.
    ///
    /// Errors: [`StoreError::Range`] beyond the end; those of the disk.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.file()?.read(range).await
    }

    fn file(&self) -> Result<&dyn DiskFile, StoreError> {
        let file = self.held.as_ref().map(|it| &*it.0);
        file.ok_or_else(|| StoreError::Missing {
            file: self.name.clone(),
            place: self.disk.name(),
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some((file, lock)) = self.held.take() {
            drop(file);
            self.disk.discard(&self.name, lock);
        }
    }
}
