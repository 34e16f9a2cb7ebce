//! A piece as the file has it -> bytes as they are kept, and where. Leaves cutting to `pieces`.

use super::{
    WeightsError,
    form::Form,
    pieces::{PartPlan, Slice, SourceTensor},
    stripes::{Encoder, Order, Stripe, Within, from_features, from_inputs},
};
use crate::{
    hub::HubError,
    spec::{Bytes, gemma::BLOCK},
};

/// Bytes of a file that are packed at once: what is held in the wasm heap at a time.
const AT_ONCE_BYTES: usize = 4 << 20;

impl PartPlan {
    /// Packs a piece: runs of bytes and where each is kept. What needs no packing is handed on as it came.
    ///
    /// Shapes: `raw` is the piece's range of its file; the runs fill [`PartPlan::spans`].
    ///
    /// Errors: as [`super::pack`]; [`HubError::Length`] for a piece of another length.
    pub fn pack(&self, piece: usize, raw: &Bytes) -> Result<Vec<(u64, Bytes)>, WeightsError> {
        let plan = &self.pieces[piece];
        let wrong = || {
            WeightsError::Hub(HubError::Length {
                file: plan.file.clone(),
                wanted_bytes: plan.source_bytes(),
                got_bytes: raw.len() as u64,
            })
        };
        if raw.len() as u64 != plan.source_bytes() {
            return Err(wrong());
        }
        let mut out = Vec::new();
        for slice in &plan.slices {
            let source = &self.sources[slice.tensor];
            let end = slice.at + slice.rows.len() as u64 * source.row_bytes();
            let bytes = plan.bytes(raw, slice.at..end).ok_or_else(wrong)?;
            source.pack(slice, bytes, &mut out)?;
        }
        let mut at = plan.gaps_at;
        for gap in &plan.gaps {
            let bytes = plan.bytes(raw, gap.clone()).ok_or_else(wrong)?;
            at += bytes.len() as u64;
            out.push((at - bytes.len() as u64, bytes));
        }
        Ok(out)
    }
}

impl SourceTensor {
    fn pack(
        &self,
        slice: &Slice,
        raw: Bytes,
        out: &mut Vec<(u64, Bytes)>,
    ) -> Result<(), WeightsError> {
        match self.order {
            None => self.pack_rows(slice, raw, out),
            Some(Order::Inputs) => self.pack_inputs(slice, &raw.into_vec(), out),
            Some(Order::Features | Order::Stripes) => {
                self.pack_features(slice, &raw.into_vec(), out)
            }
        }
    }

    fn pack_rows(
        &self,
        slice: &Slice,
        raw: Bytes,
        out: &mut Vec<(u64, Bytes)>,
    ) -> Result<(), WeightsError> {
        let it = &self.packed;
        let row_bytes = self.row_bytes() as usize;
        let per_run = match self.is_kept_as_it_is() {
            true => slice.rows.len(),
            false => AT_ONCE_BYTES / row_bytes,
        };
        let packed_row_bytes = it.size_bytes() / it.rows.len().max(1) as u64;
        for first in slice.rows.clone().step_by(per_run.max(1)) {
            let end = slice.rows.end.min(first + per_run.max(1));
            let run = (first - slice.rows.start) * row_bytes..(end - slice.rows.start) * row_bytes;
            let run = raw.slice(run).unwrap_or_else(|| Vec::new().into());
            let first_index = (it.rows.start + first) as u64 * it.n_in as u64;
            let form = Form::Raw(self.dtype);
            let packed = form.pack(&self.label, first_index, run, it.n_in, it.packing)?;
            out.push((it.at + first as u64 * packed_row_bytes, packed));
        }
        Ok(())
    }

    fn pack_inputs(
        &self,
        slice: &Slice,
        raw: &[u8],
        out: &mut Vec<(u64, Bytes)>,
    ) -> Result<(), WeightsError> {
        let (encoder, it) = (self.encoder(), &self.packed);
        let within = self.within(0, it.rows.len());
        let row_bytes = self.row_bytes() as usize;
        for (n, rows) in raw.chunks_exact(BLOCK * row_bytes).enumerate() {
            let rows: Vec<&[u8]> = rows.chunks_exact(row_bytes).collect();
            let of = Stripe {
                stripe: slice.rows.start / BLOCK + n,
                features: 0..it.rows.len(),
            };
            let packed = encoder.pack(&of, from_inputs(&rows, self.dtype), it.packing)?;
            let places = within.places(of.stripe, packed).into_iter();
            out.extend(places.map(|(at, bytes)| (it.at + at, bytes)));
        }
        Ok(())
    }

    fn pack_features(
        &self,
        slice: &Slice,
        raw: &[u8],
        out: &mut Vec<(u64, Bytes)>,
    ) -> Result<(), WeightsError> {
        let (encoder, it) = (self.encoder(), &self.packed);
        let within = self.within(slice.rows.start, slice.rows.len());
        for stripe in 0..it.n_in / BLOCK {
            let of = Stripe {
                stripe,
                features: slice.rows.clone(),
            };
            let weights = from_features(raw, self.row_bytes() as usize, stripe, self.dtype);
            let packed = encoder.pack(&of, weights, it.packing)?;
            let places = within.places(stripe, packed).into_iter();
            out.extend(places.map(|(at, bytes)| (it.at + at, bytes)));
        }
        Ok(())
    }

    fn within(&self, first: usize, n: usize) -> Within {
        Within {
            packing: self.packed.packing,
            n_tile: self.packed.rows.len(),
            first,
            n,
        }
    }

    fn encoder(&self) -> Encoder {
        Encoder {
            order: self.order.unwrap_or(Order::Inputs),
            file: self.file.clone(),
            at: self.at,
            form: Form::Raw(self.dtype),
            d_in: self.packed.n_in,
            d_transcoder: self.packed.rows.len(),
            label: self.label.clone(),
        }
    }
}
