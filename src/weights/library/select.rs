//! Which of what is kept is meant by a selection.

use super::{
    Library, LibraryError,
    known::{Known, Origin},
    names::Name,
};
use crate::{
    spec::{Packing, Part, StoredPart, StoredSelection},
    store::{BlobInfo, BlobState},
    sys::Stop,
    weights::WeightsError,
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// How far something is, in bytes of how many, and whether it should go on.
pub(super) type On<'a> = (&'a mut dyn FnMut(u64, u64), &'a Stop);

/// Something in the store, what its name stands for, and where it came from.
pub(super) struct Stored {
    pub info: BlobInfo,
    /// None for a name that no version of ours gives.
    pub name: Option<Name>,
    /// The repositories that hold it, the one to tell first.
    pub origins: Vec<Origin>,
}

impl Library {
    /// All that is kept, and what is known of where it came from.
    ///
    /// Errors: those of the store.
    pub(super) async fn everything(&self) -> Result<(Vec<Stored>, Known), WeightsError> {
        let infos = self.store().list().await?;
        let keys: Vec<String> = infos.iter().map(|it| it.key.clone()).collect();
        let known = Known::read(self, &keys).await?;
        let stored = |info: BlobInfo| {
            let name = Name::parse(&info.key);
            Stored {
                origins: name.as_ref().map_or(Vec::new(), |it| known.origins(it)),
                name,
                info,
            }
        };
        Ok((infos.into_iter().map(stored).collect(), known))
    }

    /// Nothing was found for a selection: an error, unless nothing in particular was asked for.
    pub(super) fn check_found(
        &self,
        n_found: usize,
        selection: &StoredSelection,
    ) -> Result<(), LibraryError> {
        match n_found > 0 || *selection == StoredSelection::default() {
            true => Ok(()),
            false => Err(LibraryError::NothingSelected {
                place: self.store().place(),
                what: words(selection),
            }),
        }
    }
}

impl Stored {
    /// Which part it is, how it is packed, and the id of its source; none of documents.
    pub fn part(&self) -> Option<(Part, Packing, &str)> {
        match &self.name {
            Some(Name::Part(id, part, packing) | Name::Spill(id, part, packing)) => {
                Some((*part, *packing, id))
            }
            _ => None,
        }
    }

    /// Whether it is a document, to be read again when it is lost.
    pub fn is_document(&self) -> bool {
        self.name.is_some() && self.part().is_none()
    }

    /// Bytes that are there.
    pub fn done_bytes(&self) -> u64 {
        match self.info.state {
            BlobState::Whole => self.info.size_bytes,
            BlobState::Partial { done_bytes } => done_bytes,
        }
    }

    /// Whether a selection means it. What is no part is meant by its repository or its key alone.
    pub fn is_in(&self, selection: &StoredSelection) -> bool {
        let StoredSelection {
            repo,
            packing,
            layers,
            parts,
            keys,
        } = selection;
        let part = self.part();
        let of = |wanted: &Option<_>, is: &dyn Fn(Part, Packing) -> bool| {
            wanted.is_none() || part.is_some_and(|(part, packing, _)| is(part, packing))
        };
        let in_layers = |part: Part| {
            let layers = layers.iter().flatten();
            part.layer()
                .is_some_and(|it| layers.into_iter().any(|of| *of == it))
        };
        let origin = |it: &Origin| Some(&it.repo.repo) == repo.as_ref();
        (repo.is_none() || self.origins.iter().any(origin))
            && of(&packing.map(|_| ()), &|_, it| Some(it) == *packing)
            && of(&layers.as_ref().map(|_| ()), &|it, _| in_layers(it))
            && of(&parts.as_ref().map(|_| ()), &|it, _| {
                parts.iter().flatten().any(|of| *of == it)
            })
            && (keys.as_ref()).is_none_or(|it| it.contains(&self.info.key))
    }

    /// As it is told.
    pub fn told(self) -> StoredPart {
        let part = self.part();
        StoredPart {
            part: part.map(|it| it.0),
            packing: part.map(|it| it.1),
            size_bytes: self.info.size_bytes,
            done_bytes: self.done_bytes(),
            whole: self.info.state == BlobState::Whole,
            trust: self.info.trust,
            busy: self.info.busy,
            key: self.info.key,
        }
    }
}

/// Waits for something, unless it is asked to stop before; what is waited for is dropped then.
///
/// Errors: [`WeightsError::Stopped`]; its own.
pub(super) async fn or_stop<T, E: Into<WeightsError>>(
    stop: &Stop,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, WeightsError> {
    let mut future = pin!(future);
    poll_fn(|context| match stop.is_set() {
        true => Poll::Ready(Err(WeightsError::Stopped)),
        false => future.as_mut().poll(context).map_err(Into::into),
    })
    .await
}

/// A selection in words.
fn words(selection: &StoredSelection) -> String {
    let StoredSelection {
        repo,
        packing,
        layers,
        parts,
        keys,
    } = selection;
    let list = |it: Vec<String>| it.join(", ");
    let mut out = Vec::new();
    out.extend(repo.as_ref().map(|it| format!("of {it}")));
    out.extend(packing.map(|it| format!("packed as {it:?}").to_lowercase()));
    let layers = layers
        .as_ref()
        .map(|it| it.iter().map(usize::to_string).collect());
    out.extend(layers.map(|it| format!("of layers {}", list(it))));
    let parts = parts
        .as_ref()
        .map(|it| it.iter().map(Part::to_string).collect());
    out.extend(parts.map(|it| format!("one of the parts {}", list(it))));
    let keys = keys.clone();
    out.extend(keys.map(|it| format!("called {}", list(it))));
    out.join(" and ")
}
