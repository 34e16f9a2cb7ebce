//! `y = y / 2 + x`, over and over: what the adapter computes at best, the yardstick of kernels that multiply.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Fours of floats that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;
/// Chains of a thread, four floats each.
const N_CHAINS: u64 = 4;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Fours of floats.
    pub n: u32,
    /// Steps of each chain.
    pub n_steps: u32,
}

/// Records it.
///
/// Shapes: `x [n, 4]`, `y [n, 4]`.
pub fn record(recording: &mut Recording, params: Params, x: &View, y: &View) {
    let n = u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "multiply_add",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![x.clone(), y.clone()],
        grid: [params.n.div_ceil(WG_SIZE), 1, 1],
        cost: Cost {
            bytes_read: 32 * n,
            flops: 2 * 4 * N_CHAINS * n * u64::from(params.n_steps),
        },
    });
}

/// The definition: all chains are equal.
///
/// Shapes: `x [n, 4]`, `y [n, 4]`.
pub fn twin(params: Params, x: &[f32], y: &mut [f64]) {
    for i in 0..4 * params.n as usize {
        for _ in 0..params.n_steps {
            y[i] = y[i] * 0.5 + f64::from(x[i]);
        }
    }
}
