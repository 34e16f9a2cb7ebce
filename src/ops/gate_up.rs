//! `h = gelu(W_gate v) * (W_up v)` with `v = (1 + gain) x / rms(x)`, for one position.

use super::{Matrix, gelu, groups, matvec};
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Rows of each matrix that a workgroup computes; `ROWS` of the shader.
pub const ROWS: u32 = 2;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part of both matrices.
    pub n_out: u32,
    /// Where in `h` they go.
    pub out_offset: u32,
}

/// The stream, the gain that is folded in, and the epsilon of the norm.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// `[n_in]`.
    pub x: &'a View,
    /// `[n_in]`.
    pub gain: &'a View,
    /// Of the norm.
    pub eps: f64,
}

/// Records the gated product, a dispatch per part; both matrices are split alike.
///
/// Shapes: `x [d_model]`, `gain [d_model]`, `h [d_mlp]`.
pub fn record(recording: &mut Recording, gate: &Matrix, up: &Matrix, stream: Stream<'_>, h: &View) {
    for (of_gate, of_up) in gate.tiles.iter().zip(&up.tiles) {
        let params = Params {
            n_out: of_gate.n_rows as u32,
            out_offset: of_gate.first_row as u32,
        };
        let (x, gain) = (stream.x.clone(), stream.gain.clone());
        recording.dispatch(Dispatch {
            kernel: gate.kernel("gate_up", &[("EPS", stream.eps)]),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![x, gain, of_gate.view.clone(), of_up.view.clone(), h.clone()],
            grid: groups(params.n_out.div_ceil(ROWS)),
            cost: Cost {
                bytes_read: (2 * of_gate.n_rows * gate.row_bytes() + gate.n_in * 8) as u64,
                flops: 4 * (of_gate.n_rows * gate.n_in) as u64,
            },
        });
    }
}

/// The definition, for the rows of one part: `gate` and `up` are a matrix's shape and its packed rows.
///
/// Shapes: `x [n_in]`, `gain [n_in]`, `h` written from `out_offset` on.
pub fn twin(
    params: Params,
    gate: (&Matrix, &[u8]),
    up: &[u8],
    x: (&[f32], &[f32], f64),
    h: &mut [f64],
) {
    let (stream, gain, eps) = x;
    let product = matvec::Params {
        n_out: params.n_out,
        out_offset: 0,
    };
    let form = (Some(eps), Some(gain), 0.0);
    let mut of_gate = vec![0.0; params.n_out as usize];
    let mut of_up = of_gate.clone();
    matvec::twin(product, gate, stream, form, &mut of_gate);
    matvec::twin(product, (gate.0, up), stream, form, &mut of_up);
    for (row, (g, u)) in of_gate.into_iter().zip(of_up).enumerate() {
        h[params.out_offset as usize + row] = gelu(g) * u;
    }
}
