//! Pieces of an encoder as a file has them -> stripes of 32 inputs as the GPU reads them. Leaves which pieces are read to
//! `encoder_pieces`.
//!
//! Two kinds of files hold an encoder: an npz has a row per input, a safetensors file a row per feature. Both become the same bytes.

#![allow(
    clippy::single_range_in_vec_init,
    reason = "spans are lists of ranges, often of one"
)]

use super::{WeightsError, convert, form::Form};
use crate::spec::{Bytes, DType, Packing, gemma::BLOCK};
use std::ops::Range;

/// What a row of the encoder is in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// An input: `[d_in, d_transcoder]`.
    Inputs,
    /// A feature: `[d_transcoder, d_in]`.
    Features,
    /// Stripes, packed as they are kept: [`crate::spec::Layout::Stripes`].
    Stripes,
}

/// An encoder in its file.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    /// What its rows are.
    pub order: Order,
    /// The file, or the key of what is kept.
    pub file: String,
    /// Its first byte there.
    pub at: u64,
    /// How its weights stand.
    pub form: Form,
    /// Inputs.
    pub d_in: usize,
    /// Features.
    pub d_transcoder: usize,
    /// What messages call it.
    pub label: String,
}

/// Weights of one stripe for some features.
pub(super) struct Stripe {
    /// Which one: inputs from 32 times this on.
    pub stripe: usize,
    /// The features.
    pub features: Range<usize>,
}

impl Encoder {
    /// Where in the file the weights of row `row` lie, columns `columns`.
    pub fn range(&self, row: usize, columns: Range<usize>) -> Range<u64> {
        let place = |column: usize| {
            let index = row as u64 * self.n_columns() as u64 + column as u64;
            self.at + index * self.weight_bytes() as u64
        };
        place(columns.start)..place(columns.end)
    }

    /// Where some features of a stripe lie, of an encoder kept in stripes: the weights, and of 8 bit the scales.
    pub fn in_stripe(&self, stripe: usize, features: &Range<usize>) -> (Range<u64>, Range<u64>) {
        let Form::Packed(packing) = self.form else {
            return (0..0, 0..0);
        };
        let start = self.at + (stripe * packing.stripe_bytes(self.d_transcoder)) as u64;
        let size = match packing {
            Packing::Q8 => BLOCK,
            Packing::F32 | Packing::Bf16 | Packing::F16 => packing.stripe_bytes(1),
        };
        let weight = |feature: usize| start + (feature * size) as u64;
        let scales = start + (self.d_transcoder * BLOCK) as u64;
        let scale = |feature: usize| scales + 2 * feature as u64;
        let scales = match packing {
            Packing::Q8 => scale(features.start)..scale(features.end),
            Packing::F32 | Packing::Bf16 | Packing::F16 => 0..0,
        };
        (weight(features.start)..weight(features.end), scales)
    }

    /// Where in the file whole rows lie.
    pub fn rows(&self, rows: Range<usize>) -> Range<u64> {
        self.range(rows.start, 0..0).start..self.range(rows.end, 0..0).start
    }

    /// Whether one tile wants it whole and packed as it is kept.
    pub fn is_wanted_so(&self, tiles: &[Range<usize>], packing: Packing) -> bool {
        self.form == Form::Packed(packing) && matches!(tiles, [it] if *it == (0..self.d_transcoder))
    }

    /// Bytes of one that is kept in stripes.
    pub fn packed_bytes(&self) -> usize {
        match self.form {
            Form::Packed(it) => self.n_stripes() * it.stripe_bytes(self.d_transcoder),
            Form::Raw(_) => 0,
        }
    }

    pub fn n_stripes(&self) -> usize {
        self.d_in / BLOCK
    }

    pub fn weight_bytes(&self) -> usize {
        self.form.dtype().map_or(1, DType::size_bytes)
    }

    /// The type of the weights.
    ///
    /// Errors: [`WeightsError::Coarse`] of 8-bit blocks.
    pub fn dtype(&self, packing: Packing) -> Result<DType, WeightsError> {
        self.form.dtype().ok_or_else(|| WeightsError::Coarse {
            tensor: self.label.clone(),
            packing,
        })
    }

    /// Packs weights that stand as `[features][32]`.
    ///
    /// Shapes: the result is `[features][32]` weights; with [`Packing::Q8`] quants, then a scale each, without padding behind.
    ///
    /// Errors: [`WeightsError::NotFinite`], [`WeightsError::TooLarge`], by the weight's place in the file.
    pub fn pack(&self, of: &Stripe, raw: Vec<u8>, packing: Packing) -> Result<Bytes, WeightsError> {
        let dtype = self.dtype(packing)?;
        let packed = convert::pack(&self.label, 0, raw.into(), dtype, BLOCK, packing);
        let packed = packed.map_err(|it| self.placed(it, of))?;
        match packing {
            Packing::Q8 => Ok(scales_last(&packed.into_vec()).into()),
            Packing::F32 | Packing::Bf16 | Packing::F16 => Ok(packed),
        }
    }

    /// An error that counts from the start of a stripe, told by its place in the file.
    fn placed(&self, error: WeightsError, of: &Stripe) -> WeightsError {
        let place = |index: u64| {
            let feature = of.features.start as u64 + index / BLOCK as u64;
            let input = (of.stripe * BLOCK) as u64 + index % BLOCK as u64;
            match self.order {
                Order::Inputs => input * self.d_transcoder as u64 + feature,
                Order::Features | Order::Stripes => feature * self.d_in as u64 + input,
            }
        };
        match error {
            WeightsError::NotFinite { tensor, index } => WeightsError::NotFinite {
                tensor,
                index: place(index),
            },
            WeightsError::TooLarge {
                tensor,
                index,
                packing,
            } => WeightsError::TooLarge {
                tensor,
                index: place(index),
                packing,
            },
            it => it,
        }
    }

    fn n_columns(&self) -> usize {
        match self.order {
            Order::Inputs => self.d_transcoder,
            Order::Features | Order::Stripes => self.d_in,
        }
    }
}

/// Some features of a tile of a matrix in stripes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// How the tile is packed.
    pub packing: Packing,
    /// Features of the tile.
    pub n_tile: usize,
    /// The first of ours.
    pub first: usize,
    /// How many.
    pub n: usize,
}

impl Within {
    /// The bytes of the tile that they fill of a stripe, as [`Within::places`] has them.
    pub fn spans(self, stripe: usize) -> Vec<Range<u64>> {
        let stripe_bytes = self.packing.stripe_bytes(self.n_tile);
        let at = stripe * stripe_bytes;
        let end = self.first + self.n;
        let spans = match self.packing {
            Packing::Q8 => {
                let scales = at + self.n_tile * BLOCK;
                let scales_end = match end == self.n_tile {
                    true => at + stripe_bytes,
                    false => scales + end * 2,
                };
                let quants = at + self.first * BLOCK..at + end * BLOCK;
                match self.n == self.n_tile {
                    true => vec![at..at + stripe_bytes],
                    false => vec![quants, scales + self.first * 2..scales_end],
                }
            }
            packing => {
                vec![at + packing.stripe_bytes(self.first)..at + packing.stripe_bytes(end)]
            }
        };
        let spans = spans.into_iter();
        spans.map(|it| it.start as u64..it.end as u64).collect()
    }

    /// Where packed weights of a stripe belong in the tile, whose stripes are counted from its start.
    ///
    /// Shapes: `packed` as [`Encoder::pack`] makes it.
    pub fn places(self, stripe: usize, packed: Bytes) -> Vec<(u64, Bytes)> {
        let stripe_bytes = self.packing.stripe_bytes(self.n_tile);
        let at = stripe as u64 * stripe_bytes as u64;
        if self.packing != Packing::Q8 {
            let at = at + self.packing.stripe_bytes(self.first) as u64;
            return vec![(at, packed)];
        }
        let is_last = self.first + self.n == self.n_tile;
        let mut quants = packed.into_vec();
        let mut scales = quants.split_off(self.n * BLOCK);
        if is_last {
            scales.resize(stripe_bytes - self.n_tile * BLOCK - self.first * 2, 0);
        }
        let scales_at = at + (self.n_tile * BLOCK + self.first * 2) as u64;
        if self.first == 0 && is_last {
            quants.append(&mut scales);
        }
        let places = [
            (at + (self.first * BLOCK) as u64, Bytes::from(quants)),
            (scales_at, scales.into()),
        ];
        let places = places.into_iter();
        places.filter(|(_, it)| !it.is_empty()).collect()
    }
}

/// Rows of inputs -> `[features][32]`.
///
/// Shapes: 32 `rows`, each of as many weights of `dtype` as there are features.
pub(super) fn from_inputs(rows: &[&[u8]], dtype: DType) -> Vec<u8> {
    match dtype.size_bytes() {
        2 => transposed::<2>(rows),
        _ => transposed::<4>(rows),
    }
}

/// Rows of features -> `[features][32]` of the inputs of one stripe.
///
/// Shapes: `rows [features][row_bytes]`.
pub(super) fn from_features(rows: &[u8], row_bytes: usize, stripe: usize, dtype: DType) -> Vec<u8> {
    let n_bytes = BLOCK * dtype.size_bytes();
    let mut out = Vec::with_capacity(rows.len() / row_bytes * n_bytes);
    for row in rows.chunks_exact(row_bytes) {
        out.extend(&row[stripe * n_bytes..][..n_bytes]);
    }
    out
}

/// `[features][32]` of one stripe -> rows of inputs: the way back from [`from_inputs`].
///
/// Shapes: the result is `[32][features]`.
pub(super) fn into_inputs(stripe: &[u8], dtype: DType) -> Vec<u8> {
    let features: Vec<&[u8]> = stripe.chunks_exact(BLOCK * dtype.size_bytes()).collect();
    match dtype.size_bytes() {
        2 => transposed::<2>(&features),
        _ => transposed::<4>(&features),
    }
}

/// `[features][32]` of every stripe -> rows of features: the way back from [`from_features`].
///
/// Shapes: the result is `[n_features][32 * stripes.len()]`.
pub(super) fn into_features(stripes: &[Vec<u8>], n_features: usize, dtype: DType) -> Vec<u8> {
    let n_bytes = BLOCK * dtype.size_bytes();
    let mut out = Vec::with_capacity(n_features * stripes.len() * n_bytes);
    for feature in 0..n_features {
        for stripe in stripes {
            out.extend(&stripe[feature * n_bytes..][..n_bytes]);
        }
    }
    out
}

fn transposed<const N: usize>(rows: &[&[u8]]) -> Vec<u8> {
    /// Features that are moved together: a cache line of each row, so that neither side is fetched twice.
    const TOGETHER: usize = 16;
    let n_features = rows.first().map_or(0, |it| it.len() / N);
    let mut out = vec![0; rows.len() * n_features * N];
    let weights = out.as_chunks_mut::<N>().0;
    for (n, block) in weights.chunks_mut(TOGETHER * rows.len()).enumerate() {
        for (input, row) in rows.iter().enumerate() {
            let row = &row.as_chunks::<N>().0[n * TOGETHER..];
            for (feature, it) in block.chunks_exact_mut(rows.len()).zip(row) {
                feature[input] = *it;
            }
        }
    }
    out
}

/// Blocks that are followed by their scale and padding each -> all quants, then all scales.
fn scales_last(packed: &[u8]) -> Vec<u8> {
    let row_bytes = Packing::Q8.row_bytes(BLOCK);
    let n_rows = packed.len() / row_bytes;
    let mut out = Vec::with_capacity(Packing::Q8.stripe_bytes(n_rows));
    let rows = || packed.chunks_exact(row_bytes);
    rows().for_each(|it| out.extend(&it[..BLOCK]));
    rows().for_each(|it| out.extend(&it[BLOCK..BLOCK + 2]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transpose_moves_every_weight_whatever_the_number_of_features() {
        for n_features in [1, 15, 16, 17, 40] {
            let rows: Vec<Vec<u8>> = (0..BLOCK)
                .map(|input| {
                    (0..n_features)
                        .flat_map(|feature| ((input * 1000 + feature) as u32).to_le_bytes())
                        .collect()
                })
                .collect();
            let views: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
            let out = from_inputs(&views, DType::F32);
            for (n, it) in out.as_chunks::<4>().0.iter().enumerate() {
                let expected = n % BLOCK * 1000 + n / BLOCK;
                assert_eq!(u32::from_le_bytes(*it) as usize, expected);
            }
            assert_eq!(out.len(), n_features * BLOCK * 4);
            assert_eq!(into_inputs(&out, DType::F32), rows.concat());
        }
    }
}
