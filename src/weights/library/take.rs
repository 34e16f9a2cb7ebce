//! A piece on its way into the store: hashed, compared, packed, written, marked. Leaves where it comes from to `workers`.

use super::{LibraryError, work::Work};
use crate::{
    spec::{Bytes, Trust},
    store::{Mark, StoreError, sha256, sha256_of},
    weights::{PartPlan, WeightsError, checkpoint::hex},
};
use std::{ops::Range, rc::Rc};

/// A piece as its file has it.
pub(super) struct Came {
    pub part: usize,
    pub piece: u32,
    pub raw: Bytes,
    /// What is known of it already: of one that was kept in another packing.
    pub trust: Trust,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is there.
    Marked,
    /// It is not what was published.
    Wrong,
    /// There is no room for it.
    NoRoom,
    /// Somebody else is at its part just now.
    Busy,
}

/// What is needed of a piece's part and file.
struct About {
    plan: Rc<PartPlan>,
    file: usize,
    name: String,
    range: Range<u64>,
    before: Option<Mark>,
    is_to_be_proven: bool,
    can_wait: bool,
}

impl Work {
    /// Takes a piece in. It is `in_flight` before, and is no more after this unless it could not be taken.
    pub async fn take(&self, came: &Came) -> Result<Taken, WeightsError> {
        let about = self.about(came);
        let source = sha256(&came.raw).await;
        let trust = match self.trusted(came, &about, source) {
            Some(it) => it,
            None => return Ok(Taken::Wrong),
        };
        let passed = self.passed(about.file, &about.range);
        if passed.is_some_and(|it| it != source) {
            // Which of the two it was, nobody knows: the file is hashed anew, with this one.
            self.reset_proof(about.file).await?;
        }
        if let Some(before) = about.before {
            if before.source == source {
                return self.known(came, &about, source).await;
            }
            self.forget_mark(came.part, came.piece).await?;
        }
        let mark = Mark {
            source,
            packed: [0; 32],
            trust,
        };
        let taken = self.store_piece(came, &about, mark).await?;
        if taken == Taken::Marked {
            self.after(came, &about).await?;
        }
        Ok(taken)
    }

    fn about(&self, came: &Came) -> About {
        let state = self.state.borrow();
        let part = &state.parts[came.part];
        let file = part.files[came.piece as usize];
        let in_cover = state.turn(file, came.part, came.piece).is_some();
        About {
            plan: part.plan.clone(),
            file,
            name: state.files[file].name.clone(),
            range: part.range(came.piece),
            before: part.marks.get(&came.piece).copied(),
            is_to_be_proven: in_cover && state.files[file].is_to_be_proven(),
            can_wait: part.spill.is_needed(came.piece),
        }
    }

    /// What a piece counts as; none where it is not what the manifest or the proven file has there.
    fn trusted(&self, came: &Came, about: &About, source: [u8; 32]) -> Option<Trust> {
        let manifest = self.manifest.as_ref();
        let listed = manifest.and_then(|it| it.of(&about.name, &about.range));
        let proven = self.proven(about.file, &about.range);
        match (listed, proven) {
            (Some(it), _) if it != source => None,
            (_, Some(it)) if it != source => None,
            (_, Some(_)) => Some(Trust::File),
            (Some(_), None) => Some(came.trust.max(Trust::Manifest)),
            (None, None) => Some(came.trust),
        }
    }

    /// A piece that is there: its raw bytes alone were needed.
    async fn known(
        &self,
        came: &Came,
        about: &About,
        source: [u8; 32],
    ) -> Result<Taken, WeightsError> {
        self.to_proof(came, about, source).await?;
        self.state.borrow_mut().parts[came.part]
            .in_flight
            .remove(&came.piece);
        self.after(came, about).await?;
        Ok(Taken::Marked)
    }

    /// Gives raw bytes to the file's hash if it is their turn, else lets them wait where they could not be had back.
    async fn to_proof(
        &self,
        came: &Came,
        about: &About,
        source: [u8; 32],
    ) -> Result<(), WeightsError> {
        if !about.is_to_be_proven || !about.can_wait {
            return Ok(());
        }
        let at = (came.part, came.piece);
        if self.passed(about.file, &about.range) == Some(source) {
            return Ok(());
        }
        if !self.hash_if_next(about.file, at, &about.range, (&came.raw, source)) {
            // Without room to wait it is received once more when its turn has come.
            self.spill(at, &came.raw, source).await?;
        }
        Ok(())
    }

    async fn store_piece(
        &self,
        came: &Came,
        about: &About,
        mark: Mark,
    ) -> Result<Taken, WeightsError> {
        let writer = match self.writer(came.part).await {
            Ok(Some(it)) => it,
            Ok(None) => return Ok(Taken::Busy),
            Err(WeightsError::Store(StoreError::NoRoom { .. })) => return Ok(Taken::NoRoom),
            Err(it) => return Err(it),
        };
        self.to_proof(came, about, mark.source).await?;
        let runs = about.plan.pack(came.piece as usize, &came.raw)?;
        for (at, bytes) in &runs {
            match writer.write(*at, bytes).await {
                Err(StoreError::NoRoom { .. }) => return Ok(Taken::NoRoom),
                it => it?,
            }
        }
        let parts: Vec<Bytes> = runs.into_iter().map(|it| it.1).collect();
        let packed = sha256_of(&parts).await;
        let n_bytes = parts.iter().map(|it| it.len() as u64).sum();
        drop(parts);
        let is_due = self.before_mark(came.raw.len() as u64, n_bytes).await?;
        let mark = Mark { packed, ..mark };
        match writer.mark(came.piece, mark).await {
            // It is marked, and lasts from the next sync on.
            Ok(()) | Err(StoreError::NoRoom { .. }) => (),
            Err(it) => return Err(it.into()),
        }
        drop(writer);
        self.state.borrow_mut().marked(came.part, came.piece, mark);
        if is_due {
            self.sync().await?;
        }
        Ok(Taken::Marked)
    }

    /// Counts bytes that a crash would cost: as they came, and as the store counts them. Marks make the store sync when they are many;
    /// what proofs need must last before they do. Whether everything is to be synced after the mark.
    async fn before_mark(&self, came: u64, packed: u64) -> Result<bool, WeightsError> {
        let store_bytes = self.library.store().config().journal_every_bytes;
        let most_bytes = self.library.net().config().journal_bytes;
        let is_due = {
            let mut state = self.state.borrow_mut();
            let (unsaved, unsynced) = state.unsaved_bytes;
            let sum = (unsaved + came, unsynced + packed);
            let is_due = sum.0 >= most_bytes || sum.1 >= store_bytes;
            state.unsaved_bytes = if is_due { (0, packed) } else { sum };
            is_due
        };
        if is_due {
            self.save_proofs().await?;
        }
        Ok(is_due)
    }

    async fn after(&self, came: &Came, about: &About) -> Result<(), WeightsError> {
        if about.is_to_be_proven {
            self.advance(about.file).await?;
        }
        self.settle(came.part).await?;
        self.control.wake();
        Ok(())
    }

    /// The error for a piece that is wrong a second time.
    pub async fn mismatch(&self, came: &Came) -> WeightsError {
        let about = self.about(came);
        let manifest = self.manifest.as_ref();
        let listed = manifest.and_then(|it| it.of(&about.name, &about.range));
        let expected = listed.or_else(|| self.proven(about.file, &about.range));
        LibraryError::Mismatch {
            file: format!(
                "{} (bytes {} to {})",
                about.name, about.range.start, about.range.end
            ),
            expected: expected.map(|it| hex(&it)).unwrap_or_default(),
            got: hex(&sha256(&came.raw).await),
        }
        .into()
    }
}
