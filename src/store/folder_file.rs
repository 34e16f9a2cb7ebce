//! An open file of a folder of the disk.

use super::{DiskFile, StoreError, disk::check_range, folder::flush_folder};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    cell::Cell,
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};

/// A file and the folder that it lies in.
pub(super) struct FolderFile {
    file: File,
    name: String,
    folder: PathBuf,
    /// Whether the file's name is known to survive a crash.
    named: Cell<bool>,
}

impl FolderFile {
    pub fn new(file: File, name: &str, folder: &Path) -> Self {
        Self {
            file,
            name: name.into(),
            folder: folder.into(),
            named: Cell::new(false),
        }
    }

    fn size_now(&self) -> Result<u64, StoreError> {
        let metadata = self.file.metadata();
        metadata.map(|it| it.len()).map_err(|it| self.error(it, 0))
    }

    /// Asked first, since a file system may fill the whole disk for a moment before it finds that it is not enough.
    fn truncate_now(&self, size_bytes: u64) -> Result<(), StoreError> {
        let before_bytes = self.size_now()?;
        let more_bytes = size_bytes.saturating_sub(before_bytes);
        let free_bytes = free_bytes(&self.folder).unwrap_or(u64::MAX);
        if more_bytes > free_bytes {
            return Err(self.error(ErrorKind::StorageFull.into(), more_bytes - free_bytes));
        }
        let done = match more_bytes > 0 {
            true => reserve(&self.file, size_bytes),
            false => self.file.set_len(size_bytes),
        };
        done.map_err(|it| {
            // What was reserved before the room ended is given back; that it fails changes nothing about the error.
            let _ = self.file.set_len(before_bytes);
            self.error(it, more_bytes)
        })
    }

    fn write_now(&self, at: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let Bytes::Vec(bytes) = bytes;
        let mut file = &self.file;
        let mut written = 0;
        let done = file.seek(SeekFrom::Start(at)).and_then(|_| {
            while written < bytes.len() {
                match file.write(&bytes[written..]) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(n_bytes) => written += n_bytes,
                    Err(it) if it.kind() == ErrorKind::Interrupted => (),
                    Err(it) => return Err(it),
                }
            }
            Ok(())
        });
        done.map_err(|it| self.error(it, (bytes.len() - written) as u64))
    }

    fn read_now(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let n_bytes = check_range(&self.name, &range, self.size_now()?)?;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(n_bytes);
        room.map_err(|_| StoreError::Memory {
            file: self.name.clone(),
            size_bytes: n_bytes as u64,
        })?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.take(n_bytes as u64).read_to_end(&mut bytes))
            .map_err(|it| self.error(it, 0))?;
        if bytes.len() == n_bytes {
            return Ok(bytes.into());
        }
        Err(StoreError::Length {
            file: self.name.clone(),
            wanted_bytes: n_bytes as u64,
            got_bytes: bytes.len() as u64,
        })
    }

    fn flush_now(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|it| self.error(it, 0))?;
        if !self.named.replace(true) {
            flush_folder(&self.folder).map_err(|it| self.error(it, 0))?;
        }
        Ok(())
    }

    fn error(&self, source: io::Error, missing_bytes: u64) -> StoreError {
        let file = self.name.clone();
        match source.kind() {
            ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::WriteZero => StoreError::NoRoom {
                file,
                place: format!("the folder {}", self.folder.display()),
                missing_bytes,
            },
            _ => StoreError::Io { file, source },
        }
    }
}

impl DiskFile for FolderFile {
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>> {
        future::ready(self.size_now()).boxed_local()
    }

    fn truncate(&self, size_bytes: u64) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.truncate_now(size_bytes)).boxed_local()
    }

    fn write<'a>(
        &'a self,
        at: u64,
        bytes: &'a Bytes,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        future::ready(self.write_now(at, bytes)).boxed_local()
    }

    fn read(&self, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, StoreError>> {
        future::ready(self.read_now(range)).boxed_local()
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.flush_now()).boxed_local()
    }
}

/// What is free on the disk of a folder, which may not be there yet.
#[cfg(unix)]
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|it| it.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Makes a file longer and takes the room for it, where the file system can.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn reserve(file: &File, size_bytes: u64) -> io::Result<()> {
    use rustix::{fs::FallocateFlags, io::Errno};
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size_bytes) {
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => file.set_len(size_bytes),
        it => it.map_err(io::Error::from),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn reserve(file: &File, size_bytes: u64) -> io::Result<()> {
    file.set_len(size_bytes)
}
