//! Notes: small things of other rooms that are kept as documents, each in two places, and files of the visitor's. Leaves their meaning
//! to who keeps them.

use super::{Library, LibraryError, control::FetchControl, documents::bytes_of, meta::Meta};
use crate::{
    sys::{Stop, yield_now},
    weights::WeightsError,
};
use serde::{Serialize, de::DeserializeOwned};

/// Files are written in pieces of so many bytes, so that others have their turn.
const PIECE_BYTES: usize = 2 << 20;

impl Library {
    /// A note, if there is one and it is undamaged. Names are as keys of the store.
    ///
    /// Errors: those of the store; [`super::LibraryError::Document`] for a note of another form.
    pub async fn note<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, WeightsError> {
        self.read_newest(places(name)).await
    }

    /// Changes a note, or makes one, while no other tab or program changes it; what it then is.
    ///
    /// Errors: [`WeightsError::Stopped`]; those of the store, and then the note is as it was.
    pub async fn change_note<T: Default + Serialize + DeserializeOwned>(
        &self,
        name: &str,
        stop: &Stop,
        change: impl FnOnce(&mut T),
    ) -> Result<T, WeightsError> {
        let _lock = self.lock(name, &FetchControl::new(stop.clone())).await?;
        let mut it: T = self.note(name).await?.unwrap_or_default();
        change(&mut it);
        self.write_newest(places(name), &it).await?;
        Ok(it)
    }

    /// Keeps a file and what is noted of it, in place of the one that is kept under this name; that one goes when the new one is whole.
    ///
    /// Errors: [`WeightsError::Stopped`]; those of the store, and then the older one is still there.
    pub async fn keep_file(
        &self,
        name: &str,
        about: &impl Serialize,
        bytes: &[u8],
        stop: &Stop,
    ) -> Result<(), WeightsError> {
        let control = FetchControl::new(stop.clone());
        let _lock = self.lock(name, &control).await?;
        let keys = places(name);
        let newest = self.newest(&keys).await?;
        let (at, seq) = newest.map_or((0, 0), |(at, seq)| (1 - at, seq + 1));
        let about = serde_json::to_value(about).map_err(|it| LibraryError::Document {
            key: name.into(),
            detail: it.to_string(),
        })?;
        let mut pieces = bytes.chunks(PIECE_BYTES).map(<[u8]>::to_vec);
        let meta = Meta::File { seq, about };
        let sizes = (bytes.len(), PIECE_BYTES);
        self.write_pieces(&keys[at], meta, sizes, &mut pieces)
            .await?;
        self.store().remove(&keys[1 - at]).await?;
        Ok(())
    }

    /// A file that is kept, and what is noted of it; none where there is none, or it is damaged.
    ///
    /// Errors: those of the store.
    pub async fn kept_file<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<(T, Vec<u8>)>, WeightsError> {
        let keys = places(name);
        let Some((at, _)) = self.newest(&keys).await? else {
            return Ok(None);
        };
        let Some((_, reader)) = self.document(&keys[at]).await? else {
            return Ok(None);
        };
        let about = match Meta::of(reader.meta()) {
            Some(Meta::File { about, .. }) => serde_json::from_value(about).ok(),
            _ => None,
        };
        yield_now().await;
        let bytes = bytes_of(&reader).await?;
        Ok(about.zip(bytes))
    }

    /// Takes all notes away whose names begin so; the bytes that this frees.
    ///
    /// Errors: those of the store.
    pub async fn forget_notes(&self, prefix: &str) -> Result<u64, WeightsError> {
        let mut freed_bytes = 0;
        for it in self.store().list().await? {
            if it.key.starts_with(prefix) {
                freed_bytes += self.store().remove(&it.key).await?;
            }
        }
        Ok(freed_bytes)
    }
}

fn places(name: &str) -> [String; 2] {
    [format!("{name}.0"), format!("{name}.1")]
}
