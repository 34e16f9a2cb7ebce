//! Sums of the columns of a packed matrix, chunk by chunk of rows: the mean row, once the host has added the chunks.

use super::Matrix;
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Rows that a thread adds up; few enough for f32, many enough for little to be read back.
pub const CHUNK_ROWS: usize = 2048;

/// Runs of 16 columns that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part of the matrix.
    pub n_rows: u32,
    /// Rows of a chunk.
    pub chunk_rows: u32,
    /// The first row of `sums` that is written.
    pub out_row: u32,
}

/// Rows of `sums`: no chunk lies in two parts of the matrix.
pub fn n_chunks(w: &Matrix) -> usize {
    let of_tiles = w.tiles.iter().map(|it| it.n_rows.div_ceil(CHUNK_ROWS));
    of_tiles.sum()
}

/// Records the sums, a dispatch per part of the matrix.
///
/// Shapes: `w [n_out, n_in]`, `sums [n_chunks(w), n_in]`.
pub fn record(recording: &mut Recording, w: &Matrix, sums: &View) {
    let mut out_row = 0;
    for tile in &w.tiles {
        let params = Params {
            n_rows: tile.n_rows as u32,
            chunk_rows: CHUNK_ROWS as u32,
            out_row,
        };
        let n_chunks = params.n_rows.div_ceil(params.chunk_rows);
        out_row += n_chunks;
        recording.dispatch(Dispatch {
            kernel: w.kernel("column_sums", &[]),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![tile.view.clone(), sums.clone()],
            grid: [(w.n_in as u32 / 16).div_ceil(WG_SIZE), n_chunks, 1],
            cost: Cost {
                bytes_read: (tile.n_rows * w.row_bytes()) as u64,
                flops: (tile.n_rows * w.n_in) as u64,
            },
        });
    }
}

/// The definition, for one part.
///
/// Shapes: `w` the part, `sums [>= out_row + chunks, n_in]`.
pub fn twin(params: Params, w: (&Matrix, &[u8]), sums: &mut [f64]) {
    let (matrix, bytes) = w;
    for row in 0..params.n_rows as usize {
        let chunk = params.out_row as usize + row / params.chunk_rows as usize;
        let out = &mut sums[chunk * matrix.n_in..][..matrix.n_in];
        if row % params.chunk_rows as usize == 0 {
            out.fill(0.0);
        }
        let weights = matrix.unpack_row(bytes, params.n_rows as usize, row);
        for (sum, weight) in out.iter_mut().zip(weights) {
            *sum += weight;
        }
    }
}
