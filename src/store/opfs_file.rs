//! An open file of the origin's own file system.

use super::{
    DiskFile, StoreError, disk::check_range, opfs::Writers, opfs_js, opfs_js::waited,
    opfs_reading::Reading, reserve::most_that_fits,
};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use js_sys::{ArrayBuffer, Uint8Array};
use std::{ops::Range, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileSystemFileHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

/// A slice of a file that was written meanwhile can't be read; a new look at the file can.
const READ_TRIES: u32 = 4;
const READ_PAUSE_MILLIS: u32 = 10;

/// From here on a handle of its own is worth opening for a read: handles read several times as fast as slices.
const HANDLE_WORTH_BYTES: u64 = 256 << 10;

/// The one handle that may write, or one to read for a while; closed when it drops.
pub(super) struct Handle(pub FileSystemSyncAccessHandle);

/// A file, with its handle when it is open to be written.
pub(super) struct OpfsFile {
    name: String,
    path: String,
    file: FileSystemFileHandle,
    handle: Option<Rc<Handle>>,
    writers: Writers,
    reading: Reading,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl OpfsFile {
    pub fn new(
        name: &str,
        path: String,
        file: FileSystemFileHandle,
        handle: Option<Rc<Handle>>,
        writers: &Writers,
    ) -> Self {
        Self {
            name: name.into(),
            path,
            file,
            handle,
            writers: writers.clone(),
            reading: Reading::default(),
        }
    }

    /// A handle of this program, our own or that of the file's writer as long as it lives.
    fn open_handle(&self) -> Option<Rc<Handle>> {
        let writers = self.writers.borrow();
        let writer = || writers.get(&self.path)?.upgrade();
        self.handle.clone().or_else(writer)
    }

    /// The handle to write with.
    fn writer(&self) -> Result<&FileSystemSyncAccessHandle, StoreError> {
        let handle = self.handle.as_ref().map(|it| &it.0);
        handle.ok_or_else(|| StoreError::Io {
            file: self.name.clone(),
            source: std::io::Error::other("it is open to be read alone"),
        })
    }

    async fn file(&self) -> Result<File, JsValue> {
        Ok(waited(self.file.get_file().into()).await?.unchecked_into())
    }

    async fn size_now(&self) -> Result<u64, StoreError> {
        let size = match self.open_handle() {
            Some(it) => it.0.get_size(),
            None => self.file().await.map(|it| it.size()),
        };
        size.map(|it| it as u64).map_err(|it| self.error(0, &it))
    }

    fn truncate_now(&self, size_bytes: u64) -> Result<(), StoreError> {
        let handle = self.writer()?;
        let before_bytes = handle.get_size().map_err(|it| self.error(0, &it))? as u64;
        let try_size = |it: u64| {
            let done = handle.truncate_with_f64(it as f64);
            done.map_err(|it| self.error(0, &it))
        };
        let no_room = match try_size(size_bytes) {
            Err(StoreError::NoRoom { .. }) => size_bytes.saturating_sub(before_bytes),
            it => return it,
        };
        let fits = |more_bytes| match try_size(before_bytes + more_bytes) {
            Ok(()) => Ok(true),
            Err(StoreError::NoRoom { .. }) => Ok(false),
            Err(it) => Err(it),
        };
        let most = most_that_fits(no_room, fits)?;
        try_size(before_bytes)?;
        Err(opfs_js::no_room(&self.name, no_room - most))
    }

    /// A browser may write less than it is given and throw nothing: that is how room ends in Firefox.
    fn write_now(&self, at: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let handle = self.writer()?;
        let n_bytes = bytes.len();
        let options = FileSystemReadWriteOptions::new();
        let mut written = 0;
        while written < n_bytes {
            options.set_at((at + written as u64) as f64);
            let put = match bytes {
                Bytes::Vec(it) => handle.write_with_u8_array_and_options(&it[written..], &options),
                Bytes::Js(it) => {
                    let rest = it.subarray(written as u32, n_bytes as u32);
                    handle.write_with_js_u8_array_and_options(&rest, &options)
                }
            };
            let missing_bytes = (n_bytes - written) as u64;
            match put.map_err(|it| self.error(missing_bytes, &it))? as usize {
                0 => return Err(opfs_js::no_room(&self.name, missing_bytes)),
                more => written += more,
            }
        }
        Ok(())
    }

    async fn read_now(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        if let Some(handle) = self.open_handle() {
            return self.read_handle(&handle.0, range);
        }
        if range.end.saturating_sub(range.start) >= HANDLE_WORTH_BYTES
            && let Some(handle) = self.reading.handle(&self.file).await
        {
            return self.read_handle(&handle.0, range);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let file = self.file().await.map_err(|it| self.error(0, &it))?;
            let n_bytes = check_range(&self.name, &range, file.size() as u64)?;
            match sliced(&file, &range).await {
                Ok(it) => return self.checked(it, n_bytes),
                Err(it) if tries < READ_TRIES && opfs_js::told(&it).0 == "NotReadableError" => {
                    crate::sys::sleep_millis(READ_PAUSE_MILLIS).await;
                }
                Err(it) => return Err(self.error(0, &it)),
            }
        }
    }

    fn read_handle(
        &self,
        handle: &FileSystemSyncAccessHandle,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let size_bytes = handle.get_size().map_err(|it| self.error(0, &it))? as u64;
        let n_bytes = check_range(&self.name, &range, size_bytes)?;
        let bytes = Uint8Array::new_with_length(n_bytes as u32);
        let options = FileSystemReadWriteOptions::new();
        options.set_at(range.start as f64);
        let read = handle.read_with_js_u8_array_and_options(&bytes, &options);
        let read = read.map_err(|it| self.error(0, &it))? as u32;
        self.checked(bytes.subarray(0, read.min(bytes.length())), n_bytes)
    }

    fn checked(&self, bytes: Uint8Array, wanted_bytes: usize) -> Result<Bytes, StoreError> {
        if bytes.length() as usize == wanted_bytes {
            return Ok(Bytes::Js(bytes));
        }
        Err(StoreError::Length {
            file: self.name.clone(),
            wanted_bytes: wanted_bytes as u64,
            got_bytes: bytes.length().into(),
        })
    }

    fn flush_now(&self) -> Result<(), StoreError> {
        self.writer()?.flush().map_err(|it| self.error(0, &it))
    }

    fn error(&self, missing_bytes: u64, error: &JsValue) -> StoreError {
        opfs_js::error(&self.name, "this browser's storage", missing_bytes, error)
    }
}

impl DiskFile for OpfsFile {
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>> {
        self.size_now().boxed_local()
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
        self.read_now(range).boxed_local()
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.flush_now()).boxed_local()
    }
}

/// A range of a file that may change meanwhile, which is then an error.
pub(super) async fn sliced(file: &File, range: &Range<u64>) -> Result<Uint8Array, JsValue> {
    let slice = file.slice_with_f64_and_f64(range.start as f64, range.end as f64)?;
    let buffer: ArrayBuffer = waited(slice.array_buffer().into()).await?.unchecked_into();
    Ok(Uint8Array::new(&buffer))
}
