//! Parts as blobs: opened to be written, read back, forgotten piece by piece, raised, made whole.

use super::{LibraryError, opening_trust, work::Work};
use crate::{
    spec::{Bytes, Part, Trust},
    store::{Begin, BlobPlan, Reader, StoreError, Writer},
    weights::WeightsError,
};
use std::{collections::BTreeSet, rc::Rc};

impl Work {
    /// The writer of a part, opened if need be, of a whole one too; none while somebody else is at it.
    ///
    /// Errors: those of the store, [`StoreError::NoRoom`] among them.
    pub async fn writer(&self, part: usize) -> Result<Option<Rc<Writer>>, WeightsError> {
        loop {
            let n_said = self.control.n_said();
            {
                let mut state = self.state.borrow_mut();
                let it = &mut state.parts[part];
                if it.writer.is_some() {
                    return Ok(it.writer.clone());
                }
                if !it.is_opening {
                    it.is_opening = true;
                    break;
                }
            }
            self.control.said(n_said).await;
        }
        let opened = self.opened(part).await;
        let mut state = self.state.borrow_mut();
        let it = &mut state.parts[part];
        it.is_opening = false;
        let out = match opened {
            Ok(Some(writer)) => {
                it.is_whole = false;
                it.reader = None;
                it.marks = writer.marks();
                it.writer = Some(Rc::new(writer));
                Ok(it.writer.clone())
            }
            Ok(None) => Ok(None),
            Err(it) => Err(it),
        };
        drop(state);
        self.control.wake();
        out
    }

    async fn opened(&self, part: usize) -> Result<Option<Writer>, WeightsError> {
        let store = self.library.store();
        let (key, plan) = self.blob(part);
        let opened = match store.begin(&key, plan).await? {
            Begin::Writer(it) => return Ok(Some(it)),
            Begin::Busy => return Ok(None),
            Begin::Whole(it) => {
                drop(it);
                store.reopen(&key, &[]).await
            }
        };
        match opened {
            Ok(it) => Ok(Some(it)),
            Err(StoreError::Busy { .. }) => Ok(None),
            Err(it) => Err(it.into()),
        }
    }

    /// A part as the store has it.
    pub fn blob(&self, part: usize) -> (String, BlobPlan) {
        let state = self.state.borrow();
        let it = &state.parts[part];
        let plan = BlobPlan {
            meta: it.meta.clone(),
            size_bytes: it.plan.size_bytes,
            pieces: (0..it.plan.pieces.len())
                .map(|n| it.plan.spans(n))
                .collect(),
        };
        (it.key.clone(), plan)
    }

    /// A piece as its file has it, from what is kept.
    pub async fn read_back(&self, part: usize, piece: u32) -> Result<Bytes, WeightsError> {
        let (plan, writer, reader, key) = {
            let state = self.state.borrow();
            let it = &state.parts[part];
            let key = it.key.clone();
            (it.plan.clone(), it.writer.clone(), it.reader.clone(), key)
        };
        let reader = match (&writer, reader) {
            (None, None) => self.library.store().reader(&key).await?.map(Rc::new),
            (_, it) => it,
        };
        let mut kept = Vec::new();
        for span in plan.spans(piece as usize) {
            let bytes = match (&writer, &reader) {
                (Some(it), _) => it.read(span.clone()).await?,
                (None, Some(it)) => it.read(span.clone()).await?,
                (None, None) => return Err(WeightsError::NotKept { what: key }),
            };
            kept.push((span, bytes));
        }
        if writer.is_none() {
            self.state.borrow_mut().parts[part].reader = reader;
        }
        plan.unpack(piece as usize, &kept)
    }

    /// A piece is bad: it is to be received again.
    pub async fn forget(&self, part: usize, piece: u32) -> Result<(), WeightsError> {
        self.forget_mark(part, piece).await?;
        self.state.borrow_mut().parts[part].todo.insert(piece);
        self.control.wake();
        Ok(())
    }

    /// A piece is bad: it may be written again.
    pub async fn forget_mark(&self, part: usize, piece: u32) -> Result<(), WeightsError> {
        self.save_proofs().await?;
        if let Some(writer) = self.writer(part).await? {
            if writer.marks().contains_key(&piece) {
                writer.forget(piece).await?;
            }
            self.state.borrow_mut().parts[part].marks.remove(&piece);
        }
        Ok(())
    }

    /// Pieces are known to be what was published.
    pub async fn raise_pieces(
        &self,
        part: usize,
        pieces: &[u32],
        trust: Trust,
    ) -> Result<(), WeightsError> {
        if pieces.is_empty() {
            return Ok(());
        }
        let Some(writer) = self.writer(part).await? else {
            return Ok(());
        };
        for piece in pieces {
            if !writer.marks().contains_key(piece) {
                let (key, _) = self.blob(part);
                return Err(LibraryError::Removed { key }.into());
            }
            writer.raise(*piece, trust).await?;
            let mut state = self.state.borrow_mut();
            if let Some(it) = state.parts[part].marks.get_mut(piece) {
                it.trust = it.trust.max(trust);
            }
        }
        Ok(())
    }

    /// Makes a part whole where nothing of it is missing.
    pub async fn settle(&self, part: usize) -> Result<(), WeightsError> {
        let writer = {
            let mut state = self.state.borrow_mut();
            let it = &mut state.parts[part];
            match it.is_complete() && !it.is_opening {
                true => it.writer.take(),
                false => None,
            }
        };
        let Some(writer) = writer else {
            return Ok(());
        };
        let writer = match Rc::try_unwrap(writer) {
            Ok(it) => it,
            Err(shared) => {
                // Whoever uses it settles the part afterwards.
                self.state.borrow_mut().parts[part].writer = Some(shared);
                return Ok(());
            }
        };
        self.state.borrow_mut().parts[part].is_opening = true;
        let committed = writer.commit().await;
        let mut state = self.state.borrow_mut();
        let it = &mut state.parts[part];
        it.is_opening = false;
        match committed {
            Ok(reader) => {
                it.is_whole = true;
                it.reader = Some(Rc::new(reader));
                state.tell(part);
            }
            Err(StoreError::NoRoom { .. }) => it.has_no_room = true,
            Err(it) => return Err(it.into()),
        }
        drop(state);
        self.control.wake();
        Ok(())
    }

    /// What has been marked lasts from now on.
    pub async fn sync(&self) -> Result<(), WeightsError> {
        let writers: Vec<_> = {
            let state = self.state.borrow();
            let writers = state.parts.iter();
            writers.filter_map(|it| it.writer.clone()).collect()
        };
        let mut out = Ok(());
        for it in writers {
            match it.sync().await {
                Ok(()) | Err(StoreError::NoRoom { .. }) => (),
                Err(error) => out = Err(error.into()),
            }
        }
        out
    }

    /// Rows of the opening set count as much as the same rows of the table; the pieces whose rows are the same.
    pub async fn raise_copies(&self, opening: usize) -> Result<BTreeSet<u32>, WeightsError> {
        let (plan, key, tiles) = {
            let state = self.state.borrow();
            let it = &state.parts[opening];
            let tiles = state.parts.iter().filter(|of| {
                of.group == it.group && matches!(of.plan.part, Part::Embedding(_)) && of.is_whole
            });
            let tiles: Vec<_> = tiles.map(|of| (of.plan.clone(), of.key.clone())).collect();
            (it.plan.clone(), it.key.clone(), tiles)
        };
        let store = self.library.store();
        let Some(reader) = store.reader(&key).await? else {
            return Ok(BTreeSet::new());
        };
        let mut kept: Vec<(Rc<_>, Reader)> = Vec::new();
        for (plan, key) in tiles {
            if let Some(it) = store.reader(&key).await? {
                kept.push((plan, it));
            }
        }
        let tiles: Vec<_> = kept.iter().map(|it| (&*it.0, &it.1)).collect();
        let known = opening_trust((&plan, &reader), &tiles).await?;
        drop(reader);
        for trust in [Trust::Manifest, Trust::File] {
            let pieces: Vec<u32> = {
                let state = self.state.borrow();
                let marks = &state.parts[opening].marks;
                let low = |piece: &u32| marks.get(piece).is_some_and(|it| it.trust < trust);
                let known = known.iter().filter(|it| it.1 == trust);
                known.map(|it| it.0).filter(low).collect()
            };
            self.raise_pieces(opening, &pieces, trust).await?;
        }
        self.settle(opening).await?;
        Ok(known.iter().map(|it| it.0).collect())
    }
}
