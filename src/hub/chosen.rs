//! Files of the disk that the visitor has chosen, read by ranges: a slice of each is read when it is asked for, and nothing else.

use super::{HubError, Source, check_range, path};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use js_sys::{ArrayBuffer, Uint8Array};
use std::{collections::BTreeMap, ops::Range};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// Files that a page has handed over. What is read stays in the JavaScript heap.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    files: BTreeMap<String, File>,
}

impl Chosen {
    /// Takes a file under a name, with `/` between folders; whether it is one.
    pub fn take(&mut self, name: &str, file: &JsValue) -> bool {
        let file = file.dyn_ref::<File>();
        let taken = file.map(|it| self.files.insert(name.into(), it.clone()));
        taken.is_some()
    }

    fn file(&self, file: &str) -> Result<&File, HubError> {
        path::parts(file)?;
        self.files.get(file).ok_or_else(|| HubError::NotFound {
            file: file.into(),
            place: self.name(),
        })
    }

    async fn range(&self, name: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let file = self.file(name)?;
        let n_bytes = check_range(name, &range, file.size() as u64)?;
        let failed = |_| HubError::Io {
            file: name.into(),
            // A browser says only that it could not: the file was changed, moved, or its disk is gone.
            source: std::io::ErrorKind::NotFound.into(),
        };
        let slice = file.slice_with_f64_and_f64(range.start as f64, range.end as f64);
        let buffer = JsFuture::from(slice.map_err(failed)?.array_buffer()).await;
        let buffer: ArrayBuffer = buffer.map_err(failed)?.unchecked_into();
        let bytes = Uint8Array::new(&buffer);
        match bytes.length() as usize == n_bytes {
            true => Ok(Bytes::Js(bytes)),
            false => Err(HubError::Length {
                file: name.into(),
                wanted_bytes: n_bytes as u64,
                got_bytes: bytes.length().into(),
            }),
        }
    }
}

impl Source for Chosen {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        future::ready(self.file(file).map(|it| it.size() as u64)).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let file = file.to_string();
        async move { self.range(&file, range).await }.boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        let hidden = |it: &str| it.split('/').any(|it| it.starts_with('.'));
        let names = self.files.keys().filter(|it| !hidden(it)).cloned();
        future::ready(Ok(names.collect())).boxed_local()
    }

    fn name(&self) -> String {
        "the files that were chosen".into()
    }
}
