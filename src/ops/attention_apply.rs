//! Attention with a pattern that was written: `z (+)= pattern v`.

use super::Heads;
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Elements of a head that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Keys of this part.
    pub n_keys: u32,
    /// Whether this is the first part, which sets z.
    pub is_first: u32,
}

/// Records one part.
///
/// Shapes: `pattern [n_pos, n_heads, n_keys]`, `v [n_keys, n_kv_heads d_head]`, `z [n_pos, n_heads d_head]`.
pub fn record(
    recording: &mut Recording,
    heads: &Heads,
    params: Params,
    pattern: &View,
    v: &View,
    z: &View,
) {
    let n = u64::from(params.n_keys) * u64::from(params.n_pos);
    recording.dispatch(Dispatch {
        kernel: heads.kernel("attention_apply"),
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![pattern.clone(), v.clone(), z.clone()],
        grid: [
            (heads.d_head as u32).div_ceil(WG_SIZE),
            heads.n_heads as u32,
            params.n_pos,
        ],
        cost: Cost {
            bytes_read: n * heads.n_heads as u64 * 4
                + u64::from(params.n_keys) * heads.kv_width() as u64 * 4,
            flops: n * heads.q_width() as u64 * 2,
        },
    });
}

/// The definition, of one part.
///
/// Shapes: `pattern [n_pos, n_heads, n_keys]`, `v [n_keys, n_kv_heads d_head]`, `z [n_pos, n_heads d_head]`.
pub fn twin(params: Params, heads: &Heads, pattern: &[f32], v: &[f32], z: &mut [f64]) {
    let n_keys = params.n_keys as usize;
    for row in 0..params.n_pos as usize {
        for head in 0..heads.n_heads {
            let at = row * heads.n_heads + head;
            for i in 0..heads.d_head {
                let value =
                    |key: usize| v[key * heads.kv_width() + heads.kv_head(head) * heads.d_head + i];
                let sum: f64 = (0..n_keys)
                    .map(|key| f64::from(pattern[at * n_keys + key]) * f64::from(value(key)))
                    .sum();
                let before = if params.is_first == 1 {
                    0.0
                } else {
                    z[at * heads.d_head + i]
                };
                z[at * heads.d_head + i] = before + sum;
            }
        }
    }
}
