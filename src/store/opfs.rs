//! A directory of the origin's own file system, in a dedicated worker of a browser.
//!
//! A writer holds one synchronous handle; readers, also in other tabs, take slices of the file as it is.

use super::{
    Disk, DiskFile, Keeping, LockGuard, Open, StoreError,
    opfs_file::{Handle, OpfsFile},
    opfs_js::{self, get, waited},
    opfs_locks,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use js_sys::{AsyncIterator, Reflect};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::{Rc, Weak},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions,
};

/// A tab that has just died may hold its handles a moment longer than its locks, and one that reads holds its own for a moment.
const OPEN_TRIES: u32 = 6;
const OPEN_PAUSE_MILLIS: u32 = 60;
/// How long a person's answer is waited for.
const KEEP_MILLIS: u32 = 300;

/// A directory of the origin's own file system. Clones share their open handles.
#[derive(Clone)]
pub struct OpfsDisk {
    directory: FileSystemDirectoryHandle,
    /// Where the directory is, with a slash at the end; empty for the origin's own.
    path: String,
    writers: Writers,
}

/// Open handles by path, so that readers of the same program read through them.
pub(super) type Writers = Rc<RefCell<BTreeMap<String, Weak<Handle>>>>;

impl OpfsDisk {
    /// The origin's own directory.
    ///
    /// Errors: [`StoreError::NoOpfs`] without such a thing, [`StoreError::Private`] in a private window that has none.
    pub async fn open() -> Result<Self, StoreError> {
        let storage = opfs_js::storage().ok_or(StoreError::NoOpfs)?;
        let promise =
            opfs_js::call(&storage, "getDirectory", &[]).map_err(|_| StoreError::NoOpfs)?;
        let directory = waited(promise).await.map_err(|it| {
            let (name, detail) = opfs_js::told(&it);
            match name.as_str() {
                "SecurityError" => StoreError::Private { detail },
                _ => opfs_js::error("the origin's directory", PLACE, 0, &it),
            }
        })?;
        Ok(Self {
            directory: directory.unchecked_into(),
            path: String::new(),
            writers: Writers::default(),
        })
    }

    /// Another directory, which nobody else of this program is at.
    pub(super) fn of(directory: FileSystemDirectoryHandle) -> Self {
        Self {
            directory,
            path: String::new(),
            writers: Writers::default(),
        }
    }

    async fn opened(&self, name: &str, how: Open) -> Result<Rc<dyn DiskFile>, StoreError> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(how == Open::Write);
        let file = self.directory.get_file_handle_with_options(name, &options);
        let file = waited(file.into()).await;
        let file: FileSystemFileHandle = file.map_err(|it| self.error(name, &it))?.unchecked_into();
        let path = format!("{}{name}", self.path);
        let handle = match how {
            Open::Read => None,
            Open::Write => Some(self.handle(name, &path, &file).await?),
        };
        Ok(Rc::new(OpfsFile::new(
            name,
            path,
            file,
            handle,
            &self.writers,
        )))
    }

    async fn handle(
        &self,
        name: &str,
        path: &str,
        file: &FileSystemFileHandle,
    ) -> Result<Rc<Handle>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match waited(file.create_sync_access_handle().into()).await {
                Ok(it) => {
                    let handle = Rc::new(Handle(it.unchecked_into()));
                    let weak = Rc::downgrade(&handle);
                    self.writers.borrow_mut().insert(path.into(), weak);
                    return Ok(handle);
                }
                Err(it) => match self.error(name, &it) {
                    StoreError::Busy { .. } if tries < OPEN_TRIES => {
                        crate::sys::sleep_millis(OPEN_PAUSE_MILLIS).await;
                    }
                    it => return Err(it),
                },
            }
        }
    }

    async fn removed(&self, name: &str) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(it) = waited(self.directory.remove_entry(name).into()).await else {
                return Ok(());
            };
            match self.error(name, &it) {
                StoreError::Missing { .. } => return Ok(()),
                // Another tab may be reading it through a handle of its own.
                StoreError::Busy { .. } if tries < OPEN_TRIES => {
                    crate::sys::sleep_millis(OPEN_PAUSE_MILLIS).await;
                }
                it => return Err(it),
            }
        }
    }

    async fn listed(&self) -> Result<Vec<(String, u64)>, JsValue> {
        let mut out = Vec::new();
        let entries: AsyncIterator = self.directory.values();
        loop {
            let next = waited(entries.next()?.into()).await?;
            if get(&next, "done").is_none_or(|it| it.is_truthy()) {
                break;
            }
            let entry = Reflect::get(&next, &"value".into())?;
            if get(&entry, "kind").and_then(|it| it.as_string()).as_deref() != Some("file") {
                continue;
            }
            let entry: FileSystemFileHandle = entry.unchecked_into();
            // One that another tab removes meanwhile is not listed.
            if let Ok(file) = waited(entry.get_file().into()).await {
                let file: File = file.unchecked_into();
                out.push((entry.name(), file.size() as u64));
            }
        }
        out.sort();
        Ok(out)
    }

    async fn inside(&self, name: &str) -> Result<Rc<dyn Disk>, StoreError> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        let directory = (self.directory).get_directory_handle_with_options(name, &options);
        let directory = waited(directory.into()).await;
        Ok(Rc::new(Self {
            directory: directory
                .map_err(|it| self.error(name, &it))?
                .unchecked_into(),
            path: format!("{}{name}/", self.path),
            writers: self.writers.clone(),
        }))
    }

    fn error(&self, file: &str, error: &JsValue) -> StoreError {
        opfs_js::error(file, &self.name(), 0, error)
    }
}

/// What to call the origin's directory in messages.
const PLACE: &str = "this browser's storage";

impl Disk for OpfsDisk {
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>> {
        let name = name.to_string();
        async move { self.opened(&name, how).await }.boxed_local()
    }

    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let name = name.to_string();
        async move { self.removed(&name).await }.boxed_local()
    }

    fn discard(&self, name: &str, lock: LockGuard) {
        let (this, name) = (self.clone(), name.to_string());
        wasm_bindgen_futures::spawn_local(async move {
            // What stays is taken away when the store is opened next.
            let _ = this.removed(&name).await;
            drop(lock);
        });
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        async move { (self.listed().await).map_err(|it| self.error(&self.path, &it)) }.boxed_local()
    }

    fn lock(&self, name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>> {
        let name = name.to_string();
        let path = format!("{}{name}", self.path);
        async move { (opfs_locks::take(&path).await).map_err(|it| self.error(&name, &it)) }
            .boxed_local()
    }

    fn is_locked(&self, name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>> {
        let name = name.to_string();
        let path = format!("{}{name}", self.path);
        async move { (opfs_locks::is_held(&path).await).map_err(|it| self.error(&name, &it)) }
            .boxed_local()
    }

    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>> {
        opfs_js::room_bytes().boxed_local()
    }

    fn keep(&self) -> LocalBoxFuture<'_, Keeping> {
        opfs_js::keep(KEEP_MILLIS).boxed_local()
    }

    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>> {
        let name = name.to_string();
        async move { self.inside(&name).await }.boxed_local()
    }

    fn name(&self) -> String {
        PLACE.into()
    }
}
