//! `y = x`: what the adapter's memory gives, the yardstick of kernels that read weights.

use super::groups;
use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Fours of floats that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Fours of floats.
    pub n: u32,
}

/// Records the copy of `n` fours of floats.
///
/// Shapes: `x [n, 4]`, `y [n, 4]`.
pub fn record(recording: &mut Recording, n: usize, x: &View, y: &View) {
    let params = Params { n: n as u32 };
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "copy",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![x.clone(), y.clone()],
        grid: groups(params.n.div_ceil(WG_SIZE)),
        cost: Cost {
            bytes_read: 16 * n as u64,
            flops: 0,
        },
    });
}

/// The definition.
///
/// Shapes: `x [n, 4]`, `y [n, 4]`.
pub fn twin(params: Params, x: &[f32], y: &mut [f64]) {
    for i in 0..4 * params.n as usize {
        y[i] = f64::from(x[i]);
    }
}
