//! Euclidean norms of the rows of a packed matrix.

use super::{Matrix, groups};
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part of the matrix.
    pub n_out: u32,
    /// Where in `norms` they go.
    pub out_offset: u32,
}

/// Records the norms, a dispatch per part of the matrix.
///
/// Shapes: `w [n_out, n_in]`, `norms [n_out]`.
pub fn record(recording: &mut Recording, w: &Matrix, norms: &View) {
    for tile in &w.tiles {
        let params = Params {
            n_out: tile.n_rows as u32,
            out_offset: tile.first_row as u32,
        };
        recording.dispatch(Dispatch {
            kernel: w.kernel("row_norms", &[]),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![tile.view.clone(), norms.clone()],
            grid: groups(params.n_out),
            cost: Cost {
                bytes_read: (tile.n_rows * w.row_bytes()) as u64,
                flops: 2 * (tile.n_rows * w.n_in) as u64,
            },
        });
    }
}

/// The definition, for one part.
///
/// Shapes: `w` the part, `norms` written from `out_offset` on.
pub fn twin(params: Params, w: (&Matrix, &[u8]), norms: &mut [f64]) {
    let (matrix, bytes) = w;
    for row in 0..params.n_out as usize {
        let weights = matrix.unpack_row(bytes, params.n_out as usize, row);
        let square: f64 = weights.iter().map(|it| it.powi(2)).sum();
        norms[params.out_offset as usize + row] = square.sqrt();
    }
}
