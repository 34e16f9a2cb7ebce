//! What is kept, to be read: all of a blob, or the pieces of it that are there.

use super::{
    BlobPlan, Disk, DiskFile, Mark, Marks, Open, StoreError, disk::check_range, hash, names,
    plan::touched,
};
use crate::spec::{Bytes, Trust};
use serde_json::Value;
use std::{ops::Range, rc::Rc};

/// A blob to read from. It sees the pieces that were there when it was opened.
pub struct Reader {
    key: String,
    plan: BlobPlan,
    marks: Marks,
    spans: Vec<(Range<u64>, u32)>,
    file: Rc<dyn DiskFile>,
}

impl Reader {
    pub(super) async fn open(
        disk: &dyn Disk,
        key: &str,
        plan: BlobPlan,
        marks: Marks,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            key: key.into(),
            spans: plan.spans(key)?,
            plan,
            marks,
            file: disk.open(&names::data(key), Open::Read).await?,
        })
    }

    /// What it is called.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it was kept with.
    pub fn meta(&self) -> &Value {
        &self.plan.meta
    }

    /// What it consists of.
    pub fn plan(&self) -> &BlobPlan {
        &self.plan
    }

    /// Bytes of the whole.
    pub fn size_bytes(&self) -> u64 {
        self.plan.size_bytes
    }

    /// The pieces that are there.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Whether all pieces are there.
    pub fn is_whole(&self) -> bool {
        self.plan.n_missing(&self.marks) == 0
    }

    /// Whether a range is inside the whole and all of its bytes are there.
    pub fn has(&self, range: &Range<u64>) -> bool {
        let inside = range.start <= range.end && range.end <= self.plan.size_bytes;
        inside && touched(&self.spans, range).all(|it| self.marks.contains_key(&it))
    }

    /// The lowest trust of the pieces that share bytes with a range; none where one is missing, or there is none.
    pub fn trust(&self, range: &Range<u64>) -> Option<Trust> {
        let trust = touched(&self.spans, range).map(|it| self.marks.get(&it).map(|it| it.trust));
        trust.min().flatten()
    }

    /// A range; on the web its bytes stay in the JavaScript heap.
    ///
    /// Errors: [`StoreError::Range`] beyond the end, [`StoreError::NotHere`] where a piece is missing; those of the disk.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        check_range(&names::data(&self.key), &range, self.plan.size_bytes)?;
        if self.has(&range) {
            return self.file.read(range).await;
        }
        Err(StoreError::NotHere {
            key: self.key.clone(),
            wanted: range,
        })
    }

    /// Whether a piece is still what it was when it was marked.
    ///
    /// Errors: [`StoreError::Piece`] for one that is not there; those of the disk.
    pub async fn verify(&self, piece: u32) -> Result<bool, StoreError> {
        let mark = self.mark(piece)?;
        let parts = self.piece(piece).await?;
        Ok(hash::sha256_of(&parts).await == mark.packed)
    }

    /// The pieces that are no longer what they were; `progress` gets the bytes of each that was read.
    ///
    /// Errors: those of the disk.
    pub async fn damaged(&self, mut progress: impl FnMut(u64)) -> Result<Vec<u32>, StoreError> {
        let mut out = Vec::new();
        for &piece in self.marks.keys() {
            if !self.verify(piece).await? {
                out.push(piece);
            }
            progress(self.plan.piece_bytes(piece).unwrap_or_default());
        }
        Ok(out)
    }

    pub(super) fn mark(&self, piece: u32) -> Result<Mark, StoreError> {
        let mark = self.marks.get(&piece).copied();
        mark.ok_or_else(|| StoreError::Piece {
            key: self.key.clone(),
            piece,
            n_pieces: self.plan.pieces.len(),
        })
    }

    /// A piece's bytes, span by span.
    pub(super) async fn piece(&self, piece: u32) -> Result<Vec<Bytes>, StoreError> {
        let mut out = Vec::new();
        for span in self.plan.pieces.get(piece as usize).into_iter().flatten() {
            out.push(self.read(span.clone()).await?);
        }
        Ok(out)
    }
}
