//! Raw pieces that came before their turn to be proven and can't be had back from what is kept: they wait on the disk, in a blob
//! with a journal of its own, so that a killed program finds them again.

use super::{
    meta::{Meta, PartMeta},
    names::Name,
    work::Work,
};
use crate::{
    spec::{Bytes, Packing, Trust},
    store::{Begin, BlobPlan, Mark, StoreError, Writer},
    weights::{PartPlan, WeightsError},
};
use std::{collections::BTreeMap, ops::Range, rc::Rc};

/// The pieces of a part that may have to wait, and those that do.
pub(super) struct Spill {
    pub key: String,
    plan: BlobPlan,
    /// The place of each piece: its number in the blob and its bytes there.
    places: BTreeMap<u32, (u32, Range<u64>)>,
    writer: Option<Rc<Writer>>,
    is_opening: bool,
    has_no_room: bool,
}

impl Spill {
    /// Of a part: nothing waits yet, and nothing is reserved.
    pub fn new(id: &str, plan: &PartPlan, packing: Packing) -> Self {
        let (mut places, mut at) = (BTreeMap::new(), 0);
        for piece in (0..plan.pieces.len()).filter(|it| !plan.is_lossless(*it)) {
            let end = at + plan.pieces[piece].source_bytes();
            places.insert(piece as u32, (places.len() as u32, at..end));
            at = end;
        }
        let Meta::Part(meta) = Meta::part(id, plan, packing) else {
            unreachable!("a part's is one");
        };
        let meta = Meta::Spill(PartMeta { ..meta });
        Self {
            key: Name::Spill(id.into(), plan.part, packing).key(),
            plan: BlobPlan {
                meta: meta.to_value(),
                size_bytes: at,
                pieces: places.values().map(|it| vec![it.1.clone()]).collect(),
            },
            places,
            writer: None,
            is_opening: false,
            has_no_room: false,
        }
    }

    /// Whether a piece is one that can't be had back from what is kept.
    pub fn is_needed(&self, piece: u32) -> bool {
        self.places.contains_key(&piece)
    }

    /// Whether a piece waits there.
    pub fn has(&self, piece: u32) -> bool {
        let place = self.places.get(&piece);
        let marks = self.writer.as_ref().map(|it| it.marks());
        place.is_some_and(|it| marks.is_some_and(|marks| marks.contains_key(&it.0)))
    }

    /// What is to be synced before marks of the part are.
    pub fn writer(&self) -> Option<Rc<Writer>> {
        self.writer.clone()
    }
}

impl Work {
    /// Takes up what an earlier fetch left waiting for a part; nothing of it is needed where the part's file is proven.
    pub async fn resume_spill(&self, part: usize, needed: bool) -> Result<(), WeightsError> {
        let (key, plan) = {
            let state = self.state.borrow();
            let spill = &state.parts[part].spill;
            (spill.key.clone(), spill.plan.clone())
        };
        let store = self.library.store();
        if plan.pieces.is_empty() || store.reader(&key).await?.is_none() {
            return Ok(());
        }
        if !needed {
            store.remove(&key).await?;
            return Ok(());
        }
        if let Begin::Writer(it) = store.begin(&key, plan).await? {
            self.state.borrow_mut().parts[part].spill.writer = Some(Rc::new(it));
        }
        Ok(())
    }

    /// Lets a raw piece wait; false where there is no room for that.
    pub async fn spill(
        &self,
        (part, piece): (usize, u32),
        raw: &Bytes,
        hash: [u8; 32],
    ) -> Result<bool, WeightsError> {
        let Some(writer) = self.spill_writer(part).await? else {
            return Ok(false);
        };
        let place = self.state.borrow().parts[part]
            .spill
            .places
            .get(&piece)
            .cloned();
        let Some((at, range)) = place else {
            return Ok(true);
        };
        let mark = Mark {
            source: hash,
            packed: hash,
            trust: Trust::Received,
        };
        match writer.marks().get(&at) {
            Some(it) if *it == mark => return Ok(true),
            Some(_) => writer.forget(at).await?,
            None => (),
        }
        let written = match writer.write(range.start, raw).await {
            Ok(()) => writer.mark(at, mark).await,
            it => it,
        };
        match written {
            Err(StoreError::NoRoom { .. }) => Ok(false),
            it => Ok(it.map(|()| true)?),
        }
    }

    /// A raw piece that waits.
    pub async fn unspill(&self, part: usize, piece: u32) -> Result<Option<Bytes>, WeightsError> {
        let (writer, place) = {
            let state = self.state.borrow();
            let spill = &state.parts[part].spill;
            (spill.writer.clone(), spill.places.get(&piece).cloned())
        };
        match (writer, place) {
            (Some(writer), Some((_, range))) => Ok(Some(writer.read(range).await?)),
            _ => Ok(None),
        }
    }

    /// Takes away what waits for a part.
    pub async fn drop_spill(&self, part: usize) -> Result<(), WeightsError> {
        let (key, writer) = {
            let mut state = self.state.borrow_mut();
            let spill = &mut state.parts[part].spill;
            (spill.key.clone(), spill.writer.take())
        };
        let Some(writer) = writer else {
            return Ok(());
        };
        drop(writer);
        match self.library.store().remove(&key).await {
            // Somebody still reads from it; it is taken away by the next fetch.
            Err(StoreError::Busy { .. }) => Ok(()),
            it => Ok(it.map(|_| ())?),
        }
    }

    /// Makes room for parts: nothing waits from now on. Whether anything did.
    pub async fn drop_spills(&self) -> Result<bool, WeightsError> {
        let n_parts = self.state.borrow().parts.len();
        let mut any = false;
        for part in 0..n_parts {
            any |= self.state.borrow().parts[part].spill.writer.is_some();
            self.drop_spill(part).await?;
            self.state.borrow_mut().parts[part].spill.has_no_room = true;
        }
        Ok(any)
    }

    async fn spill_writer(&self, part: usize) -> Result<Option<Rc<Writer>>, WeightsError> {
        loop {
            let n_said = self.control.n_said();
            {
                let mut state = self.state.borrow_mut();
                let spill = &mut state.parts[part].spill;
                if spill.writer.is_some() || spill.has_no_room {
                    return Ok(spill.writer.clone());
                }
                if !spill.is_opening {
                    spill.is_opening = true;
                    break;
                }
            }
            self.control.said(n_said).await;
        }
        let (key, plan) = {
            let state = self.state.borrow();
            let spill = &state.parts[part].spill;
            (spill.key.clone(), spill.plan.clone())
        };
        let begun = self.library.store().begin(&key, plan).await;
        let mut state = self.state.borrow_mut();
        let spill = &mut state.parts[part].spill;
        spill.is_opening = false;
        match begun {
            Ok(Begin::Writer(it)) => spill.writer = Some(Rc::new(it)),
            Ok(_) | Err(StoreError::NoRoom { .. }) => spill.has_no_room = true,
            Err(it) => return Err(it.into()),
        }
        let writer = spill.writer.clone();
        drop(state);
        self.control.wake();
        Ok(writer)
    }
}
