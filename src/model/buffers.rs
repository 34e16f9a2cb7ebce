//! The buffers that a pass works in, and those that a prompt leaves its keys and values in.

use super::{
    ModelError,
    probs::{MAX_ASKED, MAX_TOP_K},
    sizes::Sizes,
};
use crate::{
    gpu::{Buffer, Gpu, GpuError, Use},
    ops::{argmax_slices, rope},
    spec::{Bytes, Config},
};

/// Activations of a block of positions. Widths in floats stand in `new`.
pub(super) struct Scratch {
    /// The residual stream: `[n_block, d_model]`.
    pub x: Buffer,
    /// What attention or the MLP computed, before its post norm: `[n_block, d_model]`.
    pub o: Buffer,
    /// Normalised rows: `[n_block, d_model]`.
    pub n: Buffer,
    /// Queries, keys and values: `[n_block, (n_heads + 2 n_kv_heads) d_head]`.
    pub qkv: Buffer,
    /// Attention's sums: `[n_block, n_heads d_head]`.
    pub z: Buffer,
    /// Attention's statistics: `[n_block, n_heads, 2]`.
    pub stats: Buffer,
    /// `[n_block, d_mlp]`.
    pub h: Buffer,
    /// `[n_block, d_mlp]`.
    pub up: Buffer,
    /// The attention pattern of one part: `[n_block, n_heads, n_part]`.
    pub pattern: Buffer,
    /// `[n_logits, d_vocab]`.
    pub logits: Buffer,
    /// The best of each slice of a row of logits, as (value, token).
    pub best: Buffer,
    /// Tokens asked for.
    pub asked: Buffer,
    /// What is told of rows of logits: `[n_logits, 2 + n_asked]`.
    pub told: Buffer,
    /// The most probable tokens: `[n_logits, k, 2]`.
    pub top: Buffer,
    /// What a norm multiplied rows by, for norms whose scales nobody keeps: `[n_block]`.
    pub scales: Buffer,
}

/// What a prompt leaves behind, for `n_ctx` positions.
pub(super) struct Context {
    /// Tokens: `[n_ctx]` u32.
    pub ids: Buffer,
    /// The stream after the last layer: `[n_ctx, d_model]`.
    pub last: Buffer,
    /// Parts of the cache.
    pub parts: Vec<CachePart>,
    /// Positions there is room for.
    pub n_ctx: usize,
}

/// Positions of the cache that fit a binding.
pub(super) struct CachePart {
    /// The first position.
    pub first: usize,
    /// Positions.
    pub n_pos: usize,
    /// (cos, sin) of their angles: `[n_pos, d_head / 2, 2]`.
    pub angles: Buffer,
    /// By layer, keys and values: `[n_pos, n_kv_heads d_head]`.
    pub layers: Vec<(Buffer, Buffer)>,
}

impl Scratch {
    /// Without memory, while one makes room for the next.
    pub fn detached() -> Self {
        let none = || Buffer::detached("none", 0);
        let (x, o, n, qkv, z, stats, h) = (none(), none(), none(), none(), none(), none(), none());
        let (up, pattern, logits, best, asked, told, top) =
            (none(), none(), none(), none(), none(), none(), none());
        let scales = none();
        Self {
            x,
            o,
            n,
            qkv,
            z,
            stats,
            h,
            up,
            pattern,
            logits,
            best,
            asked,
            told,
            top,
            scales,
        }
    }

    pub async fn new(gpu: &Gpu, config: &Config, sizes: &Sizes) -> Result<Self, GpuError> {
        let rows = async |label: &str, n_rows: usize, width: usize| {
            gpu.buffer(label, 4 * (n_rows * width) as u64, Use::Scratch)
                .await
        };
        let (block, logits) = (sizes.n_block, sizes.n_logits);
        Ok(Self {
            x: rows("residual stream", block, config.d_model).await?,
            o: rows("branch output", block, config.d_model).await?,
            n: rows("normalised rows", block, config.d_model).await?,
            qkv: rows(
                "queries, keys, values",
                block,
                config.d_q() + 2 * config.d_kv(),
            )
            .await?,
            z: rows("attention sums", block, config.d_q()).await?,
            stats: rows("attention statistics", block, 2 * config.n_heads).await?,
            h: rows("gated activations", block, config.d_mlp).await?,
            up: rows("up projection", block, config.d_mlp).await?,
            pattern: rows("attention pattern", block, config.n_heads * sizes.n_part).await?,
            logits: rows("logits", logits, config.d_vocab).await?,
            best: rows("best of slices", 2, argmax_slices::n_slices(config.d_vocab)).await?,
            asked: rows("tokens asked for", 1, MAX_ASKED).await?,
            told: rows("distribution", logits, 2 + MAX_ASKED).await?,
            top: rows("most probable tokens", logits, 2 * MAX_TOP_K).await?,
            scales: rows("scales of norms", block, 1).await?,
        })
    }
}

impl Context {
    /// Without memory, while one makes room for the next.
    pub fn detached() -> Self {
        let none = || Buffer::detached("none", 0);
        Self {
            ids: none(),
            last: none(),
            parts: Vec::new(),
            n_ctx: 0,
        }
    }

    pub async fn new(
        gpu: &Gpu,
        config: &Config,
        sizes: &Sizes,
        n_ctx: usize,
    ) -> Result<Self, ModelError> {
        let ids = gpu.buffer("tokens", 4 * n_ctx as u64, Use::Scratch).await?;
        let last_bytes = 4 * (n_ctx * config.d_model) as u64;
        let last = gpu
            .buffer("final residual stream", last_bytes, Use::Scratch)
            .await?;
        let angles = rope::angles(n_ctx, config.d_head, config.rope_theta);
        let mut parts = Vec::new();
        for (first, n_pos) in sizes.parts(n_ctx) {
            let of_part = &angles[first * config.d_head..][..n_pos * config.d_head];
            parts.push(CachePart::new(gpu, config, (first, n_pos), of_part).await?);
        }
        Ok(Self {
            ids,
            last,
            parts,
            n_ctx,
        })
    }
}

impl CachePart {
    async fn new(
        gpu: &Gpu,
        config: &Config,
        (first, n_pos): (usize, usize),
        angles: &[f32],
    ) -> Result<Self, ModelError> {
        let bytes: Vec<u8> = bytemuck::cast_slice(angles).to_vec();
        let buffer = gpu
            .buffer("rope angles", bytes.len() as u64, Use::Cache)
            .await?;
        gpu.upload(&buffer, 0, &Bytes::from(bytes)).await?;
        let kv_bytes = 4 * (n_pos * config.d_kv()) as u64;
        let mut layers = Vec::new();
        for layer in 0..config.n_layers {
            let k = gpu
                .buffer(&format!("keys of layer {layer}"), kv_bytes, Use::Cache)
                .await?;
            let v = gpu
                .buffer(&format!("values of layer {layer}"), kv_bytes, Use::Cache)
                .await?;
            layers.push((k, v));
        }
        Ok(Self {
            first,
            n_pos,
            angles: buffer,
            layers,
        })
    }
}
