//! A packed matrix in parts that each fit a binding.

use crate::{
    gpu::{Kernel, View},
    spec::{Layout, Packing, gemma::BLOCK},
};

/// A packed matrix `[n_out, n_in]`, split by rows.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// How weights are packed.
    pub packing: Packing,
    /// How they lie in each part.
    pub layout: Layout,
    /// Rows.
    pub n_out: usize,
    /// Weights of a row, a multiple of 32.
    pub n_in: usize,
    /// Its parts, in order, without gaps.
    pub tiles: Vec<Tile>,
}

/// Some rows of a matrix.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The first of them.
    pub first_row: usize,
    /// How many they are.
    pub n_rows: usize,
    /// Where they are.
    pub view: View,
}

impl Matrix {
    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.packing.row_bytes(self.n_in)
    }

    /// The weights of a row of a part of `n_rows` rows, in whichever layout.
    ///
    /// Shapes: `bytes` is the part; gives `[n_in]`.
    pub fn unpack_row(&self, bytes: &[u8], n_rows: usize, row: usize) -> Vec<f64> {
        match self.layout {
            Layout::Rows => {
                let packed = &bytes[row * self.row_bytes()..][..self.row_bytes()];
                unpack_row(self.packing, packed, self.n_in)
            }
            Layout::Stripes => bytes
                .chunks(self.packing.stripe_bytes(n_rows))
                .take(self.n_in / BLOCK)
                .flat_map(|stripe| self.unpack_block(stripe, n_rows, row))
                .collect(),
        }
    }

    fn unpack_block(&self, stripe: &[u8], n_rows: usize, row: usize) -> Vec<f64> {
        let block_bytes = match self.packing {
            Packing::Q8 => BLOCK,
            _ => self.packing.row_bytes(BLOCK),
        };
        let mut packed = stripe[row * block_bytes..][..block_bytes].to_vec();
        if self.packing == Packing::Q8 {
            packed.extend_from_slice(&stripe[n_rows * BLOCK + 2 * row..][..2]);
        }
        unpack_row(self.packing, &packed, BLOCK)
    }

    pub(super) fn constants(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("PACKING", f64::from(self.packing.index())),
            (
                "STRIPES",
                f64::from(u8::from(self.layout == Layout::Stripes)),
            ),
            ("N_IN", self.n_in as f64),
            ("ROW_VECS", (self.row_bytes() / 16) as f64),
        ]
    }

    pub(super) fn kernel(&self, shader: &'static str, more: &[(&'static str, f64)]) -> Kernel {
        let mut constants = self.constants();
        constants.extend_from_slice(more);
        Kernel { shader, constants }
    }
}

/// The weights of a packed row.
///
/// Shapes: `bytes` is a row of `packing.row_bytes(n_in)`; gives `[n_in]`.
pub fn unpack_row(packing: Packing, bytes: &[u8], n_in: usize) -> Vec<f64> {
    let word = |i: usize| {
        [
            bytes[4 * i],
            bytes[4 * i + 1],
            bytes[4 * i + 2],
            bytes[4 * i + 3],
        ]
    };
    let half = |i: usize| [bytes[2 * i], bytes[2 * i + 1]];
    (0..n_in)
        .map(|i| match packing {
            Packing::F32 => f64::from(f32::from_le_bytes(word(i))),
            Packing::Bf16 => half::bf16::from_le_bytes(half(i)).to_f64(),
            Packing::F16 => half::f16::from_le_bytes(half(i)).to_f64(),
            Packing::Q8 => {
                let at = n_in / 2 + i / BLOCK;
                f64::from(bytes[i].cast_signed()) * half::f16::from_le_bytes(half(at)).to_f64()
            }
        })
        .collect()
}
