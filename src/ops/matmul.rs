//! `Y = cap(X' W^T)` for up to 64 positions, `X' = (1 + gain) X`: a prompt reads every weight once per 64 positions.

use super::{Matrix, groups, softcap};
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Rows of the matrix that a workgroup computes; `TILE_OUT` of the shader.
pub const TILE_OUT: u32 = 32;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions, at most 64.
    pub n_pos: u32,
    /// Rows of this part of the matrix.
    pub n_out: u32,
    /// Where in a row of `y` they go.
    pub out_offset: u32,
    /// Width of a row of `y`.
    pub out_stride: u32,
}

/// What comes in and what is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// `[n_pos, n_in]`.
    pub x: &'a View,
    /// Positions, at most 64.
    pub n_pos: usize,
    /// `[n_in]`, multiplied in as 1 + gain.
    pub gain: Option<&'a View>,
    /// Softcap of the result; 0 is none.
    pub cap: f64,
}

/// Records the product, a dispatch per part of the matrix.
///
/// Shapes: `x [n_pos, n_in]`, `gain [n_in]`, `y [n_pos, n_out]`.
pub fn record(recording: &mut Recording, w: &Matrix, form: Form<'_>, y: &View) {
    for tile in &w.tiles {
        let params = Params {
            n_pos: form.n_pos as u32,
            n_out: tile.n_rows as u32,
            out_offset: tile.first_row as u32,
            out_stride: w.n_out as u32,
        };
        let more = [
            ("GAIN", f64::from(u8::from(form.gain.is_some()))),
            ("CAP", form.cap),
        ];
        let gain = form.gain.unwrap_or(form.x).clone();
        recording.dispatch(Dispatch {
            kernel: w.kernel("matmul", &more),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![form.x.clone(), gain, tile.view.clone(), y.clone()],
            grid: groups(params.n_out.div_ceil(TILE_OUT)),
            cost: Cost {
                bytes_read: (tile.n_rows * w.row_bytes() + form.n_pos * w.n_in * 4) as u64,
                flops: 2 * (form.n_pos * tile.n_rows * w.n_in) as u64,
            },
        });
    }
}

/// The definition, for the rows of one part.
///
/// Shapes: `x [n_pos, n_in]`, `gain [n_in]`, `y [n_pos, out_stride]`.
pub fn twin(
    params: Params,
    w: (&Matrix, &[u8]),
    x: &[f32],
    form: (Option<&[f32]>, f64),
    y: &mut [f64],
) {
    let (matrix, bytes) = w;
    let (gain, cap) = form;
    for row in 0..params.n_out as usize {
        let weights = matrix.unpack_row(bytes, params.n_out as usize, row);
        for pos in 0..params.n_pos as usize {
            let of_pos = &x[pos * matrix.n_in..][..matrix.n_in];
            let sum: f64 = (0..matrix.n_in)
                .map(|i| {
                    weights[i]
                        * f64::from(of_pos[i])
                        * (1.0 + gain.map_or(0.0, |it| f64::from(it[i])))
                })
                .sum();
            y[pos * params.out_stride as usize + params.out_offset as usize + row] =
                softcap(sum, cap);
        }
    }
}
