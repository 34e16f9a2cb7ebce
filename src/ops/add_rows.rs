//! `x[first + pos] += y[pos]`, or one row added to every position.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Columns that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Width of a row.
    pub width: u32,
    /// The first row of `x` that is added to.
    pub first: u32,
    /// From row to row of `y`: its width, or 0 when one row goes to all.
    pub y_stride: u32,
}

/// Records the addition.
///
/// Shapes: `y [n_pos or 1, width]`, `x [>= first + n_pos, width]`.
pub fn record(recording: &mut Recording, params: Params, y: &View, x: &View) {
    let n = u64::from(params.n_pos) * u64::from(params.width);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "add_rows",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![y.clone(), x.clone()],
        grid: [params.width.div_ceil(WG_SIZE), params.n_pos, 1],
        cost: Cost {
            bytes_read: n * 8,
            flops: n,
        },
    });
}

/// The definition.
///
/// Shapes: `y [n_pos or 1, width]`, `x [>= first + n_pos, width]`, added to.
pub fn twin(params: Params, y: &[f32], x: &mut [f64]) {
    let width = params.width as usize;
    for pos in 0..params.n_pos as usize {
        for i in 0..width {
            x[(params.first as usize + pos) * width + i] +=
                f64::from(y[pos * params.y_stride as usize + i]);
        }
    }
}
