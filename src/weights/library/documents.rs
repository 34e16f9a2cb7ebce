//! Small things in the store: read whole, written whole. Of some there are two places, so that a newer one never costs the older one.

use super::{Library, LibraryError, control::FetchControl, meta::Meta};
use crate::{
    spec::Trust,
    store::{Begin, BlobPlan, Mark, Reader, Scratch, StoreError, sha256},
    weights::WeightsError,
};
use serde::{Serialize, de::DeserializeOwned};

/// How long is waited until a lock that another tab holds is tried again.
const AGAIN_MILLIS: f64 = 300.0;

impl Library {
    /// A document, if it is there and undamaged.
    pub(super) async fn read_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, WeightsError> {
        match self.document(key).await? {
            Some((_, reader)) => bytes_of(&reader).await,
            None => Ok(None),
        }
    }

    /// A document of JSON, if it is there and undamaged.
    ///
    /// Errors: [`LibraryError::Document`] for one that this program did not write.
    pub(super) async fn read_json<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, WeightsError> {
        let Some(text) = self.read_bytes(key).await? else {
            return Ok(None);
        };
        let read = serde_json::from_slice(&text).map_err(|it| LibraryError::Document {
            key: key.into(),
            detail: it.to_string(),
        })?;
        Ok(Some(read))
    }

    /// Writes a document in place of what is there.
    pub(super) async fn write_bytes(
        &self,
        key: &str,
        bytes: Vec<u8>,
        seq: u64,
    ) -> Result<(), WeightsError> {
        let size_bytes = bytes.len();
        let mut pieces = [bytes].into_iter();
        let meta = Meta::Document { seq };
        self.write_pieces(key, meta, (size_bytes, size_bytes), &mut pieces)
            .await
    }

    /// Writes pieces in place of what is there. `n_bytes`: of all, and of each but the last.
    pub(super) async fn write_pieces(
        &self,
        key: &str,
        meta: Meta,
        (n_bytes, piece_bytes): (usize, usize),
        pieces: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), WeightsError> {
        let store = self.store();
        store.remove(key).await?;
        let starts = (0..n_bytes.max(1)).step_by(piece_bytes.max(1));
        let span = |start: usize| start as u64..(start + piece_bytes).min(n_bytes) as u64;
        let plan = BlobPlan {
            meta: meta.to_value(),
            size_bytes: n_bytes as u64,
            pieces: starts.map(|it| vec![span(it)]).collect(),
        };
        let Begin::Writer(writer) = store.begin(key, plan).await? else {
            return Err(StoreError::Busy { key: key.into() }.into());
        };
        for (at, bytes) in pieces.enumerate() {
            let bytes = bytes.into();
            writer.write((at * piece_bytes) as u64, &bytes).await?;
            let hash = sha256(&bytes).await;
            let mark = Mark {
                source: hash,
                packed: hash,
                trust: Trust::Received,
            };
            writer.mark(at as u32, mark).await?;
        }
        writer.commit().await?;
        Ok(())
    }

    /// Writes a document of JSON in place of what is there.
    pub(super) async fn write_json(
        &self,
        key: &str,
        it: &impl Serialize,
        seq: u64,
    ) -> Result<(), WeightsError> {
        let text = serde_json::to_vec(it).map_err(|it| LibraryError::Document {
            key: key.into(),
            detail: it.to_string(),
        })?;
        self.write_bytes(key, text, seq).await
    }

    /// The newer one of two places.
    pub(super) async fn read_newest<T: DeserializeOwned>(
        &self,
        keys: [String; 2],
    ) -> Result<Option<T>, WeightsError> {
        match self.newest(&keys).await? {
            Some((at, _)) => self.read_json(&keys[at]).await,
            None => Ok(None),
        }
    }

    /// Writes over the older one of two places.
    pub(super) async fn write_newest(
        &self,
        keys: [String; 2],
        it: &impl Serialize,
    ) -> Result<(), WeightsError> {
        let newest = self.newest(&keys).await?;
        let (at, seq) = newest.map_or((0, 0), |(at, seq)| (1 - at, seq + 1));
        self.write_json(&keys[at], it, seq).await
    }

    pub(super) async fn newest(
        &self,
        keys: &[String; 2],
    ) -> Result<Option<(usize, u64)>, WeightsError> {
        let mut found = None;
        for (at, key) in keys.iter().enumerate() {
            let Some((seq, reader)) = self.document(key).await? else {
                continue;
            };
            if found.is_none_or(|it: (usize, u64)| it.1 < seq) && reader.verify(0).await? {
                found = Some((at, seq));
            }
        }
        Ok(found)
    }

    pub(super) async fn document(&self, key: &str) -> Result<Option<(u64, Reader)>, WeightsError> {
        let reader = self.store().reader(key).await?.filter(Reader::is_whole);
        let read = reader.and_then(|it| match Meta::of(it.meta())? {
            Meta::Document { seq } | Meta::File { seq, .. } => Some((seq, it)),
            _ => None,
        });
        Ok(read)
    }

    /// Waits until nobody else holds a lock of this name, then holds it until it drops.
    ///
    /// Errors: [`WeightsError::Stopped`]; those of the store.
    pub(super) async fn lock(
        &self,
        name: &str,
        control: &FetchControl,
    ) -> Result<Scratch, WeightsError> {
        loop {
            if let Some(it) = self.try_lock(name).await? {
                return Ok(it);
            }
            control
                .or_stop(self.net().clock().sleep(AGAIN_MILLIS))
                .await?;
        }
    }

    /// The lock, unless somebody else holds it.
    pub(super) async fn try_lock(&self, name: &str) -> Result<Option<Scratch>, WeightsError> {
        match self.store().scratch(name, 0).await {
            Ok(it) => Ok(Some(it)),
            Err(StoreError::Busy { .. }) => Ok(None),
            Err(it) => Err(it.into()),
        }
    }
}

pub(super) async fn bytes_of(reader: &Reader) -> Result<Option<Vec<u8>>, WeightsError> {
    let marks = reader.marks().clone();
    for piece in marks.keys() {
        if !reader.verify(*piece).await? {
            return Ok(None);
        }
    }
    let bytes = reader.read(0..reader.size_bytes()).await?;
    Ok(Some(bytes.into_vec()))
}
