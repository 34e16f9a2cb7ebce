//! What is kept, compared with the hashes that it had when it came; what is damaged is forgotten, so that it is fetched again.

use super::{
    Library,
    select::{On, Stored, or_stop},
};
use crate::{
    spec::{Damage, StoredSelection, Verified},
    store::StoreError,
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
        let mut out = Verified::default();
        for it in &selected {
            let mut read = |bytes| {
                out.read_bytes += bytes;
                progress(out.read_bytes.min(total_bytes), total_bytes);
            };
            let (bad, bad_bytes) = or_stop(stop, self.bad_pieces(&it.info.key, &mut read)).await?;
            out.n_parts += 1;
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
    ) -> Result<(Vec<u32>, u64), WeightsError> {
        // Another tab may have taken it away meanwhile.
        let Some(reader) = self.store().reader(key).await? else {
            return Ok((Vec::new(), 0));
        };
        let bad = reader.damaged(read).await?;
        let bytes = bad.iter().filter_map(|it| reader.plan().piece_bytes(*it));
        let bad_bytes = bytes.sum();
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
