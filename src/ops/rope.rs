//! Turns queries in place and keys on their way into the cache, and puts values there.

use super::Heads;
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Threads of a workgroup; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// The first of them in `qkv`.
    pub first_row: u32,
    /// Where in this part of the cache they go, and whose angles they are turned by.
    pub cache_row: u32,
}

/// The part of the cache that the rows go to, and the angles of its positions.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `[.., d_head / 2]` (cos, sin) of the cache's positions.
    pub angles: &'a View,
    /// `[.., n_kv_heads * d_head]`.
    pub k: &'a View,
    /// `[.., n_kv_heads * d_head]`.
    pub v: &'a View,
}

/// (cos, sin) of positions `0..n_ctx`: `[n_ctx, d_head / 2, 2]`.
///
/// The angle is rounded to f32 as the reference rounds it, its cosine is not.
/// Source: transformers `modeling_gemma2.py`, Gemma2RotaryEmbedding.
pub fn angles(n_ctx: usize, d_head: usize, theta: f64) -> Vec<f32> {
    let frequencies: Vec<f32> = (0..d_head / 2)
        .map(|i| 1.0 / (theta as f32).powf(2.0 * i as f32 / d_head as f32))
        .collect();
    (0..n_ctx)
        .flat_map(|pos| frequencies.iter().map(move |it| f64::from(it * pos as f32)))
        .flat_map(|angle| [angle.cos() as f32, angle.sin() as f32])
        .collect()
}

/// Records the turning of `params.n_pos` rows.
///
/// Shapes: `qkv [.., (n_heads + 2 n_kv_heads) d_head]`.
pub fn record(
    recording: &mut Recording,
    heads: &Heads,
    params: Params,
    qkv: &View,
    place: Place<'_>,
) {
    let n_pairs = (heads.n_heads + heads.n_kv_heads) * heads.d_head / 2;
    let n_threads = (n_pairs + heads.kv_width()) as u32;
    let n_bytes = u64::from(params.n_pos) * (heads.qkv_width() + heads.d_head) as u64 * 4;
    recording.dispatch(Dispatch {
        kernel: heads.kernel("rope"),
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            place.angles.clone(),
            qkv.clone(),
            place.k.clone(),
            place.v.clone(),
        ],
        grid: [n_threads.div_ceil(WG_SIZE), params.n_pos, 1],
        cost: Cost {
            bytes_read: n_bytes,
            flops: n_bytes,
        },
    });
}

/// The definition: `cache` is keys, then values.
///
/// Shapes: `angles [.., d_head / 2, 2]`, `qkv [.., (n_heads + 2 n_kv_heads) d_head]`, each of `cache [.., n_kv_heads d_head]`.
pub fn twin(
    params: Params,
    heads: &Heads,
    angles: &[f32],
    qkv: &mut [f64],
    cache: (&mut [f64], &mut [f64]),
) {
    let (k, v) = cache;
    let (half, d_kv) = (heads.d_head / 2, heads.kv_width());
    for pos in 0..params.n_pos as usize {
        let row = (params.first_row as usize + pos) * heads.qkv_width();
        let place = params.cache_row as usize + pos;
        let cached = place * d_kv;
        for i in 0..d_kv {
            v[cached + i] = qkv[row + heads.q_width() + d_kv + i];
        }
        for head in 0..heads.n_heads + heads.n_kv_heads {
            for i in 0..half {
                let at = row + head * heads.d_head + i;
                let (cos, sin) = (
                    angles[2 * (place * half + i)],
                    angles[2 * (place * half + i) + 1],
                );
                let (cos, sin, a, b) = (f64::from(cos), f64::from(sin), qkv[at], qkv[at + half]);
                let turned = (a * cos - b * sin, b * cos + a * sin);
                if head < heads.n_heads {
                    (qkv[at], qkv[at + half]) = turned;
                } else {
                    let to = cached + (head - heads.n_heads) * heads.d_head + i;
                    (k[to], k[to + half]) = turned;
                }
            }
        }
    }
}
