//! What is kept, copied out to another place and taken back from one.
//!
//! A copy proves that it is what was kept, by its own hashes, not that it is what was published: parts that come in count as
//! [`Trust::Received`], and making the proof of their files again is left to a fetch that reads them anew.

use super::{
    Library, LibraryError,
    known::Known,
    meta::Meta,
    names::Name,
    select::{On, Stored, or_stop},
};
use crate::{
    spec::{Copied, StoredSelection, Trust},
    store::{BlobState, CopyInfo, Disk, Imported, StoreError},
    weights::WeightsError,
};
use std::{collections::BTreeSet, rc::Rc};

/// Why a part is not copied.
const NOT_WHOLE: &str = "it is not whole yet";

impl Library {
    /// Copies what is whole of a selection to another place, with the headers, tokenizers and lists that it takes to open it there
    /// without a network. `on` gets bytes. What is stopped goes on with the part that it was at.
    ///
    /// Errors: [`LibraryError::NothingSelected`]; no room there; [`WeightsError::Stopped`]; those of both places.
    pub async fn export(
        &self,
        selection: &StoredSelection,
        to: Rc<dyn Disk>,
        (progress, stop): On<'_>,
    ) -> Result<Copied, WeightsError> {
        let (everything, known) = self.everything().await?;
        let mut out = Copied::default();
        let chosen = chosen(&everything, &known, selection, &mut out);
        self.check_found(chosen.len() + out.left_out.len(), selection)?;
        let total_bytes = chosen.iter().map(|it| it.info.size_bytes).sum();
        for it in chosen {
            let key = &it.info.key;
            let mut done_bytes = out.size_bytes;
            let copied = |bytes| {
                done_bytes += bytes;
                progress(done_bytes, total_bytes);
            };
            let exported = or_stop(stop, self.store().export(key, &*to, copied)).await;
            match exported {
                Ok(()) => {
                    out.n_parts += usize::from(!it.is_document());
                    out.size_bytes += it.info.size_bytes;
                }
                // Another tab has taken it away meanwhile, or made it partial.
                Err(WeightsError::Store(
                    StoreError::Missing { .. } | StoreError::Unfinished { .. },
                )) if !self.is_whole(key).await? => {
                    out.left_out.push((key.clone(), NOT_WHOLE.into()));
                }
                Err(it) => return Err(it),
            }
        }
        Ok(out)
    }

    /// Takes back what was copied out: each piece is compared with the hash in its copy's record, and of damaged copies the good
    /// pieces are kept, so that a fetch brings the others. Lists and commits that are kept here stay as they are. `on` gets bytes.
    /// What is stopped goes on where it was.
    ///
    /// Errors: [`LibraryError::NoCopies`]; no room; [`WeightsError::Stopped`]; those of both places.
    pub async fn import(
        &self,
        from: Rc<dyn Disk>,
        (progress, stop): On<'_>,
    ) -> Result<Copied, WeightsError> {
        let mut copies = self.store().copies(&*from).await?;
        if copies.is_empty() {
            return Err(LibraryError::NoCopies { place: from.name() }.into());
        }
        // Lists first, so that of what has come so far it is known where it is from.
        copies.sort_by_key(|it| matches!(Name::parse(&it.key), Some(Name::Part(..))));
        let here = self.whole_here().await?;
        let total_bytes = copies.iter().map(|it| it.size_bytes).sum();
        let (mut out, mut done_bytes) = (Copied::default(), 0);
        for copy in copies {
            let key = &copy.key;
            match wanted(&copy, &here) {
                Wanted::Yes => {
                    let mut at = done_bytes;
                    let came = |bytes| {
                        at += bytes;
                        progress(at, total_bytes);
                    };
                    let importing = self.store().import(key, &*from, Trust::Received, came);
                    let came = or_stop(stop, importing).await;
                    note(&copy, came, &mut out)?;
                }
                Wanted::Here => (),
                Wanted::No(why) => out.left_out.push((key.clone(), why.into())),
            }
            done_bytes += copy.size_bytes;
            progress(done_bytes, total_bytes);
        }
        Ok(out)
    }

    async fn is_whole(&self, key: &str) -> Result<bool, WeightsError> {
        let reader = self.store().reader(key).await?;
        Ok(reader.is_some_and(|it| it.is_whole()))
    }

    /// The keys of what is whole here; a commit counts for both of its places.
    async fn whole_here(&self) -> Result<BTreeSet<String>, WeightsError> {
        let mut out = BTreeSet::new();
        for it in self.store().list().await? {
            if it.state != BlobState::Whole {
                continue;
            }
            if let Some(Name::Pin(id, _)) = Name::parse(&it.key) {
                out.extend([0, 1].map(|n| Name::Pin(id.clone(), n).key()));
            }
            out.insert(it.key);
        }
        Ok(out)
    }
}

/// What is whole of a selection, and the documents that it takes to open it; parts that are not whole are left out.
fn chosen<'a>(
    everything: &'a [Stored],
    known: &Known,
    selection: &StoredSelection,
    out: &mut Copied,
) -> Vec<&'a Stored> {
    let mut sources = BTreeSet::new();
    for it in everything.iter().filter(|it| it.is_in(selection)) {
        match &it.name {
            Some(Name::Part(id, ..)) if it.info.state == BlobState::Whole => {
                sources.insert(id.clone());
            }
            Some(Name::Part(..)) => {
                out.left_out.push((it.info.key.clone(), NOT_WHOLE.into()));
            }
            _ => (),
        }
    }
    let names = everything.iter().filter_map(|it| it.name.as_ref());
    let needed = known.needed(names, &sources);
    let is_chosen = |it: &&Stored| {
        let is_whole = it.info.state == BlobState::Whole;
        let is_wanted = it.is_in(selection) || needed.contains(&it.info.key);
        is_whole && is_wanted && is_copied(it.name.as_ref())
    };
    everything.iter().filter(is_chosen).collect()
}

/// Whether it is of use elsewhere: what is under way is not.
fn is_copied(name: Option<&Name>) -> bool {
    !matches!(name, None | Some(Name::Spill(..) | Name::Proof(..)))
}

/// Whether a copy is to be taken.
enum Wanted {
    Yes,
    /// It is here already.
    Here,
    No(&'static str),
}

fn wanted(copy: &CopyInfo, here: &BTreeSet<String>) -> Wanted {
    let Some(meta) = &copy.meta else {
        return Wanted::No("its record is missing, damaged or another file's");
    };
    let name = Name::parse(&copy.key).filter(|it| is_copied(Some(it)));
    let is_ours = match (&name, Meta::of(meta)) {
        (Some(Name::Part(id, part, packing)), Some(Meta::Part(it))) => {
            (&it.id, &it.part, &it.packing) == (id, part, packing)
        }
        (Some(Name::Part(..)) | None, _) => false,
        (Some(_), it) => matches!(it, Some(Meta::Document { .. })),
    };
    match (is_ours, name) {
        (false, _) => Wanted::No("this version of the program did not make it"),
        (true, Some(Name::Part(..))) => Wanted::Yes,
        (true, _) if here.contains(&copy.key) => Wanted::Here,
        (true, _) => Wanted::Yes,
    }
}

/// Notes what came of taking a copy in.
fn note(
    copy: &CopyInfo,
    came: Result<Imported, WeightsError>,
    out: &mut Copied,
) -> Result<(), WeightsError> {
    let why = match came {
        Ok(it) if it.whole.is_some() => {
            out.n_parts += usize::from(matches!(Name::parse(&copy.key), Some(Name::Part(..))));
            out.size_bytes += copy.size_bytes;
            return Ok(());
        }
        Ok(it) => format!(
            "{} of its pieces are damaged in the copy; the others are kept, and a download brings those",
            it.bad_pieces.len()
        ),
        Err(WeightsError::Store(it @ (StoreError::Busy { .. } | StoreError::Damaged { .. }))) => {
            it.to_string()
        }
        Err(it) => return Err(it),
    };
    out.left_out.push((copy.key.clone(), why));
    Ok(())
}
