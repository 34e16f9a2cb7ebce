//! Bytes as they are kept -> the piece as the file has it: the way back from `packer`, where packing loses nothing.

use super::{
    WeightsError,
    form::Form,
    library::LibraryError,
    pieces::{PartPlan, PiecePlan, Slice, SourceTensor},
    stripes::{Order, into_features, into_inputs},
};
use crate::spec::{Bytes, DType, gemma::BLOCK};
use half::f16;
use std::{collections::BTreeMap, ops::Range};

impl PartPlan {
    /// Whether a piece can be had back from what is kept as the file has it, whatever the order in which it lies: what
    /// [`PartPlan::is_kept_as_it_is`], and what was widened or moved.
    pub fn is_lossless(&self, piece: usize) -> bool {
        self.lossy(&self.pieces[piece]).is_none()
    }

    /// A piece as the file has it, from the bytes that are kept of it: the way back from [`PartPlan::pack`].
    ///
    /// Shapes: `kept` is [`PartPlan::spans`] in their order, each with its bytes.
    ///
    /// Errors: [`WeightsError::Coarse`] where packing loses something; [`LibraryError::KeptPiece`] for other bytes than the spans.
    pub fn unpack(
        &self,
        piece: usize,
        kept: &[(Range<u64>, Bytes)],
    ) -> Result<Bytes, WeightsError> {
        let plan = &self.pieces[piece];
        if let Some(it) = self.lossy(plan) {
            return Err(WeightsError::Coarse {
                tensor: it.label.clone(),
                packing: it.packed.packing,
            });
        }
        let wrong = || {
            WeightsError::from(LibraryError::KeptPiece {
                part: self.part,
                piece,
            })
        };
        let fits = |of: (&(Range<u64>, Bytes), Range<u64>)| {
            of.0.0 == of.1 && of.0.1.len() as u64 == of.1.end - of.1.start
        };
        let spans = self.spans(piece);
        if kept.len() != spans.len() || !kept.iter().zip(spans).all(fits) {
            return Err(wrong());
        }
        let mut runs = BTreeMap::new();
        let mut kept = kept.iter().map(|it| &it.1);
        for slice in &plan.slices {
            let source = &self.sources[slice.tensor];
            let n_spans = source.spans(&slice.rows).len();
            let mine = kept.by_ref().take(n_spans).cloned().collect();
            runs.insert(slice.at, source.unpack(slice, mine));
        }
        let (gaps, mut at) = (kept.next(), 0);
        for gap in &plan.gaps {
            let end = at + (gap.end - gap.start) as usize;
            let gap_bytes = gaps.and_then(|it| it.slice(at..end)).ok_or_else(wrong)?;
            runs.insert(gap.start, gap_bytes);
            at = end;
        }
        Ok(Bytes::concat(runs.into_values().collect()))
    }

    /// The first tensor of a piece of which packing loses something.
    fn lossy(&self, piece: &PiecePlan) -> Option<&SourceTensor> {
        let mut sources = piece.slices.iter().map(|it| &self.sources[it.tensor]);
        sources.find(|it| !it.is_lossless())
    }
}

impl SourceTensor {
    /// Whether every weight is kept as it is, or wider.
    fn is_lossless(&self) -> bool {
        let kept = Form::Packed(self.packed.packing).dtype();
        kept == Some(self.dtype) || kept == Some(DType::F32)
    }

    /// Rows as the file has them, from what [`SourceTensor::spans`] are kept.
    fn unpack(&self, slice: &Slice, kept: Vec<Bytes>) -> Bytes {
        if self.is_kept_as_it_is() {
            return Bytes::concat(kept);
        }
        let dtype = Form::Packed(self.packed.packing).dtype();
        let dtype = dtype.unwrap_or(self.dtype);
        let kept = kept.into_iter().map(Bytes::into_vec);
        let rows = match self.order {
            None => kept.collect::<Vec<_>>().concat(),
            Some(Order::Inputs) => {
                let stripe_bytes = self.packed.rows.len() * BLOCK * dtype.size_bytes();
                let kept = kept.collect::<Vec<_>>().concat();
                let stripes = kept.chunks_exact(stripe_bytes);
                let rows: Vec<Vec<u8>> = stripes.map(|it| into_inputs(it, dtype)).collect();
                rows.concat()
            }
            Some(Order::Features | Order::Stripes) => {
                into_features(&kept.collect::<Vec<_>>(), slice.rows.len(), dtype)
            }
        };
        match dtype == self.dtype {
            true => rows.into(),
            false => narrowed(&rows, self.dtype).into(),
        }
    }
}

/// f32 that were made of a narrower type, as they were.
fn narrowed(values: &[u8], dtype: DType) -> Vec<u8> {
    let values = values.as_chunks::<4>().0.iter();
    let bits = |it: &[u8; 4]| match dtype {
        DType::F16 => f16::from_f32(f32::from_le_bytes(*it)).to_bits(),
        _ => (u32::from_le_bytes(*it) >> 16) as u16,
    };
    values.flat_map(|it| bits(it).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{spec::Packing, weights::convert};

    #[test]
    fn every_finite_number_of_16_bits_comes_back_from_f32() {
        for dtype in [DType::F16, DType::BF16] {
            let exponent = match dtype {
                DType::F16 => 0x7c00,
                _ => 0x7f80,
            };
            let finite = (0..=u16::MAX).filter(|it| it & exponent != exponent);
            let raw: Vec<u8> = finite.flat_map(u16::to_le_bytes).collect();
            let n_in = raw.len() / 2;
            let wide = convert::pack("t", 0, raw.clone().into(), dtype, n_in, Packing::F32);
            assert!(
                narrowed(&wide.unwrap().into_vec(), dtype) == raw,
                "{dtype:?}"
            );
        }
    }
}
