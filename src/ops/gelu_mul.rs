//! `h = gelu(h) * up`, element by element.

use super::{gelu, groups};
use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Elements that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Elements.
    pub n: u32,
}

/// Records it for `n` elements.
///
/// Shapes: `up [n]`, `h [n]`.
pub fn record(recording: &mut Recording, n: usize, up: &View, h: &View) {
    let params = Params { n: n as u32 };
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "gelu_mul",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![up.clone(), h.clone()],
        grid: groups(params.n.div_ceil(WG_SIZE)),
        cost: Cost {
            bytes_read: 8 * n as u64,
            flops: 10 * n as u64,
        },
    });
}

/// The definition.
///
/// Shapes: `up [n]`, `h [n]`.
pub fn twin(params: Params, up: &[f32], h: &mut [f64]) {
    for i in 0..params.n as usize {
        h[i] = gelu(h[i]) * f64::from(up[i]);
    }
}
