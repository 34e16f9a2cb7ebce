//! `x = scale * w[id]`: tokens become rows of the stream.

use super::Matrix;
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// The first of them in `ids`.
    pub first_id: u32,
    /// The first row of this part of the table.
    pub first_row: u32,
    /// Rows of this part.
    pub n_rows: u32,
}

/// Which tokens, and what their rows are multiplied by.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    /// `[>= first_id + n_pos]` u32.
    pub ids: &'a View,
    /// The first position.
    pub first_id: usize,
    /// Positions.
    pub n_pos: usize,
    /// sqrt(d_model).
    pub scale: f64,
}

/// Records the lookup, a dispatch per part of the table; each token's row is written by the part that holds it.
///
/// Shapes: `w [d_vocab, d_model]`, `x [n_pos, d_model]`.
pub fn record(recording: &mut Recording, w: &Matrix, tokens: Tokens<'_>, x: &View) {
    for (n, tile) in w.tiles.iter().enumerate() {
        let params = Params {
            n_pos: tokens.n_pos as u32,
            first_id: tokens.first_id as u32,
            first_row: tile.first_row as u32,
            n_rows: tile.n_rows as u32,
        };
        // Every row is read once, by one of the parts; the first part's dispatch declares it.
        let n_rows_read = if n == 0 { tokens.n_pos } else { 0 };
        recording.dispatch(Dispatch {
            kernel: w.kernel("embed", &[("SCALE", tokens.scale)]),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![tokens.ids.clone(), tile.view.clone(), x.clone()],
            grid: [params.n_pos, 1, 1],
            cost: Cost {
                bytes_read: (n_rows_read * w.row_bytes() + tokens.n_pos * 4) as u64,
                flops: (n_rows_read * w.n_in) as u64,
            },
        });
    }
}

/// The definition, for one part of the table.
///
/// Shapes: `ids [>= first_id + n_pos]`, `w` the part, `x [n_pos, n_in]`.
pub fn twin(params: Params, w: (&Matrix, &[u8]), ids: &[u32], scale: f64, x: &mut [f64]) {
    let (matrix, bytes) = w;
    for pos in 0..params.n_pos as usize {
        let id = ids[params.first_id as usize + pos];
        if id < params.first_row || id - params.first_row >= params.n_rows {
            continue;
        }
        let row = (id - params.first_row) as usize;
        let weights = matrix.unpack_row(bytes, params.n_rows as usize, row);
        for (i, weight) in weights.into_iter().enumerate() {
            x[pos * matrix.n_in + i] = weight * scale;
        }
    }
}
