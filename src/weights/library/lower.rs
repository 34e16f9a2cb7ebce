//! A lower precision made from a higher one that is kept: pieces as their file has them, from the store, without the network. Leaves
//! packing them anew to `PartPlan`.

use super::LibraryError;
use crate::{
    spec::{Bytes, Packing, Trust},
    store::{Reader, Store, sha256},
    weights::{PartPlan, WeightsError},
};

/// A part that is kept whole in a packing that loses nothing: as good as its file.
pub struct Higher {
    reader: Reader,
    plan: PartPlan,
}

/// A piece as its file has it.
pub struct Raw {
    /// The bytes.
    pub bytes: Bytes,
    /// Their sha256.
    pub source: [u8; 32],
    /// What they were compared with when they came.
    pub trust: Trust,
}

impl Higher {
    /// The packings from which another one may be made, the smallest first: what is read least of.
    pub const fn packings_above(packing: Packing) -> &'static [Packing] {
        match packing {
            Packing::F32 => &[],
            Packing::Bf16 | Packing::F16 => &[Packing::F32],
            Packing::Q8 => &[Packing::Bf16, Packing::F16, Packing::F32],
        }
    }

    /// A kept part by the plan by which it was packed; none where it is not whole, loses something, or was cut otherwise.
    pub fn new(reader: Reader, plan: PartPlan) -> Option<Self> {
        let n_pieces = plan.pieces.len();
        let kept = reader.plan();
        let same_cut = (kept.size_bytes, kept.pieces.len()) == (plan.size_bytes, n_pieces)
            && (0..n_pieces).all(|it| kept.pieces[it] == plan.spans(it));
        let lossless = (0..n_pieces).all(|it| plan.is_lossless(it));
        (same_cut && lossless && reader.is_whole()).then_some(Self { reader, plan })
    }

    /// The first of some keys and plans under which there is such a part.
    ///
    /// Errors: those of the store.
    pub async fn find(
        store: &Store,
        candidates: impl IntoIterator<Item = (String, PartPlan)>,
    ) -> Result<Option<Self>, WeightsError> {
        for (key, plan) in candidates {
            let reader = store.reader(&key).await?;
            if let Some(it) = reader.and_then(|it| Self::new(it, plan)) {
                return Ok(Some(it));
            }
        }
        Ok(None)
    }

    /// What it is called in the store.
    pub fn key(&self) -> &str {
        self.reader.key()
    }

    /// A piece as its file has it. It has the hash that it had when it came, so that all that was known of it then still is.
    ///
    /// Errors: [`LibraryError::DamagedPiece`] where what is kept is no longer what it was; those of the store.
    pub async fn piece(&self, piece: usize) -> Result<Raw, WeightsError> {
        let mut kept = Vec::new();
        for span in self.plan.spans(piece) {
            let bytes = self.reader.read(span.clone()).await?;
            kept.push((span, bytes));
        }
        let bytes = self.plan.unpack(piece, &kept)?;
        let source = sha256(&bytes).await;
        let mark = self.reader.marks().get(&(piece as u32));
        match mark.filter(|it| it.source == source) {
            Some(it) => Ok(Raw {
                bytes,
                source,
                trust: it.trust,
            }),
            None => Err(LibraryError::DamagedPiece {
                key: self.key().into(),
                piece,
            }
            .into()),
        }
    }
}
