//! What is kept, by source and part.

use super::{Library, select::Stored};
use crate::{
    spec::{StoredKeeping, StoredList, StoredSource},
    store::{BlobState, Keeping},
    weights::{WeightsError, library::names::Name},
};
use std::collections::BTreeMap;

impl Library {
    /// What is kept: parts with the repository, commit and file that they came from, where the lists that are kept still say it;
    /// parts of unknown sources too, and headers, tokenizers and lists.
    ///
    /// Errors: those of the store.
    pub async fn list(&self) -> Result<StoredList, WeightsError> {
        let store = self.store();
        let (everything, _) = self.everything().await?;
        let files = store.usage().await?;
        let is_partial = |it: &&Stored| it.info.state != BlobState::Whole;
        let waits = |it: &&Stored| matches!(it.name, Some(Name::Spill(..)));
        let partial = everything.iter().filter(is_partial);
        let waiting = everything.iter().filter(waits);
        Ok(StoredList {
            place: store.place(),
            total_bytes: files.total_bytes,
            reserved_bytes: partial.map(|it| it.info.size_bytes - it.done_bytes()).sum(),
            waiting_bytes: files.scratch_bytes + waiting.map(|it| it.info.size_bytes).sum::<u64>(),
            room_bytes: store.room_bytes().await,
            keeping: keeping(store.keep().await),
            set_aside_bytes: store.set_aside().iter().map(|it| it.size_bytes).sum(),
            sources: sources(everything),
        })
    }
}

/// Everything by where it came from: known sources first, then those of which only the id is known, then what is none of ours.
fn sources(everything: Vec<Stored>) -> Vec<StoredSource> {
    let mut sources: BTreeMap<(bool, Vec<String>), StoredSource> = BTreeMap::new();
    for it in everything {
        let origin = it.origins.first().cloned();
        let key = match &origin {
            Some(it) => {
                let file = it.file.clone().unwrap_or_default();
                vec![it.repo.to_string(), it.commit.clone(), file]
            }
            None => vec![id_of(it.name.as_ref()).unwrap_or("~").into()],
        };
        let source = sources.entry((origin.is_none(), key));
        let source = source.or_insert_with(|| StoredSource {
            repo: origin.as_ref().map(|it| it.repo.clone()),
            commit: origin.as_ref().map(|it| it.commit.clone()),
            file: origin.and_then(|it| it.file),
            parts: Vec::new(),
        });
        source.parts.push(it.told());
    }
    let mut out: Vec<StoredSource> = sources.into_values().collect();
    for it in &mut out {
        // In the order of layers; what is no part comes last.
        it.parts.sort_by_key(|it| {
            (
                it.part.is_none(),
                it.part,
                it.packing.map(|it| it.index()),
                it.key.clone(),
            )
        });
    }
    out
}

fn id_of(name: Option<&Name>) -> Option<&str> {
    match name? {
        Name::Part(id, ..) | Name::Spill(id, ..) | Name::Head(id) => Some(id),
        Name::Tokenizer(id) | Name::Small(id) | Name::Proof(id, _) => Some(id),
        Name::Pin(id, _) | Name::Tree(id, _) => Some(id),
    }
}

fn keeping(it: Keeping) -> StoredKeeping {
    match it {
        Keeping::Sure => StoredKeeping::Sure,
        Keeping::AtRisk => StoredKeeping::AtRisk,
        Keeping::Asked => StoredKeeping::Asked,
    }
}
