//! What is kept, compared with the hashes that it had when it came; what is damaged is forgotten, so that it is fetched again.

use super::{
    Library,
    select::{On, Stored},
};
use crate::{
    spec::{Damage, StoredSelection, Verified},
    store::StoreError,
    sys::{Stop, yield_now},
    weights::WeightsError,
};

impl Library {
    /// Reads what is kept of a selection and compares each piece with its mark. With `repair` damaged pieces are forgotten, so that a
    /// fetch brings them again, and damaged headers, tokenizers and lists are taken away, so that they are read again. What another
    /// tab writes now is looked at, but not repaired. `on` gets bytes.
    ///
    /// Errors: [`LibraryError::NothingSelected`](super::LibraryError); [`WeightsError::Stopped`], what was found until then being
    /// repaired; those of the store.
    pub async fn verify(
        &self,
        selection: &StoredSelection,
        repair: bool,
        (progress, stop): On<'_>,
    ) -> Result<Verified, WeightsError> {
        let (mut selected, _) = self.everything().await?;
        selected.retain(|it| it.is_in(selection));
        self.check_found(selected.len(), selection)?;
        let total_bytes = selected.iter().map(Stored::done_bytes).sum();
        let (mut out, mut done_bytes) = (Verified::default(), 0);
        for it in &selected {
            let mut at = done_bytes;
            let mut read = |bytes| {
                out.read_bytes += bytes;
                at += bytes;
                progress(at, total_bytes);
            };
            let (bad, bad_bytes) = self.bad_pieces(&it.info.key, &mut read, stop).await?;
            out.n_parts += 1;
            // Bytes that belong to no piece count as done.
            done_bytes += it.done_bytes();
            progress(done_bytes, total_bytes);
            if bad.is_empty() {
                continue;
            }
            let forgotten = match repair {
                true => self.forget(it, &bad).await?,
                false => false,
            };
            out.damaged.push(Damage {
                key: it.info.key.clone(),
                part: it.part().map(|it| it.0),
                n_pieces: bad.len(),
                size_bytes: bad_bytes,
                forgotten,
            });
        }
        Ok(out)
    }

    /// The pieces of a blob that are no longer what they were, and their bytes.
    async fn bad_pieces(
        &self,
        key: &str,
        read: &mut dyn FnMut(u64),
        stop: &Stop,
    ) -> Result<(Vec<u32>, u64), WeightsError> {
        let (mut bad, mut bad_bytes) = (Vec::new(), 0);
        // Another tab may have taken it away meanwhile.
        let Some(reader) = self.store().reader(key).await? else {
            return Ok((bad, bad_bytes));
        };
        for &piece in reader.marks().keys() {
            if stop.is_set() {
                return Err(WeightsError::Stopped);
            }
            let bytes = reader.plan().piece_bytes(piece).unwrap_or_default();
            if !reader.verify(piece).await? {
                bad.push(piece);
                bad_bytes += bytes;
            }
            read(bytes);
            yield_now().await;
        }
        Ok((bad, bad_bytes))
    }

    /// Sees to it that what is damaged is fetched again; whether that could be done.
    async fn forget(&self, it: &Stored, bad: &[u32]) -> Result<bool, WeightsError> {
        let key = &it.info.key;
        let forgotten = match (it.is_document(), it.part()) {
            (true, _) => self.store().remove(key).await.map(drop),
            (false, Some(_)) => self.store().reopen(key, bad).await.map(drop),
            // Nobody would fetch what is none of ours.
            (false, None) => return Ok(false),
        };
        match forgotten {
            Ok(()) => Ok(true),
            Err(StoreError::Busy { .. } | StoreError::Missing { .. }) => Ok(false),
            Err(it) => Err(it.into()),
        }
    }
}
