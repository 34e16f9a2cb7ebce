//! Causal attention with softcap and window over one part of the cache, carried on from the parts before.

use super::{
    Heads,
    heads::{LOWEST, sees},
};
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

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
    /// Whether this is the first part.
    pub is_first: u32,
    /// Whether this is the last part, which divides.
    pub is_last: u32,
}

/// A part of the cache.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// `[n_keys, n_kv_heads * d_head]`.
    pub k: &'a View,
    /// `[n_keys, n_kv_heads * d_head]`.
    pub v: &'a View,
}

/// Where the sums go.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a> {
    /// `[n_pos, n_heads * d_head]`.
    pub z: &'a View,
    /// `[n_pos, n_heads]` (largest score, sum of exponentials).
    pub stats: &'a View,
}

/// Records one part.
///
/// Shapes: `qkv [n_pos, (n_heads + 2 n_kv_heads) d_head]`.
pub fn record(
    recording: &mut Recording,
    heads: &Heads,
    params: Params,
    qkv: &View,
    part: Part<'_>,
    sums: Sums<'_>,
) {
    recording.dispatch(Dispatch {
        kernel: heads.kernel("attention"),
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            qkv.clone(),
            part.k.clone(),
            part.v.clone(),
            sums.z.clone(),
            sums.stats.clone(),
        ],
        grid: [heads.n_heads as u32, params.n_pos, 1],
        cost: Cost {
            bytes_read: u64::from(params.n_keys) * heads.kv_width() as u64 * 8
                + u64::from(params.n_pos) * heads.q_width() as u64 * 4,
            flops: u64::from(params.n_keys) * u64::from(params.n_pos) * heads.q_width() as u64 * 4,
        },
    });
}

/// The definition, of one part: `sums` is `z`, then `stats` as (largest, sum) pairs.
///
/// Shapes: `qkv [n_pos, (n_heads + 2 n_kv_heads) d_head]`, `k`, `v [n_keys, n_kv_heads d_head]`.
pub fn twin(
    params: Params,
    heads: &Heads,
    qkv: &[f32],
    kv: (&[f32], &[f32]),
    sums: (&mut [f64], &mut [f64]),
) {
    let (z, stats) = sums;
    for row in 0..params.n_pos as usize {
        for head in 0..heads.n_heads {
            let out = &mut z[(row * heads.n_heads + head) * heads.d_head..][..heads.d_head];
            let carried = &mut stats[2 * (row * heads.n_heads + head)..][..2];
            if params.is_first == 1 {
                out.fill(0.0);
                carried.copy_from_slice(&[f64::from(LOWEST), 0.0]);
            }
            let query = &qkv[row * heads.qkv_width() + head * heads.d_head..][..heads.d_head];
            of_head(params, heads, (row, head), query, kv, (out, carried));
        }
    }
}

fn of_head(
    params: Params,
    heads: &Heads,
    (row, head): (usize, usize),
    query: &[f32],
    (k, v): (&[f32], &[f32]),
    (out, carried): (&mut [f64], &mut [f64]),
) {
    let pos = params.first_pos as usize + row;
    for key in 0..params.n_keys as usize {
        if !sees(pos, params.first_key as usize + key, params.window) {
            continue;
        }
        let at = key * heads.kv_width() + heads.kv_head(head) * heads.d_head;
        let score = heads.score(query, &k[at..][..heads.d_head]);
        let largest = carried[0].max(score);
        let (kept, weight) = ((carried[0] - largest).exp(), (score - largest).exp());
        carried[0] = largest;
        carried[1] = carried[1] * kept + weight;
        for (sum, value) in out.iter_mut().zip(&v[at..]) {
            *sum = *sum * kept + weight * f64::from(*value);
        }
    }
    if params.is_last == 1 {
        out.iter_mut().for_each(|it| *it /= carried[1]);
    }
}
