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

    pub(super) fn constants(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("PACKING", f64::from(self.packing.index())),
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
