//! The store as a place of files: each part under its name, and the small files of the model under theirs.

use crate::{
    hub::{HubError, Source},
    spec::Bytes,
    store::{Reader, Store, StoreError},
    weights::{
        CheckpointHead,
        checkpoint::{CONFIG_FILE, TOKENIZER_FILE},
    },
};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

/// The store as a place of files.
pub(super) struct KeptSource {
    store: Store,
    config_json: Vec<u8>,
    /// The name of the tokenizer in the store.
    tokenizer: Option<String>,
    readers: RefCell<BTreeMap<String, Rc<Reader>>>,
}

impl KeptSource {
    /// Of a model and what goes with it.
    pub fn new(store: Store, head: &CheckpointHead, tokenizer: Option<String>) -> Self {
        Self {
            store,
            config_json: head.config_json.clone().into_bytes(),
            tokenizer,
            readers: RefCell::default(),
        }
    }

    async fn reader(&self, file: &str) -> Result<Rc<Reader>, HubError> {
        let missing = || HubError::NotFound {
            file: file.into(),
            place: self.store.place(),
        };
        let key = match file {
            TOKENIZER_FILE => self.tokenizer.as_deref().ok_or_else(missing)?,
            it => it,
        };
        if let Some(it) = self.readers.borrow().get(key) {
            return Ok(it.clone());
        }
        let reader = self.store.reader(key).await.map_err(|it| error(key, it))?;
        let reader = Rc::new(reader.filter(Reader::is_whole).ok_or_else(missing)?);
        self.readers.borrow_mut().insert(key.into(), reader.clone());
        Ok(reader)
    }

    async fn bytes(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        if file == CONFIG_FILE {
            let bytes = usize::try_from(range.start)
                .ok()
                .zip(usize::try_from(range.end).ok())
                .and_then(|(start, end)| self.config_json.get(start..end));
            let bytes = bytes.map(|it| Bytes::from(it.to_vec()));
            return bytes.ok_or_else(|| HubError::Range {
                file: file.into(),
                wanted: range,
                size_bytes: self.config_json.len() as u64,
            });
        }
        let reader = self.reader(file).await?;
        reader.read(range).await.map_err(|it| error(file, it))
    }
}

impl Source for KeptSource {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        let file = file.to_string();
        async move {
            match &*file {
                CONFIG_FILE => Ok(self.config_json.len() as u64),
                it => Ok(self.reader(it).await?.size_bytes()),
            }
        }
        .boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let file = file.to_string();
        async move { self.bytes(&file, range).await }.boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        let file = "files.json".into();
        let place = self.name();
        future::ready(Err(HubError::NoListing { file, place })).boxed_local()
    }

    fn name(&self) -> String {
        self.store.place()
    }
}

fn error(file: &str, error: StoreError) -> HubError {
    let file = file.to_string();
    match error {
        StoreError::Missing { place, .. } => HubError::NotFound { file, place },
        StoreError::Range {
            wanted, size_bytes, ..
        } => HubError::Range {
            file,
            wanted,
            size_bytes,
        },
        it => HubError::Io {
            file,
            source: std::io::Error::other(it.to_string()),
        },
    }
}
