//! What is kept, taken away: parts, and with the last part of a source what only it needed.

use super::{Library, LibraryError, names::Name, select::Stored};
use crate::{
    spec::{Part, StoredSelection},
    store::StoreError,
    weights::WeightsError,
};
use std::collections::BTreeSet;

impl Library {
    /// Takes away what a selection means; the bytes that this frees. With the last part of a source go its headers and vectors, and
    /// with the last of a repository its lists and tokenizer; what other parts still need stays, unless its key is given. With
    /// `set_aside` goes what other versions of the program left.
    ///
    /// Errors: [`LibraryError::NothingSelected`]; [`LibraryError::BusyParts`] once everything else is taken away; those of the store.
    pub async fn remove(
        &self,
        selection: &StoredSelection,
        set_aside: bool,
    ) -> Result<u64, WeightsError> {
        let (everything, known) = self.everything().await?;
        let mut freed_bytes = 0;
        if set_aside {
            freed_bytes += self.store().remove_set_aside().await?;
        }
        let selected = everything.iter().filter(|it| it.is_in(selection));
        let selected: Vec<&Stored> = selected.collect();
        if !set_aside || *selection != StoredSelection::default() {
            self.check_found(selected.len(), selection)?;
        }
        let names = || everything.iter().filter_map(|it| it.name.as_ref());
        let needed_before = known.needed(names(), &sources(&everything, &BTreeSet::new()));
        let parts = selected.iter().filter(|it| !it.is_document());
        let mut gone = BTreeSet::new();
        let mut busy = Vec::new();
        for it in parts {
            freed_bytes += self.take(&it.info.key, &mut gone, &mut busy).await?;
        }
        let needed = known.needed(names(), &sources(&everything, &gone));
        let given = |key| selection.keys.as_ref().is_some_and(|it| it.contains(key));
        let orphans = orphans(&everything, &gone);
        let rest = everything.iter().filter(|it| {
            let key = &it.info.key;
            let is_loose = needed_before.contains(key) || it.is_in(selection);
            match it.is_document() {
                true => given(key) || (is_loose && !needed.contains(key)),
                false => orphans.contains(key),
            }
        });
        for it in rest {
            freed_bytes += self.take(&it.info.key, &mut gone, &mut busy).await?;
        }
        match busy.is_empty() {
            true => Ok(freed_bytes),
            false => Err(LibraryError::BusyParts {
                keys: busy,
                freed_bytes,
            }
            .into()),
        }
    }

    /// Takes a blob away, unless another one writes it; the bytes that this frees.
    async fn take(
        &self,
        key: &str,
        gone: &mut BTreeSet<String>,
        busy: &mut Vec<String>,
    ) -> Result<u64, WeightsError> {
        match self.store().remove(key).await {
            Ok(bytes) => {
                gone.insert(key.into());
                Ok(bytes)
            }
            Err(StoreError::Busy { .. }) => {
                busy.push(key.into());
                Ok(0)
            }
            Err(it) => Err(it.into()),
        }
    }
}

/// The ids of sources of which parts are left that are of use by themselves: vectors alone are not.
fn sources(everything: &[Stored], gone: &BTreeSet<String>) -> BTreeSet<String> {
    let left = everything.iter().filter(|it| !gone.contains(&it.info.key));
    let parts = left.filter_map(|it| match &it.name {
        Some(Name::Part(id, part, _)) if !matches!(part, Part::Vectors(_)) => Some(id.clone()),
        _ => None,
    });
    parts.collect()
}

/// The keys of vectors, and of what waited to be proven, whose sources have lost their last part.
fn orphans(everything: &[Stored], gone: &BTreeSet<String>) -> BTreeSet<String> {
    let (before, left) = (
        sources(everything, &BTreeSet::new()),
        sources(everything, gone),
    );
    let lost = |id: &str| before.contains(id) && !left.contains(id);
    let parts = everything.iter().filter(|it| !gone.contains(&it.info.key));
    let parts = parts.filter(|it| it.part().is_some_and(|it| lost(it.2)));
    parts.map(|it| it.info.key.clone()).collect()
}
