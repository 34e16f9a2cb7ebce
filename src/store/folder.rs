//! A folder of the disk, natively.

use super::{
    Disk, DiskFile, Keeping, LockGuard, Open, StoreError,
    folder_file::{FolderFile, free_bytes},
};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

/// Where the locks are: files that are never removed, since a removed one could be locked twice.
const LOCKS: &str = ".locks";
/// Another program that only asks whether a lock is held holds it for a moment.
const LOCK_TRIES: u32 = 4;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A folder of the disk; made when something is first kept there.
#[derive(Clone, Debug)]
pub struct FolderDisk {
    path: PathBuf,
}

impl FolderDisk {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_now(&self, name: &str, how: Open) -> Result<Rc<dyn DiskFile>, StoreError> {
        let path = self.path.join(name);
        let mut options = File::options();
        options.read(true);
        let opened = match how {
            Open::Read => options.open(&path),
            Open::Write => fs::create_dir_all(&self.path)
                .and_then(|()| options.write(true).create(true).truncate(false).open(&path)),
        };
        let file = opened.map_err(|it| self.error(name, it))?;
        Ok(Rc::new(FolderFile::new(file, name, &self.path)))
    }

    fn remove_now(&self, name: &str) -> Result<(), StoreError> {
        match fs::remove_file(self.path.join(name)) {
            Err(it) if it.kind() == ErrorKind::NotFound => Ok(()),
            it => it
                .and_then(|()| flush_folder(&self.path))
                .map_err(|it| self.error(name, it)),
        }
    }

    fn list_now(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(&self.path) {
            Err(it) if it.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            it => it?,
        };
        let mut out = Vec::new();
        for entry in entries {
            let entry = entry?;
            // One that another program removes meanwhile, or that is not a file, is not listed.
            if let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata())
                && metadata.is_file()
            {
                out.push((name, metadata.len()));
            }
        }
        out.sort();
        Ok(out)
    }

    fn lock_now(&self, name: &str) -> io::Result<Option<File>> {
        let folder = self.path.join(LOCKS);
        fs::create_dir_all(&folder)?;
        let mut options = File::options();
        let file = (options.write(true).create(true).truncate(false)).open(folder.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(it)) => Err(it),
        }
    }

    fn lock_soon(&self, name: &str) -> Result<Option<LockGuard>, StoreError> {
        for n in 0..LOCK_TRIES {
            if n > 0 {
                std::thread::sleep(LOCK_PAUSE);
            }
            let file = self.lock_now(name).map_err(|it| self.error(name, it))?;
            if let Some(file) = file {
                return Ok(Some(LockGuard::new(move || drop(file))));
            }
        }
        Ok(None)
    }

    fn is_locked_now(&self, name: &str) -> Result<bool, StoreError> {
        if !self.path.join(LOCKS).join(name).exists() {
            return Ok(false);
        }
        let file = self.lock_now(name).map_err(|it| self.error(name, it))?;
        Ok(file.is_none())
    }

    fn error(&self, file: &str, source: io::Error) -> StoreError {
        match source.kind() {
            ErrorKind::NotFound => StoreError::Missing {
                file: file.into(),
                place: self.name(),
            },
            _ => StoreError::Io {
                file: file.into(),
                source,
            },
        }
    }
}

impl Disk for FolderDisk {
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>> {
        future::ready(self.open_now(name, how)).boxed_local()
    }

    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.remove_now(name)).boxed_local()
    }

    fn discard(&self, name: &str, lock: LockGuard) {
        // What stays is taken away when the store is opened next.
        let _ = self.remove_now(name);
        drop(lock);
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        let list = self.list_now();
        future::ready(list.map_err(|it| self.error(&self.name(), it))).boxed_local()
    }

    fn lock(&self, name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>> {
        future::ready(self.lock_soon(name)).boxed_local()
    }

    fn is_locked(&self, name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>> {
        future::ready(self.is_locked_now(name)).boxed_local()
    }

    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>> {
        future::ready(free_bytes(&self.path)).boxed_local()
    }

    fn keep(&self) -> LocalBoxFuture<'_, Keeping> {
        future::ready(Keeping::Sure).boxed_local()
    }

    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>> {
        let inside: Rc<dyn Disk> = Rc::new(Self::new(self.path.join(name)));
        future::ready(Ok(inside)).boxed_local()
    }

    fn name(&self) -> String {
        format!("the folder {}", self.path.display())
    }
}

/// Waits until the names in a folder survive a crash, where the system has a way to say so.
pub(super) fn flush_folder(path: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(path)?.sync_all(),
        false => Ok(()),
    }
}
