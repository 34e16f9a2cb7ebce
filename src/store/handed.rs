//! A folder of the disk that the page has handed over, or files that were chosen there: what is exported to and imported from.
//!
//! Unlike the origin's own files, what is written to such a file is there only once it was flushed.

use super::{
    Disk, DiskFile, Keeping, LockGuard, Open, OpfsDisk, StoreError,
    disk::check_range,
    handed_file::WrittenFile,
    opfs_file::sliced,
    opfs_js::{self, get, waited},
};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{collections::BTreeMap, io, ops::Range, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions,
};

/// What to call either in messages.
pub(super) const PLACE: &str = "the folder that was chosen";

/// A folder that was handed over.
#[derive(Clone)]
pub struct HandedFolder {
    directory: FileSystemDirectoryHandle,
    /// The same, to be read.
    inner: OpfsDisk,
}

/// Files that were handed over, to be read alone.
#[derive(Clone, Default)]
pub struct HandedFiles {
    files: Rc<BTreeMap<String, File>>,
}

impl HandedFolder {
    /// The first folder among what was handed over, if there is one.
    pub fn among(handed: &[JsValue]) -> Option<Self> {
        let is_folder = |it: &&JsValue| {
            let kind = get(it, "kind").and_then(|it| it.as_string());
            kind.as_deref() == Some("directory")
        };
        let directory: &FileSystemDirectoryHandle = handed.iter().find(is_folder)?.unchecked_ref();
        Some(Self {
            directory: directory.clone(),
            inner: OpfsDisk::of(directory.clone()),
        })
    }

    /// Its files, as if each had been chosen.
    ///
    /// Errors: those of the folder.
    pub async fn chosen(&self) -> Result<Vec<JsValue>, StoreError> {
        let mut out = Vec::new();
        for (name, _) in self.inner.list().await? {
            let failed = |it: JsValue| opfs_js::error(&name, PLACE, 0, &it);
            let file = waited(self.directory.get_file_handle(&name).into()).await;
            let file: FileSystemFileHandle = file.map_err(failed)?.unchecked_into();
            out.push(waited(file.get_file().into()).await.map_err(failed)?);
        }
        Ok(out)
    }

    async fn to_write(&self, name: &str) -> Result<Rc<dyn DiskFile>, StoreError> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file = self.directory.get_file_handle_with_options(name, &options);
        let file = waited(file.into()).await;
        let file = file.map_err(|it| opfs_js::error(name, PLACE, 0, &it))?;
        let file: FileSystemFileHandle = file.unchecked_into();
        Ok(Rc::new(WrittenFile::new(name, file)))
    }
}

/// What a page would hand over of a directory of the origin's own, as if a person had chosen it: for tests, which can choose nothing.
///
/// Errors: those of that storage.
pub async fn hand_over(name: &str) -> Result<JsValue, StoreError> {
    let failed = |it: JsValue| opfs_js::error(name, PLACE, 0, &it);
    let storage = opfs_js::storage().ok_or(StoreError::NoOpfs)?;
    let above = opfs_js::call(&storage, "getDirectory", &[]).map_err(failed)?;
    let above: FileSystemDirectoryHandle = waited(above).await.map_err(failed)?.unchecked_into();
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    let inside = above.get_directory_handle_with_options(name, &options);
    waited(inside.into()).await.map_err(failed)
}

impl HandedFiles {
    /// The files among what was handed over, if there are any.
    pub fn among(handed: &[JsValue]) -> Option<Self> {
        let files = handed.iter().filter_map(|it| it.dyn_ref::<File>());
        let files: BTreeMap<_, _> = files.map(|it| (it.name(), it.clone())).collect();
        (!files.is_empty()).then(|| Self {
            files: Rc::new(files),
        })
    }

    fn open_now(&self, name: &str, how: Open) -> Result<Rc<dyn DiskFile>, StoreError> {
        match (self.files.get(name), how) {
            (_, Open::Write) => Err(read_only(name)),
            (None, _) => Err(StoreError::Missing {
                file: name.into(),
                place: self.name(),
            }),
            (Some(it), _) => Ok(Rc::new(ChosenFile(it.clone()))),
        }
    }
}

impl Disk for HandedFolder {
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>> {
        if how == Open::Read {
            return self.inner.open(name, how);
        }
        let name = name.to_string();
        async move { self.to_write(&name).await }.boxed_local()
    }

    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.inner.remove(name)
    }

    fn discard(&self, name: &str, lock: LockGuard) {
        self.inner.discard(name, lock);
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        self.inner.list()
    }

    fn lock(&self, _name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>> {
        free_lock()
    }

    fn is_locked(&self, _name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>> {
        future::ready(Ok(false)).boxed_local()
    }

    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>> {
        future::ready(None).boxed_local()
    }

    fn keep(&self) -> LocalBoxFuture<'_, Keeping> {
        future::ready(Keeping::Sure).boxed_local()
    }

    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>> {
        future::ready(Err(read_only(name))).boxed_local()
    }

    fn name(&self) -> String {
        PLACE.into()
    }
}

impl Disk for HandedFiles {
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>> {
        future::ready(self.open_now(name, how)).boxed_local()
    }

    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(Err(read_only(name))).boxed_local()
    }

    fn discard(&self, _name: &str, lock: LockGuard) {
        drop(lock);
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        let sizes = self.files.iter();
        let sizes = sizes.map(|(name, it)| (name.clone(), it.size() as u64));
        future::ready(Ok(sizes.collect())).boxed_local()
    }

    fn lock(&self, _name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>> {
        free_lock()
    }

    fn is_locked(&self, _name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>> {
        future::ready(Ok(false)).boxed_local()
    }

    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>> {
        future::ready(None).boxed_local()
    }

    fn keep(&self) -> LocalBoxFuture<'_, Keeping> {
        future::ready(Keeping::Sure).boxed_local()
    }

    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>> {
        future::ready(Err(read_only(name))).boxed_local()
    }

    fn name(&self) -> String {
        "the files that were chosen".into()
    }
}

/// Nobody else is at what was handed to this engine.
fn free_lock<'a>() -> LocalBoxFuture<'a, Result<Option<LockGuard>, StoreError>> {
    future::ready(Ok(Some(LockGuard::new(|| ())))).boxed_local()
}

/// A file of the disk that may be read.
struct ChosenFile(File);

impl ChosenFile {
    async fn read_now(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let name = self.0.name();
        check_range(&name, &range, self.0.size() as u64)?;
        let bytes = sliced(&self.0, &range).await;
        let bytes = bytes.map_err(|it| opfs_js::error(&name, PLACE, 0, &it))?;
        Ok(Bytes::Js(bytes))
    }

    fn refused(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(Err(read_only(&self.0.name()))).boxed_local()
    }
}

impl DiskFile for ChosenFile {
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>> {
        future::ready(Ok(self.0.size() as u64)).boxed_local()
    }

    fn truncate(&self, _size_bytes: u64) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.refused()
    }

    fn write<'a>(
        &'a self,
        _at: u64,
        _bytes: &'a Bytes,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        self.refused()
    }

    fn read(&self, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, StoreError>> {
        self.read_now(range).boxed_local()
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.refused()
    }
}

fn read_only(file: &str) -> StoreError {
    StoreError::Io {
        file: file.into(),
        source: io::Error::other("it was handed over to be read alone"),
    }
}
