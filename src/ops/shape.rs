//! Grids, and the two functions that shaders share by import, in f64.

use crate::spec::gemma::{GELU_CUBIC, GELU_SQRT_2_OVER_PI};

/// Workgroups per dimension that every adapter allows, rounded down. Source: WebGPU, maxComputeWorkgroupsPerDimension.
const MAX_GROUPS: u32 = 32_768;

/// A grid of at least `n` workgroups in x and y; shaders skip those past the end.
pub fn groups(n: u32) -> [u32; 3] {
    [n.min(MAX_GROUPS), n.div_ceil(MAX_GROUPS), 1]
}

/// `cap * tanh(x / cap)`; `x` without a cap.
pub fn softcap(x: f64, cap: f64) -> f64 {
    if cap == 0.0 {
        x
    } else {
        cap * (x / cap).tanh()
    }
}

/// The tanh form of GELU. Source: arXiv:1606.08415.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + (GELU_SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)).tanh())
}
