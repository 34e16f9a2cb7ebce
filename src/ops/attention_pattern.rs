//! The pattern of attention, from the statistics that attention left; computed only when somebody asks.

use super::{Heads, heads::sees};
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Keys that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// The first of them.
    pub first_pos: u32,
    /// The first position of this part of the cache.
    pub first_key: u32,
    /// Positions of this part that hold keys.
    pub n_keys: u32,
    /// Positions that are seen, one's own included.
    pub window: u32,
}

/// What is read: turned queries, turned keys of the part, statistics over all keys.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    /// `[n_pos, (n_heads + 2 n_kv_heads) d_head]`.
    pub qkv: &'a View,
    /// `[n_keys, n_kv_heads * d_head]`.
    pub k: &'a View,
    /// `[n_pos, n_heads]` (largest score, sum of exponentials).
    pub stats: &'a View,
}

/// Records the pattern of one part.
///
/// Shapes: `pattern [n_pos, n_heads, n_keys]`.
pub fn record(
    recording: &mut Recording,
    heads: &Heads,
    params: Params,
    scores: Scores<'_>,
    pattern: &View,
) {
    let n = u64::from(params.n_keys) * u64::from(params.n_pos);
    recording.dispatch(Dispatch {
        kernel: heads.kernel("attention_pattern"),
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            scores.qkv.clone(),
            scores.k.clone(),
            scores.stats.clone(),
            pattern.clone(),
        ],
        grid: [
            params.n_keys.div_ceil(WG_SIZE),
            heads.n_heads as u32,
            params.n_pos,
        ],
        cost: Cost {
            bytes_read: u64::from(params.n_keys + params.n_pos) * heads.qkv_width() as u64 * 4,
            flops: n * heads.q_width() as u64 * 2,
        },
    });
}

/// The definition, of one part.
///
/// Shapes: `qkv [n_pos, (n_heads + 2 n_kv_heads) d_head]`, `k [n_keys, n_kv_heads d_head]`, `stats [n_pos, n_heads, 2]`,
/// `pattern [n_pos, n_heads, n_keys]`.
pub fn twin(
    params: Params,
    heads: &Heads,
    qkv: &[f32],
    k: &[f32],
    stats: &[f32],
    pattern: &mut [f64],
) {
    let n_keys = params.n_keys as usize;
    for row in 0..params.n_pos as usize {
        for head in 0..heads.n_heads {
            let at = row * heads.n_heads + head;
            let query = &qkv[row * heads.qkv_width() + head * heads.d_head..][..heads.d_head];
            for key in 0..n_keys {
                let seen = sees(
                    params.first_pos as usize + row,
                    params.first_key as usize + key,
                    params.window,
                );
                let of_key = &k[key * heads.kv_width() + heads.kv_head(head) * heads.d_head..]
                    [..heads.d_head];
                let (largest, total) = (f64::from(stats[2 * at]), f64::from(stats[2 * at + 1]));
                pattern[at * n_keys + key] = match seen {
                    true => (heads.score(query, of_key) - largest).exp() / total,
                    false => 0.0,
                };
            }
        }
    }
}
