//! A file of a folder that was handed over, open to be written through the browser's stream.

use super::{DiskFile, StoreError, disk::check_range, handed::PLACE, opfs_file::sliced, opfs_js};
use crate::spec::Bytes;
use futures_util::{FutureExt, future::LocalBoxFuture};
use js_sys::{Object, Reflect, Uint8Array};
use std::{cell::RefCell, ops::Range, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileSystemFileHandle};

/// A file that is written to a copy, which takes its place at the next flush.
pub(super) struct WrittenFile {
    name: String,
    file: FileSystemFileHandle,
    stream: Rc<RefCell<Option<JsValue>>>,
}

impl Drop for WrittenFile {
    fn drop(&mut self) {
        if let Some(it) = self.stream.take()
            && let Ok(it) = opfs_js::call(&it, "abort", &[])
        {
            // What was not flushed is not wanted; nobody waits for its end.
            wasm_bindgen_futures::spawn_local(async move {
                let _ = opfs_js::waited(it).await;
            });
        }
    }
}

impl WrittenFile {
    pub fn new(name: &str, file: FileSystemFileHandle) -> Self {
        Self {
            name: name.into(),
            file,
            stream: Rc::default(),
        }
    }

    /// The stream, opened over what the file has.
    async fn stream(&self) -> Result<JsValue, JsValue> {
        if let Some(it) = &*self.stream.borrow() {
            return Ok(it.clone());
        }
        let options = Object::new();
        Reflect::set(&options, &"keepExistingData".into(), &true.into())?;
        let opened = opfs_js::call(&self.file, "createWritable", &[options.into()])?;
        let opened = opfs_js::waited(opened).await?;
        self.stream.replace(Some(opened.clone()));
        Ok(opened)
    }

    async fn put(&self, at: u64, bytes: &Bytes) -> Result<(), JsValue> {
        let data = match bytes {
            Bytes::Vec(it) => Uint8Array::from(it.as_slice()),
            Bytes::Js(it) => it.clone(),
        };
        let what = Object::new();
        Reflect::set(&what, &"type".into(), &"write".into())?;
        Reflect::set(&what, &"position".into(), &(at as f64).into())?;
        Reflect::set(&what, &"data".into(), &data)?;
        self.tell("write", what.into()).await
    }

    async fn tell(&self, method: &str, what: JsValue) -> Result<(), JsValue> {
        let told = opfs_js::call(&self.stream().await?, method, &[what])?;
        opfs_js::waited(told).await.map(|_| ())
    }

    async fn close(&self) -> Result<(), JsValue> {
        let Some(it) = self.stream.take() else {
            return Ok(());
        };
        let closed = opfs_js::call(&it, "close", &[])?;
        opfs_js::waited(closed).await.map(|_| ())
    }

    async fn file(&self) -> Result<File, StoreError> {
        let file = opfs_js::waited(self.file.get_file().into()).await;
        Ok(file.map_err(|it| self.error(0, &it))?.unchecked_into())
    }

    async fn read_now(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let file = self.file().await?;
        check_range(&self.name, &range, file.size() as u64)?;
        let bytes = sliced(&file, &range).await;
        Ok(Bytes::Js(bytes.map_err(|it| self.error(0, &it))?))
    }

    fn error(&self, missing_bytes: u64, error: &JsValue) -> StoreError {
        match opfs_js::error(&self.name, PLACE, missing_bytes, error) {
            StoreError::NoRoom {
                file,
                missing_bytes,
                ..
            } => StoreError::NoRoom {
                file,
                place: PLACE.into(),
                missing_bytes,
            },
            it => it,
        }
    }
}

impl DiskFile for WrittenFile {
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>> {
        async move { Ok(self.file().await?.size() as u64) }.boxed_local()
    }

    fn truncate(&self, size_bytes: u64) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let size = (size_bytes as f64).into();
        async move {
            let done = self.tell("truncate", size).await;
            done.map_err(|it| self.error(size_bytes, &it))
        }
        .boxed_local()
    }

    fn write<'a>(
        &'a self,
        at: u64,
        bytes: &'a Bytes,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        async move {
            let put = self.put(at, bytes).await;
            put.map_err(|it| self.error(bytes.len() as u64, &it))
        }
        .boxed_local()
    }

    fn read(&self, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, StoreError>> {
        self.read_now(range).boxed_local()
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        async move { self.close().await.map_err(|it| self.error(0, &it)) }.boxed_local()
    }
}
